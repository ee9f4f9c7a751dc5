"""Element-wise Functions taken apart: for one element, the calls of numpy's ufuncs that their kernels would make.

The kernels themselves are asked: they run on stand-ins that write down what is called, with the dtypes that numpy would
compute in. So generated code says what the kernel says, cast by cast, and needs no second definition of any op.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy

from graphs.core.function import Function
from graphs.core.node import Value
from graphs.core.op import Op


Dtype = numpy.dtype[Any]

_BOOL = numpy.dtype(numpy.bool_)

NUMBERS = frozenset("?bBhHiIlLqQfd")
"""Characters of the dtypes that code is generated for."""


@dataclass(frozen=True, slots=True)
class Literal:
    """A number written in the code."""

    value: Any
    dtype: Dtype


@dataclass(frozen=True, slots=True)
class Call:
    """One step: ``name`` is a ufunc's, or ``where`` or ``cast``. ``args`` are numbers of values, or literals.

    All arguments of a ufunc have the dtypes of the loop that numpy would take, ``dtypes``; the result has ``dtype``.
    """

    name: str
    args: tuple[int | Literal, ...]
    dtypes: tuple[Dtype, ...]
    dtype: Dtype


@dataclass(slots=True)
class Scalars:
    """What a Function computes for one element.

    Values are numbered: first the inputs, then the result of each call in order.

    Attributes:
        inputs: the dtypes of the inputs.
        calls: the steps.
        outputs: for each output its value, or a literal.
    """

    inputs: list[Dtype]
    calls: list[Call] = field(default_factory=list)
    outputs: list[int | Literal] = field(default_factory=list)
    _seen: dict[Call, int] = field(default_factory=dict)

    def call(self, name: str, args: Sequence[int | Literal], dtypes: Sequence[Dtype], dtype: Dtype) -> int:
        """The number of the result of one more step; an equal one is not taken twice."""
        step = Call(name, tuple(args), tuple(dtypes), dtype)
        number = self._seen.get(step)
        if number is None:
            if any(each.char not in NUMBERS for each in (*dtypes, dtype)):
                raise UnfitError(f"{name} of {', '.join(map(str, dtypes))}")
            number = self._seen[step] = len(self.inputs) + len(self.calls)
            self.calls.append(step)
        return number

    def dtype(self, value: int | Literal) -> Dtype:
        """The dtype of a value."""
        if isinstance(value, Literal):
            return value.dtype
        width = len(self.inputs)
        return self.inputs[value] if value < width else self.calls[value - width].dtype

    def cast(self, value: int | Literal, dtype: Dtype) -> int | Literal:
        """``value`` in ``dtype``."""
        if self.dtype(value) == dtype:
            return value
        if isinstance(value, Literal):
            with numpy.errstate(all="ignore"):
                return Literal(numpy.asarray(value.value).astype(dtype).item(), dtype)
        return self.call("cast", [value], [self.dtype(value)], dtype)


class UnfitError(TypeError):
    """A kernel does something that code cannot be generated for."""


class Traced:
    """Stands for one element of an array while a kernel is being asked."""

    __slots__ = ("dtype", "into", "value")
    __array_ufunc__ = None
    __hash__ = object.__hash__

    def __init__(self, into: Scalars, value: int | Literal) -> None:
        self.into = into
        self.value = value
        self.dtype = into.dtype(value)

    def astype(self, dtype: Any, copy: bool = True) -> Traced:
        """As an array's method."""
        return Traced(self.into, self.into.cast(self.value, numpy.dtype(dtype)))

    def copy(self) -> Traced:
        """As an array's method."""
        return self

    def __pow__(self, other: Any) -> Traced:
        return _powered(self, other)

    def __rpow__(self, other: Any) -> Traced:
        return _powered(other, self)

    def __bool__(self) -> bool:
        raise UnfitError("a kernel that asks for an element's truth")


class _Module:
    """Stands for the array module while a kernel is being asked."""

    def __init__(self, into: Scalars) -> None:
        self._into = into

    def __getattr__(self, name: str) -> Any:
        ufunc = getattr(numpy, name, None)
        if isinstance(ufunc, numpy.ufunc) and ufunc.nout == 1 and ufunc.signature is None:
            return lambda *args, **settings: _called(self._into, ufunc, args, settings)
        if isinstance(ufunc, type) and issubclass(ufunc, numpy.generic):
            return ufunc
        raise UnfitError(f"a kernel that calls {name}")

    def where(self, condition: Any, x: Any, y: Any) -> Traced:
        """As numpy's function of three arguments."""
        into = self._into
        dtype = numpy.result_type(*[each.dtype if isinstance(each, Traced) else each for each in (x, y)])
        args = [into.cast(_taken(each, given), given) for each, given in ((condition, _BOOL), (x, dtype), (y, dtype))]
        return Traced(into, into.call("where", args, [_BOOL, dtype, dtype], dtype))

    def round(self, x: Any, decimals: int = 0) -> Traced:
        """As numpy's function, to whole numbers."""
        if decimals or not isinstance(x, Traced) or x.dtype.kind != "f":
            raise UnfitError("a kernel that rounds to decimals, or rounds what is whole")
        return _called(self._into, numpy.rint, (x,), {})

    def asarray(self, x: Any, dtype: Any = None) -> Any:
        """As numpy's function."""
        return x.astype(dtype) if dtype is not None and isinstance(x, Traced) else x


def _taken(x: Any, dtype: Dtype) -> int | Literal:
    """``x`` as an argument; a Python scalar takes the dtype that it is to have anyway."""
    if isinstance(x, Traced):
        return x.value
    if isinstance(x, (bool, int, float)):
        with numpy.errstate(all="ignore"):
            return Literal(numpy.asarray(x).astype(dtype).item(), dtype)
    if isinstance(x, numpy.generic) or (isinstance(x, numpy.ndarray) and x.ndim == 0):
        return Literal(x.item(), x.dtype)
    raise UnfitError(f"a kernel that computes with a {type(x).__name__}")


def _called(into: Scalars, ufunc: numpy.ufunc, args: Sequence[Any], settings: dict[str, Any]) -> Traced:
    if settings or len(args) != ufunc.nin:
        raise UnfitError(f"{ufunc.__name__} with settings")
    given = [type(x) if type(x) in (int, float) else _BOOL if type(x) is bool else x.dtype for x in args]
    resolved = ufunc.resolve_dtypes((*given, None))
    values = [into.cast(_taken(x, dtype), dtype) for x, dtype in zip(args, resolved, strict=False)]
    return Traced(into, into.call(ufunc.__name__, values, resolved[:-1], resolved[-1]))


class _Asked(numpy.ndarray):
    """An array that answers with the ufunc it is handed to, and the arguments."""

    def __array_ufunc__(self, ufunc: numpy.ufunc, method: str, *args: Any, **settings: Any) -> Any:
        return ufunc, args


def _powered(x: Any, y: Any) -> Traced:
    """``x ** y``, for some exponents of which numpy's arrays call another ufunc than ``power``: they are asked which.

    Floats only: of whole numbers, negative exponents are an error.
    """
    into = x.into if isinstance(x, Traced) else y.into
    asked = [numpy.empty(1, each.dtype).view(_Asked) if isinstance(each, Traced) else each for each in (x, y)]
    ufunc, args = asked[0] ** asked[1]
    meant = [next((each for each, stand in zip((x, y), asked, strict=True) if stand is arg), arg) for arg in args]
    made = _called(into, ufunc, meant, {})
    if made.dtype.kind != "f":
        raise UnfitError("a kernel that raises whole numbers to powers")
    return made


def _operator(name: str, turned: bool = False) -> Any:
    ufunc = getattr(numpy, name)

    def method(self: Traced, *other: Any) -> Traced:
        args = (*other, self) if turned else (self, *other)
        return _called(self.into, ufunc, args, {})

    return method


# fmt: off
for _name, _ufunc in {
    "add": "add", "sub": "subtract", "mul": "multiply", "truediv": "divide", "floordiv": "floor_divide",
    "mod": "remainder", "and": "bitwise_and", "or": "bitwise_or", "xor": "bitwise_xor",
}.items():
    setattr(Traced, f"__{_name}__", _operator(_ufunc))
    setattr(Traced, f"__r{_name}__", _operator(_ufunc, turned=True))
for _name, _ufunc in {
    "lt": "less", "le": "less_equal", "gt": "greater", "ge": "greater_equal", "eq": "equal", "ne": "not_equal",
    "neg": "negative", "abs": "absolute", "invert": "invert",
}.items():
    setattr(Traced, f"__{_name}__", _operator(_ufunc))
# fmt: on


def scalars(function: Function) -> Scalars | None:
    """What ``function`` computes for one element; None where that cannot be told, or takes dtypes that are not numbers."""
    made: Any = function.cache.get("scalars", function)
    if made is function:
        try:
            made = _scalars(function)
        except UnfitError:
            made = None
        function.cache["scalars"] = made
    return made


def _scalars(function: Function) -> Scalars:
    into = Scalars([value.dtype for value in function.inputs])
    if any(dtype.char not in NUMBERS for dtype in into.inputs):
        raise UnfitError("dtypes that are not numbers")
    values: dict[Any, Any] = {(x.node, x.index): Traced(into, i) for i, x in enumerate(function.inputs)}
    for node in function.nodes:
        args = [values[x.node, x.index] if isinstance(x, Value) else x for x in node.inputs]
        values[node, 0] = applied(into, node.op, args, node.params, node.specs[0].dtype)
    for out in function.outputs:
        if not isinstance(out, Value):
            raise UnfitError("an output that is no value")
        into.outputs.append(values[out.node, out.index].value)
    return into


def applied(into: Scalars, op: Op, args: Sequence[Any], params: Any, dtype: Dtype) -> Traced:
    """The steps of one call of ``op`` on ``args`` (stand-ins and scalars), entered in ``into``. Raises UnfitError."""
    if not op.elementwise:
        raise UnfitError(f"{op.name} is not element-wise")
    try:
        out = op.kernel(_Module(into), *args, **params)
    except (TypeError, AttributeError, ValueError, ArithmeticError) as error:
        raise UnfitError(f"{op.name}: {error}") from None
    if not isinstance(out, Traced):
        out = Traced(into, _taken(out, dtype))
    if out.dtype != dtype:
        raise UnfitError(f"{op.name} gives {out.dtype} where {dtype} is meant")
    return out


def of_node(node: Any) -> Scalars | None:
    """What a node computes for an element of its outputs; its inputs are the node's values in order, without scalars.

    None where code cannot be generated for it.
    """
    if "fused" in node.op.traits:
        return scalars(node.params["body"])
    if not node.op.elementwise:
        return None
    dtypes = tuple([x.node.outputs[x.index].spec.dtype if isinstance(x, Value) else None for x in node.inputs])
    given = tuple([None if isinstance(x, Value) else (x.__class__, repr(x)) for x in node.inputs])
    key = (node.op, dtypes, given, tuple(node.params.items()))
    try:
        found = _known.get(key, node)
    except TypeError:  # attributes that cannot be hashed
        return _traced(node, dtypes)
    if found is node:
        if len(_known) > _MOST_KNOWN:
            _known.clear()
        found = _known[key] = _traced(node, dtypes)
    return found


_MOST_KNOWN = 10_000
_known: dict[Any, Any] = {}
"""What nodes of one op, on operands of the same dtypes and the same numbers, compute."""


def _traced(node: Any, dtypes: Sequence[Dtype | None]) -> Scalars | None:
    into = Scalars([dtype for dtype in dtypes if dtype is not None])
    numbers = iter(range(len(into.inputs)))
    try:
        if any(dtype.char not in NUMBERS for dtype in into.inputs):
            return None
        args = [x if dtype is None else Traced(into, next(numbers)) for x, dtype in zip(node.inputs, dtypes, strict=True)]
        into.outputs = [applied(into, node.op, args, node.params, node.specs[0].dtype).value]
    except UnfitError:
        return None
    return into
