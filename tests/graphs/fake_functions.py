"""The functions of the stand-in for cupy: numpy's, but those alone that cupy has, with what cupy's take and refuse."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import numpy

from tests.graphs import cupy_api, fake_driver as driver
from tests.graphs.fake_array import (
    FUNCTIONS,
    SCALARS,
    applied,
    hosted,
    names_of,
    ndarray,
    new,
    stable,
    supported,
    synchronized,
)


SYNCHRONIZE = frozenset(
    [
        "argwhere",
        "bincount",
        "compress",
        "extract",
        "flatnonzero",
        "nonzero",
        "place",
        "setdiff1d",
        "intersect1d",
        "union1d",
        "setxor1d",
        "trim_zeros",
        "unique",
        "unique_all",
        "unique_counts",
        "unique_inverse",
        "unique_values",
        "delete",
        "histogram",
        "array2string",
        "array_repr",
        "array_str",
        "asnumpy",
    ]
)
"""Functions in which the host waits for the device: what they find tells the size of their results, or leaves it."""

LIBRARIES = frozenset(["dot", "inner", "vdot", "tensordot", "einsum", "matmul", "kron"])
"""Functions that call cuBLAS, which cupy refuses while a step is captured; so does all of ``linalg``."""

PLAIN = frozenset(
    [
        "can_cast",
        "result_type",
        "promote_types",
        "min_scalar_type",
        "issubdtype",
        "isscalar",
        "shape",
        "ndim",
        "size",
        "iscomplexobj",
        "isrealobj",
        "common_type",
        "broadcast_shapes",
        "may_share_memory",
        "shares_memory",
        "format_float_positional",
    ]
)
"""Functions that tell of arrays what the host knows."""

SCATTERED = {"add": "ilIqLQefd", "subtract": "iI", **dict.fromkeys(("maximum", "minimum"), "ilIqLQfd")}
SCATTERED |= dict.fromkeys(("bitwise_and", "bitwise_or", "bitwise_xor"), "ilIqLQ")
"""The dtypes that ``ufunc.at`` takes, of those that have it."""


class Ufunc:
    """A ufunc: by the first of cupy's loops that takes the operands."""

    def __init__(self, name: str) -> None:
        about = cupy_api.api()["ufuncs"][name]
        self.name, self.__name__ = f"cupy_{name}", name
        self.nin, self.nout, self.types = about["nin"], about["nout"], about["types"].split()
        self._methods = about["methods"].split()
        self._loops = [tuple(tuple(map(numpy.dtype, side)) for side in each.split("->")) for each in self.types]
        self._found: dict[Any, Any] = {}
        self._numpy = getattr(numpy, name)

    def __call__(self, *args: Any, out: Any = None, dtype: Any = None, casting: str = "same_kind", **others: Any) -> Any:
        if others:
            raise TypeError(f"Wrong arguments {others}")
        if not self.nin <= len(args) <= self.nin + self.nout:
            raise TypeError(f"Wrong number of arguments for {self.name!r}")
        args, given = args[: self.nin], args[self.nin :]
        for x in (*args, *given, *(out if isinstance(out, tuple) else (out,))):
            if x is not None and not isinstance(x, (ndarray, *SCALARS)):
                raise TypeError(f"Unsupported type {type(x)}")
        if out is not None:
            if not isinstance(out, tuple) and self.nout != 1:
                raise ValueError("'out' must be a tuple of arrays")
            given = out if isinstance(out, tuple) else (out,)
        ins, outs = self._loop(args, dtype)

        def compute(*hosts: Any) -> Any:
            found = self._numpy(*[numpy.asarray(x).astype(to, copy=False) for x, to in zip(hosts, ins, strict=True)])
            several = found if isinstance(found, tuple) else (found,)
            cast = tuple(numpy.asarray(x).astype(to, copy=False)[()] for x, to in zip(several, outs, strict=True))
            return cast if self.nout > 1 else cast[0]

        if not any(x is not None for x in given):
            return applied(compute, args)
        if self.nout > 1:
            raise NotImplementedError("the stand-in writes to one output only")
        if not numpy.can_cast(outs[0], given[0].dtype, casting):
            raise TypeError(f"output (typecode '{outs[0].char}') could not be coerced to '{given[0].dtype.char}'")
        return applied(compute, args, {"out": given[0]})

    def _loop(self, args: Sequence[Any], dtype: Any) -> Any:
        if dtype is not None:
            dtype = numpy.dtype(dtype)
            loop = next((each for each in self._loops if all(out == dtype for out in each[1])), None)
        else:
            weak = tuple(type(x) if type(x) in (int, float, complex) else None for x in args)
            kinds = tuple(x.dtype if hasattr(x, "dtype") else numpy.dtype(type(x)) for x in args)
            if (kinds, weak) not in self._found:
                self._found[kinds, weak] = self._guessed(kinds, weak)
            loop = self._found[kinds, weak]
        if loop is None:
            raise TypeError(f"Wrong type ({[getattr(x, 'dtype', type(x)) for x in args]}) of arguments for {self.name}")
        return loop

    def _guessed(self, kinds: Sequence[Any], weak: Sequence[Any]) -> Any:
        order = "biufc"
        strong = [order.index("i" if k.kind == "u" else k.kind) for k, w in zip(kinds, weak, strict=True) if w is None]
        scalars = [order.index(k.kind) for k, w in zip(kinds, weak, strict=True) if w is not None]
        if not strong or (scalars and max(scalars) > max(strong)):
            weak = (None,) * len(weak)
            kinds = [numpy.result_type(k, *kinds) if strong and k.kind != "b" else k for k in kinds]

        def takes(kind: Any, scalar: Any, into: Any) -> bool:
            return numpy.can_cast(kind, into) or (scalar is not None and numpy.result_type(scalar(0), into) == into)

        for loop in self._loops:
            if all(takes(*each) for each in zip(kinds, weak, loop[0], strict=True)):
                return loop
        return None

    def _has(self, method: str) -> None:
        if method not in self._methods:
            raise NotImplementedError(f"`{self.name}.{method}` is not supported yet")

    def outer(self, A: Any, B: Any, **settings: Any) -> Any:  # noqa: N803  (cupy's names)
        return self(A.reshape(A.shape + (1,) * B.ndim), B.reshape((1,) * A.ndim + B.shape), **settings)

    def at(self, a: ndarray, indices: Any, b: Any = None) -> None:
        self._has("at")
        from tests.graphs.fake_array import indexed

        if a.dtype.char not in SCATTERED[self.__name__]:
            raise TypeError(f"{self.name}.at does not support {a.dtype}")
        where, target, value = indexed(a, indices), a.host, hosted(b)
        into = target.dtype
        driver.enqueue(lambda: self._numpy.at(target, where(), numpy.asarray(value).astype(into)))

    def reduce(self, array: Any, axis: Any = 0, dtype: Any = None, out: Any = None, keepdims: bool = False) -> Any:
        self._has("reduce")
        return (array.sum if self.__name__ == "add" else array.prod)(axis, dtype, out, keepdims)

    def accumulate(self, array: Any, axis: Any = 0, dtype: Any = None, out: Any = None) -> Any:
        self._has("accumulate")
        return (array.cumsum if self.__name__ == "add" else array.cumprod)(axis, dtype, out)

    def reduceat(self, array: Any, indices: Any, axis: int = 0, dtype: Any = None, out: Any = None) -> Any:
        self._has("reduceat")
        return applied(lambda x, i: numpy.add.reduceat(x, i, axis, dtype), (array, indices), {"out": out} if out else {})


def array(obj: Any, dtype: Any = None, copy: Any = True, order: Any = "K", subok: bool = False, ndmin: int = 0) -> Any:
    if isinstance(obj, ndarray):
        same = dtype is None or obj.dtype == dtype
        return obj if same and not copy else applied(lambda x: numpy.array(x, dtype, ndmin=ndmin), (obj,))
    flat = list(_flattened(obj))
    if any(isinstance(x, ndarray) for x in flat):
        if not all(isinstance(x, ndarray) for x in flat):
            raise TypeError("Implicit conversion to a NumPy array is not allowed. Please use `.get()`.")
        return applied(lambda *xs: numpy.array(_refilled(obj, iter(xs)), dtype), flat)
    host = numpy.array(obj, dtype, order=order, ndmin=ndmin)
    if host.ndim and driver.current().is_capturing():
        raise AssertionError("a copy from host memory that will have gone by the time of a replay")
    driver.state().uploads += bool(host.ndim)
    out = new(host.shape, host.dtype, "F" if host.flags.fnc else "C")
    target = out.host
    driver.enqueue(lambda: target.__setitem__(..., host))
    return out


def _flattened(obj: Any) -> Any:
    if isinstance(obj, (list, tuple)):
        for each in obj:
            yield from _flattened(each)
    else:
        yield obj


def _refilled(obj: Any, values: Any) -> Any:
    return [_refilled(each, values) for each in obj] if isinstance(obj, (list, tuple)) else next(values)


def asarray(a: Any, dtype: Any = None, order: Any = None, *, copy: Any = None, blocking: bool = False) -> Any:
    return array(a, dtype, bool(copy), order or "K")


def copyto(dst: ndarray, src: Any, casting: str = "same_kind", where: Any = None) -> None:
    if isinstance(src, numpy.ndarray):
        if src.size != 1:
            raise ValueError("non-scalar numpy.ndarray cannot be used for copyto")
        src = src.reshape(())[()]
    target, source, mask = dst.host, hosted(src), True if where is None else hosted(where)
    driver.enqueue(lambda: numpy.copyto(target, source, casting=casting, where=mask))  # type: ignore[arg-type]


def where(condition: Any, x: Any = None, y: Any = None) -> Any:
    if x is None:
        synchronized("the size of what where finds")
        return applied(numpy.where, (condition,))
    condition = condition.astype("?", copy=False)
    for each in (condition, x, y):
        if not isinstance(each, (ndarray, *SCALARS)):
            raise TypeError(f"Unsupported type {type(each)}")
    return applied(lambda c, a, b: numpy.where(c, *_alike(a, b)), (condition, x, y))


def _alike(x: Any, y: Any) -> Sequence[Any]:
    dtype = numpy.result_type(x, y)
    return [numpy.asarray(each, dtype) if type(each) in (bool, int, float, complex) else each for each in (x, y)]


def full(shape: Any, fill_value: Any, dtype: Any = None, order: str = "C") -> ndarray:
    kind = fill_value.dtype if isinstance(fill_value, ndarray) else numpy.array(fill_value).dtype
    out = new(shape, kind if dtype is None else dtype, order)
    copyto(out, fill_value, casting="unsafe")
    return out


def full_like(a: Any, fill_value: Any, dtype: Any = None, order: str = "K", subok: Any = None, shape: Any = None) -> ndarray:
    return full(shape or a.shape, fill_value, a.dtype if dtype is None else dtype)


def empty(shape: Any, dtype: Any = float, order: str = "C") -> ndarray:
    return new(shape, dtype, order)


def asnumpy(a: Any, stream: Any = None, order: str = "C", out: Any = None, *, blocking: bool = True) -> numpy.ndarray:
    return a.get(stream, order, out) if isinstance(a, ndarray) else numpy.asarray(a, order=order)


def broadcast_arrays(*args: Any) -> Any:
    return tuple(applied(numpy.broadcast_arrays, args))


def arange(start: Any, stop: Any = None, step: Any = 1, dtype: Any = None) -> Any:
    for each in (start, stop, step):
        if isinstance(each, (ndarray, numpy.ndarray)):
            raise TypeError(f"Unsupported type {type(each)}")
    return applied(lambda: numpy.arange(*((0, start) if stop is None else (start, stop)), step or 1, dtype=dtype), ())


def linalg_solve(a: ndarray, b: ndarray) -> Any:
    if b.ndim != 1 and a.shape[:-1] != b.shape[:-1]:
        raise ValueError("a must have (..., M, M) shape and b must have (..., M, K) for multidimensional b")
    return _factored("solve", [a, b], {})


def _factored(name: str, args: Sequence[Any], settings: dict[str, Any]) -> Any:
    """A function of ``linalg``: where numpy finds that there is no result, cupy by default says nothing."""
    for x in args:
        if isinstance(x, numpy.ndarray):
            raise numpy.linalg.LinAlgError("cupy.linalg only supports cupy.ndarray")
        if isinstance(x, ndarray) and x.dtype == numpy.float16:
            raise TypeError("float16 is unsupported in linalg")
    library("cuSOLVER")

    def compute(*hosts: Any, **kwargs: Any) -> Any:
        try:
            return getattr(numpy.linalg, name)(*hosts, **kwargs)
        except numpy.linalg.LinAlgError as error:
            if "Singular" in str(error) or "positive definite" in str(error):
                return numpy.full_like(hosts[-1], numpy.nan, numpy.result_type(hosts[-1], numpy.float32))
            raise

    found = applied(compute, args, settings)
    return found


def library(name: str) -> None:
    """cupy's refusal to call NVIDIA's libraries while a step is captured."""
    if driver.current().is_capturing():
        raise NotImplementedError(f"calling {name} API during stream capture is currently unsupported")


OWN = {f.__name__: f for f in (array, asarray, copyto, where, full, full_like, empty, asnumpy, broadcast_arrays, arange)}
OWN |= {"linalg.solve": linalg_solve, "asanyarray": asarray}


@cache
def function(path: str) -> Callable[..., Any]:
    """The function or ufunc of that name. Raises AttributeError where cupy has none."""
    if path in cupy_api.api()["ufuncs"]:
        return Ufunc(path)
    takes = cupy_api.function(path)
    if path in OWN:
        return OWN[path]
    module, _, name = path.rpartition(".")
    of_numpy: Any = numpy
    for part in module.split(".") if module else ():
        of_numpy = getattr(of_numpy, part)
    done = getattr(of_numpy, name, None)
    if done is None:
        raise NotImplementedError(f"the stand-in does not do {path}")
    theirs = names_of(done)
    plain = takes is not None and all(p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD) for p in takes.parameters.values())
    ours = list(takes.parameters) if takes is not None and plain else None

    def call(*args: Any, **settings: Any) -> Any:
        if takes is not None:
            takes.bind(*args, **settings)
        if name in ("sort", "argsort"):
            stable(settings.get("kind"))
            settings["kind"] = "stable"
        if path == "einsum" and not set(settings) <= {"dtype", "optimize"}:
            raise TypeError(f"Did not understand the following kwargs: {list(settings)}")
        if name in SYNCHRONIZE or (name == "repeat" and isinstance(args[1], ndarray)):
            synchronized(f"what {name} finds")
        if name in LIBRARIES:
            library("cuBLAS")
        if name in PLAIN:
            return done(*map(_told, args), **settings)
        if ours and theirs:
            moved = [i for i, n in enumerate(ours[: len(args)]) if n in theirs and theirs.index(n) != i]
            settings |= {ours[i]: args[i] for i in moved}
            args = tuple(x for i, x in enumerate(args) if i not in moved)
        if "dtype" in settings and settings["dtype"] is not None:
            settings["dtype"] = supported(settings["dtype"])
        if module == "linalg":
            return _factored(name, args, settings)
        if name == "take":
            settings["mode"] = "wrap"
        if name == "bincount" and settings.get("minlength", 0) is None:
            del settings["minlength"]
        return applied(done, args, settings)

    call.__name__ = call.__qualname__ = name
    return call


def _told(x: Any) -> Any:
    return x.host if isinstance(x, ndarray) else x


for _name in [
    "add",
    "subtract",
    "multiply",
    "divide",
    "true_divide",
    "floor_divide",
    "remainder",
    "power",
    "divmod",
    "negative",
    "absolute",
]:
    FUNCTIONS[_name] = Ufunc(_name)
for _name in [
    "less",
    "less_equal",
    "greater",
    "greater_equal",
    "equal",
    "not_equal",
    "bitwise_and",
    "bitwise_or",
    "bitwise_xor",
]:
    FUNCTIONS[_name] = Ufunc(_name)
for _name in ["left_shift", "right_shift", "invert", "positive"]:
    FUNCTIONS[_name] = Ufunc(_name)
FUNCTIONS["matmul"] = lambda x, y: function("matmul")(x, y)
