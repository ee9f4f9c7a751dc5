"""``MetaGraphDef``: a graph with its variables, its collections and how they are saved, as data and as JSON."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any, BinaryIO

from graphs.core import jsontext
from graphs.core.errors import at_line
from graphs.core.files import reading
from graphs.core.node import Value
from static import logging
from static.export.definitions import VERSION, GraphDef, layout, parsed, sealed_bytes
from static.export.forms import GraphFileError, fields, listed
from static.export.reading import import_graph_def
from static.export.values import Decoder, Encoder
from static.files import write_whole
from static.graph import Graph, Operation, get_default_graph
from static.variables import Variable


_FORMAT = "diptych meta graph"


class MetaGraphDef:
    """A graph and what belongs to it.

    Attributes:
        graph_def: the operations.
        variables: for each variable the names of its operations and tensors, and its settings.
        collection_def: for each collection its items: ``{"variable": name}``, ``{"tensor": name}``, ``{"operation": name}``,
            or a plain value.
        saver_def: how a ``Saver`` saves, None where there is none.
    """

    def __init__(
        self,
        graph_def: GraphDef | None = None,
        variables: Iterable[Mapping[str, Any]] = (),
        collection_def: Mapping[str, list[Any]] | None = None,
        saver_def: Mapping[str, Any] | None = None,
    ) -> None:
        self.graph_def = graph_def or GraphDef()
        self.variables = [dict(each) for each in variables]
        self.collection_def = dict(collection_def or {})
        self.saver_def = None if saver_def is None else dict(saver_def)

    @classmethod
    def of(
        cls, graph: Graph, collections: Iterable[str] | None = None, saver_def: Mapping[str, Any] | None = None
    ) -> MetaGraphDef:
        """The description of ``graph`` by now, with its ``collections`` (by default all).

        Items that no file can hold are left out with a warning, as TensorFlow does.
        """
        kept = {}
        for key in graph.get_all_collection_keys() if collections is None else collections:
            items = [_reference(item, key) for item in graph.get_collection(key)]
            if None not in items and items:
                kept[key] = items
        variables = [each.definition() for each in graph.variables.values()]
        return cls(graph.as_graph_def(), variables, kept, saver_def)

    def to_json(self) -> str:
        """The JSON text, for people and programs that change it.

        Raises GraphFileError naming the node that cannot be written.
        """
        return layout(self._to_data())

    def _to_data(self) -> dict[str, Any]:
        return {
            "format": _FORMAT,
            "version": 1,
            "graph": self.graph_def.to_data(),
            "variables": self.variables,
            "collections": self.collection_def,
            "saver": self.saver_def,
        }

    @classmethod
    def from_json(cls, text: str | bytes) -> MetaGraphDef:
        """The description that JSON text gives, sealed or not.

        Raises GraphFileError naming what is wrong, and the line that has changed in a sealed text.
        """
        names = ("format", "version", "graph", "variables", "collections", "saver")
        data = fields(parsed(text, _FORMAT, VERSION), "meta graph", *names)
        collections = data["collections"]
        if not isinstance(collections, dict) or not all(isinstance(items, list) for items in collections.values()):
            raise GraphFileError("meta graph: 'collections' has to be an object of lists")
        if data["saver"] is not None and not isinstance(data["saver"], dict):
            raise GraphFileError("meta graph: 'saver' has to be an object or null")
        settings = ("trainable", "validate_shape")
        variables = [
            fields(each, f"variable {i}", "name", "initial_value", "initializer", "snapshot", *settings)
            for i, each in enumerate(listed(data["variables"], "meta graph: 'variables'"))
        ]
        for number, each in enumerate(variables):
            if not all(isinstance(each[name], str) for name in each if name not in settings):
                raise GraphFileError(f"variable {number}: its names have to be text")
            if not all(isinstance(each[name], bool) for name in settings):
                raise GraphFileError(f"variable {each['name']!r}: {' and '.join(settings)} have to be true or false")
        return cls(GraphDef.from_data(data["graph"]), variables, collections, data["saver"])

    def SerializeToString(self) -> bytes:  # noqa: N802 (the protocol buffers' name)
        """What goes to files: the JSON text as bytes, with its seal."""
        return sealed_bytes(self._to_data())

    def __str__(self) -> str:
        return self.to_json()


def _reference(item: Any, key: str) -> Any:
    """An item of a collection as JSON; None, after a warning, where it has none."""
    if isinstance(item, Variable):
        return {"variable": item.op.name}
    if isinstance(item, Value):
        return {"tensor": item.name}  # type: ignore[attr-defined]
    if isinstance(item, Operation):
        return {"operation": item.name}
    encoder = Encoder()
    try:
        value = encoder.value(item)
        if not encoder.functions:
            return {"value": value}
        raise GraphFileError("it holds a body")
    except GraphFileError as error:
        logging.warning("The collection %r is not written: %s", key, error)
        return None


def restored(meta: MetaGraphDef, scope: str | None = None) -> dict[str, Variable]:
    """Add what ``meta`` describes to the default graph; its variables by the names that ``meta`` has for them.

    ``scope`` is put before all names. Raises GraphFileError or ValueError as ``import_graph_def`` does, before anything is
    added.
    """
    graph = get_default_graph()
    plain = _checked(meta)
    with graph.name_scope(None):
        prefix = f"{graph.unique_name(scope, mark_as_used=False)}/" if scope else ""
        import_graph_def(meta.graph_def, name=scope or "")
    variables = {}
    for each in meta.variables:
        names = (f"{each['name']}:0", each["initial_value"], each["initializer"], each["snapshot"])
        handle, initial, initializer, snapshot = (graph.as_graph_element(prefix + name) for name in names)
        variables[each["name"]] = Variable.of_nodes(handle, initial, initializer, snapshot, each)
    for key, items in meta.collection_def.items():
        for place, item in enumerate(items):
            ((kind, content),) = item.items()
            if kind == "value":
                graph.add_to_collection(key, plain[key, place])
            else:
                made = variables[content] if kind == "variable" else graph.as_graph_element(prefix + content)
                graph.add_to_collection(key, made)
    return variables


def _checked(meta: MetaGraphDef) -> dict[tuple[str, int], Any]:
    """The plain values in collections, by collection and place.

    Raises GraphFileError where a variable or an item of a collection names what the graph has not.
    """
    operations = {node.name for node in meta.graph_def.node}
    tensors = {f"{node.name}:{i}" for node in meta.graph_def.node for i in range(len(node.specs))}
    for each in meta.variables:
        about = f"variable {each['name']!r}"
        for name in (each["name"], each["initializer"]):
            _check_there(name, operations, about)
        for name in (f"{each['name']}:0", each["initial_value"], each["snapshot"]):
            _check_there(name, tensors, about)
    kinds = {"variable": {each["name"] for each in meta.variables}, "tensor": tensors, "operation": operations}
    plain = {}
    for key, items in meta.collection_def.items():
        about = f"collection {key!r}"
        for place, data in enumerate(items):
            if not isinstance(data, dict) or len(data) != 1:
                raise GraphFileError(f"{about}: {str(data)[:80]!r} is no item of a collection")
            ((kind, content),) = data.items()
            if kind == "value":
                plain[key, place] = Decoder().value(content)
            elif kind in kinds:
                _check_there(content, kinds[kind], about)
            else:
                raise GraphFileError(f"{about}: {kind!r} is no kind of item")
    return plain


def _check_there(name: Any, names: set[str], about: str) -> None:
    if not isinstance(name, str) or name not in names:
        raise GraphFileError(f"{about}: there is no {str(name)[:80]!r} in the graph")


# Files


def write_graph(graph_or_graph_def: Any, logdir: str, name: str, as_text: bool = True) -> str:
    """Write a graph, or the description of one, to the file ``name`` in ``logdir`` (made where it is not there); its path.

    It is JSON text either way. Raises GraphFileError naming the node that cannot be written.
    """
    given = graph_or_graph_def.as_graph_def() if isinstance(graph_or_graph_def, Graph) else graph_or_graph_def
    os.makedirs(logdir, exist_ok=True)
    path = os.path.join(logdir, name)
    write_whole(path, given.SerializeToString())
    return path


def export_meta_graph(
    filename: str | None = None,
    meta_info_def: Any = None,
    graph_def: GraphDef | None = None,
    saver_def: Mapping[str, Any] | None = None,
    collection_list: Iterable[str] | None = None,
    as_text: bool = False,
    graph: Graph | None = None,
    export_scope: str | None = None,
    clear_devices: bool = False,
    clear_extraneous_savers: bool = False,
    strip_default_attrs: bool = False,
    save_debug_info: bool = False,
) -> MetaGraphDef:
    """The description of ``graph`` (by default the default one) with its collections; ``filename`` is where to write it."""
    if export_scope is not None:
        raise ValueError(f"export_scope is not supported: a graph is exported whole{at_line()}")
    meta = MetaGraphDef.of(graph or get_default_graph(), collection_list, saver_def)
    meta.graph_def = graph_def or meta.graph_def
    if clear_devices:
        for node in meta.graph_def.node:
            node.device = ""
    if filename:
        write_whole(filename, meta.SerializeToString())
    return meta


def read_meta_graph(meta_graph_or_file: Any) -> MetaGraphDef:
    """The description itself, or the one that is in a file. Raises OSError where there is none."""
    if isinstance(meta_graph_or_file, MetaGraphDef):
        return meta_graph_or_file
    path = os.fspath(meta_graph_or_file)
    if not os.path.isfile(path):
        raise OSError(f"File {path} does not exist.")
    try:
        with reading(path) as (file, _):
            return MetaGraphDef.from_json(_whole(file))
    except ValueError as error:
        raise GraphFileError(f"{path}: {error}") from None


def _whole(file: BinaryIO) -> bytes:
    """All of a file, after a look at how much it would become: nothing is kept of one that says too much."""
    count = 0
    while block := file.read(1 << 20):
        if b"\0" in block:
            raise ValueError("this is no JSON text: it has bytes that are none")
        count = jsontext.check_amount(block, count)
    file.seek(0)
    return file.read()
