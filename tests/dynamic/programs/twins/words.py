"""The language model of 2017 in today's words."""

import copy
import math

import numpy as np
import torch
from torch import nn


class RNNModel(nn.Module):
    def __init__(self, kind, ntoken, size):
        super().__init__()
        self.encoder = nn.Embedding(ntoken, size)
        self.rnn = getattr(nn, kind)(size, size, 2)
        self.decoder = nn.Linear(size, ntoken)

    def forward(self, input, hidden):
        output, hidden = self.rnn(self.encoder(input), hidden)
        return self.decoder(output).flatten(0, 1), hidden


def detached(h):
    return h if h is None else h.detach() if isinstance(h, torch.Tensor) else tuple(map(detached, h))


def batches(source):
    hidden = None
    for i in range(0, len(source) - 1, 5):
        n = min(5, len(source) - 1 - i)
        output, hidden = model(source[i : i + n], detached(hidden))
        yield n, criterion(output, source[i + 1 : i + 1 + n].flatten())


@torch.no_grad()
def evaluate(source):
    return sum(n * loss.item() for n, loss in batches(source)) / len(source)


rng = np.random.RandomState(0)
ids = torch.from_numpy((np.arange(120) * 3 + rng.randint(0, 2, 120)) % 11)
train_data, val_data = ids[:88].view(4, 22).t(), ids[88:].view(2, 16).t()
criterion = nn.CrossEntropyLoss()
for kind in ("LSTM", "GRU"):
    model = RNNModel(kind, 11, 8)
    for p in model.parameters():
        p.data.copy_(torch.from_numpy(rng.uniform(-0.3, 0.3, tuple(p.size()))))
    lr, best_val_loss = 4.0, None
    for epoch in range(1, 4):
        losses = []
        for _, loss in batches(train_data):
            model.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 0.25)
            with torch.no_grad():
                for p in model.parameters():
                    p.sub_(p.grad, alpha=lr)
            losses.append(loss.item())
        cur_loss = sum(losses) / len(losses)
        print(f"| epoch {epoch:3d} | lr {lr:02.2f} | loss {cur_loss:5.5f} | ppl {math.exp(cur_loss):8.4f}")
        val_loss = evaluate(val_data)
        print(f"| end of epoch {epoch:3d} | valid loss {val_loss:5.5f}")
        if not best_val_loss or val_loss < best_val_loss:
            best, best_val_loss = copy.deepcopy(model), val_loss
        else:
            lr /= 4.0
    model = best
    print(f"best {evaluate(val_data):.5f}")
