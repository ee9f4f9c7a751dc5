"""The process that ``tests/test_interrupts.py`` interrupts: ``python -m tests.interrupted TURNS``.

It trains, program by program in turn, until a KeyboardInterrupt comes, and compares what that has left with a twin that
nobody interrupts. For each turn it says ``ready``, and when all is over how long each interrupt took to be raised: the
milliseconds on the clock and those that the process was at work.
"""

from __future__ import annotations

import hashlib
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import dynamic as torch
import static as tf
import static.plan
from dynamic import nn
from tests.static.programs_of_steps import loop, net, table


Program = tuple[Callable[[], Any], Callable[[], Sequence[bytes]]]


def run(build: Any, way: str) -> Program:
    """A step of a session of its own, and how its variables stand."""
    usual = static.plan._MOST_LINES
    static.plan._MOST_LINES = 0 if way == "interpreted" else usual
    graph = tf.Graph()
    with graph.as_default():
        tf.set_random_seed(7)
        fetches, feeds = build()
        variables = tf.global_variables()
        start = tf.global_variables_initializer()
    session = tf.Session(graph=graph)
    for fetched in (start, fetches, fetches):
        session.run(fetched, feeds)
    plan = session.plan(fetches, feeds)
    assert plan.compile() or way != "native"
    static.plan._MOST_LINES = usual
    session.run(variables)
    return lambda: session.run(fetches, feeds), lambda: [x.tobytes() for x in session.run(variables)]


def eager(make: Any) -> Program:
    """The same of a module and an optimiser that ``make`` gives for its parameters."""
    random = np.random.default_rng(0)
    model = nn.Sequential(nn.Linear(6, 40), nn.Tanh(), nn.Linear(40, 6))
    for p in model.parameters():
        p.data = torch.from_numpy(random.normal(size=tuple(p.shape)).astype(np.float32) / 3)
    x = torch.from_numpy(random.normal(size=(16, 6)).astype(np.float32))
    optimizer = make(list(model.parameters()))

    def closure() -> Any:
        optimizer.zero_grad()
        loss = ((model(x) - x) ** 2).mean()
        loss.backward()
        return loss

    def standing() -> list[bytes]:
        kept = [state[name] for state in optimizer.state_dict()["state"].values() for name in state]
        tensors = [x for each in kept for x in (each if isinstance(each, list) else [each]) if isinstance(x, torch.Tensor)]
        return [x.detach().numpy().tobytes() for x in (*model.parameters(), *tensors)]

    step = (
        (lambda: optimizer.step(closure))
        if isinstance(optimizer, torch.optim.LBFGS)
        else lambda: (closure(), optimizer.step())
    )
    step()
    return step, standing


PROGRAMS: dict[str, Callable[[], Program]] = {
    "native": lambda: run(net, "native"),
    "interpreted": lambda: run(net, "interpreted"),
    "rows": lambda: run(table, "rows"),
    "loops": lambda: run(loop, "loops"),
    "Adam": lambda: eager(lambda ps: torch.optim.Adam(ps, lr=0.01)),
    "LBFGS": lambda: eager(lambda ps: torch.optim.LBFGS(ps, lr=0.1, max_iter=3)),
}


def main(turns: int) -> None:
    """Be interrupted ``turns`` times."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # what runs in the background may have inherited to ignore it
    sys.unraisablehook = _lost
    pairs = {name: (make(), make()) for name, make in PROGRAMS.items()}
    done = dict.fromkeys(pairs, 0)
    waited = []
    for turn in range(turns):
        name = list(pairs)[turn % len(pairs)]
        (step, standing), (twin, wanted) = pairs[name]
        runs = 0
        try:
            print("ready", flush=True)
            while True:
                step()
                runs += 1
        except KeyboardInterrupt:
            raised = time.monotonic(), time.process_time()
        sent = map(float, sys.stdin.readline().split())
        waited += [1000 * (now - then) for now, then in zip(raised, sent, strict=True)]
        found = _digest(standing())
        for _ in range(runs):
            twin()
        if _digest(wanted()) != found:
            twin()
            runs += 1
        assert _digest(wanted()) == found, f"{name}: torn in turn {turn}"
        step()
        twin()
        assert _digest(wanted()) == _digest(standing()), f"{name}: another next step after turn {turn}"
        done[name] += runs
    print("done", min(done.values()), *(round(x, 2) for x in waited), flush=True)


def _digest(found: Sequence[bytes]) -> bytes:
    return hashlib.sha256(b"".join(found)).digest()


def _lost(seen: Any) -> None:
    """An interrupt inside of a callback of the interpreter's, which nobody gets."""
    print("lost", seen.exc_type, seen.object, flush=True)
    os._exit(1)


if __name__ == "__main__":
    main(int(sys.argv[1]))
