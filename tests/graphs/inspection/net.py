"""A two-layer net in both forms, for the stepper's transcripts."""

import itertools

import numpy as np

import dynamic as torch
import static as tf
from dynamic.adapter import DynamicProgram
from graphs.compare import Setup
from static.adapter import Run, StaticProgram


def setup(dtype):
    random = np.random.default_rng(0)
    x, y, w1, w2 = (random.standard_normal(shape).astype(dtype) for shape in ((4, 3), (4, 1), (3, 5), (5, 1)))
    return Setup({"w1": w1, "w2": w2}, itertools.repeat({"x": x, "y": y}), dtype)


def static_program(given):
    graph = tf.Graph()
    with graph.as_default():
        x = tf.placeholder(given.dtype, (None, 3), name="x")
        y = tf.placeholder(given.dtype, (None, 1), name="y")
        w1, w2 = (tf.Variable(given.initial[name], name=name) for name in ("w1", "w2"))
        h = tf.nn.relu(tf.matmul(x, w1))
        error = tf.matmul(h, w2) - y
        loss = tf.reduce_sum(error * error)
        g1, g2 = tf.gradients(loss, [w1, w2])
        new_w1 = w1.assign(w1 - 0.125 * g1)
        new_w2 = w2.assign(w2 - 0.125 * g2)
    run = Run([new_w1.op, new_w2.op], {"x": x, "y": y}, {"loss": loss}, {"w1": g1, "w2": g2})
    return StaticProgram(graph, [run], {"w1": w1, "w2": w2})


def dynamic_program(given):
    w1, w2 = (torch.from_numpy(given.initial[name].copy()).requires_grad_() for name in ("w1", "w2"))

    def step(batch):
        x, y = torch.from_numpy(batch["x"]), torch.from_numpy(batch["y"])
        h = torch.relu(x.mm(w1))
        error = h.mm(w2) - y
        loss = (error * error).sum()
        loss.backward()
        w1.data -= 0.125 * w1.grad.data
        w2.data -= 0.125 * w2.grad.data
        yield {"loss": loss}, {"w1": w1.grad, "w2": w2.grad}
        w1.grad = w2.grad = None

    return DynamicProgram(step, {"w1": w1, "w2": w2})
