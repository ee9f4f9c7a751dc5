"""What a session on a cluster costs, and what two workers gain: a run of an empty part against Dask's own round trip, and
two large branches on one worker and on two, each of one thread.

    python benchmarks/cluster.py
    python benchmarks/cluster.py --rounds 50 --size 700 --depth 8
"""

from __future__ import annotations

import argparse
import os
from statistics import median
from time import perf_counter
from typing import Any


for each in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):  # before numpy: one thread each, here as on the workers
    os.environ[each] = "1"

import numpy as np  # noqa: E402

import static as tf  # noqa: E402


def timed(call: Any) -> float:
    """Seconds of one call."""
    start = perf_counter()
    call()
    return perf_counter() - start


def overhead(session: Any, rounds: int) -> dict[str, float]:
    """Milliseconds: Dask's round trip for a task, and runs whose parts have next to nothing to do, measured in turn."""
    from distributed import Client

    with tf.Graph().as_default(), Client(session.address) as client:
        with tf.device("/job:worker/task:0"):
            x = tf.Variable(1.0)
            one = x + 1
        with tf.device("/job:worker/task:1"):
            two = one * 2
            y = tf.Variable(1.0)
            both = [x.assign(one), y.assign(one)]
        here = tf.Session(f"dask://{session.address}")
        here.run(tf.global_variables_initializer())

        def task() -> None:
            client.submit(abs, -1, pure=False).result()

        runs = {
            "Dask: client.submit(f).result()": task,
            "a run of one part": lambda: here.run(one),
            "a run of two parts, a tensor crosses": lambda: here.run(two),
            "a run that changes variables of two parts": lambda: here.run(both),
        }
        found: dict[str, list[float]] = {name: [] for name in runs}
        for run in runs.values():
            for _ in range(5):
                run()
        for _ in range(rounds):
            for name, run in runs.items():
                found[name].append(timed(run) * 1e3)
        here.close()
        return {name: median(times) for name, times in found.items()}


def branches(session: Any, size: int, depth: int, rounds: int) -> dict[str, float]:
    """Seconds of a run of two independent chains of matrix products, on one worker and on two."""
    start = np.random.default_rng(0).standard_normal((2, size, size)) / size**0.5
    found: dict[str, list[float]] = {}
    sessions, tops = {}, {}
    for name, tasks in (("one worker", (0, 0)), ("two workers", (0, 1))):
        with tf.Graph().as_default():
            ends = []
            for i, task in enumerate(tasks):
                with tf.device(f"/job:worker/task:{task}"):
                    x = tf.Variable(start[i], name=f"x{i}")
                    for _ in range(depth):
                        x = tf.tanh(tf.matmul(x, x) + 0.1) * 0.9
                    ends.append(tf.reduce_sum(x))
            tops[name] = ends[0] + ends[1]
            sessions[name] = tf.Session(f"dask://{session.address}")
            sessions[name].run(tf.global_variables_initializer())
    values = {name: sessions[name].run(tops[name]) for name in sessions}
    if len(set(values.values())) != 1:
        raise SystemExit(f"the results differ: {values}")
    for _ in range(rounds):
        for name, each in sessions.items():
            found.setdefault(name, []).append(timed(lambda each=each, name=name: each.run(tops[name])))
    for each in sessions.values():
        each.close()
    return {name: median(times) for name, times in found.items()}


def throughput(session: Any, megabytes: float, rounds: int) -> float:
    """Bytes a second that cross from worker to worker in one large tensor."""
    with tf.Graph().as_default():
        with tf.device("/job:worker/task:0"):
            x = tf.Variable(np.ones(int(megabytes * 1e6 / 8)))
        with tf.device("/job:worker/task:1"):
            y = tf.identity(x.read_value())[0]
        here = tf.Session(f"dask://{session.address}")
        here.run(x.initializer)
        here.run(y)
        times = [timed(lambda: here.run(y)) for _ in range(rounds)]
        here.close()
    return megabytes * 1e6 / median(times)


def main() -> None:
    """Measure, and print a line for each figure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=200, help="of the small runs; large ones have a tenth (200)")
    parser.add_argument("--size", type=int, default=700, help="of the matrices (700)")
    parser.add_argument("--depth", type=int, default=8, help="products in each branch (8)")
    given = parser.parse_args()
    with tf.Graph().as_default():
        session = tf.Session("dask://local?workers=2")
    try:
        small = overhead(session, given.rounds)
        base = next(iter(small.values()))
        for name, milliseconds in small.items():
            print(f"{name:<45}{milliseconds:8.2f} ms{milliseconds / base:8.2f} of Dask's")
        large = branches(session, given.size, given.depth, max(3, given.rounds // 10))
        for name, seconds in large.items():
            print(f"two branches, {name:<31}{seconds * 1e3:8.1f} ms{large['one worker'] / seconds:8.2f} times as fast")
        moved = throughput(session, 16, max(3, given.rounds // 10))
        print(f"{'from worker to worker, 16 MB at once':<45}{moved / 1e6:8.0f} MB/s")
    finally:
        session.close()


if __name__ == "__main__":
    main()
