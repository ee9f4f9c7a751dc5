"""What a function gave or was given is changed in place before the backward pass: PyTorch's gradients, or its error."""

import functools

import numpy as np
import pytest

import dynamic
from tests.dynamic.oracle import agree, normal, run_in


pytestmark = pytest.mark.oracle


def _f(t):
    return t.nn.functional


IMAGE, ROWS, LINE = normal(2, 4, 6, 6), normal(4, 6), normal(2, 4, 8)
KERNEL, WEIGHT, CHANNELS = normal(3, 4, 3, 3), normal(5, 6), normal(4) + 1

FUNCTIONS = {
    "conv2d": (IMAGE, lambda t, x: _f(t).conv2d(x, t.from_numpy(KERNEL))),
    "conv_transpose2d": (IMAGE, lambda t, x: _f(t).conv_transpose2d(x, t.from_numpy(KERNEL.swapaxes(0, 1).copy()))),
    "batch_norm": (IMAGE, lambda t, x: _f(t).batch_norm(x, None, None, t.from_numpy(CHANNELS), training=True)),
    "batch_norm of rows": (ROWS, lambda t, x: _f(t).batch_norm(x, None, None, training=True)),
    "batch_norm in evaluation": (
        IMAGE,
        lambda t, x: _f(t).batch_norm(x, t.from_numpy(CHANNELS), t.from_numpy(abs(CHANNELS)), t.from_numpy(CHANNELS)),
    ),
    "layer_norm": (ROWS, lambda t, x: _f(t).layer_norm(x, (6,))),
    "group_norm": (IMAGE, lambda t, x: _f(t).group_norm(x, 2)),
    "instance_norm": (IMAGE, lambda t, x: _f(t).instance_norm(x)),
    "local_response_norm": (IMAGE, lambda t, x: _f(t).local_response_norm(x, 2)),
    "linear": (ROWS, lambda t, x: _f(t).linear(x, t.from_numpy(WEIGHT))),
    "max_pool2d": (IMAGE, lambda t, x: _f(t).max_pool2d(x, 2)),
    "avg_pool2d": (IMAGE, lambda t, x: _f(t).avg_pool2d(x, 2)),
    "adaptive_avg_pool2d": (IMAGE, lambda t, x: _f(t).adaptive_avg_pool2d(x, 2)),
    "adaptive_max_pool2d": (IMAGE, lambda t, x: _f(t).adaptive_max_pool2d(x, 2)),
    "interpolate": (IMAGE, lambda t, x: _f(t).interpolate(x, scale_factor=2)),
    "interpolate bilinear": (IMAGE, lambda t, x: _f(t).interpolate(x, scale_factor=2, mode="bilinear")),
    "pixel_shuffle": (IMAGE, lambda t, x: _f(t).pixel_shuffle(x, 2)),
    "pad": (IMAGE, lambda t, x: _f(t).pad(x, (1, 1))),
    "pad reflect": (IMAGE, lambda t, x: _f(t).pad(x, (1, 1, 1, 1), mode="reflect")),
    "unfold": (IMAGE, lambda t, x: _f(t).unfold(x, 3)),
    "dropout": (ROWS, lambda t, x: _f(t).dropout(x, 0.0)),
    "relu": (ROWS, lambda t, x: _f(t).relu(x)),
    "leaky_relu": (ROWS, lambda t, x: _f(t).leaky_relu(x, 0.1)),
    "elu": (ROWS, lambda t, x: _f(t).elu(x)),
    "selu": (ROWS, lambda t, x: _f(t).selu(x)),
    "gelu": (ROWS, lambda t, x: _f(t).gelu(x)),
    "silu": (ROWS, lambda t, x: _f(t).silu(x)),
    "softplus": (ROWS, lambda t, x: _f(t).softplus(x)),
    "hardtanh": (ROWS, lambda t, x: _f(t).hardtanh(x)),
    "relu6": (ROWS, lambda t, x: _f(t).relu6(x)),
    "prelu": (ROWS, lambda t, x: _f(t).prelu(x, t.tensor([0.25], dtype=t.float64))),
    "logsigmoid": (ROWS, lambda t, x: _f(t).logsigmoid(x)),
    "softsign": (ROWS, lambda t, x: _f(t).softsign(x)),
    "softmax": (ROWS, lambda t, x: _f(t).softmax(x, 1)),
    "log_softmax": (ROWS, lambda t, x: _f(t).log_softmax(x, 1)),
    "sigmoid": (ROWS, lambda t, x: t.sigmoid(x)),
    "tanh": (ROWS, lambda t, x: t.tanh(x)),
    "exp": (ROWS, lambda t, x: t.exp(x)),
    "sin": (ROWS, lambda t, x: t.sin(x)),
    "abs": (ROWS, lambda t, x: t.abs(x)),
    "square": (ROWS, lambda t, x: x**2),
    "cube": (ROWS, lambda t, x: x**3),
    "clamp": (ROWS, lambda t, x: x.clamp(-1, 1)),
    "add": (ROWS, lambda t, x: x + 1),
    "add of two": (ROWS, lambda t, x: x + x.flip(0)),
    "subtract": (ROWS, lambda t, x: 1 - x),
    "multiply": (ROWS, lambda t, x: x * 2),
    "multiply of two": (ROWS, lambda t, x: x * t.cos(x)),
    "divide": (ROWS, lambda t, x: x / 2),
    "reciprocal": (abs(ROWS) + 1, lambda t, x: 1 / x),
    "sqrt": (abs(ROWS) + 1, lambda t, x: x.sqrt()),
    "rsqrt": (abs(ROWS) + 1, lambda t, x: x.rsqrt()),
    "log": (abs(ROWS) + 1, lambda t, x: x.log()),
    "matmul": (ROWS, lambda t, x: x @ t.from_numpy(WEIGHT.T.copy())),
    "bmm": (LINE, lambda t, x: t.bmm(x, x.transpose(1, 2))),
    "cat": (ROWS, lambda t, x: t.cat([x, x])),
    "stack": (ROWS, lambda t, x: t.stack([x, x])),
    "sum": (ROWS, lambda t, x: x.sum(1)),
    "mean": (ROWS, lambda t, x: x.mean(1)),
    "prod": (ROWS, lambda t, x: x.prod(1)),
    "max": (ROWS, lambda t, x: x.max(1)[0]),
    "amax": (ROWS, lambda t, x: x.amax(1)),
    "sort": (ROWS, lambda t, x: x.sort(1)[0]),
    "topk": (ROWS, lambda t, x: x.topk(2)[0]),
    "kthvalue": (ROWS, lambda t, x: x.kthvalue(2)[0]),
    "median": (ROWS, lambda t, x: x.median(1)[0]),
    "cumsum": (ROWS, lambda t, x: x.cumsum(1)),
    "cumprod": (abs(ROWS) + 1, lambda t, x: x.cumprod(1)),
    "logsumexp": (ROWS, lambda t, x: x.logsumexp(1)),
    "norm": (ROWS, lambda t, x: x.norm(2, 1)),
    "std": (ROWS, lambda t, x: x.std(1)),
    "var": (ROWS, lambda t, x: x.var(1)),
    "where": (ROWS, lambda t, x: t.where(x > 0, x, 2 * x)),
    "gather": (ROWS, lambda t, x: x.gather(1, t.tensor([[0, 1], [2, 3], [4, 5], [0, 0]]))),
    "index_select": (ROWS, lambda t, x: x.index_select(0, t.tensor([0, 2]))),
    "masked_fill": (ROWS, lambda t, x: x.masked_fill(x > 0, 1.0)),
    "index": (ROWS, lambda t, x: x[t.tensor([0, 2])]),
    "repeat": (ROWS, lambda t, x: x.repeat(2, 1)),
    "clone": (ROWS, lambda t, x: x.clone()),
    "lerp": (ROWS, lambda t, x: t.lerp(x, x.flip(1), 0.3)),
    "addcmul": (ROWS, lambda t, x: t.addcmul(x, x.flip(1), x.flip(0))),
    "atan2": (ROWS, lambda t, x: t.atan2(x, x.flip(1))),
    "einsum": (ROWS, lambda t, x: t.einsum("ij,kj->ik", x, x)),
    "normalize": (ROWS, lambda t, x: _f(t).normalize(x)),
    "cosine_similarity": (ROWS, lambda t, x: _f(t).cosine_similarity(x, x.flip(1))),
    "one_hot product": (ROWS, lambda t, x: x * _f(t).one_hot(t.tensor([0, 1, 2, 3]), 6)),
    "baddbmm": (LINE, lambda t, x: t.baddbmm(x[:, :, :4], x, x.transpose(1, 2))),
    "attention": (LINE, lambda t, x: _f(t).scaled_dot_product_attention(x, x, x)),
    "glu": (ROWS, lambda t, x: _f(t).glu(x)),
    "tril": (ROWS, lambda t, x: x.tril()),
    "roll": (ROWS, lambda t, x: x.roll(1, 0)),
}
CHANGES = {
    "relu_": lambda t, y: y.relu_(),
    "mul_": lambda t, y: y.mul_(3),
    "+= 1": lambda t, y: y.add_(1),
    "[0] = 0": lambda t, y: y.__setitem__(0, 0.0),
}


def forgiving(build, x):
    """``build`` agrees; where PyTorch refuses, ours refuses too or gives what there is with ``kept`` copies."""
    try:
        agree(build, x, orders=1, rtol=1e-9)
    except pytest.fail.Exception:
        agree(functools.partial(build, kept=True), x, orders=1, rtol=1e-9)
        np.testing.assert_allclose(*(run_in(dynamic, functools.partial(build, kept=k), [x], 1)[1] for k in (False, True)))


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_result_changed(name, change):
    x, function = FUNCTIONS[name]

    def build(t, x, kept=False):
        y = function(t, x)
        y = y.clone() if kept else y
        CHANGES[change](t, y)
        return y * 1

    forgiving(build, np.array(x))


@pytest.mark.parametrize("change", ["mul_", "[0] = 0"])
@pytest.mark.parametrize("name", [name for name in FUNCTIONS if name != "reciprocal"])  # the divisor is kept, and so refused
def test_argument_changed(name, change):
    x, function = FUNCTIONS[name]

    def build(t, x, kept=False):
        before = x * 1
        y = function(t, before.clone() if kept else before)
        CHANGES[change](t, before)
        return y * 1, before

    forgiving(build, np.array(x))
