"""What a session's passes did, plan by plan: as text, JSON, a notebook's table, pictures, and checked."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from importlib import import_module
from os import PathLike
from pathlib import Path
from typing import Any

from graphs.codegen.fused import fused
from graphs.rewrite import Counterexample, Record, Shapes, UncheckedError, calls, check, cost


class PlanReport:
    """What passes made of one plan.

    Attributes:
        plan: the plan.
        fetches: the names of what is fetched.
        fed: what is fed, by name, with the spec that the plan is for.
    """

    def __init__(self, plan: Any, fetches: Sequence[Any], fed: Sequence[Any]) -> None:
        self.plan = plan
        self.fetches = [fetch.name for fetch in fetches]
        self.fed = dict(zip((tensor.name for tensor in fed), plan.given, strict=True))
        known = {(x.node, x.index): spec for x, spec in zip(fed, plan.given, strict=True) if spec.known}
        self.shapes = Shapes(known)

    @property
    def records(self) -> list[Record]:
        """The rewrites, in order."""
        return list(self.plan.outcome.log)

    def as_dict(self) -> dict[str, Any]:
        """Everything, as JSON takes it. Costs are those of a run with the shapes that the plan is for."""
        outcome = self.plan.outcome
        return {
            "fetches": self.fetches,
            "fed": {name: str(spec) for name, spec in self.fed.items()},
            "reason": self.plan.reason,
            "native": bool(self.plan.native),
            "before": cost(outcome.programs[0], self.shapes).as_dict(),
            "after": cost(outcome.program, self.shapes).as_dict(),
            "stages": [stage.as_dict(self.shapes) for stage in outcome.stages],
            "rules": _rules(outcome.log),
            "rewrites": [_described(record, self.shapes) for record in outcome.log],
            "kernels": _kernels(outcome.program.nodes),
            "memory": self._memory(),
        }

    def _repr_html_(self) -> str:
        return Report([self], (), ())._repr_html_()

    def _memory(self) -> dict[str, int] | None:
        """What results on the way share; None where no memory is planned."""
        if not self.plan.outcome.program.reuse:
            return None
        memory = self.plan.memory
        return {"bytes": memory.bytes, "unshared": memory.unshared, "results": len(memory.buffers)}


class Report:
    """What a session's passes did. ``print`` shows it, and a notebook shows it as a table.

    Attributes:
        plans: a report for each plan.
        passes: the names of the session's passes.
        refused: the names of rules and passes that do not fire.
        unchecked: after ``check``, the rewrites of which nothing is known, as none of the inputs tried suits them.
    """

    def __init__(self, plans: Sequence[PlanReport], passes: Sequence[str], refused: Sequence[str]) -> None:
        self.plans = list(plans)
        self.passes = list(passes)
        self.refused = sorted(refused)
        self.unchecked: list[Record] = []

    @property
    def records(self) -> list[Record]:
        """The rewrites of all plans, in order."""
        return [record for plan in self.plans for record in plan.records]

    def as_dict(self) -> dict[str, Any]:
        """Everything, as JSON takes it: for each plan why it was made, stages, rules, rewrites, costs, what a run calls."""
        return {"passes": self.passes, "refused": self.refused, "plans": [plan.as_dict() for plan in self.plans]}

    def to_json(self, path: str | PathLike[str] | None = None) -> str:
        """``as_dict`` as JSON text, which is written to ``path`` too, if one is given."""
        text = json.dumps(self.as_dict(), indent=1)
        if path is not None:
            Path(path).write_text(text, encoding="utf-8")
        return text

    def check(self, seed: int = 0) -> list[Counterexample]:
        """Hold each rewrite to its bound on random inputs and on those at which rules go wrong; what goes beyond it."""
        found = []
        self.unchecked = []
        for record in self.records:
            try:
                counterexample = check(record, seed)
            except UncheckedError:
                self.unchecked.append(record)
            else:
                found += [] if counterexample is None else [counterexample]
        return found

    def draw(
        self, directory: str | PathLike[str], formats: Sequence[str] = ("svg",), *, title: str = "", budget: int = 80
    ) -> list[Path]:
        """Write pictures of each plan into ``directory``, which is made, and return their paths.

        There is one of the program as it is written, one for each pass that changed something (what stayed, came, went and
        became another node), and one of what is run.

        Args:
            directory: where to.
            formats: of ``svg``, ``png``, ``pdf`` and ``dot``.
            title: the beginning of each heading.
            budget: the boxes drawn at most; of larger programs a picture shows the places that the pass touched.
        """
        drawing = import_module("graphs.draw")  # what draws is loaded by who draws
        wrong = [form for form in formats if form not in drawing.FORMATS]
        if wrong:
            raise ValueError(f"no format {wrong[0]}; there are {', '.join(drawing.FORMATS)}")
        folder = Path(directory)
        folder.mkdir(parents=True, exist_ok=True)
        paths = []
        for number, plan in enumerate(self.plans, 1):
            start = f"plan-{number}-" if len(self.plans) > 1 else ""
            for name, picture in drawing.pass_pictures(plan.plan.outcome.stages, title=title, budget=budget):
                for form in formats:
                    path = folder / f"{start}{name}.{form}"
                    path.write_bytes(drawing.FORMATS[form](picture, legend=True, direction="TB"))
                    paths.append(path)
        return paths

    def text(self, rewrites: int = 20, width: int = 110) -> str:
        """The report as text, with so many rewrites of each plan one by one, in lines of ``width`` characters."""
        return str(import_module("static.report_text").text(self.as_dict(), rewrites, width))

    def __str__(self) -> str:
        return self.text()

    def __repr__(self) -> str:
        return f"<report of {len(self.plans)} plans: {len(self.records)} rewrites>"

    def _repr_html_(self) -> str:
        return str(import_module("static.report_html").html(self.as_dict()))


def report(session: Any, fetches: Any, feed_dict: Mapping[Any, Any] | Sequence[Any] | None) -> Report:
    """See ``Session.report``."""
    if fetches is None:
        every = [
            PlanReport(plan, call.fetches, [feed.tensor for feed in call.feeds])
            for call in dict.fromkeys(session._calls.values())
            for plan in call.made
        ]
    else:
        call = session._called(fetches, dict.fromkeys(feed_dict or ()))
        plan = session.plan(fetches, feed_dict or {})
        every = [PlanReport(plan, call.fetches, [feed.tensor for feed in call.feeds])]
    return Report(every, [each.__name__ for each in session.passes], session.refuse)


def _described(record: Record, shapes: Shapes) -> dict[str, Any]:
    found = record.as_dict(shapes)
    if record.counterexample is not None:
        found["counterexample"] = str(record.counterexample)
    return found


def _rules(records: Any) -> list[dict[str, Any]]:
    """What fired, the most frequent first."""
    counts = Counter((record.rule, record.stage, record.law, record.bound) for record in records)
    return [
        {"rule": rule, "pass": stage, "law": law, "bound": bound, "times": times}
        for (rule, stage, law, bound), times in counts.most_common()
    ]


def _kernels(nodes: Sequence[Any]) -> list[dict[str, Any]]:
    """The kernels that are left to be called, the most frequent first; of a fused one, the nodes it stands for."""
    found: dict[Any, dict[str, Any]] = {}
    for node in nodes:
        if not calls(node):
            continue
        label = node.params.get("label", "") if node.op is fused else ""
        entry = found.setdefault((node.op.name, label), {"kernel": node.op.name, "label": label, "times": 0, "nodes": []})
        entry["times"] += 1
        entry["nodes"].append([each.name for each in getattr(node, "origins", (node,))])
    return sorted(found.values(), key=lambda entry: -int(entry["times"]))


__all__ = ["PlanReport", "Report", "report"]
