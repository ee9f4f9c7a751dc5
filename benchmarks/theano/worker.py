"""A process that runs one program in Theano: it is told which by a first line, then how many steps by each further one.

Lines are JSON. The first has a workload's class and fields, and is answered with ``{"error": null, "version": ...}``; the
others have ``{"steps": n}``, answered with the seconds they took and the losses. For Python 3.8.
"""

from __future__ import annotations

import json
import os
import sys
import time
import traceback

from benchmarks import workloads


def main() -> None:
    """Answer until the input ends."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what Theano or a compiler prints is no answer

    def answer(**values: object) -> None:
        answers.write(json.dumps(values) + "\n")
        answers.flush()

    first = json.loads(sys.stdin.readline())
    try:
        import theano

        from benchmarks.theano.programs import PROGRAMS

        kind = getattr(workloads, first["kind"])
        step = PROGRAMS[kind](kind(**first["fields"]))
        if not theano.config.cxx:
            raise RuntimeError("Theano has found no C++ compiler")
    except Exception:
        answer(error=traceback.format_exc())
        return
    answer(error=None, version=theano.__version__)
    for line in sys.stdin:
        steps = range(json.loads(line)["steps"])
        start = time.perf_counter()
        losses = [step() for _ in steps]
        answer(seconds=time.perf_counter() - start, losses=losses)


if __name__ == "__main__":
    main()
