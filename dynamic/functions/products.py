"""Products of vectors and matrices."""

from __future__ import annotations

from typing import Any

import numpy

from dynamic.apply import Carried, apply, binary
from dynamic.dtypes import type_name
from dynamic.functions.calling import into, named, old_scale
from graphs.core.errors import DtypeError, PositionError, ShapeError, at_line
from graphs.core.node import check_carrier
from graphs.core.op import OPS
from graphs.core.spec import broadcast
from graphs.ops.linalg import matmul as matmul_op


def _ranks(name: str, *pairs: tuple[Any, int]) -> None:
    for position, (tensor, rank) in enumerate(pairs, 1):
        if not isinstance(tensor, Carried):
            check_carrier(tensor, type(pairs[0][0]), matmul_op)
            raise TypeError(f"{name}: argument {position} is a {type(tensor).__name__}, not a tensor")
        if tensor._array.ndim != rank:
            raise ShapeError(
                f"{name}: argument {position} has shape {tuple(tensor._array.shape)}, not {rank} dimensions{at_line()}"
            )


def mm(input: Any, mat2: Any, *, out: Any = None) -> Any:
    """The product of two matrices."""
    if not isinstance(mat2, Carried) or input._array.ndim != 2 or mat2._array.ndim != 2:
        _ranks("mm", (input, 2), (mat2, 2))
    result = binary(matmul_op, input, mat2)
    return result if out is None else into(out, result)


def matmul(input: Any, other: Any, *, out: Any = None) -> Any:
    """The product of matrices or vectors, dimensions before the last two broadcast."""
    result = binary(matmul_op, input, other)
    return result if out is None else into(out, result)


def bmm(input: Any, mat2: Any) -> Any:
    """The products of two batches of matrices."""
    _ranks("bmm", (input, 3), (mat2, 3))
    if input._array.shape[0] != mat2._array.shape[0]:
        raise ShapeError(f"bmm: batches of {input._array.shape[0]} and {mat2._array.shape[0]}{at_line()}")
    return binary(matmul_op, input, mat2)


def mv(input: Any, vec: Any) -> Any:
    """The product of a matrix and a vector."""
    _ranks("mv", (input, 2), (vec, 1))
    return apply(matmul_op, (input, vec))


def dot(input: Any, other: Any) -> Any:
    """The inner product of two vectors."""
    _ranks("dot", (input, 1), (other, 1))
    return apply(OPS["dot"], (input, other))


def vdot(input: Any, other: Any) -> Any:
    """The inner product of two vectors, of the first the conjugate."""
    _ranks("vdot", (input, 1), (other, 1))
    return apply(OPS["dot"], (input.conj(), other))


def inner(input: Any, other: Any) -> Any:
    """The inner products of the last dimensions; with a scalar, the product."""
    if not input._array.ndim or not other._array.ndim:
        return input * other
    if input._array.shape[-1] != other._array.shape[-1]:
        raise ShapeError(f"inner: last dimensions {input._array.shape[-1]} and {other._array.shape[-1]}{at_line()}")
    return tensordot(input, other, ([-1], [-1]))


def outer(input: Any, vec2: Any) -> Any:
    """The outer product of two vectors."""
    _ranks("outer", (input, 1), (vec2, 1))
    return apply(OPS["outer"], (input, vec2))


def kron(input: Any, other: Any) -> Any:
    """Kronecker's product: each element of ``input`` times all of ``other``, side by side."""
    rank = max(input._array.ndim, other._array.ndim)
    left, right = ((1,) * (rank - x._array.ndim) + x._array.shape for x in (input, other))
    x = input.reshape([n for pair in zip(left, (1,) * rank, strict=True) for n in pair])
    y = other.reshape([n for pair in zip((1,) * rank, right, strict=True) for n in pair])
    return (x * y).reshape([n * m for n, m in zip(left, right, strict=True)])


def cross(input: Any, other: Any, dim: int | None = None) -> Any:
    """The cross product of vectors of three, which lie along ``dim``, by default the first dimension of size 3."""
    if dim is None:
        if 3 not in input._array.shape:
            raise ShapeError(f"cross: no dimension of size 3 in {tuple(input._array.shape)}{at_line()}")
        dim = input._array.shape.index(3)
    return cross_along(input, other, dim)


def cross_along(input: Any, other: Any, dim: int) -> Any:
    """The cross product of vectors of three along ``dim``, the other dimensions broadcast."""
    if input._array.ndim != other._array.ndim:
        raise ShapeError(f"cross: {input._array.ndim} and {other._array.ndim} dimensions{at_line()}")
    if not -input._array.ndim <= dim < input._array.ndim:
        raise PositionError(f"cross: dimension {dim} of {input._array.ndim}{at_line()}")
    if input._array.shape[dim] != 3 or other._array.shape[dim] != 3:
        raise ShapeError(f"cross: dimension {dim} has size {input._array.shape[dim]}, not 3{at_line()}")
    x, y = input, other
    return x.roll(-1, dim) * y.roll(-2, dim) - x.roll(-2, dim) * y.roll(-1, dim)


def einsum(equation: str, *operands: Any) -> Any:
    """The sum of products that ``equation`` writes down."""
    given = operands[0] if len(operands) == 1 and isinstance(operands[0], (list, tuple)) else operands
    return apply(OPS["einsum"], tuple(given), {"equation": equation.replace(" ", "")})


def tensordot(a: Any, b: Any, dims: Any = 2) -> Any:
    """The sum of products over pairs of dimensions: so many at the end of ``a`` and the beginning of ``b``, or two lists."""
    if isinstance(dims, Carried):
        dims = dims._array.tolist()
    if isinstance(dims, int):
        if dims < 0 or dims > min(a._array.ndim, b._array.ndim):
            raise ShapeError(f"tensordot over {dims} dimensions of {a._array.shape} and {b._array.shape}{at_line()}")
        first, second = list(range(a._array.ndim - dims, a._array.ndim)), list(range(dims))
    else:
        first, second = ([d] if isinstance(d, int) else list(d) for d in dims)
    if len(first) != len(second):
        raise ShapeError(f"tensordot: {len(first)} and {len(second)} dimensions{at_line()}")
    first, second = [d % a._array.ndim for d in first], [d % b._array.ndim for d in second]
    for i, j in zip(first, second, strict=True):
        if a._array.shape[i] != b._array.shape[j]:
            raise ShapeError(f"tensordot: sizes {a._array.shape[i]} and {b._array.shape[j]}{at_line()}")
    left, right = ([d for d in range(x._array.ndim) if d not in used] for x, used in ((a, first), (b, second)))
    shapes = [a._array.shape[d] for d in left], [b._array.shape[d] for d in right]
    inner_size = int(numpy.prod([a._array.shape[d] for d in first], dtype=int))
    x = a.permute(*left, *first).reshape(int(numpy.prod(shapes[0], dtype=int)), inner_size)
    y = b.permute(*second, *right).reshape(inner_size, int(numpy.prod(shapes[1], dtype=int)))
    return mm(x, y).reshape([*shapes[0], *shapes[1]])


def chain_matmul(*matrices: Any) -> Any:
    """The product of two and more matrices, in the order that takes the fewest multiplications."""
    given = list(matrices[0] if len(matrices) == 1 and isinstance(matrices[0], (list, tuple)) else matrices)
    _ranks("chain_matmul", *((x, 2) for x in given))
    return given[0] if len(given) == 1 else chained(given)


def chained(matrices: list[Any]) -> Any:
    """The product of matrices in the order that takes the fewest multiplications (Cormen et al., matrix-chain order)."""
    count = len(matrices)
    sizes = [matrices[0]._array.shape[0], *(x._array.shape[1] for x in matrices)]
    cost = {(i, i): 0 for i in range(count)}
    cut = {}
    for width in range(1, count):
        for i in range(count - width):
            j = i + width
            tries = [(cost[i, k] + cost[k + 1, j] + sizes[i] * sizes[k + 1] * sizes[j + 1], k) for k in range(i, j)]
            cost[i, j], cut[i, j] = min(tries)

    def product(i: int, j: int) -> Any:
        return matrices[i] if i == j else mm(product(i, cut[i, j]), product(cut[i, j] + 1, j))

    return product(0, count - 1)


# Products added to something


def _scaled_sum(name: str, input: Any, product: Any, beta: Any, alpha: Any) -> Any:
    kind = product._array.dtype
    if input._array.dtype != kind:
        raise DtypeError(f"{name}: {type_name(input._array.dtype)} and {type_name(kind)}{at_line()}")
    if kind.kind in "biu":
        beta, alpha = int(beta), int(alpha)
    term = product if alpha == 1 else product * alpha
    if broadcast(input._array.shape, product._array.shape) != product._array.shape:
        raise ShapeError(
            f"{name}: {tuple(input._array.shape)} does not broadcast to {tuple(product._array.shape)}{at_line()}"
        )
    if beta == 0:  # what is there does not count, not even NaN
        return term
    return (input if beta == 1 else input * beta) + term


def _added(name: str, multiply: Any, doc: str) -> Any:
    def function(input: Any, one: Any, two: Any, *old: Any, beta: Any = 1, alpha: Any = 1) -> Any:
        if old or not (isinstance(input, Carried) and isinstance(one, Carried)):
            (input, one, two), numbers = old_scale((input, one, two, *old), 3)
            beta, alpha = [*numbers, *(beta, alpha)[len(numbers) :]]
        return _scaled_sum(name, input, multiply(one, two), beta, alpha)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"{doc} ``{name}(beta, input, alpha, ...)`` too, PyTorch's form of 2017."
    return function


def _summed_bmm(batch1: Any, batch2: Any) -> Any:
    return bmm(batch1, batch2).sum(0)


addmm = _added("addmm", mm, "``beta * input + alpha * (mat1 @ mat2)``.")
addmv = _added("addmv", mv, "``beta * input + alpha * (mat @ vec)``.")
addr = _added("addr", outer, "``beta * input + alpha * outer(vec1, vec2)``.")
addbmm = _added("addbmm", _summed_bmm, "``beta * input + alpha * (batch1 @ batch2).sum(0)``.")
baddbmm = _added("baddbmm", bmm, "``beta * input + alpha * (batch1 @ batch2)``.")


# Statistics that are products


def cov(input: Any, *, correction: int = 1, fweights: Any = None, aweights: Any = None) -> Any:
    """The covariances of the rows, columns being observations; counted or weighted where there are weights."""
    x = input if input._array.ndim == 2 else input.reshape(1, -1)
    if input._array.ndim > 2:
        raise ShapeError(f"cov takes at most 2 dimensions, not {input._array.ndim}{at_line()}")
    weights = None
    if fweights is not None:
        weights = fweights
    if aweights is not None:
        weights = aweights if weights is None else weights * aweights
    if weights is None:
        total: Any = x._array.shape[1]
        center = x.mean(1, True) if x._array.dtype.kind in "fc" else x.float().mean(1, True)
        norm: Any = total - correction
        away = x - center
        out = mm(away, away.t().conj()) / max(norm, 0)
    else:
        weights = weights.to(x._array.dtype)
        total = weights.sum()
        away = x - (x * weights).sum(1, True) / total
        if aweights is None:
            norm = total - correction
        else:
            squares = (weights * aweights).sum()
            norm = total - correction * squares / total
        out = mm(away, (away * weights).t().conj()) / norm.clamp(min=0)
    return out if input._array.ndim == 2 else out.reshape(())


def corrcoef(input: Any) -> Any:
    """The correlations of the rows, columns being observations."""
    c = cov(input)
    if not c._array.ndim:
        return c / c
    scale = c.diagonal().sqrt()
    return (c / scale[:, None] / scale[None, :]).clamp(-1, 1)


def trace(input: Any) -> Any:
    """The sum of a matrix's diagonal; of integers as int64."""
    _ranks("trace", (input, 2))
    x = input.to("int64") if input._array.dtype.kind in "biu" else input
    return apply(OPS["trace"], (x,))


METHODS = named(
    *(mm, matmul, bmm, mv, dot, vdot, inner, outer, kron, cross, addmm, addmv, addr, addbmm, baddbmm, cov, corrcoef, trace)
)
METHODS |= {"mm": mm, "matmul": matmul, "ger": METHODS["outer"]}  # these two as they are: they are called most
"""Functions that are methods too."""

FUNCTIONS = {**METHODS, **named(einsum, tensordot, chain_matmul)}
"""Functions of the package."""

IN_PLACE = ("addmm", "addmv", "addr", "addbmm", "baddbmm")
"""Functions that have a variant in place, named with an underscore."""
