"""Bodies on the arrays of a GPU: kernels are compiled when first called, and launched by cupy, which is not imported here.

The compiler is cupy's NVRTC, but not by way of ``cupy.RawKernel``: that puts ``-ftz=true`` behind all options, so that small
float32 would become zero, which numpy keeps. What is compiled is kept in the store that native code is kept in.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import numpy
from numpy import ndarray

from graphs.codegen import store
from graphs.codegen.cuda import NUMBER, OPTIONS, Form, Geometry, Placed, fits, geometry, read, source
from graphs.codegen.primitives import Scalars, scalars
from graphs.core.arrays import is_array
from graphs.core.function import Function
from graphs.core.node import Value


THREADS = 256
"""Threads of a block."""

BLOCKS_PER_PROCESSOR = 32
"""Blocks of a grid for each multiprocessor at most: more than it holds at once, so that none waits for the last."""

_FORMAT = "1"
"""Part of the key of code on disk: to be changed with how it is compiled or loaded."""

_MOST_SHAPES = 256
"""Geometries that a kernel remembers; then it forgets them all."""

Launch = Callable[[tuple[int, ...], tuple[int, ...], tuple[Any, ...]], None]


class UnlaunchedError(Exception):
    """Operands that no kernel is made for."""


def launchable(xp: Any) -> bool:
    """Whether kernels can be compiled for the arrays of module ``xp``: it is cupy, for CUDA."""
    cuda = getattr(xp, "cuda", None)
    return cuda is not None and hasattr(cuda, "compiler") and not cuda.runtime.is_hip


class DeviceKernel:
    """A body for arrays of module ``xp``, called as ``graphs.codegen.compiled`` says. Raises UnlaunchedError for others.

    Attributes:
        texts: the program of each form that has been called, for who wants to read it.
    """

    def __init__(self, xp: Any, function: Function) -> None:
        made = scalars(function)
        self.texts: dict[Form, str] = {}
        self._xp = xp
        self._name = function.name
        self._made: Scalars | None = made if made is not None and launchable(xp) and fits(made) else None
        self._read = read(made) if self._made is not None and made is not None else []
        self._reads = _reads(function)
        self._dtypes = [value.dtype for value in function.inputs]
        self._outs = [spec.dtype for spec in function.specs]
        self._geometries: dict[Any, tuple[Geometry, tuple[int, ...], tuple[Any, ...]]] = {}
        self._launches: dict[Any, Launch] = {}
        self._fresh: dict[Any, tuple[tuple[int, ...], str, Launch, tuple[int, ...], tuple[Any, ...]]] = {}

    def __call__(self, inputs: Sequence[Any], outs: Sequence[Any] | None = None) -> tuple[Any, ...]:
        """The outputs, written to ``outs`` where given."""
        if self._made is None:
            raise UnlaunchedError
        arrays, places = self._operands(inputs)
        there = [x for x in arrays if not isinstance(x, numpy.generic)]
        device = there[0].data.device_id if there else self._xp.cuda.get_device_id()
        fresh = (device, *places) if outs is None and None not in places else None
        known = self._fresh.get(fresh) if fresh is not None else None
        if known is not None and device == self._xp.cuda.get_device_id() and all(x.data.device_id == device for x in there):
            shape, order, launch, grid, numbers = known
            outs = tuple([self._xp.empty(shape, dtype, order) for dtype in self._outs])
            launch(grid, (THREADS,), (*arrays, *outs, *numbers))
            return outs
        if device != self._xp.cuda.get_device_id():
            with self._xp.cuda.Device(device):
                return self(inputs, outs)
        shape, order = self._shape(inputs), "C"
        if outs is None:
            order = "F" if _columns(places, shape) else "C"
            outs = tuple([self._xp.empty(shape, dtype, order) for dtype in self._outs])
        else:
            outs = tuple(outs)
            self._check(outs, shape, inputs)
        if 0 in shape:
            return outs
        if any(x.data.device_id != device for x in (*outs, *there)):
            raise UnlaunchedError
        targets = [_placed(out) for out in outs]
        key = (*places, *targets)
        found = self._geometries.get(key)
        if found is None:
            found = self._laid_out(places, targets, key)
        made, grid, numbers = found
        launch = self._launches.get((made.form, device)) or self._compiled(made.form, device)
        launch(grid, (THREADS,), (*arrays, *outs, *numbers))
        if fresh is not None:
            if len(self._fresh) >= _MOST_SHAPES:
                self._fresh.clear()
            self._fresh[fresh] = shape, order, launch, grid, numbers
        return outs

    def _operands(self, inputs: Sequence[Any]) -> tuple[list[Any], list[Any]]:
        """What the kernel is handed for the inputs that are read, and where each input is."""
        arrays: list[Any] = []
        places: list[Any] = []
        for x, dtype, is_read in zip(inputs, self._dtypes, self._read, strict=True):
            if not is_read:
                places.append(None)
                continue
            if isinstance(x, (bool, int, float)):
                x = numpy.asarray(x, dtype)[()]
            elif isinstance(x, ndarray) and x.ndim == 0:
                x = x[()]
            if not hasattr(x, "dtype") or x.dtype != dtype:
                raise UnlaunchedError
            if isinstance(x, numpy.generic):
                places.append(NUMBER)
            elif is_array(x) and not isinstance(x, ndarray):
                places.append(_placed(x))
            else:
                raise UnlaunchedError
            arrays.append(x)
        return arrays, places

    def _shape(self, inputs: Sequence[Any]) -> tuple[int, ...]:
        """The shape of all outputs: of what they depend on, whether the kernel reads it or not."""
        dims = [getattr(x, "shape", ()) for x in inputs]
        shapes = {numpy.broadcast_shapes(*[dims[i] for i in reads]) for reads in self._reads}
        if len(shapes) != 1:
            raise UnlaunchedError
        return shapes.pop()

    def _check(self, outs: Sequence[Any], shape: tuple[int, ...], inputs: Sequence[Any]) -> None:
        """See to it that the kernel may write to ``outs``: each is whole, and no input's memory other than wholly."""
        for out, dtype in zip(outs, self._outs, strict=True):
            if out.shape != shape or out.dtype != dtype or 0 in _placed(out)[1]:
                raise UnlaunchedError
            for x in inputs:
                if x is out or not is_array(x) or isinstance(x, (ndarray, numpy.generic)):
                    continue
                same = x.data.ptr == out.data.ptr and _placed(x) == _placed(out)
                if x.data.mem is out.data.mem and not same and _overlap(x, out):
                    raise UnlaunchedError

    def _laid_out(self, places: Sequence[Any], targets: Sequence[Placed], key: Any) -> Any:
        made = geometry(places, targets)
        most = BLOCKS_PER_PROCESSOR * processors(self._xp)
        grid = (min(-(-made.size // THREADS), most),)
        word = numpy.int64 if made.form.wide else numpy.int32
        if len(self._geometries) >= _MOST_SHAPES:
            self._geometries.clear()
        found = self._geometries[key] = (made, grid, tuple(map(word, made.numbers)))
        return found

    def _compiled(self, form: Form, device: int) -> Launch:
        """The kernel of a form, compiled for the device, which is the current one."""
        assert self._made is not None
        text = self.texts.setdefault(form, source(self._made, form))
        try:
            launch = loaded(self._xp, text, "kernel")
        except self._xp.cuda.compiler.CompileException as error:
            warnings.warn(f"{self._name} runs op by op on the GPU: {error}", RuntimeWarning, stacklevel=2)
            self._made = None
            raise UnlaunchedError from error
        self._launches[form, device] = launch
        return launch


def on_device(xp: Any, function: Function, inputs: Sequence[Any], outs: Sequence[Any] | None = None) -> tuple[Any, ...]:
    """What ``graphs.codegen.compiled`` promises, on arrays of module ``xp``: by one kernel, else op by op."""
    key = ("device", xp)
    kernel = function.cache.get(key)
    if kernel is None:
        kernel = function.cache[key] = DeviceKernel(xp, function)
    try:
        made: tuple[Any, ...] = kernel(inputs, outs)
        return made
    except UnlaunchedError:
        pass
    args = [
        xp.asarray(x, value.dtype) if isinstance(x, (bool, int, float, complex)) or _is_number(x) else x
        for x, value in zip(inputs, function.inputs, strict=True)
    ]
    results = function(*args)
    if outs is None:
        return tuple([x.copy() if x.base is not None or any(x is arg for arg in args) else x for x in results])
    results = tuple([x.copy() if any(_shared(x, out) for out in outs) else x for x in results])
    for out, result in zip(outs, results, strict=True):
        out[...] = result
    return tuple(outs)


def _is_number(x: Any) -> bool:
    """Whether ``x`` is one number of numpy's, which other modules do not take as an array."""
    return isinstance(x, numpy.generic) or (isinstance(x, ndarray) and x.ndim == 0)


def _shared(x: Any, y: Any) -> bool:
    return x.data.mem is y.data.mem


def loaded(xp: Any, text: str, name: str) -> Launch:
    """The kernel ``name`` of a CUDA C++ program, on the current device of cupy's module ``xp``.

    Raises ``xp.cuda.compiler.CompileException`` where the program cannot be compiled.
    """
    arch = xp.cuda.Device().compute_capability
    version = xp.cuda.runtime.runtimeGetVersion()
    key = store.digest("cuda", _FORMAT, xp.__version__, str(version), str(arch), *OPTIONS, text)
    kept = _kept()
    code = kept.load(key)
    if code is None:
        made, _ = xp.cuda.compiler.compile_using_nvrtc(text, OPTIONS)
        code = made.encode() if isinstance(made, str) else bytes(made)
        kept.save(key, code)
    module = xp.cuda.Module()
    module.load(code)
    launch: Launch = module.get_function(name)
    return launch


@cache
def _kept() -> store.Store:
    return store.Store(store.folder())


@cache
def processors(xp: Any) -> int:
    """The multiprocessors of the first GPU that is asked for."""
    return int(xp.cuda.Device().attributes["MultiProcessorCount"])


def _placed(x: Any) -> Placed:
    """Where an array's elements are. Raises UnlaunchedError where they are not whole elements apart."""
    size = x.dtype.itemsize
    strides = x.strides
    if any(step % size for step in strides):
        raise UnlaunchedError
    return x.shape, tuple([step // size for step in strides])


def _columns(places: Sequence[Any], shape: tuple[int, ...]) -> bool:
    """Whether all arrays of the outputs' shape lie in Fortran's order, and not all in C's."""
    whole = [steps for each in places if isinstance(each, tuple) for dims, steps in [each] if dims == shape]
    if len(shape) < 2 or not whole or 0 in shape:
        return False
    up = [int(numpy.prod(shape[:i])) for i in range(len(shape))]
    down = [int(numpy.prod(shape[i + 1 :])) for i in range(len(shape))]

    def lies(steps: Sequence[int], dense: Sequence[int]) -> bool:
        return all(n == 1 or step == d for n, step, d in zip(shape, steps, dense, strict=True))

    return all(lies(steps, up) for steps in whole) and not all(lies(steps, down) for steps in whole)


def _overlap(x: Any, y: Any) -> bool:
    """Whether the bytes between the first and the last of two arrays overlap."""
    (a, b), (c, d) = _span(x), _span(y)
    return a < d and c < b


def _span(x: Any) -> tuple[int, int]:
    if 0 in x.shape:
        return 0, 0
    ends = [(n - 1) * step for n, step in zip(x.shape, x.strides, strict=True)]
    start = x.data.ptr + sum(end for end in ends if end < 0)
    return start, x.data.ptr + sum(end for end in ends if end > 0) + x.dtype.itemsize


def _reads(function: Function) -> list[frozenset[int]]:
    """For each output, which of the inputs it depends on."""
    found = {(x.node, x.index): frozenset([i]) for i, x in enumerate(function.inputs)}

    def of(values: Sequence[Any]) -> frozenset[int]:
        return frozenset().union(*[found[x.node, x.index] for x in values if isinstance(x, Value)])

    for node in function.nodes:
        found[node, 0] = of(node.inputs)
    return [of([out]) for out in function.outputs]


__all__ = [
    "BLOCKS_PER_PROCESSOR",
    "THREADS",
    "DeviceKernel",
    "UnlaunchedError",
    "launchable",
    "loaded",
    "on_device",
    "processors",
]
