"""Sums of products by matrix products alone, for who can capture a matrix product in a graph and no ``einsum``."""

from __future__ import annotations

import math
import string
from typing import Any


def einsum(xp: Any, equation: str, *operands: Any) -> Any:
    """``numpy.einsum(equation, *operands)``, from left to right, by ``xp.matmul``. The equation has an arrow or none."""
    inputs, output = _plain(equation, [x.ndim for x in operands])
    terms = [_diagonal(xp, labels, x) for labels, x in zip(inputs, operands, strict=True)]
    labels, out = terms.pop(0)
    while True:
        labels, out = _summed(labels, out, output + "".join(own for own, _ in terms))
        if not terms:
            break
        other, y = terms.pop(0)
        rest = output + "".join(own for own, _ in terms)
        labels, out = _joined(xp, labels, out, *_summed(other, y, rest + labels), rest)
    return out.transpose([labels.index(label) for label in output])


def _plain(equation: str, ranks: list[int]) -> tuple[list[str], str]:
    """The labels of operands and result, letters in place of an ellipsis, those of the last axes the same for all."""
    left, arrow, right = equation.replace(" ", "").partition("->")
    inputs = left.split(",")
    free = [letter for letter in string.ascii_letters if letter not in equation]
    widths = [rank - len(labels) + 3 if "..." in labels else 0 for labels, rank in zip(inputs, ranks, strict=True)]
    most = free[: max(widths, default=0)]
    spelt = [labels.replace("...", "".join(most[len(most) - width :])) for labels, width in zip(inputs, widths, strict=True)]
    if not arrow:
        right = ("..." if most else "") + "".join(sorted(c for c in {*left} - {*",."} if left.count(c) == 1))
    return spelt, right.replace("...", "".join(most))


def _diagonal(xp: Any, labels: str, x: Any) -> tuple[str, Any]:
    """``x`` with each of its labels once."""
    for label in labels:
        while labels.count(label) > 1:
            first = labels.index(label)
            second = labels.index(label, first + 1)
            x = xp.diagonal(x, 0, first, second)
            labels = labels[:first] + labels[first + 1 : second] + labels[second + 1 :] + label
    return labels, x


def _summed(labels: str, x: Any, wanted: str) -> tuple[str, Any]:
    """``x`` without the axes that nobody wants."""
    gone = tuple(i for i, label in enumerate(labels) if label not in wanted)
    return "".join(label for label in labels if label in wanted), x.sum(axis=gone) if gone else x


def _joined(xp: Any, left: str, x: Any, right: str, y: Any, wanted: str) -> tuple[str, Any]:
    """The product of two terms, summed over the labels that both have and nobody wants."""
    sizes = dict(zip(left, x.shape, strict=True))
    for label, n in zip(right, y.shape, strict=True):
        sizes[label] = n if sizes.get(label, 1) == 1 else sizes[label]
    left, x = _squeezed(left, x, right, sizes)
    right, y = _squeezed(right, y, left, sizes)
    both = [label for label in left if label in right]
    batch, inner = [c for c in both if c in wanted], [c for c in both if c not in wanted]
    rows, columns = [c for c in left if c not in right], [c for c in right if c not in left]

    def laid(labels: str, z: Any, order: list[str], *groups: list[str]) -> Any:
        shape = [math.prod(sizes[c] for c in group) for group in groups]
        return z.transpose([labels.index(c) for c in order]).reshape(shape)

    if not rows and not columns:
        x, y = laid(left, x, batch + inner, batch, inner), laid(right, y, batch + inner, batch, inner)
        out = (x * y).sum(axis=1)
    else:
        x = laid(left, x, [*batch, *rows, *inner], batch, rows, inner)
        y = laid(right, y, [*batch, *inner, *columns], batch, inner, columns)
        out = xp.matmul(x, y) if batch else xp.matmul(x[0], y[0])
    made = [*batch, *rows, *columns]
    return "".join(made), out.reshape([sizes[c] for c in made])


def _squeezed(labels: str, x: Any, other: str, sizes: dict[str, int]) -> tuple[str, Any]:
    """``x`` without axes of size 1 that stand against more, or against the other's."""
    gone = tuple(i for i, c in enumerate(labels) if x.shape[i] == 1 and c in other and sizes[c] != 1)
    return "".join(c for i, c in enumerate(labels) if i not in gone), x.squeeze(gone) if gone else x


__all__ = ["einsum"]
