"""``tf.train.ExponentialMovingAverage``: shadows of variables and tensors that follow them slowly."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from graphs import ops
from graphs.core.errors import at_line
from static.calls import cast
from static.flow import group
from static.graph import GraphKeys, get_default_graph
from static.initializers import Zeros
from static.scopes import get_variable_scope, variable_scope
from static.store import get_variable
from static.tensor import convert_to_tensor
from static.train.slots import create_slot, create_zeros_slot
from static.variables import Variable, global_variables, trainable_variables


class ExponentialMovingAverage:
    """Averages that forget: ``shadow = decay * shadow + (1 - decay) * value``, each time that ``apply``'s operation is run.

    Args:
        decay: close to 1.
        num_updates: a count of updates, which lets averages begin faster: the decay is ``min(decay, (1 + n) / (10 + n))``.
        zero_debias: correct the averages of tensors, which start at zero, for that.
        name: the end of the shadows' names.
    """

    def __init__(
        self, decay: Any, num_updates: Any = None, zero_debias: bool = False, name: str = "ExponentialMovingAverage"
    ) -> None:
        self._decay = decay
        self._num_updates = num_updates
        self._zero_debias = zero_debias
        self._name = name
        self._averages: dict[Any, Variable] = {}

    @property
    def name(self) -> str:
        """The end of the shadows' names."""
        return self._name

    def apply(self, var_list: Iterable[Any] | None = None) -> Any:
        """An operation that brings the averages of ``var_list`` (by default all trainable variables) up to date.

        A variable's shadow starts at the variable's initial value, a tensor's at zero. Raises TypeError for what is not
        floating.
        """
        chosen = list(trainable_variables() if var_list is None else var_list)
        unbiased: set[Variable] = set()
        for var in chosen:
            if not var.dtype.is_floating:
                raise TypeError(f"The variables must be half, float, or double: {var.name}{at_line()}")
            key = _key(var)
            if key in self._averages:
                continue
            if isinstance(var, Variable):
                self._averages[key] = create_slot(var, var.initialized_value(), self._name)
                var.graph.add_to_collection(GraphKeys.MOVING_AVERAGE_VARIABLES, var)
            else:
                self._averages[key] = create_zeros_slot(var, self._name)
                if self._zero_debias:
                    unbiased.add(self._averages[key])
        graph = get_default_graph()
        with graph.name_scope(self._name) as scope:
            decay = convert_to_tensor(self._decay, name="decay")
            if self._num_updates is not None:
                count = cast(self._num_updates, decay.dtype, "num_updates")
                decay = ops.minimum(decay, (count + 1.0) / (count + 10.0))
            averages = [(self._averages[_key(var)], var) for var in chosen]
            changes = [assign_moving_average(average, var, decay, average in unbiased) for average, var in averages]
            return group(*changes, name=scope)

    def average(self, var: Any) -> Variable | None:
        """The variable that holds the average of ``var``, None where there is none."""
        return self._averages.get(_key(var))

    def average_name(self, var: Any) -> str:
        """The name that the average of ``var`` has, or would have."""
        made = self._averages.get(_key(var))
        return get_default_graph().unique_name(f"{var.op.name}/{self._name}", False) if made is None else made.op.name

    def variables_to_restore(self, moving_avg_variables: Sequence[Variable] | None = None) -> dict[str, Variable]:
        """For a ``Saver``: each variable under the name of its average, or under its own where it has none."""
        if moving_avg_variables is None:
            averaged = trainable_variables() + moving_average_variables()
        else:
            averaged = list(moving_avg_variables)
        found = {self.average_name(variable): variable for variable in averaged}
        for variable in global_variables():
            if variable not in averaged:
                found.setdefault(variable.op.name, variable)
        return found


def _key(var: Any) -> Any:
    return var.op if isinstance(var, Variable) else var


def moving_average_variables(scope: str | None = None) -> list[Variable]:
    """The default graph's variables of which averages are kept."""
    return get_default_graph().get_collection(GraphKeys.MOVING_AVERAGE_VARIABLES, scope)


def assign_moving_average(
    variable: Variable, value: Any, decay: Any, zero_debias: bool = True, name: str | None = None
) -> Any:
    """A tensor that, when it is run, moves ``variable`` towards ``value`` by the share ``1 - decay``, and is the result.

    With ``zero_debias`` the average is corrected for having started at zero; that takes two variables more, called
    ``biased`` and ``local_step``.
    """
    graph = variable.graph
    with graph.as_default(), graph.name_scope(name or "AssignMovingAvg") as scope:
        share = cast(convert_to_tensor(1.0 - decay, name="decay"), variable.dtype)
        value = convert_to_tensor(value)
        if not zero_debias:
            return variable.assign_sub((variable.value() - value) * share, name=scope)
        with variable_scope(variable.op.name):
            names = [_unused("biased"), _unused("local_step")]
            shapes = [variable.shape, []]
            biased, steps = (
                get_variable(each, shape, variable.dtype, Zeros(), trainable=False)
                for each, shape in zip(names, shapes, strict=True)
            )
            moved = biased.assign_sub((biased.value() - value) * share)
            count = steps.assign_add(1.0)
            return variable.assign(moved / (1.0 - (1.0 - share) ** count), name=scope)


def _unused(name: str) -> str:
    """``name``, numbered where the current scope has a variable of that name that is not to be shared."""
    scope = get_variable_scope()
    if scope.reuse:
        return name
    taken = {variable.op.name for variable in scope.global_variables()}
    full, count = f"{scope.name}/{name}", 0
    while (f"{full}_{count}" if count else full) in taken:
        count += 1
    return f"{name}_{count}" if count else name
