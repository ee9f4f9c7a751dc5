"""A disk that notes every call, and fails at one: what stands in for ``os`` and ``fcntl`` where files are written."""

from __future__ import annotations

import fcntl
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest import mock

import numpy as np

import dynamic
import static as tf
from graphs.core.files import write_whole
from graphs.placing.cluster import Cluster, Link, Worker


OF_OS = ("open", "ftruncate", "write", "fsync", "replace", "unlink", "remove", "close", "fstat", "lstat")

Fault = Callable[[Callable[..., Any], tuple[Any, ...]], Any]
"""What is done in place of a call, of which it is told the function and the arguments."""


def failing(code: int) -> Fault:
    """The call fails and does nothing."""

    def fault(call: Callable[..., Any], args: tuple[Any, ...]) -> Any:
        raise OSError(code, os.strerror(code))

    return fault


def dying(call: Callable[..., Any], args: tuple[Any, ...]) -> Any:
    """The process is killed before the call."""
    os.kill(os.getpid(), signal.SIGKILL)


def dying_after(call: Callable[..., Any], args: tuple[Any, ...]) -> Any:
    """The process is killed when the call is done, a write by half."""
    call(*args) if call is not os.write else call(args[0], args[1][: len(args[1]) // 2])
    os.kill(os.getpid(), signal.SIGKILL)


class Disk:
    """The calls to the operating system while files are written.

    Args:
        at: the number of the call, from 0, at which ``fault`` stands in; None for every write.

    Attributes:
        log: each call: its name, and the file's.
        replaced: the files that have taken their place.
    """

    def __init__(self, at: int | None = -1, fault: Fault | None = None) -> None:
        self.at, self.fault = at, fault
        self.log: list[tuple[str, str]] = []
        self.replaced: list[str] = []
        self._names: dict[int, str] = {}

    def _called(self, name: str, call: Callable[..., Any], args: tuple[Any, ...]) -> Any:
        number = len(self.log)
        self.log.append((name, self._names.get(args[0], "?") if isinstance(args[0], int) else str(args[0])))
        due = name == "write" if self.at is None else number == self.at
        found = self.fault(call, args) if due and self.fault else call(*args)
        if name == "open":
            self._names[found] = str(args[0])
        if name == "replace":
            self.replaced.append(os.path.basename(args[1]))
        return found

    @contextmanager
    def __call__(self) -> Iterator[Disk]:
        """Be the disk for a while."""

        def standing_in(module: Any, names: tuple[str, ...]) -> Any:
            calls = {name: lambda *args, name=name: self._called(name, getattr(module, name), args) for name in names}
            rest = {name: value for name, value in vars(module).items() if name not in calls}
            return type(module)(module.__name__), {**rest, **calls}

        with ExitStack() as stack:
            for where, module, names in (
                ("graphs.core.files.os", os, OF_OS),
                ("graphs.core.files.fcntl", fcntl, ("flock",)),
                ("static.checkpoint_state.os", os, OF_OS),
            ):
                made, content = standing_in(module, names)
                vars(made).update(content)
                stack.enter_context(mock.patch(where, made))
            yield self


# What is saved


class Saving:
    """Something that saves a state, and says which is there.

    A state is a number. ``save`` may raise; ``found`` raises where what is there is not whole.
    """

    def __init__(self, directory: str) -> None:
        self.directory = directory
        self.path = os.path.join(directory, "model")

    def save(self, state: int) -> None:
        """Write a state over the one that is there."""
        raise NotImplementedError

    def found(self) -> int:
        """The state that is there."""
        raise NotImplementedError


class Whole(Saving):
    """Bytes."""

    def save(self, state: int) -> None:
        write_whole(self.path, bytes([state]) * 5000)

    def found(self) -> int:
        with open(self.path, "rb") as file:
            data = file.read()
        assert len(data) == 5000
        assert len(set(data)) == 1
        return data[0]


class Dynamic(Saving):
    """Tensors."""

    def save(self, state: int) -> None:
        dynamic.save({"a": dynamic.full((600,), state), "state": state}, self.path)

    def found(self) -> int:
        state = dynamic.load(self.path)
        assert (state["a"] == state["state"]).all()
        return state["state"]


class Rotating(Saving):
    """Variables, of which a saver keeps one checkpoint, each under a name of its own."""

    def __init__(self, directory: str) -> None:
        super().__init__(directory)
        self.graph = tf.Graph()
        with self.graph.as_default():
            self.state = tf.Variable(0, name="state")
            self.a = tf.Variable(np.zeros(600), name="a")
            self.saver = tf.train.Saver(max_to_keep=1)
            self.session = tf.Session()

    def save(self, state: int) -> None:
        self.session.run([])
        self.state.load(state, self.session)
        self.a.load(np.full(600, float(state)), self.session)
        self.saver.save(self.session, self.path, global_step=state)

    def found(self) -> int:
        path = tf.train.latest_checkpoint(self.directory)
        assert path, "the latest checkpoint is gone"
        reader = tf.train.load_checkpoint(path)
        state = int(reader.get_tensor("state"))
        assert (reader.get_tensor("a") == state).all()
        assert path.endswith(f"-{state}")
        return state


class Meta(Saving):
    """A graph and its variables."""

    def save(self, state: int) -> None:
        with tf.Graph().as_default():
            tf.Variable(np.full(600, state), name="a")
            tf.train.export_meta_graph(self.path)

    def found(self) -> int:
        with tf.Graph().as_default(), tf.Session() as session:
            saver = tf.train.import_meta_graph(self.path)
            assert saver is not None
            session.run(tf.global_variables_initializer())
            value = session.run("a:0")
        assert (value == value[0]).all()
        return int(value[0])


class Machines(Saving):
    """The description of a cluster."""

    def save(self, state: int) -> None:
        Cluster(tuple(Worker(f"w{i}", float(state), ()) for i in range(9)), (Link(1.0, 1.0),), {}).save(self.path)

    def found(self) -> int:
        speeds = {worker.speed for worker in Cluster.load(self.path).workers}
        assert len(speeds) == 1
        return int(speeds.pop())


SAVING: dict[str, type[Saving]] = {
    "bytes": Whole,
    "dynamic.save": Dynamic,
    "Saver": Rotating,
    "export_meta_graph": Meta,
    "Cluster": Machines,
}
