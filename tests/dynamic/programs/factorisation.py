"""Factors of a matrix of ratings: embeddings with biases, a search for the learning rate, early stopping."""

import math

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, Subset, TensorDataset


n_users, n_items, n_factors = 12, 15, 3
rng = np.random.RandomState(8)
truth = rng.normal(size=(n_users, 2)) @ rng.normal(size=(2, n_items)) + rng.normal(size=(n_users, 1))
rows, columns = (rng.uniform(size=truth.shape) < 0.6).nonzero()
ratings = truth[rows, columns] + rng.normal(0, 0.05, len(rows))


class MatrixFactorization(nn.Module):
    def __init__(self, n_users, n_items, n_factors=3):
        super().__init__()
        self.user_factors = nn.Embedding(n_users, n_factors)
        self.item_factors = nn.Embedding(n_items, n_factors)
        self.user_biases = nn.Embedding(n_users, 1)
        self.item_biases = nn.Embedding(n_items, 1)
        self.mean = nn.Parameter(torch.zeros(1))

    def forward(self, user, item):
        pred = self.user_biases(user) + self.item_biases(item)
        pred += (self.user_factors(user) * self.item_factors(item)).sum(dim=1, keepdim=True)
        return pred.squeeze() + self.mean


def fresh():
    state = np.random.RandomState(0)
    model = MatrixFactorization(n_users, n_items, n_factors)
    for p in model.parameters():
        p.data.copy_(torch.tensor(state.normal(0, 0.3, p.shape)))
    return model


data = TensorDataset(torch.LongTensor(rows), torch.LongTensor(columns), torch.FloatTensor(ratings))
order = rng.permutation(len(data)).tolist()
train, valid = Subset(data, order[:80]), Subset(data, order[80:])
loader, held_out = DataLoader(train, batch_size=16), DataLoader(valid, batch_size=len(valid))
print(len(data), len(train), len(loader), data[0])

# The learning rate rises from batch to batch; a third of that where the loss was least is taken.
model = fresh()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-4)
gamma = (1.0 / 1e-4) ** (1 / 24)
scheduler = torch.optim.lr_scheduler.ExponentialLR(optimizer, gamma)
average, history = 0.0, []
for number, (user, item, rating) in enumerate([batch for _ in range(5) for batch in loader][:25], 1):
    loss = nn.functional.mse_loss(model(user, item), rating)
    average = 0.9 * average + 0.1 * loss.item()
    history.append((average / (1 - 0.9**number), scheduler.get_last_lr()[0]))
    if number > 10 and history[-1][0] > 4 * min(history)[0]:
        break
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    scheduler.step()
lr = min(history)[1] / 3
print("lr", lr, "smoothed", [round(value, 4) for value, _ in history[::8]])

model = fresh()
biases = [p for name, p in model.named_parameters() if "bias" in name or name == "mean"]
factors = [p for name, p in model.named_parameters() if "factors" in name]
optimizer = torch.optim.Adam([{"params": factors, "weight_decay": 1e-4}, {"params": biases, "lr": lr / 2}], lr=lr)
plateau = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, mode="min", factor=0.5, patience=1, threshold=1e-2)
best, patience, kept = math.inf, 0, None
for epoch in range(12):
    for user, item, rating in loader:
        optimizer.zero_grad()
        nn.MSELoss()(model(user, item), rating).backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        ((user, item, rating),) = held_out
        rmse = (model(user, item) - rating).pow(2).mean().sqrt().item()
    model.train()
    plateau.step(rmse)
    if rmse < best:
        best, patience, kept = rmse, 0, {k: v.clone() for k, v in model.state_dict().items()}
    else:
        patience += 1
    if epoch % 3 == 0:
        print(f"epoch {epoch:2d} rmse {rmse:.5f}", [group["lr"] for group in optimizer.param_groups])
    if patience == 4:
        print("stopped early at", epoch)
        break
model.load_state_dict(kept)
scores = model(torch.zeros(n_items, dtype=torch.int64), torch.arange(n_items))
print(f"{best:.5f}", scores.sort(descending=True).indices[:4], scores.detach().numpy().round(3)[:4])
