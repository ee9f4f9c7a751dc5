"""The training loop of legacy.nn in today's words."""

import numpy as np
import torch
from torch import nn


rng = np.random.RandomState(3)
x = torch.from_numpy(rng.normal(size=(20, 4))).float()
y = torch.from_numpy((rng.normal(size=(20, 4)) + x.numpy()).argmax(1)).long()
net = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 4), nn.LogSoftmax(dim=1))
for i in (0, 2):
    net[i].weight.data.copy_(torch.from_numpy(rng.uniform(-0.5, 0.5, tuple(net[i].weight.size()))))
    net[i].bias.data.zero_()
print(len(net), sum(p.numel() for p in net.parameters()))
for lr, momentum, count in ((0.5, 0, 5), (0.1, 0.9, 5)):
    optimizer = torch.optim.SGD(net.parameters(), lr=lr, momentum=momentum)
    for step in range(count):
        optimizer.zero_grad()
        loss = nn.functional.nll_loss(net(x), y)
        loss.backward()
        optimizer.step()
        print(step, f"{loss.item():.5f}", *([f"{net[0].weight.grad.norm().item():.5f}"] if not momentum else []))
values, places = net(x).max(1)
print((places == y).sum().item(), values.sum().item(), True)
