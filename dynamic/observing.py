"""What ``diptych compare`` sees of somebody's PyTorch script: steps of optimisers, losses, the tape of a step."""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from dynamic import autograd, tape
from dynamic.nn import Module
from dynamic.optim.optimizer import register_optimizer_step_post_hook
from dynamic.tensor import Tensor
from graphs.compare.calls import watching
from graphs.compare.clock import patched
from graphs.compare.observed import Observed
from graphs.core.node import ancestors


SEEN = 1
"""After so many rounds of the script's loop the tape of one is kept: by then nothing is made ready any more."""


@contextmanager
def observing(found: Observed) -> Iterator[None]:
    """Tell ``found`` of every step of an optimiser inside, and of every loss that goes back, by the name it has in its line.

    Where no optimiser takes steps (a script may change its parameters by hand), a step is a backward pass. Of one round of
    the script's loop the tapes are kept, and every call of a kernel is entered in the log.
    """
    seen = _Seen(found)
    handle = register_optimizer_step_post_hook(lambda optimizer, *_: seen.stepped(optimizer))
    plain, functional = Tensor.backward, autograd.backward

    def from_tensor(loss: Tensor, *args: Any, **kwargs: Any) -> Any:
        return seen.back((loss,), lambda: plain(loss, *args, **kwargs))

    def from_function(tensors: Any, *args: Any, **kwargs: Any) -> Any:
        losses = (tensors,) if isinstance(tensors, Tensor) else tuple(tensors)
        return seen.back(losses, lambda: functional(losses, *args, **kwargs))

    try:
        with patched((Tensor, "backward", from_tensor), (autograd, "backward", from_function)):
            yield
    finally:
        handle.remove()
        seen.end()


class _Seen:
    """What a script's backward passes and steps are about.

    A round of its loop begins where something that was seen before is seen again: the same optimiser's step, the same line
    that goes back.
    """

    def __init__(self, found: Observed) -> None:
        self.found = found
        self._optimised = False
        self._passes: list[float] = []
        self._first: Any = None
        self._rounds = 0
        self._window: ExitStack | None = None
        self._labels: dict[tuple[str, int], str] = {}

    def stepped(self, optimizer: Any) -> None:
        """An optimiser has taken a step."""
        if not self._optimised:
            self._optimised = True
            self._first = None
            self.found.ends.clear()
            self.found.what = "optimizer.step()"
        with self.found.looking():
            self._round(id(optimizer))
        self.found.step()

    def back(self, losses: tuple[Tensor, ...], run: Callable[[], Any]) -> Any:
        """Run a backward pass from ``losses``."""
        with self.found.looking():
            frame: Any = tape.user_frame(sys._getframe(2))
            place = (frame.f_code.co_filename, frame.f_lineno)
            for number, loss in enumerate(losses):
                if loss._array.size == 1:
                    name = self._label(place, losses, number, frame)
                    self.found.loss(name, float(loss._array.reshape(()).real))
            if self._window is not None:
                self.found.roots += [loss._edge for loss in losses if loss._edge is not None]
                self._name_leaves(frame)
        out = run()
        if not self._optimised:
            self.found.what = "backward()"
            with self.found.looking():
                self._round(place)
            self.found.step()
        return out

    def _round(self, mark: Any) -> None:
        if self._first is None:
            self._first = mark
        elif mark != self._first:
            return
        self._rounds += 1
        if self._window is not None:
            self.end()
        elif self._rounds > SEEN and not self.found.roots:
            self._window = stack = ExitStack()
            stack.enter_context(watching(self.found.log))
            switches = {"watched": True, "apart": True, "kept": True, "told": self._told}
            stack.enter_context(patched(*((tape, name, value) for name, value in switches.items())))

    def _told(self, record: Any) -> None:
        self.found.log.behind = None if record is None else record.serial

    def end(self) -> None:
        """Keep nothing any more."""
        if self._window is not None:
            self._window.close()
            self._window = None

    def _label(self, place: tuple[str, int], losses: tuple[Tensor, ...], number: int, frame: Any) -> str:
        """What the script calls a loss: the text before ``.backward()``, or the argument of ``backward(...)``."""
        key = (place[0], place[1] * 1000 + number)
        known = self._labels.get(key)
        if known is None:
            known = losses[number].name or _expression(tape.Where(frame.f_code, frame.f_lasti).text, number) or "loss"
            if known in self._labels.values():
                known = f"{known}, line {place[1]}"
            self._labels[key] = known
        return known

    def _name_leaves(self, frame: Any) -> None:
        """Give leaves the names that the script has for them, for pictures; keep them, as a tape knows them weakly."""
        names = _names(frame)
        for record in ancestors([edge.node for edge in self.found.roots]):
            leaf = record.owner() if record.owner is not None else None
            if leaf is None:
                continue
            self.found.kept.append(leaf)
            if leaf.name is None:
                leaf.name = names.get(id(leaf))


def _names(frame: Any) -> dict[int, str]:
    """What tensors are called where a frame is: by variables, and as parameters of modules that are variables."""
    found: dict[int, str] = {}
    for scope in (frame.f_locals, frame.f_globals):
        for name, value in list(scope.items()):
            if isinstance(value, Tensor):
                found.setdefault(id(value), name)
            elif isinstance(value, Module):
                for inner, parameter in value.named_parameters():
                    found.setdefault(id(parameter), f"{name}.{inner}")
    return found


def _expression(line: str, number: int) -> str:
    """The text of what goes back in a line of source, empty where it cannot be told."""
    try:
        tree = ast.parse(line.rstrip(":"))
    except SyntaxError:
        return ""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "backward":
            owner = ast.unparse(node.func.value)
            if owner.rpartition(".")[2] != "autograd":
                return owner
            given = node.args[0] if node.args else None
            parts = given.elts if isinstance(given, (ast.List, ast.Tuple)) else [given] if given is not None else []
            return ast.unparse(parts[number]) if number < len(parts) else ""
    return ""
