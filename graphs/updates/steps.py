"""Steps of a size of their own: by the gradient's sign alone, or falling while the parameters are averaged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from graphs.ops.elementwise import maximum, minimum, power, sign
from graphs.ops.logic import greater, less, where
from graphs.updates.rule import Rule


@dataclass(frozen=True, kw_only=True)
class Rprop(Rule):
    """Resilient backpropagation (Riedmiller and Braun 1993).

    Each element's step grows while its gradient keeps its sign; where the sign changes it shrinks, and the element stays.
    """

    name: ClassVar[str] = "Rprop"

    @property
    def _names(self) -> tuple[str, ...]:
        return ("shrinking", "growing", "smallest", "largest")

    @property
    def slots(self) -> tuple[str, ...]:
        """``prev``, the last gradient that was followed, and ``step_size``."""
        return ("prev", "step_size")

    def fills(self, *, learning_rate: float = 1e-2, **hyper: Any) -> tuple[float, ...]:
        """Zero, and the learning rate, which is the first step's size and no other's."""
        return (0.0, learning_rate)

    def _rates(
        self, _t: Any, *, shrinking: Any, growing: Any, smallest: Any, largest: Any, learning_rate: Any = None
    ) -> dict[str, Any]:
        return {"shrinking": shrinking, "growing": growing, "smallest": smallest, "largest": largest}

    def _update(self, p: Any, g: Any, slots: Sequence[Any], rates: Mapping[str, Any]) -> tuple[Any, ...]:
        agree = g * slots[0]
        turned = less(agree, 0.0)
        factor = where(greater(agree, 0.0), rates["growing"], where(turned, rates["shrinking"], 1.0))
        size = minimum(maximum(slots[1] * factor, rates["smallest"]), rates["largest"])
        followed = where(turned, 0.0, g)
        return p - sign(followed) * size, followed, size


@dataclass(frozen=True, kw_only=True)
class ASGD(Rule):
    """Averaged gradient descent (Polyak and Juditsky 1992), with a rate that falls and parameters that fade."""

    name: ClassVar[str] = "ASGD"

    @property
    def _names(self) -> tuple[str, ...]:
        return ("kept", "eta", "mu")

    @property
    def slots(self) -> tuple[str, ...]:
        """``ax``: the average of the parameter."""
        return ("ax",)

    def schedule(self, t: Any, *, learning_rate: Any, lambd: Any, alpha: Any, t0: Any) -> tuple[Any, Any]:
        """The rate of the step after step ``t`` and the share that the parameter will then have in its average."""
        eta = learning_rate / power(lambd * learning_rate * t + 1.0, alpha)
        return eta, 1.0 / maximum(t - t0, 1.0)

    def _rates(
        self, t: Any, *, learning_rate: Any, lambd: Any, alpha: Any, t0: Any, eta: Any = None, mu: Any = None
    ) -> dict[str, Any]:
        """``eta`` and ``mu``, where given, are what the step before this one said they would be."""
        if eta is None or mu is None:
            eta, mu = self.schedule(t - 1.0, learning_rate=learning_rate, lambd=lambd, alpha=alpha, t0=t0)
        return {"kept": 1.0 - lambd * eta, "eta": eta, "mu": mu}

    def _update(self, p: Any, g: Any, slots: Sequence[Any], rates: Mapping[str, Any]) -> tuple[Any, ...]:
        new = p * rates["kept"] - g * rates["eta"]
        return new, slots[0] + (new - slots[0]) * rates["mu"]
