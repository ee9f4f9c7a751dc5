"""The stepper in a terminal: transcripts of the same commands in both modes, scripts, and what is said of mistakes."""

import io
import signal
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

import dynamic as torch
import static as tf
from graphs import cli
from graphs.inspection.commands import Commands, interact


HERE = Path(__file__).parent


@pytest.fixture(autouse=True)
def _new_graph():
    """Scripts build in the default graph, in which names of other tests may be taken."""
    tf.reset_default_graph()


def _debug(*args, commands):
    return CliRunner().invoke(cli.app, ["debug", *map(str, args)], input=commands)


@pytest.mark.parametrize("mode", ["static", "dynamic"])
def test_a_transcript_of_the_two_layer_net(mode, monkeypatch):
    """To write them anew: diptych debug net.py --mode MODE < transcripts/commands.txt > transcripts/MODE.txt, here."""
    monkeypatch.chdir(HERE)
    result = _debug("net.py", "--mode", mode, commands=(HERE / "transcripts/commands.txt").read_text())
    assert result.exit_code == 0, result.output
    assert result.stdout == (HERE / f"transcripts/{mode}.txt").read_text()


def test_both_modes_show_the_same_values():
    shown = []
    for mode in ("static", "dynamic"):
        result = _debug(HERE / "net.py", "--mode", mode, commands="goto loss\nprint h\nprint error\nprint loss\n")
        shown.append(result.stdout[result.stdout.index("(diptych) print h") :])
    assert shown[0] == shown[1]
    assert shown[0].count("\n") > 10


SCRIPT = """
import tensorflow as tf
import torch
x = tf.placeholder(tf.float32, (2,), name="x")
z = tf.log(x * 2.0, name="z")
with tf.Session() as session:
    for i in range(3):
        print("run", i, session.run(z, {x: [1.0, 1.0 - i]}))
t = torch.ones(2, requires_grad=True)
(t * 3).sum().backward()
print(t.grad)
"""


def test_a_script_for_both_frameworks(tmp_path):
    path = tmp_path / "script.py"
    path.write_text(SCRIPT)
    commands = "break nan\ncontinue\nset x = np.abs(value) + 1\nprint\ndelete\nbreak op sum\ncontinue\nfinish\n"
    result = _debug(path, commands=commands)
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert "> #4 z  log  float32(2,), step 1" in lines
    assert '    script.py:5  z = tf.log(x * 2.0, name="z")' in lines
    assert "x is changed: 2 operations have run again, 0 kept what they gave" in lines, result.stdout
    assert "run 1 [1.3862944 0.6931472]" in lines, result.stdout
    assert any(line.startswith("> #") and "sum" in line for line in lines)
    assert lines[-1] == "the program has ended"


def test_a_script_that_fails_says_so(tmp_path):
    path = tmp_path / "script.py"
    path.write_text("import torch\nx = torch.ones(2)\ny = x * 2\ntorch.ones(3) + y\n")
    result = _debug(path, commands="continue\nback\n")
    assert result.exit_code == 1
    assert "script.py" in result.stderr
    assert "> #1 multiply" not in result.stdout.partition("continue")[0]


def test_what_is_no_program_is_refused(tmp_path):
    assert isinstance(_debug(tmp_path / "none.py", commands="").exception, cli.ScriptError)
    assert isinstance(_debug(HERE / "net.py", "--mode", "lazy", commands="").exception, cli.ScriptError)


def _typed(program, *lines):
    out = io.StringIO()
    status = interact(torch.debug(program), lines, Console(file=out, width=100, highlight=False))
    return out.getvalue(), status


def test_mistakes_are_said_in_a_line():
    def program():
        return torch.ones(2) * 2

    text, status = _typed(
        program, "print", "where", "bogus", "s", "set q = 1", "set oops", "break round", "break op", "break if value >",
        "delete 4", "delete x", "step 0", "goto", "print 1/0", "print #9", "help nothing", "break mul if ", "continue",
    )  # fmt: skip
    assert status == 0
    for said in (
        "nothing has run yet", "nothing has run yet: step runs", "there is no command bogus", "there is no q up to here",
        "set is: set NAME", "a round is a number", "needs its name", "is no expression", "there is no break 4",
        "a break has a number", "a count is a number from 1", "goto needs", "ZeroDivisionError", "operation 9 has not run",
        "there is no command nothing", "the program has ended",
    ):  # fmt: skip
        assert said in text, said
    assert "Traceback" not in text


def test_help_has_every_command_and_prefixes_do():
    def program():
        return torch.ones(2) * 2

    text, _ = _typed(program, "help", "help break", "h set", "ste", "sh", "mem")
    for name in Commands(torch.debug(program), Console())._commands:
        assert name in text
    assert "multiply" in text
    assert "float32(2,), 8 bytes" in text
    assert "1 operation, 16 bytes" in text


def test_a_hostile_name_cannot_steer_the_terminal():
    import static as tf

    graph = tf.Graph()
    with graph.as_default():
        x = tf.placeholder(tf.float32, (), name="x")
        y = x * 2.0  # "\x1b[2J" [bold red]</script><img src=x onerror=alert(1)>
        z = tf.py_func(lambda v: v, [y], tf.float32)
        z.set_shape(())
    out = io.StringIO()
    stepper = tf.debug(z, {x: 1.0}, tf.Session(graph=graph))
    interact(stepper, ["step", "where", "list", "trace", "print '\\x1b[2J'"], Console(file=out, width=150, highlight=False))
    assert "\x1b" not in out.getvalue()
    assert "[bold red]</script><img src=x onerror=alert(1)>" in out.getvalue()


def test_an_interrupt_stops_at_the_next_operation():
    def program():
        x = torch.ones(2)
        for i in range(50):
            x = x * 1.5
            if i == 20:
                signal.raise_signal(signal.SIGINT)
        return x

    stepper = torch.debug(program)
    with stepper:
        stop = stepper.run()
        assert stop.reason == "step"
        assert 20 <= stop.moment.number < 50


def test_a_program_that_is_left_ends():
    ends = []

    def program():
        try:
            for _ in range(10):
                torch.ones(2) * 2
        finally:
            ends.append(True)

    _typed(program, "step", "quit", "step")
    assert ends == [True]
