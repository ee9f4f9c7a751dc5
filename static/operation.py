"""Operations of a graph, and where they may be used."""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from graphs.core.errors import at_line
from graphs.core.node import Node
from static.defaults import default_session
from static.names import type_name


_VALID = re.compile(r"[A-Za-z0-9.][A-Za-z0-9_.\\/-]*\Z")


class Body:
    """The inside of a loop or branch while it is being built: what is made there belongs to it, and stays there."""

    __slots__ = ("kind", "name", "outer")

    def __init__(self, kind: str, name: str, outer: Body | None) -> None:
        self.kind = kind
        self.name = name
        self.outer = outer

    def within(self, other: Body | None) -> bool:
        """Whether this is ``other`` or lies inside it; None is the graph itself."""
        body: Body | None = self
        while body is not None and body is not other:
            body = body.outer
        return body is other


class Operation(Node):
    """A node of a ``Graph``, as TensorFlow 1 presents it.

    Attributes:
        graph: where it is.
        body: the inside of the loop or branch that it was made in.
        writes: the variables that it changes beside yielding values, each with the output that is the new value.
        device: the name of the device that ``tf.device`` asks for (see ``static.placement``).
    """

    __slots__ = ("graph", "body", "writes", "device")

    graph: Any
    body: Body | None
    writes: tuple[tuple[Operation, int], ...]
    device: str

    @property
    def type(self) -> str:
        """TensorFlow's name of the op: ``MatMul``, ``Sub``."""
        return type_name(self.op.name)

    @property
    def control_inputs(self) -> list[Node]:
        """The operations that must run before this one although no value flows."""
        return list(self.after)

    def values(self) -> tuple[Any, ...]:
        """Its outputs."""
        return tuple(self.outputs)

    def get_attr(self, name: str) -> Any:
        """The setting ``name``; ``dtype``, ``T`` and ``shape`` are the first output's. Raises ValueError for others."""
        if name in ("dtype", "T", "shape") and self.outputs:
            return self.outputs[0].shape if name == "shape" else self.outputs[0].dtype
        if name not in self.params:
            raise ValueError(f"Operation {self.name!r} has no attr named {name!r}.{at_line()}")
        return self.params[name]

    def run(self, feed_dict: Mapping[Any, Any] | None = None, session: Any = None) -> None:
        """Run it in ``session``, by default the default one."""
        default_session(session, self.graph, "Operation.run").run(self, feed_dict)

    def __repr__(self) -> str:
        return f"<tf.Operation '{self.name}' type={self.type}>"


class Here(threading.local):
    """What is in force where a thread builds: each has its own, and begins with none."""

    scope = ""
    after: tuple[Operation, ...] = ()
    devices: tuple[Any, ...] = ()
    body: Body | None = None
    gradients: Mapping[str, str] = MappingProxyType({})
    strict = True


def check_reachable(x: Any, name: str, body: Body | None) -> None:
    """Raise ValueError where the operation ``name``, made in ``body``, may not read ``x``: it is of another body."""
    inner = x.node.body
    if body is None or not body.within(inner):
        raise ValueError(
            f"Cannot use {x.node.name!r} as input to {name!r} because {x.node.name!r} is in a {inner.kind} "
            f"({inner.name!r}, made at {x.node.where}){at_line()}"
        )


def check_name(name: str) -> None:
    """Raise ValueError where ``name`` cannot be the name of an operation or scope."""
    if not _VALID.match(name):
        raise ValueError(f"{name!r} is not a valid scope name")
