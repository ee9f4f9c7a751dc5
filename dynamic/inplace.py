"""What changes in place leave on the tape."""

from __future__ import annotations

from typing import Any

from dynamic.tape import Record
from graphs.core.op import Ghost, Op, first_dtype, like_first


Chain = tuple[tuple[Op, Any, int | None], ...]
"""How a view was made of the tensor it shows: ops with their attributes, and which output where there are several."""


def follow(x: Any, chain: Chain) -> Any:
    """The view of ``x``, an array or a tensor, that ``chain`` makes."""
    for op, params, index in chain:
        x = op(x, **params)
        if index is not None:
            x = x[index]
    return x


def _copy(xp: Any, x: Any, *, axes: tuple[int, ...] | None = None) -> Any:
    """A copy of ``x`` with the given order of dimensions in memory, by default that of ``x``."""
    if axes is not None:
        return x.transpose(axes).copy().transpose([axes.index(axis) for axis in range(len(axes))])
    repeated = 0 in x.strides and any(n > 1 and not step for n, step in zip(x.shape, x.strides, strict=True))
    return x.copy("C" if repeated else "K")


clone = Op(_copy, name="clone", shape=like_first, dtype=first_dtype)
clone.vjp(lambda g, _out, _x, *, axes: g)


def _assign_view(xp: Any, x: Any, value: Any, *, chain: Chain) -> Any:
    """A copy of ``x`` in which the view that ``chain`` makes has the values of ``value``."""
    out = x.copy(order="K")
    follow(out, chain)[...] = value
    return out


assign_view = Op(_assign_view, name="assign_view", shape=like_first, dtype=first_dtype)


assign_view.vjp(
    lambda g, _out, _x, _value, *, chain: assign_view(g, 0.0, chain=chain),
    lambda g, _out, _x, _value, *, chain: follow(g, chain),
)


def assigned(root: Any, value: Any, chain: Chain) -> Record:
    """The record of ``value`` having been written into ``root`` through a view."""
    saved = [Ghost((tensor._array.shape, tensor._array.dtype)) for tensor in (root, value)]
    return Record(assign_view, (root._edge, value._edge), {"chain": chain}, saved, (), (saved[0],))
