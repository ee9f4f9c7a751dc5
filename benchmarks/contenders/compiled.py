"""The programs for ``torch.compile``: loss, gradients and update as one function of parameters, changed in place."""

from __future__ import annotations

import math
from itertools import cycle
from typing import Any

from benchmarks import workloads
from benchmarks.contenders.base import AbsentError, Step
from benchmarks.workloads import Chain, Gan, Lstm, Net, Recurrent


def or_absent(jitted: Any) -> Any:
    """A function of ``torch.compile``. It raises ``AbsentError`` where it cannot be compiled, as without a C++ compiler."""

    def call(*args: Any) -> Any:
        try:
            return jitted(*args)
        except RuntimeError as error:
            reason = next(line for line in str(error).splitlines() if line.strip())
            raise AbsentError(f"torch.compile fails: {type(error).__name__}: {reason}") from error

    return call


def _compiled(torch: Any, function: Any) -> Any:
    """``function`` compiled, without recording: gradients inside it are taken by ``torch.func``."""
    return or_absent(torch.no_grad()(torch.compile(function, fullgraph=True, dynamic=False)))


def _descending(torch: Any, loss_of: Any, params: list[Any], rate: float) -> Step:
    """Gradient descent on ``loss_of(params)``."""
    differentiate = torch.func.grad_and_value(loss_of)

    def update(params: Any) -> Any:
        grads, loss = differentiate(params)
        for p, g in zip(params, grads, strict=True):
            p.sub_(rate * g)
        return loss

    jitted = _compiled(torch, update)
    return lambda: float(jitted(params).item())


def net(torch: Any, work: Net) -> Step:
    """The two-layer net."""
    x, y, *params = (torch.from_numpy(a) for a in work.arrays())

    def loss_of(params: Any) -> Any:
        w1, w2 = params
        return (x.mm(w1).clamp(min=0).mm(w2) - y).pow(2).sum()

    return _descending(torch, loss_of, params, work.learning_rate)


def recurrent(torch: Any, work: Recurrent) -> Step:
    """The recurrent net, a Python loop that compiling unrolls; that takes half a minute."""
    x, *params = (torch.from_numpy(a) for a in work.arrays())

    def loss_of(params: Any) -> Any:
        wx, wh, b = params
        h = torch.zeros(work.batch, work.units)
        states = []
        for inputs in (x @ wx + b).unbind(0):
            h = torch.tanh(inputs + h @ wh)
            states.append(h)
        return torch.stack(states).pow(2).mean()

    return _descending(torch, loss_of, params, work.learning_rate)


def lstm(torch: Any, work: Lstm) -> Step:
    """The LSTM, likewise; a minute."""
    x, *params = (torch.from_numpy(a) for a in work.arrays())

    def loss_of(params: Any) -> Any:
        wx, wh, b = params
        h = c = torch.zeros(work.batch, work.units)
        states = []
        for inputs in (x @ wx + b).unbind(0):
            i, j, f, o = (inputs + h @ wh).chunk(4, 1)
            c = c * torch.sigmoid(f + 1) + torch.sigmoid(i) * torch.tanh(j)
            h = torch.tanh(c) * torch.sigmoid(o)
            states.append(h)
        return torch.stack(states).pow(2).mean()

    return _descending(torch, loss_of, params, work.learning_rate)


def chain(torch: Any, work: Chain) -> Step:
    """The chain."""
    a, places = torch.from_numpy(work.array()), work.places()
    jitted = _compiled(torch, lambda a: torch.sigmoid(2 * a + 1) * torch.tanh(a) - torch.exp(-(a**2)))
    return lambda: float(jitted(a)[next(places)].item())


class _Adam:
    """Adam over a list of tensors; the rate is a tensor, so that a new one does not compile anew."""

    def __init__(self, torch: Any, params: list[Any], rate: float) -> None:
        self.params, self.rate, self.t = params, rate, 0
        self.m, self.v = [torch.zeros_like(p) for p in params], [torch.zeros_like(p) for p in params]
        self.corrected = torch.zeros(())

    def advance(self) -> None:
        """Count a step, outside of what is compiled."""
        self.t += 1
        self.corrected.fill_(self.rate * math.sqrt(1 - 0.999**self.t) / (1 - 0.9**self.t))

    def apply(self, grads: Any, corrected: Any) -> None:
        """Change parameters and slots in place, inside of what is compiled."""
        for p, g, m, v in zip(self.params, grads, self.m, self.v, strict=True):
            m.mul_(0.9).add_(0.1 * g)
            v.mul_(0.999).add_(0.001 * g * g)
            p.sub_(corrected * m / (v.sqrt() + 1e-8))


def adam(torch: Any, work: workloads.Adam) -> Step:
    """Adam alone."""
    p, *grads = (torch.from_numpy(a) for a in work.arrays())
    solver = _Adam(torch, [p], work.learning_rate)
    turns, places = cycle(grads), work.places()
    jitted = _compiled(torch, lambda g, corrected: solver.apply([g], corrected))

    def step() -> float:
        solver.advance()
        jitted(next(turns), solver.corrected)
        return float(p[next(places)].item())

    return step


def gan(torch: Any, work: Gan) -> Step:
    """The GAN, a function for both turns."""
    functional = torch.nn.functional
    nets = {name: [torch.from_numpy(a) for a in arrays] for name, arrays in work.weights().items()}
    solvers = {name: _Adam(torch, params, work.learning_rate) for name, params in nets.items()}
    ones, zeros = torch.ones(work.batch, 1), torch.zeros(work.batch, 1)
    batches = work.batches()

    def run(net: Any, x: Any) -> Any:
        w1, b1, w2, b2 = net
        return torch.sigmoid(torch.relu(x @ w1 + b1) @ w2 + b2)

    def d_loss_of(d: Any, images: Any, fakes: Any) -> Any:
        on_fakes = functional.binary_cross_entropy(run(d, fakes), zeros)
        return functional.binary_cross_entropy(run(d, images), ones) + on_fakes

    def g_loss_of(g: Any, d: Any, noise: Any) -> Any:
        return functional.binary_cross_entropy(run(d, run(g, noise)), ones)

    def update(images: Any, noise: Any, other: Any, corrected: Any) -> Any:
        g, d = nets["generator"], nets["discriminator"]
        grads, d_loss = torch.func.grad_and_value(d_loss_of)(d, images, run(g, noise))
        solvers["discriminator"].apply(grads, corrected)
        grads, g_loss = torch.func.grad_and_value(g_loss_of)(g, d, other)
        solvers["generator"].apply(grads, corrected)
        return d_loss + g_loss

    jitted = _compiled(torch, update)

    def step() -> float:
        for solver in solvers.values():
            solver.advance()
        batch = (torch.from_numpy(a) for a in next(batches))
        return float(jitted(*batch, solver.corrected).item())

    return step


PROGRAMS: dict[type, Any] = {
    Net: net,
    Gan: gan,
    Chain: chain,
    workloads.Adam: adam,
    Recurrent: recurrent,
    Lstm: lstm,
}
