"""Memory that tensors share, changes in place, and saved values that were changed."""

import numpy as np
import pytest

import dynamic as torch
from dynamic.autograd import Variable


def leaf(*numbers, dtype="float64"):
    return torch.from_numpy(np.array(numbers, dtype)).requires_grad_()


# Memory that is shared


def test_from_numpy_and_numpy_share_memory_both_ways():
    array = np.zeros(3)
    x = torch.from_numpy(array)
    array[0] = 1
    x[1] = 2
    x += 1
    x.numpy()[2] = 7
    assert array.tolist() == x.tolist() == [2.0, 3.0, 7.0]
    assert np.shares_memory(x.numpy(), array)
    assert not np.shares_memory(torch.tensor(array).numpy(), array)


def test_data_and_detach_share_memory_after_changes_too():
    x = leaf(1, 2)
    for other in (x.data, x.detach()):
        other *= 2
        assert x.tolist() == other.tolist()
        assert not other.requires_grad
    assert x.tolist() == [4.0, 8.0]


def test_a_variable_is_a_tensor_that_shares_the_memory_of_what_it_wraps():
    data = torch.ones(2)
    x = Variable(data, requires_grad=True)
    assert type(x) is torch.Tensor
    assert isinstance(x, Variable)
    assert isinstance(data, Variable)
    assert x.data_ptr() == data.data_ptr()
    assert x.requires_grad
    assert not data.requires_grad
    assert not Variable(data, volatile=True).requires_grad


def test_numpy_needs_no_history():
    with pytest.raises(RuntimeError, match="detach"):
        leaf(1).numpy()
    assert leaf(1).detach().numpy().tolist() == leaf(1).numpy(force=True).tolist() == [1.0]


# Changes in place and versions


def test_versions_are_counted_together_for_views():
    x = torch.zeros(4)
    view, other = x[:2], x.detach()
    assert x._version == 0
    x += 1
    view.mul_(2)
    other[0] = 5
    x.data.zero_()
    assert x._version == view._version == other._version == 3


def test_a_saved_argument_that_has_changed_is_an_error_that_says_where():
    x = leaf(1, 2)
    y = x * 2
    z = y * y  # the line that saved y
    y += 1
    with pytest.raises(RuntimeError, match=r"(?s)inplace.*MulBackward0.*test_versions.*the line that saved y") as error:
        z.sum().backward()
    assert "z.sum().backward()" in str(error.value)


@pytest.mark.parametrize("change", [lambda y: y.detach().add_(1), lambda y: y[0].fill_(3), lambda y: y.view(2, 1).zero_()])
def test_changes_through_views_and_detached_tensors_are_seen(change):
    y = leaf(1, 2) * 2
    z = y.exp() * y
    change(y)
    with pytest.raises(RuntimeError, match="inplace"):
        z.sum().backward()


def test_a_saved_output_that_has_changed_is_an_error():
    y = leaf(1, 2).exp()
    y.add_(1)
    with pytest.raises(RuntimeError, match="ExpBackward0"):
        y.sum().backward()


def test_changes_of_what_no_rule_reads_are_no_error():
    x = leaf(1, 2)
    y = x * 3
    z = y + 1
    y += 1
    z *= 2
    (y.sum() + z.sum()).backward()
    assert x.grad.tolist() == [9.0, 9.0]


def test_a_change_before_the_use_is_no_error():
    x = leaf(1, 2)
    y = x * 1
    y *= 3
    (y * y).sum().backward()
    assert x.grad.tolist() == [18.0, 36.0]


def test_changes_of_data_are_not_seen():
    w = leaf(3)
    loss = (w * w).sum()
    w.data -= 1
    loss.backward()
    assert w.tolist() == [2.0]
    assert w.grad.tolist() == [4.0]


@pytest.mark.parametrize(
    "change",
    [
        lambda x: x.add_(1),
        lambda x: x.__imul__(2),
        lambda x: x.zero_(),
        lambda x: x[0].fill_(9),
        lambda x: x.__setitem__(0, 9),
    ],
)
def test_a_leaf_that_collects_gradients_is_not_changed(change):
    x = leaf(1, 2)
    with pytest.raises(RuntimeError, match=r"(?s)leaf.*in-place.*test_versions"):
        change(x)
    assert x.tolist() == [1.0, 2.0]
    with torch.no_grad():
        change(x)
    assert x.is_leaf
    assert x.tolist() != [1.0, 2.0]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda x: x.__imul__(torch.tensor([2.0, 1e30, 1.0])), [6.0, np.inf, 3e38]),
        (lambda x: x.__imul__(torch.tensor([2.0, 1e30, 1.0], dtype=torch.float64)), [6.0, np.inf, 3e38]),
        (lambda x: x[1:].__imul__(x[:-1]), [3.0, 3e38, np.inf]),
        (lambda x: x.__imul__(x), [9.0, np.inf, np.inf]),
        (lambda x: x.__itruediv__(0.0), [np.inf, np.inf, np.inf]),
    ],
    ids=["overflow", "overflow in another dtype", "overflow into what is read", "overflow of a square", "division by zero"],
)
def test_a_change_is_made_once_where_warnings_are_errors(change, expected):
    """As they are in these tests: numpy raises after it has written some of the memory, or all of it."""
    x = torch.tensor([3.0, 1e38, 3e38])
    change(x)
    np.testing.assert_array_equal(x.numpy(), np.array(expected, np.float32))
