"""``tf.contrib.opt``: further optimizers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from graphs.core.errors import at_line
from static.flow import group
from static.saver import Saver
from static.train.averages import ExponentialMovingAverage
from static.train.moments import (
    AdaMaxOptimizer as AdaMaxOptimizer,
    LazyAdamOptimizer as LazyAdamOptimizer,
    NadamOptimizer as NadamOptimizer,
)
from static.train.optimizer import Optimizer
from static.variables import Variable, global_variables


class MovingAverageOptimizer(Optimizer):
    """Another optimizer, after each step of which moving averages of the variables are brought up to date.

    Args:
        opt: the other optimizer.
        average_decay, num_updates: as for ``tf.train.ExponentialMovingAverage``.
        sequential_update: whether the averages are of the variables after the step.
    """

    def __init__(
        self, opt: Optimizer, average_decay: Any = 0.9999, num_updates: Any = None, sequential_update: bool = True
    ) -> None:
        super().__init__(False, opt.get_name())
        self._optimizer = opt
        self._ema = ExponentialMovingAverage(average_decay, num_updates)
        self._sequential_update = sequential_update
        self._swapped: dict[str, str] | None = None

    def compute_gradients(self, *args: Any, **kwargs: Any) -> list[tuple[Any, Variable]]:
        """What the other optimizer computes."""
        return self._optimizer.compute_gradients(*args, **kwargs)

    def apply_gradients(
        self, grads_and_vars: Iterable[tuple[Any, Variable]], global_step: Variable | None = None, name: str | None = None
    ) -> Any:
        """An operation that takes the other optimizer's step and brings the averages up to date."""
        pairs = list(grads_and_vars)
        train_op = self._optimizer.apply_gradients(pairs, global_step, name)
        changed = [variable for g, variable in pairs if g is not None]
        graph = changed[0].graph
        with graph.as_default(), graph.control_dependencies([train_op] if self._sequential_update else []):
            averages = self._ema.apply(changed)
        names = [(variable.op.name, self._ema.average_name(variable)) for variable in changed]
        self._swapped = {**dict(names), **{average: variable for variable, average in names}}
        with graph.as_default():
            return group(train_op, averages, name="train_with_avg")

    def swapping_saver(self, var_list: Any = None, name: str = "swapping_saver", **kwargs: Any) -> Saver:
        """A saver that saves the averages under the variables' names, and these under the averages'.

        Raises RuntimeError before a step has been built, ValueError where ``var_list`` has a variable without its average.
        """
        if self._swapped is None:
            raise RuntimeError(f"Must call apply_gradients or minimize before creating the swapping_saver{at_line()}")
        chosen = global_variables() if var_list is None else var_list
        named = dict(chosen) if isinstance(chosen, Mapping) else {variable.op.name: variable for variable in chosen}
        missing = [other for one, other in self._swapped.items() if one in named and other not in named]
        if missing:
            raise ValueError(
                f"Variable to swap {missing[0]} is not part of variables to save. This breaks MovingAverageOptimizer."
                f"{at_line()}"
            )
        return Saver({one: named[self._swapped.get(one, one)] for one in named}, name=name, **kwargs)
