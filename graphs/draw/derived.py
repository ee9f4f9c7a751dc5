"""The gradient of a node as text: its rule where that is a plain expression, else what the rule comes to for its shapes.

A rule that tells vectors from matrices, say, is run on symbols of the node's own shapes, and what it builds is written out:
``matmul(g, matrix_transpose(y))``. Where even that is long, the rule's source is told.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from graphs.core.arrays import is_array
from graphs.core.node import Node, Value, ancestors, new_parameter
from graphs.core.op import OPS, Op
from graphs.core.spec import Spec
from graphs.draw.formula import formula
from graphs.draw.labels import attributes, value_label
from graphs.draw.protocol import arguments
from graphs.draw.rules import gradient


LONGEST = 160
"""Characters of an expression that a rule comes to; beyond, its source says more."""

MOST_NODES = 16
"""Nodes of such an expression."""

_SCALARS = (bool, int, float, complex)


def gradient_of(node: Any) -> list[dict[str, str]]:
    """As ``rules.gradient``, for the shapes of ``node``."""
    op = node.op
    told = gradient(op)
    if op.rules is not None and len(told) == len(op.names):
        known = zip(told, arguments(node), strict=True)
        told = [each for each, given in known if not isinstance(given, _SCALARS)]  # nobody asks for those of numbers
    if not op.differentiable or {"control", "fused", "function"} & op.traits or all(_plain(**each) for each in told):
        return told
    specs = tuple(_given(edge, known) for edge, known in zip(node.edges, arguments(node), strict=True))
    if any(spec is None for spec in specs):
        return told
    flows = tuple(edge is not None for edge in node.edges)
    settings = tuple(node.params.items())
    try:
        found = _derived(op, specs, flows, settings)
    except TypeError:  # an attribute that cannot be a key
        found = _derived.__wrapped__(op, specs, flows, settings)
    if found is None:
        return told
    if op.joint is not None:
        return [{"of": name, "rule": rule} for name, rule in found.items()]
    return [{**each, "rule": each["rule"] if _plain(**each) else found.get(each["of"], each["rule"])} for each in told]


@lru_cache(maxsize=1024)
def _plain(of: str, rule: str) -> bool:
    """Whether a rule is an expression over ops as it stands."""
    if not of:
        return False
    try:
        tree = ast.parse(rule, mode="eval")
    except SyntaxError:
        return rule.startswith("0:")
    called = [each.func for each in ast.walk(tree) if isinstance(each, ast.Call)]
    known = all(isinstance(each, ast.Name) and each.id in OPS for each in called)
    return known and not any(isinstance(each, (ast.IfExp, ast.Subscript)) for each in ast.walk(tree))


def _given(edge: Any, known: Any) -> Any:
    """What stands for an argument: its spec, or the number that it is; None where it is not known."""
    if edge is not None:
        return edge.spec if isinstance(edge, Value) else edge.node.specs[edge.index]
    if isinstance(known, tuple):
        return Spec(*known)
    return Spec.of(known) if is_array(known) else known if isinstance(known, _SCALARS) else None


@lru_cache(maxsize=512)
def _derived(op: Op, specs: Sequence[Any], flows: Sequence[bool], settings: Sequence[Any]) -> dict[str, str] | None:
    """The expressions by argument that rules come to; None where they come to no short ones."""
    params = dict(settings)
    names = [op.names[at].lstrip("_") if at < len(op.names) else f"x{at}" for at in range(len(specs))]
    try:
        args = [new_parameter(spec) if isinstance(spec, Spec) else spec for spec in specs]
        made = op(*args, **params)
        outs = made if isinstance(made, tuple) else (made,)
        gs = [new_parameter(out.spec) for out in outs]
        if op.joint is not None:
            grads = list(op.joint(flows, gs, outs, args, **params))
        else:
            pairs = zip(op.rules or (), flows, strict=True)
            grads = [rule(gs[0], outs[0], *args, **params) if rule and flow else None for rule, flow in pairs]
    except Exception:  # the user's op, or a rule that needs what symbols do not have: its source is told
        return None
    words = {value.node: name for value, name in zip(args, names, strict=True) if isinstance(value, Value)}
    words |= {value.node: "g" if len(gs) == 1 else f"g{at}" for at, value in enumerate(gs)}
    words[outs[0].node] = "out"
    found = {}
    for name, grad in zip(names, grads, strict=False):
        if isinstance(grad, Value):
            said = _written(grad, words)
            if said is None:
                return None
            found[name] = said
    return found or None


def _written(value: Value, words: Mapping[Node, str]) -> str | None:
    """A value as an expression in ``words``; None where it is long."""
    said = dict(words)
    inside = [node for node in ancestors([value.node], stop=lambda node: node in words) if node not in words]
    if len(inside) > MOST_NODES:
        return None
    for node in inside:
        parts = [_part(x, said) for x in node.inputs]
        bare = {f"{name}={part}" for name, part in zip(node.op.names, parts, strict=False)}
        settings = [each for each in attributes(node) if each not in bare]
        text = "" if settings else formula(node, parts)
        said[node] = text or f"{node.op.name}({', '.join([*parts, *settings])})"
        if len(said[node]) > LONGEST:
            return None
    return _part(value, said)


def _part(x: Any, said: Mapping[Node, str]) -> str:
    if not isinstance(x, Value):
        return value_label(x)
    return f"{said[x.node]}[{x.index}]" if len(x.node.specs) > 1 else said[x.node]


__all__ = ["gradient_of"]
