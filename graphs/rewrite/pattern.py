"""Patterns: expressions over ops, written as Python text, and how they are matched against a graph.

    log(softmax(x, axis=axis))      an op of an op; ``axis`` is bound to the attribute
    x * 1                           operators are ops; a number matches itself, as a literal or a constant, sign of zero too
    maximum(x, constant(c))         ``c`` is what is known before the run: an array or a Python scalar
    sum(x, **at)                    ``at`` is a dictionary of all attributes
    concat(*xs, axis=axis)          ``xs`` is a tuple
    split(x, sections=n, axis=a)[i] ``i`` says which output

The same name twice asks for the same value twice, except for names that begin with ``_``. Attributes that a pattern does
not mention must have their defaults. Ops with the trait ``commutative`` match in either order.
"""

from __future__ import annotations

import ast
import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy

from graphs.core.node import Value
from graphs.core.op import OPS, Op
from graphs.rewrite.program import Edge, RewriteError, known


@dataclass(frozen=True, slots=True)
class Wild:
    """Any value, array or scalar."""

    name: str


@dataclass(frozen=True, slots=True)
class Rest:
    """All further arguments."""

    name: str


@dataclass(frozen=True, slots=True)
class Known:
    """Whatever is known before the run."""

    name: str


@dataclass(frozen=True, slots=True)
class Number:
    """One number, as a literal or as every element of a constant."""

    value: float


@dataclass(frozen=True, slots=True)
class Call:
    """An op of patterns. ``fixed`` attributes have a value, ``bound`` ones get a name, ``rest`` names all of them."""

    op: Op
    args: tuple[Any, ...]
    fixed: tuple[tuple[str, Any], ...] = ()
    bound: tuple[tuple[str, str], ...] = ()
    rest: str | None = None
    output: int | str | None = None


Pattern = Wild | Rest | Known | Number | Call

_BINARY = {
    ast.Add: "add",
    ast.Sub: "subtract",
    ast.Mult: "multiply",
    ast.Div: "divide",
    ast.Pow: "power",
    ast.Mod: "remainder",
    ast.FloorDiv: "floor_divide",
    ast.MatMult: "matmul",
}
_UNARY = {ast.USub: "negative", ast.Invert: "logical_not"}
_COMPARED = {ast.Lt: "less", ast.LtE: "less_equal", ast.Gt: "greater", ast.GtE: "greater_equal"}
_MOST_ORDERS = 32


# Reading


def parse(text: str) -> list[Call]:
    """The pattern that ``text`` says, once for each order of commutative operands. Raises RewriteError."""
    try:
        tree = ast.parse(text, mode="eval").body
    except SyntaxError as error:
        raise RewriteError(f"{text!r} is no pattern: {error.msg}") from None
    pattern = _read(tree, text)
    if not isinstance(pattern, Call):
        raise RewriteError(f"{text!r} has no op at its root")
    return list(dict.fromkeys(itertools.islice(_orders(pattern), _MOST_ORDERS)))


def _read(tree: ast.expr, text: str) -> Pattern:
    match tree:
        case ast.Name(id=name):
            return Wild(name)
        case ast.Starred(value=ast.Name(id=name)):
            return Rest(name)
        case ast.Constant(value=bool() | int() | float() as value):
            return Number(value)
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as value)):
            return Number(-value)
        case ast.UnaryOp(op=operator, operand=x) if type(operator) in _UNARY:
            return Call(OPS[_UNARY[type(operator)]], (_read(x, text),))
        case ast.BinOp(left=x, op=operator, right=y) if type(operator) in _BINARY:
            return Call(OPS[_BINARY[type(operator)]], (_read(x, text), _read(y, text)))
        case ast.Compare(left=x, ops=[operator], comparators=[y]) if type(operator) in _COMPARED:
            return Call(OPS[_COMPARED[type(operator)]], (_read(x, text), _read(y, text)))
        case ast.Subscript(value=ast.Call() as call, slice=ast.Name(id=at) | ast.Constant(value=int() as at)):
            inner = _read(call, text)
            assert isinstance(inner, Call)
            return Call(inner.op, inner.args, inner.fixed, inner.bound, inner.rest, at)
        case ast.Call(func=ast.Name(id="constant"), args=[ast.Name(id=name)], keywords=[]):
            return Known(name)
        case ast.Call(func=ast.Name(id=name), args=args, keywords=keywords):
            return _read_call(name, args, keywords, text)
    raise RewriteError(f"{ast.unparse(tree)!r} in {text!r} is nothing that a pattern can hold")


def _read_call(name: str, args: list[ast.expr], keywords: list[ast.keyword], text: str) -> Call:
    op = OPS.get(name)
    if op is None:
        raise RewriteError(f"{text!r}: there is no op {name}")
    patterns = tuple(_read(arg, text) for arg in args)
    if not op.variadic and not any(isinstance(p, Rest) for p in patterns) and len(patterns) != len(op.names):
        raise RewriteError(f"{text!r}: {name} takes {', '.join(op.names)}")
    fixed, bound, rest = [], [], None
    for keyword in keywords:
        if keyword.arg is None and isinstance(keyword.value, ast.Name):
            rest = keyword.value.id
        elif keyword.arg not in op.attributes:
            raise RewriteError(f"{text!r}: {name} has no attribute {keyword.arg}")
        elif isinstance(keyword.value, ast.Name):
            bound.append((keyword.arg, keyword.value.id))
        else:
            fixed.append((keyword.arg, ast.literal_eval(keyword.value)))
    if rest is None:
        given = {keyword.arg for keyword in keywords}
        fixed += [(attribute, default) for attribute, default in op.attributes.items() if attribute not in given]
    return Call(op, patterns, tuple(fixed), tuple(bound), rest)


def _orders(pattern: Pattern) -> Iterator[Any]:
    """``pattern`` with the operands of each commutative op in either order."""
    if not isinstance(pattern, Call):
        yield pattern
        return
    for args in itertools.product(*(list(_orders(arg)) for arg in pattern.args)):
        swaps = [args, args[::-1]] if "commutative" in pattern.op.traits and len(args) == 2 else [args]
        for each in swaps:
            yield Call(pattern.op, tuple(each), pattern.fixed, pattern.bound, pattern.rest, pattern.output)


# Matching


class Match:
    """What a pattern found.

    Attributes:
        found: the value, array, scalar or attribute behind each name.
        nodes: the nodes that the pattern's ops stand for, the root first.
    """

    __slots__ = ("fed", "found", "nodes", "ranked")

    def __init__(self, fed: frozenset[Edge], ranked: bool) -> None:
        self.fed = fed
        self.found: dict[str, Any] = {}
        self.nodes: list[Any] = []
        self.ranked = ranked

    def at(self, pattern: Call, node: Any) -> bool:
        """Whether ``node``, whose op is the pattern's, is what ``pattern`` says; ``found`` and ``nodes`` then hold what."""
        self.nodes.append(node)
        inputs = node.inputs
        patterns = pattern.args
        if len(patterns) != len(inputs) or (patterns and isinstance(patterns[-1], Rest)):
            if not patterns or not isinstance(patterns[-1], Rest) or len(inputs) < len(patterns) - 1:
                return False
            fixed = len(patterns) - 1
            self.found[patterns[-1].name] = inputs[fixed:]
            patterns, inputs = patterns[:-1], inputs[:fixed]
        for each, x in zip(patterns, inputs, strict=True):
            if not self._one(each, x):
                return False
        return self._attributes(pattern, node)

    def _one(self, pattern: Any, x: Any) -> bool:
        if pattern.__class__ is Wild:
            if pattern.name not in self.found or pattern.name[0] == "_":
                self.found[pattern.name] = x
                return True
            return same(self.found[pattern.name], x)
        if pattern.__class__ is Call:
            return self._called(pattern, x)
        value = known(x, self.fed)
        if value is None:
            return False
        if pattern.__class__ is Known:
            self.found[pattern.name] = value
            return True
        return self._number(pattern.value, value)

    def _called(self, pattern: Call, x: Any) -> bool:
        if not isinstance(x, Value) or x.node.op is not pattern.op:
            return False
        if self.fed and (x.node, x.index) in self.fed:
            return False
        if isinstance(pattern.output, str):
            self.found[pattern.output] = x.index
        elif x.index != (pattern.output or 0):
            return False
        return self.at(pattern, x.node)

    def _number(self, wanted: float, value: Any) -> bool:
        if value.__class__ in (bool, int, float):
            return bool(value == wanted) and math.copysign(1.0, value) == math.copysign(1.0, wanted)
        array = numpy.asarray(value)
        if array.dtype.kind not in "biuf" or not array.size or (array.ndim and not self.ranked):
            return False
        if not numpy.all(array == wanted):
            return False
        return array.dtype.kind != "f" or not numpy.any(numpy.signbit(array) != (math.copysign(1.0, wanted) < 0))

    def _attributes(self, pattern: Call, node: Any) -> bool:
        op = pattern.op
        if not op.attributes:
            return True
        params = node.params
        for name, wanted in pattern.fixed:
            value = params.get(name, op.attributes[name])
            if value.__class__ is not wanted.__class__ or value != wanted:
                return False
        for name, variable in pattern.bound:
            value = params.get(name, op.attributes[name])
            if (
                variable in self.found
                and variable[0] != "_"
                and not (self.found[variable].__class__ is value.__class__ and self.found[variable] == value)
            ):
                return False
            self.found[variable] = value
        if pattern.rest is not None:
            self.found[pattern.rest] = {name: params.get(name, default) for name, default in op.attributes.items()}
        return True


def same(x: Any, y: Any) -> bool:
    """Whether two inputs of nodes are one value: an edge, an array or a scalar of one type, to the sign of zero."""
    if isinstance(x, Value):
        return isinstance(y, Value) and x.node is y.node and x.index == y.index
    if isinstance(y, Value) or x.__class__ is not y.__class__:
        return False
    return x is y or (isinstance(x, (bool, int, float)) and repr(x) == repr(y))
