"""An autoencoder, then a variational one: reparametrisation with given noise, binary cross-entropy and KL."""

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F


torch.set_default_dtype(torch.float64)
rng = np.random.RandomState(0)
data = torch.from_numpy((rng.uniform(size=(32, 24)) < np.linspace(0.1, 0.9, 24)).astype(float))


def fill(model, rng):
    with torch.no_grad():
        for p in model.parameters():
            p.copy_(torch.from_numpy(rng.uniform(-0.3, 0.3, p.size())))


class Autoencoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(24, 12), nn.ReLU(True), nn.Linear(12, 3))
        self.decoder = nn.Sequential(nn.Linear(3, 12), nn.ReLU(True), nn.Linear(12, 24), nn.Sigmoid())

    def forward(self, x):
        return self.decoder(self.encoder(x))


class VAE(nn.Module):
    def __init__(self, hidden=16, latent=4):
        super().__init__()
        self.fc1 = nn.Linear(24, hidden)
        self.fc21 = nn.Linear(hidden, latent)
        self.fc22 = nn.Linear(hidden, latent)
        self.fc3 = nn.Linear(latent, hidden)
        self.fc4 = nn.Linear(hidden, 24)

    def encode(self, x):
        h1 = F.relu(self.fc1(x))
        return self.fc21(h1), self.fc22(h1)

    def reparameterize(self, mu, logvar):
        std = torch.exp(0.5 * logvar)
        eps = torch.from_numpy(rng.normal(size=std.shape)).to(std)
        return mu.addcmul(eps, std)

    def decode(self, z):
        return torch.sigmoid(self.fc4(F.elu(self.fc3(z))))

    def forward(self, x):
        mu, logvar = self.encode(x.view(-1, 24))
        return self.decode(self.reparameterize(mu, logvar)), mu, logvar


def loss_function(recon_x, x, mu, logvar):
    bce = F.binary_cross_entropy(recon_x, x.view(-1, 24), reduction="sum")
    kld = -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())
    return bce + kld, kld


autoencoder = Autoencoder()
fill(autoencoder, rng)
optimizer = torch.optim.Adam(autoencoder.parameters(), lr=1e-2, weight_decay=1e-5)
criterion = nn.MSELoss()
for _ in range(20):
    loss = criterion(autoencoder(data), data)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print("autoencoder:", loss.item(), loss)

model = VAE()
fill(model, rng)
optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3, amsgrad=True)
for epoch in range(4):
    train_loss = 0
    for batch in torch.chunk(data, 4):
        optimizer.zero_grad()
        recon, mu, logvar = model(batch)
        loss, kld = loss_function(recon, batch, mu, logvar)
        loss.backward()
        train_loss += loss.item()
        optimizer.step()
    print(f"====> Epoch: {epoch} Average loss: {train_loss / len(data):.8f} KL {kld:.6f}")

with torch.no_grad():
    z = torch.linspace(-1, 1, 4).repeat(2, 1)
    sample = model.decode(z)
    q = torch.distributions.Normal(mu, (0.5 * logvar).exp())
    p = torch.distributions.Normal(torch.zeros_like(mu), torch.ones_like(mu))
    print(torch.distributions.kl_divergence(q, p).sum(), sample[:, :3].numpy())
