"""Training that is logged for TensorBoard, where that is installed: scalars, histograms, a picture, the graph of the model."""

import os
import tempfile

import numpy as np
import torch
from torch import nn


try:
    from torch.utils.tensorboard import SummaryWriter

    writer = SummaryWriter(tempfile.mkdtemp())
except ImportError:
    writer = None

rng = np.random.RandomState(0)
model = nn.Sequential(nn.Linear(2, 8), nn.ReLU(), nn.Linear(8, 1))
for p in model.parameters():
    p.data.copy_(torch.from_numpy(rng.uniform(-0.5, 0.5, tuple(p.shape))))
x = torch.from_numpy(rng.normal(size=(32, 2))).float()
y = (x[:, :1] * x[:, 1:]).sign()
optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
criterion = nn.SoftMarginLoss()
for step in range(12):
    optimizer.zero_grad()
    loss = criterion(model(x), y)
    loss.backward()
    optimizer.step()
    if writer is not None:
        writer.add_scalar("Loss/train", loss, step)
        writer.add_scalars("both", {"loss": loss.item(), "norm": model[0].weight.norm()}, step)
        for name, p in model.named_parameters():
            writer.add_histogram(name, p, step)
    if step % 4 == 3:
        accuracy = ((model(x) > 0) == (y > 0)).float().mean()
        print(f"step {step} loss {loss:.6f} accuracy {accuracy.item():.3f}", "{:.3f}".format(model[0].bias.grad.norm()))
if writer is not None:
    writer.add_image("grid", torch.rand(3, 4, 4))
    writer.add_text("notes", "done")
    writer.flush()
    writer.close()
    assert os.listdir(writer.log_dir)
with torch.no_grad():
    for name, p in model.named_parameters():
        print(f"{name:10s} {tuple(p.shape)!s:8s} {p.mean().item():+.5f} {p.std(unbiased=False).item():.5f}")
