"""The table of tests that are passed over on a GPU names tests that there are."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.on_device import EXCEPTED, excepted


HERE = Path(__file__).parent


@pytest.mark.parametrize("name", [name for names in EXCEPTED.values() for name in names])
def test_what_is_passed_over_is_there(name: str) -> None:
    file, *path = name.partition("[")[0].split("::")
    body = ast.parse((HERE / file).read_text(encoding="utf-8")).body
    for part in path:
        found = [each for each in body if isinstance(each, (ast.FunctionDef, ast.ClassDef)) and each.name == part]
        assert found, f"there is no {part} in {file}"
        body = found[0].body


def test_parts_of_a_test_and_of_a_module_are_passed_over_alike() -> None:
    reason, name = next((reason, name) for reason, names in EXCEPTED.items() for name in names if "[" not in name)
    assert excepted(f"tests/{name}") == excepted(f"tests/{name}[a::case]") == reason
    assert excepted(f"tests/{name}_too") == excepted("tests/test_on_device.py") == ""
