"""Ranks that disagree, fail, die, leave or stop: the others end with an error that says which and where."""

import os
import re
import subprocess
import sys

import pytest

from tests.dynamic.distributed.ranks import MPIEXEC, ROOT, environment, run


HERE = r"failing\.py:\d+"


def texts(folder, *ranks):
    return [(folder / f"{rank}.txt").read_text().split("\n---\n") for rank in ranks]


def test_operations_that_do_not_fit_each_other_name_both_sides(tmp_path):
    done = run("failing.py", 3, tmp_path, "mismatch")
    assert done.returncode == 0, done.stderr
    wanted = [
        rf"MismatchError .*\n  rank 0: all_reduce\(SUM\) of float32 \(3, 2\), at .*{HERE}.*"
        rf"\n  ranks 1, 2: all_reduce\(SUM\) of float32 \(2, 3\), at .*{HERE}",
        r"ranks 0, 2: all_reduce\(SUM\) of float32 \(2,\).*\n  rank 1: all_reduce\(MAX\)",
        rf"ranks 0, 1: broadcast\(root 0\) of float32 \(2,\), at .*{HERE}.*\n  rank 2: barrier\(\), at .*{HERE}",
        r"rank 0: all_reduce\(SUM\) of float32 \(2,\).*\n  ranks 1, 2: all_reduce\(SUM\) of float64",
        r"rank 0: broadcast\(root 0\).*\n  rank 1: broadcast\(root 1\).*\n  rank 2: broadcast\(root 2\)",
        r"rank(s 0, 2| 0): new_group\(0x[0-9a-f]+\)",
        r"rank 0 of the group gives rank 1 2 elements, which takes 1",
    ]
    for rank, got in enumerate(texts(tmp_path, 0, 1, 2)):
        for pattern, text in zip(wanted, got, strict=False):
            assert re.search(pattern, text), (rank, pattern, text)
        message = r"MismatchError rank 0 has sent 3 elements of float32, and this recv takes 2 of float32\n  at .*failing"
        assert re.search(message if rank == 1 else "no error", got[7]), got[7]
        assert re.search(r"SaveError .*module", got[8]), got[8]
        assert got[9] == "no error"


@pytest.mark.parametrize("launcher", ["ours", "mpiexec"])
def test_an_exception_that_nobody_catches_ends_all_ranks(tmp_path, launcher):
    done = run("failing.py", 3, tmp_path, "raises", **({} if launcher == "ours" else {"launcher": MPIEXEC}))
    assert done.returncode != 0
    assert re.search(rf"rank 1 (of 3 )?ended by ValueError: no more of this at .*{HERE}", done.stderr)
    if launcher == "ours":
        assert "; the others were ended" in done.stderr


def test_a_rank_that_is_killed_is_named_by_the_others(tmp_path):
    done = run("failing.py", 3, tmp_path, "killed", options=("--grace", "200"))
    assert done.returncode == 128 + 9
    assert re.search(r"run: rank 1 of 3 \(process \d+\) was killed by SIGKILL; the others", done.stderr)
    for (text,) in texts(tmp_path, 0, 2):
        assert re.match(r"LostError rank 1 \(process \d+\) was killed by SIGKILL, and all_reduce \(operation 1 of", text)
        assert re.search(rf"waits for it\n  at .*{HERE}", text)


def test_a_rank_that_leaves_is_named(tmp_path):
    done = run("failing.py", 3, tmp_path, "leaves", options=("--grace", "200"))
    assert done.returncode == 0, done.stderr
    for got in texts(tmp_path, 0, 2):
        assert re.match(
            r"LostError all_reduce\(SUM\) of float32 \(2,\): operation 1 of group world, which rank 1 has left", got[0]
        )
        assert "LostError" in got[1] or "DistBackendError" in got[1]
        assert got[2].startswith(("LostError", "DistBackendError"))


def test_a_rank_that_is_stopped_holds_others_up_no_longer_than_the_timeout(tmp_path):
    done = run("failing.py", 2, tmp_path, "stopped", options=("--grace", "0.1"))
    assert done.returncode != 0
    ((text,),) = texts(tmp_path, 0)
    assert re.match(
        r"LateError all_reduce \(operation 1 of group world\) on rank 0, after 0.5 s, waits for rank 1\n  at", text
    )


def test_who_comes_late_is_named_and_nothing_follows(tmp_path):
    done = run("failing.py", 2, tmp_path, "late")
    assert done.returncode == 0, done.stderr
    ((message, barrier, after),) = texts(tmp_path, 0)
    assert re.match(r"LateError recv from rank 1 on rank 0, after 0.5 s, waits for rank 1\n  at .*failing", message)
    assert re.match(r"LateError monitored_barrier \(operation 1 of group world\) on rank 0, .* waits for rank 1\n", barrier)
    assert re.match("DistBackendError the group is of no use since an operation failed: monitored_barrier", after)


def test_without_mpi_it_is_said_what_to_install(tmp_path):
    (tmp_path / "mpi4py.py").write_text("raise ImportError('No module named mpi4py')")
    code = "import dynamic.distributed as d; d.init_process_group()"
    environ = {**environment(), "PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT)])}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, env=environ, check=False
    )
    assert "DistError: process groups need MPI" in done.stderr
    assert "pip install diptych[mpi]" in done.stderr


def test_importing_loads_no_mpi():
    code = "import sys, dynamic.distributed, dynamic.distributed.run, dynamic.nn.parallel.distributed; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert not {"mpi4py", "cupy", "networkx"} & set(done.stdout.split())


def test_nothing_listens_and_asking_before_the_beginning_is_an_error(tmp_path):
    code = """
import pathlib, dynamic.distributed as dist
try:
    dist.get_rank()
except ValueError as error:
    assert "init_process_group" in str(error), error
for backend in ("gloo", "carrier pigeon", 3):
    try:
        dist.init_process_group(backend)
    except ValueError as error:
        assert "mpi" in str(error) or "string" in str(error), error
    else:
        raise AssertionError(backend)
def listening():
    tables = [pathlib.Path("/proc/net", name).read_text().splitlines()[1:] for name in ("tcp", "tcp6")]
    inodes = {line.split()[9] for lines in tables for line in lines if line.split()[3] == "0A"}
    mine = {each.readlink().name for each in pathlib.Path("/proc/self/fd").iterdir() if each.is_symlink()}
    return [each for each in mine if each.startswith("socket:") and each[8:-1] in inodes]
dist.init_process_group()
assert (dist.get_rank(), dist.get_world_size()) == (0, 1)
dist.barrier()
assert not listening(), listening()
"""
    (tmp_path / "alone.py").write_text(code)
    for command in ([sys.executable], [sys.executable, "-m", "dynamic.distributed.run", "-n", "2"]):
        text = code if len(command) == 1 else code.replace("(0, 1)", "(dist.get_rank(), 2)")
        (tmp_path / "alone.py").write_text(text)
        done = subprocess.run(
            [*command, str(tmp_path / "alone.py")],
            capture_output=True,
            text=True,
            cwd=tmp_path,
            env=environment(),
            check=False,
        )
        assert done.returncode == 0, done.stderr
