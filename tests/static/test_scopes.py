"""Variable scopes and ``get_variable``: each program gives the same names, values and kinds of errors as TensorFlow."""

import functools

import numpy as np
import pytest

import static as ours
from tests.static.oracle import tensorflow


def names(tf, key):
    return [v.name for v in tf.get_collection(key)]


def constant_name(tf):
    return tf.constant(1.0, name="c").name


# Names


def nested(tf):
    with tf.variable_scope("a") as a:
        w = tf.get_variable("w", [2, 3])
        yield w.name, w.op.name, constant_name(tf), a.name, a.original_name_scope
        with tf.variable_scope("b") as b:
            yield tf.get_variable("w", [2]).name, constant_name(tf), b.name, b.original_name_scope
            with tf.name_scope("n"):
                yield tf.get_variable("x", [2]).name, constant_name(tf), tf.Variable(1.0, name="v").name
    with tf.name_scope("n"), tf.variable_scope("d") as d:
        yield tf.get_variable("x", [2]).name, constant_name(tf), d.name, d.original_name_scope
    yield tf.get_variable("w", [1]).name, tf.get_variable_scope().name, tf.get_variable_scope().original_name_scope


def reopened(tf):
    with tf.variable_scope("a") as a:
        w = tf.get_variable("w", [2, 3])
    with tf.variable_scope("a", reuse=True) as again:
        yield tf.get_variable("w", [2, 3]) is w, constant_name(tf), again.original_name_scope
    with tf.variable_scope(a, reuse=True) as jumped:
        yield tf.get_variable("w") is w, constant_name(tf), jumped.name, jumped.original_name_scope
        with tf.variable_scope("b", reuse=tf.AUTO_REUSE) as b:
            yield tf.get_variable("w", [1]).name, constant_name(tf), b.name, b.original_name_scope
    with tf.variable_scope("other"), tf.variable_scope(b) as back:
        yield back.name, constant_name(tf), back.original_name_scope, tf.get_variable("y", [1]).name
    with tf.variable_scope(a, auxiliary_name_scope=False), tf.name_scope(a.original_name_scope):
        yield constant_name(tf), tf.get_variable("z", []).name
    with tf.variable_scope("plain", auxiliary_name_scope=False) as plain:
        yield constant_name(tf), plain.original_name_scope, tf.get_variable("z", []).name
    with tf.variable_scope(tf.get_variable_scope(), reuse=True):
        yield constant_name(tf), tf.get_variable("a/w") is w, tf.get_variable_scope().reuse
    yield names(tf, "variables"), names(tf, "trainable_variables")


def default_names(tf):
    for _ in range(3):
        with tf.variable_scope(None, default_name="d") as d:
            yield d.name, d.original_name_scope, tf.get_variable("v", []).name, constant_name(tf)
            for _ in range(2):
                with tf.variable_scope(None, "e") as e:
                    yield e.name, e.original_name_scope, tf.get_variable("v", []).name
    with tf.variable_scope("a") as a, tf.variable_scope(None, "e") as e:
        yield e.name
    with tf.variable_scope(a), tf.variable_scope(None, "e") as e:
        yield e.name, e.original_name_scope
    with tf.variable_scope("f", default_name="d") as f:
        yield f.name
    with tf.variable_op_scope([tf.constant(1.0)], None, "d") as g:
        yield g.name


def entered_twice(tf):
    scope = tf.variable_scope("z", reuse=tf.AUTO_REUSE)
    with scope:
        w = tf.get_variable("w", [])
        yield constant_name(tf)
    with scope:
        yield constant_name(tf), tf.get_variable("w", []) is w


def beside_tf_variable(tf):
    yield tf.Variable(1.0, name="w").name, tf.get_variable("w", []).name, tf.Variable(1.0, name="w").name
    with tf.variable_scope("s"):
        yield tf.Variable(1.0).name, tf.get_variable("u", [2]).initializer.name, tf.get_variable("t", [2]).value().name
    yield tf.get_variable("q", [2, 2]).initial_value.name, tf.get_variable("r", initializer=2.0).initial_value.name


# Reuse


def reuse_is_inherited(tf):
    with tf.variable_scope("a", reuse=tf.AUTO_REUSE):
        w = tf.get_variable("w", [])
        with tf.variable_scope("b") as b:
            yield b.reuse is tf.AUTO_REUSE, tf.get_variable("v", []) is tf.get_variable("v", []), w.name
    with tf.variable_scope("a", reuse=True), tf.variable_scope("b", reuse=False) as b:
        yield b.reuse, tf.get_variable("v", []).name
    with tf.variable_scope("a") as a:
        a.reuse_variables()
        yield a.reuse, tf.get_variable("w") is w
    with tf.variable_scope("a") as a:
        yield a.reuse
    yield tf.get_variable_scope().reuse


def loop_that_shares(tf):
    for i in range(3):
        with tf.variable_scope(tf.get_variable_scope(), reuse=i > 0), tf.name_scope(f"tower_{i}"):
            yield tf.get_variable("w", []).name, constant_name(tf)
    yield names(tf, "variables")


# Settings


def settings(tf):
    made = []

    def penalty(v):
        made.append(v.name)
        return tf.reduce_sum(v, name="penalty")

    with tf.variable_scope("a", initializer=tf.constant_initializer(3.0), regularizer=penalty, dtype=tf.float64):
        w = tf.get_variable("w", [2])
        with tf.variable_scope("b", initializer=tf.ones_initializer, dtype=tf.int32) as b:
            v = tf.get_variable("v", [2], regularizer=lambda v: None)
            x = tf.get_variable("x", [2], initializer=tf.zeros_initializer(), dtype=tf.float32)
            yield b.dtype.name, [t.dtype.base_dtype.name for t in (w, v, x)]
    yield names(tf, tf.GraphKeys.REGULARIZATION_LOSSES), list(dict.fromkeys(made))  # newer ones call it twice
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        yield [session.run(t).tolist() for t in (w, v, x, *tf.get_collection(tf.GraphKeys.REGULARIZATION_LOSSES))]


def changed_settings(tf):
    scope = tf.get_variable_scope()
    scope.set_initializer(tf.constant_initializer(2))
    scope.set_dtype(tf.float64)
    scope.set_regularizer(lambda v: tf.identity(v, name="r"))
    w = tf.get_variable("w", [1])
    yield w.dtype.base_dtype.name, names(tf, tf.GraphKeys.REGULARIZATION_LOSSES)
    with tf.variable_scope("c", constraint=tf.abs):
        yield tf.get_variable("w", []).constraint is tf.abs
        with tf.variable_scope("d"):
            yield tf.get_variable("w", []).constraint
    other = tf.VariableScope(None, "o", initializer=tf.zeros_initializer())
    with tf.variable_scope(other) as o:
        yield o.name, o.original_name_scope, tf.get_variable("v", [2]).name, constant_name(tf)
        yield tf.get_variable("v", [2]).name


def collections(tf):
    tf.get_variable("a", [], trainable=False)
    tf.get_variable("b", [], collections=["mine", tf.GraphKeys.GLOBAL_VARIABLES])
    tf.get_variable("c", [], collections=["mine", tf.GraphKeys.TRAINABLE_VARIABLES])
    tf.get_local_variable("d", [])
    tf.get_local_variable("e", [], collections=["mine"])
    tf.get_variable("f", [], collections=[tf.GraphKeys.MODEL_VARIABLES])
    with tf.variable_scope("s"):
        tf.get_variable("g", [])
        scope = tf.get_variable_scope()
        yield [v.name for v in scope.global_variables()], [v.name for v in scope.trainable_variables()]
        yield [v.name for v in scope.local_variables()], [v.name for v in tf.trainable_variables(scope.name)]
    for key in ("variables", "trainable_variables", "local_variables", "model_variables", "mine"):
        yield key, names(tf, key)
    tf.get_collection_ref("mine").append(None)
    tf.add_to_collections(["mine", "yours"], 3)
    yield len(tf.get_collection("mine")), tf.get_collection("yours"), [v.name for v in tf.model_variables()]
    tf.get_default_graph().clear_collection("yours")
    yield tf.get_collection("yours"), sorted(k for k in tf.get_default_graph().get_all_collection_keys() if k != "yours")


def initial_values(tf):
    made = {
        "number": tf.get_variable("number", initializer=2.5),
        "array": tf.get_variable("array", initializer=np.arange(4).reshape(2, 2)),
        "list": tf.get_variable("list", initializer=[1, 2]),
        "tensor": tf.get_variable("tensor", initializer=tf.ones([2]) * 3.0),
        "function": tf.get_variable("function", [2], initializer=lambda shape, dtype, partition_info: tf.fill(shape, 7.0)),
        "plain": tf.get_variable("plain", [2], initializer=lambda shape, dtype: tf.fill(shape, 8.0)),
        "nothing": tf.get_variable("nothing", initializer=lambda: tf.fill([3], 9.0)),
        "class": tf.get_variable("class", [2], initializer=tf.ones_initializer),
        "integer": tf.get_variable("integer", [2], dtype=tf.int32),
        "bool": tf.get_variable("bool", [2], dtype=tf.bool),
        "shape": tf.get_variable("shape", tf.TensorShape([1]), initializer=tf.zeros_initializer()),
        "one": tf.get_variable("one", 2, initializer=tf.zeros_initializer()),
    }
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        for name, variable in made.items():
            yield name, variable.dtype.base_dtype.name, variable.shape.as_list(), session.run(variable).tolist()


# Custom getters and templates


def custom_getters(tf):
    calls = []

    def outer(getter, name, *args, **kwargs):
        calls.append(("outer", name, kwargs["reuse"], kwargs["trainable"], kwargs["dtype"].name))
        return getter(name + "_o", *args, **kwargs)

    def inner(getter, name, **kwargs):
        calls.append(("inner", name, kwargs["shape"], sorted(kwargs)))
        return tf.identity(getter(name + "_i", **kwargs), name="taken")

    with tf.variable_scope("a", custom_getter=outer):
        yield tf.get_variable("w", [2]).name
        with tf.variable_scope("b", custom_getter=inner):
            yield tf.get_variable("w", [2]).name
        yield tf.get_variable("v", [2], custom_getter=inner).name
    yield calls, names(tf, "variables")


def templates(tf):
    def layer(x, units, bias=None):
        w = tf.get_variable("w", [2, units], initializer=tf.ones_initializer())
        out = tf.matmul(x, w, name="out")
        return out if bias is None else out + tf.get_variable("b", initializer=bias)

    x = tf.constant([[1.0, 2.0]])
    first = tf.make_template("layer", layer, units=3)
    second = tf.make_template("layer", layer, create_scope_now_=True, units=1, bias=4.0)
    yield first.name, second.variable_scope_name, first.variable_scope_name
    a, b, c = first(x), first(x), second(x)
    third = tf.make_template("layer", layer, unique_name_="mine", units=2)
    with tf.name_scope("n"):
        d = third(x)
    yield a.name, b.name, c.name, d.name, names(tf, "variables")
    yield [v.name for v in second.variables], [v.name for v in second.trainable_variables], first.variable_scope_name
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        yield [session.run(t).tolist() for t in (a, b, c, d)]


def graphs_apart(tf):
    first, second = tf.Graph(), tf.Graph()
    with first.as_default(), tf.variable_scope("a"):
        tf.get_variable("w", [])
        with second.as_default():
            yield tf.get_variable_scope().name, tf.get_variable("w", []).name
        yield tf.get_variable("v", []).name
    with second.as_default():
        yield names(tf, "variables")


PROGRAMS = [
    nested, reopened, default_names, entered_twice, beside_tf_variable, reuse_is_inherited, loop_that_shares, settings,
    changed_settings, collections, initial_values, custom_getters, templates, graphs_apart,
]  # fmt: skip


@pytest.mark.oracle
@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.__name__)
def test_programs_agree(program):
    theirs = tensorflow()
    with theirs.Graph().as_default():
        wanted = list(program(theirs))
    assert list(program(ours)) == wanted


# Errors


def made(tf, **settings):
    tf.get_variable("w", [2, 3], **settings)


def shared(tf, *args, **kwargs):
    made(tf)
    with tf.variable_scope("", reuse=True):
        tf.get_variable(*args, **kwargs)


def second_template_call(tf):
    template = tf.make_template("t", lambda: tf.Variable(1.0))
    template()
    template()


def crossed(tf):
    outer, inner = tf.variable_scope("a"), tf.variable_scope("b")
    outer.__enter__()
    inner.__enter__()
    try:
        outer.__exit__(None, None, None)
    finally:
        inner.__exit__(None, None, None)


ERRORS = {
    "already exists, disallowed": lambda tf: (made(tf), made(tf)),
    "does not exist, or was not created with tf.get_variable": lambda tf: shared(tf, "x", [1]),
    r"specified shape \(2,\) and found shape \(2, 3\)": lambda tf: shared(tf, "w", [2]),
    "specified dtype int32 and found dtype float32": lambda tf: shared(tf, "w", [2, 3], dtype=tf.int32),
    "If initializer is a constant, do not specify shape": lambda tf: made(tf, initializer=1.0),
    "and explicit dtype": lambda tf: tf.get_variable("w", dtype=tf.int32, initializer=1.0),
    "If default_name is None then name_or_scope is required": lambda tf: tf.variable_scope(None),
    "reuse parameter must be True or False or None": lambda tf: tf.variable_scope("a", reuse="yes"),
    "must be `True` or `False`": lambda tf: tf.variable_scope("a", auxiliary_name_scope=1),
    "name_or_scope must be a string or VariableScope": lambda tf: tf.variable_scope(3).__enter__(),
    "reuse=True cannot be used without a name_or_scope": lambda tf: tf.variable_scope(None, "a", reuse=True).__enter__(),
    "Trainable variable created when calling a template": second_template_call,
    "Improper nesting of variable_scope": crossed,
    "name cannot be None": lambda tf: tf.make_template(None, made, create_scope_now_=True),
}


@pytest.mark.oracle
@pytest.mark.parametrize("message", ERRORS)
def test_errors_agree(message):
    theirs = tensorflow()
    with theirs.Graph().as_default(), pytest.raises(Exception, match=message) as wanted:
        ERRORS[message](theirs)
    with pytest.raises(wanted.type, match=message) as raised:
        ERRORS[message](ours)
    assert str(raised.value).endswith("]") or "test_scopes.py:" in str(raised.value)


def test_a_clash_says_where_the_variable_was_made():
    ours.get_variable("w", [2])  # here
    with pytest.raises(ValueError, match=r"(?s)Variable w already exists.*test_scopes.py:\d+ .*# here\n  at .*\[3\]\)"):
        ours.get_variable("w", [3])


@pytest.mark.parametrize(
    ("shape", "initializer"), [(None, None), ([None, 2], None), (None, ours.ones_initializer()), ([None], lambda: 1.0)]
)
def test_a_new_variable_needs_its_shape(shape, initializer):
    with pytest.raises(ValueError, match=r"(?s)Shape of a new variable \(w\) must be fully defined.*test_scopes.py"):
        ours.get_variable("w", shape, initializer=initializer)


def test_a_dtype_without_a_default_needs_an_initializer():
    with pytest.raises(ValueError, match=r"An initializer for variable w of .*complex64.* is required"):
        ours.get_variable("w", [2], dtype=ours.complex64)


def test_a_template_tells_of_itself_where_its_function_fails():
    template = ours.make_template("t", functools.partial(ours.get_variable, "w"))
    with pytest.raises(ValueError, match="fully defined") as raised:
        template()
    assert "template 't', originally defined at" in raised.value.__notes__[0]


def test_variables_without_values_are_found():
    assert ours.assert_variables_initialized() is None
    ours.get_variable("v", [2])
    one = ours.assert_variables_initialized()
    local = ours.get_local_variable("w", [])
    both = ours.assert_variables_initialized()
    missing = ours.report_uninitialized_variables()
    with ours.Session() as session:
        with pytest.raises(ours.errors.FailedPreconditionError, match="uninitialized value v"):
            session.run(one)
        session.run(ours.global_variables_initializer())
        assert session.run(one) == 1
        assert session.run(missing).tolist() == [b"w"]
        with pytest.raises(ours.errors.FailedPreconditionError, match="uninitialized value w"):
            session.run(both)
        session.run(local.initializer)
        assert session.run(both).tolist() == [1, 0]
