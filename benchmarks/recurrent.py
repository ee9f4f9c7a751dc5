"""Recurrent layers trained on one sequence at a time, of 5 to 45 steps: ``dynamic`` against PyTorch, by one text.

A step is the forward pass, the loss of the last output, the backward pass and the optimiser's update. Both libraries take
turns, sequence by sequence, in one process.
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import numpy
import typer
from rich.console import Console
from rich.table import Table

from benchmarks.contenders import CONTENDERS


INPUTS = UNITS = 128
CLASSES = 10
LENGTHS = range(5, 46, 5)

Step = Callable[[Any, Any], float]


def whole(torch: Any, net: Any, x: Any) -> Any:
    """The last output of a layer that takes the whole sequence."""
    return net(x)[0][-1]


def step_by_step(torch: Any, net: Any, x: Any) -> Any:
    """The last state of a cell, in a loop."""
    state = None
    for row in x:
        state = net(row, state)
    return state[0] if isinstance(state, tuple) else state


LAYERS = {
    "LSTM": ("LSTM", whole),
    "LSTMCell in a loop": ("LSTMCell", step_by_step),
    "GRU": ("GRU", whole),
    "GRUCell in a loop": ("GRUCell", step_by_step),
    "RNN": ("RNN", whole),
}
"""What is trained: a title, the module's name, and how its result is had."""

OPTIMISERS = {
    "SGD": lambda torch, params: torch.optim.SGD(params, lr=0.01),
    "Adam": lambda torch, params: torch.optim.Adam(params, lr=0.001),
}


def training(torch: Any, layer: str, optimiser: str, inputs: int = INPUTS, units: int = UNITS) -> Step:
    """A step of training on a sequence and its class, which returns the loss; parameters are the same in every library."""
    random = numpy.random.default_rng(0)
    name, run = LAYERS[layer]
    net = getattr(torch.nn, name)(inputs, units)
    params = list(net.parameters())
    for p in params:
        p.data.copy_(torch.from_numpy(random.uniform(-0.1, 0.1, tuple(p.shape)).astype("f")))
    out = torch.from_numpy(random.uniform(-0.1, 0.1, (units, CLASSES)).astype("f")).requires_grad_()
    solver = OPTIMISERS[optimiser](torch, [*params, out])
    loss_of = torch.nn.functional.cross_entropy

    def step(x: Any, y: Any) -> float:
        solver.zero_grad()
        loss = loss_of(run(torch, net, x).mm(out), y)
        loss.backward()
        solver.step()
        return float(loss.item())

    return step


def sequences(torch: Any, inputs: int = INPUTS, lengths: Any = LENGTHS) -> list[tuple[Any, Any]]:
    """Sequences (steps, 1, inputs) of every length, and their classes."""
    random = numpy.random.default_rng(1)
    made = []
    for length in lengths:
        x = random.standard_normal((length, 1, inputs)).astype("f")
        made.append((torch.from_numpy(x), torch.from_numpy(random.integers(0, CLASSES, 1))))
    return made


def main(
    rounds: Annotated[int, typer.Option(help="How often everybody goes through all sequences.")] = 30,
    to_json: Annotated[Path | None, typer.Option("--json", help="Write the medians there too.")] = None,
) -> None:
    """Print milliseconds a step, by layer and optimiser."""
    who = {"dynamic": CONTENDERS["dynamic"].load(), "PyTorch eager": CONTENDERS["PyTorch eager"].load()}
    data = {name: sequences(torch) for name, torch in who.items()}
    found: dict[str, dict[str, float]] = {}
    table = Table("", *who, "ratio", title=f"ms a step, batch 1, {UNITS} units, {rounds} rounds of {len(LENGTHS)} lengths")
    for layer in LAYERS:
        for optimiser in OPTIMISERS:
            steps = {name: training(torch, layer, optimiser) for name, torch in who.items()}
            times: dict[str, list[float]] = {name: [] for name in who}
            for turn in range(rounds + 1):
                for place in range(len(LENGTHS)):
                    for name, step in steps.items():
                        start = time.perf_counter()
                        step(*data[name][place])
                        if turn:  # the first warms up
                            times[name].append((time.perf_counter() - start) * 1e3)
            medians = {name: statistics.median(each) for name, each in times.items()}
            ours, theirs = medians.values()
            title = f"{layer}, {optimiser}"
            found[title] = medians
            table.add_row(title, *(f"{median:.2f}" for median in medians.values()), f"{ours / theirs:.2f}")
    Console().print(table)
    if to_json is not None:
        to_json.write_text(json.dumps({"rounds": rounds, "milliseconds": found}, indent=2) + "\n")


if __name__ == "__main__":
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(main)
    app()
