"""The two-layer net once more, with what makes training easier: ``nn`` for the layers, ``optim`` for the update.

    python demos/two_layer_nn.py
    python demos/two_layer_nn.py --optimizer Adam --lr 1e-3

Beside ``two_layer.py``, where weights are multiplied and changed by hand, three things are gone: the weights (they are the
modules'), the update (an optimiser does it), and the resetting of each gradient.
"""

from __future__ import annotations

import argparse

import dynamic as torch
from dynamic import nn, optim


N, D_in, H, D_out = 64, 1000, 100, 10


def main() -> None:
    """Train, and print the loss every hundred steps."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--optimizer", choices=["SGD", "Adam", "RMSprop", "Adagrad"], default="SGD")
    parser.add_argument("--lr", type=float, default=1e-4)
    parser.add_argument("--steps", type=int, default=500)
    args = parser.parse_args()
    torch.manual_seed(0)
    x, y = torch.randn(N, D_in), torch.randn(N, D_out)
    model = nn.Sequential(nn.Linear(D_in, H), nn.ReLU(), nn.Linear(H, D_out))
    criterion = nn.MSELoss(reduction="sum")
    optimizer = getattr(optim, args.optimizer)(model.parameters(), lr=args.lr)
    print(model)
    for t in range(args.steps):
        loss = criterion(model(x), y)
        if t % 100 == 0 or t == args.steps - 1:
            print(f"{t:4d}  {loss.item():.6g}")
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


if __name__ == "__main__":
    main()
