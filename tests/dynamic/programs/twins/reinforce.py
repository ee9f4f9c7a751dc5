"""REINFORCE with a critic in today's words."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn, optim
from torch.distributions import Categorical


rng = np.random.RandomState(0)
body, actor, critic = nn.Sequential(nn.Linear(4, 12), nn.ReLU()), nn.Linear(12, 2), nn.Linear(12, 1)
parameters = [*body.parameters(), *actor.parameters(), *critic.parameters()]
for p in parameters:
    p.data.copy_(torch.from_numpy(rng.uniform(-0.5, 0.5, tuple(p.size()))))
optimizer = optim.Adam(parameters, lr=2e-2)
for episode in range(6):
    state, steps = rng.uniform(-1, 1, 4), []
    for _ in range(10):
        hidden = body(torch.from_numpy(state).float())
        chances = Categorical(logits=actor(hidden))
        action = int(rng.uniform() > chances.probs[0].item())
        reward = float(state[action] > 0)
        steps.append((chances.log_prob(torch.tensor(action)), critic(hidden), reward))
        state = rng.uniform(-1, 1, 4)
    R, returns = 0, []
    for *_, reward in reversed(steps):
        R = reward + 0.9 * R
        returns.insert(0, R)
    returns = torch.tensor(returns)
    returns = (returns - returns.mean()) / (returns.std() + np.finfo(np.float32).eps)
    value_loss = sum(F.smooth_l1_loss(value, r.view(1)) for (_, value, _), r in zip(steps, returns))
    policy_loss = -sum(log_prob * (r - value.item()) for (log_prob, value, _), r in zip(steps, returns))
    optimizer.zero_grad()
    (value_loss + policy_loss).backward()
    optimizer.step()
    print(f"Episode {episode}\treward: {sum(reward for *_, reward in steps):.1f}\tloss: {value_loss.item():.5f}")
with torch.no_grad():
    hidden = body(torch.eye(4))
    print(F.softmax(actor(hidden), 1).tolist(), critic(hidden).sum().item())
