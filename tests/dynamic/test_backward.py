"""``backward`` and ``autograd.grad``: what they need, what they give, and whose memory it is."""

import numpy as np
import pytest

import dynamic as torch
from dynamic.autograd import grad


def leaf(*numbers, dtype="float64"):
    return torch.from_numpy(np.array(numbers, dtype)).requires_grad_()


# Backward


def test_a_second_backward_needs_what_the_first_freed():
    x = leaf(1, 2)
    loss = (x * x).sum()
    loss.backward()
    with pytest.raises(RuntimeError, match=r"(?s)second time.*MulBackward0.*retain_graph=True"):
        loss.backward()
    assert x.grad.tolist() == [2.0, 4.0]


def test_a_second_backward_through_what_saves_nothing_works():
    x = leaf(1, 2)
    loss = (x + 1).sum()
    loss.backward()
    loss.backward()
    assert x.grad.tolist() == [2.0, 2.0]


@pytest.mark.parametrize("keep", [{"retain_graph": True}, {"retain_variables": True}, {"create_graph": True}])
def test_a_graph_that_is_kept_can_be_used_again(keep):
    x = leaf(3)
    loss = (x * x).sum()
    loss.backward(**keep)
    loss.backward()
    assert x.grad.tolist() == [12.0]
    with pytest.raises(RuntimeError, match="second time"):
        loss.backward()


def test_gradients_add_up_until_they_are_zeroed():
    x = leaf(1, 2)
    for _ in range(3):
        (x * 2).sum().backward()
    kept = x.grad
    assert kept.tolist() == [6.0, 6.0]
    kept.data.zero_()
    assert x.grad is kept
    x.grad = None
    (x * 2).sum().backward()
    assert kept.tolist() == [0.0, 0.0]
    assert x.grad.tolist() == [2.0, 2.0]


def test_a_gradient_shares_memory_with_nothing():
    seed = torch.ones(2, 2, dtype=torch.float64)
    x, y, z = (torch.from_numpy(np.ones((2, 2))).requires_grad_() for _ in range(3))
    v = torch.from_numpy(np.ones(4)).requires_grad_()
    c = torch.from_numpy(np.full((2, 2), 5.0))
    total = x + y + z.t() + v.view(2, 2) + (x * c) * 0 + z
    total.backward(seed)
    arrays = [seed.numpy(), c.numpy(), *(each.grad.numpy() for each in (x, y, z, v))]
    for i, a in enumerate(arrays):
        for b in arrays[:i]:
            assert not np.shares_memory(a, b)
    for each in (x, y, z, v):
        each.grad.add_(1)
    assert seed.tolist() == [[1.0, 1.0], [1.0, 1.0]]


def test_gradients_of_one_leaf_twice_and_of_a_scalar_are_its_own():
    x, y = leaf(1, 2), torch.tensor(3.0, requires_grad=True)
    x.backward(torch.ones(2, dtype=torch.float64))
    y.backward()
    y.grad.add_(1)
    z = torch.tensor(3.0, requires_grad=True)
    z.backward()
    assert (x.grad.tolist(), y.grad.item(), z.grad.item()) == ([1.0, 1.0], 2.0, 1.0)
    w = c = torch.ones(2, requires_grad=True)
    (w * 1).backward(c.detach())
    w.grad.zero_()
    assert c.tolist() == [1.0, 1.0]


def test_a_gradient_has_the_layout_that_a_program_may_write_into():
    x = torch.ones(3, 4, requires_grad=True)
    x.sum().backward()
    x.grad[0] = 2
    assert x.grad.sum().item() == 16.0
    x.sum().backward()
    assert x.grad.sum().item() == 28.0


def test_backward_of_what_is_no_scalar_needs_a_gradient():
    x = leaf(1, 2)
    with pytest.raises(RuntimeError, match="scalar"):
        (x * 2).backward()
    (x * 2).backward(torch.DoubleTensor([1, 10]))
    assert x.grad.tolist() == [2.0, 20.0]
    with pytest.raises(RuntimeError, match=r"\(3,\).*\(2,\)"):
        (x * 2).backward(torch.ones(3, dtype=torch.float64))
    (x * 2).sum().backward(torch.DoubleTensor([1.0]))
    assert x.grad.tolist() == [4.0, 22.0]


def test_backward_of_what_has_no_history():
    with pytest.raises(RuntimeError, match="does not require grad"):
        torch.ones(1).backward()
    with pytest.raises(RuntimeError, match="does not require grad"):
        grad(leaf(1).sum(), torch.ones(1))
    with pytest.raises(TypeError, match="int"):
        torch.autograd.backward([3])


def test_backward_into_chosen_inputs():
    x, y = leaf(1), leaf(2)
    middle = x * y
    (middle * middle).sum().backward(inputs=[x, middle])
    assert x.grad.tolist() == [8.0]
    assert middle.grad.tolist() == [4.0]
    assert y.grad is None


def test_backward_of_several():
    x = leaf(1, 2)
    torch.autograd.backward([x.sum(), (x * x)], [None, torch.ones(2, dtype=torch.float64)])
    assert x.grad.tolist() == [3.0, 5.0]
    with pytest.raises(RuntimeError, match=r"1 tensors and 2 gradients"):
        torch.autograd.backward([x.sum()], [None, None])


def test_grad_of_values_in_the_middle_of_the_graph():
    x, unused = leaf(2), leaf(1)
    y = x * x
    z = y * x
    assert [g.item() for g in grad(z.sum(), [y, x], retain_graph=True)] == [2.0, 12.0]
    assert x.grad is None
    with pytest.raises(RuntimeError, match="allow_unused"):
        grad(z.sum(), [x, unused], retain_graph=True)
    first, second = grad(z.sum(), [x, unused], allow_unused=True)
    assert first.item() == 12.0
    assert second is None


def test_gradients_to_third_order():
    x = leaf(2.0, -1.0)
    y = (x**5).sum()
    found = []
    for _ in range(3):
        (g,) = grad(y, x, create_graph=True)
        found.append(g.tolist())
        y = g.sum()
    assert found == [[80.0, 5.0], [160.0, -20.0], [240.0, 60.0]]
    y.backward()
    assert x.grad.tolist() == [240.0, -120.0]


def test_a_gradient_that_was_recorded_can_be_part_of_a_loss():
    x = leaf(3)
    (g,) = grad((x**3).sum(), x, create_graph=True)
    ((g - 1) ** 2).sum().backward()
    assert x.grad.tolist() == [2 * (27 - 1) * 18.0]
    assert not grad((x * x).sum(), x)[0].requires_grad


# What requires a gradient


def test_requires_grad_is_set_on_floating_leaves():
    x = torch.ones(2)
    x.requires_grad = True
    y = x * 2
    assert (x.is_leaf, y.is_leaf, y.requires_grad, (y > 1).requires_grad) == (True, False, True, False)
    with pytest.raises(RuntimeError, match="leaves"):
        y.requires_grad = False
    with pytest.raises(RuntimeError, match="floating"):
        torch.ones(2).long().requires_grad_()
    x.requires_grad = False
    assert not (x * 2).requires_grad


def test_detach_leaves_the_history_behind():
    x = leaf(1, 2)
    y = (x * 2).detach()
    assert y.grad_fn is None
    (x * y).sum().backward()
    assert x.grad.tolist() == [2.0, 4.0]
    z = x * 2
    assert z.detach_() is z
    assert z.is_leaf


def test_gradients_overflow_where_warnings_are_errors():
    """As they are in these tests: in rules, where gradients meet on the way, and where they add to what is there."""
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    y = x * 1.0
    ((y * 3e38 + y * 3e38) + y.log() * 0.0).sum().backward()
    assert x.grad.tolist() == [np.inf, np.inf]
    w = torch.tensor([1.0, 2.0], requires_grad=True)
    for _ in range(2):
        (w * torch.tensor([3e38, 1.0])).sum().backward()
    assert w.grad.tolist() == [np.inf, 2.0]
    zero = torch.zeros(1, requires_grad=True)
    zero.log().sum().backward()
    assert zero.grad.tolist() == [np.inf]
    (g,) = torch.autograd.grad((zero / zero).sum(), zero)
    assert g.isnan().all()


def test_a_gradient_that_a_hook_keeps_is_not_the_leafs():
    kept = []
    x = torch.ones(3, requires_grad=True)
    x.register_hook(kept.append)
    (x * 2).sum().backward()
    x.grad.zero_()
    assert kept[0].tolist() == [2.0, 2.0, 2.0]
