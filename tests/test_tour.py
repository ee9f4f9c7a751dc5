"""What the guided tour and the page on pictures show works as shown."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest


ROOT = Path(__file__).resolve().parent.parent
PAGES = {name: (ROOT / "docs" / f"{name}.md").read_text(encoding="utf-8") for name in ("tour", "looking")}


def _blocks(language: str) -> list[tuple[str, str]]:
    return [
        (name, text) for name, page in PAGES.items() for text in re.findall(rf"```{language}\n(.*?)```", page, re.DOTALL)
    ]


@pytest.mark.parametrize(("page", "text"), _blocks("python"))
def test_a_program_runs(page: str, text: str, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "program.py").write_text(text, encoding="utf-8")
    call = [sys.executable, "-W", "error", "program.py"]
    out = subprocess.run(call, capture_output=True, text=True, check=False, cwd=tmp_path, env=_environment())
    assert out.returncode == 0, out.stderr
    assert out.stdout


@pytest.mark.parametrize(("page", "line"), [(page, line) for page, text in _blocks("sh") for line in text.splitlines()])
def test_a_command_runs(page: str, line: str, tmp_path: Path) -> None:
    command = re.sub(r"out/\w+", str(tmp_path), line).replace("diptych ", f"{sys.executable} -m graphs.cli ")
    how: dict[str, Any] = {"cwd": ROOT, "env": _environment(), "stdin": subprocess.DEVNULL}
    out = subprocess.run(command, capture_output=True, text=True, check=False, shell=True, **how)
    assert out.returncode == 0, out.stderr
    assert out.stdout
    assert str(tmp_path) not in command or any(tmp_path.iterdir())


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT)}


@pytest.mark.parametrize("name", PAGES)
def test_what_a_page_points_to_exists(name: str) -> None:
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", PAGES[name]) if "://" not in link]
    assert links
    assert not [link for link in links if not (ROOT / "docs" / link).exists()]
