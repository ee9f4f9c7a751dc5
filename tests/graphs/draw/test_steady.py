"""Large graphs in time, the same bytes, and boxes that stay where they are when a node is added."""

from __future__ import annotations

import itertools
import re
from pathlib import Path

import numpy
import pytest
from typer.testing import CliRunner

import static as tf
from graphs import draw
from graphs.cli import app
from graphs.core.node import Node, Value, new_parameter
from graphs.core.op import OPS
from graphs.core.spec import Spec
from tests.helpers import calls_in


DEMOS = Path(__file__).parents[3] / "demos"


def negative(x, name):
    return Node(OPS["negative"], (x,), {}, (x.spec,), name, value=Value).outputs[0]


def fan(count):
    x = new_parameter(Spec((), "float32"), "x")
    return [negative(x, f"leaf_{at}") for at in range(count)]


def nested(count):
    """A chain through scopes, up to 60 within each other."""
    x = new_parameter(Spec((), "float32"), "x")
    for at in range(count):
        x = negative(x, "/".join([*(f"s{level}" for level in range(at % 60 + 1)), f"n{at}"]))
    return [x]


@pytest.mark.parametrize("make", [fan, nested])
def test_fifty_thousand_nodes_are_drawn(make, many):
    shown = draw.picture(make(many(50_000)))
    assert draw.FORMATS["svg"](shown, legend=True, direction="TB").startswith(b"<?xml")
    assert len(shown.items) <= 200
    assert sum(item.count for item in shown.items) == many(50_000) + 1


@pytest.mark.parametrize("make", [fan, nested])
def test_the_work_grows_with_the_nodes_and_no_faster(make):
    def work(count):
        roots = make(count)
        return calls_in(lambda: draw.FORMATS["svg"](draw.picture(roots), legend=True, direction="TB"))

    few, more, most = work(1000), work(2000), work(4000)
    assert most - more < 2.4 * (more - few)


def net(extra: bool):
    """The loss of a two-layer net and its training step; with ``extra`` one more node in the middle."""
    with tf.Graph().as_default():
        x = tf.placeholder("float32", [None, 8], name="x")
        y = tf.placeholder("float32", [None, 2], name="y")
        w1 = tf.get_variable("w1", [8, 6])
        w2 = tf.get_variable("w2", [6, 2])
        hidden = tf.nn.relu(tf.matmul(x, w1))
        if extra:
            hidden = tf.tanh(hidden, name="extra")
        loss = tf.reduce_sum(tf.square(tf.matmul(hidden, w2) - y))
        train = tf.train.GradientDescentOptimizer(0.1).minimize(loss)
    return [loss, train]


def places(roots, **settings):
    """Where each box is: its middle, by the name of its node."""
    shown = draw.picture(roots, **settings)
    svg = draw.FORMATS["svg"](shown, legend=False, direction="TB").decode()
    found = {}
    for number, body in re.findall(r"<title>n(\d+)</title>(.*?)</g>\n?(?=<g|</g>|<!|\n)", svg, re.DOTALL):
        corners = re.findall(r"(-?[\d.]+),(-?[\d.]+)", " ".join(re.findall(r'(?:points|d)="([^"]*)"', body)))
        if corners:
            middle = numpy.array(corners, float).mean(axis=0)
            found[shown.items[int(number) - 1].node.name] = (middle[0], middle[1])
    return found


@pytest.mark.parametrize(("view", "least"), [("forward", 0.95), ("joined", 0.9)])
def test_adding_a_node_moves_few_others(view, least):
    before, after = places(net(False), view=view), places(net(True), view=view)
    both = sorted(before.keys() & after.keys())
    assert len(both) >= len(before) - 1
    same = [
        numpy.sign(before[a][axis] - before[b][axis]) == numpy.sign(after[a][axis] - after[b][axis])
        for a, b in itertools.combinations(both, 2)
        for axis in (0, 1)
    ]
    assert numpy.mean(same) >= least


@pytest.mark.parametrize("settings", [{"nodes": "both"}, {"nodes": "tensors"}, {"overlay": "memory"}, {"depth": 0}])
def test_the_same_program_gives_the_same_bytes(settings):
    assert draw.svg(net(False), **settings) == draw.svg(net(False), **settings)


# The command


def run(*args):
    done = CliRunner().invoke(app, ["draw", str(DEMOS / "two_layer.py"), *map(str, args)])
    assert done.exit_code == 0, done.output
    return {Path(line).name: Path(line).read_text(encoding="utf-8") for line in done.stdout.splitlines()}


def test_the_command_draws_one_mode_one_view_one_format(tmp_path):
    made = run("--out", tmp_path, "--mode", "static", "--view", "forward", "--format", "dot", "--nodes", "both")
    assert list(made) == ["two_layer-static-forward.dot"]
    assert "shape=ellipse" in made["two_layer-static-forward.dot"]


def test_the_command_runs_a_step_for_what_takes_one(tmp_path):
    shown = ("--show", "shapes", "--show", "values", "--show", "gradients", "--view", "joined", "--format", "dot")
    made = run("--out", tmp_path, *shown, "--regions", "--update", "--devices")
    static, dynamic = made["two_layer-static-joined.dot"], made["two_layer-dynamic-joined.dot"]
    for dot in (static, dynamic):
        assert "mean" in dot
        assert "\u2016\u2207\u2016" in dot
        assert "on CPU:0" in dot
    assert "fused to one kernel" in static
    assert "outside: Python changes the parameters" in dynamic
    timed = run("--out", tmp_path, "--overlay", "time", "--log", "--view", "forward", "--format", "dot")
    assert all("time, logarithmic" in dot for dot in timed.values())


def test_the_command_refuses_what_it_does_not_know(tmp_path):
    done = CliRunner().invoke(app, ["draw", str(DEMOS / "two_layer.py"), "--out", str(tmp_path), "--mode", "lazy"])
    assert done.exit_code
    assert "there is no mode lazy; there are static, dynamic" in str(done.exception)
