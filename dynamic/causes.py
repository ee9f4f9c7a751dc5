"""The first NaN or infinity of a program, and what led to it: ``first_nan``."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

from dynamic.history import Recorder
from dynamic.optim.optimizer import register_optimizer_step_post_hook
from graphs.core.errors import user_line


def first_nan(function: Callable[..., Any] | None = None, *args: Any, infinities: bool = False) -> Any:
    """The first NaN that ``function(*args)`` computes, with the values that led to it, or None where there is none.

    Forward passes, backward passes and optimisers' steps are looked at; the function is left where the NaN is made. Without
    a function it is a context manager: the operation that makes the first NaN inside raises ``NotFiniteError``, whose
    message is the chain of values that led to it; with ``first_nan().quietly()`` nothing is raised, and ``finding`` has it.

    Args:
        infinities: look for infinities as well. They are not always wrong: a mask is often made of them.

    The finding has ``chain``, a link a value with op, element, reason, phase and the user's line; ``cause``, the chain in a
    sentence; ``as_dict()``; and prints as text. Results have the bits that they have without it; it takes time and memory,
    since each value is kept as long as something that came of it. A link says how often its line had run before.
    """
    watched = OpsWatched(infinities)
    if function is None:
        return watched
    error = import_module("graphs.inspection.causes").NotFiniteError
    try:
        with watched:
            function(*args)
    except error:
        if watched.finding is None:
            raise
    return watched.finding


class OpsWatched(Recorder):
    """Looks at every operation of this thread while it is entered.

    Attributes:
        finding: the first NaN that was found, None so far.
    """

    def __init__(self, infinities: bool) -> None:
        super().__init__()
        self.finding: Any = None
        self._infinities = infinities
        self._raises = True
        self._causes = import_module("graphs.inspection.causes")
        self._open: list[Any] = []

    def quietly(self) -> OpsWatched:
        """The same, without an error: the program goes on, and ``finding`` has the first NaN."""
        self._raises = False
        return self

    def __enter__(self) -> OpsWatched:
        context = self.following()
        context.__enter__()
        self._open.append((register_optimizer_step_post_hook(self._after_step), context))
        return self

    def __exit__(self, *exc: Any) -> None:
        handle, context = self._open.pop()
        handle.remove()
        context.__exit__(*exc)

    def made(self, event: Any, result: tuple[Any, ...], args: tuple[Any, ...]) -> None:
        """Look at what an operation gave."""
        if self.finding is not None:
            return
        for place, tensor in enumerate(result):
            if self._causes.wrong(tensor._array, self._infinities):
                self._found(self._history.Cell(tensor._array, event, place))

    def stepped(self, cells: list[Any]) -> None:
        """Look at what an optimiser's kernel wrote."""
        if self.finding is not None:
            return
        for cell in cells:
            if self._causes.wrong(cell.array, self._infinities):
                self._found(cell)

    def _after_step(self, optimizer: Any, args: Any, kwargs: Any) -> None:
        """Look at the parameters, whatever kind of optimiser has changed them."""
        if self.finding is not None:
            return
        for group in optimizer.param_groups:
            for p in group["params"]:
                if self._causes.wrong(p._array, self._infinities):
                    cell = self.cell(p)
                    cell.where = user_line(2)
                    cell.name = cell.name or f"after a step of {type(optimizer).__name__}"
                    self._found(cell)

    def _found(self, cell: Any) -> None:
        if self.finding is None:
            self.finding = self._causes.finding(cell, self._infinities)
            if self._raises:
                raise self._causes.NotFiniteError(self.finding)
