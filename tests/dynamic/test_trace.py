"""A traced function is a graph that both modes run, and what Python decided on the way is listed, drawn and guarded."""

import numpy as np
import pytest

import dynamic as torch
import static as tf
from dynamic.tracing import TraceError
from graphs import draw
from tests.dynamic.oracle import normal


X = normal(4, 3).astype("float32")
W = normal(3, 2, seed=1).astype("float32")
B = normal(2, seed=2).astype("float32")


def laid_out_anew(x):
    seen = torch.nn.functional.conv2d(x.view(1, 3, 2, 2), torch.ones(2, 3, 1, 1))
    flat = seen.view(4, 2)
    seen.mul_(2.0)
    return flat.flip(0) * x.flip(0, 1)[:, :2], flat


def parameters():
    return [torch.from_numpy(a.copy()).requires_grad_() for a in (W, B)]


def net(x):
    w, b = parameters()
    return (x @ w + b).tanh()


def in_place(x):
    h = x * 2
    h[0] = 7
    h[:, 1].mul_(3)
    h += x
    h[h > 5] = 0
    return h


def views(x):
    h = x.clone()
    row, column = h[1], h.t()[2]
    row.add_(column.sum())
    column.zero_()
    return h, row, column


def mixed(x):
    n = torch.arange(3)
    return x * n + (x > 0).sum() / 2, (x * 10).long() % 4


def backward(x):
    w, b = parameters()
    loss = ((x @ w + b) ** 2).mean()
    loss.backward()
    return {"loss": loss, "grads": [w.grad, b.grad]}


def second_order(x):
    y = x.clone().requires_grad_()
    (slope,) = torch.autograd.grad((y**3).sum(), y, create_graph=True)
    return torch.autograd.grad(slope.sum(), y)


def own_function(x):
    class Cube(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x**3

        @staticmethod
        def backward(ctx, g):
            return g

    return Cube.apply(x) + 1


FUNCTIONS = {
    "a net": net,
    "changes in place": in_place,
    "changes of views": views,
    "dtypes that differ": mixed,
    "a backward pass": backward,
    "a second derivative": second_order,
    "a user's function": own_function,
    "nested results": lambda x: (x.sum(), [x.max(0), {"x": x}], 3),
    "an input returned": lambda x: x,
    "a constant returned": lambda x: (x, torch.ones(2)),
    "memory laid out anew": laid_out_anew,
    "split and join": lambda x: torch.cat(x.split(2), 1).reshape(-1),
    "a loop": lambda x: [x := x / 2 for _ in range(3)],
}


def flat(result):
    if isinstance(result, dict):
        return [y for x in result.values() for y in flat(x)]
    if isinstance(result, (tuple, list)):
        return [y for x in result for y in flat(x)]
    return [result.detach().numpy() if isinstance(result, torch.Tensor) else np.asarray(result)]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_both_modes_give_what_the_function_gives(name):
    fn = FUNCTIONS[name]
    traced = torch.trace(fn, torch.from_numpy(X.copy()))
    assert traced.baked == []
    other = normal(4, 3, seed=5).astype("float32")
    wanted = flat(fn(torch.from_numpy(other.copy())))
    with tf.Graph().as_default(), tf.Session(passes=tf.passes.EXACT) as sess:
        x = tf.placeholder(tf.float32, X.shape)
        results = flat_graph(traced(x))
        static = sess.run(results, {x: other})
    for found in (flat(traced(torch.from_numpy(other.copy()))), flat(traced(other)), static):
        assert len(found) == len(wanted)
        for mine, theirs in zip(found, wanted, strict=True):
            np.testing.assert_array_equal(mine, theirs)


def flat_graph(result):
    if isinstance(result, dict):
        return [y for x in result.values() for y in flat_graph(x)]
    if isinstance(result, (tuple, list)):
        return [y for x in result for y in flat_graph(x)]
    return [result if isinstance(result, tf.Tensor) else tf.constant(np.asarray(result))]


def branch(x):
    if x.sum() > 0:
        return x * 2
    return x - 1


def number(x):
    return x * x.sum().item()


def rounds(x):
    total = torch.zeros(3)
    for row in x:
        total = total * 2 + row
    return total


def counted(x):
    while x.norm() > 1:
        x = x / 2
    return x


def through_numpy(x):
    return x + torch.from_numpy(np.sort(x.numpy()))


def computed(x):
    return x.sum() + torch.nonzero(x > 0).sum()


def drawn(x):
    return x + torch.randn(3)


def shaped(x):
    return x.sum() / x.size(0)


BAKED = {
    branch: (["branch"], "if x.sum() > 0:"),
    number: (["number"], "return x * x.sum().item()"),
    rounds: (["rounds"], "for row in x:"),
    counted: (["branch"] * 3, "while x.norm() > 1:"),
    through_numpy: (["array"], "return x + torch.from_numpy(np.sort(x.numpy()))"),
    computed: (["computed"], "return x.sum() + torch.nonzero(x > 0).sum()"),
    drawn: (["random"], "return x + torch.randn(3)"),
    shaped: (["shape"], "return x.sum() / x.size(0)"),
}


@pytest.mark.parametrize("fn", BAKED, ids=lambda fn: fn.__name__)
def test_what_python_decides_is_named_with_its_line(fn):
    kinds, line = BAKED[fn]
    traced = torch.trace(fn, torch.from_numpy(np.full((4, 3), 1.0, "float32")))
    assert [each.kind for each in traced.baked] == kinds
    assert {each.where.text for each in traced.baked} == {line}
    assert all(each.where.file == __file__ for each in traced.baked)
    assert repr(traced).count("baked in: ") == len(kinds)


@pytest.mark.parametrize("fn", [branch, number, counted, through_numpy], ids=lambda fn: fn.__name__)
def test_a_graph_is_not_run_where_python_would_decide_otherwise(fn):
    line = BAKED[fn][1]
    traced = torch.trace(fn, torch.from_numpy(np.full((4, 3), 1.0, "float32")))
    other = np.linspace(-3, 1, 12, dtype="float32").reshape(4, 3)
    for arg in (other, torch.from_numpy(other)):
        with pytest.raises(TraceError, match="was baked in when this was traced") as caught:
            traced(arg)
        assert line in str(caught.value)
    with tf.Graph().as_default(), tf.Session() as sess:
        x = tf.placeholder(tf.float32, X.shape)
        y = traced(x)
        with pytest.raises(tf.errors.InvalidArgumentError) as caught:
            sess.run(y, {x: other})
        assert line in str(caught.value)


def test_what_is_baked_in_is_drawn():
    text = draw.text(torch.trace(branch, torch.ones(4, 3)).function)
    assert "baked" in text
    assert "if x.sum() > 0:" in text


def test_a_module_is_traced_and_trained_in_the_other_mode():
    model = torch.nn.Sequential(torch.nn.Linear(3, 5), torch.nn.ReLU(), torch.nn.Linear(5, 2))
    x = torch.from_numpy(X)
    traced = torch.trace(model, x)
    assert traced.names == ["0.weight", "0.bias", "2.weight", "2.bias"]
    assert [id(p) for p in traced.captured] == [id(p) for p in model.parameters()]
    solver = torch.optim.SGD(model.parameters(), lr=0.1)
    with tf.Graph().as_default(), tf.Session(passes=tf.passes.EXACT) as sess:
        feed = tf.placeholder(tf.float32, X.shape)
        variables = [tf.Variable(value) for value in traced.parameters.values()]
        loss = tf.reduce_mean(tf.square(traced(feed, captured=variables)))
        step = tf.train.GradientDescentOptimizer(0.1).minimize(loss)
        sess.run(tf.global_variables_initializer())
        for _ in range(5):
            ours = model(x).pow(2).mean()
            solver.zero_grad()
            ours.backward()
            solver.step()
            np.testing.assert_allclose(sess.run([loss, step], {feed: X})[0], ours.item(), rtol=1e-5)
        np.testing.assert_allclose(sess.run(variables[0]), model[0].weight.detach().numpy(), rtol=1e-5)


def test_gradients_flow_through_a_traced_function():
    w, b = parameters()
    traced = torch.trace(lambda x: (x @ w + b).tanh(), torch.from_numpy(X))
    x = torch.from_numpy(X).requires_grad_()
    traced(x).sum().backward()
    found = [x.grad, w.grad, b.grad]
    y = torch.from_numpy(X).requires_grad_()
    w.grad = b.grad = None
    (y @ w + b).tanh().sum().backward()
    for mine, theirs in zip(found, [y.grad, w.grad, b.grad], strict=True):
        np.testing.assert_array_equal(mine.numpy(), theirs.numpy())


def test_what_is_changed_outside_is_an_output():
    w, _ = parameters()

    def step(x):
        loss = (x @ w).pow(2).sum()
        (g,) = torch.autograd.grad(loss, w)
        w.data -= 0.1 * g
        return loss

    traced = torch.trace(step, torch.from_numpy(X))
    assert [id(x) for x in traced.changed] == [id(w)]
    before = w.detach().clone()
    _, after = traced.outputs(X)
    np.testing.assert_array_equal(before.numpy(), w.detach().numpy())
    step(torch.from_numpy(X))
    np.testing.assert_array_equal(after, w.detach().numpy())


def test_dropout_draws_anew_in_both_modes():
    traced = torch.trace(lambda x: torch.nn.functional.dropout(x, 0.5), torch.ones(50))
    assert traced.baked == []
    first, second = (traced(torch.ones(50)).numpy() for _ in range(2))
    assert set(first) == {0.0, 2.0}
    assert (first != second).any()
    with tf.Graph().as_default(), tf.Session() as sess:
        y = traced(tf.ones(50))
        assert (sess.run(y) != sess.run(y)).any()


def test_the_trace_of_a_matrix():
    assert torch.trace(torch.ones(3, 3)).item() == 3.0


def test_errors():
    with pytest.raises(TraceError, match="returns no tensor"):
        torch.trace(lambda x: 3, torch.ones(2))
    traced = torch.trace(lambda x, y: x + y, torch.ones(2), torch.ones(2))
    with pytest.raises(TraceError, match="traced with 2 tensors and is given 1"):
        traced(torch.ones(2))
    with pytest.raises(TraceError, match="a trace inside a trace"):
        torch.trace(lambda x: torch.trace(lambda y: y, x).function and x, torch.ones(2))
    with pytest.raises(ZeroDivisionError):
        torch.trace(lambda x: x + 1 // 0, torch.ones(2))
    assert torch.ones(2).sum().item() == 2.0
    assert isinstance(vars(torch.Tensor)["__bool__"], type(test_errors))
