"""The source of a program's forms, taken apart: what belongs to either mode, and what both share.

Only the text is read. From ``<mode>_program`` on, the definitions at the top level of a file are followed by name, also into
files beside it that it imports from.
"""

from __future__ import annotations

import ast
import dis
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from types import CodeType
from typing import NamedTuple

from markupsafe import Markup, escape
from pygments.lexers import PythonLexer
from pygments.token import Comment, Keyword, Literal, Name, Number, Operator, String

from graphs.core.quoting import fit


Definition = tuple[Path, str]
"""A file and a name that its top level defines."""

Statement = tuple[Path, ast.stmt]
"""A file and a statement at its top level."""

CLASSES = (
    (Comment, "comment"),
    (String.Doc, "comment"),
    (String, "string"),
    (Number, "figure"),
    (Keyword, "keyword"),
    (Operator.Word, "keyword"),
    (Name.Function, "name"),
    (Name.Class, "name"),
    (Name.Decorator, "name"),
    (Name.Builtin, "builtin"),
    (Literal, "string"),
)
"""The style class of each family of tokens; all others have none."""


class Line(NamedTuple):
    """A line of source: its number from 1, and its text with tokens marked up, all of it escaped."""

    number: int
    html: Markup

    def key(self, file: str) -> str:
        """The name by which nodes know the line that made them."""
        return f"{file}:{self.number}"


class Chunk(NamedTuple):
    """Lines that follow each other in a file, which is named without its folders."""

    file: str
    lines: tuple[Line, ...]


class Sources(NamedTuple):
    """What the forms of a program are written as.

    Attributes:
        forms: for each mode, the chunks that only it needs.
        shared: the chunks that every mode needs, and how data and parameters begin.
    """

    forms: Mapping[str, tuple[Chunk, ...]]
    shared: tuple[Chunk, ...]


def sources(path: Path, modes: Sequence[str]) -> Sources:
    """The sources of the forms of the program in ``path``, which defines ``<mode>_program`` and ``setup``."""
    files = _Files()
    needed = {mode: _needed(files, (path, f"{mode}_program")) for mode in modes}
    common = set.intersection(*needed.values()) | _needed(files, (path, "setup"))
    return Sources(
        {mode: _chunks(files, path, found - common) for mode, found in needed.items()},
        _chunks(files, path, common),
    )


def whole(path: Path) -> tuple[Chunk, ...]:
    """All of a file as one chunk; none where it cannot be read."""
    lines = _Files()[path].lines
    return (Chunk(path.name, lines),) if lines else ()


class _File:
    """A file as it is now.

    Attributes:
        path: where it is.
        text: its text; empty where it cannot be read.
        definitions: the statement at the top level that gives a name its value, the last where there are several.
        imports: names that come from files beside it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self.text = path.read_text(encoding="utf-8")
            tree = ast.parse(self.text)
        except (OSError, SyntaxError, ValueError):
            self.text, tree = "", ast.Module([], [])
        self.definitions: dict[str, ast.stmt] = {}
        self.imports: dict[str, Definition] = {}
        for statement in tree.body:
            if isinstance(statement, ast.ImportFrom):
                self._import(statement)
            elif isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                self.definitions[statement.name] = statement
            elif not isinstance(statement, ast.Import):
                self._define(statement)

    def _import(self, statement: ast.ImportFrom) -> None:
        if statement.module and statement.level == 0:
            beside = self.path.parent / f"{statement.module.replace('.', '/')}.py"
            if beside.is_file():
                self.imports.update({alias.asname or alias.name: (beside, alias.name) for alias in statement.names})

    def _define(self, statement: ast.stmt) -> None:
        for node in ast.walk(statement):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                self.definitions[node.id] = statement
            elif isinstance(node, (ast.FunctionDef, ast.ClassDef)):
                self.definitions[node.name] = statement

    @cached_property
    def lines(self) -> tuple[Line, ...]:
        """The lines, tokens marked up."""
        lines: list[list[Markup]] = [[]]
        for kind, words in PythonLexer(stripnl=False, ensurenl=False).get_tokens(self.text):
            name = next((name for family, name in CLASSES if kind in family), "")
            for at, part in enumerate(fit(words).split("\n")):
                if at:
                    lines.append([])
                if part:
                    lines[-1].append(Markup('<span class="{}">{}</span>').format(name, part) if name else escape(part))
        if not lines[-1]:
            lines.pop()
        return tuple(Line(number, Markup("").join(parts)) for number, parts in enumerate(lines, 1))


class _Files(dict[Path, _File]):
    """Files by path, each read once."""

    def __missing__(self, path: Path) -> _File:
        self[path] = found = _File(path)
        return found


def _needed(files: _Files, start: Definition) -> set[Statement]:
    """The statements that ``start`` leads to, its own included; what is only handed on by an import is left out."""
    found: set[Statement] = set()
    seen: set[Definition] = set()
    stack = [start]
    while stack:
        at = stack.pop()
        if at in seen:
            continue
        seen.add(at)
        path, name = at
        statement = files[path].definitions.get(name)
        if statement is not None:
            found.add((path, statement))
            stack += [(path, other) for other in _globals(statement, path)]
        elif name in files[path].imports:
            stack.append(files[path].imports[name])
    return found


def _globals(statement: ast.stmt, path: Path) -> set[str]:
    """The names of its module that a statement reads, in functions inside it too; their own names are other names."""
    found = set()
    stack: list[CodeType] = [compile(ast.Module([statement], []), str(path), "exec")]
    while stack:
        code = stack.pop()
        stack += [each for each in code.co_consts if isinstance(each, CodeType)]
        found |= {at.argval for at in dis.get_instructions(code) if at.opname in ("LOAD_GLOBAL", "LOAD_NAME")}
    return found


def _chunks(files: _Files, main: Path, wanted: Iterable[Statement]) -> tuple[Chunk, ...]:
    """The lines of definitions in order, the program's own file first; lines that follow each other are one chunk."""
    spans: dict[Path, set[int]] = {}
    for path, statement in wanted:
        decorators = getattr(statement, "decorator_list", ())
        first = min([statement.lineno, *(each.lineno for each in decorators)])
        spans.setdefault(path, set()).update(range(first, (statement.end_lineno or first) + 1))
    chunks = []
    for path in sorted(spans, key=lambda each: (each != main, str(each))):
        lines = files[path].lines
        run: list[Line] = []
        for number in sorted(spans[path]):
            between = lines[run[-1].number : number - 1] if run else ()
            if any(line.html for line in between):  # more than blank lines
                chunks.append(Chunk(path.name, tuple(run)))
                run = []
            else:
                run += between
            run.append(lines[number - 1])
        chunks.append(Chunk(path.name, tuple(run)))
    return tuple(chunks)
