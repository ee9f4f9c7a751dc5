"""Pictures through torchvision: a folder of images, transforms, a loader, a grid, and a small autoencoder on them."""

import os
import tempfile

import numpy as np
import torch
import torchvision
import torchvision.datasets as datasets
import torchvision.transforms as transforms
from PIL import Image
from torch import nn
from torch.autograd import Variable


rng = np.random.RandomState(4)
root = tempfile.mkdtemp()
for name in ("ants", "bees"):
    os.makedirs(os.path.join(root, "train", name))
    for i in range(4):
        pixels = rng.randint(0, 256, (12, 16, 3)).astype(np.uint8)
        Image.fromarray(pixels).save(os.path.join(root, "train", name, "%d.png" % i))

transform = transforms.Compose(
    [
        transforms.CenterCrop(8),
        transforms.ToTensor(),
        transforms.Normalize((0.5, 0.5, 0.5), (0.25, 0.5, 0.5)),
    ]
)
dataset = datasets.ImageFolder(os.path.join(root, "train"), transform)
loader = torch.utils.data.DataLoader(dataset, batch_size=4, shuffle=False, num_workers=0)
print(dataset.classes, dataset.class_to_idx["bees"], len(dataset), len(loader))

images, labels = next(iter(loader))
grid = torchvision.utils.make_grid(images, nrow=2, padding=1)
print(images.size(), grid.size(), labels.tolist(), images.sum(), grid.sum())
torchvision.utils.save_image(images * 0.2 + 0.5, os.path.join(root, "grid.png"))
print(np.asarray(Image.open(os.path.join(root, "grid.png"))).shape)

model = nn.Sequential(
    nn.Conv2d(3, 6, 3, stride=2, padding=1), nn.ReLU(True), nn.ConvTranspose2d(6, 3, 2, stride=2), nn.Tanh()
)
for p in model.parameters():
    p.data.copy_(torch.from_numpy(rng.uniform(-0.2, 0.2, tuple(p.size()))))
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2, weight_decay=1e-5)
criterion = nn.MSELoss()
for epoch in range(3):
    for img, _ in loader:
        img = Variable(img)
        loss = criterion(model(img), img)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print("epoch [%d/3], loss:%.5f" % (epoch + 1, loss.data[0]))
