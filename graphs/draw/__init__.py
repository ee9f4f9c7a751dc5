"""Pictures: a static graph, a tape or the body of a loop as DOT, SVG, PNG, PDF or plain text.

    draw.save("net.svg", [loss])                     # a static graph or, just so, the tape behind a dynamic tensor
    draw.save("back.png", [train_step], view="backward")
    print(draw.text([loss]))

The same program gives the same bytes, in any process. No Graphviz program is needed: the libraries come with ``pygraphviz``.
"""

from __future__ import annotations

from collections.abc import Callable
from os import PathLike
from pathlib import Path
from typing import Any

from graphs.draw.build import picture
from graphs.draw.collect import collect
from graphs.draw.dot import dot as _dot
from graphs.draw.layout import render
from graphs.draw.listing import text
from graphs.draw.passes import Stage, pass_pictures
from graphs.draw.picture import VIEWS, Picture
from graphs.draw.protocol import BACKWARD, FORWARD, UPDATE, Drawable, Phase


def _laid_out(form: str) -> Callable[..., bytes]:
    return lambda shown, **style: render(_dot(shown, **style), form)


FORMATS: dict[str, Callable[..., bytes]] = {
    "dot": lambda shown, **style: _dot(shown, **style).encode(),
    "svg": _laid_out("svg"),
    "png": _laid_out("png"),
    "pdf": _laid_out("pdf"),
}
"""What writes a Picture in each format: ``write(picture, legend=, direction=) -> bytes``."""


def draw(
    roots: Any,
    *,
    format: str = "svg",  # noqa: A002
    view: str = "joined",
    phase: Phase | None = None,
    title: str = "",
    budget: int = 200,
    legend: bool = True,
    direction: str = "TB",
) -> bytes:
    """A picture of what ``roots`` depend on, as the bytes of a file.

    Args:
        roots: nodes, edges or tensors of either mode, or one Function.
        format: a key of ``FORMATS``, or ``"txt"`` for the listing of ``text``.
        view: ``"forward"``, ``"backward"`` (gradients and updates of a graph; the way back that a tape will go) or
            ``"joined"``.
        phase: tells a node's phase, for graphs whose name scopes do not (see ``protocol.phases``).
        title: a heading.
        budget: the boxes drawn at most; beyond it scopes fold, then repeats, and the rest is cut.
        legend: whether colours and lines are explained.
        direction: ``"TB"`` from top to bottom, ``"LR"`` from left to right.

    Raises ValueError for an unknown format, view or direction, and where the view has nothing to show.
    """
    if format == "txt":
        return text(roots).encode()
    if format not in FORMATS:
        raise ValueError(f"no format {format}; there are {', '.join([*FORMATS, 'txt'])}")
    if direction not in ("TB", "LR"):
        raise ValueError(f"a picture runs TB or LR, not {direction}")
    shown = picture(roots, view=view, phase=phase, title=title, budget=budget)
    return FORMATS[format](shown, legend=legend, direction=direction)


def dot(roots: Any, **settings: Any) -> str:
    """The DOT text of a picture; ``settings`` as for ``draw``."""
    return draw(roots, format="dot", **settings).decode()


def svg(roots: Any, **settings: Any) -> str:
    """The SVG text of a picture; ``settings`` as for ``draw``."""
    return draw(roots, format="svg", **settings).decode()


def save(path: str | PathLike[str], roots: Any, **settings: Any) -> Path:
    """Write a picture in the format that the file's suffix names, and return the path; ``settings`` as for ``draw``."""
    target = Path(path)
    target.write_bytes(draw(roots, format=target.suffix[1:].lower(), **settings))
    return target


__all__ = [
    "BACKWARD",
    "FORMATS",
    "FORWARD",
    "UPDATE",
    "VIEWS",
    "Drawable",
    "Phase",
    "Picture",
    "Stage",
    "collect",
    "dot",
    "draw",
    "pass_pictures",
    "picture",
    "save",
    "svg",
    "text",
]
