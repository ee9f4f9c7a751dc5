"""The command: comparing, drawing, running scripts under other modules' names, and what it says when something is wrong."""

import json
import subprocess
import sys
import types
from pathlib import Path

import pytest
from typer.testing import CliRunner

import dynamic
import static
from graphs import cli
from graphs.execute import ScriptError, aliased, execute


ALIASES = {"tensorflow": "static", "tensorflow.compat.v1": "static", "torch": "dynamic"}

SMALL = """
import itertools
import numpy as np
import dynamic as torch
import static as tf
from dynamic.adapter import DynamicProgram
from graphs.compare import Setup
from static.adapter import Run, StaticProgram

def setup(dtype):
    random = np.random.default_rng(0)
    batches = itertools.repeat({"x": random.standard_normal((4, 3)).astype(dtype)})
    return Setup({"w": random.standard_normal((3, 2)).astype(dtype)}, batches, dtype)

def static_program(given):
    graph = tf.Graph()
    with graph.as_default():
        x = tf.placeholder(given.dtype, (None, 3))
        w = tf.Variable(given.initial["w"], name="w")
        loss = tf.reduce_sum(STATIC)
        (g,) = tf.gradients(loss, [w])
        update = w.assign(w - 0.1 * g)
    return StaticProgram(graph, [Run(update.op, {"x": x}, {"loss": loss}, {"w": g})], {"w": w})

def dynamic_program(given):
    w = torch.from_numpy(given.initial["w"].copy()).requires_grad_()
    def step(batch):
        loss = torch.tanh(torch.from_numpy(batch["x"]) @ w).sum()
        loss.backward()
        w.data -= 0.1 * w.grad.data
        yield {"loss": loss}, {"w": w.grad}
        w.grad = None
    return DynamicProgram(step, {"w": w})
"""


@pytest.fixture
def program(tmp_path):
    def write(static_loss="tf.tanh(tf.matmul(x, w))"):
        path = tmp_path / "small.py"
        path.write_text(SMALL.replace("STATIC", static_loss))
        return path

    return write


def run(*args):
    return CliRunner().invoke(cli.app, list(map(str, args)))


def command(*args, cwd=None):
    """The command in a process of its own."""
    root = Path(cli.__file__).parents[1]
    return subprocess.run(
        [sys.executable, "-m", "graphs.cli", *map(str, args)],
        cwd=cwd,
        env={"PYTHONPATH": str(root), "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )


def test_compare_prints_the_table(program):
    result = run("compare", program(), "--steps", 3, "--seconds", 0)
    assert result.exit_code == 0
    text = " ".join(result.stdout.split())
    for words in ("Equal to the last bit for 3 steps", "steady step", "peak memory", "kernels called", "static / dynamic"):
        assert words in text
    assert ("has paid for its building after" in text) != ("never pays for its building" in text)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_compare_writes_json_and_pictures(program, tmp_path, dtype):
    out = tmp_path / "found"
    result = run("compare", program(), "--steps", 2, "--seconds", 0, "--json", "--out", out, "--dtype", dtype)
    found = json.loads(result.stdout)
    assert found == json.loads((out / "small.json").read_text())
    assert found["dtype"] == dtype
    assert found["agreement"]["equal"]
    assert found["costs"]["static"]["nodes"] > 3
    assert {Path(path).suffix for path in found["pictures"]} == {".svg", ".png", ".dot"}
    assert len(found["pictures"]) == 2 * 3 * 3
    assert all(Path(path).stat().st_size > 100 for path in found["pictures"])
    assert found["page"] == str(out / "small.html")
    assert "Certificate of equality" in (out / "small.html").read_text()
    seals = [station["seals"] for station in found["agreement"]["certificate"]]
    assert len(seals) == 2
    assert seals[-1][0][:16] in (out / "small.html").read_text()


def test_compare_says_what_to_install_for_plots(program, tmp_path, monkeypatch):
    monkeypatch.setattr(cli.plots, "available", lambda: False)
    result = run("compare", program(), "--steps", 2, "--seconds", 0, "--out", tmp_path / "found")
    assert result.exit_code == 0
    assert "pip install 'diptych[report]'" in result.stderr
    assert "one page for a browser" in " ".join(result.stdout.split())
    assert (tmp_path / "found" / "small.html").exists()


def test_compare_finds_the_node_that_differs(program):
    result = run("compare", program("tf.tanh(tf.matmul(x, w) + 1e-6)"), "--seconds", 0, "--json")
    assert result.exit_code == 1
    found = json.loads(result.stdout)["agreement"]
    assert not found["equal"]
    difference = found["difference"]
    assert (difference["step"], difference["what"]) == (1, "loss loss")
    assert difference["node"]["ops"] == ["add", "matmul"]
    assert "small.py" in difference["node"]["where"][0]
    assert "small.py" in difference["node"]["where"][1]


def test_compare_tells_what_the_passes_change(program):
    result = run("compare", program("tf.tanh(tf.matmul(x, w) * 1.0) + 0.0"), "--steps", 3, "--seconds", 0, "--json")
    found = json.loads(result.stdout)
    (passes,) = found["passes"]
    assert (passes["mode"], passes["steps"]) == ("static", 3)
    bounds = {(each["rule"], each["bound"]) for each in passes["rewrites"]}
    assert ("times_one", "exact") in bounds
    assert ("fuse", "close, tanh 3 ulps") in bounds
    assert not passes["equal"]
    assert 0 < passes["distance"]["units"] <= 16
    assert passes["distance"]["ulps"] >= 1
    result = run("compare", program("tf.abs(tf.matmul(x, w) * 1.0)"), "--steps", 3, "--seconds", 0)
    text = " ".join(result.stdout.split())
    assert "With the static form's passes: equal to the last bit for 3 steps" in text
    assert "times_one \u00d7 3" in text, "in the value, and twice in its gradient"


def test_draw_writes_the_same_bytes_again(program, tmp_path):
    path = program()
    contents = []
    for name in ("first", "second"):
        result = command("draw", path, "--out", tmp_path / name)
        assert result.returncode == 0, result.stderr
        assert len(result.stdout.splitlines()) == 18
        contents.append({file.name: file.read_bytes() for file in sorted((tmp_path / name).iterdir())})
    assert contents[0] == contents[1]
    assert b"matmul" in contents[0]["small-static-forward.dot"].lower()


def test_draw_shows_what_each_pass_did(program, tmp_path):
    out = tmp_path / "out"
    result = run("draw", program("tf.tanh(tf.matmul(x, w) * 1.0)"), "--passes", "--out", out)
    assert result.exit_code == 0, result.stderr
    paths = [Path(line) for line in result.stdout.splitlines()]
    assert all(path.stat().st_size > 300 for path in paths)
    names = [path.name for path in paths]
    assert names[:3] == ["00-as-written.svg", "00-as-written.png", "00-as-written.dot"]
    assert names[-2:] == ["small-static-passes.txt", "small-static-passes.json"]
    assert any(name.endswith("simplify.svg") for name in names)
    text = paths[-2].read_text()
    assert "times_one" in text
    assert "small.py:" in text
    assert json.loads(paths[-1].read_text())["plans"][0]["before"]["kernels"] > 3


def test_passes_are_drawn_in_the_formats_that_are_asked_for(program, tmp_path):
    small = program("tf.tanh(tf.matmul(x, w) * 1.0)")
    result = run("draw", small, "--passes", "--format", "dot", "--out", tmp_path / "out")
    assert {Path(line).suffix for line in result.stdout.splitlines()} == {".dot", ".txt", ".json"}
    result = run("draw", small, "--passes", "--format", "gif", "--out", tmp_path / "out")
    assert result.exit_code == 1
    assert "small.py, static: no format gif; there are dot" in str(result.exception)


WRONG = {
    "nothing": ("compare", "nowhere.py"),
    "no program": ("draw", "empty.py"),
    "own failure": ("compare", "failing.py"),
    "no script": ("exec", "nowhere.py"),
    "bad script": ("exec", "syntax.py"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_said_in_one_line(tmp_path, case):
    (tmp_path / "empty.py").write_text("")
    (tmp_path / "failing.py").write_text(
        "def setup(dtype): ...\ndef static_program(g): ...\ndef dynamic_program(g): 1 / 0\n"
    )
    (tmp_path / "syntax.py").write_text("def\n")
    result = command(*WRONG[case], cwd=tmp_path)
    assert result.returncode == 2
    assert result.stdout == ""
    assert result.stderr.startswith("diptych: ")
    assert result.stderr.count("\n") == 1


# Scripts

TF = """
import sys
import tensorflow as tf
import tensorflow.compat.v1 as v1
from tensorflow.examples.tutorials.mnist import input_data
import static, static.examples.tutorials.mnist.input_data
assert tf is static and v1 is tf and sys.modules["tensorflow"] is static
assert input_data is static.examples.tutorials.mnist.input_data
assert tf.__name__ == "static" and tf.__spec__.name == "static"
with tf.Session() as sess:
    print(sess.run(tf.constant(20.0) + 1), sys.argv[1:], __name__, __file__)
"""

TORCH = """
import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim
from torch.autograd import Variable
import dynamic, dynamic.nn.functional
assert torch is dynamic and F is dynamic.nn.functional and Variable is dynamic.autograd.Variable
assert torch.optim is optim is dynamic.optim
x = Variable(torch.ones(2, 2), requires_grad=True)
F.relu(x * 3).sum().backward()
print(x.grad.numpy().tolist())
"""


def test_a_tensorflow_script_runs_on_static(tmp_path):
    (tmp_path / "script.py").write_text(TF)
    result = command("exec", tmp_path / "script.py", "--help", "-x", "3")
    assert result.stderr == ""
    assert result.stdout == f"21.0 ['--help', '-x', '3'] __main__ {tmp_path / 'script.py'}\n"


def test_a_torch_script_runs_on_dynamic(tmp_path):
    (tmp_path / "script.py").write_text(TORCH)
    (tmp_path / "torch.py").write_text("raise SystemError('the real one')")
    result = command("exec", tmp_path / "script.py")
    assert result.stderr == ""
    assert result.stdout == "[[3.0, 3.0], [3.0, 3.0]]\n"


def test_a_script_sees_its_neighbours_and_its_exit_status_counts(tmp_path):
    (tmp_path / "neighbour.py").write_text("x = 3")
    (tmp_path / "script.py").write_text("import sys, neighbour\nsys.exit(neighbour.x)")
    assert command("exec", tmp_path / "script.py").returncode == 3


def test_a_scripts_own_failure_shows_its_frames_only(tmp_path):
    script = tmp_path / "script.py"
    script.write_text("def f():\n    return [][3]\n\nf()\n")
    result = command("exec", script)
    assert result.returncode == 1
    assert result.stderr.startswith("Traceback (most recent call last):\n")
    assert "IndexError" in result.stderr
    assert result.stderr.count("File ") == 2
    assert "execute.py" not in result.stderr


def test_an_error_in_our_words_ends_at_the_users_line(tmp_path):
    script = tmp_path / "script.py"
    script.write_text("import torch\nx = torch.ones(2, 3)\nx.mm(x)\n")
    result = command("exec", script)
    assert result.returncode == 1
    assert 'script.py", line 3' in result.stderr
    assert "dynamic/" not in result.stderr
    assert "matmul" in result.stderr


def test_a_module_that_a_front_end_lacks_is_named(tmp_path):
    script = tmp_path / "script.py"
    script.write_text("import tensorflow.python.keras.layers\n")
    result = command("exec", script)
    assert result.returncode == 1
    assert "no module tensorflow.python.keras: Diptych's static has none" in result.stderr


def test_names_mean_what_they_did_before_when_the_block_ends(monkeypatch):
    real = types.ModuleType("torch")
    monkeypatch.setitem(sys.modules, "torch", real)
    monkeypatch.delitem(sys.modules, "tensorflow", raising=False)
    finders = list(sys.meta_path)
    with aliased(ALIASES):
        import tensorflow
        import torch

        assert torch is dynamic
        assert tensorflow is static
    assert sys.modules["torch"] is real
    assert "tensorflow" not in sys.modules
    assert sys.meta_path == finders


def test_running_a_script_leaves_the_process_as_it_was(tmp_path, capsys):
    script = tmp_path / "script.py"
    script.write_text("import sys; sys.path.append('x'); print(sys.argv[1]); raise SystemExit('gone')")
    before = sys.argv, list(sys.path), sys.modules["__main__"]
    assert execute(script, ["one"], ALIASES) == 1
    assert (sys.argv, sys.path, sys.modules["__main__"]) == before
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("one\n", "gone\n")


def test_what_is_no_script_is_refused(tmp_path):
    with pytest.raises(ScriptError, match="directory"):
        execute(tmp_path, [], ALIASES)
    (tmp_path / "null.py").write_bytes(b"x = 1\0")
    with pytest.raises(ScriptError, match=r"null.py"):
        execute(tmp_path / "null.py", [], ALIASES)
