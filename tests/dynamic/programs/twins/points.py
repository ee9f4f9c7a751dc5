"""The GAN of 0.1 in today's words."""

import numpy as np
import torch
from torch import nn, optim


rng = np.random.RandomState(1)
netG = nn.Sequential(nn.Linear(3, 12, bias=False), nn.BatchNorm1d(12), nn.ReLU(), nn.Linear(12, 2))
netD = nn.Sequential(nn.Linear(2, 12), nn.LeakyReLU(0.2), nn.Linear(12, 1), nn.Sigmoid())
for m in (netG[0], netG[3], netD[0], netD[2]):
    m.weight.data.copy_(torch.from_numpy(rng.normal(0.0, 0.3, tuple(m.weight.size()))))
    if m.bias is not None:
        m.bias.data.zero_()
criterion = nn.BCELoss()
fixed_noise = torch.from_numpy(rng.normal(size=(3, 3))).float()
optimizerD = optim.Adam(netD.parameters(), lr=0.01, betas=(0.5, 0.999))
optimizerG = optim.Adam(netG.parameters(), lr=0.01, betas=(0.5, 0.999))
for i in range(6):
    n = 6 if i else 5
    real = torch.from_numpy(rng.normal(2.0, 0.5, (n, 2))).float()
    noise = torch.from_numpy(rng.normal(size=(n, 3))).float()
    ones, zeros = torch.ones(n, 1), torch.zeros(n, 1)
    netD.zero_grad()
    fake, on_real = netG(noise), netD(real)
    on_fake = netD(fake.detach())
    errD = criterion(on_real, ones) + criterion(on_fake, zeros)
    errD.backward()
    optimizerD.step()
    netG.zero_grad()
    again = netD(fake)
    errG = criterion(again, ones)
    errG.backward()
    optimizerG.step()
    means = [x.mean().item() for x in (on_real, on_fake, again)]
    print(
        f"[{i}] Loss_D: {errD.item():.4f} Loss_G: {errG.item():.4f} D(x): {means[0]:.4f} D(G(z)): {means[1]:.4f} / {means[2]:.4f}"
    )
netG.eval()
fake = netG(fixed_noise).detach()
print(fake.mean().item(), fake.std().item(), fake[0].tolist())
