"""The command ``diptych lint``: what it prints, its exit status, and what it finds in the sources' own programs."""

import json
import linecache
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

import static
from graphs import cli
from graphs.inspection.lint import Findings
from graphs.inspection.lint_text import short


ROOT = Path(cli.__file__).parents[1]
DEMOS = ROOT / "demos"

TORCH = """
import torch
w = torch.ones(3, requires_grad=True)
for step in range(1000):
    (w * w).sum().backward()
    w.data -= 0.1 * w.grad.data
    print("step", step)
"""

TF = """
import tensorflow as tf
v = tf.Variable(1.0)
both = [v.assign_add(1.0), v * 2.0]
with tf.Session() as session:
    session.run(tf.global_variables_initializer())
    for _ in range(3):
        print(session.run(both))
"""


def run(*args):
    linecache.checkcache()
    return CliRunner().invoke(cli.app, list(map(str, args)))


@pytest.fixture
def script(tmp_path):
    def write(text, name="script.py"):
        path = tmp_path / name
        path.write_text(text)
        return path

    return write


def test_a_script_of_either_framework(script):
    for text, rule, line, mode in ((TORCH, "gradients-not-zeroed", 5, "dynamic"), (TF, "unordered-read", 4, "static")):
        path = script(text, f"{mode}.py")
        result = run("lint", "--json", path)
        assert result.exit_code == 1, result.stderr
        found = json.loads(result.stdout)
        assert found["file"] == str(path)
        (finding,) = found["findings"]
        assert {name: finding[name] for name in ("rule", "line", "mode", "file", "text")} == {
            "rule": rule,
            "line": line,
            "mode": mode,
            "file": str(path),
            "text": text.splitlines()[line - 1].strip(),
        }
        assert finding["message"]
        assert finding["remedy"]


def test_text_names_line_fault_and_remedy(script):
    path = script(TORCH)
    result = run("lint", path)
    assert result.exit_code == 1
    text = "".join(result.stdout.split())  # a long path is broken anywhere
    for words in (
        "script.py:5 gradients-not-zeroed",
        "(w * w).sum().backward()",
        "remedy: optimizer.zero_grad()",
        "1 finding.",
    ):
        assert words.replace(" ", "") in text
    assert "step" not in result.stdout.split("backward")[0]
    assert "step 49" in result.stderr
    assert "step 50" not in result.stderr


def test_a_clean_script_and_a_silenced_one(script):
    zeroed = TORCH.replace("    print(", "    w.grad.zero_()\n    print(")
    silenced = TORCH.replace(".backward()", ".backward()  # diptych: ignore[gradients-not-zeroed]")
    for text in (zeroed, silenced):
        result = run("lint", "--steps", 8, script(text))
        assert result.exit_code == 0, result.stdout
        assert "nothing found" in result.stdout
        assert "step 7" in result.stderr
        assert "step 8" not in result.stderr


def test_a_script_gets_its_arguments_and_may_go_on_to_its_end(script):
    path = script(
        "import sys, torch\nfor _ in range(70):\n    torch.ones(1, requires_grad=True).sum().backward()\nprint(sys.argv)"
    )
    result = run("lint", "--steps", 0, path, "--flag", 3)
    assert result.exit_code == 0
    assert f"['{path}', '--flag', '3']" in result.stderr


def test_a_script_that_fails(script):
    result = run("lint", script("import torch\n[][1]"))
    assert result.exit_code == 2
    assert "IndexError" in result.stderr
    faulty = "import torch\nw = torch.ones(3, requires_grad=True)\ny = w.exp()\ny += 1\ny.sum().backward()\n"
    result = run("lint", "--json", script(faulty))
    assert result.exit_code == 1
    (finding,) = json.loads(result.stdout)["findings"]
    assert (finding["rule"], finding["line"]) == ("changed-after-save", 4)


def test_hostile_names_are_only_text(script):
    text = TF.replace("tf.Variable(1.0)", "tf.Variable(1.0)  # [bold]</script><img src=x onerror=alert(1)>[/nonsense]")
    result = run("lint", script(text.replace("both = ", "both = '[red]x[/nope]' and ")))
    assert result.exit_code == 1
    assert "[red]x[/nope]" in result.stdout


def test_no_file_is_said_in_one_line(tmp_path):
    command = [sys.executable, "-m", "graphs.cli", "lint", str(tmp_path / "nowhere.py")]
    result = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert result.returncode == 2
    assert result.stderr.startswith("diptych: ")
    assert result.stderr.count("\n") == 1


def test_findings_without_a_line_can_be_shown():
    found = Findings()
    found.add("growing-tape", "dynamic", None, "no line")
    found.add("growing-tape", "dynamic", None, "no line")
    assert len(found) == 1
    assert short(found[0].line) == "(no line)"
    assert found[0].as_dict()["file"] is None


# The sources' programs

EXPECTED = {
    "listings/net_static.py": [("unordered-read", "static", "new_w2 = w2.assign(w2 - learning_rate * grad_w2)")],
    "listings/gan.py": [("generator-gradient", "dynamic", "D_loss.backward()")],
    "two_layer.py": [("unordered-read", "static", "new_w2 = w2.assign(w2 - learning_rate * grad_w2)")],
    "gan.py": [("generator-gradient", "dynamic", "D_loss.backward()")],
}
"""The hazard of the two-layer net, and the discriminator's loss that fills the generator's gradients, in each form."""


@pytest.mark.filterwarnings("ignore:index 0 of a tensor:DeprecationWarning")  # the listings are of 2017
@pytest.mark.parametrize(
    "name", sorted(str(path.relative_to(DEMOS)) for path in (*DEMOS.glob("*.py"), *DEMOS.glob("listings/*.py")))
)
def test_the_sources_programs_give_only_the_two_true_findings(name):
    with static.Graph().as_default():
        result = run("lint", "--steps", 6, "--json", DEMOS / name)
    assert result.exit_code == (name in EXPECTED), result.stderr[-2000:]
    found = json.loads(result.stdout)["findings"]
    assert [(each["rule"], each["mode"], each["text"]) for each in found] == EXPECTED.get(name, [])
