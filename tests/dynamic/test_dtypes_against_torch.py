"""Dtypes, creation, nn.functional, optimisers: the same results as PyTorch's."""

import numpy as np
import pytest

import dynamic
from tests.dynamic.oracle import agree, normal


pytestmark = pytest.mark.oracle

A, B = normal(3, 4), normal(3, 4, seed=1)
K = np.random.default_rng(7).integers(-9, 10, (3, 4))
M = A > 0

KINDS = ("float64", "float32", "float16", "int64", "int32", "uint8", "bool")
OPERANDS = {
    **{kind: (lambda t, kind=kind: t.tensor([3, 2, 1], dtype=getattr(t, kind))) for kind in KINDS},
    **{f"{kind}, 0-d": (lambda t, kind=kind: t.tensor(2, dtype=getattr(t, kind))) for kind in KINDS},
    "int": lambda t: 2,
    "float": lambda t: 2.0,
    "True": lambda t: True,
}
BINARY = {
    "+": lambda x, y: x + y,
    "*": lambda x, y: x * y,
    "/": lambda x, y: x / y,
    "//": lambda x, y: x // y,
    "**": lambda x, y: x**y,
    "==": lambda x, y: x == y,
    "<": lambda x, y: x < y,
}


def _tensors(t, x, y):
    return hasattr(OPERANDS[x](t), "dtype") or hasattr(OPERANDS[y](t), "dtype")


@pytest.mark.parametrize("op", BINARY)
@pytest.mark.parametrize("left", OPERANDS)
def test_promotion(op, left):
    for right in OPERANDS:
        bools = op == "**" and left.startswith("bool") and right in ("bool", "bool, 0-d", "True")  # PyTorch has no kernel
        if _tensors(dynamic, left, right) and not bools:
            agree(lambda t, right=right: BINARY[op](OPERANDS[left](t), OPERANDS[right](t)), rtol=2e-3)


@pytest.mark.parametrize("kind", KINDS)
def test_casts(kind):
    for x in (A * 3, K, M):
        agree(
            lambda t, x: [
                x.to(getattr(t, kind)),
                x.type(getattr(t, kind)),
                x.to(dtype=getattr(t, kind)),
                x.type_as(t.zeros(1, dtype=getattr(t, kind))),
                x.to(t.zeros(1, dtype=getattr(t, kind))),
                x.to("cpu", getattr(t, kind)),
                x.to(getattr(t, kind)).is_floating_point(),
                str(x.to(getattr(t, kind)).dtype),
                x.to(getattr(t, kind)).type(),
            ],
            abs(x) if kind == "uint8" else x,
        )


CASTS = {
    "methods": (lambda t, x: [x.float(), x.double(), x.long(), x.int(), x.bool(), x.half(), x.short(), x.char()], A * 3),
    "byte": (lambda t, x: x.byte(), abs(A) * 3),
    "typed constructors": (
        lambda t, x: [x.type(t.FloatTensor), x.type("torch.LongTensor"), x.type(t.ByteTensor)],
        abs(A) * 3,
    ),
    "from data": (lambda t: [t.FloatTensor([1, 2]), t.LongTensor([[1], [2]]), t.DoubleTensor([0.5]), t.ByteTensor([1, 0])],),
    "sizes": (lambda t: [t.FloatTensor(2, 3).shape, t.LongTensor(4).size(), t.IntTensor(0).numel(), t.FloatTensor().shape],),
    "to itself": (lambda t, x: [x.to(t.float64) is x, x.double() is x, x.to("cpu") is x, x.cpu() is x], A),
    "to a copy": (lambda t, x: [x.to(t.float64, copy=True) is x, x.to(t.float64, copy=True)], A),
    "what is no dtype": (lambda t, x: x.to("float33"), A),
    "sizes and strides": (
        lambda t, x: [
            x.size(),
            x.size(-1),
            x.shape,
            x.dim(),
            x.ndim,
            x.numel(),
            x.nelement(),
            x.stride(),
            x.t().stride(0),
            len(x),
        ],
        A,
    ),
    "size beyond": (lambda t, x: x.size(2), A),
    "len of a scalar": (lambda t, x: len(x.sum()), A),
    "numbers": (lambda t, x: [x[0, 0].item(), float(x[0, 1]), int(x[0, 2]), bool(x[0, 3]), x.tolist(), x[1].tolist()], A),
    "item of many": (lambda t, x: x.item(), A),
    "float of many": (lambda t, x: float(x), A),
    "truth of many": (lambda t, x: bool(x), A),
    "truth of none": (lambda t, x: bool(x[:0]), A),
    "a number in a tensor": (lambda t, k: [3 in k, 77 in k], K),
    "as an index": (lambda t, k: list(range(10))[abs(k[0, 0])], K),
    "a float as an index": (lambda t, x: [1, 2][x[0, 0]], A),
    "iterating a scalar": (lambda t, x: list(x.sum()), A),
    "format": (lambda t, x: [f"{x[0, 0]:.3f}", f"{x.sum().item():8.2f}", f"{x[0, 0].item()}"], A),
    "contiguous": (lambda t, x: [x.is_contiguous(), x.t().is_contiguous(), x.t().contiguous().is_contiguous()], A),
    "is": (lambda t, x: [t.is_tensor(x), t.is_tensor(3), t.numel(x), x.is_leaf, (x * 2).is_leaf, x.requires_grad], A),
    "with an array": (lambda t, x: [x.detach().float() + 1, np.asarray(x.detach()), np.sin(x.detach().numpy())], A),
}

CREATION = {
    "tensor": (
        lambda t: [
            t.tensor(3),
            t.tensor(3.5),
            t.tensor([1, 2]),
            t.tensor([[1.0], [2]]),
            t.tensor(True),
            t.tensor([True, False]),
        ],
    ),
    "tensor of arrays": (
        lambda t: [t.tensor(A), t.tensor(K), t.tensor(np.float32(2)), t.tensor(A.astype("f")), t.tensor([])],
    ),
    "tensor of tensors": (lambda t, x: [t.tensor(x.detach().tolist()), t.tensor([x[0, 0].item(), 2])], A),
    "tensor dtype": (
        lambda t: [t.tensor([1, 2], dtype=t.float64), t.tensor([1.5], dtype=t.int64), t.tensor(1, dtype=t.bool)],
    ),
    "tensor of rows that differ": (lambda t: t.tensor([[1], [1, 2]]),),
    "tensor of words": (lambda t: t.tensor("word"),),
    "as_tensor": (lambda t: [t.as_tensor([1.5]), t.as_tensor(A), t.as_tensor(A, dtype=t.float32), t.as_tensor(t.ones(2))],),
    "from_numpy": (lambda t: [t.from_numpy(A), t.from_numpy(K), t.from_numpy(M)],),
    "from_numpy of a list": (lambda t: t.from_numpy([1]),),
    "zeros ones": (
        lambda t: [
            t.zeros(2, 3),
            t.ones((2, 3)),
            t.zeros([2]),
            t.ones(2, dtype=t.int64),
            t.zeros(()),
            t.ones(t.zeros(2, 3).size()),
        ],
    ),
    "empty": (lambda t: [t.empty(2, 3).shape, t.empty((0,)).shape, t.empty(1, dtype=t.int32).dtype == t.int32],),
    "full": (lambda t: [t.full((2,), 1.5), t.full((2, 1), 3), t.full((), True), t.full((2,), 1, dtype=t.float32)],),
    "eye": (lambda t: [t.eye(3), t.eye(2, 3), t.eye(2, dtype=t.int64)],),
    "arange": (
        lambda t: [
            t.arange(5),
            t.arange(1, 4),
            t.arange(0, 1, 0.25),
            t.arange(5.0),
            t.arange(5, 0, -2),
            t.arange(3, dtype=t.float32),
        ],
    ),
    "arange the wrong way": (lambda t: t.arange(3, 0),),
    "linspace": (lambda t: [t.linspace(0, 1, 5), t.linspace(-1, 1, steps=3, dtype=t.float64), t.linspace(2, 3, 1)],),
    "like": (
        lambda t, x: [
            t.zeros_like(x),
            t.ones_like(x, dtype=t.int64),
            t.full_like(x, 3),
            t.empty_like(x).shape,
            t.rand_like(x).shape,
        ],
        A,
    ),
    "random shapes": (
        lambda t: [
            *(t.randn(2, 3).shape, t.rand((4,)).shape, t.randn(2, dtype=t.float64).dtype == t.float64, t.randn(()).shape),
            *(
                t.randint(3, 7, (5,)).shape,
                t.randperm(6).sum(),
                t.randn_like(t.zeros(2, 2)).shape,
                t.randint(9, (2,)).dtype == t.int64,
            ),
            *(t.normal(0.0, 1.0, (2, 3)).shape, t.bernoulli(t.ones(3)), t.multinomial(t.ones(2, 4), 3).shape),
            *(t.normal(t.zeros(3), t.ones(3)).shape, t.randn(3, requires_grad=True).requires_grad),
        ],
    ),
    "seeds": (lambda t: [t.manual_seed(7).initial_seed(), t.initial_seed(), isinstance(t.seed(), int)],),
    "default dtype": (lambda t: _in_double(t),),
    "negative sizes": (lambda t: t.zeros(-1),),
    "a size of float": (lambda t: t.zeros(1.5),),
    "requires_grad of ints": (lambda t: t.ones(2, dtype=t.int64, requires_grad=True),),
}


def _in_double(t):
    before = t.get_default_dtype()
    t.set_default_dtype(t.float64)
    try:
        return [t.zeros(2), t.tensor(1.5), t.tensor([1]) / 2, t.ones(2, dtype=t.int64) + 0.5, str(t.get_default_dtype())]
    finally:
        t.set_default_dtype(before)


@pytest.mark.parametrize("name", [*CASTS, *CREATION])
def test_casts_and_creation(name):
    build, *arrays = (CASTS | CREATION)[name]
    agree(build, *arrays, orders=0)


def _fn(t):
    return t.nn.functional


TWO = {
    "linear": lambda t, a, b: _fn(t).linear(a, b),
    "linear with a bias": lambda t, a, b: _fn(t).linear(a, a, b[0]),
    "matmul": lambda t, a, b: a @ b,
    "bmm": lambda t, a, b: t.bmm(a[None], b[None]),
    "addmm": lambda t, a, b: t.addmm(a, a, b),
    "einsum": lambda t, a, b: t.einsum("ij,jk", a, b),
    "conv1d": lambda t, a, b: _fn(t).conv1d(a[None], b[None]),
    "outer": lambda t, a, b: t.outer(a[0], b[0]),
    "cat": lambda t, a, b: t.cat([a, b]),
    "stack": lambda t, a, b: t.stack([a, b]),
    "where": lambda t, a, b: t.where(a > 0, a, b),
    "maximum": lambda t, a, b: t.maximum(a, b),
    "masked_fill": lambda t, a, b: a.masked_fill(a > 0, b[0, 0]),
    "masked_fill in place": lambda t, a, b: a.clone().masked_fill_(a > 0, 2.7),
    "copy_": lambda t, a, b: a.clone().copy_(b),
    "layer_norm": lambda t, a, b: _fn(t).layer_norm(a, (4,), b[0], b[0]),
    "mse_loss": lambda t, a, b: _fn(t).mse_loss(a, b),
    "Linear": lambda t, a, b: _fixed(t.nn.Linear(4, 4))(a),
    "BatchNorm1d": lambda t, a, b: _fixed(t.nn.BatchNorm1d(4))(a),
    "Conv1d": lambda t, a, b: _fixed(t.nn.Conv1d(4, 2, 1))(a[None]),
}
PAIRS = [(x, y) for x in ("float32", "float64", "int64") for y in ("float32", "float64", "int64")]


def _fixed(layer):
    for p in layer.parameters():
        p.data.fill_(0.5)
    return layer


@pytest.mark.parametrize("pair", PAIRS, ids=" and ".join)
@pytest.mark.parametrize("name", TWO)
def test_two_dtypes(name, pair):
    def build(t):
        a, b = (t.arange(16).reshape(4, 4).to(getattr(t, kind)) for kind in pair)
        return TWO[name](t, a, b)

    agree(build, rtol=1e-5)
