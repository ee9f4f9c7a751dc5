"""A picture as DOT text. The ``graphviz`` package quotes; the layout is somebody else's work (``layout``)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import graphviz

from graphs.core.quoting import remark
from graphs.draw import places
from graphs.draw.labels import link_label, notes, shorten, title, tooltip
from graphs.draw.legend import header, table, text
from graphs.draw.picture import Item, Link, Picture
from graphs.draw.style import CLUSTERS, FAINT, FONT, INK, LINES, LOOKS, MARKS, QUIET, heat, line_of, look_of


STRAIGHT = 60
"""Items up to which clusters are ranked one by one: straighter, but Graphviz fails at it on large graphs ("init_rank").

Gradients beside what they are of are ranked together with it: so they stand beside it, and stay there when a node is added.
"""


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
    beside = any(item.of is not None for item in picture.items)
    if picture.pairs or beside or len(picture.items) > STRAIGHT or _turns_back(picture):
        out.graph_attr["newrank"] = "true"
    head = header(picture, legend)
    if head:
        out.graph_attr["label"] = head
    _Writer(out).picture(picture, "n")
    return str(out.source)


def _tip(value: str) -> Any:
    """``value`` as a tooltip: Graphviz takes backslashes out of these once more than out of labels."""
    return _literal(value.replace("\\", "\\\\"))


def _literal(value: str) -> Any:
    """``value`` quoted so that it stands for itself, whatever it contains."""
    return graphviz.escape(remark(value).replace("&", "&amp;"))


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
        self._scope(self.out, [(each, item) for each, item in _clusters(picture)], 0, picture, rank, shown)
        for one, other in picture.pairs:
            with self.out.subgraph(graph_attr={"rank": "same"}) as same:
                same.node(rank[one])
                same.node(rank[other])
        for link in picture.links:
            self._link(link, rank, picture)

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
                within = "/".join(item.scope[depth:])
                words = notes(item, last=item.key not in shown, dtype=picture.dtype, within=within)
                self._item(out, item, rank[item.key], words, picture)
        deeper: dict[str, list[tuple[tuple[str, ...], Item]]] = {}
        for scope, item in items:
            if len(scope) > depth:
                deeper.setdefault(scope[depth], []).append((scope, item))
        for name, held in deeper.items():
            frame = CLUSTERS[picture.clusters.get(held[0][0][: depth + 1], "scope")]
            with out.subgraph(name=self._cluster()) as inner:
                inner.attr(
                    label=_literal(shorten(name, 60)),
                    style=frame.style,
                    color=frame.line,
                    bgcolor=frame.fill,
                    fontcolor=frame.ink,
                    margin="9",
                )
                self._scope(inner, held, depth + 1, picture, rank, shown)

    def _cluster(self) -> str:
        self.clusters += 1
        return f"cluster_{self.clusters}"

    def _item(self, out: graphviz.Digraph, item: Item, name: str, words: Iterable[str], picture: Picture) -> None:
        look = look_of(item.kind, item.status)
        head = f"{MARKS[item.status]} {title(item)}" if item.status in MARKS else title(item)
        ink = FAINT if item.freed else INK
        quiet = FAINT if item.freed else QUIET if picture.scale is None else INK
        spread = places.spread(picture) and picture.scale is None and not item.status
        lines = [text(head, 11, ink, bold=item.kind not in ("outside", "fold", "tensor"), struck=item.freed)]
        lines += [text(note, 8.5, quiet) for note in words]
        if item.device:
            lines.append(text(item.device, 8.5, INK if spread else places.colour_of(item.device, picture)))
        fill, line, style = look.fill, look.line, look.style
        if spread:
            fill, line = places.look_of(item.device, picture)
            style = f"{style},dashed" if item.device.startswith(places.ELSEWHERE) else style
        if picture.scale is not None:
            number = item.numbers.get(picture.scale.name)
            fill = "#ffffff" if number is None else heat(picture.scale.place(number))
        elif item.freed:
            fill, line = "#fbfbfc", FAINT
        rows = [f"<TR><TD>{each}</TD></TR>" for each in lines]
        out.node(
            name,
            f"<{table(rows, 0)}>",
            shape=look.shape,
            style=style,
            fillcolor=fill,
            color=line,
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

    def _link(self, link: Link, rank: dict[int, str], picture: Picture) -> None:
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
        words = link_label(link, picture.dtype, picture.show)
        if words and link.status != "removed":
            # Graphviz reads "\\n" as the end of a centred line.
            attributes["label"] = "\\n".join(f" {_literal(each)} " for each in words.splitlines())
        self.out.edge(tail, head, **attributes)


def _turns_back(picture: Picture) -> bool:
    """Whether an arrow leads against the order of the items, as into a fold that it also comes from.

    Ranked cluster by cluster, such a graph may abort the whole process ("fixLabelOrder").
    """
    place = {item.key: at for at, item in enumerate(picture.items)}
    return any(place[link.tail] > place[link.head] for link in picture.links if not link.upwards)


def _clusters(picture: Picture) -> list[tuple[tuple[str, ...], Item]]:
    """Each item with its clusters: its scopes, without those that hold a single item and are names alone."""
    held: dict[tuple[str, ...], int] = {}
    for item in picture.items:
        for depth in range(1, len(item.scope) + 1):
            held[item.scope[:depth]] = held.get(item.scope[:depth], 0) + 1
    return [(_open(item.scope, held, picture), item) for item in picture.items]


def _open(scope: tuple[str, ...], held: dict[tuple[str, ...], int], picture: Picture) -> tuple[str, ...]:
    depths = range(len(scope), 0, -1)
    return scope[: next((depth for depth in depths if held[scope[:depth]] > 1 or scope[:depth] in picture.clusters), 0)]
