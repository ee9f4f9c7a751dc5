"""Criteria: what nets are to make small. ``forward(input, target)`` gives a number, ``backward`` its gradient."""

from __future__ import annotations

from typing import Any

from dynamic.functions.creation import ones_like
from dynamic.legacy.nn.nested import like
from dynamic.legacy.nn.recorded import Recorded
from dynamic.names import lacking
from dynamic.nn import functional
from dynamic.tensor import Tensor
from graphs.core.errors import at_line


class Criterion:
    """A number that says how far an input is from a target.

    A criterion of one's own defines ``updateOutput`` and ``updateGradInput``, or ``_compute(input, target)`` alone, over
    tensors: the gradient then comes from the tape. ``output`` and ``gradInput`` keep what came last.
    """

    def __init__(self) -> None:
        self.gradInput: Any = Tensor()
        self.output: Any = 0
        self._record: Recorded | None = None
        self._target: Any = None

    def _compute(self, input: Any, target: Any) -> Any:
        raise NotImplementedError(f"{type(self).__name__} has neither updateOutput nor _compute{at_line()}")

    def updateOutput(self, input: Any, target: Any) -> Any:
        """Compute ``output`` and return it."""
        self._target = target
        self._record = Recorded(lambda x: self._compute(x, target), input, ())
        self.output = self._record.result.item()
        return self.output

    def updateGradInput(self, input: Any, target: Any) -> Any:
        """Compute the gradient of the number with respect to the input, ``gradInput``, and return it."""
        if self._record is None or self._target is not target or not self._record.of(input):
            self.updateOutput(input, target)
        assert self._record is not None
        found, _ = self._record.gradients(ones_like(self._record.result.detach()), False)
        self.gradInput = like(input, iter(found))
        return self.gradInput

    def forward(self, input: Any, target: Any) -> Any:
        """The number for ``input`` and ``target``."""
        return self.updateOutput(input, target)

    def backward(self, input: Any, target: Any) -> Any:
        """The gradient of the number with respect to ``input``."""
        return self.updateGradInput(input, target)

    def __call__(self, input: Any, target: Any) -> Any:
        """What ``forward`` gives."""
        return self.forward(input, target)

    def type(self, type: Any, tensorCache: Any = None) -> Any:
        """The criterion with its floating tensors cast to ``type``."""
        self._record = self._target = None
        for name, value in vars(self).items():
            if isinstance(value, Tensor) and value.is_floating_point():
                setattr(self, name, value.to(type))
            elif isinstance(value, Criterion):
                value.type(type)
            elif isinstance(value, list):
                for item in value:
                    if isinstance(item, Criterion):
                        item.type(type)
        return self

    def float(self) -> Any:
        """The criterion with its tensors cast to float32."""
        return self.type("float")

    def double(self) -> Any:
        """The criterion with its tensors cast to float64."""
        return self.type("double")

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_record": None, "_target": None}

    def __repr__(self) -> str:
        return f"nn.{type(self).__name__}"


class _Averaged(Criterion):
    """A criterion that is a sum over elements, or a mean with ``sizeAverage``."""

    def __init__(self, sizeAverage: bool = True) -> None:
        super().__init__()
        self.sizeAverage = sizeAverage

    @property
    def _reduction(self) -> str:
        return "mean" if self.sizeAverage else "sum"

    def _total(self, each: Any) -> Any:
        return each.mean() if self.sizeAverage else each.sum()


class _Weighted(_Averaged):
    def __init__(self, weights: Any = None, sizeAverage: bool = True) -> None:
        super().__init__(sizeAverage)
        self.weights = weights


class MSECriterion(_Averaged):
    """Squared differences."""

    def _compute(self, input: Any, target: Any) -> Any:
        return self._total((input - target) ** 2)


class WeightedMSECriterion(_Averaged):
    """Squared differences to the target times a weight for each place."""

    def __init__(self, weight: Any, sizeAverage: bool = True) -> None:
        super().__init__(sizeAverage)
        self.weight = weight

    def _compute(self, input: Any, target: Any) -> Any:
        return self._total((input - target * self.weight) ** 2)


class AbsCriterion(_Averaged):
    """Absolute differences."""

    def _compute(self, input: Any, target: Any) -> Any:
        return self._total((input - target).abs())


class SmoothL1Criterion(_Averaged):
    """Half of the squared differences below 1, absolute differences less a half above (Girshick 2015)."""

    def _compute(self, input: Any, target: Any) -> Any:
        return functional.smooth_l1_loss(input, target, reduction=self._reduction)


class ClassNLLCriterion(Criterion):
    """Minus the log-probability of the target class; classes count from 0, and are weighted by ``weights``."""

    def __init__(self, weights: Any = None, sizeAverage: bool = True, ignore_index: int = -100) -> None:
        super().__init__()
        self.weights, self.sizeAverage, self.ignore_index = weights, sizeAverage, ignore_index

    def _compute(self, input: Any, target: Any) -> Any:
        reduction = "mean" if self.sizeAverage else "sum"
        if input.dim() == 1:
            target = target.reshape(())
        return functional.nll_loss(input, target.long(), self.weights, None, self.ignore_index, reduction=reduction)


class SpatialClassNLLCriterion(ClassNLLCriterion):
    """``ClassNLLCriterion`` of each pixel: (N, C, H, W) and (N, H, W)."""


class CrossEntropyCriterion(ClassNLLCriterion):
    """``ClassNLLCriterion`` of ``LogSoftMax`` of the input."""

    def __init__(self, weights: Any = None) -> None:
        super().__init__(weights)

    def _compute(self, input: Any, target: Any) -> Any:
        input = input.squeeze()
        return super()._compute(functional.log_softmax(input, 0 if input.dim() == 1 else 1), target.squeeze())


class BCECriterion(_Weighted):
    """Cross-entropy of probabilities against targets in [0, 1]; 1e-12 is added under the logarithms."""

    eps = 1e-12

    def _compute(self, input: Any, target: Any) -> Any:
        each = (input + self.eps).log() * target + (1 - input + self.eps).log() * (1 - target)
        return -self._total(each if self.weights is None else each * self.weights)


class DistKLDivCriterion(_Averaged):
    """The divergence of Kullback and Leibler of probabilities ``target`` from log-probabilities ``input``."""

    def _compute(self, input: Any, target: Any) -> Any:
        return self._total(functional.kl_div(input, target, reduction="none"))


class MarginCriterion(_Averaged):
    """How far ``input * target`` falls short of ``margin``, targets being 1 and -1."""

    def __init__(self, margin: float = 1, sizeAverage: bool = True) -> None:
        super().__init__(sizeAverage)
        self.margin = margin

    def _compute(self, input: Any, target: Any) -> Any:
        return self._total((self.margin - input * target).clamp(min=0))


class SoftMarginCriterion(_Averaged):
    """``log(1 + exp(-input * target))``, targets being 1 and -1."""

    def _compute(self, input: Any, target: Any) -> Any:
        return self._total((1 + (-input * target).exp()).log())


class HingeEmbeddingCriterion(_Averaged):
    """The input where the target is 1, how far it falls short of ``margin`` where it is -1."""

    def __init__(self, margin: float = 1, sizeAverage: bool = True) -> None:
        super().__init__(sizeAverage)
        self.margin = margin

    def _compute(self, input: Any, target: Any) -> Any:
        return functional.hinge_embedding_loss(input, target, self.margin, reduction=self._reduction)


class CosineEmbeddingCriterion(_Averaged):
    """For a table of two batches of vectors: 1 minus their cosine for target 1, how far it is above ``margin`` for -1."""

    def __init__(self, margin: float = 0, sizeAverage: bool = True) -> None:
        super().__init__(sizeAverage)
        self.margin = margin

    def _compute(self, input: Any, target: Any) -> Any:
        one, other = input
        return functional.cosine_embedding_loss(one, other, target, self.margin, reduction=self._reduction)


class MarginRankingCriterion(_Averaged):
    """For a table of two batches of scores: how far the one that is to be larger falls short of ``margin``."""

    def __init__(self, margin: float = 1, sizeAverage: bool = True) -> None:
        super().__init__(sizeAverage)
        self.margin = margin

    def _compute(self, input: Any, target: Any) -> Any:
        one, other = input
        return self._total((self.margin - target * (one - other)).clamp(min=0))


class L1HingeEmbeddingCriterion(Criterion):
    """For a table of two vectors: the sum of absolute differences for target 1, else its shortfall of ``margin``."""

    def __init__(self, margin: float = 1) -> None:
        super().__init__()
        self.margin = float(margin)

    def _compute(self, input: Any, target: Any) -> Any:
        distance = (input[0] - input[1]).abs().sum()
        wanted = target.item() if isinstance(target, Tensor) else target
        return distance if wanted == 1 else (self.margin - distance).clamp(min=0)


class L1Cost(Criterion):
    """The sum of absolute values; a target is not needed."""

    def _compute(self, input: Any, target: Any = None) -> Any:
        return input.abs().sum()

    def forward(self, input: Any, target: Any = None) -> Any:
        """The number for ``input``."""
        return self.updateOutput(input, target)

    def backward(self, input: Any, target: Any = None) -> Any:
        """The gradient of the number with respect to ``input``."""
        return self.updateGradInput(input, target)


class MultiMarginCriterion(_Weighted):
    """How far the target class's score fails to lead the others by ``margin``, to the power ``p``."""

    def __init__(self, p: int = 1, weights: Any = None, margin: float = 1, sizeAverage: bool = True) -> None:
        super().__init__(weights, sizeAverage)
        self.p, self.margin = p, margin

    def _compute(self, input: Any, target: Any) -> Any:
        return functional.multi_margin_loss(input, target, self.p, self.margin, self.weights, reduction=self._reduction)


class MultiLabelMarginCriterion(_Averaged):
    """How far the scores of the target classes fail to lead each other one by 1; targets end at the first -1."""

    def _compute(self, input: Any, target: Any) -> Any:
        return functional.multilabel_margin_loss(input, target, reduction=self._reduction)


class MultiLabelSoftMarginCriterion(_Weighted):
    """Cross-entropy of the sigmoids of all scores against targets of 0 and 1."""

    def _compute(self, input: Any, target: Any) -> Any:
        return functional.multilabel_soft_margin_loss(input, target, self.weights, reduction=self._reduction)


__getattr__ = lacking(__name__)
