"""Layers over tables of tensors."""

from __future__ import annotations

from functools import reduce
from operator import add, mul
from typing import Any

from dynamic.functions.joining import cat
from dynamic.legacy.nn.module import Module
from dynamic.legacy.nn.nested import flat
from dynamic.names import lacking


class _OverTables(Module):
    _names = ()


class CAddTable(_OverTables):
    """The sum of the tensors."""

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace

    def _compute(self, input: Any) -> Any:
        return reduce(add, input)


class CMulTable(_OverTables):
    """The product of the tensors."""

    def _compute(self, input: Any) -> Any:
        return reduce(mul, input)


class CSubTable(_OverTables):
    """The first tensor minus the second."""

    def _compute(self, input: Any) -> Any:
        return input[0] - input[1]


class CDivTable(_OverTables):
    """The first tensor divided by the second."""

    def _compute(self, input: Any) -> Any:
        return input[0] / input[1]


def _place(dimension: int, inputs: int | None, x: Any) -> int:
    """``dimension`` of ``x``, one further where ``x`` is a batch of what has ``inputs`` dimensions."""
    return x.dim() + dimension if dimension < 0 else dimension + (inputs is not None and x.dim() == inputs + 1)


class JoinTable(_OverTables):
    """The tensors joined along a dimension; with ``nInputDims`` a batch, which has one more, is joined likewise."""

    def __init__(self, dimension: int, nInputDims: int | None = None) -> None:
        super().__init__()
        self.dimension, self.nInputDims = dimension, nInputDims

    def _compute(self, input: Any) -> Any:
        return cat(input, _place(self.dimension, self.nInputDims, input[0]))


class SplitTable(_OverTables):
    """A table of the positions of a dimension, which goes away."""

    def __init__(self, dimension: int, nInputDims: int | None = None) -> None:
        super().__init__()
        self.dimension, self.nInputDims = dimension, nInputDims

    def _compute(self, input: Any) -> Any:
        return list(input.unbind(_place(self.dimension, self.nInputDims, input)))


class SelectTable(_OverTables):
    """One item of the table, from its end where ``index`` is negative."""

    def __init__(self, index: int) -> None:
        super().__init__()
        self.index = index

    def _compute(self, input: Any) -> Any:
        return input[self.index]


class NarrowTable(_OverTables):
    """``length`` items of the table from ``offset`` on."""

    def __init__(self, offset: int, length: int = 1) -> None:
        super().__init__()
        self.offset, self.length = offset, length

    def _compute(self, input: Any) -> Any:
        return list(input[self.offset : self.offset + self.length])


class FlattenTable(_OverTables):
    """The tensors of a table of tables, in one list."""

    def _compute(self, input: Any) -> Any:
        return list(flat(input))


class Index(_OverTables):
    """``[x, positions]``: the slices of x at ``positions`` along ``dimension``."""

    def __init__(self, dimension: int) -> None:
        super().__init__()
        self.dimension = dimension

    def _compute(self, input: Any) -> Any:
        return input[0].index_select(self.dimension, input[1])


class MaskedSelect(_OverTables):
    """``[x, mask]``: the elements of x where the mask holds, as a vector."""

    def _compute(self, input: Any) -> Any:
        return input[0].masked_select(input[1])


class MixtureTable(_OverTables):
    """``[weights, experts]``: the weighted sum of the experts' outputs, a table or a tensor; weights are (N, number)."""

    def __init__(self, dim: int = 1) -> None:
        super().__init__()
        self.dim = dim

    def _compute(self, input: Any) -> Any:
        gates, experts = input
        if isinstance(experts, (list, tuple)):
            each = [gates.select(-1, i) for i in range(len(experts))]
            return reduce(add, [_fit(gate, x) * x for gate, x in zip(each, experts, strict=True)])
        each = [gates.select(-1, i) for i in range(experts.shape[self.dim])]
        parts = [experts.select(self.dim, i) for i in range(len(each))]
        return reduce(add, [_fit(gate, x) * x for gate, x in zip(each, parts, strict=True)])


def _fit(gate: Any, x: Any) -> Any:
    return gate.reshape(*gate.shape, *(1,) * (x.dim() - gate.dim()))


# Products and distances of two


class MM(_OverTables):
    """The product of two matrices, or of two batches of them; ``transA`` and ``transB`` turn them first."""

    def __init__(self, transA: bool = False, transB: bool = False) -> None:
        super().__init__()
        self.transA, self.transB = transA, transB

    def _compute(self, input: Any) -> Any:
        a, b = input
        return (a.transpose(-1, -2) if self.transA else a) @ (b.transpose(-1, -2) if self.transB else b)


class MV(_OverTables):
    """The product of a matrix and a vector, or of batches of them; ``trans`` turns the matrix first."""

    def __init__(self, trans: bool = False) -> None:
        super().__init__()
        self.trans = trans

    def _compute(self, input: Any) -> Any:
        matrix, vector = input
        return ((matrix.transpose(-1, -2) if self.trans else matrix) @ vector.unsqueeze(-1)).squeeze(-1)


class DotProduct(_OverTables):
    """The products of the vectors of two batches, one for each example."""

    def _compute(self, input: Any) -> Any:
        return (input[0] * input[1]).sum(-1)


class CosineDistance(_OverTables):
    """The cosines of the angles between the vectors of two batches."""

    def _compute(self, input: Any) -> Any:
        one, other = input
        norms = (one.pow(2).sum(-1) + 1e-12).sqrt() * (other.pow(2).sum(-1) + 1e-12).sqrt()
        return (one * other).sum(-1) / norms


class PairwiseDistance(_OverTables):
    """The ``p``-norms of the differences of the vectors of two batches."""

    def __init__(self, p: float = 2) -> None:
        super().__init__()
        self.norm = p

    def _compute(self, input: Any) -> Any:
        return (input[0] - input[1]).abs().pow(self.norm).sum(-1).pow(1 / self.norm)


__getattr__ = lacking(__name__)
