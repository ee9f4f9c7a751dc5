"""The two-layer net of the sources, as a static graph and on a tape: two products, a sum of squares, descent.

python demos/two_layer.py --mode both
diptych compare demos/two_layer.py
"""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Iterator

import numpy as np

import dynamic as torch
import static as tf
from dynamic.adapter import DynamicProgram
from graphs.compare import Batch, Setup
from static.adapter import Run, StaticProgram


N, D_in, H, D_out = 64, 1000, 100, 10
learning_rate = 1e-6


def setup(dtype: str = "float32") -> Setup:
    """Random data, the same at each step, and random weights."""
    random = np.random.default_rng(0)
    x, y, w1, w2 = (random.standard_normal(shape).astype(dtype) for shape in ((N, D_in), (N, D_out), (D_in, H), (H, D_out)))
    return Setup(initial={"w1": w1, "w2": w2}, batches=itertools.repeat({"x": x, "y": y}), dtype=dtype)


def static_program(given: Setup) -> StaticProgram:
    """The net as a graph that is built once; its updates are part of it."""
    graph = tf.Graph()
    with graph.as_default():
        x = tf.placeholder(given.dtype, shape=(None, D_in), name="x")
        y = tf.placeholder(given.dtype, shape=(None, D_out), name="y")
        w1 = tf.Variable(given.initial["w1"], name="w1")
        w2 = tf.Variable(given.initial["w2"], name="w2")

        h_relu = tf.nn.relu(tf.matmul(x, w1))
        y_pred = tf.matmul(h_relu, w2)
        loss = tf.reduce_sum((y_pred - y) ** 2.0)

        grad_w1, grad_w2 = tf.gradients(loss, [w1, w2])
        new_w1 = w1.assign(w1 - learning_rate * grad_w1)
        new_w2 = w2.assign(w2 - learning_rate * grad_w2)
    step = Run(
        updates=[new_w1.op, new_w2.op],
        feeds={"x": x, "y": y},
        losses={"loss": loss},
        gradients={"w1": grad_w1, "w2": grad_w2},
    )
    return StaticProgram(graph, [step], parameters={"w1": w1, "w2": w2})


def dynamic_program(given: Setup, device: str = "cpu") -> DynamicProgram:
    """The net as a step that is run again and again, each time leaving a new tape; the updates are outside it."""
    w1 = torch.from_numpy(given.initial["w1"].copy()).to(device).requires_grad_()
    w2 = torch.from_numpy(given.initial["w2"].copy()).to(device).requires_grad_()

    def step(batch: Batch) -> Iterator[tuple[dict, dict]]:
        x, y = torch.from_numpy(batch["x"]).to(device), torch.from_numpy(batch["y"]).to(device)
        y_pred = torch.relu(x.mm(w1)).mm(w2)
        loss = (y_pred - y).pow(2).sum()
        loss.backward()
        w1.data -= learning_rate * w1.grad.data
        w2.data -= learning_rate * w2.grad.data
        yield {"loss": loss}, {"w1": w1.grad, "w2": w2.grad}
        w1.grad.data.zero_()
        w2.grad.data.zero_()

    return DynamicProgram(step, parameters={"w1": w1, "w2": w2})


BUILDERS = {"static": static_program, "dynamic": dynamic_program}


def main() -> None:
    """Train in one mode or both and print the losses."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--mode", choices=[*BUILDERS, "both"], default="both")
    parser.add_argument("--device", default="cpu", help="where the dynamic form computes: cpu or cuda")
    parser.add_argument("--iterations", type=int, default=500)
    args = parser.parse_args()
    for mode in BUILDERS if args.mode == "both" else [args.mode]:
        given = setup()
        program = BUILDERS[mode](given, **({"device": args.device} if mode == "dynamic" else {}))
        for t, batch in enumerate(itertools.islice(given.batches, args.iterations)):
            (state,) = program.states(batch)
            if t < 3 or t == args.iterations - 1:
                print(f"{mode:8} step {t:4}  loss {state.losses['loss']:.9g}")


if __name__ == "__main__":
    main()
