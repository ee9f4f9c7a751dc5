"""What all optimizers share: from gradients to an operation that changes variables, and the variables kept beside them.

Programs may derive optimizers of their own from ``Optimizer``, by the methods that TensorFlow 1 names for that.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from graphs.core.errors import Where, at_line, user_line
from static.flow import group, tuple_
from static.gradients import gradients
from static.graph import Graph, GraphKeys, get_default_graph
from static.slices import IndexedSlices, without_duplicates
from static.tensor import Tensor, convert_to_tensor
from static.train.slots import create_slot, create_zeros_slot
from static.variables import Variable, trainable_variables


class Minimised(NamedTuple):
    """What an optimizer was asked for; a graph's collection under this class has them all.

    Attributes:
        loss: what is to become smaller.
        variables: what may be changed for it.
        reached: those of them that have a gradient.
        chosen: whether the program named them.
        where: the user's line.
    """

    loss: Tensor
    variables: tuple[Variable, ...]
    reached: tuple[Variable, ...]
    chosen: bool
    where: Where | None


class Applied(NamedTuple):
    """A gradient that an update was made for; a graph's collection under this class has them all."""

    gradient: Any
    variable: Variable


class Optimizer:
    """Changes variables so that a loss gets smaller.

    A subclass gives ``_apply_dense`` and ``_apply_sparse``, which make the operations that change one variable by its
    gradient, and, as it needs them, ``_create_slots``, ``_prepare`` and ``_finish``.
    """

    GATE_NONE, GATE_OP, GATE_GRAPH = 0, 1, 2

    def __init__(self, use_locking: bool, name: str) -> None:
        if not name:
            raise ValueError("Must specify the optimizer name")
        self._use_locking = use_locking
        self._name = name
        self._slots: dict[str, dict[Any, Variable]] = {}
        self._non_slots: dict[tuple[str, Graph], Variable] = {}

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
        pairs = self.compute_gradients(loss, var_list, gate_gradients, grad_loss=grad_loss)
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
        """Pairs of the gradient of ``loss`` (``IndexedSlices`` where rows were gathered, None for none) and the variable."""
        if gate_gradients not in (self.GATE_NONE, self.GATE_OP, self.GATE_GRAPH):
            raise ValueError(
                "gate_gradients must be one of: Optimizer.GATE_NONE, Optimizer.GATE_OP, Optimizer.GATE_GRAPH. "
                f"Not {gate_gradients}"
            )
        loss = convert_to_tensor(loss)
        with loss.graph.as_default():
            chosen = trainable_variables() if var_list is None else list(_flat(var_list))
            if not chosen:
                raise ValueError("No variables to optimize.")
            wrong = [v for v in chosen if not isinstance(v, Variable)]
            if wrong:
                raise TypeError(f"an optimizer changes variables, not {type(wrong[0]).__name__} {wrong[0]!r}")
            grads = gradients(loss, chosen, None if grad_loss is None else [grad_loss])
            reached = tuple(v for g, v in zip(grads, chosen, strict=True) if g is not None)
            asked = Minimised(loss, tuple(chosen), reached, var_list is not None, user_line())
            loss.graph.get_collection_ref(Minimised).append(asked)
            if gate_gradients == self.GATE_GRAPH:
                gated = tuple_([g.values if isinstance(g, IndexedSlices) else g for g in grads])
                grads = [g.with_values(v) if isinstance(g, IndexedSlices) else v for g, v in zip(grads, gated, strict=True)]
        return list(zip(grads, chosen, strict=True))

    def apply_gradients(
        self, grads_and_vars: Iterable[tuple[Any, Variable]], global_step: Variable | None = None, name: str | None = None
    ) -> Any:
        """An operation that changes each variable by its gradient, and adds 1 to ``global_step`` after that."""
        pairs = [(g, v) for g, v in grads_and_vars]
        if not pairs:
            raise ValueError("No variables provided.")
        wanted = [(g if isinstance(g, IndexedSlices) else convert_to_tensor(g), v) for g, v in pairs if g is not None]
        if not wanted:
            names = ", ".join(v.name for _, v in pairs)
            raise ValueError(
                "No gradients provided for any variable, check your graph for ops that do not support gradients, between "
                f"variables [{names}]."
            )
        graph = wanted[0][1].graph
        graph.get_collection_ref(Applied).extend(Applied(g, v) for g, v in wanted)
        with graph.as_default():
            self._create_slots([v for _, v in wanted])
            with graph.name_scope(name or self._name) as scope:
                self._prepare()
                updates: list[Any] = []
                for g, variable in wanted:
                    with graph.name_scope(f"update_{variable.op.name}"), graph.colocate_with(variable):
                        changed = self._update(g, variable)
                        updates += changed if isinstance(changed, list) else [changed]
                if global_step is None:
                    train_op = self._finish(updates, scope)
                else:
                    with graph.control_dependencies([self._finish(updates, "update")]):
                        train_op = global_step.assign_add(1, name=scope)
            train_op = train_op.op if isinstance(train_op, Tensor) else train_op
            known = graph.get_collection_ref(GraphKeys.TRAIN_OP)
            if train_op not in known:
                known.append(train_op)
        return train_op

    def _update(self, g: Any, variable: Variable) -> Any:
        """The operation (or several in a list) that changes ``variable`` by ``g``, and then lays its constraint on it."""
        if isinstance(g, IndexedSlices):
            if variable.constraint is not None:
                raise RuntimeError(f"Cannot use a constraint function on a sparse variable: {variable.name}{at_line()}")
            return self._apply_sparse_duplicate_indices(g, variable)
        changed = self._apply_dense(g, variable)
        if variable.constraint is None:
            return changed
        with variable.graph.control_dependencies(changed if isinstance(changed, list) else [changed]):
            return variable.assign(variable.constraint(variable.value())).op

    # What a subclass gives

    def _create_slots(self, var_list: Sequence[Variable]) -> None:
        """Make the variables to be kept beside those of ``var_list``."""

    def _prepare(self) -> None:
        """Make the tensors that all updates share."""

    def _apply_dense(self, grad: Any, var: Variable) -> Any:
        """The operation (or several in a list) that changes ``var`` by the tensor ``grad``."""
        raise NotImplementedError(f"{type(self).__name__} has no _apply_dense")

    def _apply_sparse_duplicate_indices(self, grad: IndexedSlices, var: Variable) -> Any:
        """As ``_apply_sparse``, where several slices may be for one row: they are summed first."""
        return self._apply_sparse(without_duplicates(grad), var)

    def _apply_sparse(self, grad: IndexedSlices, var: Variable) -> Any:
        """The operation (or several in a list) that changes ``var`` by slices for rows that are all different."""
        raise NotImplementedError(f"{type(self).__name__} has no _apply_sparse")

    def _finish(self, update_ops: Sequence[Any], name_scope: str) -> Any:
        """The operation called ``name_scope`` that runs ``update_ops`` and whatever is to follow them."""
        return group(*update_ops, name=name_scope)

    # Slots and other variables

    def get_slot(self, var: Variable, name: str) -> Variable | None:
        """The variable kept beside ``var`` under the slot's ``name``, None where there is none."""
        return self._slots.get(name, {}).get(var.op)

    def get_slot_names(self) -> list[str]:
        """The names of the slots."""
        return sorted(self._slots)

    def variables(self) -> list[Variable]:
        """The variables that it keeps in the default graph, slots and others, by name."""
        graph = get_default_graph()
        found = [*self._non_slots.values(), *(v for each in self._slots.values() for v in each.values())]
        return sorted((v for v in found if v.graph is graph), key=lambda variable: variable.name)

    def _slot_dict(self, slot_name: str) -> dict[Any, Variable]:
        return self._slots.setdefault(slot_name, {})

    def _get_or_make_slot(self, var: Variable, val: Any, slot_name: str, op_name: str) -> Variable:
        """The slot of ``var``, made with the initial value ``val`` under ``<var's name>/<op_name>`` where there is none."""
        named = self._slot_dict(slot_name)
        if var.op not in named:
            named[var.op] = create_slot(var, val, op_name)
        return named[var.op]

    def _zeros_slot(self, var: Variable, slot_name: str, op_name: str) -> Variable:
        """The slot of ``var``, made of zeros where there is none."""
        named = self._slot_dict(slot_name)
        if var.op not in named:
            named[var.op] = create_zeros_slot(var, op_name)
        return named[var.op]

    def _create_non_slot_variable(self, initial_value: Any, name: str, colocate_with: Variable) -> Variable:
        """The optimizer's own variable ``name`` in the graph of ``colocate_with``."""
        key = (name, colocate_with.graph)
        if key not in self._non_slots:
            with colocate_with.graph.colocate_with(colocate_with):
                self._non_slots[key] = Variable(initial_value, trainable=False, name=name)
        return self._non_slots[key]

    def _get_non_slot_variable(self, name: str, graph: Graph | None = None) -> Variable | None:
        return self._non_slots.get((name, graph or get_default_graph()))

    def _non_slot_variables(self) -> list[Variable]:
        return list(self._non_slots.values())

    def _call_if_callable(self, param: Any) -> Any:
        """``param``, or what it returns."""
        return param() if callable(param) else param


def _flat(variables: Iterable[Any]) -> Iterable[Any]:
    for item in variables:
        if isinstance(item, (list, tuple)):
            yield from _flat(item)
        else:
            yield item
