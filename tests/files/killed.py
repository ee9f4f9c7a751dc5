"""A program whose children save for ever and are killed: what is found after each kill is whole, and no older than before.

    python killed.py DIRECTORY ROUNDS (saver | rotating | save)

Every second child is killed after it has saved once, the others as they begin; then at a random moment. Prints how often a
later state was found than before.
"""

from __future__ import annotations

import itertools
import os
import random
import signal
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import dynamic
import static as tf


NUMBERS = 5000


class Saver:
    """``tf.train.Saver`` over one file, or over files that it numbers and of which it keeps two."""

    def __init__(self, directory: str, numbered: bool) -> None:
        self.directory, self.numbered = directory, numbered
        self.kept: list[str] = []
        self.count = tf.Variable(0, name="count")
        parts = [tf.Variable(tf.fill([NUMBERS], -1), name=name) for name in "ab"]
        self.grow = [self.count.assign_add(1), *(part.assign(tf.fill([NUMBERS], self.count + 1)) for part in parts)]
        self.saver = tf.train.Saver(max_to_keep=2)

    def states(self) -> Iterator[None]:
        """Save state after state, going on from what there is."""
        with tf.Session() as session:
            session.run(tf.global_variables_initializer())
            self.saver.recover_last_checkpoints(self.kept)
            if self.kept:
                self.saver.restore(session, self.kept[-1])
            while True:
                session.run(self.grow)
                path = os.path.join(self.directory, "m.ckpt")
                yield self.saver.save(session, path, global_step=self.count if self.numbered else None)

    def found(self) -> int | None:
        """The latest state on the disk, every checkpoint having been looked at; None where there is none."""
        state = tf.train.get_checkpoint_state(self.directory)
        if state is None:
            return None
        self.kept = [path for path in state.all_model_checkpoint_paths if tf.train.checkpoint_exists(path)]
        assert state.model_checkpoint_path in self.kept, "the latest checkpoint is gone"
        assert tf.train.latest_checkpoint(self.directory) == state.model_checkpoint_path
        for path in self.kept:
            reader = tf.train.load_checkpoint(path)
            now = int(reader.get_tensor("count"))
            assert all((reader.get_tensor(name) == now).all() for name in "ab"), "a torn checkpoint"
            assert not self.numbered or path.endswith(f"-{now}"), "a checkpoint under another's name"
        return now


class Save:
    """``dynamic.save`` over one file."""

    def __init__(self, directory: str) -> None:
        self.path = os.path.join(directory, "model.pt")

    def states(self) -> Iterator[None]:
        """Save state after state, going on from what there is."""
        for count in itertools.count((self.found() or 0) + 1):
            dynamic.save({"count": count, **{name: dynamic.full((NUMBERS,), count) for name in "ab"}}, self.path)
            yield

    def found(self) -> int | None:
        """The state on the disk; None where there is none."""
        if not os.path.exists(self.path):
            return None
        state = dynamic.load(self.path)
        assert all((state[name] == state["count"]).all() for name in "ab"), "a torn file"
        return state["count"]


HOW: dict[str, Callable[[str], Any]] = {
    "saver": lambda directory: Saver(directory, numbered=False),
    "rotating": lambda directory: Saver(directory, numbered=True),
    "save": Save,
}


def main(directory: str, rounds: int, how: str) -> None:
    """Start children, kill them, and look at what they left."""
    saving = HOW[how](directory)
    draw = random.Random(0)
    last, moved = 0, 0
    for turn in range(rounds):
        ready, begun = os.pipe()
        child = os.fork()
        if child == 0:
            states = saving.states()
            if turn % 2:
                next(states)
            os.write(begun, b".")
            for _ in states:
                pass
        os.read(ready, 1)
        os.close(ready), os.close(begun)
        time.sleep(draw.random() * 0.02)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        now = saving.found()
        assert now is not None or not last, "all is gone"
        assert (now or 0) >= last, "an older state than before"
        moved += (now or 0) > last
        last = now or 0
    left = [name for name in os.listdir(directory) if name.endswith(".tmp")]
    assert len(left) <= 3, left  # of the values, the graph and the list of checkpoints
    print(moved)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3])
