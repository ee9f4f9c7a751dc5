"""Training that stops and goes on: states of optimisers and schedules, whole modules in a file, averages of weights."""

import copy
import os
import tempfile

import numpy as np
import torch
from torch import nn, optim
from torch.optim import lr_scheduler
from torch.optim.swa_utils import AveragedModel


class Net(nn.Module):
    def __init__(self, hidden=8):
        super().__init__()
        self.hidden = hidden
        self.body = nn.Sequential(nn.Linear(3, hidden, bias=False), nn.BatchNorm1d(hidden), nn.SiLU())
        self.head = nn.Linear(hidden, 1)

    def forward(self, x):
        return self.head(self.body(x)).squeeze(-1)


def fresh(hidden=8):
    rng = np.random.RandomState(0)
    model = Net(hidden)
    for p in model.parameters():
        p.data.copy_(torch.from_numpy(rng.uniform(-0.4, 0.4, p.shape)))
    return model


rng = np.random.RandomState(1)
X = torch.from_numpy(rng.normal(size=(32, 3)).astype("f"))
Y = X[:, 0].sin() + X[:, 1] * X[:, 2]
SETTINGS = {
    "sgd": (lambda p: optim.SGD(p, lr=0.1, momentum=0.9), lambda o: lr_scheduler.CosineAnnealingLR(o, T_max=10)),
    "adam": (lambda p: optim.Adam(p, lr=0.02), lambda o: lr_scheduler.OneCycleLR(o, max_lr=0.05, total_steps=20)),
    "rmsprop": (lambda p: optim.RMSprop(p, lr=0.01, centered=True), lambda o: lr_scheduler.ExponentialLR(o, 0.9)),
    "adagrad": (lambda p: optim.Adagrad(p, lr=0.1), lambda o: lr_scheduler.CyclicLR(o, 0.01, 0.1, 3, cycle_momentum=False)),
    "radam": (lambda p: optim.RAdam(p, lr=0.05), lambda o: lr_scheduler.CosineAnnealingWarmRestarts(o, 4)),
    "rprop": (lambda p: optim.Rprop(p, lr=0.01), lambda o: lr_scheduler.PolynomialLR(o, total_iters=12, power=2)),
}


def train(model, optimizer, scheduler, epochs):
    for _ in range(epochs):
        for x, y in zip(X.chunk(2), Y.chunk(2)):
            optimizer.zero_grad()
            loss = nn.functional.huber_loss(model(x), y)
            loss.backward()
            optimizer.step()
        scheduler.step()
    return loss.item()


folder = tempfile.mkdtemp()
path = os.path.join(folder, "checkpoint.tar")
for name, (make, plan) in SETTINGS.items():
    straight = fresh()
    optimizer = make(straight.parameters())
    scheduler = plan(optimizer)
    through = train(straight, optimizer, scheduler, 6)

    model = fresh()
    optimizer = make(model.parameters())
    scheduler = plan(optimizer)
    loss = train(model, optimizer, scheduler, 3)
    torch.save(
        {"epoch": 3, "model_state_dict": model.state_dict(), "optimizer_state_dict": optimizer.state_dict(), "loss": loss,
         "scheduler": scheduler.state_dict()},
        path,
    )  # fmt: skip
    model = Net()
    optimizer = make(model.parameters())
    scheduler = plan(optimizer)
    checkpoint = torch.load(path, weights_only=False)
    model.load_state_dict(checkpoint["model_state_dict"])
    optimizer.load_state_dict(checkpoint["optimizer_state_dict"])
    scheduler.load_state_dict(checkpoint["scheduler"])
    again = train(model, optimizer, scheduler, 6 - checkpoint["epoch"])
    keys = sorted(optimizer.state_dict()["state"][0])
    print(
        f"{name}: {checkpoint['loss']:.5f} then {again:.5f}, straight {through:.5f}, lr {scheduler.get_last_lr()[0]:.6f}",
        keys,
    )

torch.save(model, path)
whole = torch.load(path, weights_only=False).eval()
model.eval()
print(type(whole).__name__, whole.hidden, torch.equal(whole(X), model(X)), whole.training)

wide = fresh(16)
mine = wide.state_dict()
pretrained = {k: v for k, v in model.state_dict().items() if k in mine and v.shape == mine[k].shape}
mine.update(pretrained)
wide.load_state_dict(mine)
print(sorted(pretrained), wide(X[:2]).shape)

averaged = AveragedModel(model)
ema = copy.deepcopy(model)
for step in range(3):
    with torch.no_grad():
        for p, q in zip(model.parameters(), ema.parameters()):
            p.mul_(1.1)
            q.mul_(0.9).add_(p, alpha=0.1)
    averaged.update_parameters(model)
print(averaged.n_averaged.item(), averaged(X[:2]), ema(X[:2]))
os.remove(path)
