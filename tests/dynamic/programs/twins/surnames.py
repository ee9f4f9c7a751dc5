"""The net for surnames in today's words."""

import random
import string

import numpy as np
import torch
import torch.nn.functional as F


letters = string.ascii_letters + " .,;'"
names = {
    "Czech": ["Adsit", "Ajdrna", "Antonowitsch", "Bacovsky", "Cermak"],
    "Italian": ["Abandonato", "Bellini", "Caruso", "Donati", "Esposito"],
    "Scottish": ["Campbell", "Douglas", "Fraser", "Graham", "Macleod"],
}
categories = sorted(names)
rng = np.random.RandomState(2)
n = len(letters) + 16
weights = [
    torch.from_numpy(rng.uniform(-0.12, 0.12, size)).float().requires_grad_() for size in ((16, n), (16,), (3, n), (3,))
]


def run(line):
    hidden = torch.zeros(1, 16)
    for letter in line:
        one = F.one_hot(torch.tensor([letters.find(letter)]), len(letters)).float()
        combined = torch.cat([one, hidden], 1)
        hidden, output = F.linear(combined, *weights[:2]), F.linear(combined, *weights[2:])
    return F.log_softmax(output, 1), hidden


random.seed(1)
total = 0
for i in range(1, 151):
    category = random.choice(categories)
    line = random.choice(names[category])
    output, _ = run(line)
    loss = F.nll_loss(output, torch.tensor([categories.index(category)]))
    grads = torch.autograd.grad(loss, weights)
    for w, g in zip(weights, grads):
        w.data -= 0.05 * g
    total += loss.item()
    if i % 50 == 0:
        guess = categories[output.argmax()]
        print(i, f"{total / 50:.4f}", line, "/", guess, "right" if guess == category else f"wrong ({category})")
        total = 0
with torch.no_grad():
    rows = torch.zeros(3, 3)
    for i, category in enumerate(categories):
        for line in names[category]:
            output, hidden = run(line)
            rows[i, output.argmax()] += 1 / len(names[category])
    for i in range(3):
        print([round(x, 4) for x in rows[i].tolist()], output[0, i].exp().item())
print(True, False, hidden.norm().item())
