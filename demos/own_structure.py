"""A net whose structure depends on its own computation: for each example it decides itself how long it thinks.

    python demos/own_structure.py
    python demos/own_structure.py --quick

One cell is applied again and again. After each round it says how sure it is that it has thought enough; once these shares
add up to one, it stops (adaptive computation time: Graves 2016). The loop is Python's and ends where the numbers say so:
each batch leaves a tape of another length, and ``print`` shows it. In ``static`` the same would be a ``while_loop``, one
node whatever the rounds; a traced graph would have the rounds of its example baked in, which is shown at the end.

The task is the parity of some signs, which takes a step for each: what is longer is thought about longer.
"""

from __future__ import annotations

import argparse
from collections import Counter

import dynamic as torch
from dynamic import nn, optim
from dynamic.nn import functional
from graphs.core.node import ancestors


most = 8
"""Signs of an example, and rounds at most."""


class Thinker(nn.Module):
    """A recurrent cell that is applied until it says that it is done.

    ``forward`` returns scores, the mean number of rounds with the shares that were left (so that it has a gradient), and
    the number of rounds that the slowest example took.
    """

    def __init__(self, units: int = 48) -> None:
        super().__init__()
        self.begin = nn.Linear(most, units)
        self.cell = nn.GRUCell(most, units)
        self.halt = nn.Linear(units, 1)
        self.out = nn.Linear(units, 2)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, int]:
        """Think about each row of ``x``."""
        state = torch.tanh(self.begin(x))
        total = torch.zeros(len(x), 1)  # of the shares so far
        scores = torch.zeros(len(x), 2)
        cost = torch.zeros(len(x), 1)
        rounds = 0
        while (total < 1.0).any() and rounds < most:
            state = self.cell(x, state)
            share = torch.sigmoid(self.halt(state))
            rounds += 1
            left = 1.0 - total
            last = (share >= left) | (rounds == most)
            share = torch.where(last, left, share) * (total < 1.0)
            scores = scores + share * self.out(state)
            cost = cost + (total < 1.0) + torch.where(last, left, torch.zeros_like(left)) * (total < 1.0)
            total = torch.where(last, torch.ones_like(total), total + share.detach())
        return scores, cost.mean(), rounds


def batch(size: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Rows of 1 to ``most`` signs, zeros after them; whether an odd number is negative; how many signs there are."""
    lengths = torch.randint(1, most + 1, (size, 1))
    signs = torch.randint(0, 2, (size, most)) * 2 - 1
    x = signs * (torch.arange(most) < lengths)
    return x.float(), (x < 0).sum(1) % 2, lengths.squeeze(1)


def main() -> None:
    """Train, printing what was thought of and how long, then count the structures that one batch after the other had."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="a few hundred steps")
    parser.add_argument("--steps", type=int, default=4000)
    args = parser.parse_args()
    steps = 300 if args.quick else args.steps
    torch.manual_seed(1)
    model = Thinker()
    optimizer = optim.Adam(model.parameters(), lr=3e-3)
    for step in range(steps):
        x, y, _ = batch(64)
        scores, cost, rounds = model(x)
        loss = functional.cross_entropy(scores, y) + 0.01 * cost
        if step % (steps // 10) == 0:
            records = len(ancestors([loss.grad_fn]))
            correct = float((scores.argmax(1) == y).float().mean())
            learnt = f"loss {loss.item():.3f}  right {correct:4.0%}"
            print(f"step {step:5d}  {learnt}  rounds {rounds}  records on the tape {records}")
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        seen = Counter(model(batch(1)[0])[2] for _ in range(300))
        x, y, _ = batch(2000)
        print(f"right on 2,000 new ones: {float((model(x)[0].argmax(1) == y).float().mean()):.1%}")
    print("rounds that single examples took:", ", ".join(f"{n}: {seen[n]} times" for n in sorted(seen)))
    traced = torch.trace(lambda x: model(x)[0], batch(1)[0])
    baked = [each for each in traced.baked if each.kind == "branch"]
    print(f"traced, the loop is gone: {len(traced.function.nodes)} nodes, and {len(baked)} decisions baked in, the first")
    print(f"  {baked[0]}")


if __name__ == "__main__":
    main()
