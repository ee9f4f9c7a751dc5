"""``import_graph_def``: a description's operations in a graph. All are checked before the first is made."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from graphs.core.errors import at_line
from graphs.core.node import new_parameter
from graphs.core.spec import Spec
from static.export.definitions import GraphDef, NodeDef
from static.export.forms import GraphFileError, agreed, found_op, inferred, said, spec_to
from static.graph import Graph, check_name, get_default_graph
from static.overrides import overridden
from static.tensor import Tensor, convert_to_tensor


def import_graph_def(
    graph_def: GraphDef,
    input_map: Mapping[str, Any] | None = None,
    return_elements: Iterable[str] | None = None,
    name: str | None = None,
    op_dict: Any = None,
    producer_op_list: Any = None,
) -> list[Any] | None:
    """Add the operations of ``graph_def`` to the default graph, which takes its seed where it has none.

    Args:
        input_map: tensors of the default graph to use in place of tensors of ``graph_def``, by the latter's names; for
            ``^name`` an operation to run after instead.
        return_elements: names of operations and (with ``:0``) tensors of ``graph_def``: they are returned.
        name: the scope to put before all names, by default ``import``; empty for none.

    Raises GraphFileError (a ValueError) naming the node where an op is unknown, an attribute or spec wrong, or an input
    comes later; ValueError where names of ``input_map`` or ``return_elements`` are not there, or one is taken. The graph is
    then as it was.
    """
    if not isinstance(graph_def, GraphDef):
        raise TypeError(f"graph_def must be a GraphDef proto: {graph_def!r}{at_line()}")
    graph = get_default_graph()
    graph.check_open("import into it")
    given = _mapped(graph, graph_def, input_map or {})
    specs = _checked(graph_def, given)
    wanted = list(return_elements or ())
    _check_wanted(graph_def, wanted)
    with graph.control_dependencies(None), graph.name_scope("import" if name is None else name) as scope:
        taken = {operation.name for operation in graph.get_operations()}
        for node in graph_def.node:
            try:
                check_name(node.name)
            except ValueError as error:
                raise GraphFileError(f"node {node.name!r}: {said(error)}") from None
            if f"{scope}{node.name}" in taken:
                raise ValueError(f"Node {scope + node.name!r} already exists in the graph: import under a scope{at_line()}")
        with graph.name_scope(None):
            made = _made(graph, graph_def, given, specs, scope)
    if graph.seed is None:
        graph.seed = graph_def.seed
    if return_elements is None:
        return None
    return [
        made[each].outputs[int(i or 0)] if colon else made[each] for each, colon, i in (w.partition(":") for w in wanted)
    ]


def _mapped(graph: Graph, graph_def: GraphDef, input_map: Mapping[str, Any]) -> dict[str, Any]:
    """What stands in for which edge (``name:output``) or control dependency (``^name``)."""
    given = {}
    specs = {node.name: node.specs for node in graph_def.node}
    missing = []
    for key, value in input_map.items():
        base, _, index = key.removeprefix("^").partition(":")
        if base not in specs or not (index or "0").isdecimal() or (index and int(index) >= len(specs[base])):
            missing.append(key)
        elif key.startswith("^"):
            given[key] = graph.as_graph_element(value, allow_tensor=False)
        else:
            mine, theirs = graph.as_graph_element(convert_to_tensor(value)), specs[base][int(index or 0)]
            if mine.spec.dtype != theirs.dtype:
                raise ValueError(f"input_map: {key!r} is {theirs.dtype.name}, {mine.name!r} is {mine.dtype.name}{at_line()}")
            given[f"{base}:{index or 0}"] = mine
    if missing:
        raise ValueError(f"Attempted to map inputs that were not found in graph_def: [{', '.join(missing)}]{at_line()}")
    return given


def _checked(graph_def: GraphDef, given: Mapping[str, Any]) -> dict[str, tuple[Spec, ...]]:
    """The specs of each node's outputs."""
    values: dict[str, Any] = {key: value for key, value in given.items() if not key.startswith("^")}
    found: dict[str, tuple[Spec, ...]] = {}
    for node in graph_def.node:
        about = f"node {node.name!r} (op: {node.op})"
        if node.name in found:
            raise GraphFileError(f"{about}: there is another of that name before it")
        for position, operand in enumerate(node.operands):
            if isinstance(operand, str) and operand not in values:
                raise GraphFileError(f"{about}: input {position} is {operand!r}, which no node before it yields")
        for before in node.control:
            if before not in found and f"^{before}" not in given:
                raise GraphFileError(f"{about}: it runs after {before!r}, which is not before it")
        args = [values[x] if isinstance(x, str) else x for x in node.operands]
        specs = inferred(found_op(node.kind, about), args, node.attr, about)
        if not given:  # what stands in for a tensor may be of another shape
            specs = agreed(specs, [spec_to(spec) for spec in node.specs], about)
        elif [spec.dtype for spec in specs] != [spec.dtype for spec in node.specs]:
            raise GraphFileError(f"{about}: it yields {', '.join(map(str, specs))}, not {', '.join(map(str, node.specs))}")
        found[node.name] = specs
        for variable, index in node.writes:
            if variable not in found or not 0 <= index < len(specs):
                raise GraphFileError(f"{about}: it writes output {index} to {variable!r}, one of which is not there")
        for index, spec in enumerate(specs):
            values.setdefault(f"{node.name}:{index}", new_parameter(_refined(spec, node, index, about, bool(given))))
    return found


def _refined(spec: Spec, node: NodeDef, index: int, about: str, mapped: bool) -> Spec:
    """``spec`` with what ``set_shape`` had added."""
    dims = node.shapes.get(index, spec.dims)
    if dims == spec.dims or dims is None:
        return spec
    fits = spec.dims is None or (
        len(dims) == len(spec.dims) and all(a is None or a == b for a, b in zip(spec.dims, dims, strict=True))
    )
    if fits:
        return Spec(dims, spec.dtype)
    if mapped:
        return spec
    raise GraphFileError(
        f"{about}: the shape of output {index} is {spec}, of which {Spec(dims, spec.dtype)} says more or else"
    )


def _check_wanted(graph_def: GraphDef, wanted: Sequence[str]) -> None:
    widths = {node.name: len(node.specs) for node in graph_def.node}
    for each in wanted:
        base, colon, index = each.partition(":")
        if base not in widths or (colon and not (index.isdecimal() and int(index) < widths[base])):
            raise ValueError(f"Requested return_element {each!r} not found in graph_def.{at_line()}")


def _made(
    graph: Graph, graph_def: GraphDef, given: Mapping[str, Any], specs: Mapping[str, tuple[Spec, ...]], scope: str
) -> dict[str, Any]:
    values = dict(given)
    made: dict[str, Any] = {}
    for node in graph_def.node:
        full = scope + node.name
        op = found_op(node.kind, full)
        if node.gradient is not None:
            op = overridden(op, node.gradient)
        inputs = tuple(values[x] if isinstance(x, str) else x for x in node.operands)
        after = [given.get(f"^{before}") or made[before] for before in node.control]
        if graph.unique_name(full, mark_as_used=False) == full:
            graph.unique_name(full)
        with graph.control_dependencies(after), graph.device(node.device or None):
            made[node.name] = new = graph.add(op, inputs, dict(node.attr), specs[node.name], full, Tensor)
        object.__setattr__(new, "writes", tuple((made[variable], index) for variable, index in node.writes))
        for index, out in enumerate(new.outputs):
            refined = _refined(specs[node.name][index], node, index, full, True)
            if refined.dims != out.spec.dims:
                out.set_shape(refined.dims)
            values.setdefault(f"{node.name}:{index}", out)
    return made
