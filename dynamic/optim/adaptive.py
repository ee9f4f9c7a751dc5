"""A rate for each element, from the squares of its gradients: Adagrad, Adadelta, RMSprop."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from dynamic.names import lacking
from dynamic.optim.ruled import Ruled, check, check_rate, scalar
from graphs import updates


class Adagrad(Ruled):
    """Adagrad: each element's rate falls with the sum of its squared gradients.

    Source: Duchi, Hazan and Singer, "Adaptive subgradient methods", 2011; PyTorch's form of it.
    """

    names: ClassVar[Mapping[str, str]] = {"accumulator": "sum"}

    def __init__(
        self,
        params: Iterable[Any],
        lr: Any = 1e-2,
        lr_decay: float = 0,
        weight_decay: float = 0,
        initial_accumulator_value: float = 0,
        eps: float = 1e-10,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        check_rate(lr)
        check("lr_decay value", lr_decay, lr_decay >= 0)
        check("weight_decay value", weight_decay, weight_decay >= 0)
        check("initial_accumulator_value value", initial_accumulator_value, initial_accumulator_value >= 0)
        check("epsilon value", eps, eps >= 0)
        settings = {"lr": lr, "lr_decay": lr_decay, "eps": eps, "weight_decay": weight_decay}
        ways = {"foreach": foreach, "maximize": maximize, "differentiable": differentiable, "fused": fused}
        super().__init__(params, {**settings, "initial_accumulator_value": initial_accumulator_value, **ways})

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Take one more group; here what is kept beside its parameters is there before the first step."""
        super().add_param_group(param_group)
        group = self.param_groups[-1]
        rule, hyper = self.rule(group), self.hyper(group)
        for p in group["params"]:
            state = self.state[p]
            state["step"] = scalar(0.0)
            self._begin(state, state, p._array, rule, ["sum"], hyper)

    def share_memory(self) -> None:
        """Let other processes see what is kept beside parameters."""
        for state in self.state.values():
            for kept in state.values():
                kept.share_memory_()

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


class Adadelta(Ruled):
    """Adadelta: steps of the size of the steps before, by the size of the gradients before.

    Source: Zeiler, "ADADELTA: an adaptive learning rate method", 2012.
    """

    names: ClassVar[Mapping[str, str]] = {"accum": "square_avg", "accum_update": "acc_delta"}

    def __init__(
        self,
        params: Iterable[Any],
        lr: Any = 1.0,
        rho: float = 0.9,
        eps: float = 1e-6,
        weight_decay: float = 0,
        foreach: bool | None = None,
        *,
        capturable: bool = False,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_rate(lr)
        check("rho value", rho, 0 <= rho <= 1)
        check("epsilon value", eps, eps >= 0)
        check("weight_decay value", weight_decay, weight_decay >= 0)
        ways = {"maximize": maximize, "capturable": capturable, "foreach": foreach, "differentiable": differentiable}
        super().__init__(params, {"lr": lr, "rho": rho, "eps": eps, "weight_decay": weight_decay, **ways})

    def rule(self, group: Mapping[str, Any]) -> updates.Adadelta:
        """The rule for a group's settings."""
        return updates.Adadelta(weight_decay=group["weight_decay"] != 0, maximize=group["maximize"])

    def hyper(self, group: Mapping[str, Any]) -> dict[str, Any]:
        """The numbers that the rule's rates are computed from."""
        numbers = {"rho": group["rho"], "epsilon": group["eps"], "weight_decay": group["weight_decay"]}
        return {"learning_rate": group["lr"], **numbers}


class RMSprop(Ruled):
    """RMSprop: each element's rate is divided by a running root mean square of its gradients.

    Source: Hinton, lecture 6 of "Neural networks for machine learning", 2012; PyTorch's form of it. With ``epsilon_inside``
    TensorFlow 1's: epsilon inside the root, the mean square starting at 1, the learning rate inside the momentum.
    """

    names: ClassVar[Mapping[str, str]] = {"rms": "square_avg", "mg": "grad_avg", "momentum": "momentum_buffer"}

    def __init__(
        self,
        params: Iterable[Any],
        lr: Any = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum: float = 0,
        centered: bool = False,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
        *,
        epsilon_inside: bool = False,
    ) -> None:
        check_rate(lr)
        check("epsilon value", eps, eps >= 0)
        check("momentum value", momentum, momentum >= 0)
        check("weight_decay value", weight_decay, weight_decay >= 0)
        check("alpha value", alpha, alpha >= 0)
        settings = {"lr": lr, "momentum": momentum, "alpha": alpha, "eps": eps, "centered": centered}
        ways = {"capturable": capturable, "foreach": foreach, "maximize": maximize, "differentiable": differentiable}
        ours = {"epsilon_inside": True} if epsilon_inside else {}
        super().__init__(params, {**settings, "weight_decay": weight_decay, **ways, **ours})

    def rule(self, group: Mapping[str, Any]) -> updates.RMSProp:
        """The rule for a group's settings."""
        return updates.RMSProp(
            momentum=group["momentum"] > 0,
            centered=group["centered"],
            epsilon_inside=group.get("epsilon_inside", False),
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


__getattr__ = lacking(__name__)
