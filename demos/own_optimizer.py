"""An optimiser of one's own, written three ways, beside Adam: the two-layer net of the sources trained by each.

The optimiser is Lion (Chen et al., "Symbolic discovery of optimization algorithms", 2023): steps of one size, by the sign of
a blend of the momentum and the gradient. First as programs of 2017 subclass ``Optimizer``, then as today's do, and then as a
rule, which becomes one kernel for each parameter. All three train alike, to the last bit.

python demos/own_optimizer.py --iterations 200
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

import dynamic as torch
from dynamic.autograd import Variable
from dynamic.optim import Adam, FromRule, Optimizer
from graphs.ops import sign
from graphs.updates import Rule


N, D_in, H, D_out = 64, 1000, 100, 10


class Lion2017(Optimizer):
    """With ``.data`` throughout, and the state made when it is first missed."""

    def __init__(self, params: Iterable[Any], lr: float = 1e-3, betas: tuple[float, float] = (0.9, 0.99)) -> None:
        super().__init__(params, dict(lr=lr, betas=betas))  # noqa: C408 (as it was written)

    def step(self, closure: Any = None) -> Any:
        """Change each parameter by its gradient."""
        loss = None
        if closure is not None:
            loss = closure()
        for group in self.param_groups:
            beta1, beta2 = group["betas"]
            for p in group["params"]:
                if p.grad is None:
                    continue
                grad = p.grad.data
                state = self.state[p]
                if len(state) == 0:
                    state["momentum"] = grad.new().resize_as_(grad).zero_()
                momentum = state["momentum"]
                update = momentum + (grad - momentum) * (1 - beta1)
                p.data.sub_(update.sign_() * group["lr"])
                momentum.add_((grad - momentum) * (1 - beta2))
        return loss


class Lion(Optimizer):
    """As one writes it today: nothing is recorded, and parameters are changed in place."""

    def __init__(self, params: Iterable[Any], lr: float = 1e-3, betas: tuple[float, float] = (0.9, 0.99)) -> None:
        if lr <= 0:
            raise ValueError(f"Invalid learning rate: {lr}")
        super().__init__(params, {"lr": lr, "betas": betas})

    @torch.no_grad()
    def step(self, closure: Any = None) -> Any:
        """Change each parameter by its gradient."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            beta1, beta2 = group["betas"]
            for p in group["params"]:
                if p.grad is None:
                    continue
                state = self.state[p]
                if "momentum" not in state:
                    state["momentum"] = torch.zeros_like(p)
                momentum = state["momentum"]
                update = torch.lerp(momentum, p.grad, 1 - beta1).sign_()
                p.sub_(update * group["lr"])
                momentum.lerp_(p.grad, 1 - beta2)
        return loss


@dataclass(frozen=True, kw_only=True)
class LionRule(Rule):
    """What a step makes of parameter, gradient and momentum, as an expression: nothing is written in place here."""

    name: ClassVar[str] = "Lion"

    @property
    def _names(self) -> tuple[str, ...]:
        return ("learning_rate", "fresh1", "fresh2")

    @property
    def slots(self) -> tuple[str, ...]:
        """The momentum."""
        return ("momentum",)

    def _rates(self, _t: Any, *, learning_rate: Any, beta1: Any, beta2: Any) -> dict[str, Any]:
        return {"learning_rate": learning_rate, "fresh1": 1 - beta1, "fresh2": 1 - beta2}

    def _update(self, p: Any, g: Any, slots: Sequence[Any], rates: Mapping[str, Any]) -> tuple[Any, ...]:
        (momentum,) = slots
        update = sign(momentum + (g - momentum) * rates["fresh1"])
        return p - update * rates["learning_rate"], momentum + (g - momentum) * rates["fresh2"]


OPTIMIZERS = {
    "Adam": lambda params: Adam(params, lr=1e-3),
    "Lion, 2017": lambda params: Lion2017(params, lr=1e-4),
    "Lion, today": lambda params: Lion(params, lr=1e-4),
    "Lion, a rule": lambda params: FromRule(params, LionRule(), lr=1e-4, beta1=0.9, beta2=0.99),
}


def train(name: str, iterations: int) -> tuple[list[float], float]:
    """The losses, and the seconds that the optimiser's step took, the median of all."""
    random = np.random.default_rng(0)
    x, y = (Variable(torch.from_numpy(random.standard_normal((N, n)).astype("float32"))) for n in (D_in, D_out))
    weights = ((random.standard_normal(shape) / shape[0] ** 0.5).astype("float32") for shape in ((D_in, H), (H, D_out)))
    params = [Variable(torch.from_numpy(w), requires_grad=True) for w in weights]
    optimizer = OPTIMIZERS[name](params)
    losses, seconds = [], []
    for _ in range(iterations):
        optimizer.zero_grad()
        loss = (x.mm(params[0]).clamp(min=0).mm(params[1]) - y).pow(2).mean()
        loss.backward()
        before = time.perf_counter()
        optimizer.step()
        seconds.append(time.perf_counter() - before)
        losses.append(loss.item())
    return losses, statistics.median(seconds)


def main() -> None:
    """Train with each and print the losses on the way."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--iterations", type=int, default=200)
    args = parser.parse_args()
    for name in OPTIMIZERS:
        losses, seconds = train(name, args.iterations)
        shown = "  ".join(f"{losses[i]:.7f}" for i in range(0, args.iterations, max(1, args.iterations // 5)))
        print(f"{name:13} {shown}  {losses[-1]:.7f}   {seconds * 1e6:6.0f} µs a step")


if __name__ == "__main__":
    main()
