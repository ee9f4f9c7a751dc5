"""A file in which a bit has changed, or whose end is gone, is refused, and the error says which and where."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import static as tf
from tests.files.kinds import KINDS


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> Any:
    return KINDS[request.param]


@pytest.fixture
def file(kind: Any, tmp_path: Path) -> Path:
    path = tmp_path / f"model{kind.ending}"
    kind.write(str(path))
    assert 3600 < path.stat().st_size < 4600
    return path


def refused(kind: Any, path: Path, what: str = "") -> str:
    """What the error says about a file in which ``what`` has changed."""
    try:
        kind.read(str(path))
    except kind.refusal as error:
        return str(error)
    pytest.fail(f"it was read, though it is damaged: {what}")


def flips(data: bytes, every: bool) -> Iterator[tuple[int, int]]:
    for at in range(len(data)):
        for bit in range(8) if every else [at * 5 % 8]:
            yield at, bit


def test_every_bit(kind: Any, file: Path, pytestconfig: pytest.Config) -> None:
    """Every bit of every byte with ``--long``, else one of every byte: none is taken, and the file is named."""
    data = file.read_bytes()
    named = kind.names_file and file.name
    with open(file, "r+b", buffering=0) as handle:
        for at, bit in flips(data, pytestconfig.getoption("--long")):
            os.pwrite(handle.fileno(), bytes([data[at] ^ 1 << bit]), at)
            said = refused(kind, file, f"bit {bit} of byte {at} ({data[at : at + 1]!r})")
            assert not named or named in said, (at, bit)
            os.pwrite(handle.fileno(), data[at : at + 1], at)
    kind.read(str(file))


def test_every_length(kind: Any, file: Path, pytestconfig: pytest.Config) -> None:
    """Every length with ``--long``, else every third, and one byte too many."""
    data = file.read_bytes()
    file.write_bytes(data + b" ")
    if kind.refusal in (KINDS["checkpoint"].refusal, KINDS["save"].refusal):  # after JSON there may be blanks
        refused(kind, file)
    file.write_bytes(data)
    for length in range(len(data) - 1, -1, -1 if pytestconfig.getoption("--long") else -3):
        os.truncate(file, length)
        said = refused(kind, file)
        assert not kind.names_file or file.name in said, length


# Where it is


def test_a_tensor_is_named(tmp_path: Path) -> None:
    """By the bytes that are its own, whichever of them changes, and where the file ends inside it."""
    for name in ("checkpoint", "save"):
        kind = KINDS[name]
        path = tmp_path / f"model{kind.ending}"
        kind.write(str(path))
        data = path.read_bytes()
        start = 8 + int.from_bytes(data[:8], "little")
        found: dict[str, list[int]] = {}
        with open(path, "r+b", buffering=0) as handle:
            for at in range(len(data) - 1, start - 1, -7):
                os.pwrite(handle.fileno(), bytes([data[at] ^ 1]), at)
                one = re.search(r"(?:value|memory) of '?([\w/]+)'? has changed", refused(kind, path))
                assert one, at
                found.setdefault(one[1], []).append(at)
                os.truncate(path, at)
                short = refused(kind, path)
                assert "cut short" in short
                assert one[1] in short
                os.pwrite(handle.fileno(), data[at:], at)
        assert (
            found.keys() - {"flags"}
            == {  # those are of three bytes
                "checkpoint": {"layer/w", "layer/b", "step", "wave", "words"},
                "save": {"weight", "bias", "count"},
            }[name]
        )
        assert all(places == list(range(places[0], places[-1] - 1, -7)) for places in found.values())


@pytest.mark.parametrize("name", ["meta graph", "graph"])
def test_a_node_is_named(name: str, tmp_path: Path) -> None:
    kind = KINDS[name]
    path = tmp_path / f"model{kind.ending}"
    kind.write(str(path))
    data = path.read_bytes()
    seen = 0
    for number, line in enumerate(data.split(b"\n")):
        at = sum(len(each) + 1 for each in data.split(b"\n")[:number])
        node = re.match(rb'\s*\{"name": "([^"]*)", "op"', line)
        if node is None:
            continue
        for step in (len(line) // 2, len(line) - 3):
            path.write_bytes(data[: at + step] + bytes([data[at + step] ^ 1]) + data[at + step + 1 :])
            said = refused(kind, path)
            assert f"line {number + 1}, node {node[1].decode()!r} has changed" in said
        path.write_bytes(data[: at + len(line) // 2])
        assert f"in node {node[1].decode()!r}" in refused(kind, path)
        seen += 1
    assert seen > 10


def test_lines_that_come_and_go_are_told(tmp_path: Path) -> None:
    kind = KINDS["graph"]
    path = tmp_path / "model.json"
    kind.write(str(path))
    lines = path.read_bytes().split(b"\n")
    for changed in (
        [*lines[:7], *lines[8:]],
        [*lines[:7], lines[7], *lines[7:]],
        [*lines[:7], lines[8], lines[7], *lines[9:]],
    ):
        path.write_bytes(b"\n".join(changed))
        assert re.search("line (8|9), .* has changed", refused(kind, path))
    path.write_bytes(b"\n".join(lines[:-3]) + b"\n}")
    assert "no JSON" in refused(kind, path)


def test_nothing_changes_in_a_session(tmp_path: Path) -> None:
    """A checkpoint that cannot be read leaves all variables as they were, whatever it is that is wrong."""
    variable = tf.Variable([1.0, 2.0], name="v")
    other = tf.Variable(3, name="w")
    saver = tf.train.Saver()
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        path = saver.save(session, str(tmp_path / "m.ckpt"))
        session.run([variable.assign([5.0, 6.0]), other.assign(7)])
        file = Path(path + ".safetensors")
        data = file.read_bytes()
        for at in [*range(0, len(data), 40), *range(len(data) - 12, len(data))]:
            file.write_bytes(data[:at] + bytes([data[at] ^ 4]) + data[at + 1 :])
            with pytest.raises(tf.errors.DataLossError):
                saver.restore(session, path)
        assert session.run(variable).tolist() == [5, 6]
        assert session.run(other) == 7
        file.write_bytes(data)
        saver.restore(session, path)
        assert session.run(variable).tolist() == [1, 2]
