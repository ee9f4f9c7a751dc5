"""Similarities and distances as modules."""

from __future__ import annotations

from typing import Any

from dynamic.names import lacking
from dynamic.nn.distances import cosine_similarity, pairwise_distance
from dynamic.nn.modules.module import Module


class CosineSimilarity(Module):
    """The cosine of the angle between vectors along ``dim``, whose lengths count as ``eps`` at least."""

    def __init__(self, dim: int = 1, eps: float = 1e-8) -> None:
        super().__init__()
        self.dim, self.eps = dim, eps

    def forward(self, x1: Any, x2: Any) -> Any:
        """``cosine_similarity(x1, x2, dim)``."""
        return cosine_similarity(x1, x2, self.dim, self.eps)


class PairwiseDistance(Module):
    """The ``p``-norm of ``x1 - x2 + eps`` along the last dimension."""

    def __init__(self, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False) -> None:
        super().__init__()
        self.norm, self.eps, self.keepdim = p, eps, keepdim

    def forward(self, x1: Any, x2: Any) -> Any:
        """``pairwise_distance(x1, x2, p)``."""
        return pairwise_distance(x1, x2, self.norm, self.eps, self.keepdim)


__getattr__ = lacking(__name__)
