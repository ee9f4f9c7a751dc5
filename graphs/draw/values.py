"""Arrays for a picture's values: those that a user has, that a run shows or that a tape keeps; and their gradients.

A value is known by the serial of its node and which output it is, whatever it was named by.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy

from graphs.autodiff import backprop
from graphs.core.arrays import is_array, to_numpy
from graphs.core.node import Value
from graphs.draw.protocol import nodes_of


Key = tuple[int, int]
"""A node's serial, and which of its outputs."""


def key_of(name: Any, by_name: Mapping[str, int]) -> Key:
    """The key of a node, edge, tensor, variable, serial, pair of serial and output, or node's name.

    Raises ValueError for what is none of these, or no node of the picture.
    """
    if isinstance(name, str):
        base, _, index = name.partition(":")
        serial = by_name.get(name, by_name.get(base))
        if serial is None:
            raise ValueError(f"there is no node {name} in this picture")
        return serial, int(index) if index.isdigit() and name not in by_name else 0
    if isinstance(name, int):
        return name, 0
    if isinstance(name, tuple) and len(name) == 2 and all(isinstance(each, int) for each in name):
        return name
    for edge in (name, getattr(name, "_edge", None)):
        number, output = getattr(getattr(edge, "node", None), "serial", None), getattr(edge, "index", None)
        if isinstance(number, int) and isinstance(output, int):
            return number, output
    try:
        (node,) = nodes_of(name)
    except TypeError:
        raise ValueError(f"a {type(name).__name__} names no node of a picture") from None
    return node.serial, 0


def keyed(given: Mapping[Any, Any], nodes: Iterable[Any]) -> dict[Key, Any]:
    """``given`` by keys. Raises ValueError for a key that names nothing."""
    by_name = {node.name: node.serial for node in nodes}
    return {key_of(name, by_name): value for name, value in given.items()}


def kept(records: Iterable[Any]) -> dict[Key, Any]:
    """The arrays that a tape has at hand: what its records keep, and its leaves."""
    found: dict[Key, Any] = {}
    for record in records:
        for edge, saved in zip(record.edges, getattr(record, "saved", None) or (), strict=False):
            if edge is not None and is_array(saved):
                found[edge.node.serial, edge.index] = saved
        found.update(((record.serial, at), out) for at, out in enumerate(getattr(record, "outs", ())) if is_array(out))
        leaf = getattr(record, "owner", None)
        tensor = leaf() if callable(leaf) else None
        if tensor is not None and not record.edges:
            found[record.serial, 0] = tensor.detach().numpy()
    return found


class Seen(dict[Key, Any]):
    """Every value of a run. ``observe`` is what ``Session.interpret`` tells of each node, in any order of passes."""

    def observe(self, node: Any, _operands: Sequence[Any], outs: Sequence[Any]) -> None:
        """Remember what ``node`` gave, under the nodes of the user's that it stands for."""
        for origin in getattr(node, "origins", ())[-1:] or (node,):
            self.update(((origin.serial, at), out) for at, out in enumerate(outs) if out is not None)


def gradients(roots: Iterable[Any], values: Mapping[Key, Any]) -> dict[Key, Any]:
    """The gradient of the sum of the floating ``roots`` (nodes) with respect to each value on the way, as arrays.

    ``values`` has the arrays of a graph's values; records of a tape use what they keep. Nothing flows through a node of
    which something is missing.
    """
    found: dict[Key, Any] = {}
    seeds = []
    for root in dict.fromkeys(roots):
        for spec in root.specs[:1]:
            array = values.get((root.serial, 0))
            shape = spec.dims if array is None else numpy.shape(array)
            if spec.dtype.kind in "fc" and shape is not None and None not in shape:
                seeds.append((_Edge(root), numpy.ones(shape, spec.dtype)))

    def collect(node: Any, gs: list[Any]) -> list[Any]:
        found.update(((node.serial, at), g) for at, g in enumerate(gs) if g is not None)
        return gs

    def residuals(node: Any) -> tuple[Sequence[Any], Sequence[Any]]:
        if not hasattr(node, "inputs"):
            return node.saved, node.outs
        args = [values[x.node.serial, x.index] if isinstance(x, Value) else x for x in node.inputs]
        return args, [values[node.serial, at] for at in range(len(node.specs))]

    behind = _unknown(seeds, values)
    with numpy.errstate(all="ignore"):
        backprop(seeds, None, residuals, on_gradient=collect, stop=behind)
    return found


class _Edge:
    """The edge to a node's first output."""

    index = 0

    def __init__(self, node: Any) -> None:
        self.node = node


def _unknown(seeds: Iterable[tuple[Any, Any]], values: Mapping[Key, Any]) -> frozenset[Any]:
    """The nodes through which no gradient can be followed: without rules, without what these read, or of integers."""
    seen = {edge.node for edge, _ in seeds}
    stack, found = list(seen), set()
    while stack:
        node = stack.pop()
        if hasattr(node, "inputs"):
            needed = [(x.node.serial, x.index) for x in node.inputs if isinstance(x, Value)]
            needed += [(node.serial, at) for at in range(len(node.specs))]
            missing = not all(key in values for key in needed)
        else:
            missing = bool(node.edges) and node.saved is None
        if missing or (node.edges and not node.op.differentiable) or not any(s.dtype.kind in "fcO" for s in node.specs):
            found.add(node)
            continue
        for edge in node.edges:
            if edge is not None and edge.node not in seen:
                seen.add(edge.node)
                stack.append(edge.node)
    return frozenset(found)


def statistics(array: Any) -> dict[str, float]:
    """Least, mean and greatest of an array's numbers, and the fractions of zeros and of NaNs; empty where there are none."""
    flat = to_numpy(array)
    if flat.dtype.kind not in "biufc" or not flat.size:
        return {}
    flat = abs(flat) if flat.dtype.kind == "c" else flat
    flat = flat.astype(numpy.float64)
    nan = numpy.isnan(flat)
    numbers = flat[~nan]
    found = {"zeros": float(numpy.mean(flat == 0)), "nan": float(numpy.mean(nan))}
    if numbers.size:
        with numpy.errstate(all="ignore"):
            found |= {"min": float(numbers.min()), "mean": float(numbers.mean()), "max": float(numbers.max())}
    return found


def norm(array: Any) -> float:
    """The Euclidean norm of all elements."""
    with numpy.errstate(all="ignore"):
        return float(numpy.linalg.norm(to_numpy(array).astype(numpy.complex128).ravel()))
