"""Faults that a programmer could make, planted in the functions of a file one at a time."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Mutant:
    """The ``number``-th fault of a file: where it is, and what it makes of what stands there."""

    path: str
    number: int
    first: int  # line of its statement
    line: int
    function: str
    before: str
    after: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line} {self.function}: {self.before}  ->  {self.after}"


Change = Callable[[], None]
"""Plants the fault in the tree that it was found in."""

COMPARED: dict[type, type] = {
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
COMPUTED: dict[type, type] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Add,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.FloorDiv,
    ast.Pow: ast.Mult,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
    ast.BitOr: ast.BitAnd,
    ast.BitAnd: ast.BitOr,
    ast.BitXor: ast.BitOr,
}
OPPOSITE = (ast.Eq, ast.NotEq, ast.Is, ast.IsNot, ast.In, ast.NotIn)
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def mutants(path: str, source: str) -> list[Mutant]:
    """All faults that can be planted in ``source``, in the order in which they stand there."""
    found = []
    for number, (node, first, function, (before, after), _) in enumerate(_sites(ast.parse(source))):
        found.append(Mutant(path, number, first, node.lineno, function, _short(before), _short(after)))
    return found


def planted(source: str, number: int) -> ast.Module:
    """The tree of ``source`` with its ``number``-th fault."""
    tree = ast.parse(source)
    for at, (_, _, _, _, change) in enumerate(_sites(tree)):
        if at == number:
            change()
            return ast.fix_missing_locations(tree)
    raise IndexError(f"there is no fault {number}")


Site = tuple[Any, int, str, tuple[str, str], Change]


def _sites(tree: ast.Module) -> Iterator[Site]:
    """Each place for a fault: the node, its statement's line, its function, both texts, and what plants it.

    What runs when a module is imported (tables, decorators, defaults) and what nobody acts on (annotations, texts of errors,
    ``strict`` of ``zip``) is left alone.
    """
    waiting: list[tuple[ast.AST, int, str, bool]] = [(tree, 0, "", False)]
    while waiting:
        node, first, name, inside = waiting.pop()
        first = node.lineno if isinstance(node, ast.stmt) else first
        if isinstance(node, (*FUNCTIONS, ast.ClassDef)):
            name = f"{name}.{node.name}".lstrip(".")
        children = list(_children(node))
        deeper = inside or isinstance(node, FUNCTIONS)
        if deeper:
            for parent, field, at, child in children:
                if isinstance(child, ast.keyword) and child.arg == "strict":
                    continue
                for replaced, new in _faults(child, field):
                    yield (
                        child,
                        child.lineno if isinstance(child, ast.stmt) else first,
                        name,
                        replaced,
                        _putting(parent, field, at, new),
                    )
        waiting.extend((child, first, name, deeper) for _, _, _, child in reversed(children))


def _children(node: ast.AST) -> Iterator[tuple[ast.AST, str, int | None, Any]]:
    """What stands in ``node`` and can be acted on: its parent, field and place there, and itself."""
    if isinstance(node, (ast.JoinedStr, ast.Raise)) or (isinstance(node, ast.keyword) and node.arg == "strict"):
        return
    for field, value in ast.iter_fields(node):
        if field in ("annotation", "returns", "decorator_list", "args") and not isinstance(node, ast.Call):
            continue
        if isinstance(value, ast.AST):
            yield node, field, None, value
        elif isinstance(value, list):
            for at, each in enumerate(value):
                if isinstance(each, ast.AST):
                    yield node, field, at, each


def _putting(parent: Any, field: str, at: int | None, new: Any) -> Change:
    def change() -> None:
        if at is None:
            setattr(parent, field, new)
        elif new is None:
            del getattr(parent, field)[at]
        else:
            getattr(parent, field)[at] = new

    return change


def _faults(node: Any, field: str) -> Iterator[tuple[tuple[str, str], Any]]:
    """What could stand in place of ``node``, with both texts. None stands for leaving it out of a list."""
    for new in _statements(node) if isinstance(node, ast.stmt) else _expressions(node, field):
        yield (ast.unparse(node), "nothing" if new is None else ast.unparse(new)), None if new is None else _at(node, new)


def _statements(node: Any) -> Iterator[Any]:
    match node:
        case ast.Expr(value=ast.Call()) | ast.Raise() | ast.Delete():
            yield ast.Pass()
        case ast.Assign(targets=[ast.Attribute() | ast.Subscript()]):
            yield ast.Pass()
        case ast.AugAssign(target=target, op=op, value=value):
            yield ast.Pass()
            if type(op) in COMPUTED:
                yield ast.AugAssign(target, COMPUTED[type(op)](), value)
        case ast.Return(value=value) if value is not None and not _is_none(value):
            yield ast.Return(ast.Constant(None))
        case ast.Break():
            yield ast.Continue()
        case ast.Continue():
            yield ast.Break()


def _expressions(node: Any, field: str) -> Iterator[Any]:
    if field in ("test", "ifs") and not (isinstance(node, ast.Compare) and isinstance(node.ops[0], OPPOSITE)):
        yield ast.UnaryOp(ast.Not(), node)
    match node:
        case ast.Compare(left=left, ops=[op], comparators=[right]):
            yield ast.Compare(left, [COMPARED[type(op)]()], [right])
        case ast.BinOp(left=left, op=op, right=right) if type(op) in COMPUTED and not _is_text(left):
            yield ast.BinOp(left, COMPUTED[type(op)](), right)
        case ast.BoolOp(op=op, values=values):
            yield ast.BoolOp(ast.Or() if isinstance(op, ast.And) else ast.And(), values)
            for at in range(len(values)):
                rest = values[:at] + values[at + 1 :]
                yield rest[0] if len(rest) == 1 else ast.BoolOp(op, rest)
        case ast.UnaryOp(op=ast.Not() | ast.USub(), operand=operand):
            yield operand
        case ast.Constant(value=bool(value)):
            yield ast.Constant(not value)
        case ast.Constant(value=int(value)):
            yield ast.Constant(value + 1)
        case ast.keyword(arg=str()):
            yield None


def _at(node: Any, new: Any) -> Any:
    """``new`` on the lines of ``node``, so that what is said of lines is as before."""
    at = node.value if isinstance(node, ast.keyword) else node
    return ast.copy_location(new, at)


def _is_none(node: Any) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _is_text(node: Any) -> bool:
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str))


def _short(text: str) -> str:
    return " ".join(text.split())[:120]
