"""What all schedules of learning rates share."""

from __future__ import annotations

import types
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from dynamic.names import lacking
from dynamic.optim.optimizer import Optimizer
from dynamic.tensor import Tensor
from graphs.core.errors import at_line


class LRScheduler:
    """The base of schedules, for subclasses that define ``get_lr()``.

    Making one takes the step to epoch 0. After that ``step()`` is called at the end of each epoch (or batch, as the schedule
    has it), after the optimiser's.

    Args:
        optimizer: whose groups' ``lr`` the schedule sets.
        last_epoch: the epoch to go on from, for an optimiser whose groups have ``initial_lr``; -1 for a new beginning.
        verbose: print each learning rate (PyTorch's word until 2.6).

    Attributes:
        base_lrs: the learning rates at the beginning, one a group.
        last_epoch: the epoch that the learning rates are those of.
    """

    _get_lr_called_within_step = False
    _is_initial = False

    def __init__(self, optimizer: Optimizer, last_epoch: int = -1, verbose: Any = False) -> None:
        check_optimizer(optimizer)
        self.optimizer = optimizer
        if verbose is True:
            self.verbose = True
        for i, group in enumerate(optimizer.param_groups):
            if last_epoch == -1:
                lr = group["lr"]
                group.setdefault("initial_lr", lr.clone() if isinstance(lr, Tensor) else lr)
            elif "initial_lr" not in group:
                raise KeyError(
                    f"group {i} has no 'initial_lr', so a schedule cannot go on from epoch {last_epoch}{at_line()}"
                )
        self.base_lrs: list[Any] = values(optimizer, "initial_lr")
        self.last_epoch = last_epoch
        optimizer._followed = True
        self._initial_step()

    def _initial_step(self) -> None:
        self._step_count = 0
        self._is_initial = True
        try:
            self.step()
        finally:
            self._is_initial = False

    def state_dict(self) -> dict[str, Any]:
        """Everything that the schedule is, but for the optimiser and functions."""
        return {name: value for name, value in vars(self).items() if name != "optimizer"}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over what ``state_dict`` gave."""
        vars(self).update(state_dict)

    def get_last_lr(self) -> list[Any]:
        """The learning rates of the groups, as the last step has set them."""
        return self._last_lr

    def get_lr(self) -> list[Any]:
        """The learning rates for ``last_epoch``, as a step computes them; to be overridden, not to be asked."""
        if not self._get_lr_called_within_step:
            warnings.warn("To get the last learning rate, ask get_last_lr()", UserWarning, stacklevel=2)
        return self._next()

    def _next(self) -> list[Any]:
        """The learning rates for ``last_epoch`` from those before it."""
        raise NotImplementedError(f"{type(self).__name__} has no get_lr")

    def step(self, epoch: Any = None) -> None:
        """Set the learning rates of the next epoch, or (older) of ``epoch``."""
        if self._step_count == 1:
            self._warn_of_order()
        self._step_count += 1
        if epoch is not None:
            warn_of_epoch()
        self._update_lr(epoch)

    def _warn_of_order(self) -> None:
        if "step" in vars(self.optimizer):
            warnings.warn(
                "optimizer.step() has been overridden since the schedule was made; call it before lr_scheduler.step()",
                UserWarning,
                stacklevel=3,
            )
        elif not self.optimizer._opt_called:
            warnings.warn(
                "Detected call of `lr_scheduler.step()` before `optimizer.step()`: the first value of the schedule is "
                "passed over. Since PyTorch 1.1 the optimizer's step comes first",
                UserWarning,
                stacklevel=3,
            )

    def _update_lr(self, epoch: Any = None) -> None:
        closed = None if epoch is None else getattr(self, "_get_closed_form_lr", None)
        self.last_epoch = self.last_epoch + 1 if epoch is None else epoch
        with self._asking():
            lrs = self.get_lr() if closed is None else closed()
        self._set(lrs)

    @contextmanager
    def _asking(self) -> Iterator[None]:
        self._get_lr_called_within_step = True
        try:
            yield
        finally:
            self._get_lr_called_within_step = False

    def _set(self, lrs: list[Any]) -> None:
        for i, (group, lr) in enumerate(zip(self.optimizer.param_groups, lrs, strict=True)):
            put(group, "lr", lr)
            if getattr(self, "verbose", False):
                print(f"Adjusting learning rate of group {i} to {float(lr):.4e}.")
        self._last_lr = values(self.optimizer, "lr")

    def _lrs(self) -> list[Any]:
        """The learning rates as they are."""
        return values(self.optimizer, "lr")

    def _scaled(self, factor: Any) -> list[Any]:
        """The learning rates as they are, times ``factor``."""
        return [group["lr"] * factor for group in self.optimizer.param_groups]


def check_optimizer(optimizer: Any) -> None:
    """Raise TypeError for what is no optimiser."""
    if not isinstance(optimizer, Optimizer):
        raise TypeError(f"{type(optimizer).__name__} is not an Optimizer{at_line()}")


def warn_of_epoch() -> None:
    """Warn that the epoch need not be given."""
    warnings.warn("lr_scheduler.step() counts epochs itself: giving one is deprecated", UserWarning, stacklevel=3)


def values(optimizer: Optimizer, name: str) -> list[Any]:
    """What the groups have under ``name``; of tensors copies."""
    found = [group[name] for group in optimizer.param_groups]
    return [value.clone() if isinstance(value, Tensor) else value for value in found]


def put(group: dict[str, Any], name: str, value: Any) -> None:
    """Set a group's number; where it is a tensor, in place."""
    if isinstance(group[name], Tensor):
        group[name].fill_(value)
    else:
        group[name] = value


def per_group(name: str, optimizer: Optimizer, value: Any) -> list[Any]:
    """``value`` for each group, or its items. Raises ValueError where these are not as many."""
    wanted = len(optimizer.param_groups)
    if not isinstance(value, (list, tuple)):
        return [value] * wanted
    if len(value) != wanted:
        raise ValueError(f"{name} has {len(value)} values for {wanted} groups of parameters{at_line()}")
    return list(value)


def saved_function(function: Any) -> dict[str, Any] | None:
    """What a state dictionary has of a callable: the attributes of an object, nothing of a function."""
    return None if isinstance(function, types.FunctionType) else vars(function).copy()


__getattr__ = lacking(__name__)
