"""Runs demos, and prints as JSON the bits of all that their sessions fetch and of every loss that they go back from.

python -m tests.agree.traces BLAS CREW DEMO [ARGUMENT ...] [, DEMO ...]

BLAS is the number of threads of matrix products, CREW that of our own work on large arrays.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import itertools
import json
import os
import runpy
import sys
import tempfile
from pathlib import Path
from typing import Any


DEMOS = Path(__file__).resolve().parents[2] / "demos"


def bits(value: Any) -> list[str]:
    """A digest of each array or number of floats in what a run has fetched."""
    found, waiting = [], [value]
    while waiting:
        each = waiting.pop()
        if isinstance(each, dict):
            waiting.extend(each.values())
        elif isinstance(each, (list, tuple)):
            waiting.extend(each)
        elif getattr(getattr(each, "dtype", None), "kind", "") == "f":
            found.append(hashlib.sha256(each.tobytes()).hexdigest()[:16])
    return found


def main() -> None:
    """Run each demo in a folder of its own."""
    blas, crew, *words = sys.argv[1:]
    sys.path.insert(0, str(DEMOS))  # as where they are called by their paths
    os.environ |= {"OPENBLAS_NUM_THREADS": blas, "OMP_NUM_THREADS": crew}
    import dynamic
    import static

    dynamic.set_num_threads(int(blas))  # more than there are processors, too
    trace: list[str] = []
    backward, run = dynamic.Tensor.backward, static.Session.run

    def told_backward(self: Any, *args: Any, **settings: Any) -> None:
        trace.extend(bits(self.detach().numpy()))
        backward(self, *args, **settings)

    def told_run(self: Any, *args: Any, **settings: Any) -> Any:
        value = run(self, *args, **settings)
        trace.extend(bits(value))
        return value

    dynamic.Tensor.backward, static.Session.run = told_backward, told_run
    traces = {}
    for name, *args in (list(group) for comma, group in itertools.groupby(words, ",".__eq__) if not comma):
        trace.clear()
        sys.argv = [name, *args]
        with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder), contextlib.redirect_stdout(io.StringIO()):
            runpy.run_path(str(DEMOS / name), run_name="__main__")
        traces[name] = list(trace)
    print(json.dumps(traces))


if __name__ == "__main__":
    main()
