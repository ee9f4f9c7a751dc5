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


CODE = """
import sys, time, numpy
start = time.perf_counter()
import static
print(time.perf_counter() - start, *sys.modules)
"""


@pytest.fixture(scope="module")
def imported():
    """Seconds that the import takes beyond numpy's in a fresh interpreter, the best of five, and the modules it loads."""
    runs = [subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True) for _ in range(5)]
    return min(float(run.stdout.split()[0]) for run in runs), runs[0].stdout.split()[1:]


def test_it_loads_nothing_it_does_not_need(imported):
    _, modules = imported
    assert [name for name in UNWANTED if name in modules] == []


def test_it_is_quick(imported):
    seconds, _ = imported
    assert seconds < 0.3
