"""A picture as DOT text. The ``graphviz`` package quotes; the layout is somebody else's work (``layout``)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from itertools import groupby
from typing import Any

import graphviz

from graphs.draw.labels import link_label, notes, shorten, title, tooltip
from graphs.draw.picture import Item, Link, Picture
from graphs.draw.style import EDGE_STATUSES, FAINT, FONT, INK, LINES, LOOKS, MARKS, QUIET, STATUSES, line_of, look_of


STROKES = {"bold": "\u2014\u2014", "solid": "\u2014\u2014", "dashed": "\u2013 \u2013", "dotted": "\u00b7\u00b7\u00b7\u00b7"}
"""What each style of line looks like in the legend."""


STRAIGHT = 60
"""Items up to which clusters are ranked one by one: straighter, but Graphviz fails at it on large graphs ("init_rank")."""


def dot(picture: Picture, *, legend: bool = True, direction: str = "TB") -> str:
    """The DOT text of ``picture``, the same bytes for the same picture."""
    out = graphviz.Digraph(
        graph_attr={
            "rankdir": direction,
            "fontname": FONT,
            "fontsize": "10",
            "fontcolor": INK,
            "bgcolor": "#ffffff",
            "pad": "0.25",
            "nodesep": "0.28",
            "ranksep": "0.32",
            "compound": "true",
            "labelloc": "t",
            "labeljust": "l",
            "tooltip": _tip(shorten(picture.title) or "graph"),
        },
        node_attr={
            "fontname": FONT,
            "fontsize": "11",
            "fontcolor": INK,
            "margin": "0.12,0.03",
            "height": "0.3",
            "width": "0.5",
        },
        edge_attr={"fontname": FONT, "fontsize": "8.5", "fontcolor": QUIET, "arrowsize": "0.6"},
    )
    if picture.pairs or len(picture.items) > STRAIGHT:
        out.graph_attr["newrank"] = "true"
    header = _header(picture, legend)
    if header:
        out.graph_attr["label"] = header
    _Writer(out).picture(picture, "n")
    return str(out.source)


def _text(value: str, size: float, colour: str = INK, *, bold: bool = False) -> str:
    words = escape(value, quote=True).replace("\\", "&#92;&#92;")
    return f'<FONT POINT-SIZE="{size:g}" COLOR="{colour}">{f"<B>{words}</B>" if bold else words}</FONT>'


def _tip(value: str) -> Any:
    """``value`` as a tooltip: Graphviz takes backslashes out of these once more than out of labels."""
    return _literal(value.replace("\\", "\\\\"))


def _literal(value: str) -> Any:
    """``value`` quoted so that it stands for itself, whatever it contains."""
    return graphviz.escape(value.replace("&", "&amp;"))


class _Writer:
    """Writes a picture, and those of its bodies, into a Digraph; clusters are numbered as they come."""

    def __init__(self, out: graphviz.Digraph) -> None:
        self.out = out
        self.clusters = 0

    def picture(self, picture: Picture, prefix: str) -> None:
        """Items inside their clusters, then the links; identifiers are ``prefix`` and rank."""
        rank = {item.key: f"{prefix}{at}" for at, item in enumerate(picture.items, 1)}
        shown = {link.tail for link in picture.links if link.kind in ("data", "gradient")}
        shown |= {link.head for link in picture.links if link.kind == "gradient"}
        scopes = _clusters(picture.items)
        self._scope(self.out, [(scopes[item.key], item) for item in picture.items], 0, picture, rank, shown)
        for one, other in picture.pairs:
            with self.out.subgraph(graph_attr={"rank": "same"}) as same:
                same.node(rank[one])
                same.node(rank[other])
        for link in picture.links:
            self._link(link, rank, picture.dtype)

    def _scope(
        self,
        out: graphviz.Digraph,
        items: Sequence[tuple[tuple[str, ...], Item]],
        depth: int,
        picture: Picture,
        rank: dict[int, str],
        shown: set[int],
    ) -> None:
        for scope, item in items:
            if len(scope) == depth:
                words = notes(item, last=item.key not in shown, dtype=picture.dtype, within="/".join(item.scope[depth:]))
                self._item(out, item, rank[item.key], words)
        deeper = sorted((pair for pair in items if len(pair[0]) > depth), key=lambda pair: pair[0][depth])
        for name, members in groupby(deeper, key=lambda pair: pair[0][depth]):
            with out.subgraph(name=self._cluster()) as inner:
                inner.attr(
                    label=_literal(shorten(name)),
                    style="rounded",
                    color="#d0d7de",
                    bgcolor="#f6f8fa",
                    fontcolor=QUIET,
                    margin="9",
                )
                self._scope(inner, list(members), depth + 1, picture, rank, shown)

    def _cluster(self) -> str:
        self.clusters += 1
        return f"cluster_{self.clusters}"

    def _item(self, out: graphviz.Digraph, item: Item, name: str, words: Iterable[str]) -> None:
        look = look_of(item.kind, item.status)
        head = f"{MARKS[item.status]} {title(item)}" if item.status in MARKS else title(item)
        lines = [_text(head, 11, bold=item.kind not in ("outside", "fold"))]
        lines += [_text(note, 8.5, QUIET) for note in words]
        rows = [f"<TR><TD>{line}</TD></TR>" for line in lines]
        out.node(
            name,
            f"<{_table(rows, 0)}>",
            shape=look.shape,
            style=look.style,
            fillcolor=look.fill,
            color=look.line,
            penwidth=f"{look.width + (0.8 if item.root else 0):g}",
            tooltip=_tip(tooltip(item)),
        )
        for at, (word, body) in enumerate(item.bodies):
            self._body(item, name, f"{name}_{at}_", word, body)

    def _body(self, item: Item, owner: str, prefix: str, word: str, body: Picture) -> None:
        if not body.items:
            return
        cluster = self._cluster()
        writer = _Writer(graphviz.Digraph(name=cluster))
        writer.clusters = self.clusters
        writer.out.attr(
            label=_literal(shorten(f"{word}: {body.title}")),
            style="rounded,dashed",
            color=LOOKS["control"].line if item.kind == "control" and not item.status else FAINT,
            bgcolor="#fffdf9",
            fontcolor=QUIET,
            margin="9",
        )
        writer.picture(body, prefix)
        self.clusters = writer.clusters
        self.out.subgraph(writer.out)
        line = LINES["body"]
        self.out.edge(owner, f"{prefix}1", lhead=cluster, style=line.style, color=line.colour, arrowhead=line.arrow)

    def _link(self, link: Link, rank: dict[int, str], dtype: str) -> None:
        line = line_of(link.kind, link.status)
        tail, head = rank[link.tail], rank[link.head]
        attributes = {"color": line.colour}
        if link.upwards:
            tail, head = head, tail
        if link.upwards or line.back:
            attributes |= {"dir": "back", "arrowtail": line.arrow}
        elif line.arrow != "normal":
            attributes["arrowhead"] = line.arrow
        if line.style != "solid":
            attributes["style"] = line.style
        if not line.constraint:
            attributes["constraint"] = "false"
        words = link_label(link, dtype)
        if words and link.status != "removed":
            attributes["label"] = f" {words} "
        self.out.edge(tail, head, **attributes)


def _clusters(items: Iterable[Item]) -> dict[int, tuple[str, ...]]:
    """Each item's clusters: its scopes, without those that hold a single item."""
    every = list(items)
    held: dict[tuple[str, ...], int] = {}
    for item in every:
        for depth in range(1, len(item.scope) + 1):
            held[item.scope[:depth]] = held.get(item.scope[:depth], 0) + 1
    return {
        item.key: tuple(name for depth, name in enumerate(item.scope, 1) if held[item.scope[:depth]] > 1) for item in every
    }


def _header(picture: Picture, legend: bool) -> str:
    """Title and legend as one HTML-like label; empty where there is nothing to say."""
    rows = []
    if picture.title:
        rows.append(f'<TR><TD ALIGN="LEFT">{_text(shorten(picture.title, 90), 14, bold=True)}</TD></TR>')
    if legend:
        rows.append(f'<TR><TD ALIGN="LEFT">{_text(f"{picture.dtype} unless noted", 8.5, QUIET)}</TD></TR>')
        rows.append(f'<TR><TD ALIGN="LEFT">{_table(_legend(picture), 2)}</TD></TR>')
    if not rows:
        return ""
    rows.append('<TR><TD HEIGHT="10"> </TD></TR>')
    return f"<{_table(rows, 2)}>"


def _table(rows: Iterable[str], spacing: int) -> str:
    return f'<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="{spacing}" CELLPADDING="1">{"".join(rows)}</TABLE>'


def _legend(picture: Picture) -> list[str]:
    kinds = {item.kind for item in picture.items}
    lines = {link.kind for link in picture.links if link.status not in EDGE_STATUSES}
    every = list(picture.inside())
    statuses = {item.status for shown in every for item in shown.items} - {""}
    edges = {link.status for shown in every for link in shown.links}
    if statuses and any(link.kind == "became" for shown in every for link in shown.links):
        lines.add("became")
    cell = '<TD ALIGN="LEFT">{}&#160;&#160;&#160;</TD>'
    swatch = '<TD BGCOLOR="{}" COLOR="{}" BORDER="1" WIDTH="20" HEIGHT="14" FIXEDSIZE="TRUE">{}</TD>'
    looks, shown = (STATUSES, statuses) if statuses else (LOOKS, kinds)
    entries = [
        swatch.format(look.fill, look.line, _text(MARKS[kind], 8.5) if statuses and kind in MARKS else "")
        + cell.format(_text(look.word, 8.5, QUIET))
        for kind, look in looks.items()
        if kind in shown
    ]
    strokes = [line for status, line in EDGE_STATUSES.items() if status in edges]
    strokes += [line_of(kind, "kept" if statuses else "") for kind, line in LINES.items() if kind in lines and line.word]
    entries += [
        f"<TD>{_text(STROKES[line.style], 8.5, line.colour, bold=line.style == 'bold')}</TD>"
        + cell.format(_text(line.word, 8.5, QUIET))
        for line in strokes
    ]
    return [f"<TR>{''.join(entries[at : at + 4])}</TR>" for at in range(0, len(entries), 4)]
