"""Part of a trained net is kept as it is, and another part trained for a new task: what is frozen is not on the tape.

    python demos/freezing.py
    python demos/freezing.py --quick

A net learns to read digits. Then all of it is frozen, and a new last layer, the entrance of the part that is to be trained,
learns from a few dozen of them which are odd. Nothing before a parameter that requires a gradient is recorded, so the tape
of such a step is short, a step cheaper, and the base the same to the last bit. The same layer on features that nobody
trained shows what was transferred.
"""

from __future__ import annotations

import argparse
import time

import numpy as np

import dynamic as torch
from dynamic import nn, optim
from dynamic.nn import functional
from graphs.core.node import ancestors
from graphs.datasets import DataSet, read_data_sets


Data = tuple[torch.Tensor, torch.Tensor]


def net() -> nn.Sequential:
    """Two layers of features and one of scores."""
    return nn.Sequential(nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 64), nn.ReLU(), nn.Linear(64, 10))


def digits(part: DataSet) -> Data:
    """Images and their classes."""
    return torch.from_numpy(part.images.copy()), torch.from_numpy(part.labels.astype(np.int64))


def train(model: nn.Module, data: Data, epochs: int) -> tuple[float, int]:
    """Train what requires gradients. Returns microseconds a step, and how many records a step leaves on its tape."""
    images, labels = data
    optimizer = optim.Adam([p for p in model.parameters() if p.requires_grad], lr=3e-3)
    times, records = [], 0
    for _ in range(epochs):
        for rows in torch.randperm(len(images)).split(32):
            start = time.perf_counter()
            loss = functional.cross_entropy(model(images[rows]), labels[rows])
            records = len(ancestors([loss.grad_fn]))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            times.append(time.perf_counter() - start)
    return float(np.median(times)) * 1e6, records


def right(model: nn.Module, data: Data) -> float:
    """The share of images that are told right."""
    with torch.no_grad():
        return float((model(data[0]).argmax(1) == data[1]).float().mean())


def transferred(model: nn.Sequential) -> nn.Sequential:
    """``model`` with all of it frozen, but for a new last layer."""
    for parameter in model.parameters():
        parameter.requires_grad = False
        parameter.grad = None
    model[-1] = nn.Linear(64, 2)
    return model


def main() -> None:
    """Train the base, freeze it, train the last layer for other digits, and print what each cost and learnt."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="few rounds over the data")
    epochs = 3 if parser.parse_args().quick else 10
    torch.manual_seed(0)
    found = read_data_sets("", one_hot=False)
    (images, labels), (others, theirs) = digits(found.train), digits(found.test)
    base = net()
    micros, records = train(base, (images, labels), epochs)
    print(
        f"the whole net reads digits:       {right(base, (others, theirs)):6.1%}  {micros:6.0f} µs, {records} records a step"
    )
    before = {name: value.clone() for name, value in base.state_dict().items()}
    few = images[:60], labels[:60] % 2
    for title, model in (
        ("odd or even, on frozen features:", transferred(base)),
        ("on untrained ones:", transferred(net())),
    ):
        micros, records = train(model, few, 20)
        told = right(model, (others, theirs % 2))
        print(f"{title:34}{told:6.1%}  {micros:6.0f} µs, {records} records a step")
    same = all(torch.equal(value, before[name]) for name, value in base.state_dict().items() if not name.startswith("4."))
    none = all(p.grad is None for p in base[:-1].parameters())
    print(f"the frozen part is the same to the last bit: {same}; it has no gradients: {none}")


if __name__ == "__main__":
    main()
