"""What is held to these figures, and the test modules that do it."""

from __future__ import annotations

from pathlib import Path


ROOT = Path(__file__).resolve().parents[2]

SUBJECTS = {
    "graphs/core": ["graphs/core/*.py"],
    "static/passes": ["static/passes/*.py"],
    "static/session": [f"static/{name}.py" for name in ("session", "calling", "plan", "schedule", "emit", "rows", "growth")],
    "dynamic/autograd": ["dynamic/autograd/*.py"],
    "loaders": [
        *(f"static/{name}.py" for name in ("checkpoints", "checkpoint_state", "checkpoint_initializer", "saver")),
        "static/export/*.py",
        "dynamic/serialization.py",
        "dynamic/packing.py",
    ],
}
"""The parts, each with patterns of its files."""

TESTS = [
    *(f"tests/graphs/test_{name}.py" for name in ("core", "parts", "portable", "sums", "functions")),
    *(f"tests/static/test_{name}.py" for name in ("passes", "session", "plan", "effects", "rows", "saver", "export")),
    *(f"tests/dynamic/test_{name}.py" for name in ("backward", "versions", "serialization")),
]
"""Modules of tests: those that are about these files and quick."""


def files(subject: str) -> list[Path]:
    """The files of a part, in the order of their names."""
    return sorted({path for pattern in SUBJECTS[subject] for path in ROOT.glob(pattern)})
