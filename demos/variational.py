"""A variational autoencoder of digits (Kingma and Welling 2014), as a static graph and on a tape: noise drawn in each step.

    python demos/variational.py --mode both --iterations 3000
    diptych compare demos/variational.py

Look at the picture that training writes: what the decoder makes of points all over its plane, one digit turning into the
next. In the graph the draw is a node, ``random_normal_like``; to the tape it is data. Neither is given the noise, and both
draw the same: it depends on the seed, the number of the step and the place of the draw in the step, and on nothing else.
"""

from __future__ import annotations

import argparse
import functools
import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from gan import grid
from rich.progress import track

import dynamic as torch
import dynamic.nn.functional as nn
import dynamic.optim as optim
import static as tf
from dynamic.adapter import DynamicProgram
from graphs.compare import Batch, Setup
from graphs.datasets import DataSet, read_data_sets
from static.adapter import Run, StaticProgram


mb_size, X_dim, h_dim, Z_dim, lr, seed = 64, 784, 128, 2, 3e-3, 0

LAYERS = {
    "encoder/hidden": (X_dim, h_dim),
    "encoder/mean": (h_dim, Z_dim),
    "encoder/log_variance": (h_dim, Z_dim),
    "decoder/hidden": (Z_dim, h_dim),
    "decoder/logits": (h_dim, X_dim),
}

Activation = Callable[[Any], Any] | None

Decode = Callable[[np.ndarray], np.ndarray]
"""The decoder: pictures for points z."""


@functools.cache
def digits() -> DataSet:
    """The data, read once."""
    return read_data_sets("").train


def setup(dtype: str = "float32") -> Setup:
    """Digits and initial weights, the same in each run; no noise."""
    random = np.random.default_rng(seed)
    initial = {}
    for layer, shape in LAYERS.items():
        initial[f"{layer}/weights"] = (random.standard_normal(shape) / np.sqrt(shape[0])).astype(dtype)
        initial[f"{layer}/biases"] = np.zeros(shape[1], dtype)

    def batches() -> Iterator[Batch]:
        train = DataSet(digits().images, digits().labels, seed=seed)
        while True:
            yield {"X": train.next_batch(mb_size)[0].astype(dtype)}

    return Setup(initial=initial, batches=batches(), dtype=dtype)


def build_static(given: Setup) -> tuple[StaticProgram, Decode]:
    """The autoencoder as one graph, the noise a node of it."""
    graph = tf.Graph()
    with graph.as_default():
        tf.set_random_seed(seed)
        X = tf.placeholder(given.dtype, shape=(None, X_dim), name="X")
        v = {name: tf.get_variable(name, initializer=value) for name, value in given.initial.items()}

        def dense(x: tf.Tensor, layer: str, activation: Activation = None) -> tf.Tensor:
            with tf.name_scope(layer):
                x = tf.matmul(x, v[f"{layer}/weights"]) + v[f"{layer}/biases"]
                return activation(x) if activation else x

        hidden = dense(X, "encoder/hidden", tf.tanh)
        mean, log_variance = dense(hidden, "encoder/mean"), dense(hidden, "encoder/log_variance")
        noise = tf.random_normal(tf.shape(mean), dtype=given.dtype)
        z = mean + tf.exp(log_variance / 2) * noise
        logits = dense(dense(z, "decoder/hidden", tf.tanh), "decoder/logits")

        errors = tf.nn.sigmoid_cross_entropy_with_logits(labels=X, logits=logits)
        reconstruction = tf.reduce_mean(tf.reduce_sum(errors, 1))
        nats = (mean**2 + tf.exp(log_variance) - log_variance - 1) / 2
        divergence = tf.reduce_mean(tf.reduce_sum(nats, 1))

        solver = tf.train.AdamOptimizer(lr)
        pairs = solver.compute_gradients(reconstruction + divergence, list(v.values()))
        update = solver.apply_gradients(pairs)
        pictures = tf.sigmoid(logits)
    losses = {"reconstruction": reconstruction, "divergence": divergence}
    gradients = {name: gradient for name, (gradient, _) in zip(v, pairs, strict=True)}
    program = StaticProgram(graph, [Run(update, {"X": X}, losses, gradients)], parameters=v, optimizers=[solver])
    return program, lambda points: program.session.run(pictures, {z: points})


def build_dynamic(given: Setup, device: str = "cpu") -> tuple[DynamicProgram, Decode]:
    """The autoencoder on a tape, which the noise comes to from outside."""
    p = {name: torch.from_numpy(value.copy()).to(device).requires_grad_() for name, value in given.initial.items()}
    generator = torch.Generator().manual_seed(seed)
    # TensorFlow 1's place for epsilon, so that both forms do the same.
    solver = optim.Adam(p.values(), lr=lr, epsilon_hat=True)

    def dense(x: torch.Tensor, layer: str, activation: Activation = None) -> torch.Tensor:
        x = x @ p[f"{layer}/weights"] + p[f"{layer}/biases"]
        return activation(x) if activation else x

    def decode(z: torch.Tensor) -> torch.Tensor:
        return dense(dense(z, "decoder/hidden", torch.tanh), "decoder/logits")

    def step(batch: Batch) -> Iterator[tuple[dict, dict]]:
        generator.stream.advance()  # a new step, as each run is one in a session
        X = torch.from_numpy(batch["X"]).to(device)
        hidden = dense(X, "encoder/hidden", torch.tanh)
        mean, log_variance = dense(hidden, "encoder/mean"), dense(hidden, "encoder/log_variance")
        noise = torch.randn(mean.shape, generator=generator, dtype=mean.dtype, device=device)
        z = mean + (log_variance / 2).exp() * noise

        reconstruction = nn.binary_cross_entropy_with_logits(decode(z), X, reduction="none").sum(1).mean()
        nats = (mean**2 + log_variance.exp() - log_variance - 1) / 2
        divergence = nats.sum(1).mean()
        solver.zero_grad()
        (reconstruction + divergence).backward()
        solver.step()
        yield {"reconstruction": reconstruction, "divergence": divergence}, {name: tensor.grad for name, tensor in p.items()}

    program = DynamicProgram(step, parameters=p, optimizers=[solver])
    return program, lambda points: torch.sigmoid(decode(torch.from_numpy(points).to(device))).detach().cpu().numpy()


def static_program(given: Setup) -> StaticProgram:
    """The static form, for ``diptych compare``."""
    return build_static(given)[0]


def dynamic_program(given: Setup, device: str = "cpu") -> DynamicProgram:
    """The dynamic form, for ``diptych compare``."""
    return build_dynamic(given, device)[0]


BUILDERS = {"static": build_static, "dynamic": build_dynamic}


def main() -> None:
    """Train in one mode or both; print the losses, and write what the decoder makes of its plane."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--mode", choices=[*BUILDERS, "both"], default="both")
    parser.add_argument("--device", default="cpu", help="where the dynamic form computes: cpu or cuda")
    parser.add_argument("--iterations", type=int, default=3000)
    parser.add_argument("--out", type=Path, default=Path("out"))
    parser.add_argument("--exact", action="store_true", help="static without passes: the same bits in both modes")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    plane = np.stack(np.meshgrid(*[np.linspace(-2, 2, 16, dtype="float32")] * Z_dim), -1).reshape(-1, Z_dim)
    for mode in BUILDERS if args.mode == "both" else [args.mode]:
        given = setup()
        program, decode = BUILDERS[mode](given, **({"device": args.device} if mode == "dynamic" else {}))
        if args.exact and mode == "static":
            program.without_passes()
        every = max(1, args.iterations // 10)
        for t, batch in enumerate(
            track(itertools.islice(given.batches, args.iterations), f"{mode:8}", total=args.iterations), 1
        ):
            (state,) = program.states(batch)
            if t % every == 0:
                print(f"{mode:8} step {t:6}", *(f" {name} {loss:.9g}" for name, loss in state.losses.items()))
        grid(decode(plane), columns=16).save(args.out / f"variational-{mode}.png")
        print(f"{mode:8} writes its digits to {args.out}")


if __name__ == "__main__":
    main()
