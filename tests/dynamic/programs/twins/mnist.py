"""The digits of 2017 in today's words."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn, optim


rng = np.random.RandomState(0)
images = rng.normal(size=(100, 1, 12, 12)).astype(np.float32)
labels = rng.randint(0, 4, 100)
for image, label in zip(images, labels):
    image[0, 3 * label] += 3
images, labels = torch.from_numpy(images), torch.from_numpy(labels)
model = nn.Sequential(
    nn.Conv2d(1, 4, 3), nn.MaxPool2d(2), nn.ReLU(), nn.Conv2d(4, 6, 3), nn.ReLU(), nn.MaxPool2d(2, 1),
    nn.Flatten(), nn.Linear(24, 16), nn.ReLU(), nn.Linear(16, 4), nn.LogSoftmax(dim=1),
)  # fmt: skip
with torch.no_grad():
    for p in model.parameters():
        p.copy_(torch.from_numpy(rng.uniform(-0.3, 0.3, tuple(p.size()))))
optimizer = optim.SGD(model.parameters(), lr=0.05, momentum=0.5)
for epoch in range(1, 4):
    for i in range(4):
        optimizer.zero_grad()
        loss = F.nll_loss(model(images[20 * i : 20 * i + 20]), labels[20 * i : 20 * i + 20])
        loss.backward()
        optimizer.step()
        if i % 2 == 0:
            print(f"Train Epoch: {epoch} [{20 * i}/80]\tLoss: {loss.item():.6f}")
    with torch.no_grad():
        output = model(images[80:])
    test_loss = F.nll_loss(output, labels[80:]).item()
    correct = output.argmax(1).eq(labels[80:]).sum().item()
    print(f"Test set: Average loss: {test_loss:.5f}, Accuracy: {correct}/20 ({100.0 * correct / 20:.0f}%)")
