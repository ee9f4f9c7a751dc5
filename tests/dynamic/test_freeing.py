"""What a tape keeps and when it lets go; long chains; long training."""

import gc
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
