"""Many steps of training, and what they leave behind: a script that counts, in a process of its own.

``python -m tests.steps static 10000`` prints as JSON by how much these have grown while no cycles are collected: objects,
nodes and records, bytes that Python has in use, and bytes of memory that the process has.
"""

from __future__ import annotations

import gc
import json
import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy

import dynamic as torch
import static as tf
from dynamic.tape import Record
from graphs.core.node import Node


BATCH = numpy.linspace(-1, 1, 32, dtype="float32").reshape(8, 4)


def static() -> Callable[[], None]:
    """A step of a net with a loop, dropout, batches of two sizes and Adam."""
    x = tf.placeholder(tf.float32, [None, 4])
    w = tf.Variable(numpy.full((4, 3), 0.1, "float32"))
    hidden = tf.nn.dropout(tf.nn.relu(x @ w), 0.9)
    turned = tf.while_loop(lambda i, _: i < 3, lambda i, a: (i + 1, tf.tanh(a) * 1.01), [0, hidden])[1]
    loss = tf.reduce_mean(tf.square(tf.cond(tf.reduce_sum(x) > 1.0, lambda: turned, lambda: turned * 2.0)))
    train = tf.train.AdamOptimizer(0.01).minimize(loss)
    session = tf.Session()
    session.run(tf.global_variables_initializer())
    tf.get_default_graph().finalize()
    for fetches, rows in (([train, loss], 8), ([train, loss], 5), (loss, 8)):
        session.plan(fetches, {x: BATCH[:rows]}).compile()  # as it would be after some steps

    def step() -> None:
        session.run([train, loss], {x: BATCH})
        session.run([train, loss], {x: BATCH[:5]})
        session.run(loss, {x: BATCH.tolist()})

    return step


def dynamic() -> Callable[[], None]:
    """A step of a net with dropout, changes in place, views, a second derivative and Adam."""
    x = torch.from_numpy(BATCH)
    net = torch.nn.Sequential(torch.nn.Linear(4, 5), torch.nn.Tanh(), torch.nn.Dropout(0.1), torch.nn.Linear(5, 2))
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)

    def step() -> None:
        optimizer.zero_grad()
        out = net(x)
        out[0] = out[1] * 2
        first, second = out.split(4)
        loss = (first.t() @ second).pow(2).sum()
        (slope,) = torch.autograd.grad(loss, net[0].weight, create_graph=True)
        (loss + 0.1 * slope.pow(2).sum()).backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimizer.step()

    return step


def resident() -> int:
    """The bytes of memory that the process has."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


def there() -> tuple[int, int]:
    """How many objects there are, and how many of them are nodes or records."""
    kinds = list(map(type, gc.get_objects()))
    return len(kinds), sum(map(kinds.count, (Node, tf.Operation, Record)))


def grown(step: Callable[[], None], count: int) -> dict[str, int]:
    """By how much ``count`` steps have made grow what there is."""

    def run(times: int) -> None:
        for _ in range(times):
            step()

    gc.collect()
    gc.disable()
    run(200 + count // 10)
    objects, nodes = there()
    objects, nodes = there()  # with what the first count has left
    memory = resident()
    run(count)
    memory = resident() - memory
    more = there()
    tracemalloc.start()
    run(200 + count // 10)
    traced = tracemalloc.get_traced_memory()[0]
    run(count)
    traced = tracemalloc.get_traced_memory()[0] - traced
    return {"objects": more[0] - objects, "nodes": more[1] - nodes, "resident": memory, "traced": traced}


if __name__ == "__main__":
    print(json.dumps(grown({"static": static, "dynamic": dynamic}[sys.argv[1]](), int(sys.argv[2]))))
