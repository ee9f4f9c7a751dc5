"""The chi-squared distribution."""

from __future__ import annotations

from typing import Any

from dynamic.distributions import constraints
from dynamic.distributions.gamma import Gamma
from dynamic.distributions.utils import broadcast_all
from dynamic.names import lacking


class Chi2(Gamma):
    """Sums of ``df`` squares of standard normal numbers."""

    arg_constraints: Any = {"df": constraints.positive}

    def __init__(self, df: Any, validate_args: bool | None = None) -> None:
        (half,) = broadcast_all(0.5 * df)
        super().__init__(half, 0.5, validate_args=validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Chi2:
        """The distribution with its batch expanded."""
        return Chi2(self.df.expand(tuple(batch_shape)), self._validate_args)

    @property
    def df(self) -> Any:
        """The degrees of freedom."""
        return self.concentration * 2


__getattr__ = lacking(__name__)
