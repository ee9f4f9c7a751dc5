"""A convolutional net on digits, channels last in the static form, as TensorFlow has them; in the dynamic first, as PyTorch.

    python demos/convolutional.py --mode both
    diptych compare demos/convolutional.py

Look at the transpositions in the pictures. The kernels take channels last, so the graph has none, and the tape has them
around each convolution and pool: views, which change no bit. What layout does change is the order in which ``flatten`` puts
the features, and so the order of a sum: there the dynamic form goes back to channels last, as for weights from TensorFlow.
"""

from __future__ import annotations

import argparse
import functools
import itertools
from collections.abc import Callable, Iterator

import numpy as np

import dynamic as torch
import dynamic.nn.functional as nn
import dynamic.optim as optim
import static as tf
from dynamic.adapter import DynamicProgram
from graphs.compare import Batch, Setup
from graphs.datasets import DataSet, Datasets, read_data_sets
from static.adapter import Run, StaticProgram


mb_size, side, classes, lr = 32, 28, 10, 1e-3

SHAPES = {
    "conv1/weights": (5, 5, 1, 8),
    "conv1/biases": (8,),
    "conv2/weights": (5, 5, 8, 16),
    "conv2/biases": (16,),
    "dense/weights": (side // 4 * side // 4 * 16, 64),
    "dense/biases": (64,),
    "logits/weights": (64, classes),
    "logits/biases": (classes,),
}

Predict = Callable[[np.ndarray], np.ndarray]
"""The logits for pictures of shape (n, 28, 28, 1)."""


@functools.cache
def digits() -> Datasets:
    """The data, read once."""
    return read_data_sets("", one_hot=True, reshape=False)


def setup(dtype: str = "float32") -> Setup:
    """Digits with their classes, and initial weights; the same in each run."""
    random = np.random.default_rng(0)

    def initial(shape: tuple[int, ...]) -> np.ndarray:
        if len(shape) == 1:
            return np.zeros(shape, dtype)
        return (random.standard_normal(shape) * np.sqrt(2 / np.prod(shape[:-1]))).astype(dtype)

    def batches() -> Iterator[Batch]:
        train = DataSet(digits().train.images, digits().train.labels, seed=0)
        while True:
            X, y = train.next_batch(mb_size)
            yield {"X": X.astype(dtype), "y": y.astype(dtype)}

    return Setup(initial={name: initial(shape) for name, shape in SHAPES.items()}, batches=batches(), dtype=dtype)


def build_static(given: Setup) -> tuple[StaticProgram, Predict]:
    """The net as a graph; pictures are (batch, height, width, channels)."""
    graph = tf.Graph()
    with graph.as_default():
        X = tf.placeholder(given.dtype, shape=(None, side, side, 1), name="X")
        y = tf.placeholder(given.dtype, shape=(None, classes), name="y")
        v = {name: tf.get_variable(name, initializer=value) for name, value in given.initial.items()}

        def conv(x: tf.Tensor, layer: str) -> tf.Tensor:
            with tf.name_scope(layer):
                x = tf.nn.conv2d(x, v[f"{layer}/weights"], strides=[1, 1, 1, 1], padding="SAME")
                x = tf.nn.relu(tf.nn.bias_add(x, v[f"{layer}/biases"]))
                return tf.nn.max_pool(x, ksize=[1, 2, 2, 1], strides=[1, 2, 2, 1], padding="VALID")

        def dense(x: tf.Tensor, layer: str) -> tf.Tensor:
            with tf.name_scope(layer):
                return tf.matmul(x, v[f"{layer}/weights"]) + v[f"{layer}/biases"]

        features = tf.layers.flatten(conv(conv(X, "conv1"), "conv2"))
        logits = dense(tf.nn.relu(dense(features, "dense")), "logits")
        loss = tf.reduce_mean(-tf.reduce_sum(tf.nn.log_softmax(logits) * y, 1))

        solver = tf.train.AdamOptimizer(lr)
        pairs = solver.compute_gradients(loss, list(v.values()))
        update = solver.apply_gradients(pairs)
    gradients = {name: gradient for name, (gradient, _) in zip(v, pairs, strict=True)}
    step = Run(update, {"X": X, "y": y}, {"loss": loss}, gradients)
    program = StaticProgram(graph, [step], parameters=v, optimizers=[solver])
    return program, lambda pictures: program.session.run(logits, {X: pictures})


def build_dynamic(given: Setup, device: str = "cpu") -> tuple[DynamicProgram, Predict]:
    """The net on a tape; pictures are (batch, channels, height, width)."""
    p = {name: torch.from_numpy(value.copy()).to(device).requires_grad_() for name, value in given.initial.items()}
    # TensorFlow 1's place for epsilon, so that both forms do the same.
    solver = optim.Adam(p.values(), lr=lr, epsilon_hat=True)

    def conv(x: torch.Tensor, layer: str) -> torch.Tensor:
        weights = p[f"{layer}/weights"].permute(3, 2, 0, 1)  # from (height, width, inputs, outputs)
        return nn.max_pool2d(nn.relu(nn.conv2d(x, weights, p[f"{layer}/biases"], padding=2)), 2)

    def dense(x: torch.Tensor, layer: str) -> torch.Tensor:
        return x @ p[f"{layer}/weights"] + p[f"{layer}/biases"]

    def net(x: torch.Tensor) -> torch.Tensor:
        features = conv(conv(x.permute(0, 3, 1, 2), "conv1"), "conv2")
        features = features.permute(0, 2, 3, 1).flatten(1)
        return dense(nn.relu(dense(features, "dense")), "logits")

    def step(batch: Batch) -> Iterator[tuple[dict, dict]]:
        X, y = torch.from_numpy(batch["X"]).to(device), torch.from_numpy(batch["y"]).to(device)
        loss = nn.cross_entropy(net(X), y)
        solver.zero_grad()
        loss.backward()
        solver.step()
        yield {"loss": loss}, {name: tensor.grad for name, tensor in p.items()}

    program = DynamicProgram(step, parameters=p, optimizers=[solver])
    return program, lambda pictures: net(torch.from_numpy(pictures).to(device)).detach().cpu().numpy()


def static_program(given: Setup) -> StaticProgram:
    """The static form, for ``diptych compare``."""
    return build_static(given)[0]


def dynamic_program(given: Setup, device: str = "cpu") -> DynamicProgram:
    """The dynamic form, for ``diptych compare``."""
    return build_dynamic(given, device)[0]


BUILDERS = {"static": build_static, "dynamic": build_dynamic}


def main() -> None:
    """Train in one mode or both; print the losses, and how many digits the net reads that it has never seen."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--mode", choices=[*BUILDERS, "both"], default="both")
    parser.add_argument("--device", default="cpu", help="where the dynamic form computes: cpu or cuda")
    parser.add_argument("--iterations", type=int, default=200)
    args = parser.parse_args()
    unseen = digits().test
    for mode in BUILDERS if args.mode == "both" else [args.mode]:
        given = setup()
        program, predict = BUILDERS[mode](given, **({"device": args.device} if mode == "dynamic" else {}))
        for t, batch in enumerate(itertools.islice(given.batches, args.iterations)):
            (state,) = program.states(batch)
            if t % 50 == 0 or t == args.iterations - 1:
                print(f"{mode:8} step {t:4}  loss {state.losses['loss']:.9g}")
        right = predict(unseen.images).argmax(1) == unseen.labels.argmax(1)
        print(f"{mode:8} reads {right.sum()} of {right.size} unseen digits")


if __name__ == "__main__":
    main()
