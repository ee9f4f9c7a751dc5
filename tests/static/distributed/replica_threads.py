"""Replicas in threads of one process, for tests of what needs no cluster."""

import queue
import threading

import numpy as np

from static.distributed.replicas import ReplicaSession
from static.distributed.replicas_run import Replica
from static.distributed.running import Stopped


class Boxes(dict):
    """A queue under each key, made when it is first asked for, by whichever thread."""

    def __init__(self):
        super().__init__()
        self.lock = threading.Lock()

    def __missing__(self, key):
        with self.lock:
            return self.setdefault(key, queue.Queue())


class ThreadSwap:
    """Arrays from thread to thread. ``before(phase)`` is called as an exchange begins."""

    def __init__(self, rank, size, boxes):
        self.rank, self.size, self.sent, self.spans = rank, size, 0, []
        self.boxes = boxes
        self.before = lambda phase: None

    def begin(self, run):
        self.run, self.sent, self.spans = run, 0, []

    def __call__(self, phase, out):
        self.before(phase)
        for rank, arrays in out.items():
            self.sent += sum(array.nbytes for array in arrays)
            self.boxes[self.run, phase, self.rank, rank].put([np.array(array) for array in arrays])
        came = {rank: self.boxes[self.run, phase, rank, self.rank].get(timeout=60) for rank in out}
        if any(arrays is None for arrays in came.values()):
            raise Stopped("CancelledError", "given up")
        return came


class ThreadGroup:
    """Replicas in threads. ``asked`` has the methods and ranks of the messages."""

    def __init__(self, size, **settings):
        self.size = size
        self.boxes = Boxes()
        self.swaps = [ThreadSwap(rank, size, self.boxes) for rank in range(size)]
        self.replicas = [Replica(rank, swap, **settings) for rank, swap in enumerate(self.swaps)]
        self.asked = []

    def name(self, rank):
        return f"replica {rank} of {self.size}"

    def ask(self, method, run, about):
        self.asked.append((method, sorted(about)))
        answers = {}

        def ask(rank):
            answers[rank] = made = self.replicas[rank].answer(method, about[rank])
            if "error" in made and method == "run":
                for phase in range(3):
                    for other in range(self.size):
                        self.boxes[about[rank]["run"], phase, rank, other].put(None)

        threads = [threading.Thread(target=ask, args=(rank,)) for rank in about]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return answers

    def close(self):
        self.asked.append(("close", []))


def session(replicas=3, **settings):
    """A session of replicas in threads."""
    return ReplicaSession(ThreadGroup(replicas), **settings)
