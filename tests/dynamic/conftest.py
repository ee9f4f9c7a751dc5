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
        sys.modules["torch"].default_generator.manual_seed(0)  # ``torch.manual_seed`` takes milliseconds, for GPUs


@pytest.fixture(autouse=True)
def everything_on_the_device_asked_for(request, monkeypatch):
    """With ``--device standin`` or ``cuda`` tensors are made there unless a test says where, and fetched when read."""
    if request.config.getoption("--device") == "cpu" or {"gpu", "cp", "fake"} & set(request.fixturenames):
        yield
        return
    monkeypatch.setitem(sys.modules, "cupy", request.getfixturevalue("device"))
    monkeypatch.setenv("DIPTYCH_CHECK_VALUES", "1")
    read = dynamic.Tensor.numpy
    monkeypatch.setattr(dynamic.Tensor, "numpy", lambda self, **how: read(self.cpu() if self.is_cuda else self, **how))
    made = dynamic.from_numpy
    monkeypatch.setattr(dynamic, "from_numpy", lambda array: made(array).cuda())
    with dynamic.device("cuda"):
        yield
