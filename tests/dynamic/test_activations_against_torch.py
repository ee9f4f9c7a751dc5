"""Activations give PyTorch's numbers, as functions, in place and as modules; also at their kinks and for other shapes."""

import inspect

import numpy as np
import pytest

import dynamic
from dynamic.nn import activations, functional
from tests.dynamic.oracle import agree, normal, plain, pytorch


pytestmark = pytest.mark.oracle

A = normal(3, 4) * 3
KINKS = np.array([-4.0, -3.0, -1.0, -0.5, 0.0, 0.5, 1.0, 3.0, 6.0, 7.0])
SLOPES = np.array([0.1, 0.2, -0.3, 0.4])

CALLS = {
    "relu": [{}, {"inplace": True}],
    "relu6": [{}, {"inplace": True}],
    "leaky_relu": [{}, {"negative_slope": 0.3}, {"negative_slope": -0.2}, {"inplace": True}],
    "rrelu": [{}, {"lower": 0.1, "upper": 0.2}, {"lower": 0.25, "upper": 0.25, "training": True}],
    "elu": [{}, {"alpha": 0.5}, {"alpha": 2}, {"inplace": True}],
    "selu": [{}, {"inplace": True}],
    "celu": [{}, {"alpha": 1.5}, {"alpha": 0.0}, {"inplace": True}],
    "gelu": [{}, {"approximate": "tanh"}, {"approximate": "other"}],
    "silu": [{}, {"inplace": True}],
    "mish": [{}, {"inplace": True}],
    "sigmoid": [{}],
    "logsigmoid": [{}],
    "tanh": [{}],
    "tanhshrink": [{}],
    "softplus": [{}, {"beta": 2}, {"beta": 3.5, "threshold": 5}, {"threshold": 1}],
    "softsign": [{}],
    "hardtanh": [{}, {"min_val": -0.5, "max_val": 2.0}, {"min_val": 1, "max_val": 3}, {"inplace": True}],
    "hardsigmoid": [{}, {"inplace": True}],
    "hardswish": [{}, {"inplace": True}],
    "hardshrink": [{}, {"lambd": 1.5}, {"lambd": 0}],
    "softshrink": [{}, {"lambd": 1.5}, {"lambd": 0}, {"lambd": -1.0}],
    "threshold": [{"threshold": 0.1, "value": 20.0}, {"threshold": -1, "value": -2, "inplace": True}],
    "glu": [{}, {"dim": 1}, {"dim": 0}],
    "softmax": [{"dim": 1}, {"dim": 0}, {"dim": -1}, {}],
    "softmin": [{"dim": 1}, {"dim": 0}, {"dim": -1}, {}],
    "log_softmax": [{"dim": 1}, {"dim": 0}, {"dim": -1}, {}],
}
"""Settings of each function to try."""

CASES = [(name, settings) for name, calls in CALLS.items() for settings in calls]
IDS = [f"{name} {settings}" for name, settings in CASES]
ROUGH = {"hardsigmoid", "hardswish"}
"""PyTorch computes these with a float32 sixth, and has no second gradients of them."""


def _call(name, settings):
    changed = "inplace" in settings
    return lambda t, x: getattr(t.nn.functional, name)(x * 1 if changed else x, **settings)


def _agree(name, build, *arrays):
    agree(build, *arrays, rtol=1e-7 if name in ROUGH else 1e-11, orders=1 if name in ROUGH else 2)


@pytest.mark.parametrize(("name", "settings"), CASES, ids=IDS)
def test_function(name, settings):
    _agree(name, _call(name, settings), A)


@pytest.mark.parametrize(("name", "settings"), CASES, ids=IDS)
def test_function_of_float32(name, settings):
    agree(_call(name, settings), A.astype(np.float32), orders=1)


@pytest.mark.parametrize(("name", "settings"), CASES, ids=IDS)
def test_function_of_no_elements(name, settings):
    _agree(name, _call(name, settings), np.zeros((0, 4)))


@pytest.mark.parametrize("name", [name for name in CALLS if name not in ("glu", "softmax", "softmin", "log_softmax")])
def test_function_at_its_kinks(name):
    agree(_call(name, CALLS[name][0]), KINKS, rtol=1e-7, orders=1)


@pytest.mark.parametrize("name", [name for name in CALLS if name != "glu"])
def test_function_of_a_scalar(name):
    settings = {**CALLS[name][0], **({"dim": 0} if "max" in name or name == "softmin" else {})}
    _agree(name, _call(name, settings), np.array(0.7))


@pytest.mark.parametrize(
    "name", ["sigmoid", "logsigmoid", "softplus", "mish", "silu", "elu", "selu", "tanh", "softsign", "gelu"]
)
def test_function_far_out(name):
    agree(_call(name, {}), np.array([-800.0, -90.0, -30.0, 30.0, 90.0, 800.0]), rtol=1e-11, orders=1)


IN_PLACE = {
    "relu_": (),
    "leaky_relu_": (0.2,),
    "rrelu_": (0.2, 0.2),
    "elu_": (1.5,),
    "selu_": (),
    "celu_": (1.5,),
    "hardtanh_": (-0.5, 0.5),
    "threshold_": (0.1, 3.0),
}


@pytest.mark.parametrize("name", IN_PLACE)
def test_in_place(name):
    def build(t, x):
        y = x * 1
        out = getattr(t.nn.functional, name)(y, *IN_PLACE[name])
        return [out, y, out is y]

    agree(build, A, rtol=1e-11)


@pytest.mark.parametrize("name", IN_PLACE)
def test_in_place_on_a_leaf(name):
    agree(lambda t, x: getattr(t.nn.functional, name)(x, *IN_PLACE[name]), A)


MODULES = {
    "ReLU": [(), (True,)],
    "ReLU6": [(), (True,)],
    "LeakyReLU": [(), (0.3,), (0.1, True)],
    "PReLU": [(), (4,), (1, 0.5), (3,)],
    "RReLU": [(), (0.2, 0.2), (0.1, 0.1, True)],
    "ELU": [(), (0.5,), (1.0, True)],
    "SELU": [(), (True,)],
    "CELU": [(), (1.5,), (1.0, True)],
    "GELU": [(), ("tanh",)],
    "SiLU": [(), (True,)],
    "Mish": [(), (True,)],
    "Sigmoid": [()],
    "LogSigmoid": [()],
    "Tanh": [()],
    "Tanhshrink": [()],
    "Softplus": [(), (2.0, 3.0)],
    "Softsign": [()],
    "Hardtanh": [(), (-0.5, 2.0), (-1.0, 1.0, True), (1.0, 1.0)],
    "Hardsigmoid": [(), (True,)],
    "Hardswish": [(), (True,)],
    "Hardshrink": [(), (1.5,)],
    "Softshrink": [(), (1.5,)],
    "Threshold": [(0.1, 20.0), (0.1, 20.0, True)],
    "GLU": [(), (0,)],
    "Softmin": [(1,), ()],
    "Softmax": [(1,), ()],
    "LogSoftmax": [(1,), ()],
    "Softmax2d": [()],
}
MODULE_CASES = [(name, args) for name, calls in MODULES.items() for args in calls]
MODULE_IDS = [f"{name}{args}" for name, args in MODULE_CASES]


def _of(name, t, args):
    module = getattr(t.nn, name)(*args)
    return module.eval() if name == "RReLU" and not args else module


@pytest.mark.parametrize(("name", "args"), MODULE_CASES, ids=MODULE_IDS)
def test_module(name, args):
    _agree(name.lower(), lambda t, x: _of(name, t, args).double()(x * 1), A)


@pytest.mark.parametrize(("name", "args"), MODULE_CASES, ids=MODULE_IDS)
def test_module_of_pictures(name, args):
    _agree(name.lower(), lambda t, x: _of(name, t, args).double()(x * 1), normal(2, 4, 3, 2))


@pytest.mark.parametrize(("name", "args"), MODULE_CASES, ids=MODULE_IDS)
def test_text_of_a_module(name, args):
    agree(lambda t, x: repr(getattr(t.nn, name)(*args)), A)


WEIGHTS = (SLOPES, SLOPES[:1], SLOPES[0], SLOPES[:3], SLOPES.reshape(2, 2))


@pytest.mark.parametrize(
    "x", [A, A[0], normal(2, 4, 3), np.array(0.5), normal(4)], ids=["matrix", "vector", "cube", "scalar", "another"]
)
@pytest.mark.parametrize(
    "slopes", [SLOPES, SLOPES[:1], SLOPES[0], SLOPES[:3], SLOPES.reshape(2, 2)], ids=lambda s: str(s.shape)
)
def test_prelu(x, slopes):
    agree(lambda t, x, w: t.nn.functional.prelu(x, w), x, np.asarray(slopes))


@pytest.mark.parametrize("name", ["softmax", "log_softmax", "softmin"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("dim", [-1, 0, 2])
def test_softmax_in_another_dtype(name, dtype, dim):
    agree(
        lambda t, x: getattr(t.nn.functional, name)(x, dim=dim, dtype=getattr(t, dtype)), normal(2, 3, 4).astype(np.float32)
    )


@pytest.mark.parametrize("shape", [(4,), (2, 3), (2, 3, 4), (2, 2, 3, 2)], ids=str)
@pytest.mark.parametrize("name", ["softmax", "log_softmax", "softmin"])
def test_softmax_without_dim(name, shape):
    agree(lambda t, x: getattr(t.nn.functional, name)(x), normal(*shape), rtol=1e-11)


@pytest.mark.parametrize("name", ["Softmax", "LogSoftmax", "Softmin"])
def test_softmax_without_dim_warns(name):
    with pytest.warns(UserWarning, match="dim"):
        getattr(dynamic.nn, name)()(dynamic.ones(2, 3))


@pytest.mark.parametrize("shape", [(5,), (4, 3), (3,), ()], ids=str)
def test_glu_of_halves(shape):
    agree(lambda t, x: t.nn.functional.glu(x), normal(*shape))


def test_softmax2d_of_a_matrix():
    agree(lambda t, x: t.nn.Softmax2d()(x), A)


def test_gumbel_softmax_is_a_draw():
    dynamic.manual_seed(0)
    logits = dynamic.tensor([[2.0, 0.0, 1.0]] * 4000, requires_grad=True)
    soft = functional.gumbel_softmax(logits, tau=0.5)
    np.testing.assert_allclose(plain(soft).sum(1), 1, rtol=1e-5)
    hard = functional.gumbel_softmax(logits, hard=True)
    assert set(np.unique(plain(hard).round(6))) == {0.0, 1.0}
    wanted = np.exp([2.0, 0.0, 1.0]) / np.exp([2.0, 0.0, 1.0]).sum()
    np.testing.assert_allclose(plain(hard).mean(0), wanted, atol=0.03)
    (hard * dynamic.tensor([1.0, 2.0, 3.0])).sum().backward()
    assert (plain(logits.grad) != 0).any()
    assert functional.gumbel_softmax(dynamic.randn(2, 3, 4), hard=True, dim=1).sum(1).eq(1).all()


def test_rrelu_draws_its_slopes():
    dynamic.manual_seed(0)
    x = dynamic.full((1000,), -1.0)
    slopes = -plain(functional.rrelu(x, 0.1, 0.3, training=True))
    assert 0.1 <= slopes.min() < 0.11
    assert 0.29 < slopes.max() < 0.3
    assert plain(dynamic.nn.RReLU(0.1, 0.3)(-x)).tolist() == [1.0] * 1000


def test_every_function_is_tried():
    public = {
        name for name, f in vars(activations).items() if inspect.isfunction(f) and f.__module__ == activations.__name__
    }
    assert {name for name in public if not name.startswith("_")} - {*CALLS, *IN_PLACE} == {
        "gumbel_softmax",
        "implicit_dim",
        "prelu",
    }


def test_every_module_of_pytorch_is_there():
    theirs = {name for name in vars(pytorch().nn.modules.activation) if name in vars(pytorch().nn)}
    assert {name for name in theirs if isinstance(vars(pytorch().nn)[name], type)} - {*MODULES} <= {
        "Module",
        "MultiheadAttention",
        "Parameter",
    }
