"""Timings against other systems: ``python -m benchmarks.peers`` and ``python -m benchmarks.overhead``.

Everybody gets the same number of threads: ``OMP_NUM_THREADS``, or one per processor that this process may use.
"""

import os


_PROCESSORS = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
THREADS = int(os.environ.setdefault("OMP_NUM_THREADS", str(_PROCESSORS)))

# What reads these does so once, when it is imported. XLA has no other setting for the size of its pool of threads.
os.environ.setdefault("NPROC", str(THREADS))
os.environ.setdefault("JAX_PLATFORMS", "cpu")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
