"""What the kernels of recurrent layers share: how rows are cut into steps, and what is had for all steps at once.

Rows are ordered by step. A batch of one length has as many rows at each step; ``batch_sizes`` gives the number of each step
of a batch whose sequences are sorted by length, the longest first (PyTorch's packed sequences).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from itertools import accumulate, pairwise
from typing import Any

import numpy

from graphs.core.portable import constant


Sizes = tuple[int, ...] | None


class Steps:
    """How the rows of a sequence are cut into steps, and in which order these are taken.

    Attributes:
        packed: the number of rows of each step, None where all have as many.
        count, batch: how many steps there are, and how many rows the longest has.
    """

    __slots__ = ("packed", "count", "batch", "reverse", "_ranges")

    def __init__(self, shape: tuple[int, ...], packed: Sizes, reverse: bool) -> None:
        self.packed = packed
        self.reverse = reverse
        if packed is None:
            self.count, self.batch = shape[:2] if len(shape) == 3 else (1, shape[0])
        else:
            self.count, self.batch = len(packed), packed[0]
            self._ranges = list(pairwise(accumulate(packed, initial=0)))

    def of(self, rows: Any, back: bool = False) -> Iterable[Any]:
        """Views of each step's ``rows`` in the order of the loop, or of the loop back."""
        turned = self.reverse is not back
        if self.packed is None:
            cut = rows.reshape(self.count, self.batch, *rows.shape[1:])
            return cut[::-1] if turned else cut
        slices = [rows[start:stop] for start, stop in self._ranges]
        return slices[::-1] if turned else slices

    def before(self, xp: Any, first: Any, rows: Any) -> Any:
        """For each row the row of the step before it, that of ``first`` where it begins a sequence."""
        if self.packed is not None:
            return xp.concatenate((first, rows))[constant(xp, places_before(self.packed, self.reverse))]
        if self.count == 1:
            return first
        return xp.concatenate((rows[self.batch :], first) if self.reverse else (first, rows[: -self.batch]))


@lru_cache(maxsize=256)
def places_before(sizes: tuple[int, ...], reverse: bool) -> numpy.ndarray:
    """Where the step before each row is found among the rows of the first states, followed by all rows."""
    batch = sizes[0]
    starts = [batch, *accumulate(sizes[:-1], initial=batch)][1:]
    own = [numpy.arange(n) for n in sizes]
    if not reverse:
        parts = [own[0], *(start + rows for start, rows in zip(starts, own[1:], strict=False))]
    else:
        following = [*zip(starts[1:], sizes[1:], strict=True), (0, 0)]
        parts = [numpy.where(rows < n, start + rows, rows) for (start, n), rows in zip(following, own, strict=True)]
    return numpy.concatenate(parts)


MANY = 32
"""Units from which on a single sequence's steps are native, where somebody knows how (``graphs.codegen.recurrent``).

Functions of our own have other last bits than numpy's, so the choice depends on nothing but shapes and dtypes.
"""


class _Chosen:
    native: Callable[[str, Any], Any] | None = None


def use(native: Callable[[str, Any], Any]) -> None:
    """Have ``native(name, dtype)`` asked for ``call(arrays, outs, size)``, which does a step's element-wise work at once."""
    _Chosen.native = native


def native(xp: Any, name: str, steps: Steps, w_hh: Any) -> Any:
    """The native call for a step, None where it is left to numpy."""
    if _Chosen.native is None or steps.batch != 1 or w_hh.shape[1] < MANY or xp is not numpy:
        return None
    return _Chosen.native(name, w_hh.dtype)


def projected(xp: Any, x: Any, weight: Any, bias: Any) -> Any:
    """What the inputs contribute to all steps."""
    out = xp.matmul(x, weight.T)
    if bias is not None:
        out += bias
    return out


def columns(rows: Any, units: int) -> list[Any]:
    """Rows cut into pieces of so many columns."""
    return [rows[:, k : k + units] for k in range(0, rows.shape[1], units)]


def memory(xp: Any, like: Any, steps: Steps, width: int) -> Iterable[Any]:
    """Memory for what a step needs for itself, with as many rows as the step has."""
    whole = xp.empty((steps.batch, width), like.dtype)
    if steps.packed is None:
        return [whole] * steps.count
    sizes = steps.packed[::-1] if steps.reverse else steps.packed
    return [whole[:n] for n in sizes]


def dense(xp: Any, rows: Any, like: Any = None) -> Any:
    """Rows without gaps; zeros where there are none."""
    return xp.zeros(like.shape, like.dtype) if rows is None else xp.ascontiguousarray(rows)


def optional(steps: Steps, rows: Any) -> Iterable[Any]:
    """Each step's ``rows`` in the order of the loop back, None for each where there are none."""
    return [None] * steps.count if rows is None else steps.of(rows, back=True)


def collected(
    xp: Any, steps: Steps, needs: Sequence[bool], d_in: Any, d_state: Any, args: Sequence[Any], d_states: Sequence[Any]
) -> list[Any]:
    """The gradients behind the loop that ``needs`` marks: of inputs, first states, weights and biases."""
    x, h, w_ih, ys = args
    n = 1 + len(d_states)
    found = [xp.matmul(d_in, w_ih)] if needs[0] else []
    found += [d for d, need in zip(d_states, needs[1:n], strict=True) if need]
    if needs[n]:
        found.append(_summed(xp, d_in, x))
    if needs[n + 1]:
        found.append(_summed(xp, d_state, steps.before(xp, h, ys)))
    for d, need in zip((d_in, d_state), needs[n + 2 :], strict=False):
        if need:
            found.append(d.sum(axis=0))
    return found


def _summed(xp: Any, d: Any, x: Any) -> Any:
    """The products of each row of ``d`` with that of ``x``, summed: for one row BLAS takes three times as long."""
    return xp.multiply(d.T, x) if len(d) == 1 else xp.matmul(d.T, x)
