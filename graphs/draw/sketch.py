"""A scene as the markup of a viewer: frames below arrows below boxes, each group with its name for the script."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree

from markupsafe import Markup

from graphs.draw.picture import Item
from graphs.draw.scene import Frame, Scene, Shape
from graphs.draw.style import LOOKS


LAYERS = ("clusters", "arrows", "detours", "boxes", "folds")
"""From the bottom up; detours and folds are the script's."""


def drawing(shown: Scene, prefix: str) -> Markup:
    """The groups of a scene; ids begin with ``prefix``. Words are text and attributes, escaped."""
    x, y = shown.shift
    top = ElementTree.Element("g", {"transform": f"translate({x:g} {y:g})"})
    layers = {name: ElementTree.SubElement(top, "g", {"class": f"dp-{name}"}) for name in LAYERS}
    for name in ("arrows", "detours"):
        layers[name].set("aria-hidden", "true")
    for name in ("detours", "folds"):
        layers[name].set("transform", f"translate({-x:g} {-y:g})")
    for name, shape in shown.clusters.items():
        label = shape.words[0] if shape.words else "scope"
        group = _named(layers["clusters"], shape, prefix, name, "dp-cluster")
        group.attrib |= {"role": "button", "aria-expanded": "true", "aria-label": f"scope {label}"}
        group.append(_grip(shape.frame, shown.shift))
    for arrow in shown.arrows:
        arrow.shape.group.set("class", f"dp-arrow dp-{arrow.kind}")
        layers["arrows"].append(arrow.shape.group)
    for name, shape in shown.boxes.items():
        item = shown.items.get(name)
        group = _named(layers["boxes"], shape, prefix, name, "dp-box")
        group.attrib |= {"role": "button", "aria-label": _spoken(item, shape)}
    return Markup(ElementTree.tostring(top, encoding="unicode"))


def _named(layer: ElementTree.Element, shape: Shape, prefix: str, name: str, kind: str) -> ElementTree.Element:
    shape.group.attrib |= {"class": kind, "id": f"{prefix}-{name}", "data-name": name, "tabindex": "-1"}
    layer.append(shape.group)
    return shape.group


def _grip(frame: Frame, shift: tuple[float, float]) -> ElementTree.Element:
    """What folds a scope: the strip along its upper edge, with a sign at the corner."""
    left, top, width = round(frame[0] - shift[0], 2), round(frame[1] - shift[1], 2), frame[2]
    x = round(left + width - 12, 2)
    grip = ElementTree.Element("g", {"class": "dp-grip"})
    ElementTree.SubElement(grip, "rect", {"x": f"{left:g}", "y": f"{top - 8:g}", "width": f"{width:g}", "height": "28"})
    ElementTree.SubElement(grip, "circle", {"cx": f"{x:g}", "cy": f"{top:g}", "r": "5.5"})
    ElementTree.SubElement(grip, "path", {"d": f"M{x - 2.8:g} {top:g}h5.6"})
    return grip


def _spoken(item: Item | None, shape: Shape) -> str:
    kind = (LOOKS[item.kind].word,) if item is not None else ()
    return ", ".join(dict.fromkeys([*shape.words, *kind]))
