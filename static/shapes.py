"""Static shapes as TensorFlow 1 presents them: ``TensorShape`` of ``Dimension``s, each of which may be unknown."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from typing import Any

from graphs.core.spec import Dim, Shape, show


class Dimension:
    """One size, or unknown. Arithmetic with an unknown size is unknown, and so is the answer to a comparison (None)."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value: Dim = value.value if isinstance(value, Dimension) else None if value is None else int(value)

    def __int__(self) -> int:
        if self.value is None:
            raise TypeError("the size of this dimension is not known while the graph is being built")
        return self.value

    __index__ = __int__

    def __eq__(self, other: object) -> Any:
        return self._with(other, operator.eq)

    def __ne__(self, other: object) -> Any:
        return self._with(other, operator.ne)

    def __lt__(self, other: Any) -> Any:
        return self._with(other, operator.lt)

    def __le__(self, other: Any) -> Any:
        return self._with(other, operator.le)

    def __gt__(self, other: Any) -> Any:
        return self._with(other, operator.gt)

    def __ge__(self, other: Any) -> Any:
        return self._with(other, operator.ge)

    def __add__(self, other: Any) -> Any:
        return self._with(other, operator.add, Dimension)

    __radd__ = __add__

    def __sub__(self, other: Any) -> Any:
        return self._with(other, operator.sub, Dimension)

    def __rsub__(self, other: Any) -> Any:
        return self._with(other, lambda a, b: b - a, Dimension)

    def __mul__(self, other: Any) -> Any:
        return self._with(other, operator.mul, Dimension)

    __rmul__ = __mul__

    def __floordiv__(self, other: Any) -> Any:
        return self._with(other, operator.floordiv, Dimension)

    def _with(self, other: Any, fn: Callable[[int, int], Any], wrap: Callable[[Any], Any] = lambda x: x) -> Any:
        theirs = other.value if isinstance(other, Dimension) else other
        if theirs is not None and not isinstance(theirs, int):
            return NotImplemented
        return wrap(None if self.value is None or theirs is None else fn(self.value, theirs))

    def __hash__(self) -> int:
        return hash(self.value)

    def __repr__(self) -> str:
        return f"Dimension({self.value})"

    def __str__(self) -> str:
        return "?" if self.value is None else str(self.value)


class TensorShape:
    """The sizes of a tensor's dimensions, as far as they are known; ``TensorShape(None)`` has an unknown rank."""

    __slots__ = ("_dims",)

    def __init__(self, dims: Any) -> None:
        self._dims = dims_of(dims)

    @property
    def dims(self) -> list[Dimension] | None:
        """The dimensions; None for unknown rank."""
        return None if self._dims is None else [Dimension(d) for d in self._dims]

    @property
    def ndims(self) -> int | None:
        """The number of dimensions; None where it is not known."""
        return None if self._dims is None else len(self._dims)

    rank = ndims

    def as_list(self) -> list[Dim]:
        """The sizes, None where one is unknown. Raises ValueError for unknown rank."""
        if self._dims is None:
            raise ValueError("as_list() is not defined on an unknown TensorShape.")
        return list(self._dims)

    def num_elements(self) -> int | None:
        """The number of elements, None where it is not known."""
        if not self.is_fully_defined():
            return None
        count = 1
        for size in self.as_list():
            count *= size or 0
        return count

    def is_fully_defined(self) -> bool:
        """Whether every size is known."""
        return self._dims is not None and None not in self._dims

    def assert_is_fully_defined(self) -> None:
        """Raise ValueError where a size is unknown."""
        if not self.is_fully_defined():
            raise ValueError(f"Shape {self} is not fully defined")

    def is_compatible_with(self, other: Any) -> bool:
        """Whether a tensor could have both shapes."""
        theirs = dims_of(other)
        if self._dims is None or theirs is None:
            return True
        return len(self._dims) == len(theirs) and all(
            a is None or b is None or a == b for a, b in zip(self._dims, theirs, strict=True)
        )

    def assert_is_compatible_with(self, other: Any) -> None:
        """Raise ValueError where no tensor could have both shapes."""
        if not self.is_compatible_with(other):
            raise ValueError(f"Shapes {self} and {TensorShape(other)} are incompatible")

    def merge_with(self, other: Any) -> TensorShape:
        """What both shapes know together. Raises ValueError where they contradict."""
        theirs = dims_of(other)
        self.assert_is_compatible_with(theirs)
        if self._dims is None or theirs is None:
            return TensorShape(theirs if self._dims is None else self._dims)
        return TensorShape([b if a is None else a for a, b in zip(self._dims, theirs, strict=True)])

    def concatenate(self, other: Any) -> TensorShape:
        """This shape's dimensions followed by ``other``'s."""
        theirs = dims_of(other)
        return TensorShape(None if self._dims is None or theirs is None else (*self._dims, *theirs))

    def with_rank(self, rank: int) -> TensorShape:
        """This shape, known to have ``rank`` dimensions. Raises ValueError where it has another number."""
        return self.merge_with([None] * rank)

    def __getitem__(self, key: Any) -> Any:
        if self._dims is None:
            return TensorShape(None) if isinstance(key, slice) else Dimension(None)
        return TensorShape(self._dims[key]) if isinstance(key, slice) else Dimension(self._dims[key])

    def __iter__(self) -> Iterator[Dimension]:
        if self._dims is None:
            raise ValueError("Cannot iterate over a shape with unknown rank.")
        return iter([Dimension(d) for d in self._dims])

    def __len__(self) -> int:
        if self._dims is None:
            raise ValueError("Cannot take the length of shape with unknown rank.")
        return len(self._dims)

    def __bool__(self) -> bool:
        return self._dims is not None

    def __eq__(self, other: object) -> bool:
        try:
            return self._dims == dims_of(other)
        except TypeError:
            return NotImplemented

    def __hash__(self) -> int:
        return hash(self._dims)

    def __str__(self) -> str:
        return show(self._dims)

    def __repr__(self) -> str:
        return "TensorShape(None)" if self._dims is None else f"TensorShape({self.dims})"


def dims_of(shape: Any) -> Shape | None:
    """A shape as users write it (list, tuple, int, TensorShape, None), as a tuple of sizes; -1 stands for unknown too."""
    if shape is None:
        return None
    if isinstance(shape, TensorShape):
        return shape._dims
    if isinstance(shape, (int, Dimension)):
        shape = (shape,)
    sizes = tuple(Dimension(d).value for d in shape)
    return tuple(None if d == -1 else d for d in sizes)
