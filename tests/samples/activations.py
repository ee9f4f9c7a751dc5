"""Samples of the activation functions, each against the definition of its paper."""

from __future__ import annotations

import math

import numpy

from tests.samples.functions import each
from tests.samples.table import case, normal, samples


X = normal(3, 4) * 2
ONE = case(X), case(normal())
WIDE = case(numpy.array([-40.0, -7.5, -3.2, 3.1, 6.5, 40.0]))


def sigmoid(x):
    return 1 / (1 + numpy.exp(-x))


def softplus(x):
    return numpy.logaddexp(x, 0.0)


def elu(x, alpha=1.0):
    return numpy.where(x > 0, x, alpha * (numpy.exp(x) - 1))


def gelu(x, approximate=False):
    if approximate:
        return x * sigmoid(2 * math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))
    return x * (0.5 * (1 + each(math.erf)(x / math.sqrt(2))))


def hard_sigmoid(x):
    return numpy.clip(x / 6 + 0.5, 0, 1)


samples("relu", lambda x: numpy.where(x < 0, 0, x), *ONE, kinds="if")
samples("relu6", lambda x: numpy.clip(x, 0, 6), *ONE, WIDE, kinds="if")
samples(
    "leaky_relu",
    lambda x, negative_slope=0.01: numpy.where(x > 0, x, negative_slope * x),
    *ONE,
    case(X, negative_slope=0.2),
    kinds="if",
)
samples("hard_tanh", lambda x, min=-1.0, max=1.0: numpy.clip(x, min, max), *ONE, case(X, min=-0.5, max=2.0), kinds="if")
samples("hard_sigmoid", hard_sigmoid, *ONE, WIDE, kinds="if")
samples("hard_swish", lambda x: x * hard_sigmoid(x), *ONE, WIDE, kinds="if")
samples(
    "threshold",
    lambda x, threshold, value: numpy.where(x <= threshold, value, x),
    case(X, threshold=0.1, value=-2.0),
    kinds="if",
)
samples(
    "hard_shrink",
    lambda x, width=0.5: numpy.where(abs(x) <= width, 0, x),
    *(*ONE, WIDE, case(X, width=1.5)),
    kinds="if",
)
samples(
    "soft_shrink",
    lambda x, width=0.5: numpy.sign(x) * numpy.maximum(abs(x) - width, 0),
    *(*ONE, WIDE, case(X, width=1.5)),
    kinds="if",
)
samples("sigmoid", sigmoid, *ONE, WIDE, kinds="if")
samples("log_sigmoid", lambda x: -softplus(-x), *ONE, WIDE, kinds="if")
samples("softplus", softplus, *ONE, WIDE, kinds="if")
samples(
    "softplus_below",
    lambda x, beta=1.0, threshold=20.0: numpy.where(x * beta > threshold, x, softplus(x * beta) / beta),
    *(*ONE, WIDE, case(X, beta=2.0, threshold=0.5), case(X, beta=0.5)),
    kinds="if",
)
samples("softsign", lambda x: x / (1 + abs(x)), *ONE, kinds="if")
samples("elu", elu, *ONE, WIDE, case(X, alpha=0.5), kinds="if")
samples("selu", lambda x: 1.0507009873554805 * elu(x, 1.6732632423543772), *ONE, WIDE, kinds="if")
samples(
    "celu",
    lambda x, alpha=1.0: numpy.where(x > 0, x, alpha * (numpy.exp(x / alpha) - 1)),
    *ONE,
    case(X, alpha=0.5),
    kinds="if",
)
samples("silu", lambda x: x * sigmoid(x), *ONE, WIDE, kinds="if")
samples("mish", lambda x: x * numpy.tanh(softplus(x)), *ONE, WIDE, kinds="if")
samples("gelu", gelu, *ONE, WIDE, case(X, approximate=True), kinds="if")
