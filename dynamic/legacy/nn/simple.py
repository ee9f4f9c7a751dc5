"""Layers with weights: linear maps, products, lookups, distances to weights."""

from __future__ import annotations

import math
from typing import Any

from dynamic.autograd import no_grad
from dynamic.functions.creation import zeros_like
from dynamic.legacy.nn.module import Module
from dynamic.names import lacking
from dynamic.nn import functional, init


class Weighted(Module):
    """What layers with parameters share: making them, and drawing them uniformly up to ``stdv`` either way."""

    weight: Any
    bias: Any

    def _make(self, weight: tuple[int, ...] | None, bias: int | None = None) -> None:
        """Parameters of these sizes and their gradients; None for one that is not there."""
        for name, size in (("weight", weight), ("bias", None if bias is None else (bias,))):
            made = None if size is None else self._new(*size)
            setattr(self, name, made)
            setattr(self, f"grad{name.capitalize()}", None if made is None else zeros_like(made))

    def _bound(self) -> float:
        """How far initial values go, unless ``reset`` is told."""
        return 1 / math.sqrt(self.weight.shape[1])

    def reset(self, stdv: float | None = None) -> Any:
        """Draw the parameters anew, with the given standard deviation or the layer's own; returns the layer."""
        bound = self._bound() if stdv is None else stdv * math.sqrt(3)
        for _, value in self._held():
            if value is not None:
                init.uniform_(value, -bound, bound)
        return self

    def noBias(self) -> Any:
        """Do without the bias; returns the layer."""
        self.bias = self.gradBias = None
        return self


class Linear(Weighted):
    """``input @ weight.T + bias``; ``weight`` is (outputSize, inputSize), the input a vector or a batch of them."""

    def __init__(self, inputSize: int, outputSize: int, bias: bool = True) -> None:
        super().__init__()
        self._make((outputSize, inputSize), outputSize if bias else None)
        self.reset()

    def _compute(self, input: Any, weight: Any, bias: Any) -> Any:
        return functional.linear(input, weight, bias)

    def __repr__(self) -> str:
        without = "" if self.bias is not None else " without bias"
        return f"nn.{type(self).__name__}({self.weight.size(1)} -> {self.weight.size(0)}){without}"


class PartialLinear(Linear):
    """``Linear`` of which some outputs are computed: those that ``setPartition(indices)`` names, all at first."""

    def __init__(self, inputsize: int, outputsize: int, bias: bool = True) -> None:
        super().__init__(inputsize, outputsize, bias)
        self._partition: Any = None

    def setPartition(self, indices: Any) -> Any:
        """Compute the outputs with these numbers only."""
        self._partition = indices
        return self

    def resetPartition(self) -> Any:
        """Compute all outputs again."""
        self._partition = None
        return self

    def _compute(self, input: Any, weight: Any, bias: Any) -> Any:
        if self._partition is not None:
            weight = weight.index_select(0, self._partition)
            bias = None if bias is None else bias.index_select(0, self._partition)
        return functional.linear(input, weight, bias)


class Bilinear(Weighted):
    """``x1 @ weight[k] @ x2 + bias[k]`` for a table of two batches of vectors."""

    def __init__(self, inputSize1: int, inputSize2: int, outputSize: int, bias: bool = True) -> None:
        super().__init__()
        self._make((outputSize, inputSize1, inputSize2), outputSize if bias else None)
        self.reset()

    def _compute(self, input: Any, weight: Any, bias: Any) -> Any:
        one, other = input
        through = (one @ weight.permute(1, 2, 0).reshape(one.shape[1], -1)).reshape(len(one), other.shape[1], -1)
        out = (through * other.unsqueeze(2)).sum(1)
        return out if bias is None else out + bias


class Add(Weighted):
    """The input plus a learned number for each place, or one for all (``scalar``)."""

    _names = ("bias",)

    def __init__(self, inputSize: int, scalar: bool = False) -> None:
        super().__init__()
        self.scalar = scalar
        self._make(None, 1 if scalar else inputSize)
        self.reset()

    def _bound(self) -> float:
        return 1 / math.sqrt(self.bias.shape[0])

    def _compute(self, input: Any, bias: Any) -> Any:
        if self.scalar or input.shape == bias.shape:
            return input + bias
        return (input.reshape(input.shape[0], -1) + bias).reshape(*input.shape)


class Mul(Weighted):
    """The input times one learned number."""

    _names = ("weight",)

    def __init__(self) -> None:
        super().__init__()
        self._make((1,))
        self.reset()

    def _bound(self) -> float:
        return 1 / math.sqrt(self.weight.shape[0])

    def _compute(self, input: Any, weight: Any) -> Any:
        return input * weight


class CMul(Weighted):
    """The input times a learned number for each place; ``sizes`` are those of one example."""

    _names = ("weight",)

    def __init__(self, *size: Any) -> None:
        super().__init__()
        self.size = tuple(size[0]) if len(size) == 1 and isinstance(size[0], (tuple, list)) else size
        self._make(self.size)
        self.reset()

    def _bound(self) -> float:
        return 1 / math.sqrt(self.weight.numel())

    def _compute(self, input: Any, weight: Any) -> Any:
        if input.numel() == weight.numel():
            return input * weight.reshape(*input.shape)
        return (input.reshape(input.shape[0], -1) * weight.reshape(1, -1)).reshape(*input.shape)


class CAdd(Weighted):
    """The input plus a learned number for each place; ``sizes`` are those of one example."""

    _names = ("bias",)

    def __init__(self, *size: Any) -> None:
        super().__init__()
        self.size = tuple(size[0]) if len(size) == 1 and isinstance(size[0], (tuple, list)) else size
        self.bias = self._new(*self.size)
        self.gradBias = zeros_like(self.bias)
        self.reset()

    def _bound(self) -> float:
        return 1 / math.sqrt(self.bias.numel())

    def _compute(self, input: Any, bias: Any) -> Any:
        if input.numel() == bias.numel():
            return input + bias.reshape(*input.shape)
        return (input.reshape(input.shape[0], -1) + bias.reshape(1, -1)).reshape(*input.shape)


class LookupTable(Weighted):
    """The rows of ``weight``, (nIndex, nOutput), at the integers of the input, counted from 0.

    ``paddingValue`` is a row that gets no gradient; rows longer than ``maxNorm`` are made that long before they are read.
    """

    _names = ("weight",)

    def __init__(
        self,
        nIndex: int,
        nOutput: int,
        paddingValue: int = -1,
        maxNorm: float | None = None,
        normType: float | None = None,
    ) -> None:
        super().__init__()
        self._make((nIndex, nOutput))
        self.paddingValue, self.maxNorm, self.normType = paddingValue, maxNorm, normType
        self.shouldScaleGradByFreq = False
        self.reset()

    def scaleGradByFreq(self) -> Any:
        """Divide the gradient of a row by how often the input names it; returns the layer."""
        self.shouldScaleGradByFreq = True
        return self

    def setPadding(self, paddingValue: int) -> Any:
        """Let the row of this number have no gradient; returns the layer."""
        self.paddingValue = paddingValue
        return self

    def setMaxNorm(self, maxNorm: float) -> Any:
        """Make longer rows that long before they are read; returns the layer."""
        self.maxNorm = maxNorm
        return self

    def setNormType(self, normType: float) -> Any:
        """Measure rows by this norm; returns the layer."""
        self.normType = normType
        return self

    def reset(self, stdv: float | None = None) -> Any:
        """Draw the rows anew: normal numbers of the given standard deviation, 1 by default."""
        init.normal_(self.weight, 0, 1 if stdv is None else stdv)
        return self

    def _compute(self, input: Any, weight: Any) -> Any:
        if self.maxNorm is not None:
            with no_grad():
                norm = (self.weight.abs() ** (self.normType or 2)).sum(1, True) ** (1 / (self.normType or 2))
                self.weight.copy_(self.weight * (self.maxNorm / (norm + 1e-7)).clamp(max=1))
        padding = self.paddingValue if self.paddingValue >= 0 else None
        return functional.embedding(input.long(), weight, padding, scale_grad_by_freq=self.shouldScaleGradByFreq)


class Cosine(Weighted):
    """The cosines of the angles between the input and each row of ``weight``, (outputSize, inputSize)."""

    _names = ("weight",)

    def __init__(self, inputSize: int, outputSize: int) -> None:
        super().__init__()
        self._make((outputSize, inputSize))
        self.reset()

    def _bound(self) -> float:
        return 1 / math.sqrt(self.weight.shape[0])

    def _compute(self, input: Any, weight: Any) -> Any:
        norms = (input.pow(2).sum(-1, True) + 1e-12).sqrt() * (weight.pow(2).sum(1) + 1e-12).sqrt()
        return functional.linear(input, weight) / norms


class Euclidean(Weighted):
    """The distances between the input and each column of ``weight``, (inputSize, outputSize)."""

    _names = ("weight",)

    def __init__(self, inputSize: int, outputSize: int) -> None:
        super().__init__()
        self._make((inputSize, outputSize))
        self.reset()

    def _bound(self) -> float:
        return 1 / math.sqrt(self.weight.shape[0])

    def _compute(self, input: Any, weight: Any) -> Any:
        return (input.unsqueeze(-1) - weight).pow(2).sum(-2).sqrt()


class WeightedEuclidean(Weighted):
    """``Euclidean`` with each difference weighted by ``diagCov``, which is learned too."""

    _names = ("weight", "diagCov")

    def __init__(self, inputSize: int, outputSize: int) -> None:
        super().__init__()
        self._make((inputSize, outputSize))
        self.diagCov = self._new(inputSize, outputSize)
        self.gradDiagCov = zeros_like(self.diagCov)
        self.reset()

    def _bound(self) -> float:
        return 1 / math.sqrt(self.weight.shape[0])

    def reset(self, stdv: float | None = None) -> Any:
        """Draw the columns anew, and weigh all differences alike."""
        bound = self._bound() if stdv is None else stdv * math.sqrt(3)
        init.uniform_(self.weight, -bound, bound)
        self.diagCov.fill_(1)
        return self

    def _compute(self, input: Any, weight: Any, diagCov: Any) -> Any:
        return ((input.unsqueeze(-1) - weight) * diagCov).pow(2).sum(-2).sqrt()


__getattr__ = lacking(__name__)
