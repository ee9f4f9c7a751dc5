"""A convolutional net on images of digits: Dataset, DataLoader, a schedule, a checkpoint, evaluation."""

import os
import tempfile

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim
from torch.optim.lr_scheduler import StepLR
from torch.utils.data import DataLoader, Dataset, random_split


class Strokes(Dataset):
    """Noisy images of bars: the class says in which row or column the bar is."""

    def __init__(self, count, transform=None, seed=0):
        rng = np.random.RandomState(seed)
        self.targets = rng.randint(0, 10, count)
        self.images = rng.normal(0, 60, (count, 14, 14)).clip(0, 255).astype(np.uint8)
        for image, target in zip(self.images, self.targets):
            if target < 5:
                image[2 + 2 * target, :] = 255
            else:
                image[:, 2 + 2 * (target - 5)] = 255
        self.transform = transform

    def __len__(self):
        return len(self.targets)

    def __getitem__(self, index):
        image = torch.from_numpy(self.images[index]).float().div(255).unsqueeze(0)
        if self.transform is not None:
            image = self.transform(image)
        return image, int(self.targets[index])


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 8, 3, 1)
        self.conv2 = nn.Conv2d(8, 12, 3, 1)
        self.dropout = nn.Dropout2d(0.0)
        self.fc1 = nn.Linear(12 * 5 * 5, 32)
        self.fc2 = nn.Linear(32, 10)

    def forward(self, x):
        x = F.relu(self.conv1(x))
        x = F.relu(self.conv2(x))
        x = F.max_pool2d(x, 2)
        x = self.dropout(x)
        x = torch.flatten(x, 1)
        x = F.relu(self.fc1(x))
        return F.log_softmax(self.fc2(x), dim=1)


def fill(model, seed=0):
    rng = np.random.RandomState(seed)
    for p in model.parameters():
        bound = 1 / np.sqrt(p[0].numel()) if p.dim() > 1 else 0.05
        p.data.copy_(torch.from_numpy(rng.uniform(-bound, bound, tuple(p.shape))))


def train(model, device, loader, optimizer, epoch):
    model.train()
    for batch_idx, (data, target) in enumerate(loader):
        data, target = data.to(device), target.to(device)
        optimizer.zero_grad()
        output = model(data)
        loss = F.nll_loss(output, target)
        loss.backward()
        optimizer.step()
        if batch_idx % 4 == 0:
            done, share = batch_idx * len(data), 100.0 * batch_idx / len(loader)
            print(f"Train Epoch: {epoch} [{done}/{len(loader.dataset)} ({share:.0f}%)]\tLoss: {loss.item():.6f}")


@torch.no_grad()
def evaluate(model, device, loader):
    model.eval()
    total, correct = 0.0, 0
    for data, target in loader:
        data, target = data.to(device), target.to(device)
        output = model(data)
        total += F.nll_loss(output, target, reduction="sum").item()
        pred = output.argmax(dim=1, keepdim=True)
        correct += pred.eq(target.view_as(pred)).sum().item()
    count = len(loader.dataset)
    print(f"Test set: Average loss: {total / count:.6f}, Accuracy: {correct}/{count} ({100.0 * correct / count:.0f}%)")
    return total / count


def main():
    torch.manual_seed(1)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    normalize = lambda x: (x - 0.1307) / 0.3081
    train_set, val_set = random_split(Strokes(200, normalize), [180, 20])
    print(len(train_set), len(val_set))
    train_set = Strokes(180, normalize)
    kwargs = {"num_workers": 0, "pin_memory": True} if torch.cuda.is_available() else {}
    train_loader = DataLoader(train_set, batch_size=20, shuffle=False, **kwargs)
    test_loader = DataLoader(Strokes(60, normalize, seed=1), batch_size=32, **kwargs)

    model = Net().to(device)
    fill(model)
    optimizer = optim.Adadelta(model.parameters(), lr=1.0)
    scheduler = StepLR(optimizer, step_size=1, gamma=0.7)
    best = float("inf")
    path = os.path.join(tempfile.mkdtemp(), "digits.pt")
    for epoch in range(1, 4):
        train(model, device, train_loader, optimizer, epoch)
        loss = evaluate(model, device, test_loader)
        scheduler.step()
        print("lr now", scheduler.get_last_lr(), optimizer.param_groups[0]["lr"])
        if loss < best:
            best = loss
            torch.save({"epoch": epoch, "model": model.state_dict(), "optimizer": optimizer.state_dict()}, path)

    checkpoint = torch.load(path, map_location=device, weights_only=True)
    again = Net().to(device)
    print(again.load_state_dict(checkpoint["model"]))
    print("epoch", checkpoint["epoch"], sorted(checkpoint), list(checkpoint["model"]))
    evaluate(again, device, test_loader)
    os.remove(path)


if __name__ == "__main__":
    main()
