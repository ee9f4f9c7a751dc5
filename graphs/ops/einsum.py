"""Sums of products in Einstein's notation, and contraction over axes named by number.

A gradient is an einsum again: the operands other than the one in question and the gradient, summed down to its labels.
Labels that occur nowhere else, or twice in one operand, come from a mask that is 1 where equal labels have equal positions.
"""

from __future__ import annotations

from collections import Counter
from functools import lru_cache
from typing import Any

from graphs.core.errors import GradientError, ShapeError
from graphs.core.op import first_dtype, numeric, op
from graphs.core.spec import Dim, Shape, Spec, axis_of, broadcast
from graphs.ops.shape import fit, rank


_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


@lru_cache(maxsize=1024)
def _parse(equation: str) -> tuple[tuple[str, ...], str]:
    """The labels of each operand and of the output, which is worked out where the equation does not give it."""
    left, arrow, output = equation.replace(" ", "").partition("->")
    operands = tuple(left.split(","))
    for labels in (*operands, output):
        letters = labels.replace("...", "", 1)
        if any(letter not in _LETTERS for letter in letters):
            raise ShapeError(f"{equation!r}: labels are letters, and at most one ellipsis")
    counts = Counter(left.replace("...", "").replace(",", ""))
    if not arrow:
        ellipsis = "..." if "..." in left else ""
        return operands, ellipsis + "".join(sorted(letter for letter, count in counts.items() if count == 1))
    for letter, count in Counter(output.replace("...", "")).items():
        if letter not in counts or count > 1:
            raise ShapeError(f"{equation!r}: the output has {letter!r} {'twice' if count > 1 else 'from nowhere'}")
    if "..." in left and "..." not in output:
        raise ShapeError(f"{equation!r}: an ellipsis cannot be summed over")
    return operands, output


def _labelled(labels: str, shape: Shape) -> tuple[list[tuple[str, Dim]], Shape]:
    """The dimension of each label of an operand, and those under its ellipsis."""
    before, ellipsis, after = labels.partition("...")
    named = len(before) + len(after)
    if len(shape) < named or (not ellipsis and len(shape) > named):
        raise ShapeError(f"{labels!r} for {len(shape)} dimensions")
    end = len(shape) - len(after)
    return [*zip(before, shape, strict=False), *zip(after, shape[end:], strict=True)], shape[len(before) : end]


def _shape(*xs: Spec, equation: str) -> Shape:
    operands, output = _parse(equation)
    if len(operands) != len(xs):
        raise ShapeError(f"{equation!r} has {len(operands)} operands, given {len(xs)}")
    sizes: dict[str, Shape] = {}
    covered: Shape = ()
    for labels, x in zip(operands, xs, strict=True):
        named, rest = _labelled(labels, x.shape)
        covered = broadcast(covered, rest)
        own: dict[str, Dim] = {}
        for letter, dim in named:
            other = own.setdefault(letter, dim)
            if other is not None and dim is not None and other != dim:
                raise ShapeError(f"{labels!r} names axes of sizes {other} and {dim} alike")
            own[letter] = dim if other is None else other
        for letter, dim in own.items():
            sizes[letter] = broadcast(sizes.get(letter, (1,)), (dim,))
    before, _, after = output.partition("...")
    ends = [tuple(size for letter in part for size in sizes[letter]) for part in (before, after)]
    return (*ends[0], *covered, *ends[1])


@op(_shape, dtype=numeric)
def einsum(xp: Any, *xs: Any, equation: str) -> Any:
    """The sum of products that ``equation`` names: ``"bij,bjk->bik"`` is a batched matrix product. Broadcasts as numpy's."""
    out = xp.einsum(equation, *xs, optimize=len(xs) > 1)
    return out if out.flags.owndata else out.copy()


def _axes_labelled(x: Spec, *, labels: str) -> Shape | None:
    named = len(labels.replace("...", ""))
    if x.dims is not None and (len(x.dims) < named or ("..." not in labels and len(x.dims) > named)):
        raise ShapeError(f"the labels {labels} for {len(x.dims)} dimensions")
    return x.dims


@op(_axes_labelled, dtype=first_dtype)
def equal_labels_like(xp: Any, _x: Any, *, labels: str) -> Any:
    """1 where axes of ``x`` with the same label have the same position, 0 elsewhere."""
    out = xp.ones(_x.shape, _x.dtype)
    before, _, after = labels.partition("...")
    places = [*range(len(before)), *range(len(_x.shape) - len(after), len(_x.shape))]
    first: dict[str, int] = {}
    for letter, place in zip(before + after, places, strict=True):
        other = first.setdefault(letter, place)
        if other != place:
            grid = [
                xp.arange(_x.shape[i]).reshape([-1 if j == i else 1 for j in range(len(_x.shape))]) for i in (other, place)
            ]
            out *= grid[0] == grid[1]
    return out


equal_labels_like.vjp(None)


@einsum.joint_vjp
def _einsum_vjp(needs: Any, gs: Any, _outs: Any, args: Any, *, equation: str) -> Any:
    operands, output = _parse(equation)
    return [_slope(gs[0], list(args), operands, output, position) if need else None for position, need in enumerate(needs)]


def _slope(g: Any, args: list[Any], operands: tuple[str, ...], output: str, position: int) -> Any:
    labels, x = operands[position], args[position]
    front = "..." if "..." in output else ""
    wanted = _distinct(labels, operands, output)
    others = [(other, arg) for i, (other, arg) in enumerate(zip(operands, args, strict=True)) if i != position]
    factors = [(output, g), *others]
    if wanted != labels or not set(labels) <= set("".join(name for name, _ in factors)):
        factors.append((wanted, equal_labels_like(x, labels=labels)))
    names = ",".join(name for name, _ in factors)
    slope = einsum(*(arg for _, arg in factors), equation=f"{names}->{front}{wanted.replace('...', '')}")
    if "..." not in labels or labels.startswith("..."):
        return fit(slope, x)
    # The ellipsis stands elsewhere in this operand: undo broadcasting with it in front, where new axes come first.
    moved = f"{front}{wanted.replace('...', '')}"
    return einsum(fit(slope, einsum(x, equation=f"{wanted}->{moved}")), equation=f"{moved}->{wanted}")


def _distinct(labels: str, operands: tuple[str, ...], output: str) -> str:
    """``labels`` with a fresh letter in place of each that occurred before."""
    used = set("".join(operands) + output)
    fresh = (letter for letter in _LETTERS if letter not in used)
    out = ""
    for letter in labels:
        out += next(fresh) if letter != "." and letter in out else letter
    return out


# Contraction over numbered axes

Pairs = int | tuple[tuple[int, ...], tuple[int, ...]]
"""How many of the last axes meet as many of the first, or which of the one meet which of the other."""


def _paired(axes: Pairs, left: int, right: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    if isinstance(axes, int):
        if axes > min(left, right) or axes < 0:
            raise ShapeError(f"{axes} axes of values with {left} and {right} dimensions")
        return tuple(range(left - axes, left)), tuple(range(axes))
    if len(axes[0]) != len(axes[1]):
        raise ShapeError(f"axes {axes} are not pairs")
    return tuple(axis_of(a, left) for a in axes[0]), tuple(axis_of(a, right) for a in axes[1])


def _contracted(x: Spec, y: Spec, *, axes: Pairs) -> Shape:
    left, right = _paired(axes, x.ndim, y.ndim)
    for i, j in zip(left, right, strict=True):
        m, n = x.shape[i], y.shape[j]
        if m is not None and n is not None and m != n:
            raise ShapeError(f"axis {i} of size {m} meets axis {j} of size {n}")
    rest = [n for i, n in enumerate(x.shape) if i not in left]
    return (*rest, *(n for j, n in enumerate(y.shape) if j not in right))


@op(_contracted, dtype=numeric)
def tensordot(xp: Any, x: Any, y: Any, *, axes: Pairs = 2) -> Any:
    """The products of ``x`` and ``y`` summed over pairs of axes; of the axes left, those of ``x`` come first."""
    return xp.tensordot(x, y, axes)


def _tensordot_equation(left: int | None, right: int | None, axes: Pairs) -> tuple[tuple[str, str], str]:
    if left is None or right is None:
        raise GradientError("tensordot of values with an unknown number of dimensions has no gradient")
    first, second = _paired(axes, left, right)
    x, y = list(_LETTERS[:left]), list(_LETTERS[left : left + right])
    for i, j in zip(first, second, strict=True):
        y[j] = x[i]
    out = [name for i, name in enumerate(x) if i not in first] + [name for j, name in enumerate(y) if j not in second]
    return ("".join(x), "".join(y)), "".join(out)


def _tensordot_left(g: Any, _out: Any, _x: Any, y: Any, *, axes: Pairs) -> Any:
    (left, right), out = _tensordot_equation(rank(_x), rank(y), axes)
    return einsum(g, y, equation=f"{out},{right}->{left}")


def _tensordot_right(g: Any, _out: Any, x: Any, _y: Any, *, axes: Pairs) -> Any:
    (left, right), out = _tensordot_equation(rank(x), rank(_y), axes)
    return einsum(x, g, equation=f"{left},{out}->{right}")


tensordot.vjp(_tensordot_left, _tensordot_right)
