"""What nodes hold, as JSON and back: attributes of every kind, arrays, and bodies at any depth.

Plain values stand for themselves and a JSON list for a tuple; everything else is an object with one key that says what it
is. Reading makes plain data and nodes of registered ops only; nothing else is looked up by name, and nothing is run.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy
from numpy import ndarray

from graphs.core.arrays import is_array, to_numpy
from graphs.core.errors import Where
from graphs.core.function import Function
from graphs.core.node import Node, Value, new_parameter
from graphs.core.spec import Spec
from graphs.ops.slicing import Slice
from static.dtypes import DType, as_dtype
from static.export.forms import (
    GraphFileError,
    agreed,
    dims_from,
    dtype_from,
    fields,
    found_op,
    inferred,
    listed,
    op_name,
    printable,
    said,
    spec_from,
    spec_to,
)


_LISTED = 16
"""Arrays of at most so many numbers are written as lists, others as their bytes."""


class Encoder:
    """Values to JSON. ``functions`` collects the bodies, each once, those inside others before them."""

    def __init__(self) -> None:
        self.functions: list[dict[str, Any]] = []
        self._places: dict[Function, int] = {}

    def value(self, x: Any) -> Any:
        """``x`` as JSON. Raises GraphFileError for what no file can hold, such as a Python function."""
        if x is None or type(x) in (bool, int, str):
            return x
        if type(x) is float:
            return x if math.isfinite(x) else {"float": repr(x)}
        if type(x) is tuple:
            return [self.value(item) for item in x]
        for kind, (tag, encode, _) in _KINDS.items():
            if isinstance(x, kind):
                return {tag: encode(self, x)}
        if is_array(x):
            return {"array": _array(to_numpy(x))}
        about = "a Python function" if callable(x) else f"a {type(x).__name__}"
        raise GraphFileError(f"{about} ({x!r}) exists in this process only and cannot be written to a file")

    def attributes(self, params: Mapping[str, Any], node: str) -> dict[str, Any]:
        """The attributes of a node, by name."""
        made = {}
        for name, value in params.items():
            try:
                made[name] = self.value(value)
            except GraphFileError as error:
                raise GraphFileError(f"{node}: attribute {name!r}: {error}") from None
        return made

    def function(self, body: Function) -> int:
        """Where ``body`` stands among ``functions``."""
        place = self._places.get(body)
        if place is None:
            made = self._function(body)
            place = self._places[body] = len(self.functions)
            self.functions.append(made)
        return place

    def _function(self, body: Function) -> dict[str, Any]:
        names: dict[Any, str] = {(x.node, x.index): f"@{i}" for i, x in enumerate(body.inputs)}
        numbers = {node: i for i, node in enumerate(body.nodes)}
        names.update({(node, i): f"#{number}:{i}" for node, number in numbers.items() for i in range(len(node.specs))})

        def operand(x: Any) -> Any:
            return names[x.node, x.index] if isinstance(x, Value) else self.value(x)

        nodes = []
        for node in body.nodes:
            about = f"body {body.name!r}, node {node.name!r}"
            made: dict[str, Any] = {} if node.name == f"{node.op.name}_{node.serial}" else {"name": node.name}
            made |= {"op": op_name(node.op, about), "input": [operand(x) for x in node.inputs]}
            if node.after:
                made["control"] = [f"#{numbers[before]}" for before in node.after if before in numbers]
            nodes.append({**made, "attr": self.attributes(node.params, about), "output": [spec_to(s) for s in node.specs]})
        inputs = [spec_to(x.spec) for x in body.inputs]
        return {"name": body.name, "input": inputs, "node": nodes, "output": [operand(x) for x in body.outputs]}


class Decoder:
    """Values from JSON. ``functions`` are the bodies that they refer to, ``where`` the line to note for nodes in these."""

    def __init__(self, functions: Any = (), where: Where | None = None) -> None:
        self.where = where
        self.functions: list[Function] = []
        for place, data in enumerate(listed(functions, "'functions'")):
            self.functions.append(self._function(data, f"function {place}"))

    def value(self, data: Any) -> Any:
        """The value that JSON stands for. Raises GraphFileError where it stands for none."""
        if data is None or isinstance(data, (bool, int, float, str)):
            return data
        if isinstance(data, list):
            return tuple([self.value(item) for item in data])
        if isinstance(data, dict) and len(data) == 1:
            ((tag, content),) = data.items()
            decode = _DECODERS.get(tag)
            if decode is not None:
                try:
                    return decode(self, content)
                except (TypeError, ValueError, KeyError, IndexError) as error:
                    raise GraphFileError(f"{tag!r}: {said(error)}") from None
        raise GraphFileError(f"{str(data)[:80]!r} is not the form of any value")

    def attributes(self, data: Any, node: str) -> dict[str, Any]:
        """The attributes of a node."""
        if not isinstance(data, dict):
            raise GraphFileError(f"{node}: 'attr' has to be an object")
        made = {}
        for name, value in data.items():
            try:
                made[name] = self.value(value)
            except GraphFileError as error:
                raise GraphFileError(f"{node}: attribute {name!r}: {error}") from None
        return made

    def literal(self, data: Any, node: str, position: int) -> Any:
        """An argument that is no edge: a number or an array."""
        try:
            value = self.value(data)
        except GraphFileError as error:
            raise GraphFileError(f"{node}: input {position}: {error}") from None
        if not isinstance(value, (bool, int, float, complex)) and not is_array(value):
            raise GraphFileError(f"{node}: input {position}: {value!r} is neither an edge, a number nor an array")
        return value

    def function(self, place: Any) -> Function:
        """The body that stands at ``place``."""
        if type(place) is not int or not 0 <= place < len(self.functions):
            raise GraphFileError(f"there is no function {place!r} before the one that refers to it")
        return self.functions[place]

    def _function(self, data: Any, about: str) -> Function:
        data = fields(data, about, "name", "input", "node", "output")
        name = printable(data["name"], f"{about}: 'name'")
        about = f"body {name!r}"
        inputs = [
            new_parameter(spec_from(spec, f"{about}, input {i}")) for i, spec in enumerate(listed(data["input"], about))
        ]
        values: dict[str, Any] = {f"@{i}": x for i, x in enumerate(inputs)}
        made: dict[str, Node] = {}
        for number, entry in enumerate(listed(data["node"], f"{about}: 'node'")):
            node = self._body_node(entry, f"{about}, node {number}", values, made)
            made[f"#{number}"] = node
            values.update({f"#{number}:{i}": value for i, value in enumerate(node.outputs)})
        outputs = [self.argument(x, about, i, values) for i, x in enumerate(listed(data["output"], f"{about}: 'output'"))]
        return Function(inputs, outputs, name, made.values())

    def _body_node(self, data: Any, about: str, values: Mapping[str, Any], before: Mapping[str, Node]) -> Node:
        data = fields(data, about, "op", "input", "attr", "output", optional=("name", "control"))
        name = printable(data.get("name", ""), f"{about}: 'name'")
        about = f"{about} ({name or data['op']})"
        op = found_op(data["op"], about)
        given = [self.argument(x, about, i, values) for i, x in enumerate(listed(data["input"], f"{about}: 'input'"))]
        after = []
        for key in listed(data.get("control", []), f"{about}: 'control'"):
            if key not in before:
                raise GraphFileError(f"{about}: it runs after {key!r}, which is not before it")
            after.append(before[key])
        params = self.attributes(data["attr"], about)
        specs = agreed(inferred(op, given, params, about), data["output"], about)
        return Node(op, tuple(given), params, specs, name, value=Value, where=self.where, after=tuple(after))

    def argument(self, data: Any, node: str, position: int, values: Mapping[str, Any]) -> Any:
        """What an input stands for: an edge, by its name in ``values``, or a literal."""
        if not isinstance(data, str):
            return self.literal(data, node, position)
        if data not in values:
            raise GraphFileError(f"{node}: input {position} is {data!r}, which no node before it yields")
        return values[data]


# Kinds of values


_LISTS: dict[str, tuple[type, ...]] = {"b": (bool,), "i": (int,), "u": (int,), "f": (float, int)}
"""What stands in the list of an array's values, for each kind of dtype."""


def _array(x: ndarray) -> dict[str, Any]:
    about = {"dtype": as_dtype(x.dtype).name, "shape": list(x.shape)}
    if x.dtype.kind == "O":
        if not all(isinstance(item, bytes) for item in x.flat):
            raise GraphFileError("an array of Python objects exists in this process only and cannot be written to a file")
        return {**about, "strings": [_base64(item) for item in x.flat]}
    if x.size <= _LISTED and x.dtype.kind in _LISTS and numpy.isfinite(x).all():
        return {**about, "values": x.reshape(-1).tolist()}
    return {**about, "base64": _base64(numpy.ascontiguousarray(x).astype(x.dtype.newbyteorder("<"), copy=False).tobytes())}


def _array_from(data: Mapping[str, Any]) -> ndarray:
    dtype, shape = dtype_from(data["dtype"]), dims_from(data["shape"])
    if None in shape:
        raise ValueError("the shape of an array has to be known")
    if "strings" in data:
        flat = numpy.empty(len(data["strings"]), object)
        flat[:] = [_bytes_from(item) for item in data["strings"]]
    elif "values" in data:
        if not all(type(item) in _LISTS[dtype.kind] for item in data["values"]):
            raise ValueError(f"these are no values of {dtype}")
        flat = numpy.array(data["values"], dtype)
    else:
        flat = numpy.frombuffer(_bytes_from(data["base64"]), dtype.newbyteorder("<")).astype(dtype)
    array = flat.reshape(shape)  # type: ignore[arg-type]
    array.flags.writeable = False
    return array


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _bytes_from(text: str) -> bytes:
    return base64.b64decode(text, validate=True)


def _float(text: str) -> float:
    return {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}[text]


_KINDS: dict[Any, tuple[str, Callable[[Encoder, Any], Any], Callable[[Decoder, Any], Any]]] = {
    numpy.generic: ("scalar", lambda _, x: _array(numpy.asarray(x)), lambda _, data: _array_from(data)[()]),
    Function: ("function", lambda to, x: to.function(x), lambda of, data: of.function(data)),
    Slice: ("slice", lambda to, x: [to.value(n) for n in x], lambda of, data: Slice(*(of.value(n) for n in data))),
    Spec: ("spec", lambda _, x: spec_to(x), lambda _, data: spec_from(data, "spec")),
    DType: ("tf.dtype", lambda _, x: x.name, lambda _, data: as_dtype(dtype_from(data))),
    numpy.dtype: ("dtype", lambda _, x: as_dtype(x).name, lambda _, data: dtype_from(data)),
    complex: ("complex", lambda to, x: [to.value(x.real), to.value(x.imag)], lambda of, data: complex(*map(of.value, data))),
    bytes: ("bytes", lambda _, x: _base64(x), lambda _, data: _bytes_from(data)),
    list: ("list", lambda to, x: [to.value(item) for item in x], lambda of, data: [of.value(item) for item in data]),
    dict: (
        "dict",
        lambda to, x: [[to.value(key), to.value(item)] for key, item in x.items()],
        lambda of, data: {of.value(key): of.value(item) for key, item in data},
    ),
    type(Ellipsis): ("ellipsis", lambda *_: None, lambda *_: Ellipsis),
    ndarray: ("array", lambda _, x: _array(x), lambda _, data: _array_from(data)),
}

_DECODERS: dict[str, Callable[[Decoder, Any], Any]] = {tag: decode for tag, _, decode in _KINDS.values()}
_DECODERS["float"] = lambda _, text: _float(text)


def codec(tag: str, kind: type, encode: Callable[[Any], Any], decode: Callable[[Any], Any]) -> None:
    """Let attributes of the class ``kind`` be written: ``encode`` gives plain JSON, from which ``decode`` makes one anew."""
    _KINDS[kind] = (tag, lambda _, x: encode(x), lambda _, data: decode(data))
    _DECODERS[tag] = lambda _, data: decode(data)
