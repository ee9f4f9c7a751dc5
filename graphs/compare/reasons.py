"""Why a node has no counterpart in the other mode, in words."""

from __future__ import annotations

from collections.abc import Collection

from graphs.compare.units import Key, Side, Unit
from graphs.draw import BACKWARD, FORWARD, UPDATE


_STATIC = {
    "placeholder": "what is fed: a tape is given the array itself, not a place for it",
    "placeholder_with_default": "what may be fed: a tape is given the array itself, not a place for it",
    "constant": "a constant is a node of a graph; on a tape it is a number or an array of Python's",
    "read": "a graph reads its variable by a node; an operation on a tape takes the tensor itself",
    "no_op": "it only stands for what runs before it; Python runs its lines in order",
    "initialized_value": "a graph's way of initialising a variable; a tensor has its value when it is made",
    **dict.fromkeys(
        ("ones_like", "zeros_like", "full", "shape_of", "arange_to", "size_of"),
        "a shape, or an array that follows from one, which a graph works out in each run; Python has it beside the tape",
    ),
    "identity": "it hands on its operand; a tape has no operation for that",
    "stop_gradient": "it hands on its operand without a gradient; on a tape the record ends there",
}


def reason(unit: Unit, own: Side, other: Side, matched: Collection[Key], partner: Unit | None = None) -> str:
    """Why ``unit`` of ``own`` has no node of ``other`` beside it.

    ``matched`` are the units of ``own`` that have; ``partner`` is the call outside the tape that computes the same, if any.
    """
    if partner is not None:
        at = f" ({partner.where})" if partner.where else ""
        what = "updates parameters" if unit.phase == UPDATE else "no gradient flows through"
        return f"computed there outside the tape{at}: {what}"
    return _on_tape(unit, own, other, matched) if own.taped else _in_graph(unit, own, other)


def _on_tape(unit: Unit, own: Side, other: Side, matched: Collection[Key]) -> str:
    leaf = not own.nodes[unit.serial].edges
    if unit.phase == UPDATE:
        return f"the {other.mode} form changes no such parameter in this step"
    if unit.phase == BACKWARD:
        if leaf:
            return "it collects the gradient in .grad, for an update outside the tape; a graph hands it to the update"
        if not unit.calls:
            return "it hands the gradient on as it is, or was not reached: no kernel is called"
        if (unit.serial, FORWARD) in matched:
            return f"the {other.mode} form has only the gradients that it was asked for; backward() goes all the way"
        return f"the {other.mode} form reaches this gradient by other ops"
    if leaf:
        return f"a leaf that is no parameter of the {other.mode} form"
    return f"the {other.mode} form computes no such value: it uses other ops here"


def _in_graph(unit: Unit, own: Side, other: Side) -> str:
    node = own.nodes[unit.serial]
    if unit.phase == BACKWARD and unit.op == "ones_like":
        return "the gradient that the way back begins with: backward() has a one of its own"
    if unit.op in _STATIC:
        return _STATIC[unit.op]
    if unit.op == "variable":
        return "a variable of the optimiser's: a tape's optimiser keeps it beside the parameter"
    if "control" in node.op.traits:
        return "a loop or branch is a node of a graph; Python's own leaves only what it runs on the tape"
    if "update" in node.op.traits or unit.phase == UPDATE:
        return "an update is part of a graph; a tape ends where the gradients are"
    if not unit.calls and own.log.calls:
        return "not needed in this step"
    if unit.phase == BACKWARD:
        return f"a step of a gradient that the {other.mode} form takes in another way, or leaves out"
    return f"the {other.mode} form computes no such value: it uses other ops here, or needs none"
