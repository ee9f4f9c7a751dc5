"""Optimizers whose mathematics is a ``Rule`` of ``graphs.updates``: each parameter's update is one node."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy

from graphs import ops, updates
from graphs.codegen.fused import fused
from static.calls import cast
from static.dtypes import float64
from static.graph import get_default_graph
from static.slices import IndexedSlices
from static.state import scatter_update_op
from static.tensor import Tensor, apply, constant
from static.train.optimizer import Optimizer
from static.train.slots import create_constant_slot
from static.variables import Variable


class RuleOptimizer(Optimizer):
    """An optimizer that does what a rule says.

    Gradients that are ``IndexedSlices`` change only the rows at their indices, in the variable and its slots.

    Args:
        rule: the mathematics.
        use_locking: accepted so that programs run.
        name: the name of the operations, and of the slots where ``slot_names`` has none.
        fills: what the rule's ``fills`` takes.
        slot_names: names for some of the slots' variables.
        hyper: the rule's numbers: Python's, tensors, or callables that return either.
    """

    def __init__(
        self,
        rule: updates.Rule,
        use_locking: bool,
        name: str,
        *,
        fills: dict[str, float] | None = None,
        slot_names: dict[str, str] | None = None,
        **hyper: Any,
    ) -> None:
        super().__init__(use_locking, name)
        self._rule = rule
        self._hyper = hyper
        self._fills = rule.fills(**(fills or {}))
        self._slot_names = slot_names or {}
        self._given: dict[str, Any] = {}
        self._rates: tuple[Any, ...] = ()
        self._cast_rates: dict[Any, list[Any]] = {}
        self._scope = ""
        for slot in rule.slots:
            self._slot_dict(slot)

    def _create_slots(self, var_list: Sequence[Variable]) -> None:
        for variable in var_list:
            for slot, fill in zip(self._rule.slots, self._fills, strict=True):
                made = self._slot_dict(slot)
                if variable.op not in made:
                    made[variable.op] = create_constant_slot(variable, fill, self._slot_names.get(slot) or self._name)

    def _prepare(self) -> None:
        graph = get_default_graph()
        self._given = {name: number(self._call_if_callable(value)) for name, value in self._hyper.items()}
        with graph.lenient(), numpy.errstate(divide="ignore"):  # the logarithm of a beta of 0 is meant
            self._rates = self._rule.rates(self._time(), **self._given, **self._more())
        self._cast_rates = {}
        self._scope = graph.get_name_scope()

    def _time(self) -> Any:
        """The number of the step, which counts from 1, for rules that ask for it."""
        return 1.0

    def _more(self) -> dict[str, Any]:
        """Numbers for the rule that are not settings."""
        return {}

    def _rates_in(self, dtype: Any) -> list[Any]:
        """The rates in ``dtype``, made once for all variables of that dtype."""
        made = self._cast_rates.get(dtype)
        if made is None:
            with get_default_graph().name_scope(f"{self._scope}/" if self._scope else None):
                pairs = zip(self._rule.rate_names, self._rates, strict=True)
                made = self._cast_rates[dtype] = [_rate(*pair, dtype) for pair in pairs]
        return made

    def _updated(self, grad: Any, state: Sequence[Any], dtype: Any) -> list[Any]:
        """The new values of a variable and its slots (or rows of these)."""
        label = f"Apply{self._rule.name}"
        with get_default_graph().lenient():
            arrays = (state[0], grad, *state[1:], *self._rates_in(dtype))
            out = apply(fused, *arrays, node=label, body=self._rule.function(dtype.dtype), label=label)
        return list(out) if len(state) > 1 else [out]

    def _state(self, var: Variable) -> list[Variable]:
        return [var, *(self._slots[slot][var.op] for slot in self._rule.slots)]

    def _apply_dense(self, grad: Any, var: Variable) -> Any:
        # The handles are the variables as the updates before in the run have left them: of two optimizers both count.
        state = self._state(var)
        new = self._updated(grad, [x.handle for x in state], var.dtype)
        return [x.assign(value).op for x, value in zip(state, new, strict=True)]

    def _apply_sparse(self, grad: IndexedSlices, var: Variable) -> Any:
        state, at = self._state(var), grad.indices
        new = self._updated(grad.values, [apply(ops.take, x.handle, at, axis=0) for x in state], var.dtype)
        pairs = zip(state, new, strict=True)
        return [apply(scatter_update_op, x.handle, at, rows, node="ScatterUpdate").op for x, rows in pairs]


def number(value: Any) -> Any:
    """A hyper-parameter as the rates want it: a number, or a float64 tensor."""
    return cast(value, float64) if isinstance(value, (Tensor, Variable)) else value


def _rate(name: str, rate: Any, dtype: Any) -> Any:
    return cast(rate, dtype, name) if isinstance(rate, Tensor) else constant(numpy.asarray(rate, dtype.dtype), name=name)
