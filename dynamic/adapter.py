"""A dynamic program in the form that ``graphs.compare`` runs, and the modules that ``diptych exec`` replaces."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from contextlib import contextmanager
from typing import Any

import numpy
from numpy import ndarray

from dynamic import tape
from dynamic.era import era as era
from dynamic.linting import lint as lint
from dynamic.observing import observing as observing
from dynamic.optim.ruled import Ruled
from dynamic.splitting import split
from dynamic.stepping import stepping as stepping
from graphs.compare import Batch, Held, Listener, Log, State
from graphs.compare.calls import watching
from graphs.core.node import ancestors


ALIASES = {"torch": "dynamic", "torchvision": "dynamic.vision"}
"""Modules of other packages, and which of ours stand in for them."""

Shown = tuple[Mapping[str, Any], Mapping[str, Any]]
"""What a step shows after an update: losses and gradients by name, as tensors."""


class DynamicProgram:
    """A training step that runs anew each time.

    Args:
        step: a generator function: given a batch (arrays by name) it trains, and after each update, before the gradients are
            reset, it yields the losses and the gradients by name.
        parameters: the trained tensors by name.
        optimizers: those whose slots are compared.
    """

    def __init__(
        self,
        step: Callable[[Batch], Iterator[Shown]],
        parameters: Mapping[str, Any],
        optimizers: Iterable[Any] = (),
    ) -> None:
        self._step = step
        self._parameters = dict(parameters)
        self._optimizers = tuple(optimizers)
        for name, tensor in self._parameters.items():
            tensor.name = name  # which pictures show

    def step(self, batch: Batch) -> None:
        """One training step."""
        for _ in self._step(batch):
            pass

    def states(self, batch: Batch) -> list[State]:
        """One training step, and the state after each of its updates."""
        return [self._state(losses, gradients) for losses, gradients in self._step(batch)]

    def watch(self, batch: Batch, log: Listener) -> list[State]:
        """The same, ``log`` being told of every call of a kernel."""
        with _followed(log):
            return self.states(batch)

    def listen(self, batch: Batch, log: Listener) -> None:
        """A step as ``step`` takes it, ``log`` being told of every call of a kernel."""
        with _followed(log):
            self.step(batch)

    def split(self, batch: Batch, seconds: float) -> dict[str, float]:
        """Where the time of a step goes (``dynamic.splitting``)."""
        return split(self.step, self.listen, self._optimizers, batch, seconds)

    def trace(self, batch: Batch, log: Log) -> list[Any]:
        """The same as ``watch``, with the parameters before and after; the ends of the tape, as in ``roots``."""
        before = {name: log.digest(tensor._array) for name, tensor in self._parameters.items()}
        with _followed(log):
            roots = self.roots(batch)
        for name, tensor in self._parameters.items():
            log.held[tensor._edge.node.serial] = Held(name, before[name], log.digest(tensor._array))
        return roots

    def picturing(self, _batch: Batch, wanted: Set[str]) -> dict[str, Any]:
        """Settings for pictures: of ``wanted`` the ``"update"``, which is done by optimisers or by hand."""
        return {"update": list(self._optimizers) or list(self._parameters.values())} if "update" in wanted else {}

    def nodes(self, batch: Batch) -> int:
        """How many records a step leaves on the tape, over all its backward passes."""
        return len(ancestors({edge.node for edge in self.roots(batch)}))

    def roots(self, batch: Batch) -> list[Any]:
        """The losses' edges on the tape of one step, with all that was saved for the way back."""
        with _switched("kept"):
            return [loss._edge for losses, _ in self._step(batch) for loss in losses.values() if loss._edge is not None]

    def _state(self, losses: Mapping[str, Any], gradients: Mapping[str, Any]) -> State:
        return State(
            {name: _copy(loss) for name, loss in losses.items()},
            {name: _copy(gradient) for name, gradient in gradients.items()},
            self._slots(),
            {name: _copy(tensor) for name, tensor in self._parameters.items()},
        )

    def _slots(self) -> dict[str, ndarray]:
        """The optimisers' arrays beside each parameter, by the names that both modes share, where rules give them some."""
        found = {}
        names = {id(tensor): name for name, tensor in self._parameters.items()}
        for optimizer in self._optimizers:
            for group in optimizer.param_groups if isinstance(optimizer, Ruled) else ():
                rule = optimizer.rule(group)
                fills = rule.fills(**optimizer.hyper(group))
                for tensor in group["params"]:
                    state = optimizer.state.get(tensor)
                    for slot, fill in zip(rule.slots, fills, strict=True):
                        like = numpy.full(tensor.shape, fill, tensor._array.dtype)
                        kept = like if state is None else _copy(state[optimizer.names[slot]])
                        found[f"{slot} of {names[id(tensor)]}"] = kept
        return found


def _copy(tensor: Any) -> ndarray:
    return numpy.array(tensor.detach().cpu().numpy())


@contextmanager
def _followed(log: Listener) -> Iterator[None]:
    """Tell ``log`` of every kernel, and of the record that a backward pass is at."""

    def at(record: tape.Record | None) -> None:
        log.behind = None if record is None else record.serial

    with watching(log), _switched("watched"), _switched("told", at):
        yield


@contextmanager
def _switched(name: str, to: Any = True) -> Iterator[None]:
    """Have one of the tape's switches on inside."""
    before = getattr(tape, name)
    setattr(tape, name, to)
    try:
        yield
    finally:
        setattr(tape, name, before)
