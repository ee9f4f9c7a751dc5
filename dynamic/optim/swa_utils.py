"""Averages of a model's parameters over training: PyTorch's ``torch.optim.swa_utils``."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterable
from typing import Any

from dynamic.autograd.grad_mode import no_grad
from dynamic.functions.creation import tensor
from dynamic.names import lacking
from dynamic.nn.modules.batchnorm import _BatchNorm
from dynamic.nn.modules.module import Module
from dynamic.optim.optimizer import Optimizer
from dynamic.optim.schedule import LRScheduler, check_optimizer, per_group
from graphs.core.errors import at_line


def _check_decay(decay: float) -> None:
    if not 0 <= decay <= 1:
        raise ValueError(f"Invalid decay value {decay} provided. Please provide a value in [0,1] range{at_line()}")


def get_ema_avg_fn(decay: float = 0.999) -> Callable[[Any, Any, Any], Any]:
    """``avg_fn`` for an exponential moving average, which keeps ``decay`` of what it was."""
    _check_decay(decay)

    @no_grad()
    def ema_update(ema_param: Any, current_param: Any, num_averaged: Any) -> Any:
        return decay * ema_param + (1 - decay) * current_param

    return ema_update


def get_swa_avg_fn() -> Callable[[Any, Any, Any], Any]:
    """``avg_fn`` for the plain average (Izmailov et al. 2018)."""

    @no_grad()
    def swa_update(averaged_param: Any, current_param: Any, num_averaged: Any) -> Any:
        return averaged_param + (current_param - averaged_param) / (num_averaged + 1)

    return swa_update


def get_ema_multi_avg_fn(decay: float = 0.999) -> Callable[[Any, Any, Any], None]:
    """``multi_avg_fn`` for an exponential moving average: changes a list of tensors in place."""
    _check_decay(decay)

    @no_grad()
    def ema_update(ema_param_list: Any, current_param_list: Any, _: Any) -> None:
        for average, current in zip(ema_param_list, current_param_list, strict=True):
            if average.is_floating_point() or average.is_complex():
                average.lerp_(current, 1 - decay)
            else:
                average.copy_(average * decay + current * (1 - decay))

    return ema_update


def get_swa_multi_avg_fn() -> Callable[[Any, Any, Any], None]:
    """``multi_avg_fn`` for the plain average: changes a list of tensors in place."""

    @no_grad()
    def swa_update(averaged_param_list: Any, current_param_list: Any, num_averaged: Any) -> None:
        share = float(1 / (num_averaged + 1))  # of a counting tensor in the default dtype, as PyTorch has it
        for average, current in zip(averaged_param_list, current_param_list, strict=True):
            if average.is_floating_point() or average.is_complex():
                average.lerp_(current, share)
            else:
                average.copy_(average + (current - average) * share)

    return swa_update


class AveragedModel(Module):
    """A copy of a model whose parameters are averages of those that the model has had (Izmailov et al. 2018).

    Args:
        model: what is copied; it is trained as ever, and ``update_parameters(model)`` takes its parameters in.
        device: where the averages are kept.
        avg_fn: ``avg_fn(average, current, count)`` gives the next average of a tensor; by default the plain one.
        multi_avg_fn: ``multi_avg_fn(averages, currents, count)`` changes a list of them in place.
        use_buffers: average buffers too; otherwise they are copied.
    """

    n_averaged: Any

    def __init__(
        self,
        model: Module,
        device: Any = None,
        avg_fn: Callable[[Any, Any, Any], Any] | None = None,
        multi_avg_fn: Callable[[Any, Any, Any], None] | None = None,
        use_buffers: bool = False,
    ) -> None:
        super().__init__()
        if avg_fn is not None and multi_avg_fn is not None:
            raise AssertionError(f"Only one of avg_fn and multi_avg_fn should be provided{at_line()}")
        self.module = copy.deepcopy(model)
        if device is not None:
            self.module.to(device)
        self.register_buffer("n_averaged", tensor(0, device=device))
        self.avg_fn, self.multi_avg_fn, self.use_buffers = avg_fn, multi_avg_fn, use_buffers

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """What the averaged model gives."""
        return self.module(*args, **kwargs)

    def update_parameters(self, model: Module) -> None:
        """Take the parameters of ``model`` into the average; the first ones are copied."""
        pairs = list(zip(_held(self.module, self.use_buffers), _held(model, self.use_buffers), strict=True))
        first = not self.n_averaged.item()
        averages, currents = [], []
        for average, current in pairs:
            now = current.detach().to(average.device)
            if first:
                average.detach().copy_(now)
            averages.append(average.detach())
            currents.append(now)
        if not first and averages:
            if self.multi_avg_fn is not None:
                self.multi_avg_fn(averages, currents, self.n_averaged)
            else:
                for each, now in zip(averages, currents, strict=True):
                    each.copy_((self.avg_fn or get_swa_avg_fn())(each, now, self.n_averaged))
        if not self.use_buffers:
            for mine, other in zip(self.module.buffers(), model.buffers(), strict=True):
                mine.detach().copy_(other.detach())
        self.n_averaged += 1


def _held(model: Module, buffers: bool) -> list[Any]:
    return [*model.parameters(), *(model.buffers() if buffers else ())]


@no_grad()
def update_bn(loader: Iterable[Any], model: Module, device: Any = None) -> None:
    """Have the running statistics of batch normalisations in ``model`` be those of the batches in ``loader``.

    A batch that is a list or tuple begins with the model's input.
    """
    normed = [module for module in model.modules() if isinstance(module, _BatchNorm)]
    if not normed:
        return
    momenta = {}
    for module in normed:
        module.reset_running_stats()
        momenta[module], module.momentum = module.momentum, None
    training = model.training
    model.train()
    for batch in loader:
        given: Any = batch[0] if isinstance(batch, (list, tuple)) else batch
        model(given if device is None else given.to(device))
    for module, momentum in momenta.items():
        module.momentum = momentum
    model.train(training)


class SWALR(LRScheduler):
    """From the learning rate to ``swa_lr`` over ``anneal_epochs``, and there it stays.

    Args:
        optimizer: whose groups' ``lr`` the schedule sets.
        swa_lr: the last rate, for all groups or one a group.
        anneal_epochs: how many epochs it takes.
        anneal_strategy: along half a period of a cosine (``"cos"``), or ``"linear"``.
        last_epoch: the epoch to go on from.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        swa_lr: Any,
        anneal_epochs: int = 10,
        anneal_strategy: str = "cos",
        last_epoch: int = -1,
    ) -> None:
        check_optimizer(optimizer)
        for group, lr in zip(optimizer.param_groups, per_group("swa_lr", optimizer, swa_lr), strict=True):
            group["swa_lr"] = lr
        if anneal_strategy not in ("cos", "linear"):
            raise ValueError(f"anneal_strategy must be one of 'cos' or 'linear', instead got {anneal_strategy}{at_line()}")
        if not isinstance(anneal_epochs, int) or anneal_epochs < 0:
            raise ValueError(f"anneal_epochs must be equal or greater than 0, got {anneal_epochs}{at_line()}")
        self._anneal_strategy, self.anneal_epochs = anneal_strategy, anneal_epochs
        super().__init__(optimizer, last_epoch)

    def _share(self, t: float) -> float:
        """How far the rate has come at the time ``t`` from 0 to 1."""
        t = max(0.0, min(1.0, t))
        return t if self._anneal_strategy == "linear" else (1 - math.cos(math.pi * t)) / 2

    def _next(self) -> list[Any]:
        step = self._step_count - 1
        span = max(1, self.anneal_epochs)
        if self.anneal_epochs == 0:
            step = max(1, step)
        before, now = self._share(max(0, min(1, (step - 1) / span))), self._share(max(0, min(1, step / span)))
        rates = []
        for group in self.optimizer.param_groups:
            last = group["swa_lr"]
            # Where the rate began follows from where it is, so that somebody else may change it on the way.
            began = last if before == 1 else (group["lr"] - before * last) / (1 - before)
            rates.append(last * now + began * (1 - now))
        return rates


__getattr__ = lacking(__name__)
