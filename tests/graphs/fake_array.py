"""The arrays of the stand-in for cupy, and how a function of numpy is done on them: strictly, and in stream order."""

from __future__ import annotations

import inspect
import operator
import types
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import cache
from typing import Any

import numpy

from tests.graphs import cupy_api, fake_driver as driver
from tests.graphs.fake_driver import MemoryPointer, enqueue, forbid


SCALARS = (bool, int, float, complex, numpy.generic)


class Flags:
    """How an array lies. It can be read and no more: cupy knows nothing of arrays that are not to be written to."""

    def __init__(self, flags: Any, owndata: bool) -> None:
        self.c_contiguous, self.f_contiguous, self.owndata = flags.c_contiguous, flags.f_contiguous, owndata
        self.fnc, self.forc = flags.fnc, flags.forc


class ndarray:  # noqa: N801  (cupy's name)
    """An array of the device; ``host`` is what only the stand-in's own modules may look at."""

    __slots__ = ("host", "data", "base")
    __array_ufunc__ = None
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, host: numpy.ndarray, data: MemoryPointer, base: ndarray | None = None) -> None:
        self.host = host
        self.data = MemoryPointer(data.mem, host.__array_interface__["data"][0] - data.mem.buffer.ctypes.data)
        self.base = base

    dtype = property(lambda self: self.host.dtype)
    strides = property(lambda self: self.host.strides)
    size = property(lambda self: self.host.size)
    ndim = property(lambda self: self.host.ndim)
    nbytes = property(lambda self: self.host.nbytes)
    itemsize = property(lambda self: self.host.itemsize)
    flags = property(lambda self: Flags(self.host.flags, self.base is None))
    device = property(lambda self: driver.Device(self.data.device_id))
    T = property(lambda self: applied(lambda x: x.T, (self,)))
    mT = property(lambda self: applied(lambda x: x.mT, (self,)))  # noqa: N815

    @property
    def real(self) -> ndarray:
        return applied(lambda x: x.real, (self,))

    @real.setter
    def real(self, value: Any) -> None:
        self.real[...] = value

    @property
    def imag(self) -> ndarray:
        return applied(lambda x: x.imag, (self,))

    @imag.setter
    def imag(self, value: Any) -> None:
        self.imag[...] = value

    @property
    def shape(self) -> tuple[int, ...]:
        return self.host.shape

    @shape.setter
    def shape(self, dims: Any) -> None:
        self.host = self.host.reshape(dims, copy=False)

    def __array__(self, *_: Any, **__: Any) -> Any:
        raise TypeError("Implicit conversion to a NumPy array is not allowed. Please use `.get()`.")

    def get(self, stream: Any = None, order: str = "C", out: Any = None, blocking: bool = True) -> numpy.ndarray:
        if not blocking:
            assert out is not None
            assert self.flags.c_contiguous
            target, source = out, self.host
            enqueue(lambda: numpy.copyto(target, source))
            return out
        synchronized("a copy to the host")
        if out is None:
            return self.host.copy(order)
        assert (out.shape, out.dtype) == (self.shape, self.dtype)
        out[...] = self.host
        return out

    def set(self, arr: numpy.ndarray, stream: Any = None) -> None:
        assert isinstance(arr, numpy.ndarray)
        assert (arr.shape, arr.dtype) == (self.shape, self.dtype)
        if not self.host.flags.forc:
            raise RuntimeError("Cannot set to non-contiguous array")
        forbid(stream or driver.current(), "a copy from the host")
        self.host[...] = arr

    def item(self) -> Any:
        return self.get().item()

    def tolist(self) -> Any:
        return self.get().tolist()

    def tobytes(self, order: str = "C") -> bytes:
        return self.get().tobytes(order)

    def __bool__(self) -> bool:
        if self.size != 1:
            raise ValueError("The truth value of an array with more than one element is ambiguous. Use a.any() or a.all()")
        return bool(self.get())

    def __float__(self) -> float:
        return float(self.get())

    def __int__(self) -> int:
        return int(self.get())

    def __complex__(self) -> complex:
        return complex(self.get())

    def __repr__(self) -> str:
        return repr(self.get())

    def __len__(self) -> int:
        return len(self.host)

    def __iter__(self) -> Any:
        if not self.ndim:
            raise TypeError("iteration over a 0-d array")
        return (self[i] for i in range(len(self)))

    def __reduce__(self) -> Any:
        from tests.graphs.fake_functions import array

        return array, (self.get(),)

    def __copy__(self) -> ndarray:
        return self.copy()

    def __deepcopy__(self, memo: Any) -> ndarray:
        return self.copy()

    def __getitem__(self, index: Any) -> Any:
        where = indexed(self, index)
        return applied(lambda x: x[where()], (self,))

    def __setitem__(self, index: Any, value: Any) -> None:
        where = indexed(self, index)
        if isinstance(value, numpy.ndarray):
            raise TypeError(f"Unsupported type {type(value)}")
        target, source = self.host, hosted(value)
        enqueue(lambda: target.__setitem__(where(), source))

    def astype(self, dtype: Any, order: str = "K", casting: Any = None, subok: Any = None, copy: bool = True) -> ndarray:
        dtype = supported(dtype)
        if not copy and self.dtype == dtype:
            return self
        return applied(lambda x: x.astype(dtype, order), (self,))

    def copy(self, order: str = "C") -> ndarray:
        return applied(lambda x: x.copy(order), (self,))

    def fill(self, value: Any) -> None:
        self[...] = value

    def reshape(self, *shape: Any, order: str = "C", copy: Any = None) -> ndarray:
        return applied(lambda x: x.reshape(*shape, order=order, copy=copy), (self,))

    def sort(self, axis: int = -1, kind: Any = None) -> None:
        stable(kind)
        target = self.host
        enqueue(lambda: target.sort(axis, kind="stable"))

    def __getattr__(self, name: str) -> Any:
        return types.MethodType(_method(name), self)


@cache
def _method(name: str) -> Callable[..., Any]:
    takes = cupy_api.method("ndarray", name)
    function = getattr(numpy.ndarray, name, None)
    if function is None or name in ("put", "choose", "partition", "dump", "dumps", "tofile"):
        raise NotImplementedError(f"the stand-in does not do ndarray.{name}")

    def method(self: ndarray, *args: Any, **settings: Any) -> Any:
        takes.bind(*args, **settings)
        if name == "argsort":
            stable(settings.get("kind"))
            settings["kind"] = "stable"
        if name in ("nonzero", "compress"):
            synchronized(f"the size of what {name} finds")
        if name == "take":
            settings["mode"] = "wrap"
        return applied(lambda x, *rest, **kw: getattr(x, name)(*rest, **kw), (self, *args), settings)

    return method


def _operators() -> None:
    table = "add:add sub:subtract mul:multiply truediv:divide floordiv:floor_divide mod:remainder pow:power matmul:matmul"
    table += " lshift:left_shift rshift:right_shift and:bitwise_and or:bitwise_or xor:bitwise_xor divmod:divmod"
    compared = "lt:less le:less_equal gt:greater ge:greater_equal eq:equal ne:not_equal"
    alone = "neg:negative abs:absolute invert:invert pos:positive"

    def both(function: str, turned: bool) -> Any:
        def method(self: ndarray, other: Any) -> Any:
            if not isinstance(other, ndarray) and _theirs(other):
                return NotImplemented
            called = FUNCTIONS[function]
            return called(other, self) if turned else called(self, other)

        return method

    def in_place(function: str) -> Any:
        return lambda self, other: FUNCTIONS[function](self, other, self)

    for name, function in (each.split(":") for each in table.split()):
        setattr(ndarray, f"__{name}__", both(function, False))
        setattr(ndarray, f"__r{name}__", both(function, True))
        if name not in ("matmul", "divmod"):
            setattr(ndarray, f"__i{name}__", in_place(function))
    for name, function in (each.split(":") for each in compared.split()):
        setattr(ndarray, f"__{name}__", both(function, False))
    for name, function in (each.split(":") for each in alone.split()):
        setattr(ndarray, f"__{name}__", lambda self, function=function: FUNCTIONS[function](self))
    ndarray.__hash__ = None  # type: ignore[assignment]


def _theirs(other: Any) -> bool:
    """Whether the other operand's class is to do it."""
    takes = getattr(other, "__array_ufunc__", other)
    return takes is None if takes is not other else getattr(other, "__array_priority__", 0) > 100


FUNCTIONS: dict[str, Callable[..., Any]] = {}
"""The ufuncs that operators mean, by name; ``fake_cupy`` enters them."""

_operators()


# Doing what is asked


def synchronized(what: str) -> None:
    """Count a wait of the host for the device; refuse it while a step is captured."""
    forbid(driver.current(), what)
    driver.state().syncs += 1


def stable(kind: Any) -> None:
    if kind not in (None, "stable"):
        raise ValueError("kind can only be None or 'stable'")


def supported(dtype: Any) -> numpy.dtype[Any]:
    dtype = numpy.dtype(dtype)
    if dtype.kind not in "?biufc" or dtype.itemsize > (16 if dtype.kind == "c" else 8):
        raise ValueError(f"Unsupported dtype {dtype}")
    return dtype


def hosted(x: Any) -> Any:
    """What a function of numpy is handed for an argument; numpy's arrays are refused, as cupy refuses them."""
    if isinstance(x, ndarray):
        return x.host
    if isinstance(x, numpy.ndarray):
        raise TypeError(f"Unsupported type {type(x)}")
    return type(x)(map(hosted, x)) if type(x) in (list, tuple) else x


def indexed(x: ndarray, index: Any) -> Callable[[], Any]:
    """What numpy is to be indexed with, once it is computed: whole numbers of an array wrap around, as cupy has it."""
    parts = list(index) if isinstance(index, tuple) else [index]
    arrays = [i for i, part in enumerate(parts) if isinstance(part, (ndarray, numpy.ndarray, list, bool, numpy.bool_))]
    if not arrays:
        return lambda: index
    for i in arrays:
        if not isinstance(parts[i], ndarray):
            forbid(driver.current(), "a copy from the host")
            driver.state().uploads += 1
            part = numpy.asarray(parts[i])
            parts[i] = part.astype(numpy.int32) if not part.size and isinstance(index, list) else part
        else:
            parts[i] = parts[i].host
    masks = [i for i in arrays if parts[i].dtype.kind == "b"]
    if len(masks) > 1:
        raise NotImplementedError("cupy does not support more than one boolean array as an index")
    if masks:
        synchronized("how many elements a mask chooses")
    widths = {i: parts[i].ndim if parts[i].dtype.kind == "b" else 1 for i in arrays}
    taken = sum(widths.get(i, part is not None and part is not Ellipsis) for i, part in enumerate(parts))
    axis, axes = 0, {}
    for i, part in enumerate(parts):
        axes[i] = axis
        if part is Ellipsis:
            axis += x.ndim - taken
        elif part is not None:
            axis += widths.get(i, 1)

    def wrapped() -> Any:
        found = list(parts)
        for i in arrays:
            if i not in masks:
                if parts[i].dtype.kind not in "iu":
                    raise IndexError(f"arrays used as indices must be of integer or boolean type. ({parts[i].dtype})")
                found[i] = operator.mod(parts[i], max(1, x.shape[axes[i]])) if x.shape[axes[i]] else parts[i]
        return tuple(found)

    wrapped()
    return wrapped


def new(shape: Any, dtype: Any, order: str = "C") -> ndarray:
    """An array that holds nothing yet."""
    dtype = supported(dtype)
    shape = (int(shape),) if isinstance(shape, (int, numpy.integer)) else tuple(map(int, shape))
    size = int(numpy.prod(shape, dtype=numpy.int64))
    data = driver.state().allocators[-1](size * dtype.itemsize)
    flat = data.mem.buffer[: max(size, 0) * dtype.itemsize].view(dtype)
    return ndarray(flat.reshape(shape, order=order), data)


def applied(function: Callable[..., Any], args: Sequence[Any], settings: dict[str, Any] | None = None) -> Any:
    """What a function of numpy gives: a view where numpy gives one, else a new array that the stream will fill."""
    settings = dict(settings or {})
    hosts = [hosted(x) for x in args]
    out = settings.pop("out", None)
    settings = {name: hosted(value) for name, value in settings.items()}

    def compute() -> Any:
        with numpy.errstate(all="ignore"):
            return function(*hosts, **settings)

    shaped = compute()
    if out is not None:
        into = out.host

        def put() -> None:
            with numpy.errstate(all="ignore"):
                numpy.copyto(into, compute(), casting="same_kind")

        enqueue(put)
        return out
    if isinstance(shaped, (tuple, list)):
        several = [_result(x, args, lambda i=i: compute()[i]) for i, x in enumerate(shaped)]
        return type(shaped)(*several) if hasattr(shaped, "_fields") else type(shaped)(several)
    return _result(shaped, args, compute)


def _result(shaped: Any, args: Sequence[Any], compute: Callable[[], Any]) -> Any:
    if isinstance(shaped, numpy.ndarray):
        for x in args:
            if isinstance(x, ndarray) and x.size and numpy.may_share_memory(shaped, x.host):
                if all(shaped.strides) and x.host.flags.writeable:
                    with suppress(ValueError):  # cupy's diagonals may be written to
                        shaped.flags.writeable = True
                return x if shaped is x.host else ndarray(shaped, x.data, x.base if x.base is not None else x)
    elif not isinstance(shaped, numpy.generic):
        return shaped
    order = "F" if numpy.ndim(shaped) > 1 and shaped.flags.fnc else "C"
    made = new(numpy.shape(shaped), shaped.dtype, order)
    target = made.host  # a graph holds addresses, not arrays: their memory may be handed out again
    if driver.current().tasks is None:
        target[...] = shaped
    else:
        enqueue(lambda: target.__setitem__(..., compute()))
    return made


def names_of(function: Callable[..., Any]) -> list[str] | None:
    """The names of a function's parameters, where it tells them."""
    try:
        return list(inspect.signature(function).parameters)
    except (TypeError, ValueError):
        return None
