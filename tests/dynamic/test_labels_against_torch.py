"""What came of an operation is printed with PyTorch's name for the way back through it."""

import numpy as np
import pytest

import dynamic
from tests.dynamic.oracle import pytorch
from tests.dynamic.test_changes_of_results_against_torch import FUNCTIONS as LAYERS


pytestmark = pytest.mark.oracle

X = np.abs(np.random.RandomState(0).randn(4, 4)) + 0.5


def fn(t):
    return t.nn.functional


def seti(x):
    y = x * 1
    y[0] = 0
    return y


FUNCTIONS = {
    "max()": lambda t, x: x.max(),
    "min()": lambda t, x: x.min(),
    "sum()": lambda t, x: x.sum(),
    "mean()": lambda t, x: x.mean(),
    "std()": lambda t, x: x.std(),
    "var()": lambda t, x: x.var(),
    "prod()": lambda t, x: x.prod(),
    "t": lambda t, x: x.t(),
    "T": lambda t, x: x.T,
    "mT": lambda t, x: x.mT,
    "permute": lambda t, x: x.permute(1, 0),
    "view": lambda t, x: x.view(-1),
    "reshape": lambda t, x: x.reshape(2, 8),
    "flatten": lambda t, x: x.flatten(),
    "squeeze": lambda t, x: x[None].squeeze(),
    "squeeze0": lambda t, x: x[None].squeeze(0),
    "unsqueeze": lambda t, x: x.unsqueeze(1),
    "expand": lambda t, x: x[None].expand(3, 4, 4),
    "x[0]": lambda t, x: x[0],
    "x[1:]": lambda t, x: x[1:],
    "x[:,1]": lambda t, x: x[:, 1],
    "mask": lambda t, x: x[x > 1],
    "narrow": lambda t, x: x.narrow(0, 0, 2),
    "chunk": lambda t, x: x.chunk(2)[0],
    "split": lambda t, x: x.split(2)[1],
    "contiguous": lambda t, x: x.t().contiguous(),
    "double": lambda t, x: x.float(),
    "mm": lambda t, x: x.mm(x),
    "mv": lambda t, x: x.mv(x[0]),
    "dot": lambda t, x: x[0].dot(x[1]),
    "@": lambda t, x: x @ x,
    "outer": lambda t, x: t.outer(x[0], x[1]),
    "det": lambda t, x: x.det(),
    "inverse": lambda t, x: x.inverse(),
    "svd": lambda t, x: t.linalg.svd(x)[1],
    "svdvals": lambda t, x: t.linalg.svdvals(x),
    "eigvalsh": lambda t, x: t.linalg.eigvalsh(x + x.mT),
    "qr": lambda t, x: t.linalg.qr(x)[0],
    "solve": lambda t, x: t.linalg.solve(x, x),
    "cholesky": lambda t, x: t.linalg.cholesky(x @ x.T + 5 * t.eye(4, dtype=t.float64)),
    "trace": lambda t, x: x.trace(),
    "linalg.norm": lambda t, x: t.linalg.norm(x),
    "norm()": lambda t, x: x.norm(),
    "maximum": lambda t, x: t.maximum(x, x.T),
    "minimum": lambda t, x: t.minimum(x, x.T),
    "min2": lambda t, x: t.min(x, x.T),
    "fmod": lambda t, x: x.fmod(2),
    "%": lambda t, x: x % 2,
    "-x": lambda t, x: -x,
    "x-y": lambda t, x: x - x,
    "x/y": lambda t, x: x / x,
    "1-x": lambda t, x: 1 - x,
    "x**y": lambda t, x: x**x,
    "2**x": lambda t, x: 2**x,
    "floor": lambda t, x: x.floor(),
    "round": lambda t, x: x.round(),
    "sign": lambda t, x: x.sign(),
    "log2": lambda t, x: x.log2(),
    "log10": lambda t, x: x.log10(),
    "log1p": lambda t, x: x.log1p(),
    "expm1": lambda t, x: x.expm1(),
    "cos": lambda t, x: x.cos(),
    "tan": lambda t, x: x.tan(),
    "atan": lambda t, x: x.atan(),
    "asin": lambda t, x: (x / 9).asin(),
    "acos": lambda t, x: (x / 9).acos(),
    "sinh": lambda t, x: x.sinh(),
    "cosh": lambda t, x: x.cosh(),
    "erf": lambda t, x: x.erf(),
    "lgamma": lambda t, x: x.lgamma(),
    "trunc": lambda t, x: x.trunc(),
    "frac": lambda t, x: x.frac(),
    "square()": lambda t, x: x.square(),
    "reciprocal()": lambda t, x: x.reciprocal(),
    "clamp_min": lambda t, x: x.clamp(min=1),
    "clamp_max": lambda t, x: x.clamp(max=1),
    "clamp_": lambda t, x: (x * 1).clamp_(0, 1),
    "relu_": lambda t, x: (x * 1).relu_(),
    "add_": lambda t, x: (x * 1).add_(1),
    "mul_": lambda t, x: (x * 1).mul_(2),
    "scatter": lambda t, x: x.scatter(1, t.zeros(4, 1, dtype=t.int64), x),
    "scatter_add": lambda t, x: x.scatter_add(1, t.zeros(4, 1, dtype=t.int64), x),
    "flip": lambda t, x: x.flip(0),
    "bmm": lambda t, x: t.bmm(x[None], x[None]),
    "mse": lambda t, x: fn(t).mse_loss(x, x * 0),
    "l1": lambda t, x: fn(t).l1_loss(x, x.detach() * 0),
    "smooth": lambda t, x: fn(t).smooth_l1_loss(x, x.detach() * 0),
    "huber": lambda t, x: fn(t).huber_loss(x, x.detach() * 0),
    "bce": lambda t, x: fn(t).binary_cross_entropy((x / 9), (x.detach() > 1).double()),
    "ce": lambda t, x: fn(t).cross_entropy(x, t.tensor([0, 1, 2, 3])),
    "nll": lambda t, x: fn(t).nll_loss(x, t.tensor([0, 1, 2, 3])),
    "cosemb": lambda t, x: fn(t).cosine_embedding_loss(x, x.detach(), t.ones(4)),
    "marginrank": lambda t, x: fn(t).margin_ranking_loss(x, x * 2, t.ones(4, 4)),
    "triplet": lambda t, x: fn(t).triplet_margin_loss(x, x * 2, x * 3),
    "hinge": lambda t, x: fn(t).hinge_embedding_loss(x, t.ones(4, 4)),
    "poisson": lambda t, x: fn(t).poisson_nll_loss(x, x.detach()),
    "gaussnll": lambda t, x: fn(t).gaussian_nll_loss(x, x.detach(), x.detach() ** 2),
    "embedding": lambda t, x: fn(t).embedding(t.tensor([1]), x),
    "dropout_t": lambda t, x: fn(t).dropout(x, 0.5),
    "linear_b": lambda t, x: fn(t).linear(x, x, x[0]),
    "conv1d": lambda t, x: fn(t).conv1d(x[None], x[None]),
    "celu": lambda t, x: fn(t).celu(x),
    "mish": lambda t, x: fn(t).mish(x),
    "hardswish": lambda t, x: fn(t).hardswish(x),
    "hardsigmoid": lambda t, x: fn(t).hardsigmoid(x),
    "softmin": lambda t, x: fn(t).softmin(x, 1),
    "tanhshrink": lambda t, x: fn(t).tanhshrink(x),
    "softshrink": lambda t, x: fn(t).softshrink(x),
    "hardshrink": lambda t, x: fn(t).hardshrink(x),
    "threshold": lambda t, x: fn(t).threshold(x, 1, 2),
    "gumbel": lambda t, x: fn(t).gumbel_softmax(x),
    "fold": lambda t, x: fn(t).fold(x[None], (3, 3), (2, 2)),
    "ln": lambda t, x: t.nn.LayerNorm(4).double()(x),
    "bn": lambda t, x: t.nn.BatchNorm1d(4).double()(x),
    "gn": lambda t, x: t.nn.GroupNorm(2, 4).double()(x),
    "lrn": lambda t, x: t.nn.LocalResponseNorm(2)(x[None]),
    "rms": lambda t, x: t.nn.RMSNorm(4).double()(x),
    "cumsum": lambda t, x: x.cumsum(0),
    "logcumsumexp": lambda t, x: x.logcumsumexp(0),
    "diff": lambda t, x: x.diff(),
    "triu": lambda t, x: x.triu(),
    "tensordot": lambda t, x: t.tensordot(x, x, 1),
    "where3": lambda t, x: x.where(x > 1, x * 0),
    "to": lambda t, x: x.to(t.float32),
    "clone": lambda t, x: x.clone(),
    "as_strided": lambda t, x: x.as_strided((2,), (1,)),
    "median()": lambda t, x: x.median(),
    "matrix_exp": lambda t, x: t.matrix_exp(x),
    "setitem": lambda t, x: seti(x),
    "movedim": lambda t, x: x.movedim(0, 1),
    "transpose": lambda t, x: x.transpose(0, 1),
    "complex": lambda t, x: t.complex(x, x),
    "logaddexp": lambda t, x: t.logaddexp(x, x),
    "hstack": lambda t, x: t.hstack([x, x]),
    "sumdim": lambda t, x: x.sum((0, 1)),
    "logsumexp": lambda t, x: x.logsumexp(0),
    "rsub": lambda t, x: t.rsub(x, 1),
    "type": lambda t, x: x.type(t.float32),
}
NAMED = ["conv2d", "conv_transpose2d", "batch_norm", "layer_norm", "group_norm", "max_pool2d", "avg_pool2d", "pad"]
NAMED += [
    "linear",
    "relu",
    "leaky_relu",
    "elu",
    "selu",
    "gelu",
    "hardtanh",
    "relu6",
    "softmax",
    "log_softmax",
    "cat",
    "stack",
]
NAMED += ["sum", "mean", "prod", "amax", "clamp", "subtract", "square", "gather", "index_select", "sort", "topk"]


def same_name(function, x):
    torch = pytorch()
    wanted = type(function(torch, torch.from_numpy(x.copy()).requires_grad_()).grad_fn).__name__
    y = function(dynamic, dynamic.from_numpy(x.copy()).requires_grad_())
    assert y.grad_fn.label == wanted
    assert f"grad_fn=<{wanted}>" in repr(y)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_name(name):
    same_name(FUNCTIONS[name], X)


@pytest.mark.parametrize("name", NAMED)
def test_name_of_layer(name):
    x, function = LAYERS[name]
    same_name(function, x)


@pytest.mark.parametrize("name", ["square", "subtract", "sum", "amax", "conv2d", "batch_norm"])
def test_name_after_the_tape_was_freed(name):
    x, function = LAYERS[name]
    y = function(dynamic, dynamic.from_numpy(x.copy()).requires_grad_())
    before = y.grad_fn.label
    y.sum().backward()
    assert y.grad_fn.label == before
