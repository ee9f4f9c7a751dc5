"""A training loop of legacy.nn: forward and backward by hand, getParameters, a closure for legacy.optim."""

import numpy as np
import torch
import torch.legacy.nn as nn
import torch.legacy.optim as optim


rng = np.random.RandomState(3)
x = torch.from_numpy(rng.normal(size=(20, 4))).float()
y = torch.from_numpy((rng.normal(size=(20, 4)) + x.numpy()).argmax(1)).long()

net = nn.Sequential()
net.add(nn.Linear(4, 8))
net.add(nn.Tanh())
net.add(nn.Linear(8, 4))
net.add(nn.LogSoftMax())
criterion = nn.ClassNLLCriterion()
for i in (0, 2):
    net.get(i).weight.copy_(torch.from_numpy(rng.uniform(-0.5, 0.5, tuple(net.get(i).weight.size()))))
    net.get(i).bias.zero_()
print(net.size(), sum(p.numel() for p in net.parameters()[0]))

for epoch in range(5):
    net.zeroGradParameters()
    output = net.forward(x)
    loss = criterion.forward(output, y)
    gradient = criterion.backward(output, y)
    net.backward(x, gradient)
    net.updateParameters(0.5)
    print(epoch, "%.5f" % loss, "%.5f" % net.get(0).gradWeight.norm())

parameters, gradients = net.flattenParameters()
state = {"learningRate": 0.1, "momentum": 0.9, "dampening": 0.0}


def feval(parameters):
    gradients.zero_()
    output = net.forward(x)
    loss = criterion.forward(output, y)
    net.backward(x, criterion.backward(output, y))
    return loss, gradients


for step in range(5):
    _, loss = optim.sgd(feval, parameters, state)
    print(step, "%.5f" % loss)
net.evaluate()
values, places = net.forward(x).max(1)
print((places.view(-1) == y).sum(), values.sum(), net.output[0].sum() < 0)
