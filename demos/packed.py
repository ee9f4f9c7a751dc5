"""Digits of different heights through an LSTM, as packed sequences: no step is spent on padding.

    python demos/packed.py
    python demos/packed.py --quick --cell GRU

Each digit is read row by row, and ends at a row of its own in the lower half. A batch of them is padded and then packed: the
first rows of all, then the second rows of all, and so on, so that at each step the layer works on those that are left. The
net and its training are PyTorch's text: with ``torch`` in place of ``dynamic`` they run there.
"""

from __future__ import annotations

import argparse
import time

import numpy as np

import dynamic as torch
from dynamic import nn, optim
from dynamic.nn import functional
from dynamic.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence, pad_sequence
from graphs.datasets import read_data_sets


rows, columns, classes = 28, 28, 10


class Reader(nn.Module):
    """A recurrent layer over the rows, and a linear map of what it has made of the last row."""

    def __init__(self, cell: str, units: int) -> None:
        super().__init__()
        self.rnn = getattr(nn, cell)(columns, units, batch_first=True)
        self.out = nn.Linear(units, classes)

    def forward(self, x: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
        """The scores of each class."""
        packed = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
        _, last = self.rnn(packed)
        return self.out(last[0][-1] if isinstance(last, tuple) else last[-1])

    def along(self, x: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
        """The class that is thought of after each row, (batch, rows)."""
        packed = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
        states, _ = pad_packed_sequence(self.rnn(packed)[0], batch_first=True)
        return self.out(states).argmax(-1)


def batch_of(images: np.ndarray, lengths: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
    """Images cut to their lengths, padded to the longest, and the lengths."""
    sequences = [torch.from_numpy(image[:n].copy()) for image, n in zip(images, lengths, strict=True)]
    return pad_sequence(sequences, batch_first=True), torch.from_numpy(lengths)


def main() -> None:
    """Train, and print losses and how many digits of those kept back are read right."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--cell", choices=["LSTM", "GRU", "RNN"], default="LSTM")
    parser.add_argument("--units", type=int, default=64)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--iterations", type=int, default=600)
    parser.add_argument("--quick", action="store_true", help="100 iterations")
    args = parser.parse_args()
    iterations = 100 if args.quick else args.iterations

    torch.manual_seed(0)
    random = np.random.default_rng(0)
    data = read_data_sets("", one_hot=False, seed=0)

    def heights(count: int) -> np.ndarray:
        return random.integers(rows // 2, rows + 1, count)

    images = data.test.images.reshape(-1, rows, columns).astype("float32")
    test, test_lengths = batch_of(images, heights(len(images)))
    labels = torch.from_numpy(data.test.labels.astype("int64"))

    net = Reader(args.cell, args.units)
    solver = optim.Adam(net.parameters(), lr=3e-3)
    start = time.perf_counter()
    print(net)
    for step in range(1, iterations + 1):
        chosen, y = data.train.next_batch(args.batch)
        x, lengths = batch_of(chosen.reshape(-1, rows, columns).astype("float32"), heights(args.batch))
        solver.zero_grad()
        loss = functional.cross_entropy(net(x, lengths), torch.from_numpy(y.astype("int64")))
        loss.backward()
        solver.step()
        if step == 1 or step % (iterations // 10) == 0:
            with torch.no_grad():
                right = (net(test, test_lengths).argmax(1) == labels).float().mean().item()
            print(f"step {step:4}  loss {loss.item():.4f}  right {right:.3f}")
    with torch.no_grad():
        guesses = net.along(test[:1], test_lengths[:1])[0].tolist()
    print(f"a {labels[0].item()}, row by row: {' '.join(map(str, guesses))}")
    print(f"{(time.perf_counter() - start) / iterations * 1e3:.1f} ms a step")


if __name__ == "__main__":
    main()
