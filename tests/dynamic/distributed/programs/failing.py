"""What goes wrong between ranks, one way a run: ``failing.py FOLDER WAY``."""

import os
import signal
import sys
import time
from pathlib import Path

import dynamic as torch
import dynamic.distributed as dist


folder, way = Path(sys.argv[1]), sys.argv[2]
dist.init_process_group(timeout=0.5 if way in ("stopped", "late") else 60)
rank = dist.get_rank()


def note(error):
    """Write down an error."""
    (folder / f"{rank}.txt").write_text(f"{type(error).__name__} {error}")


def caught(*calls):
    """Write down the errors of calls, one after the other."""
    texts = []
    for call in calls:
        try:
            call()
        except Exception as error:
            texts.append(f"{type(error).__name__} {error}")
        else:
            texts.append("no error")
    (folder / f"{rank}.txt").write_text("\n---\n".join(texts))


if way == "mismatch":
    caught(
        lambda: dist.all_reduce(torch.ones(2, 3) if rank else torch.ones(3, 2)),
        lambda: dist.all_reduce(torch.ones(2), op=dist.ReduceOp.MAX if rank == 1 else dist.ReduceOp.SUM),
        lambda: dist.barrier() if rank == 2 else dist.broadcast(torch.ones(2), 0),
        lambda: dist.all_reduce(torch.ones(2, dtype=torch.float64 if rank else torch.float32)),
        lambda: dist.broadcast(torch.ones(2), src=rank),
        lambda: dist.new_group([0, 1 + rank % 2]),
        lambda: dist.all_to_all_single(torch.ones(3), torch.ones(3), [1, 1, 1], [1, 2, 0] if rank == 0 else [1, 1, 1]),
        lambda: dist.recv(torch.ones(2), 0) if rank == 1 else dist.send(torch.ones(3), 1) if rank == 0 else None,
        lambda: dist.all_gather_object([None] * 3, dist),
        lambda: dist.all_reduce(torch.ones(1)),  # and the ranks are still at one
    )
elif way == "raises":
    if rank == 1:
        raise ValueError("no more of this")
    dist.all_reduce(torch.ones(2))
elif way == "killed":
    if rank == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    try:
        dist.all_reduce(torch.ones(2))
    except dist.DistError as error:
        note(error)
        raise
elif way == "leaves":
    if rank != 1:
        caught(lambda: dist.all_reduce(torch.ones(2)), lambda: dist.recv(torch.ones(2), 1), lambda: dist.barrier())
elif way == "stopped":
    if rank == 1:
        os.kill(os.getpid(), signal.SIGSTOP)
    try:
        dist.all_reduce(torch.ones(2), async_op=True).wait()
    except dist.DistError as error:
        note(error)
        raise
elif way == "late":
    come = folder / "come"
    if rank == 1:
        while not come.exists():
            time.sleep(0.01)
    else:
        caught(lambda: dist.recv(torch.ones(2), 1), dist.monitored_barrier, dist.barrier)
        come.touch()
