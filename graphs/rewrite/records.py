"""What passes did: one record for each rewrite, with lines, nodes, operations and bytes before and after."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from graphs.core.function import Function
from graphs.core.node import Value, new_parameter
from graphs.core.spec import Spec
from graphs.rewrite.program import Edge, bodies, known, origins, spec_of


_DEAR = 10
"""Operations that an elementary function counts for."""

# fmt: off
_CHEAP = frozenset([
    "add", "subtract", "multiply", "divide", "negative", "absolute", "square", "maximum", "minimum", "where",
    "cast", "identity", "sign", "clip", "relu", "equal", "not_equal", "less", "less_equal", "greater",
    "greater_equal", "logical_and", "logical_or", "logical_xor", "logical_not", "floor", "ceil", "reciprocal",
    "sqrt",
])
# fmt: on


@dataclass(frozen=True, slots=True)
class Cost:
    """An estimate: nodes that compute something, arithmetic operations, bytes written. None where sizes are not known."""

    nodes: int
    operations: int | None
    bytes: int | None

    @classmethod
    def of(cls, nodes: Iterable[Any]) -> Cost:
        """What ``nodes`` cost in one run."""
        count, operations, written = 0, 0, 0
        for node in nodes:
            if node.op.view or "constant" in node.op.traits:
                continue
            count += 1
            size = _size(node.specs)
            work = _work(node, size)
            if size is None or work is None:
                operations = written = -1
            if operations >= 0:
                operations += work or 0
                written += sum((spec.size or 0) * spec.dtype.itemsize for spec in node.specs)
        return cls(count, None, None) if operations < 0 else cls(count, operations, written)


def _size(specs: Iterable[Spec]) -> int | None:
    total = 0
    for spec in specs:
        if spec.size is None:
            return None
        total += spec.size
    return total


def _work(node: Any, size: int | None) -> int | None:
    op = node.op
    if size is None:
        return None
    if op.name == "matmul":
        inner = spec_of(node.inputs[0]).dims
        return None if inner is None or inner[-1] is None else 2 * size * inner[-1]
    inside = [inner for body in bodies(node) for inner in body.nodes]
    if inside:
        return Cost.of(inside).operations
    if op.elementwise:
        return size if op.name in _CHEAP else _DEAR * size
    read = _size([spec_of(x) for x in node.inputs])
    return None if read is None else max(size, read)


class Record:
    """One rewrite.

    Attributes:
        number: from 1, in the order the rewrites were made.
        stage: the pass that made it.
        rule: the rule's name; that of the pass, for passes without rules.
        law: what the rule says.
        bound: how far results may differ, in words.
        checked: the rule, for the checker; None for a pass without rules, whose results are exact.
        before: the nodes that the rule looked at; the last one was replaced.
        after: the nodes that it made.
        old: the values that were replaced.
        new: what stands for them.
        fed: the edges whose values come from outside: constants among them are not constant.
    """

    __slots__ = ("number", "stage", "rule", "law", "bound", "checked", "before", "after", "old", "new", "fed", "__weakref__")

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
        return Cost.of(self.before), Cost.of(self.after)

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
        nodes = sorted({*self.before, *self.after}, key=lambda node: node.serial)
        for node in nodes:
            inputs = [self._inside(x, values) for x in node.inputs]
            if any(x is None for x in inputs):
                continue
            out = node.op(*inputs, **node.params)
            values.update({(node, i): y for i, y in enumerate(out if node.width > 1 else (out,)) if (node, i) not in given})
        return Function(given.values(), [self._inside(root, values) for root in roots], name)

    def _inside(self, x: Any, values: dict[Edge, Any]) -> Any:
        """What ``x`` is inside a Function; None for what its leaves do not lead to."""
        found = values.get((x.node, x.index)) if isinstance(x, Value) else None
        return known(x, self.fed) if found is None else found

    def as_dict(self) -> dict[str, Any]:
        """Everything there is to say, as JSON takes it."""
        was, now = self.costs
        return {
            "number": self.number,
            "pass": self.stage,
            "rule": self.rule,
            "law": self.law,
            "bound": self.bound,
            "nodes": [node.name for node in self.origins],
            "lines": self.lines,
            "before": {"nodes": was.nodes, "operations": was.operations, "bytes": was.bytes},
            "after": {"nodes": now.nodes, "operations": now.operations, "bytes": now.bytes},
        }

    def __str__(self) -> str:
        was, now = self.costs
        work = (
            "" if was.operations is None or now.operations is None else f", {was.operations} -> {now.operations} operations"
        )
        names = ", ".join(node.name for node in self.origins)
        about = f"{self.number}. {self.stage}: {self.rule} ({self.law})" if self.law else f"{self.number}. {self.stage}"
        where = "".join(f"\n     {line}" for line in self.lines)
        return f"{about}: {names}: {was.nodes} -> {now.nodes} nodes{work}{where}"

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
