"""A node that stands for several names them and their lines: in errors, timings, pictures. What is inside is fetched."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy
import pytest

import static as tf
from graphs.draw import FORMATS, pass_pictures
from static.passes import fold, fuse
from static.plan import Plan


FILE = Path(__file__).name


@pytest.fixture(autouse=True)
def _fresh_graph() -> Iterable[None]:
    with tf.Graph().as_default():
        yield


def region() -> tuple[Any, dict[str, Any]]:
    x = tf.placeholder("float32", (None, 2), name="x")
    doubled = tf.multiply(x, 2.0, name="doubled")
    squashed = tf.tanh(doubled, name="squashed")
    return x, {"doubled": doubled, "squashed": squashed, "shifted": tf.add(squashed, 1.0, name="shifted")}


def test_what_is_inside_a_region_is_fetched_at_any_time() -> None:
    x, named = region()
    given = numpy.array([[1.0, -2.0], [0.5, 3.0]], "f4")
    plain = tf.Session(passes=())
    session = tf.Session(passes=(fold, fuse))
    assert len(session.plan(named["shifted"], {x: given}).outcome.program.nodes) == 1
    for names in (["shifted"], ["squashed"], ["doubled", "shifted"], ["shifted", "squashed", "doubled"]):
        fetches = [named[name] for name in names]
        found, wanted = session.run(fetches, {x: given}), plain.run(fetches, {x: given})
        for a, b in zip(found, wanted, strict=True):
            numpy.testing.assert_allclose(a, b, rtol=1e-6)
        assert [node.op.name for node in session.plan(fetches, {x: given}).outcome.program.nodes].count("fused") <= 1
    numpy.testing.assert_array_equal(session.run(named["shifted"], {named["doubled"]: given}), numpy.tanh(given) + 1)


def test_a_region_that_stands_on_both_sides_of_another_is_found() -> None:
    """The last sum would join ``low`` over ``total``, which comes of the first of a region whose last reads ``low``."""
    x, y = tf.placeholder("float32", (2, 3)), tf.placeholder("float32", (3,))
    size = tf.abs(x)
    total = tf.reduce_sum(size)
    low = tf.negative(y)
    out = [tf.add(size, low), tf.add(low, total)]
    session = tf.Session(passes=(fuse,))
    given = {x: numpy.arange(6, dtype="f4").reshape(2, 3), y: numpy.ones(3, "f4")}
    for found, wanted in zip(session.run(out, given), tf.Session(passes=()).run(out, given), strict=True):
        numpy.testing.assert_array_equal(found, wanted)


def test_regions_of_dense_graphs_in_several_shapes(many: Callable[[int], int]) -> None:
    """Rows, columns and single numbers that go into one another, all of them fetched."""
    fed = [numpy.linspace(-1.0, 1.0, 12).reshape(3, 4), numpy.linspace(0.0, 2.0, 4), numpy.array(0.5)]
    for number in range(many(1500)):
        chosen = random.Random(number)
        with tf.Graph().as_default():
            given = {tf.placeholder("float64", each.shape): each for each in fed}
            pool = list(given)
            for _ in range(chosen.randint(5, 40)):
                a, b = chosen.choice(pool[-8:] if chosen.random() < 0.7 else pool), chosen.choice(pool[-8:])
                kind = chosen.random()
                pool.append(tf.reduce_max(a, None if kind < 0.15 else 0) if kind < 0.25 and a.shape.ndims else a + b * 0.5)
            fetches = pool[len(given) :]
            wanted = tf.Session(passes=()).run(fetches, given)
            for found, right in zip(tf.Session(passes=(fuse,)).run(fetches, given), wanted, strict=True):
                numpy.testing.assert_allclose(found, right, rtol=1e-12, err_msg=f"graph {number}")


def test_an_error_in_a_region_names_the_node_that_fails_and_its_line() -> None:
    y, z = tf.placeholder("float32", (None,), name="y"), tf.placeholder("float32", (None,), name="z")
    summed = tf.add(tf.square(y, name="squared"), z, name="summed")
    out = tf.exp(summed, name="out")
    plan = Plan([out], [y, z], (fold, fuse))
    assert any(node.op.name == "fused" for node in plan.outcome.program.nodes)
    with pytest.raises(tf.errors.InvalidArgumentError) as raised:
        plan({}, [numpy.ones(2, "f4"), numpy.ones(3, "f4")])
    message = str(raised.value)
    assert message.startswith("summed: operands could not be broadcast together")
    assert "computed with" in message
    assert "out" in message
    assert f"{FILE}:" in message
    assert 'name="summed"' in message
    assert raised.value.op is summed.op


def test_a_trace_names_the_nodes_of_a_region_and_their_lines() -> None:
    x, named = region()
    metadata = tf.RunMetadata()
    options = tf.RunOptions(trace_level=tf.RunOptions.FULL_TRACE)
    session = tf.Session(passes=(fold, fuse))
    session.run(named["shifted"], {x: [[1.0, 2.0]]}, options=options, run_metadata=metadata)
    (stats,) = metadata.step_stats.dev_stats[0].node_stats
    assert stats.node_name == "shifted"
    assert [words.partition(",")[0] for words in stats.origins] == ["doubled", "squashed", "shifted"]
    assert all(FILE in words for words in stats.origins)
    from static.python.client.timeline import Timeline

    events = json.loads(Timeline(metadata.step_stats).generate_chrome_trace_format())["traceEvents"]
    (bar,) = [event for event in events if event["ph"] == "X"]
    assert bar["args"]["of0"] == stats.origins[0]
    assert bar["dur"] > 0


def test_a_picture_names_the_nodes_of_a_region_and_their_lines() -> None:
    x, named = region()
    stages = tf.Session(passes=(fold, fuse)).plan(named["shifted"], [x]).outcome.stages
    *_, (_, shown) = pass_pictures(stages)
    text = FORMATS["dot"](shown, legend=True, direction="TB").decode()
    assert "of doubled, squashed, shifted" in text
    assert f"shifted  of doubled {FILE}:" in text, "in the tooltip"
