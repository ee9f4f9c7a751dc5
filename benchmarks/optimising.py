"""What optimising costs: each pass over graphs of 1,000 to 100,000 nodes of several kinds, and how the time grows.

    python -m benchmarks.optimising
    python -m benchmarks.optimising --kind layers --largest 10000

Seconds are of the processor, not of the clock: a busy machine does not change them much.
"""

from __future__ import annotations

import gc
import json
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from time import process_time
from typing import Annotated, Any

import numpy
import typer
from rich.console import Console
from rich.table import Table

import static as tf
from graphs.rewrite import Choice, Log, Program
from static.passes import PIPELINE, Optimised, Pass
from static.plan import Plan
from static.schedule import needed, schedule, settle
from static.state import constant_op


SIZES = (1_000, 3_000, 10_000, 30_000, 100_000)

Wanted = tuple[list[Any], list[Any]]
"""What is fetched, and what is fed."""


def chain(size: int) -> Wanted:
    """Element-wise ops one after the other."""
    x = y = tf.placeholder(tf.float32, (None, 8))
    for i in range(size // 4):
        y = tf.tanh(y * 0.5 + x) - float(i % 7)
    return [y], [x]


def needless(size: int) -> Wanted:
    """A chain of which rules leave a fifth: negated twice, times one, plus zero, there and back again."""
    x = y = tf.placeholder(tf.float32, (4, 8))
    for _ in range(size // 8):
        y = tf.transpose(tf.transpose(tf.negative(tf.negative(tf.tanh(y) * 1.0)) - 0.0)) / 1.0
    return [y], [x]


def fan(size: int) -> Wanted:
    """Values that all read one, added up in pairs; half of them twice the same."""
    x = tf.placeholder(tf.float32, (None,))
    values = [tf.exp(x * float(i // 2)) for i in range(size // 3)]
    while len(values) > 1:
        values = [a + b for a, b in zip(values[::2], values[1::2], strict=False)] + values[len(values) & ~1 :]
    return values, [x]


def dag(size: int) -> Wanted:
    """Each op reads two values chosen at random, most of them made lately; a constant here and there."""
    random = numpy.random.default_rng(0)
    x = tf.placeholder(tf.float32, (3, 4))
    values = [x, tf.constant(numpy.ones((3, 4), "f4"))]
    ops = [tf.add, tf.multiply, tf.maximum, tf.subtract, lambda a, b: tf.where(a > 0.0, a, b)]
    while len(values) < size * 0.85:
        a, b = (values[max(0, len(values) - 1 - int(random.exponential(50)))] for _ in range(2))
        values.append(ops[int(random.integers(len(ops)))](a, b))
        if len(values) % 50 == 0:
            values.append(tf.constant(float(len(values))) * tf.constant(2.0))
    return values[-20:], [x]


def layers(size: int) -> Wanted:
    """Layers of a product, a bias and a ramp, their gradients and an update by Adam of each."""
    x, y = tf.placeholder(tf.float32, (None, 4)), tf.placeholder(tf.float32, (None, 4))
    h = x
    for _ in range(max(1, size // 43)):
        w, b = tf.Variable(numpy.eye(4, dtype="f4")), tf.Variable(numpy.zeros(4, "f4"))
        h = tf.nn.relu(tf.matmul(h, w) + b)
    loss = tf.reduce_mean(tf.square(h - y))
    return [tf.train.AdamOptimizer().minimize(loss), loss], [x, y]


def scans(size: int) -> Wanted:
    """Scans over the results of scans, and their gradients; the nodes of bodies count."""
    x = y = tf.placeholder(tf.float32, (5, 3))
    w = tf.Variable(numpy.full((3, 3), 0.1, "f4"))
    for _ in range(max(1, size // 47)):

        def step(h: Any, row: Any) -> Any:
            gate = tf.sigmoid(tf.linalg.matvec(w, h) + row)
            new = tf.tanh(tf.linalg.matvec(w, h * 1.0) - row)
            return gate * h + (1.0 - gate) * new

        y = tf.scan(step, y, tf.zeros(3))
    return [*tf.gradients(tf.reduce_sum(y), [x, w])], [x]


KINDS: dict[str, Callable[[int], Wanted]] = {
    "chain": chain,
    "needless": needless,
    "fan": fan,
    "dag": dag,
    "layers": layers,
    "scans": scans,
}


def count(nodes: Sequence[Any]) -> int:
    """How many nodes there are, those of bodies among them."""
    total, stack = 0, list(nodes)
    while stack:
        node = stack.pop()
        total += 1
        for value in node.params.values():
            for each in value if isinstance(value, tuple) else (value,):
                stack += getattr(each, "nodes", ())
    return total


def measured(kind: str, size: int, passes: Sequence[Pass] = PIPELINE, plan: bool = True) -> dict[str, float]:
    """Seconds for each stage of a graph of about ``size`` nodes, and ``nodes``, how many there are."""
    seconds: dict[str, float] = {}
    gc.collect()
    gc.disable()
    try:
        with tf.Graph().as_default():
            start = process_time()
            fetches, fed = KINDS[kind](size)
            seconds["building"] = process_time() - start
            start = process_time()
            nodes = needed(fetches, fed)
            seconds["pruning"] = process_time() - start
            edges = frozenset((x.node, x.index) for x in fed)
            program = Program(tuple(nodes), tuple(fetches), edges, constant_op, Optimised)
            log, choice = Log(), Choice()
            total = 0.0
            for number, each in enumerate((settle, *passes)):
                start = process_time()
                program = each(program, log, choice)
                took = process_time() - start
                total += took
                name = each.__name__
                seconds[f"{name} {number}" if name in seconds else name] = took
            seconds["all passes"] = total
            start = process_time()
            schedule(program.nodes, program.roots, fed)
            seconds["schedule"] = process_time() - start
            if plan:
                start = process_time()
                Plan(fetches, fed, passes)
                seconds["plan"] = process_time() - start
            return {"nodes": count(nodes), **seconds}
    finally:
        gc.enable()


def exponent(sizes: Sequence[float], seconds: Sequence[float]) -> float:
    """The power of the size that the seconds grow with: the slope of the line through their logarithms."""
    points = [(math.log(n), math.log(max(s, 1e-6))) for n, s in zip(sizes, seconds, strict=True)]
    if len(points) < 2:
        return math.nan
    slope = numpy.polyfit(*zip(*points, strict=True), 1)[0]
    return float(slope)


def main(
    kind: Annotated[list[str] | None, typer.Option(help="Which kinds of graphs; all by default.")] = None,
    largest: Annotated[int, typer.Option(help="The number of nodes up to which to go.")] = 100_000,
    to_json: Annotated[Path | None, typer.Option("--json", help="Write the seconds there too.")] = None,
) -> None:
    """Print seconds for each stage at each size, and the exponent with which they grow."""
    out: dict[str, list[dict[str, float]]] = {}
    for name in kind or list(KINDS):
        rows = out[name] = [measured(name, size) for size in SIZES if size <= largest]
        sizes = [row["nodes"] for row in rows]
        table = Table("", *(f"{n:,.0f}" for n in sizes), "exponent", title=f"{name}: seconds by the number of nodes")
        for stage in rows[0]:
            if stage != "nodes":
                seconds = [row.get(stage, math.nan) for row in rows]
                table.add_row(stage, *(f"{s:.3f}" for s in seconds), f"{exponent(sizes[1:], seconds[1:]):.2f}")
        Console().print(table)
    if to_json is not None:
        to_json.write_text(json.dumps(out, indent=2) + "\n")


if __name__ == "__main__":
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(main)
    app()
