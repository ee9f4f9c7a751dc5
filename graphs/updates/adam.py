"""Adam and its kin: two moments of the gradient, both corrected for their start at zero."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from graphs.ops.elementwise import absolute, maximum
from graphs.ops.functions import expm1, log, sqrt
from graphs.updates.rule import Rule


@dataclass(frozen=True, kw_only=True)
class Adam(Rule):
    """Adam (Kingma and Ba 2015), and with ``amsgrad`` its variant by Reddi, Kale and Kumar 2018.

    The paper's algorithm 1 (and PyTorch) adds epsilon after the second moment's bias has been corrected, its closing remark
    (and TensorFlow 1) before, and calls it epsilon hat. The former is the latter with ``epsilon * sqrt(1 - beta2 ** t)``, so
    the two differ in a rate only: the argument ``epsilon_hat`` of ``rates``. One expression serves both.

    With ``nesterov`` the step is along the first moment that a further step with the same gradient would give (TensorFlow's
    ``NadamOptimizer``).
    """

    amsgrad: bool = False
    nesterov: bool = False

    name: ClassVar[str] = "Adam"

    @property
    def _names(self) -> tuple[str, ...]:
        return ("learning_rate", *(("beta1",) if self.nesterov else ()), "fresh1", "beta2", "fresh2", "epsilon")

    @property
    def slots(self) -> tuple[str, ...]:
        """``m`` and ``v``, the moments, and with amsgrad ``v_max``, the largest second one so far."""
        return ("m", "v", "v_max") if self.amsgrad else ("m", "v")

    def _rates(
        self,
        t: Any,
        *,
        learning_rate: Any,
        beta1: Any,
        beta2: Any,
        epsilon: Any,
        epsilon_hat: bool = False,
        beta1_power: Any = None,
        beta2_power: Any = None,
    ) -> dict[str, Any]:
        root = sqrt(_unbiased(beta2, t, beta2_power))
        return {
            "learning_rate": learning_rate * root / _unbiased(beta1, t, beta1_power),
            "beta1": beta1,
            "fresh1": 1.0 - beta1,
            "beta2": beta2,
            "fresh2": 1.0 - beta2,
            "epsilon": epsilon if epsilon_hat else epsilon * root,
        }

    def _update(self, p: Any, g: Any, slots: Sequence[Any], rates: Mapping[str, Any]) -> tuple[Any, ...]:
        m = slots[0] + (g - slots[0]) * rates["fresh1"]
        v = slots[1] * rates["beta2"] + g * g * rates["fresh2"]
        kept = (m, v, maximum(slots[2], v)) if self.amsgrad else (m, v)
        ahead = m * rates["beta1"] + g * rates["fresh1"] if self.nesterov else m
        return p - ahead * rates["learning_rate"] / (sqrt(kept[-1]) + rates["epsilon"]), *kept


@dataclass(frozen=True, kw_only=True)
class AdaMax(Rule):
    """Adam with the largest gradient in place of the second moment (Kingma and Ba 2015, algorithm 2).

    TensorFlow adds epsilon to that maximum when it divides by it; with ``epsilon_inside`` (PyTorch) it is added to the
    gradient's size before the maximum is taken.
    """

    epsilon_inside: bool = False

    name: ClassVar[str] = "AdaMax"

    @property
    def _names(self) -> tuple[str, ...]:
        return ("learning_rate", "fresh1", "beta2", "epsilon")

    @property
    def slots(self) -> tuple[str, ...]:
        """``m`` and ``v``: the first moment and the largest gradient so far, which fades."""
        return ("m", "v")

    def _rates(
        self, t: Any, *, learning_rate: Any, beta1: Any, beta2: Any, epsilon: Any, beta1_power: Any = None
    ) -> dict[str, Any]:
        rate = learning_rate / _unbiased(beta1, t, beta1_power)
        return {"learning_rate": rate, "fresh1": 1.0 - beta1, "beta2": beta2, "epsilon": epsilon}

    def _update(self, p: Any, g: Any, slots: Sequence[Any], rates: Mapping[str, Any]) -> tuple[Any, ...]:
        m = slots[0] + (g - slots[0]) * rates["fresh1"]
        size, epsilon = absolute(g), rates["epsilon"]
        v = maximum(slots[1] * rates["beta2"], size + epsilon if self.epsilon_inside else size)
        return p - m * rates["learning_rate"] / (v if self.epsilon_inside else v + epsilon), m, v


def _unbiased(beta: Any, t: Any, power: Any = None) -> Any:
    """``1 - beta ** t``, by logarithms: a ufunc on scalars as on arrays, where ``**`` takes two ways to two last bits.

    ``power`` is the product of all betas so far, for one that changes from step to step.
    """
    return -expm1(t * log(beta)) if power is None else 1.0 - power
