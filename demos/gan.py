"""The sources' GAN on handwritten digits, as a static graph and on a tape: two nets, two solvers, two draws of z.

    python demos/gan.py --mode both --iterations 10000
    diptych compare demos/gan.py

Sample grids are written as PNG. ``--mnist DIR`` trains on MNIST's own files, else on the digits shipped with Diptych.
"""

from __future__ import annotations

import argparse
import functools
import itertools
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from rich.progress import track

import dynamic as torch
import dynamic.nn.functional as nn
import dynamic.optim as optim
import static as tf
from dynamic.adapter import DynamicProgram
from graphs.compare import Batch, Setup
from graphs.datasets import DataError, DataSet, Datasets, read_data_sets
from graphs.ops import binary_cross_entropy
from static.adapter import Run, StaticProgram


mb_size, Z_dim, X_dim, h_dim, lr = 64, 100, 784, 128, 1e-3

SHAPES = {
    "Wzh": (Z_dim, h_dim),
    "bzh": (h_dim,),
    "Whx": (h_dim, X_dim),
    "bhx": (X_dim,),
    "Wxh": (X_dim, h_dim),
    "bxh": (h_dim,),
    "Why": (h_dim, 1),
    "bhy": (1,),
}
G_NAMES, D_NAMES = ("Wzh", "bzh", "Whx", "bhx"), ("Wxh", "bxh", "Why", "bhy")

Samples = Callable[[np.ndarray], np.ndarray]
"""The generator: pictures for points z."""


@functools.cache
def digits(mnist: str = "") -> Datasets:
    """The data, read once."""
    return read_data_sets(mnist, one_hot=True)


def setup(dtype: str = "float32", mnist: str = "") -> Setup:
    """Real pictures, points z for either solver's turn, and initial weights; the same in each run."""
    random = np.random.default_rng(0)

    def initial(shape: tuple[int, ...]) -> np.ndarray:
        if len(shape) == 1:
            return np.zeros(shape, dtype)
        return (random.standard_normal(shape) / np.sqrt(shape[0] / 2.0)).astype(dtype)

    def batches() -> Iterator[Batch]:
        train = DataSet(digits(mnist).train.images, digits(mnist).train.labels, seed=0)
        while True:
            X, _ = train.next_batch(mb_size)
            z_D, z_G = random.standard_normal((2, mb_size, Z_dim)).astype(dtype)
            yield {"X": X.astype(dtype), "z_D": z_D, "z_G": z_G}

    return Setup(initial={name: initial(shape) for name, shape in SHAPES.items()}, batches=batches(), dtype=dtype)


def build_static(given: Setup) -> tuple[StaticProgram, Samples]:
    """The GAN as one graph; a step runs it twice, with the two solvers as entry points."""
    graph = tf.Graph()
    with graph.as_default():
        v = {name: tf.Variable(value, name=name) for name, value in given.initial.items()}
        X = tf.placeholder(given.dtype, shape=(None, X_dim), name="X")
        z = tf.placeholder(given.dtype, shape=(None, Z_dim), name="z")

        def G(z: Any) -> Any:
            with tf.name_scope("G"):
                h = tf.nn.relu(tf.matmul(z, v["Wzh"]) + v["bzh"])
                return tf.sigmoid(tf.matmul(h, v["Whx"]) + v["bhx"])

        def D(X: Any) -> Any:
            with tf.name_scope("D"):
                h = tf.nn.relu(tf.matmul(X, v["Wxh"]) + v["bxh"])
                return tf.sigmoid(tf.matmul(h, v["Why"]) + v["bhy"])

        def entropy(probability: Any, label: Any) -> Any:
            return tf.reduce_mean(binary_cross_entropy(probability, label))

        G_sample = G(z)
        D_real, D_fake = D(X), D(G_sample)
        D_loss = entropy(D_real, tf.ones_like(D_real)) + entropy(D_fake, tf.zeros_like(D_fake))
        G_loss = entropy(D_fake, tf.ones_like(D_fake))

        runs, optimizers = [], []
        for name, loss, own, feeds in (
            ("D_loss", D_loss, D_NAMES, {"X": X, "z_D": z}),
            ("G_loss", G_loss, G_NAMES, {"z_G": z}),
        ):
            solver = tf.train.AdamOptimizer(lr)
            pairs = solver.compute_gradients(loss, [v[each] for each in own])
            update = solver.apply_gradients(pairs)
            runs.append(Run(update, feeds, {name: loss}, {each: g for each, (g, _) in zip(own, pairs, strict=True)}))
            optimizers.append(solver)
    program = StaticProgram(graph, runs, parameters=v, optimizers=optimizers)
    return program, lambda points: program.session.run(G_sample, {z: points})


def build_dynamic(given: Setup, device: str = "cpu") -> tuple[DynamicProgram, Samples]:
    """The GAN as the sources print it, on a tape that each step makes anew."""
    p = {name: torch.from_numpy(value.copy()).to(device).requires_grad_() for name, value in given.initial.items()}
    ones_label, zeros_label = (torch.from_numpy(fill((mb_size, 1), given.dtype)).to(device) for fill in (np.ones, np.zeros))

    def G(z: torch.Tensor) -> torch.Tensor:
        h = nn.relu(z @ p["Wzh"] + p["bzh"])
        return nn.sigmoid(h @ p["Whx"] + p["bhx"])

    def D(X: torch.Tensor) -> torch.Tensor:
        h = nn.relu(X @ p["Wxh"] + p["bxh"])
        return nn.sigmoid(h @ p["Why"] + p["bhy"])

    # TensorFlow 1's place for epsilon, so that both forms do the same.
    G_solver = optim.Adam([p[name] for name in G_NAMES], lr=lr, epsilon_hat=True)
    D_solver = optim.Adam([p[name] for name in D_NAMES], lr=lr, epsilon_hat=True)

    def reset_grad() -> None:
        for each in p.values():
            if each.grad is not None:
                each.grad.data.zero_()

    def step(batch: Batch) -> Iterator[tuple[dict, dict]]:
        X = torch.from_numpy(batch["X"]).to(device)
        D_real, D_fake = D(X), D(G(torch.from_numpy(batch["z_D"]).to(device)))
        D_loss = nn.binary_cross_entropy(D_real, ones_label) + nn.binary_cross_entropy(D_fake, zeros_label)
        D_loss.backward()
        D_solver.step()
        yield {"D_loss": D_loss}, {name: p[name].grad for name in D_NAMES}
        reset_grad()

        D_fake = D(G(torch.from_numpy(batch["z_G"]).to(device)))
        G_loss = nn.binary_cross_entropy(D_fake, ones_label)
        G_loss.backward()
        G_solver.step()
        yield {"G_loss": G_loss}, {name: p[name].grad for name in G_NAMES}
        reset_grad()

    program = DynamicProgram(step, parameters=p, optimizers=[D_solver, G_solver])
    return program, lambda points: G(torch.from_numpy(points).to(device)).detach().cpu().numpy()


def static_program(given: Setup) -> StaticProgram:
    """The static form, for ``diptych compare``."""
    return build_static(given)[0]


def dynamic_program(given: Setup, device: str = "cpu") -> DynamicProgram:
    """The dynamic form, for ``diptych compare``."""
    return build_dynamic(given, device)[0]


def grid(images: np.ndarray, columns: int = 8) -> Image.Image:
    """28x28 pictures, flattened and between 0 and 1, side by side with a dark line between them."""
    framed = np.pad(images.reshape(-1, 28, 28), ((0, 0), (2, 2), (2, 2)))
    rows = framed.reshape(-1, columns, 32, 32).swapaxes(1, 2)
    return Image.fromarray(np.rint(rows.reshape(-1, columns * 32) * 255).astype(np.uint8))


BUILDERS = {"static": build_static, "dynamic": build_dynamic}


def train(mode: str, iterations: int, mnist: str, out: Path, exact: bool, device: str = "cpu") -> None:
    """Train in one mode, writing the losses and a sample grid ten times on the way."""
    given = setup(mnist=mnist)
    program, samples = BUILDERS[mode](given, **({"device": device} if mode == "dynamic" else {}))
    if exact and mode == "static":
        program.without_passes()
    points = np.random.default_rng(1).standard_normal((64, Z_dim)).astype(given.dtype)
    every = max(1, iterations // 10)
    batches = itertools.islice(given.batches, iterations)
    for it, batch in enumerate(track(batches, f"{mode:8}", total=iterations), 1):
        if it % every and it < iterations:
            program.step(batch)
            continue
        for_D, for_G = program.states(batch)
        print(f"{mode:8} step {it:6}  D_loss {for_D.losses['D_loss']:.6f}  G_loss {for_G.losses['G_loss']:.6f}")
        grid(samples(points)).save(out / f"gan-{mode}-{it:06}.png")
    print(f"{mode:8} sample grids are in {out}")


def main() -> None:
    """Train in one mode or both."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--mode", choices=[*BUILDERS, "both"], default="both")
    parser.add_argument("--device", default="cpu", help="where the dynamic form computes: cpu or cuda")
    parser.add_argument("--iterations", type=int, default=10000)
    parser.add_argument("--quick", action="store_true", help="20 iterations")
    parser.add_argument("--mnist", default="", metavar="DIR", help="a directory with MNIST's four files")
    parser.add_argument("--out", type=Path, default=Path("out"))
    parser.add_argument("--exact", action="store_true", help="static without passes: the same bits in both modes")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    try:
        for mode in BUILDERS if args.mode == "both" else [args.mode]:
            train(mode, 20 if args.quick else args.iterations, args.mnist, args.out, args.exact, args.device)
    except DataError as error:
        print(f"{Path(__file__).name}: {error}", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
