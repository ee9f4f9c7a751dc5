"""What all optimisers share: parameter groups, state, and the step, whose mathematics is in ``graphs.updates``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar

import numpy

from dynamic.apply import wrap
from dynamic.autograd.grad_mode import enable_grad
from dynamic.tensor import Tensor
from graphs.core.errors import ShapeError, at_line
from graphs.updates import Rule


class Optimizer:
    """An optimiser over parameters, which ``step()`` changes in place, each by its ``grad``.

    Args:
        params: leaf tensors, or groups: dictionaries with ``params`` and settings of their own.
        defaults: the settings of groups that do not name them.

    Attributes:
        param_groups: the groups, each a dictionary of ``params`` and settings, which may be changed between steps.
        state: per parameter ``step`` and the optimiser's arrays, as tensors; empty until the first step.
    """

    names: ClassVar[Mapping[str, str]] = {}
    """PyTorch's names of the rule's slots."""

    def __init__(self, params: Iterable[Any], defaults: dict[str, Any]) -> None:
        if isinstance(params, Tensor):
            raise TypeError("an optimizer takes a sequence of tensors, not one tensor")
        given = list(params)
        if not given:
            raise ValueError("an optimizer was given no parameters")
        self.defaults = defaults
        self.state: dict[Tensor, dict[str, Any]] = {}
        self.param_groups: list[dict[str, Any]] = []
        for group in given if isinstance(given[0], Mapping) else [{"params": given}]:
            self.add_param_group(dict(group))

    def add_param_group(self, group: dict[str, Any]) -> None:
        """Take one more group of parameters."""
        params = group["params"]
        group["params"] = [params] if isinstance(params, Tensor) else list(params)
        known = {id(p) for other in self.param_groups for p in other["params"]}
        for p in group["params"]:
            if not isinstance(p, Tensor):
                raise TypeError(f"an optimizer takes tensors, not {type(p).__name__}")
            if not p.is_leaf:
                raise ValueError(f"an optimizer takes leaves; {p.grad_fn} made this one, of shape {tuple(p.shape)}")
            if id(p) in known:
                raise ValueError("a parameter is in more than one group")
        for name, value in self.defaults.items():
            group.setdefault(name, value)
        self.param_groups.append(group)

    def rule(self, group: Mapping[str, Any]) -> Rule:
        """The rule for a group's settings."""
        raise NotImplementedError

    def hyper(self, group: Mapping[str, Any]) -> dict[str, Any]:
        """The numbers that the rule's rates are computed from."""
        raise NotImplementedError

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients, or fill them with zeros."""
        for group in self.param_groups:
            for p in group["params"]:
                if set_to_none:
                    p.grad = None
                elif p.grad is not None:
                    p.grad = p.grad.detach()
                    p.grad.zero_()

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Change every parameter that has a gradient, in place. A ``closure`` computes the loss anew, which is returned."""
        loss = None
        if closure is not None:
            with enable_grad():
                loss = closure()
        with numpy.errstate(all="ignore"):
            for group in self.param_groups:
                self._step_group(group)
        return loss

    def _step_group(self, group: Mapping[str, Any]) -> None:
        rule = self.rule(group)
        hyper = self.hyper(group)
        names = [self.names[slot] for slot in rule.slots]
        rates: dict[Any, Any] = {}
        for p in group["params"]:
            grad = p.grad
            if grad is None:
                continue
            array = p._array
            g = grad._array
            if g.shape != array.shape:
                raise ShapeError(f"a gradient of shape {g.shape} for a parameter of shape {array.shape}{at_line()}")
            state = self.state.get(p)
            if state is None:
                fills = rule.fills(**hyper)
                filled = {name: wrap(numpy.full_like(array, fill)) for name, fill in zip(names, fills, strict=True)}
                state = self.state[p] = {"step": 0, **filled}
            t = state["step"] = state["step"] + 1
            key = (t, array.dtype)
            if key not in rates:
                rates[key] = rule.step(array.dtype, t, **hyper)
            slots = [state[name]._array for name in names]
            rule.kernel(array.dtype)((array, g, *slots, *rates[key]), (array, *slots))

    def state_dict(self) -> dict[str, Any]:
        """State and settings, with parameters numbered in order."""
        numbers = {id(p): i for i, p in enumerate(p for group in self.param_groups for p in group["params"])}
        return {
            "state": {numbers[id(p)]: dict(state) for p, state in self.state.items()},
            "param_groups": [
                {**{k: v for k, v in group.items() if k != "params"}, "params": [numbers[id(p)] for p in group["params"]]}
                for group in self.param_groups
            ],
        }

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Take over what ``state_dict`` gave. Raises ValueError where its groups are not of these sizes."""
        groups = state_dict["param_groups"]
        if [len(g["params"]) for g in groups] != [len(g["params"]) for g in self.param_groups]:
            raise ValueError("the state dict has other parameter groups than this optimizer")
        params = [p for group in self.param_groups for p in group["params"]]
        self.state = {
            params[i]: {k: wrap(v._array.copy()) if isinstance(v, Tensor) else v for k, v in state.items()}
            for i, state in state_dict["state"].items()
        }
        for group, saved in zip(self.param_groups, groups, strict=True):
            group.update({k: v for k, v in saved.items() if k != "params"})

    def __repr__(self) -> str:
        lines = [f"{type(self).__name__} ("]
        for i, group in enumerate(self.param_groups):
            lines += [f"Parameter Group {i}", *(f"    {k}: {v}" for k, v in sorted(group.items()) if k != "params")]
        return "\n".join([*lines, ")"])
