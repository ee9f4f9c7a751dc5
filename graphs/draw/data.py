"""A picture as JSON, and back.

    {"format": "diptych.picture", "version": 2, "pictures": [...], "lines": "...", "digest": "..."}

``pictures`` has the whole picture first, then those of bodies, each after the one that its owner is in. A picture has

    owner, word   the item whose body it is and what it is to it (``body``, ``branches 0``); empty for the whole
    title, dtype  heading, and the dtype that most values have
    show          what stands on arrows
    scale         what boxes are coloured by: ``{"name", "unit", "low", "high", "log"}`` or null
    frames        how clusters look that are more than name scopes: ``[{"scope", "kind"}]``
    devices       the devices that items name
    items         the boxes, in order
    links         the arrows, in order
    pairs         pairs of identifiers of items to be set side by side

An item has ``id``, ``title``, ``kind``, ``phase``, ``status``, ``scope`` (outermost first), ``count`` (of nodes it
stands for), ``root`` (whether it was asked for), ``notes``, ``device``, ``numbers`` (what was measured), ``freed``,
``of`` (for a node of a gradient, the forward item that it belongs to, or null), and of its node ``op``, ``name``,
``place`` (file and line), ``source`` (the line's text) and ``outputs``: ``[{"shape", "dtype"}]``, where a shape is null
for an unknown rank and has null for an unknown dimension. A link has ``from``, ``to``, ``kind``, ``shape`` and
``dtype`` (absent where values differ), ``count``, ``status``, ``upwards``, ``at`` (the argument that the value
becomes), ``out`` (the output that flows, or null), ``label``, ``notes`` and ``numbers``.

``lines`` and ``digest`` are the seal (``graphs/core/jsontext.py``), by which a change in the text is noticed; version 1 has
none, and whoever changes a picture's text makes it of version 1 and leaves them out.

A version may gain keys, never lose them or change what they mean. ``read`` makes the picture again, without what cannot be
written: the nodes themselves. It can be drawn in every format.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any

from graphs.core.errors import GraphsError
from graphs.core.jsontext import opened, sealed
from graphs.core.op import OPS, Op
from graphs.core.spec import Spec
from graphs.draw.labels import full_name, notes, place, title
from graphs.draw.outline import Level, levels
from graphs.draw.picture import Item, Link, Picture, Scale
from graphs.draw.style import CLUSTERS, LINES, LOOKS, STATUSES


FORMAT, VERSION = "diptych.picture", 2


class PictureError(GraphsError, ValueError):
    """A file that is no picture, or one of a later version."""


def data(picture: Picture, *, legend: bool = True, direction: str = "TB") -> bytes:
    """The picture as JSON in UTF-8, sealed; the same bytes for the same picture."""
    del legend, direction
    pictures = ",\n".join(f"{{{_members(made)}\n}}" for made in as_dict(picture)["pictures"])
    return sealed(f'{{"format": {_json(FORMAT)}, "version": {VERSION}, "pictures": [\n{pictures}\n]\n}}')


def as_dict(picture: Picture) -> dict[str, Any]:
    """The picture as plain values; see the module for the keys."""
    return {"format": FORMAT, "version": 1, "pictures": [_picture(level) for level in levels(picture)]}


def _members(made: Mapping[str, Any]) -> str:
    """A picture's members, one a line; of lists, each element a line."""
    lines = []
    for key, value in made.items():
        each = ",".join(f"\n  {_json(element)}" for element in value) if isinstance(value, list) else ""
        lines.append(f"\n {_json(key)}: {f'[{each}]' if isinstance(value, list) else _json(value)}")
    return ",".join(lines)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def _picture(level: Level) -> dict[str, Any]:
    picture, name = level.picture, level.name
    scale = picture.scale
    return {
        "owner": level.owner,
        "word": level.word,
        "title": picture.title,
        "dtype": picture.dtype,
        "show": list(picture.show),
        "scale": None if scale is None else {key: _plain(getattr(scale, key)) for key in Scale.__slots__},
        "frames": [{"scope": list(scope), "kind": kind} for scope, kind in picture.clusters.items()],
        "devices": list(picture.devices),
        "items": [_item(item, level) for item in picture.items],
        "links": [_link(link, name) for link in picture.links],
        "pairs": [[name[one], name[other]] for one, other in picture.pairs],
    }


def _item(item: Item, level: Level) -> dict[str, Any]:
    node = item.node
    where = getattr(node, "where", None)
    return {
        "id": level.name[item.key],
        "title": title(item),
        "kind": item.kind,
        "phase": item.phase,
        "status": item.status,
        "scope": list(item.scope),
        "count": item.count,
        "root": item.root,
        "notes": list(item.notes) if isinstance(item.node, _Node) else notes(item, last=False, dtype=level.picture.dtype),
        "device": item.device,
        "numbers": _numbers(item.numbers),
        "freed": item.freed,
        "of": level.name.get(item.of) if item.of is not None else None,
        "op": "" if node is None else node.op.name,
        "name": "" if node is None else full_name(node),
        "place": "" if node is None else place(node),
        "source": "" if where is None else where.text,
        "outputs": [] if node is None else [_spec(spec) for spec in node.specs],
    }


def _link(link: Link, name: Mapping[int, str]) -> dict[str, Any]:
    return {
        "from": name[link.tail],
        "to": name[link.head],
        "kind": link.kind,
        **({} if link.spec is None else _spec(link.spec)),
        "count": link.count,
        "status": link.status,
        "upwards": link.upwards,
        "at": link.at,
        "out": None if link.value is None else link.value[1],
        "label": link.label,
        "notes": list(link.notes),
        "numbers": _numbers(link.numbers),
    }


def _spec(spec: Spec) -> dict[str, Any]:
    return {"shape": None if spec.dims is None else list(spec.dims), "dtype": spec.dtype.name}


def _numbers(measured: Mapping[str, float]) -> dict[str, Any]:
    return {name: _plain(number) for name, number in measured.items()}


def _plain(value: Any) -> Any:
    """What JSON has a form for: numpy's numbers as Python's, infinities and NaN as text."""
    if isinstance(value, (str, bool)):
        return value
    return float(value) if math.isfinite(value) else str(float(value))


# Back again


class _Node(SimpleNamespace):
    """What is known of an item's node, under the names that a node has."""


def read(text: str | bytes) -> Picture:
    """The picture in JSON text of this module. Raises PictureError where it is none, or of a later version."""
    try:
        given, whole = opened(text)
        if given["format"] != FORMAT or type(given["version"]) is not int:
            raise PictureError("this JSON is no picture")
        if not 1 <= given["version"] <= VERSION:
            raise PictureError(f"a picture of version {given['version']}; {VERSION} is the latest known here")
        if whole != (given["version"] > 1):
            raise PictureError(f"a picture of version {given['version']} is {'not ' if whole else ''}sealed")
        return _read(given["pictures"])
    except (KeyError, IndexError, TypeError, ValueError, AttributeError, OverflowError, RecursionError) as error:
        if isinstance(error, PictureError):
            raise
        raise PictureError(f"this is no picture in JSON: {type(error).__name__} {error}") from None


def _read(pictures: Sequence[Mapping[str, Any]]) -> Picture:
    every = [_made(given) for given in pictures]
    owners: dict[str, Item] = {}
    for given, picture in zip(pictures, every, strict=True):
        if given["owner"]:
            owner = owners[given["owner"]]
            owner.bodies += ((given["word"], picture),)
        owners.update(zip((each["id"] for each in given["items"]), picture.items, strict=True))
    return every[0]


def _made(given: Mapping[str, Any]) -> Picture:
    key = {each["id"]: at for at, each in enumerate(given["items"])}
    scale = given["scale"]
    return Picture(
        [_made_item(each, at, key) for at, each in enumerate(given["items"])],
        [_made_link(each, key) for each in given["links"]],
        [(key[one], key[other]) for one, other in given["pairs"]],
        given["title"],
        given["dtype"],
        tuple(given["show"]),
        None if scale is None else Scale(**{name: _number(scale[name]) for name in Scale.__slots__}),
        {tuple(each["scope"]): _known(each["kind"], CLUSTERS) for each in given["frames"]},
        tuple(given["devices"]),
    )


def _made_item(given: Mapping[str, Any], at: int, key: Mapping[str, int]) -> Item:
    return Item(
        at,
        _known(given["kind"], LOOKS),
        _node(given, at) if given["op"] else None,
        given["phase"],
        tuple(given["scope"]),
        given["title"],
        tuple(given["notes"]),
        given["count"],
        given["root"],
        status=_known(given["status"], STATUSES) if given["status"] else "",
        device=given["device"],
        numbers={name: _number(value) for name, value in given["numbers"].items()},
        freed=given["freed"],
        of=None if given["of"] is None else key[given["of"]],
    )


def _node(given: Mapping[str, Any], at: int) -> _Node:
    file, _, line = given["place"].rpartition(":")
    where = SimpleNamespace(file=file, line=line, text=given["source"]) if given["place"] else None
    op = OPS.get(given["op"]) or Op(lambda xp: None, name=given["op"], shape=lambda: (), dtype=lambda: None)
    specs = [Spec(each["shape"], each["dtype"]) for each in given["outputs"]]
    return _Node(op=op, name=given["name"], where=where, specs=specs, edges=(), params={}, after=(), serial=at, label="")


def _made_link(given: Mapping[str, Any], key: Mapping[str, int]) -> Link:
    return Link(
        key[given["from"]],
        key[given["to"]],
        _known(given["kind"], LINES),
        Spec(given["shape"], given["dtype"]) if "dtype" in given else None,
        given["count"],
        given["upwards"],
        given["status"],
        value=None if given["out"] is None else (key[given["from"]], given["out"]),
        at=given["at"],
        label=given["label"],
        notes=tuple(given["notes"]),
        numbers={name: _number(value) for name, value in given["numbers"].items()},
    )


def _known(word: str, words: Mapping[str, Any]) -> str:
    if word not in words:
        raise PictureError(f"{word!r} is none of {', '.join(words)}")
    return word


def _number(value: Any) -> Any:
    return float(value) if value in ("nan", "inf", "-inf") else value
