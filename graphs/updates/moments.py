"""Adam with another first moment, or with a second one that is trusted by degrees: NAdam and RAdam."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log
from typing import Any, ClassVar

from graphs.ops.elementwise import maximum, power
from graphs.ops.functions import exp, sqrt
from graphs.ops.logic import greater, where
from graphs.updates.rule import Rule


_LOG_FADING = log(0.96)


@dataclass(frozen=True, kw_only=True)
class NAdam(Rule):
    """Adam with Nesterov's momentum, which grows from half its value to all of it (Dozat 2016; PyTorch's form).

    TensorFlow's ``NadamOptimizer``, whose momentum is the same at each step, is ``Adam(nesterov=True)``.
    """

    name: ClassVar[str] = "NAdam"

    @property
    def _names(self) -> tuple[str, ...]:
        return ("of_gradient", "of_moment", "fresh1", "beta2", "fresh2", "epsilon")

    @property
    def slots(self) -> tuple[str, ...]:
        """``m`` and ``v``, the moments."""
        return ("m", "v")

    def momentum(self, t: Any, *, beta1: Any, momentum_decay: Any) -> Any:
        """The share of the first moment in step ``t``."""
        return beta1 * (1.0 - 0.5 * exp(t * momentum_decay * _LOG_FADING))

    def _rates(
        self,
        t: Any,
        *,
        learning_rate: Any,
        beta1: Any,
        beta2: Any,
        epsilon: Any,
        momentum_decay: Any,
        product: Any,
    ) -> dict[str, Any]:
        """``product`` is that of the momenta of all steps up to this one."""
        now = self.momentum(t, beta1=beta1, momentum_decay=momentum_decay)
        ahead = self.momentum(t + 1.0, beta1=beta1, momentum_decay=momentum_decay)
        root = sqrt(1.0 - power(beta2, t))
        return {
            "of_gradient": learning_rate * (1.0 - now) / (1.0 - product) * root,
            "of_moment": learning_rate * ahead / (1.0 - product * ahead) * root,
            "fresh1": 1.0 - beta1,
            "beta2": beta2,
            "fresh2": 1.0 - beta2,
            "epsilon": epsilon * root,
        }

    def _update(self, p: Any, g: Any, slots: Sequence[Any], rates: Mapping[str, Any]) -> tuple[Any, ...]:
        m = slots[0] + (g - slots[0]) * rates["fresh1"]
        v = slots[1] * rates["beta2"] + g * g * rates["fresh2"]
        return p - (g * rates["of_gradient"] + m * rates["of_moment"]) / (sqrt(v) + rates["epsilon"]), m, v


@dataclass(frozen=True, kw_only=True)
class RAdam(Rule):
    """Rectified Adam: plain momentum until the second moment rests on enough gradients (Liu et al. 2020)."""

    name: ClassVar[str] = "RAdam"

    @property
    def _names(self) -> tuple[str, ...]:
        return ("plain", "rectified", "fresh1", "beta2", "fresh2", "epsilon")

    @property
    def slots(self) -> tuple[str, ...]:
        """``m`` and ``v``, the moments."""
        return ("m", "v")

    def _rates(self, t: Any, *, learning_rate: Any, beta1: Any, beta2: Any, epsilon: Any) -> dict[str, Any]:
        # By powers, as PyTorch has it: the length is a small difference of large numbers, and shows other last bits.
        faded = power(beta2, t)
        longest = 2.0 / (1.0 - beta2) - 1.0
        length = longest - 2.0 * t * faded / (1.0 - faded)
        share = (length - 4.0) * (length - 2.0) * longest / ((longest - 4.0) * (longest - 2.0) * maximum(length, 1.0))
        rate = learning_rate / (1.0 - power(beta1, t))
        rectified = rate * sqrt(maximum(share, 0.0) * (1.0 - faded))
        return {
            "plain": rate,
            "rectified": where(greater(length, 5.0), rectified, 0.0),
            "fresh1": 1.0 - beta1,
            "beta2": beta2,
            "fresh2": 1.0 - beta2,
            "epsilon": epsilon,
        }

    def _update(self, p: Any, g: Any, slots: Sequence[Any], rates: Mapping[str, Any]) -> tuple[Any, ...]:
        m = slots[0] + (g - slots[0]) * rates["fresh1"]
        v = slots[1] * rates["beta2"] + g * g * rates["fresh2"]
        rectified = rates["rectified"]
        rate = where(greater(rectified, 0.0), rectified / (sqrt(v) + rates["epsilon"]), rates["plain"])
        return p - m * rate, m, v
