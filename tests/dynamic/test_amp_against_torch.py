"""Mixed precision's names against PyTorch: a scaler on the processor, regions that are switched off."""

import importlib
import warnings

import numpy as np
import pytest

import dynamic
from tests.dynamic.oracle import plain, pytorch


pytestmark = pytest.mark.oracle


def training(torch, overflows, settings, unscale=False, dtype="float64"):
    scaler = torch.GradScaler("cpu", **settings)
    p = torch.nn.Parameter(torch.tensor([1.0, 2.0], dtype=getattr(torch, dtype)))
    optimizer = torch.optim.SGD([p], lr=0.1, momentum=0.5)
    found = []
    for step in range(8):
        optimizer.zero_grad()
        loss = scaler.scale((p * p).sum() * (float("inf") if step in overflows else 1))
        loss.backward()
        if unscale:
            scaler.unscale_(optimizer)
            torch.nn.utils.clip_grad_norm_([p], 0.5)
        scaler.step(optimizer)
        scaler.update()
        found += [plain(loss), plain(p), plain(p.grad), scaler.get_scale(), *scaler.state_dict().values()]
    return found


@pytest.mark.parametrize("overflows", [(), (0,), (3,), (2, 3, 4)], ids=str)
@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"init_scale": 8.0, "growth_interval": 2},
        {"init_scale": 4.0, "growth_factor": 3.0, "backoff_factor": 0.25, "growth_interval": 1},
        {"init_scale": 1e308, "growth_interval": 1},
        {"init_scale": 8.0, "growth_interval": 2, "enabled": False},
    ],
    ids=str,
)
@pytest.mark.parametrize("unscale", [False, True], ids=["plain", "clipped"])
def test_training(overflows, settings, unscale):
    if settings.get("init_scale") == 1e308:
        settings = {**settings, "init_scale": 2.0**126}  # PyTorch's scale is a float32
    found, wanted = (training(torch, overflows, settings, unscale) for torch in (dynamic, pytorch()))
    for ours, theirs in zip(found, wanted, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-12)


def prepared(torch, **settings):
    scaler = torch.GradScaler("cpu", init_scale=8.0, **settings)
    p = torch.nn.Parameter(torch.tensor([1.0, 2.0]))
    optimizer = torch.optim.SGD([p], lr=0.1)
    scaler.scale((p * p).sum()).backward()
    return scaler, optimizer


CALLS = {
    "step first": lambda torch: torch.GradScaler("cpu").step(torch.optim.SGD([torch.nn.Parameter(torch.ones(1))], lr=0.1)),
    "update first": lambda torch: torch.GradScaler("cpu").update(),
    "update without a step": lambda torch: prepared(torch)[0].update(),
    "unscaled twice": lambda torch: [s_o := prepared(torch), s_o[0].unscale_(s_o[1]), s_o[0].unscale_(s_o[1])],
    "two steps": lambda torch: [s_o := prepared(torch), s_o[0].step(s_o[1]), s_o[0].step(s_o[1])],
    "unscaled after a step": lambda torch: [s_o := prepared(torch), s_o[0].step(s_o[1]), s_o[0].unscale_(s_o[1])],
    "no gradients": lambda torch: prepared(torch)[0].step(torch.optim.SGD([torch.nn.Parameter(torch.ones(1))], lr=0.1)),
    "a closure": lambda torch: [s_o := prepared(torch), s_o[0].step(s_o[1], closure=lambda: 1)],
    "growth of 1": lambda torch: torch.GradScaler("cpu", growth_factor=1.0),
    "backoff of 1": lambda torch: torch.GradScaler("cpu", backoff_factor=1.0),
    "a number": lambda torch: prepared(torch)[0].scale(3),
    "an empty state": lambda torch: prepared(torch)[0].load_state_dict({}),
    "a new scale": lambda torch: [s := prepared(torch)[0], s.update(new_scale=4.0), s.get_scale()][1:],
    "a new scale in a tensor": lambda torch: [s := prepared(torch)[0], s.update(torch.tensor(2.0)), s.get_scale()][1:],
    "a state and back": lambda torch: [
        s := torch.GradScaler("cpu"),
        s.load_state_dict(prepared(torch, growth_interval=3)[0].state_dict()),
        s.get_scale(),
        s.get_growth_interval(),
    ][1:],
    "several losses": lambda torch: [
        x.tolist() if hasattr(x, "tolist") else [y.tolist() for y in x]
        for x in prepared(torch)[0].scale([torch.ones(2), (torch.ones(1),)])
    ],
    "settings": lambda torch: [
        s := prepared(torch)[0],
        s.set_growth_factor(3.0),
        s.set_backoff_factor(0.25),
        s.set_growth_interval(7),
        s.get_growth_factor(),
        s.get_backoff_factor(),
        s.get_growth_interval(),
        s.is_enabled(),
    ][1:],
    "disabled": lambda torch: [
        s := torch.GradScaler("cpu", enabled=False),
        s.get_scale(),
        s.scale(3),
        s.state_dict(),
        s.update(),
        s.is_enabled(),
        s.load_state_dict({}),
    ][1:],
}


@pytest.mark.parametrize("case", CALLS)
def test_calls(case):
    try:
        wanted = CALLS[case](pytorch())
    except Exception as error:
        with pytest.raises(type(error)):
            CALLS[case](dynamic)
        return
    assert CALLS[case](dynamic) == wanted


@pytest.mark.parametrize("where", ["torch", "torch.amp", "torch.cuda.amp"])
def test_without_a_gpu(where):
    """What programs for a GPU say, on a machine without one: disabled, with a warning."""
    for torch in (dynamic, pytorch()):
        place = importlib.import_module(where.replace("torch", torch.__name__, 1))
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            scaler = place.GradScaler()
            region = place.autocast() if where.endswith("cuda.amp") else place.autocast("cuda")
        if scaler.is_enabled():
            pytest.skip("there is a GPU")
        assert sum(each.category is UserWarning for each in told) == 2
        with region:
            assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == torch.float32


@pytest.mark.parametrize("form", ["region", "decorator"])
def test_autocast_switched_off(form):
    for torch in (dynamic, pytorch()):

        def product(torch=torch):
            return torch.ones(2, 2) @ torch.ones(2, 2)

        if form == "region":
            with torch.autocast("cpu", enabled=False):
                y = product()
        else:
            y = torch.autocast(device_type="cpu", enabled=False)(product)()
        assert y.dtype == torch.float32


@pytest.mark.parametrize("device", ["nothing", None], ids=str)
def test_devices_that_are_none(device):
    for torch in (dynamic, pytorch()):
        with pytest.raises((RuntimeError, TypeError, ValueError)):
            torch.autocast(device)


@pytest.mark.parametrize("dtype", [None, dynamic.float16], ids=str)
def test_autocast_switched_on_says_what_to_write(dtype):
    with pytest.raises(TypeError, match="enabled=False"):
        dynamic.autocast("cpu", dtype)


def test_decorators_of_functions():
    for torch in (dynamic, pytorch()):
        amp = importlib.import_module(f"{torch.__name__}.amp")

        class Double(torch.autograd.Function):
            @staticmethod
            @amp.custom_fwd(device_type="cpu")
            def forward(ctx, x):
                return x * 2

            @staticmethod
            @amp.custom_bwd(device_type="cpu")
            def backward(ctx, g):
                return g * 2

        x = torch.ones(2, requires_grad=True)
        Double.apply(x).sum().backward()
        assert x.grad.tolist() == [2, 2]
