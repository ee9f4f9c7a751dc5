"""What docs/passes.md shows works as shown: its examples are one program, and print what stands below them."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest


ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "passes.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```python\n(.*?)```(?:\s*```text\n(.*?)```)?", PAGE, re.DOTALL)
MARK = "=" * 20


@pytest.fixture(scope="module")
def printed(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """What each example prints, run after those before it."""
    program = tmp_path_factory.mktemp("page") / "program.py"
    program.write_text("".join(f"{code}\nprint({MARK!r})\n" for code, _ in EXAMPLES), encoding="utf-8")
    command = [sys.executable, "-W", "error", str(program)]
    out = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        cwd=program.parent,
        env={"PYTHONPATH": str(ROOT), "PATH": "", "HOME": str(program.parent)},
    )
    assert out.returncode == 0, out.stderr
    return out.stdout.split(f"{MARK}\n")[:-1]


@pytest.mark.parametrize("number", range(len(EXAMPLES)))
def test_an_example_prints_what_stands_below_it(number: int, printed: list[str]) -> None:
    found = list(map(plain, printed[number].splitlines()))
    for line in EXAMPLES[number][1].splitlines():
        pattern = ".*".join(re.escape(plain(part)) for part in line.split("…"))
        assert any(re.search(pattern, other) for other in found), f"{line!r} is not in\n" + "\n".join(found)


def plain(line: str) -> str:
    """A line without what a table's width and another machine, or another pass, may change: spaces, rules, figures."""
    return " ".join(re.sub(r"[\d,.]*\d", "#", re.sub("─+", "", line)).split())


def test_rules_take_five_lines_and_passes_ten() -> None:
    code = "".join(code for code, _ in EXAMPLES)
    rule = re.search(r"mine = Rules.*?\n\n\n(@mine.*?)\n\n", code, re.DOTALL)
    by_hand = re.search(r"(def unwrap.*?)\n\n", code, re.DOTALL)
    assert rule is not None
    assert by_hand is not None
    assert len(rule[1].splitlines()) <= 5
    assert len(by_hand[1].splitlines()) <= 10


def test_the_page_names_what_there_is() -> None:
    for name in re.findall(r"\]\(#([\w-]+)\)", PAGE):
        headings = [line.lstrip("# ").lower().replace(" ", "-") for line in PAGE.splitlines() if line.startswith("#")]
        assert name in headings
    for name in ("README.md", "docs/architecture.md"):
        assert "passes.md" in (ROOT / name).read_text(encoding="utf-8")
