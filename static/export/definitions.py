"""``GraphDef``: what a graph holds, as data that can be looked at, changed, written as JSON and read back."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from graphs.core import jsontext
from graphs.core.errors import user_line
from graphs.core.node import Value
from graphs.core.spec import Shape, Spec
from static.devices import checked
from static.export.forms import (
    GraphFileError,
    dims_from,
    fields,
    found_op,
    listed,
    printable,
    said,
    spec_from,
    spec_to,
)
from static.export.values import Decoder, Encoder
from static.names import type_name
from static.operation import check_name
from static.overrides import gradient_of
from static.registry import PREFIX, known, name_of


FORMAT, VERSION = "diptych graph", 2
"""Version 1 is the text alone, version 2 the text with its seal (``graphs/core/jsontext.py``)."""


@dataclass
class NodeDef:
    """An operation of a ``GraphDef``.

    Attributes:
        name: its name.
        kind: the name of our op; ``op`` is TensorFlow's.
        operands: its arguments: a string ``name:output`` for an edge; numbers and arrays stand for themselves.
        control: the names of the operations it runs after.
        attr: its attributes by name.
        specs: dtype and shape of each output.
        shapes: what ``set_shape`` has added, by output.
        gradient: the registered gradient in place of its own.
        writes: the variables that it changes beside yielding values, each with the output that is the new value.
        device: kept as it is.
    """

    name: str
    kind: str
    operands: list[Any] = field(default_factory=list)
    control: list[str] = field(default_factory=list)
    attr: dict[str, Any] = field(default_factory=dict)
    specs: tuple[Spec, ...] = ()
    shapes: dict[int, Shape | None] = field(default_factory=dict)
    gradient: str | None = None
    writes: list[tuple[str, int]] = field(default_factory=list)
    device: str = ""

    @property
    def op(self) -> str:
        """TensorFlow's name of the op."""
        return type_name(self.kind.removeprefix(PREFIX))

    @property
    def input(self) -> list[str]:
        """The edges as TensorFlow writes them: ``name``, ``name:1`` of a second output, ``^name`` of what it runs after."""
        edges = [x.removesuffix(":0") for x in self.operands if isinstance(x, str)]
        return edges + [f"^{name}" for name in self.control]


class GraphDef:
    """The operations of a graph, in an order in which each comes after those it reads.

    Attributes:
        node: the operations, as ``NodeDef``.
        seed: the graph's random seed.
    """

    def __init__(self, node: Iterable[NodeDef] = (), seed: int | None = None) -> None:
        self.node = list(node)
        self.seed = seed

    @classmethod
    def of(cls, operations: Iterable[Any], seed: int | None = None, insides: bool = False) -> GraphDef:
        """The description of operations in order of creation.

        Those inside loops and branches are left out, as the attributes of these have them, unless ``insides`` are asked for.
        """
        return cls([_described(node) for node in operations if insides or node.body is None], seed)

    # As JSON

    def to_json(self) -> str:
        """The JSON text, for people and programs that change it: bodies first, then a line for each node.

        Raises GraphFileError naming the node that cannot be written, such as a ``py_func``.
        """
        return layout(self.to_data())

    def to_data(self) -> dict[str, Any]:
        """What the JSON text says, as dicts and lists."""
        encoder = Encoder()
        nodes = [_node_to(node, encoder) for node in self.node]
        return {"format": FORMAT, "version": 1, "seed": self.seed, "functions": encoder.functions, "node": nodes}

    @classmethod
    def from_json(cls, text: str | bytes) -> GraphDef:
        """The description that JSON text gives, sealed or not.

        Raises GraphFileError naming the node and field that is wrong, and the line that has changed in a sealed text.
        """
        return cls.from_data(parsed(text, FORMAT, VERSION))

    @classmethod
    def from_data(cls, data: Any) -> GraphDef:
        """As ``from_json``, of JSON that has been parsed."""
        check_format(data, "graph", FORMAT, 1)
        data = fields(data, "graph", "format", "version", "node", optional=("seed", "functions"))
        seed = data.get("seed")
        if seed is not None and type(seed) is not int:
            raise GraphFileError(f"graph: 'seed' has to be an integer or null, not {seed!r}")
        decoder = Decoder(data.get("functions", []), user_line(2))
        made = [_node_from(entry, number, decoder) for number, entry in enumerate(listed(data["node"], "graph: 'node'"))]
        return cls(made, seed)

    def SerializeToString(self) -> bytes:  # noqa: N802 (the protocol buffers' names)
        """What goes to files: the JSON text as bytes, with its seal."""
        return sealed_bytes(self.to_data())

    def ParseFromString(self, data: str | bytes) -> int:  # noqa: N802
        """Become what the JSON text ``data`` describes; its length."""
        found = GraphDef.from_json(data)
        self.node, self.seed = found.node, found.seed
        return len(data)

    FromString = from_json

    def ByteSize(self) -> int:  # noqa: N802
        """The length of what ``SerializeToString`` gives."""
        return len(self.SerializeToString())

    def CopyFrom(self, other: GraphDef) -> None:  # noqa: N802
        """Become a copy of ``other``."""
        self.node, self.seed = [*other.node], other.seed

    def __eq__(self, other: object) -> bool:
        return isinstance(other, GraphDef) and self.to_json() == other.to_json()

    __hash__ = None  # type: ignore[assignment]

    def __str__(self) -> str:
        return self.to_json()

    def __repr__(self) -> str:
        return f"<tf.GraphDef of {len(self.node)} nodes>"


def _described(node: Any) -> NodeDef:
    operands = [f"{x.node.name}:{x.index}" if isinstance(x, Value) else x for x in node.inputs]
    refined = {i: out.spec.dims for i, out in enumerate(node.outputs) if out.spec.dims != node.specs[i].dims}
    return NodeDef(
        node.name,
        name_of(node.op) or node.op.name,
        operands,
        [before.name for before in node.after],
        dict(node.params),
        tuple(node.specs),
        refined,
        gradient_of(node.op),
        [(variable.name, index) for variable, index in node.writes],
        node.device,
    )


def _node_to(node: NodeDef, encoder: Encoder) -> dict[str, Any]:
    about = f"node {node.name!r} (op: {node.op})"
    if known(node.kind) is None:
        raise GraphFileError(f"{about}: its op exists in this process only and cannot be written to a file")
    made: dict[str, Any] = {"name": node.name, "op": node.kind}
    made["input"] = [x if isinstance(x, str) else encoder.value(x) for x in node.operands]
    if node.control:
        made["control"] = list(node.control)
    made["attr"] = encoder.attributes(node.attr, about)
    made["output"] = [spec_to(spec) for spec in node.specs]
    if node.shapes:
        made["shapes"] = {str(i): None if dims is None else list(dims) for i, dims in node.shapes.items()}
    if node.gradient is not None:
        made["gradient"] = node.gradient
    if node.writes:
        made["writes"] = [list(each) for each in node.writes]
    if node.device:
        made["device"] = node.device
    return made


def _node_from(data: Any, number: int, decoder: Decoder) -> NodeDef:
    about = f"node {number}"
    optional = ("control", "attr", "shapes", "gradient", "writes", "device")
    data = fields(data, about, "name", "op", "input", "output", optional=optional)
    name = printable(data["name"], f"{about}: 'name'")
    try:
        check_name(name)
    except ValueError as error:
        raise GraphFileError(f"{about}: {error}") from None
    about = f"node {name!r}"
    found_op(data["op"], about)
    operands = [
        x if isinstance(x, str) else decoder.literal(x, about, i)
        for i, x in enumerate(listed(data["input"], f"{about}: 'input'"))
    ]
    made = NodeDef(name, data["op"], operands)
    made.control = [printable(x, f"{about}: 'control'") for x in listed(data.get("control", []), f"{about}: 'control'")]
    made.attr = decoder.attributes(data.get("attr", {}), about)
    outputs = listed(data["output"], f"{about}: 'output'")
    made.specs = tuple(spec_from(spec, f"{about}: output {i}") for i, spec in enumerate(outputs))
    made.shapes = _shapes(data.get("shapes", {}), about)
    made.writes = _writes(data.get("writes", []), about)
    made.device = printable(data.get("device", ""), f"{about}: 'device'")
    try:
        checked(made.device)
    except ValueError as error:
        raise GraphFileError(f"{about}: 'device': {said(error)}") from None
    if data.get("gradient") is not None:
        made.gradient = printable(data["gradient"], f"{about}: 'gradient'")
    return made


def _shapes(data: Any, about: str) -> dict[int, Shape | None]:
    if not isinstance(data, dict) or not all(key.isdecimal() for key in data):
        raise GraphFileError(f"{about}: 'shapes' has to be an object of shapes by output")
    try:
        return {int(key): None if dims is None else dims_from(dims) for key, dims in data.items()}
    except ValueError as error:
        raise GraphFileError(f"{about}: 'shapes': {error}") from None


def _writes(data: Any, about: str) -> list[tuple[str, int]]:
    each = listed(data, f"{about}: 'writes'")
    if not all(isinstance(x, list) and len(x) == 2 and type(x[0]) is str and type(x[1]) is int for x in each):
        raise GraphFileError(f"{about}: 'writes' has to be a list of names of variables, each with an output's number")
    return [(name, index) for name, index in each]


# Text


_LISTED = frozenset(["output", "snapshot"])
"""What operations and variables have, and nothing else."""


def layout(data: Any, depth: int = 0) -> str:
    """JSON text in which each member of the whole, each operation and each variable begins a line."""
    pad = "\n" + "  " * (depth + 1)
    end = "\n" + "  " * depth
    if isinstance(data, dict) and (not depth or any(_lists_objects(item) for item in data.values())):
        return "{" + ",".join(f"{pad}{json.dumps(key)}: {layout(item, depth + 1)}" for key, item in data.items()) + end + "}"
    if _lists_objects(data):
        return "[" + ",".join(pad + layout(item, depth + 1) for item in data) + end + "]"
    return json.dumps(data, allow_nan=False)


def _lists_objects(data: Any) -> bool:
    return isinstance(data, list) and any(
        isinstance(item, dict) and ("output" in item or "snapshot" in item) for item in data
    )


def sealed_bytes(data: dict[str, Any]) -> bytes:
    """The text of a graph's data as bytes, sealed. Raises GraphFileError where it is too much for a file."""
    try:
        return jsontext.sealed(layout({**data, "version": VERSION}))
    except ValueError as error:
        raise GraphFileError(f"the graph cannot be written: {error}") from None


def parsed(text: str | bytes, name: str, version: int) -> Any:
    """JSON text, sealed or not, as the data of a bare one.

    Raises GraphFileError where it is none, has changed, is of another format, or of a later version than ``version``.
    """
    try:
        data, whole = jsontext.opened(text)
    except ValueError as error:
        damaged = str(error).startswith("it is damaged")
        raise GraphFileError(str(error) if damaged else f"this is no JSON text: {error}") from None
    check_format(data, name.removeprefix("diptych "), name, version)
    if (data["version"] > 1) != whole:
        raise GraphFileError(f"the format's version is {data['version']}, but it is {'' if whole else 'not '}sealed")
    return {**data, "version": 1}


def check_format(data: Any, about: str, name: str, version: int) -> None:
    """Raise GraphFileError where the file is of another kind, or of a later version than this package knows."""
    found = fields(data, about, "format", "version", optional=tuple(data) if isinstance(data, dict) else ())
    if found["format"] != name:
        raise GraphFileError(f"this is a file of the format {found['format']!r:.80}, not {name!r}")
    if type(found["version"]) is not int or not 1 <= found["version"] <= version:
        raise GraphFileError(f"the format's version is {found['version']!r:.80}; this package knows those up to {version}")
