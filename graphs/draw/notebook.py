"""What notebooks show: HTML by kind of thing, within a budget of time. All that comes from the user's program is escaped."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from html import escape as escaped
from typing import Any

from graphs.core.function import Function
from graphs.core.node import Value
from graphs.core.quoting import fit
from graphs.draw.build import functions_of, picture
from graphs.draw.dot import dot
from graphs.draw.labels import shorten
from graphs.draw.layout import render
from graphs.draw.picture import Picture
from graphs.draw.protocol import nodes_of
from graphs.draw.terminal import terminal


BOXES = 40
"""Boxes of a picture beside a value."""

NODES = 2000
"""Nodes behind a value that are looked at: of more there is no picture, as no cell should take long to show its result."""

SMALLEST = 0.6
"""How far pictures shrink to the page, before one scrolls."""

ROWS = 20
"""Rows of a table."""

_STYLE = """
.diptych { font-size: 13px; line-height: 1.45 }
.diptych pre { margin: 0 0 .6em; white-space: pre-wrap; background: none }
.diptych figure { margin: 0; padding: .6em; background: #fff; color: #1f2328; border: 1px solid #d0d7de; border-radius: 6px;
  display: inline-block; max-width: 100%; box-sizing: border-box; overflow: auto }
.diptych table { border-collapse: collapse; margin: 0 0 .6em; font-size: inherit }
.diptych th, .diptych td { padding: .15em .7em; text-align: left; vertical-align: top }
.diptych th { border-bottom: 1px solid currentColor; font-weight: 600 }
.diptych p { margin: 0 0 .6em }
.diptych .beside { display: flex; flex-wrap: wrap; gap: .4em 1.6em; align-items: flex-start }
"""


def bundle(thing: Any, include: Iterable[str] | None = None) -> dict[str, str]:
    """What a notebook shows of ``thing`` by MIME type, beside its text; nothing where the text says it all.

    A picture is HTML, which keeps to the page, or SVG for who asks to ``include`` that.
    """
    if isinstance(thing, Picture):
        drawing = (
            {"image/svg+xml": svg(thing)} if "image/svg+xml" in (include or ()) else {"text/html": _html(_figure(thing))}
        )
        return {"text/plain": terminal(thing).decode(), **drawing}
    for fits, parts in _KINDS:
        if fits(thing):
            found = [part for part in parts(thing) if part]
            return {"text/html": _html(*found)} if found else {}
    return {}


def svg(shown: Picture) -> str:
    """The picture as an SVG element, without what only a file of its own has before it."""
    text = render(dot(shown, legend=False), "svg").decode()
    element = text[text.index("<svg") :]
    width = re.match(r'<svg width="([\d.]+)pt"', element)
    least = f"; min-width: {SMALLEST * float(width[1]):.0f}pt" if width else ""
    return element.replace("<svg", f'<svg style="max-width: 100%; height: auto{least}"', 1)


def escape(text: str) -> str:
    """``text`` as HTML has it."""
    return escaped(fit(text))


def _html(*parts: str) -> str:
    return f'<div class="diptych"><style>{_STYLE}</style>{"".join(parts)}</div>'


def _figure(shown: Picture) -> str:
    return f"<figure>{svg(shown)}</figure>"


def _text(thing: Any) -> str:
    return f"<pre>{escape(repr(thing))}</pre>"


def _beside(words: str, shown: str) -> str:
    return f'<div class="beside">{words}{shown}</div>'


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    if not rows:
        return ""
    cells = [f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in rows[:ROWS]]
    more = _said(f"and {len(rows) - ROWS:,} more") if len(rows) > ROWS else ""
    return f"<table><tr>{''.join(f'<th>{escape(name)}</th>' for name in head)}</tr>{''.join(cells)}</table>{more}"


def _said(words: str) -> str:
    return f"<p>{escape(words)}</p>"


def drawn(roots: Any, what: str, **settings: Any) -> str:
    """The picture of what ``roots`` depend on, or a line that says why there is none."""
    if not few(nodes_of(roots)):
        return _said(f"The {what} has more than {NODES:,} nodes: graphs.draw.save draws it to a file.")
    return _figure(picture(roots, budget=BOXES, **settings))


def few(nodes: Iterable[Any]) -> bool:
    """Whether at most ``NODES`` nodes lie behind ``nodes``, those in bodies counted; no more than these are visited."""
    seen: set[int] = set()
    stack = list(nodes)
    while stack:
        node = stack.pop()
        if node.serial in seen:
            continue
        seen.add(node.serial)
        if len(seen) > NODES:
            return False
        stack += [edge.node for edge in node.edges if edge is not None and edge.node.serial not in seen]
        stack += [other for other in node.after if other.serial not in seen]
        for _, body in functions_of(node):
            stack += body.nodes[: NODES + 1]
    return True


# Things by kind


def _taped(tensor: Any) -> list[str]:
    """A tensor of the dynamic mode: its value, and the tape behind it."""
    return [] if tensor.grad_fn is None else [_beside(_text(tensor), drawn([tensor], "tape", view="forward"))]


def _record(record: Any) -> list[str]:
    """A record of the tape: the way back from it."""
    return [_said(f"{record.label}, made by {record.op.name}"), drawn([record], "tape", view="backward")]


def _of_a_graph(thing: Any) -> list[str]:
    """A tensor, variable or operation of a static graph: what it depends on."""
    (node,) = nodes_of(thing)
    return [_beside(_text(thing), drawn([thing], "graph"))] if node.edges or node.after else []


def _graph(graph: Any) -> list[str]:
    nodes = graph.get_operations()
    count = len(graph.variables)
    held = f", with {count:,} variable{'s' * (count != 1)}" if count else ""
    words = f"A graph of {len(nodes):,} operation{'s' * (len(nodes) != 1)}{held}."
    if len(nodes) > NODES or not few(nodes):
        return [_said(f"{words} With more than {NODES:,} it is not drawn here: graphs.draw.save draws it to a file.")]
    return [_said(words), _figure(picture(nodes, budget=BOXES)) if nodes else ""]


def _session(session: Any) -> list[str]:
    """A session: its plans, and its graph."""
    rows = []
    for call in dict.fromkeys(session._calls.values()):
        for plan in (*call.plans.values(), *([call.shared] if call.shared is not None else [])):
            names = [shorten(fetch.name) for fetch in call.fetches]
            fed = [f"{shorten(feed.tensor.name)} {spec}" for feed, spec in zip(call.feeds, plan.given, strict=True)]
            steps = len(plan.schedule.steps)
            rows.append((_few(names), _few(fed), f"{steps:,}", "native" if plan.native else "Python"))
    plans = f" with {len(rows):,} plan{'s' * (len(rows) != 1)}."
    words = plans if rows else " that has made no plan yet: it makes one when something is first run."
    return [_said(f"A session{words}"), _table(("fetched", "fed", "steps", "runs as"), rows), *_graph(session.graph)]


def _few(names: Sequence[str]) -> str:
    return ", ".join(names if len(names) <= 6 else [*names[:6], f"and {len(names) - 6} more"])


def _function(body: Function) -> list[str]:
    if not few(body.nodes[: NODES + 1]):
        return [_text(body)]
    return [_text(body), _figure(picture(body, budget=BOXES))]


def _traced(traced: Any) -> list[str]:
    """A function that was traced, and what Python decided on the way."""
    baked = [(shorten(str(each), 200),) for each in traced.baked]
    return [*_function(traced.function), _table(("decided by Python, for good",), baked)]


def _has(*names: str) -> Callable[[Any], bool]:
    return lambda thing: all(hasattr(type(thing), name) or name in getattr(thing, "__dict__", ()) for name in names)


_KINDS: tuple[tuple[Callable[[Any], bool], Callable[[Any], list[str]]], ...] = (
    (lambda thing: isinstance(thing, Function), _function),
    (_has("grad_fn", "is_leaf"), _taped),
    (_has("next_functions", "edges"), _record),
    (_has("get_operations"), _graph),
    (_has("run", "report", "bisect"), _session),
    (_has("function", "captured", "baked"), _traced),
    (lambda thing: isinstance(thing, Value) or _has("edges", "op", "specs")(thing), _of_a_graph),
    (_has("initializer", "assign"), _of_a_graph),
)
"""What is shown how; the first that fits. The front-ends' things are known by what they can do."""

__all__ = ["BOXES", "NODES", "bundle", "drawn", "few", "svg"]
