"""Two scripts of somebody else's, run unchanged: steps, speed, losses and graphs are seen from outside."""

import io
import json
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

import dynamic
import static
from dynamic import autograd, tape
from graphs import cli, draw
from graphs.compare import ProgramError, adapters
from graphs.compare.observed import Observed
from graphs.compare.scripts import render, run, write
from graphs.core.op import OPS
from graphs.execute import execute


LISTINGS = Path(__file__).parents[2] / "demos" / "listings"
ALIASES = {name: ours for adapter in adapters().values() for name, ours in adapter.ALIASES.items()}

TENSORFLOW = """
import numpy as np
import tensorflow as tf
tf.reset_default_graph()
tf.set_random_seed(3)
random = np.random.default_rng(0)
x = tf.placeholder(tf.float32, (None, 4), name="x")
w1 = tf.Variable(tf.random_normal((4, 5), seed=1), name="w1")
w2 = tf.Variable(tf.random_normal((5, 2), seed=2), name="w2")
hidden = tf.nn.relu(tf.matmul(x, w1)) + 0.0 * tf.random_normal((5,))
cost = tf.reduce_sum(tf.matmul(hidden, w2) ** 2.0)
train = tf.train.GradientDescentOptimizer(0.001).minimize(cost)
with tf.Session() as sess:
    sess.run(tf.global_variables_initializer())
    for t in range(12):
        batch = random.standard_normal((6, 4))
        FETCH
    print("end", sess.run(w2).sum())
"""
FETCHED = '_, value = sess.run([train, cost], {x: batch}); print(t, "%.9g" % value)'
UNFETCHED = "sess.run(train, {x: batch})"

WITH_LOSS, WITHOUT_LOSS = (TENSORFLOW.replace("FETCH", line) for line in (FETCHED, UNFETCHED))

TORCH = """
import torch
torch.manual_seed(3)
w1 = torch.randn(4, 5, requires_grad=True)
w2 = torch.randn(5, 2, requires_grad=True)
optimizer = torch.optim.SGD([w1, w2], lr=0.001)
for t in range(12):
    x = torch.randn(6, 4)
    optimizer.zero_grad()
    cost = (x.mm(w1).relu().mm(w2) ** 2.0).sum()
    cost.backward()
    optimizer.step()
    print(t, "%.9g" % cost.item())
print("end", "%.9g" % w2.detach().sum().item())
"""
BY_HAND = TORCH.replace("optimizer.step()", "for w in (w1, w2): w.data -= 0.001 * w.grad.data").replace(
    "optimizer = torch.optim.SGD([w1, w2], lr=0.001)\n", ""
)
BY_HAND = BY_HAND.replace("optimizer.zero_grad()", "w1.grad = w2.grad = None")


@pytest.fixture
def script(tmp_path):
    def made(text, name="script.py"):
        path = tmp_path / name
        path.write_text(text)
        return path

    return made


def plainly(path):
    return execute(path, [], ALIASES)


def printed(text):
    """What a script has printed of its losses."""
    return [float(line.split()[1]) for line in text.splitlines() if line[0].isdigit()]


def values(found, name="cost"):
    curve = found.losses[name]
    assert curve.steps == list(range(1, len(curve.values) + 1))
    return [float(f"{value:.9g}") for value in curve.values]


def test_losses_are_those_that_the_scripts_print(script, capsys):
    found = run(script(WITH_LOSS, "a.py"), script(TORCH, "b.py"), plainly)
    shown = printed(capsys.readouterr().out)
    assert values(found.pair[0]) == shown[:12]
    assert values(found.pair[1]) == shown[12:]
    assert [each.mode for each in found.pair] == ["static", "dynamic"] == list(found.words)
    assert [each.steps for each in found.pair] == [12, 12]
    assert found.pair[1].what == "optimizer.step()"
    assert all(each.rate > 0 for each in found.pair)
    assert found.status == 0


@pytest.mark.parametrize(
    "text", [TENSORFLOW.replace("FETCH", FETCHED), TENSORFLOW.replace("FETCH", UNFETCHED), TORCH, BY_HAND]
)
def test_scripts_run_unchanged(script, capsys, text):
    """To the last digit that they print, random draws and all."""
    path = script(text)
    assert plainly(path) == 0
    alone = capsys.readouterr().out
    run(path, path, plainly)
    assert capsys.readouterr().out == alone * 2


def test_a_loss_that_is_not_fetched_is_worked_out(script, capsys):
    fetched, unfetched = script(WITH_LOSS, "fetched.py"), script(WITHOUT_LOSS, "unfetched.py")
    found = run(fetched, unfetched, plainly)
    assert values(found.pair[0]) == values(found.pair[1]) == printed(capsys.readouterr().out)


def test_without_an_optimizer_a_step_is_a_backward_pass(script):
    path = script(BY_HAND)
    found = run(path, path, plainly)
    assert [each.what for each in found.pair] == ["backward()"] * 2
    assert found.pair[0].steps == 12
    assert values(found.pair[0]) == values(found.pair[1])
    assert found.words == ("dynamic, script.py (1)", "dynamic, script.py (2)")


def test_two_losses_are_two_curves(script):
    text = """
import torch
w, v = torch.ones(2, requires_grad=True), torch.ones(2, requires_grad=True)
first, second = torch.optim.SGD([w], lr=0.1), torch.optim.Adam([v])
for t in range(5):
    D_loss = (w * w).sum()
    D_loss.backward()
    first.step()
    losses = {"[red]G": (v * v).sum()}
    torch.autograd.backward(losses["[red]G"])
    second.step()
"""
    found = run(script(text), script(TORCH, "b.py"), plainly)
    assert list(found.pair[0].losses) == ["D_loss", "losses['[red]G']"]
    assert found.pair[0].losses["D_loss"].steps == [1, 3, 5, 7, 9]
    assert found.pair[0].losses["losses['[red]G']"].steps == [2, 4, 6, 8, 10]
    assert len(found.pair[0].roots) == 2
    console = Console(width=200, file=io.StringIO())
    console.print(render(found))
    assert "losses['[red]G']" in console.file.getvalue()  # no markup


def test_both_solvers_of_a_graph_count(script):
    text = TENSORFLOW.replace(
        "with tf.Session",
        "other = tf.reduce_mean(hidden)\ntrain2 = tf.train.AdamOptimizer().minimize(other, var_list=[w1])\nwith tf.Session",
    )
    text = text.replace("FETCH", "sess.run(train, {x: batch}); sess.run(train2, {x: batch})")
    found = run(script(text, "a.py"), script(TORCH, "b.py"), plainly)
    first = found.pair[0]
    assert first.steps == 24
    assert first.losses["cost"].steps == list(range(1, 25, 2))
    assert first.losses["other"].steps == list(range(2, 25, 2))


def test_the_graphs_are_matched_by_structure(script):
    text = WITH_LOSS.replace(" + 0.0 * tf.random_normal((5,))", "")
    found = run(script(text, "a.py"), script(TORCH, "b.py"), plainly)
    first, second = found.pair
    assert (first.kernels, second.kernels) == (len(first.seen.log.calls), len(second.seen.log.calls))
    matching = found.matching
    left = {(each.op, each.phase) for each in matching.alone if each.mode == "dynamic"}
    assert left == {("leaf", "backward")}
    ops = sorted(each.op for each in first.seen.log.calls if each.op in ("matmul", "relu", "power", "sum"))
    assert ops.count("matmul") >= 2
    assert sum(pair.phases == ("forward", "forward") for pair in matching.pairs) == 2 + 5  # two leaves, five ops


def test_pictures_name_what_the_script_names(script, tmp_path):
    found = run(script(WITH_LOSS, "a.py"), script(TORCH, "b.py"), plainly)
    paths = list(write(found, tmp_path / "out"))
    assert {path.name for path in paths} >= {"a-static-joined.svg", "b-dynamic-joined.png", "b-dynamic-backward.dot"}
    for name, word in (("a-static-forward.dot", "w1"), ("b-dynamic-forward.dot", "w2")):
        assert word in (tmp_path / "out" / name).read_text()


def test_parameters_of_modules_have_their_names(script):
    text = """
import torch
net = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.Tanh(), torch.nn.Linear(3, 1))
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
def step():
    optimizer.zero_grad()
    loss = net(torch.ones(2, 4)).sum()
    loss.backward()
    optimizer.step()
for _ in range(4):
    step()
"""
    found = run(script(text, "a.py"), script(TORCH, "b.py"), plainly)
    names = {node.name for _, node in draw.collect(found.pair[0].roots).nodes(data="node") if not node.edges}
    assert names == {"net.0.weight", "net.0.bias", "net.2.weight", "net.2.bias"}


DATA = """
import numpy as np
import tensorflow as tf
tf.reset_default_graph()
data = tf.data.Dataset.from_tensor_slices(np.arange(12.0, dtype="float32")).repeat().batch(3)
x = data.make_one_shot_iterator().get_next()
w = tf.Variable(1.0, name="w")
loss = tf.reduce_mean(w * x)
train = tf.train.GradientDescentOptimizer(0.01).minimize(loss, global_step=tf.train.get_or_create_global_step())
with tf.train.MonitoredTrainingSession(hooks=[tf.train.StopAtStepHook(num_steps=6)]) as sess:
    while not sess.should_stop():
        _, value = sess.run([train, loss])
        print(0, "%.9g" % value)
"""


def test_data_that_moves_on_is_read_by_the_script_alone(script, capsys):
    path = script(DATA, "a.py")
    assert plainly(path) == 0
    alone = capsys.readouterr().out
    found = run(path, script(TORCH, "b.py"), plainly)
    assert capsys.readouterr().out.startswith(alone)
    assert found.pair[0].steps == 6
    assert values(found.pair[0], "loss") == printed(alone)
    assert found.pair[0].kernels == 0
    assert found.pair[0].nodes > 0
    assert not any("not needed" in each.why for each in found.matching.alone)


def test_a_run_can_be_ended_early(script, capsys):
    path = script(TORCH.replace("range(12)", "range(10**9)"))
    found = run(path, path, plainly, most=7)
    assert [each.steps for each in found.pair] == [7, 7]
    assert found.status == 0
    assert len(printed(capsys.readouterr().out)) == 12  # the seventh step ended before its line


def test_a_script_that_fails_says_so_and_is_told_of(script, capsys):
    failing = script(TORCH.replace("x = torch.randn(6, 4)", "x = torch.randn(6, 4 + t // 5)"), "failing.py")
    found = run(failing, script(TORCH), plainly)
    assert (found.pair[0].status, found.pair[0].steps) == (1, 5)
    assert found.status == 1
    assert "failing.py" in capsys.readouterr().err
    console = Console(width=200, file=io.StringIO())
    console.print(render(found))
    assert "ended with status 1" in console.file.getvalue()


def test_nothing_is_trained(script):
    with pytest.raises(ProgramError, match=r"nothing\.py: nothing is trained") as caught:
        run(script("import torch\nprint(torch.ones(2))\n", "nothing.py"), script(TORCH), plainly)
    assert "\n" not in str(caught.value)


def test_observing_leaves_no_trace(script):
    before = (
        static.Session.run,
        static.Session._follow,
        dynamic.Tensor.backward,
        autograd.backward,
        tape.watched,
        tape.kept,
        {name: op.kernel for name, op in OPS.items()},
    )
    run(script(WITH_LOSS, "a.py"), script(TORCH), plainly, most=2)  # ends while a round is kept
    after = (
        static.Session.run,
        static.Session._follow,
        dynamic.Tensor.backward,
        autograd.backward,
        tape.watched,
        tape.kept,
        {name: op.kernel for name, op in OPS.items()},
    )
    assert after == before


def test_speed_is_that_of_the_later_half():
    seen = Observed("dynamic")
    assert seen.rate is None
    seen.ends = [0.0, 5.0, 10.0, *(10.0 + 0.5 * step for step in range(1, 20))]
    assert seen.rate == pytest.approx(2.0)
    seen.ends[-1] += 3  # one disturbance
    assert seen.rate == pytest.approx(2.0)


def test_the_command(script, tmp_path):
    out = tmp_path / "out"
    first, second = LISTINGS / "net_static.py", script(BY_HAND, "b.py")
    result = CliRunner().invoke(cli.app, ["compare", str(first), str(second), "--steps", "3", "--json", "--out", str(out)])
    assert result.exit_code == 0
    told = json.loads(result.stdout)
    assert [each["steps"] for each in told["scripts"]] == [3, 3]
    assert list(told["scripts"][0]["losses"]) == ["loss"]
    assert told["names"] == ["static", "dynamic"]
    assert json.loads((out / "net_static-b.json").read_text()) == told
    assert len(told["pictures"]) == 18
    result = CliRunner().invoke(cli.app, ["compare", str(second), str(second), "--steps", "3"])
    assert result.exit_code == 0
    assert "steps a second" in result.stdout
