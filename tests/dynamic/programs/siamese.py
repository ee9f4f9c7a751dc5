"""Two inputs, one net: pairs and triplets, metric losses, parameters read by name, samplers with weights, mixed dtypes."""

import itertools

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import BatchSampler, ConcatDataset, DataLoader, IterableDataset, SequentialSampler, TensorDataset


rng = np.random.RandomState(13)


class ContrastiveLoss(nn.Module):
    def __init__(self, margin=2.0):
        super().__init__()
        self.margin = margin

    def forward(self, output1, output2, label):
        distance = F.pairwise_distance(output1, output2, keepdim=True)
        near = (1 - label) * torch.pow(distance, 2)
        far = label * torch.pow(torch.clamp(self.margin - distance, min=0.0), 2)
        return torch.mean(near + far)


class SiameseNetwork(nn.Module):
    def __init__(self):
        super().__init__()
        self.cnn1 = nn.Sequential(
            nn.ReflectionPad2d(1), nn.Conv2d(1, 4, 3), nn.ReLU(inplace=True), nn.BatchNorm2d(4), nn.Dropout2d(p=0.0),
            nn.AvgPool2d(2), nn.ReplicationPad2d(1), nn.Conv2d(4, 6, 3, groups=2), nn.PReLU(), nn.GroupNorm(3, 6),
        )  # fmt: skip
        self.fc1 = nn.Sequential(nn.Flatten(), nn.Linear(6 * 16, 12), nn.Hardswish(), nn.Linear(12, 3))

    def forward_once(self, x):
        return self.fc1(self.cnn1(x))

    def forward(self, *inputs):
        return tuple(map(self.forward_once, inputs))


class Triplets(IterableDataset):
    def __init__(self, images, labels, count):
        self.images, self.labels, self.count = images, labels, count

    def __iter__(self):
        state = np.random.RandomState(0)
        for _ in range(self.count):
            a = state.randint(len(self.labels))
            same = [i for i in range(len(self.labels)) if self.labels[i] == self.labels[a] and i != a]
            other = [i for i in range(len(self.labels)) if self.labels[i] != self.labels[a]]
            yield self.images[a], self.images[state.choice(same)], self.images[state.choice(other)]


labels = np.arange(12) % 3
images = torch.from_numpy(
    rng.normal(size=(12, 1, 8, 8)).astype(np.float32) + labels[:, None, None, None].astype("f") * np.eye(8, dtype="f")
)
net = SiameseNetwork()
for name, p in sorted(net.named_parameters()):
    if "weight" in name and p.dim() > 1:
        p.data.copy_(torch.from_numpy(rng.normal(0, 0.2, tuple(p.shape))))
    elif name.endswith("bias"):
        nn.init.zeros_(p)
optimizer = torch.optim.Adamax(net.parameters(), lr=5e-3)
pairs = list(itertools.combinations(range(12), 2))[:40]
first, second = (TensorDataset(images[[p[i] for p in pairs]]) for i in (0, 1))
differ = torch.tensor([[float(labels[a] != labels[b])] for a, b in pairs])
print(len(first), len(ConcatDataset([first, second])), differ.mean().item())
sampler = BatchSampler(SequentialSampler(first), batch_size=10, drop_last=True)
for epoch in range(2):
    for places in sampler:
        a, b = first[places][0], second[places][0]
        out1, out2 = net(a, b)
        loss = ContrastiveLoss()(out1, out2, differ[places])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print("contrastive", epoch, loss.item())
for a, p, n in DataLoader(Triplets(images, labels, 24), batch_size=8):
    anchor, positive, negative = net(a, p, n)
    loss = nn.TripletMarginLoss(margin=1.0, p=2)(anchor, positive, negative)
    loss = loss + 0.1 * nn.CosineEmbeddingLoss()(anchor, positive, torch.ones(8)) + 0.01 * anchor.pow(2).sum(1).sqrt().mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print("triplets", loss.item())
net.eval()
with torch.no_grad():
    (out,) = net(images)
    distances = torch.cdist(out, out)
    distances.fill_diagonal_(float("inf"))
    nearest = distances.argmin(1)
    print(distances[0, 1:5], (torch.from_numpy(labels)[nearest] == torch.from_numpy(labels)).double().mean())
    similar = F.normalize(out) @ F.normalize(out).T
    print(similar[0, :4], similar.diagonal().sum(), torch.triu(similar, 1).sum())
    print(out.half().float().sub(out).abs().max() < 1e-2, out.to(torch.float16).dtype)
