"""Names that PyTorch has and this package lacks, and the page that lists which are here."""

import subprocess
import sys
from pathlib import Path

import pytest

import dynamic
from dynamic import coverage, names
from tests.dynamic.oracle import pytorch


LISTER = Path(__file__).with_name("list_names.py")


def test_the_page_is_what_the_package_says():
    assert coverage.PAGE.read_text(encoding="utf-8") == coverage.page(), "run python -m dynamic.coverage"


@pytest.mark.oracle
def test_the_list_is_that_of_pytorch():
    if not pytorch().__version__.startswith("2.13."):
        pytest.skip("the list is PyTorch 2.13's")
    out = subprocess.run([sys.executable, LISTER], capture_output=True, text=True, check=True).stdout
    assert out == Path(names.__file__).with_name("names.txt").read_text(encoding="ascii")


@pytest.mark.parametrize("path", [path for path in names.listed() if coverage.find(path) is not None])
def test_a_name_that_is_missing_is_told_from_one_that_nobody_has(path):
    place = coverage.find(path)
    with pytest.raises(AttributeError, match="no_such_thing"):
        _ = place.no_such_thing
    missing = sorted(names.listed()[path] - coverage.present(path))
    if missing and not isinstance(place, type):
        with pytest.raises(AttributeError, match=rf"PyTorch 2.13 has {path}.{missing[0]}; Diptych does not"):
            getattr(place, missing[0])


def test_the_nearest_names_are_named():
    with pytest.raises(AttributeError, match="dynamic has no 'randnn'; there is randn"):
        _ = dynamic.randnn
    with pytest.raises(AttributeError, match=r"dynamic.nn.functional has no 'rellu'; there is relu"):
        _ = dynamic.nn.functional.rellu
    with pytest.raises(AttributeError, match="Tensor has no 'expand_asx'; there is expand_as"):
        _ = dynamic.ones(2).expand_asx
    with pytest.raises(AttributeError, match=r"PyTorch 2.13 has torch.Tensor.to_sparse; Diptych does not"):
        dynamic.ones(2).to_sparse()
