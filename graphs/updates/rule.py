"""What all optimisers share: slots, rates, and the update as a Function and as a kernel."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar

import numpy

from graphs.codegen import Kernel, compiled
from graphs.codegen.together import Together, together
from graphs.core.function import Function, trace
from graphs.core.spec import Spec


@dataclass(frozen=True, kw_only=True)
class Rule(ABC):
    """What all optimisers share.

    Attributes:
        maximize: go up the gradient rather than down.
        weight_decay: add the parameter, times the rate of that name, to the gradient (L2 regularisation).
        decoupled: let ``weight_decay`` shrink the parameter by itself instead, in proportion to the learning rate, unseen by
            what is kept of gradients (Loshchilov and Hutter, "Decoupled weight decay regularization", 2019).
    """

    maximize: bool = False
    weight_decay: bool = False
    decoupled: bool = False

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
        decay = 1.0 - hyper["learning_rate"] * weight_decay if self.weight_decay and self.decoupled else weight_decay
        given = {**self._rates(t, **hyper), "weight_decay": decay}
        return tuple(given[name] for name in self.rate_names)

    def step(self, dtype: Any, t: float, **hyper: Any) -> tuple[numpy.ndarray, ...]:
        """The rates as 0-d arrays of ``dtype``, for ``kernel``. They serve every parameter that is at step ``t``."""
        with numpy.errstate(all="ignore"):
            return tuple(numpy.asarray(rate, dtype) for rate in self.rates(numpy.float64(t), **hyper))

    def function(self, dtype: Any) -> Function:
        """The Function ``(p, g, *slots, *rates) -> (p, *slots)`` for arrays of ``dtype`` of any shape; made once."""
        return _function(self, numpy.dtype(dtype))

    def kernel(self, dtype: Any) -> Kernel:
        """``function`` compiled; the outputs may be written to the parameter's and the slots' own memory."""
        return _kernel(self, numpy.dtype(dtype))

    def together(self, dtype: Any, xp: Any) -> Together:
        """``function`` for the arrays of cupy's module ``xp`` beside several parameters at once, in their own memory."""
        return together(xp, self.function(dtype), _inplace(self))

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
        if rule.weight_decay and rule.decoupled:
            p = p * rates["weight_decay"]
        elif rule.weight_decay:
            g = g + p * rates["weight_decay"]
        return rule._update(p, g, rest[:width], rates)

    arrays = [Spec(None, dtype)] * (2 + width)
    scalars = [Spec((), dtype)] * len(rule.rate_names)
    return trace(update, *arrays, *scalars, name=rule.name)[0]


@cache
def _kernel(rule: Rule, dtype: numpy.dtype[Any]) -> Kernel:
    return compiled(rule.function(dtype), _inplace(rule))


def _inplace(rule: Rule) -> tuple[int, ...]:
    return (0, *range(2, 2 + len(rule.slots)))
