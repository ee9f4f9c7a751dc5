"""A program as a task graph: what its nodes cost, measured where somebody has, else estimated; what crosses its edges."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass
from functools import cache
from itertools import combinations
from math import prod
from time import perf_counter
from typing import Any, NamedTuple

import networkx
import numpy

from graphs.core.node import Value
from graphs.ops import add, matmul, tanh
from graphs.placing.cluster import PlacementError
from graphs.rewrite.costs import Cost, Shapes, calls
from graphs.rewrite.program import Program, bodies


UNKNOWN = 1_000_000
"""Operations and bytes of a node whose shapes are not known."""


class Work(NamedTuple):
    """What one node does in one run.

    Attributes:
        kernels: calls of kernels, those in bodies round by round.
        dense: operations of matrix products, two for each multiplication.
        other: other operations, an elementary function being ten.
        size: bytes read and written.
    """

    kernels: int = 0
    dense: int = 0
    other: int = 0
    size: int = 0


def work_of(node: Any, shapes: Shapes) -> Work:
    """What ``node`` does in one run in which values have the specs that ``shapes`` knows."""
    if not calls(node):
        return _summed(node, shapes)
    found = Cost.of([node], shapes=shapes)
    written = UNKNOWN if found.bytes is None else found.bytes
    names = [*node.op.names, *[""] * len(node.inputs)]  # an argument called _x lends its shape alone
    size = written + sum(
        _size(shapes.of(x)) for x, name in zip(node.inputs, names, strict=False) if isinstance(x, Value) and name[:1] != "_"
    )
    dense = _dense(node, shapes)
    if dense is not None:
        return Work(found.kernels, dense, 0, size)
    operations = UNKNOWN if found.operations is None else found.operations
    inside = "control" in node.op.traits and _has_products(node)
    return Work(found.kernels, operations if inside else 0, 0 if inside else operations, size)


def _summed(node: Any, shapes: Shapes) -> Work:
    """The work of what counts for a view: none, except that ``unbroadcast`` adds up where shapes differ."""
    if node.op.name != "unbroadcast":
        return Work()
    (out,), given = shapes.outputs(node), shapes.of(node.inputs[0])
    if out.size == given.size:
        return Work()
    return Work(1, 0, UNKNOWN if given.size is None else given.size, _size(given) + _size(out))


def _dense(node: Any, shapes: Shapes) -> int | None:
    """The operations of a matrix product or a convolution; None for other nodes."""
    name, sizes = node.op.name, [shapes.of(x).dims for x in node.inputs]
    if name in ("matmul", "linear"):
        left, out = sizes[0], shapes.outputs(node)[0].size
    elif name == "assign_product":
        left, out = sizes[1], shapes.of(node.inputs[0]).size
    elif name in _CONVOLUTIONS:
        result, weight = _CONVOLUTIONS[name]
        out = shapes.outputs(node)[0].size if result is None else shapes.of(node.inputs[result]).size
        left = (_product((sizes[weight] or (None, 1))[:-1]),)
    else:
        return None
    inner = None if left is None else left[-1]
    return UNKNOWN if inner is None or out is None else 2 * out * inner


def _product(dims: Sequence[int | None]) -> int | None:
    known = [n for n in dims if n is not None]
    return prod(known) if len(known) == len(dims) else None


_CONVOLUTIONS: dict[str, tuple[int | None, int]] = {
    "convolution": (None, 1),
    "convolution_input": (0, 1),
    "convolution_transpose": (0, 1),
    "convolution_weight": (1, 2),
}
"""Which argument looks like what the convolution gives (None: the result itself), and which like its weights."""


def _has_products(node: Any) -> bool:
    """Whether there are matrix products in a node's bodies, so that these are nearly all that it does."""
    stack = list(bodies(node))
    while stack:
        for each in stack.pop().nodes:
            if each.op.name == "matmul" or each.op.name in _CONVOLUTIONS:
                return True
            if "control" in each.op.traits:
                stack += bodies(each)
    return False


def _size(spec: Any) -> int:
    if spec.dtype.kind == "O":
        return 0
    return UNKNOWN if spec.size is None else spec.size * spec.dtype.itemsize


@dataclass(frozen=True, slots=True)
class Rates:
    """How long work takes: seconds a kernel, an operation of a matrix product, another one, a byte; they add up."""

    kernel: float = 2e-6
    dense: float = 5e-11
    other: float = 1e-9
    byte: float = 1e-10

    def seconds(self, work: Work) -> float:
        """How long ``work`` takes."""
        return work.kernels * self.kernel + work.dense * self.dense + work.other * self.other + work.size * self.byte

    @classmethod
    def fitted(cls, samples: Iterable[tuple[Work, float]]) -> Rates:
        """The rates, none below zero, that fit pairs of (work, seconds) best: least squares of the relative errors.

        What no sample has anything of stays at its default. Raises PlacementError where there is nothing to fit.
        """
        pairs = [(work, seconds) for work, seconds in samples if seconds > 0 and any(work)]
        if not pairs:
            raise PlacementError("rates are fitted to work that took some time: there is none")
        table = numpy.array([work for work, _ in pairs], float) / numpy.array([seconds for _, seconds in pairs])[:, None]
        there = [at for at in range(4) if table[:, at].any()]
        best = _least(table[:, there])
        found = list(astuple(cls()))
        for at, rate in zip(there, best, strict=True):
            found[at] = rate
        return cls(*found)


def _least(table: numpy.ndarray) -> list[float]:
    """The factors, none below zero, with which the columns add up to ones best: over all choices of columns the best."""
    width, best, found = table.shape[1], numpy.inf, [0.0] * table.shape[1]
    ones = numpy.ones(len(table))
    for count in range(1, width + 1):
        for columns in combinations(range(width), count):
            part = table[:, columns]
            scale = part.max(axis=0)
            factors = numpy.linalg.lstsq(part / scale, ones)[0]
            error = float(((part / scale @ factors - ones) ** 2).sum())
            if (factors >= 0).all() and error < best * (1 - 1e-9):
                best, found = error, [0.0] * width
                for column, factor in zip(columns, factors / scale, strict=True):
                    found[column] = float(factor)
    return found


@cache
def calibrated() -> Rates:
    """The rates of this process on this machine, from some kernels that take about a second; measured once."""
    made = numpy.random.default_rng(0)
    samples = []
    for n in (4, 64, 192, 448):
        a, b = (made.standard_normal((n, n)).astype(numpy.float32) for _ in range(2))
        samples.append((Work(1, 2 * n**3, 0, 3 * a.nbytes), _timed(matmul.kernel, a, b)))
    for count in (16, 4_096, 65_536, 1 << 20):
        x = made.standard_normal(count).astype(numpy.float32)
        samples.append((Work(1, 0, count, 3 * x.nbytes), _timed(add.kernel, x, x)))
        samples.append((Work(1, 0, 10 * count, 2 * x.nbytes), _timed(tanh.kernel, x)))
    return Rates.fitted(samples)


def _timed(kernel: Callable[..., Any], *args: Any) -> float:
    found = []
    for _ in range(9):
        start = perf_counter()
        kernel(numpy, *args)
        found.append(perf_counter() - start)
    return min(found)


def task_graph(
    program: Program,
    shapes: Shapes | None = None,
    seconds: Mapping[Any, float] | None = None,
    rates: Rates | None = None,
) -> networkx.DiGraph:
    """A program as a task graph for ``heft`` and ``simulate``, by the serials of its nodes.

    Args:
        program: the nodes of a run, in order.
        shapes: what is known of shapes in this run.
        seconds: what was measured, by node, serial or name.
        rates: what the rest is estimated by, by default ``calibrated()``.

    Nodes have ``node``, ``name``, ``op``, ``seconds``, ``measured`` (whether they were), ``device`` (what was asked for),
    ``work``, ``feeds`` and ``fetched``. Edges have ``values``, bytes by the number of the output, or ``bytes`` 0 for a mere
    order; none leads from a constant, which everybody has. ``graph.graph["together"]`` has what can't be apart: a variable,
    the plain reads of it and whatever changes it.
    """
    shapes, known = shapes or Shapes(), dict(seconds or {})
    graph = networkx.DiGraph(together=_together(program))
    inside = set(program.nodes)
    wanted = {(x.node, x.index) for x in program.roots if isinstance(x, Value)}
    for node in program.nodes:
        work = work_of(node, shapes)
        found = next((float(known[key]) for key in (node, node.serial, node.name) if key in known), None)
        if not work.kernels:
            spent = 0.0
        elif found is None:
            spent = (rates or calibrated()).seconds(work)
        else:
            spent = found
        graph.add_node(
            node.serial,
            node=node,
            name=node.name,
            op=node.op.name,
            seconds=spent,
            measured=found is not None,
            device=_device(node),
            work=work,
            feeds={},
            fetched=sum(_size(shapes.of(x)) for x in node.outputs if (node, x.index) in wanted),
        )
    for node in program.nodes:
        for x in node.inputs:
            if not isinstance(x, Value):
                continue
            if (x.node, x.index) in program.fed or x.node not in inside:
                graph.nodes[node.serial]["feeds"][f"{x.node.name}:{x.index}"] = _size(shapes.of(x))
            elif "constant" not in x.node.op.traits:
                if not graph.has_edge(x.node.serial, node.serial):
                    graph.add_edge(x.node.serial, node.serial, values={})
                graph.edges[x.node.serial, node.serial]["values"][x.index] = _size(shapes.of(x))
        for before in node.after:
            if before in inside and not graph.has_edge(before.serial, node.serial):
                graph.add_edge(before.serial, node.serial, bytes=0)
    ends = [node.serial for node in program.nodes if not node.specs and not calls(node)]
    graph.remove_nodes_from([key for key in ends if not graph.out_degree(key)])  # of tf.group: nobody waits for it
    return graph


def _device(node: Any) -> str:
    """What was asked of a node, or of the first of those that it stands for of which anything was asked."""
    for each in (node, *getattr(node, "origins", ())):
        if getattr(each, "device", ""):
            return str(each.device)
    return ""


def _together(program: Program) -> list[list[int]]:
    """Each variable with its plain reads and with what changes it: its value is there, and nowhere else.

    Whoever makes the new value out of the old one, as an optimiser's update does, belongs to it too.
    """
    groups: dict[Any, list[int]] = {}
    for node in program.nodes:
        owners = []
        if "mutable" in node.op.traits:
            owners = [node]
        elif "update" in node.op.traits or (node.op.name == "read" and isinstance(node.inputs[0], Value)):
            owners = [node.inputs[0].node]
        owners += [variable for variable, _ in getattr(node, "writes", None) or ()]
        for owner in owners:
            groups.setdefault(owner, []).append(node.serial)
        made = node.inputs[1] if "update" in node.op.traits and len(node.inputs) > 1 else None
        if isinstance(made, Value) and owners[0] in _variables(made.node):
            groups[owners[0]].append(made.node.serial)
    return [list(dict.fromkeys(serials)) for serials in groups.values() if len(serials) > 1]


def _variables(node: Any) -> set[Any]:
    """The variables whose values a node reads, itself or through plain reads."""
    found = {x.node for x in node.inputs if isinstance(x, Value)}
    return found | {each.inputs[0].node for each in found if each.op.name == "read" and isinstance(each.inputs[0], Value)}


def by_device(graph: networkx.DiGraph, home: Callable[[str], str | None]) -> dict[int, str]:
    """The nodes whose device names a worker, as ``heft`` takes them for ``fixed``; ``home`` finds it, None for no wish."""
    found = {key: home(device) for key, device in graph.nodes(data="device") if device}
    return {key: worker for key, worker in found.items() if worker is not None}


def written(graph: networkx.DiGraph, assignment: Mapping[Any, str]) -> dict[int, str]:
    """The worker by the serial of each node that the user wrote, of those that a task graph's nodes stand for."""
    found: dict[int, str] = {}
    for key, worker in assignment.items():
        node = graph.nodes[key].get("node")
        for each in (node, *getattr(node, "origins", ())):
            if each is not None:
                found.setdefault(each.serial, worker)
    return found


def measured_share(graph: networkx.DiGraph, keys: Sequence[Any] | None = None) -> float:
    """How much of a task graph's seconds was measured and not estimated, from 0 to 1."""
    every = [graph.nodes[key] for key in (graph if keys is None else keys)]
    total = sum(data["seconds"] for data in every)
    return sum(data["seconds"] for data in every if data["measured"]) / total if total else 1.0


__all__ = ["Rates", "Work", "by_device", "calibrated", "measured_share", "task_graph", "work_of", "written"]
