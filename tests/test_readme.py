"""What the README shows works as shown."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest


ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("text", re.findall(r"```python\n(.*?)```", README, re.DOTALL))
def test_a_program_of_the_readme_runs(text: str) -> None:
    if "dask://" in text:
        pytest.importorskip("distributed")
    out = subprocess.run([sys.executable, "-W", "error", "-c", text], capture_output=True, text=True, check=False, cwd=ROOT)
    assert out.returncode == 0, out.stderr
    first = out.stdout.split()[0]
    assert not first[0].isdigit() or float(first) < 5.0  # a loss that was trained


def test_what_the_readme_points_to_exists() -> None:
    links = re.findall(r"\]\(([^)#]+)\)", README)
    paths = [*re.findall(r"`((?:demos|docs)/[\w./]+)`", README), *(link for link in links if "://" not in link)]
    assert len(paths) >= 4
    missing = [path for path in paths if not (ROOT / path).exists()]
    assert not missing
