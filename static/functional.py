"""``scan``, ``map_fn``, ``foldl`` and ``foldr``: loops over the slices of tensors along their first axis."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from graphs.control import loop
from graphs.core.errors import at_line
from graphs.core.spec import Spec
from graphs.ops import concat, stop_gradient
from static import nest
from static.array import shape
from static.bodies import Traced, trace
from static.control import changes, graph_of
from static.dtypes import as_dtype
from static.graph import Graph, Operation
from static.nest import flatten, pack_sequence_as
from static.tensor import apply, convert_to_tensor


def scan(
    fn: Callable[[Any, Any], Any],
    elems: Any,
    initializer: Any = None,
    parallel_iterations: int = 10,
    back_prop: bool = True,
    swap_memory: bool = False,
    infer_shape: bool = True,
    reverse: bool = False,
    name: str | None = None,
) -> Any:
    """The accumulators after each slice, stacked: ``a[i] = fn(a[i - 1], elems[i])``, from the last with ``reverse``.

    Args:
        fn: called once with the accumulator and a slice, each in its structure; returns the accumulator anew.
        elems: a structure of tensors, all of one length along their first axis.
        initializer: the accumulator before the first slice; by default that is the first slice, which is then left out.
        back_prop: False lets no gradient through.

    Raises TypeError or ValueError where ``fn`` changes the accumulator's structure, dtype or shape.
    """
    over = _Over("scan", fn, elems, name, reverse)
    with over.graph.as_default(), over.graph.name_scope(name or "scan") as scope:
        first = over.start(initializer)
        _, stacked = over.folded(scope, first, initializer, True)
        if initializer is None:
            ends = [x[None] for x in first]
            order = [(y, x) if reverse else (x, y) for x, y in zip(ends, stacked, strict=True)]
            stacked = [apply(concat, *pair, axis=0) for pair in order]
        for x, value in zip(stacked, first, strict=True):
            x.set_shape([over.size, *value.shape.as_list()] if value.shape.ndims is not None else None)
    return over.packed(elems if initializer is None else initializer, stacked, back_prop)


def foldl(
    fn: Callable[[Any, Any], Any],
    elems: Any,
    initializer: Any = None,
    parallel_iterations: int = 10,
    back_prop: bool = True,
    swap_memory: bool = False,
    name: str | None = None,
) -> Any:
    """The last accumulator of ``scan``: ``fn`` applied over the slices of ``elems`` from the first to the last."""
    return _fold("foldl", fn, elems, initializer, back_prop, name, False)


def foldr(
    fn: Callable[[Any, Any], Any],
    elems: Any,
    initializer: Any = None,
    parallel_iterations: int = 10,
    back_prop: bool = True,
    swap_memory: bool = False,
    name: str | None = None,
) -> Any:
    """As ``foldl``, from the last slice to the first."""
    return _fold("foldr", fn, elems, initializer, back_prop, name, True)


def _fold(kind: str, fn: Any, elems: Any, initializer: Any, back_prop: bool, name: str | None, reverse: bool) -> Any:
    over = _Over(kind, fn, elems, name, reverse)
    with over.graph.as_default(), over.graph.name_scope(name or kind) as scope:
        first = over.start(initializer)
        out, _ = over.folded(scope, first, initializer, False)
    return over.packed(elems if initializer is None else initializer, out, back_prop)


def map_fn(
    fn: Callable[[Any], Any],
    elems: Any,
    dtype: Any = None,
    parallel_iterations: int | None = None,
    back_prop: bool = True,
    swap_memory: bool = False,
    infer_shape: bool = True,
    name: str | None = None,
) -> Any:
    """``fn`` of each slice of ``elems`` along the first axis, stacked.

    ``dtype`` has the structure and dtypes of what ``fn`` returns where they differ from those of ``elems``. Raises TypeError
    or ValueError where ``fn`` returns something else.
    """
    over = _Over("map", fn, elems, name, False)
    structure = elems if dtype is None else dtype
    dtypes = [x.dtype for x in over.elems] if dtype is None else [as_dtype(x) for x in flatten(dtype)]
    with over.graph.as_default(), over.graph.name_scope(name or "map") as scope:

        def build(*slices: Any) -> tuple[list[Any], list[Operation]]:
            found = fn(pack_sequence_as(elems, slices))
            if nest.is_sequence(structure) or nest.is_sequence(found):
                nest.assert_same_structure(structure, found, False)
            flat = [convert_to_tensor(x, preferred_dtype=want) for x, want in zip(flatten(found), dtypes, strict=True)]
            for x, want in zip(flat, dtypes, strict=True):
                if x.dtype != want:
                    raise TypeError(f"map_fn: fn returns {x.dtype.name} where {want.name} is expected{at_line()}")
            return flat, []

        _, stacked = over.run(scope, [], build, len(dtypes))
        for x in stacked:
            if x.shape.ndims is not None:
                x.set_shape([over.size, *x.shape.as_list()[1:]])
    return over.packed(structure, stacked, back_prop)


class _Over:
    """Tensors that a function is applied to slice by slice."""

    def __init__(self, kind: str, fn: Any, elems: Any, name: str | None, reverse: bool) -> None:
        if not callable(fn):
            raise TypeError("fn must be callable.")
        self.kind = kind
        self.fn = fn
        self.structure = elems
        self.reverse = reverse
        self.graph: Graph = graph_of(flatten(elems))
        with self.graph.as_default(), self.graph.name_scope(None):
            self.elems = [convert_to_tensor(x, name="elems") for x in flatten(elems)]
        if not self.elems:
            raise ValueError(f"{kind} goes over at least one tensor")
        for x in self.elems:
            if x.shape.ndims == 0:
                raise ValueError(f"{kind} goes over the first axis, and {x.name} has none{at_line()}")
        sizes = [x.spec.dims[0] for x in self.elems if x.spec.dims]
        known = {size for size in sizes if size is not None}
        if len(known) > 1:
            raise ValueError(f"{kind} goes over tensors of one length; got {sorted(known)}{at_line()}")
        self.size = known.pop() if known else None

    def start(self, initializer: Any) -> list[Any]:
        """The accumulator before the first round."""
        if initializer is not None:
            return [convert_to_tensor(x) for x in flatten(initializer)]
        if self.size == 0:
            raise ValueError(f"{self.kind} needs an initializer for tensors of length 0{at_line()}")
        return [x[-1] if self.reverse else x[0] for x in self.elems]

    def folded(self, scope: str, first: list[Any], initializer: Any, stacks: bool) -> tuple[list[Any], list[Any]]:
        """The last accumulators, and all of them stacked if ``stacks``."""
        structure = self.structure if initializer is None else initializer
        if initializer is None:
            self.elems = [x[:-1] if self.reverse else x[1:] for x in self.elems]
        specs = [x.spec for x in first]

        def build(*params: Any) -> tuple[list[Any], list[Operation]]:
            before, slices = params[: len(first)], params[len(first) :]
            found = self.fn(pack_sequence_as(structure, before), pack_sequence_as(self.structure, slices))
            nest.assert_same_structure(structure, found, False)
            flat = [convert_to_tensor(x, preferred_dtype=spec.dtype) for x, spec in zip(flatten(found), specs, strict=True)]
            for x, spec in zip(flat, specs, strict=True):
                if x.spec.dtype != spec.dtype:
                    raise TypeError(f"{self.kind}: fn returns {x.dtype.name} for an accumulator of {spec}{at_line()}")
                if not x.shape.is_compatible_with(spec.dims):
                    raise ValueError(f"{self.kind}: fn returns shape {x.shape} for an accumulator of {spec}{at_line()}")
            return (flat + flat if stacks else flat), []

        return self.run(scope, first, build, len(first) if stacks else 0)

    def run(self, scope: str, first: list[Any], build: Callable[..., Any], stacks: int) -> tuple[list[Any], list[Any]]:
        """The node: the last states, and what is stacked."""
        graph, whole = self.graph, self.elems
        slices = [Spec(None if x.spec.dims is None else x.spec.dims[1:], x.spec.dtype) for x in whole]
        outputs, effects, body, params = trace(graph, f"{self.kind} loop", scope, [*(x.spec for x in first), *slices], build)
        traced = Traced(body, params, outputs, effects)
        size = whole[0].spec.dims[0] if whole[0].spec.dims else None
        length = shape(whole[0])[0] if size is None else size
        return loop_over(graph, scope, length, first, whole, traced, self.reverse)

    def packed(self, structure: Any, results: Sequence[Any], back_prop: bool) -> Any:
        """The results in their structure."""
        return pack_sequence_as(structure, [x if back_prop else stop_gradient(x) for x in results])


def loop_over(
    graph: Graph, scope: str, length: Any, first: list[Any], whole: list[Any], traced: Traced, reverse: bool
) -> tuple[list[Any], list[Any]]:
    """The node of a loop over the slices of ``whole``, from the states ``first``: the last states, and what is stacked.

    The body takes states and slices, and yields states, then what is to be stacked.
    """
    written = traced.written
    states = len(first)
    function = traced.close(written, traced.captured, scope.rstrip("/"))
    # The variables that the body changes are states too, which stand before slices and stacked results.
    ins, outs = list(function.inputs), list(function.outputs)
    at, end = len(traced.params), len(traced.outputs)
    ins = [*ins[:states], *ins[at : at + len(written)], *ins[states:at], *ins[at + len(written) :]]
    outs = [*outs[:states], *outs[end:], *outs[states:end]]
    body = type(function)(ins, outs, function.name, function.nodes)
    with graph.control_dependencies(traced.outer):
        found = apply(
            loop,
            length,
            *first,
            *written,
            *whole,
            *traced.captured,
            name=scope,
            body=body,
            states=states + len(written),
            sequences=len(whole),
            reverse=reverse,
            record=True,
        )
    changes(found[0].node, written, 1 + states)
    stacked = found[1 + states + len(written) : 1 + len(body.outputs)]
    return list(found[1 : 1 + states]), list(stacked)
