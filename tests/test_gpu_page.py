"""What the page on GPUs shows works as shown, on the GPU that is asked for or on the stand-in."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

import dynamic
import static


ROOT = Path(__file__).resolve().parent.parent
PAGE = (ROOT / "docs" / "gpu.md").read_text(encoding="utf-8")
PROGRAMS = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
PRINTED = [
    r"True \d+ True\n.+ \(\d+, \d+\)\n",
    r"loss \d\.\d{3}\nTransfers\(to_device=6, to_device_bytes=301824, to_host=1, to_host_bytes=4, between=0, "
    r"between_bytes=0\)\n",
    r"tensor\(\[\[2\., 2\., 2\.\].*device='cuda:0'\)\nExpected all tensors to be on the same device, but found at least two "
    r"devices, cuda:0 and cpu! \(when checking argument y of matmul\)\n",
    r"loss \d\.\d{4}; crossed in the last run: 1 arrays to the GPU \(128 bytes\), 1 to the host \(4 bytes\)\n"
    r"replayed as a CUDA graph\n",
    r"True\n",
]
"""What each program prints."""


@pytest.mark.parametrize("i", range(len(PRINTED)))
def test_a_program_prints_what_it_should(gpu: Any, i: int, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert len(PROGRAMS) == len(PRINTED)
    (tmp_path / "program.py").write_text(PROGRAMS[i])
    with static.Graph().as_default():
        exec(compile(PROGRAMS[i], str(tmp_path / "program.py"), "exec"), {"__name__": "program"})
    assert re.match(PRINTED[i], capsys.readouterr().out, re.DOTALL)


def test_what_the_page_names_is_there() -> None:
    for name in set(re.findall(r"`(?:torch\.cuda\.|dynamic\.cuda\.)(\w+)", PAGE)):
        assert hasattr(dynamic.cuda, name), name
    extras = set(re.findall(r"diptych\[([\w,]+)\]", PAGE))
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert {part for each in extras for part in each.split(",")} <= set(re.findall(r"^(\w+) = \[", text, re.MULTILINE))
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", PAGE) if "://" not in link]
    assert links
    assert not [link for link in links if not (ROOT / "docs" / link).exists()]
    for path in re.findall(r"python (demos/\w+\.py)", PAGE):
        assert "--device" in (ROOT / path).read_text(encoding="utf-8")
