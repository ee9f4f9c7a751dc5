"""TensorFlow 1.15 itself as the reference for whole programs: the same text runs here and there.

It needs a Python 3.7 of its own: the one that the environment variable ``DIPTYCH_TF115`` names, or that of the virtual
environment ``~/.cache/diptych/tf115``, which ``.ci/run`` makes. Where there is neither, the tests are skipped.
"""

import atexit
import json
import os
import subprocess
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from tests.static.tf115_server import cases_of


PROGRAMS = Path(__file__).parent / "programs115"
_SERVER = Path(__file__).with_name("tf115_server.py")
_CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")


def interpreter():
    """The path of a Python that has TensorFlow 1.15, or None."""
    named = os.environ.get("DIPTYCH_TF115")
    found = Path(named) if named else _CACHE / "diptych" / "tf115" / "bin" / "python"
    if named and not found.exists():
        raise FileNotFoundError(f"DIPTYCH_TF115 is {named}, which does not exist")
    return found if found.exists() else None


def programs():
    """Every case of every program, as (path, name of the case)."""
    return [(path, case) for path in sorted(PROGRAMS.glob("*.py")) for case in cases_of(path)]


def theirs(path, case, out):
    """What a case gives with TensorFlow 1.15, as a dict of arrays; ``out`` is a path to use. Skips the test without it."""
    python = interpreter()
    if python is None:
        pytest.skip("no TensorFlow 1.15: set DIPTYCH_TF115 to a Python 3.7 that has it")
    child = _child(python)
    child.stdin.write(json.dumps({"path": str(path), "case": case, "out": str(out)}) + "\n")
    child.stdin.flush()
    answer = child.stdout.readline()
    assert answer, f"TensorFlow 1.15 died with status {child.wait()} in {path.name}, {case}"
    error = json.loads(answer)["error"]
    assert error is None, f"TensorFlow 1.15 cannot run {path.name}, {case}:\n{error}"
    with np.load(out) as values:
        return dict(values)


@cache
def _child(python):
    """One process for all cases: it takes three seconds to start."""
    # A newer TensorFlow in this process leaves switches such as TF2_BEHAVIOR in the environment.
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("TF")}
    quiet = {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "", "PYTHONWARNINGS": "ignore"}
    child = subprocess.Popen(
        [python, str(_SERVER)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=inherited | quiet,
        text=True,
    )
    atexit.register(_end, child)
    return child


def _end(child):
    child.stdin.close()
    child.stdout.close()
    child.wait()


def ours(tf, path, case):
    """What a case gives with ``tf``, as a dict of arrays."""
    return {name: np.asarray(value) for name, value in cases_of(path)[case](tf, np).items()}


TOLERANCE = {"float32": 1e-4, "float64": 1e-6, "complex64": 1e-4, "complex128": 1e-6}


def check(actual, wanted):
    """Assert equal keys, dtypes, shapes, integers and strings, and floats within the dtype's tolerance of the largest."""
    assert actual.keys() == wanted.keys()
    for name, want in wanted.items():
        got = actual[name]
        assert got.dtype.kind == want.dtype.kind, f"{name}: {got.dtype}, TensorFlow {want.dtype}"
        if want.dtype.kind not in "fc":
            np.testing.assert_array_equal(got, want, err_msg=name)
            continue
        assert got.dtype == want.dtype, f"{name}: {got.dtype}, TensorFlow {want.dtype}"
        rtol = TOLERANCE[want.dtype.name]
        scale = np.abs(want[np.isfinite(want)]).max(initial=0.0)
        np.testing.assert_allclose(got, want, rtol=rtol, atol=rtol * scale, err_msg=name)
