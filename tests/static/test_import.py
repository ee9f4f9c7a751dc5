import subprocess
import sys

import pytest


UNWANTED = (
    "dynamic",
    "networkx",
    "graphviz",
    "pygraphviz",
    "numba",
    "cupy",
    "torch",
    "tensorflow",
    "graphs.draw",
    "rich",
    "PIL",
)


@pytest.fixture(scope="module")
def imported():
    """Seconds that ``import static`` takes beyond numpy in a fresh interpreter, the best of five, and the modules it loads."""
    code = "import time, numpy; s = time.perf_counter(); import static, sys; print(time.perf_counter() - s, *sys.modules)"
    runs = [
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout for _ in range(5)
    ]
    return min(float(out.split()[0]) for out in runs), runs[0].split()[1:]


def test_it_loads_nothing_it_does_not_need(imported):
    _, modules = imported
    assert [name for name in UNWANTED if name in modules] == []


def test_it_is_quick(imported):
    seconds, _ = imported
    assert seconds < 0.3
