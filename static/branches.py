"""``cond``, ``case`` and ``switch_case``: branches, whose bodies are built once and closed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from graphs.control import branch
from graphs.core.errors import DtypeError, at_line
from graphs.core.op import Op, first_dtype, like_first
from graphs.ops import any as any_, argmax, logical_and, ones_like, stack, where
from static import nest
from static.bodies import Traced, trace
from static.control import changes, dressed, graph_of, union
from static.graph import Graph, Operation
from static.nest import flatten, pack_sequence_as
from static.registry import registered
from static.tensor import apply, convert_to_tensor


def cond(
    pred: Any,
    true_fn: Callable[[], Any] | None = None,
    false_fn: Callable[[], Any] | None = None,
    strict: bool = False,
    name: str | None = None,
    fn1: Callable[[], Any] | None = None,
    fn2: Callable[[], Any] | None = None,
) -> Any:
    """What ``true_fn()`` yields where ``pred`` is true, else what ``false_fn()`` yields.

    Both are built; of what they compute inside, only the branch that is chosen runs. What they read from outside is computed
    in either case. Both return tensors, operations or structures of them, alike in structure and dtypes; an operation stands
    for the value of ``pred``. A list of one tensor comes back as the tensor, unless ``strict``.

    Raises TypeError where ``pred`` is a Python bool or the branches' dtypes differ, ValueError where they return nothing or
    different structures.
    """
    true_fn, false_fn = fn1 or true_fn, fn2 or false_fn
    if not callable(true_fn):
        raise TypeError("true_fn must be callable.")
    if not callable(false_fn):
        raise TypeError("false_fn must be callable.")
    if isinstance(pred, bool):
        raise TypeError("pred must not be a Python bool")
    graph = graph_of([pred])
    with graph.as_default(), graph.name_scope(name or "cond") as scope:
        chosen = convert_to_tensor(pred)
        if chosen.dtype.base_dtype.name != "bool":
            raise TypeError(f"pred is a bool; {chosen.name} is {chosen.dtype.name}{at_line()}")
        packed = _branch(graph, scope, "cond", chosen, [("false_fn", false_fn), ("true_fn", true_fn)], [False, True])
    return _unlisted(packed, strict)


def _branch(
    graph: Graph,
    scope: str,
    kind: str,
    index: Any,
    functions: Sequence[tuple[str, Callable[[], Any]]],
    stands: Sequence[Any],
) -> Any:
    """The node of a branch; what leaves it, in the structure that the functions return.

    ``stands[i]`` is the value of an operation that branch ``i`` returns.
    """
    traced: list[Traced] = []
    structures: list[Any] = []
    order = list(range(len(functions)))
    for i in reversed(order) if kind == "cond" else order:
        label, function = functions[i]
        structures.append(None)

        def build(label: str = label, function: Any = function, i: int = i) -> tuple[list[Any], list[Operation]]:
            found = function()
            if found is None:
                raise ValueError(f"{label} must have a return value.{at_line()}")
            structures[-1] = found
            flat, effects = [], []
            for x in flatten(found):
                if isinstance(x, Operation):
                    effects.append(x)
                    flat.append(convert_to_tensor(stands[i]))
                elif x is not None:
                    flat.append(convert_to_tensor(x))
            return flat, effects

        outputs, effects, body, params = trace(graph, kind, scope, (), build)
        traced.append(Traced(body, params, outputs, effects))
    if kind == "cond":
        traced.reverse()
        structures.reverse()
    _check_alike(functions, traced, structures)
    written = union([x for each in traced for x in each.written])
    names = {(x.node, x.index) for x in written}
    constants = union([x for each in traced for x in each.captured if (x.node, x.index) not in names])
    outer = list(dict.fromkeys(x for each in traced for x in each.outer))
    functions_ = tuple(
        each.close(written, constants, f"{scope.rstrip('/')}_{label}")
        for (label, _), each in zip(functions, traced, strict=True)
    )
    with graph.control_dependencies(outer):
        out = apply(
            branch,
            index,
            *written,
            *constants,
            name=scope,
            branches=functions_,
            emits=(0,) * len(functions_),
            record=True,
        )
    out = out if isinstance(out, tuple) else (out,)
    count = len(traced[0].outputs)
    if count + len(written):
        changes(out[0].node, written, count)
    results = iter(out[:count])
    leaves = [None if x is None else dressed(x, next(results)) for x in flatten(structures[0])]
    return pack_sequence_as(structures[0], leaves)


def _check_alike(functions: Sequence[tuple[str, Any]], traced: Sequence[Traced], structures: Sequence[Any]) -> None:
    """Raise ValueError or TypeError where the branches do not go together."""
    (first, _), one, given = functions[0], traced[0], structures[0]
    for (label, _), other, structure in zip(functions[1:], traced[1:], structures[1:], strict=True):
        if nest.is_sequence(given) or nest.is_sequence(structure):
            try:
                nest.assert_same_structure(given, structure, False)
            except ValueError as error:
                raise ValueError(f"{first} and {label} must return the same structure: {error}{at_line()}") from None
        if len(one.outputs) != len(other.outputs):
            raise ValueError(f"{first} and {label} must return the same number of values{at_line()}")
        for x, y in zip(one.outputs, other.outputs, strict=True):
            if x.spec.dtype != y.spec.dtype:
                raise DtypeError(
                    f"Outputs of {first} and {label} must have the same type: {x.dtype.name}, {y.dtype.name} "
                    f"({x.name} and {y.name}){at_line()}"
                )


def case(
    pred_fn_pairs: Any,
    default: Callable[[], Any] | None = None,
    exclusive: bool = False,
    strict: bool = False,
    name: str = "case",
) -> Any:
    """What the function yields that stands beside the first true predicate; ``default()`` where none is true.

    Args:
        pred_fn_pairs: pairs of a bool scalar and a function, or a dict of them (taken as they were entered).
        exclusive: raise InvalidArgumentError where more than one predicate is true.

    Without a default, a run in which no predicate is true raises InvalidArgumentError.
    """
    pairs = list(pred_fn_pairs.items()) if isinstance(pred_fn_pairs, Mapping) else list(pred_fn_pairs)
    if not pairs:
        raise ValueError("pred_fn_pairs has at least one pair")
    for pair in pairs:
        if not isinstance(pair, (list, tuple)) or len(pair) != 2 or not callable(pair[1]):
            raise TypeError(f"each of pred_fn_pairs is a pair of a bool tensor and a function, not {pair!r}")
    if default is not None and not callable(default):
        raise TypeError("default must be callable.")
    graph = graph_of([pred for pred, _ in pairs])
    with graph.as_default(), graph.name_scope(name or "case") as scope:
        preds = [convert_to_tensor(pred, "bool") for pred, _ in pairs]
        together = apply(stack, *preds, node="preds_c", axis=0)
        if exclusive or default is None:
            together = apply(_check_preds, together, node="Assert", exclusive=exclusive, default=default is not None)
        first = apply(argmax, together, node="ArgMax", axis=0)
        index = apply(where, apply(any_, together, node="Any"), first, ones_like(first) * len(pairs))
        functions = [(f"pred_fn_pairs[{i}]", function) for i, (_, function) in enumerate(pairs)]
        last = default or pairs[-1][1]
        packed = _branch(graph, scope, "case", index, [*functions, ("default", last)], [True] * len(pairs) + [False])
    return _unlisted(packed, strict)


def switch_case(
    branch_index: Any, branch_fns: Any, default: Callable[[], Any] | None = None, name: str = "switch_case"
) -> Any:
    """What ``branch_fns[branch_index]()`` yields; ``default()``, or the last function, for an index out of range.

    ``branch_fns`` is a list of functions, or a dict or list of pairs of indices and functions, which leave none out.
    """
    pairs = branch_fns.items() if isinstance(branch_fns, Mapping) else branch_fns
    found = [pair if isinstance(pair, (list, tuple)) else (i, pair) for i, pair in enumerate(pairs)]
    table: dict[int, Callable[[], Any]] = {int(i): function for i, function in found}
    if sorted(table) != list(range(len(found))):
        raise ValueError(f"branch indices form a range from 0 without gaps; got {sorted(table)}")
    functions = [(f"branch_fns[{i}]", table[i]) for i in range(len(found))]
    functions += [] if default is None else [("default", default)]
    graph = graph_of([branch_index])
    with graph.as_default(), graph.name_scope(name or "switch_case") as scope:
        given = convert_to_tensor(branch_index, name="branch_index")
        if given.dtype.kind not in "iu":
            raise TypeError(f"branch_index is an int32 scalar; {given.name} is {given.dtype.name}{at_line()}")
        last = len(functions) - 1
        within = apply(logical_and, given >= 0, given <= last)
        index = apply(where, within, given, ones_like(given) * last)
        return _unlisted(_branch(graph, scope, "switch_case", index, functions, list(range(len(functions)))), False)


def _unlisted(packed: Any, strict: bool) -> Any:
    """What a list of one tensor stands for, unless ``strict``."""
    return packed[0] if not strict and isinstance(packed, (list, tuple)) and len(packed) == 1 else packed


def _check(xp: Any, preds: Any, *, exclusive: bool, default: bool) -> Any:
    """``preds``. Raises ValueError where there are more true ones than one (``exclusive``), or none and no default."""
    if exclusive and preds.sum() > 1:
        raise ValueError(f"Input error: exclusive=True: More than 1 conditions evaluated as True: {preds.tolist()}")
    if not default and not preds.any():
        raise ValueError(f"Input error: None of conditions evaluated as True: {preds.tolist()}")
    return preds


_check_preds = registered(Op(_check, name="check_preds", shape=like_first, dtype=first_dtype, traits=("stateful",)))
