"""Adafactor: the second moment of a matrix from one number per row and one per column."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy

from dynamic.apply import wrap
from dynamic.autograd.grad_mode import enable_grad, strict
from dynamic.names import lacking
from dynamic.optim.optimizer import Optimizer
from dynamic.optim.ruled import advance
from dynamic.tensor import Tensor
from dynamic.uninterrupted import Uninterrupted
from graphs.core.arrays import xp_of
from graphs.core.errors import ShapeError, at_line


class Adafactor(Optimizer):
    """Adafactor: steps in proportion to a parameter's size, divided by a factored estimate of the second moment.

    Args:
        params: tensors, pairs of name and tensor, or groups.
        lr: the largest size of a step, relative to the parameter's; it falls with the root of the number of steps.
        beta2_decay: the power of the number of steps by which a new gradient's share in the second moment falls.
        eps: the least second moment (default: the dtype's epsilon), and the least size that a parameter counts as having.
        d: a root mean square of the update beyond which it is scaled down.
        weight_decay: how much parameters fade, in proportion to the rate.
        foreach: PyTorch's way to compute the same.
        maximize: go up the gradient.

    Source: Shazeer and Stern, "Adafactor: adaptive learning rates with sublinear memory cost", 2018; PyTorch's form of it.
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: Any = 1e-2,
        beta2_decay: float = -0.8,
        eps: tuple[float | None, float] = (None, 1e-3),
        d: float = 1.0,
        weight_decay: float = 0.0,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
    ) -> None:
        if isinstance(lr, Tensor) and lr.numel() != 1:
            raise ValueError(f"Tensor lr must be 1-element{at_line()}")
        for what, value, fine in (
            ("Learning rate should be >= 0", lr, lr >= 0),
            ("beta2_decay should be <= 0", beta2_decay, beta2_decay <= 0),
            ("epsilon1 should be >= 0", eps[0], eps[0] is None or eps[0] >= 0),
            ("epsilon2 should be >= 0", eps[1], eps[1] >= 0),
            ("Clipping threshold d should be >= 1", d, d >= 1),
            ("weight_decay should be >= 0", weight_decay, weight_decay >= 0),
        ):
            if not fine:
                raise ValueError(f"{what} but is: {value}{at_line()}")
        settings = {"lr": lr, "beta2_decay": beta2_decay, "eps": eps, "d": d, "weight_decay": weight_decay}
        super().__init__(params, {**settings, "foreach": foreach, "maximize": maximize})

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Change every parameter that has a gradient, in place. A ``closure`` computes the loss anew, which is returned."""
        loss = None
        if closure is not None:
            with enable_grad():
                loss = closure()
        given = [p for group in self.param_groups for p in group["params"] if p.grad is not None]
        for p in given:
            if p.grad._array.shape != p._array.shape:
                shapes = f"a gradient of shape {p.grad._array.shape} for a parameter of shape {p._array.shape}"
                raise ShapeError(f"{shapes}{at_line()}")
        with numpy.errstate(all="ignore"), Uninterrupted():
            for group in self.param_groups:
                for p in group["params"]:
                    if p.grad is not None:
                        self._update(p, p.grad._array, self.state[p], group)
                        if strict.get():
                            p._touch()
        return loss

    def _update(self, p: Tensor, g: Any, state: dict[str, Any], group: Mapping[str, Any]) -> None:
        array, lr = p._array, float(group["lr"])
        xp = xp_of((array,))
        if group["maximize"]:
            g = -g
        t = advance(state)
        least, smallest = group["eps"]
        least = float(numpy.finfo(array.dtype).eps) if least is None else least
        fresh = t ** group["beta2_decay"]
        rate = max(smallest, _root_mean_square(array)) * min(lr, t**-0.5)
        if group["weight_decay"]:
            array *= 1.0 - lr * group["weight_decay"]
        squares = g * g
        if g.ndim > 1:
            rows = _blended(state, "row_var", squares.mean(axis=-1, keepdims=True), fresh)
            columns = _blended(state, "col_var", squares.mean(axis=-2, keepdims=True), fresh)
            moment = rows @ columns / xp.maximum(rows.mean(axis=-2, keepdims=True), least)
        else:
            moment = _blended(state, "variance", squares, fresh)
        update = g / xp.sqrt(xp.maximum(moment, least * least))
        array -= update * (rate / max(1.0, _root_mean_square(update) / group["d"]))


def _blended(state: dict[str, Any], name: str, value: Any, share: float) -> Any:
    """What is kept under ``name``, moved towards ``value`` in place."""
    if state.get(name) is None:
        state[name] = wrap(value * 0)
    kept = state[name]._array
    kept += (value - kept) * share
    return kept


def _root_mean_square(array: Any) -> float:
    return float((array * array).sum()) ** 0.5 / max(1, array.size) ** 0.5


__getattr__ = lacking(__name__)
