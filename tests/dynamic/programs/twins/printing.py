"""What the program of 2017 printed, composed of today's numbers."""

import torch


def show(rows, kind, variable=False):
    size = "x".join(map(str, rows.shape or (1,)))
    if rows.ndim == 2:
        lines = ["  ".join(map(str, row)) for row in rows.tolist()]
    else:
        lines = [str(number) for number in rows.reshape(-1).tolist()]
    head = ["Variable containing:"] if variable else [""]
    print("\n".join([*head, *lines, f"[torch.{kind}Tensor of size {size}]", ""]))


x = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
show(x, "Float")
print(x.size(), x.sum().item(), x[0, 1].item())
show(torch.tensor([1, 20, 300]), "Long")
show(x * 0.5, "Float")
v = x.clone().requires_grad_()
show(v + 1, "Float", True)
(v * v * 3).mean().backward()
show(v.grad, "Float", True)
show(v.mean(), "Float", True)
show((v * 2).data + x, "Float")
