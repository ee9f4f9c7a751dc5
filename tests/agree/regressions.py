"""Programs that once broke a law, as files: each is replayed from then on."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy

from tests.agree.program import Leaf, Program


FOLDER = Path(__file__).with_name("kept")


def keep(law: str, program: Program, path: Path | None = None) -> Path:
    """Write ``program`` down as one that breaks ``law``, in a file that is named by both unless ``path`` says otherwise."""
    data = {
        "law": law,
        "text": program.text.splitlines(),
        "leaves": [
            {"name": leaf.name, "dims": leaf.dims, "arrays": [_written(x) for x in leaf.arrays]} for leaf in program.leaves
        ],
        "values": {name: dtype.name for name, dtype in program.values.items()},
        **{name: getattr(program, name) for name in ("drawn", "total", "wrt", "special", "picks")},
        "used": sorted(program.used),
    }
    text = json.dumps(data, indent=1) + "\n"
    path = path or FOLDER / f"{law[:60]}-{sha256(text.encode()).hexdigest()[:8]}.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    return path


def read(path: Path) -> tuple[str, Program]:
    """The law that a file's program broke, and the program."""
    data = json.loads(path.read_text())
    leaves = [
        Leaf(x["name"], None if x["dims"] is None else tuple(x["dims"]), tuple(map(_array, x["arrays"])))
        for x in data["leaves"]
    ]
    values = {name: numpy.dtype(dtype) for name, dtype in data["values"].items()}
    program = Program(
        leaves, "\n".join(data["text"]), values, data["drawn"], data["total"], data["wrt"], set(data["used"]),
        data["special"], data["picks"],
    )  # fmt: skip
    return data["law"], program


def _written(x: numpy.ndarray) -> dict[str, Any]:
    return {"dtype": x.dtype.name, "shape": x.shape, "values": [repr(v) for v in x.ravel().tolist()]}


def _array(data: dict[str, Any]) -> numpy.ndarray:
    dtype = numpy.dtype(data["dtype"])
    number = {"b": lambda v: v == "True", "i": int, "f": float}[dtype.kind]
    return numpy.array([number(v) for v in data["values"]], dtype).reshape(data["shape"])
