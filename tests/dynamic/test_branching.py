"""``cond`` and ``while_loop`` as programs write them."""

import pytest

import dynamic as torch


@pytest.mark.parametrize("x", [-2.0, 3.0])
def test_cond(x):
    t = torch.tensor(x, requires_grad=True)
    y = torch.cond(t > 0, lambda t: t**2, lambda t: -t, (t,))
    y.backward()
    assert (y.item(), t.grad.item()) == ((9, 6) if x > 0 else (2, -1))


def test_while_loop():
    t = torch.tensor(1.5, requires_grad=True)
    count, y = torch.while_loop(lambda i, y: i < 4, lambda i, y: (i + 1, y * t), (torch.tensor(0), torch.tensor(1.0)))
    y.backward()
    assert (count.item(), y.item(), t.grad.item()) == (4, 1.5**4, 4 * 1.5**3)


@pytest.mark.parametrize("args", [(True, 3, abs, (1,)), (True, abs, abs, 1), (torch.ones(2) > 0, abs, abs, (1,))], ids=str)
def test_errors_of_cond(args):
    with pytest.raises(RuntimeError):
        torch.cond(*args)
