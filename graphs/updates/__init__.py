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

from graphs.updates.adam import Adam as Adam, AdaMax as AdaMax
from graphs.updates.adaptive import (
    Adadelta as Adadelta,
    Adagrad as Adagrad,
    ProximalAdagrad as ProximalAdagrad,
    RMSProp as RMSProp,
)
from graphs.updates.descent import SGD as SGD, ProximalSGD as ProximalSGD
from graphs.updates.followed import AdagradDA as AdagradDA, Ftrl as Ftrl
from graphs.updates.moments import NAdam as NAdam, RAdam as RAdam
from graphs.updates.rule import Rule as Rule
from graphs.updates.steps import ASGD as ASGD, Rprop as Rprop
