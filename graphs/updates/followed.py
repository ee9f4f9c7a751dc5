"""Rules that keep the sum of all gradients and compute the parameter anew from it: dual averaging and follow-the-leader.

With an L1 penalty they give parameters that are zero, not nearly so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from graphs.ops.elementwise import absolute, power, sign
from graphs.ops.functions import sqrt
from graphs.ops.logic import greater, where
from graphs.updates.descent import soft
from graphs.updates.rule import Rule


@dataclass(frozen=True, kw_only=True)
class AdagradDA(Rule):
    """Adagrad by dual averaging (Duchi, Hazan and Singer 2011): the parameter is the best for all gradients so far."""

    name: ClassVar[str] = "AdagradDA"

    @property
    def _names(self) -> tuple[str, ...]:
        return ("learning_rate", "threshold", "damping")

    @property
    def slots(self) -> tuple[str, ...]:
        """The sums of the gradients and of their squares."""
        return ("gradient_accumulator", "gradient_squared_accumulator")

    def fills(self, *, initial_accumulator_value: float = 0.0, **hyper: Any) -> tuple[float, ...]:
        """Zeros, and ``initial_accumulator_value``."""
        return (0.0, initial_accumulator_value)

    def _rates(self, t: Any, *, learning_rate: Any, l1: Any = 0.0, l2: Any = 0.0) -> dict[str, Any]:
        return {"learning_rate": learning_rate, "threshold": t * l1, "damping": t * l2 * learning_rate}

    def _update(self, p: Any, g: Any, slots: Sequence[Any], rates: Mapping[str, Any]) -> tuple[Any, ...]:
        total, squares = slots[0] + g, slots[1] + g * g
        length = sqrt(squares) + rates["damping"]
        return -soft(total, rates["threshold"]) * rates["learning_rate"] / length, total, squares


@dataclass(frozen=True, kw_only=True)
class Ftrl(Rule):
    """Follow the regularised leader, per coordinate (McMahan et al. 2013).

    Attributes:
        root: the learning rate falls with the root of the sum of squared gradients; else with its power ``power``.
        shrinkage: the gradient is taken of the loss with an L2 penalty of the rate ``shrinkage``, its square is not.
    """

    root: bool = True
    shrinkage: bool = False

    name: ClassVar[str] = "Ftrl"

    @property
    def _names(self) -> tuple[str, ...]:
        settings = (("power",) if not self.root else ()) + (("shrinkage",) if self.shrinkage else ())
        return ("learning_rate", "l1", "twice_l2", *settings)

    @property
    def slots(self) -> tuple[str, ...]:
        """``accum``, the sum of the squared gradients, and ``linear``, the slope of what the parameter minimises."""
        return ("accum", "linear")

    def fills(self, *, initial_accumulator_value: float = 0.0, **hyper: Any) -> tuple[float, ...]:
        """``initial_accumulator_value``, and zeros."""
        return (initial_accumulator_value, 0.0)

    def _rates(
        self,
        _t: Any,
        *,
        learning_rate: Any,
        l1: Any = 0.0,
        l2: Any = 0.0,
        l2_shrinkage: Any = 0.0,
        power: Any = 0.5,
        beta: Any = 0.0,
    ) -> dict[str, Any]:
        twice = {"twice_l2": l2 * 2.0 + beta / learning_rate, "shrinkage": l2_shrinkage * 2.0}
        return {"learning_rate": learning_rate, "l1": l1, "power": power, **twice}

    def _update(self, p: Any, g: Any, slots: Sequence[Any], rates: Mapping[str, Any]) -> tuple[Any, ...]:
        def length(squares: Any) -> Any:
            return (sqrt(squares) if self.root else power(squares, rates["power"])) / rates["learning_rate"]

        l1 = rates["l1"]
        accum = slots[0] + g * g
        slope = g + p * rates["shrinkage"] if self.shrinkage else g
        linear = slots[1] + slope - (length(accum) - length(slots[0])) * p
        best = (sign(linear) * l1 - linear) / (length(accum) + rates["twice_l2"])
        return where(greater(absolute(linear), l1), best, 0.0), accum, linear
