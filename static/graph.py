"""Graphs: what operations they hold, under which names, in which scopes and after what."""

from __future__ import annotations

import difflib
import re
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from graphs.core.errors import user_line
from graphs.core.node import Node, Value
from graphs.core.notebook import Shown
from graphs.core.op import Op
from graphs.core.spec import Spec
from static.defaults import graphs, pushed
from static.devices import Beside, accelerated, checked, placed
from static.export.definitions import GraphDef
from static.keys import GraphKeys as GraphKeys
from static.names import type_name
from static.operation import Body as Body, Here, Operation as Operation, check_name as check_name, check_reachable
from static.overrides import overridden


class Graph(Shown):
    """Operations, in order of creation. It grows until it is finalised; no operation in it ever changes.

    Several threads may build at once, also while others run it. Scopes, control dependencies and devices are a thread's own.
    """

    def __init__(self) -> None:
        self._operations: dict[str, Operation] = {}
        self._taken: dict[str, int] = {}
        self._naming = threading.Lock()
        self._here = Here()
        self.newest: Operation | None = None
        self._collections: dict[Any, list[Any]] = {}
        self._finalized = False
        self.variables: dict[Operation, Any] = {}
        self.seed: int | None = None
        self.accelerated = False

    # Building

    def add(
        self,
        op: Op,
        inputs: tuple[Any, ...],
        params: Mapping[str, Any],
        specs: tuple[Spec, ...],
        name: str,
        value: Callable[[Node, int], Any],
    ) -> Operation:
        """Make a node under ``name`` (see ``unique_name``), after the control dependencies in force."""
        where = user_line(2)
        here = self._here
        if here.gradients and type_name(op.name) in here.gradients:
            op = overridden(op, here.gradients[type_name(op.name)])
        check_name(name)
        self.check_open(f"add {name!r} to it", where)
        seen = {x.node for x in inputs if hasattr(x, "node")} if here.after else ()
        after = tuple(node for node in here.after if node not in seen)
        body = here.body
        for x in inputs:
            if isinstance(x, Value) and (inner := x.node.body) is not body and inner is not None:  # type: ignore[attr-defined]
                check_reachable(x, name, body)
        node = Operation(op, inputs, params, specs, name, value=value, where=where, after=after)
        put = object.__setattr__
        put(node, "graph", self)
        put(node, "body", body)
        put(node, "writes", ())
        put(node, "device", placed(node, here.devices) if here.devices else "")
        if node.device and not self.accelerated:
            self.accelerated = accelerated(node.device)
        self._operations[name] = self.newest = node
        return node

    def check_open(self, what: str, where: Any = None) -> None:
        """Raise RuntimeError where the graph has been finalised; ``what`` says what was about to be done to it."""
        if self._finalized:
            raise RuntimeError(f"Graph is finalized and cannot be modified: cannot {what}\n  at {where or user_line(3)}")

    def unique_name(self, name: str, mark_as_used: bool = True) -> str:
        """``name`` under the current scope, with ``_1``, ``_2`` and so on where it is taken (in upper or lower case).

        A name that ends in ``/`` is a scope's, whole already: what has it is called like the scope.
        """
        if name.endswith("/"):
            return name[:-1]
        return self._unique(f"{self._here.scope}/{name}" if self._here.scope else name, mark_as_used)

    def _unique(self, full: str, mark: bool = True) -> str:
        key = full.lower()
        with self._naming:
            count = self._taken.get(key)
            if count is None:
                if mark:
                    self._taken[key] = 1
                return full
            while True:
                fresh = f"{full}_{count}"
                count += 1
                if fresh.lower() not in self._taken:
                    break
            if mark:
                self._taken[key] = count
                self._taken[fresh.lower()] = 1
            return fresh

    @contextmanager
    def name_scope(self, name: str | None) -> Iterator[str]:
        """Put ``name/`` before names made inside. One that ends in ``/`` is reopened as it is; None leaves all scopes."""
        before = self._here.scope
        if not name:
            self._here.scope = ""
        else:
            scope = name[:-1] if name.endswith("/") else self.unique_name(name)
            check_name(scope)
            self._here.scope = scope
        try:
            yield f"{self._here.scope}/" if self._here.scope else ""
        finally:
            self._here.scope = before

    def get_name_scope(self) -> str:
        """The name scope in force, without the slash at its end."""
        return self._here.scope

    @contextmanager
    def control_dependencies(self, inputs: Iterable[Any] | None) -> Iterator[None]:
        """Make what is built inside run after ``inputs`` (operations, tensors, variables); None clears the outer ones."""
        before = self._here.after
        found = [self.as_graph_element(x) for x in inputs or ()]
        nodes: list[Any] = [x.node if isinstance(x, Value) else x for x in found]
        self._here.after = () if inputs is None else tuple(dict.fromkeys((*before, *nodes)))
        try:
            yield
        finally:
            self._here.after = before

    @contextmanager
    def gradient_override_map(self, op_type_map: Mapping[str, str]) -> Iterator[None]:
        """Give operations made inside the gradient that the map has for their type (see ``RegisterGradient``)."""
        if not isinstance(op_type_map, dict) or not all(isinstance(x, str) for pair in op_type_map.items() for x in pair):
            raise TypeError("op_type_map must be a dictionary mapping strings to strings")
        before = self._here.gradients
        self._here.gradients = {**before, **op_type_map}
        try:
            yield
        finally:
            self._here.gradients = before

    @contextmanager
    def inside(self, body: Body | None) -> Iterator[None]:
        """Make what is built inside part of ``body`` (None: of no loop or branch), without control dependencies."""
        here = self._here
        before, here.body = here.body, body
        after, here.after = here.after, ()
        try:
            yield
        finally:
            here.body, here.after = before, after

    def device(self, device_name_or_function: Any) -> AbstractContextManager[None]:
        """Record a device on what is built inside (see ``Operation``): a name, a function of an operation, or None."""
        return self._on(checked(device_name_or_function))

    @contextmanager
    def _on(self, device: Any) -> Iterator[None]:
        before = self._here.devices
        self._here.devices = (*before, device)
        try:
            yield
        finally:
            self._here.devices = before

    def colocate_with(self, op: Any, ignore_existing: bool = False) -> AbstractContextManager[None]:
        """Record the device of ``op`` (an operation, tensor or variable) on what is built inside."""
        found = self.as_graph_element(op)
        return self._on(Beside(found.node if isinstance(found, Value) else found))

    @property
    def body(self) -> Body | None:
        """The loop or branch whose inside is being built."""
        return self._here.body

    @property
    def strict(self) -> bool:
        """Whether ops mix no dtypes (see ``lenient``)."""
        return self._here.strict

    @property
    def dependencies(self) -> tuple[Operation, ...]:
        """The control dependencies in force."""
        return self._here.after

    @contextmanager
    def lenient(self) -> Iterator[None]:
        """Let ops mix dtypes as numpy does, which is how gradient rules and update rules are written."""
        before, self._here.strict = self._here.strict, False
        try:
            yield
        finally:
            self._here.strict = before

    def finalize(self) -> None:
        """Let nothing be added from now on."""
        self._finalized = True

    def unfinalize(self) -> None:
        """Let things be added again."""
        self._finalized = False

    @property
    def finalized(self) -> bool:
        """Whether it has been finalised."""
        return self._finalized

    def as_default(self) -> AbstractContextManager[Graph]:
        """A context in which this is the graph that operations go to."""
        return pushed(graphs, self)

    def enter_scope(self, scope: str) -> None:
        """Put ``scope/`` before the names of the nodes made from now on, until the enclosing ``name_scope`` ends."""
        self._here.scope = scope

    def as_graph_def(self, from_version: int | None = None, add_shapes: bool = False) -> GraphDef:
        """What it holds by now, as data (see ``tf.import_graph_def``)."""
        return GraphDef.of(self.get_operations(), self.seed)

    # Looking things up

    def get_operations(self) -> list[Operation]:
        """The operations in order of creation."""
        return list(self._operations.values())

    def get_operation_by_name(self, name: str) -> Operation:
        """The operation called ``name``. Raises KeyError, naming the nearest, where there is none."""
        try:
            return self._operations[name]
        except KeyError:
            near = difflib.get_close_matches(name, self._operations, 3)
            hint = f" Near it: {', '.join(near)}." if near else ""
            raise KeyError(f"The name {name!r} refers to an Operation not in the graph.{hint}") from None

    def get_tensor_by_name(self, name: str) -> Any:
        """The tensor called ``name``, which ends in ``:0`` or another output number."""
        base, colon, index = name.partition(":")
        if not colon or not index.isdecimal():
            raise ValueError(f"The name {name!r} looks like an Operation's: a Tensor's has the form '<op_name>:<output>'.")
        outputs = self.get_operation_by_name(base).outputs
        if int(index) >= len(outputs):
            raise KeyError(f"The name {name!r} refers to output {index} of an Operation that has {len(outputs)}.")
        return outputs[int(index)]

    def as_graph_element(self, obj: Any, allow_tensor: bool = True, allow_operation: bool = True) -> Any:
        """The tensor or operation of this graph that ``obj`` is, stands for (a variable) or names (a string).

        Raises TypeError for anything else, ValueError for one of another graph, KeyError for an unknown name.
        """
        if isinstance(obj, str):
            named_tensor = ":" in obj
            found: Any = self.get_tensor_by_name(obj) if named_tensor else self.get_operation_by_name(obj)
        else:
            stands_for = getattr(type(obj), "_as_graph_element", None)
            found = obj if stands_for is None else stands_for(obj)
        if not (isinstance(found, Value) and allow_tensor) and not (isinstance(found, Operation) and allow_operation):
            wanted = " or ".join(["a Tensor"] * allow_tensor + ["an Operation"] * allow_operation)
            raise TypeError(f"Can not convert a {type(obj).__name__} into {wanted}.")
        node = found.node if isinstance(found, Value) else found
        if getattr(node, "graph", None) is not self:
            kind = "Tensor" if isinstance(found, Value) else "Operation"
            raise ValueError(
                f"{kind} {node.name!r} is not an element of this graph: it was made in another, at {node.where}"
            )
        return found

    @property
    def version(self) -> int:
        """How many operations it has: a number that grows with it."""
        return len(self._operations)

    def is_feedable(self, tensor: Any) -> bool:
        """Whether a run may be given a value for ``tensor``: one that is in no loop or branch."""
        return self.as_graph_element(tensor, allow_operation=False).node.body is None

    def is_fetchable(self, tensor_or_op: Any) -> bool:
        """Whether a run may fetch it: what is in no loop or branch."""
        found = self.as_graph_element(tensor_or_op)
        node: Any = found.node if isinstance(found, Value) else found
        return node.body is None

    # Collections

    def add_to_collection(self, name: Any, value: Any) -> None:
        """Append ``value`` to the collection ``name``."""
        self.check_open(f"add to the collection {name!r}")
        self._collections.setdefault(name, []).append(value)

    def add_to_collections(self, names: Any, value: Any) -> None:
        """Append ``value`` to each of the collections ``names``, which may be one name."""
        for name in dict.fromkeys((names,) if isinstance(names, str) else names):
            self.add_to_collection(name, value)

    def get_collection(self, name: Any, scope: str | None = None) -> list[Any]:
        """What the collection holds; with ``scope`` only what has a name that begins as this regular expression says."""
        found = list(self._collections.get(name, ()))
        if scope is None:
            return found
        return [x for x in found if hasattr(x, "name") and re.match(scope, x.name)]

    def get_collection_ref(self, name: Any) -> list[Any]:
        """The collection itself, which may be changed."""
        return self._collections.setdefault(name, [])

    def clear_collection(self, name: Any) -> None:
        """Empty the collection."""
        self.check_open(f"clear the collection {name!r}")
        self._collections.pop(name, None)

    def get_all_collection_keys(self) -> list[Any]:
        """The names of the collections that are not empty."""
        return [name for name, values in self._collections.items() if values and isinstance(name, str)]


# The default graph


class _Globally:
    """The graph that stands in where no ``as_default`` is in force; all threads see the same one."""

    graph = Graph()


def get_default_graph() -> Graph:
    """The graph that operations without tensor arguments go to."""
    stack = graphs.get()
    return stack[-1] if stack else _Globally.graph


def reset_default_graph() -> None:
    """Start with an empty global graph. Raises AssertionError inside an ``as_default`` block."""
    if graphs.get():
        raise AssertionError("Do not use tf.reset_default_graph() to clear nested graphs.")
    _Globally.graph = Graph()


# The current graph's methods as functions


def name_scope(name: str | None, default_name: str | None = None, values: Any = None) -> AbstractContextManager[str]:
    """Put ``name/`` (``default_name/`` where it is None) before the names made inside."""
    return get_default_graph().name_scope(default_name if name is None else name)


def control_dependencies(control_inputs: Iterable[Any] | None) -> AbstractContextManager[None]:
    """Make what is built inside run after ``control_inputs``."""
    return get_default_graph().control_dependencies(control_inputs)


def add_to_collection(name: Any, value: Any) -> None:
    """Append ``value`` to the default graph's collection ``name``."""
    get_default_graph().add_to_collection(name, value)


def get_collection(key: Any, scope: str | None = None) -> list[Any]:
    """What the default graph's collection ``key`` holds."""
    return get_default_graph().get_collection(key, scope)


def add_to_collections(names: Any, value: Any) -> None:
    """Append ``value`` to each of the default graph's collections ``names``."""
    get_default_graph().add_to_collections(names, value)


def get_collection_ref(key: Any) -> list[Any]:
    """The default graph's collection ``key`` itself, which may be changed."""
    return get_default_graph().get_collection_ref(key)


def set_random_seed(seed: int | None) -> None:
    """Make the default graph's random operations draw the same in each new session (see ``Session``)."""
    get_default_graph().seed = seed


def device(device_name_or_function: Any) -> AbstractContextManager[None]:
    """Record a device on what is built inside: there it is done (``static.placement``). Names nest, None starts anew."""
    return get_default_graph().device(device_name_or_function)


def colocate_with(op: Any, ignore_existing: bool = False) -> AbstractContextManager[None]:
    """Record the device of ``op`` on what is built inside."""
    return get_default_graph().colocate_with(op, ignore_existing)
