"""Modules that learn their sizes from the first batch, against PyTorch's."""

import copy
import pickle

import numpy as np
import pytest

import dynamic
from tests.dynamic.oracle import normal, plain, pytorch, same


pytestmark = pytest.mark.oracle

CASES = {
    "linear": ("LazyLinear", (3,), {}, (2, 5)),
    "linear of one row": ("LazyLinear", (3,), {}, (5,)),
    "linear without bias": ("LazyLinear", (3,), {"bias": False}, (2, 4, 5)),
    "conv1d": ("LazyConv1d", (3, 2), {}, (2, 4, 6)),
    "conv1d of one example": ("LazyConv1d", (3, 2), {"stride": 2}, (4, 6)),
    "conv2d": ("LazyConv2d", (4, (2, 3)), {"padding": 1}, (2, 2, 5, 5)),
    "conv2d in groups": ("LazyConv2d", (4, 2), {"groups": 2, "bias": False}, (2, 6, 5, 5)),
    "conv2d with reflection": ("LazyConv2d", (4, 3), {"padding": 1, "padding_mode": "reflect"}, (1, 2, 5, 5)),
    "conv3d": ("LazyConv3d", (2, 2), {"dilation": 2}, (1, 3, 4, 4, 4)),
    "transposed 1d": ("LazyConvTranspose1d", (3, 2), {"stride": 2}, (2, 4, 6)),
    "transposed 2d": ("LazyConvTranspose2d", (4, 3), {"stride": 2, "output_padding": 1, "groups": 2}, (2, 2, 4, 4)),
    "transposed 2d of one example": ("LazyConvTranspose2d", (4, 3), {"bias": False}, (2, 4, 4)),
    "transposed 3d": ("LazyConvTranspose3d", (2, 2), {}, (1, 3, 3, 3, 3)),
    "batch norm 1d": ("LazyBatchNorm1d", (), {}, (4, 3)),
    "batch norm 1d plain": ("LazyBatchNorm1d", (), {"affine": False, "track_running_stats": False}, (4, 3, 5)),
    "batch norm 1d without bias": ("LazyBatchNorm1d", (), {"bias": False}, (4, 3)),
    "batch norm 2d": ("LazyBatchNorm2d", (1e-3,), {"momentum": None}, (2, 3, 4, 4)),
    "batch norm 3d": ("LazyBatchNorm3d", (), {"track_running_stats": False}, (2, 3, 2, 2, 2)),
    "instance norm 1d": ("LazyInstanceNorm1d", (), {}, (2, 3, 5)),
    "instance norm 2d": ("LazyInstanceNorm2d", (), {"affine": False}, (2, 3, 4, 4)),
    "instance norm 3d": ("LazyInstanceNorm3d", (), {"track_running_stats": False}, (2, 3, 2, 3, 2)),
}


def made(torch, case, **more):
    name, args, settings, _ = CASES[case]
    return getattr(torch.nn, name)(*args, **settings, **more)


def both(case):
    """The module in both libraries after a first batch, with the same parameters, and the batch."""
    torch = pytorch()
    x = normal(*CASES[case][3])
    ours, theirs = made(dynamic, case).double(), made(torch, case).double()
    ours(dynamic.from_numpy(x))
    theirs(torch.from_numpy(x))
    ours.load_state_dict({name: dynamic.from_numpy(t.numpy().copy()) for name, t in theirs.state_dict().items()})
    return ours, theirs, x


@pytest.mark.parametrize("case", CASES)
def test_a_module_before_and_after_its_first_batch(case):
    torch = pytorch()
    x = normal(*CASES[case][3])
    texts = []
    for library in (dynamic, torch):
        module = made(library, case).double()
        before = [repr(module), list(module.state_dict()), [repr(p) for p in module.parameters()]]
        waiting = module.has_uninitialized_params()
        module(library.from_numpy(x))
        shapes = {name: tuple(t.shape) for name, t in module.state_dict().items()}
        texts.append([*before, waiting, repr(module), shapes, [t.requires_grad for t in module.parameters()]])
        assert type(module).__name__ == CASES[case][0].removeprefix("Lazy")
    assert texts[0] == texts[1]


@pytest.mark.parametrize("case", CASES)
def test_values_and_gradients(case):
    torch = pytorch()
    ours, theirs, x = both(case)
    found = []
    for library, module in ((dynamic, ours), (torch, theirs)):
        given = library.from_numpy(x).requires_grad_()
        y = module(given)
        (y**3).sum().backward()
        grads = {name: plain(p.grad) for name, p in module.named_parameters()}
        found.append([plain(y), plain(given.grad), grads, {name: plain(b) for name, b in module.named_buffers()}])
    for a, b in zip(found[0][:2], found[1][:2], strict=True):
        same(a, b, 1e-10)
    for a, b in zip(found[0][2:], found[1][2:], strict=True):
        assert list(a) == list(b)
        for name, value in a.items():
            np.testing.assert_allclose(value, b[name], rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("way", ["deepcopy", "pickle", "state"])
def test_copies(case, way):
    """A copy of a module that waits waits too; a state gives it its shapes.

    PyTorch copies no buffers that wait, and an instance norm of its does not learn its size from a state.
    """
    torch = pytorch()
    x = normal(*CASES[case][3])
    fails = "norm" in case and (way == "deepcopy" or (way == "state" and "instance" in case))
    for library in (dynamic,) if fails else (dynamic, torch):
        module = made(library, case)
        if way == "deepcopy":
            other = copy.deepcopy(module)
        elif way == "pickle":
            other = pickle.loads(pickle.dumps(module))
        else:
            full = made(library, case)
            full(library.from_numpy(x.astype(np.float32)))
            other = made(library, case)
            assert other.load_state_dict(full.state_dict()) == ([], [])
        assert type(other).__name__ == CASES[case][0]
        assert other.has_uninitialized_params() == (way != "state" and module.has_uninitialized_params())
        y = other(library.from_numpy(x.astype(np.float32)))
        assert type(other).__name__ == CASES[case][0].removeprefix("Lazy")
        if way == "state":
            assert all(plain(a == b).all() for a, b in zip(other.parameters(), full.parameters(), strict=True))
        assert y.dtype == library.float32


WRONG = {
    "shape": lambda torch, m: m.weight.shape,
    "arithmetic": lambda torch, m: m.weight + 1,
    "arithmetic from the right": lambda torch, m: torch.ones(2) * m.weight,
    "a function": lambda torch, m: torch.exp(m.weight),
    "view": lambda torch, m: m.weight.view(2),
    "numel": lambda torch, m: m.weight.numel(),
    "detach": lambda torch, m: m.weight.detach(),
    "initial values": lambda torch, m: torch.nn.init.ones_(m.weight),
    "its state into one with shapes": lambda torch, m: torch.nn.Linear(2, 3).load_state_dict(m.state_dict()),
    "a batch of too many dimensions": lambda torch, m: torch.nn.LazyConv1d(3, 2)(torch.ones(1, 2, 3, 4)),
    "a batch of one dimension": lambda torch, m: torch.nn.LazyConv2d(3, 2)(torch.ones(4)),
    "channels and groups": lambda torch, m: torch.nn.LazyConv2d(4, 2, groups=2)(torch.ones(1, 3, 5, 5)),
    "no groups": lambda torch, m: torch.nn.LazyConv2d(4, 2, groups=0),
    "a border": lambda torch, m: torch.nn.LazyConv2d(4, 2, padding_mode="nothing"),
    "a norm's dimensions": lambda torch, m: torch.nn.LazyBatchNorm2d()(torch.ones(3, 4)),
    "an instance norm's dimensions": lambda torch, m: torch.nn.LazyInstanceNorm2d()(torch.ones(3, 4)),
    "another size later": lambda torch, m: [m(torch.ones(2, 5)), m(torch.ones(2, 4))],
}


@pytest.mark.parametrize("case", WRONG)
def test_errors(case):
    torch = pytorch()
    with pytest.raises(Exception) as error:  # noqa: PT011
        WRONG[case](torch, torch.nn.LazyLinear(3))
    with pytest.raises(type(error.value)):
        WRONG[case](dynamic, dynamic.nn.LazyLinear(3))


@pytest.mark.parametrize("kind", ["UninitializedParameter", "UninitializedBuffer"])
def test_materialize(kind):
    for torch in (dynamic, pytorch()):
        x = getattr(torch.nn, kind)(dtype=torch.float64)
        assert repr(x) == f"<{kind}>"
        assert (x.dtype, x.device.type, x.is_leaf) == (torch.float64, "cpu", True)
        x.materialize((2, 3))
        assert type(x) is (torch.nn.Parameter if kind == "UninitializedParameter" else torch.Tensor)
        assert (tuple(x.shape), x.dtype) == ((2, 3), torch.float64)
        assert x.requires_grad == (kind == "UninitializedParameter")


def test_a_module_of_ones_own():
    for torch in (dynamic, pytorch()):

        class Scale(torch.nn.modules.lazy.LazyModuleMixin, torch.nn.Module):
            def __init__(self):
                super().__init__()
                self.w = torch.nn.UninitializedParameter()  # noqa: B023

            def initialize_parameters(self, x):
                if self.has_uninitialized_params():
                    self.w.materialize(x.shape[-1:])
                    torch.nn.init.constant_(self.w, 3)  # noqa: B023

            def forward(self, x):
                return self.w * x

        net = torch.nn.Sequential(Scale(), torch.nn.LazyLinear(2))
        optimizer = torch.optim.SGD(net.parameters(), lr=0.5)
        y = net(torch.ones(2, 4))
        net[0].w.grad = torch.ones(4)
        optimizer.step()
        assert tuple(y.shape) == (2, 2)
        assert net[0].w.tolist() == [2.5] * 4
        assert type(net[0]) is Scale
