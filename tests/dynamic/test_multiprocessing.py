"""Processes share tensors, by any start method, and leave nothing behind."""

import gc
import os
import queue
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import dynamic
import dynamic.multiprocessing as mp
from dynamic.multiprocessing.parcels import pack


pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="descriptors are passed on POSIX only")

METHODS = mp.get_all_start_methods()
ROOT = Path(__file__).resolve().parents[2]


def fill(given, results):
    x = given.get()
    x.fill_(4)
    results.put((x.sum(), {"large": dynamic.ones(100_000), "name": "b"}))


def count(index, x, steps):
    for _ in range(steps):
        x[index] += 1


def fail(index, ended):
    if index == 1:
        raise KeyError(f"process {index}")
    time.sleep(60)
    ended[index] = 1


def leave(index, how, ended):
    if index == 0:
        os._exit(3) if how == "exit" else os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(60)
    ended[index] = 1


def double(x):
    return x * 2


def descriptors():
    gc.collect()
    return len(os.listdir("/proc/self/fd")) if sys.platform == "linux" else 0


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("kind", ["Queue", "SimpleQueue", "JoinableQueue"])
def test_what_is_sent_is_seen_by_both(method, kind):
    context = mp.get_context(method)
    given, results = getattr(context, kind)(), getattr(context, kind)()
    process = context.Process(target=fill, args=(given, results))
    process.start()
    x = dynamic.zeros(3)
    given.put(x)
    process.join()
    total, found = results.get()  # the sender has ended, and yet its tensors are there
    assert (total.item(), x.tolist()) == (12.0, [4.0] * 3)
    assert found["name"] == "b"
    assert found["large"].is_shared()
    assert found["large"].sum().item() == 100_000


@pytest.mark.parametrize("method", METHODS)
def test_processes_change_one_tensor(method):
    x = dynamic.zeros(3, 50_000)
    assert not x.is_shared()
    assert x.share_memory_() is x
    assert x.is_shared()
    mp.start_processes(count, (x, 5), nprocs=3, start_method=method)
    assert x.numpy().min() == x.numpy().max() == 5


@pytest.mark.parametrize("method", METHODS)
def test_pools(method):
    with mp.get_context(method).Pool(2) as pool:
        assert [x.tolist() for x in pool.map(double, [dynamic.ones(2), dynamic.ones(1)])] == [[2.0, 2.0], [2.0]]
        assert pool.apply(dynamic.sqrt, (dynamic.tensor([9.0]),)).item() == 3.0


TENSORS = {
    "scalar": lambda: dynamic.tensor(2.5),
    "empty": lambda: dynamic.zeros(0, 3),
    "integers": lambda: dynamic.arange(5),
    "bool": lambda: dynamic.arange(5) > 2,
    "double": lambda: dynamic.ones(2, 3, dtype=dynamic.float64),
    "leaf": lambda: dynamic.ones(2, requires_grad=True),
    "view": lambda: dynamic.arange(12).view(3, 4)[1:, ::2],
    "transposed": lambda: dynamic.arange(12).view(3, 4).t(),
    "shared": lambda: dynamic.ones(3).share_memory_(),
    "part of shared": lambda: dynamic.arange(12).share_memory_().view(3, 4)[1:, ::2],
    "large": lambda: dynamic.arange(300_000),
    "parameter": lambda: dynamic.nn.parameter.Parameter(dynamic.ones(2)),
}


@pytest.mark.parametrize("name", TENSORS)
@pytest.mark.parametrize("duplex", [True, False])
def test_tensors_arrive_as_they_were(name, duplex):
    x = TENSORS[name]()
    receiver, sender = mp.Pipe(duplex)
    sender.send([x, x])
    first, second = receiver.recv()
    assert first is second
    assert type(first) is type(x)
    assert (first.dtype, first.shape, first.requires_grad) == (x.dtype, x.shape, x.requires_grad)
    assert first.tolist() == x.tolist()


def test_only_leaves_are_sent():
    with pytest.raises(RuntimeError, match="only leaves"):
        pack(dynamic.ones(2, requires_grad=True) * 2)


def test_more_tensors_than_one_message_carries_descriptors():
    before = descriptors()
    a, b = mp.Pipe()
    a.send([dynamic.zeros(70_000) + i for i in range(260)])
    found = b.recv()
    assert [x[0].item() for x in found] == list(range(260))
    a.close()
    b.close()
    del a, b, found
    assert descriptors() == before


def test_parts_of_one_segment_stay_parts_of_it():
    x = dynamic.zeros(4).share_memory_()
    a, b = mp.Pipe()
    a.send((x, x[1:3]))
    whole, part = b.recv()
    part.fill_(2)
    assert whole.tolist() == x.tolist() == [0, 2, 2, 0]


def test_a_forked_process_fills_no_memory_of_its_parent():
    x = dynamic.zeros(2).share_memory_()
    pid = os.fork()
    if not pid:
        dynamic.ones(2).share_memory_()
        os._exit(0)
    os.waitpid(pid, 0)
    y = dynamic.zeros(2).share_memory_()
    assert (x + y).tolist() == [0, 0]


def test_queues_wait_as_the_standard_ones_do():
    waiting = mp.Queue(1)
    waiting.put(dynamic.ones(1))
    with pytest.raises(queue.Full):
        waiting.put(1, timeout=0.01)
    assert waiting.get().item() == 1
    with pytest.raises(queue.Empty):
        waiting.get(timeout=0.01)
    with pytest.raises(queue.Empty):
        waiting.get_nowait()
    with pytest.raises(AttributeError, match=r"lambda|local"):  # at once, not in some thread
        waiting.put(lambda: None)
    waiting.close()
    waiting.join_thread()


def test_a_process_that_raises_ends_the_others():
    ended = dynamic.zeros(3).share_memory_()
    with pytest.raises(mp.ProcessRaisedException, match=r"(?s)Process 1 terminated.*KeyError: 'process 1'") as caught:
        mp.start_processes(fail, (ended,), nprocs=3, start_method="fork")
    assert caught.value.error_index == 1
    assert ended.tolist() == [0, 0, 0]
    assert not mp.active_children()


@pytest.mark.parametrize(("how", "message"), [("exit", "exit code 3"), ("kill", "signal SIGKILL")])
def test_a_process_that_dies_ends_the_others(how, message):
    ended = dynamic.zeros(2).share_memory_()
    with pytest.raises(mp.ProcessExitedException, match=message) as caught:
        mp.start_processes(leave, (how, ended), nprocs=2, start_method="fork")
    assert ended.tolist() == [0, 0]
    assert caught.value.exit_code == (3 if how == "exit" else -9)


def test_spawn_without_waiting():
    x = dynamic.zeros(2, 1).share_memory_()
    started = mp.spawn(count, (x, 2), nprocs=2, join=False)
    assert len(started.pids()) == 2
    while not started.join(timeout=1):
        pass
    assert x.tolist() == [[2], [2]]


def test_words_that_are_taken():
    assert mp.get_sharing_strategy() in mp.get_all_sharing_strategies()
    mp.set_sharing_strategy("file_system")
    assert mp.get_sharing_strategy() == "file_system"
    mp.set_sharing_strategy("file_descriptor")
    with pytest.raises(ValueError, match="no sharing strategy"):
        mp.set_sharing_strategy("pigeons")
    with pytest.raises(AttributeError, match=r"there is .*Queue"):
        mp.Queu  # noqa: B018


HOGWILD = """
import dynamic as torch
import dynamic.multiprocessing as mp

def train(rank, w, done):
    optimizer = torch.optim.SGD([w], lr=0.1)
    for _ in range(200):
        optimizer.zero_grad()
        ((w - 3) ** 2).sum().backward()
        optimizer.step()
    done.put(rank)

if __name__ == "__main__":
    mp.set_start_method("spawn")
    w = torch.zeros(5, requires_grad=True)
    w.share_memory_()
    done = mp.SimpleQueue()
    processes = [mp.Process(target=train, args=(rank, w, done)) for rank in range(2)]
    for p in processes:
        p.start()
    for p in processes:
        p.join()
    print(sorted(done.get() for _ in processes), [round(v, 3) for v in w.tolist()])
"""


def test_several_processes_train_one_parameter(tmp_path):
    script = tmp_path / "hogwild.py"
    script.write_text(HOGWILD)
    ran = subprocess.run(
        [sys.executable, "-W", "error", script],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        timeout=120,
        check=False,
    )
    assert (ran.stdout, ran.stderr) == ("[0, 1] [3.0, 3.0, 3.0, 3.0, 3.0]\n", "")


def test_what_a_program_spawns_has_the_same_modules(tmp_path):
    """Under ``diptych exec`` torch is this package in every process, even where the real one is installed."""
    script = tmp_path / "hogwild.py"
    script.write_text(
        HOGWILD.replace("dynamic as torch", "torch").replace("dynamic.multiprocessing", "torch.multiprocessing")
    )
    ran = subprocess.run(
        [sys.executable, "-m", "graphs.cli", "exec", script],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=120,
        check=False,
    )
    assert (ran.stdout, ran.stderr) == ("[0, 1] [3.0, 3.0, 3.0, 3.0, 3.0]\n", "")
