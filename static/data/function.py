"""The functions that datasets apply to their elements: built once, as part of the graph, and run as a plan of their own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any

from graphs.core.node import Value
from graphs.core.random import Draws
from graphs.core.spec import Spec
from static.data.opening import Opening
from static.data.stages import Row
from static.data.structure import several
from static.graph import Body, Graph, Operation
from static.nest import flatten, pack_sequence_as
from static.plan import Plan
from static.state import placeholder_op
from static.tensor import Tensor


class ElementFunction:
    """A function of a dataset's elements, called once with tensors that stand for one.

    What it reads from outside is computed when an iterator is initialised. Its random operations draw anew for each element,
    and those that are run for their effects run for each element, in order.

    Attributes:
        result: what the function returned.
        captured: the tensors from outside that ``close`` found.
    """

    def __init__(self, function: Callable[..., Any], element: Any, graph: Graph, number: int, name: str) -> None:
        self._graph = graph
        self._number = number
        self._plan: Plan | None = None
        self._roots: list[Any] = []
        self.captured: list[Any] = []
        specs: list[Spec] = flatten(element)
        with graph.as_default(), graph.name_scope(name) as scope:
            self._body = Body("dataset function", scope.rstrip("/"), graph.body)
            first = len(graph.get_operations())
            with graph.inside(self._body):
                self._args = [_argument(graph, spec) for spec in specs]
                self.result = function(*several(pack_sequence_as(element, self._args)))
            self._made = graph.get_operations()[first:]

    def building(self) -> AbstractContextManager[None]:
        """A context in which what is built belongs to the function, as what it returned is converted in."""
        return self._graph.inside(self._body)

    def close(self, outputs: Sequence[Any]) -> None:
        """Settle which tensors a call computes. Raises ValueError where the function changes a variable."""
        effects = [node for node in self._made if node.body is self._body and "stateful" in node.op.traits]
        self._roots = [*outputs, *(node for node in effects if all(node is not x.node for x in outputs))]
        self.captured = _captured(self._roots, self._body, {x.node for x in self._args})

    def __call__(self, row: Row, opening: Opening) -> Row:
        """The arrays of the outputs for a row."""
        plan = self._plan
        if plan is None:
            plan = self._plan = Plan(self._roots, [*self._args, *self.captured])
        values = opening.values
        draw = None
        if plan.random:
            stream = opening.stream(self._number)
            stream.advance()
            draw = Draws(stream)
        return plan({}, [*row, *(values[x] for x in self.captured)], draw)[0]


def _argument(graph: Graph, spec: Spec) -> Any:
    return graph.add(placeholder_op, (), {"spec": spec}, (spec,), graph.unique_name("arg"), Tensor).outputs[0]


def _captured(roots: Sequence[Any], body: Body, args: set[Any]) -> list[Any]:
    """The tensors that ``roots`` read and that were not made in ``body``."""
    found: dict[tuple[int, int], Any] = {}
    stack: list[Any] = []
    seen: set[Any] = set(args)

    def meet(x: Any) -> None:
        node: Any = x.node if isinstance(x, Value) else x
        if node.body is not None and node.body.within(body):
            if node not in seen:
                seen.add(node)
                stack.append(node)
        elif isinstance(x, Value):
            found[node.serial, x.index] = x

    for root in roots:
        meet(root)
    while stack:
        node: Operation = stack.pop()
        if "update" in node.op.traits or node.writes:
            raise ValueError(f"A dataset's function cannot change variables: {node.name!r} does, made at {node.where}")
        for edge in node.edges:
            if edge is not None:
                meet(edge)
        for before in node.after:
            meet(before)
    return [found[key] for key in sorted(found)]
