"""A Wasserstein GAN on points of a ring: weights clipped, then a penalty on gradients; spectral norm."""

import numpy as np
import torch
from torch import autograd, nn, optim
from torch.nn.utils import spectral_norm


torch.set_default_dtype(torch.float64)
rng = np.random.RandomState(9)


def mlp(sizes, last=None):
    layers = []
    for n, m in zip(sizes[:-1], sizes[1:]):
        layers += [nn.Linear(n, m), nn.LeakyReLU(0.2)]
    layers = layers[:-1]
    if last is not None:
        layers.append(last)
    return nn.Sequential(*layers)


def fill(model):
    for p in model.parameters():
        p.data.copy_(torch.from_numpy(rng.normal(0, 0.4, p.shape)))
    return model


def real_points(n=16):
    angle = rng.uniform(0, 2 * np.pi, n)
    return torch.from_numpy(np.stack([np.cos(angle), np.sin(angle)], 1))


def noise(n=16):
    return torch.from_numpy(rng.normal(size=(n, 3)))


def gradient_penalty(critic, real, fake, weight=10.0):
    alpha = torch.from_numpy(rng.uniform(size=(real.size(0), 1))).expand_as(real)
    mixed = (alpha * real.data + (1 - alpha) * fake.data).requires_grad_(True)
    scores = critic(mixed)
    gradients = autograd.grad(
        outputs=scores,
        inputs=mixed,
        grad_outputs=torch.ones_like(scores),
        create_graph=True,
        retain_graph=True,
        only_inputs=True,
    )[0]
    gradients = gradients.view(real.size(0), -1)
    return weight * ((gradients.norm(2, dim=1) - 1) ** 2).mean()


generator, critic = fill(mlp([3, 16, 16, 2])), fill(mlp([2, 16, 16, 1]))
one = torch.tensor(1.0)
mone = one * -1

optimizerD, optimizerG = optim.RMSprop(critic.parameters(), lr=5e-3), optim.RMSprop(generator.parameters(), lr=5e-3)
for iteration in range(4):
    for p in critic.parameters():
        p.requires_grad = True
    for _ in range(3):
        for p in critic.parameters():
            p.data.clamp_(-0.3, 0.3)
        critic.zero_grad()
        errD_real = critic(real_points()).mean(0).view([])
        errD_real.backward(one)
        errD_fake = critic(generator(noise()).detach()).mean()
        errD_fake.backward(mone)
        optimizerD.step()
    for p in critic.parameters():
        p.requires_grad = False
    generator.zero_grad()
    errG = critic(generator(noise())).mean()
    errG.backward(one)
    optimizerG.step()
    print(f"[clip {iteration}] {(errD_real - errD_fake).item():.8f} {errG.item():.8f}")

for p in critic.parameters():
    p.requires_grad_()
optimizerD = optim.Adam(critic.parameters(), lr=1e-2, betas=(0.0, 0.9))
optimizerG = optim.Adam(generator.parameters(), lr=1e-2, betas=(0.0, 0.9))
for iteration in range(4):
    for _ in range(3):
        optimizerD.zero_grad()
        real, fake = real_points(), generator(noise())
        penalty = gradient_penalty(critic, real, fake)
        loss = critic(fake.detach()).mean() - critic(real).mean() + penalty
        loss.backward()
        optimizerD.step()
    optimizerG.zero_grad()
    errG = -critic(generator(noise())).mean()
    errG.backward()
    optimizerG.step()
    print(f"[penalty {iteration}] {loss.item():.8f} {penalty.item():.8f} {errG.item():.8f}")

torch.manual_seed(0)
layer = spectral_norm(nn.Linear(4, 3), n_power_iterations=50)
with torch.no_grad():
    layer.weight_orig.copy_(torch.from_numpy(rng.normal(size=(3, 4))))
out = layer(torch.ones(2, 4))
print(torch.linalg.matrix_norm(layer.weight, 2), sorted(layer.state_dict()))
print(sorted(name for name, _ in layer.named_parameters()), torch.linalg.svdvals(layer.weight_orig))
