"""Weights that are computed: PyTorch's ``torch.nn.utils.parametrizations``."""

from __future__ import annotations

from typing import Any

from dynamic.apply import Carried
from dynamic.functions.creation import eye, ones, randn, zeros_like
from dynamic.functions.joining import cat
from dynamic.functions.pointwise import where
from dynamic.functions.reflections import geqrf, householder_product
from dynamic.functions.solving import linalg_solve, matrix_exp
from dynamic.names import lacking
from dynamic.nn.modules.module import Module
from dynamic.nn.padding import pad
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


_MAPS = ("matrix_exp", "cayley", "householder")


def _columns(matrix: Any) -> Any:
    """Orthonormal columns that span what those of ``matrix`` span; those of an orthogonal matrix as they are."""
    reflections, tau = geqrf(matrix)
    signs = reflections.diagonal(dim1=-2, dim2=-1).sgn().unsqueeze(-2)
    return householder_product(reflections, tau) * signs


class _Orthogonal(Module):
    base: Any

    def __init__(self, weight: Any, orthogonal_map: str, use_trivialization: bool) -> None:
        super().__init__()
        self.orthogonal_map = orthogonal_map
        self.shape = tuple(weight.shape)
        if use_trivialization:
            self.register_buffer("base", None)

    def forward(self, x: Any) -> Any:
        wide = x.shape[-2] < x.shape[-1]
        x = x.mT if wide else x
        rows, columns = x.shape[-2:]
        if self.orthogonal_map == "householder":
            vectors = x.tril(-1)
            q = householder_product(vectors, 2.0 / (1.0 + (vectors * vectors).sum(-2)))
            q = q * x.diagonal(dim1=-2, dim2=-1).detach().trunc().unsqueeze(-2)
        else:
            x = x.tril()
            x = pad(x, (0, rows - columns)) if rows != columns else x
            skew = x - x.mH
            if self.orthogonal_map == "matrix_exp":
                q = matrix_exp(skew)
            else:
                unit = eye(rows, dtype=x.dtype)
                q = linalg_solve(unit - 0.5 * skew, unit + 0.5 * skew)
            q = q[..., :columns]
        if "base" in self._buffers:
            q = self.base @ q
        return q.mT if wide else q

    def right_inverse(self, value: Any) -> Any:
        if tuple(value.shape) != self.shape:
            raise ValueError(f"a matrix or batch of matrices of the shape {self.shape} is needed, not {tuple(value.shape)}")
        wide = value.shape[-2] < value.shape[-1]
        q = value.mT if wide else value
        rows, columns = q.shape[-2:]
        if "base" not in self._buffers:
            if self.orthogonal_map != "householder":
                raise NotImplementedError(
                    "nothing can be assigned to a matrix exponential or Cayley map with use_trivialization=False"
                )
            vectors, tau = geqrf(q)
            signs = vectors.diagonal(dim1=-2, dim2=-1).sign()
            signs = where(tau == 0, -signs, signs)
            vectors = _with_diagonal(vectors, signs)
            return vectors.mT if wide else vectors
        if rows != columns:
            q = cat([q, randn(*q.shape[:-1], rows - columns, dtype=q.dtype)], -1)
        self.base = _columns(q)
        return _with_diagonal(zeros_like(value), -ones(min(rows, columns), dtype=value.dtype))


def _with_diagonal(matrix: Any, values: Any) -> Any:
    """A copy of matrices with other diagonals."""
    matrix = matrix.clone()
    matrix.diagonal(dim1=-2, dim2=-1).copy_(values)
    return matrix


def orthogonal(
    module: Any, name: str = "weight", orthogonal_map: str | None = None, *, use_trivialization: bool = True
) -> Any:
    """``module`` with the parameter ``name`` as an orthogonal matrix; one that is no square has orthonormal rows or columns.

    Args:
        module: has the parameter.
        name: its name.
        orthogonal_map: how the matrix comes of what is trained: ``"matrix_exp"`` (by default of square matrices) and
            ``"cayley"`` of a skew-symmetric matrix, ``"householder"`` of reflections.
        use_trivialization: begin at the parameter's value, made orthogonal, and train what it is multiplied with (Lezcano
            Casado 2019); otherwise the values that there are become those that are trained.

    Raises ValueError where there is no such parameter, it is no matrix, or the map is another.
    """
    weight = getattr(module, name, None)
    if not isinstance(weight, Carried):
        raise ValueError(f"Module '{module}' has no parameter or buffer with name '{name}'")
    matrix: Any = weight
    if matrix.dim() < 2:
        raise ValueError(f"Expected a matrix or batch of matrices. Got a tensor of {matrix.dim()} dimensions.")
    if orthogonal_map is None:
        square = matrix.shape[-2] == matrix.shape[-1] or matrix.is_complex()
        orthogonal_map = "matrix_exp" if square else "householder"
    if orthogonal_map not in _MAPS:
        raise ValueError(f"orthogonal_map is one of {', '.join(_MAPS)}, not {orthogonal_map}")
    return register_parametrization(module, name, _Orthogonal(matrix, orthogonal_map, use_trivialization), unsafe=True)


__getattr__ = lacking(__name__)
