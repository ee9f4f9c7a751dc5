"""What nodes cost in a run: calls of kernels, arithmetic, bytes and arrays on the way. An estimate, to compare by."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass
from typing import Any, cast

from graphs.control import loop
from graphs.core.errors import GraphsError
from graphs.core.function import Function
from graphs.core.node import Value
from graphs.core.spec import Spec
from graphs.rewrite.program import Edge, Program, bodies, known, spec_of


_DEAR = 10
"""Operations that an elementary function counts for."""

# fmt: off
_CHEAP = frozenset([
    "add", "subtract", "multiply", "divide", "negative", "absolute", "square", "maximum", "minimum", "where",
    "cast", "identity", "sign", "clip", "relu", "equal", "not_equal", "less", "less_equal", "greater",
    "greater_equal", "logical_and", "logical_or", "logical_xor", "logical_not", "floor", "ceil", "reciprocal",
    "sqrt",
])
# fmt: on


@dataclass(frozen=True, slots=True)
class Cost:
    """What some nodes cost in one run.

    A branch counts for the dearest of its bodies. A loop counts round by round where the number of its rounds is known, and
    as one round where it is not.

    Attributes:
        nodes: how many there are.
        kernels: how often a kernel is called: not for views, constants, variables and what is fed.
        operations: arithmetic operations, an elementary function being ten; None where sizes are not known.
        bytes: what is written; None where sizes are not known.
        temporaries: arrays that are written and serve nothing but other nodes: neither results nor values of variables.
    """

    nodes: int
    kernels: int
    operations: int | None
    bytes: int | None
    temporaries: int

    @classmethod
    def of(cls, nodes: Iterable[Any], results: Set[Edge] = frozenset(), shapes: Shapes | None = None) -> Cost:
        """What ``nodes`` cost where ``results`` are no temporaries; ``shapes`` are those of a run."""
        shapes = shapes or Shapes()
        count, total = 0, _Sum()
        for node in nodes:
            count += 1
            if not calls(node):
                continue
            total.add(1, *_work(node, shapes))
            total.temporaries += sum((node, index) not in results for index in range(node.width))
            if "control" in node.op.traits:
                total.inside(node, shapes)
        return cls(count, total.kernels, total.operations, total.written, total.temporaries)

    def as_dict(self) -> dict[str, int | None]:
        """The figures by name."""
        return {
            "nodes": self.nodes,
            "kernels": self.kernels,
            "operations": self.operations,
            "bytes": self.bytes,
            "temporaries": self.temporaries,
        }


class _Sum:
    """Figures in the making; None for what is not known."""

    def __init__(self) -> None:
        self.kernels = 0
        self.operations: int | None = 0
        self.written: int | None = 0
        self.temporaries = 0

    def add(self, kernels: int, operations: int | None, written: int | None) -> None:
        self.kernels += kernels
        self.operations = None if self.operations is None or operations is None else self.operations + operations
        self.written = None if self.written is None or written is None else self.written + written

    def inside(self, node: Any, shapes: Shapes) -> None:
        """What the bodies of a loop or branch cost beyond the node's own outputs."""
        costs = []
        for body, given in _inside(node, shapes):
            ends = {(x.node, x.index) for x in body.outputs if isinstance(x, Value)}
            costs.append(Cost.of(body.nodes, ends, Shapes(given) if shapes.given else None))
        if node.op is loop:
            for each in costs:
                rounds = _rounds(node, shapes) or 1
                work = None if each.operations is None else each.operations * rounds
                written = None if each.bytes is None else each.bytes * rounds
                self.add(each.kernels * rounds, work, written)
                self.temporaries += each.temporaries
        elif costs:
            worst = max(costs, key=lambda each: each.kernels)
            self.add(worst.kernels, worst.operations, worst.bytes)
            self.temporaries += max(each.temporaries for each in costs)


def cost(program: Program, shapes: Shapes | None = None) -> Cost:
    """What a run of ``program`` costs. What is fetched or becomes a variable's value counts for no temporary."""
    results = {(x.node, x.index) for x in program.roots if isinstance(x, Value)}
    for node in program.nodes:
        if "update" in node.op.traits:
            results.add((node, 0))
            results.update((x.node, x.index) for x in node.inputs[1:2] if "uncalled" in node.op.traits)
        results.update((node, index) for _, index in getattr(node, "writes", None) or ())
    return Cost.of(program.nodes, results, shapes)


def calls(node: Any) -> bool:
    """Whether a run calls a kernel for ``node``."""
    op = node.op
    return not (op.view or "constant" in op.traits or "uncalled" in op.traits or op.name == "parameter")


def _work(node: Any, shapes: Shapes) -> tuple[int | None, int | None]:
    """Operations and bytes of one call, without what is inside a loop or branch; None where sizes are not known."""
    op = node.op
    specs = shapes.outputs(node)
    size = _size(specs)
    if size is None:
        return None, None
    written = sum((spec.size or 0) * spec.dtype.itemsize for spec in specs if spec.dtype.kind != "O")
    if "control" in op.traits:
        return 0, written
    if op.name == "matmul":
        inner = shapes.of(node.inputs[0]).dims
        return None if inner is None or inner[-1] is None else 2 * size * inner[-1], written
    inside = list(_inside(node, shapes))
    if inside:
        costs = [Cost.of(body.nodes, frozenset(), Shapes(given)) for body, given in inside]
        found = [each.operations for each in costs if each.operations is not None]
        return sum(found) if len(found) == len(costs) else None, written
    if op.elementwise:
        return size if op.name in _CHEAP else _DEAR * size, written
    read = _size([shapes.of(x) for x in node.inputs])
    return None if read is None else max(size, read), written


def _size(specs: Iterable[Spec]) -> int | None:
    """The number of elements; those of object arrays, what a loop keeps for its gradient, are counted inside the loop."""
    total = 0
    for spec in specs:
        if spec.dtype.kind == "O":
            continue
        if spec.size is None:
            return None
        total += spec.size
    return total


def _rounds(node: Any, shapes: Shapes) -> int | None:
    """How many rounds a loop has, where that is known before the run."""
    params = node.params
    length = known(node.inputs[0], frozenset())
    if params.get("cond") is not None:
        return None
    if length is not None:
        return int(length)
    first = 1 + params.get("states", 0) + params.get("sums", 0)
    for x in node.inputs[first : first + params.get("sequences", 0)]:
        dims = shapes.of(x).dims
        if dims and dims[0] is not None:
            return int(dims[0])
    return None


def _inside(node: Any, shapes: Shapes) -> Iterator[tuple[Function, dict[Edge, Spec]]]:
    """The bodies of a node, each with the specs of what it is given in a run."""
    operands = [shapes.of(x) for x in node.inputs]
    if node.op is loop:
        params = node.params
        states, sums, sequences = (params.get(name, 0) for name in ("states", "sums", "sequences"))
        boxes = params.get("boxes", ())
        first = 1 + states + sums
        state, whole, constant = operands[1 : 1 + states], operands[first : first + sequences], operands[first + sequences :]
        slices = [None if i in boxes or not spec.dims else Spec(spec.dims[1:], spec.dtype) for i, spec in enumerate(whole)]
        yield params["body"], _given(params["body"], [*state, *slices, *constant])
        if params.get("cond") is not None:
            yield params["cond"], _given(params["cond"], [*state, *constant])
    elif "control" in node.op.traits:
        shared = len(operands) - 1 - len(node.params.get("owners", ()))
        for body in bodies(node):
            yield body, _given(body, operands[1 : 1 + shared])
    else:
        for body in bodies(node):
            yield body, _given(body, operands)


def _given(body: Function, specs: Iterable[Spec | None]) -> dict[Edge, Spec]:
    pairs = zip(body.inputs, specs, strict=False)
    return {(x.node, x.index): spec for x, spec in pairs if spec is not None and spec.known}


class Shapes:
    """Specs of values in a run, as far as they follow from those in ``given`` (of what is fed): nodes know less of them."""

    def __init__(self, given: Mapping[Edge, Spec] | None = None) -> None:
        self.given = dict(given or {})
        self._found: dict[Edge, Spec] = dict(self.given)

    def of(self, x: Any) -> Spec:
        """The spec of a node's input."""
        if not isinstance(x, Value) or not self.given:
            return spec_of(x)
        key = (x.node, x.index)
        if key not in self._found:
            self._follow(x.node)
        return self._found[key]

    def outputs(self, node: Any) -> list[Spec]:
        """The specs of a node's outputs."""
        return [self.of(x) for x in node.outputs]

    def _follow(self, last: Any) -> None:
        """Find the specs of ``last`` and of what is needed for that; iterative, as graphs are deep."""
        stack = [last]
        while stack:
            node = stack[-1]
            own = [x.spec for x in node.outputs]
            open_ = not all(spec.known for spec in own)
            missing = [
                x.node for x in node.inputs if open_ and isinstance(x, Value) and (x.node, x.index) not in self._found
            ]
            if missing:
                stack += missing
                continue
            stack.pop()
            for index, spec in enumerate(self._inferred(node, own) if open_ else own):
                self._found.setdefault((node, index), spec)

    def _inferred(self, node: Any, own: list[Spec]) -> list[Spec]:
        try:
            made = node.op.infer(*[self.of(x) for x in node.inputs], **node.params)
        except (GraphsError, TypeError, ValueError):  # the estimate goes without
            return own
        pairs = zip(own, cast("tuple[Spec, ...]", made), strict=True)
        return [spec if spec.known or new.dims is None else Spec(new.dims, spec.dtype) for spec, new in pairs]


__all__ = ["Cost", "Shapes", "calls", "cost"]
