"""docs/scaling.md: its figures are those of the benchmark's tables, and these are what the benchmark predicts now."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import scaling
from benchmarks.scaling_nets import counted, transformer


ROOT = Path(__file__).resolve().parent.parent
PAGE = (ROOT / "docs" / "scaling.md").read_text(encoding="utf-8")
TABLES = (ROOT / "benchmarks" / "results" / "scaling.md").read_text(encoding="utf-8")


def test_the_summary_is_that_of_the_tables() -> None:
    lines = re.findall(r"^\| .* \| (?:strong|weak), .*\|$", PAGE, re.MULTILINE)
    assert len(lines) == 2 * len(scaling.cases(scaling.Rates()))
    assert set(lines) <= set(TABLES.splitlines())


def test_the_tables_are_what_is_predicted(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    scaling.main(["--net", "gan", "--out", str(tmp_path), "--tables", str(tmp_path / "scaling.md")])
    made = (tmp_path / "scaling.md").read_text(encoding="utf-8").splitlines()
    rows = [line for line in made if line.startswith("| ")]
    assert len(rows) > 40
    assert set(rows) <= set(TABLES.splitlines())
    for name in ("scaling.svg", "scaling-step.svg"):
        text = (tmp_path / name).read_text(encoding="utf-8")
        assert "GAN on H100s" in text
        assert "1,024" in text


def test_a_transformer_is_counted() -> None:
    """Twelve blocks are the same program with more of it: here two, and every one adds the same work."""
    nets = [counted("", lambda n=n: transformer(n, 16, 2, 8, 10), (2, 4)) for n in (1, 2, 3)]
    kernels = [sum(work.kernels for work in net.turns[0].of_small.works) for net in nets]
    dense = [sum(work.dense for work in net.turns[0].at(6).works) for net in nets]
    assert kernels[1] - kernels[0] == kernels[2] - kernels[1] > 20
    assert dense[1] - dense[0] == dense[2] - dense[1]
    each = 4 * 16 * 16 + 2 * 16 * 64  # weights of a block; six operations each, there and back, but for the first input
    assert dense[1] - dense[0] == 6 * 6 * 8 * each + 6 * 6 * 2 * 2 * 8 * 8 * 8
    parameters = nets[0].turns[0].of_small.size // 4
    assert parameters == nets[0].parameters


def test_the_program_runs(tmp_path: Path) -> None:
    (text,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    out = subprocess.run([sys.executable, "-W", "error", "-c", text], capture_output=True, text=True, check=False, cwd=ROOT)
    assert out.returncode == 0, out.stderr
    assert out.stdout.startswith("HEFT ('node:0/gpu:0', 'node:0/gpu:1') 0.300 s")


def test_what_the_page_points_to_exists() -> None:
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", PAGE) if "://" not in link]
    assert links
    assert not [link for link in links if not (ROOT / "docs" / link).exists()]
