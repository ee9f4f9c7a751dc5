"""The words on a picture: titles, notes, shapes. Nothing here depends on what ran before, on addresses or on hash order."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import groupby
from pathlib import PurePath
from typing import Any

import numpy

from graphs.core.arrays import is_array
from graphs.core.function import Function
from graphs.core.quoting import remark
from graphs.core.spec import Spec, show as show_dims
from graphs.draw.picture import Item, Link
from graphs.draw.protocol import arguments, path_of
from graphs.draw.style import SOURCES


LONGEST = 40
"""Characters of a title or note that are drawn."""

FEW = 4
"""Elements of an array that are written out."""

TIMES = "\u00d7"
"""The sign of multiplication."""

_NUMBERED = re.compile(r"_\d+$")


def shorten(text: str, longest: int = LONGEST) -> str:
    """``text`` on one line, control characters written out, cut in the middle where it is too long."""
    text = remark(text)
    if len(text) <= longest:
        return text
    half = (longest - 1) // 2
    return f"{text[:half]}…{text[-half:]}"


def title(item: Item) -> str:
    """What an item is called: a source by its name, anything else by its op."""
    if item.title:
        return shorten(item.title)
    node = item.node
    return shorten((given_name(node) or node.op.name) if item.kind in SOURCES else node.op.name)


def notes(item: Item, *, last: bool, dtype: str, within: str = "") -> list[str]:
    """The small lines below an item's title; ``last`` when no link shows what it yields, ``within`` a scope not drawn."""
    lines = [*item.notes, within]
    node = item.node
    if node is not None and not item.title:
        name = given_name(node)
        if name and item.kind not in SOURCES:
            lines.append(name)
        lines += [*literals(node), *attributes(node)]
        if parts(node):
            lines.append("of " + ", ".join(path_of(each)[-1] for each in parts(node)))
    if node is not None and last:
        specs = ", ".join(spec_label(spec, dtype) or spec.dtype.name for spec in node.specs)
        lines += [] if specs and specs in item.title else [specs]
    return [shorten(line) for line in lines if line]


def full_name(node: Any) -> str:
    """A node's name in its graph, without the number of one that its graph did not name."""
    return "/".join(path_of(node))


def given_name(node: Any) -> str:
    """The last part of a node's name where somebody chose it; empty where it says the op again (``MatMul_1``, ``sub``)."""
    leaf = (node.name or "").rsplit("/", 1)[-1]
    if leaf != path_of(node)[-1]:
        return ""
    plain = _NUMBERED.sub("", leaf).replace("_", "").lower()
    words = (node.op.name.replace("_", ""), str(getattr(node, "type", "")).lower())
    return "" if plain in words or (len(plain) > 2 and any(plain in word for word in words)) else leaf


def literals(node: Any) -> list[str]:
    """A node's scalar arguments, as ``name=value``."""
    found = []
    names = node.op.names
    for position, value in enumerate(arguments(node)):
        if isinstance(value, (bool, int, float, complex, numpy.generic)) or (is_array(value) and value.ndim == 0):
            name = names[position] if position < len(names) else str(position)
            found.append(f"{name}={value_label(value)}")
    return found


def attributes(node: Any) -> list[str]:
    """A node's attributes that are not at their defaults, as ``name=value``; Functions are drawn, not named."""
    found = []
    defaults = node.op.attributes
    for name, value in node.params.items():
        if name == "spec" or value is None or isinstance(value, Function):
            continue
        if name == "label" and "fused" in node.op.traits and (parts(node) or value == given_name(node)):
            continue
        if isinstance(value, (tuple, list)) and any(isinstance(each, Function) for each in value):
            continue
        default = defaults.get(name)
        if type(value) is type(default) and isinstance(value, (bool, int, float, str)) and value == default:
            continue
        found.append(f"{name}={value_label(value)}")
    return found


def value_label(value: Any) -> str:
    """A parameter's value in few words; never an address."""
    if isinstance(value, numpy.generic) or (is_array(value) and value.ndim == 0):
        return f"{value.item():g}" if value.dtype.kind == "f" else str(value.item())
    if is_array(value):
        few = value.ndim == 1 and value.size <= FEW
        return f"[{', '.join(map(value_label, value))}]" if few else str(Spec.of(value))
    if isinstance(value, numpy.dtype):
        return value.name
    if isinstance(value, (bool, int, float, complex, str, type(None))):
        return repr(value) if isinstance(value, str) else str(value)
    if isinstance(value, slice):
        start, stop, step = ("" if part is None else value_label(part) for part in (value.start, value.stop, value.step))
        return f"{start}:{stop}" + (f":{step}" if step else "")
    if isinstance(value, (tuple, list)):
        inner = ", ".join(value_label(each) for each in value)
        return f"({inner},)" if len(value) == 1 else f"({inner})"
    if value is Ellipsis:
        return "..."
    return str(getattr(value, "__name__", type(value).__name__))


def spec_label(spec: Spec, dtype: str) -> str:
    """A shape, with its dtype where that is not the picture's."""
    return show_dims(spec.dims) if spec.dtype.name == dtype else f"{show_dims(spec.dims)} {spec.dtype.name}"


def link_label(link: Link, dtype: str, show: Sequence[str] = ("shapes", "dtypes")) -> str:
    """The words on an arrow, in lines: its own, shape, dtype where it is not the picture's, what is told of the value."""
    words: list[str] = []
    if link.kind in ("data", "gradient") and link.spec is None and link.count > 1:
        words.append(f"{link.count:,} values")
    elif link.kind in ("data", "gradient") and link.spec is not None:
        words += [show_dims(link.spec.dims)] if "shapes" in show else []
        if "dtypes" in show and (link.spec.dtype.name != dtype or "shapes" not in show):
            words.append(link.spec.dtype.name)
        if words and link.count > 1:
            words.append(f"{TIMES} {link.count:,}")
    return "\n".join(line for line in (shorten(link.label), " ".join(words), *link.notes) if line)


def place(node: Any) -> str:
    """The user's file (without its folders) and line; empty where there is none."""
    where = getattr(node, "where", None)
    return f"{PurePath(where.file).name}:{where.line}" if where is not None else ""


def tooltip(item: Item) -> str:
    """What pointing at an item shows: its full name where somebody gave it one, and the user's line."""
    node = item.node
    if node is None:
        return title(item)
    made_of = ", ".join(f"{full_name(each)} {place(each)}".strip() for each in parts(node))
    if made_of:
        return shorten(f"{full_name(node)}  of {made_of}", 600)
    source = node.where.text if node.where is not None else ""
    return shorten("  ".join(part for part in (full_name(node), place(node), source) if part), 160)


def parts(node: Any) -> tuple[Any, ...]:
    """The user's nodes that a node stands for which a pass made of several; none for any other."""
    made_of: tuple[Any, ...] = getattr(node, "origins", ())
    return made_of if len(made_of) > 1 else ()


def series(words: Iterable[str], arrow: str = " → ") -> str:
    """A run of words as one, repeated words counted, cut in the middle where there are many."""
    counted = [(word, len(list(run))) for word, run in groupby(words)]
    listed = [word if times == 1 else f"{times} {TIMES} {word}" for word, times in counted]
    return arrow.join(listed if len(listed) <= 4 else [*listed[:2], "…", listed[-1]])
