"""A schedule by what is measured, and schedules of schedules."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import Any

from dynamic.names import lacking
from dynamic.optim.optimizer import Optimizer
from dynamic.optim.schedule import LRScheduler, check_optimizer, put, values, warn_of_epoch
from graphs.core.errors import at_line


class ReduceLROnPlateau(LRScheduler):
    """Times ``factor`` when ``patience`` epochs in a row have brought nothing better.

    Args:
        optimizer: whose groups' ``lr`` the schedule sets.
        mode: whether a smaller number is better ("min") or a larger one ("max").
        factor: what the rate is multiplied by, less than 1.
        patience: how many epochs without improvement are borne.
        threshold: by how much a number has to be better than the best to count.
        threshold_mode: whether that is relative to the best ("rel") or not ("abs").
        cooldown: for how many epochs after a reduction nothing is counted.
        min_lr: a bound below, for all groups or one a group.
        eps: a change of no more than this is not made.
        verbose: print each reduction.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        mode: str = "min",
        factor: float = 0.1,
        patience: int = 10,
        threshold: float = 1e-4,
        threshold_mode: str = "rel",
        cooldown: int = 0,
        min_lr: Any = 0,
        eps: float = 1e-8,
        verbose: Any = False,
    ) -> None:
        if factor >= 1.0:
            raise ValueError(f"factor is less than 1, not {factor}{at_line()}")
        check_optimizer(optimizer)
        self.factor = factor
        self.optimizer = optimizer
        groups = len(optimizer.param_groups)
        self.default_min_lr = None if isinstance(min_lr, (list, tuple)) else min_lr
        if self.default_min_lr is None and len(min_lr) != groups:
            raise ValueError(f"min_lr has {len(min_lr)} values for {groups} groups of parameters{at_line()}")
        self.min_lrs = list(min_lr) if self.default_min_lr is None else [min_lr] * groups
        self.patience = patience
        self.cooldown = cooldown
        self.eps = eps
        self.last_epoch = 0
        if verbose is True:
            self.verbose = True
        self._last_lr = values(optimizer, "lr")
        self._begin(mode, threshold, threshold_mode)
        self._reset()

    def _begin(self, mode: str, threshold: float, threshold_mode: str) -> None:
        if mode not in ("min", "max"):
            raise ValueError(f"mode is 'min' or 'max', not {mode!r}{at_line()}")
        if threshold_mode not in ("rel", "abs"):
            raise ValueError(f"threshold_mode is 'rel' or 'abs', not {threshold_mode!r}{at_line()}")
        self.mode_worse = float("inf") if mode == "min" else -float("inf")
        self.mode, self.threshold, self.threshold_mode = mode, threshold, threshold_mode

    def _reset(self) -> None:
        self.best = self.mode_worse
        self.cooldown_counter = 0
        self.num_bad_epochs = 0

    def step(self, metrics: Any, epoch: Any = None) -> None:  # type: ignore[override]
        """Take note of an epoch's number, and reduce the learning rates where patience has run out."""
        current = float(metrics)
        if epoch is None:
            epoch = self.last_epoch + 1
        else:
            warn_of_epoch()
        self.last_epoch = epoch
        if self._is_better(current, self.best):
            self.best = current
            self.num_bad_epochs = 0
        else:
            self.num_bad_epochs += 1
        if self.in_cooldown:
            self.cooldown_counter -= 1
            self.num_bad_epochs = 0
        if self.num_bad_epochs > self.patience:
            self._reduce_lr(epoch)
            self.cooldown_counter = self.cooldown
            self.num_bad_epochs = 0
        self._last_lr = values(self.optimizer, "lr")

    def _reduce_lr(self, epoch: Any) -> None:
        missing = len(self.optimizer.param_groups) - len(self.min_lrs)
        if missing and self.default_min_lr is None:
            raise RuntimeError(f"min_lr was a list, and the optimizer has other groups since{at_line()}")
        self.min_lrs.extend([self.default_min_lr] * missing)
        for i, (group, least) in enumerate(zip(self.optimizer.param_groups, self.min_lrs, strict=True)):
            before = float(group["lr"])
            lr = max(before * self.factor, least)
            if before - lr > self.eps:
                put(group, "lr", lr)
                if getattr(self, "verbose", False):
                    print(f"Epoch {epoch:5}: reducing learning rate of group {i} to {lr:.4e}.")

    @property
    def in_cooldown(self) -> bool:
        """Whether nothing is counted at present."""
        return self.cooldown_counter > 0

    def _is_better(self, a: float, best: float) -> bool:
        sign = 1 if self.mode == "max" else -1
        if self.threshold_mode == "rel":
            return sign * a > sign * best * (1.0 + sign * self.threshold)
        return sign * a > sign * best + self.threshold


def _check_members(kind: str, schedulers: Sequence[Any], optimizer: Any) -> None:
    """Raise for a schedule that cannot be one of several over ``optimizer``."""
    if len(schedulers) < 1:
        raise ValueError(f"{kind} needs at least one schedule{at_line()}")
    for i, scheduler in enumerate(schedulers):
        if not hasattr(scheduler, "optimizer"):
            raise TypeError(f"{kind}: schedule {i} has no optimizer{at_line()}")
        if isinstance(scheduler, ReduceLROnPlateau):
            raise ValueError(f"{kind} takes no ReduceLROnPlateau, whose step needs a number, as schedule {i} is{at_line()}")
        if scheduler.optimizer is not optimizer:
            raise ValueError(f"{kind} takes schedules of one optimizer, and schedule {i} has another{at_line()}")


class _Several(LRScheduler):
    _schedulers: list[Any]

    def state_dict(self) -> dict[str, Any]:
        """Everything that the schedules are, but for the optimiser and functions."""
        return {**super().state_dict(), "_schedulers": [scheduler.state_dict() for scheduler in self._schedulers]}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over what ``state_dict`` gave."""
        super().load_state_dict({name: value for name, value in state_dict.items() if name != "_schedulers"})
        for scheduler, saved in zip(self._schedulers, state_dict["_schedulers"], strict=True):
            scheduler.load_state_dict(saved)


class SequentialLR(_Several):
    """One schedule after the other; each of ``milestones`` is the epoch at which the next begins."""

    def __init__(
        self,
        optimizer: Optimizer,
        schedulers: list[Any],
        milestones: list[int],
        last_epoch: int = -1,
        verbose: Any = False,
    ) -> None:
        _check_members("SequentialLR", schedulers, optimizer)
        if len(milestones) != len(schedulers) - 1:
            raise ValueError(f"{len(schedulers)} schedules meet at one epoch less, not {len(milestones)}{at_line()}")
        self._schedulers = schedulers
        self._milestones = milestones
        self.last_epoch = last_epoch + 1
        self.optimizer = optimizer
        # Each of the schedules has taken its first step when it was made: that is undone, and taken again by the first.
        for group in optimizer.param_groups:
            put(group, "lr", group["initial_lr"])
        self.recursive_undo()
        first = schedulers[bisect_right(milestones, 0)]
        first._initial_step()
        self._last_lr = first.get_last_lr()

    def recursive_undo(self, sched: Any = None) -> None:
        """Take an epoch back, here and in the schedules within."""
        for scheduler in getattr(self if sched is None else sched, "_schedulers", ()):
            if hasattr(scheduler, "_schedulers"):
                self.recursive_undo(scheduler)
            elif hasattr(scheduler, "last_epoch"):
                scheduler.last_epoch -= 1

    def step(self, epoch: Any = None) -> None:
        """Set the learning rates of the next epoch."""
        if epoch is not None:
            raise TypeError(f"SequentialLR.step counts epochs itself{at_line()}")
        self.last_epoch += 1
        i = bisect_right(self._milestones, self.last_epoch)
        scheduler = self._schedulers[i]
        if i > 0 and self._milestones[i - 1] == self.last_epoch:
            scheduler._update_lr(0)
        else:
            scheduler.step()
        self._last_lr = scheduler.get_last_lr()


class ChainedScheduler(_Several):
    """Several schedules at once: each changes what those before it have set."""

    def __init__(self, schedulers: Sequence[Any], optimizer: Optimizer | None = None) -> None:
        own = None if len(schedulers) < 1 else getattr(schedulers[0], "optimizer", None)
        _check_members("ChainedScheduler", schedulers, optimizer or own)
        self._schedulers = list(schedulers)
        self.optimizer = optimizer or schedulers[0].optimizer
        self._last_lr = values(self.optimizer, "lr")

    def step(self, epoch: Any = None) -> None:
        """Take a step of each schedule."""
        if epoch is not None:
            raise TypeError(f"ChainedScheduler.step counts epochs itself{at_line()}")
        for scheduler in self._schedulers:
            scheduler.step()
        self._last_lr = values(self.optimizer, "lr")


__getattr__ = lacking(__name__)
