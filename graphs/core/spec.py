"""What is known of a value before it is computed: shape, with unknown dimensions or unknown rank, and dtype."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy

from graphs.core.errors import PositionError, ShapeError, UnknownRank


Dim = int | None
Shape = tuple[Dim, ...]


class Spec:
    """A shape and a dtype. ``dims`` is None for unknown rank; a dimension is None where its size is unknown."""

    __slots__ = ("dims", "dtype")

    def __init__(self, dims: Iterable[Dim] | None, dtype: Any) -> None:
        self.dims: Shape | None = None if dims is None else tuple(dims)
        self.dtype: numpy.dtype[Any] = numpy.dtype(dtype)

    @classmethod
    def of(cls, value: Any) -> Spec:
        """The spec of an array, or of a Python scalar (which numpy would make int64, float64, bool or complex128)."""
        dtype = getattr(value, "dtype", None)
        return cls(value.shape, dtype) if dtype is not None else cls((), numpy.asarray(value).dtype)

    @property
    def shape(self) -> Shape:
        """The dimensions; raises ``UnknownRank``, which ``Op.infer`` turns into an output of unknown rank."""
        if self.dims is None:
            raise UnknownRank
        return self.dims

    @property
    def ndim(self) -> int:
        """The number of dimensions; raises ``UnknownRank``."""
        return len(self.shape)

    @property
    def known(self) -> bool:
        """Whether every dimension is known."""
        return self.dims is not None and None not in self.dims

    @property
    def size(self) -> int | None:
        """The number of elements, or None where it is not known."""
        if self.dims is None:
            return None
        count = 1
        for dim in self.dims:
            if dim is None:
                return None
            count *= dim
        return count

    def admits(self, shape: Sequence[int]) -> bool:
        """Whether an array of ``shape`` fits."""
        dims = self.dims
        return dims is None or (
            len(dims) == len(shape) and all(d is None or d == n for d, n in zip(dims, shape, strict=True))
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Spec) and self.dims == other.dims and self.dtype == other.dtype

    def __hash__(self) -> int:
        return hash((self.dims, self.dtype))

    def __str__(self) -> str:
        return f"{self.dtype.name}{show(self.dims)}"

    def __repr__(self) -> str:
        return f"Spec({self})"


def show(dims: Sequence[Dim] | None) -> str:
    """A shape as people write it: ``(?, 10)`` with unknowns as question marks, ``<unknown>`` for unknown rank."""
    if dims is None:
        return "<unknown>"
    inner = ", ".join("?" if d is None else str(d) for d in dims)
    return f"({inner},)" if len(dims) == 1 else f"({inner})"


def broadcast(*shapes: Shape) -> Shape:
    """The shape of operands broadcast together, by numpy's rule. Raises ShapeError where two dimensions differ.

    An unknown dimension beside a known one greater than 1 is taken to be that one, as the run would otherwise fail.
    """
    rank = max(map(len, shapes), default=0)
    out: list[Dim] = []
    for position in range(-rank, 0):
        dim: Dim = 1
        for shape in shapes:
            if len(shape) < -position or shape[position] == 1:
                continue
            other = shape[position]
            if dim == 1 or dim is None:
                dim = other if other is not None or dim == 1 else None
            elif other is not None and other != dim:
                raise ShapeError(f"shapes {' and '.join(map(show, shapes))} do not broadcast")
        out.append(dim)
    return tuple(out)


def check_shape(x: Spec, wanted: Shape | None, what: str = "the first argument") -> None:
    """Raise ShapeError where ``x`` is known not to have the shape ``wanted``, as far as that is known."""
    if x.dims is None or wanted is None:
        return
    if len(x.dims) != len(wanted) or any(
        m != n for m, n in zip(x.dims, wanted, strict=True) if m is not None and n is not None
    ):
        raise ShapeError(f"{what} has the shape {show(wanted)}, not {show(x.dims)}")


def adjoint(rule: Callable[..., Any]) -> Callable[..., Any]:
    """The shape rule of ``op(x, like, *rest)`` that takes back to ``like`` what an op of the shape rule ``rule`` made of it.

    It gives the shape of ``like``, and refuses an ``x`` that has not the shape which ``rule(like, *rest)`` gives.
    """

    def shape(x: Spec, like: Spec, *rest: Spec, **attributes: Any) -> Shape | None:
        try:
            wanted = rule(like, *rest, **attributes)
        except UnknownRank:
            return like.dims
        check_shape(x, wanted)
        return like.dims

    return shape


def promote(*dtypes: Any) -> numpy.dtype[Any]:
    """The dtype that numpy computes in for operands of these dtypes."""
    return numpy.result_type(*dtypes)


def axis_of(axis: int, rank: int) -> int:
    """``axis`` counted from the front. Raises PositionError where there is no such axis."""
    if not -rank <= axis < rank:
        raise PositionError(f"axis {axis} of a value with {rank} dimensions")
    return axis % rank


def axes_of(axis: int | Sequence[int] | None, rank: int) -> tuple[int, ...]:
    """``axis`` (one, several or None for all) as sorted non-negative axes. Raises ShapeError on a wrong or repeated one."""
    if axis is None:
        return tuple(range(rank))
    each = [axis] if isinstance(axis, (int, numpy.integer)) else list(axis)
    out = sorted(axis_of(int(a), rank) for a in each)
    if len(set(out)) != len(out):
        raise ShapeError(f"axis {tuple(each)} names one axis twice")
    return tuple(out)
