"""What a tape keeps and when it lets go; long chains; long training."""

import gc
import tracemalloc
import weakref

import numpy as np
import pytest

import dynamic as torch
from dynamic.autograd import grad
from dynamic.tape import Record


def leaf(*numbers, dtype="float64"):
    return torch.from_numpy(np.array(numbers, dtype)).requires_grad_()


# Memory


@pytest.fixture
def _no_collector():
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def records():
    return sum(type(each) is Record for each in gc.get_objects())


@pytest.mark.usefixtures("_no_collector")
def test_a_tape_is_freed_by_reference_counting():
    x = torch.ones(4, 4, requires_grad=True)
    before = records()
    h = x
    kept = []
    for _ in range(5):
        h = (h @ x).tanh() * 1
        h[0] = h[1] * 2
        first, second = h.split(2)
        h = torch.cat([second, first])
        kept.append(weakref.ref(h))
    loss = h.max(1).values.sum()
    assert records() > before + 20
    loss.backward()
    (g,) = grad((x**3).sum(), x, create_graph=True)
    g.sum().backward()
    del h, loss, first, second, g
    x.grad = None
    assert [each() for each in kept] == [None] * 5
    assert records() == before


@pytest.mark.usefixtures("_no_collector")
def test_what_no_rule_reads_is_freed_while_the_tape_lives():
    x = torch.ones(100, requires_grad=True)
    inner = x * 2
    array = weakref.ref(inner.detach().numpy())
    y = inner + 1
    del inner
    assert array() is None
    y.sum().backward()


def test_views_are_forgotten_when_they_die():
    x = torch.zeros(10)
    kept = x[2:]
    for _ in range(100):
        x[1:].t().view(3, 3)
    assert len(x._views) == 1
    kept[0] = torch.ones(1, requires_grad=True)[0]
    assert x.requires_grad
    assert kept.requires_grad


def test_training_does_not_grow_memory():
    rng = np.random.default_rng(0)
    x, y = (torch.from_numpy(rng.standard_normal(shape)) for shape in ((8, 4), (8, 2)))
    w1, w2 = (torch.from_numpy(rng.standard_normal(shape) * 0.3).requires_grad_() for shape in ((4, 5), (5, 2)))
    optimizer = torch.optim.Adam([w1, w2], lr=1e-3)

    def steps(count):
        for _ in range(count):
            optimizer.zero_grad()
            loss = (x.mm(w1).clamp(min=0).mm(w2) - y).pow(2).sum()
            loss.backward()
            optimizer.step()
        return loss.item()

    first = steps(1)
    steps(500)
    tracemalloc.start()
    try:
        steps(1000)  # until Python keeps as many spare objects as it will
        before = tracemalloc.get_traced_memory()[0]
        last = steps(8500)
        grown = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert last < first / 2
    assert grown < 20_000


def test_a_chain_of_100000_operations(many):
    x = leaf(1.0)
    h = x
    for _ in range(many(50_000)):
        h = h + 1
        h = h * 0.5
    h.backward(torch.ones(1, dtype=torch.float64))
    assert h.item() == pytest.approx(1.0)
    assert x.grad.item() == 0.5 ** many(50_000)
    (g,) = grad((x * 1).sum(), x)
    assert g.item() == 1.0
    end = weakref.ref(h)
    del h
    assert end() is None
