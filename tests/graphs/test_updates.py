"""The optimisers against PyTorch's, against TensorFlow 1's formulas, and in place against op by op."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any

import numpy
import pytest

from graphs.core.function import trace
from graphs.core.spec import Spec
from graphs.updates import (
    ASGD,
    SGD,
    Adadelta,
    Adagrad,
    AdagradDA,
    Adam,
    AdaMax,
    Ftrl,
    NAdam,
    ProximalAdagrad,
    ProximalSGD,
    RAdam,
    RMSProp,
    Rprop,
    Rule,
)


STEPS = 10


def gradients(seed: int = 0) -> list[numpy.ndarray]:
    return list(numpy.random.default_rng(seed).standard_normal((STEPS, 3, 4)))


def start() -> numpy.ndarray:
    return numpy.random.default_rng(7).standard_normal((3, 4))


def run(
    rule: Rule, hyper: dict[str, Any], fills: dict[str, Any] | None = None, dtype: Any = "f8"
) -> list[list[numpy.ndarray]]:
    """Parameter and slots after each step, in place."""
    p = start().astype(dtype)
    state = [numpy.full_like(p, fill) for fill in rule.fills(**(fills or {}))]
    history = []
    for t, g in enumerate(gradients(), 1):
        rates = rule.step(p.dtype, t, **hyper)
        rule.kernel(p.dtype)((p, g.astype(dtype), *state, *rates), (p, *state))
        history.append([p.copy(), *(s.copy() for s in state)])
    return history


# Against PyTorch

TORCH: dict[str, tuple[Rule, dict[str, Any], str, dict[str, Any]]] = {
    "sgd": (SGD(), {"learning_rate": 0.1}, "SGD", {"lr": 0.1}),
    "sgd maximize": (SGD(maximize=True), {"learning_rate": 0.1}, "SGD", {"lr": 0.1, "maximize": True}),
    "momentum": (SGD(momentum=True), {"learning_rate": 0.1, "momentum": 0.9}, "SGD", {"lr": 0.1, "momentum": 0.9}),
    "dampening and decay": (
        SGD(momentum=True, dampening=True, weight_decay=True),
        {"learning_rate": 0.1, "momentum": 0.9, "dampening": 0.3, "weight_decay": 0.2},
        "SGD",
        {"lr": 0.1, "momentum": 0.9, "dampening": 0.3, "weight_decay": 0.2},
    ),
    "nesterov": (
        SGD(momentum=True, nesterov=True),
        {"learning_rate": 0.1, "momentum": 0.9},
        "SGD",
        {"lr": 0.1, "momentum": 0.9, "nesterov": True},
    ),
    "adagrad": (
        Adagrad(weight_decay=True),
        {"learning_rate": 0.1, "epsilon": 1e-10, "lr_decay": 0.5, "weight_decay": 0.1},
        "Adagrad",
        {"lr": 0.1, "eps": 1e-10, "lr_decay": 0.5, "weight_decay": 0.1},
    ),
    "rmsprop": (
        RMSProp(),
        {"learning_rate": 0.01, "decay": 0.9, "epsilon": 1e-3},
        "RMSprop",
        {"lr": 0.01, "alpha": 0.9, "eps": 1e-3},
    ),
    "rmsprop centered with momentum": (
        RMSProp(momentum=True, centered=True, weight_decay=True),
        {"learning_rate": 0.01, "decay": 0.9, "epsilon": 1e-3, "momentum": 0.7, "weight_decay": 0.1},
        "RMSprop",
        {"lr": 0.01, "alpha": 0.9, "eps": 1e-3, "momentum": 0.7, "centered": True, "weight_decay": 0.1},
    ),
    "adam": (
        Adam(),
        {"learning_rate": 0.01, "beta1": 0.9, "beta2": 0.999, "epsilon": 1e-3},
        "Adam",
        {"lr": 0.01, "eps": 1e-3},
    ),
    "adam without first moment": (
        Adam(),
        {"learning_rate": 0.01, "beta1": 0.0, "beta2": 0.99, "epsilon": 1e-8},
        "Adam",
        {"lr": 0.01, "betas": (0.0, 0.99)},
    ),
    "adadelta": (
        Adadelta(weight_decay=True),
        {"learning_rate": 0.5, "rho": 0.8, "epsilon": 1e-3, "weight_decay": 0.1},
        "Adadelta",
        {"lr": 0.5, "rho": 0.8, "eps": 1e-3, "weight_decay": 0.1},
    ),
    "adamax": (
        AdaMax(epsilon_inside=True),
        {"learning_rate": 0.01, "beta1": 0.8, "beta2": 0.9, "epsilon": 0.1},
        "Adamax",
        {"lr": 0.01, "betas": (0.8, 0.9), "eps": 0.1},
    ),
    "adamw": (
        Adam(weight_decay=True, decoupled=True),
        {"learning_rate": 0.05, "beta1": 0.9, "beta2": 0.99, "epsilon": 1e-3, "weight_decay": 0.2},
        "AdamW",
        {"lr": 0.05, "betas": (0.9, 0.99), "eps": 1e-3, "weight_decay": 0.2},
    ),
    "radam": (
        RAdam(weight_decay=True),
        {"learning_rate": 0.05, "beta1": 0.9, "beta2": 0.99, "epsilon": 1e-3, "weight_decay": 0.1},
        "RAdam",
        {"lr": 0.05, "betas": (0.9, 0.99), "eps": 1e-3, "weight_decay": 0.1},
    ),
    "rprop": (
        Rprop(),
        {"shrinking": 0.5, "growing": 1.2, "smallest": 1e-6, "largest": 50.0},
        "Rprop",
        {"lr": 0.01},
    ),
    "asgd": (
        ASGD(weight_decay=True),
        {"learning_rate": 0.125, "lambd": 0.0, "alpha": 0.75, "t0": 1e6, "weight_decay": 0.1},  # what float32 holds
        "ASGD",
        {"lr": 0.125, "lambd": 0.0, "t0": 1e6, "weight_decay": 0.1},
    ),
    "amsgrad": (
        Adam(amsgrad=True, weight_decay=True, maximize=True),
        {"learning_rate": 0.01, "beta1": 0.8, "beta2": 0.9, "epsilon": 1e-8, "weight_decay": 0.1},
        "Adam",
        {"lr": 0.01, "betas": (0.8, 0.9), "weight_decay": 0.1, "amsgrad": True, "maximize": True},
    ),
}

SLOTS = {
    "momentum": "momentum_buffer",
    "accumulator": "sum",
    "rms": "square_avg",
    "mg": "grad_avg",
    "accum": "square_avg",
    "accum_update": "acc_delta",
    "m": "exp_avg",
    "v": "exp_avg_sq",
    "v_max": "max_exp_avg_sq",
    "prev": "prev",
    "step_size": "step_size",
    "ax": "ax",
}


@pytest.mark.oracle
@pytest.mark.parametrize("name", TORCH)
def test_pytorch(name: str) -> None:
    torch = pytest.importorskip("torch")
    rule, hyper, optimizer, settings = TORCH[name]
    p = torch.tensor(start(), requires_grad=True)
    theirs = getattr(torch.optim, optimizer)([p], **settings)
    for g, (ours, *state) in zip(gradients(), run(rule, hyper), strict=True):
        p.grad = torch.tensor(g)
        theirs.step()
        numpy.testing.assert_allclose(ours, p.detach().numpy(), rtol=1e-12, atol=1e-12)
        for slot, value in zip(rule.slots, state, strict=True):
            kept = theirs.state[p]
            other = kept["exp_inf"] if slot == "v" and "exp_inf" in kept else kept[SLOTS[slot]]
            numpy.testing.assert_allclose(value, other.numpy(), rtol=1e-12, atol=1e-12)


# Against TensorFlow 1: the formulas of its documentation and kernels, written out by hand


def tf_momentum(p: Any, g: Any, state: dict[str, Any], t: int, nesterov: bool = False) -> Any:
    state["a"] = 0.9 * state.get("a", 0.0) + g
    return p - 0.1 * g - 0.1 * 0.9 * state["a"] if nesterov else p - 0.1 * state["a"]


def tf_adagrad(p: Any, g: Any, state: dict[str, Any], t: int) -> Any:
    state["a"] = state.get("a", 0.1) + g**2
    return p - 0.1 * g / numpy.sqrt(state["a"])


def tf_rmsprop(p: Any, g: Any, state: dict[str, Any], t: int, centered: bool = False) -> Any:
    state["ms"] = state.get("ms", 1.0) * 0.8 + 0.2 * g**2
    state["mg"] = state.get("mg", 0.0) * 0.8 + 0.2 * g
    mean = state["mg"] if centered else 0.0
    state["mom"] = 0.5 * state.get("mom", 0.0) + 0.01 * g / numpy.sqrt(state["ms"] - mean**2 + 1e-3)
    return p - state["mom"]


def tf_adam(p: Any, g: Any, state: dict[str, Any], t: int) -> Any:
    state["m"] = 0.9 * state.get("m", 0.0) + 0.1 * g
    state["v"] = 0.999 * state.get("v", 0.0) + 0.001 * g**2
    rate = 0.01 * math.sqrt(1 - 0.999**t) / (1 - 0.9**t)
    return p - rate * state["m"] / (numpy.sqrt(state["v"]) + 1e-3)


RMS = {"learning_rate": 0.01, "decay": 0.8, "momentum": 0.5, "epsilon": 1e-3}
INSIDE = {"momentum": True, "epsilon_inside": True}
ADAM = {"learning_rate": 0.01, "beta1": 0.9, "beta2": 0.999, "epsilon": 1e-3, "epsilon_hat": True}

TENSORFLOW: dict[str, tuple[Rule, dict[str, Any], Callable[..., Any], str, dict[str, Any]]] = {
    "descent": (
        SGD(),
        {"learning_rate": 0.1},
        lambda p, g, state, t: p - 0.1 * g,
        "GradientDescentOptimizer",
        {"learning_rate": 0.1},
    ),
    "momentum": (
        SGD(momentum=True),
        {"learning_rate": 0.1, "momentum": 0.9},
        tf_momentum,
        "MomentumOptimizer",
        {"learning_rate": 0.1, "momentum": 0.9},
    ),
    "nesterov": (
        SGD(momentum=True, nesterov=True),
        {"learning_rate": 0.1, "momentum": 0.9},
        lambda *args: tf_momentum(*args, nesterov=True),
        "MomentumOptimizer",
        {"learning_rate": 0.1, "momentum": 0.9, "use_nesterov": True},
    ),
    "adagrad": (Adagrad(epsilon=False), {"learning_rate": 0.1}, tf_adagrad, "AdagradOptimizer", {"learning_rate": 0.1}),
    "rmsprop": (RMSProp(**INSIDE), RMS, tf_rmsprop, "RMSPropOptimizer", RMS),
    "rmsprop centered": (
        RMSProp(centered=True, **INSIDE),
        RMS,
        lambda *args: tf_rmsprop(*args, centered=True),
        "RMSPropOptimizer",
        {**RMS, "centered": True},
    ),
    "adam": (Adam(), ADAM, tf_adam, "AdamOptimizer", {"learning_rate": 0.01, "epsilon": 1e-3}),
}


def tf_adagrad_da(p: Any, g: Any, state: dict[str, Any], t: int) -> Any:
    total = state["g"] = state.get("g", 0.0) + g
    state["gg"] = state.get("gg", 0.1) + g**2
    shrunk = numpy.sign(total) * numpy.maximum(numpy.abs(total) - 0.2 * t, 0.0)
    return -0.1 * shrunk / (0.3 * t * 0.1 + numpy.sqrt(state["gg"]))


def tf_ftrl(p: Any, g: Any, state: dict[str, Any], t: int, power: float = 0.5, shrinkage: float = 0.0) -> Any:
    before, state["n"] = state.get("n", 0.1), state.get("n", 0.1) + g**2
    sigma = (state["n"] ** power - before**power) / 0.1
    state["z"] = state.get("z", 0.0) + g + 2 * shrinkage * p - sigma * p
    best = (numpy.sign(state["z"]) * 0.2 - state["z"]) / ((0.4 + state["n"] ** power) / 0.1 + 2 * 0.3)
    return numpy.where(numpy.abs(state["z"]) > 0.2, best, 0.0)


def tf_proximal_adagrad(p: Any, g: Any, state: dict[str, Any], t: int) -> Any:
    state["a"] = state.get("a", 0.1) + g**2
    rate = 0.1 / numpy.sqrt(state["a"])
    moved = p - rate * g
    return numpy.sign(moved) * numpy.maximum(numpy.abs(moved) - rate * 0.2, 0.0) / (1 + rate * 0.3)


def tf_proximal_descent(p: Any, g: Any, state: dict[str, Any], t: int) -> Any:
    moved = p - 0.1 * g
    return numpy.sign(moved) * numpy.maximum(numpy.abs(moved) - 0.1 * 0.2, 0.0) / (1 + 0.1 * 0.3)


def tf_adamax(p: Any, g: Any, state: dict[str, Any], t: int) -> Any:
    state["m"] = 0.9 * state.get("m", 0.0) + 0.1 * g
    state["v"] = numpy.maximum(0.999 * state.get("v", 0.0), numpy.abs(g))
    return p - 0.01 / (1 - 0.9**t) * state["m"] / (state["v"] + 1e-3)


def tf_nadam(p: Any, g: Any, state: dict[str, Any], t: int) -> Any:
    state["m"] = 0.9 * state.get("m", 0.0) + 0.1 * g
    state["v"] = 0.999 * state.get("v", 0.0) + 0.001 * g**2
    rate = 0.01 * math.sqrt(1 - 0.999**t) / (1 - 0.9**t)
    return p - rate * (0.9 * state["m"] + 0.1 * g) / (numpy.sqrt(state["v"]) + 1e-3)


PENALTIES = {"learning_rate": 0.1, "l1": 0.2, "l2": 0.3}
FTRL = {**PENALTIES, "beta": 0.4}

FORMULAS: dict[str, tuple[Rule, dict[str, Any], Callable[..., Any]]] = {
    "adagrad da": (AdagradDA(), PENALTIES, tf_adagrad_da),
    "ftrl": (Ftrl(), FTRL, tf_ftrl),
    "ftrl power": (Ftrl(root=False), {**FTRL, "power": 0.75}, lambda *args: tf_ftrl(*args, power=0.75)),
    "ftrl shrinkage": (
        Ftrl(shrinkage=True),
        {**FTRL, "l2_shrinkage": 0.25},
        lambda *args: tf_ftrl(*args, shrinkage=0.25),
    ),
    "proximal adagrad": (ProximalAdagrad(), PENALTIES, tf_proximal_adagrad),
    "proximal descent": (ProximalSGD(), PENALTIES, tf_proximal_descent),
    "adamax": (AdaMax(), {"learning_rate": 0.01, "beta1": 0.9, "beta2": 0.999, "epsilon": 1e-3}, tf_adamax),
    "nadam": (Adam(nesterov=True), ADAM, tf_nadam),
    **{name: entry[:3] for name, entry in TENSORFLOW.items()},
}
"""Also of those whose front-end the tests of ``static`` hold to TensorFlow."""


@pytest.mark.parametrize("name", FORMULAS)
def test_tensorflow_formulas(name: str) -> None:
    rule, hyper, formula = FORMULAS[name]
    p, state = start(), {}
    for t, (g, ours) in enumerate(zip(gradients(), run(rule, hyper, {"initial_accumulator_value": 0.1}), strict=True), 1):
        p = formula(p, g, state, t)
        numpy.testing.assert_allclose(ours[0], p, rtol=1e-12, atol=1e-12)


@pytest.mark.oracle
@pytest.mark.parametrize("name", TENSORFLOW)
def test_tensorflow(name: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tf = pytest.importorskip("tensorflow").compat.v1
    rule, hyper, _, optimizer, settings = TENSORFLOW[name]
    graph = tf.Graph()
    with graph.as_default():
        p = tf.get_variable("p", initializer=start(), use_resource=False)
        g = tf.placeholder(tf.float64, (3, 4))
        train = getattr(tf.train, optimizer)(**settings).apply_gradients([(g, p)])
        initialize = tf.global_variables_initializer()
    with tf.Session(graph=graph) as session:
        session.run(initialize)
        for value, ours in zip(gradients(), run(rule, hyper, {"initial_accumulator_value": 0.1}), strict=True):
            session.run(train, {g: value})
            # Its hyper-parameters pass through float32 tensors.
            numpy.testing.assert_allclose(ours[0], session.run(p), rtol=1e-6, atol=1e-6)


# One expression, several ways to run it

NADAM = {"learning_rate": 0.01, "beta1": 0.9, "beta2": 0.99, "epsilon": 1e-3, "momentum_decay": 0.1, "product": 0.3}

RULES = {
    **{f"torch {name}": entry[:2] for name, entry in TORCH.items()},
    **{f"tensorflow {name}": entry[:2] for name, entry in FORMULAS.items()},
    "torch nadam, at one product of momenta": (NAdam(), NADAM),
    "torch asgd, averaging": (ASGD(), {"learning_rate": 0.1, "lambd": 0.1, "alpha": 0.75, "t0": 3.0}),
}


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("name", RULES)
def test_in_place_has_the_bits_of_op_by_op(name: str, dtype: str) -> None:
    rule, hyper = RULES[name]
    p = start().astype(dtype)
    state = [numpy.full_like(p, fill) for fill in rule.fills()]
    for t, (g, found) in enumerate(zip(gradients(), run(rule, hyper, dtype=dtype), strict=True), 1):
        p, *state = rule.function(dtype)(p, g.astype(dtype), *state, *rule.step(dtype, t, **hyper))
        for x, y in zip([p, *state], found, strict=True):
            numpy.testing.assert_array_equal(x, y, strict=True)


@numpy.errstate(divide="ignore")  # as both front-ends run; the logarithm of a beta of 0 is meant
@pytest.mark.parametrize("name", RULES)
def test_rates_of_a_graph_have_the_bits_of_numbers(name: str) -> None:
    rule, hyper = RULES[name]
    numbers = {key: value for key, value in hyper.items() if key != "epsilon_hat"}
    flags = {key: value for key, value in hyper.items() if key == "epsilon_hat"}

    def rates(t: Any, *values: Any) -> Any:
        return rule.rates(t, **dict(zip(numbers, values, strict=True)), **flags)

    traced, _ = trace(rates, *[Spec((), "f8")] * (1 + len(numbers)))
    for t in (1, 2, 3, 10, 1000, 123456):
        for found in (
            traced(numpy.asarray(float(t)), *(numpy.asarray(x) for x in numbers.values())),
            traced(numpy.float64(t), *numbers.values()),
        ):
            for x, y in zip(found, rule.step("f8", t, **hyper), strict=True):
                numpy.testing.assert_array_equal(x, y)


def test_traced_once() -> None:
    assert Adam().function("f4") is Adam(amsgrad=False).function(numpy.float32)
    assert Adam().function("f4") is not Adam().function("f8")
    assert Adam().function("f4") is not Adam(amsgrad=True).function("f4")


def test_in_place_takes_no_copies() -> None:
    kernel: Any = Adam(amsgrad=True).kernel("f4")
    assert "copy(" not in kernel.source


@pytest.mark.parametrize("name", RULES)
def test_slots_and_fills_agree(name: str) -> None:
    rule, hyper = RULES[name]
    function = rule.function("f8")
    assert len(rule.fills()) == len(rule.slots) == len(function.outputs) - 1
    assert len(function.inputs) == 2 + len(rule.slots) + len(rule.step("f8", 1, **hyper))
