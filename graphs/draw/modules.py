"""Which module made which records: the scopes of a tape, which has no names of its own.

    with draw.modules(model) as scopes:
        loss = model(x).sum()
    draw.save("model.svg", loss, modules=scopes, depth=1)

A module's call is a stretch of serials, so nothing is added to records while they are made.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from graphs.core.node import next_serial
from graphs.draw.picture import Picture


class Scopes:
    """The modules' calls, as stretches of serials, and the names of their parameters.

    Attributes:
        calls: the first and last serial of each call and the scope that it was, in order of their ends.
        parameters: scope and name of each parameter, by its tensor's id; the tensors live as long as the model does.
    """

    def __init__(self, model: Any) -> None:
        self.model = model
        self.calls: list[tuple[int, int, tuple[str, ...]]] = []
        self.parameters: dict[int, tuple[tuple[str, ...], str]] = {}
        names = {id(module): _scope(model, path) for path, module in model.named_modules()}
        self.names = names
        for path, module in model.named_modules():
            scope = _scope(model, path)
            for name, tensor in module._parameters.items():
                if tensor is not None:
                    self.parameters.setdefault(id(tensor), (scope, name))

    def of(self) -> tuple[list[int], list[tuple[str, ...]]]:
        """Where scopes begin and end, as serials in order, and the scope that holds from each on."""
        ends = [(start, 1, at) for at, (start, _, _) in enumerate(self.calls)]
        ends += [(end, 0, at) for at, (_, end, _) in enumerate(self.calls)]
        starts: list[int] = [0]
        scopes: list[tuple[str, ...]] = [()]
        open_: list[tuple[str, ...]] = []
        for serial, begins, at in sorted(ends):
            if begins:
                open_.append(self.calls[at][2])
            elif open_:
                open_.pop()
            starts.append(serial)
            scopes.append(open_[-1] if open_ else ())
        return starts, scopes


@contextmanager
def modules(model: Any) -> Iterator[Scopes]:
    """Note, for calls of a model's modules inside, which records they leave; for the setting ``modules`` of pictures.

    ``model`` is a module of ``dynamic.nn``.
    """
    found = Scopes(model)
    started: list[int] = []

    def before(_module: Any, _args: Any) -> None:
        started.append(next_serial())

    def after(module: Any, _args: Any, _result: Any) -> None:
        if started:
            found.calls.append((started.pop(), next_serial(), found.names[id(module)]))

    every = [module for _, module in model.named_modules()]
    handles = [module.register_forward_pre_hook(before) for module in every]
    handles += [module.register_forward_hook(after) for module in every]
    try:
        yield found
    finally:
        for handle in handles:
            handle.remove()


def _scope(model: Any, path: str) -> tuple[str, ...]:
    """A module's scope: the names on the way to it, each with its class: ``("layers: Sequential", "0: Linear")``."""
    scope, module = [], model
    for name in path.split(".") if path else ():
        module = module._modules[name]
        scope.append(f"{name}: {type(module).__name__}")
    return tuple(scope)


def in_modules(picture: Picture, given: Any) -> Picture:
    """``picture`` of a tape with its items in the scopes of modules: those noted while they ran, or of a model alone.

    Of a model alone the parameters tell: each is in its module's scope, and so is what reads it first.
    """
    scopes = given if isinstance(given, Scopes) else Scopes(given)
    starts, names = scopes.of()
    items = []
    for item in picture.items:
        scope, title = item.scope, item.title
        node = item.node
        if node is not None:
            owner = getattr(node, "owner", None)
            known = scopes.parameters.get(id(owner())) if owner is not None and not node.edges else None
            if known is not None:
                scope, name = known
                title = title or name
            else:
                scope = names[bisect_right(starts, node.serial) - 1] or scope
        items.append(replace(item, scope=scope, title=title))
    by_key = {item.key: item for item in items}
    for link in picture.links:
        tail, head = by_key[link.tail], by_key[link.head]
        if link.kind == "data" and not scopes.calls and tail.node is not None and not tail.node.edges:
            head.scope = head.scope or tail.scope
    return replace(picture, items=items)
