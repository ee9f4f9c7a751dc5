"""What stands above a picture: its title, and what colours, lines and frames mean."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from graphs.core.quoting import remark
from graphs.draw import places
from graphs.draw.labels import shorten
from graphs.draw.picture import Picture, Scale
from graphs.draw.style import (
    CLUSTERS,
    EDGE_STATUSES,
    INK,
    LINES,
    LOOKS,
    MARKS,
    QUIET,
    STATUSES,
    heat,
    line_of,
)
from graphs.draw.words import quantity


STROKES = {"bold": "\u2014\u2014", "solid": "\u2014\u2014", "dashed": "\u2013 \u2013", "dotted": "\u00b7\u00b7\u00b7\u00b7"}
"""What each style of line looks like in the legend."""

DOT = "\u25cf"
"""What marks a device."""

STEPS = 5
"""Colours of a scale that the legend shows."""


def text(value: str, size: float, colour: str = INK, *, bold: bool = False, struck: bool = False) -> str:
    """``value`` in DOT's HTML-like labels, with nothing in it read as markup."""
    words = escape(remark(value), quote=True).replace("\\", "&#92;&#92;")
    words = f"<B>{words}</B>" if bold else words
    words = f"<S>{words}</S>" if struck else words
    return f'<FONT POINT-SIZE="{size:g}" COLOR="{colour}">{words}</FONT>'


def header(picture: Picture, legend: bool) -> str:
    """Title and legend as one HTML-like label; empty where there is nothing to say."""
    rows = []
    if picture.title:
        rows.append(f'<TR><TD ALIGN="LEFT">{text(shorten(picture.title, 90), 14, bold=True)}</TD></TR>')
    if legend:
        rows.append(f'<TR><TD ALIGN="LEFT">{text(f"{picture.dtype} unless noted", 8.5, QUIET)}</TD></TR>')
        if entries := _legend(picture):
            rows.append(f'<TR><TD ALIGN="LEFT">{table(entries, 2)}</TD></TR>')
        if picture.scale is not None:
            rows.append(f'<TR><TD ALIGN="LEFT">{table([_scale(picture.scale)], 2)}</TD></TR>')
    if not rows:
        return ""
    rows.append('<TR><TD HEIGHT="10"> </TD></TR>')
    return f"<{table(rows, 2)}>"


def table(rows: Iterable[str], spacing: int) -> str:
    """Rows as a table without lines."""
    return f'<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="{spacing}" CELLPADDING="1">{"".join(rows)}</TABLE>'


_CELL = '<TD ALIGN="LEFT">{}&#160;&#160;&#160;</TD>'
_SWATCH = '<TD BGCOLOR="{}" COLOR="{}" BORDER="1" WIDTH="20" HEIGHT="14" FIXEDSIZE="TRUE">{}</TD>'


def _legend(picture: Picture) -> list[str]:
    kinds = {item.kind for item in picture.items}
    lines = {link.kind for link in picture.links if link.status not in EDGE_STATUSES}
    every = list(picture.inside())
    statuses = {item.status for shown in every for item in shown.items} - {""}
    edges = {link.status for shown in every for link in shown.links}
    if statuses and any(link.kind == "became" for shown in every for link in shown.links):
        lines.add("became")
    homes = places.legend(picture)
    looks, shown = (STATUSES, statuses) if statuses else (LOOKS, kinds)
    entries = [
        _SWATCH.format(look.fill, look.line, text(MARKS[kind], 8.5) if statuses and kind in MARKS else "")
        + _CELL.format(text(look.word, 8.5, QUIET))
        for kind, look in looks.items()
        if kind in shown and picture.scale is None and not homes
    ]
    entries += [
        _SWATCH.format(frame.fill, frame.line, "") + _CELL.format(text(frame.word, 8.5, QUIET))
        for name, frame in CLUSTERS.items()
        if frame.word and name in picture.clusters.values()
    ]
    entries += [_SWATCH.format(fill, line, "") + _CELL.format(text(word, 8.5, QUIET)) for fill, line, word in homes]
    entries += [
        f"<TD>{text(DOT, 11, places.colour_of(device, picture))}</TD>" + _CELL.format(text(device, 8.5, QUIET))
        for device in ([] if homes else picture.devices)
    ]
    strokes = [line for status, line in EDGE_STATUSES.items() if status in edges]
    strokes += [line_of(kind, "kept" if statuses else "") for kind, line in LINES.items() if kind in lines and line.word]
    entries += [
        f"<TD>{text(STROKES[line.style], 8.5, line.colour, bold=line.style == 'bold')}</TD>"
        + _CELL.format(text(line.word, 8.5, QUIET))
        for line in strokes
    ]
    return [f"<TR>{''.join(entries[at : at + 4])}</TR>" for at in range(0, len(entries), 4)]


def _scale(scale: Scale) -> str:
    """The colours of a scale from the least number to the greatest, with what is measured."""
    kind = "logarithmic" if scale.log else "linear"
    low, high = quantity(scale.low, scale.unit), quantity(scale.high, scale.unit)
    cells = [_CELL.format(text(f"{scale.name}, {kind}", 8.5)), _CELL.format(text(low, 8.5, QUIET))]
    cells += [_SWATCH.format(colour, colour, "") for colour in (heat(at / (STEPS - 1)) for at in range(STEPS))]
    cells.append(_CELL.format(text("\u00a0" + high, 8.5, QUIET)))
    return f"<TR>{''.join(cells)}</TR>"
