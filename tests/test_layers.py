"""The house: which part may import which, and what may not be loaded before it is needed."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest


ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("graphs", "static", "dynamic")
ORDER = ("core", "ops", "autodiff", "control", "rewrite", "codegen", "updates", "initial")
ORDER += ("datasets", "placing", "draw", "inspection", "compare", "execute", "cli")
"""The parts of ``graphs``, from the bottom up: each may import itself and what stands before it."""

LATE = {"cupy", "numba", "llvmlite", "matplotlib", "distributed", "dask", "mpi4py"}
"""Optional libraries: imported inside functions only."""


def _sources() -> list[Path]:
    return [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]


def _imports(path: Path) -> Iterator[tuple[int, str, bool]]:
    """Each import's line, full module name, and whether it stands at the top level of the module."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    top = {id(node) for node in tree.body}
    for node in tree.body:  # what is imported for those who read the types
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
            top.update(map(id, node.body))
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name, id(node) in top
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: relative import"
            assert all(alias.name != "*" for alias in node.names), f"{path}:{node.lineno}: import *"
            for alias in node.names:
                yield node.lineno, f"{node.module}.{alias.name}", id(node) in top


def _part(path: Path) -> str:
    parts = path.relative_to(ROOT / "graphs").parts
    return parts[0].removesuffix(".py")


@pytest.mark.parametrize("path", _sources(), ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_go_one_way(path: Path) -> None:
    package = path.relative_to(ROOT).parts[0]
    allowed = {"graphs"} | {package}
    for line, name, top in _imports(path):
        first, _, rest = name.partition(".")
        if first in (*PACKAGES, "demos", "tests", "benchmarks"):
            assert first in allowed, f"{path}:{line} imports {name}: {package} may import {sorted(allowed)}"
            assert top, f"{path}:{line} imports {name} inside a function: only optional libraries are imported late"
        if package == "graphs" and first == "graphs" and path.name != "__init__.py":
            mine, theirs = _part(path), rest.partition(".")[0]
            if mine in ORDER and theirs in ORDER:
                assert ORDER.index(theirs) <= ORDER.index(mine), f"{path}:{line}: {mine} imports {theirs} from above"
        if first in LATE:
            assert not top, f"{path}:{line} imports {name} at the top level"


def test_every_part_of_graphs_has_a_place_in_the_order() -> None:
    entries = (ROOT / "graphs").iterdir()
    parts = {entry.stem for entry in entries if entry.suffix == ".py" or (entry / "__init__.py").exists()}
    assert parts - {"__init__"} == set(ORDER)


@pytest.mark.parametrize(("package", "other"), [("static", "dynamic"), ("dynamic", "static")])
def test_a_front_end_loads_nothing_it_does_not_need(package: str, other: str) -> None:
    """Neither the other front-end, nor what draws, compiles, talks to a terminal or to a device."""
    heavy = {other, "networkx", "graphviz", "pygraphviz", "numba", "cupy", "rich", "typer", "PIL", "jinja2", "tensorboardX"}
    heavy |= {"graphs.draw", "graphs.compare", "llvmlite", "platformdirs", "matplotlib", "jinja2", "pygments"}
    heavy |= {"graphs.inspection.lint", "graphs.rewrite.library", "unittest", "hashlib", "socket", "statistics"}  # 50 ms
    heavy |= {"graphs.rewrite"} if package == "dynamic" else set()
    code = f"import sys, {package}; print('\\n'.join(sys.modules))"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert not heavy & set(out.stdout.split())


def test_no_file_holds_more_than_one_sitting() -> None:
    long = {str(path.relative_to(ROOT)): n for path in _sources() if (n := len(path.read_text().splitlines())) > 400}
    assert not long
