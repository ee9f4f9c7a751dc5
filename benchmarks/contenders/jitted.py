"""The programs for JAX: a pure step, jitted once, whose parameters are donated so that it may update them in place."""

from __future__ import annotations

import math
from itertools import cycle
from typing import Any

import numpy

from benchmarks import workloads
from benchmarks.contenders.base import Step
from benchmarks.workloads import Chain, Gan, Lstm, Net, Recurrent


def _descending(jax: Any, loss_of: Any, params: Any, data: tuple[Any, ...], rate: float) -> Step:
    """Gradient descent on ``loss_of(params, *data)``."""

    def update(params: Any, *data: Any) -> Any:
        loss, grads = jax.value_and_grad(loss_of)(params, *data)
        return [p - rate * g for p, g in zip(params, grads, strict=True)], loss

    jitted = jax.jit(update, donate_argnums=0)

    def step() -> float:
        nonlocal params
        params, loss = jax.block_until_ready(jitted(params, *data))
        return float(loss)

    return step


def _on_device(jax: Any, arrays: Any) -> list[Any]:
    """Copies, since what is donated must not be somebody else's memory."""
    return [jax.numpy.array(a, copy=True) for a in arrays]


def net(jax: Any, work: Net) -> Step:
    """The two-layer net."""
    jnp = jax.numpy
    x, y, *params = _on_device(jax, work.arrays())

    def loss_of(params: Any, x: Any, y: Any) -> Any:
        w1, w2 = params
        return jnp.square(jnp.maximum(x @ w1, 0) @ w2 - y).sum()

    return _descending(jax, loss_of, params, (x, y), work.learning_rate)


def chain(jax: Any, work: Chain) -> Step:
    """The chain; the result is looked at as the numpy array that it is in memory."""
    jnp = jax.numpy
    (a,), places = _on_device(jax, [work.array()]), work.places()
    jitted = jax.jit(lambda a: jax.nn.sigmoid(2 * a + 1) * jnp.tanh(a) - jnp.exp(-(a**2)))

    def step() -> float:
        return float(numpy.asarray(jax.block_until_ready(jitted(a)))[next(places)])

    return step


def _adam(jnp: Any, params: Any, slots: Any, grads: Any, t: Any, rate: float) -> tuple[Any, Any]:
    """The updated parameters and their slots, a pair (m, v) each; ``expm1`` keeps the digits of ``1 - 0.999**t``."""
    corrected = rate * jnp.sqrt(-jnp.expm1(t * math.log(0.999))) / -jnp.expm1(t * math.log(0.9))
    new_slots = [(0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g) for (m, v), g in zip(slots, grads, strict=True)]
    new = [p - corrected * m / (jnp.sqrt(v) + 1e-8) for p, (m, v) in zip(params, new_slots, strict=True)]
    return new, new_slots


def adam(jax: Any, work: workloads.Adam) -> Step:
    """Adam alone."""
    jnp = jax.numpy
    p, *grads = _on_device(jax, work.arrays())
    turns, places = cycle(grads), work.places()

    def update(p: Any, m: Any, v: Any, t: Any, g: Any) -> Any:
        t = t + 1
        (p,), [(m, v)] = _adam(jnp, [p], [(m, v)], [g], t, work.learning_rate)
        return p, m, v, t

    jitted = jax.jit(update, donate_argnums=(0, 1, 2, 3))
    state = p, jnp.zeros_like(p), jnp.zeros_like(p), jnp.float32(0)

    def step() -> float:
        nonlocal state
        state = jax.block_until_ready(jitted(*state, next(turns)))
        return float(numpy.asarray(state[0])[next(places)])

    return step


def gan(jax: Any, work: Gan) -> Step:
    """The GAN, a jitted function for both turns; batches come as numpy arrays."""
    jnp = jax.numpy
    weights = {name: _on_device(jax, arrays) for name, arrays in work.weights().items()}
    slots = {name: [(jnp.zeros_like(p), jnp.zeros_like(p)) for p in params] for name, params in weights.items()}
    batches = work.batches()

    def run(net: Any, x: Any) -> Any:
        w1, b1, w2, b2 = net
        return jax.nn.sigmoid(jax.nn.relu(x @ w1 + b1) @ w2 + b2)

    def d_loss_of(d: Any, g: Any, images: Any, noise: Any) -> Any:
        return -jnp.mean(jnp.log(run(d, images)) + jnp.log(1 - run(d, run(g, noise))))

    def g_loss_of(g: Any, d: Any, noise: Any) -> Any:
        return -jnp.mean(jnp.log(run(d, run(g, noise))))

    def update(state: Any, images: Any, noise: Any, other: Any) -> Any:
        weights, slots, t = state
        t = t + 1
        g, d = weights["generator"], weights["discriminator"]
        d_loss, grads = jax.value_and_grad(d_loss_of)(d, g, images, noise)
        d, d_slots = _adam(jnp, d, slots["discriminator"], grads, t, work.learning_rate)
        g_loss, grads = jax.value_and_grad(g_loss_of)(g, d, other)
        g, g_slots = _adam(jnp, g, slots["generator"], grads, t, work.learning_rate)
        weights, slots = {"generator": g, "discriminator": d}, {"generator": g_slots, "discriminator": d_slots}
        return (weights, slots, t), d_loss + g_loss

    jitted = jax.jit(update, donate_argnums=0)
    state = weights, slots, jnp.float32(0)

    def step() -> float:
        nonlocal state
        state, loss = jax.block_until_ready(jitted(state, *next(batches)))
        return float(loss)

    return step


def recurrent(jax: Any, work: Recurrent) -> Step:
    """The recurrent net as ``lax.scan``, the products with the inputs before it."""
    jnp = jax.numpy
    x, *params = _on_device(jax, work.arrays())

    def loss_of(params: Any, x: Any) -> Any:
        wx, wh, b = params

        def body(h: Any, inputs: Any) -> Any:
            h = jnp.tanh(inputs + h @ wh)
            return h, h

        _, states = jax.lax.scan(body, jnp.zeros((work.batch, work.units)), x @ wx + b)
        return jnp.square(states).mean()

    return _descending(jax, loss_of, params, (x,), work.learning_rate)


def lstm(jax: Any, work: Lstm) -> Step:
    """The LSTM as ``lax.scan``, the products with the inputs before it."""
    jnp = jax.numpy
    x, *params = _on_device(jax, work.arrays())

    def loss_of(params: Any, x: Any) -> Any:
        wx, wh, b = params

        def body(state: Any, inputs: Any) -> Any:
            c, h = state
            i, j, f, o = jnp.split(inputs + h @ wh, 4, 1)
            c = c * jax.nn.sigmoid(f + 1) + jax.nn.sigmoid(i) * jnp.tanh(j)
            h = jnp.tanh(c) * jax.nn.sigmoid(o)
            return (c, h), h

        start = jnp.zeros((work.batch, work.units))
        _, states = jax.lax.scan(body, (start, start), x @ wx + b)
        return jnp.square(states).mean()

    return _descending(jax, loss_of, params, (x,), work.learning_rate)


PROGRAMS: dict[type, Any] = {
    Net: net,
    Gan: gan,
    Chain: chain,
    workloads.Adam: adam,
    Recurrent: recurrent,
    Lstm: lstm,
}
