"""Theano's programs, each run by a worker in another process (``benchmarks/theano``), which times its own steps.

The interpreter is the one that the environment variable ``DIPTYCH_THEANO`` names, or that of the virtual environment
``diptych/theano`` in the user's cache, which ``python -m benchmarks.theano`` makes.
"""

from __future__ import annotations

import json
import os
import subprocess
import weakref
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.contenders.base import AbsentError, Contender
from benchmarks.workloads import WORKLOADS


CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "diptych"
ENVIRONMENT = CACHE / "theano"
ROOT = Path(__file__).resolve().parent.parent.parent
FLAGS = f"floatX=float32,device=cpu,blas.ldflags=-lopenblas,base_compiledir={CACHE / 'theano-compiled'}"


def interpreter() -> Path:
    """The Python that has Theano. Raises ``AbsentError`` where there is none."""
    named = os.environ.get("DIPTYCH_THEANO")
    found = Path(named) if named else ENVIRONMENT / "bin" / "python"
    if not found.exists():
        where = f"DIPTYCH_THEANO is {named}, which does not exist" if named else "`python -m benchmarks.theano` installs it"
        raise AbsentError(f"no Python 3.8 with Theano: {where}")
    return found


class Remote:
    """A program in a worker, called like any other step; the worker ends with it.

    Raises ``AbsentError`` where the worker cannot set the program up.
    """

    def __init__(self, python: Path, work: Any) -> None:
        environment = {**os.environ, "THEANO_FLAGS": FLAGS, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "ignore"}
        self._worker = subprocess.Popen(
            [python, "-m", "benchmarks.theano.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=environment,
        )
        self.close = weakref.finalize(self, _end, self._worker)
        answer = self._ask(kind=type(work).__name__, fields=asdict(work))
        if answer["error"] is not None:
            self.close()
            raise AbsentError(f"Theano fails: {answer['error'].strip().splitlines()[-1]}")
        self.version: str = answer["version"]

    def __call__(self) -> float:
        """The loss of one step."""
        return float(self._ask(steps=1)["losses"][0])

    def timed(self, count: int) -> float:
        """Seconds that ``count`` steps take in the worker."""
        return float(self._ask(steps=count)["seconds"])

    def _ask(self, **question: Any) -> Any:
        assert self._worker.stdin is not None
        assert self._worker.stdout is not None
        try:
            self._worker.stdin.write(json.dumps(question) + "\n")
            self._worker.stdin.flush()
        except BrokenPipeError:
            pass  # an empty answer says so below
        answer = self._worker.stdout.readline()
        if not answer:
            raise AbsentError(f"Theano's process ended with status {self._worker.wait()}")
        return json.loads(answer)


def _end(worker: subprocess.Popen[str]) -> None:
    worker.kill()
    worker.communicate()


class Theano(Contender):
    """A contender whose module is the path of an interpreter, which runs every workload."""

    def load(self) -> Path:
        """The interpreter. Raises ``AbsentError`` where there is none."""
        return interpreter()


CONTENDER = Theano("theano", dict.fromkeys({type(work) for work in WORKLOADS.values()}, Remote))
