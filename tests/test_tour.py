"""What the guided tour shows works as shown."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest


ROOT = Path(__file__).resolve().parent.parent
TOUR = (ROOT / "docs" / "tour.md").read_text(encoding="utf-8")
COMMANDS = [line for block in re.findall(r"```sh\n(.*?)```", TOUR, re.DOTALL) for line in block.splitlines()]


@pytest.mark.parametrize("text", re.findall(r"```python\n(.*?)```", TOUR, re.DOTALL))
def test_a_program_of_the_tour_runs(text: str) -> None:
    out = subprocess.run([sys.executable, "-W", "error", "-c", text], capture_output=True, text=True, check=False, cwd=ROOT)
    assert out.returncode == 0, out.stderr
    assert out.stdout


@pytest.mark.parametrize("line", COMMANDS)
def test_a_command_of_the_tour_runs(line: str, tmp_path: Path) -> None:
    program, *rest = shlex.split(line.replace("out/tour", str(tmp_path)))
    assert program == "diptych"
    call = [sys.executable, "-m", "graphs.cli", *rest]
    out = subprocess.run(call, capture_output=True, text=True, check=False, cwd=ROOT, stdin=subprocess.DEVNULL)
    assert out.returncode == 0, out.stderr
    assert str(tmp_path) not in line or any(tmp_path.iterdir())


def test_what_the_tour_points_to_exists() -> None:
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", TOUR) if "://" not in link]
    assert links
    assert not [link for link in links if not (ROOT / "docs" / link).exists()]
