"""Optimisers as functions: ``x, fx = sgd(feval, x, config, state)``; PyTorch's old ``torch.legacy.optim``.

``feval(x)`` gives the value and the gradient, a vector as long as ``x``, which is changed in place: with a net,
``x, dfdx = net.flattenParameters()``. ``config`` is a dictionary of settings under Lua Torch's names, and ``state`` keeps
what one step leaves for the next (``config`` itself, unless another is given). The steps are those of ``dynamic.optim``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy

from dynamic.names import lacking
from dynamic.uninterrupted import Uninterrupted
from graphs.updates import SGD, Adadelta, Adagrad, Adam, AdaMax, RMSProp, Rprop, Rule


Feval = Callable[[Any], tuple[Any, Any]]


def _stepped(
    feval: Feval, x: Any, config: dict[str, Any] | None, state: dict[str, Any] | None, rate: float, make: Any
) -> tuple[Any, Any]:
    """One step of the rule that ``make(config)`` gives with its settings, from the learning rate ``rate`` by default."""
    if config is None and state is None:
        raise ValueError("an optimiser needs a dictionary for its state between steps: give config or state")
    config = {} if config is None else config
    state = config if state is None else state
    fx, dfdx = feval(x)
    rule, hyper = make(config)
    t = state.get("t", 0)
    p, g = x._array, dfdx._array
    rate = config.get("stepsize", config.get("learningRate", rate)) / (1 + t * config.get("learningRateDecay", 0))
    if "slots" not in state:
        state["slots"] = [numpy.full_like(p, fill) for fill in rule.fills(learning_rate=rate, **hyper)]
    decay = {"weight_decay": config["weightDecay"]} if rule.weight_decay else {}
    rates = rule.step(p.dtype, t + 1, learning_rate=rate, **hyper, **decay)
    with Uninterrupted():
        rule.kernel(p.dtype)((p, g, *state["slots"], *rates), (p, *state["slots"]))
        x._touch()
        state["t"] = state["evalCounter"] = t + 1
    return x, fx


def _decays(config: dict[str, Any]) -> dict[str, bool]:
    return {"weight_decay": bool(config.get("weightDecay", 0))}


def sgd(feval: Feval, x: Any, config: dict[str, Any] | None = None, state: dict[str, Any] | None = None) -> Any:
    """A step of gradient descent; returns x and the value before the step.

    Settings: learningRate (1e-3), learningRateDecay, weightDecay, momentum, dampening (as much as momentum), nesterov.
    Raises ValueError for nesterov without momentum or with dampening.
    """

    def make(config: dict[str, Any]) -> tuple[Rule, dict[str, Any]]:
        momentum = config.get("momentum", 0)
        dampening, nesterov = config.get("dampening", momentum), config.get("nesterov", False)
        if nesterov and (momentum <= 0 or dampening != 0):
            raise ValueError("Nesterov momentum requires a momentum and zero dampening")
        flags = {"momentum": bool(momentum), "nesterov": nesterov, "dampening": bool(dampening and momentum)}
        return SGD(**flags, **_decays(config)), {"momentum": momentum, "dampening": dampening}

    return _stepped(feval, x, config, state, 1e-3, make)


def adam(feval: Feval, x: Any, config: dict[str, Any] | None = None, state: dict[str, Any] | None = None) -> Any:
    """A step of Adam (Kingma and Ba 2015); returns x and the value before the step.

    Settings: learningRate (1e-3), learningRateDecay, beta1 (0.9), beta2 (0.999), epsilon (1e-8, outside the bias
    correction), weightDecay.
    """

    def make(config: dict[str, Any]) -> tuple[Rule, dict[str, Any]]:
        hyper = {"beta1": config.get("beta1", 0.9), "beta2": config.get("beta2", 0.999)}
        return Adam(**_decays(config)), {**hyper, "epsilon": config.get("epsilon", 1e-8), "epsilon_hat": True}

    return _stepped(feval, x, config, state, 1e-3, make)


def adamax(feval: Feval, x: Any, config: dict[str, Any] | None = None, state: dict[str, Any] | None = None) -> Any:
    """A step of AdaMax (Kingma and Ba 2015, algorithm 2); returns x and the value before the step.

    Settings: learningRate (2e-3), beta1 (0.9), beta2 (0.999), epsilon (1e-38), weightDecay.
    """

    def make(config: dict[str, Any]) -> tuple[Rule, dict[str, Any]]:
        hyper = {"beta1": config.get("beta1", 0.9), "beta2": config.get("beta2", 0.999)}
        return AdaMax(epsilon_inside=True, **_decays(config)), {**hyper, "epsilon": config.get("epsilon", 1e-38)}

    return _stepped(feval, x, config, state, 2e-3, make)


def adagrad(feval: Feval, x: Any, config: dict[str, Any] | None = None, state: dict[str, Any] | None = None) -> Any:
    """A step of Adagrad (Duchi et al. 2011); returns x and the value before the step.

    Settings: learningRate (1e-3), learningRateDecay, weightDecay.
    """

    def make(config: dict[str, Any]) -> tuple[Rule, dict[str, Any]]:
        return Adagrad(**_decays(config)), {"epsilon": 1e-10}

    return _stepped(feval, x, config, state, 1e-3, make)


def adadelta(feval: Feval, x: Any, config: dict[str, Any] | None = None, state: dict[str, Any] | None = None) -> Any:
    """A step of Adadelta (Zeiler 2012); returns x and the value before the step.

    Settings: rho (0.9), eps (1e-6), weightDecay.
    """

    def make(config: dict[str, Any]) -> tuple[Rule, dict[str, Any]]:
        return Adadelta(**_decays(config)), {"rho": config.get("rho", 0.9), "epsilon": config.get("eps", 1e-6)}

    return _stepped(feval, x, config, state, 1.0, make)


def rmsprop(feval: Feval, x: Any, config: dict[str, Any] | None = None, state: dict[str, Any] | None = None) -> Any:
    """A step of RMSprop (Tieleman and Hinton 2012); returns x and the value before the step.

    Settings: learningRate (1e-2), alpha (0.99), epsilon (1e-8), weightDecay.
    """

    def make(config: dict[str, Any]) -> tuple[Rule, dict[str, Any]]:
        return RMSProp(**_decays(config)), {"decay": config.get("alpha", 0.99), "epsilon": config.get("epsilon", 1e-8)}

    return _stepped(feval, x, config, state, 1e-2, make)


def rprop(feval: Feval, x: Any, config: dict[str, Any] | None = None, state: dict[str, Any] | None = None) -> Any:
    """A step of resilient backpropagation (Riedmiller and Braun 1993); returns x and the value before the step.

    Settings: stepsize (0.1), etaplus (1.2), etaminus (0.5), stepsizemax (50), stepsizemin (1e-6).
    """

    def make(config: dict[str, Any]) -> tuple[Rule, dict[str, Any]]:
        bounds = {"smallest": config.get("stepsizemin", 1e-6), "largest": config.get("stepsizemax", 50.0)}
        return Rprop(), {"shrinking": config.get("etaminus", 0.5), "growing": config.get("etaplus", 1.2), **bounds}

    return _stepped(feval, x, config, state, 0.1, make)


__getattr__ = lacking(__name__)
