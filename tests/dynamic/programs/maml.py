"""Meta-learning: gradients through steps of gradient descent, by create_graph; and the first-order form."""

from collections import OrderedDict

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn


torch.set_default_dtype(torch.float64)
rng = np.random.RandomState(6)


class Regressor(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(
            OrderedDict([("l1", nn.Linear(1, 12)), ("tanh", nn.Tanh()), ("l2", nn.Linear(12, 12)), ("tanh2", nn.Tanh()),
                         ("l3", nn.Linear(12, 1))])
        )  # fmt: skip

    def forward(self, x, params=None):
        if params is None:
            return self.net(x)
        x = torch.tanh(F.linear(x, params["net.l1.weight"], params["net.l1.bias"]))
        x = torch.tanh(F.linear(x, params["net.l2.weight"], params["net.l2.bias"]))
        return F.linear(x, params["net.l3.weight"], params["net.l3.bias"])


def task():
    amplitude, phase = rng.uniform(0.5, 2), rng.uniform(0, np.pi)
    x = torch.from_numpy(rng.uniform(-3, 3, (2, 6, 1)))
    return x, amplitude * torch.sin(x + phase)


def adapt(model, x, y, alpha=0.05, steps=2, first_order=False):
    fast = OrderedDict(model.named_parameters())
    for _ in range(steps):
        loss = F.mse_loss(model(x, fast), y)
        grads = torch.autograd.grad(loss, fast.values(), create_graph=not first_order)
        fast = OrderedDict((name, p - alpha * g) for (name, p), g in zip(fast.items(), grads))
    return fast


model = Regressor()
with torch.no_grad():
    for p in model.parameters():
        p.copy_(torch.from_numpy(rng.normal(0, 0.5, p.shape)))
print(model)

for first_order in (False, True):
    meta = torch.optim.Adam(model.parameters(), lr=1e-2)
    for iteration in range(6):
        meta.zero_grad()
        total = 0.0
        for _ in range(3):
            (x, query_x), (y, query_y) = task()
            fast = adapt(model, x, y, first_order=first_order)
            loss = F.mse_loss(model(query_x, fast), query_y) / 3
            loss.backward()
            total += loss.item()
        meta.step()
        if iteration % 2:
            norm = torch.norm(torch.stack([p.grad.norm(2) for p in model.parameters()]), 2)
            print("first order" if first_order else "second order", iteration, total, norm.item())

(x, query_x), (y, query_y) = task()
names, values = zip(*model.named_parameters())


def after_a_step(*values):
    params = dict(zip(names, values))
    grads = torch.autograd.grad(F.mse_loss(model(x, params), y), values, create_graph=True)
    return F.mse_loss(model(query_x, {n: p - 0.01 * g for n, p, g in zip(names, values, grads)}), query_y)


meta_grads = torch.autograd.grad(after_a_step(*values), values)
direction = [torch.ones_like(g) for g in meta_grads]
slope = sum((g * d).sum() for g, d in zip(meta_grads, direction))
h = 1e-5
ahead, behind = (
    after_a_step(*[(v + s * h * d).detach().requires_grad_() for v, d in zip(values, direction)]) for s in (1, -1)
)
print("slope", slope.item(), "by differences", round(((ahead - behind) / (2 * h)).item(), 4))

w = torch.tensor([1.0, 2.0], requires_grad=True)
f = (w**3).sum() * w[0]
print(torch.autograd.functional.hessian(lambda w: (w**3).sum() * w[0], w))
(g,) = torch.autograd.grad(f, w, create_graph=True)
print(torch.autograd.grad(g @ torch.tensor([1.0, -1.0]), w), torch.autograd.functional.vhp(lambda w: w.prod(), w, w)[1])
