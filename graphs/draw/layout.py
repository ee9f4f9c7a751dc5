"""Layout in-process, by the Graphviz libraries that the ``pygraphviz`` wheel brings; no program is started."""

from __future__ import annotations

import re
import threading
from functools import cache

import pygraphviz

from graphs.draw.font import FAMILY, configured, without_warnings


MANY_EDGES = 150
"""Pictures of more edges have straight ones and a rougher order of ranks.

The tape of a recurrent net over 28 rows, 404 edges: 0.5 s in place of 20 to 70.
"""

_turn = threading.Lock()
_COMMENT = re.compile(rb"<!--.*?-->\n?", re.DOTALL)
_DATE = re.compile(rb"/CreationDate \(D:[^)]*\)")


def render(dot: str, form: str) -> bytes:
    """The DOT text laid out as ``"svg"``, ``"png"`` or ``"pdf"``, the same bytes for the same text.

    One thread at a time: the C library keeps global state.
    """
    with _turn:
        _start()
        data = _render(dot, form)
    if form == "svg":
        return _COMMENT.sub(b"", data)
    if form == "pdf":
        return _DATE.sub(lambda found: b" " * len(found.group()), data)
    return data


def _render(dot: str, form: str) -> bytes:
    graph = pygraphviz.AGraph(string=dot)
    try:
        if form == "png":
            graph.graph_attr["dpi"] = "144"
        if dot.count(" -> ") > MANY_EDGES:
            graph.graph_attr.update(splines="line", nslimit="8", nslimit1="8")
        with without_warnings():
            data: bytes = graph.draw(format=form, prog="dot")
    finally:
        graph.close()
    return data


@cache
def _start() -> None:
    """Have the library set its first word, so that it finds our font, in this process once."""
    with configured():
        _render(f'digraph {{ a [fontname="{FAMILY}"] }}', "svg")
