"""Names in pictures: whatever they are, every format has the same boxes, arrows and attributes, and the name as text."""

from __future__ import annotations

import io
import json
import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from typing import Any

import networkx
import numpy
import pygraphviz
import pytest
from rich.console import Console

import graphs.control  # noqa: F401  (it fills the registry)
from graphs import draw
from graphs.core.function import Function
from graphs.core.node import Node, Value, new_parameter
from graphs.core.op import OPS, Op
from graphs.core.quoting import remark
from graphs.core.spec import Spec
from graphs.draw import FORMATS, Picture
from graphs.draw.data import read
from graphs.draw.labels import shorten
from graphs.draw.outline import levels
from graphs.draw.terminal import show
from tests.graphs.draw.test_formats import GRAMMAR, counts, lines
from tests.hostile import sample


SPEC = Spec((2,), "float32")
NODES = ("ops", "tensors", "both")

CELL = {"ALIGN", "BGCOLOR", "COLOR", "BORDER", "WIDTH", "HEIGHT", "FIXEDSIZE"}
LIKE_HTML = {
    "TABLE": {"BORDER", "CELLBORDER", "CELLSPACING", "CELLPADDING"},
    "FONT": {"POINT-SIZE", "COLOR"},
    "TD": CELL,
    "TR": set(),
    "B": set(),
    "S": set(),
}
"""The elements of our labels in DOT, with their attributes: nothing of what leads anywhere."""

XML = "{http://www.w3.org/XML/1998/namespace}"
SVG = {
    *("svg", "g", "title", "polygon", "polyline", "path", "ellipse", "text"),
    "a",  # around what has a tooltip
}
ATTRIBUTES = {
    *("width", "height", "viewBox", "id", "class", "transform", "fill", "stroke", "points", "d", "cx", "cy", "rx", "ry"),
    *("x", "y", "text-anchor", "font-family", "font-size", "font-weight", "text-decoration", "stroke-width"),
    *("stroke-dasharray", "fill-opacity", "stroke-opacity", "xlink:title", "xml:space"),
}
"""What Graphviz makes of them: shapes and text, without links, scripts, styles or pictures."""


def named(name: str, nodes: str = "ops") -> Picture:
    """A product, an op and a loop in which everything is called ``name``: values, scopes, ops, settings, bodies, workers."""
    flat = name.replace("/", "|") or "empty"  # slashes make more scopes
    mine = Op(lambda xp, x, *, label: x, name=name or "op", shape=lambda x, **_: x.dims, dtype=lambda dtype, **_: dtype)
    x, y = (new_parameter(SPEC, f"scope {flat}/{last}") for last in (f"x{flat}", "other"))
    product = Node(OPS["multiply"], (x, y), {}, (SPEC,), f"scope {flat}/z{flat}", value=Value).outputs[0]
    found = Node(mine, (product,), {"label": name}, (SPEC,), flat, value=Value).outputs[0]
    inner = new_parameter(SPEC, flat)
    doubled = Node(OPS["add"], (inner, inner), {}, (SPEC,), f"z{flat}", value=Value).outputs[0]
    _, looped = OPS["loop"](numpy.asarray(3), found, body=Function((inner,), [doubled], name), states=1)
    devices = {product.node: name or "worker", found.node: "other"}
    return draw.picture(
        [looped], title=name or "empty", nodes=nodes, devices=devices, overlay=(name or "time", {found.node: 1.0})
    )


def pictures(count: int) -> Iterator[tuple[str, Picture, str]]:
    for number, name in enumerate(sample(count)):
        nodes = NODES[number % len(NODES)]
        yield name, named(name, nodes), nodes


@pytest.fixture(scope="module")
def usual() -> dict[str, Picture]:
    return {nodes: named("plain", nodes) for nodes in NODES}


def parts(text: str) -> tuple[list[Any], list[str]]:
    """What DOT's own parser finds: each node, edge and graph with the names of its attributes; and labels like HTML."""
    found: list[Any] = []
    labels = []
    whole = pygraphviz.AGraph(string=text)
    try:
        stack = [whole]
        while stack:
            graph = stack.pop()
            found.append((str(graph.name), len(graph), graph.number_of_edges(), sorted(graph.graph_attr.keys())))
            stack += graph.subgraphs()
        labels.append(whole.graph_attr["label"] or "")
        for each in (*whole.nodes(), *whole.edges()):
            found += [(str(each), sorted(name for name, value in each.attr.items() if value))]
        labels += [each.attr["label"] for each in whole.nodes()]
    finally:
        whole.close()
    return sorted(map(repr, found)), labels


def test_dot_has_the_same_parts_and_no_attribute_that_leads_anywhere(usual: dict[str, Picture], many: Any) -> None:
    wanted = {nodes: parts(FORMATS["dot"](shown).decode())[0] for nodes, shown in usual.items()}
    for name, shown, nodes in pictures(many(1000)):
        found, labels = parts(FORMATS["dot"](shown).decode())
        assert found == wanted[nodes], name
        assert not re.search(r"'(\w*URL|\w*href|\w*target|image|shapefile|imagepath|stylesheet)'", str(found))
        for label in labels:
            for element in ElementTree.fromstring(label if label.startswith("<TABLE") else label[1:-1]).iter():
                assert set(element.attrib) <= LIKE_HTML[element.tag], name


def test_svg_is_shapes_and_text(usual: dict[str, Picture], many: Any) -> None:
    def structure(shown: Picture) -> list[str]:
        found = []
        for element in ElementTree.fromstring(FORMATS["svg"](shown)).iter():
            tag = element.tag.removeprefix("{http://www.w3.org/2000/svg}")
            keys = {key.replace("{http://www.w3.org/1999/xlink}", "xlink:").replace(XML, "xml:") for key in element.attrib}
            assert tag in SVG, tag
            assert keys <= ATTRIBUTES, keys
            found.append(tag)
        return sorted(tag for tag in found if tag != "text")

    wanted = {nodes: structure(shown) for nodes, shown in usual.items()}
    for name, shown, nodes in pictures(many(1000) // 5):
        assert structure(shown) == wanted[nodes], name


def test_mermaid_has_the_same_lines(usual: dict[str, Picture], many: Any) -> None:
    def shape(shown: Picture) -> list[str]:
        found = lines(shown)
        for line in found:
            assert any(re.fullmatch(rule, line) for rule in GRAMMAR), line
        return [re.sub(r'"[^"]*"', "", line) for line in found]

    wanted = {nodes: shape(shown) for nodes, shown in usual.items()}
    for name, shown, nodes in pictures(many(1000)):
        assert shape(shown) == wanted[nodes], name
        assert not re.search(r"<(?!/?small>|br/>)", FORMATS["mmd"](shown).decode())


def test_graphml_and_json_are_read_back_with_the_name(usual: dict[str, Picture], many: Any) -> None:
    for name, shown, nodes in pictures(many(1000)):
        graph = networkx.read_graphml(io.BytesIO(FORMATS["graphml"](shown)), force_multigraph=True)
        boxes, arrows, bodies = counts(usual[nodes])
        assert (graph.number_of_nodes(), graph.number_of_edges()) == (boxes, arrows + bodies), name
        assert graph.graph.get("title", "") == shorten(name or "empty", 400)
        text = FORMATS["json"](shown)
        assert json.loads(text)["pictures"][0]["title"] == shown.title.encode("utf-8", "replace").decode()
        back = read(text)
        assert FORMATS["json"](back) == text
        assert counts(back) == (boxes, arrows, bodies)


def test_text_is_printable_and_no_markup_of_the_terminals(usual: dict[str, Picture], many: Any) -> None:
    out = io.StringIO()
    below = {
        nodes: len(text := draw.terminal(x, width=150).decode().split("\n")) - text.index("", 1)
        for nodes, x in usual.items()
    }
    console = Console(file=out, width=150, force_terminal=False, color_system=None)
    for name, shown, nodes in pictures(many(1000)):
        found = draw.terminal(shown, width=150).decode().split("\n")
        assert len(found) - found.index("", 1) == below[nodes], name
        assert all(line.isprintable() for line in found), name
        out.seek(0)
        out.truncate()
        show(shown, console=console)
        printed = out.getvalue().split("\n")
        assert [line.rstrip() for line in printed] == found, name


def test_a_name_is_there_to_be_read_in_every_format(usual: dict[str, Picture]) -> None:
    del usual
    name = 'a<b>"c"\\N&amp;'
    shown = named(name)
    svg = "".join(ElementTree.fromstring(FORMATS["svg"](shown)).itertext()).replace("\u00a0", " ")
    numbered = "".join(c if c.isalnum() else f"#{ord(c)};" for c in name)
    for text, wanted in ((svg, name), (FORMATS["txt"](shown).decode(), name), (FORMATS["mmd"](shown).decode(), numbered)):
        assert text.count(wanted) > 3
    assert {level.picture.title for level in levels(shown)} == {name}
    assert remark(name) == name
