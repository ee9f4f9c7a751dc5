"""The programs for Theano: one function a turn, with updates of shared variables. For Python 3.8."""

from __future__ import annotations

from collections.abc import Callable
from itertools import cycle
from typing import Any

import numpy
import theano
import theano.tensor as T

from benchmarks import workloads
from benchmarks.workloads import Chain, Gan, Lstm, Net, Recurrent


def net(work: Net) -> Callable[[], float]:
    """The two-layer net."""
    x_value, y_value, *initial = work.arrays()
    x, y = T.fmatrix(), T.fmatrix()
    w1, w2 = params = _shared(initial)
    loss = T.sum(T.sqr(T.dot(T.nnet.relu(T.dot(x, w1)), w2) - y), acc_dtype="float32")
    step = theano.function([x, y], loss, updates=_descent(loss, params, work.learning_rate))
    return lambda: float(step(x_value, y_value))


def chain(work: Chain) -> Callable[[], float]:
    """The chain; its result is lent, not copied."""
    value, places = work.array(), work.places()
    a = T.fvector()
    out = T.nnet.sigmoid(2 * a + 1) * T.tanh(a) - T.exp(-T.sqr(a))
    step = theano.function([theano.In(a, borrow=True)], theano.Out(out, borrow=True))
    return lambda: float(step(value)[next(places)])


def adam(work: workloads.Adam) -> Callable[[], float]:
    """Adam alone, the gradient handed over."""
    initial, *grads = work.arrays()
    turns, places = cycle(grads), work.places()
    (p,) = _shared([initial])
    gradient = T.fvector()
    step = theano.function([gradient], updates=_adam([p], [gradient], work.learning_rate))

    def one() -> float:
        step(next(turns))
        return float(p.get_value(borrow=True)[next(places)])

    return one


def gan(work: Gan) -> Callable[[], float]:
    """The GAN, a function for each net's turn."""
    nets = {name: _shared(arrays) for name, arrays in work.weights().items()}
    images, noise = T.fmatrix(), T.fmatrix()
    batches = work.batches()

    def run(name: str, x: Any) -> Any:
        w1, b1, w2, b2 = nets[name]
        return T.nnet.sigmoid(T.dot(T.nnet.relu(T.dot(x, w1) + b1), w2) + b2)

    fake = run("discriminator", run("generator", noise))
    d_loss = -T.mean(T.log(run("discriminator", images)) + T.log(1 - fake))
    g_loss = -T.mean(T.log(fake))

    def turn(inputs: list, loss: Any, params: list) -> Any:
        return theano.function(inputs, loss, updates=_adam(params, T.grad(loss, params), work.learning_rate))

    d_turn = turn([images, noise], d_loss, nets["discriminator"])
    g_turn = turn([noise], g_loss, nets["generator"])

    def step() -> float:
        x, first, second = next(batches)
        d_value = d_turn(x, first)
        return float(d_value + g_turn(second))

    return step


def recurrent(work: Recurrent) -> Callable[[], float]:
    """The recurrent net as a scan, the products with the inputs before it."""
    value, *initial = work.arrays()
    x = T.ftensor3()
    wx, wh, b = params = _shared(initial)
    start = T.zeros((work.batch, work.units), "float32")
    states, _ = theano.scan(
        lambda inputs, h, wh: T.tanh(inputs + T.dot(h, wh)), sequences=T.dot(x, wx) + b, outputs_info=start, non_sequences=wh
    )
    loss = T.mean(T.sqr(states))
    step = theano.function([x], loss, updates=_descent(loss, params, work.learning_rate))
    return lambda: float(step(value))


def lstm(work: Lstm) -> Callable[[], float]:
    """The LSTM as a scan, likewise."""
    value, *initial = work.arrays()
    x = T.ftensor3()
    wx, wh, b = params = _shared(initial)

    def body(inputs: Any, c: Any, h: Any, wh: Any) -> Any:
        sums = inputs + T.dot(h, wh)
        i, j, f, o = (sums[:, k * work.units : (k + 1) * work.units] for k in range(4))
        c = c * T.nnet.sigmoid(f + 1) + T.nnet.sigmoid(i) * T.tanh(j)
        return c, T.tanh(c) * T.nnet.sigmoid(o)

    start = T.zeros((work.batch, work.units), "float32")
    (_, states), _ = theano.scan(body, sequences=T.dot(x, wx) + b, outputs_info=[start, start], non_sequences=wh)
    loss = T.mean(T.sqr(states))
    step = theano.function([x], loss, updates=_descent(loss, params, work.learning_rate))
    return lambda: float(step(value))


def _shared(arrays: list) -> list:
    return [theano.shared(a) for a in arrays]


def _descent(loss: Any, params: list, rate: float) -> list:
    return [(p, p - numpy.float32(rate) * g) for p, g in zip(params, T.grad(loss, params))]  # noqa: B905


def _adam(params: list, grads: list, rate: float) -> list:
    """Updates of parameters, slots and the count of steps, which is a float so that its powers are."""
    t = theano.shared(numpy.float32(0))
    new_t = t + 1
    corrected = numpy.float32(rate) * T.sqrt(-T.expm1(new_t * _log(0.999))) / -T.expm1(new_t * _log(0.9))
    updates = [(t, new_t)]
    for p, g in zip(params, grads):  # noqa: B905
        m, v = _shared([numpy.zeros_like(p.get_value()) for _ in range(2)])
        new_m = numpy.float32(0.9) * m + numpy.float32(0.1) * g
        new_v = numpy.float32(0.999) * v + numpy.float32(0.001) * g * g
        updates += [(m, new_m), (v, new_v), (p, p - corrected * new_m / (T.sqrt(new_v) + numpy.float32(1e-8)))]
    return updates


def _log(x: float) -> numpy.float32:
    return numpy.float32(numpy.log(x))


PROGRAMS: dict[type, Any] = {
    Net: net,
    Gan: gan,
    Chain: chain,
    workloads.Adam: adam,
    Recurrent: recurrent,
    Lstm: lstm,
}
