"""Loops and branches settled on what they keep: of all that their bodies compute, they record what somebody reads.

A graph's loop can record every value of its body, so that a gradient taken later has what it needs. Once a run's nodes are
known, that is fixed: what is read becomes a result like others, and the rest of the body may be rewritten.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from graphs.control import bodies, computed, loop
from graphs.core.function import Function
from graphs.core.node import Value
from graphs.rewrite.program import Choice, Program, Rebuild, origins, run_anyway, spec_of
from graphs.rewrite.records import Log


def settle(program: Program, log: Log, choice: Choice) -> Program:
    """The program with loops and branches that record nothing beyond what is read of them; so inside their bodies."""
    if not any(node.params.get("record") or bodies(node) for node in program.nodes):
        return program
    read = {(x.node, x.index) for node in program.nodes for x in node.inputs if isinstance(x, Value)}
    read |= {(x.node, x.index) for x in program.roots if isinstance(x, Value)}
    rebuild = Rebuild(program)

    def inside(body: Program) -> Program:
        return settle(body, log, choice)

    for old in program.nodes:
        node = rebuild.visit(old)
        if old.params.get("record"):
            used = [i for i in range(old.width) if (old, i) in read]
            node = _loop(rebuild, node, old, used) if old.op is loop else _branch(rebuild, node, old, used)
        elif bodies(old):
            node = rebuild.sweep(node, old, inside)
        rebuild.keep(node)
    return rebuild.finish()


def _made(rebuild: Rebuild, node: Any, old: Any, params: dict[str, Any], places: dict[int, int]) -> Any:
    """The settled node; ``places`` says where each output that is read now stands."""
    program = rebuild.program
    given = {name: value for name, value in {**node.params, **params}.items() if name != "record"}
    specs = node.op.infer(*(spec_of(x) for x in node.inputs), **given)
    now: dict[int, Any] = {}
    for i, place in places.items():
        now.setdefault(place, old.outputs[i].spec)  # where one output serves as another too, its own spec is meant
    new = program.kind(
        node.op,
        node.inputs,
        given,
        tuple(now.get(i, spec) for i, spec in enumerate(specs)),
        node.name,
        where=node.where,
        after=node.after,
        origins=origins([node]),
        was=node,
    )
    rebuild.replace(node, old, [new.outputs[places[i]] if i in places else None for i in range(old.width)])
    return new


def _settled(body: Function, outputs: Sequence[Any]) -> Function:
    """``body`` with other outputs, itself settled."""
    grown = Program.of(Function(body.inputs, outputs, body.name, body.nodes))
    done = settle(grown, Log(), Choice())
    return Function(body.inputs, done.roots[: len(outputs)], body.name, run_anyway(done, len(outputs)))


def _loop(rebuild: Rebuild, node: Any, old: Any, used: Sequence[int]) -> Any:
    body: Function = node.params["body"]
    states, sums = node.params.get("states", 0), node.params.get("sums", 0)
    first, end = 1 + len(body.outputs), len(body.outputs) - sums
    values = [*body.inputs[:states], *computed(body)]
    stacked = {(x.node, x.index): 1 + n for n, x in enumerate(body.outputs[:end]) if n >= states and isinstance(x, Value)}
    whole = {i: stacked[edge] for i in used if i >= first and (edge := _edge(values[i - first])) in stacked}
    kept = [i for i in used if i >= first and i not in whole]
    outputs = [*body.outputs[:end], *(values[i - first] for i in kept), *body.outputs[end:]]
    places = {i: i for i in range(1 + end)} | whole  # what is stacked anyway serves as what is kept
    places.update({i: 1 + end + n for n, i in enumerate(kept)})
    places.update({1 + end + n: 1 + end + len(kept) + n for n in range(sums)})
    boxed = (*node.params.get("boxed", ()), *range(end - states, end - states + len(kept)))
    return _made(rebuild, node, old, {"body": _settled(body, outputs), "boxed": boxed}, places)


def _edge(x: Any) -> Any:
    return (x.node, x.index)


def _branch(rebuild: Rebuild, node: Any, old: Any, used: Sequence[int]) -> Any:
    branches: tuple[Function, ...] = node.params["branches"]
    emits: tuple[int, ...] = node.params.get("emits", (0,) * len(branches))
    results = len(branches[0].outputs) - emits[0]
    places = {i: i for i in range(results)}
    before, hidden, now = results, results + sum(emits), results
    functions, counts = [], []
    for body, count in zip(branches, emits, strict=True):
        values = computed(body)
        kept = [i for i in used if hidden <= i < hidden + len(values)]
        places.update({before + n: now + n for n in range(count)})
        places.update({i: now + count + n for n, i in enumerate(kept)})
        functions.append(_settled(body, [*body.outputs, *(values[i - hidden] for i in kept)]))
        counts.append(count + len(kept))
        before, hidden, now = before + count, hidden + len(values), now + counts[-1]
    return _made(rebuild, node, old, {"branches": tuple(functions), "emits": tuple(counts)}, places)
