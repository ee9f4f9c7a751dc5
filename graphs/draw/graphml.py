"""A picture as GraphML, for networkx, Gephi, yEd and Cytoscape: a flat graph whose attributes have types."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

import networkx

from graphs.core.spec import Spec, show
from graphs.draw.labels import full_name, notes, place, shorten, title
from graphs.draw.outline import levels, told
from graphs.draw.picture import Item, Picture


LONGEST = 400


def graphml(picture: Picture, *, legend: bool = True, direction: str = "TB") -> bytes:
    """The picture as GraphML text; ``networkx.read_graphml`` opens it again."""
    del legend, direction
    out = io.BytesIO()
    networkx.write_graphml_xml(index(picture), out, prettyprint=True)
    return out.getvalue()


def index(picture: Picture) -> networkx.MultiDiGraph:
    """The picture as a networkx graph of plain values, bodies included.

    A node has ``label``, ``kind``, ``phase``, ``status``, ``op``, ``name``, ``scope``, ``notes``, ``count``, ``root``,
    ``place`` (file and line), ``source``, ``shape`` and ``dtype`` (of its first output), ``bytes`` (of all its outputs,
    -1 where not known), ``device``, ``freed`` and, inside a body, ``owner`` (the node whose body it is in) and
    ``body``. An edge has ``kind``, ``shape``, ``dtype``, ``count``, ``status`` and ``notes``; from an owner an edge of
    the kind ``body`` leads to the first node of each of its bodies. What was measured of either is in attributes such
    as ``measured time``.
    """
    graph = networkx.MultiDiGraph(title=shorten(picture.title, LONGEST), dtype=picture.dtype)
    edges: list[tuple[str, str, dict[str, Any]]] = []
    for level in levels(picture):
        shown = told(level.picture)
        for item in level.picture.items:
            words = notes(item, last=item.key not in shown, dtype=level.picture.dtype)
            graph.add_node(level.name[item.key], **_item(item, words), owner=level.owner, body=shorten(level.word, LONGEST))
        for link in level.picture.links:
            shape, dtype = _spec(link.spec)
            data = {"kind": link.kind, "shape": shape, "dtype": dtype, "count": link.count, "status": link.status}
            data |= {
                "notes": shorten("; ".join(each for each in (link.label, *link.notes) if each), LONGEST),
                **_numbers(link.numbers),
            }
            edges.append((level.name[link.tail], level.name[link.head], data))
        if level.owner and level.picture.items:
            data = {"kind": "body", "shape": "", "dtype": "", "count": 1, "status": "", "notes": ""}
            edges.append((level.owner, level.name[level.picture.items[0].key], data))
    graph.add_edges_from(edges)
    return graph


def _item(item: Item, words: list[str]) -> dict[str, Any]:
    node = item.node
    shape, dtype = _spec(node.specs[0] if node is not None and node.specs else None)
    sizes = [spec.size for spec in node.specs] if node is not None else [None]
    known = all(size is not None for size in sizes)
    where = getattr(node, "where", None)
    return {
        "label": title(item),
        "kind": item.kind,
        "phase": item.phase,
        "status": item.status,
        "op": "" if node is None else shorten(node.op.name, LONGEST),
        "name": "" if node is None else shorten(full_name(node), LONGEST),
        "scope": shorten("/".join(item.scope), LONGEST),
        "notes": "; ".join(words),
        "count": item.count,
        "root": item.root,
        "place": "" if node is None else shorten(place(node), LONGEST),
        "source": "" if where is None else shorten(where.text, LONGEST),
        "shape": shape,
        "dtype": dtype,
        "bytes": sum(spec.size * spec.dtype.itemsize for spec in node.specs) if known else -1,
        "device": shorten(item.device, LONGEST),
        "freed": item.freed,
        **_numbers(item.numbers),
    }


def _numbers(measured: Mapping[str, float]) -> dict[str, float]:
    """What was measured, each under a key of its own: ``measured time``."""
    return {f"measured {shorten(name, LONGEST)}": float(number) for name, number in measured.items()}


def _spec(spec: Spec | None) -> tuple[str, str]:
    return ("", "") if spec is None else (show(spec.dims), spec.dtype.name)
