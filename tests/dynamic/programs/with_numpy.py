"""Between numpy and tensors: shared memory, functions of numpy, indices, masks; a polynomial by hand and by nn."""

import numpy as np
import torch


a = np.ones(5)
b = torch.from_numpy(a)
np.add(a, 1, out=a)
b.mul_(3)
print(a, b, b.numpy() is not a, torch.tensor(a).add_(1)[0].item(), a[0])
t = torch.arange(12.0).reshape(3, 4)
print(np.asarray(t).sum(axis=0), np.mean(t.numpy()), t.numpy().dtype, np.sqrt(t[1].numpy()))
print(t[t > 5], t[:, [0, 2]], t[np.array([0, 2])], t[-1, ::2], t[..., None].shape, t[:, -1:].T.shape)
t[t < 3] = -1
t[1] += 100
t[:, 1] = torch.tensor([7.0, 8.0, 9.0])
print(t, t.tolist()[0], len(t), t.int().numpy().dtype)
for row in t:
    print(float(row.sum()), int(row[0]), f"{row.mean():.3f}", row.max() > 50, bool((row > 0).all()))
print(torch.as_tensor([[1, 2], [3, 4]]) @ torch.eye(2, dtype=torch.int64), torch.tensor([1, 2]) / 2, torch.tensor(7) // 2)
print(torch.tensor(np.float64(2.5)), torch.tensor([np.float32(1.5)]), torch.tensor(np.arange(3)), torch.Tensor(np.arange(3)))
grid_x, grid_y = torch.meshgrid(torch.linspace(0, 1, 3), torch.linspace(0, 1, 2), indexing="ij")
print(torch.stack([grid_x, grid_y], -1).reshape(-1, 2), grid_x.numpy().flags["C_CONTIGUOUS"])
values, counts = torch.unique(torch.tensor([3, 1, 3, 2, 1]), return_counts=True)
print(values, counts, torch.bincount(torch.tensor([0, 1, 1])), torch.histc(torch.tensor([0.1, 0.2, 0.9]), 4, 0, 1))

rng = np.random.RandomState(0)
x = torch.linspace(-1, 1, 100).unsqueeze(1)
y = x.pow(2) + 0.1 * torch.from_numpy(rng.rand(100, 1).astype(np.float32))
w = [torch.from_numpy(rng.randn(*s).astype("float32")).mul_(0.5).requires_grad_() for s in ((1, 10), (10, 1))]
learning_rate = 1e-3
for step in range(100):
    y_pred = x.mm(w[0]).clamp(min=0).mm(w[1])
    loss = (y_pred - y).pow(2).sum()
    if step % 25 == 24:
        print(step, loss.item())
    loss.backward()
    with torch.no_grad():
        for p in w:
            p -= learning_rate * p.grad
            p.grad.zero_()

# By numpy alone, the same numbers.
u, v = (p.detach().clone().numpy().astype(float) for p in w)
X, Y = x.double().numpy(), y.double().numpy()
h = np.maximum(X @ u, 0)
grad = 2 * (h @ v - Y)
print(np.square(h @ v - Y).sum(), (h.T @ grad).ravel()[:3])
y_pred = x.mm(w[0]).clamp(min=0).mm(w[1])
(y_pred - y).pow(2).sum().backward()
print(w[1].grad.view(-1)[:3])

p = torch.tensor([1, 2, 3])
xx = torch.linspace(-3, 3, 200).unsqueeze(-1).pow(p)
model = torch.nn.Sequential(torch.nn.Linear(3, 1), torch.nn.Flatten(0, 1))
torch.nn.init.zeros_(model[0].weight), torch.nn.init.zeros_(model[0].bias)
optimizer = torch.optim.RMSprop(model.parameters(), lr=1e-2)
target = torch.sin(torch.linspace(-3, 3, 200))
for _ in range(60):
    loss = torch.nn.MSELoss(reduction="sum")(model(xx), target)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(
    f"y = {model[0].bias.item():.4f} + {model[0].weight[:, 0].item():.4f} x + {model[0].weight[:, 2].item():.4f} x^3", loss
)
try:
    w[0].numpy()
except RuntimeError as error:
    print("RuntimeError:", "detach()" in str(error))
