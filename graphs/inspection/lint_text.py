"""What a lint found, for people at a terminal."""

from __future__ import annotations

import os
from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from graphs.core.errors import Where
from graphs.inspection.lint import RULES, Finding


_FAULT, _CODE, _REMEDY = "#d55e00", "#56b4e9", "#009e73"
"""Colours that are told apart without red and green (Okabe and Ito)."""


def renderable(findings: Sequence[Finding], what: str = "") -> RenderableType:
    """The findings for rich's console, by place; ``what`` was looked at."""
    start = f"{what}: " if what else ""
    if not findings:
        return Text(f"{start}nothing found", style=_REMEDY)
    parts: list[RenderableType] = []
    for each in sorted(findings, key=_place):
        parts += _one(each)
    count = f"{len(findings)} finding{'s' * (len(findings) > 1)}"
    parts.append(Text(f"{start}{count}. A comment `# diptych: ignore[rule]` on a line silences a rule there."))
    return Group(*parts)


def _place(finding: Finding) -> tuple[str, int, str]:
    at = finding.line
    return (at.file, at.line, finding.rule) if at else ("", 0, finding.rule)


def _one(finding: Finding) -> list[RenderableType]:
    head = Text.assemble((short(finding.line), "bold"), "  ", (finding.rule, f"bold {_FAULT}"), f"  ({finding.mode})")
    body: list[RenderableType] = []
    if finding.line is not None and finding.line.text:
        body.append(Text(finding.line.text, style=_CODE))
    title = RULES[finding.rule].title
    body.append(Text(f"{title[0].upper()}{title[1:]}: {finding.message}."))
    body.append(Text.assemble(("remedy: ", _REMEDY), finding.remedy))
    return [head, Padding(Group(*body), (0, 0, 1, 4))]


def short(line: Where | None) -> str:
    """``file:line``, the file as seen from here where that is shorter."""
    if line is None:
        return "(no line)"
    try:
        path = min(line.file, os.path.relpath(line.file), key=len)
    except ValueError:  # on another drive
        path = line.file
    return f"{path}:{line.line}"
