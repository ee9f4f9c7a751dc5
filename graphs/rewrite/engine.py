"""One forward sweep over a program: at each node the rules for its op are tried until none fires."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy

from graphs.core.errors import GraphsError
from graphs.core.node import Node, Value
from graphs.core.spec import Spec
from graphs.rewrite.bounds import LEVELS
from graphs.rewrite.pattern import Call, Match
from graphs.rewrite.program import (
    Choice,
    Program,
    Rebuild,
    RewriteError,
    Rewritten,
    as_constant,
    is_pure,
    origins,
    spec_of,
)
from graphs.rewrite.records import Log, Record
from graphs.rewrite.rules import SITE, Rule, Rules, Site, Term, settled
from graphs.rewrite.shapes import ShapeClasses


MOST_FIRINGS = 64
"""Rewrites at one node of the program and at what they make, after which it is left as it is: rules may undo each other."""

_MOST_FILLED = 65_536
"""Elements of an array that is made for a rule which says that a result is one number throughout."""


@dataclass(slots=True)
class _Instead:
    """A note among the nodes still to be visited: once those above it are done, ``values`` stand for the node's outputs."""

    old: Any
    node: Any
    values: Sequence[Any]


def rewrite(program: Program, rules: Rules, log: Log, choice: Choice, level: str = "exact") -> Program:
    """The program after one sweep of ``rules``, bodies of loops and branches included. Each rewrite goes into ``log``.

    The rules that may fire are those up to ``level``, or to that of ``choice`` where it goes further.
    """
    return _Sweep(program, rules, log, choice, max(level, choice.level, key=LEVELS.index)).run()


class _Sweep:
    def __init__(self, program: Program, rules: Rules, log: Log, choice: Choice, level: str) -> None:
        self.program = program
        self.rules = rules
        self.log = log
        self.choice = choice
        self.level = level
        self.candidates = rules.candidates(level, choice.refuse)
        self.rebuild = Rebuild(program)
        self.shapes = ShapeClasses()
        self.uses = _uses(program)
        self.fixed = {root for root in program.roots if isinstance(root, Node)}

    def run(self) -> Program:
        with numpy.errstate(all="ignore"):
            for node in self.program.nodes:
                self._visit(node)
        return self.rebuild.finish()

    def _visit(self, first: Any) -> None:
        """Visit a node of the program, and then what is made in its place."""
        rebuild = self.rebuild
        left = MOST_FIRINGS
        stack: list[Any] = [first]
        while stack:
            item = stack.pop()
            if item.__class__ is _Instead:
                rebuild.replace(item.node, item.old, [rebuild.input(value) for value in item.values])
                continue
            node = rebuild.visit(item)
            if node is not item:
                self.uses[node] = self.uses.get(item, 1)
            record = self._fire(node) if left and node.op in self.candidates and first not in self.fixed else None
            if record is not None:
                left -= 1
                stack.append(_Instead(item, node, record.new))
                stack.extend(reversed(record.after))
                continue
            if node.params:
                node = rebuild.sweep(node, item, self._inside)
            rebuild.keep(node)
            self.shapes.enter(node)

    def _inside(self, body: Program) -> Program:
        return rewrite(body, self.rules, self.log, self.choice, self.level)

    # One node

    def _fire(self, node: Any) -> Record | None:
        """Try the rules on ``node``; the record of the one that fired."""
        fed = self.program.fed
        if fed and any((node, index) in fed for index in range(node.width)):
            return None
        for rule, pattern in self.candidates.of(node):
            record = self._try(rule, pattern, node)
            if record is not None:
                self.choice.fired += 1
                self.log.add(record)
                return record
        return None

    def _try(self, rule: Rule, pattern: Call, node: Any) -> Record | None:
        specs = [out.spec for out in node.outputs]
        match = Match(self.program.fed, specs[0].dims is not None)
        if not match.at(pattern, node) or not self.choice.allows(rule.name):
            return None
        if not all(map(is_pure, match.nodes)):
            return None
        if match.found and not any(isinstance(x, (Value, tuple)) for x in match.found.values()):
            return None  # numbers alone, each of which takes its dtype from what it meets: they are for ``fold``
        site = Site(self.program, node, self.uses, self.shapes)
        token = SITE.set(site)
        try:
            result = rule.apply(match.found)
        except GraphsError:
            return None  # the replacement has no shape or dtype: the rule does not fit here
        except Exception as error:
            raise RewriteError(f"the rule {rule.name} ({rule.law}) failed at {node.name}: {error}") from error
        finally:
            SITE.reset(token)
        if result is None:
            return None
        matched = list(dict.fromkeys([*match.nodes, *site.seen]))
        after = tuple(dict.fromkeys([other for each in matched for other in each.after]))
        new = self._settled(result if isinstance(result, tuple) else (result,), node, specs, site, after, matched)
        if new is None:
            return None
        before = sorted(matched, key=lambda each: (each is node, each.serial))
        return Record(
            self.rules.name, rule.name, rule.law, before, site.fresh, node.outputs, new, checked=rule, fed=self.program.fed
        )

    def _settled(
        self,
        result: Sequence[Any],
        node: Any,
        specs: Sequence[Spec],
        site: Site,
        after: tuple[Any, ...],
        matched: Sequence[Any],
    ) -> list[Any] | None:
        """What stands for the outputs of ``node``; None where it has not their specs, or would lose an order."""
        if len(result) != len(specs):
            return None
        values = [self._filled(x, spec, node) for x, spec in zip(result, specs, strict=True)]
        for x, spec in zip(values, specs, strict=True):
            if x is None or not _serves(x, spec):
                return None
        last = site.fresh[-1] if site.fresh else None
        whole = last is not None and [settled(x) for x in values] == list(last.outputs)
        if after and not whole:
            return None
        made = origins(matched)
        for each in site.fresh:
            object.__setattr__(each, "origins", made)
        if last is None or not whole:
            return [settled(x) for x in values]
        # The node that yields the result takes over the name, what is known of the shape, and what it comes after.
        site.fresh[-1] = named = self.program.kind(
            last.op, last.inputs, last.params, tuple(specs), node.name, where=node.where, after=after, origins=made
        )
        return list(named.outputs)

    def _filled(self, x: Any, spec: Spec, node: Any) -> Any:
        """``x``, or where it is no value of a graph, a constant of shape and dtype ``spec``."""
        if isinstance(x, Value):
            return x
        if not spec.known or (spec.size or 0) > _MOST_FILLED:
            return None
        if not isinstance(x, (bool, int, float)) and (x.dtype != spec.dtype or x.shape != spec.dims):
            return None
        return as_constant(self.rebuild, node, numpy.full(spec.shape, x, spec.dtype))


def _uses(program: Program) -> dict[Any, int]:
    """How often each node's outputs are read or wanted."""
    uses: dict[Any, int] = {}
    for node in program.nodes:
        for x in node.inputs:
            if isinstance(x, Value):
                uses[x.node] = uses.get(x.node, 0) + 1
    for root in program.roots:
        if isinstance(root, Value):
            uses[root.node] = uses.get(root.node, 0) + 1
    return uses


def _serves(x: Any, spec: Spec) -> bool:
    """Whether ``x`` can stand for a value of ``spec``: the same dtype, and all that was known of the shape."""
    own = spec_of(settled(x)) if isinstance(x, Value) else Spec.of(x)
    if own.dtype != spec.dtype:
        return False
    if own.dims == spec.dims or spec.dims is None:
        return True
    if own.dims is None or len(own.dims) != len(spec.dims):
        return False
    fresh = isinstance(x, Term) and isinstance(x.node, Rewritten) and not x.node.origins
    if fresh:
        return all(n is None or m is None or n == m for n, m in zip(own.dims, spec.dims, strict=True))
    return all(m is None or n == m for n, m in zip(own.dims, spec.dims, strict=True))
