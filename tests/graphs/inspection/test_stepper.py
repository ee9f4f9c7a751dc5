"""The stepper as a library, in both modes: going forward and back, stopping, looking, and changing values."""

import numpy
import pytest

import dynamic as torch
import static as tf
from dynamic import nn
from graphs.inspection.moments import StepError


def _bits(*values):
    return [numpy.asarray(x).tobytes() for x in values]


# A long static net: 12 operations lead to a value, and many follow, forward and backward

X = numpy.linspace(-1, 1, 12, dtype="float32").reshape(4, 3)


class Static:
    def __init__(self):
        self.graph = tf.Graph()
        with self.graph.as_default():
            self.x = tf.placeholder(tf.float32, (None, 3), name="x")
            self.w = tf.Variable(numpy.ones((3, 3), "float32") / 3, name="w")
            h = self.x
            for i in range(6):
                h = tf.tanh(tf.matmul(h, self.w), name=f"h{i}")
            self.h = h
            for i in range(12):
                h = tf.sigmoid(h * 1.5, name=f"s{i}")
            self.loss = tf.reduce_sum(h, name="loss")
            (g,) = tf.gradients(self.loss, [self.w])
            self.update = self.w.assign(self.w - 0.5 * g, name="update")

    def session(self):
        session = tf.Session(graph=self.graph, passes=())
        session.run(self.w.initializer)
        return session


def test_a_static_run_that_was_changed_equals_a_fresh_one_with_that_value_fed():
    net = Static()
    session = net.session()
    stepper = tf.debug([net.loss, net.update], {net.x: X}, session)
    stepper.goto(57)
    assert stepper.here.number == 57
    stepper.goto(12)
    assert stepper.here.name == "h5"
    new = stepper.value() * 2 - 0.25
    made = stepper.change("", new)
    assert len(stepper.moments) == 57
    assert made.ran > 20
    assert made.kept >= 12
    assert stepper.moments[11].changed
    assert not stepper.moments[10].changed
    loss, _ = stepper.finish()
    fresh = net.session()
    expected = fresh.run([net.loss, net.update], {net.x: X, net.h: new})
    # Fed, h5 is cut off from what leads to it, and so is its gradient from the weights before: the loss tells.
    assert _bits(loss) == _bits(expected[0])
    plain = net.session()
    assert _bits(plain.run(net.loss, {net.x: X})) != _bits(loss)


def test_stepping_through_a_static_run_gives_what_the_run_gives():
    net = Static()
    one, other = net.session(), net.session()
    for _ in range(2):
        stepped = tf.debug([net.loss, net.update], {net.x: X}, one).finish()
        assert _bits(*stepped) == _bits(*other.run([net.loss, net.update], {net.x: X}))
    assert _bits(one.run(net.w)) == _bits(other.run(net.w))


def test_a_run_that_nobody_finishes_changes_nothing():
    net = Static()
    session = net.session()
    before = session.run(net.w)
    with tf.debug(net.update, {net.x: X}, session) as stepper:
        stepper.step(60)
    assert _bits(session.run(net.w)) == _bits(before)
    assert tf.Session.run is not None
    assert session.run(net.loss, {net.x: X}) == net.session().run(net.loss, {net.x: X})


def test_feeds_and_variables_can_be_changed():
    net = Static()
    stepper = tf.debug(net.loss, {net.x: X}, net.session())
    stepper.goto(20)
    stepper.change("x", "value + 1")
    stepper.change("w", "value / 2")
    session = net.session()
    session.load({net.w: numpy.full((3, 3), 1 / 3, "float32") / 2})
    assert _bits(stepper.finish()) == _bits(session.run(net.loss, {net.x: X + 1}))


def test_after_the_end_a_change_still_reaches_result_and_variables():
    net = Static()
    session = net.session()
    stepper = tf.debug(net.update, {net.x: X}, session)
    stepper.finish()
    stepper.change("x", "value * 0")
    fresh = net.session()
    fresh.run(net.update, {net.x: X * 0})
    assert _bits(session.run(net.w)) == _bits(fresh.run(net.w))


# Loops


def _loop(limit=3):
    graph = tf.Graph()
    with graph.as_default():
        start = tf.placeholder(tf.float32, (), name="start")

        def body(i, s):
            return i + 1, tf.multiply(s, 2.0, name="twice")

        _, s = tf.while_loop(lambda i, s: tf.logical_and(i < 10, s < 50.0), body, [0, start + 0.0])
        out = tf.add(s, 1.0, name="out")
    return graph, start, out


def test_a_change_in_a_loop_changes_how_often_it_goes_round():
    graph, start, out = _loop()
    session = tf.Session(graph=graph)
    stepper = tf.debug(out, {start: 1.0}, session)
    stepper.add("node", "out")
    stepper.run()
    rounds = max(each.k for each in stepper.moments if each.name == "while/twice")
    assert rounds == 5
    made = stepper.change("twice@2", 40.0)
    assert max(each.k for each in stepper.moments if each.name == "while/twice") == 3
    assert made.notes
    assert stepper.value("twice@1") == 4.0
    assert stepper.finish() == 81.0
    assert _bits(stepper.value("out")) == _bits(numpy.float32(81))


@pytest.mark.parametrize("reverse", [False, True])
def test_scans_and_their_gradients_node_by_node(reverse):
    graph = tf.Graph()
    with graph.as_default():
        x = tf.placeholder(tf.float32, (5, 2), name="x")
        w = tf.placeholder(tf.float32, (2,), name="w")
        seq = tf.reverse(x, [0]) if reverse else x
        states = tf.scan(lambda a, e: tf.tanh(a * w + e), seq, initializer=tf.zeros(2))
        picked = tf.cond(tf.reduce_sum(states) > 0, lambda: states * 2.0, lambda: states - 1.0)
        loss = tf.reduce_sum(picked)
        grads = tf.gradients(loss, [x, w])
    feeds = {x: numpy.arange(10, dtype="float32").reshape(5, 2) / 10, w: numpy.array([0.5, -0.5], "float32")}
    expected = tf.Session(graph=graph, passes=()).run([loss, *grads], feeds)
    stepper = tf.debug([loss, *grads], feeds, tf.Session(graph=graph))
    assert _bits(*stepper.finish()) == _bits(*expected)
    assert {str(each.rounds[-1]) for each in stepper.moments if each.rounds} >= {"branch 1 of cond", "round 4 of scan"}
    stepper = tf.debug([loss, *grads], feeds, tf.Session(graph=graph))
    stepper.step(9)
    stepper.change("w", "value * 3")
    changed = tf.Session(graph=graph, passes=()).run([loss, *grads], {**feeds, w: feeds[w] * 3})
    assert _bits(*stepper.finish()) == _bits(*changed)


def test_random_numbers_are_drawn_once():
    graph = tf.Graph()
    with graph.as_default():
        tf.set_random_seed(5)
        noise = tf.random_normal((4,), name="noise")
        out = tf.nn.dropout(noise * 2.0, 0.5)
    expected = tf.Session(graph=graph).run(out), None
    session = tf.Session(graph=graph)
    stepper = tf.debug(out, session=session)
    stepper.goto(3)
    stepper.change("noise", "value")
    assert _bits(stepper.finish()) == _bits(expected[0])
    again = tf.Session(graph=graph)
    again.run(out)
    assert _bits(session.run(out)) == _bits(again.run(out)), "the stream stands where a run leaves it"


# Dynamic


def _program(override=None, seen=None):
    torch.manual_seed(1)
    w = torch.randn(3, 3).requires_grad_()
    v = torch.randn(3, 1).requires_grad_()
    x = torch.randn(4, 3)
    h = x
    for _ in range(6):
        h = torch.tanh(h.mm(w))
    if override is not None:
        h = h + (override - h.detach())  # the same graph behind it
        h.data.copy_(override)
    for _ in range(6):
        h = torch.sigmoid(h * 1.5)
    loss = h.mm(v).sum()
    loss.backward()
    with torch.no_grad():
        v -= 0.1 * v.grad
    return loss.detach().numpy(), v.detach().numpy()


def test_a_dynamic_run_that_was_changed_equals_a_fresh_one_with_that_value():
    stepper = torch.debug(_program)
    stepper.goto("tanh_5")
    twelve = stepper.position
    stepper.step(30)
    assert any(each.kind == "backward" for each in stepper.moments)
    stepper.goto(twelve)
    new = stepper.value() * 2 - 0.25
    made = stepper.change("", new)
    assert made.ran > 10
    assert made.kept > 0
    found = stepper.finish()
    assert _bits(*found) == _bits(*_program(torch.from_numpy(new.copy())))
    assert _bits(*found) != _bits(*_program())


def test_parameters_can_be_changed_in_the_middle():
    def train(scale=1.0):
        torch.manual_seed(0)
        net = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 1))
        with torch.no_grad():
            net[0].weight.mul_(scale)
        optimizer = torch.optim.Adam(net.parameters(), lr=0.1)
        x = torch.randn(5, 3)
        for _ in range(3):
            optimizer.zero_grad()
            loss = net(x).pow(2).mean()
            loss.backward()
            optimizer.step()
        return [loss.detach().numpy(), *(p.detach().numpy() for p in net.parameters())]

    expected = train()
    stepper = torch.debug(train)
    assert _bits(*stepper.finish()) == _bits(*expected), "stepping changes no bit"
    stepper = torch.debug(train)
    stepper.goto("Adam_5")
    assert stepper.here.kind == "update"
    assert stepper.here.depth == 0
    first = next(each for each in stepper.moments if each.op == "assign")
    stepper.change(f"#{first.number}", "value * 3")
    assert _bits(*stepper.finish()) == _bits(*train(3.0))


def test_earlier_values_are_shown_as_they_were():
    def program():
        w = torch.ones(2)
        for _ in range(3):
            w.mul_(3.0)
        return w + 0

    stepper = torch.debug(program)
    stepper.finish()
    values = [float(each.values[0][0]) for each in stepper.moments if each.op == "assign"]
    assert values == [3.0, 9.0, 27.0]
    stepper.goto(2)
    assert stepper.value()[0] == 3.0
    assert stepper.back(1).moment.number == 1
    assert stepper.back(5).reason == "start"
    assert stepper.step().moment.number == 1


def test_what_python_has_read_is_told():
    def program():
        x = torch.tensor([1.0, 2.0])
        y = x * 2
        if y.sum() > 3:
            y = y + 10
        return y.numpy()

    stepper = torch.debug(program)
    stepper.goto("add")
    made = stepper.change("mul*", "value * 0")
    assert any("took a branch by greater" in note for note in made.notes)
    assert stepper.finish().tolist() == [10.0, 10.0]


def test_memory_is_bounded_and_told():
    def program():
        x = torch.arange(1000, dtype=torch.float32)
        for _ in range(20):
            x = x + 1.0
        return x.numpy()

    stepper = torch.debug(program, budget=20_000)
    result = stepper.finish()
    kept, gone = stepper.memory
    assert kept <= 30_000
    assert gone >= 10
    stepper.goto("add_2")
    assert stepper.value()[0] == 3.0
    stepper.change("add_2", "value * 2")
    assert result[0] == 23.0

    graph = tf.Graph()
    with graph.as_default():
        y = x = tf.placeholder(tf.float32, (1000,), name="x")
        for i in range(20):
            y = tf.add(y, 1.0, name=f"a{i}")
    stepper = tf.debug(y, {x: numpy.zeros(1000)}, tf.Session(graph=graph), budget=20_000)
    stepper.finish()
    kept, gone = stepper.memory
    assert kept <= 20_000
    assert gone >= 10
    assert stepper.value("a2")[0] == 3.0
    stepper.change("a2", "value * 2")
    assert stepper.value("a19")[0] == 23.0


# Stopping


def test_breaks_of_each_kind():
    def program():
        x = torch.tensor([0.5, 0.0])
        for _ in range(4):
            x = x * 2.0
            y = torch.log(x)
        return y

    stepper = torch.debug(program)
    stepper.add("op", "log", "value.max() > 0.5")
    assert stepper.run().moment.k == 1
    stepper.delete()
    stepper.add("round", "2")
    assert (stepper.run().moment.op, stepper.here.k) == ("multiply", 2)
    stepper.delete(stepper.breakpoints[0].number)
    stepper.add("nan")
    assert stepper.run().moment.name == "log_2"
    stepper.delete()
    line = stepper.here.where.line
    stepper.goto(0)
    stepper.add("line", f"test_stepper.py:{line}")
    assert stepper.run().moment.name == "log"
    assert stepper.run().moment.name == "log_1"
    stepper.delete()
    stepper.add("if", "value[0] == 8")
    assert stepper.run().moment.name == "multiply_3"
    stepper.add("node", "log_*")
    assert stepper.run().reason.hits == 1
    assert stepper.run().reason == "end"


def test_next_and_out_pass_over_loops_modules_and_backward_passes():
    graph, start, out = _loop()
    stepper = tf.debug(out, {start: 1.0}, tf.Session(graph=graph))
    stepper.goto("while/Less")
    assert stepper.here.rounds[-1].k == 0
    assert stepper.out().moment.name == "while"
    assert stepper.next().moment.name == "out"

    def program():
        net = nn.Sequential(nn.Linear(2, 2), nn.Tanh())
        loss = net(torch.ones(1, 2)).sum()
        loss.backward()
        return loss * 2

    stepper = torch.debug(program)
    names = []
    while stepper.next().reason == "step":
        names.append(stepper.here.name)
    assert names[-2:] == ["sum", "multiply_" + names[-1].rpartition("_")[2]] or names[-2:] == ["sum", "multiply"]
    assert not any(each.kind == "backward" for each in stepper.moments if each.name in names)


def test_a_stepper_that_is_let_go_ends_its_program():
    plain = tf.Session.run
    net = Static()
    ended = []

    def program():
        try:
            return net.session().run(net.loss, {net.x: X})
        finally:
            ended.append(True)

    stepper = tf.debug(program)
    stepper.step(2)
    assert tf.Session.run is not plain
    del stepper
    assert ended == [True]
    assert tf.Session.run is plain


def test_nonsense_is_refused():
    net = Static()
    stepper = tf.debug(net.loss, {net.x: X}, net.session())
    with pytest.raises(StepError, match="nothing has run"):
        stepper.value()
    stepper.step(3)
    for call, words in (
        (lambda: stepper.value("h7"), "there is no h7"),
        (lambda: stepper.value("#30"), "has not run yet"),
        (lambda: stepper.value("h0:4"), "no output 4"),
        (lambda: stepper.change("h0", numpy.zeros((2, 2))), "does not fit"),
        (lambda: stepper.change("h0", "1 +"), "no expression"),
        (lambda: stepper.change("h0", numpy.array("text")), "cannot stand"),
        (lambda: stepper.add("line", "here"), "a line is"),
        (lambda: stepper.add("round", "x"), "a round is"),
        (lambda: stepper.add("colour", "red"), "a break is on"),
        (lambda: stepper.add("if", "value >"), "no expression"),
        (lambda: stepper.delete(7), "no break 7"),
        (lambda: stepper.ask("nothing + 1"), "there is no nothing"),
        (lambda: stepper.result, "has not ended"),
    ):
        with pytest.raises(StepError, match=words):
            call()


def test_what_the_program_raises_is_raised_again():
    def program():
        torch.ones(2, 3) + torch.ones(4, 5)

    stepper = torch.debug(program)
    assert stepper.run().reason == "error"
    with pytest.raises(RuntimeError, match=r"\(2, 3\)"):
        stepper.finish()


def test_a_chain_of_thousands_of_operations_steps_and_changes():
    graph = tf.Graph()
    with graph.as_default():
        y = x = tf.placeholder(tf.float32, (), name="x")
        for _ in range(5000):
            y = y + 1.0
    stepper = tf.debug(y, {x: 0.0}, tf.Session(graph=graph))
    stepper.goto(4000)
    stepper.change("x", 1.0)
    assert stepper.finish() == 5001.0


def test_what_comes_from_outside_is_shown_as_it_was_where_we_stand():
    def program():
        for i in range(3):
            x = torch.full((2,), float(i))
            y = x + 1.0
        return y

    stepper = torch.debug(program)
    stepper.finish()
    for number, expected in ((1, 0.0), (2, 1.0), (3, 2.0)):
        stepper.goto(number)
        assert stepper.here.reads[0] == "x"
        assert stepper.value("x")[0] == expected


def test_rows_of_a_variable_that_a_run_replaces():
    graph = tf.Graph()
    with graph.as_default():
        w = tf.Variable(numpy.zeros((4, 2), "float32"), name="w")
        i = tf.placeholder(tf.int32, (1,), name="i")
        update = tf.scatter_update(w, i, tf.ones((1, 2)))
    session = tf.Session(graph=graph)
    session.run(w.initializer)
    stepper = tf.debug(update.op, {i: [2]}, session)
    stepper.finish()
    assert session.run(w)[:, 0].tolist() == [0, 0, 1, 0]
    assert stepper.value().shape == (4, 2)
    again = tf.debug(update.op, {i: [0]}, session)
    again.finish()
    assert session.run(w)[:, 0].tolist() == [1, 0, 1, 0]
    assert stepper.value()[:, 0].tolist() == [0, 0, 1, 0]
    again.change("i", "value + 3")
    assert session.run(w)[:, 0].tolist() == [0, 0, 1, 1]


def test_a_program_of_many_runs_keeps_to_the_budget():
    graph = tf.Graph()
    with graph.as_default():
        w = tf.Variable(numpy.zeros(1000, "float32"), name="w")
        update = w.assign(tf.add(w, 1.0, name="up"))
    session = tf.Session(graph=graph)
    session.run(w.initializer)
    stepper = tf.debug(lambda: [session.run(update) for _ in range(20)][-1], budget=30_000)
    assert stepper.finish()[0] == 20
    assert stepper.memory[0] <= 34_000
    assert stepper.value("up@19")[0] == 20
    with pytest.raises(StepError, match="let go to save memory"):
        stepper.value("#1")
    with pytest.raises(StepError, match=r"let go to save memory|others have followed"):
        stepper.change("#1", 0.0)

    def program():
        for i in range(20):
            x = torch.full((1000,), float(i)) + 1.0
        return x

    stepper = torch.debug(program, budget=30_000)
    stepper.finish()
    assert stepper.memory[0] <= 30_000
    assert stepper.value("add_19")[0] == 20
    with pytest.raises(StepError, match="let go to save memory"):
        stepper.value("#1")


def test_changes_in_place_of_views_follow_a_change():
    def program(scale=1.0):
        x = torch.arange(6, dtype=torch.float32).reshape(2, 3) * scale
        y = x.t()
        x[0, 1:] = x[1, :2] * 10.0
        y[2] += 1.0
        x[x > 1000] = 0.0
        return (x * 2.0).numpy(), y.numpy()

    stepper = torch.debug(program)
    stepper.goto(3)
    name = next(each.name for each in stepper.moments if each.op == "multiply")
    stepper.finish()
    stepper.change(name, "value * 7")
    assert _bits(*stepper.result) == _bits(*program(7.0))
    assert [each.changed for each in stepper.moments if "transpose" in each.op] == [True]


def test_gradients_that_add_up_follow_a_change():
    def program(scale=1.0):
        x = torch.ones(3) * scale
        w = torch.tensor([1.0, 2.0, 3.0]).requires_grad_()
        for _ in range(3):
            (w * x).pow(2).sum().backward()
        w.data -= 0.1 * w.grad.data
        w.grad.data.zero_()
        (w * x).sum().backward()
        return w.grad.numpy(), w.detach().numpy()

    stepper = torch.debug(program)
    stepper.goto(20)
    assert stepper.moments[0].op == "multiply"
    stepper.change("#1", "value * 3")
    assert _bits(*stepper.finish()) == _bits(*program(3.0))


def test_a_break_on_a_module_or_scope_stops_as_it_is_entered():
    def program():
        net = nn.Sequential(nn.Linear(2, 2), nn.Tanh(), nn.Sequential(nn.Linear(2, 2), nn.ReLU()))
        for _ in range(2):
            out = net(torch.ones(1, 2)) * 2
        return out

    stepper = torch.debug(program)
    stepper.add("node", "net.2")
    assert (stepper.run().moment.name, stepper.here.scope) == ("linear_1", "net.2.0")
    assert stepper.run().moment.name == "linear_3"
    assert stepper.run().reason == "end"

    graph = tf.Graph()
    with graph.as_default():
        x = tf.placeholder(tf.float32, (), name="x")
        with tf.name_scope("hidden"):
            y = tf.tanh(x * 2.0) + 1.0
        z = y * 3.0
    stepper = tf.debug(z, {x: 1.0}, tf.Session(graph=graph))
    stepper.add("node", "hidden")
    assert stepper.run().moment.op == "multiply"
    assert stepper.run().reason == "end"


def test_rounds_of_a_python_loop_are_counted_to_its_end():
    def program():
        x = torch.ones(2, 40)
        for t in range(40):
            y = x[:, t] + 1.0
        return y

    stepper = torch.debug(program)
    stepper.finish()
    assert [each.step for each in stepper.moments if each.op == "getitem"] == list(range(40))
    seen = []
    with torch.watch("getitem", to=seen.append):
        program()
    assert [each.step for each in seen] == list(range(40))
