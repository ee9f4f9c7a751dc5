"""The lint of the static mode: each planted fault is found at its line (marked ``HERE``), and its clean twin is not."""

import numpy as np
import pytest

import static as tf
from graphs.inspection.lint import RULES


@pytest.fixture(autouse=True)
def graph():
    with tf.Graph().as_default() as graph:
        yield graph


def two_layers(gate):
    x, y = tf.placeholder(tf.float32, (None, 3)), tf.placeholder(tf.float32, (None, 2))
    w1, w2 = tf.Variable(tf.ones((3, 4)), name="w1"), tf.Variable(tf.ones((4, 2)), name="w2")
    loss = tf.reduce_sum((y - tf.matmul(tf.nn.relu(tf.matmul(x, w1)), w2)) ** 2.0)
    grads = tf.gradients(loss, [w1, w2])
    with tf.control_dependencies(grads if gate else []):
        new_w1 = w1.assign(w1 - 0.1 * grads[0])
        new_w2 = w2.assign(w2 - 0.1 * grads[1])  # HERE unordered-read
    return [loss, new_w1, new_w2]


def unordered_step():
    return two_layers(False)


def ordered_step():
    return two_layers(True)


def read_beside_a_write():
    v = tf.Variable(1.0)
    return [v.assign_add(1.0), v * 2.0]  # HERE unordered-read


def fetched_beside_a_write():
    v = tf.Variable(1.0)
    return [v.assign_add(1.0), v]  # HERE unordered-read


def fetched_beside_an_optimizer():
    v = tf.Variable([1.0])
    return [tf.train.GradientDescentOptimizer(0.1).minimize(tf.reduce_sum(v * v)), v]  # HERE unordered-read


def read_before_a_write():
    v = tf.Variable(1.0)
    before = v * 2.0
    with tf.control_dependencies([before]):
        return [v.assign_add(1.0), before]


def read_after_a_write():
    v = tf.Variable(1.0)
    with tf.control_dependencies([v.assign_add(1.0)]):
        return [v * 2.0, tf.identity(v)]


def only_the_shape_is_read():
    v = tf.Variable([1.0, 2.0])
    return [v.assign_add([1.0, 1.0]), tf.shape(v), tf.zeros_like(v)]


def written_twice():
    v = tf.Variable(1.0)
    double = v.assign(v * 2.0)
    return [double, v.assign_add(10.0)]  # HERE unordered-read


def written_twice_in_order():
    v = tf.Variable(1.0)
    with tf.control_dependencies([v.assign(v * 2.0)]):
        return [v.assign_add(10.0)]


def nets_by_optimizers():
    x, y = tf.placeholder(tf.float32, (None, 3)), tf.placeholder(tf.float32, (None, 2))
    h = tf.layers.batch_normalization(tf.layers.dense(x, 4, activation=tf.nn.relu), training=True)
    loss = tf.losses.mean_squared_error(y, tf.layers.dense(h, 2))
    step = tf.train.get_or_create_global_step()
    rate = tf.train.exponential_decay(0.1, step, 10, 0.9)
    with tf.control_dependencies(tf.get_collection(tf.GraphKeys.UPDATE_OPS)):
        train = tf.train.AdamOptimizer(rate).minimize(loss, global_step=step)
    averages = tf.train.ExponentialMovingAverage(0.9)
    with tf.control_dependencies([train]):
        follow = averages.apply(tf.trainable_variables())
    return [follow, loss]


def initialisers():
    a = tf.Variable(tf.random_normal([3]))
    tf.Variable(a * 2.0)
    return [tf.global_variables_initializer()]


def two_iterators():
    return [tf.data.Dataset.range(5).make_one_shot_iterator().get_next() for _ in range(2)]


def adversaries(listed, both=True):
    def layer(x, n, name):
        with tf.variable_scope(name, reuse=tf.AUTO_REUSE):
            return tf.matmul(x, tf.get_variable("w", (x.shape[1], n))) + tf.get_variable("b", (n,))

    def judge(x):
        return layer(tf.nn.relu(layer(x, 4, "judge/h")), 1, "judge/out")

    z, x = tf.placeholder(tf.float32, (None, 2)), tf.placeholder(tf.float32, (None, 3))
    made = layer(tf.nn.relu(layer(z, 4, "maker/h")), 3, "maker/out")
    real, fake = judge(x), judge(made)
    entropy = tf.nn.sigmoid_cross_entropy_with_logits
    for_judge = tf.reduce_mean(entropy(logits=real, labels=tf.ones_like(real)))
    for_judge += tf.reduce_mean(entropy(logits=fake, labels=tf.zeros_like(fake)))
    for_maker = tf.reduce_mean(entropy(logits=fake, labels=tf.ones_like(fake)))
    theirs = [v for v in tf.trainable_variables() if v.name.startswith("judge")]
    own = [v for v in tf.trainable_variables() if v.name.startswith("maker")]
    one = tf.train.AdamOptimizer().minimize(for_judge, var_list=theirs if listed else None)  # HERE generator-gradient
    tf.train.AdamOptimizer().minimize(for_maker, var_list=own)
    return [one]


def adversaries_without_var_list():
    return adversaries(False)


def adversaries_with_var_list():
    return adversaries(True)


def two_tasks_of_one_net():
    x = tf.placeholder(tf.float32, (None, 3))
    trunk = tf.layers.dense(x, 4)
    losses = [tf.reduce_mean(tf.layers.dense(trunk, 1) ** 2) for _ in range(2)]
    return [tf.train.AdamOptimizer().minimize(loss) for loss in losses][:1]


def regression(squeeze, column=None):
    x, y = tf.placeholder(tf.float32, (None, 3)), tf.placeholder(tf.float32, (None,))
    guess = tf.matmul(x, tf.Variable(tf.ones((3, 1)))) if column is None else column
    if squeeze:
        guess = tf.squeeze(guess, 1)
    loss = tf.reduce_mean((guess - y) ** 2)  # HERE broadcast-loss
    return [tf.train.GradientDescentOptimizer(0.1).minimize(loss)]


def broadcast():
    return regression(False)


def squeezed():
    return regression(True)


def all_pairs_meant():
    points, grid = tf.Variable(tf.ones((5,))), tf.placeholder(tf.float32, (5,))
    loss = tf.reduce_mean((tf.expand_dims(points, 1) - grid) ** 2)
    return [tf.train.GradientDescentOptimizer(0.1).minimize(loss)]


def log_of_a_softmax():
    x, y = tf.placeholder(tf.float32, (None, 3)), tf.placeholder(tf.float32, (None, 2))
    guess = tf.nn.softmax(tf.matmul(x, tf.Variable(tf.ones((3, 2)))))
    loss = -tf.reduce_sum(y * tf.log(guess))  # HERE log-of-saturated
    return [tf.train.GradientDescentOptimizer(0.1).minimize(loss)]


def log_of_one_minus_a_sigmoid():
    x = tf.placeholder(tf.float32, (None, 3))
    return [tf.reduce_mean(tf.log(1.0 - tf.sigmoid(x)))]  # HERE log-of-saturated


def logarithms_that_are_guarded():
    x = tf.placeholder(tf.float32, (None, 3))
    p = tf.sigmoid(x)
    return [tf.log(p + 1e-8), tf.log(tf.clip_by_value(p, 1e-6, 1.0)), tf.log_sigmoid(x), tf.log(tf.abs(x) + 1.0)]


def softmax_into_cross_entropy():
    x, y = tf.placeholder(tf.float32, (None, 3)), tf.placeholder(tf.int32, (None,))
    guess = tf.nn.softmax(x)
    return [tf.nn.sparse_softmax_cross_entropy_with_logits(labels=y, logits=guess)]  # HERE softmax-twice


def logits_into_cross_entropy():
    x, y = tf.placeholder(tf.float32, (None, 3)), tf.placeholder(tf.int32, (None,))
    return [tf.nn.softmax(x), tf.nn.sparse_softmax_cross_entropy_with_logits(labels=y, logits=x)]


def a_variable_nobody_uses():
    used = tf.Variable([1.0])
    tf.Variable([1.0], name="idle")  # HERE disconnected-parameter
    return [tf.train.GradientDescentOptimizer(0.1).minimize(tf.reduce_sum(used * used))]


def a_listed_variable_nobody_uses():
    used, idle = tf.Variable([1.0]), tf.Variable(1.0, name="idle")  # HERE disconnected-parameter
    return [tf.train.GradientDescentOptimizer(0.1).minimize(tf.reduce_sum(used * used), var_list=[used, idle])]


def variables_that_are_state():
    used, target = tf.Variable([1.0]), tf.Variable([1.0])
    tf.Variable(0.1, name="rate")
    tf.Variable(0, name="step")
    tf.Variable([1.0], trainable=False)
    target.assign(used)
    loss = tf.reduce_sum((used - tf.stop_gradient(target)) ** 2)
    return [tf.train.GradientDescentOptimizer(0.1).minimize(loss)]


FAULTS = {
    unordered_step: "unordered-read",
    read_beside_a_write: "unordered-read",
    fetched_beside_a_write: "unordered-read",
    fetched_beside_an_optimizer: "unordered-read",
    written_twice: "unordered-read",
    adversaries_without_var_list: "generator-gradient",
    broadcast: "broadcast-loss",
    log_of_a_softmax: "log-of-saturated",
    log_of_one_minus_a_sigmoid: "log-of-saturated",
    softmax_into_cross_entropy: "softmax-twice",
    a_variable_nobody_uses: "disconnected-parameter",
    a_listed_variable_nobody_uses: "disconnected-parameter",
}

CLEAN = [
    ordered_step,
    read_before_a_write,
    read_after_a_write,
    only_the_shape_is_read,
    written_twice_in_order,
    nets_by_optimizers,
    initialisers,
    two_iterators,
    adversaries_with_var_list,
    two_tasks_of_one_net,
    squeezed,
    all_pairs_meant,
    logarithms_that_are_guarded,
    logits_into_cross_entropy,
    variables_that_are_state,
]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda each: each.__name__)
def test_a_planted_fault_is_found_at_its_line(fault):
    found = tf.lint(fault())
    assert [each.rule for each in found] == [FAULTS[fault]], str(found)
    (finding,) = found
    assert finding.line.text.endswith(f"# HERE {finding.rule}"), str(finding)
    assert finding.mode == "static"
    assert finding.remedy in str(finding)


@pytest.mark.parametrize("program", CLEAN, ids=lambda each: each.__name__)
def test_its_clean_twin_is_not(program):
    assert tf.lint(program()) == []
    assert tf.lint(tf.get_default_graph()) == []


def test_a_graph_alone_tells_what_no_run_need_tell(graph):
    for fault in (log_of_a_softmax, softmax_into_cross_entropy, a_variable_nobody_uses):
        fault()
    assert {each.rule for each in tf.lint(graph)} == {"log-of-saturated", "softmax-twice", "disconnected-parameter"}


def test_the_updates_of_one_call_of_gradients_are_one_step(graph):
    unordered_step()
    (finding,) = tf.lint(graph)
    assert finding.rule == "unordered-read"
    assert finding.line.text.startswith("new_w2 = ")


def growing():
    v = tf.Variable(1.0)
    with tf.Session() as session:
        session.run(v.initializer)
        for i in range(8):
            session.run(v.assign(float(i)))  # HERE growing-graph


def not_growing():
    v, x = tf.Variable(1.0), tf.placeholder(tf.float32)
    change = v.assign(x)
    with tf.Session() as session:
        session.run(v.initializer)
        for i in range(8):
            session.run(change, {x: i})
        session.run(v + 1.0)
        session.run(v + 2.0)


def test_a_graph_that_grows_in_a_loop():
    with tf.lint() as found:
        growing()
    (finding,) = found
    assert finding.rule == "growing-graph"
    assert finding.line.text.endswith("# HERE growing-graph")
    with tf.lint() as found:
        not_growing()
    assert found == []


def test_every_rule_of_the_mode_has_a_fault():
    assert {rule.name for rule in RULES.values() if "static" in rule.remedies} == {*FAULTS.values(), "growing-graph"}


def test_runs_are_watched_where_they_are_made():
    fetches = two_layers(False)
    x, y = [op.outputs[0] for op in tf.get_default_graph().get_operations() if op.type == "Placeholder"]
    feed = {x: np.ones((5, 3)), y: np.ones((5, 2))}
    with tf.lint() as found, tf.Session() as session:
        session.run(tf.global_variables_initializer())
        for _ in range(3):
            session.run(fetches, feed)
    (finding,) = found
    assert finding.rule == "unordered-read"
    assert finding.nodes[0] == "w2"
    assert "now the old one" in finding.message
    with tf.lint() as found, tf.Session() as session:  # apart from each other they are in order
        session.run(tf.global_variables_initializer())
        for fetch in fetches:
            session.run(fetch, feed)
    assert found == []


def test_values_of_logarithms_are_seen_and_nothing_changes():
    def train(scale):
        with tf.Graph().as_default():
            tf.set_random_seed(1)
            x = tf.placeholder(tf.float32, (4, 3))
            w = tf.Variable(tf.random_normal((3, 2)))
            p = tf.nn.dropout(tf.sigmoid(tf.matmul(x, w)), 0.9)
            loss = -tf.reduce_sum(tf.log(tf.sigmoid(tf.matmul(x, w)))) + tf.reduce_sum(p)
            step = tf.train.AdamOptimizer(0.1).minimize(loss)
            feed = {x: np.array([[scale], [scale], [-scale], [-scale]]) * np.ones(3)}
            session = tf.Session()
            session.run(tf.global_variables_initializer())
            losses = [session.run([step, loss], feed)[1] for _ in range(5)]
            return [*losses, *session.run(w).ravel()]

    plain = train(1.0)
    with tf.lint() as found:
        seen = train(1.0)
    assert [each.rule for each in found] == ["log-of-saturated"]
    assert "were 0" not in found[0].message
    assert plain == seen
    with tf.lint() as found:
        train(300.0)
    assert "were 0 and their logarithms infinite" in found[0].message


def test_a_sigmoid_some_steps_before_the_logarithm_is_told_by_values():
    x, w = tf.placeholder(tf.float32, (2,)), tf.Variable([0.0, 1.0])
    value = tf.log(tf.reduce_sum(tf.sigmoid(x) * w))
    for given, rules in (([1.0, 1.0], []), ([1.0, -300.0], ["log-of-saturated"])):
        with tf.lint() as found, tf.Session() as session:
            session.run(tf.global_variables_initializer())
            session.run(value, {x: given})
        assert [each.rule for each in found] == rules


def test_a_comment_silences_a_rule():
    x = tf.placeholder(tf.float32, (None, 3))
    assert tf.lint(tf.log(tf.sigmoid(x))) != []
    assert tf.lint(tf.log(tf.nn.softmax(x))) != []  # diptych: ignore[softmax-twice]
    assert tf.lint(tf.log(tf.sigmoid(x))) == []  # diptych: ignore[log-of-saturated]
    assert tf.lint(tf.log(tf.sigmoid(x))) == []  # diptych: ignore


def test_it_ends_after_as_many_steps_as_were_asked_for():
    v = tf.Variable(0.0)
    step = v.assign_add(1.0)
    session = tf.Session()

    def endless():
        while True:
            session.run(v)
            session.run(step)

    session.run(v.initializer)
    with pytest.raises(SystemExit), tf.lint(steps=5):
        endless()
    assert session.run(v) == 5.0


def test_errors_are_the_runs_own():
    x = tf.placeholder(tf.float32)
    with tf.lint() as found, tf.Session() as session:
        with pytest.raises(tf.errors.InvalidArgumentError, match="You must feed"):
            session.run(x * 2.0)
        with pytest.raises(TypeError, match="Fetch argument"):
            session.run(3)
        with pytest.raises(ValueError, match="Cannot feed"):
            session.run(tf.log(tf.sigmoid(tf.reshape(x, [3]))), {x: "a"})
    assert [each.rule for each in found] in ([], ["log-of-saturated"])
    with pytest.raises(TypeError, match="neither"):
        tf.lint(3)


def test_the_method_is_the_sessions_own_again():
    before = tf.Session.run
    with tf.lint():
        assert tf.Session.run is not before
    assert tf.Session.run is before
    with pytest.raises(ZeroDivisionError), tf.lint():
        _ = 1 / 0
    assert tf.Session.run is before


def test_a_deep_graph():
    x = y = tf.Variable(1.0)
    for _ in range(5000):
        y = y * 1.0
    assert tf.lint([y, x.assign(y)]) == []
    assert [each.rule for each in tf.lint([y, x.assign_add(1.0)])] == ["unordered-read"]
