"""A lint of a program's two forms: each is built and trained for some steps, as it is, and watched."""

from __future__ import annotations

import ast
import itertools
from pathlib import Path

from graphs.compare.program import ProgramError, adapters, load
from graphs.inspection.lint import Findings


def has_forms(path: Path) -> bool:
    """Whether a file defines a program's two forms, as its text tells; a file that cannot be read or parsed does not."""
    try:
        tree = ast.parse(path.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return False
    named: set[str] = set()
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            named.add(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            named.update(alias.asname or alias.name for alias in node.names)
        elif isinstance(node, ast.Assign):
            named.update(target.id for target in node.targets if isinstance(target, ast.Name))
    return {"setup", *(f"{mode}_program" for mode in adapters())} <= named


def lint_forms(path: Path, steps: int, dtype: str) -> Findings:
    """What is wrong with each form of a program, seen in ``steps`` training steps of it.

    Raises ProgramError where the file's code fails or defines no program.
    """
    twins = load(path)
    found = Findings()
    for mode, adapter in adapters().items():
        setup = twins.begin(dtype)
        here = Findings()
        try:
            with adapter.lint() as here:
                program = twins.build(mode, setup)
                for batch in itertools.islice(setup.batches, steps):
                    twins.run(program.step, batch)
        except ProgramError:
            if not any(each.rule == "changed-after-save" for each in here):  # which explains it
                raise
        found += here
    return found
