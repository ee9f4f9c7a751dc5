"""A GAN on points in the words of 0.1: buffers that are resized and filled, labels in place, detach, two losses, DataParallel."""

import numpy as np
import torch
import torch.nn as nn
import torch.nn.parallel
import torch.optim as optim
from torch.autograd import Variable


rng = np.random.RandomState(1)


def weights_init(m):
    classname = m.__class__.__name__
    if classname.find("Linear") != -1:
        m.weight.data.copy_(torch.from_numpy(rng.normal(0.0, 0.3, tuple(m.weight.size()))))
        if m.bias is not None:
            m.bias.data.fill_(0)
    elif classname.find("BatchNorm") != -1:
        m.weight.data.normal_(1.0, 0.02)
        m.weight.data.fill_(1)
        m.bias.data.fill_(0)


class _netG(nn.Module):
    def __init__(self, ngpu):
        super(_netG, self).__init__()
        self.ngpu = ngpu
        self.main = nn.Sequential(nn.Linear(3, 12, bias=False), nn.BatchNorm1d(12), nn.ReLU(True), nn.Linear(12, 2))

    def forward(self, input):
        gpu_ids = None
        if isinstance(input.data, torch.cuda.FloatTensor) and self.ngpu > 1:
            gpu_ids = range(self.ngpu)
        return nn.parallel.data_parallel(self.main, input, gpu_ids) if gpu_ids else self.main(input)


class _netD(nn.Module):
    def __init__(self):
        super(_netD, self).__init__()
        self.main = nn.Sequential(nn.Linear(2, 12), nn.LeakyReLU(0.2, inplace=True), nn.Linear(12, 1), nn.Sigmoid())

    def forward(self, input):
        return self.main(input).view(-1, 1)


netG, netD = _netG(1), _netD()
netG.apply(weights_init)
netD.apply(weights_init)
criterion = nn.BCELoss()
input, noise = torch.FloatTensor(6, 2), torch.FloatTensor(6, 3)
fixed_noise = Variable(torch.from_numpy(rng.normal(size=(3, 3))).float())
label = torch.FloatTensor(6)
real_label, fake_label = 1, 0
if torch.cuda.is_available():
    netD.cuda()
    netG.cuda()
    criterion.cuda()
    input, label, noise, fixed_noise = input.cuda(), label.cuda(), noise.cuda(), fixed_noise.cuda()
optimizerD = optim.Adam(netD.parameters(), lr=0.01, betas=(0.5, 0.999))
optimizerG = optim.Adam(netG.parameters(), lr=0.01, betas=(0.5, 0.999))

for i in range(6):
    netD.zero_grad()
    real_cpu = torch.from_numpy(rng.normal(2.0, 0.5, (6 if i else 5, 2))).float()
    batch_size = real_cpu.size(0)
    input.resize_as_(real_cpu).copy_(real_cpu)
    label.resize_(batch_size).fill_(real_label)
    inputv, labelv = Variable(input), Variable(label)
    output = netD(inputv)
    errD_real = criterion(output, labelv.view(-1, 1))
    errD_real.backward()
    D_x = output.data.mean()

    noise.resize_(batch_size, 3).copy_(torch.from_numpy(rng.normal(size=(batch_size, 3))))
    noisev = Variable(noise)
    fake = netG(noisev)
    labelv = Variable(label.fill_(fake_label))
    output = netD(fake.detach())
    errD_fake = criterion(output, labelv.view(-1, 1))
    errD_fake.backward()
    D_G_z1 = output.data.mean()
    errD = errD_real + errD_fake
    optimizerD.step()

    netG.zero_grad()
    labelv = Variable(label.fill_(real_label))
    output = netD(fake)
    errG = criterion(output, labelv.view(-1, 1))
    errG.backward()
    D_G_z2 = output.data.mean()
    optimizerG.step()
    print(
        "[%d] Loss_D: %.4f Loss_G: %.4f D(x): %.4f D(G(z)): %.4f / %.4f"
        % (i, errD.data[0], errG.data[0], D_x, D_G_z1, D_G_z2)
    )
netG.eval()
fake = netG(fixed_noise)
print(fake.data.mean(), fake.data.std(), fake.data[0].tolist())
