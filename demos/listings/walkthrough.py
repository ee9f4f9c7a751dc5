# The small programs printed in "PyTorch - Variables, functionals and Autograd", one after another, with only the import lines
# changed. What is marked "added" prints what the document shows in comments.
import dynamic as torch
from dynamic.autograd import Variable
# Variables wrap a Tensor
x = Variable(torch.ones(2, 2), requires_grad=True)
print(x)  # added
# Variable containing:
# 1  1
# 1  1
# [torch.FloatTensor of size 2x2]
y = x + 2            # Create y from an operation
print(y)  # added
# Variable containing:
# 3  3
# 3  3
# [torch.FloatTensor of size 2x2]
z = torch.add(x, y)  # Same as z = x + y
print(z)  # added
z = y * y * 2
out = z.mean()
print(out)  # added
# The document prints 2 here. The value is 18: the mean of 2 * 3 * 3.
out.backward()
print(x.grad)
# Variable containing:
# 3 3
# 3 3
# [torch.FloatTensor of size 2x2]

x = Variable(torch.ones(2, 2), requires_grad=True)
y = x + 1
print(x.grad_fn)     # None
print(y.grad_fn)     # The Function that create the Variable y
# <AddBackward0 object at 0x102995438>

x = torch.randn(3)
x = Variable(x, requires_grad=True)
y = x * 2
while y.data.norm() < 100:
    y = y * 2
print(y)
# Variable containing:
#  48.8215
# 162.7583
# -69.1980
# [torch.FloatTensor of size 3]
gradients = torch.FloatTensor([0.1, 1.0, 0.0001])
y.backward(gradients)
print(x.grad)
# Variable containing:
#  6.4000               - backpropagate gradient of 0.1
# 64.0000               - backpropagate gradient of 1.0
#  0.0064
# [torch.FloatTensor of size 3]
