"""SVG that stands in a page: matplotlib's drawings without what a strict content policy forbids or what reaches beyond them.

A drawing of its own may bring a style sheet and style attributes; inside a page the sheet would be everybody's, and a policy
without ``unsafe-inline`` drops the attributes. They become presentation attributes, colours become the page's own where they
have a name there, and ids get a prefix so that several drawings do not meet.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from xml.etree import ElementTree

from markupsafe import Markup

from graphs.core.quoting import fit


_SVG = "{http://www.w3.org/2000/svg}"
_LINK = "{http://www.w3.org/1999/xlink}href"
_FONT = re.compile(r"^(?:(?P<style>italic|oblique) )?(?:(?P<weight>bold|\d00) )?(?P<size>[\d.]+)px (?P<family>.*)$")
_DROPPED = {"metadata", "style", "title", "desc"}


def inline(svg: str, name: str, label: str, colours: Mapping[str, str]) -> Markup:
    """The SVG element of a drawing as part of a page.

    Args:
        svg: a document as matplotlib writes it, its text as text.
        name: what ids begin with.
        label: what the drawing shows, in words, for who does not see it.
        colours: style classes by the colour that they replace, such as ``"#0072b2"``: an element drawn in it gets the class
            ``stroke-<name>`` or ``fill-<name>`` in its place.
    """
    root = ElementTree.fromstring(svg)
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag.removeprefix(_SVG) in _DROPPED:
                parent.remove(child)
    for element in root.iter():
        element.tag = element.tag.removeprefix(_SVG)
        _flatten(element)
        _recolour(element, colours)
        _rename(element, name)
    width, height = root.attrib.pop("width", ""), root.attrib.pop("height", "")
    root.attrib.pop("version", None)
    root.attrib.setdefault("viewBox", f"0 0 {width.removesuffix('pt')} {height.removesuffix('pt')}")
    root.attrib |= {"role": "img", "aria-label": fit(label), "class": "plot"}
    return Markup(ElementTree.tostring(root, encoding="unicode"))


def _flatten(element: ElementTree.Element) -> None:
    """Turn a style attribute into presentation attributes."""
    for declaration in element.attrib.pop("style", "").split(";"):
        key, _, value = (part.strip() for part in declaration.partition(":"))
        font = _FONT.match(value) if key == "font" else None
        if font is not None:
            element.attrib["font-size"] = font["size"]
            if font["weight"]:
                element.attrib["font-weight"] = font["weight"]
        elif value and key != "font":
            element.attrib[key] = value


def _recolour(element: ElementTree.Element, colours: Mapping[str, str]) -> None:
    for kind in ("stroke", "fill"):
        named = colours.get(element.attrib.get(kind, "").lower())
        if named is not None:
            del element.attrib[kind]
            element.attrib["class"] = f"{element.attrib.get('class', '')} {kind}-{named}".strip()


def _rename(element: ElementTree.Element, name: str) -> None:
    if "id" in element.attrib:
        element.attrib["id"] = f"{name}-{element.attrib['id']}"
    target = element.attrib.pop(_LINK, None) or element.attrib.get("href")
    if target is not None:
        element.attrib["href"] = f"#{name}-{target.removeprefix('#')}"
    for key, value in element.attrib.items():
        if value.startswith("url(#"):
            element.attrib[key] = f"url(#{name}-{value[5:]}"
