"""Files with programs to compare: what is wrong with one is said in one line."""

import pytest

from graphs.compare import ProgramError, load


BROKEN = {
    "empty.py": ("", r"defines no setup\(\) and no static_program\(\) and no dynamic_program\(\)"),
    "half.py": (
        "def setup(dtype): ...\nstatic_program = 3\ndef dynamic_program(given): ...",
        r"defines no static_program\(\)",
    ),
    "syntax.py": ("x = (\n", r"syntax.py:1: SyntaxError"),
    "raising.py": ("import math\n\nmath.sqrt(-1)\n", r"raising.py:3: ValueError"),
    "missing.py": ("import no_such_module\n", r"missing.py:1: ModuleNotFoundError: No module named 'no_such_module'"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_file_that_cannot_be_used_is_explained_in_one_line(tmp_path, name):
    text, message = BROKEN[name]
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(ProgramError, match=message) as caught:
        load(path)
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ProgramError, match="no such file"):
        load(tmp_path / "nowhere.py")


def test_a_failure_in_a_step_names_the_programs_line(tmp_path):
    path = tmp_path / "program.py"
    path.write_text("def setup(dtype):\n    return {}['initial']\ndef static_program(g): ...\ndef dynamic_program(g): ...\n")
    with pytest.raises(ProgramError, match=r"program.py:2: KeyError: 'initial'"):
        load(path).begin("float32")


UNUSABLE = {
    "setup gives nothing": ("def setup(dtype): ...", "setup\\(\\) gave NoneType, not a Setup"),
    "too few batches": (
        "from graphs.compare import Setup\ndef setup(dtype): return Setup({}, [{}], dtype)",
        "gave 1 batches, and 3 are needed",
    ),
    "batches that fail": (
        "from graphs.compare import Setup\ndef setup(dtype): return Setup({}, ({}[i] for i in range(3)), dtype)",
        "program.py:2: KeyError: 0",
    ),
}


@pytest.mark.parametrize("case", UNUSABLE)
def test_a_setup_that_cannot_be_used_is_explained(tmp_path, case):
    text, message = UNUSABLE[case]
    path = tmp_path / "program.py"
    path.write_text(f"{text}\ndef static_program(g): ...\ndef dynamic_program(g): ...\n")
    with pytest.raises(ProgramError, match=message):
        load(path).batches("float32", 3)
