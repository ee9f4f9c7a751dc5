"""One launch for many small bodies: an element-wise Function done in place on several sets of arrays of a GPU at once.

An optimiser's step is bound by launches where parameters are small. The sets' addresses and sizes are arguments of the
kernel, so that nothing is copied to the device for them; each block of threads finds the set that it works on by its number.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy

from graphs.codegen.cuda import fits, read, steps_of
from graphs.codegen.cuda_calls import PREAMBLE, kind, stored
from graphs.codegen.launch import BLOCKS_PER_PROCESSOR, THREADS, Launch, launchable, loaded, processors
from graphs.codegen.primitives import Scalars, scalars
from graphs.core.function import Function


MOST_SETS = 24
"""Sets that a launch takes. A kernel's arguments have 4 KB: 24 sets of six addresses, a size and a bound take 1.4."""


class Together:
    """``function``, whose output ``i`` takes the place of the input ``inplace[i]``, for arrays of cupy's module ``xp``.

    Attributes:
        fits: whether a kernel can be written; a caller does it set by set where it cannot.
        texts: the program for each number of sets that has been called.
    """

    def __init__(self, xp: Any, function: Function, inplace: Sequence[int | None]) -> None:
        made = scalars(function)
        self.texts: dict[int, str] = {}
        self._xp = xp
        self._inplace = tuple(inplace)
        self._given = [value.dtype for value in function.inputs]
        self._arrays = [i for i, value in enumerate(function.inputs) if value.dims != ()]
        self._numbers = [i for i, value in enumerate(function.inputs) if value.dims == ()]
        whole = made is not None and fits(made) and all(i in self._arrays for i in inplace)
        self._made: Scalars | None = made if whole and launchable(xp) else None
        self._launches: dict[tuple[int, int], Launch] = {}

    @property
    def fits(self) -> bool:
        """Whether a kernel can be written."""
        return self._made is not None

    def takes(self, arrays: Sequence[Any]) -> bool:
        """Whether a set is one: its arrays have the dtypes asked for, lie alike and without gaps, and on the current GPU."""
        first = arrays[0]
        shape, strides = first.shape, first.strides
        flags = first.flags
        if not (flags.c_contiguous or flags.f_contiguous) or first.data.device_id != self._xp.cuda.get_device_id():
            return False
        for i, x in zip(self._arrays, arrays, strict=True):
            if x.dtype != self._given[i] or x.shape != shape or x.strides != strides:
                return False
            if x.data.device_id != first.data.device_id:
                return False
        return True

    def __call__(self, sets: Sequence[Sequence[Any]], numbers: Sequence[Any]) -> None:
        """Do it to ``sets``, of which each is taken; ``numbers`` are the inputs without dimensions, the same for all."""
        given = [numpy.asarray(x, self._given[i])[()] for i, x in zip(self._numbers, numbers, strict=True)]
        full = [each for each in sets if each[0].size]
        for start in range(0, len(full), MOST_SETS):
            self._some(full[start : start + MOST_SETS], given)

    def _some(self, sets: Sequence[Sequence[Any]], numbers: list[Any]) -> None:
        device = self._xp.cuda.get_device_id()
        launch = self._launches.get((len(sets), device)) or self._compiled(len(sets), device)
        most = BLOCKS_PER_PROCESSOR * processors(self._xp)
        args: list[Any] = []
        end = 0
        for arrays in sets:
            size = arrays[0].size
            end += min(-(-size // THREADS), most)
            args += [*arrays, numpy.int64(size), numpy.uint32(end)]
        launch((end,), (THREADS,), (*args, *numbers))

    def _compiled(self, count: int, device: int) -> Launch:
        assert self._made is not None
        text = self.texts.setdefault(count, program(self._made, self._arrays, self._numbers, self._inplace, count))
        launch = self._launches[count, device] = loaded(self._xp, text, "kernel")
        return launch


def program(made: Scalars, arrays: Sequence[int], numbers: Sequence[int], inplace: Sequence[int | None], count: int) -> str:
    """The text of a program whose kernel takes ``count`` sets.

    Its parameters: for each set the addresses of its ``arrays``, how many elements they have, and the number of the first
    block that is the next set's; then the ``numbers``.
    """
    needed = read(made)
    parameters: list[str] = []
    choose: list[str] = []
    for k in range(count):
        own = [f"{stored(made.inputs[i])}* a{i}_{k}" for i in arrays]
        parameters += [*own, f"const long long n_{k}", f"const unsigned int end_{k}"]
        taken = [f"a{i} = a{i}_{k};" for i in arrays]
        first = f"end_{k - 1}" if k else "0u"
        condition = "" if k == count - 1 else f"if (blockIdx.x < end_{k}) "
        inside = " ".join([*taken, f"n = n_{k}; first = {first}; last = end_{k};"])
        choose.append(f"    {'else ' if k else ''}{condition}{{ {inside} }}")
    parameters += [f"const {stored(made.inputs[i])} s{i}" for i in numbers]
    lines = [f'extern "C" __global__ void kernel({", ".join(parameters)}) {{']
    lines += [f"    {stored(made.inputs[i])}* a{i};" for i in arrays]
    lines += ["    long long n;", "    unsigned int first, last;", *choose]
    lines += [
        f"    [[maybe_unused]] const {kind(made.inputs[i])} v{i} = s{i}{_truth(made, i)};" for i in numbers if needed[i]
    ]
    lines.append("    const long long step = (long long)(last - first) * blockDim.x;")
    lines.append("    for (long long i = (long long)(blockIdx.x - first) * blockDim.x + threadIdx.x; i < n; i += step) {")
    lines += [f"        const {kind(made.inputs[i])} v{i} = a{i}[i]{_truth(made, i)};" for i in arrays if needed[i]]
    lines += [f"        {step}" for step in steps_of(made)]
    lines += [f"        a{target}[i] = v{out};" for out, target in zip(made.outputs, inplace, strict=True)]
    return PREAMBLE + "\n".join([*lines, "    }", "}", ""])


def _truth(made: Scalars, i: int) -> str:
    return " != 0" if made.inputs[i].kind == "b" else ""


def together(xp: Any, function: Function, inplace: tuple[int | None, ...]) -> Together:
    """The kernel of a Function of element-wise ops for several sets at once, made once."""
    key = ("together", xp, inplace)
    made: Together | None = function.cache.get(key)
    if made is None:
        made = function.cache[key] = Together(xp, function, inplace)
    return made


__all__ = ["MOST_SETS", "Together", "program", "together"]
