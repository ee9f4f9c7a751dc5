"""What a comparison found, as a table for people and as JSON."""

from __future__ import annotations

import io
import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from graphs.compare.breakeven import PARTS
from graphs.compare.lockstep import Agreement, Difference
from graphs.compare.machine import machine
from graphs.compare.measure import Costs
from graphs.compare.passes import Passes
from graphs.core.quoting import fit


_CODE = '<pre style="line-height: 1.3; font-family: monospace">{code}</pre>'


class Report(NamedTuple):
    """A comparison of two modes of one program."""

    path: Path
    modes: tuple[str, str]
    dtype: str
    agreement: Agreement
    costs: Costs
    pictures: tuple[Path, ...] = ()
    passes: tuple[Passes, ...] = ()
    page: Path | None = None

    def _repr_html_(self) -> str:
        """The tables for a notebook; the program's strings are escaped."""
        console = Console(record=True, file=io.StringIO(), width=120)
        console.print(render(self))
        return fit(console.export_html(inline_styles=True, code_format=_CODE))


def as_dict(report: Report) -> dict[str, Any]:
    """The report as JSON can hold it. Times are in seconds, memory in bytes."""
    agreement, costs = report.agreement, report.costs
    return {
        "program": str(report.path),
        "modes": list(report.modes),
        "dtype": report.dtype,
        "agreement": {
            "steps": agreement.steps,
            "arrays": agreement.compared,
            "elements": agreement.elements,
            "equal": agreement.difference is None,
            "losses": {
                name: {mode: [_plain(loss) for loss in losses] for mode, losses in curves.items()}
                for name, curves in agreement.losses.items()
            },
            "difference": None if agreement.difference is None else _difference_dict(agreement.difference),
            "certificate": [station.as_dict() for station in agreement.certificate],
        },
        "passes": [each.as_dict() for each in report.passes],
        "costs": {mode: cost.as_dict() for mode, cost in costs.modes.items()},
        "ratio": costs.ratio,
        "pays_after": costs.pays_after,
        "break_even": None if costs.break_even is None else costs.break_even.as_dict(),
        "pictures": [str(path) for path in report.pictures],
        "page": None if report.page is None else str(report.page),
        "machine": machine(),
    }


def _plain(number: float) -> float | str:
    """What JSON has a form for: infinities and NaN as text."""
    return number if math.isfinite(number) else str(number)


def _difference_dict(difference: Difference) -> dict[str, Any]:
    made = difference._asdict()
    if difference.node is not None:
        made["node"] = {**difference.node._asdict(), "operands": [o._asdict() for o in difference.node.operands]}
    return made


def render(report: Report) -> RenderableType:
    """The report as tables and lines for rich's console."""
    parts: list[RenderableType] = [_losses(report), _verdict(report)]
    if report.agreement.difference is not None:
        parts.append(_difference(report.modes, report.agreement.difference))
    parts += [Text(str(each), style="" if each.distance is None or each.bounds else "red") for each in report.passes]
    parts.append(_costs(report))
    parts.append(_payment(report))
    if report.pictures:
        parts.append(Text(f"{len(report.pictures)} pictures of both graphs are in {report.pictures[0].parent}"))
    if report.page is not None:
        parts.append(Text(f"The whole report is one page for a browser: {report.page}"))
    return Group(*parts)


def _losses(report: Report) -> Table:
    table = Table("loss", "mode", title=Text(f"{report.path.name}, {report.dtype}"), title_justify="left")
    steps = report.agreement.steps
    shown = sorted({1, max(1, steps // 2), steps})
    for step in shown:
        table.add_column(f"step {step}", justify="right")
    for name, curves in report.agreement.losses.items():
        for mode in report.modes:
            table.add_row(Text(name), mode, *(f"{curves[mode][step - 1]:.9g}" for step in shown))
    return table


def _verdict(report: Report) -> Text:
    agreement = report.agreement
    difference = agreement.difference
    if difference is None:
        return Text(
            f"Equal to the last bit for {agreement.steps} steps: losses, gradients, optimiser slots and parameters "
            f"({agreement.compared:,} arrays, {agreement.elements:,} numbers).",
            style="green",
        )
    place = f"at step {difference.step}, update {difference.station}"
    text = f"Not equal: {place}, the {difference.what} is {_apart(difference.ulps)}"
    if difference.others:
        text += f"; so {'are' if len(difference.others) > 1 else 'is'} the {', the '.join(difference.others)}"
    return Text(f"{text}.\n{difference.note}", style="red")


def _apart(distance: int | None) -> str:
    if distance is None:
        return "not comparable (dtype, shape or NaN)"
    if distance == 0:
        return "apart in the sign of a zero or the bits of a NaN"
    return f"{distance:,} unit{'s' if distance > 1 else ''} in the last place (ulp) apart"


def _difference(modes: tuple[str, str], difference: Difference) -> RenderableType:
    node = difference.node
    if node is None:
        return Text()
    table = Table("", *modes, "ulp", title="the first node that differs", title_justify="left")

    def row(title: str, cells: Iterable[str], distance: str = "") -> None:
        table.add_row(title, *(Text(cell, overflow="fold") for cell in cells), distance)

    row("op", node.ops, _ulps(node.ulps))
    if any(node.names):
        row("node", node.names)
    row("line", node.where)
    for index, operand in enumerate(node.operands):
        cells = (f"{spec}\n{values}" for spec, values in zip(operand.specs, operand.values, strict=True))
        row(f"operand {index}", cells, _ulps(operand.ulps))
    return table


def _ulps(distance: int | None) -> str:
    return "none" if distance is None else f"{distance:,}"


def _costs(report: Report) -> Table:
    table = Table(title="costs", title_justify="left")
    table.add_column("")
    for mode in report.modes:
        table.add_column(mode, justify="right")
    table.add_column(f"{report.modes[0]} / {report.modes[1]}", justify="right")
    costs = report.costs.modes
    pair = [costs[mode] for mode in report.modes]

    def row(title: str, show: Any, value: Any, ratio: float | None = None) -> None:
        a, b = (value(cost) for cost in pair)
        found = (a / b if b else None) if ratio is None else ratio
        table.add_row(title, show(a), show(b), "" if found is None else f"{found:.2f}")

    row("build", _time, lambda cost: cost.build)
    row("optimise", _time, lambda cost: cost.optimise)
    row("first step", _time, lambda cost: cost.first)
    row("steady step", _time, lambda cost: cost.steady, report.costs.ratio)
    table.add_row("half of them within", *(" - ".join(map(_time, cost.spread)) for cost in pair), "")
    if all(cost.parts is not None for cost in pair):
        for name, title in PARTS.items():
            row(f"  {title}", _time, lambda cost, name=name: getattr(cost.parts, name))
        table.add_row("  the rest", *(_time(cost.parts.rest) for cost in pair if cost.parts), "")
    row("peak memory", _bytes, lambda cost: cost.peak)
    if all(cost.memory is not None for cost in pair):
        row("  a step's own", _bytes, lambda cost: max(cost.memory.live, default=0))
        row("temporaries a step", str, lambda cost: cost.memory.temporaries)
        row("  their bytes", _bytes, lambda cost: cost.memory.temporary_bytes)
    row("nodes a step", str, lambda cost: cost.nodes)
    row("kernels called a step", str, lambda cost: cost.kernels)
    return table


def _payment(report: Report) -> Text:
    first, second = report.modes
    if report.costs.break_even is not None:
        return Text(report.costs.break_even.words(report.modes))
    steps = report.costs.pays_after
    if steps is None:
        return Text(
            f"The {first} form never pays for its building here: its steady step is not faster than the {second} one's."
        )
    return Text(f"The {first} form has paid for its building after {steps:,} step{'s' if steps > 1 else ''}.")


def _time(seconds: float) -> str:
    return f"{seconds * 1e6:,.0f} µs" if abs(seconds) < 0.01 else f"{seconds * 1e3:,.1f} ms"


def _bytes(count: int) -> str:
    return f"{count / 2**20:,.1f} MiB" if count >= 2**20 else f"{count / 2**10:,.1f} KiB"
