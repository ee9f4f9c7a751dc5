"""A node's card: all there is to say of it, as plain values, for a page's hover, a terminal and a debugger.

    from graphs.draw.card import card, rows
    for label, words in rows(card(loss.op)):
        print(f"{label:<12} {words}")

Keys of a card; what is not known or does not apply is empty (``""``, ``[]``, ``{}`` or None), never missing:

    title        what a picture calls it
    op           the op's name; empty for boxes that stand for several nodes
    kind, phase  as in ``picture.Item``
    name         the full name that the program gave it
    about        what it does, from the op's documentation
    mathematics  the formula, for element-wise ops with the node's own scalars and attributes put in; lines of a region
    inputs       for each argument ``{"name", "spec", "value", "from"}``
    outputs      for each output ``{"spec", "bytes"}``
    attributes   ``name=value``, without those at their defaults
    cost         ``{"operations", "read", "written", "kernels", "assumed"}``: arithmetic, bytes, calls; None for what is
                 not known. ``assumed`` says whether sizes that only a run knows have been taken as 1
    line         ``{"place", "text"}``: file and line of the user's program, and what stands there
    frameworks   the same op's name by framework
    gradient     for each argument ``{"of", "rule"}``, in terms of ``g``, the gradient that comes in, and ``out``
    notes        what the picture says besides
    count        how many nodes it stands for

Nothing in it depends on addresses, folders, hash order or on what ran before. Strings are as the program has them: who puts
them into a page escapes them.
"""

from __future__ import annotations

from typing import Any

from graphs.core.arrays import is_array
from graphs.core.errors import GraphsError
from graphs.core.node import Node, Value
from graphs.core.spec import Spec
from graphs.draw.derived import gradient_of
from graphs.draw.formula import mathematics
from graphs.draw.frameworks import frameworks
from graphs.draw.labels import attributes, full_name, literals, place, shorten, title, value_label
from graphs.draw.picture import Item
from graphs.draw.protocol import FORWARD, arguments
from graphs.draw.style import kind_of
from graphs.draw.words import size
from graphs.rewrite import Cost, Shapes


LONGEST = 400
"""Characters of a string on a card."""

Card = dict[str, Any]


def card(of: Any) -> Card:
    """The card of an item of a picture, or of a node or record; see the module for its keys."""
    item = of if isinstance(of, Item) else Item(0, kind_of(of, FORWARD), of)
    node = item.node
    made: Card = {
        "title": title(item),
        "op": "",
        "kind": item.kind,
        "phase": item.phase,
        "name": "",
        "about": "",
        "mathematics": "",
        "inputs": [],
        "outputs": [],
        "attributes": [],
        "cost": {},
        "line": {},
        "frameworks": {},
        "gradient": [],
        "notes": [_short(note) for note in item.notes],
        "count": item.count,
    }
    if node is None:
        return made
    op = node.op
    made |= {
        "op": op.name,
        "name": _short(full_name(node)),
        "about": _short(op.doc.split("\n\n")[0].replace("``", "").replace("\n", " ")),
        "mathematics": mathematics(node),
        "inputs": inputs(node),
        "outputs": [{"spec": str(spec), "bytes": _bytes(spec)} for spec in specs_of(node)],
        "attributes": [_short(each) for each in attributes(node)],
        "cost": cost(node),
        "line": _line(node),
        "frameworks": frameworks(op.name),
        "gradient": gradient_of(node) if node.edges or literals(node) else [],
    }
    return made


def inputs(node: Any) -> list[dict[str, str]]:
    """For each argument its name, spec, value (of scalars and short arrays) and the name of the node it comes from."""
    found = []
    names = node.op.names
    for at, given in enumerate(arguments(node)):
        made = {"name": names[at].lstrip("_") if at < len(names) else str(at), "spec": "", "value": "", "from": ""}
        if at < len(node.edges) and (edge := node.edges[at]) is not None:
            made["spec"] = str(_spec_of(edge))
            made["from"] = _short(full_name(edge.node)) + (f":{edge.index}" if edge.index else "")
        elif isinstance(given, tuple):
            made["spec"] = str(Spec(*given))
        elif is_array(given):
            made["spec"] = str(Spec.of(given))
            made["value"] = value_label(given) if given.size <= 1 else ""
        elif given is not None:
            made["value"] = value_label(given)
        found.append(made)
    return found


def specs_of(node: Any) -> list[Spec]:
    """The specs of a node's outputs, as far as its graph has refined them."""
    return [x.spec for x in node.outputs] if isinstance(node, Node) else list(node.specs)


def cost(node: Any) -> dict[str, Any]:
    """Arithmetic, bytes and calls of one run of a node; ``assumed`` where unknown dimensions have been taken as 1."""
    stand = node if isinstance(node, Node) else _Stand(node)
    if "source" in node.op.traits:
        return {"operations": 0, "read": 0, "written": 0, "kernels": 0, "assumed": False}
    try:
        found, assumed = Cost.of([stand], shapes=_Given()), False
        if found.operations is None:
            found, assumed = Cost.of([stand], shapes=_Ones()), True
    except (GraphsError, TypeError, ValueError, AttributeError, IndexError):  # a record of which too little is left
        return {"operations": None, "read": None, "written": None, "kernels": None, "assumed": False}
    known = _Ones() if assumed else _Given()
    read: int | None = 0
    for x in stand.inputs if found.kernels else ():
        count = None if x is None else _bytes(known.of(x))
        read = None if read is None or count is None else read + count
    return {
        "operations": found.operations,
        "read": read,
        "written": found.bytes,
        "kernels": found.kernels,
        "assumed": assumed and found.operations is not None,
    }


class _Given(Shapes):
    """Shapes of values, of which the specs themselves stand for some."""

    def of(self, x: Any) -> Spec:
        """The spec of ``x``, which may be it."""
        return x if isinstance(x, Spec) else super().of(x)


class _Ones(_Given):
    """The same, with 1 for what is not known."""

    def of(self, x: Any) -> Spec:
        """The spec of ``x``, filled up."""
        spec = super().of(x)
        return spec if spec.dims is None else Spec([1 if dim is None else dim for dim in spec.dims], spec.dtype)


class _Stand:
    """A record as costs see a node: specs stand for values."""

    def __init__(self, record: Any) -> None:
        self.op = record.op
        self.params = record.params
        self.outputs = self.specs = list(record.specs)
        self.width = len(self.specs)
        self.inputs: list[Any] = []
        for edge, known in zip(record.edges, arguments(record), strict=True):
            self.inputs.append(_spec_of(edge) if edge is not None else Spec(*known) if isinstance(known, tuple) else known)


def _spec_of(edge: Any) -> Spec:
    spec: Spec = edge.spec if isinstance(edge, Value) else edge.node.specs[edge.index]
    return spec


def _bytes(spec: Spec) -> int | None:
    if spec.dtype.kind == "O":
        return None
    return None if spec.size is None else spec.size * spec.dtype.itemsize


def _line(node: Any) -> dict[str, str]:
    where = getattr(node, "where", None)
    return {} if where is None else {"place": place(node), "text": _short(where.text)}


def _short(words: str) -> str:
    return shorten(words, LONGEST)


# For people

LABELS = (
    "op",
    "name",
    "mathematics",
    "inputs",
    "outputs",
    "attributes",
    "cost",
    "line",
    "TensorFlow",
    "PyTorch",
    "gradient",
    "notes",
)
"""What rows of a card can be called, in order."""


def rows(of: Card) -> list[tuple[str, str]]:
    """A card in words: pairs of a label and what it says, without those that say nothing. Words can have several lines."""
    said = {
        "op": f"{of['op']}: {of['about']}" if of["about"] else of["op"],
        "name": of["name"] if of["name"] not in (of["op"], of["title"]) else "",
        "mathematics": of["mathematics"],
        "inputs": "\n".join(_input(each) for each in of["inputs"]),
        "outputs": "\n".join(_output(each) for each in of["outputs"]),
        "attributes": ", ".join(of["attributes"]),
        "cost": _cost(of["cost"]),
        "line": "  ".join(part for part in (of["line"].get("place", ""), of["line"].get("text", "")) if part),
        **of["frameworks"],
        "gradient": "\n".join(_rule(each) for each in of["gradient"]),
        "notes": "\n".join([*of["notes"], *([f"stands for {of['count']:,} nodes"] if of["count"] > 1 else [])]),
    }
    return [(label, said[label]) for label in LABELS if said.get(label)]


def _input(given: dict[str, str]) -> str:
    words = [given["spec"] or given["value"] or "not known"]
    words += [f"= {given['value']}"] if given["value"] and given["spec"] else []
    words += [f"from {given['from']}"] if given["from"] else []
    return f"{given['name']}: {' '.join(words)}"


def _output(made: dict[str, Any]) -> str:
    count = made["bytes"]
    return str(made["spec"]) if count is None else f"{made['spec']}, {size(count)}"


def _cost(found: dict[str, Any]) -> str:
    if not found or found["kernels"] == 0:
        return "no kernel is called" if found else ""
    work, read, written = found["operations"], found["read"], found["written"]
    words = [
        "" if work is None else f"{work:,} operation{'s' * (work != 1)}",
        "" if read is None else f"{size(read)} read",
        "" if written is None else f"{size(written)} written",
    ]
    told = ", ".join(word for word in words if word)
    assumed = " (with 1 for each size that only a run knows)" if found["assumed"] else ""
    return f"{told}{assumed}" or "not known: it depends on sizes that a run decides"


def _rule(each: dict[str, str]) -> str:
    rule = f" {each['rule']}" if "\n" not in each["rule"] else "".join(f"\n  {line}" for line in each["rule"].split("\n"))
    return f"{each['of']}:{rule}" if each["of"] else each["rule"]


__all__ = ["Card", "LABELS", "card", "cost", "inputs", "rows", "specs_of"]
