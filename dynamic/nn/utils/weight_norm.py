"""Weights as a length times a direction (Salimans and Kingma 2016), by a hook that makes the weight before each call."""

from __future__ import annotations

from typing import Any

from dynamic.apply import apply
from dynamic.names import lacking
from dynamic.nn.modules.module import Module
from dynamic.nn.parameter import Parameter
from dynamic.nn.reducing import warn
from graphs.ops import norm


def norm_except(v: Any, dim: int | None) -> Any:
    """The norms of the slices of ``v`` along ``dim``, with sizes of 1 elsewhere; of everything where that is None or -1."""
    if dim is None or dim == -1:
        return apply(norm, (v,), {"ord": 2.0})
    rank = v._array.ndim
    others = tuple(axis for axis in range(rank) if axis != dim % rank)
    return apply(norm, (v,), {"ord": 2.0, "axis": others, "keepdims": True}) if others else v.abs()


class WeightNorm:
    """The hook: ``weight = g * v / |v|``."""

    def __init__(self, name: str, dim: int | None) -> None:
        self.name = name
        self.dim = -1 if dim is None else dim

    def compute_weight(self, module: Module) -> Any:
        """The weight that length and direction make."""
        g, v = getattr(module, f"{self.name}_g"), getattr(module, f"{self.name}_v")
        return v * (g / norm_except(v, self.dim))

    def __call__(self, module: Module, inputs: Any) -> None:
        """Make the weight anew."""
        setattr(module, self.name, self.compute_weight(module))


def weight_norm(module: Any, name: str = "weight", dim: int | None = 0) -> Any:
    """``module`` with the parameter ``name`` as ``name_g``, its norms along ``dim``, times the direction of ``name_v``.

    Without ``dim`` there is one norm. Raises RuntimeError where the parameter has been taken apart already.
    """
    warn("nn.utils.weight_norm is nn.utils.parametrizations.weight_norm now", FutureWarning)
    if any(isinstance(hook, WeightNorm) and hook.name == name for hook in module._forward_pre_hooks.values()):
        raise RuntimeError(f"Cannot register two weight_norm hooks on the same parameter {name}")
    hook = WeightNorm(name, dim)
    weight = getattr(module, name)
    del module._parameters[name]
    module.register_parameter(f"{name}_g", Parameter(norm_except(weight.detach(), hook.dim)))
    module.register_parameter(f"{name}_v", Parameter(weight.detach()))
    setattr(module, name, hook.compute_weight(module))
    module.register_forward_pre_hook(hook)
    return module


def remove_weight_norm(module: Any, name: str = "weight") -> Any:
    """``module`` with its weight as one parameter again. Raises ValueError where it has not been taken apart."""
    for key, hook in module._forward_pre_hooks.items():
        if isinstance(hook, WeightNorm) and hook.name == name:
            weight = hook.compute_weight(module).detach()
            delattr(module, name)
            for part in ("g", "v"):
                del module._parameters[f"{name}_{part}"]
            setattr(module, name, Parameter(weight))
            del module._forward_pre_hooks[key]
            return module
    raise ValueError(f"weight_norm of {name!r} not found in {module}")


__getattr__ = lacking(__name__)
