"""``first_nan``: what it finds in forward and backward passes and in updates, in both modes, and that it changes nothing."""

from __future__ import annotations

import io
import json
import math
from typing import Any

import numpy
import pytest

import dynamic
import static
from dynamic.history import LookingError
from dynamic.optim import optimizer
from graphs.inspection.causes import NotFiniteError


@pytest.fixture(autouse=True)
def _graph() -> Any:
    with static.Graph().as_default():
        yield


def session() -> Any:
    made = static.Session()
    made.run(static.global_variables_initializer())
    return made


def saturated_static() -> tuple[Any, Any, Any]:
    x = static.placeholder(static.float32, [None, 2], name="x")
    w = static.Variable(numpy.full((2, 1), -80, "float32"), name="w")
    s = static.sigmoid(static.matmul(x, w))
    loss = static.reduce_sum(static.log(s) * 0.0)
    return x, w, loss


def test_static_names_the_chain_to_what_was_given() -> None:
    x, _, loss = saturated_static()
    found = static.first_nan(session(), loss, {x: numpy.ones((3, 2))})
    assert [link.op for link in found.chain] == ["multiply", "log", "sigmoid", "matmul", ""]
    assert found.link.reason == "0 times inf"
    assert found.chain[1].reason == "log of 0 is -inf"
    assert found.chain[2].reason == "saturated sigmoid: at -160 it is exactly 0 in float32"
    assert found.chain[-1].kind == "variable"
    assert found.chain[-1].name == "w"
    assert "static.log(s) * 0.0" in found.link.where
    assert found.link.phase == "forward"
    assert found.counts == {"NaN": 3, "inf": 0, "elements": 3}
    assert found.cause.startswith("0 times inf, from log of 0 is -inf, from saturated sigmoid")


def test_dynamic_names_the_same_chain() -> None:
    x = dynamic.ones(3, 2)
    w = dynamic.full((2, 1), -80.0, requires_grad=True)
    w.name = "w"
    found = dynamic.first_nan(lambda: (dynamic.log(dynamic.sigmoid(x @ w)) * 0.0).sum())
    assert [link.op for link in found.chain] == ["multiply", "log", "sigmoid", "matmul", ""]
    assert found.chain[2].reason == "saturated sigmoid: at -160 it is exactly 0 in float32"
    assert (found.chain[-1].kind, found.chain[-1].name) == ("parameter", "w")
    assert "dynamic.log(dynamic.sigmoid(x @ w))" in found.link.where


def test_infinities_are_looked_for_where_asked() -> None:
    x = static.placeholder(static.float32, [2], name="x")
    y = static.log(x)
    feed = {x: [1.0, 0.0]}
    assert static.first_nan(session(), y, feed) is None
    found = static.first_nan(session(), y, feed, infinities=True)
    assert found.link.value == -math.inf
    assert found.link.index == (1,)
    assert found.link.operands[0].value == 0
    assert dynamic.first_nan(lambda: dynamic.log(dynamic.zeros(2))) is None
    assert dynamic.first_nan(lambda: dynamic.log(dynamic.zeros(2)), infinities=True).link.reason == "log of 0 is -inf"


def test_what_was_fed_explains_itself() -> None:
    x = static.placeholder(static.float32, [3], name="x")
    found = static.first_nan(session(), x * 2.0 + 1.0, {x: [1.0, math.nan, 2.0]})
    assert found.chain[-1].reason == "nan was fed"
    assert found.chain[-1].index == (1,)
    assert found.chain[-1].name == "x:0"


def test_a_nan_on_the_way_back_names_what_it_is_the_gradient_of() -> None:
    x = static.Variable([0.0, 4.0], name="x")
    (g,) = static.gradients(static.reduce_sum(static.sqrt(static.abs(x))), [x])
    found = static.first_nan(session(), g)
    assert found.link.phase == "backward"
    assert found.link.of == "Abs"
    assert any("divided by 0" in link.reason and link.of == "Sqrt" for link in found.chain)

    w = dynamic.tensor([0.0, 4.0], requires_grad=True)
    found = dynamic.first_nan(lambda: w.abs().sqrt().sum().backward())
    assert found.link.phase == "backward"
    assert found.link.of == "absolute"
    assert [link.of for link in found.chain if "divided by 0" in link.reason] == ["sqrt"]
    assert "w.abs().sqrt()" in found.link.where


def test_an_update_is_opened() -> None:
    w = static.Variable([1.0, -1e19], name="w")
    loss = static.reduce_sum(w * w)
    train = static.train.AdamOptimizer(0.1).minimize(loss)
    found = static.first_nan(session(), train, infinities=True)
    assert found.link.phase == "update"
    assert "product -2e+19 · -2e+19 overflows float32" in found.link.reason
    assert "update_w" in found.link.of


def test_a_dynamic_update_names_parameter_and_optimizer() -> None:
    p = dynamic.tensor([1.0, -2.0], requires_grad=True)
    p.name = "p"
    optimizer = dynamic.optim.Adam([p], lr=0.1)

    def train() -> None:
        for scale in (1.0, 1.0, 1e20):
            optimizer.zero_grad()
            (p * scale).sum().backward()
            optimizer.step()

    found = dynamic.first_nan(train, infinities=True)
    assert found.link.phase == "update"
    assert found.link.of == "p by Adam"
    assert found.link.time == 3
    assert "optimizer.step()" in found.link.where
    assert "overflows float32" in found.link.reason
    assert found.chain[-1].value == pytest.approx(1e20)


def test_an_update_by_hand_is_an_update() -> None:
    p = dynamic.tensor([3e38], requires_grad=True)

    def train() -> None:
        (p * -1.0).sum().backward()
        p.data -= p.grad * 3e38

    found = dynamic.first_nan(train, infinities=True)
    assert found.link.phase == "update"
    assert "p.data -= " in found.link.where


def test_a_round_of_a_loop_is_named() -> None:
    x = static.placeholder(static.float32, [], name="x")

    def body(i: Any, a: Any) -> Any:
        return i + 1, static.sqrt(a - 1.0)

    _, out = static.while_loop(lambda i, _a: i < 5, body, [static.constant(0), x])
    found = static.first_nan(session(), out, {x: 3.0})
    assert found.link.op == "sqrt"
    assert found.link.round == 2
    assert [link.round for link in found.chain] == [2, 2, 1, 1, 0, 0, None]
    assert "static.sqrt(a - 1.0)" in found.link.where
    assert found.chain[-1].name == "x:0"


def test_a_scan_and_its_gradient_are_followed_inside() -> None:
    xs = static.placeholder(static.float32, [4], name="xs")
    ys = static.scan(lambda a, x: a * 0.5 + static.sqrt(x), xs, initializer=static.constant(1.0))
    found = static.first_nan(session(), ys, {xs: [4.0, 1.0, -1.0, 2.0]})
    assert found.link.round == 2
    assert found.link.reason == "square root of a negative number, -1"
    assert found.chain[-1].name == "xs:0"
    assert found.chain[-1].index == (2,)
    (g,) = static.gradients(static.reduce_sum(ys) * 0.0, [xs])
    found = static.first_nan(session(), g, {xs: [4.0, 1.0, 0.0, 2.0]})
    assert found.link.phase == "backward"
    assert found.link.round == 1  # the way back begins with the last round
    assert found.chain[-1].name in ("xs:0", "")


def test_a_branch_is_followed_inside() -> None:
    x = static.placeholder(static.float32, [], name="x")
    out = static.cond(x < 0.0, lambda: static.log(x), lambda: x * 2.0)
    found = static.first_nan(session(), out, {x: -2.0})
    assert found.link.reason == "log of a negative number, -2"
    assert found.chain[-1].name == "x:0"


def test_random_draws_in_a_loop_are_drawn_again() -> None:
    def body(i: Any, a: Any) -> Any:
        return i + 1, a + static.log(static.random_uniform([], -1.0, -0.5))

    _, out = static.while_loop(lambda i, _a: i < 3, body, [static.constant(0), static.constant(0.0)])
    static.set_random_seed(3)
    found = static.first_nan(session(), out)
    assert found.link.op == "log"
    assert found.link.reason.startswith("log of a negative number, -0.")


def test_looking_changes_nothing() -> None:
    x, w, loss = saturated_static()
    train = static.train.GradientDescentOptimizer(0.1).minimize(loss)
    made = session()
    before = made.run(w)
    assert static.first_nan(made, [loss, train], {x: numpy.ones((1, 2))}) is not None
    assert made.run(w).tobytes() == before.tobytes()


def test_runs_are_watched() -> None:
    x, w, loss = saturated_static()
    train = static.train.GradientDescentOptimizer(0.1).minimize(loss)
    made = session()
    start = numpy.full((2, 1), -1, "float32")
    w.load(start, made)
    with static.first_nan(made) as watched:
        made.run(train, {x: numpy.ones((1, 2))})
        assert watched.finding is None
        with pytest.raises(NotFiniteError, match="log of 0 is -inf") as caught:
            made.run([loss, train], {x: numpy.full((1, 2), 100.0)})
    assert caught.value.finding is watched.finding
    assert numpy.isfinite(made.run(w)).all()
    assert "run" not in vars(made)
    with static.first_nan(made).quietly() as watched:
        for scale in (1.0, 100.0, 1.0):
            made.run([loss, train], {x: numpy.full((1, 2), scale)})
    assert watched.finding.link.op == "multiply"
    assert numpy.isnan(made.run(w)).all()


def test_a_nan_that_the_passes_avoid_is_none() -> None:
    logits = static.placeholder(static.float32, [1, 2], name="logits")
    probabilities = static.nn.softmax(logits)
    loss = static.reduce_sum(static.log(probabilities) * 0.0)
    feed = {logits: [[0.0, 200.0]]}
    plain = static.Session(passes=())
    assert static.first_nan(plain, loss, feed).chain[2].reason.startswith("saturated softmax")
    optimised = static.Session()
    value = optimised.run(loss, feed)
    assert (static.first_nan(optimised, loss, feed) is None) == bool(numpy.isfinite(value))


def test_one_that_reaches_nothing_is_told_as_such() -> None:
    x = static.placeholder(static.float32, [2], name="x")
    y = static.where(x > 0.0, static.log(x), static.zeros_like(x))
    found = static.first_nan(static.Session(passes=()), y, {x: [1.0, -1.0]})
    assert "does not reach" in found.note


def test_dynamic_watches_a_block() -> None:
    w = dynamic.tensor([1.0, 2.0], requires_grad=True)
    with dynamic.first_nan():
        dynamic.log(w).sum()
        with pytest.raises(NotFiniteError, match="log of a negative number"):
            dynamic.log(w - 3.0)
    with dynamic.first_nan().quietly() as watched:
        total = sum(float(dynamic.log(w - float(k)).sum()) for k in range(5))
    assert math.isnan(total)
    assert watched.finding.link.operands[0].value == -1


def test_who_may_not_look_leaves_nothing_behind() -> None:
    before = dict(optimizer._global_post_hooks)
    with dynamic.first_nan(), pytest.raises(LookingError, match="somebody looks on here already"), dynamic.first_nan():
        pass
    assert optimizer._global_post_hooks == before


def test_training_has_the_bits_that_it_has_unwatched() -> None:
    def train(watched: bool) -> list[bytes]:
        dynamic.manual_seed(1)
        net = dynamic.nn.Sequential(dynamic.nn.Linear(3, 4), dynamic.nn.ReLU(), dynamic.nn.Linear(4, 1))
        optimizer = dynamic.optim.Adam(net.parameters(), lr=0.1)
        x = dynamic.linspace(-1, 1, 12).reshape(4, 3)

        def steps() -> None:
            for _ in range(5):
                optimizer.zero_grad(set_to_none=False)
                loss = (net(x) ** 2).mean() + sum((p**2).sum() for p in net.parameters()) * 0.1
                loss.backward()
                loss2 = net(x).abs().mean()
                loss2.backward()
                dynamic.nn.utils.clip_grad_norm_(net.parameters(), 0.5)
                optimizer.step()

        if watched:
            assert dynamic.first_nan(steps) is None
        else:
            steps()
        return [p.detach().numpy().tobytes() for p in net.parameters()]

    assert train(True) == train(False)


def test_one_gradient_for_two_leaves_stays_apart() -> None:
    a, b = (dynamic.ones(2, requires_grad=True) for _ in range(2))

    def run() -> None:
        (a + b).sum().backward()
        a.grad.mul_(10.0)

    assert dynamic.first_nan(run) is None
    assert b.grad.tolist() == [1.0, 1.0]


def test_what_changes_in_place_keeps_the_values_that_were_read() -> None:
    x = dynamic.tensor([-4.0, 1.0])

    def run() -> None:
        y = x * 2.0
        x.add_(100.0)
        dynamic.sqrt(y)

    found = dynamic.first_nan(run)
    assert [shown.value for shown in found.chain[1].operands] == [-4.0, 2.0]
    assert found.chain[-1].value == -4.0


def test_nothing_stays_alive_longer_than_the_program_keeps_it() -> None:
    w = dynamic.ones(4, requires_grad=True)
    optimizer = dynamic.optim.Adam([w], lr=0.01)
    with dynamic.first_nan() as watched:
        sizes = []
        for _ in range(6):
            optimizer.zero_grad()
            (w * w).sum().backward()
            optimizer.step()
            sizes.append(len(watched._known))
    assert sizes[-1] <= sizes[1] + 2


def test_it_prints_and_is_data() -> None:
    found = dynamic.first_nan(lambda: dynamic.log(dynamic.tensor([-1.0])))
    text = str(found)
    assert text.splitlines()[0] == "nan in the forward pass (1 NaN of 1 elements)"
    assert "log[0] = nan  log of a negative number, -1" in text
    assert "\x1b" not in text
    data = json.loads(json.dumps(found.as_dict()))
    assert data["chain"][0]["value"] == "nan"
    assert data["chain"][0]["operands"][0]["value"] == -1.0
    out = io.StringIO()
    found.show(out)
    assert out.getvalue().splitlines()[0] == text.splitlines()[0]


def test_a_hostile_name_is_text() -> None:
    name = "[bold]</script><img src=x onerror=alert(1)>[/bold]"
    p = dynamic.tensor([-1.0], requires_grad=True)
    p.name = name
    assert name in str(dynamic.first_nan(lambda: dynamic.sqrt(p)))


def test_a_chain_of_100_000_is_followed() -> None:
    def run() -> None:
        x = dynamic.tensor([1.0])
        for _ in range(20_000):
            x = x + 1.0
        dynamic.log(-x)

    found = dynamic.first_nan(run)
    assert len(found.chain) > 9_000
    assert "more" in str(found)
    assert len(str(found).splitlines()) < 60


def test_who_cannot_be_watched_is_told_so() -> None:
    with pytest.raises(ValueError, match="first_nan looks at a session"):
        static.first_nan()
    with dynamic.first_nan(), pytest.raises(RuntimeError, match="looks on here already"), dynamic.first_nan():
        pass


def test_a_notebook_shows_it_escaped() -> None:
    p = dynamic.tensor([-1.0], requires_grad=True)
    p.name = "</script><img src=x onerror=alert(1)>"
    html = dynamic.first_nan(lambda: dynamic.sqrt(p))._repr_mimebundle_((), ())["text/html"]
    assert "<img" not in html
    assert "&lt;img src=x" in html
    assert "square root of a negative number" in html


def test_parameters_have_the_names_of_the_module_that_was_called() -> None:
    net = dynamic.nn.Sequential(dynamic.nn.Linear(1, 1, bias=False), dynamic.nn.Linear(1, 1, bias=False))
    net[0].weight.data.fill_(4.0)
    net[1].weight.data.fill_(-9.0)
    found = dynamic.first_nan(lambda: dynamic.log(net(dynamic.ones(1))))
    assert (found.chain[-1].kind, found.chain[-1].name) == ("parameter", "1.weight")
