"""``watch`` for tensors: values and gradients as they come, by tensor, by module, or by the name of an op or a module."""

from __future__ import annotations

import sys
import weakref
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from dynamic import listening
from dynamic.apply import Carried
from dynamic.nn.modules.module import Module
from dynamic.tape import add_hook, user_frame
from graphs.core.errors import Where, at_line
from graphs.core.op import Op
from graphs.inspection.watch import At, Seen, Watch, WatchError, covers


class TapeWatch(Watch, listening.Listener):
    """A watch on operations, modules and tensors."""

    def __init__(self, names: Iterable[str], show: str, at: At, to: Any, gradients: bool) -> None:
        super().__init__(names, show, at, to, _ended)
        self._gradients = gradients
        self._counts: dict[Any, int] = {}
        self._modules: dict[int, str] = {}
        self._tensors: dict[int, tuple[weakref.ref[Any], str]] = {}
        self._shown: dict[int, tuple[int, int]] = {}

    def ran(self, op: Op, args: tuple[Any, ...], params: Mapping[str, Any], result: Any) -> None:
        """Show a watched tensor that it reads, and its results if it is watched itself."""
        for arg in args if self._tensors else ():
            if isinstance(arg, Carried) and id(arg) in self._tensors:
                self._used(arg)
        if not self.names:
            return
        path = listening.path()
        name = f"{path}/{op.name}" if path else op.name
        if self.wants(op.name) or (path and any(covers(each, name) and not self._whole(each, path) for each in self.names)):
            frame = user_frame(sys._getframe(2))
            where = Where(frame.f_code, frame.f_lasti)
            step = self._count((name, listening.place(frame.f_code, frame.f_lasti)))
            for tensor in listening.tensors(result):
                self._show(name, tensor, step, where)

    def called(self, path: str, module: Any, result: Any) -> None:
        """Show what a watched module gave."""
        name = self._modules.get(id(module))
        below = path.partition(".")[2]
        if name is None and not (any(self._whole(each, path) for each in self.names) and (below or path)):
            return
        step = self._count(name or path)
        for tensor in listening.tensors(result):
            self._show(name or path, tensor, step, None)

    def _whole(self, pattern: str, path: str) -> bool:
        """Whether a pattern means modules, and this one among them, rather than single operations in it."""
        return "/" not in pattern and (covers(pattern, path) or covers(pattern, path.partition(".")[2] or path))

    def _count(self, key: Any) -> int:
        step = self._counts.get(key, 0)
        self._counts[key] = step + 1
        return step

    def _show(self, name: str, tensor: Any, step: int, where: Where | None) -> None:
        self.see(Seen(name, tensor._array, "value", step, (), where))
        if self._gradients and tensor._edge is not None:
            self._hook(name, tensor, step, where)

    def _hook(self, name: str, tensor: Any, step: int | None, where: Where | None) -> None:
        """Show the gradient of a tensor, each time that a backward pass has it."""
        key = ("gradient", name)

        def hook(g: Any) -> None:
            if self.active:
                self.see(Seen(name, g._array, "gradient", self._count(key) if step is None else step, (), where))

        add_hook(tensor._edge.node, tensor._edge.index, hook, last=True)

    def _used(self, tensor: Any) -> None:
        """Show a tensor that is read, if it has changed since it was shown."""
        _, name = self._tensors[id(tensor)]
        state = (id(tensor._array), tensor._counter[1] if tensor._counter else 0)
        if self._shown.get(id(tensor)) != state:
            self._shown[id(tensor)] = state
            self.see(Seen(name, tensor._array, "value", self._count(("value", name)), (), None))

    def _gone(self, key: int) -> Callable[[Any], None]:
        return lambda _: self._tensors.pop(key, None) and None

    def _take(self, what: Any, name: str) -> None:
        if isinstance(what, Module):
            for below, module in what.named_modules():
                self._modules.setdefault(id(module), f"{name}.{below}" if below else name)
            for below, parameter in what.named_parameters():
                self._take(parameter, f"{name}.{below}")
        elif isinstance(what, Carried):
            self._tensors[id(what)] = (weakref.ref(what, self._gone(id(what))), name)
            self._used(what)
            if self._gradients and what._edge is not None:
                self._hook(name, what, None, what._edge.node.where if what._edge.node.edges else None)
        else:
            raise WatchError(f"a watch takes tensors, modules and names, not {type(what).__name__}{at_line()}")


def watch(what: Any, show: str = "statistics", *, at: At = None, to: Any = None, gradients: bool = True) -> TapeWatch:
    """Show values and gradients as they come, until the watch is stopped.

    Args:
        what: a tensor (shown now, whenever it is read after a change, and whenever a backward pass has its gradient); a
            module (what it and the modules in it give, and their parameters); a name or pattern of ops (``"matmul"``,
            ``"*/relu"``) or of modules as the program calls them (``"net.layer1"``, ``"layer*"``); or a list of these.
        show: ``"statistics"``, ``"values"``, or ``"nan"``: nothing but the first value with a NaN or an infinity.
        at: which time round, from 0: the same line's (or module's) calls are counted; a range or set has several.
        to: a function that is given each ``Seen``, or a file to print to; by default the standard output.
        gradients: whether gradients are shown, too.

    It is a context manager, and has ``stop()``. The program computes the same bits; while nothing is watched, nothing is
    asked. Raises WatchError for what cannot be watched.
    """
    several = list(what) if isinstance(what, (list, tuple)) else [what]
    names = [each for each in several if isinstance(each, str)]
    for name in names:
        if not name or name.isspace():
            raise WatchError(f"a watch takes the name of an op or a module, not {name!r}{at_line()}")
    made = TapeWatch(names, show, at, to, gradients)
    frame = user_frame(sys._getframe(1))
    for each in several:
        if not isinstance(each, str):
            made._take(each, _named(each, frame))
    listening.listen(made)
    return made


def _named(x: Any, frame: Any) -> str:
    """What the program calls a tensor or module: its own name, or that of the variable which holds it."""
    own = getattr(x, "name", None) if isinstance(x, Carried) else None
    if isinstance(own, str) and own:
        return own
    for names in (frame.f_locals, frame.f_globals):
        for name, value in names.items():
            if value is x:
                return str(name)
    return type(x).__name__.lower()


def _ended(watch: TapeWatch) -> None:
    listening.leave(watch)
