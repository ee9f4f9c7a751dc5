"""Training on a GPU: layers, losses and optimisers give there what they give here, and nothing crosses unasked."""

from __future__ import annotations

import itertools
from collections import OrderedDict
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import pytest

import dynamic as torch
from dynamic import kernels, nn
from dynamic.nn import functional as F
from dynamic.utils.data.pinning import pin_memory
from graphs.codegen.together import MOST_SETS
from graphs.compare import load
from tests.graphs import fake_driver


def moments(net: Any, x: Any, y: Any, loss: Any, make: Any, steps: int = 3) -> list[np.ndarray]:
    """Losses and parameters of some training steps."""
    optimizer = make(list(net.parameters()))
    seen = []
    for _ in range(steps):
        optimizer.zero_grad()
        out = net(x)
        each = loss(out[0] if isinstance(out, tuple) else out, y)
        each.backward()
        optimizer.step()
        seen.append(each.detach().cpu().numpy())
    return [*seen, *(p.detach().cpu().numpy() for p in net.parameters())]


def alike(make: Any, x: Any, y: Any, loss: Any = F.mse_loss, optimizer: Any = None, rtol: float = 0.0) -> None:
    """The same steps here and there, from the same draws."""
    found = []
    for device in ("cpu", "cuda"):
        torch.manual_seed(3)
        net = make().to(device)
        assert all(p.is_cuda == (device == "cuda") for p in net.parameters())
        inputs, targets = x().to(device), y().to(device)
        found.append(moments(net, inputs, targets, loss, optimizer or (lambda p: torch.optim.SGD(p, lr=0.1))))
    for here, there in zip(*found, strict=True):
        assert np.isfinite(here).all()
        np.testing.assert_allclose(there, here, rtol=rtol, atol=rtol * 0.1)


def draws(*shape: int) -> Any:
    return lambda: torch.randn(*shape)


class Attending(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.MultiheadAttention(6, 2)

    def forward(self, x: Any) -> Any:
        return self.inner(x, x, x, attn_mask=nn.Transformer.generate_square_subsequent_mask(4).to(x.device))[0]


def images() -> Any:
    return nn.Sequential(
        *(nn.Conv2d(2, 3, 3, padding=1), nn.BatchNorm2d(3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(3, 4, 2), nn.AvgPool2d(2)),
        *(nn.Flatten(), nn.Linear(4, 3)),
    )


LAYERS = {
    "linear": (lambda: nn.Sequential(nn.Linear(5, 6), nn.ReLU(), nn.Linear(6, 3)), (4, 5), (4, 3)),
    "convolutions": (images, (3, 2, 6, 6), (3, 3)),
    "convolution in 1d": (lambda: nn.Conv1d(2, 3, 2), (3, 2, 5), (3, 3, 4)),
    "transposed": (lambda: nn.ConvTranspose2d(2, 3, 2, stride=2), (2, 2, 3, 3), (2, 3, 6, 6)),
    "batch norm": (lambda: nn.Sequential(nn.Linear(5, 6), nn.BatchNorm1d(6), nn.Linear(6, 3)), (4, 5), (4, 3)),
    "layer norm": (lambda: nn.Sequential(nn.LayerNorm(5), nn.Linear(5, 3)), (4, 5), (4, 3)),
    "group norm": (lambda: nn.GroupNorm(2, 4), (2, 4, 3), (2, 4, 3)),
    "rnn": (lambda: nn.RNN(5, 3), (4, 2, 5), (4, 2, 3)),
    "lstm": (lambda: nn.LSTM(5, 3, num_layers=2, bidirectional=True), (4, 2, 5), (4, 2, 6)),
    "gru": (lambda: nn.GRU(5, 3, batch_first=True), (2, 4, 5), (2, 4, 3)),
    "lstm cell": (lambda: nn.LSTMCell(5, 3), (4, 5), (4, 3)),
    "dropout": (lambda: nn.Sequential(nn.Linear(5, 6), nn.Dropout(0.5), nn.Linear(6, 3)), (4, 5), (4, 3)),
    "attention": (Attending, (4, 2, 6), (4, 2, 6)),
    "transformer": (lambda: nn.TransformerEncoderLayer(6, 2, 8, dropout=0.1), (4, 2, 6), (4, 2, 6)),
    "activations": (
        lambda: nn.Sequential(nn.Linear(5, 6), nn.GELU(), nn.PReLU(), nn.ELU(), nn.Softplus(), nn.Tanh(), nn.Softmax(-1)),
        (4, 5),
        (4, 6),
    ),
    "bilinear": (
        lambda: nn.Sequential(nn.Upsample(scale_factor=2, mode="bilinear"), nn.Conv2d(1, 2, 3)),
        (2, 1, 3, 3),
        (2, 2, 4, 4),
    ),
}


@pytest.mark.parametrize("name", LAYERS)
def test_layers_train_there_as_here(gpu: Any, name: str) -> None:
    make, given, wanted = LAYERS[name]
    exact = name not in ("convolutions", "convolution in 1d", "transposed", "bilinear")
    alike(make, draws(*given), draws(*wanted), rtol=0.0 if exact else 1e-5)


def test_an_embedding_trains_there(gpu: Any) -> None:
    alike(lambda: nn.Embedding(7, 3, padding_idx=0), lambda: torch.tensor([1, 3, 3, 0]), draws(4, 3))


classes = lambda: torch.tensor([0, 2, 1, 1])  # noqa: E731
chances = lambda: torch.rand(4, 3)  # noqa: E731

LOSSES = {
    "cross_entropy": classes,
    "multi_margin_loss": classes,
    **dict.fromkeys(("mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss", "poisson_nll_loss"), chances),
    "binary_cross_entropy_with_logits": chances,
    "soft_margin_loss": chances,
}


@pytest.mark.parametrize("name", LOSSES)
def test_losses(gpu: Any, name: str) -> None:
    alike(lambda: nn.Linear(5, 3), draws(4, 5), LOSSES[name], getattr(F, name))


OPTIMIZERS = [
    *("ASGD", "Adadelta", "Adafactor", "Adagrad", "Adam", "AdamW", "Adamax", "NAdam", "RAdam", "RMSprop", "Rprop", "SGD"),
    "LBFGS",
]


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_optimisers(gpu: Any, name: str) -> None:
    kind = getattr(torch.optim, name)
    if name == "LBFGS":
        found = []
        for device in ("cpu", "cuda"):
            torch.manual_seed(1)
            net, x, y = nn.Linear(5, 3).to(device), torch.randn(4, 5).to(device), torch.randn(4, 3).to(device)
            optimizer = kind(net.parameters())

            def closure(optimizer: Any = optimizer, net: Any = net, x: Any = x, y: Any = y) -> Any:
                optimizer.zero_grad()
                loss = F.mse_loss(net(x), y)
                loss.backward()
                return loss

            optimizer.step(closure)
            found.append(net.weight.detach().cpu().numpy())
        np.testing.assert_allclose(*found, rtol=1e-5)
        return
    settings: dict[str, Any] = {"momentum": 0.9, "nesterov": True} if name == "SGD" else {}
    alike(lambda: nn.Linear(5, 3), draws(4, 5), draws(4, 3), optimizer=lambda p: kind(p, lr=0.1, **settings))


# Transfers


def crossed(before: Any) -> tuple[int, int, int, int]:
    found = torch.cuda.transfers() - before
    assert not found.between
    return found.to_device, found.to_device_bytes, found.to_host, found.to_host_bytes


def test_a_training_step_makes_the_transfers_that_its_author_wrote(gpu: Any) -> None:
    net = nn.Sequential(nn.Linear(10, 20), nn.ReLU(), nn.BatchNorm1d(20), nn.Dropout(0.1), nn.Linear(20, 3)).cuda()
    optimizer = torch.optim.Adam(net.parameters())
    batches = [(torch.randn(8, 10), torch.tensor([0, 1, 2, 0, 1, 2, 0, 1])) for _ in range(3)]
    for step, (x, y) in enumerate(batches):
        start, device = torch.cuda.transfers(), fake_driver.state()
        uploads, syncs = device.uploads, device.syncs
        optimizer.zero_grad()
        loss = F.cross_entropy(net(x.cuda()), y.to("cuda", non_blocking=True))
        loss.backward()
        optimizer.step()
        assert crossed(start) == (2, 8 * 10 * 4 + 8 * 8, 0, 0)
        loss.item()
        assert crossed(start) == (2, 8 * 10 * 4 + 8 * 8, 1, 4)
        if gpu.__version__.endswith("stand-in") and step:
            assert device.uploads - uploads == 2, "an op sends something by itself"
            assert device.syncs - syncs == 1, "an op waits for the GPU by itself"


def test_what_is_made_there_is_not_sent_there(gpu: Any) -> None:
    start = torch.cuda.transfers()
    x = torch.randn(100, device="cuda", requires_grad=True)
    like = [torch.zeros(3, device="cuda"), torch.ones_like(x), torch.rand_like(x), torch.full((2,), 7.0, device="cuda")]
    like += [
        torch.arange(5, device="cuda"),
        torch.randint(0, 9, (4,), device="cuda"),
        torch.empty(3, device="cuda").normal_(),
    ]
    like += [
        torch.empty(3, device="cuda").uniform_(),
        torch.eye(3, device="cuda"),
        x.new_ones(2),
        torch.randperm(6, device="cuda"),
    ]
    x.clone().zero_().fill_(2.0).add_(1).mul_(x.detach())
    assert all(each.is_cuda for each in like)
    assert crossed(start) == (0, 0, 0, 0)


def test_bytes_of_each_way(gpu: Any) -> None:
    x = torch.arange(1000.0)
    start = torch.cuda.transfers()
    there = x.cuda()
    assert crossed(start) == (1, 4000, 0, 0)
    assert there.cuda() is there
    there.double().cpu()
    assert crossed(start) == (1, 4000, 1, 8000)
    there[3].item(), bool(there[1] == 1), float(there.sum()), there[:2].tolist()
    assert crossed(start) == (1, 4000, 5, 8000 + 4 + 1 + 4 + 8)
    stats = torch.cuda.memory_stats()
    assert stats["transfers.to_device"] == torch.cuda.transfers().to_device
    assert "transfers.to_host_bytes" in torch.cuda.memory_summary()


def test_copies_across(gpu: Any) -> None:
    x, there = torch.arange(6.0).view(2, 3), torch.zeros(2, 3, device="cuda")
    assert there.copy_(x).tolist() == x.tolist()
    assert torch.zeros(2, 3).copy_(there * 2, non_blocking=True).tolist() == (x * 2).tolist()
    w = torch.ones(3, requires_grad=True)
    torch.zeros(2, 3, device="cuda").copy_(w * 2).sum().backward()
    assert w.grad.tolist() == [4.0, 4.0, 4.0]
    there[0] = torch.tensor([7.0, 8.0, 9.0])
    assert there[0].tolist() == [7.0, 8.0, 9.0]


def test_pinned_memory(gpu: Any) -> None:
    x = torch.arange(6.0).view(2, 3).t()
    pinned = x.pin_memory()
    assert (x.is_pinned(), pinned.is_pinned(), pinned.stride()) == (False, True, x.stride())
    assert pinned.tolist() == x.tolist()
    assert pinned.pin_memory() is pinned
    assert torch.empty(3, pin_memory=True).is_pinned()
    assert pinned.to("cuda:0", torch.float64, non_blocking=True).dtype == torch.float64
    with pytest.raises(RuntimeError, match="cannot pin"):
        pinned.cuda().pin_memory()


def test_a_loader_pins_its_batches(gpu: Any) -> None:
    data = torch.utils.data.TensorDataset(torch.randn(6, 2), torch.arange(6))
    for x, y in torch.utils.data.DataLoader(data, batch_size=3, pin_memory=True):
        assert x.is_pinned()
        assert y.is_pinned()
    for x, _ in torch.utils.data.DataLoader(data, batch_size=3):
        assert not x.is_pinned()


def test_containers_of_what_is_pinned_keep_their_class(gpu: Any) -> None:
    class Pair(NamedTuple):
        a: Any
        b: str

    given = [Pair(torch.ones(2), "b"), OrderedDict(x=torch.ones(1)), MappingProxyType({"y": torch.ones(1)}), (1, b"c")]
    pair, ordered, fixed, plain = pin_memory(given)
    assert (type(pair), type(ordered), plain) == (Pair, OrderedDict, (1, b"c"))
    assert type(fixed) is MappingProxyType
    assert pair.a.is_pinned()
    assert ordered["x"].is_pinned()
    assert fixed["y"].is_pinned()
    assert not given[0].a.is_pinned()


# Operands in two places


def test_operands_on_two_devices(gpu: Any) -> None:
    here, there = torch.ones(2, 2), torch.ones(2, 2, device="cuda")
    text = "Expected all tensors to be on the same device, but found at least two devices, {} and {}! .*argument y of {}"
    with pytest.raises(RuntimeError, match=text.format("cuda:0", "cpu", "matmul")):
        there @ here
    with pytest.raises(RuntimeError, match=text.format("cpu", "cuda:0", "add")) as caught:
        here + there
    assert "test_cuda.py" in str(caught.value)
    net = nn.Linear(2, 3)
    with pytest.raises(RuntimeError, match="same device"):
        net(there)
    optimizer = torch.optim.Adam([there.requires_grad_()])
    there.grad = here
    with pytest.raises(RuntimeError, match="same device"):
        optimizer.step()


def test_numbers_of_the_processor_are_taken_anywhere(gpu: Any) -> None:
    x, scale = torch.ones(3, device="cuda", requires_grad=True), torch.tensor(2.0, requires_grad=True)
    y = (x * scale + torch.tensor(1.0)).sum()
    assert y.item() == 9.0
    y.backward()
    assert x.grad.is_cuda
    assert x.grad.tolist() == [2.0] * 3
    assert not scale.grad.is_cuda
    assert scale.grad.item() == 3.0


def test_devices_that_there_are_not(gpu: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(RuntimeError, match="cuda:7: invalid device ordinal, there is one GPU"):
        torch.ones(2).to("cuda:7")
    with pytest.raises(RuntimeError, match="tensors live on cpu and cuda"):
        torch.ones(2).to("xla")


def test_a_second_gpu(gpu: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work is done on the GPU of its operands, whichever is the current one; the stand-in is told to have two."""
    if not gpu.__version__.endswith("stand-in"):
        pytest.skip("not every machine has two")
    monkeypatch.setattr(gpu.cuda.runtime, "getDeviceCount", lambda: 2)
    net = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2)).to("cuda:1")
    x = torch.randn(5, 3).to("cuda:1")
    optimizer = torch.optim.Adam(net.parameters())
    loss = net(x).pow(2).sum()
    loss.backward()
    optimizer.step()
    assert torch.cuda.current_device() == 0
    state = [each for kept in optimizer.state.values() for name, each in kept.items() if name != "step"]
    places = {str(each.device) for each in (loss, *net.parameters(), *(p.grad for p in net.parameters()), *state)}
    assert places == {"cuda:1"}
    (g,) = torch.autograd.grad(net(x).sum(), net[0].weight)
    assert str(g.device) == "cuda:1"
    start = torch.cuda.transfers()
    assert str(x.to("cuda").device) == "cuda:0"
    assert (torch.cuda.transfers() - start).between == 1
    with torch.cuda.device(1):
        assert str(torch.zeros(2, device="cuda").device) == "cuda:1"
    with pytest.raises(RuntimeError, match="at least two devices, cuda:1 and cuda:0"):
        x + torch.ones(5, 3, device="cuda")
    with pytest.raises(RuntimeError, match="there are 2 GPUs, cuda:0 to cuda:1"):
        x.to("cuda:2")


# One launch for many parameters


def test_an_optimiser_takes_its_step_in_one_launch(gpu: Any) -> None:
    if not gpu.__version__.endswith("stand-in"):
        pytest.skip("launches are counted by the stand-in")
    sizes = [(3, 4), (4,), (4, 1), (1,), (5, 5), (700,)]
    for name, settings in (("Adam", {}), ("SGD", {"momentum": 0.9}), ("AdamW", {"amsgrad": True}), ("RMSprop", {})):
        found = []
        for device in ("cpu", "cuda"):
            torch.manual_seed(0)
            params = [torch.randn(*size).to(device).requires_grad_() for size in sizes]
            optimizer = getattr(torch.optim, name)(params, lr=0.1, **settings)
            for _ in range(3):
                for p in params:
                    p.grad = p.detach() * 0.5 + 1
                before = fake_driver.state().launches
                optimizer.step()
                assert fake_driver.state().launches - before == (device == "cuda")
            found.append([p.detach().cpu().numpy() for p in params])
        for here, there in zip(*found, strict=True):
            np.testing.assert_array_equal(there, here)


def test_parameters_that_lie_otherwise_and_more_than_fit_a_launch(gpu: Any) -> None:
    found = []
    for device in ("cpu", "cuda"):
        torch.manual_seed(0)
        params = [torch.randn(7).to(device).requires_grad_() for _ in range(MOST_SETS + 3)]
        params += [torch.randn(4, 6).to(device).t()[::2].requires_grad_(), torch.zeros(0, device=device).requires_grad_()]
        params += [
            torch.randn(3, dtype=torch.float64).to(device).requires_grad_(),
            torch.randn(3, 5).to(device).t().requires_grad_(),
        ]
        optimizer = torch.optim.Adam([{"params": params[:5]}, {"params": params[5:], "lr": 0.3}], lr=0.1)
        for _ in range(2):
            for p in params:
                p.grad = (p.detach() * 0.5 + 1).contiguous()
            optimizer.step()
        found.append([p.detach().cpu().numpy() for p in params])
    for here, there in zip(*found, strict=True):
        np.testing.assert_array_equal(there, here)


def test_state_follows_its_parameters(gpu: Any) -> None:
    net = nn.Linear(2, 2)
    here = torch.optim.Adam(net.parameters())
    net(torch.ones(1, 2)).sum().backward()
    here.step()
    there = torch.optim.Adam(nn.Linear(2, 2).cuda().parameters())
    there.load_state_dict(here.state_dict())
    for p, state in there.state.items():
        assert p.is_cuda
        assert state["exp_avg"].is_cuda
        assert not state["step"].is_cuda
    for p in there.param_groups[0]["params"]:
        p.grad = torch.ones_like(p)
    there.step()


# One launch for an op of several ufuncs, and for a rule of several ops


ACTIVATIONS = {"sigmoid": (1, 1), "gelu": (1, 1), "silu": (1, 1), "tanh": (0, 1), "exp": (0, 0), "hardswish": (1, 1)}
"""Functions, and how many kernels of its own each launches there and back; one ufunc is left to cupy."""


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_what_takes_several_launches_takes_one(gpu: Any, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    if not gpu.__version__.endswith("stand-in"):
        pytest.skip("launches are counted by the stand-in")
    found = {}
    function = getattr(torch, name, None) or getattr(F, name)
    for fused in (False, True):
        monkeypatch.setattr(kernels, "fused", fused)
        x = torch.linspace(-2.0, 2.0, 9, device="cuda").requires_grad_()
        start = fake_driver.state().launches
        y = function(x)
        middle = fake_driver.state().launches
        y.sum().backward()
        counted = middle - start, fake_driver.state().launches - middle
        assert counted == (ACTIVATIONS[name] if fused else (0, 0))
        found[fused] = y.detach().cpu().numpy(), x.grad.cpu().numpy()
    for here, there in zip(found[False], found[True], strict=True):
        np.testing.assert_allclose(there, here, rtol=2e-6, atol=2e-7)


def test_numbers_that_change_make_no_new_kernels(gpu: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernels, "fused", True)
    monkeypatch.setattr(kernels, "_MADE", {})
    x = torch.linspace(0.5, 2.0, 9, device="cuda").requires_grad_()
    for k in range(4):
        y = torch.lerp(x, x * 2, 0.1 * k) / (1.5 + k)
        y.sum().backward()
        np.testing.assert_allclose(y.tolist(), (x * (1 + 0.1 * k) / (1.5 + k)).tolist(), rtol=1e-6)
        if k == 0:
            made = len(kernels._MADE)
    assert len(kernels._MADE) == made


def test_attributes_that_differ_each_time_make_no_end_of_kernels(gpu: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernels, "fused", True)
    monkeypatch.setattr(kernels, "_MADE", {})
    monkeypatch.setattr(kernels, "_COUNTS", {})
    monkeypatch.setattr(kernels, "MOST_KERNELS", 2)
    x = torch.tensor([-2.0, 1.0], device="cuda")
    for i in range(5):
        assert F.leaky_relu(x, 0.5 * i).tolist() == [-float(i), 1.0]
    assert len(kernels._MADE) == 2


def test_gradients_of_gradients_go_by_the_rules_themselves(gpu: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernels, "fused", True)
    found = []
    for device in ("cpu", "cuda"):
        x = torch.linspace(-1.0, 1.0, 5, dtype=torch.float64, device=device).requires_grad_()
        (g,) = torch.autograd.grad(torch.sigmoid(x).sum(), x, create_graph=True)
        found.append(torch.autograd.grad((g * g).sum(), x)[0].cpu().numpy())
    np.testing.assert_allclose(*found, rtol=1e-12)


def test_a_net_trains_by_kernels_too(gpu: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernels, "fused", True)
    alike(
        lambda: nn.Sequential(nn.Linear(5, 6), nn.GELU(), nn.BatchNorm1d(6), nn.Linear(6, 3), nn.Sigmoid()),
        *(draws(4, 5), lambda: torch.rand(4, 3), F.binary_cross_entropy),
        rtol=1e-5,
    )


# What programs ask


def test_memory_is_counted(gpu: Any) -> None:
    cuda = torch.cuda
    cuda.reset_peak_memory_stats()
    before = cuda.memory_allocated()
    x = torch.ones(1 << 16, device="cuda")
    y = x + 1
    assert cuda.memory_allocated() - before >= x.nbytes + y.nbytes
    del y
    assert cuda.memory_allocated() - before < 2 * x.nbytes
    assert cuda.max_memory_allocated() - before >= 2 * x.nbytes
    assert cuda.max_memory_reserved() >= cuda.max_memory_allocated()
    cuda.reset_peak_memory_stats()
    assert cuda.max_memory_allocated() == cuda.memory_allocated()
    cuda.empty_cache()
    assert len(cuda.mem_get_info()) == 2


def test_streams_and_events(gpu: Any) -> None:
    cuda = torch.cuda
    stream, start, end = cuda.Stream(), cuda.Event(enable_timing=True), cuda.Event(enable_timing=True)
    with cuda.stream(stream):
        assert cuda.current_stream() == stream
        start.record()
        x = torch.ones(3, device="cuda") * 2
        end.record()
    assert cuda.current_stream() == cuda.default_stream() != stream
    end.wait()
    stream.wait_stream(cuda.current_stream())
    end.synchronize()
    cuda.synchronize()
    assert start.elapsed_time(end) >= 0
    assert x.tolist() == [2.0] * 3
    with stream, cuda.device(0), cuda.device_of(x):
        assert cuda.current_device() == 0


def test_the_same_numbers_are_drawn_on_either_device(gpu: Any) -> None:
    generator = torch.Generator("cuda").manual_seed(5)
    assert str(generator.device) == "cuda"
    there = torch.randn(7, device="cuda", generator=generator), torch.randperm(9, device="cuda", generator=generator)
    generator.manual_seed(5)
    here = torch.randn(7, generator=generator), torch.randperm(9, generator=generator)
    for x, y in zip(here, there, strict=True):
        assert x.tolist() == y.tolist()
    torch.cuda.manual_seed(4)
    x = torch.rand(3, device="cuda")
    torch.manual_seed(4)
    assert torch.rand(3).tolist() == x.tolist()
    assert F.dropout(torch.ones(50), 0.5).sum().item() > 0


def test_saved_there_and_loaded_here(gpu: Any, tmp_path: Any) -> None:
    net = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3)).cuda()
    torch.save(net.state_dict(), tmp_path / "net.pt")
    here = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))
    here.load_state_dict(torch.load(tmp_path / "net.pt", map_location="cpu"))
    assert here[0].weight.tolist() == net[0].weight.tolist()
    there = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3)).cuda()
    there.load_state_dict(torch.load(tmp_path / "net.pt", map_location=torch.device("cuda:0")))
    there.load_state_dict(here.state_dict())  # copied across
    assert there[0].weight.is_cuda


def test_memory_that_is_full_is_an_error_that_says_so(gpu: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    x = torch.ones(3, device="cuda")

    def full(*_: Any) -> Any:
        raise MemoryError("Out of memory allocating 12 bytes")

    monkeypatch.setattr(torch.Tensor.__add__.__globals__["OPS"]["add"], "kernel", full)
    with pytest.raises(torch.cuda.OutOfMemoryError, match=r"CUDA out of memory in add .*empty_cache"):
        x + 1


BESIDE = {
    "bernoulli": lambda x: torch.bernoulli(x, p=1.0),
    "cholesky_ex": lambda x: torch.linalg.cholesky_ex(x),
    "max of a number": lambda x: torch.max(x.sum(), 0),
    "sum_to_size": lambda x: x.sum_to_size(1, 3),
    "svd": lambda x: torch.svd(x, compute_uv=False),
    "symeig": lambda x: torch.symeig(x),
}


@pytest.mark.parametrize("name", BESIDE)
def test_what_is_made_beside_results_is_where_they_are(gpu: Any, name: str) -> None:
    here, there = (BESIDE[name](torch.eye(3).to(device)) for device in ("cpu", "cuda"))
    for x, y in zip(*(each if isinstance(each, tuple) else (each,) for each in (here, there)), strict=True):
        assert y.is_cuda
        np.testing.assert_array_equal(y.cpu().numpy(), x.numpy())


# The demos


DEMOS = {"two_layer": 2, "gan": 3, "recurrent": 3, "convolutional": 2, "variational": 1}
"""Programs, and how many arrays a step feeds to the GPU."""


@pytest.mark.parametrize("name", DEMOS)
def test_the_demos_train_there_as_here(gpu: Any, name: str) -> None:
    twins = load(Path(__file__).parents[2] / "demos" / f"{name}.py")
    found = []
    for device in ("cpu", "cuda"):
        given = twins.begin("float32")
        program: Any = twins.builders["dynamic"](given, device)  # type: ignore[call-arg]
        batches = list(itertools.islice(given.batches, 3))
        program.step(batches[0])
        start = torch.cuda.transfers()
        program.step(batches[1])
        moved = torch.cuda.transfers() - start
        assert (moved.to_device, moved.to_host) == ((DEMOS[name], 0) if device == "cuda" else (0, 0))
        found.append(program.states(batches[2]))
    for here, there in zip(*found, strict=True):
        for (what, wanted), (_, got) in zip(here.items(), there.items(), strict=True):
            if name == "convolutional":  # sums of windows in another order
                np.testing.assert_allclose(got, wanted, rtol=1e-3, atol=1e-6, err_msg=what)
            else:
                np.testing.assert_array_equal(got, wanted, err_msg=what)
