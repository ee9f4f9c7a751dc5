"""Rules are data: a pattern, what to put in its place, and how far the results may differ.

    from graphs.ops import log_softmax
    from graphs.rewrite import Rules

    mine = Rules("mine")

    @mine.rule("log(softmax(x, axis=axis))", level="stable", ulps=4)
    def log_of_softmax(x, axis):
        \"\"\"log(softmax(x)) -> log_softmax(x)\"\"\"
        return log_softmax(x, axis=axis)

The function's parameters name what it wants of what the pattern found. It is written with ops and operators, and returns
None where the rule does not hold after all. What it returns has the shape and dtype of what it replaces: where that is not
so, the rule does not fire.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from graphs.core.node import Value, infer
from graphs.core.op import Op
from graphs.core.spec import Spec
from graphs.rewrite.bounds import LEVELS, in_words
from graphs.rewrite.candidates import CONSTANT, Candidates
from graphs.rewrite.pattern import Call, Known, Number, parse
from graphs.rewrite.program import Program, RewriteError, known, spec_of
from graphs.rewrite.shapes import ShapeClasses


NAMES: set[str] = set()
"""The names of all rules that have been made, of which any can be refused."""


@dataclass(frozen=True, slots=True, eq=False)
class Rule:
    """One rewrite.

    Attributes:
        name: the action's name, by which the rule is refused and reported.
        law: what it says, ``before -> after``: the first line of the action's docstring.
        text: the pattern.
        patterns: it, in each order of commutative operands, with the ops that the first two operands must be made by.
        level: one of ``LEVELS``.
        ulps: units in the last place by which results may differ (of what, the level says); 0 for ``exact``.
        scale: ``"result"``, or ``"largest"`` for units of the largest number on the way (sums in another order).
    """

    name: str
    law: str
    text: str
    patterns: tuple[tuple[Call, tuple[Any, ...]], ...]
    action: Callable[..., Any]
    parameters: tuple[str, ...]
    level: str
    ulps: float
    scale: str

    @property
    def root(self) -> Op:
        """The op of the nodes that the rule replaces."""
        return self.patterns[0][0].op

    def apply(self, found: Mapping[str, Any]) -> Any:
        """What the action makes of what the pattern found."""
        return self.action(*[_term(found[name]) for name in self.parameters])

    def __repr__(self) -> str:
        return f"<rule {self.name}: {self.law} ({self.bound})>"

    @property
    def bound(self) -> str:
        """How far results may differ, in words."""
        return in_words(self.level, self.ulps, self.scale)


@dataclass(slots=True)
class Rules:
    """Rules under a name. Two sets are added with ``+``; the rules of the first are tried first."""

    name: str
    rules: list[Rule] = field(default_factory=list)
    _index: dict[tuple[str, frozenset[str]], Candidates] = field(default_factory=dict, repr=False)

    def rule(
        self, *texts: str, level: str = "exact", ulps: float = 0, scale: str = "result"
    ) -> Callable[[Callable[..., Any]], Rule]:
        """Make the decorated function a rule for each of the patterns ``texts``, which bind the same names.

        Raises RewriteError where a pattern cannot be read, or the function asks for a name that it does not bind.
        """
        if level not in LEVELS or (level == "exact") != (ulps == 0):
            raise RewriteError(f"level {level!r} with {ulps} ulps: exact rules have none, and {', '.join(LEVELS[1:])} some")

        def make(action: Callable[..., Any]) -> Rule:
            name = action.__name__
            law = (inspect.getdoc(action) or "").partition("\n")[0].rstrip(".")
            if "->" not in law:
                raise RewriteError(f"the docstring of {name} states its law, before -> after")
            if any(rule.name == name for rule in self.rules):
                raise RewriteError(f"{self.name} has a rule {name} already")
            parameters = tuple(inspect.signature(action).parameters)
            patterns = [pattern for text in texts for pattern in parse(text)]
            for pattern in patterns:
                missing = set(parameters) - set(_names(pattern))
                if missing:
                    raise RewriteError(f"{name} asks for {', '.join(sorted(missing))}, which its pattern does not bind")
            text = " or ".join(texts)
            paired = tuple((pattern, _needs(pattern)) for pattern in patterns)
            rule = Rule(name, law, text, paired, action, parameters, level, ulps, scale)
            self.rules.append(rule)
            self._index.clear()
            NAMES.add(name)
            return rule

        return make

    def candidates(self, level: str, refused: frozenset[str]) -> Candidates:
        """The rules that may fire, found by a node's op and by what makes its operands; the same object each time."""
        key = (level, refused)
        made = self._index.get(key)
        if made is None:
            most = LEVELS.index(level)
            allowed = [r for r in self.rules if r.name not in refused and LEVELS.index(r.level) <= most]
            made = self._index[key] = Candidates(allowed)
        return made

    def __add__(self, other: Rules) -> Rules:
        twice = {rule.name for rule in self.rules} & {rule.name for rule in other.rules}
        if twice:
            raise RewriteError(f"{self.name} and {other.name} both have {', '.join(sorted(twice))}")
        return Rules(f"{self.name} + {other.name}", [*self.rules, *other.rules])

    def __iter__(self) -> Iterator[Rule]:
        return iter(self.rules)

    def __len__(self) -> int:
        return len(self.rules)


def _names(pattern: Any) -> Iterator[str]:
    if isinstance(pattern, Call):
        for arg in pattern.args:
            yield from _names(arg)
        yield from (variable for _, variable in pattern.bound)
        yield from (name for name in (pattern.rest, pattern.output) if isinstance(name, str))
    elif not isinstance(pattern, Number):
        yield pattern.name


def _needs(pattern: Call) -> tuple[Any, ...]:
    """For each leading operand the op that must make it, ``CONSTANT``, or None for any; without what says nothing."""
    args = pattern.args
    out = [p.op if isinstance(p, Call) else CONSTANT if isinstance(p, (Number, Known)) else None for p in args]
    while out and out[-1] is None:
        out.pop()
    return tuple(out)


# Inside an action


class Site:
    """Where a rule is being applied: what it makes, and what it may ask."""

    def __init__(self, program: Program, root: Any, uses: Mapping[Any, int], shapes: ShapeClasses) -> None:
        self.program = program
        self.root = root
        self.uses = uses
        self.shapes = shapes
        self.fresh: list[Any] = []
        self.seen: list[Any] = []


SITE: ContextVar[Site] = ContextVar("where a rule is being applied")
"""Where a rule is being applied now."""


class Term(Value):
    """A value as an action sees it: a call on it makes a node of the program being rewritten, in nobody's graph."""

    __slots__ = ()

    @classmethod
    def __bind__(cls, op: Op, args: tuple[Any, ...], params: Mapping[str, Any]) -> Any:
        site = SITE.get()
        specs = infer(op, args, params)
        name = f"{site.root.name}/{op.name}"
        inputs = tuple([settled(arg) for arg in args])
        node = site.program.kind(op, inputs, params, specs, name, value=Value, where=site.root.where)
        site.fresh.append(node)
        outs = tuple([Term(node, index) for index in range(len(specs))])
        return outs[0] if len(outs) == 1 else outs

    @property
    def spec(self) -> Spec:
        """Shape and dtype, as the value's graph has refined them."""
        out: Any = self.node.outputs[self.index]
        return out.spec


def _term(x: Any) -> Any:
    if isinstance(x, Value):
        return Term(x.node, x.index)
    return tuple(map(_term, x)) if x.__class__ is tuple and any(isinstance(each, Value) for each in x) else x


def settled(x: Any) -> Any:
    """The value behind a term; anything else as it is."""
    return x.node.outputs[x.index] if isinstance(x, Term) else x


def same_shape(x: Any, y: Any) -> bool:
    """Whether two values have one shape in every run, as far as that can be told."""
    a, b = spec_of(x).dims, spec_of(y).dims
    if a is not None and a == b and None not in a:
        return True
    if not isinstance(x, Value) or not isinstance(y, Value):
        return False
    shapes = SITE.get().shapes
    return shapes.of((x.node, x.index)) == shapes.of((y.node, y.index))


def fills(x: Any) -> bool:
    """Whether ``x`` has the shape of what is being replaced in every run: where an operand is dropped that may be larger."""
    root = SITE.get().root
    SITE.get().shapes.enter(root)
    return same_shape(x, root.outputs[0])


def is_float(x: Any) -> bool:
    """Whether ``x`` is a value or array of a floating dtype."""
    return not isinstance(x, (bool, int, float, complex)) and spec_of(x).dtype.kind == "f"


def one_dtype(*xs: Any) -> bool:
    """Whether values and arrays are of one dtype; plain numbers take that of what they meet."""
    return len({spec_of(x).dtype for x in xs if not isinstance(x, (bool, int, float, complex))}) <= 1


def alone(x: Any) -> bool:
    """Whether nothing but the matched expression reads ``x``, so that it falls away with it."""
    return isinstance(x, Value) and SITE.get().uses.get(x.node, 1) <= 1


@dataclass(frozen=True, slots=True)
class Made:
    """How a value was made: the op's name, its operands as an action takes them, all attributes, and the outputs."""

    op: str
    inputs: tuple[Any, ...]
    params: Mapping[str, Any]
    outputs: tuple[Any, ...]


def made_by(x: Any, *names: str) -> Made | None:
    """How ``x`` was made, where its op has one of these names; else None. What an action looks at is in the record too."""
    if not isinstance(x, Value) or x.node.op.name not in names or (x.node, x.index) in SITE.get().program.fed:
        return None
    node: Any = x.node
    SITE.get().seen.append(node)
    inputs = tuple(map(_term, node.inputs))
    return Made(node.op.name, inputs, {**node.op.attributes, **node.params}, tuple(map(_term, node.outputs)))


def scalar(x: Any) -> float | None:
    """The number that ``x`` is known to be, as a scalar or one element; else None."""
    value = known(x, SITE.get().program.fed)
    if value is None or isinstance(value, complex):
        return None
    if isinstance(value, (bool, int, float)):
        return value
    if value.ndim or value.dtype.kind not in "biuf":
        return None
    number: float = value.item()
    return number


__all__ = [
    "CONSTANT",
    "LEVELS",
    "NAMES",
    "SITE",
    "Made",
    "Rule",
    "Rules",
    "Site",
    "Term",
    "alone",
    "fills",
    "is_float",
    "made_by",
    "one_dtype",
    "same_shape",
    "scalar",
    "settled",
    "spec_of",
]
