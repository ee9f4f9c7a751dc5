"""A report as text. It takes what ``Report.as_dict`` gives, so that it can show one that was kept as JSON too."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import Any

from rich import box
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text


FIGURES = ("nodes", "kernels", "operations", "bytes", "temporaries")
"""The columns of costs."""


def text(report: Mapping[str, Any], rewrites: int, width: int) -> str:
    """The report in lines of at most ``width`` characters, with so many rewrites of each plan one by one."""
    console = Console(file=io.StringIO(), width=width, color_system=None, legacy_windows=False)
    console.print(renderable(report, rewrites))
    out = console.file
    assert isinstance(out, io.StringIO)
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines())


def renderable(report: Mapping[str, Any], rewrites: int = 20) -> RenderableType:
    """The report for rich's console."""
    parts: list[RenderableType] = []
    if not report["plans"]:
        parts.append(Text("The session has made no plan yet: it makes one when something is first run."))
    for number, plan in enumerate(report["plans"], 1):
        parts += _plan(plan, f"Plan {number}: " if len(report["plans"]) > 1 else "", rewrites)
    if report["refused"]:
        parts.append(Text(f"Refused: {', '.join(report['refused'])}"))
    return Group(*parts)


def _plan(plan: Mapping[str, Any], start: str, rewrites: int) -> list[RenderableType]:
    fed = ", ".join(f"{name} {spec}" for name, spec in plan["fed"].items())
    parts: list[RenderableType] = [
        Text(f"{start}{listed(plan['fetches'])}" + (f", fed {fed}" if fed else ""), style="bold"),
        Text(f"Made for {plan['reason']}." if plan["reason"].startswith("the ") else f"Made because: {plan['reason']}."),
        _stages(plan),
    ]
    if plan["rules"]:
        parts.append(_rules(plan["rules"]))
        parts += _rewrites(plan["rewrites"], rewrites)
    else:
        parts.append(Text("Nothing was rewritten."))
    parts.append(Text(left(plan)))
    if plan["memory"] is not None and plan["memory"]["results"]:
        parts.append(Text(memory(plan["memory"])))
    parts.append(Text(""))
    return parts


def listed(names: Sequence[str], most: int = 6) -> str:
    """Names in a row, cut where there are many."""
    return ", ".join(names) if len(names) <= most else f"{', '.join(names[:most])} and {len(names) - most} more"


def number(value: int | None) -> str:
    """A figure, or a question mark for one that is not known."""
    return "?" if value is None else f"{value:,}"


def rows(plan: Mapping[str, Any]) -> list[list[str]]:
    """Costs as written and after each pass: name, the figures, rewrites, milliseconds."""
    found = [["as written", *(number(plan["before"][name]) for name in FIGURES), "", ""]]
    for stage in plan["stages"]:
        took = "refused" if stage["refused"] else f"{stage['seconds'] * 1e3:.1f}"
        figures = [number(stage["after"][name]) for name in FIGURES]
        found.append([stage["name"], *figures, number(stage["rewrites"]), took])
    return found


def _stages(plan: Mapping[str, Any]) -> Table:
    table = Table("pass", box=box.SIMPLE_HEAD, pad_edge=False)
    for name in (*FIGURES, "rewrites", "ms"):
        table.add_column(name, justify="right")
    for row in rows(plan):
        table.add_row(*map(Text, row))
    return table


def _rules(rules: Sequence[Mapping[str, Any]]) -> Table:
    table = Table("rule", box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("times", justify="right")
    for name in ("pass", "bound", "what it says"):
        table.add_column(name, overflow="fold")
    for each in rules:
        table.add_row(*map(Text, (each["rule"], number(each["times"]), each["pass"], each["bound"], each["law"])))
    return table


def savings(rewrite: Mapping[str, Any], arrow: str = "->") -> list[str]:
    """What a rewrite changes, in a few words each."""
    was, now = rewrite["before"], rewrite["after"]
    words = [
        f"{was[name]:,} {arrow} {now[name]:,} {name}"
        for name in FIGURES
        if None not in (was[name], now[name]) and was[name] != now[name]
    ]
    return words or ["the same cost"]


def short(line: str) -> str:
    """A user's line without the folders of its file."""
    place, _, source = line.partition("  ")
    return f"{PurePath(place).name}  {source}".rstrip()


def _rewrites(rewrites: Sequence[Mapping[str, Any]], most: int) -> list[RenderableType]:
    parts: list[RenderableType] = []
    for each in rewrites[:most]:
        bound = "" if each["bound"] == "exact" else f" ({each['bound']})"
        about = f"{each['number']:>4}. {each['rule']}{bound}: {listed(each['nodes'])}"
        parts.append(Text(f"{about}: {', '.join(savings(each))}"))
        parts += [Padding(Text(short(line), style="dim"), (0, 0, 0, 6)) for line in each["lines"]]
        if "counterexample" in each:
            parts.append(Padding(Text(each["counterexample"], style="red"), (0, 0, 0, 6)))
    if len(rewrites) > most:
        parts.append(Text(f"      and {len(rewrites) - most:,} more"))
    parts.append(Text(""))
    return parts


def kernels(plan: Mapping[str, Any]) -> list[str]:
    """What is left to be run, each kernel with how often it is called."""
    found = []
    for each in plan["kernels"]:
        name = f"{each['kernel']} ({each['label']})" if each["label"] else each["kernel"]
        found.append(f"{name} x{each['times']:,}" if each["times"] > 1 else name)
    return found


def left(plan: Mapping[str, Any]) -> str:
    """What is left to be run, in one sentence."""
    count = plan["after"]["kernels"]
    return f"A run calls {count:,} kernel{'s' * (count != 1)}: {', '.join(kernels(plan)) or 'none'}."


def memory(planned: Mapping[str, int]) -> str:
    """What the results on the way share, in one sentence."""
    return (
        f"{planned['results']:,} results on the way share {planned['bytes']:,} bytes; beside each other they would take "
        f"{planned['unshared']:,}."
    )
