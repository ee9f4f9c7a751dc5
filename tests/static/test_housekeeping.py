"""Flags, files and logging: what TensorFlow 1 programs call around their graphs."""

import logging
import subprocess
import sys

import pytest

import static as tf
from static import flags


@pytest.fixture
def values():
    """Flags of the test's own."""
    made = flags.FlagValues()
    settings = {"flag_values": made}
    flags.DEFINE_string("name", "x", "A name.", **settings)
    flags.DEFINE_integer("n", 3, "How many.", **settings)
    flags.DEFINE_float("rate", 0.5, "How fast.", **settings)
    flags.DEFINE_boolean("on", False, "Whether.", **settings)
    flags.DEFINE_bool("off", True, "Whether not.", **settings)
    flags.DEFINE_enum("way", "a", ["a", "b"], "Which.", **settings)
    flags.DEFINE_list("items", ["1"], "Several.", **settings)
    flags.DEFINE_multi_integer("m", None, "Numbers.", **settings)
    return made


PARSED = [
    ("", {}, []),
    ("--n=5 pos --name y tail", {"n": 5, "name": "y"}, ["pos", "tail"]),
    ("-n 5 --n 6", {"n": 6}, []),
    ("--n=0x10 --rate 1e-3", {"n": 16, "rate": 1e-3}, []),
    ("--on --nooff", {"on": True, "off": False}, []),
    ("--on=false --off=True --on=1", {"on": True, "off": True}, []),
    ("--way=b --items=a,b --m=1 --m 2", {"way": "b", "items": ["a", "b"], "m": [1, 2]}, []),
    ("--unknown=3 -q", {}, ["--unknown=3", "-q"]),
    ("--n 4 -- --n 5", {"n": 4}, ["--", "--n", "5"]),
    ("--name=", {"name": ""}, []),
]

DEFAULTS = {"name": "x", "n": 3, "rate": 0.5, "on": False, "off": True, "way": "a", "items": ["1"], "m": None}


@pytest.mark.parametrize(("line", "changed", "rest"), PARSED)
def test_flags_are_read_from_the_command_line(values, line, changed, rest):
    assert values(["program", *line.split()]) == ["program", *rest]
    assert values.flag_values_dict() == {**DEFAULTS, **changed}


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("--n=x", "flag --n=x: invalid literal"),
        ("--rate=fast", "flag --rate=fast: could not convert"),
        ("--on=maybe", "Non-boolean argument to boolean flag"),
        ("--way=c", r"value should be one of <a\|b>"),
        ("--n", "Missing value for flag --n"),
    ],
)
def test_wrong_values_are_named(values, line, message):
    with pytest.raises(flags.Error, match=message):
        values(["program", *line.split()])


def test_flags_are_read_when_the_first_is_asked_for(values, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["program", "--n=8"])
    assert not values.is_parsed()
    assert values.n == 8
    assert values.is_parsed()
    values.rate = 2.0
    assert (values.rate, values["rate"].default, "rate" in values, len(values)) == (2.0, 0.5, True, 8)
    assert list(values)[:2] == ["items", "m"]
    with pytest.raises(AttributeError, match="no flag 'none' is defined"):
        _ = values.none
    with pytest.raises(flags.UnrecognizedFlagError, match="Unknown command line flag 'none'"):
        values.none = 3
    with pytest.raises(flags.UnrecognizedFlagError, match="'none'"):
        values(["program", "--none=3"], known_only=False)
    del values.n
    assert "n" not in values
    values.set_default("name", "z")
    assert values.name == "z"


def test_a_flag_is_defined_once(values):
    with pytest.raises(flags.DuplicateFlagError, match=r"'n' is defined twice. First at .*test_housekeeping.py:\d+"):
        flags.DEFINE_integer("n", 4, "Another.", flag_values=values)
    for default in (1, 2):
        flags.DEFINE_integer("again", default, "The same line, as in a cell that is run again.", flag_values=values)
    assert values["again"].value == 2
    with pytest.raises(flags.IllegalFlagValueError, match=r"flag value must be an integer, not 1.5"):
        flags.DEFINE_integer("half", 1.5, "", flag_values=values)


def test_flags_can_be_required_and_checked(values):
    flags.DEFINE_string("data", None, "Where.", flag_values=values)
    flags.mark_flags_as_required(["data"], flag_values=values)
    flags.register_validator("n", lambda n: n > 0, "has to be positive", flag_values=values)
    with pytest.raises(flags.IllegalFlagValueError, match="--data=None: it must have a value"):
        values(["program"])
    with pytest.raises(flags.IllegalFlagValueError, match="--n=-1: has to be positive"):
        values(["program", "--data=x", "--n=-1"])
    with pytest.raises(flags.IllegalFlagValueError, match="positive"):
        values.n = 0


PROGRAM = """
import static as tf
tf.app.flags.DEFINE_integer("steps", 3, "How many steps.")
tf.flags.DEFINE_boolean("fast", False, "Whether to hurry.")
FLAGS = tf.flags.FLAGS
def main(argv):
    print(argv[1:], FLAGS.steps, FLAGS.fast)
    return int(FLAGS.fast)
if __name__ == "__main__":
    tf.app.run()
"""


@pytest.mark.parametrize(
    ("line", "status", "out", "err"),
    [
        ("", 0, "[] 3 False\n", ""),
        ("a --steps=4 b --other", 0, "['a', 'b', '--other'] 4 False\n", ""),
        ("--fast", 1, "[] 3 True\n", ""),
        ("--steps=x", 1, "", "FATAL Flags parsing error: flag --steps=x: invalid literal"),
        ("--help", 1, "--steps: How many steps.\n    (default: '3')\n    (an integer)", ""),
    ],
)
def test_a_program_is_run_with_what_its_flags_leave(tmp_path, line, status, out, err):
    script = tmp_path / "program.py"
    script.write_text(PROGRAM)
    done = subprocess.run([sys.executable, str(script), *line.split()], capture_output=True, text=True, check=False)
    assert done.returncode == status
    assert out in done.stdout
    assert err in done.stderr
    assert bool(err) == bool(done.stderr)


# Files


def test_files_are_read_and_written(tmp_path):
    path = str(tmp_path / "a.txt")
    with tf.gfile.Open(path, "w") as file:
        file.write("one\ntwo\n")
        assert (file.name, file.mode) == (path, "w")
    with tf.gfile.GFile(path) as file:
        assert (file.readline(), file.tell(), file.read(), file.size()) == ("one\n", 4, "two\n", 8)
        file.seek(1)
        assert file.readlines() == ["ne\n", "two\n"]
        file.seek(0)
        assert list(file) == ["one\n", "two\n"]
    with tf.gfile.FastGFile(path, "a") as file:
        file.write("three")
    with tf.io.gfile.GFile(path, "rb") as file:
        assert (file.read(3), file.read()) == (b"one", b"\ntwo\nthree")
    with tf.gfile.Open(path, "w"):
        pass
    assert tf.gfile.Stat(path).length == 0


def test_directories_are_made_listed_and_deleted(tmp_path):
    top = str(tmp_path)
    tf.gfile.MakeDirs(f"{top}/x/y")
    tf.gfile.MakeDirs(f"{top}/x/y")
    tf.gfile.MkDir(f"{top}/z")
    tf.gfile.Open(f"{top}/x/f", "w").close()
    assert sorted(tf.gfile.ListDirectory(top)) == ["x", "z"]
    assert [tf.gfile.IsDirectory(f"{top}/{name}") for name in ("x", "x/f", "q")] == [True, False, False]
    assert tf.gfile.Glob(f"{top}/*") == [f"{top}/x", f"{top}/z"]
    assert tf.gfile.Glob(f"{top}/q*") == []
    walked = sorted((where, sorted(inner), files) for where, inner, files in tf.gfile.Walk(top))
    assert walked[:2] == [(top, ["x", "z"], []), (f"{top}/x", ["y"], ["f"])]
    tf.gfile.Copy(f"{top}/x/f", f"{top}/g")
    tf.gfile.Rename(f"{top}/g", f"{top}/h")
    assert [tf.gfile.Exists(f"{top}/{name}") for name in "gh"] == [False, True]
    tf.gfile.Rename(f"{top}/h", f"{top}/x/f", overwrite=True)
    tf.gfile.Remove(f"{top}/x/f")
    tf.gfile.DeleteRecursively(f"{top}/x")
    assert tf.gfile.ListDirectory(top) == ["z"]


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda g, d: g.Open(f"{d}/none").read(), "NotFound", "none; No such file or directory"),
        (lambda g, d: g.Open(f"{d}/none/a", "w").write("a"), "NotFound", "none/a; No such file"),
        (lambda g, d: g.Open(f"{d}/file", "x"), "InvalidArgument", "mode is not 'r' or 'w'"),
        (lambda g, d: g.Open(f"{d}/file", "w").read(), "PermissionDenied", "isn't open for reading"),
        (lambda g, d: g.Open(f"{d}/file").write("a"), "PermissionDenied", "isn't open for writing"),
        (lambda g, d: g.Open(d).read(), "FailedPrecondition", "Is a directory"),
        (lambda g, d: g.ListDirectory(f"{d}/none"), "NotFound", "Could not find directory"),
        (lambda g, d: g.MkDir(f"{d}/none/deep"), "NotFound", "No such file"),
        (lambda g, d: g.Copy(f"{d}/file", f"{d}/other"), "AlreadyExists", "file already exists"),
        (lambda g, d: g.Rename(f"{d}/file", f"{d}/other"), "AlreadyExists", "file already exists"),
        (lambda g, d: g.Rename(f"{d}/none", f"{d}/new"), "NotFound", "No such file"),
        (lambda g, d: g.Remove(f"{d}/none"), "NotFound", "No such file"),
        (lambda g, d: g.DeleteRecursively(f"{d}/none"), "NotFound", "none not found"),
        (lambda g, d: g.Stat(f"{d}/none"), "NotFound", "No such file"),
    ],
)
def test_what_goes_wrong_with_files_is_one_of_tensorflows_errors(tmp_path, call, error, message):
    for name in ("file", "other"):
        (tmp_path / name).write_text("")
    with pytest.raises(getattr(tf.errors, f"{error}Error"), match=message):
        call(tf.gfile, str(tmp_path))


# Errors and logging


def test_errors_are_made_as_tensorflows_are():
    for error in (tf.errors.OutOfRangeError(None, "m"), tf.errors.OutOfRangeError(None, None, "m")):
        assert (error.message, error.op, error.node_def, error.error_code) == ("m", None, None, 11)
        assert str(error) == "m"
    assert issubclass(tf.errors.OutOfRangeError, tf.errors.OpError)
    codes = [kind.error_code for kind in vars(tf.errors).values() if isinstance(kind, type) and "error_code" in vars(kind)]
    assert sorted(set(codes)) == list(range(1, 17))
    for code in range(1, 17):
        kind = tf.errors.exception_type_from_error_code(code)
        assert tf.errors.error_code_from_exception_type(kind) == code
    assert tf.errors.exception_type_from_error_code(tf.errors.OUT_OF_RANGE) is tf.errors.OutOfRangeError


def test_logging_goes_through_pythons(caplog):
    before = tf.logging.get_verbosity()
    tf.logging.set_verbosity(tf.logging.INFO)
    try:
        tf.logging.info("step %d", 3)
        tf.logging.debug("not this")
        tf.logging.log(tf.logging.ERROR, "gone")
        tf.logging.log_if(tf.logging.INFO, "never", False)
        for _ in range(5):
            tf.logging.log_every_n(tf.logging.INFO, "each third", 3)
            tf.logging.log_first_n(tf.logging.INFO, "first two", 2)
        tf.logging.flush()
    finally:
        tf.logging.set_verbosity(before)
    said = [record.getMessage() for record in caplog.records]
    assert said[:2] == ["step 3", "gone"]
    assert [said.count(text) for text in ("each third", "first two", "never", "not this")] == [2, 2, 0, 0]
    assert caplog.records[0].levelno == logging.INFO
    assert tf.logging.get_logger().name == "static"
