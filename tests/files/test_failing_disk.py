"""Writing a file: in which order it reaches the disk, and what is left where a call to the system fails, is cut short, or is
the last one of the process."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from graphs.core.files import write_whole
from tests.files.disk import SAVING, Disk, Saving, failing


ROOT = Path(__file__).resolve().parents[2]
QUICK = ("Saver", "dynamic.save")
CODES = (errno.EIO, errno.ENOSPC, errno.EINTR)


@pytest.fixture(params=SAVING)
def saving(request: pytest.FixtureRequest, tmp_path: Path) -> Saving:
    return SAVING[request.param](str(tmp_path))


def temporary(directory: str) -> list[str]:
    return [name for name in os.listdir(directory) if name.startswith(".") or name.endswith(".tmp")]


def test_the_order(saving: Saving) -> None:
    """The bytes are on the disk before the name is theirs, and the name is before the call ends."""
    with Disk()() as disk:
        saving.save(1)
    assert saving.found() == 1
    places = [i for i, (name, _) in enumerate(disk.log) if name == "replace"]
    assert len(places) == len(disk.replaced) == (3 if "Rotating" in type(saving).__name__ else 1)
    for place in places:
        source = disk.log[place][1]
        assert os.path.basename(source).startswith(".")
        mine = [(i, name) for i, (name, path) in enumerate(disk.log) if path == source and name != "close"]
        begun = max(i for i, name in mine if name == "open" and i < place)
        steps = [name for i, name in mine if begun <= i <= place]
        assert steps[-2:] == ["fsync", "replace"]
        assert steps.index("ftruncate") < steps.index("write")
        after = disk.log[place + 1 :]
        assert after[:2] == [("open", saving.directory), ("fsync", saving.directory)]
    written = {path for name, path in disk.log if name in ("write", "ftruncate")}
    assert written == {disk.log[place][1] for place in places}


@pytest.mark.parametrize("code", CODES, ids=errno.errorcode.get)
def test_a_call_that_fails(saving: Saving, code: int, pytestconfig: pytest.Config) -> None:
    """Each call of a save in turn: what is there is old unless the new had taken its place, and the next save works."""
    saving.save(1)
    step = 1 if code == errno.EIO or pytestconfig.getoption("--long") else 4
    old, at, tried, refused = 1, 0, 0, 0
    while True:
        with Disk(at, failing(code))() as disk:
            error = raised(saving, old + 1)
        if len(disk.log) <= at:
            break
        assert error is None or error.errno == code
        refused += error is not None
        deciding = "checkpoint" if "checkpoint" in os.listdir(saving.directory) else "model"
        there = deciding in disk.replaced
        assert there or error is not None
        assert saving.found() == old + there, disk.log[at]
        saving.save(old + 2)
        old += 2
        assert saving.found() == old
        assert not temporary(saving.directory), disk.log[at]
        at += step
        tried += 1
    assert error is None
    assert saving.found() == old + 1
    assert at >= 10
    assert refused >= tried - 5  # all but what tidies up


def raised(saving: Saving, state: int) -> OSError | None:
    try:
        saving.save(state)
    except OSError as error:
        return error
    return None


@pytest.mark.parametrize("part", [lambda n: 1, lambda n: n // 2 or 1, lambda n: max(n - 1, 1)], ids=["one", "half", "most"])
def test_writes_that_are_short(saving: Saving, part: Any) -> None:
    """As many writes as it takes: what is there in the end is whole."""
    with Disk(None, lambda call, args: call(args[0], args[1][: part(len(args[1]))]))() as disk:
        saving.save(3)
    assert saving.found() == 3
    assert sum(name == "write" for name, _ in disk.log) > 1


def test_a_disk_that_gets_full_amid_a_write(saving: Saving) -> None:
    saving.save(1)
    for room in (1, 100, 600):
        left = [room]

        def write(call: Any, args: Any, left: list[int] = left) -> int:
            if not left[0]:
                raise OSError(errno.ENOSPC, "No space left on device")
            done = call(args[0], args[1][: left[0]])
            left[0] -= done
            return int(done)

        with Disk(None, write)(), pytest.raises(OSError, match="No space left"):
            saving.save(2)
        assert saving.found() == 1
        assert not temporary(saving.directory)


def test_a_write_that_gets_nowhere_is_an_error(saving: Saving) -> None:
    saving.save(1)
    with Disk(None, lambda call, args: 0)(), pytest.raises(OSError, match="could not be written"):
        saving.save(2)
    assert saving.found() == 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.parametrize("name", [each if each in QUICK else pytest.param(each, marks=pytest.mark.long) for each in SAVING])
def test_crashes(name: str, tmp_path: Path) -> None:
    """Killed before and after each call; and by the system's own limit on the length of files, which cuts writes short."""
    command = [sys.executable, "-W", "ignore", "-m", "tests.files.crashing", str(tmp_path), name]
    env = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=env, check=False)
    assert done.returncode == 0, done.stderr
    kills, limits = map(int, done.stdout.split())
    assert kills >= 20
    assert limits >= 5


# Nothing is written through what somebody has put in the way


def test_links_in_the_way_are_not_followed(tmp_path: Path) -> None:
    """A temporary file that is a link, of either kind, is one no more; what it led to is as it was."""
    precious = tmp_path / "precious"
    precious.write_bytes(b"precious")
    (tmp_path / "work").mkdir()
    path, trap = tmp_path / "work" / "model", tmp_path / "work" / ".model.tmp"
    for plant in (
        lambda: trap.symlink_to(precious),
        lambda: trap.symlink_to(tmp_path / "nowhere"),
        lambda: trap.symlink_to(tmp_path),
        lambda: os.link(precious, trap),
        lambda: os.mkfifo(trap),
        lambda: path.unlink() or path.symlink_to(precious),
        lambda: path.unlink() or os.link(precious, path),
    ):
        plant()
        write_whole(str(path), b"new")
        assert path.read_bytes() == b"new"
        assert not path.is_symlink()
        assert os.listdir(path.parent) == ["model"]
        assert precious.read_bytes() == b"precious"
    assert sorted(os.listdir(tmp_path)) == ["precious", "work"]


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="nobody tells what is open")
def test_nothing_stays_open(tmp_path: Path) -> None:
    before = os.listdir("/proc/self/fd")
    for turn in range(3):
        write_whole(str(tmp_path / "file"), bytes(turn))
    with pytest.raises(IsADirectoryError):
        write_whole(str(tmp_path), b"data")
    assert os.listdir("/proc/self/fd") == before
