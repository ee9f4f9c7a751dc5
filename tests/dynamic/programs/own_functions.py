"""Functions with a backward pass of one's own: contexts, saved tensors, gradcheck, once_differentiable."""

import numpy as np
import torch
from torch.autograd import Function, gradcheck, gradgradcheck
from torch.autograd.function import once_differentiable


class LegendrePolynomial3(Function):
    @staticmethod
    def forward(ctx, input):
        ctx.save_for_backward(input)
        return 0.5 * (5 * input**3 - 3 * input)

    @staticmethod
    def backward(ctx, grad_output):
        (input,) = ctx.saved_tensors
        return grad_output * 1.5 * (5 * input**2 - 1)


class LinearFunction(Function):
    @staticmethod
    def forward(ctx, input, weight, bias=None):
        ctx.save_for_backward(input, weight, bias)
        output = input.mm(weight.t())
        if bias is not None:
            output += bias.unsqueeze(0).expand_as(output)
        return output

    @staticmethod
    def backward(ctx, grad_output):
        input, weight, bias = ctx.saved_tensors
        grad_input = grad_weight = grad_bias = None
        if ctx.needs_input_grad[0]:
            grad_input = grad_output.mm(weight)
        if ctx.needs_input_grad[1]:
            grad_weight = grad_output.t().mm(input)
        if bias is not None and ctx.needs_input_grad[2]:
            grad_bias = grad_output.sum(0)
        return grad_input, grad_weight, grad_bias


class GradReverse(Function):
    @staticmethod
    def forward(ctx, x, lambd):
        ctx.lambd = lambd
        return x.view_as(x)

    @staticmethod
    def backward(ctx, grad_output):
        return grad_output.neg() * ctx.lambd, None


class NumpySort(Function):
    """Sorts by numpy, and says which of its outputs has no gradient."""

    @staticmethod
    def forward(ctx, x):
        ind = np.argsort(x.detach().numpy(), axis=0)
        ind = torch.from_numpy(ind)
        ctx.mark_non_differentiable(ind)
        ctx.save_for_backward(ind)
        return x.gather(0, ind), ind

    @staticmethod
    @once_differentiable
    def backward(ctx, g, _):
        (ind,) = ctx.saved_tensors
        return torch.zeros_like(g).scatter_(0, ind, g)


class Linear(torch.nn.Module):
    def __init__(self, input_features, output_features, bias=True):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.empty(output_features, input_features))
        if bias:
            self.bias = torch.nn.Parameter(torch.empty(output_features))
        else:
            self.register_parameter("bias", None)
        torch.nn.init.uniform_(self.weight, -0.1, 0.1)
        if self.bias is not None:
            torch.nn.init.uniform_(self.bias, -0.1, 0.1)

    def forward(self, input):
        return LinearFunction.apply(input, self.weight, self.bias)

    def extra_repr(self):
        return f"input_features={self.weight.shape[1]}, bias={self.bias is not None}"


rng = np.random.RandomState(0)
x = torch.linspace(-np.pi, np.pi, 60, dtype=torch.double)
y = torch.sin(x)
a, b, c, d = (torch.full((), v, dtype=torch.double, requires_grad=True) for v in (0.0, -1.0, 0.0, 0.3))
P3 = LegendrePolynomial3.apply
for t in range(200):
    y_pred = a + b * P3(c + d * x)
    loss = (y_pred - y).pow(2).sum()
    if t % 50 == 49:
        print(t, loss.item())
    loss.backward()
    with torch.no_grad():
        for p in (a, b, c, d):
            p -= 1e-4 * p.grad
            p.grad = None
print(f"Result: y = {a.item():.6f} + {b.item():.6f} * P3({c.item():.6f} + {d.item():.6f} x)", y_pred.grad_fn is not None)

inputs = [torch.from_numpy(rng.normal(size=s)).requires_grad_() for s in ((4, 3), (2, 3), (2,))]
print(gradcheck(LinearFunction.apply, inputs, eps=1e-6, atol=1e-4), gradgradcheck(LinearFunction.apply, inputs))
print(gradcheck(P3, (torch.linspace(-1, 1, 5, dtype=torch.double, requires_grad=True),)))
layer = Linear(3, 2)
print(layer, [tuple(p.shape) for p in layer.parameters()])
layer.weight.data.fill_(0.5)
layer.bias.data.zero_()
out = layer(torch.ones(2, 3))
out.sum().backward()
print(out, layer.weight.grad, layer.bias.grad)

z = torch.tensor([3.0, 1.0, 2.0], requires_grad=True)
values, order = NumpySort.apply(GradReverse.apply(z, 0.5))
(values * torch.arange(1.0, 4.0)).sum().backward()
print(values, order.requires_grad, z.grad)
