"""What the tests of Theano's way share: data, finite differences, and functions in numpy."""

import numpy


def normal(*shape, seed=0):
    return numpy.random.default_rng([seed, *shape]).standard_normal(shape)


def slopes(f, x, step=1e-6):
    """The gradient of a scalar function by central differences."""
    out = numpy.zeros_like(x)
    for i in numpy.ndindex(*x.shape):
        up, down = x.copy(), x.copy()
        up[i] += step
        down[i] -= step
        out[i] = (f(up) - f(down)) / (2 * step)
    return out


def sigmoid(x):
    return 1 / (1 + numpy.exp(-x))


def softmax(x):
    e = numpy.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)
