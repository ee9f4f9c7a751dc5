"""What programs of 2017 printed: tensors with their types and sizes, Variables, gradients."""

from __future__ import print_function

import torch
from torch.autograd import Variable


x = torch.Tensor([[1, 2], [3, 4]])
print(x)
print(x.size(), x.sum(), x[0][1])
print(torch.LongTensor([1, 20, 300]))
print(x * 0.5)
v = Variable(x, requires_grad=True)
print(v + 1)
(v * v * 3).mean().backward()
print(v.grad)
print(v.mean())
print((v * 2).data.add(x))
