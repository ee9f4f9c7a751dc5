"""The nets whose scaling is predicted: graphs of our own ops, whose operations and bytes are counted. Nothing is run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy

import static as tf
from graphs.placing import Scaled, Training, training
from graphs.rewrite.costs import Shapes
from static.passes import EXACT


class Turn(NamedTuple):
    """What one run of a step fetches, and what it is fed: for each placeholder the dims of one example, and the dtype."""

    step: Any
    fed: dict[Any, tuple[tuple[int, ...], str]]


class Net(NamedTuple):
    """A net by its numbers: a step is the turns one after another."""

    title: str
    turns: list[Scaled]
    parameters: int


def counted(title: str, build: Callable[[], list[Turn]], batches: tuple[int, int] = (8, 16)) -> Net:
    """Build a net in a graph of its own, and count its steps for two batches."""
    with tf.Graph().as_default():
        turns = build()
        parameters = sum(int(numpy.prod(v.shape.as_list())) for v in tf.trainable_variables())
        session = tf.Session(passes=EXACT)
        return Net(title, [Scaled.of(*((n, _step(session, turn, n)) for n in batches)) for turn in turns], parameters)


def _step(session: Any, turn: Turn, batch: int) -> Training:
    """A turn's numbers: the plan is made for arrays of these shapes, which take no memory."""
    feeds = {x: numpy.broadcast_to(numpy.zeros((), dtype), (batch, *dims)) for x, (dims, dtype) in turn.fed.items()}
    plan = session.plan(turn.step, feeds)
    known = {(x.node, x.index): spec for x, spec in zip(feeds, plan.given, strict=True)}
    return training(plan.outcome.program, Shapes(known))


def gan() -> list[Turn]:
    """The GAN of the sources: a generator and a discriminator of two layers each, Adam in turns."""
    z, x = tf.placeholder(tf.float32, [None, 100]), tf.placeholder(tf.float32, [None, 784])

    def layers(scope: str, value: Any, *sizes: int) -> Any:
        with tf.variable_scope(scope, reuse=tf.AUTO_REUSE):
            hidden = tf.nn.relu(_dense("hidden", value, sizes[0]))
            return _dense("out", hidden, sizes[1])

    fake = tf.sigmoid(layers("generator", z, 128, 784))
    on_fake, on_real = (layers("discriminator", value, 128, 1) for value in (fake, x))
    cross = tf.nn.sigmoid_cross_entropy_with_logits
    d_loss = tf.reduce_mean(cross(logits=on_real, labels=tf.ones_like(on_real))) + tf.reduce_mean(
        cross(logits=on_fake, labels=tf.zeros_like(on_fake))
    )
    g_loss = tf.reduce_mean(cross(logits=on_fake, labels=tf.ones_like(on_fake)))
    mine = {scope: tf.trainable_variables(scope) for scope in ("generator", "discriminator")}
    d_step = tf.train.AdamOptimizer(1e-3).minimize(d_loss, var_list=mine["discriminator"])
    g_step = tf.train.AdamOptimizer(1e-3).minimize(g_loss, var_list=mine["generator"])
    noise, images = ((100,), "float32"), ((784,), "float32")
    return [Turn(d_step, {z: noise, x: images}), Turn(g_step, {z: noise})]


def wide(units: int = 4096) -> list[Turn]:
    """Two layers of 4096 units, the large net of the GPU's figures, with plain gradient descent."""
    x, y = tf.placeholder(tf.float32, [None, units]), tf.placeholder(tf.float32, [None, units])
    loss = tf.reduce_mean(tf.square(_dense("out", tf.nn.relu(_dense("hidden", x, units)), units) - y))
    step = tf.train.GradientDescentOptimizer(1e-3).minimize(loss)
    return [Turn(step, {x: ((units,), "float32"), y: ((units,), "float32")})]


def transformer(blocks: int = 12, width: int = 768, heads: int = 12, length: int = 512, words: int = 32_000) -> list[Turn]:
    """Blocks of attention and two dense layers (Vaswani et al. 2017, normalised before each part), with Adam."""
    x = tf.placeholder(tf.float32, [None, length, width])
    y = tf.placeholder(tf.int32, [None, length])
    value = x
    for block in range(blocks):
        with tf.variable_scope(f"block_{block}"):
            value = value + _attention(_normalised("before", value), length, width, heads)
            inner = tf.nn.relu(_dense("wide", _normalised("between", value), 4 * width))
            value = value + _dense("narrow", inner, width)
    logits = _dense("words", _normalised("last", value), words)
    loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(logits=logits, labels=y))
    step = tf.train.AdamOptimizer(1e-4).minimize(loss)
    return [Turn(step, {x: ((length, width), "float32"), y: ((length,), "int32")})]


def _attention(value: Any, length: int, width: int, heads: int) -> Any:
    each = width // heads

    def split(name: str) -> Any:
        return tf.transpose(tf.reshape(_dense(name, value, width), [-1, length, heads, each]), [0, 2, 1, 3])

    q, k, v = (split(name) for name in ("q", "k", "v"))
    weights = tf.nn.softmax(tf.matmul(q, k, transpose_b=True) * float(each**-0.5))
    mixed = tf.reshape(tf.transpose(tf.matmul(weights, v), [0, 2, 1, 3]), [-1, length, width])
    return _dense("mixed", mixed, width)


def _normalised(name: str, value: Any) -> Any:
    with tf.variable_scope(name):
        width = value.shape[-1].value
        mean = tf.reduce_mean(value, -1, keepdims=True)
        spread = tf.reduce_mean(tf.square(value - mean), -1, keepdims=True)
        scale = tf.get_variable("scale", [width], initializer=tf.ones_initializer())
        shift = tf.get_variable("shift", [width], initializer=tf.zeros_initializer())
        return (value - mean) * tf.rsqrt(spread + 1e-5) * scale + shift


def _dense(name: str, value: Any, units: int) -> Any:
    """A layer over the last axis, as one matrix product."""
    with tf.variable_scope(name):
        dims = value.shape.as_list()
        w = tf.get_variable("w", [dims[-1], units])
        b = tf.get_variable("b", [units], initializer=tf.zeros_initializer())
        flat = tf.reshape(value, [-1, dims[-1]]) if len(dims) > 2 else value
        out = tf.matmul(flat, w) + b
        return tf.reshape(out, [-1, *dims[1:-1], units]) if len(dims) > 2 else out
