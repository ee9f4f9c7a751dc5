"""The legend of a picture as data, for pages: what its colours, lines and frames mean."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from graphs.draw.picture import Picture
from graphs.draw.places import colour_of, legend
from graphs.draw.style import (
    CLUSTERS,
    EDGE_STATUSES,
    HEAT,
    LINES,
    LOOKS,
    MARKS,
    STATUSES,
    line_of,
)
from graphs.draw.words import quantity


DASHES = {"dashed": "4,2.5", "dotted": "1,3"}
"""The dashes of a line's style in SVG."""


@dataclass(frozen=True, slots=True)
class Sign:
    """An entry: ``sort`` is ``"box"``, ``"ellipse"``, ``"line"``, ``"dot"`` or ``"scale"``, which has several ``fills``."""

    sort: str
    word: str
    fills: tuple[str, ...] = ()
    line: str = ""
    width: float = 1.0
    dashes: str = "none"
    corner: int = 0
    mark: str = ""
    note: str = ""


def signs(pictures: Sequence[Picture]) -> list[Sign]:
    """The entries for what occurs in ``pictures`` and the bodies in them, in the order of the tables of ``style``."""
    every = [shown for picture in pictures for shown in picture.inside()]
    picture = pictures[0]
    homes = legend(picture)
    statuses = {item.status for shown in every for item in shown.items} - {""}
    kinds = statuses or {item.kind for shown in every for item in shown.items}
    found = []
    for kind, look in (STATUSES if statuses else LOOKS).items():
        if kind in kinds and picture.scale is None and not homes:
            sort, corner = "ellipse" if look.shape == "ellipse" else "box", 4 if "rounded" in look.style else 0
            mark = MARKS.get(kind, "") if statuses else ""
            found.append(Sign(sort, look.word, (look.fill,), look.line, look.width, _dashes(look.style), corner, mark))
    framed = {name for shown in every for name in shown.clusters.values()}
    for name, frame in CLUSTERS.items():
        if frame.word and name in framed:
            found.append(Sign("box", frame.word, (frame.fill,), frame.line, 1.4, _dashes(frame.style), 4))
    found += [Sign("box", word, (fill,), line, 1.4, _dashes(word), 4) for fill, line, word in homes]
    found += [Sign("dot", device, (colour_of(device, picture),)) for device in ([] if homes else picture.devices)]
    lines = {link.kind for shown in every for link in shown.links if link.status not in EDGE_STATUSES}
    edges = {link.status for shown in every for link in shown.links}
    strokes = [line for status, line in EDGE_STATUSES.items() if status in edges]
    strokes += [line_of(kind, "kept" if statuses else "") for kind, line in LINES.items() if kind in lines and line.word]
    for line in strokes:
        width = 3.0 if line.style == "bold" else 1.6
        found.append(Sign("line", line.word, line=line.colour, width=width, dashes=_dashes(line.style)))
    if picture.scale is not None:
        scale = picture.scale
        ends = f"{quantity(scale.low, scale.unit)} … {quantity(scale.high, scale.unit)}"
        kind = "logarithmic" if scale.log else "linear"
        found.append(Sign("scale", f"{scale.name}, {kind}", HEAT, note=ends))
    return found


def colours(entries: list[Sign]) -> set[str]:
    """Every colour in a legend."""
    return {colour for sign in entries for colour in (*sign.fills, sign.line) if colour}


def _dashes(style: str) -> str:
    return next((dashes for name, dashes in DASHES.items() if name in style), "none")
