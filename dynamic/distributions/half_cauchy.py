"""The half-Cauchy distribution, under its module's name in PyTorch."""

from __future__ import annotations

from dynamic.distributions.cauchy import HalfCauchy as HalfCauchy
from dynamic.names import lacking


__getattr__ = lacking(__name__)
