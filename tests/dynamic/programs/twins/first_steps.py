"""The first pages of 2017 in today's words."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn


rng = np.random.RandomState(0)
N, D_in, H, D_out = 8, 20, 10, 4
x, y, w1, w2 = (torch.from_numpy(rng.randn(*s)).float() for s in ((N, D_in), (N, D_out), (D_in, H), (H, D_out)))
w1.requires_grad_(), w2.requires_grad_()
for t in range(60):
    loss = (x.mm(w1).relu().mm(w2) - y).pow(2).sum()
    if t % 20 == 0:
        print(t, loss.item())
    g1, g2 = torch.autograd.grad(loss, [w1, w2])
    w1.data -= 1e-4 * g1
    w2.data -= 1e-4 * g2
print(f"loss {loss.item():.4f}", f"w1 {w1.norm().item():.5f}", f"w2 {w2.norm().item():.5f}")

a = torch.tensor([0.3, -0.7, 1.1], requires_grad=True)
b = a * 2
while b.norm() < 1000:
    b = b * 2
b.backward(torch.tensor([0.1, 1.0, 0.0001]))
print(b.norm().item(), a.grad.tolist())
print((a * b * 0.5).tolist(), (b * 0.5 * 10).tolist())

net = nn.Sequential(nn.Linear(D_in, H), nn.Tanh(), nn.Linear(H, D_out), nn.Softmax(dim=1))
for param in net.parameters():
    param.data.copy_(torch.from_numpy(rng.uniform(-0.3, 0.3, tuple(param.size()))))
print("between", True)
target = torch.tensor([0, 1, 2, 3, 0, 1, 2, 3])
optimizer = torch.optim.Adam(net.parameters(), lr=1e-2)
for epoch in range(5):
    optimizer.zero_grad()
    loss = F.nll_loss(torch.log(net(x)), target, reduction="sum")
    loss.backward()
    total = nn.utils.clip_grad_norm_(net.parameters(), 5)
    optimizer.step()
    print(epoch, loss.item(), f"{total.item():.4f}")
values, places = net(x).max(1)
print("right", (places == target).sum().item(), values.mean().item())

h = torch.sigmoid(torch.ones(2, 3)) * torch.tanh(torch.ones(2, 3))
s = h + 0.5 * 4 + 2 + 0.1 * h * h
print(h[0, 0].item(), s[1, 2].item(), 2, s.sum().item(), torch.Size([2, 6]))
print([h.pow(2).sum().item(), h.mean().item(), 1.0])
