"""A DCGAN on small images: ConvTranspose2d, BatchNorm2d, weights_init by class name, detach, betas of Adam."""

import numpy as np
import torch
import torch.nn as nn


nz, ngf, ndf, nc = 6, 4, 4, 1
real_label, fake_label = 1.0, 0.0
rng = np.random.RandomState(7)


def weights_init(m):
    classname = m.__class__.__name__
    if classname.find("Conv") != -1:
        m.weight.data = torch.from_numpy(rng.normal(0.0, 0.1, m.weight.shape)).float()
    elif classname.find("BatchNorm") != -1:
        m.weight.data = torch.from_numpy(rng.normal(1.0, 0.02, m.weight.shape)).float()
        nn.init.constant_(m.bias.data, 0)


class Generator(nn.Module):
    def __init__(self):
        super().__init__()
        self.main = nn.Sequential(
            nn.ConvTranspose2d(nz, ngf * 2, 4, 1, 0, bias=False),
            nn.BatchNorm2d(ngf * 2),
            nn.ReLU(True),
            nn.ConvTranspose2d(ngf * 2, ngf, 4, 2, 1, bias=False),
            nn.BatchNorm2d(ngf),
            nn.ReLU(True),
            nn.ConvTranspose2d(ngf, nc, 4, 2, 1, bias=False),
            nn.Tanh(),
        )

    def forward(self, input):
        return self.main(input)


class Discriminator(nn.Module):
    def __init__(self):
        super().__init__()
        self.main = nn.Sequential(
            nn.Conv2d(nc, ndf, 4, 2, 1, bias=False),
            nn.LeakyReLU(0.2, inplace=True),
            nn.Conv2d(ndf, ndf * 2, 4, 2, 1, bias=False),
            nn.BatchNorm2d(ndf * 2),
            nn.LeakyReLU(0.2, inplace=True),
            nn.Conv2d(ndf * 2, 1, 4, 1, 0, bias=False),
            nn.Sigmoid(),
        )

    def forward(self, input):
        return self.main(input).view(-1, 1).squeeze(1)


device = torch.device("cpu")
netG = Generator().to(device)
netG.apply(weights_init)
netD = Discriminator().to(device)
netD.apply(weights_init)
print(netG)
print(netD)

criterion = nn.BCELoss()
optimizerD = torch.optim.Adam(netD.parameters(), lr=2e-3, betas=(0.5, 0.999))
optimizerG = torch.optim.Adam(netG.parameters(), lr=2e-3, betas=(0.5, 0.999))
fixed_noise = torch.from_numpy(rng.normal(size=(2, nz, 1, 1)).astype(np.float32)).to(device)

for i in range(5):
    # (1) the discriminator: once with all real, once with all fake
    netD.zero_grad()
    real = torch.tensor(rng.uniform(-1, 1, (4, nc, 16, 16)), dtype=torch.float, device=device)
    label = torch.full((real.size(0),), real_label, dtype=real.dtype, device=device)
    output = netD(real)
    errD_real = criterion(output, label)
    errD_real.backward()
    D_x = output.mean().item()

    noise = torch.tensor(rng.normal(size=(4, nz, 1, 1))).float()
    fake = netG(noise)
    label.fill_(fake_label)
    output = netD(fake.detach())
    errD_fake = criterion(output, label)
    errD_fake.backward()
    D_G_z1 = output.mean().item()
    optimizerD.step()

    # (2) the generator
    netG.zero_grad()
    label.fill_(real_label)
    output = netD(fake)
    errG = criterion(output, label)
    errG.backward()
    optimizerG.step()
    errD = errD_real + errD_fake
    print(
        "[%d] Loss_D: %.5f Loss_G: %.5f D(x): %.5f D(G(z)): %.5f / %.5f"
        % (i, errD.item(), errG.item(), D_x, D_G_z1, output.mean().item())
    )

netG.eval()
images = netG(fixed_noise).detach().cpu()
print(images.shape, images.mean().item(), images.std().item(), images[0, 0, 0, :4].tolist())
