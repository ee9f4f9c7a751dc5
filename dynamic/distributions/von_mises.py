"""The normal distribution on a circle."""

from __future__ import annotations

import math
from typing import Any

import numpy

import dynamic
from dynamic.apply import apply, wrap
from dynamic.distributions import constraints
from dynamic.distributions.distribution import Distribution
from dynamic.distributions.utils import broadcast_all
from dynamic.elsewhere import beside, to_numpy
from dynamic.names import lacking
from graphs.core.op import OPS


class VonMises(Distribution):
    """Angles of a density proportional to ``exp(concentration * cos(x - loc))``."""

    arg_constraints: Any = {"loc": constraints.real, "concentration": constraints.positive}
    support = constraints.real

    def __init__(self, loc: Any, concentration: Any, validate_args: bool | None = None) -> None:
        self.loc, self.concentration = broadcast_all(loc, concentration)
        super().__init__(self.loc.shape, validate_args=validate_args)

    @property
    def mean(self) -> Any:
        """The mean on the circle, ``loc``."""
        return self.loc

    @property
    def mode(self) -> Any:
        """The mode, ``loc``."""
        return self.loc

    @property
    def variance(self) -> Any:
        """The variance on the circle: one less the length of the mean vector."""
        return 1 - apply(OPS["i1e"], (self.concentration,)) / apply(OPS["i0e"], (self.concentration,))

    def log_prob(self, value: Any) -> Any:
        """The logarithm of the density at ``value``."""
        if self._validate_args:
            self._validate_sample(value)
        k = self.concentration
        return k * (value - self.loc).cos() - math.log(2 * math.pi) - (apply(OPS["i0e"], (k,)).log() + k)

    def sample(self, sample_shape: Any = ()) -> Any:
        """Angles from -pi to pi drawn, by rejection (Best and Fisher 1979)."""
        shape = tuple(self._extended_shape(sample_shape))
        with dynamic.no_grad():
            k = numpy.broadcast_to(to_numpy(self.concentration._array).astype(numpy.float64), shape)
            tau = 1 + numpy.sqrt(1 + 4 * k**2)
            rho = (tau - numpy.sqrt(2 * tau)) / (2 * k)
            # For small concentrations the formula loses all digits; its series does not.
            r = numpy.where(k < 1e-5, 1 / numpy.maximum(k, 1e-300) + k, (1 + rho**2) / numpy.maximum(2 * rho, 1e-300))
            angle, todo = numpy.zeros(shape), numpy.ones(shape, bool)
            while todo.any():
                u1, u2, u3 = dynamic.rand(3, *shape, dtype=dynamic.float64, device="cpu")._array
                z = numpy.cos(numpy.pi * u1)
                f = (1 + r * z) / (r + z)
                c = k * (r - f)
                accepted = (c * (2 - c) > u2) | (numpy.log(c / numpy.maximum(u2, 1e-300)) + 1 >= c)
                new = numpy.where(u3 < 0.5, -1, 1) * numpy.arccos(numpy.clip(f, -1, 1))
                angle = numpy.where(todo & accepted, new, angle)
                todo &= ~accepted
            drawn = wrap(beside(angle.astype(self.loc._array.dtype), self.loc._array)) + self.loc
            return (drawn + math.pi).remainder(2 * math.pi) - math.pi


__getattr__ = lacking(__name__)
