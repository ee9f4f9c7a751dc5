"""Gradient descent: plain, with momentum, and with a penalty that is applied exactly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from graphs.ops.elementwise import absolute, maximum, sign
from graphs.ops.logic import equal, where
from graphs.updates.rule import Rule


@dataclass(frozen=True, kw_only=True)
class SGD(Rule):
    """Gradient descent, with momentum as in Sutskever et al. 2013.

    TensorFlow's ``MomentumOptimizer`` and PyTorch's ``SGD`` compute the same up to rounding. With ``dampening`` the gradient
    enters the momentum damped, except at the first step (PyTorch).
    """

    momentum: bool = False
    nesterov: bool = False
    dampening: bool = False

    name: ClassVar[str] = "SGD"

    @property
    def _names(self) -> tuple[str, ...]:
        return ("learning_rate", *(("momentum",) if self.momentum else ()), *(("undamped",) if self.dampening else ()))

    @property
    def slots(self) -> tuple[str, ...]:
        """``momentum``, if there is any."""
        return ("momentum",) if self.momentum else ()

    def _rates(self, t: Any, *, learning_rate: Any, momentum: Any = 0.0, dampening: Any = 0.0) -> dict[str, Any]:
        undamped = where(equal(t, 1), 1.0, 1.0 - dampening) if self.dampening else 1.0
        return {"learning_rate": learning_rate, "momentum": momentum, "undamped": undamped}

    def _update(self, p: Any, g: Any, slots: Sequence[Any], rates: Mapping[str, Any]) -> tuple[Any, ...]:
        if not self.momentum:
            return (p - g * rates["learning_rate"],)
        velocity = slots[0] * rates["momentum"] + (g * rates["undamped"] if self.dampening else g)
        ahead = g + velocity * rates["momentum"] if self.nesterov else velocity
        return p - ahead * rates["learning_rate"], velocity


@dataclass(frozen=True, kw_only=True)
class ProximalSGD(Rule):
    """Gradient descent with L1 and L2 penalties, each applied exactly after the step (Duchi and Singer 2009)."""

    name: ClassVar[str] = "ProximalSGD"

    @property
    def _names(self) -> tuple[str, ...]:
        return ("learning_rate", "threshold", "shrunk")

    def _rates(self, _t: Any, *, learning_rate: Any, l1: Any = 0.0, l2: Any = 0.0) -> dict[str, Any]:
        return {"learning_rate": learning_rate, "threshold": learning_rate * l1, "shrunk": learning_rate * l2 + 1.0}

    def _update(self, p: Any, g: Any, slots: Sequence[Any], rates: Mapping[str, Any]) -> tuple[Any, ...]:
        return (soft(p - g * rates["learning_rate"], rates["threshold"]) / rates["shrunk"],)


def soft(x: Any, threshold: Any) -> Any:
    """``x`` moved towards zero by ``threshold``, and no further than zero."""
    return sign(x) * maximum(absolute(x) - threshold, 0.0)
