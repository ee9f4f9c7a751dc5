"""Loaders whose batches other processes make: order, seeds, errors, ends of every kind, and nothing left behind."""

import gc
import multiprocessing
import os
import random
import signal
import subprocess
import sys
import time
from multiprocessing import forkserver, resource_tracker
from pathlib import Path

import numpy as np
import pytest

import dynamic
from dynamic.utils.data import DataLoader, Dataset, IterableDataset, TensorDataset, get_worker_info


pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="descriptors are passed on POSIX only")

ROOT = Path(__file__).resolve().parents[2]


class Squares(Dataset):
    """Arrays large enough for shared memory, and what they are squares of."""

    def __init__(self, n=10, size=3000):
        self.n, self.size = n, size

    def __len__(self):
        return self.n

    def __getitem__(self, i):
        return np.full(self.size, i * i, np.float32), i


class Draws(Dataset):
    """What the generators of the worker draw."""

    def __len__(self):
        return 4

    def __getitem__(self, i):
        return random.random(), np.random.random(), dynamic.rand(1), get_worker_info().seed - get_worker_info().id


class SpecialError(Exception):
    """An exception that is made of two things."""

    def __init__(self, a, b):
        super().__init__(a, b)


class Fails(Dataset):
    """Example 2 is trouble of some kind."""

    def __init__(self, how):
        self.how = how

    def __len__(self):
        return 6

    def __getitem__(self, i):
        if i == 2:
            self.how()
        return i


class Shares(IterableDataset):
    """Each worker yields its share of the numbers below ``n``."""

    def __init__(self, n):
        self.n = n

    def __len__(self):
        return self.n

    def __iter__(self):
        info = get_worker_info()
        return iter(range(info.id, self.n, info.num_workers))


def raise_value_error():
    raise ValueError("two is odd")


def raise_key_error():
    raise KeyError("two")


def raise_special():
    raise SpecialError(1, 2)


def raise_stop():
    raise StopIteration


def raise_local():
    class LocalError(ValueError):
        pass

    raise LocalError("here only")


def die():
    os.kill(os.getpid(), signal.SIGKILL)


def leave():
    os._exit(5)


def sleep():
    time.sleep(120)


def first_worker_fails(i):
    if i == 0:
        raise OSError("no such disk")


def left_over():
    """Processes and descriptors."""
    gc.collect()
    resource_tracker.ensure_running()  # it and the server of forks stay once they have been started
    forkserver.ensure_running()
    return len(multiprocessing.active_children()), len(os.listdir("/proc/self/fd")) if sys.platform == "linux" else 0


@pytest.fixture(autouse=True)
def nothing_is_left():
    before = left_over()
    yield
    assert left_over() == before


@pytest.mark.parametrize("workers", [1, 2, 3])
@pytest.mark.parametrize("prefetch", [1, 2, 50])
@pytest.mark.parametrize("size", [3, 3000])
def test_order_is_kept(workers, prefetch, size):
    found = list(DataLoader(Squares(size=size), batch_size=3, num_workers=workers, prefetch_factor=prefetch))
    assert [numbers.tolist() for _, numbers in found] == [[0, 1, 2], [3, 4, 5], [6, 7, 8], [9]]
    assert [squares[:, -1].tolist() for squares, _ in found] == [[0, 1, 4], [9, 16, 25], [36, 49, 64], [81]]
    assert all(squares.is_shared() == (size == 3000) for squares, _ in found)
    found[0][0].add_(1)  # a batch can be changed
    assert found[0][0][1, 0].item() == 2


@pytest.mark.parametrize("method", multiprocessing.get_all_start_methods())
def test_start_methods(method):
    loader = DataLoader(Squares(4), 2, num_workers=1, multiprocessing_context=method, worker_init_fn=print)
    assert [numbers.tolist() for _, numbers in loader] == [[0, 1], [2, 3]]


def test_batches_may_be_kept():
    """Far more of them than a process has descriptors by default."""
    found = list(DataLoader(Squares(700, 1200), num_workers=2))
    assert sum(squares[0, 0].item() for squares, _ in found) == sum(i * i for i in range(700))
    del found


def test_shuffling_is_the_generators():
    def order(workers, **settings):
        return [x.item() for _, x in DataLoader(Squares(30, 1), shuffle=True, num_workers=workers, **settings)]

    dynamic.manual_seed(3)
    first = order(0)
    dynamic.manual_seed(3)
    assert order(2) == first
    assert sorted(first) == list(range(30)) != first
    assert order(0) != first
    generators = [dynamic.Generator().manual_seed(5) for _ in range(2)]
    assert order(0, generator=generators[0]) == order(2, generator=generators[1])


@pytest.mark.parametrize("source", [0, 1, 2])
def test_workers_draw_reproducibly_and_differently(source):
    def run():
        dynamic.manual_seed(7)
        return [batch[source].item() for batch in DataLoader(Draws(), num_workers=2)]

    found = run()
    assert found == run()
    assert len(set(found)) == 4


def test_seeds_have_one_base():
    assert len({batch[3].item() for batch in DataLoader(Draws(), num_workers=2)}) == 1


def test_iterables_share_the_work():
    found = [x.tolist() for x in DataLoader(Shares(10), batch_size=2, num_workers=3)]
    assert sorted(i for batch in found for i in batch) == list(range(10))
    assert found == [[0, 3], [1, 4], [2, 5], [6, 9], [7], [8]]


def test_an_iterable_that_yields_more_than_its_length():
    class More(Shares):
        def __iter__(self):
            return iter(range(6))

    loader = DataLoader(More(5))
    assert len(list(loader)) == 6  # nobody has asked for the length
    assert len(loader) == 5
    with pytest.warns(UserWarning, match="has yielded more"):
        assert len(list(loader)) == 6


def test_batches_as_they_are_ready():
    others = multiprocessing.get_context("fork").Event()

    class Slow(Squares):
        def __getitem__(self, i):
            assert i or others.wait(60)
            return i

    found = []
    for x in DataLoader(Slow(6), num_workers=2, in_order=False, multiprocessing_context="fork"):
        found.append(x.item())
        others.set()
    assert sorted(found) == list(range(6))
    assert found[0] != 0


def test_persistent_workers():
    loader = DataLoader(Pids(), num_workers=2, persistent_workers=True)
    first = {x.item() for x in loader}
    for _ in loader:
        break
    assert {x.item() for x in loader} == first
    assert len(first) == 2
    del loader


class Pids(Squares):
    """The processes that make the examples."""

    def __getitem__(self, i):
        return os.getpid()


@pytest.mark.parametrize(
    ("how", "kind", "words"),
    [
        (raise_value_error, ValueError, "two is odd"),
        (raise_key_error, KeyError, "KeyError: 'two'\n"),
        (raise_special, RuntimeError, "Special"),
        (raise_stop, StopIteration, "StopIteration"),
        (raise_local, RuntimeError, "LocalError: here only"),
    ],
)
def test_errors_come_with_their_class_and_traceback(how, kind, words):
    loader = iter(DataLoader(Fails(how), num_workers=2))
    assert [next(loader).item(), next(loader).item()] == [0, 1]
    with pytest.raises(kind) as caught:
        next(loader)
    text = str(caught.value)
    assert "in DataLoader worker process 0" in text
    assert f"in {how.__name__}\n" in text
    assert words in text
    if kind is not StopIteration:
        assert next(loader).item() == 3  # the worker goes on


def test_an_initializer_that_fails():
    with pytest.raises(OSError, match=r"(?s)worker process 0.*no such disk"):
        list(DataLoader(Squares(), num_workers=2, worker_init_fn=first_worker_fails))


def test_what_cannot_be_pickled():
    with pytest.raises(AttributeError, match="in DataLoader worker process 0"):
        list(DataLoader([lambda: 0], num_workers=1, collate_fn=list))


@pytest.mark.parametrize(
    ("how", "words"), [(die, "is killed by signal: Killed"), (leave, "exited unexpectedly with exit code 5")]
)
@pytest.mark.parametrize("ordered", [True, False])
def test_a_worker_that_dies(how, words, ordered):
    with pytest.raises(RuntimeError, match=words):
        list(DataLoader(Fails(how), num_workers=2, in_order=ordered))


@pytest.mark.parametrize("ordered", [True, False])
def test_time_out(ordered, monkeypatch):
    monkeypatch.setattr("dynamic.utils.data.workers._PATIENCE", 0.1)
    with pytest.raises(RuntimeError, match=r"timed out after 0\.3 seconds"):
        list(DataLoader(Fails(sleep), num_workers=1, timeout=0.3, in_order=ordered))


def test_leaving_the_loop():
    made = multiprocessing.get_context("fork").Semaphore(0)

    class Counted(Squares):
        def __getitem__(self, i):
            made.release()
            return super().__getitem__(i)

    for _ in DataLoader(Counted(1000, 30_000), num_workers=2, prefetch_factor=3, multiprocessing_context="fork"):
        break
    assert 1 <= made.get_value() <= 2 * 3 + 1  # what had been asked for, and nothing of the rest


def test_an_exception_in_the_loop():
    def loop():
        for _ in DataLoader(Squares(), num_workers=2):
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        loop()


def test_two_iterations_at_once():
    loader = DataLoader(TensorDataset(dynamic.arange(4)), num_workers=2)
    assert [(a.item(), b.item()) for (a,), (b,) in zip(loader, loader, strict=True)] == [(i, i) for i in range(4)]


SCRIPT = """
import signal, sys, time
import dynamic
from dynamic.utils.data import DataLoader, Dataset

class Slow(Dataset):
    def __len__(self):
        return 10_000
    def __getitem__(self, i):
        time.sleep(0.01)
        return dynamic.ones(10_000) * i

if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)  # what runs in the background may have inherited to ignore it
    for i, batch in enumerate(DataLoader(Slow(), num_workers=2)):
        if i == 3:
            import multiprocessing
            print(*[p.pid for p in multiprocessing.active_children()], flush=True)
"""


def running(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_workers_end_with_their_parent(how, tmp_path):
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(
        [sys.executable, script],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
        start_new_session=True,
    )
    workers = [int(pid) for pid in process.stdout.readline().split()]
    assert len(workers) == 2
    if how == signal.SIGINT:
        os.killpg(process.pid, how)  # as a terminal does
    else:
        process.send_signal(how)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == -how
    assert errors.count("Traceback") == (how == signal.SIGINT)
    assert "resource_tracker" not in errors
    end = time.monotonic() + 60
    while any(map(running, workers)) and time.monotonic() < end:
        time.sleep(0.05)
    assert not any(map(running, workers))
