"""Layers that join dimensions, or take one apart."""

from __future__ import annotations

from typing import Any

from dynamic.names import lacking
from dynamic.nn.modules.module import Module


class Flatten(Module):
    """Makes one dimension of those from ``start_dim`` to ``end_dim``."""

    def __init__(self, start_dim: int = 1, end_dim: int = -1) -> None:
        super().__init__()
        self.start_dim, self.end_dim = start_dim, end_dim

    def forward(self, input: Any) -> Any:
        """A view of ``input`` where it can be one."""
        return input.flatten(self.start_dim, self.end_dim)

    def extra_repr(self) -> str:
        """The dimensions."""
        return f"start_dim={self.start_dim}, end_dim={self.end_dim}"


class Unflatten(Module):
    """Makes dimensions of the sizes ``unflattened_size`` of the dimension ``dim``."""

    def __init__(self, dim: int | str, unflattened_size: Any) -> None:
        super().__init__()
        if not isinstance(dim, int):
            raise TypeError(f"Unflatten: dim is a number here (tensors have no named dimensions), not {dim!r}")
        if not isinstance(unflattened_size, (tuple, list)):
            raise TypeError(f"unflattened_size must be tuple of ints, but found type {type(unflattened_size).__name__}")
        for position, size in enumerate(unflattened_size):
            if not isinstance(size, int):
                raise TypeError(
                    f"unflattened_size must be tuple of ints, but at {position} there is a {type(size).__name__}"
                )
        self.dim, self.unflattened_size = dim, unflattened_size

    def forward(self, input: Any) -> Any:
        """A view of ``input`` where it can be one."""
        return input.unflatten(self.dim, self.unflattened_size)

    def extra_repr(self) -> str:
        """The dimension and what becomes of it."""
        return f"dim={self.dim}, unflattened_size={self.unflattened_size}"


__getattr__ = lacking(__name__)
