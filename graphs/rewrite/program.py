"""What passes work on: nodes in order, what is wanted of them, and what is given from outside. Nodes never change.

A pass walks forward once. For each node it says whether the node stays (with its inputs exchanged for what they have
become) or is replaced, and what nothing needs any more falls away at the end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, cast

import numpy
from numpy import ndarray

from graphs.control import bodies
from graphs.core.errors import GraphsError, Where
from graphs.core.function import Function
from graphs.core.node import Node, Value
from graphs.core.op import OPS, Op
from graphs.core.spec import Spec


EFFECTS = frozenset({"stateful", "update", "random"})
"""Traits of ops that a pass neither drops, nor merges, nor computes ahead of the run."""

MOST_ORIGINS = 64
"""A node names so many of the nodes that it stands for at most, the latest of them."""

Edge = tuple[Any, int]


class Rewritten(Node):
    """A node that a pass made.

    Attributes:
        origins: the user's nodes that it stands for.
        was: the node of which it is the same with other inputs or bodies; None for one that is new.
    """

    __slots__ = ("origins", "was")

    origins: tuple[Node, ...]
    was: Any

    def __init__(
        self,
        op: Op,
        inputs: tuple[Any, ...],
        params: Mapping[str, Any],
        specs: tuple[Spec, ...],
        name: str,
        *,
        value: Callable[[Node, int], Any] = Value,
        where: Where | None = None,
        after: tuple[Node, ...] = (),
        origins: tuple[Node, ...] = (),
        was: Any = None,
    ) -> None:
        super().__init__(op, inputs, params, specs, name, value=value, where=where, after=after)
        object.__setattr__(self, "origins", origins)
        object.__setattr__(self, "was", was)


def origins(nodes: Iterable[Any]) -> tuple[Node, ...]:
    """The user's nodes that ``nodes`` stand for, each once, in order of creation."""
    found: dict[Node, None] = {}
    for node in nodes:
        for origin in node.origins if isinstance(node, Rewritten) else (node,):
            found[origin] = None
    if len(found) == 1:
        return tuple(found)
    return tuple(sorted(found, key=lambda node: node.serial)[-MOST_ORIGINS:])


def task_of(node: Any) -> str:
    """Where a node is asked to be, as far as that keeps it apart: job, replica and task of its device's name, and device.

    What a pass has made of several nodes is where the latest of them that says it is. No pass merges nodes that differ here.
    What nobody has placed goes where the first GPU is, if one is asked for at all; the host is another place only then.
    """
    task = kind = ""
    for each in reversed(getattr(node, "origins", (node,))):
        device = getattr(each, "device", "")
        if not device:
            continue
        before, _, named = device.partition("/device:")
        if not task and ("/job:" in before or "/task:" in before):
            task = str(before)
        if not kind and named and named != "GPU:0":
            accelerated = getattr(getattr(each, "graph", None), "accelerated", False)
            kind = f"/device:{named}" if accelerated or not named.startswith("CPU") else ""
    return task + kind


@dataclass(frozen=True, slots=True, eq=False)
class Program:
    """Nodes to be run, in order.

    Attributes:
        nodes: each after what it reads.
        roots: what is wanted: values, nodes (to be run), or arrays that a pass has found a value to be.
        fed: the edges whose values come from outside, whatever their nodes say.
        constant: the op whose nodes hold arrays (attribute ``value``). Without one, arrays stand among the inputs.
        kind: the class of nodes that passes make.
        reuse: whether the results on the way are to share memory that is planned once.
    """

    nodes: tuple[Any, ...]
    roots: tuple[Any, ...]
    fed: frozenset[Edge] = frozenset()
    constant: Op | None = None
    kind: type[Rewritten] = Rewritten
    reuse: bool = False

    @classmethod
    def of(cls, body: Function) -> Program:
        """The inside of a Function: what it yields is wanted, and then what is run there although nothing needs it."""
        read = {x.node for node in body.nodes for x in node.inputs if isinstance(x, Value)}
        read.update(other for node in body.nodes for other in node.after)
        read.update(x.node for x in body.outputs if isinstance(x, Value))
        effects = [node for node in body.nodes if node not in read]
        return cls(body.nodes, (*body.outputs, *effects), frozenset((x.node, x.index) for x in body.inputs))

    @property
    def ordered(self) -> bool:
        """Whether it is the inside of a Function, which keeps its nodes by creation, and their order matters."""
        return self.constant is None and any(map(is_kept, self.nodes))


# What may be done with a node


def is_pure(node: Any) -> bool:
    """Whether the node's outputs depend on nothing but its inputs, so that it may be merged or dropped.

    One that reads a variable itself depends on where it stands.
    """
    return is_pure_there(node) and not reads_there(node)


def reads_there(node: Any) -> bool:
    """Whether the node reads a variable itself (trait ``mutable``), not a value that it had before."""
    return any(isinstance(x, Value) and "mutable" in cast(Any, x.node).op.traits for x in node.inputs)


def is_pure_there(node: Any) -> bool:
    """Whether the node's outputs depend on nothing but its inputs, and on what variables hold where it stands."""
    op: Op = node.op
    entered = OPS.get(op.name)
    if not EFFECTS.isdisjoint(op.traits) or entered is not op or op.name == "parameter" or getattr(node, "writes", None):
        return False
    return all(_throughout(body, is_pure, "pure") for body in bodies(node))


def is_kept(node: Any) -> bool:
    """Whether the node is run even if nothing reads it any more: it has effects, or draws numbers in its turn."""
    if not EFFECTS.isdisjoint(node.op.traits) or getattr(node, "writes", None):
        return True
    return not all(_throughout(body, lambda inner: not is_kept(inner), "without effects") for body in bodies(node))


def _throughout(body: Function, holds: Callable[[Any], bool], word: str) -> bool:
    made: bool | None = body.cache.get(word)
    if made is None:
        made = body.cache[word] = all(map(holds, body.nodes))
    return made


def known(x: Any, fed: frozenset[Edge]) -> Any:
    """The array or Python scalar that ``x`` is known to be before the run, else None; another may be fed for a constant."""
    if not isinstance(x, Value):
        return x
    node: Any = x.node
    return node.params["value"] if "constant" in node.op.traits and (node, x.index) not in fed else None


def spec_of(x: Any) -> Spec:
    """The spec of a node's input: of a value as its graph has it refined, of an array or a Python scalar its own."""
    return x.node.outputs[x.index].spec if isinstance(x, Value) else Spec.of(x)


# Rebuilding


class Rebuild:
    """A copy of a program in the making, node by node.

    Attributes:
        nodes: what has been kept so far, in order.
        values: what edges of the program have become.
        ordered: keep the order in which nodes were created that of ``nodes``, for Functions, which sort by it.
    """

    def __init__(self, program: Program) -> None:
        self.program = program
        self.nodes: list[Any] = []
        self.values: dict[Edge, Any] = {}
        self.ordered = program.ordered
        self._instead: dict[Any, tuple[Any, ...]] = {}

    def input(self, x: Any) -> Any:
        """What an input of an old node is now."""
        return self.values.get((x.node, x.index), x) if isinstance(x, Value) else x

    def visit(self, node: Any) -> Any:
        """``node`` itself, or in its place one that reads what its inputs have become. It is not kept yet."""
        if not self.values and not self._instead:
            return node
        values = self.values
        inputs = []
        changed = False
        for x in node.inputs:
            now = values.get((x.node, x.index), x) if isinstance(x, Value) else x
            changed = changed or now is not x
            inputs.append(now)
        after = node.after
        if after and any(other in self._instead for other in after):
            after = tuple(dict.fromkeys(new for other in after for new in self.instead(other)))
            changed = True
        if not changed and not self.ordered:
            return node
        return self.again(node, node, inputs=tuple(inputs), after=after)

    def instead(self, node: Any) -> tuple[Any, ...]:
        """What is waited for in the place of ``node``."""
        return self._instead.get(node, (node,))

    def again(self, node: Any, first: Any, **changes: Any) -> Any:
        """A node like ``node`` but for ``changes`` (inputs, params, specs, after), for all that read it or ``first``."""
        new = self.program.kind(
            node.op,
            changes.get("inputs", node.inputs),
            changes.get("params", node.params),
            changes.get("specs") or tuple([out.spec for out in node.outputs]),
            node.name,
            where=node.where,
            after=changes.get("after", node.after),
            origins=origins([node]),
            was=node,
        )
        self.replace(node, first, new.outputs)
        self._instead[node] = self._instead[first] = (new,)
        return new

    def keep(self, node: Any) -> None:
        """Put ``node`` next in order."""
        self.nodes.append(node)

    def sweep(self, node: Any, old: Any, work: Callable[[Program], Program]) -> Any:
        """``node``, which ``visit`` has made of ``old``, with the bodies of its loop or branches worked over."""
        if not node.params or "control" not in node.op.traits or node.params.get("record"):
            return node  # what a loop records of its body's values is known by their number
        new = {}
        for name, value in node.params.items():
            inside = value if value.__class__ is tuple else (value,)
            made = tuple([_worked(body, work) if isinstance(body, Function) else body for body in inside])
            if any(x is not y for x, y in zip(made, inside, strict=True)):
                new[name] = made if value.__class__ is tuple else made[0]
        return self.again(node, old, params={**node.params, **new}) if new else node

    def replace(self, node: Any, old: Any, values: Sequence[Any], also: Iterable[Any] = ()) -> None:
        """Let ``values`` (None: nothing reads it) stand for the outputs of ``node``, which ``visit`` has made of ``old``.

        What waits for it waits for their nodes, and for ``also``; a body runs after all that it is given.
        """
        given = [x.node for x in values if isinstance(x, Value) and x.node.op.name != "parameter"]
        nodes = tuple(dict.fromkeys([*given, *also]))
        for each in (old, node) if old is not node else (node,):
            for index, value in enumerate(values):
                if (each, index) not in self.program.fed:
                    self.values[each, index] = value
            self._instead[each] = nodes

    def drop(self, node: Any, old: Any) -> None:
        """Let what waits for ``node`` (which ``visit`` has made of ``old``) wait for what that reads: it is not kept."""
        given = dict.fromkeys(x.node for x in node.inputs if isinstance(x, Value))
        before = tuple(x for x in given if x.op.name != "parameter")
        self._instead[node] = self._instead[old] = (*before, *node.after)

    def leave(self, node: Any, old: Any) -> None:
        """Let nothing wait for ``node`` (which ``visit`` has made of ``old``): it has gone elsewhere, and is pure."""
        self._instead[node] = self._instead[old] = ()

    def finish(self) -> Program:
        """The program of what was kept, without what nothing needs."""
        roots = tuple([self._root(root) for root in self.program.roots])
        return replace(self.program, nodes=live(self.nodes, roots, self.program.fed), roots=roots)

    def _root(self, root: Any) -> Any:
        if isinstance(root, Value):
            return self.values.get((root.node, root.index), root)
        if not isinstance(root, Node):
            return root
        instead = self.instead(root)
        return instead[0] if len(instead) == 1 else root


def _worked(body: Function, work: Callable[[Program], Program]) -> Function:
    before = Program.of(body)
    after = work(before)
    if after.nodes == before.nodes and all(x is y for x, y in zip(after.roots, before.roots, strict=True)):
        return body
    width = len(body.outputs)
    return Function(body.inputs, after.roots[:width], body.name, run_anyway(after, width))


def run_anyway(program: Program, width: int) -> list[Any]:
    """What is run in a body of ``width`` outputs although none may need it: the roots behind them, and what has effects."""
    there = set(program.nodes)
    return [*(x for x in program.roots[width:] if isinstance(x, Node) and x in there), *filter(is_kept, program.nodes)]


def live(nodes: Sequence[Any], roots: Iterable[Any], fed: frozenset[Edge]) -> tuple[Any, ...]:
    """Those of ``nodes`` that ``roots`` need, and those that have effects with what they need, in the same order."""
    hidden = {node for node, _ in fed}
    needed = {x.node for x in roots if isinstance(x, Value) and (x.node, x.index) not in fed}
    needed.update(x for x in roots if isinstance(x, Node))
    out = []
    for node in reversed(nodes):
        if node not in needed and not is_kept(node):
            continue
        out.append(node)
        for x in node.inputs:
            if isinstance(x, Value) and (not fed or (x.node, x.index) not in fed):
                needed.add(x.node)
        if node.after:
            needed.update([other for other in node.after if other not in hidden])
    return tuple(reversed(out))


def as_constant(rebuild: Rebuild, node: Any, array: ndarray[Any, Any]) -> Any:
    """``array`` as what stands for the output of ``node``: a constant's value, kept, or the array itself."""
    program = rebuild.program
    array = numpy.asarray(array)
    array.flags.writeable = False
    if program.constant is None:
        return array
    spec = Spec(array.shape, array.dtype)
    new = program.kind(program.constant, (), {"value": array}, (spec,), node.name, where=node.where, origins=origins([node]))
    rebuild.keep(new)
    return new.outputs[0]


class RewriteError(GraphsError):
    """A rule or a pass that does not fit: an unknown op in a pattern, a replacement of another shape."""


@dataclass(slots=True)
class Choice:
    """Which rewrites may be made.

    Attributes:
        level: how far results may differ from what was written (``graphs.rewrite.bounds.LEVELS``).
        refuse: names of rules, or of passes, that do not fire.
        limit: after so many rewrites nothing fires any more; None for no limit.
        check: whether each rewrite is held to its bound as soon as its pass has run (``graphs.rewrite.check``).
        fired: how many have been made.
    """

    level: str = "exact"
    refuse: frozenset[str] = frozenset()
    limit: int | None = None
    check: bool = False
    fired: int = field(default=0, init=False)

    def allows(self, rule: str) -> bool:
        """Whether a rewrite by ``rule`` may be made now."""
        return (self.limit is None or self.fired < self.limit) and rule not in self.refuse

    def fires(self, rule: str) -> bool:
        """As ``allows``, and where it may be made it counts as made."""
        allowed = self.allows(rule)
        self.fired += allowed
        return allowed
