import sys

import numpy
import pytest

import dynamic


@pytest.fixture(autouse=True)
def same_numbers_each_time():
    """Each test draws the same random numbers, in whatever order tests run: initial values too, PyTorch's among them."""
    numpy.random.seed(0)
    dynamic.manual_seed(0)
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(0)
