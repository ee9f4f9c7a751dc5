"""``tf.train``: optimizers. Each parameter's update is one node, whose mathematics ``graphs.updates`` has for both modes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy

from graphs import updates
from graphs.codegen.fused import fused
from static.array import filled, zeros_like
from static.calls import cast
from static.dtypes import float64
from static.flow import group
from static.gradients import gradients
from static.graph import Graph, GraphKeys
from static.train.steps import (
    create_global_step as create_global_step,
    exponential_decay as exponential_decay,
    get_global_step as get_global_step,
    get_or_create_global_step as get_or_create_global_step,
    global_step as global_step,
)
from static.tensor import Tensor, apply, constant, convert_to_tensor
from static.variables import Variable, trainable_variables


class Optimizer:
    """What all optimizers share: gradients, slots, and the update of each parameter from the two.

    A subclass has a ``Rule`` of ``graphs.updates`` and the numbers that it needs.
    """

    GATE_NONE, GATE_OP, GATE_GRAPH = 0, 1, 2

    def __init__(self, rule: updates.Rule, name: str, **hyper: Any) -> None:
        self._rule = rule
        self._name = name
        self._hyper = hyper
        self._slots: dict[str, dict[Any, Variable]] = {slot: {} for slot in rule.slots}
        self._steps: Variable | None = None

    def get_name(self) -> str:
        """The optimizer's name."""
        return self._name

    def minimize(
        self,
        loss: Any,
        global_step: Variable | None = None,
        var_list: Iterable[Variable] | None = None,
        gate_gradients: int = 1,
        aggregation_method: int | None = None,
        colocate_gradients_with_ops: bool = False,
        name: str | None = None,
        grad_loss: Any = None,
    ) -> Any:
        """An operation that changes the variables (``var_list``, by default all trainable ones) to make ``loss`` smaller."""
        pairs = self.compute_gradients(loss, var_list, grad_loss=grad_loss)
        return self.apply_gradients(pairs, global_step, name)

    def compute_gradients(
        self,
        loss: Any,
        var_list: Iterable[Variable] | None = None,
        gate_gradients: int = 1,
        aggregation_method: int | None = None,
        colocate_gradients_with_ops: bool = False,
        grad_loss: Any = None,
    ) -> list[tuple[Any, Variable]]:
        """Pairs of the gradient of ``loss`` (None where there is none) and the variable."""
        with convert_to_tensor(loss).graph.as_default():
            chosen = list(trainable_variables() if var_list is None else var_list)
        if not chosen:
            raise ValueError("No variables to optimize.")
        wrong = [v for v in chosen if not isinstance(v, Variable)]
        if wrong:
            raise TypeError(f"an optimizer changes variables, not {type(wrong[0]).__name__} {wrong[0]!r}")
        grads = gradients(loss, chosen, None if grad_loss is None else [grad_loss])
        return list(zip(grads, chosen, strict=True))

    def apply_gradients(
        self, grads_and_vars: Iterable[tuple[Any, Variable]], global_step: Variable | None = None, name: str | None = None
    ) -> Any:
        """An operation that changes each variable by its gradient, and adds 1 to ``global_step`` after that."""
        pairs = [(g, v) for g, v in grads_and_vars]
        wanted = [(convert_to_tensor(g), v) for g, v in pairs if g is not None]
        if not wanted:
            names = ", ".join(v.name for _, v in pairs)
            raise ValueError(
                "No gradients provided for any variable, check your graph for ops that do not support gradients, between "
                f"variables [{names}]."
            )
        graph = wanted[0][1].graph
        with graph.as_default():
            self._create_slots([v for _, v in wanted])
            with graph.name_scope(name or self._name) as scope, graph.lenient():
                changes = self._changes(wanted, graph)
            if global_step is None:
                train_op = group(*changes, name=scope)
            else:
                with graph.control_dependencies([group(*changes, name="update")]):
                    train_op = global_step.assign_add(1, name=scope).op
            graph.get_collection_ref(GraphKeys.TRAIN_OP).append(train_op)
        return train_op

    def _changes(self, pairs: Sequence[tuple[Any, Variable]], graph: Graph) -> list[Any]:
        """The operations that assign the new values of the variables and slots, and count the step.

        They start from the variables as the updates that stand before them in the run have left them, so that of two
        optimizers in one run both count.
        """
        rule, steps = self._rule, self._steps
        t = 1.0 if steps is None else steps.handle + 1.0
        rates = rule.rates(t, **{name: _number(value) for name, value in self._hyper.items()})
        cast_rates: dict[Any, list[Any]] = {}
        changes = []
        for g, variable in pairs:
            dtype = variable.dtype
            if dtype not in cast_rates:
                cast_rates[dtype] = [_rate(*pair, dtype) for pair in zip(rule.rate_names, rates, strict=True)]
            with graph.name_scope(f"update_{variable.op.name}"):
                state = [variable, *(self._slots[slot][variable.op] for slot in rule.slots)]
                now = [x.handle for x in state]
                arrays = (now[0], g, *now[1:], *cast_rates[dtype])
                label = f"Apply{rule.name}"
                out = apply(fused, *arrays, node=label, body=rule.function(dtype.dtype), label=label)
                new = list(out) if len(state) > 1 else [out]
                if variable.constraint is not None:
                    new[0] = variable.constraint(new[0])
                changes += [x.assign(value).op for x, value in zip(state, new, strict=True)]
        if steps is not None:
            changes.append(steps.assign_add(1.0, name="count").op)
        return changes

    # Slots

    def _create_slots(self, variables: Sequence[Variable]) -> None:
        fills = self._rule.fills(**self._hyper_for_fills())
        for variable in variables:
            for slot, fill in zip(self._rule.slots, fills, strict=True):
                if variable.op not in self._slots[slot]:
                    self._slots[slot][variable.op] = _beside(variable, fill, self._name)
        if self._counts and self._steps is None:
            with variables[0].graph.name_scope(None):
                zero = constant(0.0, float64)
                self._steps = Variable(zero, trainable=False, name=f"{self._name}/steps")

    _counts = False
    """Whether the rates depend on the number of the step."""

    def _hyper_for_fills(self) -> dict[str, Any]:
        return {}

    def get_slot(self, var: Variable, name: str) -> Variable | None:
        """The variable kept beside ``var`` under the slot's ``name``, None where there is none."""
        return self._slots.get(name, {}).get(var.op)

    def get_slot_names(self) -> list[str]:
        """The names of the slots."""
        return sorted(self._slots)

    def variables(self) -> list[Variable]:
        """The slots' variables and the count of steps, as far as they have been made."""
        slots = [variable for each in self._slots.values() for variable in each.values()]
        found = slots + ([] if self._steps is None else [self._steps])
        return sorted(found, key=lambda variable: variable.name)


def _beside(variable: Variable, fill: float, name: str) -> Variable:
    """A new variable of the shape of ``variable``, filled with ``fill``."""
    graph = variable.graph
    with graph.control_dependencies(None), graph.name_scope(None):
        if variable.shape.is_fully_defined():

            def initial() -> Any:
                return filled(variable.shape, fill, variable.dtype, "zeros" if fill == 0 else "Const")
        else:

            def initial() -> Any:
                return zeros_like(variable.initialized_value()) + fill

        return Variable(
            initial, trainable=False, name=f"{variable.op.name}/{name}", validate_shape=variable.shape.ndims is not None
        )


def _number(value: Any) -> Any:
    """A hyper-parameter as the rates want it: a number, a float64 tensor, or what a callable returns."""
    value = value() if callable(value) else value
    if isinstance(value, (Tensor, Variable)):
        return cast(value, float64)
    return value


def _rate(name: str, rate: Any, dtype: Any) -> Any:
    return cast(rate, dtype, name) if isinstance(rate, Tensor) else constant(numpy.asarray(rate, dtype.dtype), name=name)


class GradientDescentOptimizer(Optimizer):
    """Gradient descent: ``w - learning_rate * g``."""

    def __init__(self, learning_rate: Any, use_locking: bool = False, name: str = "GradientDescent") -> None:
        super().__init__(updates.SGD(), name, learning_rate=learning_rate)


class MomentumOptimizer(Optimizer):
    """Gradient descent with momentum: ``a = momentum * a + g; w - learning_rate * a`` (Sutskever et al. 2013)."""

    def __init__(
        self,
        learning_rate: Any,
        momentum: Any,
        use_locking: bool = False,
        name: str = "Momentum",
        use_nesterov: bool = False,
    ) -> None:
        rule = updates.SGD(momentum=True, nesterov=use_nesterov)
        super().__init__(rule, name, learning_rate=learning_rate, momentum=momentum)


class RMSPropOptimizer(Optimizer):
    """RMSProp, with epsilon inside the root and a mean square that starts at 1."""

    def __init__(
        self,
        learning_rate: Any,
        decay: Any = 0.9,
        momentum: Any = 0.0,
        epsilon: Any = 1e-10,
        use_locking: bool = False,
        centered: bool = False,
        name: str = "RMSProp",
    ) -> None:
        rule = updates.RMSProp(momentum=True, centered=centered, epsilon_inside=True)
        super().__init__(rule, name, learning_rate=learning_rate, decay=decay, momentum=momentum, epsilon=epsilon)


class AdagradOptimizer(Optimizer):
    """Adagrad, whose accumulator starts at ``initial_accumulator_value`` (Duchi, Hazan and Singer 2011)."""

    def __init__(
        self, learning_rate: Any, initial_accumulator_value: float = 0.1, use_locking: bool = False, name: str = "Adagrad"
    ) -> None:
        if initial_accumulator_value <= 0.0:
            raise ValueError(f"initial_accumulator_value must be positive: {initial_accumulator_value}")
        super().__init__(updates.Adagrad(epsilon=False), name, learning_rate=learning_rate)
        self._start = initial_accumulator_value

    def _hyper_for_fills(self) -> dict[str, Any]:
        return {"initial_accumulator_value": self._start}


class AdamOptimizer(Optimizer):
    """Adam (Kingma and Ba 2015).

    Args:
        epsilon_hat: True adds epsilon to the root of the second moment before its bias is corrected, as TensorFlow 1 does;
            False adds it afterwards, as the paper's algorithm 1 and PyTorch do. ``dynamic.optim.Adam`` has the same
            argument.
    """

    _counts = True

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta1: Any = 0.9,
        beta2: Any = 0.999,
        epsilon: Any = 1e-08,
        use_locking: bool = False,
        name: str = "Adam",
        epsilon_hat: bool = True,
    ) -> None:
        hyper = {"learning_rate": learning_rate, "beta1": beta1, "beta2": beta2, "epsilon": epsilon}
        super().__init__(updates.Adam(), name, **hyper, epsilon_hat=epsilon_hat)
