import sys

import numpy as np
import pytest

import static
import static as tf
from tests.static.oracle import tensorflow


@pytest.fixture
def session():
    with tf.Session() as session:
        yield session


# Python functions


def test_a_python_function_gets_arrays_scalars_and_bytes_and_may_return_several(session):
    seen = []

    def look(*arrays):
        seen.extend(arrays)
        return arrays[0] * 2, np.int64(len(arrays))

    x, text = tf.constant([1.0, 2.0]), tf.constant(["a", "b"])
    doubled, count = tf.py_func(look, [x, 1.5, "s", text], [tf.float32, tf.int64])
    assert (doubled.shape.ndims, doubled.dtype, count.dtype) == (None, tf.float32, tf.int64)
    np.testing.assert_array_equal(session.run(doubled), [2, 4])
    assert [type(value) for value in seen] == [np.ndarray, np.float32, bytes, np.ndarray]
    assert seen[3].tolist() == [b"a", b"b"]
    assert session.run(count) == 4


def test_a_python_function_runs_once_a_run_and_neither_keeps_nor_changes_anybodys_memory(session):
    v = tf.Variable([1.0, 2.0])
    calls, kept = [], np.zeros(2, np.float32)

    def spoil(x):
        calls.append(1)
        x += 1
        kept[:] = x
        return kept

    out = tf.py_func(spoil, [v], tf.float32)
    session.run(v.initializer)
    first, *_ = session.run([out, out + 1.0, out * out])
    assert len(calls) == 1
    session.run(out)
    kept[:] = 0
    np.testing.assert_array_equal(first, [2, 3])
    np.testing.assert_array_equal(session.run(v), [1, 2])


@pytest.mark.parametrize("several", [False, True])
def test_a_python_function_may_return_nothing(session, several):
    calls = []
    op = tf.py_func(calls.append, [tf.constant(3)], [])
    y = tf.constant(1.0)
    if several:
        with tf.control_dependencies([op]):
            y = tf.identity(y)
        assert session.run([y, y]) == [1.0, 1.0]
    else:
        assert session.run(op) is None
    assert calls == [3]


RAISED = [
    (ValueError, tf.errors.InvalidArgumentError),
    (TypeError, tf.errors.InvalidArgumentError),
    (StopIteration, tf.errors.OutOfRangeError),
    (MemoryError, tf.errors.ResourceExhaustedError),
    (NotImplementedError, tf.errors.UnimplementedError),
    (ZeroDivisionError, tf.errors.UnknownError),
]


@pytest.mark.parametrize(("raised", "error"), RAISED)
@pytest.mark.parametrize("way", ["run", "interpret"])
def test_what_a_python_function_raises_comes_out_with_its_own_traceback(session, raised, error, way):
    def fail(x):
        raise raised("no luck")

    y = tf.py_func(fail, [tf.constant(1.0)], tf.float32, name="unlucky") + 1.0
    with pytest.raises(error, match=rf"{raised.__name__}: no luck\n  node 'unlucky' .*made at .*test_effects.py") as caught:
        getattr(session, way)(y)
    assert caught.value.op.name == "unlucky"
    assert caught.value.message == f"{raised.__name__}: no luck"
    cause = caught.value.__cause__
    assert type(cause) is raised
    trace = cause.__traceback__
    while trace.tb_next is not None:
        trace = trace.tb_next
    assert trace.tb_frame.f_code.co_name == "fail"


@pytest.mark.parametrize(
    ("result", "out", "message"),
    [
        (1.5, tf.float32, "0-th value returned by give is float64, but expects float32"),
        ((1, 2), [tf.int64] * 3, "give returns 2 values, but expects to see 3 values."),
        (None, tf.float32, "give returns 0 values, but expects to see 1 values."),
    ],
)
def test_a_python_function_has_to_return_what_was_declared(session, result, out, message):
    def give(_):
        return result

    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        session.run(tf.py_func(give, [1.0], out))
    with pytest.raises(ValueError, match="Expected func to be callable"):
        tf.py_func(result, [1.0], out)


# Printing: the text is TensorFlow's

SHOWN = {
    "scalar": np.float32(1.5),
    "vector": np.arange(5, dtype="int32"),
    "matrix": np.arange(12.0).reshape(3, 4) / 7,
    "cube": np.arange(8).reshape(2, 2, 2),
    "bools": np.array([True, False]),
    "strings": np.array(["ab", "c"]),
    "empty": np.zeros((0, 3)),
    "empty rows": np.zeros((2, 0)),
    "floats": np.array([1e10, 1e-7, np.nan, -np.inf, 123456789.0, 0.1], "float32"),
    "doubles": np.array([1e10, 1e-7, 123456.789, 1234567.89, 0.1, 1 / 3]),
}
MANY = (None, 1, 2, 10, -1)


def shown_by(tf, take):
    """What ``tf`` prints for every array, and every number of elements."""
    with tf.Graph().as_default(), tf.Session() as session:
        arrays = [tf.constant(value) for value in SHOWN.values()]
        old = [tf.Print(x, [x, x], f"{count}: ", summarize=count) for x in arrays for count in MANY]
        new = [
            tf.print("x =", x, {"b": x, "a": [x, 1]}, (None, x), "end", summarize=count) for x in arrays for count in MANY
        ]
        old.append(tf.Print(tf.constant(1), []))
        new += [tf.print(tf.constant(1), 2, sep=",", end="!\n", output_stream=sys.stderr), tf.print()]
        texts = []
        for printing in (old, new):
            for each in printing:
                session.run(each)
            texts.append(take())
        return texts


@pytest.mark.oracle
def test_printed_text_is_tensorflows(capfd):
    theirs = tensorflow()
    with theirs.Session():
        pass
    capfd.readouterr()
    old, new = shown_by(static, lambda: capfd.readouterr().err)
    capfd.readouterr()
    their_old, their_new = shown_by(theirs, lambda: capfd.readouterr().err)
    assert old.splitlines() == their_old.splitlines()[-len(old.splitlines()) :]
    assert new.splitlines() == their_new.splitlines()
    assert "None: [[0 1][2...]]..." not in new
    assert "None: [[[0 1][2...]]...][[[0 1][2...]]...]" in old


def test_print_is_the_identity_and_stops_after_first_n(session, capsys):
    x = tf.constant([1.0, 2.0])
    y = tf.Print(x, [x], "x: ", first_n=2)
    (slope,) = tf.gradients(y * y, x)
    for _ in range(3):
        np.testing.assert_array_equal(session.run(slope), [2, 4])
    assert capsys.readouterr().err == "x: [1 2]\n" * 2


def test_effects_run_once_and_in_the_order_of_their_dependencies(session, capsys):
    first = tf.print("first", output_stream=sys.stdout)
    with tf.control_dependencies([first]):
        second = tf.print("second", tf.constant("text"), output_stream=sys.stdout)
    with tf.control_dependencies([second]):
        y = tf.Print(tf.constant(1.0), [])
    session.run([y, y + 1.0, second, first])
    assert capsys.readouterr().out == 'first\nsecond "text"\n'
    lines = []
    session.run(tf.print("to a function", tf.constant(1), output_stream=lines.append))
    assert lines == ["to a function 1"]
    for wrong in ({"output_stream": "nowhere"}, {"file": sys.stdout}):
        with pytest.raises(ValueError, match=r"Unknown output stream|Unrecognized keyword"):
            tf.print("x", **wrong)


# Checking: each either passes or fails, as TensorFlow's does

X = np.array([1, 2, 3, 4, 5], "float32")

CHECKS = {
    "Assert": lambda tf, x: tf.Assert(tf.reduce_all(x > 3), [x, "hello", tf.cast(x, tf.int32)]),
    "Assert summarize": lambda tf, x: tf.Assert(tf.reduce_all(x > 3), [x], summarize=2),
    "Assert holds": lambda tf, x: tf.Assert(tf.reduce_all(x > 0), [x]),
    "equal": lambda tf, x: tf.assert_equal(x, x + 1, message="why"),
    "equal data": lambda tf, x: tf.assert_equal(x, x + 1, data=["d", x], summarize=1),
    "equal holds": lambda tf, x: tf.assert_equal(x + 0, x),
    "equal constants": lambda tf, x: tf.assert_equal(1, 2),
    "equal constants hold": lambda tf, x: tf.assert_equal(1, 1),
    "none_equal": lambda tf, x: tf.assert_none_equal(x, x),
    "less": lambda tf, x: tf.assert_less(x, x),
    "less holds": lambda tf, x: tf.assert_less(x, x + 1),
    "less_equal": lambda tf, x: tf.assert_less_equal(x, x - 1),
    "greater": lambda tf, x: tf.assert_greater(x, x),
    "greater_equal": lambda tf, x: tf.assert_greater_equal(x, x + 1),
    "positive": lambda tf, x: tf.assert_positive(x - 3),
    "positive holds": lambda tf, x: tf.assert_positive(x),
    "negative": lambda tf, x: tf.assert_negative(x),
    "non_negative": lambda tf, x: tf.assert_non_negative(x - 3),
    "non_positive holds": lambda tf, x: tf.assert_non_positive(-x),
    "near": lambda tf, x: tf.assert_near(x, x + 1, data=[x]),
    "near holds": lambda tf, x: tf.assert_near(x, x * (1 + 1e-7)),
    "rank": lambda tf, x: tf.assert_rank(x, 2),
    "rank holds": lambda tf, x: tf.assert_rank(x, 1),
    "rank unknown": lambda tf, x: tf.assert_rank(tf.placeholder_with_default(x, None, name="u"), 2),
    "rank unknown holds": lambda tf, x: tf.assert_rank(tf.placeholder_with_default(x, None), 1),
    "rank_at_least": lambda tf, x: tf.assert_rank_at_least(x, 2, message="why"),
    "rank_at_least unknown": lambda tf, x: tf.assert_rank_at_least(tf.placeholder_with_default(x, None, name="u"), 2),
    "rank_in": lambda tf, x: tf.assert_rank_in(x, [2, 3]),
    "rank_in unknown": lambda tf, x: tf.assert_rank_in(tf.placeholder_with_default(x, None, name="u"), [2, 3]),
    "rank_in unknown holds": lambda tf, x: tf.assert_rank_in(tf.placeholder_with_default(x, None), [1, 3]),
    "type": lambda tf, x: tf.assert_type(x, tf.int32),
    "integer": lambda tf, x: tf.assert_integer(x),
    "integer holds": lambda tf, x: tf.assert_integer(tf.cast(x, tf.int32)),
    "scalar": lambda tf, x: tf.assert_scalar(x),
    "inf": lambda tf, x: tf.check_numerics(x / 0.0, "why"),
    "nan": lambda tf, x: tf.check_numerics(x * np.nan, "why"),
    "inf and nan": lambda tf, x: tf.check_numerics(tf.log(x - 2), "why"),
    "finite": lambda tf, x: tf.check_numerics(x, "why"),
    "verify": lambda tf, x: tf.verify_tensor_all_finite(x / 0.0, "why"),
    "verify holds": lambda tf, x: tf.verify_tensor_all_finite(x, "why"),
    "gradient": lambda tf, x: tf.gradients(tf.check_numerics(x, "why"), x, x / 0.0)[0],
    "debugging": lambda tf, x: tf.debugging.assert_all_finite(x / 0.0, "why"),
    "order": lambda tf, x: [tf.is_non_decreasing(x // 2), tf.is_strictly_increasing(x // 2), tf.is_strictly_increasing(x)],
}


def checked(tf, build):
    """The value that a check gives, or its error's kind and text."""
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.placeholder(tf.float32, [None], name="x")
        try:
            return session.run(build(tf, x), {x: X})
        except Exception as error:
            return type(error).__name__, str(error)


@pytest.mark.oracle
@pytest.mark.parametrize("name", CHECKS)
def test_checks_pass_and_fail_as_tensorflows(name):
    ours, theirs = checked(static, CHECKS[name]), checked(tensorflow(), CHECKS[name])
    if isinstance(theirs, tuple):
        assert ours[0] == theirs[0]
        said = ours[1].split("\n")[0].replace("gradient. why", "gradient. b'why'")
        assert said in theirs[1]
        assert "test_effects.py" in ours[1]
    else:
        np.testing.assert_array_equal(np.array(ours, dtype=object), np.array(theirs, dtype=object))


def test_every_tensor_can_be_checked(session):
    x = tf.placeholder(tf.float32, name="x")
    y = tf.log(x, name="y")
    v = tf.Variable(1.0)
    check = tf.add_check_numerics_ops()
    session.run(v.initializer)
    session.run([check, y], {x: 1.0})
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"y:0 : Tensor had Inf values"):
        session.run([check, y], {x: 0.0})


def test_small_questions_about_tensors():
    x = tf.constant([1.0])
    assert tf.is_numeric_tensor(x)
    assert not tf.is_numeric_tensor(3)
    assert tf.assert_same_float_dtype([x, tf.constant(2.0)]) == tf.float32
    assert tf.assert_same_float_dtype() == tf.float32
    for wrong in ([x, tf.constant(1.0, tf.float64)], [tf.constant(1)]):
        with pytest.raises(ValueError, match=r"mismatch|Expected floating"):
            tf.assert_same_float_dtype(wrong)
    tf.assert_proper_iterable([1])
    for wrong in (x, "text", 3):
        with pytest.raises(TypeError, match="proper"):
            tf.assert_proper_iterable(wrong)


# Inside loops and branches


def test_effects_happen_in_each_round_of_a_loop(session, capsys):
    calls = []

    def work(i):
        calls.append(int(i))
        return np.float32(i)

    def body(i, total):
        step = tf.py_func(work, [i], tf.float32)
        step.set_shape([])
        return i + 1, tf.Print(total, [i, total], "at: ") + step

    loop = tf.while_loop(lambda i, _: i < 3, body, [0, 0.0])
    assert session.run(loop) == [3, 3.0]
    assert calls == [0, 1, 2]
    assert capsys.readouterr().err == "at: [0][0]\nat: [1][0]\nat: [2][1]\n"


def test_effects_happen_in_the_branch_that_is_taken(session, capsys):
    x = tf.placeholder(tf.float32, [], name="x")

    def large():
        with tf.control_dependencies([tf.print("large", x), tf.Assert(x < 5.0, ["too big:", x])]):
            return tf.identity(x) * 3.0

    y = tf.cond(x > 1.0, large, lambda: tf.Print(x, [x], "small: "))
    (slope,) = tf.gradients(y, x)
    assert session.run([y, slope], {x: 0.5}) == [0.5, 1.0]
    assert capsys.readouterr().err == "small: [0.5]\n"
    assert session.run([y, slope], {x: 2.0}) == [6.0, 3.0]
    assert capsys.readouterr().err == "large 2\n"
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"failed: \[too big:\] \[7\]\n  node 'cond/Assert") as caught:
        session.run(y, {x: 7.0})
    assert caught.value.op.name == "cond/Assert/Assert"


@pytest.mark.parametrize(
    ("body", "error", "message"),
    [
        (lambda a: tf.check_numerics(a / 0.0, "why"), "InvalidArgument", r"why : Tensor had Inf.*\n.*\n.*'while/Check"),
        (lambda a: tf.py_func(lambda a: {}[a], [a], tf.float32), "Unknown", "KeyError: .*\n  node 'while/PyFunc'"),
    ],
)
def test_a_failure_in_a_loop_names_the_node_inside(session, body, error, message):
    loop = tf.while_loop(lambda a: tf.reduce_all(a < 1e9), body, [tf.constant(1.0)], [tf.TensorShape(None)])
    with pytest.raises(getattr(tf.errors, f"{error}Error"), match=message):
        session.run(loop)
