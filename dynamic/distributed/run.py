"""``python -m dynamic.distributed.run -n 4 script.py``: a program as ranks on this host, begun again where one ends badly.

It is PyTorch's ``torchrun`` for one host. A script that is begun again loads what it has saved last (``dynamic.save`` writes
a file whole or not at all). With ``-n 4`` there are always four ranks; with ``-n 2:4`` those that are left, two or more.
Ranks find RANK, WORLD_SIZE, LOCAL_RANK and RESTART_COUNT (also as TORCHELASTIC_RESTART_COUNT) in their environment.
"""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Sequence
from typing import Any

from dynamic.distributed.launching import Failure, Ranks


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program: 0 where all ranks end well, else the first bad exit code (128 and a signal's number for a signal)."""
    given = _parser().parse_args(arguments)
    least, most = given.ranks
    size, restarts = most, 0
    command = [sys.executable, *["-m"] * given.module, given.script, *given.arguments]
    while True:
        extra = {"RESTART_COUNT": str(restarts), "TORCHELASTIC_RESTART_COUNT": str(restarts)}
        failed, stopped = _attempt(command, size, extra, given.grace)
        if stopped:
            return 128 + stopped
        if not failed:
            return 0
        ended = "; ".join(f"rank {each.rank} of {size} {each.why}" for each in failed)
        _tell(f"{ended}; the others were ended")
        size = max(least, size - len(failed))
        if restarts == given.max_restarts:
            return 128 - failed[0].code if failed[0].code < 0 else failed[0].code
        restarts += 1
        _tell(f"beginning again with {size} rank{'s' * (size > 1)} ({restarts} of {given.max_restarts} restarts)")


def _attempt(command: list[str], size: int, extra: dict[str, str], grace: float) -> tuple[list[Failure], int]:
    """Run the ranks once: those that failed, and the number of the signal that ended the launcher itself, or 0."""
    stopped = 0
    ranks: Any = None

    def stop(number: int, _: Any) -> None:
        nonlocal stopped
        stopped = stopped or number
        raise KeyboardInterrupt

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        ranks = Ranks(command, size, extra, grace)
        return ranks.wait(), 0
    except KeyboardInterrupt:
        return [], stopped or signal.SIGINT
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        if ranks is not None:
            ranks.close()


def _tell(text: str) -> None:
    sys.stdout.flush()
    print(f"dynamic.distributed.run: {text}", file=sys.stderr, flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("dynamic.distributed.run", description="Run a Python program as several ranks.")
    parser.add_argument(
        *("-n", "--nproc-per-node", "--nproc_per_node"),
        dest="ranks",
        type=_range,
        default=(1, 1),
        metavar="N|MIN:MAX",
        help="ranks; MIN:MAX begins with MAX and goes on with those that are left, at least MIN",
    )
    parser.add_argument(
        *("--max-restarts", "--max_restarts"), type=int, default=0, metavar="K", help="how often to begin again (0)"
    )
    parser.add_argument(
        "--grace", type=float, default=5.0, metavar="S", help="seconds for the other ranks to end by themselves (5)"
    )
    parser.add_argument("-m", "--module", action="store_true", help="the script is a module's name")
    parser.add_argument("--standalone", action="store_true", help="taken as torchrun takes it: there is one host")
    parser.add_argument("script", help="a Python file, or a module's name with -m")
    parser.add_argument("arguments", nargs=argparse.REMAINDER, help="its arguments")
    return parser


def _range(text: str) -> tuple[int, int]:
    least, _, most = text.partition(":")
    try:
        found = int(least), int(most or least)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is neither a number nor MIN:MAX") from None
    if not 1 <= found[0] <= found[1]:
        raise argparse.ArgumentTypeError(f"{text!r}: at least one rank, and MIN no more than MAX")
    return found


if __name__ == "__main__":
    sys.exit(main())
