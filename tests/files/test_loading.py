"""Reading a file runs nothing that is in it: what reads has no means to, and Python is asked what it did."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest


ROOT = Path(__file__).resolve().parents[2]
READING = (
    "graphs/core/files.py",
    "graphs/core/jsontext.py",
    "graphs/core/tensorfile.py",
    "graphs/datasets.py",
    "graphs/draw/data.py",
    "graphs/placing/cluster.py",
    "static/checkpoint_state.py",
    "static/checkpoints.py",
    "static/saver.py",
    "static/export/definitions.py",
    "static/export/forms.py",
    "static/export/metagraph.py",
    "static/export/reading.py",
    "static/export/values.py",
    "dynamic/formats.py",
    "dynamic/serialization.py",
    "dynamic/unpacking.py",
)
"""What takes files apart."""

MODULES = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "marshal", "shelve", "yaml", "runpy", "code", "importlib"}
CALLS = {"eval", "exec", "compile", "__import__", "import_module"}
HARMLESS = {"re.compile"}
EVENTS = ("exec", "compile", "marshal.", "pickle.", "subprocess.", "os.system", "os.exec", "os.fork", "os.spawn", "ctypes.")
EVENTS += ("socket.", "import", "code.", "os.remove", "os.rename", "shutil.", "os.mkdir")


def _imported(node: ast.AST) -> set[str]:
    if isinstance(node, ast.Import):
        return {alias.name.partition(".")[0] for alias in node.names}
    return {str(node.module).partition(".")[0]} if isinstance(node, ast.ImportFrom) else set()


@pytest.mark.parametrize("name", READING)
def test_what_reads_has_no_means_to_run_anything(name: str) -> None:
    for node in ast.walk(ast.parse((ROOT / name).read_text(encoding="utf-8"))):
        assert not _imported(node) & MODULES
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            assert called.rpartition(".")[2] not in CALLS or called in HARMLESS, called
            if called == "numpy.load":
                assert "allow_pickle=False" in ast.unparse(node)


def test_python_tells_of_nothing_but_the_file_that_is_read(tmp_path: Path) -> None:
    command = [sys.executable, "-W", "ignore", "-m", "tests.files.loading", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env={**os.environ}, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout)
    assert len(found) >= 250
    for word, told in found.items():
        assert word.startswith("good") <= bool(told), f"{word}: nothing was heard"
        for event, about in told:
            assert not event.startswith(EVENTS), f"{word}: {event} {about}"
            if event == "open":
                assert about.startswith(str(tmp_path)) or about.isdecimal() or about.endswith(".py"), (
                    f"{word}: {event} {about}"
                )
