"""Work in parts: all of it is done once, by several threads, whatever happens in one of them."""

import os
import threading

import numpy as np
import pytest

from graphs.core import parts
from graphs.ops import convolution, convolution_input, convolution_weight


LARGE = 1 << 40


@pytest.fixture
def three(monkeypatch):
    """Three threads, however many processors there are."""
    monkeypatch.setattr(parts, "threads", lambda: 3)
    monkeypatch.setattr(parts._Held, "pool", None)


def test_parts_are_all_examples_in_order(three):
    found = parts.in_parts(np, lambda first, last: (first, last, threading.get_ident()), 10, LARGE)
    assert [each[:2] for each in found] == [(0, 3), (3, 6), (6, 10)]
    assert found[0][2] == threading.get_ident()
    assert found[1][2] != threading.get_ident()


def test_little_work_is_one_part(three):
    assert parts.in_parts(np, lambda first, last: (first, last), 10, 100) == [(0, 10)]
    assert parts.in_parts(np, lambda first, last: (first, last), 0, LARGE) == [(0, 0)]
    assert len(parts.in_parts(np, lambda first, last: (first, last), 2, LARGE)) == 2


def test_how_many_threads_there_are(monkeypatch):
    count = parts.threads.__wrapped__
    here = len(os.sched_getaffinity(0))
    for said, wanted in (("3", 3), ("0", here), ("-1", here), ("many", here), ("", here)):
        monkeypatch.setenv("OMP_NUM_THREADS", said)
        assert count() == wanted
    monkeypatch.delattr(os, "sched_getaffinity")
    for there, wanted in ((5, 5), (None, 1)):
        monkeypatch.setattr(os, "cpu_count", lambda there=there: there)
        assert count() == wanted


def test_parts_inside_parts_are_not_parted(three):
    assert parts.in_parts(np, lambda *_: parts.in_parts(np, lambda *each: each, 9, LARGE), 3, LARGE) == [[(0, 9)]] * 3


@pytest.mark.parametrize("where", [0, 2])
def test_what_a_part_raises_comes_out_once_all_are_done(three, where):
    done = []

    def work(first, last):
        if first == where:
            raise ValueError("here")
        done.append(first)

    with pytest.raises(ValueError, match="here"):
        parts.in_parts(np, work, 3, LARGE)
    assert sorted(done) == sorted({0, 1, 2} - {where})
    assert len(parts.in_parts(np, lambda *each: each, 3, LARGE)) == 3


def test_numpys_settings_hold_in_all_threads(three):
    def work(first, last):
        return np.float32(1) / np.zeros(1, np.float32)

    with np.errstate(divide="ignore"):
        assert all(np.isinf(each) for each in parts.in_parts(np, work, 3, LARGE))


def test_blas_has_its_threads_back(three):
    found = parts._blas()
    if found is None:
        pytest.skip("numpy brings another BLAS")
    tell, put = found
    before = tell()
    put(2)
    try:
        assert parts.in_parts(np, lambda *_: tell(), 3, LARGE) == [1, 1, 1]
        assert tell() == 2
        with pytest.raises(ZeroDivisionError):
            parts.in_parts(np, lambda *_: 1 // 0, 3, LARGE)
        assert tell() == 2
    finally:
        put(before)


def test_many_callers_at_once(three):
    sums = []

    def call():
        sums.extend(sum(parts.in_parts(np, lambda first, last: last - first, 100, LARGE)) for _ in range(20))

    callers = [threading.Thread(target=call) for _ in range(4)]
    for each in callers:
        each.start()
    for each in callers:
        each.join()
    assert sums == [100] * 80


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_has_threads_of_its_own(three):
    parts.in_parts(np, lambda *_: None, 3, LARGE)
    child = os.fork()
    if not child:
        try:
            done = parts.in_parts(np, lambda first, last: last - first, 9, LARGE) == [3, 3, 3]
        finally:
            os._exit(0 if done else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


@pytest.mark.parametrize("how", [{}, {"strides": (2, 2)}, {"padding": ((1, 1), (1, 1))}, {"groups": 2}], ids=str)
def test_convolutions_in_parts(three, monkeypatch, how):
    draws = np.random.default_rng(0)
    x, w = draws.standard_normal((7, 9, 8, 4)), draws.standard_normal((3, 2, 4 // how.get("groups", 1), 6))
    wanted = [convolution(x, w, **how)]
    g = draws.standard_normal(wanted[0].shape)
    wanted += [convolution_input(g, w, x, **how), convolution_weight(x, g, w, **how)]
    monkeypatch.setattr(parts, "_LEAST", 1)
    found = [convolution(x, w, **how), convolution_input(g, w, x, **how), convolution_weight(x, g, w, **how)]
    for one, other in zip(found, wanted, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-12)
