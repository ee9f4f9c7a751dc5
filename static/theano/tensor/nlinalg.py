"""``theano.tensor.nlinalg``: linear algebra."""

from __future__ import annotations

import functools
from typing import Any

from graphs import ops
from static.theano.tensor.shaping import dot
from static.theano.variable import as_tensor_variable, floating


def matrix_inverse(x: Any) -> Any:
    """The inverse of a square matrix."""
    return ops.inverse(floating(x))


def det(x: Any) -> Any:
    """The determinant of a square matrix."""
    return ops.det(floating(x))


def trace(x: Any) -> Any:
    """The sum of a matrix' diagonal."""
    return ops.trace(as_tensor_variable(x))


def diag(x: Any) -> Any:
    """The matrix with a vector on its diagonal, or the diagonal of a matrix."""
    x = as_tensor_variable(x)
    return ops.diag(x) if x.ndim == 1 else ops.diagonal(x)


alloc_diag = extract_diag = diag


def matrix_dot(*args: Any) -> Any:
    """The product of several matrices."""
    return functools.reduce(dot, args)


def eigh(a: Any) -> tuple[Any, Any]:
    """Eigenvalues, ascending, and eigenvectors of a symmetric matrix."""
    return ops.eigh(floating(a))


def qr(a: Any) -> tuple[Any, Any]:
    """The factors of ``a``: orthonormal columns, and a triangular matrix."""
    return ops.qr(floating(a))


def svd(a: Any) -> tuple[Any, Any, Any]:
    """The singular value decomposition ``u, s, v`` of ``a``, where ``v``'s rows are the right singular vectors."""
    return ops.svd(floating(a))


def solve(a: Any, b: Any) -> Any:
    """The ``x`` for which ``dot(a, x)`` is ``b``."""
    return ops.solve(floating(a), floating(b))


def cholesky(a: Any) -> Any:
    """The lower triangular factor of a positive definite matrix."""
    return ops.cholesky(floating(a))
