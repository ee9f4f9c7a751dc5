"""What is known of shapes, carried through a program's nodes and into the bodies of its loops."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from graphs.control import bodies, loop
from graphs.core.errors import GraphsError
from graphs.core.function import Function
from graphs.core.node import Node, Value, infer, new_parameter
from graphs.core.spec import Spec
from graphs.rewrite.fold import computed, put
from graphs.rewrite.program import Choice, Program, Rebuild, run_anyway, spec_of
from graphs.rewrite.records import Log


_MOST_ROUNDS = 4
"""How often a loop's states are asked anew what shapes they keep, before they stay as the graph has them."""


def narrow(program: Program, log: Log, choice: Choice) -> Program:
    """The program with what follows for shapes that are not known, now that more of it has been computed.

    A batch's size or a number of rounds, once ``fold`` knows it, makes shapes known, and these make further numbers known,
    which are computed on the way.
    """
    if all(closed(node) for node in program.nodes):
        return program
    rebuild = Rebuild(program)
    wanted = {root for root in program.roots if isinstance(root, Node)}
    for old in program.nodes:
        node = rebuild.visit(old)
        if not closed(node):
            node = refined(rebuild, node, old)
        array = None if node is old or old in wanted or node.after else computed(node, program)
        if array is None or not choice.allows("fold"):
            rebuild.keep(node)
        else:
            put(rebuild, node, old, array, log, choice)
    return rebuild.finish()


def closed(node: Any) -> bool:
    """Whether there is nothing to find out about a node."""
    if "control" in node.op.traits:
        inside = [x.spec for body in bodies(node) for x in body.inputs]
        return all(out.spec.known or out.dtype.kind == "O" for out in node.outputs) and all(spec.known for spec in inside)
    return all(out.spec.known for out in node.outputs) or not node.inputs


def specialised(program: Program, pairs: Sequence[tuple[Value, Value]]) -> Program:
    """The program with values exchanged for others of which more is known, and with what follows for the rest."""
    edges = {(old.node, old.index): (new.node, new.index) for old, new in pairs}
    rebuild = Rebuild(program)
    rebuild.values.update({(old.node, old.index): new for old, new in pairs})
    for old in program.nodes:
        node = rebuild.visit(old)
        if node is not old:
            node = refined(rebuild, node, old)
        rebuild.keep(node)
    made = rebuild.finish()
    return replace(made, fed=frozenset(edges.get(edge, edge) for edge in program.fed))


def refined(rebuild: Rebuild, node: Any, old: Any) -> Any:
    """``node`` with the specs that its inputs now imply."""
    params = node.params
    if node.op is loop and not params.get("record"):
        params = _loop(node) or params
    try:
        found = infer(node.op, node.inputs, params)
    except (GraphsError, TypeError, ValueError):
        return node  # it is to fail when it is run
    specs = tuple(_both(out.spec, b) for out, b in zip(node.outputs, found, strict=True))
    if specs == tuple(out.spec for out in node.outputs) and params is node.params:
        return node
    return rebuild.again(node, old, params=params, specs=specs)


def _both(old: Spec, new: Spec) -> Spec:
    """What two specs of one value say together."""
    if old.dims is None or new.dims is None or len(old.dims) != len(new.dims):
        return old if new.dims is None else new
    return Spec([n if m is None else m for m, n in zip(old.dims, new.dims, strict=True)], old.dtype)


# Loops; branches keep what the graph has of them


def _loop(node: Any) -> dict[str, Any] | None:
    """The attributes of a loop whose body knows the shapes of what it is given; None where it knew them."""
    settings = {**node.op.attributes, **node.params}
    body, states, sums, sequences = (settings[name] for name in ("body", "states", "sums", "sequences"))
    inputs = node.inputs[1:]
    operands = [spec_of(x) for x in inputs]
    slices = [
        _slice(inputs[states + sums + i], i in settings["boxes"], value)
        for i, value in enumerate(body.inputs[states : states + sequences])
    ]
    constants = operands[states + sums + sequences :]
    going = operands[:states]
    for _ in range(_MOST_ROUNDS):
        made = _body(body, [*going, *slices, *constants])
        ends = made.specs[:states]
        if all(end.dims == start.dims for end, start in zip(ends, going, strict=True)):
            cond = settings["cond"]
            test = cond if cond is None else _body(cond, [*going, *constants])
            return None if made is body and test is cond else {**node.params, "body": made, "cond": test}
        going = [_common(start, end) for start, end in zip(going, ends, strict=True)]
    return None


def _slice(whole: Any, boxed: bool, value: Value) -> Spec:
    """What is known of a sequence's slices; of one that another loop has filled, an element a round, what that loop says."""
    spec = spec_of(whole)
    if not boxed:
        return value.spec if spec.dims is None else Spec(spec.dims[1:], spec.dtype)
    maker = whole.node if isinstance(whole, Value) else None
    if maker is None or maker.op is not loop or maker.params.get("record"):
        return value.spec
    element = maker.params["body"].outputs[whole.index - 1]
    return spec_of(element) if spec_of(element).dtype == value.dtype else value.spec


def _common(a: Spec, b: Spec) -> Spec:
    """What holds of both."""
    if a.dims is None or b.dims is None or len(a.dims) != len(b.dims):
        return Spec(None, a.dtype)
    return Spec([m if m == n else None for m, n in zip(a.dims, b.dims, strict=True)], a.dtype)


def _body(body: Function, specs: Sequence[Spec]) -> Function:
    """``body`` on inputs of ``specs``, as far as they say more than its own."""
    wanted = [
        _both(value.spec, spec) if value.dtype == spec.dtype else value.spec
        for value, spec in zip(body.inputs, specs, strict=True)
    ]
    pairs = [(old, old if spec == old.spec else new_parameter(spec)) for old, spec in zip(body.inputs, wanted, strict=True)]
    if all(old is new for old, new in pairs):
        return body
    return substituted(body, [(old, new) for old, new in pairs if old is not new])


def substituted(body: Function, pairs: Sequence[tuple[Value, Value]]) -> Function:
    """``body`` with inputs exchanged for others, and what follows from what those are."""
    after = specialised(Program.of(body), pairs)
    width = len(body.outputs)
    effects = run_anyway(after, width)
    new = {(x.node, x.index): y for x, y in pairs}
    return Function([new.get((x.node, x.index), x) for x in body.inputs], after.roots[:width], body.name, effects)
