"""Operations that do something beside computing: call Python, print, check.

Each runs once in a run that needs it, in the order that values and control dependencies give, and is never merged with
another or left out. They are not in the registry of ops, as they belong to TensorFlow's surface alone.
"""

from __future__ import annotations

import pprint
import re
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy

from graphs.core.arrays import all_finite
from graphs.core.node import infer
from graphs.core.op import Op, first_dtype, like_first
from graphs.ops import identity
from static.conversion import as_strings
from static.dtypes import as_dtype
from static.errors import (
    InvalidArgumentError,
    OpError,
    OutOfRangeError,
    ResourceExhaustedError,
    UnimplementedError,
    UnknownError,
)
from static.export.values import codec
from static.flow import group
from static.graph import get_default_graph
from static.registry import registered
from static.summarize import layout, summary
from static.tensor import Tensor, apply, common_graph, convert_to_tensor


def effect(name: str, shape: Callable[..., Any], dtype: Callable[..., Any], *traits: str) -> Callable[..., Op]:
    """Make the decorated kernel an op that is run for its effect."""
    return lambda kernel: registered(Op(kernel, name=name, shape=shape, dtype=dtype, traits=traits))


def _nothing(*_: Any, **__: Any) -> tuple[()]:
    return ()


# Python functions


class PythonCall:
    """A Python function as an attribute of a node: it is called with arrays and has to return arrays of ``dtypes``.

    Arrays are copied on either side, as the function may change or keep them.
    """

    def __init__(self, func: Callable[..., Any], dtypes: Sequence[Any]) -> None:
        self.func = func
        self.dtypes = tuple(dtypes)

    def __call__(self, arrays: Sequence[Any]) -> tuple[Any, ...]:
        """What ``func`` returns, as arrays. Raises OpError of the kind TensorFlow has for what ``func`` raises."""
        try:
            found = self.func(*[numpy.array(x)[()] for x in arrays])
        except OpError:
            raise
        except Exception as error:
            kind = next((kind for raised, kind in _KINDS if isinstance(error, raised)), UnknownError)
            raise kind(None, f"{type(error).__name__}: {error}") from error
        values = [] if found is None else list(found) if isinstance(found, (list, tuple)) else [found]
        if len(values) != len(self.dtypes):
            raise InvalidArgumentError(
                None, f"{self} returns {len(values)} values, but expects to see {len(self.dtypes)} values."
            )
        return tuple(self._array(i, value, dtype) for i, (value, dtype) in enumerate(zip(values, self.dtypes, strict=True)))

    def _array(self, position: int, value: Any, dtype: Any) -> Any:
        array = numpy.asarray(value)
        if array.dtype.kind in "SUO" and dtype.kind == "O":
            return as_strings(value)
        if array.dtype != dtype:
            raise InvalidArgumentError(
                None, f"{position}-th value returned by {self} is {array.dtype.name}, but expects {as_dtype(dtype).name}"
            )
        return numpy.array(array)

    def __repr__(self) -> str:
        return str(getattr(self.func, "__name__", type(self.func).__name__))


_KINDS: tuple[tuple[type[Exception], type[OpError]], ...] = (
    (StopIteration, OutOfRangeError),
    (NotImplementedError, UnimplementedError),
    (MemoryError, ResourceExhaustedError),
    (ValueError, InvalidArgumentError),
    (TypeError, InvalidArgumentError),
)


def _unknown(*_: Any, call: PythonCall) -> tuple[None, ...]:
    return (None,) * len(call.dtypes)


def _declared(*_: Any, call: PythonCall) -> tuple[Any, ...]:
    return call.dtypes


def _python(xp: Any, *arrays: Any, call: PythonCall) -> Any:
    """What a Python function makes of the arrays."""
    values = call(arrays)
    return values[0] if len(values) == 1 else values


py_func_op = effect("py_func", _unknown, _declared, "stateful")(_python)
py_func_stateless_op = effect("py_func_stateless", _unknown, _declared)(_python)
for _op in (py_func_op, py_func_stateless_op):
    _op.joint_vjp(lambda needs, _gs, _outs, _args: [None] * len(needs))


def py_func(func: Callable[..., Any], inp: Sequence[Any], Tout: Any, stateful: bool = True, name: str | None = None) -> Any:  # noqa: N803
    """What ``func``, called with the arrays of ``inp``, returns: a tensor of dtype ``Tout``, a list of them for a list of
    dtypes, the operation for an empty list. Shapes are not known.

    What ``func`` raises comes out of the run as InvalidArgumentError (for ValueError and TypeError), OutOfRangeError
    (StopIteration), ResourceExhaustedError, UnimplementedError or UnknownError, with the original as its cause. No gradient
    flows through, unless ``Graph.gradient_override_map`` names one.
    """
    if not callable(func):
        raise ValueError(f"Expected func to be callable. Received func={func} of type {type(func)}.")
    several = isinstance(Tout, (list, tuple))
    call = PythonCall(func, [as_dtype(dtype).dtype for dtype in (Tout if several else [Tout])])
    op, usual = (py_func_op, "PyFunc") if stateful else (py_func_stateless_op, "PyFuncStateless")
    made = operation(op, [convert_to_tensor(x) for x in inp], name or usual, call=call)
    if not several:
        return made.outputs[0]
    return list(made.outputs) or made


def numpy_function(func: Callable[..., Any], inp: Sequence[Any], Tout: Any, name: str | None = None) -> Any:  # noqa: N803
    """``py_func(func, inp, Tout)``."""
    return py_func(func, inp, Tout, name=name)


# Printing


class Counter:
    """How often a node may still print; no end where ``first`` is negative. All sessions of the graph share it."""

    def __init__(self, first: int) -> None:
        self._left = first
        self._lock = threading.Lock()

    @property
    def left(self) -> int:
        """How often; negative for no end."""
        return self._left

    def take(self) -> bool:
        """Whether it may print now."""
        with self._lock:
            if self._left == 0:
                return False
            self._left -= self._left > 0
            return True


codec("counter", Counter, lambda counter: counter.left, lambda data: Counter(int(data)))


@effect("print", like_first, first_dtype, "stateful", "view")
def print_op(xp: Any, x: Any, *data: Any, message: str, counter: Counter, summarize: int) -> Any:
    """``x``, after ``message`` and ``data`` have gone to the standard error stream."""
    if counter.take():
        print(message + "".join(f"[{summary(each, summarize)}]" for each in data), file=sys.stderr, flush=True)
    return x


print_op.joint_vjp(lambda needs, gs, _outs, _args: (gs[0], *[None] * (len(needs) - 1)))


def Print(  # noqa: N802 (TensorFlow's name)
    input_: Any,
    data: Sequence[Any],
    message: str | None = None,
    first_n: int | None = None,
    summarize: int | None = None,
    name: str | None = None,
) -> Any:
    """``input_``; when it is computed, ``message`` and the tensors ``data`` are printed to the standard error stream.

    Args:
        first_n: print only so many times (in all sessions together); None and negative numbers for always.
        summarize: how many elements of each tensor are printed, by default 3; all for a negative number.
    """
    given = [convert_to_tensor(x) for x in (input_, *data)]
    settings = {"message": message or "", "counter": Counter(-1 if first_n is None else first_n)}
    return apply(print_op, *given, name=name, node="Print", summarize=3 if summarize is None else summarize, **settings)


_STREAMS: Mapping[str, Callable[[str], Any]] = {
    "stdout": lambda text: sys.stdout.write(text),
    "stderr": lambda text: sys.stderr.write(text),
}


@effect("print_v2", _nothing, _nothing, "stateful")
def print_v2_op(xp: Any, *data: Any, pieces: tuple[str, ...], summarize: int, stream: Any) -> Any:
    """Nothing, after ``pieces`` with ``data`` between them have been written to ``stream``."""
    shown = [layout(each, summarize) for each in data]
    text = "".join(piece + more for piece, more in zip(pieces, [*shown, ""], strict=True))
    _STREAMS.get(stream, stream)(text)
    return ()


class _Hole:
    """Stands for a tensor in a structure that is laid out as text."""

    def __init__(self, number: int) -> None:
        self.number = number

    def __repr__(self) -> str:
        return f"\0{self.number}\0"


def print_(*inputs: Any, **settings: Any) -> Any:
    """An operation that prints ``inputs`` (tensors, Python values, structures of either), as Python's ``print`` would.

    Keywords: ``output_stream`` (``sys.stderr``, the default, ``sys.stdout``, or a function of ``tf.logging``), ``summarize``
    (how many items at either end of an axis, by default 3, all for -1), ``sep``, ``end``, ``name``. Raises ValueError for
    other keywords and streams.
    """
    stream = settings.pop("output_stream", sys.stderr)
    summarize, sep, end = settings.pop("summarize", None), settings.pop("sep", " "), settings.pop("end", "\n")
    name = settings.pop("name", None)
    if settings:
        raise ValueError(f"Unrecognized keyword arguments for tf.print: {settings}")
    if stream not in (sys.stderr, sys.stdout, *_STREAMS) and not callable(stream):
        raise ValueError(f"Unknown output stream, logging level, or function: {stream!r}")
    tensors: list[Any] = []

    def held(x: Any) -> Any:
        if isinstance(x, Tensor) or hasattr(type(x), "_as_tensor"):
            tensors.append(convert_to_tensor(x))
            return _Hole(len(tensors) - 1)
        if isinstance(x, Mapping):
            return {key: held(x[key]) for key in sorted(x)}
        if isinstance(x, (list, tuple)):
            parts = [held(item) for item in x]
            return type(x)(*parts) if hasattr(x, "_fields") else type(x)(parts)
        return x

    texts = [x if isinstance(x, str) else pprint.pformat(held(x)) for x in inputs]
    pieces = re.split("\0([0-9]+)\0", sep.join(texts) + ("" if callable(stream) else end))
    order = [tensors[int(number)] for number in pieces[1::2]]
    return operation(
        print_v2_op,
        order,
        name or "PrintV2",
        pieces=tuple(pieces[::2]),
        summarize=3 if summarize is None else summarize,
        stream="stderr" if stream is sys.stderr else "stdout" if stream is sys.stdout else stream,
    )


# Checking


@effect("assert", _nothing, _nothing, "stateful")
def assert_op(xp: Any, condition: Any, *data: Any, summarize: int) -> Any:
    """Nothing. Raises InvalidArgumentError with ``data`` where ``condition`` does not hold."""
    if not xp.all(condition):
        raise InvalidArgumentError(None, "assertion failed: " + " ".join(f"[{summary(each, summarize)}]" for each in data))
    return ()


def Assert(condition: Any, data: Sequence[Any], summarize: int | None = None, name: str | None = None) -> Any:  # noqa: N802
    """An operation that fails with InvalidArgumentError, showing ``data``, where the bool ``condition`` does not hold.

    ``summarize`` elements of each of ``data`` are shown, by default 3, all for a negative number.
    """
    graph = get_default_graph()
    with graph.name_scope(name or "Assert"):
        given = [convert_to_tensor(condition), *(convert_to_tensor(x, name="data") for x in data)]
        return operation(assert_op, given, "Assert", summarize=3 if summarize is None else summarize)


@effect("check_numerics", like_first, first_dtype, "stateful", "view", "finite")
def check_numerics_op(xp: Any, x: Any, *, message: str) -> Any:
    """``x``. Raises InvalidArgumentError where it holds a NaN or an infinity."""
    if not all_finite(x):
        found = [word for word, there in (("Inf", xp.isinf(x).any()), ("NaN", xp.isnan(x).any())) if there]
        raise InvalidArgumentError(None, f"{message} : Tensor had {' and '.join(found)} values")
    return x


_IN_GRADIENT = "Not a number (NaN) or infinity (Inf) values detected in gradient."
check_numerics_op.vjp(lambda g, _out, _x, *, message: check_numerics_op(g, message=f"{_IN_GRADIENT} {message}"))


def check_numerics(tensor: Any, message: str, name: str | None = None) -> Any:
    """``tensor``; the run fails with InvalidArgumentError, saying ``message``, where it (or its gradient) is not finite."""
    return apply(check_numerics_op, convert_to_tensor(tensor), name=name, node="CheckNumerics", message=message)


_MOVES = frozenset(
    ("identity", "reshape", "transpose", "matrix_transpose", "swapaxes", "expand_dims", "squeeze", "broadcast_to")
)
"""Ops whose result has the values of its first operand and no others."""


def add_check_numerics_ops() -> Any:
    """An operation that runs ``check_numerics`` on every floating tensor that the default graph has by now.

    What can have no values but finite ones is left out: finite constants, and tensors that are moved, as by ``transpose``,
    where they are looked at as they come.
    """
    graph = get_default_graph()
    last = None
    seen = set()
    for node in graph.get_operations():
        for output in node.outputs:
            if not output.dtype.is_floating or node.op.traits & {"update"} or node in graph.variables:
                continue
            seen.add(output)
            if (node.op.name in _MOVES and node.inputs[0] in seen) or _constantly_finite(node):
                continue
            with graph.control_dependencies([] if last is None else [last]):
                last = check_numerics(output, f"{node.name}:{output.index}").op
    return group(*[] if last is None else [last])


def _constantly_finite(node: Any) -> bool:
    """Whether what ``node`` yields is written in it, and finite."""
    if node.op.name not in ("constant", "full"):
        return False
    with numpy.errstate(over="ignore"):
        value = numpy.asarray(node.params["value"]).astype(node.outputs[0].spec.dtype)
    return all_finite(value)


def verify_tensor_all_finite(
    t: Any = None, msg: str | None = None, name: str | None = None, x: Any = None, message: str | None = None
) -> Any:
    """``t``, whose value is there only after it has been found finite (see ``check_numerics``)."""
    given = convert_to_tensor(t if x is None else x)
    graph = given.graph
    with graph.name_scope(name or "VerifyFinite"):
        check = check_numerics(given, (msg if message is None else message) or "")
        with graph.control_dependencies([check.op]):
            return apply(identity, given, node="control_dependency")


def operation(op: Op, inputs: Sequence[Any], name: str, **params: Any) -> Any:
    """The node of ``op`` on tensors, whatever it yields."""
    graph = common_graph(op.name, inputs)
    return graph.add(op, tuple(inputs), params, infer(op, inputs, params), graph.unique_name(name), Tensor)
