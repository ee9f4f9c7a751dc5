"""The machine that builds a static graph of a program: loops, branches and effects in TensorFlow's words."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import static as tf
from graphs.core.op import OPS, Op
from static.names import node_name
from static.tensor import apply
from tests.agree.machines import Machine, Told, spelt


class Static(Machine):
    """Tensors of the default graph of ``static``."""

    def __init__(self) -> None:
        self.variables: dict[str, Any] = {}
        self.last: dict[str, Any] = {}
        self.told: Told = []

    def call(self, op: Op, *args: Any, **params: Any) -> Any:
        return apply(op, *args, node=node_name(op.name), **params)

    def array(self, value: Any) -> Any:
        return tf.constant(value)

    def draw(self, name: str, *args: Any, seed: int | None = None, **params: Any) -> Any:
        return self.call(OPS[name], *args, **params, **({} if seed is None else {"key": (seed, 0, 0)}))

    def scan(
        self, body: Callable[..., Any], elems: Any, *first: Any, reverse: bool = False, effects: Sequence[str] = ()
    ) -> Any:
        with self._around(effects) as around:
            step = around(lambda state, row: tuple(body(*state, row)))
            out = tf.scan(step, elems, initializer=tuple(first), reverse=reverse)[0]
        return self._done(effects, out)

    def foldl(self, body: Callable[..., Any], elems: Any, *first: Any, effects: Sequence[str] = ()) -> Any:
        with self._around(effects) as around:
            step = around(lambda state, row: tuple(body(*state, row)))
            out = tuple(tf.foldl(step, elems, initializer=tuple(first)))
        return self._done(effects, out)

    def map(self, body: Callable[..., Any], elems: Any, like: Any, effects: Sequence[str] = ()) -> Any:
        with self._around(effects) as around:
            out = tf.map_fn(around(body), elems, dtype=like.dtype)
        return self._done(effects, out)

    def while_loop(
        self, cond: Callable[..., Any], body: Callable[..., Any], most: int, *first: Any, effects: Sequence[str] = ()
    ) -> Any:
        loose = [tf.TensorShape([None] * len(x.dims) if x.dims and None in x.dims else x.dims) for x in first]
        with self._around(effects) as around:
            out = tf.while_loop(
                cond,
                around(lambda *state: tuple(body(*state))),
                list(first),
                shape_invariants=loose,
                maximum_iterations=most,
                return_same_structure=True,
            )
        return self._done(effects, tuple(out))

    def cond(self, chosen: Any, then: Callable[[], Any], other: Callable[[], Any], effects: Sequence[str] = ()) -> Any:
        with self._around(effects) as around:
            out = tf.cond(chosen, around(then), around(other))
        return self._done(effects, out)

    # Effects: a chain for each variable and for what is told, unless they wait for all or for none

    @contextmanager
    def _around(self, effects: Sequence[str]) -> Iterator[Callable[[Callable[..., Any]], Callable[..., Any]]]:
        """Let what is made inside wait for all effects so far, if it has some; what is yielded wraps a body.

        A body's results wait for the effects in it, which otherwise nothing would need.
        """

        def wrapped(body: Callable[..., Any]) -> Callable[..., Any]:
            def inside(*args: Any) -> Any:
                before, self.last = self.last, {}
                found = body(*args)
                last, self.last = self.last, before
                if not last:
                    return found
                with tf.control_dependencies(list(last.values())):
                    return tuple(map(tf.identity, found)) if isinstance(found, tuple) else tf.identity(found)

            return inside

        if not effects:
            yield wrapped
            return
        with tf.control_dependencies(self._before("all", "")):
            yield wrapped

    def _done(self, effects: Sequence[str], out: Any) -> Any:
        self.last.update(dict.fromkeys(effects, out[0] if isinstance(out, tuple) else out))
        return out

    def _before(self, wait: str, chain: str) -> list[Any]:
        if wait == "none":
            return []
        if wait == "own":
            return [self.last[chain]] if chain in self.last else []
        last = list(dict.fromkeys(self.last.values()))
        return last if wait == "all" else [self.square(self.square(tf.cast(x, "float32"))) for x in last]

    def _change(self, change: Callable[[Any], Any], name: str, wait: str) -> Any:
        with tf.control_dependencies(self._before(wait, name)):
            out = self.last[name] = change(self.variables[name])
        return self.stop_gradient(out)

    def assign(self, name: str, value: Any, wait: str = "own") -> Any:
        return self._change(lambda w: tf.assign(w, value), name, wait)

    def assign_add(self, name: str, value: Any, wait: str = "own") -> Any:
        return self._change(lambda w: tf.assign_add(w, value), name, wait)

    def assign_sub(self, name: str, value: Any, wait: str = "own") -> Any:
        return self._change(lambda w: tf.assign_sub(w, value), name, wait)

    def scatter(self, name: str, places: Any, rows: Any, wait: str = "own") -> Any:
        return self._change(lambda w: tf.scatter_update(w, places, rows), name, wait)

    def read(self, name: str, wait: str = "own") -> Any:
        with tf.control_dependencies(self._before(wait, name)):
            return self.stop_gradient(self.variables[name].read_value())

    def tell(self, number: int, x: Any, wait: str = "own") -> Any:
        def note(x: Any) -> Any:
            self.told.append((number, spelt(x)))
            return x

        with tf.control_dependencies(self._before(wait, "told")):
            out = self.last["told"] = tf.py_func(note, [x], x.dtype)
        out.set_shape(x.shape)
        return self.stop_gradient(out)

    def after(self, x: Any, *others: Any) -> Any:
        with tf.control_dependencies(list(others)):
            return tf.identity(x)

    def gradients(self, y: Any, xs: Sequence[Any]) -> list[Any]:
        return [None if g is None else tf.convert_to_tensor(g) for g in tf.gradients(y, list(xs))]
