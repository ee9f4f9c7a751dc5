"""Timelines of several workers as pictures, traces and text, and graphs drawn with their placement."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import networkx
import pytest

import static as tf
from graphs import draw
from graphs.draw.data import read
from graphs.placing import Cluster, Link, Run, Runtime, Timeline, Transfer, heft, simulate


@pytest.fixture
def predicted() -> Timeline:
    graph = networkx.DiGraph()
    for branch in range(2):
        for depth in range(3):
            graph.add_node((branch, depth), seconds=0.05 + 0.01 * depth, name=f"branch_{branch}/matmul_{depth}")
            if depth:
                graph.add_edge((branch, depth - 1), (branch, depth), values={0: 2_000_000})
    graph.add_edge((0, 2), "loss", values={0: 8_000_000})
    graph.add_edge((1, 2), "loss", values={0: 4_000_000})
    graph.nodes["loss"]["seconds"] = 0.02
    cluster = Cluster.uniform(2, Link(1e-3, 5e8))
    homes = {key: f"worker:{key[0]}" if isinstance(key, tuple) else "worker:0" for key in graph}
    return simulate(graph, homes, cluster, Runtime(call=2e-3, answer=1e-3, wire=Link(1e-3), send=1e-3))


@pytest.fixture
def measured(predicted: Timeline) -> Timeline:
    runs = [Run(r.node, r.worker, 1.25 * r.start, 1.25 * r.end, r.name, r.kind) for r in predicted.runs]
    moved = [
        Transfer(t.node, t.source, t.target, t.size, 1.25 * t.start, 1.25 * t.end, t.value, t.readers, t.name)
        for t in predicted.transfers
    ]
    return Timeline.of(predicted.workers, runs, moved, title="measured", edges=predicted.edges)


def test_both_timelines_are_on_one_axis(predicted: Timeline, measured: Timeline) -> None:
    pytest.importorskip("matplotlib")
    text = draw.timeline(predicted, measured, title="Two <branches> & $1").decode()
    ElementTree.fromstring(text)
    assert draw.timeline(predicted, measured, title="Two <branches> & $1").decode() == text
    words = [
        "".join(each.itertext()).strip() for each in ElementTree.fromstring(text).iter("{http://www.w3.org/2000/svg}text")
    ]
    assert "Two <branches> & $1" in words
    assert words.count("worker:1") == 2
    assert words.count("loss") == 2
    assert [word for word in words if word.startswith(("predicted", "measured"))] == [
        f"{each.title}: {draw.timelines.quantity(each.makespan, 's')}, 4 MB in 1 transfer" for each in (predicted, measured)
    ]
    assert draw.timeline(predicted, critical=False).decode().count(draw.timelines.CRITICAL) == 0
    assert text.count(draw.timelines.CRITICAL) > 2 * len([each for each in predicted.critical if isinstance(each, Run)])


def test_formats(predicted: Timeline, measured: Timeline, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    for suffix, begins in (("png", b"\x89PNG"), ("pdf", b"%PDF")):
        path = draw.save_timeline(tmp_path / f"run.{suffix}", predicted, measured)
        first = path.read_bytes()
        assert first.startswith(begins)
        assert draw.save_timeline(path, predicted, measured).read_bytes() == first
    events = json.loads(draw.save_timeline(tmp_path / "run.json", predicted, measured).read_text())["traceEvents"]
    assert {event["args"]["name"] for event in events if event["name"] == "process_name"} == {"predicted", "measured"}
    with pytest.raises(ValueError, match="no format gif"):
        draw.timeline(predicted, format="gif")


def test_short_kernels_are_drawn_together() -> None:
    pytest.importorskip("matplotlib")
    runs = [Run(at, "a", at * 1e-4, (at + 1) * 1e-4, f"op{at}") for at in range(5_000)]
    text = draw.timeline(Timeline.of("ab", [*runs, Run("long", "b", 0.0, 1.0, "long")])).decode()
    assert "5000 kernels" in text
    assert len(text) < 100_000
    assert draw.timeline(Timeline.of("ab", [])).startswith(b"<?xml")


def test_in_the_terminal(predicted: Timeline, measured: Timeline) -> None:
    text = draw.timeline_text(predicted, measured)
    assert text == draw.timeline_text(predicted, measured)
    lines = text.splitlines()
    rows = [line.split(None, 1)[1] for line in lines if line.startswith("  worker:0")]
    assert len(rows[1]) == 64
    assert len(rows[0]) == round(64 / 1.25)
    assert set(rows[0]) <= {"█", "▒", "▪", "·"}
    other = next(line for line in lines if line.startswith("  worker:1"))
    assert other.count("█") > 35 > 10 > rows[0].count("█") > 0
    assert "-20 %" in next(line for line in lines if "whole run" in line)
    assert "4 MB" in next(line for line in lines if "worker:1  worker:0" in line)
    assert "matmul_0  matmul_1  matmul_2" in text
    assert "off by" not in draw.timeline_text(predicted)


@pytest.fixture
def net():
    tf.reset_default_graph()
    x = tf.placeholder(tf.float32, [8, 3], name="x")
    with tf.device("/job:worker/task:0"):
        h = tf.nn.relu(x, name="left")
    with tf.device("/job:worker/task:1"):
        k = tf.tanh(x, name="right")
    return x, h, k, tf.add(h, k, name="sum")


def test_a_graph_with_its_placement(net) -> None:
    _, h, _, out = net
    homes = {h.op.serial: "worker:0", "right": "worker:0", out.op: "worker:1"}
    picture = draw.picture([out], devices=homes)
    words = {item.node.name: item.device for item in picture.items}
    assert words == {"x": "", "left": "on worker:0", "right": "≠ asked worker:1, on worker:0", "sum": "on worker:1"}
    crossing = {(picture.items[link.tail].node.name, link.notes) for link in picture.links if link.status == "crossing"}
    assert crossing == {("left", ("96 B",)), ("right", ("96 B",))}
    dot = draw.dot([out], devices=homes)
    assert dot == draw.dot([out], devices=homes)
    assert dot.count("style=bold") == 2
    assert "dashed: not where it was asked to be" in dot
    assert "crosses between workers" in dot
    first, second = draw.style.WORKERS[:2]
    assert [dot.count(f'fillcolor="{fill}"') for fill, _ in (first, second)] == [2, 1]
    assert 'fillcolor="#ffffff"' in dot
    again = read(draw.draw([out], devices=homes, format="json"))
    assert [item.device for item in again.items] == [item.device for item in picture.items]
    page = draw.draw([out], devices=homes, format="html").decode()
    assert "crosses between workers" in page
    assert "asked worker:1, on worker:0" in draw.draw([out], devices=homes, format="txt").decode()


def test_a_placement_is_drawn_and_all_on_one_worker_keeps_the_usual_colours(net) -> None:
    *_, out = net
    graph = networkx.DiGraph()
    nodes = [item.node for item in draw.picture([out]).items]
    for node in nodes:
        graph.add_node(node.serial, seconds=1.0)
    spread = heft(graph, Cluster.uniform(2), {node.serial: f"worker:{at % 2}" for at, node in enumerate(nodes)})
    assert {item.device for item in draw.picture([out], devices=spread).items} >= {"on worker:0", "on worker:1"}
    dot = draw.dot([out], devices={node.serial: "worker:0" for node in nodes})
    assert "crosses between workers" not in dot
    assert draw.style.LOOKS["placeholder"].fill in dot
