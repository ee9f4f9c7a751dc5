"""PyTorch's optimisers: their arguments and names over the rules of ``graphs.updates``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from dynamic.optim.optimizer import Optimizer
from graphs import updates


def _check(**bounds: tuple[float, bool]) -> None:
    for name, (value, fine) in bounds.items():
        if not fine:
            raise ValueError(f"Invalid {name}: {value}")


class SGD(Optimizer):
    """Gradient descent, with momentum, dampening, Nesterov's form and weight decay where asked for.

    Source: Sutskever et al., "On the importance of initialization and momentum in deep learning", 2013; as in PyTorch.
    """

    names: ClassVar[Mapping[str, str]] = {"momentum": "momentum_buffer"}

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        momentum: float = 0.0,
        dampening: float = 0.0,
        weight_decay: float = 0.0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        _check(lr=(lr, lr >= 0), momentum=(momentum, momentum >= 0), weight_decay=(weight_decay, weight_decay >= 0))
        if nesterov and (momentum <= 0 or dampening != 0):
            raise ValueError("Nesterov momentum requires a momentum and zero dampening")
        settings = {"lr": lr, "momentum": momentum, "dampening": dampening, "weight_decay": weight_decay}
        super().__init__(params, {**settings, "nesterov": nesterov, "maximize": maximize})

    def rule(self, group: Mapping[str, Any]) -> updates.SGD:
        """The rule for a group's settings."""
        return updates.SGD(
            momentum=group["momentum"] != 0,
            nesterov=group["nesterov"],
            dampening=group["dampening"] != 0,
            weight_decay=group["weight_decay"] != 0,
            maximize=group["maximize"],
        )

    def hyper(self, group: Mapping[str, Any]) -> dict[str, Any]:
        """The numbers that the rule's rates are computed from."""
        return {
            "learning_rate": group["lr"],
            "momentum": group["momentum"],
            "dampening": group["dampening"],
            "weight_decay": group["weight_decay"],
        }


class Adagrad(Optimizer):
    """Adagrad: each element's rate falls with the sum of its squared gradients.

    Source: Duchi, Hazan and Singer, "Adaptive subgradient methods", 2011; PyTorch's form of it.
    """

    names: ClassVar[Mapping[str, str]] = {"accumulator": "sum"}

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-2,
        lr_decay: float = 0.0,
        weight_decay: float = 0.0,
        initial_accumulator_value: float = 0.0,
        eps: float = 1e-10,
        *,
        maximize: bool = False,
    ) -> None:
        _check(lr=(lr, lr >= 0), lr_decay=(lr_decay, lr_decay >= 0), eps=(eps, eps >= 0))
        settings = {"lr": lr, "lr_decay": lr_decay, "weight_decay": weight_decay, "eps": eps, "maximize": maximize}
        super().__init__(params, {**settings, "initial_accumulator_value": initial_accumulator_value})

    def rule(self, group: Mapping[str, Any]) -> updates.Adagrad:
        """The rule for a group's settings."""
        return updates.Adagrad(weight_decay=group["weight_decay"] != 0, maximize=group["maximize"])

    def hyper(self, group: Mapping[str, Any]) -> dict[str, Any]:
        """The numbers that the rule's rates are computed from."""
        return {
            "learning_rate": group["lr"],
            "lr_decay": group["lr_decay"],
            "epsilon": group["eps"],
            "weight_decay": group["weight_decay"],
            "initial_accumulator_value": group["initial_accumulator_value"],
        }


class RMSprop(Optimizer):
    """RMSprop: each element's rate is divided by a running root mean square of its gradients.

    Source: Hinton, lecture 6 of "Neural networks for machine learning", 2012; PyTorch's form of it. With ``epsilon_inside``
    TensorFlow 1's: epsilon inside the root, the mean square starting at 1, the learning rate inside the momentum.
    """

    names: ClassVar[Mapping[str, str]] = {"rms": "square_avg", "mg": "grad_avg", "momentum": "momentum_buffer"}

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        momentum: float = 0.0,
        centered: bool = False,
        *,
        maximize: bool = False,
        epsilon_inside: bool = False,
    ) -> None:
        _check(lr=(lr, lr >= 0), alpha=(alpha, alpha >= 0), eps=(eps, eps >= 0), momentum=(momentum, momentum >= 0))
        settings = {"lr": lr, "alpha": alpha, "eps": eps, "weight_decay": weight_decay, "momentum": momentum}
        more = {"centered": centered, "maximize": maximize, "epsilon_inside": epsilon_inside}
        super().__init__(params, {**settings, **more})

    def rule(self, group: Mapping[str, Any]) -> updates.RMSProp:
        """The rule for a group's settings."""
        return updates.RMSProp(
            momentum=group["momentum"] != 0,
            centered=group["centered"],
            epsilon_inside=group["epsilon_inside"],
            weight_decay=group["weight_decay"] != 0,
            maximize=group["maximize"],
        )

    def hyper(self, group: Mapping[str, Any]) -> dict[str, Any]:
        """The numbers that the rule's rates are computed from."""
        return {
            "learning_rate": group["lr"],
            "decay": group["alpha"],
            "momentum": group["momentum"],
            "epsilon": group["eps"],
            "weight_decay": group["weight_decay"],
        }


class Adam(Optimizer):
    """Adam, or with ``amsgrad`` the variant that keeps the largest second moment.

    Source: Kingma and Ba, "Adam: a method for stochastic optimization", 2015. Epsilon is added after the bias of the second
    moment has been corrected, as in today's PyTorch; with ``epsilon_hat=True`` before, as in TensorFlow 1.
    """

    names: ClassVar[Mapping[str, str]] = {"m": "exp_avg", "v": "exp_avg_sq", "v_max": "max_exp_avg_sq"}

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
        epsilon_hat: bool = False,
    ) -> None:
        _check(lr=(lr, lr >= 0), eps=(eps, eps >= 0), weight_decay=(weight_decay, weight_decay >= 0))
        for i, beta in enumerate(betas):
            if not 0.0 <= beta < 1.0:
                raise ValueError(f"Invalid beta parameter at index {i}: {beta}")
        settings = {"lr": lr, "betas": tuple(betas), "eps": eps, "weight_decay": weight_decay, "amsgrad": amsgrad}
        super().__init__(params, {**settings, "maximize": maximize, "epsilon_hat": epsilon_hat})

    def rule(self, group: Mapping[str, Any]) -> updates.Adam:
        """The rule for a group's settings."""
        return updates.Adam(amsgrad=group["amsgrad"], weight_decay=group["weight_decay"] != 0, maximize=group["maximize"])

    def hyper(self, group: Mapping[str, Any]) -> dict[str, Any]:
        """The numbers that the rule's rates are computed from."""
        beta1, beta2 = group["betas"]
        return {
            "learning_rate": group["lr"],
            "beta1": beta1,
            "beta2": beta2,
            "epsilon": group["eps"],
            "weight_decay": group["weight_decay"],
            "epsilon_hat": group["epsilon_hat"],
        }
