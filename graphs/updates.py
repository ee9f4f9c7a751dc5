"""What an optimiser does to a parameter, written once for both modes.

A ``Rule`` says which arrays it keeps beside a parameter (slots), which numbers it needs at each step (rates) and what the
new parameter and slots are. Flags that change the expression are fields of the rule; numbers are rates, so that a schedule
re-traces nothing:

    rule = Adam(amsgrad=True)
    state = [numpy.full_like(p, fill) for fill in rule.fills()]
    rates = rule.step(p.dtype, t, learning_rate=1e-3, beta1=0.9, beta2=0.999, epsilon=1e-8)      # t counts from 1
    rule.kernel(p.dtype)((p, g, *state, *rates), (p, *state))                                    # in place

A graph has ``rule.function(dtype)`` as the body of a ``fused`` node, and ``rule.rates(t, ...)`` as nodes in float64, cast to
the parameter's dtype: the same bits.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar

import numpy

from graphs.codegen import Kernel, compiled
from graphs.core.function import Function, trace
from graphs.core.spec import Spec
from graphs.ops.elementwise import maximum
from graphs.ops.functions import expm1, log, sqrt
from graphs.ops.logic import equal, where


@dataclass(frozen=True, kw_only=True)
class Rule(ABC):
    """What all optimisers share.

    Attributes:
        maximize: go up the gradient rather than down.
        weight_decay: add the parameter, times the rate of that name, to the gradient (L2 regularisation).
    """

    maximize: bool = False
    weight_decay: bool = False

    name: ClassVar[str]
    """The optimiser's name, as pictures show it."""

    @property
    def rate_names(self) -> tuple[str, ...]:
        """What ``rates`` gives."""
        return (*self._names, "weight_decay") if self.weight_decay else self._names

    @property
    def slots(self) -> tuple[str, ...]:
        """The names of the arrays kept beside a parameter."""
        return ()

    def fills(self, **hyper: Any) -> tuple[float, ...]:
        """What each slot is filled with at first."""
        return (0.0,) * len(self.slots)

    def rates(self, t: Any, *, weight_decay: Any = 0.0, **hyper: Any) -> tuple[Any, ...]:
        """The numbers of step ``t``, which counts from 1: Python or float64 scalars, or values of a graph if given such."""
        given = {**self._rates(t, **hyper), "weight_decay": weight_decay}
        return tuple(given[name] for name in self.rate_names)

    def step(self, dtype: Any, t: int, **hyper: Any) -> tuple[numpy.ndarray, ...]:
        """The rates as 0-d arrays of ``dtype``, for ``kernel``. They serve every parameter that is at step ``t``."""
        with numpy.errstate(all="ignore"):
            return tuple(numpy.asarray(rate, dtype) for rate in self.rates(numpy.float64(t), **hyper))

    def function(self, dtype: Any) -> Function:
        """The Function ``(p, g, *slots, *rates) -> (p, *slots)`` for arrays of ``dtype`` of any shape; made once."""
        return _function(self, numpy.dtype(dtype))

    def kernel(self, dtype: Any) -> Kernel:
        """``function`` compiled; the outputs may be written to the parameter's and the slots' own memory."""
        return _kernel(self, numpy.dtype(dtype))

    @property
    @abstractmethod
    def _names(self) -> tuple[str, ...]:
        """The rates that ``_update`` reads."""

    @abstractmethod
    def _rates(self, *t: Any, **hyper: Any) -> dict[str, Any]:
        """The rates of step ``t`` by name, those among them that these flags leave unused."""

    @abstractmethod
    def _update(self, p: Any, g: Any, slots: Sequence[Any], rates: Mapping[str, Any]) -> tuple[Any, ...]:
        """The new parameter and slots."""


@cache
def _function(rule: Rule, dtype: numpy.dtype[Any]) -> Function:
    width = len(rule.slots)

    def update(p: Any, g: Any, *rest: Any) -> tuple[Any, ...]:
        rates = dict(zip(rule.rate_names, rest[width:], strict=True))
        if rule.maximize:
            g = -g
        if rule.weight_decay:
            g = g + p * rates["weight_decay"]
        return rule._update(p, g, rest[:width], rates)

    arrays = [Spec(None, dtype)] * (2 + width)
    scalars = [Spec((), dtype)] * len(rule.rate_names)
    return trace(update, *arrays, *scalars, name=rule.name)[0]


@cache
def _kernel(rule: Rule, dtype: numpy.dtype[Any]) -> Kernel:
    return compiled(rule.function(dtype), (0, *range(2, 2 + len(rule.slots))))


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
class Adam(Rule):
    """Adam (Kingma and Ba 2015), and with ``amsgrad`` its variant by Reddi, Kale and Kumar 2018.

    The paper's algorithm 1 (and PyTorch) adds epsilon after the second moment's bias has been corrected, its closing remark
    (and TensorFlow 1) before, and calls it epsilon hat. The former is the latter with ``epsilon * sqrt(1 - beta2 ** t)``, so
    the two differ in a rate only: the argument ``epsilon_hat`` of ``rates``. One expression serves both.
    """

    amsgrad: bool = False

    name: ClassVar[str] = "Adam"

    @property
    def _names(self) -> tuple[str, ...]:
        return ("learning_rate", "fresh1", "beta2", "fresh2", "epsilon")

    @property
    def slots(self) -> tuple[str, ...]:
        """``m`` and ``v``, the moments, and with amsgrad ``v_max``, the largest second one so far."""
        return ("m", "v", "v_max") if self.amsgrad else ("m", "v")

    def _rates(
        self, t: Any, *, learning_rate: Any, beta1: Any, beta2: Any, epsilon: Any, epsilon_hat: bool = False
    ) -> dict[str, Any]:
        root = sqrt(_unbiased(beta2, t))
        return {
            "learning_rate": learning_rate * root / _unbiased(beta1, t),
            "fresh1": 1.0 - beta1,
            "beta2": beta2,
            "fresh2": 1.0 - beta2,
            "epsilon": epsilon if epsilon_hat else epsilon * root,
        }

    def _update(self, p: Any, g: Any, slots: Sequence[Any], rates: Mapping[str, Any]) -> tuple[Any, ...]:
        m = slots[0] + (g - slots[0]) * rates["fresh1"]
        v = slots[1] * rates["beta2"] + g * g * rates["fresh2"]
        kept = (m, v, maximum(slots[2], v)) if self.amsgrad else (m, v)
        return p - m * rates["learning_rate"] / (sqrt(kept[-1]) + rates["epsilon"]), *kept


def _unbiased(beta: Any, t: Any) -> Any:
    """``1 - beta ** t``, by logarithms: a ufunc on scalars as on arrays, where ``**`` takes two ways to two last bits."""
    return -expm1(t * log(beta))
