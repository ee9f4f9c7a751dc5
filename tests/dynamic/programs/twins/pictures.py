"""The autoencoder on pictures, with the pictures prepared by hand."""

import numpy as np
import torch
from torch import nn


rng = np.random.RandomState(4)
pixels = np.stack([rng.randint(0, 256, (12, 16, 3)).astype(np.uint8) for _ in range(8)])[:, 2:10, 4:12]
images = torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 255
images = (images - 0.5) / torch.tensor([0.25, 0.5, 0.5]).view(3, 1, 1)
print(["ants", "bees"], 1, 8, 2)
print(torch.Size([4, 3, 8, 8]), torch.Size([3, 19, 19]), [0, 0, 0, 0], images[:4].sum().item(), images[:4].sum().item())
print((12, 42, 3))
model = nn.Sequential(nn.Conv2d(3, 6, 3, stride=2, padding=1), nn.ReLU(), nn.ConvTranspose2d(6, 3, 2, stride=2), nn.Tanh())
for p in model.parameters():
    p.data.copy_(torch.from_numpy(rng.uniform(-0.2, 0.2, tuple(p.size()))))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2, weight_decay=1e-5)
for epoch in range(3):
    for img in images.split(4):
        loss = nn.functional.mse_loss(model(img), img)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(f"epoch [{epoch + 1}/3], loss:{loss.item():.5f}")
