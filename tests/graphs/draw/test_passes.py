"""Pictures of what passes did: what stayed, came, went and became something else, inside bodies too, in few boxes."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy
import pytest

import static as tf
from graphs.draw import FORMATS, Picture, pass_pictures
from graphs.draw.passes import statuses
from graphs.draw.style import MARKS, STATUSES
from static.passes import PIPELINE, Pass, cse, fold, fuse, simplify, stabilise


@pytest.fixture(autouse=True)
def _fresh_graph() -> Iterable[None]:
    with tf.Graph().as_default():
        yield


def pictures(
    fetches: Any, fed: Sequence[Any] = (), passes: Sequence[Pass] = PIPELINE, **settings: Any
) -> dict[str, Picture]:
    stages = tf.Session(passes=passes).plan(fetches, fed).outcome.stages
    return dict(pass_pictures(stages, title="test", **settings))


def found(picture: Picture, status: str) -> list[str]:
    """The names of the nodes with a status, and of what each became."""
    names = {item.key: item.node.name for item in picture.items if item.node is not None}
    became = {link.tail: names[link.head] for link in picture.links if link.kind == "became"}
    return sorted(
        f"{names[item.key]} -> {became[item.key]}" if item.key in became else names[item.key]
        for item in picture.items
        if item.status == status
    )


def test_each_pass_that_changed_something_has_a_picture() -> None:
    x = tf.placeholder("float32", (None, 4), name="x")
    p = tf.nn.softmax(x * 1.0, name="p")
    y = tf.log(p, name="y")
    z = tf.add(tf.exp(x, name="one"), tf.exp(x, name="two"), name="z")
    shown = pictures([y, z], [x], (fold, cse, stabilise, cse))
    assert [name.partition("-")[2] for name in shown] == ["as-written", "cse", "stabilise", "as-run"]
    assert statuses(shown["00-as-written"]) == {"": 7}
    by_pass = {name.partition("-")[2]: picture for name, picture in shown.items()}
    assert found(by_pass["cse"], "merged") == ["two -> one"]
    assert found(by_pass["cse"], "kept") == ["mul", "one", "p", "x", "y", "z"]
    stable = by_pass["stabilise"]
    assert found(stable, "added") == ["y"]
    assert found(stable, "merged") == ["mul -> x", "p -> y", "y -> y"]
    assert {item.notes for item in stable.items if item.status in ("added", "merged")} == {
        ("by logarithm_of_softmax",),
        ("by times_one",),
    }
    edges = {(link.status, link.kind) for link in stable.links}
    assert edges == {("kept", "data"), ("added", "data"), ("removed", "data"), ("merged", "became")}
    assert [item.status for item in stable.items if item.root] == ["added", "kept"], "the new one is fetched"


def test_what_nothing_reads_any_more_falls_away() -> None:
    x = tf.placeholder("float32", (3,), name="x")
    shown = pictures(tf.zeros_like(tf.sin(x, name="unread"), name="out"), [x], (fold,))
    picture = next(picture for name, picture in shown.items() if name.endswith("fold"))
    assert found(picture, "removed") == ["unread"]
    assert found(picture, "merged") == ["out -> out"]
    assert found(picture, "added") == ["out"]
    assert found(list(shown.values())[-1], "") == ["out"]


def test_a_node_that_only_reads_something_else_has_stayed() -> None:
    x = tf.placeholder("float32", (3,), name="x")
    shown = pictures(tf.exp(tf.negative(tf.identity(x * 1.0, name="a"), name="b"), name="c"), [x], (simplify,))
    picture = next(picture for name, picture in shown.items() if name.endswith("simplify"))
    assert found(picture, "kept") == ["b", "c", "x"]
    assert found(picture, "merged") == ["a -> x", "mul -> x"]


def test_a_fused_region_takes_in_its_nodes() -> None:
    x = tf.placeholder("float32", (3,), name="x")
    y = tf.sqrt(tf.square(x, name="squared") + 1.0, name="root")
    shown = pictures(y, [x], (fuse,))
    picture = next(picture for name, picture in shown.items() if name.endswith("fuse"))
    (new,) = found(picture, "added")
    assert sorted(found(picture, "merged")) == [f"add -> {new}", f"root -> {new}", f"squared -> {new}"]
    assert "of squared, add, root" in FORMATS["dot"](picture, legend=True, direction="TB").decode()
    (item,) = [item for item in list(shown.values())[-1].items if item.node.op.name == "fused"]
    assert len(item.bodies[0][1].items) == 4, "its inside is drawn where it is run"


def test_bodies_of_loops_are_compared_too() -> None:
    x = tf.placeholder("float32", (None, 3), name="x")
    states = tf.scan(lambda s, row: tf.tanh(s * 1.0 + row), x, tf.zeros((3,)))
    shown = pictures(states, [x], (fold, simplify))
    picture = next(picture for name, picture in shown.items() if name.endswith("simplify"))
    (loop,) = [item for item in picture.items if item.status == "changed"]
    ((word, body),) = loop.bodies
    assert word == "body"
    assert [item.status for item in body.items if item.node.op.name == "multiply"] == ["merged"]
    assert {item.title for item in body.items if item.title} == {"input 0", "input 1"}
    legend = FORMATS["dot"](picture, legend=True, direction="TB").decode()
    for status in ("kept", "changed", "merged"):
        assert STATUSES[status].word in legend


def deep(layers: int) -> tuple[list[Any], list[Any]]:
    x = h = tf.placeholder("float32", (None, 8), name="x")
    for i in range(layers):
        with tf.variable_scope(f"layer{i}"):
            h = tf.nn.relu(tf.matmul(h, tf.get_variable("w", (8, 8)))) * (1.0 if i == 3 else 2.0)
    loss = tf.reduce_sum(h)
    return [loss, tf.train.AdamOptimizer().minimize(loss)], [x]


@pytest.mark.parametrize("budget", [12, 40, 100])
def test_large_graphs_show_a_place_of_each_sort(budget: int) -> None:
    shown = pictures(*deep(30), budget=budget)
    assert len(shown) >= 5
    for picture in shown.values():
        assert len(picture.items) <= budget
        assert len(picture.items) >= 3
    picture = next(picture for name, picture in shown.items() if name.endswith("simplify"))
    assert "places" in picture.title
    text = " ".join(note for item in picture.items for note in item.notes)
    assert "by times_one" in text, "what is rare is shown first"
    assert "places alike" in text


def test_the_same_program_gives_the_same_bytes() -> None:
    code = """
import static as tf
from graphs.draw import FORMATS, pass_pictures
x = tf.placeholder("float32", (None, 3), name="x")
for _ in range({made}):
    tf.exp(x)
w = tf.Variable(tf.ones((3, 3)), name="w")
states = tf.scan(lambda s, row: tf.tanh(tf.linalg.matvec(w, s) * 1.0 + row), x, tf.zeros((3,)))
stages = tf.Session().plan([states, *tf.gradients(states, w)], [x]).outcome.stages
for name, picture in pass_pictures(stages):
    print(name, FORMATS["dot"](picture, legend=True, direction="TB").decode())
"""
    root = Path(__file__).parents[3]
    out = [
        subprocess.run(
            [sys.executable, "-c", code.format(made=made)], capture_output=True, text=True, check=True, cwd=root
        ).stdout
        for made in (0, 7)
    ]
    assert out[0] == out[1]
    assert "changed inside" in out[0]


def test_no_colour_is_needed_to_tell_what_happened() -> None:
    outlines = {(look.style.replace("rounded,", ""), look.width, MARKS.get(status)) for status, look in STATUSES.items()}
    assert len(outlines) == len(STATUSES)
    assert set(MARKS) == set(STATUSES) - {"kept"}
    shades = sorted(luminance(look.line) for look in STATUSES.values())
    assert shades[-1] < 0.4, "each line stands out on white paper"


def luminance(colour: str) -> float:
    parts = numpy.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    linear = numpy.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def test_a_program_without_passes_has_one_picture_at_most() -> None:
    assert list(pass_pictures([])) == []
    x = tf.placeholder("float32", (3,), name="x")
    assert list(pictures(tf.exp(x), [x], ())) == ["00-as-written", "03-as-run"]
