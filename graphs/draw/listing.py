"""A graph or a tape as plain text, one line a node."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from graphs.core.arrays import is_array
from graphs.core.node import ancestors
from graphs.core.spec import Spec
from graphs.draw.build import functions_of
from graphs.draw.labels import attributes, full_name, place, shorten, value_label
from graphs.draw.protocol import arguments, nodes_of


def text(roots: Any) -> str:
    """What ``roots`` depend on, one line a node in order of creation, with bodies indented below the node they belong to.

    %3 = multiply(%1, %2)  float32(64, 100)  hidden/scaled  net.py:12
    """
    return "".join(f"{line}\n" for line in _lines(roots, "%", ""))


def _lines(roots: Any, mark: str, indent: str) -> Iterator[str]:
    nodes = ancestors(nodes_of(roots))
    names = {node.serial: f"{mark}{at}" for at, node in enumerate(nodes, 1)}
    for node in nodes:
        words = [_argument(value, edge, names) for value, edge in zip(arguments(node), node.edges, strict=True)]
        words += attributes(node)
        name = full_name(node)
        parts = [
            f"{names[node.serial]} = {node.op.name}({', '.join(words)})",
            ", ".join(map(str, node.specs)),
            "after " + ", ".join(names[before.serial] for before in node.after) if node.after else "",
            shorten(name, 80) if name != node.op.name else "",
            place(node),
        ]
        yield indent + "  ".join(part for part in parts if part)
        for word, body in functions_of(node):
            yield f"{indent}    {word}: {shorten(body.name)}"
            yield from _lines(body, f"{names[node.serial]}.", indent + "    ")


def _argument(value: Any, edge: Any, names: dict[int, str]) -> str:
    if edge is not None:
        name = names[edge.node.serial]
        return f"{name}:{edge.index}" if edge.index else name
    if isinstance(value, tuple):
        return str(Spec(*value))
    if is_array(value) and value.ndim:
        return str(Spec.of(value))
    return "_" if value is None else value_label(value)
