"""A training that goes on from what it has saved last: ``training.py FOLDER STEPS [RESTART:RANK:STEP:MOMENT ...]``.

Each plan says when which rank kills itself: before a step, while gradients travel, or while it saves.
"""

import hashlib
import os
import signal
import sys
from pathlib import Path

import numpy as np

import dynamic as torch
import dynamic.distributed as dist
from dynamic import nn
from dynamic.nn.parallel import DistributedDataParallel


folder, steps = Path(sys.argv[1]), int(sys.argv[2])
plans = [each.split(":") for each in sys.argv[3:]]
dist.init_process_group(timeout=60)
rank, size = dist.get_rank(), dist.get_world_size()
restart = int(os.environ["RESTART_COUNT"])


def die(step, moment):
    """Be killed, if that is planned."""
    if [str(restart), str(rank), str(step), moment] in plans:
        os.kill(os.getpid(), signal.SIGKILL)


torch.manual_seed(7)
net = nn.Sequential(nn.Linear(8, 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, 4))
ddp = DistributedDataParallel(net, bucket_cap_mb=0.01)
optimiser = torch.optim.Adam(ddp.parameters(), lr=0.01)
begin, path = 0, folder / "checkpoint"
if path.exists():
    state = torch.load(path)
    begin = state["step"]
    ddp.load_state_dict(state["model"])
    optimiser.load_state_dict(state["optimiser"])
starts = [None] * size
dist.all_gather_object(starts, begin)
assert starts == [begin] * size
(folder / f"pid{rank}").write_text(str(os.getpid()))
now = begin
net[2].weight.register_hook(lambda g: die(now, "travel"))
replace = os.replace


def torn(source, target):
    """Put a file in its place, unless the rank is killed right before."""
    die(now, "save")
    replace(source, target)


os.replace = torn
for now in range(begin, steps):
    die(now, "before")
    rng = np.random.default_rng(now)
    x, y = rng.normal(size=(24, 8)).astype("f4"), rng.normal(size=(24, 4)).astype("f4")
    part = 24 // size
    rows = slice(rank * part, (rank + 1) * part)
    loss = ((ddp(torch.from_numpy(x[rows])) - torch.from_numpy(y[rows])) ** 2).mean()
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()
    if rank == 0 and (now + 1) % 3 == 0:
        torch.save({"step": now + 1, "model": ddp.state_dict(), "optimiser": optimiser.state_dict()}, path)
    (folder / f"step{rank}").write_text(str(now))
made = hashlib.blake2b(digest_size=16)
for each in net.parameters():
    made.update(each.detach().numpy().tobytes())
digests = [None] * size
dist.all_gather_object(digests, made.hexdigest())
assert digests == digests[:1] * size
if rank == 0:
    (folder / "result").write_text(f"{size} {digests[0]}")
