"""Recurrent nets: one graph for all lengths, loops against their unrolled forms, second gradients, cells' options."""

import numpy
import pytest

import static as tf
from static.nest import flatten


cells = tf.nn.rnn_cell
contrib = tf.contrib.rnn


def normal(*shape, seed=0):
    return numpy.random.default_rng([seed, *shape]).standard_normal(shape)


def drawn(seed):
    """An initializer whose numbers are drawn from numpy."""
    generator = numpy.random.default_rng(seed)
    return lambda shape, dtype=None, partition_info=None: tf.constant(generator.uniform(-0.6, 0.6, shape), dtype)


def evaluated(fetches, feeds=None):
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        return session.run(fetches, feeds)


CELLS = {
    "rnn": lambda: cells.BasicRNNCell(3),
    "relu": lambda: cells.BasicRNNCell(3, activation=tf.nn.softplus),
    "gru": lambda: cells.GRUCell(3),
    "basic lstm": lambda: cells.BasicLSTMCell(3),
    "lstm": lambda: cells.LSTMCell(3, use_peepholes=True, num_proj=2, proj_clip=0.3),
    "in one tensor": lambda: cells.LSTMCell(3, num_proj=2, state_is_tuple=False),
    "stack": lambda: cells.MultiRNNCell([cells.GRUCell(3), cells.BasicLSTMCell(2)]),
    "stack in one tensor": lambda: cells.MultiRNNCell([cells.GRUCell(3), cells.BasicRNNCell(2)], state_is_tuple=False),
    "residual": lambda: cells.ResidualWrapper(cells.GRUCell(2)),
    "device": lambda: cells.DeviceWrapper(cells.GRUCell(2), "/cpu:0"),
    "lstm block": lambda: contrib.LSTMBlockCell(3, use_peephole=True),
    "gru block": lambda: contrib.GRUBlockCell(3),
    "gru block 2": lambda: contrib.GRUBlockCellV2(3),
    "layer norm": lambda: contrib.LayerNormBasicLSTMCell(3),
    "coupled": lambda: contrib.CoupledInputForgetGateLSTMCell(3, use_peepholes=True, num_proj=2),
    "projections": lambda: contrib.OutputProjectionWrapper(contrib.InputProjectionWrapper(cells.GRUCell(3), 2), 2),
    "highway": lambda: contrib.HighwayWrapper(cells.GRUCell(2)),
}
LENGTHS = numpy.array([4, 0, 2], "int32")


@pytest.mark.parametrize("known", [True, False], ids=["known sizes", "unknown sizes"])
@pytest.mark.parametrize("name", CELLS)
def test_the_loop_is_the_unrolled_graph(name, known):
    """Outputs, last states, and gradients with respect to inputs, first states and every variable."""
    values = normal(3, 4, 2)
    x = tf.placeholder("float64", [3, 4, 2] if known else [None, None, 2])
    sizes = tf.placeholder("int32", [None])
    with tf.variable_scope("net", initializer=drawn(1), reuse=tf.AUTO_REUSE):
        cell = CELLS[name]()
        flat = [tf.constant(normal(3, size, seed=2)) for size in flatten(cell.state_size)]
        state = tf.contrib.framework.nest.pack_sequence_as(cell.state_size, flat)
        by_loop = tf.nn.dynamic_rnn(cell, x, sizes, initial_state=state, scope="rnn")
        outputs, last = tf.nn.static_rnn(CELLS[name](), tf.unstack(x, 4, axis=1), state, sequence_length=sizes, scope="rnn")
        unrolled = [tf.stack(outputs, 1), last]
    variables = tf.trainable_variables()
    found = []
    for values_of in (by_loop, unrolled):
        leaves = flatten(values_of)
        loss = tf.add_n([tf.reduce_sum(tf.sin(leaf) * (i + 1.0)) for i, leaf in enumerate(leaves)])
        found.append([leaves, [tf.convert_to_tensor(g) for g in tf.gradients(loss, [x, *flat, *variables])]])
    (ours, slopes), (wanted, wanted_slopes) = evaluated(found, {x: values, sizes: LENGTHS})
    assert len(variables) >= 2
    assert not ours[0][1].any()
    assert not ours[0][2, 2:].any()
    for one, other in zip([*ours, *slopes], [*wanted, *wanted_slopes], strict=True):
        numpy.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", ["rnn", "gru", "lstm", "stack"])
def test_second_gradients_are_finite_differences(name):
    x = tf.placeholder("float64", [None, None, 2])
    with tf.variable_scope("net", initializer=drawn(3)):
        outputs, _ = tf.nn.dynamic_rnn(CELLS[name](), x, LENGTHS, dtype="float64")
    variables = tf.trainable_variables()
    first = tf.gradients(tf.reduce_sum(tf.sin(outputs)), [x, *variables])
    weights = [numpy.cos(numpy.arange(v.shape.num_elements())).reshape(v.shape.as_list()) for v in variables]
    total = tf.reduce_sum(first[0] ** 2) + tf.add_n([tf.reduce_sum(g * w) for g, w in zip(first[1:], weights, strict=True)])
    second = tf.gradients(total, [x, *variables])
    at, step = normal(3, 4, 2), 1e-6
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        by_x, *by_variables = session.run(second, {x: at})
        for place in [(0, 0, 0), (0, 3, 1), (2, 1, 0), (2, 2, 1), (1, 0, 0)]:
            shift = numpy.zeros_like(at)
            shift[place] = step
            up, down = (session.run(total, {x: at + sign * shift}) for sign in (1, -1))
            assert by_x[place] == pytest.approx((up - down) / (2 * step), rel=1e-6, abs=1e-7)
        assert not by_x[1].any()
        assert not by_x[2, 2:].any()
        assert by_x[2, :2].all()
        for variable, g in zip(variables, by_variables, strict=True):
            kept = session.run(variable)
            shift = normal(*kept.shape, seed=4)
            ends = []
            for sign in (1, -1):
                variable.load(kept + sign * step * shift, session)
                ends.append(session.run(total, {x: at}))
            variable.load(kept, session)
            assert (g * shift).sum() == pytest.approx((ends[0] - ends[1]) / (2 * step), rel=1e-5, abs=1e-6)


def test_one_graph_runs_batches_and_steps_of_any_number():
    x, sizes = tf.placeholder("float64", [None, None, 2]), tf.placeholder("int64", [None])
    with tf.variable_scope("net", initializer=drawn(5)):
        outputs, last = tf.nn.dynamic_rnn(cells.GRUCell(3), x, sizes, dtype=tf.float64)
    (slope,) = tf.gradients(tf.reduce_sum(last), [x])
    assert outputs.shape.as_list() == [None, None, 3]
    assert last.shape.as_list() == [None, 3]
    whole = normal(4, 6, 2)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        ends = {}
        for batch, steps in [(4, 6), (1, 6), (4, 1), (2, 3), (3, 5)]:
            lengths = numpy.arange(batch) % (steps + 1)
            given = {x: whole[:batch, :steps], sizes: lengths}
            y, h, g = session.run([outputs, last, slope], given)
            assert y.shape == (batch, steps, 3)
            assert g.shape == (batch, steps, 2)
            for i, length in enumerate(lengths):
                assert not y[i, length:].any()
                assert not g[i, length:].any()
                numpy.testing.assert_array_equal(h[i], y[i, length - 1] if length else numpy.zeros(3))
                expected = ends.setdefault((i, length), h[i])
                numpy.testing.assert_allclose(h[i], expected, rtol=1e-12)


def test_time_may_come_first():
    x = tf.constant(normal(3, 4, 2))
    with tf.variable_scope("net", initializer=drawn(6), reuse=tf.AUTO_REUSE):
        rows = tf.nn.dynamic_rnn(cells.BasicLSTMCell(3, name="cell"), x, LENGTHS, dtype=tf.float64)
        swapped = tf.transpose(x, [1, 0, 2])
        times = tf.nn.dynamic_rnn(cells.BasicLSTMCell(3, name="cell"), swapped, LENGTHS, dtype=tf.float64, time_major=True)
    assert times[0].shape.as_list() == [4, 3, 3]
    (y, last), (z, other) = evaluated([rows, times])
    numpy.testing.assert_array_equal(y, z.swapaxes(0, 1))
    numpy.testing.assert_array_equal(last, other)


@pytest.mark.parametrize("name", ["gru", "lstm", "stack"])
def test_raw_rnn_can_do_what_dynamic_rnn_does(name):
    x = tf.constant(normal(4, 3, 2))
    with tf.variable_scope("net", initializer=drawn(7), reuse=tf.AUTO_REUSE):
        wanted = tf.nn.dynamic_rnn(CELLS[name](), x, LENGTHS, dtype=tf.float64, time_major=True, scope="rnn")
        inputs = tf.TensorArray(tf.float64, size=4).unstack(x)
        cell = CELLS[name]()

        def fed(time, output, state, loop_state):
            state = cell.zero_state(3, tf.float64) if output is None else state
            done = time >= LENGTHS
            following = tf.cond(tf.reduce_all(done), lambda: tf.zeros([3, 2], tf.float64), lambda: inputs.read(time))
            return done, following, state, output, None

        emitted, last, nothing = tf.nn.raw_rnn(cell, fed, scope="rnn")
    assert nothing is None
    variables = tf.trainable_variables()
    slopes = [
        [tf.convert_to_tensor(g) for g in tf.gradients(tf.reduce_sum(tf.sin(y)), variables)]
        for y in (wanted[0], emitted.stack())
    ]
    want, got = evaluated([[*flatten(wanted), *slopes[0]], [emitted.stack(), *flatten(last), *slopes[1]]])
    for one, other in zip(want, got, strict=True):
        numpy.testing.assert_allclose(other, one, rtol=1e-12, atol=1e-12)


def test_nothing_is_dropped_where_all_is_kept():
    cell = cells.GRUCell(3)
    x, state = tf.constant(normal(2, 3)), tf.constant(normal(2, 3, seed=1))
    plain = cell(x, state)
    before = len(tf.get_default_graph().get_operations())
    kept = cells.DropoutWrapper(cell, 1.0, 1.0, 1.0)(x, state)
    added = {op.type for op in tf.get_default_graph().get_operations()[before:]}
    assert not {name for name in added if "andom" in name}
    (one, _), (other, _) = evaluated([plain, kept])
    numpy.testing.assert_array_equal(one, other)


class Passing(cells.RNNCell):
    """A cell without variables: inputs out, and the state stays."""

    def __init__(self, size, state):
        super().__init__()
        self._size, self._state = size, state

    @property
    def state_size(self):
        return self._state

    @property
    def output_size(self):
        return self._size

    def call(self, inputs, state):
        return tf.identity(inputs), tf.contrib.framework.nest.map_structure(tf.identity, state)


@pytest.mark.parametrize("variational", [False, True])
@pytest.mark.parametrize("what", ["input_keep_prob", "output_keep_prob"])
def test_dropout_keeps_as_many_and_scales_them(what, variational):
    more = {"variational_recurrent": True, "dtype": tf.float32, "input_size": 200} if variational else {}
    cell = cells.DropoutWrapper(Passing(200, 1), **{what: 0.8}, seed=3, **more)
    y, _ = tf.nn.dynamic_rnn(cell, tf.ones([4, 6, 200]), dtype=tf.float32)
    found = evaluated(y)
    assert set(numpy.unique(found)) == {numpy.float32(0), numpy.float32(1.25)}
    assert 0.75 < (found > 0).mean() < 0.85
    same = (found == found[:1, :1]).all()
    assert same == variational


def test_dropout_leaves_c_alone_or_what_the_filter_says():
    ones = cells.LSTMStateTuple(tf.ones([2, 50]), tf.ones([2, 50]))
    x = tf.ones([2, 50])
    pair = Passing(50, cells.LSTMStateTuple(50, 50))
    usual = cells.DropoutWrapper(pair, state_keep_prob=0.5, seed=1)(x, ones)[1]
    turned = cells.DropoutWrapper(
        pair, state_keep_prob=0.5, seed=1, dropout_state_filter_visitor=lambda state: cells.LSTMStateTuple(True, False)
    )(x, ones)[1]
    nested = cells.DropoutWrapper(Passing(50, (50, cells.LSTMStateTuple(50, 50))), state_keep_prob=0.5, seed=1)
    usual, turned, (alone, inner) = evaluated([usual, turned, nested(x, (tf.ones([2, 50]), ones))[1]])
    for part, dropped in [(usual.c, 0), (usual.h, 1), (turned.c, 1), (turned.h, 0), (alone, 1), (inner.c, 0), (inner.h, 1)]:
        assert (part == 0).any() == dropped
    assert isinstance(inner, cells.LSTMStateTuple)


def test_a_seed_makes_dropout_repeat():
    found = []
    for seed in (5, 5, 6):
        with tf.Graph().as_default():
            cell = cells.DropoutWrapper(Passing(40, 1), 0.5, seed=seed)
            found.append(evaluated(tf.nn.dynamic_rnn(cell, tf.ones([2, 3, 40]), dtype=tf.float32)[0]))
    assert (found[0] == found[1]).all()
    assert (found[0] != found[2]).any()
    assert (found[0][:, 0] != found[0][:, 1]).any()


def test_zeros_are_made_once_for_a_batch_size():
    cell, stack = cells.BasicLSTMCell(3), cells.MultiRNNCell([cells.GRUCell(2), cells.BasicLSTMCell(4)])
    size = tf.placeholder("int32", [])
    assert cell.zero_state(2, tf.float32) is cell.zero_state(2, tf.float32)
    assert cell.zero_state(size, tf.float32) is cell.zero_state(size, tf.float32)
    assert cell.zero_state(3, tf.float32).c.shape.as_list() == [3, 3]
    assert cell.zero_state(3, tf.float64).dtype == tf.float64
    state = stack.zero_state(size, tf.float32)
    assert [leaf.shape.as_list() for leaf in flatten(state)] == [[None, 2], [None, 4], [None, 4]]
    assert [leaf.shape for leaf in flatten(evaluated(state, {size: 5}))] == [(5, 2), (5, 4), (5, 4)]
    with tf.Graph().as_default() as graph:
        assert cell.zero_state(2, tf.float32).c.graph is graph


def test_a_cell_used_twice_has_its_variables_once():
    cell = cells.GRUCell(3)
    x = tf.ones([2, 4, 2])
    with tf.variable_scope("a"):
        one, _ = tf.nn.dynamic_rnn(cell, x, dtype=tf.float32)
    with tf.variable_scope("b"):
        other, _ = tf.nn.dynamic_rnn(cell, x, dtype=tf.float32)
    assert [v.op.name for v in tf.trainable_variables()] == [
        f"a/rnn/gru_cell/{part}" for part in ("gates/kernel", "gates/bias", "candidate/kernel", "candidate/bias")
    ]
    numpy.testing.assert_array_equal(*evaluated([one, other]))


def test_another_cell_of_the_same_name_needs_reuse():
    x = tf.ones([2, 4, 2])
    tf.nn.dynamic_rnn(cells.BasicRNNCell(3), x, dtype=tf.float32)
    with pytest.raises(ValueError, match="rnn/basic_rnn_cell/kernel already exists"):
        tf.nn.dynamic_rnn(cells.BasicRNNCell(3), x, dtype=tf.float32)
    tf.nn.dynamic_rnn(cells.BasicRNNCell(3, reuse=True), x, dtype=tf.float32)
    assert len(tf.trainable_variables()) == 2


def test_trainable_weights_are_those_of_the_cells_inside():
    stack = cells.MultiRNNCell([cells.DropoutWrapper(cells.GRUCell(3), 0.5), cells.ResidualWrapper(cells.BasicRNNCell(3))])
    tf.nn.dynamic_rnn(stack, tf.ones([2, 4, 2]), dtype=tf.float32)
    assert stack.trainable_weights == tf.trainable_variables()
    assert len(stack.trainable_weights) == 6


def test_old_names():
    assert tf.nn.rnn is tf.contrib.rnn.static_rnn is tf.nn.static_rnn
    assert tf.nn.bidirectional_rnn is tf.nn.static_bidirectional_rnn
    assert tf.nn.seq2seq.sequence_loss is tf.contrib.legacy_seq2seq.sequence_loss
    assert tf.nn.rnn_cell.EmbeddingWrapper is tf.contrib.rnn.EmbeddingWrapper
    state = tf.zeros([2, 3])
    outputs, last = tf.nn.rnn(cells.GRUCell(3), [tf.ones([2, 2])] * 3, state)
    assert len(outputs) == 3
    assert last is outputs[-1]


CELL, INPUTS = (lambda: cells.GRUCell(3)), (lambda: tf.ones([2, 4, 3]))
REFUSALS = [
    (lambda: tf.nn.dynamic_rnn(CELL(), INPUTS()), ValueError, "no initial_state, you must give a dtype"),
    (lambda: tf.nn.dynamic_rnn(tf.tanh, INPUTS(), dtype="float32"), TypeError, "is not an RNNCell"),
    (lambda: tf.nn.dynamic_rnn(CELL(), tf.ones([4]), dtype="float32"), ValueError, "dimensions batch and time"),
    (lambda: tf.nn.dynamic_rnn(CELL(), INPUTS(), [[1], [2]], dtype="float32"), ValueError, "vector of length batch_size"),
    (
        lambda: tf.nn.dynamic_rnn(CELL(), tf.placeholder("float32", [2, 4, None]), dtype="float32"),
        ValueError,
        "Expected inputs.shape\\[-1\\] to be known",
    ),
    (lambda: tf.nn.dynamic_rnn(CELL(), INPUTS(), initial_state=tf.ones([2, 5])), ValueError, "dimensions 8 and 6 differ"),
    (lambda: tf.nn.static_rnn(CELL(), INPUTS(), dtype="float32"), TypeError, "inputs must be a sequence"),
    (lambda: tf.nn.static_rnn(CELL(), [], dtype="float32"), ValueError, "inputs must not be empty"),
    (lambda: tf.nn.raw_rnn(CELL(), None), TypeError, "loop_fn must be a callable"),
    (lambda: cells.MultiRNNCell([]), ValueError, "at least one cell"),
    (lambda: cells.MultiRNNCell(CELL()), TypeError, "cells must be a list or tuple"),
    (lambda: cells.MultiRNNCell([_SHARED, _SHARED]), ValueError, "same object"),
    (lambda: cells.MultiRNNCell([cells.BasicLSTMCell(2)], state_is_tuple=False), ValueError, "state_is_tuple is not set"),
    (lambda: cells.DropoutWrapper(CELL(), 1.5), ValueError, "input_keep_prob must be between 0 and 1: 1.5"),
    (lambda: cells.DropoutWrapper(CELL(), 0.5, variational_recurrent=True), ValueError, "dtype must be provided"),
    (
        lambda: cells.DropoutWrapper(CELL(), 0.5, variational_recurrent=True, dtype="float32"),
        ValueError,
        "input_size must be provided",
    ),
    (
        lambda: tf.nn.dynamic_rnn(cells.ResidualWrapper(cells.GRUCell(5)), INPUTS(), dtype="float32"),
        ValueError,
        r"\(2, 3\) and \(2, 5\)",
    ),
    (lambda: contrib.GRUBlockCell(), ValueError, "Exactly one of num_units or cell_size"),
    (lambda: contrib.GRUBlockCell(2, cell_size=2), ValueError, "Exactly one of num_units or cell_size"),
    (lambda: contrib.EmbeddingWrapper(CELL(), 0, 3), ValueError, "must be > 0: 0, 3"),
    (lambda: contrib.OutputProjectionWrapper(CELL(), 0), ValueError, "output_size must be > 0: 0"),
    (lambda: contrib.InputProjectionWrapper(tf.tanh, 2), TypeError, "is not an RNNCell"),
    (
        lambda: contrib.stack_bidirectional_dynamic_rnn([CELL()], [], INPUTS(), dtype="float32"),
        ValueError,
        "as long as each other",
    ),
    (
        lambda: tf.contrib.legacy_seq2seq.sequence_loss([tf.ones([2, 3])], [[1, 2]], []),
        ValueError,
        "must be the same 1, 0, 1",
    ),
    (
        lambda: tf.contrib.seq2seq.sequence_loss(tf.ones([2, 3]), tf.ones([2, 3]), tf.ones([2, 3])),
        ValueError,
        "Logits must be a",
    ),
    (
        lambda: tf.contrib.seq2seq.sequence_loss(INPUTS(), tf.ones([2, 4]), tf.ones([2, 4]), sum_over_batch=True),
        ValueError,
        "cannot be set to True at same time",
    ),
]
_SHARED = cells.GRUCell(3)


@pytest.mark.parametrize(("use", "error", "words"), REFUSALS, ids=[words for *_, words in REFUSALS])
def test_refusals(use, error, words):
    with pytest.raises(error, match=words):
        use()
