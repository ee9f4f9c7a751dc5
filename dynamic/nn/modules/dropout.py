"""Dropout as modules: it is done in training only."""

from __future__ import annotations

from typing import Any

from dynamic.names import lacking
from dynamic.nn import dropping as F
from dynamic.nn.modules.module import Module


class Dropout(Module):
    """Each element is 0 with probability ``p``, the others over ``1 - p`` (Srivastava et al. 2014).

    Raises ValueError where ``p`` is no probability.
    """

    def __init__(self, p: float = 0.5, inplace: bool = False) -> None:
        super().__init__()
        if not 0 <= p <= 1:
            raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")
        self.p, self.inplace = p, inplace

    def forward(self, input: Any) -> Any:
        """``dropout(input, p)``, or ``input`` out of training."""
        return F.dropout(input, self.p, self.training, self.inplace)

    def extra_repr(self) -> str:
        """The probability, and whether the input is changed."""
        return f"p={self.p}, inplace={self.inplace}"


class Dropout1d(Dropout):
    """Dropout of whole channels of (N, C, L) or (C, L) (Tompson et al. 2015)."""

    def forward(self, input: Any) -> Any:
        """``dropout1d(input, p)``, or ``input`` out of training."""
        return F.dropout1d(input, self.p, self.training, self.inplace)


class Dropout2d(Dropout):
    """Dropout of whole channels of (N, C, H, W)."""

    def forward(self, input: Any) -> Any:
        """``dropout2d(input, p)``, or ``input`` out of training."""
        return F.dropout2d(input, self.p, self.training, self.inplace)


class Dropout3d(Dropout):
    """Dropout of whole channels of (N, C, D, H, W) or (C, D, H, W)."""

    def forward(self, input: Any) -> Any:
        """``dropout3d(input, p)``, or ``input`` out of training."""
        return F.dropout3d(input, self.p, self.training, self.inplace)


class AlphaDropout(Dropout):
    """Dropout that keeps mean and variance of what SELU gives (Klambauer et al. 2017)."""

    def forward(self, input: Any) -> Any:
        """``alpha_dropout(input, p)``, or ``input`` out of training."""
        return F.alpha_dropout(input, self.p, self.training, self.inplace)


class FeatureAlphaDropout(Dropout):
    """``AlphaDropout`` of whole channels."""

    def forward(self, input: Any) -> Any:
        """``feature_alpha_dropout(input, p)``, or ``input`` out of training."""
        return F.feature_alpha_dropout(input, self.p, self.training, self.inplace)


__getattr__ = lacking(__name__)
