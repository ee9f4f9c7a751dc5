"""Symbolic gradients: more nodes in the same graph."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from graphs.autodiff import backprop
from graphs.core.errors import GradientError
from graphs.core.node import ancestors
from graphs.ops import conj, ones_like
from static.slices import IndexedSlices, rows_of
from static.state import variable_op
from static.tensor import Tensor, common_graph, convert_to_tensor


_STEPS = frozenset({"floor", "ceil", "round", "trunc", "floor_divide"})
"""Ops whose gradient TensorFlow leaves out, where others have zeros."""


class Taken(NamedTuple):
    """The gradient with respect to a variable; a graph's collection under this class has them all.

    Attributes:
        dense: the whole of it.
        rows: its rows, where it is of rows that were gathered.
    """

    dense: Any
    rows: IndexedSlices | None


def gradients(
    ys: Any,
    xs: Any,
    grad_ys: Any = None,
    name: str = "gradients",
    colocate_gradients_with_ops: bool = False,
    gate_gradients: bool = False,
    aggregation_method: int | None = None,
    stop_gradients: Any = None,
    unconnected_gradients: Any = None,
) -> list[Any]:
    """Tensors of the gradient of the sum of ``ys`` with respect to each of ``xs``, None where ``ys`` do not depend on one.

    It is ``IndexedSlices`` where all that is used of an ``x`` are rows gathered from it.

    Args:
        ys, xs: tensors, or lists of them; ``xs`` may be variables, whose every reading counts.
        grad_ys: the gradients that flow into ``ys``, None for ones.
        stop_gradients: tensors to be taken as constants.
        unconnected_gradients: ``"zero"`` gives zeros in place of None.

    The other arguments are accepted so that programs run. Raises GradientError where the way back leads through an operation
    that has no gradient, and for a ``y`` that is not floating.
    """
    sources = [_element(x) for x in _listed(xs)]
    targets = [convert_to_tensor(y) for y in _listed(ys)]
    seeds = [None] * len(targets) if grad_ys is None else _listed(grad_ys)
    if len(seeds) != len(targets):
        raise ValueError(f"gradients: {len(seeds)} grad_ys for {len(targets)} ys")
    graph = common_graph(name, [*targets, *sources])
    stops = {_element(x).node for x in _listed(stop_gradients or ())}
    stops.update(node for node in ancestors({y.node for y in targets}) if _flat(node))
    with graph.as_default(), graph.name_scope(name), graph.lenient():
        inside = graph.get_name_scope()
        roots = [(y, _seed(y, seed)) for y, seed in zip(targets, seeds, strict=True)]

        def residuals(node: Any) -> tuple[Sequence[Any], Sequence[Any]]:
            graph.enter_scope(f"{inside}/{node.name}_grad")
            if any(spec.dtype.kind == "c" for spec in node.specs):
                return tuple(map(_conjugate, node.inputs)), tuple(map(_conjugate, node.outputs))
            return node.inputs, node.outputs

        try:
            found = backprop(roots, {x.node for x in sources}, residuals, stop=frozenset(stops))
        finally:
            graph.enter_scope(inside)
        grads = [found[x.node][x.index] if x.node in found and x.spec.dtype.kind in "fc" else None for x in sources]
        dense, grads = grads, [None if g is None else rows_of(g) for g in grads]
        graph.get_collection_ref(Taken).extend(
            Taken(whole, g if isinstance(g, IndexedSlices) else None)
            for x, whole, g in zip(sources, dense, grads, strict=True)
            if x.node.op is variable_op and g is not None
        )
        if unconnected_gradients == "zero":
            grads = [x * 0 if g is None else g for x, g in zip(map(convert_to_tensor, _listed(xs)), grads, strict=True)]
        return grads


def _conjugate(x: Any) -> Any:
    """What the rule of a holomorphic op is handed in place of ``x`` (see ``graphs.ops.complex``)."""
    return conj(x) if isinstance(x, Tensor) and x.spec.dtype.kind == "c" else x


def _flat(node: Any) -> bool:
    """Whether no gradient flows through a node: it steps, or yields nothing but integers and bools."""
    return (node.op.name in _STEPS and node.op.joint is None) or not any(spec.dtype.kind in "fcO" for spec in node.specs)


def _listed(x: Any) -> list[Any]:
    return list(x) if isinstance(x, (list, tuple)) else [x]


def _element(x: Any) -> Any:
    stands_for = getattr(type(x), "_as_graph_element", None)
    found = x if stands_for is None else stands_for(x)
    if not isinstance(found, Tensor):
        raise TypeError(f"gradients are taken with respect to tensors and variables, not a {type(x).__name__}")
    return found


def _seed(y: Tensor, seed: Any) -> Any:
    if y.spec.dtype.kind not in "fc":
        raise GradientError(f"{y.name} is {y.dtype.name}, and gradients are of floating values (made at {y.op.where})")
    if seed is None:
        return ones_like(y)
    given = convert_to_tensor(seed, y.dtype)
    if not given.shape.is_compatible_with(y.shape):
        raise ValueError(f"a gradient of shape {given.shape} flows into {y.name}, which has shape {y.shape}")
    return given
