"""``while_loop``, whose condition and body are built once and closed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from graphs.control import loop
from graphs.core.errors import at_line
from graphs.core.spec import Spec
from graphs.ops import stop_gradient
from static import nest
from static.bodies import Traced, trace
from static.graph import Graph, Operation, get_default_graph
from static.nest import flatten, pack_sequence_as
from static.shapes import TensorShape, dims_of
from static.tensor import Tensor, apply, convert_to_tensor


def while_loop(
    cond: Callable[..., Any],
    body: Callable[..., Any],
    loop_vars: Any,
    shape_invariants: Any = None,
    parallel_iterations: int = 10,
    back_prop: bool = True,
    swap_memory: bool = False,
    name: str | None = None,
    maximum_iterations: Any = None,
    return_same_structure: bool = False,
) -> Any:
    """``loop_vars`` after ``body`` has been applied to them as long as ``cond`` of them is true.

    Args:
        cond, body: called once each, with tensors in place of ``loop_vars``; ``body`` returns them anew, in the same
            structure. Both may read any tensor and variable from outside.
        loop_vars: a structure of tensors (lists, tuples, named tuples, dicts), or something that converts to them.
        shape_invariants: shapes in the same structure that hold in every round, where a shape changes.
        maximum_iterations: a scalar bound on the number of rounds.
        back_prop: False lets no gradient through.
        return_same_structure: whether a single loop variable in a list or tuple is returned in it.

    Raises ValueError where a shape is no invariant, TypeError where a dtype changes or a structure differs. The gradient
    runs the loop once forward, keeping what it needs, and once backward.
    """
    if not callable(cond):
        raise TypeError("cond must be callable.")
    if not callable(body):
        raise TypeError("body must be callable.")
    if nest.is_sequence(loop_vars) and not loop_vars:
        raise ValueError("No loop variables provided")
    structure = loop_vars if isinstance(loop_vars, (list, tuple)) else [loop_vars]
    graph = graph_of(flatten(structure))
    with graph.as_default(), graph.name_scope(name or "while") as scope:
        first = [convert_to_tensor(x) for x in flatten(structure)]
        specs = [x.spec for x in first]
        if shape_invariants is not None:
            shapes = shape_invariants if structure is loop_vars else [shape_invariants]
            specs = _invariants(structure, shapes, first)
        state = _Round(graph, scope, structure, specs)
        test = state.test(cond)
        outputs = state.body(body)
        limit = -1 if maximum_iterations is None else convert_to_tensor(maximum_iterations, name="maximum_iterations")
        out = _loop(graph, scope, limit, first, outputs, test)
    results = [dressed(leaf, x if back_prop else stop_gradient(x)) for leaf, x in zip(state.leaves, out, strict=True)]
    packed = pack_sequence_as(structure, results)
    return packed[0] if len(packed) == 1 and not (return_same_structure and structure is loop_vars) else packed


def graph_of(values: Sequence[Any]) -> Graph:
    """The graph of the first tensor or variable among ``values``; the default one where there is none."""
    found = next((x.graph for x in values if isinstance(x, Tensor) or hasattr(type(x), "_as_graph_element")), None)
    return found or get_default_graph()


def dressed(leaf: Any, tensor: Any) -> Any:
    """``tensor`` as what ``leaf`` is: a ``TensorArray`` goes round a loop as a tensor."""
    wrap = getattr(type(leaf), "_dressed", None)
    return tensor if wrap is None else wrap(leaf, tensor)


def _invariants(structure: Any, shape_invariants: Any, first: Sequence[Tensor]) -> list[Spec]:
    """The specs of loop variables as the user declares them."""
    shapes = _flat_shapes(structure, shape_invariants)
    specs = []
    for x, shape in zip(first, shapes, strict=True):
        dims = dims_of(shape)
        if not TensorShape(dims).is_compatible_with(x.shape) or not _covers(dims, x.spec.dims):
            raise ValueError(
                f"The shape invariant specified for {x.name} is not compatible with the initial shape of the loop variable. "
                f"It enters the loop with shape {x.shape}, but the specified shape invariant is {TensorShape(dims)}."
                f"{at_line()}"
            )
        specs.append(Spec(dims, x.spec.dtype))
    return specs


def _flat_shapes(structure: Any, shapes: Any) -> list[Any]:
    """The shapes in the order of the structure's leaves; a shape may itself be a list or tuple of sizes."""
    if not nest.is_sequence(structure):
        return [shapes]
    if isinstance(structure, Mapping):
        return [shape for key in sorted(structure) for shape in _flat_shapes(structure[key], shapes[key])]
    if not isinstance(shapes, (list, tuple)) or len(shapes) != len(structure):
        raise ValueError(f"shape_invariants has not the structure of loop_vars: {shapes!r}{at_line()}")
    return [shape for item, part in zip(structure, shapes, strict=True) for shape in _flat_shapes(item, part)]


def _covers(wide: Any, narrow: Any) -> bool:
    """Whether every shape that ``narrow`` admits is admitted by ``wide``."""
    if wide is None:
        return True
    return narrow is not None and len(wide) == len(narrow) and all(a in (None, b) for a, b in zip(wide, narrow, strict=True))


class _Round:
    """One round of a while loop while it is being built."""

    def __init__(self, graph: Graph, scope: str, structure: Any, specs: Sequence[Spec]) -> None:
        self.graph = graph
        self.scope = scope
        self.structure = structure
        self.specs = specs
        self.leaves = flatten(structure)

    def given(self, params: Sequence[Any]) -> Any:
        """What the user's functions are called with."""
        return pack_sequence_as(self.structure, [dressed(x, param) for x, param in zip(self.leaves, params, strict=True)])

    def test(self, cond: Callable[..., Any]) -> Traced:
        """The condition."""

        def build(*params: Any) -> tuple[list[Any], list[Operation]]:
            found = convert_to_tensor(cond(*self.given(params)), "bool")
            if found.spec.dims not in (None, ()):
                raise ValueError(f"The condition of a loop is a scalar; {found.name} has shape {found.shape}{at_line()}")
            return [found], []

        outputs, effects, body, params = trace(self.graph, "while loop", self.scope, self.specs, build)
        return Traced(body, params, outputs, effects)

    def body(self, function: Callable[..., Any]) -> Traced:
        """The body, whose outputs have the structure, dtypes and shapes of the loop variables."""

        def build(*params: Any) -> tuple[list[Any], list[Operation]]:
            given = self.given(params)
            found = function(*given)
            found = list(found) if isinstance(found, (list, tuple)) else [found]
            nest.assert_same_structure(list(given), found)
            self.leaves = flatten(found)
            flat = [
                convert_to_tensor(x, preferred_dtype=spec.dtype) for x, spec in zip(flatten(found), self.specs, strict=True)
            ]
            for param, spec, x in zip(params, self.specs, flat, strict=True):
                self._check(param, spec, x)
            return flat, []

        outputs, effects, body, params = trace(self.graph, "while loop", self.scope, self.specs, build)
        return Traced(body, params, outputs, effects)

    def _check(self, param: Any, spec: Spec, x: Any) -> None:
        if x.spec.dtype != spec.dtype:
            raise TypeError(
                f"{param.name} is {param.dtype.name} when it enters the loop and {x.dtype.name} after a round{at_line()}"
            )
        if not _covers(spec.dims, x.spec.dims):
            raise ValueError(
                f"The shape for {param.name} is not an invariant for the loop. It enters the loop with shape {param.shape}, "
                f"but has shape {x.shape} after one iteration. Provide shape invariants using either the `shape_invariants` "
                f"argument of tf.while_loop or set_shape() on the loop variables.{at_line()}"
            )


def _loop(graph: Graph, scope: str, limit: Any, first: Sequence[Any], body: Traced, test: Traced) -> list[Any]:
    """The node of a while loop; the tensors that leave it."""
    written = body.written
    names = {(x.node, x.index) for x in written}
    constants = union([x for x in (*body.captured, *test.captured) if (x.node, x.index) not in names])
    label = scope.rstrip("/")
    outer = list(dict.fromkeys((*body.outer, *test.outer)))
    with graph.control_dependencies(outer):
        out = apply(
            loop,
            limit,
            *first,
            *written,
            *constants,
            name=scope,
            body=body.close(written, constants, label),
            cond=test.close(written, constants, f"{label}_cond"),
            states=len(first) + len(written),
            record=True,
        )
    changes(out[0].node, written, 1 + len(first))
    for x, param in zip(out[1:], body.params, strict=False):
        x.set_shape(param.shape)
    return list(out[1 : 1 + len(first)])


def changes(node: Operation, written: Sequence[Any], first: int) -> None:
    """Note with a node which variables its outputs from ``first`` on are the new values of."""
    object.__setattr__(node, "writes", tuple((x.node, first + i) for i, x in enumerate(written)))


def union(values: Sequence[Any]) -> list[Any]:
    """The different ones among ``values``, in order of creation."""
    found = {(x.node, x.index): x for x in values}
    return [found[key] for key in sorted(found, key=lambda key: (key[0].serial, key[1]))]
