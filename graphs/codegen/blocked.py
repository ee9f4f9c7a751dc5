"""Blocked interpretation: an element-wise Function as Python source that runs its ufuncs tile by tile.

A tile's temporaries stay in the cache, and the ufuncs write into reused scratch, so nothing is allocated per op. Each op
runs the ufunc that its kernel would have called, or the kernel itself, so the bits are those of op by op. Arrays that fit
one tile take a straight line of ufunc calls without slicing; what is often called on larger ones becomes native code, with
the same bits.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy
from numpy import ndarray

from graphs.codegen import wide
from graphs.codegen.launch import on_device
from graphs.codegen.lines import Lines
from graphs.codegen.ours import evaluated, needed
from graphs.core.arrays import xp_of
from graphs.core.function import Function
from graphs.core.node import Value
from graphs.core.quoting import remark


TILE_BYTES = 65536
"""Bytes of one array in a tile.

Adam over 100,000 float32 took 266 µs with 8 KiB, 179 with 16, 138 with 32, 118 with 64, and no less with more. At 64 the
nine arrays of a tile still fit a second-level cache of 1 MiB.
"""

Kernel = Callable[..., tuple[Any, ...]]


def interpreted(function: Function, inplace: tuple[int | None, ...] | None = None) -> Kernel:
    """The kernel of ``function`` (see ``graphs.codegen.compiled``). Its attribute ``source`` is its text, if any."""
    for node in function.nodes:
        if not node.op.elementwise:
            raise ValueError(f"{function.name} has {node.op.name} in it, which is not element-wise")
    whole = _whole(function)
    if needed(function):
        return whole
    literals = [x for node in function.nodes for x in node.inputs if not isinstance(x, Value)]
    if any(numpy.ndim(x) for x in literals) or not all(isinstance(out, Value) for out in function.outputs):
        return whole
    lines = Lines(function, inplace)
    if lines.has_scalar_outputs or all(value.dims == () for value in function.inputs):
        return whole
    source = "\n".join(_source(function, lines)) + "\n"
    single = [value.dims == () for value in function.inputs]
    names = {"range": range, "empty": numpy.empty, "array": ndarray, "whole": whole, "scalar": _scalar}
    names["natively"] = wide.Hot(function, single)
    namespace: dict[str, Any] = {"__builtins__": {}, **names, **lines.names}
    exec(compile(source, f"<kernel {remark(function.name)}>", "exec"), namespace)
    kernel: Any = namespace["kernel"]
    kernel.source = source
    return kernel


def _source(function: Function, lines: Lines) -> list[str]:
    """The kernel's text: checks of the arguments, scalars, the straight line for one tile, the loop over several."""
    dtypes: dict[Any, str] = {}

    def dtype(of: Any) -> str:
        name = dtypes.setdefault(of, f"d{len(dtypes)}")
        lines.names[name] = of
        return name

    arrays = [(f"a{i}", value.dtype) for i, value in enumerate(function.inputs) if value.dims != ()]
    scalars = [(f"a{i}", value.dtype) for i, value in enumerate(function.inputs) if value.dims == ()]
    outs = [f"o{i}" for i in range(len(function.outputs))]
    first = arrays[0][0]
    tests = [f"{name}.__class__ is array and {name}.dtype is {dtype(of)}" for name, of in arrays]
    tests += [f"{name}.shape == shape" for name, _ in arrays[1:]]
    tests.insert(1, f"(shape := {first}.shape)")
    tile = TILE_BYTES // max(value.dtype.itemsize for value in (*function.inputs, *function.outputs))
    scratch: dict[str, Any] = {}
    fresh, results = lines.emit(None, None)
    into, _ = lines.emit(outs, None)
    loop, _ = lines.emit(outs, scratch)
    text = ["def kernel(inputs, outs=None):", f"    {_tuple(f'a{i}' for i in range(len(function.inputs)))} = inputs"]
    text += [f"    if not ({' and '.join(tests)}):", "        return whole(inputs, outs)"]
    for name, of in scalars:
        text += [f"    if {name}.__class__ is not array or {name}.dtype is not {dtype(of)} or {name}.ndim:"]
        text += [f"        {name} = scalar({name}, {dtype(of)})", f"        if {name} is None:"]
        text += ["            return whole(inputs, outs)"]
    text += _indented(1, lines.shared)
    text += [f"    size = {first}.size", f"    if size <= {tile}:", "        if outs is None:"]
    text += _indented(3, [*fresh, f"return {_tuple(results)}"])
    text += _indented(2, [f"{_tuple(outs)} = outs", *into, f"return {_tuple(outs)}"])
    made = [f"{name} = empty(shape, {dtype(out.dtype)})" for name, out in zip(outs, function.outputs, strict=True)]
    contiguous = " and ".join(f"{name}.flags.c_contiguous" for name in outs)
    text += ["    if outs is None:", *_indented(2, made), "    else:"]
    text += _indented(2, [f"{_tuple(outs)} = outs", f"if not ({contiguous}):", "    return whole(inputs, outs)"])
    text += [f"    results = {_tuple(outs)}"]
    text += [f"    f{name} = {name}.reshape(-1)" for name in [*(name for name, _ in arrays), *outs]]
    given = [f"a{i}" if value.dims == () else f"fa{i}" for i, value in enumerate(function.inputs)]
    flat = _tuple(f"f{name}" for name in outs)
    text += [f"    if natively({_tuple(given)}, {flat}, size):", "        return results"]
    text += [f"    {name} = empty({tile}, {dtype(of)})" for name, of in scratch.items()]
    text += [f"    for start in range(0, size, {tile}):", f"        stop = start + {tile}"]
    if scratch:
        text += ["        if stop > size:", *(f"            {name} = {name}[:size - start]" for name in scratch)]
    text += [f"        {name} = f{name}[start:stop]" for name in [*(name for name, _ in arrays), *outs]]
    return [*text, *_indented(2, loop), "    return results"]


def _tuple(names: Any) -> str:
    return f"({', '.join(names)},)"


def _indented(depth: int, lines: Sequence[str]) -> list[str]:
    return ["    " * depth + line for line in lines]


def _scalar(x: Any, dtype: Any) -> Any:
    """``x`` as a 0-d array of ``dtype`` if it is a number, or one of numpy's of that dtype; else None."""
    if isinstance(x, (bool, int, float, complex)):
        return numpy.asarray(x, dtype)
    if isinstance(x, (ndarray, numpy.generic)) and x.ndim == 0 and x.dtype == dtype:
        return numpy.asarray(x)
    return None


def _whole(function: Function) -> Kernel:
    """The same contract, op by op on whole arrays: for broadcasting, other layouts, odd dtypes. Arrays of a GPU go to it."""
    ours = needed(function)

    def kernel(inputs: Sequence[Any], outs: Sequence[Any] | None = None) -> tuple[Any, ...]:
        xp = xp_of(inputs)
        if xp is not numpy:
            return on_device(xp, function, inputs, outs)
        args = [
            numpy.asarray(x, value.dtype) if isinstance(x, (bool, int, float, complex)) else x
            for x, value in zip(inputs, function.inputs, strict=True)
        ]
        results = [
            out.copy() if getattr(out, "base", None) is not None or any(out is x for x in args) else out
            for out in (evaluated(function, *args) if ours and _on_numpy(args) else function(*args))
        ]
        if outs is None:
            return tuple(results)
        for out, result in zip(outs, results, strict=True):
            out[...] = result
        return tuple(outs)

    return kernel


def _on_numpy(args: Sequence[Any]) -> bool:
    return all(isinstance(x, (ndarray, numpy.generic)) for x in args)
