"""Shapes as PyTorch gives and takes them."""

from __future__ import annotations

import math
from operator import index as as_int
from typing import Any

from graphs.core.errors import ShapeError, at_line


class Size(tuple[int, ...]):
    """A shape, as PyTorch gives it."""

    __slots__ = ()

    def numel(self) -> int:
        """The number of elements."""
        return math.prod(self)

    def __add__(self, other: Any) -> Size:
        return Size(tuple(self) + tuple(other))

    def __radd__(self, other: Any) -> Size:
        return Size(tuple(other) + tuple(self))

    def __mul__(self, times: Any) -> Size:
        return Size(tuple(self) * times)

    __rmul__ = __mul__

    def __getitem__(self, index: Any) -> Any:
        found = tuple.__getitem__(self, index)
        return Size(found) if isinstance(index, slice) else found

    def __repr__(self) -> str:
        return f"torch.Size([{', '.join(map(str, self))}])"

    def __reduce__(self) -> tuple[Any, ...]:
        return Size, (tuple(self),)


def sizes_of(size: tuple[Any, ...]) -> tuple[int, ...]:
    """``(2, 3)`` of both ``f(2, 3)`` and ``f((2, 3))``. Raises ShapeError where a size is negative."""
    given = size[0] if len(size) == 1 and isinstance(size[0], (tuple, list)) else size
    sizes = tuple(map(as_int, given))
    if any(n < 0 for n in sizes):
        raise ShapeError(f"sizes are not negative: {sizes}{at_line()}")
    return sizes
