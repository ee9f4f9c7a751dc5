"""Programs that once broke a law keep it."""

from __future__ import annotations

from pathlib import Path

import numpy
import pytest

from tests.agree import test_bounded_passes, test_native_programs, test_nobodys_programs
from tests.agree.laws import LAWS
from tests.agree.program import Leaf, Program
from tests.agree.regressions import FOLDER, keep, read


WHERE = (test_bounded_passes, test_native_programs, test_nobodys_programs)
"""The modules that enter the laws."""


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.json")), ids=lambda path: path.stem)
def test_what_once_broke_a_law_keeps_it(path: Path) -> None:
    law, program = read(path)
    LAWS[law](program)


def test_what_is_kept_comes_back_to_the_last_bit(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("tests.agree.regressions.FOLDER", tmp_path)
    floats = numpy.array([[0.1, -0.0], [numpy.inf, numpy.nan], [1e-45, -numpy.inf]], "float32")
    leaves = [
        Leaf("x0", (None, 2), (floats, floats[:1])),
        Leaf("w1", None, (numpy.array(True),)),
        Leaf("x2", (0,), (numpy.zeros(0, "int64"),)),
    ]
    text = "def program(m, x0, w1, x2):\n    v1 = m.tanh(x0)\n    return dict(v1=v1)"
    made = Program(leaves, text, {"v1": numpy.dtype("float32")}, ["v1"], "v1", ["x0"], {"tanh"}, True, [1, 2])
    law, again = read(keep("a_law", made))
    assert law == "a_law"
    assert repr(again) == repr(made)
    assert (again.values, again.drawn, again.used, again.special) == (made.values, made.drawn, made.used, made.special)
    for x, y in zip(made.leaves, again.leaves, strict=True):
        assert [a.tobytes() for a in x.arrays] == [a.tobytes() for a in y.arrays]
        assert x.dtype == y.dtype
