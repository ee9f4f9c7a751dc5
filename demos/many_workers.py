"""One net beyond one process, in three ways: its graph in parts, replicas of its graph, and ranks that each keep a tape.

    python demos/many_workers.py
    diptych compare demos/many_workers.py

A static graph can be cut before it runs: its two layers stand on two workers, and what crosses is known beforehand. A tape
is there only once it has run, so the dynamic form can do no more than run whole on each rank, and average gradients.
Pictures are written of the placement (asked and actual) and of the time (predicted and measured).

Needs the extras ``distributed`` and ``mpi``: pip install 'diptych[distributed,mpi]'
"""

from __future__ import annotations

import argparse
import itertools
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

import dynamic as torch
import static as tf
from dynamic import nn, optim
from dynamic.adapter import DynamicProgram
from graphs import draw
from graphs.compare import Batch, Setup
from graphs.placing import Cluster, Link, Runtime, simulate
from static import placing
from static.adapter import Run, StaticProgram


N, D_in, H, D_out = 64, 1000, 100, 10
learning_rate = 0.1
WORKERS = 2


def setup(dtype: str = "float32") -> Setup:
    """A batch for each step, and random weights."""
    random = np.random.default_rng(0)
    w1, w2 = (random.standard_normal(shape) / np.sqrt(shape[0]) for shape in ((D_in, H), (H, D_out)))

    def batches() -> Iterator[Batch]:
        while True:
            yield {name: random.standard_normal((N, size)).astype(dtype) for name, size in (("x", D_in), ("y", D_out))}

    return Setup(initial={"w1": w1.astype(dtype), "w2": w2.astype(dtype)}, batches=batches(), dtype=dtype)


def static_program(given: Setup) -> StaticProgram:
    """The net as a graph that asks for a worker for each layer; a session of one process does not heed that."""
    graph = tf.Graph()
    with graph.as_default():
        x = tf.placeholder(given.dtype, shape=(None, D_in), name="x")
        y = tf.placeholder(given.dtype, shape=(None, D_out), name="y")
        with tf.device("/job:worker/task:0"):
            w1 = tf.Variable(given.initial["w1"], name="w1")
            hidden = tf.nn.relu(tf.matmul(x, w1), name="hidden")
        with tf.device("/job:worker/task:1"):
            w2 = tf.Variable(given.initial["w2"], name="w2")
            loss = tf.reduce_mean((tf.matmul(hidden, w2) - y) ** 2.0, name="loss")
        solver = tf.train.GradientDescentOptimizer(learning_rate)
        pairs = solver.compute_gradients(loss)
        step = Run(
            updates=solver.apply_gradients(pairs),
            feeds={"x": x, "y": y},
            losses={"loss": loss},
            gradients={v.op.name: g for g, v in pairs},
        )
    return StaticProgram(graph, [step], parameters={"w1": w1, "w2": w2}, optimizers=[solver])


class Net(nn.Module):
    """The net on a tape."""

    def __init__(self, given: Setup) -> None:
        super().__init__()
        self.w1, self.w2 = (nn.Parameter(torch.from_numpy(given.initial[name].copy())) for name in ("w1", "w2"))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """What the net makes of ``x``."""
        return torch.relu(x @ self.w1) @ self.w2


def dynamic_program(given: Setup) -> DynamicProgram:
    """The net as a step that is recorded anew each time."""
    net = Net(given)
    optimizer = optim.SGD(net.parameters(), lr=learning_rate)

    def step(batch: Batch) -> Iterator[tuple[dict, dict]]:
        loss = nn.functional.mse_loss(net(torch.from_numpy(batch["x"])), torch.from_numpy(batch["y"]))
        loss.backward()
        optimizer.step()
        yield {"loss": loss}, {"w1": net.w1.grad, "w2": net.w2.grad}
        optimizer.zero_grad()

    return DynamicProgram(step, parameters={"w1": net.w1, "w2": net.w2}, optimizers=[optimizer])


def on_tape(iterations: int) -> list[float]:
    """The losses of the tape in one process."""
    given = setup()
    program = dynamic_program(given)
    return [float(program.states(batch)[0].losses["loss"]) for batch in itertools.islice(given.batches, iterations)]


def in_session(target: str, iterations: int, **settings: Any) -> tuple[list[float], Any, dict[str, Any]]:
    """The losses in a session of this process (no target) or on workers, the session, and what it ran."""
    given = setup()
    program = static_program(given)
    (run,) = program._runs
    graph = program.session.graph
    with graph.as_default():
        session = tf.Session(target, graph=graph, **settings)
        session.run(tf.global_variables_initializer())
    losses, feeds = [], {}
    for batch in itertools.islice(given.batches, iterations):
        feeds = {run.feeds[name]: value for name, value in batch.items()}
        losses.append(float(session.run([run.losses["loss"], run.updates], feeds)[0]))
    return losses, session, {"fetches": [run.losses["loss"], run.updates], "feeds": feeds}


def pictures(session: Any, ran: dict[str, Any], out: Path) -> None:
    """Draw where everything was to be, where it was, and when it ran."""
    fetches, feeds = ran["fetches"], ran["feeds"]
    draw.save(out / "workers-asked.svg", fetches)
    draw.save(out / "workers-actual.svg", fetches, devices={each.name: each.actual for each in session.placement})
    metadata = tf.RunMetadata()
    for _ in range(3):  # the first traced runs are slower than the others
        session.run(fetches, feeds, tf.RunOptions(trace_level=tf.RunOptions.FULL_TRACE), metadata)
    graph = placing.task_graph(session, fetches, feeds, profile=metadata)
    homes = placing.assignment(session, fetches, feeds, graph)
    measured = placing.timeline(session, metadata, graph)
    cluster = Cluster.uniform(sorted(set(homes.values())), Link(latency=1e-3, bandwidth=1e9))
    predicted = simulate(graph, homes, cluster, Runtime(call=3e-4, answer=2e-4, wire=Link(1e-3, 1e9)))
    draw.show_timeline(predicted, measured)
    draw.save_timeline(out / "workers-timeline.png", predicted, measured)
    draw.save_timeline(out / "workers-timeline.json", predicted, measured)
    print(f"pictures of placement and time: {out / 'workers-asked.svg'}, workers-actual.svg, workers-timeline.png")


def as_rank(iterations: int) -> None:
    """Train as one of several ranks; rank 0 prints the losses and the bytes of gradients a step."""
    import dynamic.distributed as dist
    from dynamic.nn.parallel import DistributedDataParallel

    dist.init_process_group()
    rank, size = dist.get_rank(), dist.get_world_size()
    given = setup()
    net = Net(given)
    model = DistributedDataParallel(net)
    optimizer = optim.SGD(model.parameters(), lr=learning_rate)
    losses = []
    for batch in itertools.islice(given.batches, iterations):
        x, y = (torch.from_numpy(batch[name][rank * N // size : (rank + 1) * N // size]) for name in ("x", "y"))
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(model(x), y)
        loss.backward()
        optimizer.step()
        total = loss.detach().clone()
        dist.all_reduce(total)
        losses.append(total.item() / size)
    if rank == 0:
        print(json.dumps({"losses": losses, "bytes": sum(p.numel() * p.element_size() for p in net.parameters())}))
    dist.destroy_process_group()


def ranks(iterations: int) -> dict[str, Any]:
    """What rank 0 of as many ranks as workers prints."""
    program = [str(Path(__file__).resolve()), "--as-rank", "--iterations", str(iterations)]
    command = [sys.executable, "-m", "dynamic.distributed.run", "-n", str(WORKERS), *program]
    made = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, cwd=Path(__file__).parents[1])
    return json.loads(made.stdout.strip().splitlines()[-1])


def told(name: str, losses: list[float], beside: list[float], crossed: str) -> None:
    """Print how the losses went, and how far they are from those of one process."""
    worst = max(abs(a - b) / abs(b) for a, b in zip(losses, beside, strict=True))
    apart = "the same to the last bit" if losses == beside else f"{worst:.1e} apart at most"
    print(f"{name:<26}{losses[0]:>12.7f}{losses[-1]:>12.7f}   {apart:<26}{crossed}")


def main() -> None:
    """Train in all ways, and print the losses beside those of one process."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--iterations", type=int, default=50)
    parser.add_argument("--out", type=Path, default=Path("out"))
    parser.add_argument("--as-rank", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.as_rank:
        as_rank(args.iterations)
        return
    args.out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)  # as workers have: on more threads BLAS adds up in another order
    alone, taped = in_session("", args.iterations)[0], on_tape(args.iterations)
    print(f"{'':<26}{'first loss':>12}{'last loss':>12}   {'beside one process':<26}bytes that crossed in a step")
    told("static, one process", alone, alone, "")
    losses, session, ran = in_session(f"dask://local?workers={WORKERS}", args.iterations)
    with session:
        told("static, graph in parts", losses, alone, f"{sum(each.bytes for each in session.crossings):,}")
        target = f"dask://{session.address}?workers={WORKERS}"
        losses, copies, _ = in_session(target, args.iterations, replicas=WORKERS)
        with copies:
            told("static, replicas", losses, alone, f"{sum(copies.sent):,}")
            copies.check_replicas()
        told("dynamic, one process", taped, taped, "")
        found = ranks(args.iterations)
        told("dynamic, ranks", found["losses"], taped, f"{found['bytes']:,} of gradients all-reduced")
        pictures(session, ran, args.out)


if __name__ == "__main__":
    main()
