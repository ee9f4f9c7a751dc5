"""What a gradient is made of: ``provenance`` takes the gradient of losses apart, by loss, term and path."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any

import numpy

from graphs.core.errors import GradientError, at_line
from graphs.core.node import Value
from graphs.rewrite import origins
from static.defaults import default_session
from static.gradients import _element, _flat, _listed
from static.state import read_op, variable_op
from static.tensor import convert_to_tensor


def provenance(ys: Any, x: Any, session: Any = None, feed_dict: Mapping[Any, Any] | None = None, grad_ys: Any = None) -> Any:
    """What the gradient of ``ys`` with respect to ``x`` is made of: parts by loss, by term of a loss and by path.

    Args:
        ys: a tensor or several, as for ``gradients``; each counts as a call.
        x: a tensor or variable.
        session, feed_dict: where, and with what, values are computed; by default in the default session.
        grad_ys: arrays that flow into ``ys``, None for ones.

    The parts sum to the gradient; ``difference`` says what rounding makes of that. The result has ``contributions`` (each
    with term, path, norm and value), ``by_call()``, ``by_term()``, ``by_path()``, ``as_dict()``, and prints as a table.
    Nothing is added to the graph. Raises GradientError where ``ys`` do not depend on ``x``.
    """
    inspection, flowing = (import_module(f"graphs.inspection.{part}") for part in ("provenance", "flowing"))
    targets = [convert_to_tensor(y) for y in _listed(ys)]
    source = _element(x)
    session = default_session(session, targets[0].graph, "provenance")
    values = Values(session, targets, feed_dict or {})
    given = [None] * len(targets) if grad_ys is None else _listed(grad_ys)
    parts: list[Any] = []
    pairs = []
    for call, (y, seed) in enumerate(zip(targets, given, strict=True), 1):
        array = values.edge(y)
        g = numpy.ones_like(array) if seed is None else numpy.asarray(seed, array.dtype)
        pairs.append((y, g))
        where = f"{y.name}  {y.node.where or ''}".rstrip()
        found = flowing.contributions([(y, g)], {source.node}, values.residuals, values.single, _flat, (call, where))
        parts += found[source.node]
    total = flowing.flow(pairs, {source.node}, values.residuals, _flat).arrived.get(source.node)
    if total is None or total[source.index] is None:
        names = ", ".join(y.name for y in targets)
        raise GradientError(f"no gradient flows from {names} to {source.name}: why_none says why{at_line()}")
    return inspection.Provenance(source.node.name, numpy.asarray(total[source.index]), tuple(parts), ("loss", "losses"))


class Values:
    """The values of one run, node by node, without passes."""

    def __init__(self, session: Any, fetches: Sequence[Any], feed_dict: Mapping[Any, Any]) -> None:
        twin = session._twin(passes=())
        self._state = twin._state
        self._inputs: dict[Any, tuple[Any, ...]] = {}
        self._arrays: dict[Any, Any] = {}
        for fed, value in feed_dict.items():
            tensor = session.graph.as_graph_element(fed, allow_operation=False)
            self._arrays[tensor.node, tensor.index] = numpy.asarray(value, tensor.spec.dtype)

        def observe(node: Any, operands: tuple[Any, ...], outs: tuple[Any, ...]) -> None:
            meant = origins([node])[-1]
            if len(meant.inputs) == len(operands):
                self._inputs[meant] = operands
            self._arrays.update({(meant, i): value for i, value in enumerate(outs)})

        twin.interpret(list(fetches), feed_dict, observe, commit=False)

    def edge(self, x: Any) -> Any:
        """The array of an edge; a number stands for itself."""
        if not isinstance(x, Value):
            return x
        node: Any = x.node
        found = self._arrays.get((node, x.index))
        if found is not None:
            return found
        if node.op is read_op:
            return self.edge(node.inputs[0])
        if node.op is variable_op:
            return self._state.get(node)
        return node.params.get("value")

    def residuals(self, node: Any) -> tuple[Sequence[Any], Sequence[Any]]:
        """The arrays that a node read and gave."""
        args = self._inputs.get(node)
        if args is None:
            args = tuple(map(self.edge, node.inputs))
        outs = [self.edge(out) for out in node.outputs]
        if any(out is None for out in outs):  # what a loop keeps for the way back, which this run needed not
            made = node.op(*args, **node.params)
            outs = list(made) if isinstance(made, tuple) else [made]
        return args, outs

    def single(self, edge: Any) -> bool:
        """Whether an edge's array has one element."""
        return int(numpy.size(self.edge(edge))) == 1
