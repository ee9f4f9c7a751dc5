"""Files that somebody made to do harm: each is refused by the error that such files have, in little memory and time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.files.hostile import READERS


ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs Linux's limits")
def test_hostile_files(tmp_path: Path) -> None:
    command = [sys.executable, "-W", "ignore", "-m", "tests.files.hostile", str(tmp_path)]
    env = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=env, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout)
    assert len(found) >= 280
    wrong = [f"{name}: {each['error']}: {each['says']}" for name, each in found.items() if not each["right"]]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("reader", READERS)
def test_small_hostile_files_are_refused_wherever_they_are_read(reader: str, tmp_path: Path) -> None:
    files, ending, read, kinds = READERS[reader]
    for number, (word, make) in enumerate(files.items()):
        content = make()
        if len(content) > 1 << 14:
            continue
        path = tmp_path / f"{number}{ending}"
        path.write_bytes(content)
        with pytest.raises(kinds) as raised:
            read(str(path))
        assert str(path) in str(raised.value) or path.name in str(raised.value), word
