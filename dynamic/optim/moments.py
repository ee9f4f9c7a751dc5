"""Adam and its kin: AdamW, Adamax, NAdam, RAdam."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

import numpy

from dynamic.names import lacking
from dynamic.optim.ruled import Ruled, check, check_betas, check_rate, scalar
from graphs import updates


def _checked(lr: Any, betas: Any, eps: Any, weight_decay: Any) -> None:
    check_rate(lr)
    check("epsilon value", eps, eps >= 0)
    check_betas(betas)
    check("weight_decay value", weight_decay, weight_decay >= 0)


def _numbers(group: Mapping[str, Any]) -> dict[str, Any]:
    beta1, beta2 = group["betas"]
    moments = {"beta1": beta1, "beta2": beta2, "epsilon": group["eps"]}
    return {"learning_rate": group["lr"], **moments, "weight_decay": group["weight_decay"]}


class Adam(Ruled):
    """Adam, or with ``amsgrad`` the variant that keeps the largest second moment.

    With ``decoupled_weight_decay`` it is ``AdamW``.

    Source: Kingma and Ba, "Adam: a method for stochastic optimization", 2015. Epsilon is added after the bias of the second
    moment has been corrected, as in today's PyTorch; with ``epsilon_hat=True`` before, as in TensorFlow 1.
    """

    names: ClassVar[Mapping[str, str]] = {"m": "exp_avg", "v": "exp_avg_sq", "v_max": "max_exp_avg_sq"}

    def __init__(
        self,
        params: Iterable[Any],
        lr: Any = 1e-3,
        betas: tuple[Any, Any] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        amsgrad: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
        decoupled_weight_decay: bool = False,
        epsilon_hat: bool = False,
    ) -> None:
        _checked(lr, betas, eps, weight_decay)
        settings = {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay, "amsgrad": amsgrad}
        ways = {"maximize": maximize, "foreach": foreach, "capturable": capturable, "differentiable": differentiable}
        ours = {"epsilon_hat": True} if epsilon_hat else {}
        further = {"fused": fused, "decoupled_weight_decay": decoupled_weight_decay, **ours}
        super().__init__(params, {**settings, **ways, **further})

    def rule(self, group: Mapping[str, Any]) -> updates.Adam:
        """The rule for a group's settings."""
        return updates.Adam(
            amsgrad=group["amsgrad"],
            weight_decay=group["weight_decay"] != 0,
            decoupled=group["decoupled_weight_decay"],
            maximize=group["maximize"],
        )

    def hyper(self, group: Mapping[str, Any]) -> dict[str, Any]:
        """The numbers that the rule's rates are computed from."""
        return {**_numbers(group), "epsilon_hat": group.get("epsilon_hat", False)}


class AdamW(Adam):
    """Adam whose weight decay shrinks the parameters themselves and is unseen by the moments.

    Source: Loshchilov and Hutter, "Decoupled weight decay regularization", 2019.
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: Any = 1e-3,
        betas: tuple[Any, Any] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        ways: dict[str, Any] = {"foreach": foreach, "capturable": capturable, "differentiable": differentiable}
        ways.update(maximize=maximize, fused=fused, decoupled_weight_decay=True)
        super().__init__(params, lr, betas, eps, weight_decay, amsgrad, **ways)


class Adamax(Ruled):
    """Adam with the largest gradient, which fades, in place of the second moment.

    Source: Kingma and Ba, "Adam: a method for stochastic optimization", 2015, algorithm 2.
    """

    names: ClassVar[Mapping[str, str]] = {"m": "exp_avg", "v": "exp_inf"}

    def __init__(
        self,
        params: Iterable[Any],
        lr: Any = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        capturable: bool = False,
    ) -> None:
        _checked(lr, betas, eps, weight_decay)
        ways = {"foreach": foreach, "maximize": maximize, "differentiable": differentiable, "capturable": capturable}
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay, **ways})

    def rule(self, group: Mapping[str, Any]) -> updates.AdaMax:
        """The rule for a group's settings."""
        return updates.AdaMax(epsilon_inside=True, weight_decay=group["weight_decay"] != 0, maximize=group["maximize"])

    def hyper(self, group: Mapping[str, Any]) -> dict[str, Any]:
        """The numbers that the rule's rates are computed from."""
        return _numbers(group)


class NAdam(Ruled):
    """Adam with Nesterov's momentum, which grows by and by.

    Source: Dozat, "Incorporating Nesterov momentum into Adam", 2016; PyTorch's form of it.
    """

    names: ClassVar[Mapping[str, str]] = {"m": "exp_avg", "v": "exp_avg_sq"}

    def __init__(
        self,
        params: Iterable[Any],
        lr: Any = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum_decay: float = 4e-3,
        decoupled_weight_decay: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
    ) -> None:
        _checked(lr, betas, eps, weight_decay)
        check("momentum_decay value", momentum_decay, momentum_decay >= 0)
        settings = {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay, "momentum_decay": momentum_decay}
        ways = {"maximize": maximize, "foreach": foreach, "capturable": capturable, "differentiable": differentiable}
        super().__init__(params, {**settings, "decoupled_weight_decay": decoupled_weight_decay, **ways})

    def rule(self, group: Mapping[str, Any]) -> updates.NAdam:
        """The rule for a group's settings."""
        return updates.NAdam(
            weight_decay=group["weight_decay"] != 0,
            decoupled=group["decoupled_weight_decay"],
            maximize=group["maximize"],
        )

    def hyper(self, group: Mapping[str, Any]) -> dict[str, Any]:
        """The numbers that the rule's rates are computed from."""
        return {**_numbers(group), "momentum_decay": group["momentum_decay"]}

    def further(self, group: Mapping[str, Any], state: Mapping[str, Any], t: float) -> tuple[dict[str, Any], dict[str, Any]]:
        """The product of the momenta so far, which is kept in PyTorch's precision."""
        before = (state["mu_product"] if "mu_product" in state else scalar(1.0))._array
        decay = group["momentum_decay"]
        momentum = self.rule(group).momentum(numpy.float64(t), beta1=float(group["betas"][0]), momentum_decay=decay)
        product = float(before * float(momentum))
        return {"product": product}, {"mu_product": product}


class RAdam(Ruled):
    """Adam that is plain momentum until its second moment rests on enough gradients to be trusted.

    Source: Liu et al., "On the variance of the adaptive learning rate and beyond", 2020; as in PyTorch.
    """

    names: ClassVar[Mapping[str, str]] = {"m": "exp_avg", "v": "exp_avg_sq"}

    def __init__(
        self,
        params: Iterable[Any],
        lr: Any = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        decoupled_weight_decay: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
    ) -> None:
        _checked(lr, betas, eps, weight_decay)
        settings = {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay, "maximize": maximize}
        further = {"decoupled_weight_decay": decoupled_weight_decay, "differentiable": differentiable}
        super().__init__(params, {**settings, "foreach": foreach, "capturable": capturable, **further})

    def rule(self, group: Mapping[str, Any]) -> updates.RAdam:
        """The rule for a group's settings."""
        return updates.RAdam(
            weight_decay=group["weight_decay"] != 0,
            decoupled=group["decoupled_weight_decay"],
            maximize=group["maximize"],
        )

    def hyper(self, group: Mapping[str, Any]) -> dict[str, Any]:
        """The numbers that the rule's rates are computed from."""
        return _numbers(group)


__getattr__ = lacking(__name__)
