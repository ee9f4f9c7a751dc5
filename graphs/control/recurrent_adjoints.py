"""The way back through recurrent layers as loops over ops: slower than the kernels, and differentiable to any order.

What ``graphs.ops.recurrent`` computes in place is written here once more as a Function of the same arguments, whose adjoint
is the gradient of a gradient. Sequences of different lengths are laid side by side with zeros behind their ends, where a
step hands on what it is handed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import accumulate
from typing import Any

import numpy

from graphs.autodiff import adjoint
from graphs.control.loop import loop
from graphs.core.function import Function, trace
from graphs.core.node import Value
from graphs.core.spec import Spec
from graphs.ops.einsum import tensordot
from graphs.ops.elementwise import cast_like
from graphs.ops.functions import square
from graphs.ops.joining import concat, split
from graphs.ops.linalg import matmul
from graphs.ops.logic import greater, where
from graphs.ops.reduction import sum as total
from graphs.ops.segments import segment_sum, segment_take
from graphs.ops.shape import expand_dims, rank, shape_of, squeeze, zeros_like
from graphs.ops.slicing import Slice, getitem
from graphs.ops.steps import Sizes
from graphs.ops.trigonometric import tanh


Flags = tuple[bool, ...]


def backwards(
    name: str,
    wanted: Flags,
    gs: Sequence[Any],
    args: Sequence[Any],
    *,
    needs: Flags,
    flows: Flags,
    batch_sizes: Sizes = None,
    reverse: bool = False,
    nonlinearity: str = "tanh",
) -> list[Any]:
    """The gradients of the arguments of a layer's gradient that ``wanted`` marks, where ``gs`` flow into its outputs."""
    positions = [k for k, need in enumerate(needs) if need]
    asked = tuple(k for k, g in zip(positions, gs, strict=True) if g is not None)
    kind = args[0].dtype
    dtype = getattr(kind, "numpy", kind)  # a tensor's dtype is its front-end's
    way = _Way(batch_sizes, reverse, rank(args[0]) == 2)
    function = _function(name, tuple(rank(x) or 0 for x in args), dtype, asked, flows, way, nonlinearity)
    found = iter(adjoint(function, wanted)(*args, *(g for g in gs if g is not None)))
    return [next(found) if need else None for need in wanted]


@lru_cache(maxsize=256)
def _function(
    name: str, ranks: tuple[int, ...], dtype: Any, asked: tuple[int, ...], flows: Flags, way: _Way, nonlinearity: str
) -> Function:
    """The gradients at the positions ``asked`` as a Function of the arguments of the layer's gradient."""
    layer = {"lstm": _lstm, "gru": _gru, "rnn": _rnn}[name]
    rows = _ROWS[name]

    def call(*args: Any) -> list[Any]:
        arguments, given = args[: len(rows)], iter(args[len(rows) :])
        gs = [next(given) if flow else None for flow in flows]
        states = 2 if name == "lstm" else 1
        arrays = [way.aligned(x) if is_row else x for x, is_row in zip(arguments, rows, strict=True)]
        gs = [g if g is None or 1 <= i <= states else way.aligned(g) for i, g in enumerate(gs)]
        every = layer(way, arrays, gs, nonlinearity)
        every[0] = way.unaligned(every[0], args[0])
        return [every[k] for k in asked]

    return trace(call, *(Spec((None,) * n, dtype) for n in ranks), name=f"{name}_gradient")[0]


_ROWS = {
    "lstm": (True, False, False, False, False, True, True, True),
    "gru": (True, False, False, False, True, True),
    "rnn": (True, False, False, False, True),
}
"""Which arguments of a layer's gradient have a row for each step of each sequence."""


class _Way:
    """How rows become (steps, batch, ...) and what stands there behind the end of a sequence."""

    def __init__(self, sizes: Sizes, reverse: bool, single: bool) -> None:
        self.sizes, self.reverse, self.single = sizes, reverse, single
        if sizes is not None:
            starts = accumulate(sizes, initial=0)
            lanes = numpy.arange(sizes[0])
            self.numbers = numpy.stack(
                [numpy.where(lanes < n, lanes + at, -1) for n, at in zip(sizes, starts, strict=False)]
            )
            self.ended = (self.numbers < 0)[..., None]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Way) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def _key(self) -> tuple[Any, ...]:
        return (self.sizes, self.reverse, self.single)

    def aligned(self, x: Any) -> Any:
        if self.sizes is not None:
            return segment_take(x, self.numbers)
        return expand_dims(x, axis=0) if self.single else x

    def unaligned(self, x: Any, like: Any) -> Any:
        if self.sizes is not None:
            return segment_sum(x, like, self.numbers)
        return squeeze(x, axis=0) if self.single else x

    def before(self, first: Any, xs: Any) -> Any:
        """What each step found: the state of the step before it, or the first."""
        head = expand_dims(first, axis=0)
        if not self.reverse:
            return concat(head, getitem(xs, index=(Slice(None, -1),)), axis=0)
        if self.sizes is not None:
            xs = where(self.ended, head, xs)
        return concat(getitem(xs, index=(Slice(1),)), head, axis=0)

    def round(self, step: Callable[..., Any], states: Sequence[Any], rows: Sequence[Any], weight: Any) -> tuple[Any, ...]:
        """``step(states, rows, weight) -> (states, row)`` from the last step to the first: its states, and its rows."""
        sequences = [x for x in rows if x is not None]
        if self.sizes is not None:
            sequences.append(self.ended)

        def body(*values: Any) -> list[Any]:
            old = values[: len(states)]
            slices = iter(values[len(states) : -1])
            new, row = step(old, [None if x is None else next(slices) for x in rows], values[-1])
            if self.sizes is not None:
                ended = next(slices)
                new, row = [where(ended, x, y) for x, y in zip(old, new, strict=True)], where(ended, 0.0, row)
            return [*new, row]

        specs = [x.spec for x in states] + [_sliced(x) for x in sequences] + [weight.spec]
        function, captured = trace(body, *specs, name="step back")
        assert not captured
        length = getitem(shape_of(rows[-1]), index=(0,))
        return tuple(
            loop(
                length,
                *states,
                *sequences,
                weight,
                body=function,
                states=len(states),
                sequences=len(sequences),
                reverse=not self.reverse,
            )[1:]
        )


def _sliced(x: Any) -> Spec:
    dims = x.spec.shape if isinstance(x, Value) else x.shape
    return Spec(dims[1:], x.dtype)


def _gradients(d_in: Any, d_state: Any, x: Any, before: Any, w_ih: Any, states: Sequence[Any]) -> list[Any]:
    """Of inputs, first states, weights and biases."""
    along = ((0, 1), (0, 1))
    weights = [tensordot(d_in, x, axes=along), tensordot(d_state, before, axes=along)]
    return [matmul(d_in, w_ih), *states, *weights, total(d_in, axis=(0, 1)), total(d_state, axis=(0, 1))]


def _or_zeros(g: Any, like: Any) -> Any:
    return zeros_like(like) if g is None else g


def _slope(gate: Any) -> Any:
    return gate * (1 - gate)


def _lstm(way: _Way, arrays: Sequence[Any], gs: Sequence[Any], _: str) -> list[Any]:
    x, h, c, w_ih, w_hh, ys, cells, gates = arrays
    g_ys, g_h, g_c, g_cells, g_gates = gs

    def step(old: Any, rows: Any, w: Any) -> tuple[list[Any], Any]:
        d_h, d_c = old
        g_y, g_cell, g_gate, before, cell, gate = rows
        i, f, g, o = split(gate, sections=4, axis=-1)
        bent = tanh(cell)
        d_h = d_h if g_y is None else d_h + g_y
        d_c = d_c + d_h * (o * (1 - square(bent)))
        d_c = d_c if g_cell is None else d_c + g_cell
        parts = [d_c * g, d_c * before, d_c * i, d_h * bent]
        if g_gate is not None:
            parts = [d + more for d, more in zip(parts, split(g_gate, sections=4, axis=-1), strict=True)]
        slopes = [_slope(i), _slope(f), 1 - square(g), _slope(o)]
        d = concat(*(part * slope for part, slope in zip(parts, slopes, strict=True)), axis=-1)
        return [matmul(d, w), d_c * f], d

    rows = [g_ys, g_cells, g_gates, way.before(c, cells), cells, gates]
    d_h, d_c, d = way.round(step, [_or_zeros(g_h, h), _or_zeros(g_c, c)], rows, w_hh)
    return _gradients(d, d, x, way.before(h, ys), w_ih, [d_h, d_c])


def _gru(way: _Way, arrays: Sequence[Any], gs: Sequence[Any], _: str) -> list[Any]:
    x, h, w_ih, w_hh, ys, gates = arrays
    g_ys, g_h, g_gates = gs

    def step(old: Any, rows: Any, w: Any) -> tuple[list[Any], Any]:
        g_y, g_gate, before, gate = rows
        r, z, m, n = split(gate, sections=4, axis=-1)
        d_h = old[0] if g_y is None else old[0] + g_y
        d_n, d_z = d_h * (1 - z), d_h * (before - n)
        g_r, g_z, g_m, g_n = (None,) * 4 if g_gate is None else split(g_gate, sections=4, axis=-1)
        if g_gate is not None:
            d_n, d_z = d_n + g_n, d_z + g_z
        d_n = d_n * (1 - square(n))
        d_r, d_m = d_n * m, d_n * r
        if g_gate is not None:
            d_r, d_m = d_r + g_r, d_m + g_m
        d = concat(d_r * _slope(r), d_z * _slope(z), d_m, d_n, axis=-1)
        into, _ = _parted(d)
        return [d_h * z + matmul(into, w)], d

    before = way.before(h, ys)
    d_h, d = way.round(step, [_or_zeros(g_h, h)], [g_ys, g_gates, before, gates], w_hh)
    into, of_inputs = _parted(d)
    return _gradients(of_inputs, into, x, before, w_ih, [d_h])


def _parted(d: Any) -> tuple[Any, Any]:
    """Of the gradients of ``r z m n``, those that go to the state's product and those that go to the inputs'."""
    r, z, m, n = split(d, sections=4, axis=-1)
    return concat(r, z, m, axis=-1), concat(r, z, n, axis=-1)


def _rnn(way: _Way, arrays: Sequence[Any], gs: Sequence[Any], nonlinearity: str) -> list[Any]:
    x, h, w_ih, w_hh, ys = arrays
    g_ys, g_h = gs

    def step(old: Any, rows: Any, w: Any) -> tuple[list[Any], Any]:
        g_y, y = rows
        d_h = old[0] if g_y is None else old[0] + g_y
        d = d_h * (1 - square(y) if nonlinearity == "tanh" else cast_like(greater(y, 0), y))
        return [matmul(d, w)], d

    d_h, d = way.round(step, [_or_zeros(g_h, h)], [g_ys, ys], w_hh)
    return _gradients(d, d, x, way.before(h, ys), w_ih, [d_h])
