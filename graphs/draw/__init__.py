"""Pictures: a static graph, a tape or the body of a loop as SVG, PNG, PDF, HTML, DOT, Mermaid,
GraphML, JSON or plain text.

    draw.save("net.svg", [loss])                     # a static graph or, just so, the tape behind a dynamic tensor
    draw.save("back.png", [train_step], view="backward")
    draw.save("net.html", [loss])                    # one page to look around in: search, fold, look inside
    draw.show([loss])                                # in the terminal
    print(draw.text([loss]))                         # one line a node

The same program gives the same bytes, in any process. No Graphviz program is needed: the libraries come with ``pygraphviz``.
"""

from __future__ import annotations

from collections.abc import Callable
from os import PathLike
from pathlib import Path
from typing import Any

from graphs.core.files import reading
from graphs.draw.build import picture
from graphs.draw.collect import collect
from graphs.draw.data import PictureError, data, read
from graphs.draw.dot import dot as _dot
from graphs.draw.graphml import graphml
from graphs.draw.html import AT_ONCE, WHOLE, page
from graphs.draw.layout import render
from graphs.draw.listing import text
from graphs.draw.mermaid import mermaid
from graphs.draw.modules import Scopes, modules
from graphs.draw.overlay import Overlay
from graphs.draw.passes import Stage, pass_pictures
from graphs.draw.picture import VIEWS, Picture
from graphs.draw.protocol import BACKWARD, FORWARD, UPDATE, Drawable, Phase, shape_changes
from graphs.draw.terminal import show as _show, terminal
from graphs.draw.timeline_text import show_timeline, timeline_text
from graphs.draw.timelines import save_timeline, timeline
from graphs.draw.timing import Times, timed
from graphs.draw.values import Seen


def _laid_out(form: str) -> Callable[..., bytes]:
    return lambda shown, **style: render(_dot(shown, **style), form)


FORMATS: dict[str, Callable[..., bytes]] = {
    "dot": lambda shown, **style: _dot(shown, **style).encode(),
    "svg": _laid_out("svg"),
    "png": _laid_out("png"),
    "pdf": _laid_out("pdf"),
    "mmd": mermaid,
    "mermaid": mermaid,
    "graphml": graphml,
    "json": data,
    "txt": terminal,
    "html": lambda shown, **style: page(shown, **style).encode(),
}
"""What writes a Picture in each format, by the suffix of files: ``write(picture, legend=, direction=) -> bytes``."""


def draw(
    roots: Any,
    *inputs: Any,
    format: str = "svg",  # noqa: A002
    legend: bool = True,
    direction: str = "TB",
    **settings: Any,
) -> bytes:
    """A picture of what ``roots`` depend on, as the bytes of a file.

    Args:
        roots: nodes, edges or tensors of either mode, one Function, a trace (``dynamic.trace``), or a plan of a static
            session (the graph as it is run). With ``inputs``, a function to call on them.
        inputs: tensors of a mode, or specs (pairs of shape and dtype), for which the function is traced.
        format: a key of ``FORMATS``.
        legend: whether colours and lines are explained.
        direction: ``"TB"`` from top to bottom, ``"LR"`` from left to right.
        view: ``"forward"``, ``"backward"`` (gradients and updates of a graph; the way back that a tape will go) or
            ``"joined"``.
        phase: tells a node's phase, for graphs whose name scopes do not (see ``protocol.phases``).
        title: a heading.
        budget: the boxes drawn at most; beyond it scopes fold, then repeats, and the rest is cut. Of HTML, about how many
            are shown at once: nothing is cut, and what is folded opens on a click.
        nodes: what is a box: ``"ops"``, ``"tensors"`` (with the ops on arrows), or ``"both"``.
        show: what stands on arrows: ``"shapes"``, ``"dtypes"``, ``"bytes"``, ``"values"`` (least, greatest, mean, how many
            zeros and NaNs) and ``"gradients"`` (the norm of the gradient of what flows).
        depth: how many levels of scopes stay open; those below are a box each.
        expand: a predicate of nodes; the scopes around those that it holds of stay open, all others (below ``depth``, if
            that is given) are a box each. ``shape_changes`` is one.
        repeats: whether what repeats along a chain is one box with the count, even within the budget.
        unroll: draw so many rounds of each loop one after another.
        regions: a plan, whose fused regions become coloured clusters, or groups of nodes (by name, if you like).
        modules: for a tape, which module made what: what ``modules(model)`` noted, or the model.
        update: for a tape, the optimiser (or tensors) whose changes are drawn beside it.
        values, gradients: arrays by edge, tensor or name; a tape knows its own, ``Session.draw`` runs a graph for them.
        overlay: colours boxes by a measure: ``"memory"``, ``"operations"``, numbers by node, a pair of a name (``"time"``)
            and these, or an ``Overlay``; ``log`` is whether colours follow the logarithm.
        devices: whether each node's device is told; by default where they differ. Given a ``Placement``, or the worker by
            node, serial or name, boxes have its colour, what crosses between workers is bold and has its bytes, and a node
            that is not where it was asked to be is marked.

    Raises ValueError for an unknown format, setting, view or direction, and where the view has nothing to show.
    """
    if format not in FORMATS:
        raise ValueError(f"no format {format}; there are {', '.join(FORMATS)}")
    if direction not in ("TB", "LR"):
        raise ValueError(f"a picture runs TB or LR, not {direction}")
    if format == "html":
        budget = settings.pop("budget", AT_ONCE)
        whole = picture(roots, *inputs, budget=WHOLE, **settings)
        return page(whole, legend=legend, direction=direction, at_once=budget).encode()
    return FORMATS[format](picture(roots, *inputs, **settings), legend=legend, direction=direction)


def dot(roots: Any, *inputs: Any, **settings: Any) -> str:
    """The DOT text of a picture; ``settings`` as for ``draw``."""
    return draw(roots, *inputs, format="dot", **settings).decode()


def svg(roots: Any, *inputs: Any, **settings: Any) -> str:
    """The SVG text of a picture; ``settings`` as for ``draw``."""
    return draw(roots, *inputs, format="svg", **settings).decode()


def show(roots: Any, *, legend: bool = True, console: Any = None, **settings: Any) -> None:
    """Print a picture as text, in colours and as wide as the terminal; ``settings`` as for ``picture``.

    ``console`` is rich's, by default one for standard output.
    """
    _show(picture(roots, **settings), legend=legend, console=console)


def load(path: str | PathLike[str]) -> Picture:
    """The picture that ``save`` has written as JSON, for ``FORMATS`` to write again.

    Raises PictureError, naming the file, where it is another, damaged, or of a later version.
    """
    with reading(path) as (file, _):
        try:
            return read(file.read())
        except PictureError as error:
            raise PictureError(f"{path}: {error}") from None


def save(path: str | PathLike[str], roots: Any, *inputs: Any, **settings: Any) -> Path:
    """Write a picture in the format that the file's suffix names, and return the path; ``settings`` as for ``draw``."""
    target = Path(path)
    target.write_bytes(draw(roots, *inputs, format=target.suffix[1:].lower(), **settings))
    return target


__all__ = [
    "BACKWARD",
    "FORMATS",
    "FORWARD",
    "UPDATE",
    "VIEWS",
    "Drawable",
    "Overlay",
    "Phase",
    "Picture",
    "PictureError",
    "Scopes",
    "Seen",
    "Stage",
    "Times",
    "collect",
    "dot",
    "draw",
    "load",
    "modules",
    "pass_pictures",
    "picture",
    "save",
    "save_timeline",
    "shape_changes",
    "show",
    "show_timeline",
    "svg",
    "text",
    "timed",
    "timeline",
    "timeline_text",
]
