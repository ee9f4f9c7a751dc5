"""Whole programs in the style of PyTorch's tutorials print the same numbers by PyTorch and, unchanged, by ``diptych exec``.

Those in ``programs`` run in both. Today's PyTorch refuses those of 2017 in ``programs/old``: each has a twin in
``programs/twins``, the same computation in today's words.
"""

import contextlib
import io
import re
import runpy
import warnings
from pathlib import Path

import numpy as np
import pytest

import dynamic
from dynamic.adapter import ALIASES
from graphs.execute import execute
from tests.dynamic.oracle import pytorch


PROGRAMS = Path(__file__).parent / "programs"
TODAY = sorted(path.name for path in PROGRAMS.glob("*.py"))
OLD = sorted(path.name for path in (PROGRAMS / "old").glob("*.py"))
ERAS = {"points.py": "0.2", "reinforce.py": "0.2", "legacy_net.py": "0.1"}
NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*(?:[eE][-+]?\d+)?|\.\d+)")


def by_pytorch(path):
    """What a program prints when PyTorch itself runs it."""
    torch = pytorch()
    out = io.StringIO()
    try:
        with contextlib.redirect_stdout(out), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            runpy.run_path(str(path), run_name="__main__")
    finally:
        torch.set_default_dtype(torch.float32)
    return out.getvalue()


def by_ours(path, version="2"):
    """What a program prints here, with our modules under PyTorch's names; it must not complain."""
    out, errors = io.StringIO(), io.StringIO()
    try:
        with dynamic.era(version), contextlib.redirect_stdout(out), contextlib.redirect_stderr(errors):
            status = execute(path, [], ALIASES)
    finally:
        dynamic.set_default_dtype(dynamic.float32)
    assert not errors.getvalue()
    assert status == 0
    return out.getvalue()


def words(text):
    """The lines without their numbers; how numbers of a tensor are spaced says nothing more."""
    return [re.sub(r"\s+", " ", NUMBER.sub("#", line)).strip() for line in text.splitlines()]


def same(ours, theirs, rtol):
    assert words(ours) == words(theirs)
    numbers = [[float(number) for number in NUMBER.findall(text)] for text in (ours, theirs)]
    np.testing.assert_allclose(*numbers, rtol=rtol, atol=rtol / 10)
    assert len(numbers[0]) > 10


def tolerance(path):
    """Programs in double precision print more digits that agree."""
    return 1e-6 if "set_default_dtype(torch.float64)" in path.read_text() else 2e-4


@pytest.mark.oracle
@pytest.mark.parametrize("name", TODAY)
def test_program(name):
    path = PROGRAMS / name
    same(by_ours(path), by_pytorch(path), tolerance(path))


@pytest.mark.oracle
@pytest.mark.parametrize("name", OLD)
def test_program_of_2017(name):
    path = PROGRAMS / "old" / name
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # they are told today's words
        ours = by_ours(path, ERAS.get(name, "0.3"))
    same(ours, by_pytorch(PROGRAMS / "twins" / name), tolerance(path))


def test_every_program_of_2017_has_a_twin():
    assert sorted(path.name for path in (PROGRAMS / "twins").glob("*.py")) == OLD
