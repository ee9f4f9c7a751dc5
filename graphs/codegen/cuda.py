"""CUDA C++ for regions of element-wise work: one kernel reads each array once and computes all outputs of a body.

A kernel is written for a form of operands: which of them lie in memory in the order of the elements, which are one number,
which need their place worked out from axes and strides. Sizes and strides are arguments, so that few forms serve all shapes.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from graphs.codegen.cuda_calls import PREAMBLE, expression, kind, literal, stored, writable
from graphs.codegen.primitives import Call, Literal, Scalars


OPTIONS = ("-std=c++17", "-fmad=false", "-ftz=false", "-prec-div=true", "-prec-sqrt=true")
"""What the compiler is told: no contraction, no flushing of small numbers to zero, division and roots correctly rounded.

With these, sums, products, quotients, roots and comparisons have numpy's bits. Functions are CUDA's own, which are within a
few units in the last place.
"""

FLAT, ONE, NUMBER, STRIDED = "flat", "one", "number", "strided"
"""Forms of operands: in the order of the elements; one element of an array for all; a number given by value; by strides."""


@dataclass(frozen=True, slots=True)
class Form:
    """What a kernel's text depends on beside the body.

    Attributes:
        inputs: the form of each input of the body; None where no output reads it.
        outputs: of each output, ``FLAT`` or ``STRIDED``.
        axes: how many axes strided operands have; 0 where none is strided.
        wide: whether the places of elements need 64 bits.
    """

    inputs: tuple[str | None, ...]
    outputs: tuple[str, ...]
    axes: int
    wide: bool


@dataclass(frozen=True, slots=True)
class Geometry:
    """Where the elements of all operands are.

    Attributes:
        form: the form of kernel.
        counts: the rounds of each axis, outermost first; axes along which all operands step alike are one.
        strides: for each strided operand, inputs before outputs, its step along each axis in elements.
    """

    form: Form
    counts: tuple[int, ...]
    strides: tuple[tuple[int, ...], ...]

    @property
    def size(self) -> int:
        """How many elements each output has."""
        n = 1
        for count in self.counts:
            n *= count
        return n

    @property
    def numbers(self) -> list[int]:
        """The whole numbers that a kernel of this form takes after its arrays."""
        if not self.form.axes:
            return [self.size]
        return [self.size, *self.counts[1:], *itertools.chain.from_iterable(self.strides)]


Placed = tuple[tuple[int, ...], tuple[int, ...]]
"""Shape and strides, in elements, of an operand."""


def geometry(inputs: Sequence[Placed | str | None], outputs: Sequence[Placed]) -> Geometry:
    """How a kernel goes through operands, of which all outputs have one shape and the inputs broadcast to it.

    Args:
        inputs: for each input its shape and strides, or ``NUMBER``, or None where it is not read.
        outputs: likewise.
    """
    shape = outputs[0][0]
    width = len(inputs)
    spread = [_spread(each, shape) if isinstance(each, tuple) else None for each in (*inputs, *outputs)]
    counts, strides = _merged(shape, [each for each in spread if each is not None])
    steps = iter(strides)
    found = [next(steps) if each is not None else None for each in spread]
    dense = tuple(_product(counts[i + 1 :]) for i in range(len(counts)))
    forms: list[Any] = []
    for each, given in zip(found, (*inputs, *outputs), strict=True):
        if each is None:
            forms.append(given)
        elif each == dense:
            forms.append(FLAT)
        else:
            forms.append(STRIDED if any(each) or len(forms) >= width else ONE)
    strided = tuple(each for each, form in zip(found, forms, strict=True) if form == STRIDED and each is not None)
    # Below 2**30 neither an element's place nor the first one beyond the end, a grid further on, leaves an int.
    far = [sum((n - 1) * abs(step) for n, step in zip(counts, each, strict=True)) for each in (dense, *strided)]
    form = Form(tuple(forms[:width]), tuple(forms[width:]), len(counts) if strided else 0, max(far) >= 2**30)
    return Geometry(form, counts, strided)


def _product(counts: Sequence[int]) -> int:
    n = 1
    for count in counts:
        n *= count
    return n


def _spread(placed: Placed, shape: tuple[int, ...]) -> tuple[int, ...]:
    """The strides of an operand broadcast to ``shape``."""
    dims, steps = placed
    own = [step if n != 1 else 0 for n, step in zip(dims, steps, strict=True)]
    return (*[0] * (len(shape) - len(dims)), *own)


def _merged(shape: tuple[int, ...], strides: Sequence[tuple[int, ...]]) -> tuple[tuple[int, ...], list[tuple[int, ...]]]:
    """The axes that are left, in the order of the last output's memory, and the strides along them."""
    order = [i for i, n in enumerate(shape) if n != 1]
    order.sort(key=lambda i: -abs(strides[-1][i]))
    counts: list[int] = []
    steps: list[list[int]] = []
    for i in order:
        n, own = shape[i], [each[i] for each in strides]
        if counts and all(outer == inner * n for outer, inner in zip(steps[-1], own, strict=True)):
            counts[-1] *= n
            steps[-1] = own
        else:
            counts.append(n)
            steps.append(own)
    if not counts:
        return (1,), [(1,)] * len(strides)
    return tuple(counts), [tuple(column) for column in zip(*steps, strict=True)]


def fits(made: Scalars | None) -> bool:
    """Whether a kernel can be written: all calls can, and every output is computed from some input."""
    return made is not None and writable(made.calls) and not any(isinstance(out, Literal) for out in made.outputs)


def read(made: Scalars) -> list[bool]:
    """For each input whether any output needs it."""
    needed = _needed(made)
    return [i in needed for i in range(len(made.inputs))]


def _needed(made: Scalars) -> set[int]:
    """The values that the outputs are computed from."""
    width = len(made.inputs)
    found = {out for out in made.outputs if not isinstance(out, Literal)}
    for value in range(width + len(made.calls) - 1, width - 1, -1):
        if value in found:
            found.update(x for x in made.calls[value - width].args if not isinstance(x, Literal))
    return found


def kernel(made: Scalars, form: Form, name: str = "kernel") -> str:
    """The text of a kernel, which ``PREAMBLE`` has to precede.

    Its parameters: each input that is read (a pointer, or for ``NUMBER`` a value of its dtype), a pointer for each output,
    and ``Geometry.numbers``. Each thread works on elements a grid apart; it reads all inputs of an element before it writes,
    so that an output may be one of the inputs.
    """
    index = "long long" if form.wide else "int"
    parameters, before, loads = [], [], []
    strided: list[str] = []
    for i, (dtype, each) in enumerate(zip(made.inputs, form.inputs, strict=True)):
        if each is None:
            continue
        truth = " != 0" if dtype.kind == "b" else ""
        if each == NUMBER:
            parameters.append(f"const {stored(dtype)} s{i}")
            before.append(f"[[maybe_unused]] const {kind(dtype)} v{i} = s{i}{truth};")
            continue
        parameters.append(f"const {stored(dtype)}* a{i}")
        if each == ONE:  # no output's memory may be that of an operand that is broadcast, so it can be read ahead
            before.append(f"[[maybe_unused]] const {kind(dtype)} v{i} = a{i}[0]{truth};")
            continue
        at = "i"
        if each == STRIDED:
            at = f"at{len(strided)}"
            strided.append(at)
        loads.append(f"[[maybe_unused]] const {kind(dtype)} v{i} = a{i}[{at}]{truth};")
    stores = []
    for i, (out, each) in enumerate(zip(made.outputs, form.outputs, strict=True)):
        parameters.append(f"{stored(made.dtype(out))}* o{i}")
        at = "i"
        if each == STRIDED:
            at = f"at{len(strided)}"
            strided.append(at)
        stores.append(f"o{i}[{at}] = v{out};")
    parameters += [f"const {index} {name}" for name in ("n", *_sizes(form), *_steps(form, strided))]
    places = _places(form, strided, index)
    lines = [f'extern "C" __global__ void {name}({", ".join(parameters)}) {{', *_indented(1, before)]
    first, step = f"({index})blockIdx.x * blockDim.x + threadIdx.x", f"({index})gridDim.x * blockDim.x"
    lines.append(f"    for ({index} i = {first}; i < n; i += {step}) {{")
    lines += _indented(2, [*places, *loads, *steps_of(made), *stores])
    return "\n".join([*lines, "    }", "}", ""])


def steps_of(made: Scalars) -> list[str]:
    """What is computed of an element's inputs, ``v0`` and so on: a line for each call that an output needs."""
    needed = _needed(made)
    return [
        f"const {kind(call.dtype)} v{value} = {_text(call)};"
        for value, call in enumerate(made.calls, len(made.inputs))
        if value in needed
    ]


def source(made: Scalars, form: Form, name: str = "kernel") -> str:
    """The whole text of a program of one kernel."""
    return PREAMBLE + kernel(made, form, name)


def _text(call: Call) -> str:
    text = expression(call, [literal(x) if isinstance(x, Literal) else f"v{x}" for x in call.args])
    assert text is not None
    return text


def _sizes(form: Form) -> list[str]:
    return [f"n{axis}" for axis in range(1, form.axes)]


def _steps(form: Form, strided: Sequence[str]) -> list[str]:
    return [f"{each}_{axis}" for each in strided for axis in range(form.axes)]


def _places(form: Form, strided: Sequence[str], index: str) -> list[str]:
    """Where in each strided operand the element number ``i`` is."""
    if not form.axes:
        return []
    lines, rest = [], "i"
    for axis in range(form.axes - 1, 0, -1):
        lines.append(f"const {index} c{axis} = {rest} % n{axis}, r{axis} = {rest} / n{axis};")
        rest = f"r{axis}"
    lines.append(f"const {index} c0 = {rest};")
    for each in strided:
        terms = " + ".join(f"c{axis} * {each}_{axis}" for axis in range(form.axes))
        lines.append(f"const {index} {each} = {terms};")
    return lines


def _indented(depth: int, lines: Sequence[str]) -> list[str]:
    return ["    " * depth + line for line in lines]


__all__ = [
    "FLAT",
    "NUMBER",
    "ONE",
    "OPTIONS",
    "STRIDED",
    "Form",
    "Geometry",
    "fits",
    "geometry",
    "kernel",
    "read",
    "source",
    "steps_of",
]
