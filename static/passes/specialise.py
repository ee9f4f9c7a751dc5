"""What a run's feeds say of shapes, carried through its nodes: dimensions that are unknown in the graph are known in a plan."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from graphs.control import bodies, loop
from graphs.core.errors import GraphsError
from graphs.core.function import Function
from graphs.core.node import Node, Value, infer, new_parameter
from graphs.core.spec import Spec
from graphs.rewrite import Choice, Log, Program, Rewritten, origins, spec_of
from graphs.rewrite.program import Rebuild
from static.state import placeholder_op


_MOST_ROUNDS = 4
"""How often a loop's states are asked anew what shapes they keep, before they stay as the graph has them."""


def standins(fed: Sequence[Value], specs: Sequence[Spec], kind: type[Rewritten]) -> list[Any]:
    """For each fed tensor a value of the spec that this plan is for: itself, where that says nothing new."""
    made = []
    for tensor, spec in zip(fed, specs, strict=True):
        if spec == tensor.spec:
            made.append(tensor)
            continue
        node: Any = tensor.node
        new = kind(placeholder_op, (), {"spec": spec}, (spec,), node.name, where=node.where, origins=origins([node]))
        made.append(new.outputs[0])
    return made


def specialise(fed: Sequence[Value], given: Sequence[Any]) -> Callable[[Program, Log, Choice], Program]:
    """The pass that puts ``given`` in the place of the tensors ``fed``, and works out what follows for all other shapes."""

    def specialise(program: Program, log: Log, choice: Choice) -> Program:
        pairs = [(old, new) for old, new in zip(fed, given, strict=True) if old is not new]
        return _specialised(program, pairs) if pairs else program

    return specialise


def _specialised(program: Program, pairs: Sequence[tuple[Value, Value]]) -> Program:
    edges = {(old.node, old.index): (new.node, new.index) for old, new in pairs}
    rebuild = Rebuild(program)
    rebuild.values.update({(old.node, old.index): new for old, new in pairs})
    for old in program.nodes:
        node = rebuild.visit(old)
        if node is not old:
            node = _refined(rebuild, node, old)
        rebuild.keep(node)
    made = rebuild.finish()
    return replace(made, fed=frozenset(edges.get(edge, edge) for edge in program.fed))


def _refined(rebuild: Rebuild, node: Any, old: Any) -> Any:
    """``node`` with the specs that its inputs now imply."""
    params = node.params
    if bodies(node):
        params = {**params, **_inside(node)}
    try:
        found = infer(node.op, node.inputs, params)
    except (GraphsError, TypeError, ValueError):
        return node  # it is to fail when it is run
    specs = tuple(_both(a, b) for a, b in zip(node.specs, found, strict=True))
    if specs == node.specs and params is node.params:
        return node
    return rebuild.again(node, old, params=params, specs=specs)


def _both(old: Spec, new: Spec) -> Spec:
    """What two specs of one value say together."""
    if old.dims is None or new.dims is None or len(old.dims) != len(new.dims):
        return old if new.dims is None else new
    return Spec([n if m is None else m for m, n in zip(old.dims, new.dims, strict=True)], old.dtype)


# Bodies


def _inside(node: Any) -> dict[str, Any]:
    """The attributes of a loop whose body knows the shapes of what it is given; branches keep what the graph has of them."""
    return _loop(node) if node.op is loop else {}


def _loop(node: Any) -> dict[str, Any]:
    settings = {**node.op.attributes, **node.params}
    body, states, sums, sequences = (settings[name] for name in ("body", "states", "sums", "sequences"))
    operands = [spec_of(x) for x in node.inputs[1:]]
    slices = [
        value.spec if i in settings["boxes"] or spec.dims is None else Spec(spec.dims[1:], spec.dtype)
        for i, (spec, value) in enumerate(
            zip(operands[states + sums :][:sequences], body.inputs[states:][:sequences], strict=True)
        )
    ]
    constants = operands[states + sums + sequences :]
    going = operands[:states]
    for _ in range(_MOST_ROUNDS):
        made = _body(body, [*going, *slices, *constants])
        ends = made.specs[:states]
        if all(end.dims == start.dims for end, start in zip(ends, going, strict=True)):
            cond = settings["cond"]
            return {"body": made} if cond is None else {"body": made, "cond": _body(cond, [*going, *constants])}
        going = [_common(start, end) for start, end in zip(going, ends, strict=True)]
    return {}


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
    before = Program.of(body)
    after = _specialised(before, [(old, new) for old, new in pairs if old is not new])
    width = len(body.outputs)
    effects = [each for each in after.roots[width:] if isinstance(each, Node)]
    return Function([new for _, new in pairs], after.roots[:width], body.name, effects)
