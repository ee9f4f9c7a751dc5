"""A recurrent net that reads digits row by row, each down to a row of its own: loops of a graph, and a loop in Python.

    python demos/recurrent.py --mode both
    diptych compare demos/recurrent.py

A dynamic program writes the loop in Python: it makes as many steps as the batch has rows, and its tape is as long. A static
program has one loop in its graph, whatever the number of steps: ``tf.nn.dynamic_rnn``, ``tf.scan`` or ``tf.while_loop``
(``--form``; ``recurrent_scan.py`` and ``recurrent_while.py`` compare the other two). All four give the same bits: the static
loop goes back through its rounds from the last to the first, as the tape does, and adds up a weight's gradient in that
order.
"""

from __future__ import annotations

import argparse
import functools
import itertools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

import dynamic as torch
import dynamic.nn.functional as nn
import dynamic.optim as optim
import static as tf
from dynamic.adapter import DynamicProgram
from graphs.compare import Batch, Setup
from graphs.datasets import DataSet, read_data_sets
from static.adapter import Run, StaticProgram


mb_size, rows, columns, h_dim, classes, lr = 32, 28, 28, 64, 10, 3e-3


@functools.cache
def digits() -> DataSet:
    """The data, read once."""
    return read_data_sets("", one_hot=True).train


def setup(dtype: str = "float32") -> Setup:
    """Digits that end at a random row, and initial weights; the same in each run."""
    random = np.random.default_rng(0)

    def initial(inputs: int, outputs: int) -> np.ndarray:
        return (random.standard_normal((inputs, outputs)) / np.sqrt(inputs)).astype(dtype)

    def batches() -> Iterator[Batch]:
        train = DataSet(digits().images, digits().labels, seed=0)
        while True:
            X, y = train.next_batch(mb_size)
            lengths = random.integers(0, rows + 1, mb_size).astype("int32")
            longest = X.reshape(mb_size, rows, columns)[:, : lengths.max()]
            yield {"X": longest.astype(dtype), "lengths": lengths, "y": y.astype(dtype)}

    weights = {
        "kernel": initial(columns + h_dim, h_dim),
        "bias": np.zeros(h_dim, dtype),
        "why": initial(h_dim, classes),
        "by": np.zeros(classes, dtype),
    }
    return Setup(initial=weights, batches=batches(), dtype=dtype)


Cell = Callable[[Any, Any], Any]


def with_dynamic_rnn(X: Any, lengths: Any, v: dict[str, Any]) -> Any:
    """The last states, by a cell and what runs it. The cell finds its variables by their names."""
    cell = tf.nn.rnn_cell.BasicRNNCell(h_dim, name="cell", reuse=True)
    _, state = tf.nn.dynamic_rnn(cell, X, sequence_length=lengths, dtype=X.dtype)
    return state


def with_scan(X: Any, lengths: Any, v: dict[str, Any]) -> Any:
    """The last states, by a scan over the rows. Of the states after each row the last are those at the ends."""

    def step(h: Any, given: tuple[Any, Any]) -> Any:
        x, t = given
        new = tf.tanh(tf.matmul(tf.concat([x, h], 1), v["kernel"]) + v["bias"])
        return tf.where(t < lengths, new, h)

    times = tf.range(tf.shape(X)[1])
    states = tf.scan(step, (tf.transpose(X, [1, 0, 2]), times), initializer=tf.zeros([mb_size, h_dim], X.dtype))
    return states[-1]


def with_while(X: Any, lengths: Any, v: dict[str, Any]) -> Any:
    """The last states, by a loop that ends after the longest of the sequences."""
    inputs = tf.TensorArray(X.dtype, size=tf.shape(X)[1]).unstack(tf.transpose(X, [1, 0, 2]))

    def step(t: Any, h: Any) -> tuple[Any, Any]:
        new = tf.tanh(tf.matmul(tf.concat([inputs.read(t), h], 1), v["kernel"]) + v["bias"])
        return t + 1, tf.where(t < lengths, new, h)

    start = tf.constant(0), tf.zeros([mb_size, h_dim], X.dtype)
    return tf.while_loop(lambda t, h: t < tf.reduce_max(lengths), step, start)[1]


FORMS = {"dynamic_rnn": with_dynamic_rnn, "scan": with_scan, "while": with_while}


def static_program(given: Setup, form: str = "dynamic_rnn") -> StaticProgram:
    """The net as one graph, with one of ``FORMS`` for the loop."""
    graph = tf.Graph()
    with graph.as_default():
        X = tf.placeholder(given.dtype, shape=(mb_size, None, columns), name="X")
        lengths = tf.placeholder("int32", shape=(mb_size,), name="lengths")
        y = tf.placeholder(given.dtype, shape=(mb_size, classes), name="y")
        with tf.variable_scope("rnn/cell"):
            v = {name: tf.get_variable(name, initializer=value) for name, value in given.initial.items()}

        state = FORMS[form](X, lengths, v)
        logits = tf.matmul(state, v["why"]) + v["by"]
        loss = -tf.reduce_mean(tf.reduce_sum(tf.nn.log_softmax(logits) * y, 1))

        solver = tf.train.AdamOptimizer(lr)
        pairs = solver.compute_gradients(loss, list(v.values()))
        update = solver.apply_gradients(pairs)
    gradients = {name: gradient for name, (gradient, _) in zip(v, pairs, strict=True)}
    step = Run(update, {"X": X, "lengths": lengths, "y": y}, {"loss": loss}, gradients)
    return StaticProgram(graph, [step], parameters=v, optimizers=[solver])


def dynamic_program(given: Setup, device: str = "cpu") -> DynamicProgram:
    """The net as a loop in Python, on a tape that is as long as the longest sequence of the batch."""
    p = {name: torch.from_numpy(value.copy()).to(device).requires_grad_() for name, value in given.initial.items()}
    # TensorFlow 1's place for epsilon, so that both forms do the same.
    solver = optim.Adam(p.values(), lr=lr, epsilon_hat=True)

    def step(batch: Batch) -> Iterator[tuple[dict, dict]]:
        X, lengths, y = (torch.from_numpy(batch[name]).to(device) for name in ("X", "lengths", "y"))
        h = torch.zeros(mb_size, h_dim, dtype=X.dtype, device=device)
        for t in range(X.shape[1]):
            new = torch.tanh(torch.cat([X[:, t], h], 1) @ p["kernel"] + p["bias"])
            h = torch.where((t < lengths).unsqueeze(1), new, h)
        logits = h @ p["why"] + p["by"]
        loss = -(nn.log_softmax(logits, 1) * y).sum(1).mean()
        solver.zero_grad()
        loss.backward()
        solver.step()
        yield {"loss": loss}, {name: tensor.grad for name, tensor in p.items()}

    return DynamicProgram(step, parameters=p, optimizers=[solver])


def main() -> None:
    """Train in one mode or both and print the losses."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--mode", choices=["static", "dynamic", "both"], default="both")
    parser.add_argument("--form", choices=[*FORMS, "all"], default="all", help="how the static program loops")
    parser.add_argument("--device", default="cpu", help="where the dynamic form computes: cpu or cuda")
    parser.add_argument("--iterations", type=int, default=500)
    parser.add_argument("--exact", action="store_true", help="static without passes: the same bits in both modes")
    args = parser.parse_args()
    builders: dict[str, Callable[[Setup], Any]] = {}
    if args.mode != "dynamic":
        forms = FORMS if args.form == "all" else [args.form]
        builders.update({f"static, {form}": functools.partial(static_program, form=form) for form in forms})
    if args.mode != "static":
        builders["dynamic"] = functools.partial(dynamic_program, device=args.device)
    for mode, build in builders.items():
        given = setup()
        program = build(given)
        if args.exact and mode != "dynamic":
            program.without_passes()
        for t, batch in enumerate(itertools.islice(given.batches, args.iterations)):
            (state,) = program.states(batch)
            if t < 3 or t == args.iterations - 1:
                print(f"{mode:19} step {t:4}  loss {state.losses['loss']:.9g}")


if __name__ == "__main__":
    main()
