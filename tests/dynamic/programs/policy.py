"""REINFORCE and actor-critic on a small corridor: Categorical, log_prob, returns, entropy; and a Gaussian policy."""

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim
from torch.distributions import Categorical, Normal


rng = np.random.RandomState(11)
eps = np.finfo(np.float32).eps.item()


class Corridor:
    """Walk from the middle to the right end; each step costs."""

    def __init__(self, length=5):
        self.length = length

    def reset(self):
        self.position, self.steps = self.length // 2, 0
        return self._observe()

    def step(self, action):
        self.position += 1 if action == 1 else -1
        self.steps += 1
        done = self.position in (0, self.length - 1) or self.steps == 20
        reward = 1.0 if self.position == self.length - 1 else -0.1
        return self._observe(), reward, done, {}

    def _observe(self):
        return np.eye(self.length, dtype=np.float32)[min(max(self.position, 0), self.length - 1)]


class Policy(nn.Module):
    def __init__(self):
        super().__init__()
        self.affine1 = nn.Linear(5, 16)
        self.action_head = nn.Linear(16, 2)
        self.value_head = nn.Linear(16, 1)
        self.saved_log_probs, self.saved_values, self.rewards, self.entropies = [], [], [], []

    def forward(self, x):
        x = F.relu(self.affine1(x))
        return F.softmax(self.action_head(x), dim=-1), self.value_head(x)


def select_action(policy, state):
    probs, value = policy(torch.from_numpy(state))
    m = Categorical(probs)
    action = torch.tensor(int(rng.uniform() > probs[0].item()))  # m.sample(), by numbers that are the same everywhere
    policy.saved_log_probs.append(m.log_prob(action))
    policy.entropies.append(m.entropy())
    policy.saved_values.append(value)
    return action.item()


def finish_episode(policy, optimizer, gamma=0.95):
    R, returns = 0, []
    for r in policy.rewards[::-1]:
        R = r + gamma * R
        returns.insert(0, R)
    returns = torch.tensor(returns)
    if len(returns) > 1:
        returns = (returns - returns.mean()) / (returns.std() + eps)
    policy_losses, value_losses = [], []
    for log_prob, value, R in zip(policy.saved_log_probs, policy.saved_values, returns):
        policy_losses.append(-log_prob * (R - value.item()))
        value_losses.append(F.smooth_l1_loss(value, R.reshape(1)))
    optimizer.zero_grad()
    loss = torch.stack(policy_losses).sum() + torch.stack(value_losses).sum() - 0.01 * torch.stack(policy.entropies).mean()
    loss.backward()
    optimizer.step()
    for saved in (policy.saved_log_probs, policy.saved_values, policy.rewards, policy.entropies):
        del saved[:]
    return loss


env, policy = Corridor(), Policy()
for p in policy.parameters():
    p.data.copy_(torch.from_numpy(rng.uniform(-0.4, 0.4, tuple(p.shape))))
optimizer = optim.Adam(policy.parameters(), lr=2e-2)
running = 0.0
for i_episode in range(1, 25):
    state, ep_reward = env.reset(), 0
    for _ in range(1, 30):
        action = select_action(policy, state)
        state, reward, done, _ = env.step(action)
        policy.rewards.append(reward)
        ep_reward += reward
        if done:
            break
    running = 0.1 * ep_reward + 0.9 * running
    loss = finish_episode(policy, optimizer)
    if i_episode % 8 == 0:
        print(f"Episode {i_episode}\tLast reward: {ep_reward:.2f}\tAverage reward: {running:.4f}\tloss: {loss.item():.5f}")
with torch.no_grad():
    probs, values = policy(torch.eye(5))
print(probs, values.squeeze(-1))

mu = torch.zeros(2, requires_grad=True)
log_std = nn.Parameter(torch.zeros(2))
optimizer = optim.SGD([mu, log_std], lr=0.05)
for _ in range(20):
    dist = Normal(mu, log_std.exp())
    action = torch.as_tensor(rng.normal(size=(8, 2)), dtype=torch.float32) * dist.stddev.detach() + mu.detach()
    reward = -((action - torch.tensor([1.0, -1.0])) ** 2).sum(-1)
    advantage = (reward - reward.mean()) / reward.std()
    loss = -(dist.log_prob(action).sum(-1) * advantage).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(mu, log_std, dist)
