"""Exponential families."""

from __future__ import annotations

from dynamic.distributions.distribution import Distribution
from dynamic.names import lacking


class ExponentialFamily(Distribution):
    """A distribution whose density is ``exp(t(x) · θ - F(θ) + k(x))``; a class to recognise them by."""


__getattr__ = lacking(__name__)
