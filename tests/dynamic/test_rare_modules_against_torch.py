"""Modules that few programs name, against PyTorch's: SyncBatchNorm, CrossMapLRN2d."""

import numpy as np
import pytest

import dynamic
from tests.dynamic.oracle import normal, plain, pytorch, same


pytestmark = pytest.mark.oracle

SETTINGS = [
    {},
    {"eps": 1e-3, "momentum": 0.5},
    {"momentum": None},
    {"affine": False},
    {"track_running_stats": False},
    {"bias": False},
]


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
@pytest.mark.parametrize("shape", [(4, 3), (4, 3, 5), (2, 3, 4, 4), (2, 3, 2, 2, 2), (3,)], ids=str)
@pytest.mark.parametrize("training", [True, False])
def test_sync_batch_norm(settings, shape, training):
    def run(torch):
        module = torch.nn.SyncBatchNorm(3, **settings).double().train(training)
        text = repr(module)
        x = torch.from_numpy(normal(*shape)).requires_grad_()
        y = module(x)
        (y**3).sum().backward()
        return text, [plain(each) for each in (y, x.grad, *module.state_dict().values())]

    try:
        text, wanted = run(pytorch())
    except Exception as error:
        with pytest.raises(type(error)):
            run(dynamic)
        return
    shown, found = run(dynamic)
    assert shown == text
    for ours, theirs in zip(found, wanted, strict=True):
        same(ours, theirs, 1e-9)


def test_converting():
    texts = []
    for torch in (dynamic, pytorch()):
        net = torch.nn.Sequential(
            torch.nn.Linear(2, 3), torch.nn.Sequential(torch.nn.BatchNorm1d(3)), torch.nn.BatchNorm2d(3)
        )
        net[1][0].weight.data.fill_(5.0)
        net.eval()
        kept = net[1][0].weight
        converted = torch.nn.SyncBatchNorm.convert_sync_batchnorm(net)
        assert converted is net
        assert converted[1][0].weight is kept
        assert not converted[1][0].training
        texts.append([repr(converted), list(converted.state_dict())])
        alone = torch.nn.SyncBatchNorm.convert_sync_batchnorm(torch.nn.BatchNorm1d(3))
        assert type(alone).__name__ == "SyncBatchNorm"
    assert texts[0] == texts[1]


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 9])
@pytest.mark.parametrize("rest", [(), (0.1, 0.7, 2.0)], ids=["usual", "other numbers"])
@pytest.mark.parametrize("shape", [(2, 7, 3, 2), (1, 2, 2, 2), (7, 3, 2)], ids=str)
def test_cross_map_normalisation(size, rest, shape):
    def run(torch):
        module = torch.nn.CrossMapLRN2d(size, *rest)
        return repr(module), plain(module(torch.from_numpy(10 * normal(*shape))))

    try:
        wanted = run(pytorch())
    except Exception as error:
        with pytest.raises(type(error)):
            run(dynamic)
        return
    found = run(dynamic)
    assert found[0] == wanted[0]
    same(found[1], wanted[1], 1e-12)


def test_the_gradient_of_cross_map_normalisation_is_that_of_its_values():
    x = dynamic.from_numpy(normal(1, 5, 2, 2)).requires_grad_()
    assert dynamic.autograd.gradcheck(dynamic.nn.CrossMapLRN2d(3, 0.5, 0.7, 2.0), (x,))
    assert np.isfinite(x.detach().numpy()).all()
