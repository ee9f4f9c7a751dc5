"""Notebooks are written as Python files with ``# %%`` between cells; this makes the notebook of one, and runs it.

python -m tests.notebooks docs/side_by_side.py
"""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any


_ADDRESS, _CELL = re.compile(r"\b0x[0-9a-f]{6,}"), re.compile(r"[^\s>\"]*ipykernel_\d+/\d+\.py")
"""What differs from run to run: addresses, and the files that a kernel keeps of cells."""

ROOT = Path(__file__).resolve().parent.parent


def build(source: Path) -> Any:
    """The notebook of a file of cells, without outputs; the same for the same file."""
    import nbformat

    cells = []
    for part in re.split(r"^# %%", source.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]:
        kind, _, body = part.partition("\n")
        if "[markdown]" in kind:
            cell = nbformat.v4.new_markdown_cell(re.sub(r"^# ?", "", body.strip(), flags=re.MULTILINE))
        else:
            cell = nbformat.v4.new_code_cell(body.strip())
        cell.id = f"cell-{len(cells) + 1}"
        cells.append(cell)
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel, "language_info": {"name": "python"}})


def execute(notebook: Any) -> Any:
    """Run a notebook's cells in a kernel, and keep of it nothing that differs from run to run."""
    from nbclient import NotebookClient

    language, kernel = notebook.metadata["language_info"], notebook.metadata["kernelspec"]
    resources = {"metadata": {"path": str(ROOT)}}
    client = NotebookClient(notebook, kernel_name="python3", timeout=120, record_timing=False, resources=resources)
    manager = client.create_kernel_manager()
    with TemporaryDirectory() as folder:
        manager.transport, manager.ip = "ipc", f"{folder}/kernel"  # sockets in files: no ports are opened
        client.execute(env={**os.environ, "COLUMNS": "100", "NO_COLOR": "1"})
    notebook.metadata["language_info"], notebook.metadata["kernelspec"] = language, kernel
    for cell in notebook.cells:
        for output in cell.get("outputs", ()):
            for held, key in [(output, "text"), *((output.get("data", {}), form) for form in output.get("data", ()))]:
                if key in held:
                    held[key] = _CELL.sub("cell", _ADDRESS.sub("0x…", held[key]))
    return notebook


def texts(notebook: Any) -> list[tuple[int, str]]:
    """What the cells said as text, each with the cell's number."""
    found = []
    for number, cell in enumerate(notebook.cells, 1):
        for output in cell.get("outputs", ()):
            text = output.get("text") or output.get("data", {}).get("text/plain", "")
            found.append((number, text.strip()))
    return found


def kinds(notebook: Any) -> list[tuple[str, ...]]:
    """In what forms each output of the cells is there."""
    return [tuple(sorted(output.get("data", ()))) for cell in notebook.cells for output in cell.get("outputs", ())]


if __name__ == "__main__":
    import nbformat

    source = Path(sys.argv[1])
    nbformat.write(execute(build(source)), sys.argv[2] if len(sys.argv) > 2 else source.with_suffix(".ipynb"))
