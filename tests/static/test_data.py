import gc
import subprocess
import sys
import threading
import time
from collections import namedtuple

import numpy as np
import pytest

import static
import static as tf
from tests.static.oracle import tensorflow


Pair = namedtuple("Pair", "left right")

X = np.arange(12, dtype="float32").reshape(6, 2)


def drain(session, fetch, feed=None, most=100):
    """The values of ``fetch``, run by run, until the iterator's end."""
    values = []
    while len(values) < most:
        try:
            values.append(session.run(fetch, feed))
        except tf.errors.OutOfRangeError:
            break
    return values


def numbers(tf, n=5):
    return tf.data.Dataset.range(n)


def growing(tf):
    return numbers(tf).map(lambda i: (tf.fill(tf.reshape(i, [1]), i), {"n": i, "f": tf.cast(i, tf.float32)}))


def counted():
    for i in range(4):
        yield i, [i] * i


DATASETS = {
    "range": lambda tf: tf.data.Dataset.range(2, 11, 3),
    "range down": lambda tf: tf.data.Dataset.range(5, 0, -2),
    "slices": lambda tf: tf.data.Dataset.from_tensor_slices(X),
    "slices of a dict": lambda tf: tf.data.Dataset.from_tensor_slices({"b": X, "a": (["x"] * 6, np.arange(6))}),
    "slices of a list": lambda tf: tf.data.Dataset.from_tensor_slices([[1, 2], [3, 4]]),
    "slices of a pair": lambda tf: tf.data.Dataset.from_tensor_slices(Pair(X, X[:, 0])),
    "slices of tensors": lambda tf: tf.data.Dataset.from_tensor_slices((tf.constant(X) * 2, tf.range(6))),
    "tensors": lambda tf: tf.data.Dataset.from_tensors((X, [1, 2])),
    "generator": lambda tf: tf.data.Dataset.from_generator(counted, (tf.float32, tf.int64), ([], [None])),
    "generator with args": lambda tf: tf.data.Dataset.from_generator(lambda n: range(n), tf.int32, args=(3,)),
    "generator of dicts": lambda tf: tf.data.Dataset.from_generator(
        lambda: [{"a": 1, "b": "x"}, {"a": 2, "b": b"y"}], {"a": tf.int32, "b": tf.string}
    ),
    "zip": lambda tf: tf.data.Dataset.zip((numbers(tf), {"x": tf.data.Dataset.from_tensor_slices(X)})),
    "concatenate": lambda tf: growing(tf).take(2).concatenate(growing(tf).skip(3)),
    "concatenate shapes": lambda tf: (
        tf.data.Dataset.from_tensors(X)
        .concatenate(tf.data.Dataset.from_tensors(X[:3]))
        .concatenate(tf.data.Dataset.from_tensors(X))
    ),
    "map": lambda tf: numbers(tf).map(lambda i: i * 2 + 1, num_parallel_calls=4),
    "map of a pair": lambda tf: tf.data.Dataset.from_tensor_slices((X, X[:, 0])).map(lambda x, y: x * y),
    "map of a named tuple": lambda tf: tf.data.Dataset.from_tensor_slices(Pair(X, X)).map(lambda p: p.left - 2 * p.right),
    "map of a dict": lambda tf: tf.data.Dataset.from_tensor_slices({"a": X}).map(
        lambda d: {"s": tf.reduce_sum(d["a"]), **d}
    ),
    "map to a list": lambda tf: numbers(tf).map(lambda i: [i, -i]),
    "map to constants": lambda tf: numbers(tf).map(lambda i: (i, 7, [1.0, 2.0], "text")),
    "map with closure": lambda tf: (lambda k: numbers(tf).map(lambda i: i * k))(tf.constant(3, tf.int64) + 1),
    "map by Python": lambda tf: numbers(tf).map(lambda i: tf.py_func(lambda i: i * i, [i], tf.int64)),
    "map of maps": lambda tf: growing(tf).map(lambda v, d: (tf.reduce_sum(v), d["n"], d["f"])),
    "filter": lambda tf: numbers(tf, 10).filter(lambda i: tf.equal(i % 3, 1)),
    "flat_map": lambda tf: numbers(tf, 4).flat_map(lambda i: tf.data.Dataset.range(i).map(lambda j: i * 10 + j)),
    "flat_map of slices": lambda tf: tf.data.Dataset.from_tensor_slices(X).flat_map(
        lambda row: tf.data.Dataset.from_tensor_slices(row).filter(lambda x: x > 3)
    ),
    "interleave": lambda tf: numbers(tf, 4).interleave(lambda i: tf.data.Dataset.from_tensors(i).repeat(i + 2), 2, 3),
    "interleave one by one": lambda tf: numbers(tf).interleave(
        lambda i: tf.data.Dataset.from_tensors(i).repeat(3), cycle_length=3
    ),
    "take": lambda tf: numbers(tf).take(3),
    "take all": lambda tf: numbers(tf).take(-1),
    "take none": lambda tf: numbers(tf).take(0),
    "skip": lambda tf: numbers(tf).skip(3),
    "skip all": lambda tf: numbers(tf).skip(-1),
    "skip too many": lambda tf: numbers(tf).skip(9),
    "shard": lambda tf: numbers(tf, 10).shard(3, 1),
    "repeat": lambda tf: numbers(tf, 3).repeat(2),
    "repeat never": lambda tf: numbers(tf, 3).repeat(0),
    "repeat for ever": lambda tf: numbers(tf, 3).repeat().take(7),
    "repeat of nothing": lambda tf: numbers(tf, 0).repeat(),
    "batch": lambda tf: tf.data.Dataset.from_tensor_slices((X, X[:, 0])).batch(4),
    "batch whole": lambda tf: tf.data.Dataset.from_tensor_slices(X).batch(4, drop_remainder=True),
    "batch of batches": lambda tf: tf.data.Dataset.from_tensor_slices(X).batch(2).batch(2),
    "batch of text": lambda tf: tf.data.Dataset.from_tensor_slices(["a", "bc", "d"]).batch(2),
    "batch then repeat": lambda tf: numbers(tf).batch(3).repeat(2),
    "padded_batch": lambda tf: growing(tf).padded_batch(2, ([None], {"n": [], "f": []})),
    "padded_batch to a size": lambda tf: growing(tf).padded_batch(3, ([6], {"n": [], "f": []})),
    "padded_batch values": lambda tf: growing(tf).padded_batch(
        3, ([-1], {"n": [], "f": []}), (tf.constant(-1, tf.int64), {"n": tf.constant(0, tf.int64), "f": 0.0}), True
    ),
    "padded_batch of a matrix": lambda tf: (
        tf.data.Dataset.range(1, 4)
        .map(lambda i: tf.fill(tf.stack([i, 4 - i]), i))
        .padded_batch(2, tf.TensorShape([None, 3]))
    ),
    "prefetch": lambda tf: numbers(tf).map(lambda i: -i).prefetch(2),
    "prefetch none": lambda tf: numbers(tf).prefetch(0),
    "cache": lambda tf: numbers(tf).map(lambda i: i + 1).cache().repeat(3),
    "enumerate": lambda tf: tf.data.Dataset.from_tensor_slices(X).apply(tf.data.experimental.enumerate_dataset(5)),
    "shuffle of one": lambda tf: numbers(tf).shuffle(1),
    "shuffled sums": lambda tf: numbers(tf, 20).shuffle(7).batch(20).map(tf.reduce_sum),
    "apply": lambda tf: numbers(tf).apply(lambda d: d.map(lambda i: i - 1)),
    "unbatch": lambda tf: tf.data.Dataset.from_tensors((X, X[:, 0])).apply(tf.data.experimental.unbatch()),
    "unbatch method": lambda tf: numbers(tf).batch(2).unbatch(),
    "take_while": lambda tf: numbers(tf, 9).apply(tf.data.experimental.take_while(lambda i: i * i < 20)),
    "map_and_batch": lambda tf: numbers(tf).apply(tf.data.experimental.map_and_batch(lambda i: i * 2, 2)),
    "ignore_errors": lambda tf: (
        numbers(tf)
        .map(lambda i: tf.py_func(lambda i: 6 // int(i - 2), [i], tf.int64))
        .apply(tf.data.experimental.ignore_errors())
    ),
    "counter": lambda tf: tf.data.experimental.Counter(3, 2).take(3),
    "loop in map": lambda tf: numbers(tf).map(
        lambda n: tf.while_loop(lambda i, _: i < n, lambda i, a: (i + 1, a * 2), [tf.constant(0, tf.int64), 1])[1]
    ),
    "branch in map": lambda tf: numbers(tf).map(lambda n: tf.cond(n > 1, lambda: n * 10, lambda: -n)),
    "csv": lambda tf: tf.data.Dataset.from_tensor_slices(["1,2.5,a", "3,4,b"]).map(
        lambda line: tf.decode_csv(line, [[0], [0.0], [""]])
    ),
    "random pairs": lambda tf: numbers(tf, 3).map(lambda i: tf.shape(tf.random_uniform([2, 3]))),
}


REDUCTIONS = {
    "sum": lambda tf: numbers(tf).reduce(tf.constant(0, tf.int64), lambda state, x: state + x),
    "count": lambda tf: growing(tf).reduce(0, lambda state, _: state + 1),
    "structure": lambda tf: numbers(tf).reduce((0, {"p": 1.0}), lambda s, x: (s[0] + 1, {"p": s[1]["p"] * 2})),
    "growing": lambda tf: numbers(tf).reduce(tf.zeros([0], tf.int64), lambda s, x: tf.concat([s, [x * x]], 0)),
    "captures": lambda tf: numbers(tf, 3).reduce(1.0, lambda s, x: s * tf.constant(3.0)),
    "another dtype": lambda tf: numbers(tf).reduce(0, lambda s, x: x),
}


@pytest.mark.oracle
@pytest.mark.parametrize("name", REDUCTIONS)
def test_reductions_are_tensorflows(name):
    np.testing.assert_equal(reduction(static, REDUCTIONS[name]), reduction(tensorflow(), REDUCTIONS[name]))


def reduction(tf, make):
    with tf.Graph().as_default(), tf.Session() as session:
        try:
            state = make(tf)
        except TypeError as error:
            return type(error), str(error)[:40]
        return flat(state, lambda x: str(x.shape)), session.run(state), session.run(state)


def contents(tf, make):
    """The elements of a dataset, and what is known of them before."""
    with tf.Graph().as_default(), tf.Session() as session:
        dataset = make(tf)
        element = dataset.make_one_shot_iterator().get_next()
        shapes = [str(shape) for shape in flat(element, lambda x: x.shape)]
        types = [dtype.name for dtype in flat(element, lambda x: x.dtype)]
        values = []
        while len(values) < 50:
            try:
                values.append(session.run(element))
            except tf.errors.OutOfRangeError:
                break
        return shapes, types, values


def flat(structure, leaf):
    if isinstance(structure, dict):
        return [y for key in sorted(structure) for y in flat(structure[key], leaf)]
    if isinstance(structure, tuple):
        return [y for x in structure for y in flat(x, leaf)]
    return [leaf(structure)]


@pytest.mark.oracle
@pytest.mark.parametrize("name", DATASETS)
def test_elements_are_tensorflows(name):
    ours, theirs = contents(static, DATASETS[name]), contents(tensorflow(), DATASETS[name])
    assert ours[:2] == theirs[:2]
    assert len(ours[2]) == len(theirs[2])
    for mine, other in zip(ours[2], theirs[2], strict=True):
        assert type(mine) is type(other)
        for x, y in zip(flat(mine, np.asarray), flat(other, np.asarray), strict=True):
            np.testing.assert_array_equal(x, y)
            assert x.dtype == y.dtype


# Iterators


@pytest.fixture
def session():
    with tf.Session() as session:
        yield session


def test_a_run_moves_on_once_for_each_get_next(session):
    iterator = tf.data.Dataset.range(10).make_one_shot_iterator()
    x = iterator.get_next()
    y = x * 10
    assert session.run([x, y, x + y]) == [0, 0, 0]
    assert session.run([y, x]) == [10, 1]
    again = iterator.get_next()
    assert sorted(session.run([x, again])) == [2, 3]
    assert session.run(again) == 4
    assert session.run(tf.constant(1)) == 1
    assert session.run(x) == 5


def test_each_session_has_its_own(session):
    iterator = tf.data.Dataset.range(3).make_initializable_iterator()
    x = iterator.get_next()
    with tf.Session() as other:
        session.run(iterator.initializer)
        assert session.run(x) == 0
        with pytest.raises(tf.errors.FailedPreconditionError, match="the iterator has not been initialized"):
            other.run(x)
        other.run(iterator.initializer)
        assert [session.run(x), other.run(x), session.run(x)] == [1, 0, 2]
        for _ in range(2):
            with pytest.raises(tf.errors.OutOfRangeError, match=r"End of sequence\n  node 'IteratorGetNext'.*test_data.py"):
                session.run(x)
        assert other.run(x) == 1
        session.run(iterator.initializer)
        assert session.run(x) == 0


def test_placeholders_are_fed_to_the_initializer(session):
    data, size = tf.placeholder(tf.float32, [None, 2]), tf.placeholder(tf.int64, [])
    iterator = tf.data.Dataset.from_tensor_slices(data).batch(size).make_initializable_iterator()
    x = iterator.get_next()
    fed = X.copy()
    for n in (2, 4):
        session.run(iterator.initializer, {data: fed, size: n})
        fed += 100
        np.testing.assert_array_equal(np.concatenate(drain(session, x)), X if n == 2 else X + 100)


def test_a_failed_run_loses_no_element(session):
    x = tf.data.Dataset.range(4).make_one_shot_iterator().get_next()
    other = tf.data.Dataset.range(2).make_one_shot_iterator().get_next()
    bad = tf.py_func(lambda x: np.int64(int(x) // int(x % 2)), [x], tf.int64)
    seen = []
    for _ in range(3):
        with pytest.raises(tf.errors.UnknownError, match="ZeroDivisionError"):
            session.run([x, bad])
    seen.append(session.run(x))
    seen.append(session.run([x, bad])[0])
    session.run([other])
    session.run([other])
    with pytest.raises(tf.errors.OutOfRangeError):
        session.run([x, other])
    seen += drain(session, x)
    assert seen == [0, 1, 2, 3]


def test_an_element_that_fails_is_passed_over(session):
    dataset = tf.data.Dataset.range(5).map(lambda i: tf.py_func(lambda i: 6 // int(i - 2), [i], tf.int64, name="division"))
    for prefetched in (dataset, dataset.prefetch(3)):
        x = prefetched.make_one_shot_iterator().get_next()
        found = [session.run(x), session.run(x)]
        with pytest.raises(tf.errors.UnknownError, match=r"ZeroDivisionError.*\n  node 'MapDataset/division'"):
            session.run(x)
        assert found + drain(session, x) == [-3, -6, 6, 3]
    first = tf.data.Dataset.range(3).map(lambda i: tf.py_func(lambda i: 6 // int(i), [i], tf.int64))
    x = first.make_one_shot_iterator().get_next()
    with pytest.raises(tf.errors.UnknownError):
        session.run(x)
    assert drain(session, x) == [6, 3]


def test_what_is_fetched_is_the_callers_own(session):
    x = tf.data.Dataset.from_tensor_slices(X).cache().repeat(2).make_one_shot_iterator().get_next()
    v = tf.Variable([0.0, 0.0])
    step = v.assign(x)
    before = X.copy()
    for value in drain(session, x, most=5):
        value += 1000
    session.run(step)
    session.run(x)[:] = -1
    np.testing.assert_array_equal(session.run(v), before[5])
    np.testing.assert_array_equal(drain(session, x), before[1:])


def test_an_iterator_of_a_structure_takes_several_datasets(session):
    train, test = tf.data.Dataset.range(3), tf.data.Dataset.range(10, 12)
    iterator = tf.data.Iterator.from_structure(train.output_types, train.output_shapes)
    x = iterator.get_next()
    starts = [iterator.make_initializer(train), iterator.make_initializer(test, name="test")]
    assert starts[1].name == "test"
    for _ in range(2):
        session.run(starts[0])
        assert drain(session, x) == [0, 1, 2]
        session.run(starts[1])
        assert drain(session, x) == [10, 11]
    with pytest.raises(TypeError, match=r"Expected output types tf.int64 but got dataset with output types tf.float32"):
        iterator.make_initializer(tf.data.Dataset.from_tensors(1.0))
    with pytest.raises(TypeError, match="Expected output shapes compatible with"):
        iterator.make_initializer(train.batch(2))
    with pytest.raises(ValueError, match="Iterator does not have an initializer"):
        _ = iterator.initializer


def test_a_handle_names_the_iterator_of_a_run(session):
    handle = tf.placeholder(tf.string, [])
    x = tf.data.Iterator.from_string_handle(handle, tf.int64, []).get_next() * 2
    train = tf.data.Dataset.range(3).repeat().make_one_shot_iterator()
    test = tf.data.Dataset.range(10, 12).make_initializable_iterator()
    wrong = tf.data.Dataset.from_tensors(1.0).make_one_shot_iterator()
    names = session.run([train.string_handle(), test.string_handle(), wrong.string_handle()])
    for _ in range(2):
        session.run(test.initializer)
        assert drain(session, x, {handle: names[1]}) == [20, 22]
    assert drain(session, x, {handle: names[0]}, most=4) == [0, 2, 4, 0]
    assert session.run(train.get_next()) == 1
    with pytest.raises(tf.errors.InvalidArgumentError, match="Could not parse string_handle"):
        session.run(x, {handle: "nonsense"})
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"yields float32\(\), and int64\(\) was expected"):
        session.run(x, {handle: names[2]})


def test_an_iterator_may_be_chosen_by_cond(session):
    train = tf.data.Dataset.range(5).make_one_shot_iterator()
    test = tf.data.Dataset.range(100, 105).make_initializable_iterator()
    flag = tf.placeholder(tf.bool, [])
    x = tf.cond(flag, train.get_next, test.get_next)
    assert session.run(x, {flag: True}) == 0
    session.run(test.initializer)
    assert [session.run(x, {flag: f}) for f in (True, False, False, True)] == [1, 100, 101, 2]


def test_a_loop_draws_an_element_in_each_round(session):
    iterator = tf.data.Dataset.range(100).make_initializable_iterator()
    start = [0, tf.constant(0, tf.int64)]
    total = tf.while_loop(lambda i, _: i < 4, lambda i, a: (i + 1, a + iterator.get_next()), start)[1]
    session.run(iterator.initializer)
    assert [session.run(total), session.run(total), session.run(iterator.get_next())] == [6, 22, 8]


def test_functions_read_variables_when_the_iterator_is_initialised(session):
    v = tf.Variable(10, dtype=tf.int64)
    iterator = tf.data.Dataset.range(2).map(lambda i: i + v).make_initializable_iterator()
    x = iterator.get_next()
    session.run(v.initializer)
    session.run(iterator.initializer)
    session.run(v.assign(20))
    assert drain(session, x) == [10, 11]
    session.run(iterator.initializer)
    assert drain(session, x) == [20, 21]
    with pytest.raises(ValueError, match="cannot change variables: 'MapDataset_1/Assign"):
        tf.data.Dataset.range(2).map(lambda i: v.assign_add(i))


@pytest.mark.parametrize(
    "make",
    [
        lambda: tf.data.Dataset.from_tensor_slices(tf.placeholder(tf.float32, [None], name="culprit")),
        lambda: tf.data.Dataset.range(3).repeat(tf.placeholder(tf.int64, [], name="culprit")),
        lambda v=None: tf.data.Dataset.range(3).map(lambda i: i + tf.Variable(1, name="culprit", dtype=tf.int64)),
    ],
)
def test_a_one_shot_iterator_needs_nothing_but_its_dataset(make):
    with pytest.raises(ValueError, match=r"one-shot iterator[\s\S]*make_initializable_iterator[\s\S]*culprit"):
        make().make_one_shot_iterator()


def test_what_a_dataset_yields_can_be_asked_for():
    dataset = tf.data.Dataset.from_tensor_slices({"a": X}).with_options(tf.data.Options())
    for it in (dataset, dataset.make_one_shot_iterator()):
        assert tf.data.get_output_types(it) == it.output_types == {"a": tf.float32}
        assert tf.data.get_output_shapes(it)["a"].as_list() == [2]
        assert tf.data.get_output_classes(it) == {"a": tf.Tensor}
    options = tf.data.Options()
    options.experimental_optimization.map_fusion = True
    assert options.experimental_optimization.map_fusion is True
    assert repr(dataset) == "<Dataset shapes: {a: (2,)}, types: {a: tf.float32}>"


def test_training_from_an_iterator(session):
    x = np.linspace(-1, 1, 40).astype("float32")
    dataset = tf.data.Dataset.from_tensor_slices((x, 3 * x + 1)).shuffle(40, seed=1).batch(8).repeat(30).prefetch(1)
    a, b = dataset.make_one_shot_iterator().get_next()
    w, c = tf.Variable(0.0), tf.Variable(0.0)
    loss = tf.reduce_mean((a * w + c - b) ** 2)
    step = tf.train.GradientDescentOptimizer(0.3).minimize(loss)
    session.run(tf.global_variables_initializer())
    steps = 0
    try:
        while True:
            session.run([step, loss])
            steps += 1
    except tf.errors.OutOfRangeError:
        pass
    assert steps == 150
    np.testing.assert_allclose(session.run([w, c]), [3, 1], atol=1e-4)


# Randomness


def epochs(session, dataset, inits=2):
    iterator = dataset.make_initializable_iterator()
    x = iterator.get_next()
    found = []
    for _ in range(inits):
        session.run(iterator.initializer)
        values = [int(v) for v in drain(session, x, most=1000)]
        found += [values[: len(values) // 2], values[len(values) // 2 :]]
    return found


@pytest.mark.parametrize(
    ("graph_seed", "settings", "same"),
    [
        (None, {"seed": 1}, "0101"),
        (7, {}, "0101"),
        (7, {"seed": 1}, "0101"),
        (None, {"seed": 1, "reshuffle_each_iteration": False}, "0000"),
        (None, {"reshuffle_each_iteration": False}, "0022"),
        (None, {}, "0123"),
    ],
)
def test_shuffling_repeats_itself_where_a_seed_says_so(session, graph_seed, settings, same):
    tf.set_random_seed(graph_seed)
    found = epochs(session, tf.data.Dataset.range(30).shuffle(30, **settings).repeat(2))
    assert all(sorted(order) == list(range(30)) for order in found)
    assert "".join(str(found.index(order)) for order in found) == same


def test_a_small_buffer_shuffles_a_little(session):
    (first, second) = epochs(session, tf.data.Dataset.range(200).shuffle(4, seed=3).repeat(2), inits=1)
    for order in (first, second):
        assert sorted(order) == list(range(200)) != order
        assert all(value < place + 4 for place, value in enumerate(order))


def test_two_shuffles_of_one_graph_differ():
    tf.set_random_seed(5)
    with tf.Session() as session:
        x = [tf.data.Dataset.range(50).shuffle(50).batch(50).make_one_shot_iterator().get_next() for _ in range(2)]
        one, other = session.run(x)
    assert one.tolist() != other.tolist()


def test_random_operations_in_a_function_draw_for_each_element():
    def run():
        with tf.Graph().as_default(), tf.Session() as session:
            tf.set_random_seed(3)
            dataset = tf.data.Dataset.range(3).map(lambda i: tf.random_uniform([])).repeat(2)
            return drain(session, dataset.make_one_shot_iterator().get_next())

    values = run()
    assert len(set(values)) == 6
    assert values == run()


# Mistakes


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda d: d.from_tensor_slices(([1, 2], [1, 2, 3])), ValueError, "Dimensions 2 and 3 are not compatible"),
        (lambda d: d.from_tensor_slices(1), ValueError, "rank >= 1"),
        (lambda d: d.range(3).concatenate(d.from_tensors(1.0)), TypeError, "different types tf.int64 and tf.float32"),
        (lambda d: d.range(3).filter(lambda i: i), ValueError, "convertible to a scalar boolean tensor"),
        (lambda d: d.range(3).flat_map(lambda i: i), TypeError, "must return a `Dataset` object"),
        (lambda d: d.range(3).apply(lambda d: 3), TypeError, "must return a Dataset"),
        (lambda d: d.range(), ValueError, "Invalid arguments"),
        (lambda d: d.zip((d.range(3), 4)), TypeError, "structure of datasets"),
        (lambda d: d.range(3).shard(3, 3), ValueError, "index must be between 0 and 3 - 1"),
        (lambda d: d.from_generator([1], tf.int32), TypeError, "`generator` must be callable"),
        (lambda d: d.range(3).cache("/tmp/x"), NotImplementedError, "in memory only"),
        (lambda d: d.from_generator(counted, (tf.int32, tf.int32), [None]), TypeError, "has to be a tuple of 2"),
    ],
)
def test_mistakes_are_found_while_building(make, error, message):
    with pytest.raises(error, match=message):
        make(tf.data.Dataset)


def yielding(*items):
    return lambda: iter(items)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda d: d.from_generator(yielding("a"), tf.int32), "InvalidArgument", "could not be converted.*int32.*was a"),
        (lambda d: d.from_generator(yielding(1), tf.int32, [2]), "InvalidArgument", r"shape \(\) where.*shape \(2,\) was"),
        (
            lambda d: d.from_generator(yielding(1), (tf.int32,) * 2),
            "InvalidArgument",
            "did not match the expected structure",
        ),
        (lambda d: d.range(1, 3).map(lambda i: tf.fill(tf.reshape(i, [1]), i)).batch(2), "InvalidArgument", "Cannot batch"),
        (lambda d: d.from_tensors([1, 2, 3]).padded_batch(2, [2]), "DataLoss", "pad to a smaller size"),
        (lambda d: d.from_tensors([1, 2, 3]).padded_batch(2, []), "InvalidArgument", "same rank"),
        (lambda d: d.list_files("/nowhere/*.none"), "NotFound", r"No files matched pattern: /nowhere/\*.none"),
        (lambda d: tf.data.TextLineDataset("/nowhere/x"), "NotFound", "/nowhere/x; No such file"),
    ],
)
def test_mistakes_are_found_in_the_run(session, make, error, message):
    x = make(tf.data.Dataset).make_one_shot_iterator().get_next()
    with pytest.raises(getattr(tf.errors, f"{error}Error"), match=message):
        session.run(x)


# Files


@pytest.mark.oracle
def test_files_are_read_as_tensorflow_reads_them(tmp_path):
    (tmp_path / "a.txt").write_bytes(b"one\ntwo\r\n\nfour")
    (tmp_path / "b.txt").write_bytes("fünf\n".encode())
    (tmp_path / "c.bin").write_bytes(b"HEADabcdefF")
    names = [str(tmp_path / name) for name in ("a.txt", "b.txt")]
    makes = [
        lambda tf: tf.data.TextLineDataset(names),
        lambda tf: tf.data.TextLineDataset(names[0]).skip(1).map(lambda line: tf.constant("-") if line is None else line),
        lambda tf: tf.data.FixedLengthRecordDataset([str(tmp_path / "c.bin")], 3, 4, 1),
        lambda tf: tf.data.Dataset.list_files(str(tmp_path / "*.txt"), shuffle=False),
        lambda tf: tf.data.Dataset.list_files(str(tmp_path / "*.txt"), shuffle=False).flat_map(tf.data.TextLineDataset),
    ]
    for make in makes:
        assert contents(static, make) == contents(tensorflow(), make)
    with tf.Session() as session:
        started = tf.data.TextLineDataset(names).make_one_shot_iterator().get_next()
        assert session.run(started) == b"one"
        x = tf.data.FixedLengthRecordDataset(str(tmp_path / "c.bin"), 4).make_one_shot_iterator().get_next()
        with pytest.raises(tf.errors.DataLossError, match="not an exact multiple of the record length"):
            session.run(x)


# Threads


def prefetchers():
    return [thread for thread in threading.enumerate() if thread.name == "tf.data prefetch"]


def wait_for(condition):
    until = time.monotonic() + 60
    while not condition() and time.monotonic() < until:
        time.sleep(0.002)
    assert condition()


def test_a_prefetching_thread_fetches_ahead_and_ends_with_its_session():
    made = []

    def generate():
        for i in range(1000):
            made.append(i)
            yield i

    iterator = tf.data.Dataset.from_generator(generate, tf.int32).prefetch(3).make_initializable_iterator()
    x = iterator.get_next()
    before = len(prefetchers())
    with tf.Session() as session:
        session.run(iterator.initializer)
        assert not made
        assert session.run(x) == 0
        wait_for(lambda: len(made) == 4)
        assert drain(session, x, most=10) == list(range(1, 11))
        session.run(iterator.initializer)
        assert session.run(x) == 0
        gc.collect()
        wait_for(lambda: len(prefetchers()) == before + 1)
    gc.collect()
    wait_for(lambda: len(prefetchers()) == before)


def test_several_threads_share_an_iterator():
    x = tf.data.Dataset.range(400).prefetch(4).make_one_shot_iterator().get_next()
    found = []
    with tf.Session() as session:

        def work():
            found.extend(drain(session, x, most=1000))

        threads = [threading.Thread(target=work) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(found) == list(range(400))


def test_a_generator_that_waits_does_not_keep_python_from_ending():
    script = """
import threading, static as tf
def stuck():
    yield 1
    threading.Event().wait()
x = tf.data.Dataset.from_generator(stuck, tf.int32).prefetch(2).make_one_shot_iterator().get_next()
session = tf.Session()
print(session.run(x))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120, check=True)
    assert (done.stdout, done.stderr) == ("1\n", "")
