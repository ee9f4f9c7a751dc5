"""Faults are planted where they are said to be, in functions that others hold already."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
import textwrap

import pytest

from tests.discipline import running
from tests.discipline.mutants import mutants, planted
from tests.discipline.subjects import ROOT, SUBJECTS, TESTS, files


SOURCE = textwrap.dedent('''
    """Not a fault to plant: 1 + 1."""
    LIMIT = 3 + 4

    def kept(x: int = 5, *, most: int = LIMIT) -> int:
        """Nor here."""
        if x < most and not x == 2:
            raise ValueError(f"{x + 1}")
        total = 0
        for each in range(x):
            total += each * 2
        return total

    def outer(k):
        def inner(x):
            return sorted(x, reverse=True)[0] - k
        return inner
''')

FAULTS = [
    ("kept", "x < most and (not x == 2)", "not (x < most and (not x == 2))"),
    ("kept", "x < most and (not x == 2)", "x < most or not x == 2"),
    ("kept", "x < most and (not x == 2)", "not x == 2"),
    ("kept", "x < most and (not x == 2)", "x < most"),
    ("kept", "raise ValueError(f'{x + 1}')", "pass"),
    ("kept", "x < most", "x <= most"),
    ("kept", "not x == 2", "x == 2"),
    ("kept", "x == 2", "x != 2"),
    ("kept", "2", "3"),
    ("kept", "0", "1"),
    ("kept", "total += each * 2", "pass"),
    ("kept", "total += each * 2", "total -= each * 2"),
    ("kept", "each * 2", "each + 2"),
    ("kept", "2", "3"),
    ("kept", "return total", "return None"),
    ("outer", "return inner", "return None"),
    ("outer.inner", "return sorted(x, reverse=True)[0] - k", "return None"),
    ("outer.inner", "sorted(x, reverse=True)[0] - k", "sorted(x, reverse=True)[0] + k"),
    ("outer.inner", "reverse=True", "nothing"),
    ("outer.inner", "True", "False"),
    ("outer.inner", "0", "1"),
]


def test_these_faults_are_found_and_no_others():
    found = mutants("made.py", SOURCE)
    assert sorted((each.function, each.before, each.after) for each in found) == sorted(FAULTS)
    assert [each.number for each in found] == list(range(len(FAULTS)))


def test_each_fault_makes_another_program():
    texts = {ast.unparse(planted(SOURCE, number)) for number in range(len(FAULTS))}
    assert len(texts | {ast.unparse(ast.parse(SOURCE))}) == len(FAULTS) + 1
    with pytest.raises(IndexError, match=f"no fault {len(FAULTS)}"):
        planted(SOURCE, len(FAULTS))


def made():
    """The functions of SOURCE, and how they are found by what plants faults."""
    space = {}
    exec(compile(SOURCE, str(ROOT / "made.py"), "exec"), space)
    inner = space["outer"](10)
    holders = {running._key(each.__code__): [each] for each in (space["kept"], space["outer"], inner)}
    return space["kept"], inner, holders


@pytest.mark.parametrize("after", ["return None", "total -= each * 2", "x <= most", "not x == 2"])
def test_who_holds_a_function_has_the_fault(after):
    kept, _, holders = made()
    assert [kept(7), kept(8), kept(2)] == [42, 56, 2]
    (fault,) = (each for each in mutants("made.py", SOURCE) if (each.function, each.after) == ("kept", after))
    assert running._plant(fault, SOURCE, holders)

    def tried(x):
        try:
            return kept(x)
        except ValueError:
            return "refused"

    expected = {
        "return None": [None, None, None],
        "total -= each * 2": [-42, -56, -2],
        "x <= most": ["refused", 56, 2],
        "not x == 2": ["refused", "refused", 2],
    }
    assert [tried(x) for x in (7, 8, 2)] == expected[after]


def test_what_was_made_before_the_fault_has_it_too():
    _, inner, holders = made()
    assert inner([30, 50]) == 40
    fault = next(each for each in mutants("made.py", SOURCE) if each.after == "nothing")
    assert running._plant(fault, SOURCE, holders)
    assert inner([30, 50]) == 20


def test_what_is_nowhere_gets_no_fault():
    assert not running._plant(mutants("made.py", SOURCE)[0], SOURCE, {})


def test_the_tests_that_come_by_a_fault_are_tried_the_quickest_first():
    fault = next(each for each in mutants("made.py", SOURCE) if each.after == "total -= each * 2")
    lines = {"made.py": {fault.line: ["slow", "middle", "quick"], fault.line + 1: ["other"]}}
    covered = running.Covered({"slow": 5.0, "middle": 2.0, "quick": 1.0, "other": 0.1}, lines)
    assert covered.tests(fault, 10) == ["quick", "middle", "slow"]
    assert covered.tests(fault, 3.5) == ["quick", "middle"]
    assert covered.tests(fault, 0.5) == ["quick"]
    cases = {"many[a]": 0.1, "many[b]": 0.2, "one": 3.0, "few[x]": 2.0, "few[y]": 0.3}
    turns = running.Covered(cases, {"made.py": {fault.line: list(cases)}}).tests(fault, 10)
    assert turns == ["many[a]", "few[y]", "one", "many[b]", "few[x]"]
    assert running.Covered({}, {"made.py": {}}).tests(fault, 10) == []
    unseen = {"tests/static/test_interrupts.py::test_a_step": 1.0, "tests/static/test_rows.py::test_rows": 1.0}
    assert running.Covered(unseen, {"made.py": {}}).tests(fault, 10) == ["tests/static/test_interrupts.py::test_a_step"]
    assert not covered.imported(fault)
    assert running.Covered({}, {}, {"made.py": [1, fault.line]}).imported(fault)


def test_a_fault_is_there_from_the_start_for_what_runs_on_import():
    path = "graphs/core/notebook.py"
    faults = mutants(path, (ROOT / path).read_text())
    (fault,) = (each for each in faults if each.before == "return bundle")
    text = "import tests.discipline.importing\nfrom graphs.core import notebook\nprint(notebook.Shown()._repr_mimebundle_())"
    for number, told in ((None, "{}"), (fault.number, "None")):
        given = {} if number is None else {"DIPTYCH_FAULT": f"{path} {number}"}
        made = subprocess.run(
            [sys.executable, "-c", text], cwd=ROOT, env=os.environ | given, capture_output=True, text=True, check=True
        )
        assert made.stdout.strip() == told


def test_there_are_files_and_tests_behind_every_name():
    assert all(len(files(part)) == len({path.name for path in files(part)}) > 4 for part in SUBJECTS)
    assert all((ROOT / name).is_file() for name in TESTS)
    assert all("*" in pattern or (ROOT / pattern).is_file() for patterns in SUBJECTS.values() for pattern in patterns)
