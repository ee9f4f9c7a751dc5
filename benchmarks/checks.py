"""What looking for NaNs costs a training step of the two-layer net, beside the step that nobody looks at."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

import dynamic
import static
from benchmarks.workloads import Net


def in_a_session(net: Net, checked: bool = False, watched: bool = False) -> Callable[[], Any]:
    """A step of ``static``: with every tensor checked, or in a session that is watched for what it fetches and keeps."""
    x0, y0, w1, w2 = net.arrays()
    with static.Graph().as_default():
        x, y = static.placeholder(static.float32, x0.shape), static.placeholder(static.float32, y0.shape)
        hidden = static.nn.sigmoid(static.matmul(x, static.Variable(w1)) / 30.0)
        loss = static.reduce_mean(static.square(static.matmul(hidden, static.Variable(w2)) - y))
        fetches = [loss, static.train.AdamOptimizer(1e-3).minimize(loss)]
        if checked:
            fetches.append(static.add_check_numerics_ops())
        session = static.Session()
        session.run(static.global_variables_initializer())
    feeds = {x: x0, y: y0}
    session.plan(fetches, feeds).compile()
    if watched:
        static.first_nan(session).__enter__()
    return lambda: session.run(fetches, feeds)


def on_a_tape(net: Net, anomalies: bool = False, watched: bool = False) -> Callable[[], Any]:
    """A step of ``dynamic``: with NaNs of the backward pass looked for, or every operation looked at."""
    x, y, w1, w2 = map(dynamic.from_numpy, net.arrays())
    weights = [w1.requires_grad_(), w2.requires_grad_()]
    optimizer = dynamic.optim.Adam(weights, lr=1e-3)

    def step() -> None:
        optimizer.zero_grad()
        ((dynamic.sigmoid(x @ w1 / 30.0) @ w2 - y) ** 2).mean().backward()
        optimizer.step()

    def looked_at() -> None:
        with dynamic.first_nan() if watched else dynamic.autograd.set_detect_anomaly(True):
            step()

    return looked_at if anomalies or watched else step


ROWS: list[tuple[str, Callable[[Net], Callable[[], Any]]]] = [
    ("static", in_a_session),
    ("static, add_check_numerics_ops", lambda net: in_a_session(net, checked=True)),
    ("static, first_nan(session)", lambda net: in_a_session(net, watched=True)),
    ("dynamic", on_a_tape),
    ("dynamic, detect_anomaly", lambda net: on_a_tape(net, anomalies=True)),
    ("dynamic, first_nan()", lambda net: on_a_tape(net, watched=True)),
]
"""What is timed; the ratio is to the last row before without a comma."""


def main(rounds: Annotated[int, typer.Option(help="How often each has a turn.")] = 30) -> None:
    """Print microseconds a step and the ratio to the plain step."""
    for net in (Net(64, 1000, 100, 10), Net(8, 16, 16, 4)):
        steps = [(title, make(net)) for title, make in ROWS]
        times: dict[str, list[float]] = {title: [] for title, _ in steps}
        for turn in range(rounds + 3):
            for title, step in steps:
                start = time.perf_counter()
                step()
                if turn > 2:
                    times[title].append((time.perf_counter() - start) * 1e6)
        table = Table("", "µs a step", "times the plain one", title=f"{net.batch}x{net.inputs}x{net.hidden}x{net.outputs}")
        plain = 1.0
        for title, each in times.items():
            median = statistics.median(each)
            plain = plain if "," in title else median
            table.add_row(title, f"{median:.0f}", f"{median / plain:.2f}")
        Console().print(table)


if __name__ == "__main__":
    typer.run(main)
