"""Modules in lists and dictionaries of others, parameters that two share, buffers, and state that goes in and out."""

import io

import numpy as np
import torch
from torch import nn


rng = np.random.RandomState(10)


class Mixture(nn.Module):
    def __init__(self, experts=3):
        super().__init__()
        self.experts = nn.ModuleList(nn.Linear(4, 4) for _ in range(experts))
        self.choices = nn.ModuleDict({"relu": nn.ReLU(), "tanh": nn.Tanh(), "prelu": nn.PReLU()})
        self.scales = nn.ParameterList([nn.Parameter(torch.ones(1) * (i + 1)) for i in range(experts)])
        self.extra = nn.ParameterDict({"left": nn.Parameter(torch.zeros(4)), "right": nn.Parameter(torch.ones(4))})
        self.gate = nn.Sequential(nn.Linear(4, experts), nn.Softmax(dim=-1))
        self.register_buffer("calls", torch.tensor(0))
        self.register_buffer("scratch", torch.zeros(2), persistent=False)
        self.tied = self.experts[0]

    def forward(self, x, act="relu"):
        self.calls += 1
        gates = self.gate(x)
        outs = torch.stack([self.choices[act](e(x)) * s for e, s in zip(self.experts, self.scales)], dim=-1)
        mixed = (outs * gates.unsqueeze(-2)).sum(-1)
        return mixed * self.extra["right"] + self.extra["left"]


def fill(model):
    for p in model.parameters():
        p.data.copy_(torch.from_numpy(rng.uniform(-0.5, 0.5, p.shape)))


model = Mixture()
fill(model)
print(model)
print([name for name, _ in model.named_parameters()])
print([name for name, _ in model.named_modules()])
print(list(model.state_dict()), len(list(model.parameters())), len(model.experts), "tanh" in model.choices)

x = torch.from_numpy(rng.normal(size=(5, 4))).float()
optimizer = torch.optim.NAdam(model.parameters(), lr=0.05)
for act in ("relu", "tanh", "prelu", "relu"):
    optimizer.zero_grad()
    loss = (model(x, act) - x).abs().mean()
    loss.backward()
    optimizer.step()
    print(act, loss.item(), int(model.calls), sum(p.grad is not None for p in model.parameters()))

buffer = io.BytesIO()
torch.save(model.state_dict(), buffer)
buffer.seek(0)
other = Mixture()
state = torch.load(buffer)
print(other.load_state_dict(state), torch.equal(other(x), model(x)))
del state["calls"]
state["more"] = torch.zeros(1)
result = other.load_state_dict(state, strict=False)
print(result.missing_keys, result.unexpected_keys)
try:
    other.load_state_dict(state)
except RuntimeError as error:
    print("RuntimeError", "calls" in str(error), "more" in str(error))
try:
    Mixture(2).load_state_dict(model.state_dict())
except RuntimeError as error:
    print("RuntimeError", "size mismatch for gate.0.weight" in str(error))

model.experts.append(nn.Linear(4, 4, bias=False))
model.experts.insert(0, nn.Identity())
model.choices.update({"elu": nn.ELU()})
model.choices.pop("tanh")
print(len(model.experts), list(model.choices.keys()), model.experts[-1])
print(model.experts[1] is model.tied, [type(m).__name__ for m in model.experts[:2]])
double = Mixture().double()
print({p.dtype for p in double.parameters()}, double.calls.dtype, next(double.parameters()).is_leaf)
double.half().float().requires_grad_(False)
print(any(p.requires_grad for p in double.parameters()), double.training, double.eval().training)
seq = nn.Sequential(nn.Linear(2, 3), nn.ReLU())
seq.append(nn.Linear(3, 1)).extend([nn.Sigmoid()])
print(seq, len(seq), seq[1:3])
seq.apply(lambda m: print("visits", m.__class__.__name__))
print(model.get_submodule("gate.0"), model.get_parameter("extra.left").shape)
