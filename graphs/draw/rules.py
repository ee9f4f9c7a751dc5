"""An op's gradient rules as text: the expressions that its author wrote, in the names of its arguments."""

from __future__ import annotations

import ast
import inspect
import linecache
import re
import textwrap
from collections.abc import Callable
from functools import cache, lru_cache
from typing import Any

from graphs.core.op import Op
from graphs.draw.labels import shorten


MOST_LINES = 14
"""Lines of a rule that is no single expression."""

LONGEST = 240
"""Characters of a rule that is one expression."""

NONE = "no gradient"
FLAT = "0: it is flat in this argument"


def gradient(op: Op) -> list[dict[str, str]]:
    """For each argument ``{"of", "rule"}``; one entry without ``of`` where one rule serves all, or where there is none.

    A rule is an expression over ops in ``g`` (the gradient of the output), ``out`` and the arguments' names; where it takes
    statements, it is the source text, cut where it is long.
    """
    return [{"of": name, "rule": rule} for name, rule in _told(op)]


@lru_cache(maxsize=512)
def _told(op: Op) -> list[tuple[str, str]]:
    if op.joint is not None:
        return [("", _source(op.joint) or "one rule for all arguments together")]
    if not any(op.rules or ()):
        return [("", NONE)]
    names = [name.lstrip("_") for name in op.names]
    told = zip(names, op.rules or (), strict=True)
    return [(name, FLAT if rule is None else expression(rule, names)) for name, rule in told]


def expression(rule: Callable[..., Any], names: list[str]) -> str:
    """The expression of a rule for one argument, its parameters called ``g``, ``out`` and ``names``."""
    made = _found(_own(rule))
    body: Any = made.body if isinstance(made, ast.Lambda) else None
    if isinstance(made, ast.FunctionDef):
        said = [line for line in made.body if not (isinstance(line, ast.Expr) and isinstance(line.value, ast.Constant))]
        body = said[0].value if len(said) == 1 and isinstance(said[0], ast.Return) else None
    if made is None:
        return f"{getattr(rule, '__name__', 'a rule')} of its own"
    called = [each.arg for each in (*made.args.posonlyargs, *made.args.args)]
    words = dict(zip(called, ["g", "out", *names], strict=False))
    if body is None:
        return re.sub(r"\w+", lambda found: words.get(found[0], found[0]), _source(rule))
    return shorten(ast.unparse(_Renamed(words).visit(ast.parse(ast.unparse(body), mode="eval"))), LONGEST)


class _Renamed(ast.NodeTransformer):
    def __init__(self, words: dict[str, str]) -> None:
        self.words = words

    def visit_Name(self, node: ast.Name) -> ast.AST:
        return ast.Name(self.words.get(node.id, node.id))


def _own(rule: Callable[..., Any]) -> Callable[..., Any]:
    """The function that was written, inside what hands it attributes."""
    while (code := getattr(rule, "__code__", None)) is not None and code.co_name in ("with_defaults", "with_named"):
        rule = inspect.getclosurevars(rule).nonlocals["rule"]
    return rule


def _found(rule: Callable[..., Any]) -> ast.Lambda | ast.FunctionDef | None:
    """The syntax tree of a function, found by where its code stands; None where its source is not to be had."""
    code = getattr(rule, "__code__", None)
    if code is None:
        return None
    near = _functions(code.co_filename).get(code.co_firstlineno, ())
    names = code.co_varnames[: code.co_argcount]
    near = [each for each in near if tuple(a.arg for a in (*each.args.posonlyargs, *each.args.args)) == names]
    if len(near) < 2:
        return near[0] if near else None
    ends = {(line, column) for line, _, column, _ in code.co_positions() if line is not None and column is not None}
    inside = [each for each in near if isinstance(each, ast.Lambda) and (each.body.lineno, each.body.col_offset) in ends]
    return inside[0] if inside else near[0]


@cache
def _functions(file: str) -> dict[int, list[ast.Lambda | ast.FunctionDef]]:
    """The functions of a file by the lines that their code begins on."""
    try:
        tree = ast.parse("".join(linecache.getlines(file)))
    except SyntaxError:
        return {}
    found: dict[int, list[ast.Lambda | ast.FunctionDef]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Lambda):
            found.setdefault(node.lineno, []).append(node)
        elif isinstance(node, ast.FunctionDef):
            first = min([node.lineno, *(each.lineno for each in node.decorator_list)])
            found.setdefault(first, []).append(node)
    return found


def _source(rule: Callable[..., Any]) -> str:
    """The text of a function without its heading and documentation, cut after a few lines; empty where there is none."""
    made = _found(_own(rule))
    if not isinstance(made, ast.FunctionDef):
        return ""
    first = made.body[1] if ast.get_docstring(made) is not None and len(made.body) > 1 else made.body[0]
    file = _own(rule).__code__.co_filename
    text = textwrap.dedent("".join(linecache.getlines(file)[first.lineno - 1 : made.end_lineno])).rstrip()
    lines = text.split("\n")
    return "\n".join(lines if len(lines) <= MOST_LINES else [*lines[: MOST_LINES - 1], "…"])
