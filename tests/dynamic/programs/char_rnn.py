"""Characters by an LSTMCell: training on one line, then sampling with a temperature."""

import string

import numpy as np
import torch
from torch import nn, optim


all_characters = string.ascii_lowercase + " .,"
n_characters = len(all_characters)
line = "the quick brown fox jumps over the lazy dog, and the dog sleeps."
rng = np.random.RandomState(3)


def char_tensor(text):
    tensor = torch.zeros(len(text)).long()
    for c in range(len(text)):
        tensor[c] = all_characters.index(text[c])
    return tensor


class CharRNN(nn.Module):
    def __init__(self, n_tokens, hidden_size):
        super().__init__()
        self.hidden_size = hidden_size
        self.encoder = nn.Embedding(n_tokens, hidden_size)
        self.cells = nn.ModuleList([nn.LSTMCell(hidden_size, hidden_size), nn.GRUCell(hidden_size, hidden_size)])
        self.decoder = nn.Linear(hidden_size, n_tokens)

    def forward(self, char, state):
        h, c, s = state
        x = self.encoder(char.view(1))
        h, c = self.cells[0](x, (h, c))
        s = self.cells[1](h, s)
        return self.decoder(s), (h, c, s)

    def start(self):
        return tuple(torch.zeros(1, self.hidden_size) for _ in range(3))


def generate(model, prime="the ", length=12, temperature=0.8):
    state = model.start()
    text = prime
    with torch.no_grad():
        for char in char_tensor(prime)[:-1]:
            _, state = model(char, state)
        char = char_tensor(prime)[-1]
        for _ in range(length):
            output, state = model(char, state)
            weights = output.squeeze().div(temperature).exp()
            chances = (weights / weights.sum()).cumsum(0)
            char = torch.searchsorted(chances, torch.tensor([rng.uniform()], dtype=chances.dtype)).clamp(
                max=n_characters - 1
            )
            text += all_characters[char.item()]
    return text, chances


torch.set_default_dtype(torch.float64)
model = CharRNN(n_characters, 16)
for p in model.parameters():
    nn.init.constant_(p, 0.0)
    p.data += torch.as_tensor(rng.uniform(-0.25, 0.25, p.shape))
optimizer = optim.RMSprop(model.parameters(), lr=0.01)
criterion = nn.CrossEntropyLoss()
text = char_tensor(line)
for epoch in range(1, 9):
    state = model.start()
    optimizer.zero_grad()
    loss = 0
    for char, wanted in zip(text[:-1], text[1:]):
        output, state = model(char, state)
        loss += criterion(output, wanted.unsqueeze(0))
    loss.backward()
    nn.utils.clip_grad_value_(model.parameters(), 1.0)
    optimizer.step()
    if epoch % 2 == 0:
        print("[(%d %d%%) %.8f]" % (epoch, epoch / 8 * 100, loss.item() / len(text)))

model.eval()
said, chances = generate(model)
print(len(said), said)
print(chances[:5], model.decoder.bias.grad.abs().sum())
picks = torch.multinomial(torch.tensor([0.0, 0.0, 1.0]), 4, replacement=True)
print(picks, picks.dtype)
