"""What passes did: one record for each rewrite, with lines, nodes, operations and bytes before and after."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from graphs.core.function import Function
from graphs.core.node import Value, new_parameter
from graphs.rewrite.costs import Cost, Shapes
from graphs.rewrite.program import Edge, known, origins, spec_of


class Record:
    """One rewrite.

    Attributes:
        number: from 1, in the order the rewrites were made.
        stage: the pass that made it.
        rule: the rule's name; that of the pass, for passes without rules.
        law: what the rule says.
        bound: how far results may differ, in words.
        checked: the rule, or the ``Bound`` of a pass without rules, for the checker; None where results are exact.
        before: the nodes that the rule looked at; the last one was replaced.
        after: the nodes that it made, or (``cse``) the one among those before that is left.
        old: the values that were replaced.
        new: what stands for them.
        fed: the edges whose values come from outside: constants among them are not constant.
        counterexample: inputs on which it goes beyond its bound, once a check has found some.
        apply: what a node that was replaced yields, ``apply(node, inputs)``, where that is not just a call of its op: a pass
            that puts other functions in the place of numpy's is held to these.
    """

    # fmt: off
    __slots__ = (
        "number", "stage", "rule", "law", "bound", "checked", "before", "after", "old", "new", "fed", "counterexample",
        "apply", "__weakref__",
    )
    # fmt: on

    def __init__(
        self,
        stage: str,
        rule: str,
        law: str,
        before: Sequence[Any],
        after: Sequence[Any],
        old: Sequence[Any],
        new: Sequence[Any],
        checked: Any = None,
        fed: frozenset[Edge] = frozenset(),
    ) -> None:
        self.number = 0
        self.stage = stage
        self.rule = rule
        self.law = law
        self.bound = checked.bound if checked is not None else "exact"
        self.checked = checked
        self.before = tuple(before)
        self.after = tuple(after)
        self.old = tuple(old)
        self.new = tuple(new)
        self.fed = fed
        self.counterexample: Any = None
        self.apply: Callable[[Any, Sequence[Any]], Any] | None = None

    @property
    def origins(self) -> tuple[Any, ...]:
        """The user's nodes that the replaced nodes stand for."""
        return origins(self.before)

    @property
    def lines(self) -> list[str]:
        """The user's lines that made them, each once."""
        return list(dict.fromkeys(str(node.where) for node in self.origins if node.where is not None))

    @property
    def costs(self) -> tuple[Cost, Cost]:
        """What the matched expression costs, and what stands for it. What else reads its inside is not looked at."""
        return self.costs_with(None)

    def costs_with(self, shapes: Shapes | None) -> tuple[Cost, Cost]:
        """As ``costs``, in a run with these shapes. What the expression yields counts for no temporary."""
        was, now = ({(x.node, x.index) for x in values if isinstance(x, Value)} for values in (self.old, self.new))
        return Cost.of(self.before, was, shapes), Cost.of(self.after, now, shapes)

    def functions(self) -> tuple[Function, Function]:
        """The expressions before and after, as Functions of the same values."""
        inside, fresh = set(self.before), set(self.after)
        reached = [x for node in (*self.before, *self.after) for x in node.inputs] + list(self.new)
        leaves = {
            (x.node, x.index): x
            for x in reached
            if isinstance(x, Value) and x.node not in inside and x.node not in fresh and known(x, self.fed) is None
        }
        return self._function(self.old, leaves, "before"), self._function(self.new, leaves, "after")

    def _function(self, roots: Sequence[Any], leaves: dict[Edge, Any], name: str) -> Function:
        given = {edge: new_parameter(spec_of(x)) for edge, x in leaves.items()}
        values: dict[Any, Any] = dict(given)
        fresh, apply = set(self.after), self.apply
        for node in sorted({*self.before, *fresh}, key=lambda node: node.serial):
            inputs = [self._inside(x, values) for x in node.inputs]
            if any(x is None for x in inputs):
                continue
            out = node.op(*inputs, **node.params) if apply is None or node in fresh else apply(node, inputs)
            values.update({(node, i): y for i, y in enumerate(out if node.width > 1 else (out,)) if (node, i) not in given})
        return Function(given.values(), [self._inside(root, values) for root in roots], name)

    def _inside(self, x: Any, values: dict[Edge, Any]) -> Any:
        """What ``x`` is inside a Function; None for what its leaves do not lead to."""
        found = values.get((x.node, x.index)) if isinstance(x, Value) else None
        return known(x, self.fed) if found is None else found

    def as_dict(self, shapes: Shapes | None = None) -> dict[str, Any]:
        """Everything there is to say, as JSON takes it; costs are those of a run with ``shapes``."""
        was, now = self.costs_with(shapes)
        return {
            "number": self.number,
            "pass": self.stage,
            "rule": self.rule,
            "law": self.law,
            "bound": self.bound,
            "nodes": [node.name for node in self.origins],
            "lines": self.lines,
            "before": was.as_dict(),
            "after": now.as_dict(),
        }

    def __str__(self) -> str:
        was, now = self.costs
        work = (
            "" if was.operations is None or now.operations is None else f", {was.operations} -> {now.operations} operations"
        )
        names = ", ".join(node.name for node in self.origins)
        about = f"{self.number}. {self.stage}: {self.rule} ({self.law})" if self.law else f"{self.number}. {self.stage}"
        where = "".join(f"\n     {line}" for line in self.lines)
        found = f"\n{self.counterexample}" if self.counterexample is not None else ""
        return f"{about}: {names}: {was.nodes} -> {now.nodes} nodes{work}{where}{found}"

    def __repr__(self) -> str:
        return f"<rewrite {self.number} by {self.rule}: {', '.join(node.name for node in self.origins)}>"


@dataclass(slots=True)
class Log:
    """The records of a program's rewrites, in order."""

    records: list[Record] = field(default_factory=list)

    def add(self, record: Record) -> None:
        """Number ``record`` and keep it."""
        self.records.append(record)
        record.number = len(self.records)

    @property
    def counts(self) -> Counter[str]:
        """How often each rule fired."""
        return Counter(record.rule for record in self.records)

    def __iter__(self) -> Iterator[Record]:
        return iter(self.records)

    def __len__(self) -> int:
        return len(self.records)

    def __str__(self) -> str:
        return "\n".join(map(str, self.records)) or "nothing was rewritten"
