"""``nn.functional`` and the optimisers give PyTorch's numbers."""

import inspect

import numpy as np
import pytest

import dynamic
from dynamic.nn import functional
from tests.dynamic.oracle import agree, covered, normal, plain, pytorch


pytestmark = pytest.mark.oracle

A, B = normal(3, 4), normal(3, 4, seed=1)
CUBE = normal(2, 3, 4)
U = np.tanh(A) / 2.1 + 0.5
T = np.tanh(B) / 2.1 + 0.5
CLASSES = np.array([2, 0, 3])
WEIGHT = np.abs(normal(4)) + 0.5
KINKS = np.array([-4.0, -3.0, -1.0, 0.0, 0.5, 1.0, 3.0, 6.0, 7.0])


def nn(t):
    return t.nn.functional


CASES = {
    "relu": (lambda t, x: [nn(t).relu(x), nn(t).relu(x * 1, inplace=True)], A),
    "sigmoid tanh": (lambda t, x: [nn(t).sigmoid(x), nn(t).tanh(x)], A),
    "leaky_relu": (lambda t, x: [nn(t).leaky_relu(x), nn(t).leaky_relu(x, 0.2), nn(t).leaky_relu(x, negative_slope=0.3)], A),
    "relu6": (lambda t, x: nn(t).relu6(x * 5), A),
    "elu": (lambda t, x: [nn(t).elu(x), nn(t).elu(x, 0.5), nn(t).elu(x, alpha=2.0), nn(t).elu(x * 1, inplace=True)], A),
    "selu": (lambda t, x: nn(t).selu(x), A),
    "celu": (lambda t, x: [nn(t).celu(x), nn(t).celu(x, 1.5)], A),
    "silu mish": (lambda t, x: [nn(t).silu(x), nn(t).mish(x)], A),
    "softsign": (lambda t, x: nn(t).softsign(x), A),
    "hardtanh": (
        lambda t, x: [nn(t).hardtanh(x), nn(t).hardtanh(x, -0.5, 0.7), nn(t).hardtanh(x, min_val=-2, max_val=0)],
        A,
    ),
    "hardsigmoid hardswish": (lambda t, x: [nn(t).hardsigmoid(x), nn(t).hardswish(x)], A * 3),
    "logsigmoid": (lambda t, x: nn(t).logsigmoid(x), A * 30),
    "gelu": (lambda t, x: [nn(t).gelu(x), nn(t).gelu(x, approximate="tanh")], A),
    "softplus": (lambda t, x: [nn(t).softplus(x), nn(t).softplus(x, beta=2)], A),
    "softplus far out": (lambda t, x: nn(t).softplus(x).float(), A * 30),
    "softmax": (lambda t, x: [nn(t).softmax(x, 1), nn(t).softmax(x, dim=0), nn(t).log_softmax(x, -1)], A),
    "softmax without dim": (lambda t, x: [nn(t).softmax(x), nn(t).log_softmax(x), nn(t).softmax(x[0])], A),
    "softmax of a cube without dim": (lambda t, x: nn(t).softmax(x), CUBE),
    "linear": (
        lambda t, x, w, b: [nn(t).linear(x, w), nn(t).linear(x, w, b[:2]), nn(t).linear(x[0], w)],
        A,
        B[:2].copy(),
        WEIGHT,
    ),
    "linear of a cube": (lambda t, x, w: nn(t).linear(x, w), CUBE, B),
    "linear of another size": (lambda t, x, w: nn(t).linear(x, w.t()), A, B),
    "dropout off": (lambda t, x: [nn(t).dropout(x, training=False), nn(t).dropout(x, 0.0), nn(t).dropout(x, 1.0)], A),
    "dropout of too much": (lambda t, x: nn(t).dropout(x, 1.5), A),
    "binary_cross_entropy": (
        lambda t, x, y, w: [
            nn(t).binary_cross_entropy(x, y.detach()),
            nn(t).binary_cross_entropy(x, y.detach(), reduction="sum"),
            nn(t).binary_cross_entropy(x, y.detach(), w.detach(), reduction="none"),
            nn(t).binary_cross_entropy(x, y.detach(), size_average=False),
            nn(t).binary_cross_entropy(x, y.detach(), reduce=False),
        ],
        *(U, T, WEIGHT),
    ),
    "binary_cross_entropy of other shapes": (lambda t, x, y: nn(t).binary_cross_entropy(x, y[:2].detach()), U, T),
    "binary_cross_entropy_with_logits": (
        lambda t, x, y, w: [
            nn(t).binary_cross_entropy_with_logits(x, y.detach()),
            nn(t).binary_cross_entropy_with_logits(x * 50, y.detach(), reduction="sum"),
            nn(t).binary_cross_entropy_with_logits(x, y.detach(), w.detach()),
        ],
        *(A, T, WEIGHT),
    ),
    "mse l1": (
        lambda t, x, y: [nn(t).mse_loss(x, y), nn(t).mse_loss(x, y, reduction="sum"), nn(t).l1_loss(x, y, reduction="none")],
        *(A, B),
    ),
    "nll": (
        lambda t, x, k, w: [
            nn(t).nll_loss(x, k),
            nn(t).nll_loss(x, k, reduction="sum"),
            nn(t).nll_loss(x, k, w.detach()),
            nn(t).nll_loss(x, k, reduction="none"),
            nn(t).nll_loss(x, k, ignore_index=0),
            nn(t).nll_loss(x[1], k[1], reduction="none"),
            nn(t).nll_loss(x, k, w.detach(), ignore_index=3, reduction="sum"),
        ],
        *(A, CLASSES, WEIGHT),
    ),
    "nll of a picture": (
        lambda t, x, k: [nn(t).nll_loss(x, k), nn(t).nll_loss(x, k, reduction="none")],
        *(CUBE, np.array([[0, 1, 2, 0], [2, 2, 1, 0]])),
    ),
    "cross_entropy": (
        lambda t, x, k, w: [
            nn(t).cross_entropy(x, k),
            nn(t).cross_entropy(x, k, w.detach()),
            nn(t).cross_entropy(x, k, reduction="sum"),
            nn(t).cross_entropy(x, k, size_average=False),
            nn(t).cross_entropy(x[0], k[0]),
        ],
        *(A * 20, CLASSES, WEIGHT),
    ),
    "cross_entropy with probabilities": (
        lambda t, x, y, w: [
            nn(t).cross_entropy(x, y),
            nn(t).cross_entropy(x, y, w.detach()),
            nn(t).cross_entropy(x[0], y[0], w.detach()),
            nn(t).cross_entropy(x, y, reduction="none"),
        ],
        *(A, T, WEIGHT),
    ),
    "a reduction that is none": (lambda t, x, y: nn(t).mse_loss(x, y, reduction="most"), A, B),
    "a class that is none": (lambda t, x, k: nn(t).nll_loss(x, k), A, CLASSES + 2),
}


@pytest.mark.parametrize("name", CASES)
def test_functional(name):
    build, *arrays = CASES[name]
    hard = "hardsigmoid" in name  # PyTorch divides by a float32 6 there, and has no second gradient
    agree(build, *arrays, rtol=1e-7 if hard else 1e-11, orders=1 if hard else 2)


SLOPES_AT_KINKS = ("relu", "leaky_relu", "relu6", "elu", "selu", "celu", "hardtanh", "hardsigmoid", "hardswish", "softplus")


@pytest.mark.parametrize("name", SLOPES_AT_KINKS)
def test_slopes_at_kinks(name):
    agree(lambda t, x: getattr(nn(t), name)(x), KINKS, rtol=1e-9, orders=1)


def test_every_function_is_tried():
    public = {
        name
        for name, value in vars(functional).items()
        if inspect.isfunction(value) and not name.startswith("_") and getattr(value, "__module__", "") == functional.__name__
    }
    assert public - covered(*(case[0] for case in CASES.values())) == {"next_key"} & public


def test_dropout_keeps_the_mean():
    x = dynamic.ones(100, 100, requires_grad=True)
    y = functional.dropout(x, 0.25)
    assert np.unique(plain(y)).tolist() == [0.0, float(np.float32(4 / 3))]
    assert plain(y).mean() == pytest.approx(1.0, abs=0.03)
    y.sum().backward()
    np.testing.assert_array_equal(plain(x.grad), plain(y))


# Optimisers

OPTIMIZERS = {
    "SGD": [{}, {"momentum": 0.9}, {"momentum": 0.9, "nesterov": True}, {"momentum": 0.8, "dampening": 0.3}],
    "Adagrad": [{}, {"lr_decay": 0.1}, {"initial_accumulator_value": 0.5, "eps": 1e-6}],
    "RMSprop": [{}, {"alpha": 0.9, "eps": 1e-4}, {"centered": True}, {"momentum": 0.7}, {"momentum": 0.7, "centered": True}],
    "Adam": [{}, {"betas": (0.5, 0.9), "eps": 1e-4}, {"amsgrad": True}],
}
SETTINGS = [
    (name, {"lr": 0.05, **settings, **more})
    for name, many in OPTIMIZERS.items()
    for settings in many
    for more in ({}, {"weight_decay": 0.1}, {"maximize": True})
]


def trained(t, name, settings, groups=False):
    """Parameters after ten steps, one of them without a gradient in the first three, and the optimiser."""
    params = [t.from_numpy(normal(3, 2)).requires_grad_(), t.from_numpy(normal(2)).requires_grad_()]
    given = [{"params": params[:1]}, {"params": params[1:], "lr": 0.2}] if groups else params
    optimizer = getattr(t.optim, name)(given, **settings)
    x = t.from_numpy(normal(5, 3))
    for step in range(10):
        optimizer.zero_grad()
        y = x @ params[0]
        loss = (y.tanh() ** 2).sum() if step < 3 else ((y + params[1]).tanh() ** 2).sum()
        loss.backward()
        optimizer.step()
    return params, optimizer


@pytest.mark.parametrize(("name", "settings"), SETTINGS)
def test_optimizers(name, settings):
    theirs, reference = trained(pytorch(), name, settings)
    ours, optimizer = trained(dynamic, name, settings)
    for x, y in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(plain(x), plain(y), rtol=1e-12, atol=1e-13)
    found, wanted = optimizer.state_dict(), reference.state_dict()
    for index, state in wanted["state"].items():
        kept = {key for key, value in state.items() if value is not None}
        assert set(found["state"][index]) | {"step"} == kept | {"step"}
        for key in kept - {"step"}:
            np.testing.assert_allclose(plain(found["state"][index][key]), plain(state[key]), rtol=1e-11, atol=1e-13)
    for group, theirs_too in zip(found["param_groups"], wanted["param_groups"], strict=True):
        for key in set(group) & set(theirs_too):
            assert group[key] == theirs_too[key]
        assert {"params", "lr", "weight_decay", "maximize"} <= set(group)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_groups(name):
    theirs, _ = trained(pytorch(), name, {"lr": 0.01}, groups=True)
    ours, optimizer = trained(dynamic, name, {"lr": 0.01}, groups=True)
    for x, y in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(plain(x), plain(y), rtol=1e-12, atol=1e-13)
    assert [group["lr"] for group in optimizer.param_groups] == [0.01, 0.2]


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_state_that_is_loaded_goes_on_where_it_was(name):
    def steps(params, optimizer, count):
        for _ in range(count):
            optimizer.zero_grad()
            (params[0] ** 2).sum().backward()
            optimizer.step()

    settings = {"lr": 0.1, **OPTIMIZERS[name][-1]}
    params = [dynamic.from_numpy(normal(4)).requires_grad_()]
    optimizer = getattr(dynamic.optim, name)(params, **settings)
    steps(params, optimizer, 3)
    others = [params[0].detach().clone().requires_grad_()]
    other = getattr(dynamic.optim, name)(others, lr=9.0)
    other.load_state_dict(optimizer.state_dict())
    steps(params, optimizer, 3)
    steps(others, other, 3)
    np.testing.assert_array_equal(plain(params[0]), plain(others[0]))


WRONG = {
    "no parameters": lambda t: t.optim.SGD([], lr=0.1),
    "a tensor": lambda t: t.optim.SGD(t.zeros(2, requires_grad=True), lr=0.1),
    "no tensors": lambda t: t.optim.SGD([1.0], lr=0.1),
    "no leaf": lambda t: t.optim.SGD([t.zeros(2, requires_grad=True) * 2], lr=0.1),
    "a negative rate": lambda t: t.optim.Adam([t.zeros(2, requires_grad=True)], lr=-1.0),
    "a beta of 1": lambda t: t.optim.Adam([t.zeros(2, requires_grad=True)], betas=(1.0, 0.9)),
    "Nesterov without momentum": lambda t: t.optim.SGD([t.zeros(2, requires_grad=True)], lr=0.1, nesterov=True),
    "another state's groups": lambda t: _other_groups(t),
    "one in two groups": lambda t: _twice(t),
}


def _other_groups(t):
    x, y = t.zeros(2, requires_grad=True), t.zeros(3, requires_grad=True)
    t.optim.SGD([x], lr=0.1).load_state_dict(t.optim.SGD([x, y], lr=0.1).state_dict())


def _twice(t):
    x = t.zeros(2, requires_grad=True)
    t.optim.SGD([{"params": [x]}, {"params": [x]}], lr=0.1)


@pytest.mark.parametrize("name", WRONG)
def test_wrong_optimizers(name):
    agree(WRONG[name], orders=0)


def test_a_closure_is_called_with_recording_on():
    x = dynamic.ones(2, requires_grad=True)
    optimizer = dynamic.optim.SGD([x], lr=0.5)

    def closure():
        optimizer.zero_grad()
        loss = (x * x).sum()
        loss.backward()
        return loss

    with dynamic.no_grad():
        assert optimizer.step(closure).item() == 2.0
    assert x.tolist() == [0.0, 0.0]


def test_zero_grad_either_forgets_or_fills():
    x = dynamic.ones(2, requires_grad=True)
    optimizer = dynamic.optim.SGD([x], lr=0.5)
    for set_to_none in (False, True):
        (x * 3).sum().backward()
        optimizer.zero_grad(set_to_none=set_to_none)
        assert x.grad is None if set_to_none else x.grad.tolist() == [0.0, 0.0]
