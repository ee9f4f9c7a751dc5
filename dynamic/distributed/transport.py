"""MPI under the process groups: found late, started so that nothing listens beyond this host, and ended with the process."""

from __future__ import annotations

import atexit
import os
import sys
import traceback
from collections.abc import Callable
from functools import cache
from importlib.util import find_spec
from types import TracebackType
from typing import Any

from dynamic.distributed import line
from dynamic.distributed.errors import DistError
from graphs.core.errors import at_line, own


_INSTALL = "pip install diptych[mpi]"

_NEAR = {"UCX_TLS": "self,sm", "FI_TCP_IFACE": "lo", "I_MPI_FABRICS": "shm"}
"""Settings of MPICH's and Intel's transports under which ranks of one host use shared memory, or the loopback."""

leaving: list[Callable[[], None]] = []
"""What is called when the process ends, before MPI does."""


def installed() -> bool:
    """Whether mpi4py is there (whether an MPI library is, only loading it tells)."""
    return find_spec("mpi4py") is not None


@cache
def mpi() -> Any:
    """mpi4py's ``MPI``, started. Raises DistError saying what to install where there is none."""
    alone = on_one_host(os.environ)
    if alone:
        for name, value in _NEAR.items():
            os.environ.setdefault(name, value)
    try:
        import mpi4py

        mpi4py.rc.initialize = mpi4py.rc.finalize = False
        from mpi4py import MPI
    except (ImportError, RuntimeError) as error:  # the latter where it finds no library
        raise DistError(f"process groups need MPI ({error}): {_INSTALL}{at_line()}") from None
    if not MPI.Is_initialized():
        level = MPI.Init_thread(MPI.THREAD_MULTIPLE)
        atexit.register(_end, MPI)
    else:
        level = MPI.Query_thread()
    if level < MPI.THREAD_MULTIPLE:
        raise DistError(f"this MPI was started for one thread, and process groups need MPI_THREAD_MULTIPLE{at_line()}")
    _report_uncaught(MPI)
    return MPI


def on_one_host(environment: Any) -> bool:
    """Whether all ranks are on this host, as far as the environment of a rank tells."""
    if line.LAUNCHED in environment:
        return True
    counts = [environment.get("PMI_SIZE"), environment.get("PMIX_RANK"), environment.get("OMPI_COMM_WORLD_SIZE")]
    if not any(counts):
        return "SLURM_STEP_ID" not in environment
    here = environment.get("MPI_LOCALNRANKS") or environment.get("OMPI_COMM_WORLD_LOCAL_SIZE")
    return here is not None and here in counts


def _end(MPI: Any) -> None:  # noqa: N803 (mpi4py's name)
    for each in leaving:
        each()
    if not MPI.Is_finalized():
        MPI.Finalize()


def _report_uncaught(MPI: Any) -> None:  # noqa: N803
    """End all ranks where one ends by an exception: they would wait for it, and MPI's own end would, too."""
    before, process, rank = sys.excepthook, os.getpid(), MPI.COMM_WORLD.rank

    def ended(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        before(kind, error, trace)
        if os.getpid() != process or MPI.Is_finalized():
            return
        sys.stdout.flush()
        why = f"{kind.__name__}: {str(error).splitlines()[0] if str(error) else ''}{_place(trace)}"
        if line.told(why):
            sys.stderr.flush()
            os._exit(1)
        if MPI.COMM_WORLD.size > 1:
            print(f"rank {rank} ended by {why}; the other ranks are ended with it", file=sys.stderr, flush=True)
            MPI.COMM_WORLD.Abort(1)

    sys.excepthook = ended


def _place(trace: TracebackType | None) -> str:
    """The user's line in a traceback, for a message."""
    frames = [frame for frame in traceback.extract_tb(trace) if not own(frame.filename)]
    return f" at {frames[-1].filename}:{frames[-1].lineno}" if frames else ""
