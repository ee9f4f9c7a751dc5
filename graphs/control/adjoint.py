"""Backwards through a body without running it again: a Function of the gradients and of the values that are to be kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from graphs.autodiff import backprop, graph_residuals
from graphs.core.function import Function, close
from graphs.core.node import Node, Value, new_parameter, next_serial


Edge = tuple[Node, int]


class Adjoint(NamedTuple):
    """What ``adjoint`` finds.

    Attributes:
        seeds: the parameters that stand for the gradients that flow in.
        kept: the values of the body (its inputs and what it computes) that the gradients need.
        stands: for each of them, the parameter in its place.
        grads: for each wanted input its gradient, a value over these parameters; None where nothing flows.
    """

    seeds: tuple[Value, ...]
    kept: tuple[Value, ...]
    stands: tuple[Value, ...]
    grads: tuple[Any, ...]


def adjoint(body: Function, roots: Sequence[Value], wanted: Sequence[Value]) -> Adjoint:
    """The gradients of ``wanted``, inputs of ``body``, where gradients flow into its values ``roots``."""
    start = next_serial()
    seeds = tuple(new_parameter(root.spec) for root in roots)
    found = backprop(zip(roots, seeds, strict=True), {x.node for x in wanted}, graph_residuals, stop=_flat(body))
    grads = [found[x.node][x.index] if x.node in found else None for x in wanted]
    flowing = [g for g in grads if g is not None]
    function, kept = close(seeds, flowing, start, f"{body.name}_adjoint")
    stands = function.inputs[len(seeds) :]
    replaced = iter(function.outputs)
    return Adjoint(seeds, kept, stands, tuple(None if g is None else next(replaced) for g in grads))


def _flat(body: Function) -> frozenset[Node]:
    """The nodes through which no gradient flows, as on a tape: they yield nothing but integers, bools and the like."""
    return frozenset(node for node in body.nodes if not any(spec.dtype.kind in "fcO" for spec in node.specs))


def computed(body: Function) -> tuple[Value, ...]:
    """Every value that ``body`` computes, in order."""
    made: tuple[Value, ...] | None = body.cache.get("computed")
    if made is None:
        made = tuple(value for node in body.nodes for value in node.outputs)
        body.cache["computed"] = made
    return made


def reads(body: Function) -> dict[Edge, frozenset[int]]:
    """For each value of ``body``, the positions of the inputs that it depends on."""
    made: dict[Edge, frozenset[int]] | None = body.cache.get("reads of values")
    if made is None:
        made = {(x.node, x.index): frozenset([i]) for i, x in enumerate(body.inputs)}
        for node in body.nodes:
            each = [made[x.node, x.index] for x in node.inputs if isinstance(x, Value)]
            behind = frozenset().union(*each)
            made.update({(node, i): behind for i in range(len(node.specs))})
        body.cache["reads of values"] = made
    return made


def smooth(x: Any) -> bool:
    """Whether a gradient can flow into a value: floating, complex, or a sequence of kept values."""
    return isinstance(x, Value) and x.dtype.kind in "fcO"
