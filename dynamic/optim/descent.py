"""Descent along the gradient or by its sign: SGD, ASGD, Rprop."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from dynamic.names import lacking
from dynamic.optim.ruled import Ruled, check, check_rate, scalar
from graphs import updates


class SGD(Ruled):
    """Gradient descent, with momentum, dampening, Nesterov's form and weight decay where asked for.

    Source: Sutskever et al., "On the importance of initialization and momentum in deep learning", 2013; as in PyTorch.
    """

    names: ClassVar[Mapping[str, str]] = {"momentum": "momentum_buffer"}
    counted = False

    def __init__(
        self,
        params: Iterable[Any],
        lr: Any = 1e-3,
        momentum: float = 0,
        dampening: float = 0,
        weight_decay: Any = 0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        check_rate(lr)
        check("momentum value", momentum, momentum >= 0)
        check("weight_decay value", weight_decay, weight_decay >= 0)
        if nesterov and (momentum <= 0 or dampening != 0):
            raise ValueError("Nesterov momentum requires a momentum and zero dampening")
        settings = {"lr": lr, "momentum": momentum, "dampening": dampening, "weight_decay": weight_decay}
        ways = {"foreach": foreach, "differentiable": differentiable, "fused": fused}
        super().__init__(params, {**settings, "nesterov": nesterov, "maximize": maximize, **ways})

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


class ASGD(Ruled):
    """Averaged gradient descent: ``state`` has each parameter's average, ``ax``, beside it.

    Args:
        params: tensors, pairs of name and tensor, or groups.
        lr: the first step's rate.
        lambd: how much parameters fade in each step, in proportion to the rate.
        alpha: the power of the number of steps by which the rate falls.
        t0: the step at which averaging begins.
        weight_decay: the rate of an L2 penalty.
        foreach, differentiable, capturable: PyTorch's ways to compute the same.
        maximize: go up the gradient.

    Source: Polyak and Juditsky, "Acceleration of stochastic approximation by averaging", 1992; PyTorch's form of it.
    """

    names: ClassVar[Mapping[str, str]] = {"ax": "ax"}

    def __init__(
        self,
        params: Iterable[Any],
        lr: Any = 1e-2,
        lambd: float = 1e-4,
        alpha: float = 0.75,
        t0: float = 1e6,
        weight_decay: float = 0,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
        capturable: bool = False,
    ) -> None:
        check_rate(lr)
        check("weight_decay value", weight_decay, weight_decay >= 0)
        settings = {"lr": lr, "lambd": lambd, "alpha": alpha, "t0": t0, "weight_decay": weight_decay}
        ways = {"foreach": foreach, "maximize": maximize, "differentiable": differentiable, "capturable": capturable}
        super().__init__(params, {**settings, **ways})

    def rule(self, group: Mapping[str, Any]) -> updates.ASGD:
        """The rule for a group's settings."""
        return updates.ASGD(weight_decay=group["weight_decay"] != 0, maximize=group["maximize"])

    def hyper(self, group: Mapping[str, Any]) -> dict[str, Any]:
        """The numbers that the rule's rates are computed from."""
        names = ("lambd", "alpha", "t0", "weight_decay")
        return {"learning_rate": group["lr"], **{name: group[name] for name in names}}

    def further(self, group: Mapping[str, Any], state: Mapping[str, Any], t: float) -> tuple[dict[str, Any], dict[str, Any]]:
        """What the step before this one has said of it, kept in PyTorch's precision, and what this one says of the next."""
        rate = float(group["lr"])
        said = (state.get("eta"), state.get("mu"))
        eta, mu = (float(scalar(start) if x is None else x) for x, start in zip(said, (rate, 1.0), strict=True))
        numbers = {"lambd": group["lambd"], "alpha": group["alpha"], "t0": group["t0"]}
        following = self.rule(group).schedule(t, learning_rate=rate, **numbers)
        return {"eta": eta, "mu": mu}, {name: float(scalar(x)) for name, x in zip(("eta", "mu"), following, strict=True)}


class Rprop(Ruled):
    """Resilient backpropagation: steps by the gradient's sign, of a size that each element has for itself.

    Args:
        params: tensors, pairs of name and tensor, or groups.
        lr: the size of the first step.
        etas: what a size is multiplied by where the sign has changed, and where it has not.
        step_sizes: the smallest and the largest.
        capturable, foreach, differentiable: PyTorch's ways to compute the same.
        maximize: go up the gradient.

    Source: Riedmiller and Braun, "A direct adaptive method for faster backpropagation learning", 1993; as in PyTorch.
    """

    names: ClassVar[Mapping[str, str]] = {"prev": "prev", "step_size": "step_size"}

    def __init__(
        self,
        params: Iterable[Any],
        lr: Any = 1e-2,
        etas: tuple[float, float] = (0.5, 1.2),
        step_sizes: tuple[float, float] = (1e-6, 50),
        *,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_rate(lr)
        check("eta values", f"{etas[0]}, {etas[1]}", 0.0 < etas[0] < 1.0 < etas[1])
        ways = {"foreach": foreach, "maximize": maximize, "differentiable": differentiable, "capturable": capturable}
        super().__init__(params, {"lr": lr, "etas": etas, "step_sizes": step_sizes, **ways})

    def rule(self, group: Mapping[str, Any]) -> updates.Rprop:
        """The rule for a group's settings."""
        return updates.Rprop(maximize=group["maximize"])

    def hyper(self, group: Mapping[str, Any]) -> dict[str, Any]:
        """The numbers that the rule's rates are computed from."""
        shrinking, growing = group["etas"]
        smallest, largest = group["step_sizes"]
        numbers = {"shrinking": shrinking, "growing": growing, "smallest": smallest, "largest": largest}
        return {"learning_rate": group["lr"], **numbers}


__getattr__ = lacking(__name__)
