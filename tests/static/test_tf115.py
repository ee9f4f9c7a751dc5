import pytest

import static
from tests.static.tf115 import check, ours, programs, theirs


@pytest.mark.tf115
@pytest.mark.parametrize(("path", "case"), [pytest.param(*p, id=f"{p[0].stem}-{p[1]}") for p in programs()])
def test_same_program_same_numbers(path, case, tmp_path):
    wanted = theirs(path, case, tmp_path / "theirs.npz")
    assert wanted
    check(ours(static, path, case), wanted)
