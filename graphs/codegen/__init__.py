"""Element-wise Functions as kernels: one call that reads each array once, instead of one pass over memory per op.

``compiled`` is the only door. What stands behind it is interpreted tile by tile on numpy arrays and is a CUDA kernel on
cupy's; whoever calls it does not see which generator made the kernel.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from graphs.codegen import draws as draws
from graphs.codegen.blocked import interpreted
from graphs.core.function import Function


Kernel = Callable[..., tuple[Any, ...]]


def compiled(function: Function, inplace: tuple[int | None, ...] | None = None) -> Kernel:
    """The kernel ``kernel(inputs, outs=None) -> tuple of arrays`` of a Function of element-wise ops, made once.

    Its results are those of ``function(*inputs)``: on numpy bit for bit; on a GPU, functions are a few units in the last
    place apart. Inputs whose spec is 0-d are taken as 0-d arrays (fastest), numpy scalars or Python numbers. Where ``outs``
    are given they are written to and returned; each must have the shape and dtype of its result, and may be one of the
    inputs, wholly or not at all.

    Args:
        function: the body. Raises ValueError where it has an op that is not element-wise.
        inplace: for each output, the position of the only input whose memory ``outs`` may name for it (None for fresh
            memory). Without it any output may be any input, which costs a copy where an input is still to be read.
    """
    key = ("kernel", inplace)
    made: Kernel | None = function.cache.get(key)
    if made is None:
        made = function.cache[key] = interpreted(function, inplace)
    return made
