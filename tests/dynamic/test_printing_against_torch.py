"""Tensors as text under every option, digit by digit as PyTorch prints them."""

import numpy as np
import pytest

import dynamic
from tests.dynamic.oracle import normal, pytorch


pytestmark = pytest.mark.oracle

A = normal(3, 4)
Z = (A + 1j * normal(3, 4, seed=5)).astype("complex64")
ARRAYS = {
    "floats": A.astype("float32"),
    "doubles": A,
    "halves": A.astype("float16"),
    "whole": np.array([1.0, 2.0, -30.0], "float32"),
    "large": np.array([1.5e9, 2.0], "float32"),
    "small": np.array([1e-5, 2.0], "float32"),
    "wide": np.array([1e-3, 1e3 + 0.5], "float32"),
    "special": np.array([np.nan, np.inf, -np.inf, 1.5, 0.0, -0.0], "float32"),
    "whole and special": np.array([np.nan, 1.0, 1000.0], "float32"),
    "zeros": np.zeros((2, 3), "float32"),
    "a number": np.array(0.1, "float32"),
    "ints": np.arange(-6, 6).reshape(3, 4) * 100,
    "int16": np.arange(4, dtype="int16"),
    "bools": A > 0,
    "bytes": np.arange(5, dtype="uint8"),
    "complex": Z,
    "complex doubles": Z.astype("complex128"),
    "complex, whole": np.array([1 + 2j, -3j, 4], "complex64"),
    "complex, large": np.array([1e9 + 2j, 0.5j], "complex64"),
    "complex, special": np.array([complex(np.nan, 1), complex(1, np.inf), complex(0, -np.inf)], "complex64"),
    "a complex number": np.array(1.5 - 2j, "complex64"),
    "many complex numbers": (normal(30) + 1j * normal(30, seed=2)).astype("complex64"),
    "a cube": normal(2, 3, 4).astype("float32"),
    "a long row": normal(50).astype("float32"),
    "a long matrix": normal(40, 40).astype("float32"),
    "a very long row": np.arange(3000),
    "much of everything": normal(12, 10, 11).astype("float32"),
    "nothing": np.zeros((0, 3), "float32"),
    "nothing complex": np.zeros((0,), "complex64"),
}
OPTIONS = {
    "as it is": {},
    "two digits": {"precision": 2},
    "eight digits": {"precision": 8},
    "no digits": {"precision": 0},
    "exponents": {"sci_mode": True},
    "no exponents": {"sci_mode": False},
    "all": {"threshold": 100_000},
    "little": {"threshold": 5, "edgeitems": 1},
    "wide lines": {"linewidth": 120},
    "narrow lines": {"linewidth": 40},
    "short": {"profile": "short"},
    "full": {"profile": "full", "edgeitems": 2},
}


@pytest.fixture(autouse=True)
def _as_before():
    yield
    for torch in (dynamic, pytorch()):
        torch.set_printoptions(profile="default", sci_mode=None)


@pytest.mark.parametrize("name", ARRAYS)
@pytest.mark.parametrize("options", OPTIONS)
def test_printing(name, options):
    texts = []
    for torch in (dynamic, pytorch()):
        torch.set_printoptions(**OPTIONS[options])
        x = torch.from_numpy(ARRAYS[name].copy())
        texts.append(str(x))
        if x.is_floating_point() or x.is_complex():
            texts[-1] += str(x.requires_grad_()) + str(x * 2)
    assert texts[0] == texts[1]


def test_printing_with_another_default_dtype():
    texts = []
    for torch in (dynamic, pytorch()):
        torch.set_default_dtype(torch.float64)
        try:
            texts.append([str(torch.from_numpy(array.copy())) for array in ARRAYS.values()])
        finally:
            torch.set_default_dtype(torch.float32)
    assert texts[0] == texts[1]


def test_printing_of_subclasses_and_transposes():
    texts = []
    for torch in (dynamic, pytorch()):

        class Mine(torch.Tensor):
            pass

        x = torch.from_numpy(A.astype("float32"))
        texts.append([str(x.as_subclass(Mine)), str(x.t()), str(x[::2, 1:]), repr(torch.nn.Parameter(x))])
    assert texts[0] == texts[1]
