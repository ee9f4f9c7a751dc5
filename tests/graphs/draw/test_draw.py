"""Pictures of graphs: formats, views, styles, hostile names, and the same bytes in any process."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree

import networkx
import numpy
import pytest
from PIL import Image

import static as tf
from graphs import draw
from graphs.autodiff import symbolic
from graphs.core.function import Function, trace
from graphs.core.node import Node, Value, new_parameter
from graphs.core.op import OPS, Op
from graphs.core.spec import Spec
from graphs.draw.labels import value_label
from tests.graphs.draw import programs


SVG = "{http://www.w3.org/2000/svg}"


def boxes(svg: str, kind: str = "node") -> list[str]:
    """The words in each node of an SVG picture."""
    found = [g for g in ElementTree.fromstring(svg).iter(f"{SVG}g") if g.get("class") == kind]
    return [" | ".join("".join(t.itertext()) for t in g.iter(f"{SVG}text")) for g in found]


def test_index_has_every_node_argument_and_order_of_execution():
    x = new_parameter(Spec((None, 3), "float32"), "x")
    y = x * x
    z = Node(OPS["negative"], (y,), {}, (y.spec,), "z", value=Value, after=(x.node,))
    graph = draw.collect([z])
    assert isinstance(graph, networkx.MultiDiGraph)
    assert list(graph) == [x.node.serial, y.node.serial, z.serial]
    data = [(t, h, d["out"], d["at"], d["spec"]) for t, h, d in graph.edges(data=True) if d["kind"] == "data"]
    assert sorted(data[:2], key=lambda e: e[3]) == [(x.node.serial, y.node.serial, 0, at, x.spec) for at in (0, 1)]
    assert [(t, h) for t, h, d in graph.edges(data=True) if d["kind"] == "control"] == [(x.node.serial, z.serial)]


def test_svg_shows_ops_shapes_scalars_and_what_was_asked_for():
    svg = draw.svg(programs.net(), title="Two-layer net")
    words = boxes(svg)
    assert len(words) == 10
    assert len(boxes(svg, "edge")) == 9
    assert "maximum | y=0.0" in words
    assert words[-1] == "sum | output 0 | ()"
    assert [e.strip() for e in boxes(svg, "edge")].count("(?, 100)") == 2
    assert "Two-layer net" in "".join(ElementTree.fromstring(svg).itertext())
    assert "float32 unless noted" in svg


def test_every_format_without_any_program_on_the_path(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(subprocess, "Popen", lambda *_, **__: pytest.fail("a program was started"))
    net = programs.net()
    for suffix, start in {"dot": b"digraph", "svg": b"<?xml", "png": b"\x89PNG", "pdf": b"%PDF", "txt": b"float32 "}.items():
        path = draw.save(tmp_path / f"net.{suffix}", net)
        assert path.read_bytes().startswith(start)
    with Image.open(tmp_path / "net.png") as image:
        assert image.width < 1200
        colours = image.convert("RGB").getcolors(100_000)
    assert {(0xDB, 0xEE, 0xFA), (255, 255, 255)} <= {colour for _, colour in colours}
    with pytest.raises(ValueError, match="no format gif; there are dot"):
        draw.save(tmp_path / "net.gif", net)


def test_dtypes_stand_where_they_are_not_the_common_one():
    x = new_parameter(Spec((2,), "float64"), "x")
    mask = OPS["greater"](x, 0.0)
    edges = [e.strip() for e in boxes(draw.svg([OPS["where"](mask, x, x * x)]), "edge")]
    assert "(2,) bool" in edges
    assert "(2,)" in edges
    assert "float64 unless noted" in draw.svg([x * x])


def test_edges_of_which_only_the_shape_is_read_look_different():
    x = new_parameter(Spec((3,), "float32"), "x")
    assert [link.kind for link in draw.picture([OPS["ones_like"](x)]).links] == ["shape"]
    assert [link.kind for link in draw.picture([-x]).links] == ["data"]


@pytest.mark.parametrize(
    "name", ["<lambda>", 'a "quoted" one', "back\\slash\\N", "two\nlines", "<b>&amp;<b>", "\x00\x1b", "n1"]
)
def test_hostile_names_come_out_as_text(name):
    x = new_parameter(Spec((2,), "float32"), f"scope {name}/{name}")
    y = new_parameter(Spec((2,), "float32"), f"scope {name}/other")
    out = x * y
    svg = draw.svg([out], title=name)
    assert len(boxes(svg)) == 3
    assert len(boxes(svg, "edge")) == 2
    shown = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in name)
    assert any(shown in words for words in boxes(svg))
    assert boxes(svg, "cluster") == [f"scope {shown}"]
    assert f"scope {shown}/{shown}" in [
        a.get("{http://www.w3.org/1999/xlink}title") for a in ElementTree.fromstring(svg).iter(f"{SVG}a")
    ]
    assert draw.text([out]).count("\n") == 3


def test_name_scopes_are_clusters_within_clusters():
    a, b, c = (new_parameter(Spec((), "float32"), name) for name in ("net/one/a", "net/one/b", "net/two/c"))
    assert boxes(draw.svg([a + b, c]), "cluster") == ["net", "one"]


def test_kinds_of_nodes_look_different():
    source = Op(lambda xp: None, name="variable", shape=lambda: (), dtype=lambda: "float32", traits=("source",))
    update = Op(lambda xp, v, x: x, name="assign", shape=lambda v, x: (), dtype=lambda v, x: "float32", traits=("update",))
    scalar = Spec((), "float32")
    variable = Node(source, (), {}, (scalar,), "w", value=Value).outputs[0]
    assigned = Node(update, (variable, variable * 2.0), {}, (scalar,), "assign", value=Value)
    roots = [assigned, -variable]
    drawn = draw.picture(roots)
    assert [item.kind for item in drawn.items] == ["variable", "update", "update", "operation"]
    assert sorted(link.kind for link in drawn.links) == ["changes", "data", "data", "data"]
    fills = re.findall(r"n\d .*?fillcolor=\"(#\w+)\"", draw.dot(roots))
    assert len(set(fills)) == 3


def test_views_of_a_graph_with_gradients():
    train = programs.training()
    every = draw.picture(train)
    assert {item.phase for item in every.items} == {"forward", "backward", "update"}
    forward = draw.picture(train, view="forward")
    assert {item.phase for item in forward.items} == {"forward"}
    assert all(item.title or item.node.name != "rate" for item in forward.items)
    backward = draw.picture(train, view="backward")
    assert {item.kind for item in backward.items} >= {"gradient", "update", "outside"}
    scaled = next(item for item in every.items if item.node.name == "scaled")
    assert scaled.phase == "update"
    with pytest.raises(ValueError, match="nothing backward in this graph"):
        draw.picture(programs.net(), view="backward")
    chosen = draw.picture(train, view="backward", phase=lambda node: "backward" if node.name == "scaled" else "forward")
    assert [item.node.name for item in chosen.items if item.phase == "backward"] == ["scaled"]


def test_bodies_are_drawn_inside_a_dashed_cluster():
    body, _ = trace(lambda x: x * 2.0, Spec((3,), "float32"), name="doubled")
    looped = Op(
        lambda xp, x, *, body: x, name="looped", shape=lambda x, body: x.dims, dtype=lambda x, body: x, traits=("control",)
    )
    x = new_parameter(Spec((3,), "float32"), "x")
    out = Node(looped, (x,), {"body": body}, (x.spec,), "loop", value=Value)
    svg = draw.svg([out])
    assert boxes(svg, "cluster") == ["body: doubled"]
    assert "multiply | output 0 | y=2.0 | (3,)" in boxes(svg)
    assert len(boxes(svg)) == 4
    listed = draw.text([out]).splitlines()
    assert listed[2] == "    body: doubled"
    assert listed[4].startswith("    %2.2 = multiply(%2.1, 2.0)  float32(3,)")


def test_listing_has_one_line_a_node():
    lines = draw.text(programs.net()).splitlines()
    assert len(lines) == 10
    assert lines[4].startswith("%5 = matmul(%1, %3)  float32(?, 100)  programs.py:")
    assert lines[5].startswith("%6 = maximum(%5, 0.0)  float32(?, 100)  ")


def test_same_bytes_in_any_process():
    script = (
        "import hashlib, sys\n"
        "from graphs import draw\n"
        "from graphs.draw.card import card\n"
        "from tests.graphs.draw import programs\n"
        "if sys.argv[1] == '2': programs.net()\n"
        "for made in (programs.net(), programs.training(), programs.deep(300)):\n"
        "    for form in ('dot', 'svg', 'png', 'pdf', 'txt', 'mmd', 'graphml', 'json'):\n"
        "        print(form, hashlib.sha256(draw.draw(made, format=form, budget=40)).hexdigest())\n"
        "    cards = [card(item) for item in draw.picture(made, budget=40).items]\n"
        "    print('cards', hashlib.sha256(repr(cards).encode()).hexdigest())\n"
    )

    def run(seed: str, **settings: str) -> str:
        environment = {**os.environ, "PYTHONHASHSEED": seed, **settings}
        done = subprocess.run(
            [sys.executable, "-c", script, seed], env=environment, capture_output=True, text=True, check=True, timeout=120
        )
        return done.stdout

    first = run("1")
    assert first.count("\n") == 27
    assert run("2", FONTCONFIG_FILE=os.devnull, PATH="") == first


def test_no_process_wide_numbers_or_versions_in_the_text():
    svg = draw.svg(programs.net())
    assert "<!--" not in svg
    assert not re.search(r"parameter_\d+|matmul_\d+", svg + draw.dot(programs.net()))


def test_values_are_written_in_few_words():
    values = [numpy.float32(0.1), numpy.arange(3), numpy.zeros((2, 2)), (1, None), slice(None, 2), numpy.dtype("int64"), int]
    words = ["0.1", "[0, 1, 2]", "float64(2, 2)", "(1, None)", ":2", "int64", "int"]
    assert [value_label(value) for value in values] == words
    assert value_label(object()) == "object"


def test_what_is_no_root_is_refused():
    with pytest.raises(TypeError, match="not from this ndarray"):
        draw.draw([numpy.zeros(3)])
    with pytest.raises(ValueError, match="at least one root"):
        draw.draw([])
    with pytest.raises(ValueError, match="no view sideways"):
        draw.draw(programs.net(), view="sideways")
    with pytest.raises(ValueError, match="TB or LR"):
        draw.draw(programs.net(), direction="up")


def test_a_single_edge_is_a_root_too():
    x = new_parameter(Spec((2,), "float32"), "x")
    assert draw.text(-x) == draw.text([-x]).replace("%3", "%2")


def test_gradients_by_symbolic_differentiation_can_be_drawn():
    x = new_parameter(Spec((None, 4), "float32"), "x")
    loss = OPS["sum"](x * x)
    (gradient,) = symbolic([loss], [None], [x])
    image = Image.open(io.BytesIO(draw.draw([loss, gradient], format="png")))
    assert image.size > (100, 100)
    assert isinstance(Function([x], [gradient]), Function)


def test_later_outputs_are_told_apart():
    x = new_parameter(Spec((2,), "float32"), "x")
    _, second = OPS["split"](x, sections=2)
    assert "negative(%2:1)" in draw.text([-second])


def test_static_tensors_variables_and_operations_are_roots():
    with tf.Graph().as_default():
        weights = tf.Variable(tf.ones([3]), name="weights")
        out = tf.reduce_sum(weights * 2.0)
        change = weights.assign(weights - tf.gradients(out, [weights])[0])
    assert draw.text([weights]) == draw.text([weights.op])
    shown = draw.picture([out, change], view="backward")
    assert [link.kind for link in shown.links].count("changes") == 1
    assert {item.phase for item in shown.items} == {"forward", "backward", "update"}
    assert "weights/read" in draw.text(out)


def test_a_body_is_drawn_once_and_only_where_there_is_room():
    body, _ = trace(lambda x: x * 2.0, Spec((), "float32"), name="doubled")
    apply = Op(lambda xp, x, *, body: x, name="apply", shape=lambda x, body: x.dims, dtype=lambda x, body: x)
    x = new_parameter(Spec((), "float32"), "x")
    ends = [Node(apply, (x,), {"body": body}, (x.spec,), "", value=Value) for _ in range(2)]
    first, second = draw.picture(ends).items[1:]
    assert (len(first.bodies), first.notes) == (1, ())
    assert (len(second.bodies), second.notes) == (0, ("body: doubled, 1 nodes",))
    assert not any(item.bodies for item in draw.picture(ends, budget=4).items)


def test_an_optimisers_own_nodes_are_no_part_of_the_forward_view():
    with tf.Graph().as_default():
        weights = tf.Variable(tf.ones([3]), name="weights")
        out = tf.reduce_sum(weights * 2.0)
        train = tf.train.AdamOptimizer(0.1).minimize(out)
    forward = draw.picture([out, train], view="forward")
    assert [item.node.op.name for item in forward.items] == ["variable", "multiply", "sum"]
    scopes = {item.node.name: item.scope for item in draw.picture([out, train]).items if item.kind == "variable"}
    assert scopes["weights"] == scopes["weights/Adam"] == ("weights",)


def test_a_plain_read_is_part_of_its_variable_and_an_ordered_one_is_not():
    with tf.Graph().as_default():
        weights = tf.Variable(tf.ones([3]), name="weights")
        change = weights.assign_add(tf.ones([3]))
        with tf.control_dependencies([change]):
            later = tf.identity(weights.read_value())
        both = later + weights
    shown = draw.picture([both])
    assert [item.count for item in shown.items if item.kind == "variable"] == [2]
    assert [item.node.op.name for item in shown.items].count("read") == 1
