"""The notebook in docs: it is the one that its source makes, and running it again says the same."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests import notebooks


nbformat = pytest.importorskip("nbformat")
pytest.importorskip("nbclient")
pytest.importorskip("ipykernel")

SOURCE = notebooks.ROOT / "docs" / "side_by_side.py"


@pytest.fixture(scope="module")
def stored():
    return nbformat.read(SOURCE.with_suffix(".ipynb"), as_version=4)


def test_the_notebook_is_the_one_that_its_source_makes(stored):
    made = notebooks.build(SOURCE)
    assert [(cell.id, cell.cell_type, cell.source) for cell in stored.cells] == [
        (cell.id, cell.cell_type, cell.source) for cell in made.cells
    ]
    nbformat.validate(stored)


def test_it_holds_nothing_of_the_machine_that_ran_it(stored):
    text = json.dumps(stored)
    assert str(notebooks.ROOT) not in text
    assert "0x7" not in text
    assert "execution" not in json.dumps([cell.metadata for cell in stored.cells])


def test_running_it_again_says_the_same(stored, tmp_path):
    command = [sys.executable, "-m", "tests.notebooks", str(SOURCE), str(tmp_path / "again.ipynb")]
    subprocess.run(command, check=True, cwd=notebooks.ROOT, timeout=300)  # a process of its own, as kernels leave sockets
    again = nbformat.read(tmp_path / "again.ipynb", as_version=4)
    assert notebooks.texts(again) == notebooks.texts(stored)
    assert notebooks.kinds(again) == notebooks.kinds(stored)
    assert sum("text/html" in kind for kind in notebooks.kinds(again)) >= 7
    assert notebooks.texts(again)[2][1] == "True"
    assert all(
        "equal: True" in line for number, text in notebooks.texts(again) if "step 0" in text for line in text.split("\n")
    )
