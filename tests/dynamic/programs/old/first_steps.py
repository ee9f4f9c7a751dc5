"""What the first pages taught: loops on .data, gradients zeroed by hand, Functions as instances, hooks, old argument forms."""

from __future__ import print_function, division

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.autograd import Variable
from torch.nn import init


dtype = torch.FloatTensor
if torch.cuda.is_available():
    dtype = torch.cuda.FloatTensor
rng = np.random.RandomState(0)


class MyReLU(torch.autograd.Function):
    def forward(self, input):
        self.save_for_backward(input)
        return input.clamp(min=0)

    def backward(self, grad_output):
        (input,) = self.saved_tensors
        grad_input = grad_output.clone()
        grad_input[input < 0] = 0
        return grad_input


class Scale(torch.autograd.Function):
    def __init__(self, factor):
        super(Scale, self).__init__()
        self.factor = factor

    def forward(self, x, y):
        self.save_for_backward(x, y)
        return x * y * self.factor

    def backward(self, grad_output):
        x, y = self.saved_tensors
        return grad_output * y * self.factor, grad_output * x * self.factor


N, D_in, H, D_out = 8, 20, 10, 4
x = Variable(torch.from_numpy(rng.randn(N, D_in)).type(dtype), requires_grad=False)
y = Variable(torch.from_numpy(rng.randn(N, D_out)).type(dtype), requires_grad=False)
w1 = Variable(torch.from_numpy(rng.randn(D_in, H)).type(dtype), requires_grad=True)
w2 = Variable(torch.from_numpy(rng.randn(H, D_out)).type(dtype), requires_grad=True)
learning_rate = 1e-4
for t in range(60):
    relu = MyReLU()
    y_pred = relu(x.mm(w1)).mm(w2)
    loss = (y_pred - y).pow(2).sum()
    if t % 20 == 0:
        print(t, loss.data[0])
    loss.backward()
    w1.data -= learning_rate * w1.grad.data
    w2.data -= learning_rate * w2.grad.data
    w1.grad.data.zero_()
    w2.grad.data.zero_()
print("loss %.4f" % loss.data[0], "w1 %.5f" % w1.data.norm(), "w2 %.5f" % w2.data.norm())

a = Variable(torch.FloatTensor([0.3, -0.7, 1.1]), requires_grad=True)
b = a * 2
while b.data.norm() < 1000:
    b = b * 2
gradients = torch.FloatTensor([0.1, 1.0, 0.0001])
b.backward(gradients, retain_variables=True)
print(b.data.norm(), a.grad.data.tolist())
a.grad.data.zero_()
c = Scale(0.5)(a, b.detach())
c.register_hook(lambda g: g * 10)
c.sum().backward()
print(c.data.tolist(), a.grad.data.tolist())

net = nn.Sequential(nn.Linear(D_in, H), nn.Tanh(), nn.Linear(H, D_out), nn.Softmax())
init.xavier_uniform(net[0].weight, gain=init.calculate_gain("tanh"))
init.constant(net[0].bias, 0.1)
init.kaiming_normal(net[2].weight)
for param in net.parameters():
    param.data.uniform_(-0.1, 0.1)
for param in net.parameters():
    param.data.copy_(torch.from_numpy(rng.uniform(-0.3, 0.3, tuple(param.size()))))
print("between", net[0].weight.data.max() < 0.3)
target = Variable(torch.LongTensor([0, 1, 2, 3, 0, 1, 2, 3]))
criterion = nn.NLLLoss(size_average=False)
optimizer = torch.optim.Adam(net.parameters(), lr=1e-2, betas=(0.9, 0.999), eps=1e-8)
for epoch in range(5):
    optimizer.zero_grad()
    loss = criterion(torch.log(net(x)), target)
    loss.backward()
    total = torch.nn.utils.clip_grad_norm(net.parameters(), 5, norm_type=2)
    optimizer.step()
    print(epoch, loss.data[0], "%.4f" % total)
values, places = torch.max(net(x).data, 1)
print("right", (places == target.data).sum(), values.mean())

h = Variable(torch.zeros(2, 3)) + F.sigmoid(Variable(torch.ones(2, 3))) * F.tanh(Variable(torch.ones(2, 3)))
s = torch.addmm(1, h.data, 0.5, torch.ones(2, 4), torch.ones(4, 3)).add_(2, torch.ones(2, 3)).addcmul_(0.1, h.data, h.data)
print(h.data[0][0], s[1][2], h.size(0), s.sum(), torch.cat([s, s], 1).size())
print([F.mse_loss(h, h * 2, size_average=False).data[0], F.l1_loss(h, h * 2).data[0], F.softmax(h).data[0].sum()])
