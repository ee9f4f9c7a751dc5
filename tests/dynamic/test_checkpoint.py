"""Checkpoints: the numbers of a program without them, the memory of one that saves little, and PyTorch's refusals."""

import tracemalloc
import warnings

import numpy as np
import pytest

import dynamic
from dynamic.autograd import Function
from dynamic.utils import checkpoint as checkpoints
from dynamic.utils.checkpoint import CheckpointError, checkpoint, checkpoint_sequential
from tests.dynamic.oracle import agree, normal, pytorch


WAYS = [True, False]


def inner(torch, x, w):
    h = x.mm(w).tanh()
    for _ in range(3):
        h = (h.mm(w) * h.sigmoid()).exp().log1p()
    return h


FUNCTIONS = {
    "a net": (inner, (normal(3, 4), normal(4, 4, seed=1))),
    "elementwise": (lambda t, x: (x.sin() * x).cos(), (normal(3),)),
    "in place within": (lambda t, x: (x * 2).mul_(3).exp_() * x, (normal(3),)),
    "an early value in place": (lambda t, x: [h := x * 2, h.add_(1), h * h][2], (normal(3),)),
    "views within": (lambda t, x: (x * 1).view(2, 2)[0].exp() * x[:2], (normal(4),)),
    "two outputs": (lambda t, x: (x.sin(), x.exp() * x), (normal(3),)),
    "several outputs of an op": (lambda t, x: [parts := (x * x).split([1, 2]), parts[0] * parts[1]][1], (normal(3),)),
    "an output that is an input": (lambda t, x: (x, x.exp()), (normal(3),)),
    "nothing saved": (lambda t, x: x + 1, (normal(3),)),
    "a loop": (lambda t, x: [x := (x * 0.9).tanh() for _ in range(5)][-1], (normal(3),)),
    "a matrix and a vector": (lambda t, x, v: (x @ v).softmax(0), (normal(3, 2), normal(2))),
}


@pytest.mark.oracle
@pytest.mark.parametrize("reentrant", WAYS)
@pytest.mark.parametrize("case", FUNCTIONS)
def test_gradients_of_both_orders(case, reentrant):
    """Where PyTorch's reentrant form has none of second order, they are those without a checkpoint."""
    function, arrays = FUNCTIONS[case]

    def build(torch, *xs):
        if torch is not dynamic:
            return function(torch, *xs)
        return checkpoint(lambda *xs: function(torch, *xs), *xs, use_reentrant=reentrant)

    agree(build, *arrays)


@pytest.mark.oracle
@pytest.mark.parametrize("reentrant", WAYS)
@pytest.mark.parametrize("case", FUNCTIONS)
def test_backward_as_in_pytorch(case, reentrant):
    function, arrays = FUNCTIONS[case]
    found = []
    for torch in (dynamic, pytorch()):
        module = checkpoints if torch is dynamic else __import__("torch.utils.checkpoint").utils.checkpoint
        xs = [torch.from_numpy(a.copy()).requires_grad_() for a in arrays]
        outs = module.checkpoint(lambda *xs: function(torch, *xs), *xs, use_reentrant=reentrant)  # noqa: B023
        outs = outs if isinstance(outs, tuple) else (outs,)
        sum((y * y).sum() for y in outs).backward()
        found.append([x.grad.numpy() for x in xs])
    for x, y in zip(*found, strict=True):
        np.testing.assert_allclose(x, y, rtol=1e-12, atol=1e-14)


@pytest.mark.oracle
@pytest.mark.parametrize("reentrant", WAYS)
@pytest.mark.parametrize("segments", [1, 2, 3, 4])
def test_sequences(segments, reentrant):
    def build(torch, x):
        parts = [torch.sin, torch.exp, torch.tanh, lambda x: x * x, torch.cos]
        if torch is not dynamic:
            for part in parts:
                x = part(x)
            return x
        return checkpoint_sequential(parts, segments, x, use_reentrant=reentrant)

    agree(build, normal(3))


@pytest.mark.parametrize("reentrant", WAYS)
def test_parameters_that_the_function_knows_get_their_gradients(reentrant):
    w = dynamic.from_numpy(normal(4, 4)).requires_grad_()
    x = dynamic.from_numpy(normal(3, 4, seed=1)).requires_grad_()

    def layer(x):
        return x.mm(w).tanh()

    def loss(run):
        w.grad = x.grad = None
        h = x
        for _ in range(3):
            h = run(h)
        (h * h).sum().backward()
        return w.grad.numpy(), x.grad.numpy()

    for mine, plain in zip(loss(lambda h: checkpoint(layer, h, use_reentrant=reentrant)), loss(layer), strict=True):
        np.testing.assert_array_equal(mine, plain)


def test_keyword_arguments_and_nested_results():
    x, y = (dynamic.from_numpy(normal(3, seed=i)).requires_grad_() for i in range(2))
    found = checkpoint(lambda x, *, y: {"a": [x * y], "b": (x.exp(), 5)}, x, y=y, use_reentrant=False)
    (found["a"][0].sum() + found["b"][0].sum()).backward()
    np.testing.assert_allclose(x.grad.numpy(), y.detach().numpy() + np.exp(x.detach().numpy()))
    np.testing.assert_array_equal(y.grad.numpy(), x.detach().numpy())
    assert found["b"][1] == 5


# Memory


def peak(run):
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        kept = run()
        held = tracemalloc.get_traced_memory()[0] - before
        del kept
        return held
    finally:
        tracemalloc.stop()


def deep(x):
    for _ in range(20):
        x = x.sin()
    return x


@pytest.mark.parametrize("reentrant", WAYS)
def test_what_is_saved_is_forgotten(reentrant):
    x = dynamic.from_numpy(np.linspace(0, 1, 100_000)).requires_grad_()
    plain = peak(lambda: deep(x))
    saved = peak(lambda: checkpoint(deep, x, use_reentrant=reentrant))
    assert plain > 20 * 800_000
    assert saved < 1.5 * 800_000


def test_what_is_computed_anew_is_freed_too():
    x = dynamic.from_numpy(np.linspace(0, 1, 100_000)).requires_grad_()
    y = checkpoint(deep, x, use_reentrant=False)

    def run():
        y.sum().backward()
        x.grad = None

    assert peak(run) < 800_000
    with pytest.raises(RuntimeError, match="second time"):
        y.sum().backward()


class Cube(Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        ctx.more = x.detach() * 2
        return x**3

    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return g * 3 * x * ctx.more / 2


def test_functions_of_a_user_s_own_forget_and_run_again():
    x = dynamic.from_numpy(np.linspace(0, 1, 100_000)).requires_grad_()

    def cubes(x):
        for _ in range(5):
            x = Cube.apply(x)
        return x

    assert peak(lambda: checkpoint(cubes, x, use_reentrant=False)) < 1.5 * 800_000
    checkpoint(Cube.apply, x, use_reentrant=False).sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), 3 * x.detach().numpy() ** 2)


def test_a_graph_that_is_retained_is_gone_through_twice():
    x = dynamic.from_numpy(normal(3)).requires_grad_()
    runs = []

    def function(x):
        runs.append(1)
        return x.sin() * x

    y = checkpoint(function, x, use_reentrant=False).sum()
    y.backward(retain_graph=True)
    first = x.grad.numpy().copy()
    y.backward()
    np.testing.assert_allclose(x.grad.numpy(), 2 * first)
    assert len(runs) == 2


# Random numbers, and what else is as it was


def noisy(x):
    return x * dynamic.rand(*x.shape, dtype=dynamic.float64)


def test_the_same_random_numbers_are_drawn_again():
    x = dynamic.ones(50, dtype=dynamic.float64, requires_grad=True)
    dynamic.manual_seed(3)
    y = checkpoint(noisy, x, use_reentrant=False)
    later = dynamic.rand(2)
    y.sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), y.detach().numpy())
    after = dynamic.rand(2)
    dynamic.manual_seed(3)
    noisy(x)
    assert dynamic.rand(2).tolist() == later.tolist()
    assert dynamic.rand(2).tolist() == after.tolist()


def test_other_numbers_where_that_is_asked_for():
    x = dynamic.ones(50, dtype=dynamic.float64, requires_grad=True)
    y = checkpoint(noisy, x, use_reentrant=False, preserve_rng_state=False)
    y.sum().backward()
    assert (x.grad.numpy() != y.detach().numpy()).any()


def test_contexts_of_both_runs():
    seen = []

    class Telling:
        def __init__(self, name):
            self.name = name

        def __enter__(self):
            seen.append(self.name)

        def __exit__(self, *_):
            pass

    x = dynamic.ones(2, requires_grad=True)
    y = checkpoint(lambda x: x.exp(), x, use_reentrant=False, context_fn=lambda: (Telling("first"), Telling("again")))
    assert seen == ["first"]
    y.sum().backward()
    assert seen == ["first", "again"]


def test_without_recording_nothing_is_remembered():
    x = dynamic.ones(2, requires_grad=True)
    with dynamic.no_grad():
        assert not checkpoint(lambda x: x.exp(), x, use_reentrant=False).requires_grad


def changing(*functions):
    left = list(functions)
    return lambda x: left.pop(0)(x)


@pytest.mark.parametrize(
    "function",
    [
        lambda: changing(lambda x: x.sin().cos(), lambda x: x.sin()),
        lambda: changing(lambda x: x.sin(), lambda x: x.sin().cos()),
        lambda: changing(lambda x: x.sin().cos(), lambda x: x.cos().sin()),
        lambda: changing(lambda x: x.sin(), lambda x: x[:1].sin()),
    ],
    ids=["less", "more", "something else", "another shape"],
)
def test_a_function_that_does_something_else_is_found_out(function):
    x = dynamic.ones(2, requires_grad=True)
    y = checkpoint(function(), x, use_reentrant=False)
    with pytest.raises(CheckpointError, match="something else"):
        y.sum().backward()


WRONG = {
    "keywords, reentrant": lambda c, f, x: c.checkpoint(lambda x, k: x * k, x, use_reentrant=True, k=1),
    "contexts, reentrant": lambda c, f, x: c.checkpoint(f, x, use_reentrant=True, context_fn=lambda: 3),
    "debug, reentrant": lambda c, f, x: c.checkpoint(f, x, use_reentrant=True, debug=True),
    "unknown check": lambda c, f, x: c.checkpoint(f, x, use_reentrant=False, determinism_check="maybe"),
    "no segments": lambda c, f, x: c.checkpoint_sequential([f, f], 0, x, use_reentrant=False),
    "too many segments": lambda c, f, x: c.checkpoint_sequential([f, f], 3, x, use_reentrant=False),
    "an unknown setting": lambda c, f, x: c.checkpoint_sequential([f], 1, x, use_reentrant=False, more=1),
}


@pytest.mark.oracle
@pytest.mark.parametrize("case", WRONG)
def test_errors(case):
    torch = pytorch()
    with pytest.raises(Exception) as theirs:  # noqa: PT011 (whatever PyTorch raises)
        WRONG[case](__import__("torch.utils.checkpoint").utils.checkpoint, torch.sin, torch.ones(2, requires_grad=True))
    with pytest.raises(type(theirs.value)):
        WRONG[case](checkpoints, dynamic.sin, dynamic.ones(2, requires_grad=True))


@pytest.mark.oracle
@pytest.mark.parametrize("case", ["unsaid", "sequence unsaid", "nothing to differentiate"])
def test_warnings(case):
    for torch in (dynamic, pytorch()):
        module = checkpoints if torch is dynamic else __import__("torch.utils.checkpoint").utils.checkpoint
        x = torch.ones(2, requires_grad=case != "nothing to differentiate")
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            if case == "sequence unsaid":
                y = module.checkpoint_sequential([torch.sin, torch.exp], 2, x)
            else:
                y = module.checkpoint(torch.sin, x, **({} if case == "unsaid" else {"use_reentrant": True}))
        assert [warning.category for warning in caught] == [UserWarning]
        assert y.requires_grad == (case != "nothing to differentiate")


def test_a_saved_value_that_changes_within_the_function_is_an_error():
    def function(x):
        h = x * 2
        y = h * h
        h.add_(1)
        return y

    x = dynamic.ones(2, requires_grad=True)
    with pytest.raises(RuntimeError, match="in place"):
        checkpoint(function, x, use_reentrant=False).sum().backward()
