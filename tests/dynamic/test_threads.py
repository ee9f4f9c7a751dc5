"""Backward passes in several threads at once."""

import sys
import threading

import numpy as np
import pytest

import dynamic as torch


@pytest.fixture(autouse=True)
def _turns():
    """Threads take turns as often as Python lets them."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def together(count, work):
    """Do ``work(number)`` in threads that begin at once. Raises what one raises."""
    begin, errors = threading.Barrier(count), []

    def run(number):
        try:
            begin.wait(600)
            work(number)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(number,), daemon=True) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(600)
    assert not any(thread.is_alive() for thread in threads)
    if errors:
        raise errors[0]


@pytest.mark.parametrize("size", [3, 20_000])
def test_tapes_of_ten_threads_add_up_in_a_leaf_that_they_share(size, many):
    """Small whole numbers, whose sums are exact in any order; numpy lets other threads in where there are many."""
    times = many(500)
    w = torch.from_numpy(np.arange(size) % 5.0).requires_grad_()

    def work(number):
        for _ in range(times):
            h = w * (number + 1.0) + w.view(-1)
            h[0] = h[1] + w[0]
            (h + h.flip(0)).sum().backward()

    together(10, work)
    total = sum(number + 2.0 for number in range(10)) * 2 * times
    wanted = np.full(size, total)
    wanted[0], wanted[1] = 10 * 2 * times, 2 * total
    np.testing.assert_array_equal(w.grad.numpy(), wanted)


def test_no_first_gradient_is_lost(many):
    """The gradient that a leaf gets first is taken over, not added."""
    for _ in range(many(500)):
        w = torch.zeros(4, requires_grad=True)
        together(10, lambda _, w=w: (w * 2.0).sum().backward())
        assert w.grad.tolist() == [20.0] * 4


def test_threads_go_back_through_one_tape_that_is_kept(many):
    w = torch.ones(8, requires_grad=True)
    y = (w * 3.0).exp()
    for part in range(10):
        y = y + part
    loss = y.sum()
    wanted = torch.autograd.grad(loss, w, retain_graph=True)[0].numpy()

    def work(number):
        for _ in range(many(100)):
            np.testing.assert_array_equal(torch.autograd.grad(loss, w, retain_graph=True)[0].numpy(), wanted)

    together(10, work)
    loss.backward()
    with pytest.raises(RuntimeError, match="second time"):
        loss.backward()
