import re

import numpy as np
import pytest

import static as tf


def names(graph=None):
    return [op.name for op in (graph or tf.get_default_graph()).get_operations()]


def test_operations_have_the_names_that_tensorflow_gives():
    x = tf.placeholder(tf.float32, [2, 2])
    y = tf.placeholder(tf.float32, [2, 2], name="y")
    assert [t.name for t in (x + y, x + y, x - y, 2 * x, x / y, x**2, -x, x @ y)] == [
        "add:0", "add_1:0", "sub:0", "mul:0", "truediv:0", "pow:0", "Neg:0", "matmul:0",
    ]  # fmt: skip
    tf.reset_default_graph()
    x, y = tf.placeholder(tf.float32, [2, 2]), tf.placeholder(tf.float32, [2, 2], name="y")
    assert [t.name for t in (tf.matmul(x, y), tf.matmul(x, y), tf.reduce_sum(x), tf.nn.relu(x), tf.add(x, y))] == [
        "MatMul:0", "MatMul_1:0", "Sum:0", "Relu:0", "Add:0",
    ]  # fmt: skip
    assert (x.name, y.name, y.op.name, y.op.type) == ("Placeholder:0", "y:0", "y", "Placeholder")
    assert tf.constant(1.0).name == "Const:0"
    assert tf.exp(x, name="e").op.type == "Exp"


def test_upper_and_lower_case_names_are_kept_apart():
    x = tf.constant(1.0, name="Add")
    assert (x + 1.0).name == "add_1:0"


def test_name_scopes_nest_repeat_and_reopen():
    with tf.name_scope("a") as scope:
        assert scope == "a/"
        x = tf.constant(1.0, name="x")
        with tf.name_scope("b"):
            y = tf.constant(1.0, name="x")
    with tf.name_scope("a"):
        z = tf.constant(1.0, name="x")
    with tf.name_scope(scope):
        again = tf.constant(1.0, name="x")
    with tf.name_scope(None, "default"):
        other = tf.constant(1.0, name="x")
    assert [t.op.name for t in (x, y, z, again, other)] == ["a/x", "a/b/x", "a_1/x", "a/x_1", "default/x"]


def test_variables_name_their_parts():
    tf.Variable(1.0, name="w")
    tf.Variable(1.0)
    assert names() == [
        "w/initial_value", "w", "w/Assign", "w/read",
        "Variable/initial_value", "Variable", "Variable/Assign", "Variable/read",
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["a b", "é", "x\n", "-x", "a\nimport os", ""])
def test_names_that_cannot_be_are_refused(name):
    with pytest.raises(ValueError, match="not a valid scope name") if name else pytest.raises(ValueError, match="valid"):
        tf.get_default_graph().add(None, (), {}, (), name, None)


@pytest.mark.parametrize("scope", ["a b", "a\nimport os/", "é/"])
def test_scopes_that_cannot_be_are_refused_and_leave_the_scope_alone(scope):
    with pytest.raises(ValueError, match="not a valid scope name"), tf.name_scope(scope):
        pass
    assert tf.constant(1.0).name == "Const:0"


def test_operations_and_tensors_are_found_by_name():
    graph = tf.get_default_graph()
    x = tf.constant(1.0, name="x")
    assert graph.get_tensor_by_name("x:0") is x
    assert graph.get_operation_by_name("x") is x.op
    assert graph.as_graph_element("x") is x.op
    with pytest.raises(KeyError, match=r"'xx' refers to an Operation not in the graph. Near it: x"):
        graph.get_operation_by_name("xx")
    with pytest.raises(KeyError, match="output 1"):
        graph.get_tensor_by_name("x:1")
    with pytest.raises(ValueError, match="has the form"):
        graph.get_tensor_by_name("x")


def test_a_finalized_graph_names_the_line_that_would_add_to_it():
    x = tf.placeholder(tf.float32)
    tf.get_default_graph().finalize()
    assert tf.get_default_graph().finalized
    with pytest.raises(RuntimeError, match=r"finalized.*cannot add 'add' to it\n  at .*test_graph.py:\d+  x \+ 1.0"):
        x + 1.0
    with pytest.raises(RuntimeError, match="finalized"):
        tf.add_to_collection("losses", x)


def test_graphs_do_not_mix():
    x = tf.constant(1.0, name="x")
    with tf.Graph().as_default():
        y = tf.constant(1.0, name="y")
        with pytest.raises(ValueError, match=r"'y:0' \(made at .*test_graph.py.*same graph as Tensor 'x:0' \(made at"):
            tf.add(x, y)
        with tf.Session() as session, pytest.raises(ValueError, match=r"'x' is not an element of this graph.*test_graph.py"):
            session.run(x)
    assert y.graph is not x.graph


def test_as_default_says_where_operations_go():
    graph = tf.Graph()
    with graph.as_default():
        assert tf.get_default_graph() is graph
        x = tf.constant(1.0)
        with pytest.raises(AssertionError, match="nested"):
            tf.reset_default_graph()
    assert tf.get_default_graph() is not graph
    assert (x + 1.0).graph is graph


def test_control_dependencies_are_noted_and_nest():
    a, b = tf.constant(1.0, name="a"), tf.constant(2.0, name="b")
    with tf.control_dependencies([a]):
        with tf.control_dependencies([b.op]):
            both = tf.identity(3.0)
        one = tf.identity(a)
        with tf.control_dependencies(None):
            none = tf.identity(3.0)
    assert both.op.control_inputs == [a.op, b.op]
    assert one.op.control_inputs == []  # a is its input already
    assert none.op.control_inputs == []


def test_collections_hold_what_is_put_in():
    w = tf.Variable(1.0, name="w")
    tf.Variable(1.0, name="fixed", trainable=False)
    assert [v.name for v in tf.global_variables()] == ["w:0", "fixed:0"]
    assert tf.trainable_variables() == [w]
    tf.add_to_collection("mine", w)
    assert tf.get_collection("mine") == [w]
    assert tf.get_collection(tf.GraphKeys.GLOBAL_VARIABLES, "fix")[0].name == "fixed:0"
    assert "mine" in tf.get_default_graph().get_all_collection_keys()


def test_a_group_runs_all_and_has_no_value():
    v, w = tf.Variable(1.0), tf.Variable(1.0)
    both = tf.group(v.assign(2.0), [w.assign(3.0)], name="both")
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        assert session.run(both) is None
        assert session.run([v, w]) == [2.0, 3.0]
    assert both.name == "both"


def test_tuple_gates_its_tensors():
    v = tf.Variable(1.0)
    change = v.assign(5.0)
    x, none, y = tf.tuple([tf.constant(1.0), None, tf.constant(2.0)], control_inputs=[change])
    assert none is None
    with tf.Session() as session:
        session.run(v.initializer)
        assert session.run([x, y]) == [1.0, 2.0]
        assert session.run(v) == 5.0


def test_unknown_names_are_explained():
    with pytest.raises(AttributeError, match=r"nor Diptych has tf\.reduce_summ; nearest: tf\.reduce_sum"):
        tf.reduce_summ  # noqa: B018


def test_nodes_know_the_line_that_made_them():
    x = tf.placeholder(tf.float32, [3])
    grads = tf.gradients(tf.reduce_sum(x * x), x)
    for node in (x.op, grads[0].op):
        assert re.match(r".*test_graph.py:\d+  (x|grads) = ", str(node.where))
    assert np.all([name.startswith("gradients/") for name in names() if "grad" in name])
