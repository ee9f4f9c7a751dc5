"""Several graphs and sessions in one program: what each holds and refuses, as in TensorFlow."""

import collections

import numpy as np
import pytest

import static as ours
from tests.static.oracle import tensorflow


Pair = collections.namedtuple("Pair", "x y")


class Two:
    """Two graphs with the same names in them, and a session of each."""

    def __init__(self, tf):
        self.tf = tf
        self.first, self.second = tf.Graph(), tf.Graph()
        with self.first.as_default():
            self.a, self.v = tf.constant(2.0, name="a"), tf.Variable(1.0, name="v")
            self.start = tf.global_variables_initializer()
        with self.second.as_default():
            self.b, self.w = tf.constant(3.0, name="a"), tf.Variable(5.0, name="v")
            self.x = tf.placeholder(tf.float32, [None, 2], name="x")
            self.again = tf.global_variables_initializer()
        self.one, self.two = tf.Session(graph=self.first), tf.Session(graph=self.second)
        self.one.run(self.start)
        self.two.run(self.again)


def defaults(t):
    tf = t.tf
    yield tf.get_default_session() is None
    with t.one.as_default():
        yield t.a.eval(), t.v.eval(), tf.get_default_session() is t.one, tf.get_default_graph() is t.first
        with t.two:
            yield tf.get_default_session() is t.two, tf.get_default_graph() is t.second, t.b.eval()
        yield tf.get_default_session() is t.one
    with t.first.as_default(), tf.Session() as inner:
        yield inner.graph is t.first, tf.get_default_graph() is t.first
        with t.second.as_default():
            yield tf.get_default_graph() is t.second, tf.get_variable("n", [1]).graph is t.second
    session = tf.InteractiveSession(graph=t.second)
    yield tf.get_default_session() is session, session.graph is t.second, t.b.eval()
    session.close()


def fetches(t):
    yield t.one.run([t.a, t.v]), t.two.run([t.b, t.w]), t.one.run("a:0"), t.one.run("a"), t.one.run(t.start)
    yield t.two.run({"x": [t.b, (t.w,)], "y": {"z": t.b}}), t.two.run(Pair(t.b, t.w)), t.two.run([t.b, t.b])
    yield t.two.run([]), t.two.run({}), t.two.run(()), t.two.run([t.again, t.b, t.second.get_operation_by_name("v")])[:2]
    yield t.two.run("a:0", {"a:0": 7.0}), t.two.run(t.w, {t.w: 9.0}), t.two.run(t.b, {t.b: np.float64(4)})
    yield t.two.make_callable([t.b, t.w], [t.b])(4.0), t.two.make_callable(t.b)(), t.two.make_callable(t.again)()
    yield [device.device_type for device in t.two.list_devices()][:1]


def states(t):
    other = t.tf.Session(graph=t.first)
    other.run(t.start)
    with t.first.as_default():
        change = t.v.assign_add(10.0)
    yield other.run(change), other.run(t.v), t.one.run(t.v)
    t.v.load(4.0, t.one)
    yield other.run(t.v), t.one.run(t.v)


def elements(t):
    graph = t.second
    y = t.x * t.b
    yield graph.as_graph_element("a").name, graph.as_graph_element("a:0") is t.b, graph.get_name_scope()
    yield graph.unique_name("a"), graph.unique_name("a", mark_as_used=False), graph.unique_name("fresh")
    yield t.x.op.type, t.x.op.outputs[0] is t.x, [i.name for i in y.op.inputs], y.op.values()[0] is y
    yield [op.name for op in t.b.consumers()], [op.name for op in t.x.consumers()], y.consumers()
    yield t.x.op.get_attr("dtype").name, t.x == t.x, t.x != t.b, len({t.x, t.b}), graph.is_feedable(t.x)
    with graph.as_default(), graph.name_scope("s"):
        yield graph.get_name_scope(), graph.is_fetchable(t.b)


PROGRAMS = [defaults, fetches, states, elements]


def plain(value):
    """``value`` with arrays as lists."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [type(value).__name__, *map(plain, value)]
    return value.tolist() if isinstance(value, (np.ndarray, np.generic)) else value


@pytest.mark.oracle
@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.__name__)
def test_programs_agree(program):
    wanted = [plain(value) for value in program(Two(tensorflow()))]
    assert [plain(value) for value in program(Two(ours))] == wanted


def other_default(t):
    with t.one.as_default():
        t.b.eval()


def closed(t):
    t.one.close()
    t.one.run(t.a)


def finalized(t):
    t.first.finalize()
    with t.first.as_default():
        t.tf.constant(1.0)


def empty(t):
    t.tf.Session(graph=t.tf.Graph()).run([])


ERRORS = {
    "a tensor of the other graph": lambda t: t.one.run(t.b),
    "fed a tensor of the other graph": lambda t: t.one.run(t.a, {t.b: 1.0}),
    "tensors of both": lambda t: t.a + t.b,
    "an unknown name": lambda t: t.one.run("no:0"),
    "fed an unknown name": lambda t: t.one.run(t.a, {"no:0": 1}),
    "fed an operation": lambda t: t.one.run(t.a, {"a": 1}),
    "nothing": lambda t: t.one.run(None),
    "a number": lambda t: t.one.run(3),
    "no default session": lambda t: t.a.eval(),
    "another default session": other_default,
    "a value of another shape": lambda t: t.two.run(t.x, {t.x: np.ones((3, 3))}),
    "a tensor as a value": lambda t: t.two.run(t.x, {t.x: t.b}),
    "a closed session": closed,
    "a finalized graph": finalized,
    "an empty graph": empty,
    "no operation of the name": lambda t: t.first.get_operation_by_name("no"),
    "no tensor of the name": lambda t: t.first.get_tensor_by_name("no:0"),
    "no such output": lambda t: t.first.get_tensor_by_name("a:3"),
    "an operation's name": lambda t: t.first.get_tensor_by_name("a"),
    "no such attribute": lambda t: t.a.op.get_attr("no"),
}


@pytest.mark.oracle
@pytest.mark.parametrize("case", ERRORS)
def test_errors_agree(case):
    def raised(tf):
        two = Two(tf)
        with pytest.raises(Exception) as error:  # noqa: PT011 (the kind is what is compared)
            ERRORS[case](two)
        return error.type

    assert issubclass(raised(ours), raised(tensorflow()))
