"""Processes that train one model in shared memory, one after the other so that the numbers are always the same."""

import numpy as np
import torch
import torch.multiprocessing as mp
from torch import nn, optim


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(3, 8)
        self.fc2 = nn.Linear(8, 1)

    def forward(self, x):
        return self.fc2(torch.tanh(self.fc1(x)))


def data(rank):
    rng = np.random.RandomState(rank)
    x = torch.from_numpy(rng.normal(size=(24, 3))).float()
    return x, x.prod(1, keepdim=True)


def train(rank, model, losses, turn):
    torch.manual_seed(rank)
    torch.set_num_threads(1)
    x, y = data(rank)
    optimizer = optim.SGD(model.parameters(), lr=0.1, momentum=0.5)
    for _ in range(5):
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(model(x), y)
        loss.backward()
        optimizer.step()
    losses[rank] = loss.detach()
    turn.put((rank, "done"))


def main():
    model = Net()
    rng = np.random.RandomState(5)
    for p in model.parameters():
        p.data.copy_(torch.from_numpy(rng.uniform(-0.5, 0.5, tuple(p.shape))))
    model.share_memory()
    losses = torch.zeros(3).share_memory_()
    print(losses.is_shared(), all(p.is_shared() for p in model.parameters()))
    context = mp.get_context("fork")
    turn = context.Queue()
    for rank in range(3):
        process = context.Process(target=train, args=(rank, model, losses, turn))
        process.start()
        print(turn.get())
        process.join()
        print("exit code", process.exitcode, "loss", losses[rank].item())
    x, y = data(9)
    with torch.no_grad():
        print(nn.functional.mse_loss(model(x), y).item(), losses, model.fc2.bias)
    with context.Pool(1) as pool:
        print(pool.map(torch.sum, [torch.ones(3), torch.arange(4.0)]))


if __name__ == "__main__":
    main()
