"""The programs by definition-by-run, in a text that PyTorch and ``dynamic`` share: autograd, loops in Python."""

from __future__ import annotations

from itertools import cycle
from typing import Any

from benchmarks import workloads
from benchmarks.contenders.base import Step
from benchmarks.workloads import Chain, Gan, Lstm, Net, Recurrent


def adam_of(torch: Any, params: list[Any], rate: float) -> Any:
    """Adam in one kernel a parameter: PyTorch's own when asked for it, ``dynamic``'s always."""
    options = {"fused": True} if torch.__name__ == "torch" else {}
    return torch.optim.Adam(params, lr=rate, **options)


def net(torch: Any, work: Net) -> Step:
    """The two-layer net with autograd, parameters updated through ``data``."""
    x, y, w1, w2 = (torch.from_numpy(a) for a in work.arrays())
    w1.requires_grad = w2.requires_grad = True

    def step() -> float:
        y_pred = x.mm(w1).clamp(min=0).mm(w2)
        loss = (y_pred - y).pow(2).sum()
        loss.backward()
        w1.data -= work.learning_rate * w1.grad.data
        w2.data -= work.learning_rate * w2.grad.data
        w1.grad.data.zero_()
        w2.grad.data.zero_()
        return float(loss.item())

    return step


def gan(torch: Any, work: Gan) -> Step:
    """The GAN with binary cross-entropy and two optimisers; ``backward`` runs through both nets, as in the sources."""
    functional = torch.nn.functional
    nets = {name: [torch.from_numpy(a).requires_grad_() for a in arrays] for name, arrays in work.weights().items()}
    g_solver = adam_of(torch, nets["generator"], work.learning_rate)
    d_solver = adam_of(torch, nets["discriminator"], work.learning_rate)
    ones, zeros = torch.ones(work.batch, 1), torch.zeros(work.batch, 1)
    batches = work.batches()

    def run(name: str, x: Any) -> Any:
        w1, b1, w2, b2 = nets[name]
        return torch.sigmoid(torch.relu(x @ w1 + b1) @ w2 + b2)

    def reset() -> None:
        for p in (*nets["generator"], *nets["discriminator"]):
            p.grad.data.zero_()

    def step() -> float:
        images, noise, other = (torch.from_numpy(a) for a in next(batches))
        d_real = run("discriminator", images)
        d_fake = run("discriminator", run("generator", noise))
        d_loss = functional.binary_cross_entropy(d_real, ones) + functional.binary_cross_entropy(d_fake, zeros)
        d_loss.backward()
        d_solver.step()
        reset()
        g_loss = functional.binary_cross_entropy(run("discriminator", run("generator", other)), ones)
        g_loss.backward()
        g_solver.step()
        reset()
        return float(d_loss.item() + g_loss.item())

    return step


def chain(torch: Any, work: Chain) -> Step:
    """The chain, written as one writes it; nothing is recorded, since nothing requires a gradient."""
    a, places = torch.from_numpy(work.array()), work.places()

    def step() -> float:
        out = torch.sigmoid(2 * a + 1) * torch.tanh(a) - torch.exp(-(a**2))
        return float(out[next(places)].item())

    return step


def adam(torch: Any, work: workloads.Adam) -> Step:
    """Adam alone, gradients put where ``backward`` would put them."""
    p, *grads = (torch.from_numpy(a) for a in work.arrays())
    solver = adam_of(torch, [p.requires_grad_()], work.learning_rate)
    turns, places = cycle(grads), work.places()

    def step() -> float:
        p.grad = next(turns)
        solver.step()
        return float(p.data[next(places)].item())

    return step


def recurrent(torch: Any, work: Recurrent) -> Step:
    """The recurrent net as a Python loop."""
    x, *arrays = work.arrays()
    inputs = torch.from_numpy(x)
    params = wx, wh, b = [torch.from_numpy(a).requires_grad_() for a in arrays]

    def step() -> float:
        h = torch.zeros(work.batch, work.units)
        states = []
        for t in range(work.steps):
            h = torch.tanh(inputs[t] @ wx + h @ wh + b)
            states.append(h)
        loss = torch.stack(states).pow(2).mean()
        loss.backward()
        descend(params, work.learning_rate)
        return float(loss.item())

    return step


def lstm(torch: Any, work: Lstm) -> Step:
    """The LSTM as a Python loop, the products with the inputs before it."""
    x, *arrays = work.arrays()
    inputs = torch.from_numpy(x)
    params = wx, wh, b = [torch.from_numpy(a).requires_grad_() for a in arrays]

    def step() -> float:
        h = c = torch.zeros(work.batch, work.units)
        states = []
        for sums in (inputs @ wx + b).unbind(0):
            i, j, f, o = (sums + h @ wh).chunk(4, 1)
            c = c * torch.sigmoid(f + 1) + torch.sigmoid(i) * torch.tanh(j)
            h = torch.tanh(c) * torch.sigmoid(o)
            states.append(h)
        loss = torch.stack(states).pow(2).mean()
        loss.backward()
        descend(params, work.learning_rate)
        return float(loss.item())

    return step


def recurrent_module(torch: Any, work: Recurrent) -> Step:
    """The recurrent net as PyTorch's own layer, which has two biases, one of which is held at 0."""
    x, wx, wh, b = (torch.from_numpy(a) for a in work.arrays())
    return _module(torch, torch.nn.RNN(work.units, work.units), x, wx.T, wh.T, b, torch.zeros_like(b), work.learning_rate)


def lstm_module(torch: Any, work: Lstm) -> Step:
    """The LSTM as PyTorch's own layer; its second bias is what is added to the forget gate."""
    x, *params = (torch.from_numpy(a) for a in work.arrays())

    def reordered(a: Any) -> Any:
        i, j, f, o = a.chunk(4, -1)
        return torch.cat([i, f, j, o], -1)

    wx, wh, b = (reordered(a) for a in params)
    held = torch.zeros_like(b)
    held[work.units : 2 * work.units] = 1
    return _module(torch, torch.nn.LSTM(work.inputs, work.units), x, wx.T, wh.T, b, held, work.learning_rate)


def _module(torch: Any, layer: Any, x: Any, wx: Any, wh: Any, b: Any, held: Any, rate: float) -> Step:
    params = [layer.weight_ih_l0, layer.weight_hh_l0, layer.bias_ih_l0]
    with torch.no_grad():
        for p, value in zip([*params, layer.bias_hh_l0], [wx, wh, b, held], strict=True):
            p.copy_(value)
    layer.bias_hh_l0.requires_grad_(False)

    def step() -> float:
        loss = layer(x)[0].pow(2).mean()
        loss.backward()
        descend(params, rate)
        return float(loss.item())

    return step


def descend(params: list[Any], rate: float) -> None:
    """Gradient descent through ``data``; gradients are set to 0."""
    for p in params:
        p.data -= rate * p.grad.data
        p.grad.data.zero_()


PROGRAMS: dict[type, Any] = {
    Net: net,
    Gan: gan,
    Chain: chain,
    workloads.Adam: adam,
    Recurrent: recurrent,
    Lstm: lstm,
}
