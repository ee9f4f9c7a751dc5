"""Operations as text: a line, a card, the program around it, the graph around it."""

from __future__ import annotations

import linecache
import os
import re
from inspect import getdoc
from typing import Any

import numpy
from rich.panel import Panel
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from graphs.core.errors import Where
from graphs.core.op import OPS
from graphs.inspection.moments import Moment, StepError
from graphs.inspection.statistics import shown, statistics


STYLES = {"forward": "#56B4E9", "backward": "#D55E00", "update": "#009E73"}
"""Colours of the kinds of operations, from Okabe and Ito's palette."""

AROUND = 4
"""Lines of a program that are shown before and after one."""

FEW = 3
"""Outputs of an operation that a line has."""

SMALL = 6
"""Elements of a value that is shown whole where others have their statistics."""


def plain(text: str, lines: bool = False) -> str:
    """``text`` with control characters written out: names and lines of a program cannot steer a terminal."""
    kept = "\n" if lines else ""
    return "".join(c if c.isprintable() or c in kept else c.encode("unicode_escape").decode() for c in text)


def place(where: Where | None) -> str:
    """File and line; the file as seen from here, or its name where it is elsewhere."""
    if where is None:
        return ""
    path = os.path.relpath(where.file)
    return f"{os.path.basename(where.file) if path.startswith(os.pardir) else path}:{where.line}"


def value_line(value: Any) -> str:
    """A small value, or the statistics of a large one."""
    array = numpy.asarray(value)
    if array.size <= SMALL:
        return " ".join(shown(array).split())
    found = statistics(array)
    return f"{found}" if found is not None else "no numbers"


def brief(moment: Moment, mark: str = "", details: bool = False) -> Text:
    """An operation in a line, after a mark; with ``details`` its line in the program and its values below."""
    text = Text(mark).append(f"#{moment.number} ", "bold" if mark.strip() else "")
    style = STYLES.get(moment.kind, "")
    named = re.sub(r"_\d+\Z", "", moment.name) == moment.op
    text.append(plain(moment.name), f"bold {style}")
    text.append("" if named else f"  {moment.op}", style)
    more = len(moment.specs) - FEW
    text.append(f"  {', '.join(map(str, moment.specs[:FEW]))}" + (f" and {more} more" if more > 0 else ""))
    text.append("".join(f", {plain(str(each))}" for each in moment.rounds[-1:]), "magenta")
    text.append(f", step {moment.step}" if moment.step and not moment.rounds else "", "magenta")
    if moment.scope and not moment.name.startswith(moment.scope):
        text.append(f", in {plain(moment.scope)}", "dim")
    text.append(", changed" if moment.changed else "", "yellow")
    if details:
        if moment.where is not None:
            text.append(f"\n    {plain(place(moment.where))}  {plain(moment.where.text)}", "dim")
        if moment.note:
            text.append(f"\n    {plain(moment.note)}", style)
        for value in moment.values[:FEW]:
            text.append(f"\n    {value_line(value)}" if _numbers(value) else "")
    return text


def card(moment: Moment, position: str) -> Panel:
    """All that there is to say of an operation, in a frame."""
    table = Table.grid(padding=(0, 2))
    op = OPS.get(moment.op)
    meaning = (getdoc(op.kernel) or "").partition("\n")[0].replace("``", "") if op is not None else ""
    rows = [("op", f"{moment.op}: {meaning}" if meaning else moment.op), ("kind", moment.kind)]
    rows += [("line", f"{place(moment.where)}  {moment.where.text}")] if moment.where is not None else []
    rows += [("of", moment.note)] if moment.note else []
    rows += [("in", "; ".join(map(str, reversed(moment.rounds))) or moment.scope)] if moment.rounds or moment.scope else []
    rows += [("reads", ", ".join(moment.reads) or "nothing")]
    for i, (spec, value) in enumerate(zip(moment.specs, moment.values, strict=False)):
        label = "gave" if len(moment.specs) == 1 else f"gave :{i}"
        rows.append((label, f"{spec}  {value_line(value)}" if _numbers(value) else f"{spec}"))
    rows += [("step", f"{moment.step}, counted from 0")] if moment.step else []
    rows += [("changed", "its value was changed, or follows from one that was")] if moment.changed else []
    rows += [("at", position)]
    for name, text in rows:
        table.add_row(Text(name, "dim"), Text(plain(text)))
    style = STYLES.get(moment.kind, "")
    return Panel(table, title=Text(f"#{moment.number} {plain(moment.name)}", "bold"), title_align="left", border_style=style)


def source(moment: Moment) -> Text:
    """The program's lines around an operation's."""
    assert moment.where is not None
    file, line = moment.where.file, moment.where.line
    text = Text().append(plain(place(moment.where)), "dim")
    for number in range(max(line - AROUND, 1), line + AROUND + 1):
        found = linecache.getline(file, number)
        if found:
            mark = "->" if number == line else "  "
            text.append(f"\n{mark} {number:4} {plain(found.rstrip())}", "bold" if number == line else "")
    return text


def neighbours(stepper: Any, moment: Moment, levels: int) -> Tree:
    """What an operation reads, ``levels`` back, and what has read it."""
    root = Tree(brief(moment, "> "))
    before = root.add(Text("reads", "dim"))
    stack = [(before, moment, levels)]
    while stack:
        branch, each, left = stack.pop()
        for label in dict.fromkeys(each.reads):
            found = _reader(stepper, each, label)
            if isinstance(found, Moment):
                below = branch.add(brief(found))
                if left > 1:
                    stack.append((below, found, left - 1))
            else:
                branch.add(Text(f"{plain(label)}{found}"))
    users = stepper.users(moment)
    after = root.add(Text("read by" if users else "read by nothing that has run", "dim"))
    for each in users:
        after.add(brief(each))
    return root


def _reader(stepper: Any, moment: Moment, label: str) -> Moment | str:
    """What a label among what an operation reads stands for: an operation before, or what is said of the outside."""
    name = label.rpartition(":")[0] if label.rpartition(":")[2].isdecimal() and ":" in label else label
    for each in reversed(stepper.moments[: moment.number - 1]):
        if each.name == name and each.owner is moment.owner:
            return each
    value = moment.owner.sources(moment.number).get(name)
    try:
        return f"  {numpy.asarray(value).dtype.name}{numpy.shape(value)}, from outside" if value is not None else ""
    except StepError:
        return ""


def _numbers(value: Any) -> bool:
    return getattr(value, "dtype", None) is not None and value.dtype.kind != "O"
