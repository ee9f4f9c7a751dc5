"""The insides of loops and branches: building them in the graph, and closing them into Functions.

What a body reads from outside becomes an operand of the loop or branch. A variable that it changes is handed in and handed
out: inside, its value is a value like others, so that a body has no effects on variables of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from graphs.core.function import Function
from graphs.core.node import Node, Value, ancestors, new_parameter, parameter
from graphs.core.spec import Spec
from static.graph import Body, Graph, Operation
from static.schedule import changed_by, updates_behind
from static.state import constant_op, no_op_op, read_op, variable_op
from static.tensor import Tensor


Edge = tuple[Any, int]


class Traced:
    """A body that has been built: its parameters, its outputs and the operations that run with it.

    Attributes:
        params: the tensors that stand for what it is given.
        outputs: the tensors that it yields.
        captured: the tensors from outside that it reads; variables that it changes are not among them.
        written: the handles of the variables that it changes.
        outer: the operations outside that something inside is to run after.
    """

    def __init__(self, body: Body, params: Sequence[Tensor], outputs: Sequence[Any], effects: Sequence[Operation]) -> None:
        self.body = body
        self.params = tuple(params)
        self.outputs = tuple(outputs)
        roots = [x.node for x in self.outputs] + list(effects)
        found = ancestors(roots, lambda node: node.body is not body)
        self.nodes = [node for node in found if node.body is body and node.op is not parameter]
        self._roots = {node for node in roots if node.body is body}
        written = dict.fromkeys(variable for node in self.nodes for variable in changed_by(node))
        self.written: list[Any] = [variable.outputs[0] for variable in written]
        edges = [x for node in self.nodes for x in node.edges if x is not None] + list(self.outputs)
        outer = {(x.node, x.index): x for x in edges if x.node.body is not body and x.node not in written}
        self.captured = [outer[key] for key in sorted(outer, key=lambda key: (key[0].serial, key[1]))]
        self.outer = list(dict.fromkeys(x for node in self.nodes for x in node.after if x.body is not body))

    def close(self, states: Sequence[Any], constants: Sequence[Any], name: str) -> Function:
        """The Function ``(*params, *states, *constants) -> (*outputs, *new values of states)``.

        ``states`` are handles of variables (at least those written), ``constants`` tensors from outside (at least those
        captured).
        """
        inputs = [new_parameter(x.spec) for x in (*self.params, *states, *constants)]
        now: dict[Any, Any] = {}  # what each variable holds at this point of the body
        values: dict[Edge, Any] = {}
        for x, value in zip((*self.params, *states, *constants), inputs, strict=True):
            values[x.node, x.index] = value
            if x.node.op is variable_op:
                now[x.node] = value
        if self.body.kind.endswith("loop"):
            # A variable's own reading stands outside; in a loop that changes the variable it is of the round's beginning.
            for x in constants:
                if x.node.op is read_op and not x.node.after and x.node.inputs[0].node in now:
                    values[x.node, x.index] = now[x.node.inputs[0].node]
        behind = updates_behind(self.nodes)
        made: dict[Any, Node] = {}
        for node in self.nodes:
            if node.op is constant_op:
                values[node, 0] = node.params["value"]
                continue
            if node.op is no_op_op:
                continue
            if node.op is read_op:
                variable = node.inputs[0].node
                late = behind.get(node, 0) & behind.get((variable, "updates"), 0)
                values[node, 0] = now[variable] if late else values[variable, 0]
                continue
            args = [_given(x, values, now) for x in node.inputs]
            specs = tuple(x.spec for x in node.outputs)
            after = tuple(x for x in _through(node.after, made) if isinstance(x, Node))
            copy = made[node] = Node(
                node.op, tuple(args), node.params, specs, node.name, value=Value, where=node.where, after=after
            )
            values.update({(node, i): out for i, out in enumerate(copy.outputs)})
            if "update" in node.op.traits:
                now[node.inputs[0].node] = copy.outputs[0]
            for variable, index in node.writes:
                now[variable] = copy.outputs[index]
        effects = _through(self._roots, made)
        outputs = [values[x.node, x.index] for x in self.outputs]
        return Function(inputs, [*outputs, *(now[x.node] for x in states)], name, effects)


def _given(x: Any, values: dict[Edge, Any], now: dict[Any, Any]) -> Any:
    """An operand inside the closed body; a variable itself stands for what it holds at this point."""
    if not isinstance(x, Value):
        return x
    return now[x.node] if x.node.op is variable_op else values[x.node, x.index]


def _through(nodes: Any, made: dict[Any, Node]) -> list[Node]:
    """The copies of ``nodes``; of those that do nothing themselves, the copies of what they run after."""
    found: dict[Node, None] = {}
    stack = list(nodes)
    seen = set(stack)
    while stack:
        node = stack.pop()
        if node in made:
            found[made[node]] = None
            continue
        for before in (*node.after, *(x.node for x in node.edges if x is not None)):
            if before not in seen:
                seen.add(before)
                stack.append(before)
    return list(found)


def trace(
    graph: Graph, kind: str, name: str, specs: Sequence[Spec], build: Callable[..., Any]
) -> tuple[list[Any], list[Operation], Body, list[Any]]:
    """Build a body: ``build(*parameters)`` returns its output tensors and the operations that it runs beside them.

    Returns the outputs, the operations, the body and the parameters.
    """
    body = Body(kind, name, graph.body)
    with graph.inside(body):
        params = [
            graph.add(parameter, (), {"spec": spec}, (spec,), graph.unique_name("Identity"), Tensor).outputs[0]
            for spec in specs
        ]
        outputs, effects = build(*params)
    return outputs, effects, body, params
