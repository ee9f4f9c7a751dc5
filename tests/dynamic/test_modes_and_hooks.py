"""Hooks, retained gradients, grad modes, and tapes in several threads."""

import threading

import numpy as np
import pytest

import dynamic as torch
from dynamic.autograd import grad


def leaf(*numbers, dtype="float64"):
    return torch.from_numpy(np.array(numbers, dtype)).requires_grad_()


# Hooks


def test_hooks_see_and_replace_gradients():
    x = leaf(1, 2)
    y = x * 3
    seen = []
    y.register_hook(lambda g: seen.append(g.tolist()))
    doubled = y.register_hook(lambda g: g * 2)
    x.register_hook(lambda g: seen.append(g.tolist()))
    y.sum().backward(retain_graph=True)
    assert seen == [[1.0, 1.0], [6.0, 6.0]]
    assert x.grad.tolist() == [6.0, 6.0]
    doubled.remove()
    doubled.remove()
    y.sum().backward()
    assert seen[-1] == [3.0, 3.0]
    assert x.grad.tolist() == [9.0, 9.0]


def test_a_hook_needs_a_tensor_that_requires_a_gradient():
    with pytest.raises(RuntimeError, match="hook"):
        torch.ones(1).register_hook(print)


def test_hooks_on_one_of_several_outputs():
    x = leaf(1, 2, 3)
    first, second = x.split([1, 2])
    second.register_hook(lambda g: g * 10)
    (first.sum() + second.sum()).backward()
    assert x.grad.tolist() == [1.0, 10.0, 10.0]


def test_hooks_on_an_output_that_no_gradient_reaches_are_not_called():
    x = leaf(1, 2, 3)
    first, second = x.split([1, 2])
    seen = []
    for _ in range(2):
        second.register_hook(seen.append)
    first.register_hook(lambda g: g * 10)
    first.sum().backward()
    assert x.grad.tolist() == [10.0, 0.0, 0.0]
    assert seen == []


def test_retained_gradients_of_values_that_are_no_leaves():
    x = leaf(1, 2)
    y = x * 3
    y.retain_grad()
    for _ in range(2):
        (y * y).sum().backward(retain_graph=True)
    assert y.grad.tolist() == [12.0, 24.0]
    x.retain_grad()
    assert (x * 2).grad is None


def test_what_is_retained_is_what_all_hooks_made_of_it():
    x = leaf(1, 2)
    y = x * 3
    before = y.register_hook(lambda g: g + 1)
    y.retain_grad()
    y.register_hook(lambda g: g * 10)
    y.sum().backward(retain_graph=True)
    assert y.grad.tolist() == [20.0, 20.0]
    before.remove()
    y.sum().backward()
    assert y.grad.tolist() == [30.0, 30.0]
    assert x.grad.tolist() == [90.0, 90.0]


def test_a_shape_given_to_the_array_is_no_change_of_the_tensor():
    x = torch.zeros(4)
    array = x.numpy()
    array.shape = 2, 2
    array[1, 1] = 5
    assert x.tolist() == [0.0, 0.0, 0.0, 5.0]


# Modes


def test_modes_nest_and_decorate():
    x = leaf(1)

    @torch.no_grad()
    def off():
        return x * 2

    @torch.enable_grad
    def on():
        return x * 2

    with torch.no_grad():
        assert not torch.is_grad_enabled()
        assert not (x * 2).requires_grad
        assert on().requires_grad
        with torch.enable_grad():
            assert (x * 2).requires_grad
            with torch.set_grad_enabled(False):
                assert not (x * 2).requires_grad
            assert (x * 2).requires_grad
        assert not (x * 2).requires_grad
    assert not off().requires_grad
    assert torch.is_grad_enabled()
    assert off.__name__ == "off"


def test_a_mode_ends_with_an_exception_and_holds_when_called():
    with pytest.raises(KeyError), torch.no_grad():
        raise KeyError
    assert torch.is_grad_enabled()
    torch.set_grad_enabled(False)
    assert not torch.is_grad_enabled()
    torch.set_grad_enabled(True)
    assert torch.is_grad_enabled()


def test_a_mode_is_its_thread_s_own():
    seen = []
    with torch.no_grad():
        thread = threading.Thread(target=lambda: seen.append(torch.is_grad_enabled()))
        thread.start()
        thread.join()
    assert seen == [True]


def test_ten_threads_with_tapes_of_their_own_share_a_leaf():
    w = torch.from_numpy(np.linspace(-1, 1, 50)).requires_grad_()
    found = {}

    def work(k, times=20):
        for _ in range(times):
            h = w * k
            for _ in range(10):
                h = (h + w).tanh()
            found.setdefault(k, []).append(grad(h.sum(), w)[0].numpy())

    threads = [threading.Thread(target=work, args=(k,)) for k in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 10
    for k, gradients in found.items():
        assert len(gradients) == 20
        work(k, 1)
        for g in gradients:
            np.testing.assert_array_equal(g, gradients[-1])
