"""What the pictures ask of a node, whichever mode made it, and how phases are told apart."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Protocol

from graphs.core.function import Function
from graphs.core.node import Node
from graphs.core.op import OPS, Op
from graphs.core.spec import Spec


_NUMBERED = re.compile(r"^(\w+)_\d+$")

DEEPEST = 24
"""Scopes within each other that are told apart: layouts recurse over them, and each is looked at for every node in it."""

FORWARD, BACKWARD, UPDATE = "forward", "backward", "update"
"""The phases of a program: what it computes, the gradients, and what the gradients are used to change."""


class Drawable(Protocol):
    """A node of a static graph or a record of a tape.

    Where a node has them, more is used: ``inputs`` or ``saved`` (per argument the array or scalar where there is no edge; in
    ``saved`` also the arrays that are kept for the way back, a pair of shape and dtype for one that is not, None for one of
    which nothing is known), ``outs`` (the outputs, if they are kept) and ``label`` (what a tape calls the record's step
    backward, such as ``MulBackward0``).
    """

    op: Op
    edges: Sequence[Any]
    params: Mapping[str, Any]
    specs: Sequence[Spec]
    name: str
    serial: int
    where: Any
    after: Sequence[Any]


Phase = Callable[[Any], str]
"""Tells a node's phase: ``"forward"``, ``"backward"`` or ``"update"``."""


def nodes_of(roots: Any) -> list[Any]:
    """The nodes behind ``roots``: nodes, edges, tensors or variables of either mode, or one Function, whose ends they are.

    Raises TypeError for anything else, ValueError for nothing.
    """
    if isinstance(getattr(roots, "function", None), Function):  # a trace
        roots = roots.function
    if isinstance(roots, Function):
        roots = (*(out for out in roots.outputs if hasattr(out, "node")), *roots.inputs)
    elif not isinstance(roots, Iterable) or hasattr(type(roots), "__bind__"):
        roots = (roots,)
    nodes = []
    for root in roots:
        candidates = (root, *(getattr(root, name, None) for name in ("node", "grad_fn", "op")))
        node = next((each for each in candidates if hasattr(each, "op") and hasattr(each, "edges")), None)
        if node is None:
            kind = type(root).__name__
            raise TypeError(f"a picture starts from nodes, edges or tensors with a graph behind them, not from this {kind}")
        nodes.append(node)
    if not nodes:
        raise ValueError("a picture needs at least one root")
    return nodes


def shape_changes(node: Any) -> bool:
    """Whether a node yields another shape than all that flows into it: a predicate for the setting ``expand``."""
    given = [edge.node.specs[edge.index].dims for edge in node.edges if edge is not None]
    return bool(given) and any(spec.dims not in given for spec in node.specs)


def arguments(node: Any) -> tuple[Any, ...]:
    """Per argument its edge, or else what is known of it: array, scalar, pair of shape and dtype, or None for nothing."""
    known = getattr(node, "inputs", None) or getattr(node, "saved", None) or node.edges
    return tuple(other if edge is None else edge for edge, other in zip(node.edges, known, strict=True))


def path_of(node: Any) -> tuple[str, ...]:
    """The parts of a node's name, outermost first, without the numbers of nodes that nobody named."""
    parts = (node.name or "").split("/")
    if isinstance(node, Node) and getattr(node, "graph", None) is None:  # a copy's number may be another node's
        return tuple(map(_unnumbered, parts))
    own = f"{node.op.name}_{node.serial}"
    return tuple([node.op.name if part == own else part for part in parts])


@lru_cache(maxsize=10_000)
def _unnumbered(part: str) -> str:
    found = _NUMBERED.match(part)
    return found[1] if found is not None and found[1] in OPS else part


def scope_of(node: Any) -> tuple[str, ...]:
    """The name scopes that a node stands in, outermost first; those below ``DEEPEST`` levels as one."""
    scope = path_of(node)[:-1]
    return scope if len(scope) <= DEEPEST else (*scope[: DEEPEST - 1], "/".join(scope[DEEPEST - 1 :]))


def phases(nodes: Sequence[Any], phase: Phase | None = None) -> dict[int, str]:
    """Each node's phase by its serial; ``nodes`` in order of creation.

    Without ``phase``: what stands in a scope ``gradients…`` is backward; what changes a variable is an update, and so are
    what lies between gradients and such a change, what serves nothing but updates (an optimiser's slots, its rate) and what
    only waits for them; all else is forward.
    """
    if phase is not None:
        return {node.serial: phase(node) for node in nodes}
    found: dict[int, str] = {}
    late: set[int] = set()
    for node in nodes:
        if "gradients" in (node.name or "") and any(part.startswith("gradients") for part in path_of(node)[:-1]):
            found[node.serial] = BACKWARD
        elif "update" in node.op.traits or (not node.specs and any(found.get(n.serial) == UPDATE for n in node.after)):
            found[node.serial] = UPDATE
        else:
            found[node.serial] = FORWARD
            if not any(edge is not None and edge.node.serial in late for edge in node.edges):
                continue
        late.add(node.serial)
    readers: dict[int, set[str]] = {}
    for node in reversed(nodes):
        serial = node.serial
        read_in = readers.get(serial, set())
        if found[serial] == FORWARD:
            if read_in == {UPDATE} or (serial in late and UPDATE in read_in):
                found[serial] = UPDATE
            elif not node.edges and read_in and FORWARD not in read_in:
                found[serial] = BACKWARD
        for edge in node.edges:
            if edge is not None:
                readers.setdefault(edge.node.serial, set()).add(found[serial])
    return found
