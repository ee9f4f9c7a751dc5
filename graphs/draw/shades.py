"""The colours of pictures on a dark screen."""

from __future__ import annotations

import colorsys
from collections.abc import Iterable


DARKEST, LIGHTEST = 0.09, 0.93
"""The lightness that white and black are shown with: neither is left as it is, since full contrast dazzles."""


def dark(colour: str) -> str:
    """The counterpart of ``#rrggbb`` on a dark ground: the same hue, light and dark exchanged."""
    red, green, blue = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    hue, light, strength = colorsys.rgb_to_hls(red, green, blue)
    turned = DARKEST + (1 - light) * (LIGHTEST - DARKEST)
    tamed = strength * (0.55 if light > 0.8 else 0.85)  # pale tints become deep ones, where the same strength glares
    return "#" + "".join(f"{round(part * 255):02x}" for part in colorsys.hls_to_rgb(hue, turned, tamed))


def variables(colours: Iterable[str]) -> tuple[str, str]:
    """CSS that defines the variables of ``colours`` for a light ground, and for a dark one."""
    ordered = sorted(set(colours))
    light = "".join(f"--c-{each[1:]}:{each};" for each in ordered)
    return light, "".join(f"--c-{each[1:]}:{dark(each)};" for each in ordered)
