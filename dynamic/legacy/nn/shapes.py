"""Other shapes, and parts of tensors."""

from __future__ import annotations

from typing import Any

from dynamic.functions.creation import full
from dynamic.functions.joining import cat
from dynamic.legacy.nn.module import Module
from dynamic.names import lacking


class _Shaped(Module):
    _names = ()


def _sizes(given: tuple[Any, ...]) -> tuple[int, ...]:
    return tuple(given[0]) if len(given) == 1 and isinstance(given[0], (tuple, list)) else given


class Reshape(_Shaped):
    """Each example of a batch in another shape."""

    def __init__(self, *args: Any) -> None:
        super().__init__()
        self.size = _sizes(args)

    def _compute(self, x: Any) -> Any:
        return x.reshape(x.shape[0], *self.size)

    def __repr__(self) -> str:
        return f"nn.Reshape({'x'.join(map(str, self.size))})"


class View(_Shaped):
    """The input in another shape, in which one size may be -1."""

    def __init__(self, *args: Any) -> None:
        super().__init__()
        self.resetSize(*args)

    def resetSize(self, *args: Any) -> Any:
        """Use another shape; returns the layer."""
        self.size = _sizes(args)
        return self

    def _compute(self, x: Any) -> Any:
        return x.reshape(*self.size)

    def __repr__(self) -> str:
        return f"nn.View({', '.join(map(str, self.size))})"


class Transpose(_Shaped):
    """The input with pairs of dimensions exchanged, one pair after the other."""

    def __init__(self, *args: Any) -> None:
        super().__init__()
        self.permutations = args

    def _compute(self, x: Any) -> Any:
        for one, other in self.permutations:
            x = x.transpose(one, other)
        return x.contiguous()


class Squeeze(_Shaped):
    """The input without its dimensions of size 1, or without ``dim``."""

    def __init__(self, dim: int | None = None) -> None:
        super().__init__()
        self.dim = dim

    def _compute(self, x: Any) -> Any:
        return x.squeeze() if self.dim is None else x.squeeze(self.dim)


class Unsqueeze(_Shaped):
    """The input with a dimension of size 1 put in at ``dim``."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.dim = dim

    def _compute(self, x: Any) -> Any:
        return x.unsqueeze(self.dim)


class Replicate(_Shaped):
    """The input repeated ``nf`` times along a new dimension."""

    def __init__(self, nf: int, dim: int = 0) -> None:
        super().__init__()
        self.nfeatures, self.dim = nf, dim

    def _compute(self, x: Any) -> Any:
        sizes = list(x.shape)
        sizes.insert(self.dim, self.nfeatures)
        return x.unsqueeze(self.dim).expand(*sizes)


class Narrow(_Shaped):
    """``length`` positions of a dimension from ``offset`` on."""

    def __init__(self, dimension: int, offset: int, length: int = 1) -> None:
        super().__init__()
        self.dimension, self.index, self.length = dimension, offset, length

    def _compute(self, x: Any) -> Any:
        length = self.length if self.length >= 0 else x.shape[self.dimension] - self.index + self.length + 1
        return x.narrow(self.dimension, self.index, length)


class Select(_Shaped):
    """One position of a dimension, which goes away."""

    def __init__(self, dimension: int, index: int) -> None:
        super().__init__()
        self.dimension, self.index = dimension, index

    def _compute(self, x: Any) -> Any:
        return x.select(self.dimension, self.index if self.index >= 0 else x.shape[self.dimension] + self.index)


class Padding(_Shaped):
    """``pad`` elements of ``value`` put in along ``dim``: after it, or before it where ``pad`` is negative.

    ``index`` counts how far inside they are. With ``nInputDim`` a batch, which has a dimension more, is padded likewise.
    """

    def __init__(self, dim: int, pad: int, value: float = 0, index: int = 0, nInputDim: int = 0) -> None:
        super().__init__()
        self.dim, self.pad, self.value, self.index, self.nInputDim = dim, pad, value, index, nInputDim

    def _compute(self, x: Any) -> Any:
        dim = self.dim + (self.nInputDim > 0 and x.dim() != self.nInputDim)
        sizes = list(x.shape)
        sizes[dim] = abs(self.pad)
        border = full(sizes, self.value, dtype=x.dtype)
        at = self.index if self.pad < 0 else x.shape[dim] - self.index
        if at in (0, x.shape[dim]):
            return cat([border, x] if at == 0 else [x, border], dim)
        return cat([x.narrow(dim, 0, at), border, x.narrow(dim, at, x.shape[dim] - at)], dim)


# Over a dimension


class Sum(_Shaped):
    """The sum over a dimension, or the mean with ``sizeAverage``."""

    def __init__(self, dimension: int = 0, sizeAverage: bool = False, squeeze: bool = True) -> None:
        super().__init__()
        self.dimension, self.sizeAverage, self.squeeze = dimension, sizeAverage, squeeze

    def _compute(self, x: Any) -> Any:
        out = x.sum(self.dimension, not self.squeeze)
        return out / x.shape[self.dimension] if self.sizeAverage else out


class Mean(Sum):
    """The mean over a dimension."""

    def __init__(self, dimension: int, squeeze: bool = True) -> None:
        super().__init__(dimension, True, squeeze)


class Max(_Shaped):
    """The largest element along a dimension."""

    def __init__(self, dimension: int = 0) -> None:
        super().__init__()
        self.dimension = dimension

    def _compute(self, x: Any) -> Any:
        return x.max(self.dimension)[0]


class Min(Max):
    """The smallest element along a dimension."""

    def _compute(self, x: Any) -> Any:
        return x.min(self.dimension)[0]


__getattr__ = lacking(__name__)
