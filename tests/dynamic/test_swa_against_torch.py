"""Averages of parameters and their schedule, against PyTorch's."""

import importlib

import numpy as np
import pytest

import dynamic
from tests.dynamic.oracle import normal, plain, pytorch, same


pytestmark = pytest.mark.oracle


def swa(torch):
    return importlib.import_module(f"{torch.__name__}.optim.swa_utils")


def net(torch, dtype="float64"):
    made = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4), torch.nn.Tanh(), torch.nn.Linear(4, 1))
    made = made.to(getattr(torch, dtype))
    for i, p in enumerate(made.parameters()):
        p.data.copy_(torch.from_numpy(normal(*p.shape, seed=i)))
    return made


AVERAGES = {
    "plain": lambda s: {},
    "swa": lambda s: {"avg_fn": s.get_swa_avg_fn()},
    "swa of lists": lambda s: {"multi_avg_fn": s.get_swa_multi_avg_fn()},
    "ema": lambda s: {"avg_fn": s.get_ema_avg_fn(0.7)},
    "ema of lists": lambda s: {"multi_avg_fn": s.get_ema_multi_avg_fn(0.7)},
    "ema by default": lambda s: {"multi_avg_fn": s.get_ema_multi_avg_fn()},
    "one's own": lambda s: {"avg_fn": lambda average, current, count: 0.5 * average + 0.5 * current},
}


@pytest.mark.parametrize("name", AVERAGES)
@pytest.mark.parametrize("buffers", [False, True])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_averages_over_training(name, buffers, dtype):
    if name == "swa of lists" and buffers:
        pytest.skip("PyTorch's does not average the count of batches, which is an integer")
    found = []
    for torch in (dynamic, pytorch()):
        model = net(torch, dtype)
        average = swa(torch).AveragedModel(model, use_buffers=buffers, **AVERAGES[name](swa(torch)))
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        for step in range(5):
            x = torch.from_numpy(normal(6, 3, seed=step)).to(getattr(torch, dtype))
            optimizer.zero_grad()
            model(x).pow(2).mean().backward()
            optimizer.step()
            average.update_parameters(model)
        average.eval()
        found.append([average(x), average.state_dict()])
        assert all(p.requires_grad for p in average.parameters())
    tolerance = 1e-9 if dtype == "float64" else 1e-4
    same(plain(found[0][0]), plain(found[1][0]), tolerance)
    assert list(found[0][1]) == list(found[1][1])
    for key, value in found[1][1].items():
        np.testing.assert_allclose(plain(found[0][1][key]), plain(value), rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("form", ["tensors", "pairs"])
@pytest.mark.parametrize("mode", [True, False])
def test_update_bn(form, mode):
    found = []
    for torch in (dynamic, pytorch()):
        model = net(torch).train(mode)
        batches = [torch.from_numpy(normal(5, 3, seed=i)) for i in range(4)]
        loader = batches if form == "tensors" else [(x, 3) for x in batches]
        swa(torch).update_bn(loader, model)
        assert (model.training, model[1].momentum) == (mode, 0.1)
        found.append({name: plain(b) for name, b in model.named_buffers()})
    for name, value in found[1].items():
        np.testing.assert_allclose(found[0][name], value, rtol=1e-10)


def test_update_bn_of_a_model_without_batch_normalisation():
    for torch in (dynamic, pytorch()):
        swa(torch).update_bn(iter(()), torch.nn.Linear(2, 2))


SCHEDULES = [
    {"swa_lr": 0.05},
    {"swa_lr": 0.05, "anneal_epochs": 3},
    {"swa_lr": 0.05, "anneal_epochs": 0},
    {"swa_lr": 0.05, "anneal_epochs": 1, "anneal_strategy": "linear"},
    {"swa_lr": 0.3, "anneal_epochs": 4, "anneal_strategy": "linear"},
    {"swa_lr": [0.05, 0.2], "anneal_epochs": 5},
    {"swa_lr": [0.05]},
    {"swa_lr": 0.05, "anneal_strategy": "steps"},
    {"swa_lr": 0.05, "anneal_epochs": -1},
    {"swa_lr": 0.05, "anneal_epochs": 2.5},
    {"swa_lr": 0.05, "last_epoch": 3},
]


@pytest.mark.parametrize("settings", SCHEDULES, ids=str)
@pytest.mark.parametrize("other", [False, True], ids=["alone", "rate changed on the way"])
def test_swalr(settings, other):
    def rates(torch):
        ps = [torch.nn.Parameter(torch.ones(2)) for _ in range(2)]
        optimizer = torch.optim.SGD([{"params": [ps[0]]}, {"params": [ps[1]], "lr": 0.4}], lr=0.1)
        schedule = swa(torch).SWALR(optimizer, **settings)
        found = [schedule.get_last_lr()]
        for epoch in range(12):
            optimizer.step()
            if other and epoch == 2:
                optimizer.param_groups[0]["lr"] = 0.7
            schedule.step()
            found.append(schedule.get_last_lr())
        return found, {name: value for name, value in schedule.state_dict().items() if name.startswith("anneal")}

    try:
        wanted, state = rates(pytorch())
    except Exception as error:
        with pytest.raises(type(error)):
            rates(dynamic)
        return
    found, ours = rates(dynamic)
    np.testing.assert_allclose(found, wanted, rtol=1e-12)
    assert ours == state


ERRORS = {
    "both functions": lambda torch, s: s.AveragedModel(
        torch.nn.Linear(1, 1), avg_fn=s.get_swa_avg_fn(), multi_avg_fn=s.get_swa_multi_avg_fn()
    ),
    "a decay above 1": lambda torch, s: s.get_ema_avg_fn(1.5),
    "a negative decay": lambda torch, s: s.get_ema_multi_avg_fn(-0.1),
}


@pytest.mark.parametrize("case", ERRORS)
def test_errors(case):
    with pytest.raises(Exception) as error:  # noqa: PT011
        ERRORS[case](pytorch(), swa(pytorch()))
    with pytest.raises(type(error.value)):
        ERRORS[case](dynamic, swa(dynamic))


def test_text_and_state():
    texts = []
    for torch in (dynamic, pytorch()):
        average = swa(torch).AveragedModel(torch.nn.Linear(2, 1))
        again = swa(torch).AveragedModel(torch.nn.Linear(2, 1))
        average.update_parameters(torch.nn.Linear(2, 1))
        assert str(again.load_state_dict(average.state_dict())) == "<All keys matched successfully>"
        texts.append([repr(average), list(average.state_dict()), int(again.n_averaged)])
    assert texts[0] == texts[1]
