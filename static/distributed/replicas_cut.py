"""Where a run is cut for replicas: what each works out by itself, what they put together, and what follows from that.

A replica has rows of the batch and numbers of its own; whatever hangs on these differs between replicas. What is written to
variables must not. So the run is cut in two programs: one up to the gradients, each replica's own, and one from these put
together, which does the same to the variables of every replica.

Where it is cut: at what ``tf.gradients`` (and so ``compute_gradients``) gives for variables, if all that differs in an
update comes through that: what is done to gradients before they are applied, such as clipping by their norm, is then done to
those of the whole batch. Else at the gradients that the optimizer is given; and without one at the value that is written, as
with the moving averages of a batch norm.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from graphs.codegen.fused import fused
from graphs.control import draws
from graphs.core.node import Value
from static.errors import UnimplementedError
from static.gradients import Taken
from static.graph import GraphKeys, Operation
from static.schedule import needed
from static.slices import IndexedSlices
from static.state import (
    assign_add_op,
    assign_op,
    assign_sub_op,
    constant_op,
    no_op_op,
    placeholder_op,
    read_op,
    scatter_add_op,
    scatter_update_op,
    variable_op,
)
from static.tensor import Tensor
from static.train.optimizer import Applied


Edge = tuple[Any, int]

_LIGHT = (constant_op, no_op_op, placeholder_op, read_op, variable_op)
"""Nodes whose results are there anyway: no use carrying them over."""


@dataclass(frozen=True)
class Joint:
    """What the replicas put together before the run goes on.

    Attributes:
        tensor: what each replica has of it.
        indices: where ``tensor`` is rows of a variable that each replica has others of: the rows' places. All replicas' rows
            are taken, one replica's after the other's.
        summed: whether replicas' are added up; else their mean is taken, each weighted by its share of the batch.
        gradient: whether it is a gradient.
    """

    tensor: Tensor
    indices: Tensor | None = None
    summed: bool = False
    gradient: bool = False

    @property
    def tensors(self) -> tuple[Tensor, ...]:
        """The tensors that the second program is given."""
        return (self.tensor,) if self.indices is None else (self.tensor, self.indices)


@dataclass
class Division:
    """A run cut in two.

    Attributes:
        joint: what is put together between the two programs, in order of creation; nothing: there is but the second one.
        carried: tensors that the first program has worked out and the second one needs as well.
        differing: those of the fetched tensors that differ between replicas, by position.
        writes: whether a run changes variables.
    """

    joint: list[Joint] = field(default_factory=list)
    carried: list[Tensor] = field(default_factory=list)
    differing: set[int] = field(default_factory=set)
    writes: bool = False


def divide(fetches: Sequence[Any], fed: Sequence[Tensor], split: Iterable[Tensor], alike: bool = False) -> Division:
    """How a run of ``fetches`` is cut, where each replica is fed its own rows of the tensors ``split``.

    With ``alike`` all replicas draw the same random numbers. Raises UnimplementedError, naming the operation, where a
    variable is written by what differs between replicas and cannot be put together.
    """
    nodes = needed(fetches, fed)
    flow = _Flow(nodes, fed, split, alike)
    found: dict[Edge, Joint] = {}
    taken, applied = _taken(nodes), _applied(nodes)
    for node in nodes:
        if node in flow.differing and (node.writes or "update" in node.op.traits):
            chosen = flow.behind(node, taken)
            if chosen is None:
                chosen = flow.behind(node, applied)
            for joint in _written(node, flow) if chosen is None else chosen:
                found.setdefault(_edge(joint.tensor), joint)
            flow.settled.add(node)
    joints = sorted(found.values(), key=lambda joint: (joint.tensor.node.serial, joint.tensor.index))
    cut = [tensor for joint in joints for tensor in joint.tensors]
    for tensor in cut:
        if tensor.spec.dtype.kind not in "fciu" or (tensor.spec.dtype.kind in "iu" and not _may_be_integers(tensor, joints)):
            raise _refused(tensor.op, f"values of {tensor.dtype.name} have no mean")
    made = Division(joints, writes=any(node.writes or "update" in node.op.traits for node in nodes))
    if joints:
        made.carried = _carried(fetches, fed, cut)
    after = _Flow(nodes, fed, split, alike, cut)
    made.differing = {i for i, x in enumerate(fetches) if isinstance(x, Value) and after.differs(x)}
    return made


class _Flow:
    """Which values of a run differ between replicas, where those of ``cut`` do not."""

    def __init__(
        self, nodes: Iterable[Any], fed: Iterable[Tensor], split: Iterable[Tensor], alike: bool, cut: Iterable[Tensor] = ()
    ) -> None:
        self.sources = {_edge(tensor) for tensor in split}
        self.given = {_edge(tensor) for tensor in (*fed, *cut)} - self.sources
        self.alike = alike
        self.settled: set[Any] = set()
        self.differing: set[Any] = set()
        for node in nodes:
            if self._draws(node) or any(self.differs(x) for x in node.edges if x is not None):
                self.differing.add(node)

    def differs(self, x: Any) -> bool:
        """Whether replicas have different values of ``x``."""
        edge = _edge(x)
        return edge in self.sources or (edge not in self.given and x.node in self.differing)

    def behind(self, node: Any, marks: dict[Edge, Joint]) -> list[Joint] | None:
        """The nearest of ``marks`` behind ``node``, where all that differs in it comes through these; else None."""
        found: dict[Edge, Joint] = {}
        stack = [x for x in node.edges if x is not None and self.differs(x)]
        seen: set[Edge] = set()
        while stack:
            x = stack.pop()
            edge = _edge(x)
            if edge in seen:
                continue
            seen.add(edge)
            if edge in marks:
                found[edge] = marks[edge]
            elif edge in self.sources or self._draws(x.node):
                return None
            elif x.node not in self.settled:
                stack += [each for each in x.node.edges if each is not None and self.differs(each)]
        return list(found.values())

    def _draws(self, node: Any) -> bool:
        return not self.alike and draws(node)


def _edge(x: Any) -> Edge:
    return x.node, x.index


def _taken(nodes: Sequence[Any]) -> dict[Edge, Joint]:
    """The gradients as ``tf.gradients`` has made them."""
    marks: dict[Edge, Joint] = {}
    for each in nodes[0].graph.get_collection(Taken) if nodes else ():
        marks[_edge(each.dense)] = Joint(each.dense, gradient=True)
        if each.rows is not None:
            _mark_rows(marks, each.rows)
    return marks


def _applied(nodes: Sequence[Any]) -> dict[Edge, Joint]:
    """The gradients as optimizers were given them. Of a graph that was read from a file the updates' nodes tell."""
    marks: dict[Edge, Joint] = {}
    for each in nodes[0].graph.get_collection(Applied) if nodes else ():
        if isinstance(each.gradient, IndexedSlices):
            _mark_rows(marks, each.gradient)
        else:
            marks[_edge(each.gradient)] = Joint(each.gradient, gradient=True)
    for node in nodes:
        if node.op is fused and node.params.get("label", "").startswith("Apply") and isinstance(node.inputs[1], Value):
            gradient: Any = node.inputs[1]
            marks.setdefault(_edge(gradient), Joint(gradient, gradient=True))
    return marks


def _mark_rows(marks: dict[Edge, Joint], slices: IndexedSlices) -> None:
    joint = Joint(slices.values, slices.indices, gradient=True)
    marks[_edge(slices.values)] = marks[_edge(slices.indices)] = joint


def _written(node: Operation, flow: _Flow) -> list[Joint]:
    """What to put together where ``node`` writes what differs, and no gradient is behind it."""
    own: list[Any] = [x for x in node.inputs[1:] if isinstance(x, Value) and flow.differs(x)]
    if node.writes or any(x.node is node.inputs[0].node for x in own):
        raise _refused(node, "it writes a variable from inside itself")
    variable = node.inputs[0].node
    summed = _local(variable)
    if node.op in (assign_add_op, assign_sub_op, assign_op):
        return [Joint(own[0], summed=summed and node.op is not assign_op)]
    if node.op is scatter_update_op and not flow.differs(node.inputs[1]):
        return [Joint(own[0])]
    if node.op is scatter_add_op:
        places: Any = node.inputs[1]
        rows: Any = node.inputs[2]
        if not flow.differs(places):
            return [Joint(rows, summed=summed)]
        if isinstance(rows, Tensor) and rows.dims != ():
            return [Joint(rows, places, summed)]
    raise _refused(node, f"what it changes in {variable.name} has no mean")


def _local(variable: Operation) -> bool:
    """Whether a variable is in the collection of local ones, as those of metrics are: what is added to it adds up."""
    return any(each.op is variable for each in variable.graph.get_collection(GraphKeys.LOCAL_VARIABLES))


def _may_be_integers(tensor: Tensor, joints: Sequence[Joint]) -> bool:
    return any(joint.indices is tensor or (joint.tensor is tensor and joint.summed) for joint in joints)


def _refused(node: Any, why: str) -> UnimplementedError:
    return UnimplementedError(node, f"{node.name} differs between replicas, and cannot be put together: {why}")


def _carried(fetches: Sequence[Any], fed: Sequence[Tensor], cut: Sequence[Tensor]) -> list[Tensor]:
    """What both programs would work out alike, no write and no cut before it: what the second one is given of that."""
    first = set(needed(cut, fed))
    second = needed(fetches, [*fed, *cut])
    early: set[Any] = set()
    joined = {_edge(tensor) for tensor in cut}
    hidden = joined | {_edge(tensor) for tensor in fed}
    late: set[Any] = set()
    for node in second:
        edges = [x for x in node.edges if x is not None]
        before = [x.node for x in edges if _edge(x) not in hidden]
        writes = "update" in node.op.traits or node.writes
        if writes or any(_edge(x) in joined for x in edges) or any(x in late for x in (*before, *node.after)):
            late.add(node)
        elif node in first and node.op not in _LIGHT:
            early.add(node)
    wanted: dict[Edge, Any] = {}
    for node in second:
        if node in early:
            continue
        for x in node.edges:
            if x is not None and x.node in early and _edge(x) not in hidden:
                wanted[_edge(x)] = x
        for other in node.after:
            if other in early and other.outputs:
                wanted.setdefault((other, 0), other.outputs[0])
    for x in fetches:
        if isinstance(x, Tensor) and x.node in early and _edge(x) not in hidden:
            wanted[_edge(x)] = x
    return sorted(wanted.values(), key=lambda tensor: (tensor.node.serial, tensor.index))
