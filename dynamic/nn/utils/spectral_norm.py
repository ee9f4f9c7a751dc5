"""Weights over their greatest singular value (Miyato et al. 2018), by a hook that makes the weight before each call."""

from __future__ import annotations

from typing import Any

from dynamic.autograd.grad_mode import no_grad
from dynamic.names import lacking
from dynamic.nn import init
from dynamic.nn.distances import normalize
from dynamic.nn.modules.conv import ConvTranspose1d, ConvTranspose2d, ConvTranspose3d
from dynamic.nn.modules.module import Module
from dynamic.nn.parameter import Parameter


def as_matrix(weight: Any, dim: int) -> Any:
    """``weight`` with ``dim`` as its rows and everything else as its columns."""
    rank = weight._array.ndim
    if dim % rank:
        weight = weight.permute(dim % rank, *(axis for axis in range(rank) if axis != dim % rank))
    return weight.reshape(len(weight._array), -1)


def first_vector(size: int, like: Any, eps: float) -> Any:
    """A random vector of length 1, in the dtype of ``like``."""
    return normalize(init.normal_(like.new_empty(size)), dim=0, eps=eps)


def iterate(matrix: Any, u: Any, v: Any, rounds: int, eps: float) -> None:
    """Turn ``v`` and then ``u`` in place towards the singular vectors of the greatest value."""
    with no_grad():
        for _ in range(rounds):
            v.copy_(normalize(matrix.t() @ u, dim=0, eps=eps))
            u.copy_(normalize(matrix @ v, dim=0, eps=eps))


def outputs_of(module: Any) -> int:
    """The dimension of a module's weight that counts outputs."""
    return 1 if isinstance(module, (ConvTranspose1d, ConvTranspose2d, ConvTranspose3d)) else 0


class SpectralNorm:
    """The hook: the weight over ``u @ weight @ v``, where ``u`` and ``v`` are turned a little further in training."""

    def __init__(self, name: str, n_power_iterations: int, dim: int, eps: float) -> None:
        if n_power_iterations <= 0:
            raise ValueError(f"n_power_iterations is positive, not {n_power_iterations}")
        self.name, self.n_power_iterations, self.dim, self.eps = name, n_power_iterations, dim, eps

    def compute_weight(self, module: Module, do_power_iteration: bool) -> Any:
        """The weight over its greatest singular value, as far as that is known."""
        weight, u, v = (getattr(module, f"{self.name}_{part}") for part in ("orig", "u", "v"))
        matrix = as_matrix(weight, self.dim)
        if do_power_iteration:
            iterate(matrix.detach(), u, v, self.n_power_iterations, self.eps)
            u, v = u.clone(), v.clone()  # what the tape keeps must not change in the next call
        return weight / u.dot(matrix @ v)

    def __call__(self, module: Module, inputs: Any) -> None:
        """Norm the weight anew."""
        setattr(module, self.name, self.compute_weight(module, module.training))


def spectral_norm(
    module: Any, name: str = "weight", n_power_iterations: int = 1, eps: float = 1e-12, dim: int | None = None
) -> Any:
    """``module`` with the parameter ``name`` as ``name_orig`` over its greatest singular value.

    Args:
        n_power_iterations: by how many steps the value is approached in each call in training.
        eps: what lengths are at least.
        dim: the dimension that counts outputs, by default the one that it is in convolutions and linear maps.

    Raises RuntimeError where the parameter is normed already, ValueError where there are no steps.
    """
    if any(isinstance(hook, SpectralNorm) and hook.name == name for hook in module._forward_pre_hooks.values()):
        raise RuntimeError(f"Cannot register two spectral_norm hooks on the same parameter {name}")
    hook = SpectralNorm(name, n_power_iterations, outputs_of(module) if dim is None else dim, eps)
    weight = module._parameters[name]
    if weight is None:
        raise ValueError(f"the module has no {name!r}")
    rows, columns = as_matrix(weight.detach(), hook.dim).shape
    vectors = first_vector(rows, weight, eps), first_vector(columns, weight, eps)
    del module._parameters[name]
    module.register_parameter(f"{name}_orig", weight)
    setattr(module, name, weight.data)
    for part, vector in zip("uv", vectors, strict=True):
        module.register_buffer(f"{name}_{part}", vector)
    module.register_forward_pre_hook(hook)
    return module


def remove_spectral_norm(module: Any, name: str = "weight") -> Any:
    """``module`` with the weight that it has as a parameter again. Raises ValueError where it is not normed."""
    for key, hook in module._forward_pre_hooks.items():
        if isinstance(hook, SpectralNorm) and hook.name == name:
            with no_grad():
                weight = hook.compute_weight(module, False)
            delattr(module, name)
            for part in ("u", "v"):
                del module._buffers[f"{name}_{part}"]
            del module._parameters[f"{name}_orig"]
            module.register_parameter(name, Parameter(weight.detach()))
            del module._forward_pre_hooks[key]
            return module
    raise ValueError(f"spectral_norm of {name!r} not found in {module}")


__getattr__ = lacking(__name__)
