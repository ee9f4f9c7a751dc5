"""The bodies of loops and branches, run once more round by round, so that what their nodes compute is known too."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from graphs.compare.calls import Log
from graphs.control import draws
from graphs.core.function import Function
from graphs.core.node import Value
from graphs.rewrite import origins


Run = Callable[[Function, Sequence[Any]], tuple[Any, ...]]
"""Runs a body on its inputs and returns its outputs."""


def look_inside(node: Any, operands: Sequence[Any], log: Log) -> None:
    """Enter in ``log`` what the bodies of ``node`` compute on ``operands``, as calls that carry the serials of their nodes.

    Bodies that draw random numbers are left closed: these would be other numbers.
    """
    waiting = [(node, tuple(operands))]

    def run(body: Function, inputs: Sequence[Any]) -> tuple[Any, ...]:
        values = {(x.node, x.index): given for x, given in zip(body.inputs, inputs, strict=True)}

        def value(x: Any) -> Any:
            return values[x.node, x.index] if isinstance(x, Value) else x

        for inner in body.nodes:
            args = tuple(map(value, inner.inputs))
            digests = [log.digest(x) for x in args]
            out = inner.op(*args, **inner.params)
            outs = out if len(inner.specs) > 1 else (out,)
            values.update({(inner, i): made for i, made in enumerate(outs)})
            log.add(inner.op, digests, outs, inner.params, inner.name, inner.where, origins([inner])[-1].serial)
            if "control" in inner.op.traits:
                waiting.append((inner, args))
        return tuple(map(value, body.outputs))

    while waiting:
        outer, given = waiting.pop()
        bodies = _BODIES.get(outer.op.name)
        if bodies is not None and not draws(outer):
            bodies({**outer.op.attributes, **outer.params}, given, run)


def _rounds(params: dict[str, Any], given: Sequence[Any], run: Run) -> None:
    body, cond, states, sequences = params["body"], params["cond"], params["states"], params["sequences"]
    length, first = int(given[0]), 1 + states + params["sums"]
    state, whole, constants = given[1 : 1 + states], given[first : first + sequences], given[first + sequences :]
    places: Iterable[int] = range(length) if length >= 0 else itertools.count()
    for place in reversed(range(length)) if params["reverse"] and cond is None else places:
        if cond is not None and not run(cond, (*state, *constants))[0]:
            break
        state = run(body, (*state, *(sequence[place] for sequence in whole), *constants))[:states]


def _branch(params: dict[str, Any], given: Sequence[Any], run: Run) -> None:
    chosen, owners = int(given[0]), params["owners"]
    shared = len(given) - len(owners)
    own = [box[0] for box, owner in zip(given[shared:], owners, strict=True) if owner == chosen]
    run(params["branches"][chosen], (*given[1:shared], *own))


_BODIES: dict[str, Callable[[dict[str, Any], Sequence[Any], Run], None]] = {"loop": _rounds, "branch": _branch}
