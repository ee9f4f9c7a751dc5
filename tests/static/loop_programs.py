"""Programs with loops, as people write them: recurrent nets, maps, while loops with arrays, loops in loops.

Each builds in the default graph and gives what to fetch and what to feed; ``finished`` adds the gradients of all variables
and of what is fed. Those in ``OPEN`` go over as many rounds as the first array that they are fed has slices.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy

import static as tf


Built = tuple[list[Any], dict[Any, numpy.ndarray]]

PROGRAMS: dict[str, Callable[[], Built]] = {}
OPEN: set[str] = set()


def program(function: Callable[[], Built]) -> Callable[[], Built]:
    """Enter a program under its name."""
    PROGRAMS[function.__name__] = function
    return function


def any_length(function: Callable[[], Built]) -> Callable[[], Built]:
    """Enter a program that runs with any number of rounds."""
    OPEN.add(function.__name__)
    return program(function)


def numbers(*shape: int) -> numpy.ndarray:
    """Normal numbers, the same for the same shape."""
    return numpy.random.default_rng([7, *shape]).standard_normal(shape) * 0.5


def variable(name: str, *shape: int) -> Any:
    """A variable of such numbers."""
    return tf.get_variable(name, initializer=numbers(*shape))


def fed(*dims: int | None) -> Any:
    """A placeholder of float64 numbers."""
    return tf.placeholder("float64", dims)


def zeros(*shape: Any) -> Any:
    """Zeros of float64."""
    return tf.zeros(shape, "float64")


def finished(outs: Sequence[Any], feeds: dict[Any, numpy.ndarray], symbols: Sequence[Any] | None = None) -> Built:
    """The outputs, and the gradients of the sum of their squares."""
    loss = sum(tf.reduce_sum(x * x) for x in outs)
    floats = [x for x in feeds if x.dtype.is_floating]
    wanted = [*tf.trainable_variables(), *floats] if symbols is None else list(symbols)
    return [*outs, *(g for g in tf.gradients(loss, wanted) if g is not None)], feeds


# Recurrent nets

CELLS: dict[str, Callable[[], Any]] = {
    "basic": lambda: tf.nn.rnn_cell.BasicRNNCell(4),
    "lstm": lambda: tf.nn.rnn_cell.BasicLSTMCell(4),
    "gru": lambda: tf.nn.rnn_cell.GRUCell(4),
    "peepholes": lambda: tf.nn.rnn_cell.LSTMCell(4, use_peepholes=True, num_proj=3),
}


def recurrent(cell: Callable[[], Any], lengths: bool = False, time_major: bool = False, layers: int = 1) -> Built:
    """``dynamic_rnn`` over a batch of any size and any length."""
    x = fed(None, None, 5)
    feeds = {x: numbers(6, 3, 5) if time_major else numbers(3, 6, 5)}
    steps = None
    if lengths:
        steps = tf.placeholder("int32", (None,))
        feeds[steps] = numpy.array([6, 2, 4], "int32")
    made = cell() if layers == 1 else tf.nn.rnn_cell.MultiRNNCell([cell() for _ in range(layers)])
    outs, last = tf.nn.dynamic_rnn(made, x, steps, dtype=tf.float64, time_major=time_major)
    return finished([outs, *tf.contrib.framework.nest.flatten(last)], feeds)


def both_ways(cell: Callable[[], Any]) -> Built:
    """``bidirectional_dynamic_rnn``."""
    x = fed(None, None, 5)
    outs, _ = tf.nn.bidirectional_dynamic_rnn(cell(), cell(), x, dtype=tf.float64)
    return finished(list(outs), {x: numbers(3, 6, 5)})


for _name, _cell in CELLS.items():
    PROGRAMS[f"{_name}_cell"] = lambda cell=_cell: recurrent(cell)
    PROGRAMS[f"{_name}_cell_with_lengths"] = lambda cell=_cell: recurrent(cell, lengths=True)
    PROGRAMS[f"{_name}_cell_both_ways"] = lambda cell=_cell: both_ways(cell)
PROGRAMS["two_layers"] = lambda: recurrent(CELLS["lstm"], layers=2, time_major=True)


@program
def two_loops_one_after_the_other() -> Built:
    x = fed(None, None, 5)
    first, _ = tf.nn.dynamic_rnn(CELLS["lstm"](), x, dtype=tf.float64, scope="first")
    second, _ = tf.nn.dynamic_rnn(CELLS["gru"](), first, dtype=tf.float64, scope="second")
    return finished([second], {x: numbers(3, 6, 5)})


@any_length
def tanh_net() -> Built:
    x, wx, wh, b = fed(None, None, 5), variable("wx", 5, 4), variable("wh", 4, 4), variable("b", 4)
    start = zeros(tf.shape(x)[1], 4)
    h = tf.scan(lambda h, e: tf.tanh(tf.matmul(e, wx) + tf.matmul(h, wh) + b), x, start)
    return finished([h], {x: numbers(6, 3, 5)})


@any_length
def vectors() -> Built:
    x, wx, wh = fed(None, 5), variable("wx", 5, 4), variable("wh", 4, 4)
    h = tf.scan(lambda h, e: tf.tanh(tf.tensordot(e, wx, 1) + tf.tensordot(h, wh, 1)), x, zeros(4))
    return finished([h], {x: numbers(6, 5)})


@any_length
def one_weight_many_times() -> Built:
    x, w, b = fed(None, 2, 3), variable("w", 3, 3), variable("b", 1, 3)

    def step(s: Any, e: Any) -> Any:
        return tf.tanh(tf.matmul(e, w) + tf.matmul(s, w) * 2.0 - tf.matmul(s, tf.transpose(w)) + b)

    return finished([tf.scan(step, x, zeros(2, 3))], {x: numbers(5, 2, 3)})


@any_length
def backwards() -> Built:
    x, w = fed(None, 2, 3), variable("w", 3, 3)
    y = tf.scan(lambda s, e: tf.tanh(tf.matmul(e, w) + tf.matmul(s, w)), x, zeros(2, 3), reverse=True)
    return finished([y], {x: numbers(4, 2, 3)})


@any_length
def projected_in_each_round() -> Built:
    x, w, v, o = fed(None, 2, 5), variable("w", 5, 3), variable("v", 3, 3), variable("o", 3, 6)

    def step(s: Any, e: Any) -> Any:
        h = tf.tanh(tf.matmul(e, w) + tf.matmul(s[0], v))
        return h, tf.nn.softmax(tf.matmul(h, o) + 1.0)

    return finished(list(tf.scan(step, x, (zeros(2, 3), zeros(2, 6)))), {x: numbers(5, 2, 5)})


@any_length
def embedded() -> Built:
    ids = tf.placeholder("int32", (None, 3))
    table, w, v = variable("table", 7, 5), variable("w", 5, 4), variable("v", 4, 4)

    def step(s: Any, i: Any) -> Any:
        return tf.tanh(tf.matmul(tf.nn.embedding_lookup(table, i), w) + tf.matmul(s, v))

    chosen = numpy.random.default_rng(1).integers(0, 7, (6, 3)).astype("int32")
    return finished([tf.scan(step, ids, zeros(3, 4))], {ids: chosen})


@any_length
def attending() -> Built:
    x, memory = fed(None, 2, 3), fed(2, 4, 3)
    w, v, u = variable("w", 6, 3), variable("v", 3, 3), variable("u", 3, 3)

    def step(s: Any, e: Any) -> Any:
        keys = tf.reshape(tf.matmul(tf.reshape(memory, (-1, 3)), u), (2, 4, 3))
        weights = tf.nn.softmax(tf.reduce_sum(keys * s[:, None, :], 2))
        context = tf.reduce_sum(memory * weights[:, :, None], 1)
        return tf.tanh(tf.matmul(tf.concat([e, context], 1), w) + tf.matmul(s, v))

    return finished([tf.scan(step, x, zeros(2, 3))], {x: numbers(4, 2, 3), memory: numbers(2, 4, 3)})


@any_length
def convolving() -> Built:
    x, k, q = fed(None, 2, 4, 4, 2), variable("k", 3, 3, 2, 3), variable("q", 3, 3, 3, 3)

    def step(s: Any, e: Any) -> Any:
        return tf.tanh(tf.nn.conv2d(e, k, [1] * 4, "SAME") + tf.nn.conv2d(s, q, [1] * 4, "SAME"))

    return finished([tf.scan(step, x, zeros(2, 4, 4, 3))], {x: numbers(4, 2, 4, 4, 2)})


@any_length
def second_derivatives() -> Built:
    x, w = fed(None, 2, 3), variable("w", 3, 3)
    y = tf.scan(lambda s, e: tf.tanh(tf.matmul(e, w) + tf.matmul(s, w)), x, zeros(2, 3))
    (g,) = tf.gradients(tf.reduce_sum(y * y), [w])
    return finished([g], {x: numbers(4, 2, 3)}, [w])


# Maps and folds


@any_length
def mapped() -> Built:
    x, w = fed(None, 3, 5), variable("w", 5, 4)
    y = tf.map_fn(lambda e: tf.nn.softmax(tf.matmul(e, w)) * tf.reduce_sum(e), x)
    return finished([y], {x: numbers(6, 3, 5)})


@any_length
def mapped_with_views() -> Built:
    x, w = fed(None, 3, 5), variable("w", 5, 4)

    def each(e: Any) -> Any:
        return tf.transpose(tf.exp(tf.matmul(e, w)))[1:] + tf.reduce_mean(e, axis=0)[:3]

    return finished([tf.map_fn(each, x)], {x: numbers(4, 3, 5)})


@program
def folded() -> Built:
    x, w = fed(None, 3, 5), variable("w", 5, 5)
    return finished([tf.foldl(lambda a, e: tf.tanh(tf.matmul(a, w)) + e * e, x)], {x: numbers(6, 3, 5)})


@any_length
def two_scans_over_one_sequence() -> Built:
    x, w, v = fed(None, 2, 3), variable("w", 3, 3), variable("v", 3, 3)
    a = tf.scan(lambda s, e: tf.tanh(tf.matmul(e, w) + s), x, zeros(2, 3))
    b = tf.scan(lambda s, e: tf.sin(tf.matmul(e, v) + tf.matmul(s, w)), x, zeros(2, 3))
    return finished([a, b], {x: numbers(4, 2, 3)})


@program
def two_pairs_that_need_each_other() -> Built:
    x, y = fed(4, 3), fed(5, 3)

    def scanned(elems: Any) -> Any:
        return tf.scan(lambda s, e: tf.tanh(s + e), elems, zeros(3))

    first, second = scanned(x), scanned(y)
    third, fourth = scanned(y * first[-1]), scanned(x * second[-1])
    return finished([first, second, third, fourth], {x: numbers(4, 3), y: numbers(5, 3)})


# While loops


@any_length
def while_with_arrays() -> Built:
    x, wx, wh, b = fed(None, 3, 5), variable("wx", 5, 4), variable("wh", 4, 4), variable("b", 4)
    n = tf.shape(x)[0]
    given = tf.TensorArray(tf.float64, n).unstack(x)

    def body(i: Any, h: Any, out: Any) -> Any:
        h = tf.tanh(tf.matmul(given.read(i), wx) + tf.matmul(h, wh) + b)
        return i + 1, h, out.write(i, h)

    _, last, out = tf.while_loop(lambda i, *_: i < n, body, [0, zeros(3, 4), tf.TensorArray(tf.float64, n)])
    return finished([out.stack(), last], {x: numbers(6, 3, 5)})


@any_length
def while_with_an_array_that_grows() -> Built:
    x, w = fed(None, 3), variable("w", 3)
    given = tf.TensorArray(tf.float64, 0, dynamic_size=True).unstack(x)
    out = tf.TensorArray(tf.float64, 0, dynamic_size=True, element_shape=(3,))

    def body(i: Any, out: Any) -> Any:
        return i + 1, out.write(i, given.read(i) * w + given.read(i) * tf.cast(i, "float64"))

    _, out = tf.while_loop(lambda i, _: i < tf.shape(x)[0], body, [0, out])
    return finished([out.stack()], {x: numbers(5, 3)})


@program
def while_with_an_array_read_twice() -> Built:
    x, w = fed(5, 3), variable("w", 3)
    given = tf.TensorArray(tf.float64, 5).unstack(x)

    def body(i: Any, s: Any, out: Any) -> Any:
        s = tf.tanh(s * w + given.read(i)) * given.read(i)
        return i + 1, s, out.write(i, s)

    out = tf.while_loop(lambda i, *_: i < 5, body, [0, zeros(3), tf.TensorArray(tf.float64, 5)])[2]
    return finished([out.stack()], {x: numbers(5, 3)})


@program
def while_with_an_array_read_elsewhere() -> Built:
    x = fed(5, 3)
    given = tf.TensorArray(tf.float64, 5).unstack(x)

    def body(i: Any, s: Any) -> Any:
        return i + 1, s * 0.5 + given.read(4 - i) * given.read(tf.minimum(i + 1, 4))

    return finished([tf.while_loop(lambda i, _: i < 5, body, [0, zeros(3)])[1]], {x: numbers(5, 3)})


@program
def while_until_it_is_large() -> Built:
    x, w = fed(3), variable("w", 3)

    def body(i: Any, h: Any, c: Any) -> Any:
        return i + 1, h * tf.exp(tf.sin(w)) + 0.1 * c, c

    def going(i: Any, h: Any, c: Any) -> Any:
        return tf.reduce_sum(h * h) < 50 * tf.reduce_sum(tf.exp(w * 0.0))

    return finished([tf.while_loop(going, body, [0, x, tf.exp(x)])[1]], {x: numbers(3)})


@program
def whiles_with_one_condition() -> Built:
    x, n, w, v = fed(2, 3), tf.placeholder("int32", ()), variable("w", 3, 3), variable("v", 3, 3)

    def loop(f: Any, steps: Any) -> Any:
        return tf.while_loop(lambda i, h: i < steps, lambda i, h: (i + 1, f(i, h)), [0, x])[1]

    outs = [
        loop(lambda i, h: tf.tanh(tf.matmul(h, w)), n),
        loop(lambda i, h: tf.sin(tf.matmul(h, v) + tf.cast(i, "float64")), n),
        loop(lambda i, h: tf.sin(tf.matmul(h, v)), 6),
    ]
    return finished(outs, {x: numbers(2, 3), n: numpy.array(5, "int32")})


@program
def whiles_with_other_steps_and_ends() -> Built:
    x = fed(3)
    by_two = tf.while_loop(lambda i, h: i <= 9, lambda i, h: (i + 2, tf.sin(h) + tf.cast(i, "float64")), [2, x])
    from_below = tf.while_loop(lambda i, h: i < 3, lambda i, h: (i + 1, tf.cos(h)), [-2, x], maximum_iterations=4)
    never = tf.while_loop(lambda i, h: i < 0, lambda i, h: (i + 1, h / 0.0), [0, x])
    outs = [out for pair in (by_two, from_below, never) for out in (tf.cast(pair[0], "float64"), pair[1])]
    return finished(outs, {x: numbers(3)})


# Loops in loops, branches, effects


@any_length
def scan_in_a_scan() -> Built:
    x, w, v = fed(None, 4, 2, 5), variable("w", 5, 3), variable("v", 3, 3)

    def outer(s: Any, e: Any) -> Any:
        inner = tf.scan(lambda s, e: tf.tanh(tf.matmul(e, w) + tf.matmul(s, v)), e, s)
        return inner[-1] * tf.exp(tf.reduce_sum(v))

    return finished([tf.scan(outer, x, zeros(2, 3))], {x: numbers(3, 4, 2, 5)})


@any_length
def branch_in_a_scan() -> Built:
    x, w, v = fed(None, 2, 5), variable("w", 5, 3), variable("v", 3, 3)

    def step(s: Any, e: Any) -> Any:
        def recurrent() -> Any:
            return tf.tanh(tf.matmul(e, w) + tf.matmul(s, v))

        return tf.cond(tf.reduce_sum(e) > 0, recurrent, lambda: s + tf.matmul(e, w))

    return finished([tf.scan(step, x, zeros(2, 3))], {x: numbers(5, 2, 5)})


@any_length
def assigning_in_a_scan() -> Built:
    x, w = fed(None, 2, 5), variable("w", 5, 3)
    count = tf.Variable(numpy.float64(0.5), name="count", trainable=False)

    def step(s: Any, e: Any) -> Any:
        with tf.control_dependencies([tf.assign_add(count, 1.0)]):
            now = count.read_value()
        return tf.tanh(tf.matmul(e, w) + s) * now

    return finished([tf.scan(step, x, zeros(2, 3))], {x: numbers(5, 2, 5)})


@any_length
def drawing_in_scans() -> Built:
    x, w, v = fed(None, 2, 5), variable("w", 5, 3), variable("v", 3, 3)

    def step(s: Any, e: Any) -> Any:
        noise = tf.random_normal((2, 3), dtype="float64")
        return tf.tanh(tf.nn.dropout(tf.matmul(e, w), 0.5) + tf.matmul(s, v) + noise)

    outs = [tf.scan(step, x, zeros(2, 3)) for _ in range(2)]
    return finished(outs, {x: numbers(5, 2, 5)})
