"""The losses that ask for a margin, as modules; ``dynamic.nn.margins`` says what they compute."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dynamic.names import lacking
from dynamic.nn import margins as F
from dynamic.nn.modules.distance import PairwiseDistance
from dynamic.nn.modules.loss import _Loss, _WeightedLoss


class _MarginLoss(_Loss):
    """Losses whose first setting is a margin."""

    def __init__(self, margin: float = 0.0, size_average: Any = None, reduce: Any = None, reduction: str = "mean") -> None:
        super().__init__(size_average, reduce, reduction)
        self.margin = margin


class MarginRankingLoss(_MarginLoss):
    """``max(0, margin - target (input1 - input2))``."""

    def forward(self, input1: Any, input2: Any, target: Any) -> Any:
        """``margin_ranking_loss(input1, input2, target)``."""
        return F.margin_ranking_loss(input1, input2, target, margin=self.margin, reduction=self.reduction)


class CosineEmbeddingLoss(_MarginLoss):
    """``1 - cos`` for pairs that belong together, ``max(0, cos - margin)`` for others."""

    def forward(self, input1: Any, input2: Any, target: Any) -> Any:
        """``cosine_embedding_loss(input1, input2, target)``."""
        return F.cosine_embedding_loss(input1, input2, target, margin=self.margin, reduction=self.reduction)


class HingeEmbeddingLoss(_MarginLoss):
    """The input where the target is 1, ``max(0, margin - input)`` where it is -1."""

    def __init__(self, margin: float = 1.0, size_average: Any = None, reduce: Any = None, reduction: str = "mean") -> None:
        super().__init__(margin, size_average, reduce, reduction)

    def forward(self, input: Any, target: Any) -> Any:
        """``hinge_embedding_loss(input, target)``."""
        return F.hinge_embedding_loss(input, target, margin=self.margin, reduction=self.reduction)


class SoftMarginLoss(_Loss):
    """``log(1 + exp(-target * input))``."""

    def forward(self, input: Any, target: Any) -> Any:
        """``soft_margin_loss(input, target)``."""
        return F.soft_margin_loss(input, target, reduction=self.reduction)


class MultiLabelMarginLoss(_Loss):
    """Margins between each target class and each other class."""

    def forward(self, input: Any, target: Any) -> Any:
        """``multilabel_margin_loss(input, target)``."""
        return F.multilabel_margin_loss(input, target, reduction=self.reduction)


class MultiLabelSoftMarginLoss(_WeightedLoss):
    """The mean of the cross-entropies of each class."""

    def forward(self, input: Any, target: Any) -> Any:
        """``multilabel_soft_margin_loss(input, target)``."""
        return F.multilabel_soft_margin_loss(input, target, weight=self.weight, reduction=self.reduction)


class MultiMarginLoss(_WeightedLoss):
    """Margins between the target class and each other class. Raises ValueError for a ``p`` that is neither 1 nor 2."""

    def __init__(
        self,
        p: int = 1,
        margin: float = 1.0,
        weight: Any = None,
        size_average: Any = None,
        reduce: Any = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__(weight, size_average, reduce, reduction)
        if p not in (1, 2):
            raise ValueError(f"p is 1 or 2, not {p}")
        if weight is not None and weight._array.ndim != 1:
            raise ValueError(f"weight is a number for each class, not of shape {tuple(weight._array.shape)}")
        self.p, self.margin = p, margin

    def forward(self, input: Any, target: Any) -> Any:
        """``multi_margin_loss(input, target)``."""
        return F.multi_margin_loss(input, target, self.p, self.margin, self.weight, reduction=self.reduction)


def _positive(margin: float) -> float:
    if margin <= 0:
        raise ValueError(f"the margin is positive, not {margin}")
    return margin


class TripletMarginLoss(_Loss):
    """``max(0, margin + |anchor - positive| - |anchor - negative|)``; see ``functional.triplet_margin_loss``."""

    def __init__(
        self,
        margin: float = 1.0,
        p: float = 2.0,
        eps: float = 1e-6,
        swap: bool = False,
        size_average: Any = None,
        reduce: Any = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__(size_average, reduce, reduction)
        self.margin, self.p, self.eps, self.swap = _positive(margin), p, eps, swap

    def forward(self, anchor: Any, positive: Any, negative: Any) -> Any:
        """``triplet_margin_loss(anchor, positive, negative)``."""
        how: dict[str, Any] = {"margin": self.margin, "p": self.p, "eps": self.eps, "swap": self.swap}
        return F.triplet_margin_loss(anchor, positive, negative, **how, reduction=self.reduction)


class TripletMarginWithDistanceLoss(_Loss):
    """``TripletMarginLoss`` by any distance, Euclid's by default."""

    def __init__(
        self,
        *,
        distance_function: Callable[[Any, Any], Any] | None = None,
        margin: float = 1.0,
        swap: bool = False,
        reduction: str = "mean",
    ) -> None:
        super().__init__(reduction=reduction)
        self.distance_function = PairwiseDistance() if distance_function is None else distance_function
        self.margin, self.swap = _positive(margin), swap

    def forward(self, anchor: Any, positive: Any, negative: Any) -> Any:
        """``triplet_margin_with_distance_loss(anchor, positive, negative)``."""
        how: dict[str, Any] = {"distance_function": self.distance_function, "margin": self.margin, "swap": self.swap}
        return F.triplet_margin_with_distance_loss(anchor, positive, negative, **how, reduction=self.reduction)


__getattr__ = lacking(__name__)
