"""REINFORCE and a critic in the words of 0.2: stochastic Variables, action.reinforce, autograd.backward of a list."""

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim
import torch.autograd as autograd
from torch.autograd import Variable


rng = np.random.RandomState(0)


class Policy(nn.Module):
    def __init__(self):
        super(Policy, self).__init__()
        self.affine1 = nn.Linear(4, 12)
        self.action_head = nn.Linear(12, 2)
        self.value_head = nn.Linear(12, 1)
        self.saved_actions = []
        self.rewards = []

    def forward(self, x):
        x = F.relu(self.affine1(x))
        return F.softmax(self.action_head(x)), self.value_head(x)


model = Policy()
for p in model.parameters():
    p.data.copy_(torch.from_numpy(rng.uniform(-0.5, 0.5, tuple(p.size()))))
optimizer = optim.Adam(model.parameters(), lr=2e-2)


def select_action(state):
    state = torch.from_numpy(state).float().unsqueeze(0)
    probs, state_value = model(Variable(state))
    action = probs.multinomial()
    action.data.fill_(int(rng.uniform() > probs.data[0][0]))  # the same choices in every run
    model.saved_actions.append((action, state_value))
    return action.data


def finish_episode():
    R = 0
    value_loss = 0
    rewards = []
    for r in model.rewards[::-1]:
        R = r + 0.9 * R
        rewards.insert(0, R)
    rewards = torch.Tensor(rewards)
    rewards = (rewards - rewards.mean()) / (rewards.std() + np.finfo(np.float32).eps)
    for (action, value), r in zip(model.saved_actions, rewards):
        reward = r - value.data[0, 0]
        action.reinforce(reward)
        value_loss += F.smooth_l1_loss(value, Variable(torch.Tensor([[r]])))
    optimizer.zero_grad()
    final_nodes = [value_loss] + [action for action, _ in model.saved_actions]
    gradients = [torch.ones(1)] + [None] * len(model.saved_actions)
    autograd.backward(final_nodes, gradients)
    optimizer.step()
    del model.rewards[:]
    del model.saved_actions[:]
    return value_loss.data[0]


for episode in range(6):
    state, total = rng.uniform(-1, 1, 4), 0
    for t in range(10):
        action = select_action(state)
        reward = float(state[action[0, 0]] > 0)
        state = rng.uniform(-1, 1, 4)
        model.rewards.append(reward)
        total += reward
    print("Episode {}\treward: {:.1f}\tloss: {:.5f}".format(episode, total, finish_episode()))
probs, value = model(Variable(torch.eye(4), volatile=True))
print(probs.data.tolist(), value.data.sum())
