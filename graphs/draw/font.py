"""The font of the pictures. It lies in ``fonts/``, so that they come out the same on machines with other fonts or none."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from xml.sax.saxutils import escape


FAMILY = "Helvetica"
"""What the pictures ask for: a browser takes Helvetica or Arial, and our font has the same widths."""

_FONTS = Path(__file__).parent / "fonts"

_CONFIGURATION = """<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <dir>{fonts}</dir>
  <dir>/usr/share/fonts</dir>
  <dir>/usr/local/share/fonts</dir>
  <dir>/System/Library/Fonts</dir>
  <dir>/Library/Fonts</dir>
  <dir>WINDOWSFONTDIR</dir>
  <match target="pattern">
    <test name="family" qual="any"><string>{family}</string></test>
    <edit name="family" mode="prepend" binding="strong"><string>Diptych Sans</string></edit>
  </match>
  <match target="pattern">
    <edit name="hinting" mode="assign"><bool>false</bool></edit>
    <edit name="hintstyle" mode="assign"><const>hintnone</const></edit>
    <edit name="rgba" mode="assign"><const>none</const></edit>
  </match>
  <cachedir prefix="xdg">fontconfig</cachedir>
</fontconfig>
"""
"""Ours first; the system's serve for scripts that it lacks. Unhinted, since hinting rounds widths to whole pixels."""


@contextmanager
def configured() -> Iterator[None]:
    """Inside, fontconfig starts with our configuration; it reads one once in a process, at its first use.

    What it writes to standard error meanwhile is passed on, except its warnings about the system's own configuration, which
    may be for a newer version than the one in the ``pygraphviz`` wheel.
    """
    before = os.environ.get("FONTCONFIG_FILE")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "fonts.conf")
        path.write_text(_CONFIGURATION.format(fonts=escape(str(_FONTS)), family=FAMILY), encoding="utf-8")
        os.environ["FONTCONFIG_FILE"] = str(path)
        try:
            with without_warnings():
                yield
        finally:
            if before is None:
                del os.environ["FONTCONFIG_FILE"]
            else:
                os.environ["FONTCONFIG_FILE"] = before


_HARMLESS = (b"Fontconfig warning", b"lib/pathplan/", b"Warning: graph has", b"Warning: Unable to reclaim box space")
"""How lines begin that nobody needs: that an edge was drawn straight or through a narrow gap, or that layout takes long."""


@contextmanager
def without_warnings() -> Iterator[None]:
    """Hold back what C code writes to standard error inside, and pass on all but harmless warnings."""
    try:
        sys.stderr.flush()
        error = os.dup(2)
    except (AttributeError, OSError, ValueError):  # there is no standard error
        yield
        return
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(error, 2)
            os.close(error)
            held.seek(0)
            for line in held:
                if not line.startswith(_HARMLESS):
                    os.write(2, line)
