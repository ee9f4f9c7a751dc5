"""What native code is made of: element-wise regions, matrix products, sums and loops, over buffers of known shapes."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy

from graphs.codegen.primitives import Scalars


Dtype = numpy.dtype[Any]


@dataclass(frozen=True, slots=True)
class View:
    """An array somewhere in a buffer. Offset and strides count elements.

    Attributes:
        buffer: the buffer's name.
        dtype, shape, strides, offset: as an array's, from the buffer's start.
        steps: by how many elements the start moves on in each round of a loop: pairs of the loop's level and that number.
    """

    buffer: str
    dtype: Dtype
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    offset: int = 0
    steps: tuple[tuple[int, int], ...] = ()

    @classmethod
    def whole(cls, buffer: str, dtype: Dtype, shape: Sequence[int]) -> View:
        """A C-contiguous array that fills a buffer."""
        return cls(buffer, dtype, tuple(shape), contiguous(shape))

    @property
    def size(self) -> int:
        """The number of elements."""
        return math.prod(self.shape)

    @property
    def dense(self) -> bool:
        """Whether it is C-contiguous."""
        return all(n == 1 or s == t for n, s, t in zip(self.shape, self.strides, contiguous(self.shape), strict=True))

    def spread(self, shape: Sequence[int]) -> View:
        """It, broadcast to ``shape``."""
        extra = len(shape) - len(self.shape)
        strides = [0 if n == 1 else s for n, s in zip(self.shape, self.strides, strict=True)]
        return replace(self, shape=tuple(shape), strides=(*(0,) * extra, *strides))

    def at(self, shape: Sequence[int], strides: Sequence[int], offset: int = 0) -> View:
        """Another view of the same elements, ``offset`` further on."""
        return replace(self, shape=tuple(shape), strides=tuple(strides), offset=self.offset + offset)


def contiguous(shape: Sequence[int]) -> tuple[int, ...]:
    """The strides of a C-contiguous array, in elements."""
    strides, step = [], 1
    for n in reversed(shape):
        strides.append(step)
        step *= n
    return tuple(reversed(strides))


@dataclass(frozen=True, slots=True, eq=False)
class Region:
    """``scalars`` for each element of ``shape``; the views have that shape. Strides of 0 add up.

    With ``own``, functions of our own stand for numpy's (``graphs.codegen.functions``).
    """

    scalars: Scalars
    inputs: tuple[View, ...]
    outputs: tuple[View, ...]
    shape: tuple[int, ...]
    own: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Product:
    """``out = x @ y``: matrices, or stacks of matrices of one shape."""

    x: View
    y: View
    out: View


@dataclass(frozen=True, slots=True, eq=False)
class Update:
    """``out = before + sign * scale * (x @ y)`` in one call of BLAS, matrices of one dtype.

    ``before`` may be what ``out`` is; ``scale`` is a number, or a view of one element.
    """

    before: View
    x: View
    y: View
    out: View
    scale: float | View
    sign: float = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class Sum:
    """``out`` = the sum of all of ``x``, or of each of its rows where ``out`` has as many elements as ``x`` has rows.

    ``x`` is C-contiguous, as a vector or a matrix. numpy's own loop adds it up, so the bits are those of ``numpy.sum``.
    """

    x: View
    out: View


@dataclass(frozen=True, slots=True, eq=False)
class Fill:
    """Each element of ``out`` becomes ``value``."""

    out: View
    value: Any


@dataclass(frozen=True, slots=True, eq=False)
class Loop:
    """``body`` for ``count`` rounds at ``level`` (loops inside have higher ones)."""

    count: int
    level: int
    body: tuple[Any, ...]


def replaced(instruction: Any, onto: Callable[[View], View]) -> Any:
    """The instruction with each of its views exchanged."""
    match instruction:
        case Region():
            inputs, outputs = tuple(map(onto, instruction.inputs)), tuple(map(onto, instruction.outputs))
            return replace(instruction, inputs=inputs, outputs=outputs)
        case Update():
            before, x, y, out = map(onto, (instruction.before, instruction.x, instruction.y, instruction.out))
            scale = onto(instruction.scale) if isinstance(instruction.scale, View) else instruction.scale
            return replace(instruction, before=before, x=x, y=y, out=out, scale=scale)
        case Product():
            return replace(instruction, x=onto(instruction.x), y=onto(instruction.y), out=onto(instruction.out))
        case Sum():
            return replace(instruction, x=onto(instruction.x), out=onto(instruction.out))
        case Fill():
            return replace(instruction, out=onto(instruction.out))
        case Loop():
            return replace(instruction, body=tuple(replaced(each, onto) for each in instruction.body))
    raise TypeError(f"no instruction: {instruction!r}")


Instruction = Region | Product | Update | Sum | Fill | Loop
