"""A rate for each element, from the squares of its gradients: Adagrad and what came of it, RMSProp, Adadelta."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from graphs.ops.functions import sqrt
from graphs.updates.descent import soft
from graphs.updates.rule import Rule


@dataclass(frozen=True, kw_only=True)
class Adagrad(Rule):
    """Adagrad (Duchi, Hazan and Singer 2011).

    TensorFlow 1 starts the accumulator at 0.1 and has no epsilon; PyTorch starts at 0, adds epsilon outside the root and
    lets the learning rate decay.
    """

    epsilon: bool = True

    name: ClassVar[str] = "Adagrad"

    @property
    def _names(self) -> tuple[str, ...]:
        return ("learning_rate", "epsilon") if self.epsilon else ("learning_rate",)

    @property
    def slots(self) -> tuple[str, ...]:
        """``accumulator``: the sum of the squared gradients."""
        return ("accumulator",)

    def fills(self, *, initial_accumulator_value: float = 0.0, **hyper: Any) -> tuple[float, ...]:
        """``initial_accumulator_value``."""
        return (initial_accumulator_value,)

    def _rates(
        self, t: Any, *, learning_rate: Any, epsilon: Any = 0.0, lr_decay: Any = 0.0, initial_accumulator_value: float = 0.0
    ) -> dict[str, Any]:
        return {"learning_rate": learning_rate / ((t - 1.0) * lr_decay + 1.0), "epsilon": epsilon}

    def _update(self, p: Any, g: Any, slots: Sequence[Any], rates: Mapping[str, Any]) -> tuple[Any, ...]:
        accumulator = slots[0] + g * g
        root = sqrt(accumulator)
        return p - g * rates["learning_rate"] / (root + rates["epsilon"] if self.epsilon else root), accumulator


@dataclass(frozen=True, kw_only=True)
class RMSProp(Rule):
    """RMSProp (Hinton, lecture 6 of "Neural networks for machine learning", 2012).

    The two frameworks differ by more than rounding. With ``epsilon_inside`` (TensorFlow) epsilon stands inside the root, the
    mean square starts at 1, and the learning rate goes into the momentum; without it (PyTorch) epsilon stands outside, the
    mean square starts at 0, and the learning rate multiplies what comes out.
    """

    momentum: bool = False
    centered: bool = False
    epsilon_inside: bool = False

    name: ClassVar[str] = "RMSProp"

    @property
    def _names(self) -> tuple[str, ...]:
        return ("learning_rate", "decay", "fresh", "epsilon", *(("momentum",) if self.momentum else ()))

    @property
    def slots(self) -> tuple[str, ...]:
        """``rms``, then ``mg`` (the mean gradient) if centered, and ``momentum`` if there is any."""
        return ("rms", *(("mg",) if self.centered else ()), *(("momentum",) if self.momentum else ()))

    def fills(self, **hyper: Any) -> tuple[float, ...]:
        """Zeros, but ones for TensorFlow's mean square."""
        return (1.0 if self.epsilon_inside else 0.0, *(0.0,) * (len(self.slots) - 1))

    def _rates(self, _t: Any, *, learning_rate: Any, decay: Any, epsilon: Any, momentum: Any = 0.0) -> dict[str, Any]:
        fresh = 1.0 - decay
        return {"learning_rate": learning_rate, "decay": decay, "fresh": fresh, "momentum": momentum, "epsilon": epsilon}

    def _update(self, p: Any, g: Any, slots: Sequence[Any], rates: Mapping[str, Any]) -> tuple[Any, ...]:
        learning_rate, decay, fresh, epsilon = (rates[name] for name in ("learning_rate", "decay", "fresh", "epsilon"))
        power = rms = slots[0] * decay + g * g * fresh
        kept = [rms]
        if self.centered:
            mean = slots[1] * decay + g * fresh
            power = rms - mean * mean
            kept.append(mean)
        root = sqrt(power + epsilon) if self.epsilon_inside else sqrt(power) + epsilon
        if not self.momentum:
            return p - g * learning_rate / root, *kept
        if self.epsilon_inside:
            move = velocity = slots[-1] * rates["momentum"] + g * learning_rate / root
        else:
            velocity = slots[-1] * rates["momentum"] + g / root
            move = velocity * learning_rate
        return p - move, *kept, velocity


@dataclass(frozen=True, kw_only=True)
class ProximalAdagrad(Rule):
    """Adagrad with L1 and L2 penalties, each applied exactly after the step at the element's own rate."""

    name: ClassVar[str] = "ProximalAdagrad"

    @property
    def _names(self) -> tuple[str, ...]:
        return ("learning_rate", "l1", "l2")

    @property
    def slots(self) -> tuple[str, ...]:
        """``accumulator``: the sum of the squared gradients."""
        return ("accumulator",)

    def fills(self, *, initial_accumulator_value: float = 0.0, **hyper: Any) -> tuple[float, ...]:
        """``initial_accumulator_value``."""
        return (initial_accumulator_value,)

    def _rates(self, _t: Any, *, learning_rate: Any, l1: Any = 0.0, l2: Any = 0.0) -> dict[str, Any]:
        return {"learning_rate": learning_rate, "l1": l1, "l2": l2}

    def _update(self, p: Any, g: Any, slots: Sequence[Any], rates: Mapping[str, Any]) -> tuple[Any, ...]:
        accumulator = slots[0] + g * g
        rate = rates["learning_rate"] / sqrt(accumulator)
        return soft(p - g * rate, rate * rates["l1"]) / (rate * rates["l2"] + 1.0), accumulator


@dataclass(frozen=True, kw_only=True)
class Adadelta(Rule):
    """Adadelta (Zeiler 2012)."""

    name: ClassVar[str] = "Adadelta"

    @property
    def _names(self) -> tuple[str, ...]:
        return ("learning_rate", "rho", "fresh", "epsilon")

    @property
    def slots(self) -> tuple[str, ...]:
        """``accum`` and ``accum_update``: the mean squares of the gradients and of the changes."""
        return ("accum", "accum_update")

    def _rates(self, _t: Any, *, learning_rate: Any, rho: Any, epsilon: Any) -> dict[str, Any]:
        return {"learning_rate": learning_rate, "rho": rho, "fresh": 1.0 - rho, "epsilon": epsilon}

    def _update(self, p: Any, g: Any, slots: Sequence[Any], rates: Mapping[str, Any]) -> tuple[Any, ...]:
        rho, fresh, epsilon = rates["rho"], rates["fresh"], rates["epsilon"]
        accum = slots[0] * rho + g * g * fresh
        change = sqrt(slots[1] + epsilon) / sqrt(accum + epsilon) * g
        return p - change * rates["learning_rate"], accum, slots[1] * rho + change * change * fresh
