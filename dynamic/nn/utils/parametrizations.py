"""Weights that are computed: PyTorch's ``torch.nn.utils.parametrizations``."""

from __future__ import annotations

from typing import Any

from dynamic.names import lacking
from dynamic.nn.modules.module import Module
from dynamic.nn.utils.parametrize import register_parametrization
from dynamic.nn.utils.spectral_norm import as_matrix, first_vector, iterate, outputs_of
from dynamic.nn.utils.weight_norm import norm_except


class _WeightNorm(Module):
    def __init__(self, dim: int | None = 0) -> None:
        super().__init__()
        self.dim = -1 if dim is None else dim

    def forward(self, weight_g: Any, weight_v: Any) -> Any:
        return weight_v * (weight_g / norm_except(weight_v, self.dim))

    def right_inverse(self, weight: Any) -> tuple[Any, Any]:
        return norm_except(weight, self.dim), weight


def weight_norm(module: Any, name: str = "weight", dim: int | None = 0) -> Any:
    """``module`` with the parameter ``name`` as a length along ``dim`` (or one length) times a direction.

    Salimans and Kingma 2016. The length is ``parametrizations.<name>.original0``, the direction ``original1``.
    """
    return register_parametrization(module, name, _WeightNorm(dim), unsafe=True)


class _SpectralNorm(Module):
    def __init__(self, weight: Any, n_power_iterations: int, dim: int, eps: float) -> None:
        super().__init__()
        if n_power_iterations <= 0:
            raise ValueError(f"n_power_iterations is positive, not {n_power_iterations}")
        self.dim, self.eps, self.n_power_iterations = dim, eps, n_power_iterations
        if weight._array.ndim > 1:
            matrix = as_matrix(weight.detach(), dim)
            rows, columns = matrix.shape
            self.register_buffer("_u", first_vector(rows, weight, eps))
            self.register_buffer("_v", first_vector(columns, weight, eps))
            iterate(matrix.t(), self._v, self._u, 15, eps)  # PyTorch turns the vectors in this order here

    def forward(self, weight: Any) -> Any:
        if weight._array.ndim == 1:
            return weight / weight.norm().clamp(min=self.eps)
        matrix = as_matrix(weight, self.dim)
        if self.training:
            iterate(matrix.detach().t(), self._v, self._u, self.n_power_iterations, self.eps)
        u, v = self._u.clone(), self._v.clone()  # what the tape keeps must not change in the next call
        return weight / u.dot(matrix @ v)

    def right_inverse(self, value: Any) -> Any:
        return value


def spectral_norm(
    module: Any, name: str = "weight", n_power_iterations: int = 1, eps: float = 1e-12, dim: int | None = None
) -> Any:
    """``module`` with the parameter ``name`` over its greatest singular value (Miyato et al. 2018).

    Arguments as for ``nn.utils.spectral_norm``. Raises ValueError where there is no such parameter.
    """
    weight = module._parameters.get(name)
    if weight is None:
        raise ValueError(f"Module '{module}' has no parameter or buffer with name '{name}'")
    norm = _SpectralNorm(weight, n_power_iterations, outputs_of(module) if dim is None else dim, eps)
    return register_parametrization(module, name, norm)


__getattr__ = lacking(__name__)
