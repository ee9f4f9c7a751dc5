"""A report as HTML for a notebook. All that comes from the user's program is escaped; nothing is loaded from elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape as escaped
from typing import Any

from graphs.core.quoting import fit
from static.report_text import FIGURES, left, listed, memory, rows, savings, short


_STYLE = """
.diptych { font-size: 13px; line-height: 1.45; max-width: 70em }
.diptych table { border-collapse: collapse; margin: 0.6em 0; font-size: inherit; color: inherit }
.diptych th, .diptych td { padding: 0.15em 0.7em; text-align: left; vertical-align: top; border: none; background: none }
.diptych th { border-bottom: 1px solid currentColor; font-weight: 600 }
.diptych .figure { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap }
.diptych .same { opacity: 0.5 }
.diptych .line { opacity: 0.75; white-space: pre-wrap }
.diptych .wrong { white-space: pre-wrap; border-left: 3px solid #d55e00; padding-left: 0.6em }
.diptych summary { cursor: pointer }
"""


def html(report: Mapping[str, Any]) -> str:
    """The report of ``Report.as_dict`` as one element."""
    plans = report["plans"]
    parts = [_plan(plan, f"Plan {number}: " if len(plans) > 1 else "") for number, plan in enumerate(plans, 1)]
    if not plans:
        parts.append(_p("The session has made no plan yet: it makes one when something is first run."))
    if report["refused"]:
        parts.append(_p(f"Refused: {', '.join(report['refused'])}"))
    return f'<div class="diptych"><style>{_STYLE}</style>{"".join(parts)}</div>'


def escape(text: str) -> str:
    """``text`` as HTML has it."""
    return escaped(fit(text))


def _p(words: str, tag: str = "p") -> str:
    return f"<{tag}>{escape(words)}</{tag}>"


def _plan(plan: Mapping[str, Any], start: str) -> str:
    fed = ", ".join(f"{name} {spec}" for name, spec in plan["fed"].items())
    parts = [
        _p(f"{start}{listed(plan['fetches'])}" + (f", fed {fed}" if fed else ""), "h4"),
        _p(f"Made for: {plan['reason']}."),
        _stages(plan),
    ]
    if plan["rules"]:
        parts += [_rules(plan["rules"]), _rewrites(plan["rewrites"])]
    else:
        parts.append(_p("Nothing was rewritten."))
    parts.append(_p(left(plan)))
    if plan["memory"] is not None and plan["memory"]["results"]:
        parts.append(_p(memory(plan["memory"])))
    return "".join(parts)


def _table(head: Iterable[tuple[str, bool]], body: Iterable[Iterable[str]]) -> str:
    """A table; ``head`` says of each column whether it holds figures. Cells are HTML."""
    columns = list(head)
    tops = "".join(f"<th{_class(figure)}>{escape(name)}</th>" for name, figure in columns)
    lines = []
    for row in body:
        cells = "".join(f"<td{_class(figure)}>{cell}</td>" for (_, figure), cell in zip(columns, row, strict=True))
        lines.append(f"<tr>{cells}</tr>")
    return f"<table><thead><tr>{tops}</tr></thead><tbody>{''.join(lines)}</tbody></table>"


def _class(figure: bool) -> str:
    return ' class="figure"' if figure else ""


def _stages(plan: Mapping[str, Any]) -> str:
    body = []
    before: list[str] = []
    for row in rows(plan):
        name, *figures, rewrites, took = row
        shown = [
            f'<span class="same">{escape(x)}</span>' if before and x == y else escape(x)
            for x, y in zip(figures, before or figures, strict=True)
        ]
        body.append([escape(name), *shown, escape(rewrites), escape(took)])
        before = figures
    return _table([("pass", False), *((name, True) for name in (*FIGURES, "rewrites", "ms"))], body)


def _rules(rules: Sequence[Mapping[str, Any]]) -> str:
    head = [("rule", False), ("times", True), ("pass", False), ("bound", False), ("what it says", False)]
    body = []
    for each in rules:
        words = [escape(each[name]) for name in ("pass", "bound", "law")]
        body.append([f"<code>{escape(each['rule'])}</code>", f"{each['times']:,}", *words])
    return _table(head, body)


def _rewrites(rewrites: Sequence[Mapping[str, Any]]) -> str:
    body = []
    for each in rewrites:
        lines = "".join(f'<div class="line"><code>{escape(short(line))}</code></div>' for line in each["lines"])
        wrong = f'<div class="wrong">{escape(each["counterexample"])}</div>' if "counterexample" in each else ""
        saved = "".join(f"<div>{escape(words)}</div>" for words in savings(each, "\u2192"))
        nodes = f"{escape(listed(each['nodes']))}{lines}{wrong}"
        body.append([f"{each['number']}", f"<code>{escape(each['rule'])}</code>", nodes, saved])
    table = _table([("", True), ("rule", False), ("nodes and lines", False), ("what it saves", False)], body)
    count = len(rewrites)
    return f"<details><summary>{count:,} rewrite{'s' * (count != 1)}, one by one</summary>{table}</details>"
