"""How long runs on a Dask cluster are predicted to take, and how long they take: ``python -m benchmarks.placing``.

What predicts is measured apart from what is predicted: what the runtime costs on runs that do next to nothing, links on a
value that goes to and fro, nodes by tracing the run. The makespan of the graph itself is seen only at the end. Means of
runs in turns stand on both sides: they add up, and other processes slow both down alike.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from statistics import mean
from typing import Any, NamedTuple


for _name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):  # a worker has one thread; numpy asks when it is imported
    os.environ.setdefault(_name, "1")

import numpy  # noqa: E402

import static as tf  # noqa: E402
from graphs.placing import Cluster, Fabric, Link, Runtime, Timeline, simulate  # noqa: E402
from static import placing  # noqa: E402


class Case(NamedTuple):
    """A graph over two workers: what is fetched and fed."""

    title: str
    fetches: Any
    feeds: dict[Any, Any]
    begin: Any = None


class Found(NamedTuple):
    """What a case was predicted to take, and what it took."""

    title: str
    predicted: float
    measured: float
    timelines: tuple[Timeline, Timeline]
    alone: float

    @property
    def off(self) -> float:
        """By how much the prediction is off, as a share of what was measured."""
        return self.predicted / self.measured - 1


def on(task: int) -> Any:
    """The device of a task."""
    return tf.device(f"/job:worker/task:{task}")


def branches(size: int = 700, depth: int = 6) -> Case:
    """Two chains of products that need nothing of each other."""
    made, feeds = [], {}
    draw = numpy.random.default_rng(0)
    for task in range(2):
        with on(task):
            value = x = tf.placeholder(tf.float64, [size, size], name=f"x{task}")
            for _ in range(depth):
                value = tf.tanh(value @ x) * 0.5
            made.append(tf.reduce_sum(value))
        feeds[x] = draw.standard_normal((size, size)) / size
    return Case("two branches", made[0] + made[1], feeds)


def layers(batch: int = 1024, inputs: int = 512, hidden: int = 1024) -> Case:
    """A net of two layers, one on each worker, trained by gradient descent."""
    draw = numpy.random.default_rng(1)
    x, y = tf.placeholder(tf.float32, [batch, inputs]), tf.placeholder(tf.float32, [batch, 16])
    with on(0):
        w1 = tf.Variable(tf.random_normal([inputs, hidden], stddev=0.05, seed=1), name="w1")
        h = tf.nn.relu(x @ w1)
    with on(1):
        w2 = tf.Variable(tf.random_normal([hidden, 16], stddev=0.05, seed=2), name="w2")
        loss = tf.reduce_mean(tf.square(h @ w2 - y))
    with tf.get_default_graph().colocate_with(w1.op):
        step = tf.train.GradientDescentOptimizer(1e-3).minimize(loss)
    feeds = {x: draw.standard_normal((batch, inputs), "float32"), y: draw.standard_normal((batch, 16), "float32")}
    return Case("net of two layers", [loss, step], feeds, tf.global_variables_initializer())


def pipeline(parts: int = 6, rows: int = 400, size: int = 700) -> Case:
    """Parts of a batch through two stages, a worker each: while one is in the second, the next is in the first."""
    draw = numpy.random.default_rng(2)
    x = tf.placeholder(tf.float64, [parts * rows, size])
    w = [tf.placeholder(tf.float64, [size, size]) for _ in range(2)]
    ends = []
    for part in range(parts):
        value = None
        for task in range(2):
            with on(task):
                value = x[part * rows : (part + 1) * rows] if value is None else value
                for _ in range(3):
                    value = tf.tanh(value @ w[task])
        with on(1):
            ends.append(tf.reduce_sum(value))
    with on(1):
        out = tf.add_n(ends)
    feeds = {x: draw.standard_normal((parts * rows, size))}
    return Case("pipeline of two stages", out, feeds | {each: draw.standard_normal((size, size)) / 26 for each in w})


def replicas(runs: int, runtime: Runtime, link: Link, batch: int = 1024, inputs: int = 512, hidden: int = 512) -> Found:
    """Two replicas of a net: what half a batch takes in a session here, the all-reduce, and the session's calls."""
    with tf.Graph().as_default():
        x, y = tf.placeholder(tf.float32, [None, inputs]), tf.placeholder(tf.float32, [None, 16])
        w1, w2 = (tf.Variable(tf.random_normal(dims, stddev=0.05, seed=1)) for dims in ([inputs, hidden], [hidden, 16]))
        loss = tf.reduce_mean(tf.square(tf.nn.relu(x @ w1) @ w2 - y))
        fetches, begin = [loss, tf.train.AdamOptimizer(1e-3).minimize(loss)], tf.global_variables_initializer()
        draw = numpy.random.default_rng(3)
        whole = {x: draw.standard_normal((batch, inputs), "float32"), y: draw.standard_normal((batch, 16), "float32")}
        half = {each: value[: batch // 2] for each, value in whole.items()}
        with tf.Session() as alone, tf.Session("dask://local?workers=2", replicas=2) as both:
            alone.run(begin)
            both.run(begin)
            calls = [partial(each.run, fetches, feeds) for each, feeds in ((alone, half), (alone, whole), (both, whole))]
            compute, single, took = timed(calls, runs)
        size = 4 * (inputs * hidden + hidden * 16)
        fed = sum(value.nbytes for value in half.values())
        reduced, _ = Fabric(link).all_reduce(2, size)
        ways = 2 * (runtime.call + runtime.answer) + runtime.wire.seconds(fed) + runtime.wire.latency
        predicted = compute + reduced + ways
    rows = ("worker:0", "worker:1")
    return Found("two replicas", predicted, took, (Timeline(rows), Timeline(rows)), single)


CASES: dict[str, Callable[[], Case]] = {"branches": branches, "layers": layers, "pipeline": pipeline}


def timed(calls: Sequence[Callable[[], Any]], runs: int) -> list[float]:
    """The mean seconds of each call in so many rounds, which take them in turns; two rounds before are not counted."""
    found: list[list[float]] = [[] for _ in calls]
    for _ in range(runs + 2):
        for call, into in zip(calls, found, strict=True):
            start = time.perf_counter()
            call()
            into.append(time.perf_counter() - start)
    return [mean(each[2:]) for each in found]


def runtime_of(session: Any, runs: int) -> Runtime:
    """What calls, answers and the way to a worker cost, from runs that do next to nothing, and from feeds by their size."""
    ends, small = [], tf.placeholder(tf.float32, [])
    for task in range(2):
        with on(task):
            ends.append(small + float(task))
    one, two = timed([partial(session.run, what, {small: 1.0}) for what in (ends[0], ends)], runs)
    with on(0):
        large = tf.placeholder(tf.float32, [None])
        shape = large[:1] + 1.0
    counts = (1, 1 << 18, 1 << 20, 1 << 21)
    spans = timed([partial(session.run, shape, {large: numpy.zeros(n, "float32")}) for n in counts], runs)
    samples = [(4.0 * n, max(span - one / 2, 1e-6)) for n, span in zip(counts, spans, strict=True)]
    each = max(0.0, two - one)
    wire = Link(max(0.0, (one - each) / 2), Link.measured(samples).bandwidth)
    return Runtime(call=each / 2, answer=each / 2, wire=wire)


def link_of(session: Any, runs: int, hops: int = 8) -> Link:
    """The link between two workers: a value that goes to and fro against one that stays, by its size."""
    samples = []
    for count in (1, 1 << 14, 1 << 17, 1 << 19):
        x = tf.placeholder(tf.float64, [count])
        ends = []
        for stays in (False, True):
            value = x
            for hop in range(hops + 1):
                with on(0 if stays else hop % 2):
                    value = tf.cumsum(value)  # no pass makes one kernel of several of these
            with on(0):
                ends.append(tf.reduce_sum(value))
        feed = {x: numpy.ones(count)}
        rests, moves = timed([partial(session.run, end, feed) for end in (ends[1], ends[0])], runs)
        samples.append((8.0 * count, max((moves - rests) / hops, 1e-6)))
    return Link.measured(samples)


def examined(session: Any, case: Case, runtime: Runtime, link: Link, runs: int) -> Found:
    """Predict a case, then run it."""
    if case.begin is not None:
        session.run(case.begin)
    options = tf.RunOptions(trace_level=tf.RunOptions.FULL_TRACE)
    profile: list[Any] = []
    shown: list[Timeline] = []

    def traced() -> None:
        began, metadata = time.time(), tf.RunMetadata()
        session.run(case.fetches, case.feeds, options, metadata)
        profile.append(metadata)
        shown.append(placing.timeline(session, metadata, began=began))

    _, took = timed([traced, partial(session.run, case.fetches, case.feeds)], runs)
    seconds = placing.profiled(profile[2:], mean)
    graph = placing.task_graph(session, case.fetches, case.feeds, profile=seconds, runs=0)
    homes = placing.assignment(session, case.fetches, case.feeds, graph)
    workers = sorted(set(homes.values()))
    predicted = simulate(graph, homes, Cluster.uniform(workers, link), runtime)
    best = min(shown, key=lambda each: abs(each.makespan - took))
    alone = sum(seconds for _, seconds in graph.nodes(data="seconds"))
    return Found(case.title, predicted.makespan, took, (predicted, best), alone)


def measure(chosen: Sequence[str], runs: int) -> tuple[Runtime, Link, list[Found]]:
    """All of it, on a local cluster of two processes."""
    cases = {name: CASES[name]() for name in chosen}
    with tf.Session("dask://local?workers=2") as session:
        runtime, link = runtime_of(session, 4 * runs), link_of(session, runs)
        found = [examined(session, case, runtime, link, runs) for case in cases.values()]
    return runtime, link, [*found, replicas(runs, runtime, link)] if len(cases) == len(CASES) else found


def lines(runtime: Runtime, link: Link, found: Sequence[Found]) -> list[str]:
    """What is printed."""
    wire = runtime.wire
    made = [
        f"a part more: {1e3 * (runtime.call + runtime.answer):.2f} ms; to a worker and back: {2e3 * wire.latency:.2f} ms, "
        f"{wire.bandwidth / 1e6:,.0f} MB/s; between workers: {1e3 * link.latency:.2f} ms, {link.bandwidth / 1e6:,.0f} MB/s",
        "",
        "| graph | one worker | predicted | measured | off by |",
        "|---|---:|---:|---:|---:|",
    ]
    for each in found:
        seconds = [f"{1e3 * value:.1f} ms" for value in (each.alone, each.predicted, each.measured)]
        made.append(f"| {each.title} | {' | '.join(seconds)} | {100 * each.off:+.0f} % |")
    return made


def pictures(found: Mapping[str, Found], folder: Path) -> None:
    """Each case's timelines, predicted above traced."""
    from graphs import draw

    folder.mkdir(parents=True, exist_ok=True)
    for name, each in found.items():
        if each.timelines[0].runs:
            draw.save_timeline(folder / f"timeline-{name}.svg", *each.timelines, title=each.title)


def main(argv: Sequence[str] | None = None) -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--case", action="append", choices=CASES, help="only this graph")
    parser.add_argument("--runs", type=int, default=8, help="rounds of which the mean counts")
    parser.add_argument("--out", type=Path, help="a folder for the timelines")
    asked = parser.parse_args(argv)
    chosen = asked.case or list(CASES)
    runtime, link, found = measure(chosen, asked.runs)
    print("\n".join(lines(runtime, link, found)))
    if asked.out:
        pictures(dict(zip(chosen, found, strict=False)), asked.out)


if __name__ == "__main__":
    main()
