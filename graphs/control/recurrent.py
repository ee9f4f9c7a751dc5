"""Recurrent layers, each a whole sequence in one op, and their gradients, each the whole way back in one op.

They are loops, and could be written with the op ``loop``; as ops of their own they have kernels made for them
(``graphs.ops.recurrent``). The gradient of a gradient is such a loop (``graphs.control.recurrent_adjoints``), so that every
order works.

``x`` is (steps, batch, inputs), or (batch, inputs) for a single step. With ``batch_sizes`` it is (rows, inputs): a batch of
sequences of different lengths, the longest first, without padding, of which so many are left at each step. ``reverse`` goes
from the last step to the first. Weights and biases are PyTorch's: ``w_ih`` (gates · units, inputs), ``w_hh`` (gates · units,
units), then two biases or none.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from itertools import pairwise
from typing import Any

import numpy

from graphs.control.recurrent_adjoints import backwards
from graphs.core.errors import DtypeError, ShapeError
from graphs.core.op import op
from graphs.core.parts import one_thread_each
from graphs.core.spec import Dim, Shape, Spec, check_shape, show
from graphs.ops.recurrent import (
    gru_backward,
    gru_forward,
    lstm_backward,
    lstm_forward,
    rnn_backward,
    rnn_forward,
)
from graphs.ops.steps import Sizes, Steps


_GATES = {"lstm": 4, "gru": 3, "rnn": 1}
_STATES = {"lstm": 2, "gru": 1, "rnn": 1}
_KEPT = {"lstm": (1, 4), "gru": (4,), "rnn": ()}
"""What a layer yields for the way back, each so many times as wide as its state."""
_FORWARD: dict[str, Callable[..., Any]] = {"lstm": lstm_forward, "gru": gru_forward, "rnn": rnn_forward}
_BACKWARD: dict[str, Callable[..., Any]] = {"lstm": lstm_backward, "gru": gru_backward, "rnn": rnn_backward}

Flags = tuple[bool, ...]


def _floating(*dtypes: Any) -> Any:
    first = dtypes[0]
    if first.kind != "f" or any(dtype != first for dtype in dtypes):
        raise DtypeError(f"one floating dtype for inputs, states and weights, not {', '.join(str(d) for d in dtypes)}")
    return first


def _known(what: str, *dims: Dim) -> Dim:
    """The size that several dimensions share, None where none is known. Raises ShapeError where they differ."""
    known = {dim for dim in dims if dim is not None}
    if len(known) > 1:
        raise ShapeError(f"{what}: sizes {sorted(known)} where one is wanted")
    return known.pop() if known else None


def _dims(spec: Spec, rank: int, what: str) -> Shape:
    if spec.dims is None:
        return (None,) * rank
    if len(spec.dims) != rank:
        raise ShapeError(f"{what} has {rank} dimensions, not the shape {show(spec.dims)}")
    return spec.dims


def _sizes(name: str, x: Spec, rest: Sequence[Spec], batch_sizes: Sizes) -> tuple[Shape | None, Dim, Dim]:
    """The dimensions of ``x`` without the last, the batch, and the units."""
    states = _STATES[name]
    if len(rest) not in (states + 2, states + 4):
        raise ShapeError(f"{states} states, two weights and two biases or none, not {len(rest)} arrays")
    w_ih, w_hh = (_dims(w, 2, "a weight") for w in rest[states : states + 2])
    units = _known("units", w_hh[1], *(_dims(s, 2, "a state")[1] for s in rest[:states]))
    width = None if units is None else _GATES[name] * units
    biases = [_dims(b, 1, "a bias")[0] for b in rest[states + 2 :]]
    _known("gates", w_ih[0], w_hh[0], width, *biases)
    batches = [_dims(s, 2, "a state")[0] for s in rest[:states]]
    if batch_sizes is not None:
        if not batch_sizes or batch_sizes[-1] < 1 or any(n < m for n, m in pairwise(batch_sizes)):
            raise ShapeError(f"sizes of steps are positive and do not grow, unlike {batch_sizes}")
        batches.append(batch_sizes[0])
    if x.dims is None:
        return None, _known("batch", *batches), units
    if len(x.dims) not in ((2,) if batch_sizes is not None else (2, 3)):
        raise ShapeError(f"inputs of shape {show(x.dims)}")
    _known("inputs", x.dims[-1], w_ih[1])
    if batch_sizes is not None:
        _known("rows", x.dims[0], sum(batch_sizes))
    else:
        batches.append(x.dims[-2])
        if x.dims[0] == 0 and len(x.dims) == 3:
            raise ShapeError("a sequence has at least one step")
    return x.dims[:-1], _known("batch", *batches), units


def _outputs(name: str) -> Callable[..., Any]:
    def shapes(x: Spec, *rest: Spec, batch_sizes: Sizes, reverse: bool, **_: Any) -> tuple[Shape | None, ...]:
        front, batch, units = _sizes(name, x, rest, batch_sizes)
        kept = [None if front is None else (*front, None if units is None else n * units) for n in (1, *_KEPT[name])]
        return (kept[0], *[(batch, units)] * _STATES[name], *kept[1:])

    return shapes


def _output_dtypes(name: str) -> Callable[..., Any]:
    width = 1 + _STATES[name] + len(_KEPT[name])
    return lambda *dtypes, **_: (_floating(*dtypes),) * width


def _gradients(name: str) -> Callable[..., Any]:
    """The shapes of the gradients that are wanted: those of the arguments, and for biases of the gates."""

    def shapes(*specs: Spec, needs: Flags, flows: Flags, batch_sizes: Sizes, reverse: bool, **_: Any) -> Any:
        count = 3 + _STATES[name]
        arguments = specs[:count]
        made = _outputs(name)(*arguments, batch_sizes=batch_sizes, reverse=reverse)
        records = [made[0], *made[1 + _STATES[name] :]]
        flowing = [dims for dims, flow in zip(made, flows, strict=True) if flow]
        if len(specs) != count + len(records) + len(flowing):
            raise ShapeError(f"{count + len(records) + len(flowing)} arrays are wanted, not {len(specs)}")
        for spec, dims in zip(specs[count:], [*records, *flowing], strict=True):
            check_shape(spec, dims, "what comes out of the layer, and its gradient,")
        gates = None if arguments[-1].dims is None else arguments[-1].dims[:1]
        every = [*(spec.dims for spec in arguments), *[gates or (None,)] * 2]
        found = tuple(dims for dims, need in zip(every, needs, strict=False) if need)
        return found if len(found) > 1 else found[0]

    return shapes


def _gradient_dtypes(*dtypes: Any, needs: tuple[bool, ...], **_: Any) -> Any:
    count = needs.count(True)
    return (_floating(*dtypes),) * count if count > 1 else _floating(*dtypes)


def _flat(x: Any) -> Any:
    return x.reshape(math.prod(x.shape[:-1]), x.shape[-1])


_SMALL = 1 << 24
"""Multiplications of a product."""


def _threads_kept_back(xp: Any, x: Any, w_ih: Any, batch_sizes: Sizes) -> Any:
    """Where a sequence's products take a thread well under a millisecond, have it take them alone.

    A thread of OpenBLAS that has helped waits for more in a busy loop, and slows down the steps of the loop, which are too
    small for it: on two cores an LSTM of 128 units took almost twice as long.
    """
    steps = x.ndim == 3 or (batch_sizes is not None and len(batch_sizes) > 1)
    return one_thread_each() if xp is numpy and steps and x.size * w_ih.shape[0] < _SMALL else nullcontext()


def _run(xp: Any, name: str, arrays: Sequence[Any], batch_sizes: Sizes, reverse: bool, **settings: Any) -> tuple[Any, ...]:
    _floating(*(a.dtype for a in arrays))
    x, *rest = arrays
    with _threads_kept_back(xp, x, rest[_STATES[name]], batch_sizes):
        outs = _FORWARD[name](xp, Steps(x.shape, batch_sizes, reverse), _flat(x), *rest, **settings)
    if x.ndim == 2:
        return outs
    states = range(1, 1 + _STATES[name])
    return tuple(a if i in states else a.reshape(*x.shape[:-1], a.shape[-1]) for i, a in enumerate(outs))


def _run_back(xp: Any, name: str, arrays: Sequence[Any], settings: tuple[Flags, Flags, Sizes, bool], **more: Any) -> Any:
    needs, flows, batch_sizes, reverse = settings
    count, kept = 3 + _STATES[name], 1 + len(_KEPT[name])
    x, *rest = arrays[:count]
    given = iter(arrays[count + kept :])
    gs = [next(given) if flow else None for flow in flows]
    whole = (0, *range(1 + _STATES[name], len(gs)))
    gs = [_flat(g) if g is not None and i in whole else g for i, g in enumerate(gs)]
    steps = Steps(x.shape, batch_sizes, reverse)
    records = [_flat(a) for a in arrays[count : count + kept]]
    with _threads_kept_back(xp, x, rest[_STATES[name]], batch_sizes):
        found = _BACKWARD[name](xp, steps, needs, gs, (_flat(x), *rest), records, **more)
    if needs[0]:
        found[0] = found[0].reshape(x.shape)
    return tuple(found) if len(found) > 1 else found[0]


def _rule(name: str, gradient: Any) -> Callable[..., Any]:
    count, states = 3 + _STATES[name], _STATES[name]

    def rule(needs: Any, gs: Any, outs: Any, args: Any, **settings: Any) -> list[Any]:
        found = gradient(
            *args[:count],
            outs[0],
            *outs[1 + states :],
            *(g for g in gs if g is not None),
            needs=tuple(needs),
            flows=tuple(g is not None for g in gs),
            **settings,
        )
        given = iter(found if sum(needs) > 1 else (found,))
        return [next(given) if need else None for need in needs]

    return rule


def _rule_of_rule(name: str) -> Callable[..., Any]:
    def rule(wanted: Any, gs: Any, _outs: Any, args: Any, **settings: Any) -> list[Any]:
        return backwards(name, tuple(wanted), gs, args, **settings)

    return rule


@op(_outputs("lstm"), dtype=_output_dtypes("lstm"))
def lstm(xp: Any, x: Any, *rest: Any, batch_sizes: Sizes = None, reverse: bool = False) -> tuple[Any, ...]:
    """Outputs and last states of a long short-term memory on ``x, h, c, w_ih, w_hh`` and two biases or none, and what the
    way back needs: cells, and gates ``i f g o`` (Hochreiter and Schmidhuber 1997, Gers et al. 2000)."""
    return _run(xp, "lstm", (x, *rest), batch_sizes, reverse)


@op(_outputs("gru"), dtype=_output_dtypes("gru"))
def gru(xp: Any, x: Any, *rest: Any, batch_sizes: Sizes = None, reverse: bool = False) -> tuple[Any, ...]:
    """Outputs and last state of gated recurrent units on ``x, h, w_ih, w_hh`` and two biases or none, and what the way back
    needs: reset and update gates, what the reset gate scales, and the candidate (Cho et al. 2014)."""
    return _run(xp, "gru", (x, *rest), batch_sizes, reverse)


@op(_outputs("rnn"), dtype=_output_dtypes("rnn"))
def rnn(
    xp: Any, x: Any, *rest: Any, batch_sizes: Sizes = None, reverse: bool = False, nonlinearity: str = "tanh"
) -> tuple[Any, ...]:
    """Outputs and last state of the plain recurrent net on ``x, h, w_ih, w_hh`` and two biases or none, with ``tanh`` or
    ``relu`` (Elman 1990)."""
    return _run(xp, "rnn", (x, *rest), batch_sizes, reverse, nonlinearity=nonlinearity)


@op(_gradients("lstm"), dtype=_gradient_dtypes)
def lstm_gradient(
    xp: Any, *arrays: Any, needs: Flags, flows: Flags, batch_sizes: Sizes = None, reverse: bool = False
) -> Any:
    """The gradients of ``lstm`` marked in ``needs``: from its arguments but the biases, its outputs but the last states, and
    the gradients of the outputs marked in ``flows``."""
    return _run_back(xp, "lstm", arrays, (needs, flows, batch_sizes, reverse))


@op(_gradients("gru"), dtype=_gradient_dtypes)
def gru_gradient(xp: Any, *arrays: Any, needs: Flags, flows: Flags, batch_sizes: Sizes = None, reverse: bool = False) -> Any:
    """The gradients of ``gru`` marked in ``needs``: from its arguments but the biases, its outputs but the last state, and
    the gradients of the outputs marked in ``flows``."""
    return _run_back(xp, "gru", arrays, (needs, flows, batch_sizes, reverse))


@op(_gradients("rnn"), dtype=_gradient_dtypes)
def rnn_gradient(
    xp: Any,
    *arrays: Any,
    needs: Flags,
    flows: Flags,
    batch_sizes: Sizes = None,
    reverse: bool = False,
    nonlinearity: str = "tanh",
) -> Any:
    """The gradients of ``rnn`` marked in ``needs``: from its arguments but the biases, its outputs, and the gradients of the
    outputs marked in ``flows``."""
    return _run_back(xp, "rnn", arrays, (needs, flows, batch_sizes, reverse), nonlinearity=nonlinearity)


lstm.joint_vjp(_rule("lstm", lstm_gradient), ghosts=(5, 6))
gru.joint_vjp(_rule("gru", gru_gradient), ghosts=(4, 5))
rnn.joint_vjp(_rule("rnn", rnn_gradient), ghosts=(4, 5))
lstm_gradient.joint_vjp(_rule_of_rule("lstm"))
gru_gradient.joint_vjp(_rule_of_rule("gru"))
rnn_gradient.joint_vjp(_rule_of_rule("rnn"))
