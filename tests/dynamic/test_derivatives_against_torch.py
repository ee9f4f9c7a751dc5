"""Jacobians, Hessians and their products, ``autograd.grad``'s settings, hooks and grad modes, against PyTorch."""

import warnings

import numpy as np
import pytest

import dynamic
from tests.dynamic.oracle import agree, flat, normal, plain, pytorch


pytestmark = pytest.mark.oracle


def same(build, *arrays, rtol=1e-12):
    """``build(torch, *tensors)`` in both: equal nesting and numbers, or errors of PyTorch's class."""
    torch = pytorch()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            wanted = build(torch, *(torch.from_numpy(a.copy()) for a in arrays))
        except Exception as error:
            with pytest.raises(next(kind for kind in type(error).__mro__ if kind.__module__ == "builtins")):
                build(dynamic, *(dynamic.from_numpy(a.copy()) for a in arrays))
            return
        found = build(dynamic, *(dynamic.from_numpy(a.copy()) for a in arrays))
    assert nesting(found) == nesting(wanted)
    for x, y in zip(flat(found), flat(wanted), strict=True):
        mine, other = plain(x), plain(y)
        if isinstance(other, np.ndarray):
            assert (mine.dtype, mine.shape) == (other.dtype, other.shape)
            assert x.requires_grad == y.requires_grad
            np.testing.assert_allclose(mine, other, rtol=rtol, atol=rtol)
        else:
            assert mine == other


def nesting(x):
    return [nesting(item) for item in x] if isinstance(x, (tuple, list)) else ("tensor" if hasattr(x, "detach") else type(x))


X, Y, S = normal(3), normal(2, 2, seed=1), normal(seed=2)

FUNCTIONS = {
    "elementwise": (lambda t, x: x.sin() * x, (X,)),
    "linear": (lambda t, x: x * 3, (X,)),
    "square": (lambda t, x: x.mm(x), (Y,)),
    "of two": (lambda t, x, y: x[:2] * y.sum(1) ** 2, (X, Y)),
    "two of two": (lambda t, x, y: (x.exp(), y.sum() * x), (X, Y)),
    "two of one": (lambda t, x: (x * 2, x.sum()), (X,)),
    "independent": (lambda t, x, y: x * x, (X, Y)),
    "wholly independent": (lambda t, x: t.ones(2, dtype=t.float64), (X,)),
    "one independent output": (lambda t, x: (x * 2, t.ones(2, dtype=t.float64)), (X,)),
    "a number": (lambda t, x: (x**3).sum(), (X,)),
    "of a number": (lambda t, x: x**3, (S,)),
}

NUMBERS = {
    "cubes": (lambda t, x: (x**3).sum(), (X,)),
    "linear": (lambda t, x: (x * 3).sum(), (X,)),
    "of two": (lambda t, x, y: (x[:2] * y.sum(1) ** 2).sum() + x.prod(), (X, Y)),
    "one element": (lambda t, x: (x**3).sum().reshape(1), (X,)),
    "of a number": (lambda t, x: x**4, (S,)),
    "sums of exponentials": (lambda t, x, y: x.exp().sum() * y.mm(y).sum(), (X, Y)),
    "independent of one": (lambda t, x, y: (x**3).sum(), (X, Y)),
    "no number": (lambda t, x: x * 2, (X,)),
    "a tuple": (lambda t, x: ((x * 2).sum(), x.sum()), (X,)),
}

SETTINGS = [{}, {"create_graph": True}, {"strict": True}, {"create_graph": True, "strict": True}, {"vectorize": True}]


def bound(function, torch):
    return lambda *xs: function(torch, *xs)


def given(xs):
    return xs if len(xs) > 1 else xs[0]


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
@pytest.mark.parametrize("case", FUNCTIONS)
def test_jacobian(case, settings):
    function, arrays = FUNCTIONS[case]
    if "create_graph" in settings:
        same(
            lambda t, *xs: t.autograd.functional.jacobian(
                bound(function, t), given(tuple(x.requires_grad_() for x in xs)), **settings
            ),
            *arrays,
        )
    elif not (settings.get("vectorize") and "independent" in case):  # PyTorch's vectorised way fails there
        same(lambda t, *xs: t.autograd.functional.jacobian(bound(function, t), given(xs), **settings), *arrays)


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
@pytest.mark.parametrize("case", NUMBERS)
def test_hessian(case, settings):
    function, arrays = NUMBERS[case]
    if settings.get("vectorize") and case == "linear":
        return
    same(
        lambda t, *xs: t.autograd.functional.hessian(
            bound(function, t),
            given(tuple(x.requires_grad_() for x in xs) if "create_graph" in settings else xs),
            **settings,
        ),
        *arrays,
    )


@pytest.mark.parametrize("settings", SETTINGS[:-1], ids=str)
@pytest.mark.parametrize("case", FUNCTIONS)
def test_vjp(case, settings):
    function, arrays = FUNCTIONS[case]

    def build(t, *xs):
        xs = tuple(x.requires_grad_() for x in xs)
        outs = function(t, *xs)
        seeds = [t.from_numpy(np.cos(np.arange(y.numel())).reshape(tuple(y.shape))) for y in flat(outs)]
        v = tuple(seeds) if isinstance(outs, tuple) else seeds[0]
        return t.autograd.functional.vjp(bound(function, t), given(xs), v, **settings)

    same(build, *arrays)


@pytest.mark.parametrize("settings", SETTINGS[:-1], ids=str)
@pytest.mark.parametrize("case", FUNCTIONS)
def test_jvp(case, settings):
    function, arrays = FUNCTIONS[case]

    def build(t, *xs):
        v = tuple(x.cos() for x in xs)
        xs = tuple(x.requires_grad_() for x in xs)
        return t.autograd.functional.jvp(bound(function, t), given(xs), given(v), **settings)

    same(build, *arrays)


@pytest.mark.parametrize("name", ["vhp", "hvp"])
@pytest.mark.parametrize("settings", SETTINGS[:-1], ids=str)
@pytest.mark.parametrize("case", NUMBERS)
def test_products_with_the_hessian(case, settings, name):
    function, arrays = NUMBERS[case]

    def build(t, *xs):
        v = tuple(x.cos() for x in xs)
        xs = tuple(x.requires_grad_() for x in xs)
        return getattr(t.autograd.functional, name)(bound(function, t), given(xs), given(v), **settings)

    same(build, *arrays)


@pytest.mark.parametrize("name", ["jacobian", "hessian", "vhp", "hvp", "vjp", "jvp"])
@pytest.mark.parametrize("wrong", ["input", "output", "vector", "size", "none"])
def test_what_products_refuse(name, wrong):
    def build(t, x):
        function = (lambda x: 3) if wrong == "output" else (lambda x: (x * x).sum())
        vector = {"vector": 3, "size": t.ones(5, dtype=t.float64), "none": None}.get(wrong, x)
        more = (vector,) if name in ("vhp", "hvp", "jvp", "vjp") else ()
        return getattr(t.autograd.functional, name)(function, 3 if wrong == "input" else x, *more)

    same(build, X)


def test_a_derivative_is_differentiated():
    def build(t, x):
        j = t.autograd.functional.jacobian(lambda x: x.sin() * x.sum(), x, create_graph=True)
        h = t.autograd.functional.hessian(lambda x: (x**4).sum(), x, create_graph=True)
        _, product = t.autograd.functional.hvp(lambda x: (x**4).sum(), x, x.detach(), create_graph=True)
        return j, h, product

    agree(build, X, orders=1)


def test_hessian_of_a_network():
    def build(t, w1, w2, x):
        return t.autograd.functional.hessian(lambda a, b: (x.mm(a).tanh().mm(b) ** 2).mean(), (w1, w2))

    same(build, normal(3, 4), normal(4, 2), normal(5, 3))


# autograd.grad


GRADS = {
    "plain": {},
    "unused allowed": {"allow_unused": True},
    "unused refused": {"allow_unused": False},
    "zeros for unused": {"materialize_grads": True},
    "zeros and refused": {"materialize_grads": True, "allow_unused": False},
    "zeros and allowed": {"materialize_grads": True, "allow_unused": True},
    "older": {"only_inputs": True, "allow_unused": True},
}


@pytest.mark.parametrize("used", [True, False])
@pytest.mark.parametrize("case", GRADS)
def test_grad(case, used):
    def build(t, x, y):
        x, y = x.requires_grad_(), y.requires_grad_()
        out = (x * x).sum() * (y.sum() if used else 1)
        return t.autograd.grad(out, (x, y), **GRADS[case])

    same(build, X, Y)


@pytest.mark.parametrize("settings", [{}, {"create_graph": True}, {"allow_unused": True}], ids=str)
def test_batched_gradients(settings):
    def build(t, x, y, seeds):
        x, y = x.requires_grad_(), y.requires_grad_()
        inputs = (x, y) if "allow_unused" in settings else x
        return t.autograd.grad(x.sin(), inputs, seeds, is_grads_batched=True, **settings)

    same(build, X, Y, normal(4, 3))


@pytest.mark.parametrize("settings", [{}, {"retain_graph": True}, {"create_graph": True}], ids=str)
def test_batched_gradients_keep_the_graph_where_they_are_asked_to(settings):
    def build(t, x, seeds):
        x = x.requires_grad_()
        y = x.sin()
        first = t.autograd.grad(y, x, seeds, is_grads_batched=True, **settings)
        return (*first, *t.autograd.grad(y, x, seeds, is_grads_batched=True))

    same(build, X, normal(4, 3))


SEEDS = [((), ()), ((3,), (1,)), ((3,), ()), ((1,), (3,)), ((2, 3), (3, 2)), ((3,), (3,))]


@pytest.mark.parametrize(("shape", "seed"), SEEDS, ids=str)
def test_a_gradient_has_the_shape_of_its_tensor(shape, seed):
    def build(t, x, g):
        (x.requires_grad_() ** 2).backward(g)
        return x.grad

    same(build, np.ones(shape), np.full(seed, 2.0))


@pytest.mark.parametrize(("shape", "seed"), [((1,), ()), ((), (1,)), ((1, 1), (1,))], ids=str)
def test_a_gradient_of_one_number_may_have_more_dimensions_or_fewer(shape, seed):
    """Programs of 2017, whose losses had one dimension, pass such; today's PyTorch refuses them."""
    x = dynamic.ones(shape, requires_grad=True)
    (x**2).backward(dynamic.full(seed, 2.0))
    assert x.grad.shape == shape
    assert x.grad.unique().tolist() == [4.0]


BACKWARD = {
    "of several": lambda t, x: t.autograd.backward([x.sum(), x * x], [None, x.detach()]),
    "older name": lambda t, x: t.autograd.backward(x * x, grad_variables=x.detach()),
    "both names": lambda t, x: t.autograd.backward(x * x, x.detach(), grad_variables=x.detach()),
    "positions": lambda t, x: t.autograd.backward(x * x, x.detach(), True, False, None, (x,)),
    "one input": lambda t, x: t.autograd.backward((x * x).sum(), inputs=x),
    "no inputs": lambda t, x: t.autograd.backward((x * x).sum(), inputs=[]),
    "without a gradient": lambda t, x: (x * x).backward(),
    "of another shape": lambda t, x: (x * x).backward(x[:2].detach()),
    "twice": lambda t, x: [y := (x * x).sum(), y.backward(), y.backward()],
    "twice, retained": lambda t, x: [y := (x * x).sum(), y.backward(retain_graph=True), y.backward()],
    "of no history": lambda t, x: x.detach().sum().backward(),
    "a leaf in place": lambda t, x: x.add_(1),
    "a view of a leaf in place": lambda t, x: x[:1].add_(1),
    "a saved value in place": lambda t, x: [y := x * 2, z := y * y, y.add_(1), z.sum().backward()],
    "a saved result in place": lambda t, x: [y := x.exp(), y.add_(1), y.sum().backward()],
    "an unsaved value in place": lambda t, x: [y := x * 2, z := y + 1, y.add_(1), (y.sum() + z.sum()).backward()],
}


@pytest.mark.parametrize("case", BACKWARD)
def test_backward(case):
    def build(t, x):
        x.requires_grad_()
        BACKWARD[case](t, x)
        return x.grad

    same(build, X)


# Hooks

HOOKS = {
    "tensor": lambda t, x, y: y.register_hook(lambda g: g * 2),
    "tensor, nothing back": lambda t, x, y: y.register_hook(lambda g: None),
    "leaf": lambda t, x, y: x.register_hook(lambda g: g.clamp(max=1)),
    "tensor, a number back": lambda t, x, y: y.register_hook(lambda g: 3),
    "tensor, another shape back": lambda t, x, y: y.register_hook(lambda g: g[:1]),
    "before": lambda t, x, y: y.grad_fn.register_prehook(lambda gs: (gs[0] * 2,)),
    "before, a tensor back": lambda t, x, y: y.grad_fn.register_prehook(lambda gs: gs[0] * 2),
    "before, too many back": lambda t, x, y: y.grad_fn.register_prehook(lambda gs: (gs[0], gs[0])),
    "after": lambda t, x, y: y.grad_fn.register_hook(lambda ins, outs: (ins[0] * 2, *ins[1:])),
    "after, of outputs": lambda t, x, y: y.grad_fn.register_hook(lambda ins, outs: (outs[0], *ins[1:])),
    "after, nothing back": lambda t, x, y: y.grad_fn.register_hook(lambda ins, outs: None),
    "after, too few back": lambda t, x, y: y.grad_fn.register_hook(lambda ins, outs: ()),
    "collected": lambda t, x, y: x.register_post_accumulate_grad_hook(lambda p: print(p.grad.mul_(3))),
    "collected, a tensor back": lambda t, x, y: x.register_post_accumulate_grad_hook(lambda p: p.grad),
    "collected in no leaf": lambda t, x, y: y.register_post_accumulate_grad_hook(print),
    "collected in what wants none": lambda t, x, y: x.detach().register_post_accumulate_grad_hook(print),
    "on what wants none": lambda t, x, y: x.detach().register_hook(print),
    "of the leaf's node": lambda t, x, y: y.grad_fn.next_functions[0][0].register_hook(
        lambda ins, outs: print(x.grad.add_(1))
    ),
    "of the leaf's node, a tensor back": lambda t, x, y: y.grad_fn.next_functions[0][0].register_hook(
        lambda ins, outs: x.grad
    ),
    "after, a tensor back": lambda t, x, y: y.grad_fn.register_hook(lambda ins, outs: ins[0]),
    "retained": lambda t, x, y: y.retain_grad(),
}


@pytest.mark.parametrize("removed", [False, True])
@pytest.mark.parametrize("create", [False, True])
@pytest.mark.parametrize("case", HOOKS)
def test_hooks(case, create, removed):
    def build(t, x):
        x.requires_grad_()
        y = x * 2
        handle = HOOKS[case](t, x, y)
        z = (y * y).sum()
        z.backward(retain_graph=True, create_graph=create)
        if removed and handle is not None:
            handle.remove()
        z.backward(create_graph=create)
        return x.grad, y.grad if case == "retained" else None

    same(build, X)


def test_what_a_hook_after_the_rules_sees():
    def build(t, x, y):
        x, y = x.requires_grad_(), y.requires_grad_()
        seen = []
        product = x.mm(y)
        product.grad_fn.register_hook(lambda ins, outs: seen.append((ins, outs)))
        (product**2).sum().backward()
        return seen[0]

    same(build, normal(2, 3), normal(3, 2))


# Grad modes

MODES = {
    "no_grad": lambda t, x: t.no_grad()(lambda: x * 2)(),
    "no_grad without parentheses": lambda t, x: t.no_grad(lambda: x * 2)(),
    "enable_grad in no_grad": lambda t, x: t.no_grad()(t.enable_grad()(lambda: x * 2))(),
    "set_grad_enabled": lambda t, x: t.set_grad_enabled(False)(lambda: x * 2)(),
    "inference_mode": lambda t, x: t.autograd.inference_mode()(lambda: x.detach() * 2)(),
    "inference_mode off": lambda t, x: t.autograd.inference_mode(False)(lambda: x * 2)(),
    "inference_mode without parentheses": lambda t, x: t.autograd.inference_mode(lambda: x.detach() * 2)(),
}


@pytest.mark.parametrize("case", MODES)
def test_modes(case):
    same(lambda t, x: [MODES[case](t, x.requires_grad_()), t.is_grad_enabled()], X)


def asked(t):
    """A generator that tells its mode and takes part in a conversation."""
    try:
        got = yield t.is_grad_enabled()
        while True:
            try:
                got = yield (got, t.is_grad_enabled())
            except KeyError:
                got = "KeyError"
    finally:
        asked.closed = t.is_grad_enabled()


@pytest.mark.parametrize("outer", [True, False])
@pytest.mark.parametrize("mode", ["no_grad", "enable_grad"])
def test_generators_keep_their_mode_to_themselves(mode, outer):
    def build(t, _):
        seen = []
        with t.set_grad_enabled(outer):
            generator = getattr(t, mode)()(lambda: None) and getattr(t, mode)()(asked)(t)
            seen.append((next(generator), t.is_grad_enabled()))
            seen.append((generator.send(1), t.is_grad_enabled()))
            seen.append((generator.throw(KeyError()), t.is_grad_enabled()))
            generator.close()
            seen.append((asked.closed, t.is_grad_enabled()))
        return seen

    same(build, X)


def test_a_generator_s_return_value_and_errors_come_through():
    def build(t, _):
        @t.no_grad()
        def counting():
            yield 1
            return 5

        def outer():
            got = yield from counting()
            yield got

        @t.no_grad()
        def failing():
            yield 1
            raise KeyError

        seen = list(outer())
        with pytest.raises(KeyError):
            list(failing())
        return seen, t.is_grad_enabled()

    same(build, X)


# Finite differences


class Wrong:
    """Functions with gradients that are wrong in one way or another."""

    def __init__(self, torch):
        self.torch = torch

    def function(self, forward, backward):
        class Made(self.torch.autograd.Function):
            @staticmethod
            def forward(ctx, x):
                ctx.save_for_backward(x)
                return forward(x)

            @staticmethod
            def backward(ctx, g):
                return backward(g, *ctx.saved_tensors)

        return Made.apply


CHECKS = {
    "right": lambda t: Wrong(t).function(lambda x: x**3, lambda g, x: g * 3 * x**2),
    "wrong": lambda t: Wrong(t).function(lambda x: x**3, lambda g, x: g * 2 * x**2),
    "wrong in one place": lambda t: Wrong(t).function(lambda x: x * 1, lambda g, x: g * t.tensor([1.0, 1.0, 2.0]).double()),
    "wrong to second order": lambda t: Wrong(t).function(lambda x: x**3, lambda g, x: g * 3 * x.detach() ** 2),
    "a product": lambda t: lambda x: x * x.sum(),
    "two outputs": lambda t: lambda x: (x.sin(), x.exp().sum()),
    "no gradient at all": lambda t: lambda x: x.detach() * 2,
    "nothing that changes": lambda t: lambda x: t.ones(2).double(),
}


@pytest.mark.parametrize("settings", [{}, {"fast_mode": True}, {"raise_exception": False}], ids=str)
@pytest.mark.parametrize("name", ["gradcheck", "gradgradcheck"])
@pytest.mark.parametrize("case", CHECKS)
def test_gradients_are_checked(case, name, settings):
    if name == "gradgradcheck" and case in ("no gradient at all", "nothing that changes"):
        return
    same(lambda t, x: getattr(t.autograd, name)(CHECKS[case](t), x.requires_grad_(), **settings), X)


@pytest.mark.parametrize("settings", [{"eps": 1e-3, "atol": 1e-2}, {"atol": 1e-9, "rtol": 1e-7}, {"rtol": 1.0}], ids=str)
@pytest.mark.parametrize("case", ["right", "wrong", "a product"])
def test_how_closely_gradients_are_checked(case, settings):
    same(lambda t, x: t.autograd.gradcheck(CHECKS[case](t), (x.requires_grad_(),), raise_exception=False, **settings), X)


def test_checks_of_several_inputs_and_of_complex_ones():
    same(lambda t, x, y: t.autograd.gradcheck(lambda a, b: a.mm(b).tanh(), (x.requires_grad_(), y)), Y, Y + 1)
    same(lambda t, x, y: t.autograd.gradcheck(lambda a, b: a.mm(b), (x.requires_grad_(), y.requires_grad_())), Y, Y + 1)
    same(lambda t, x: t.autograd.gradcheck(lambda a: a * 2, x), X)
    same(lambda t, x, y: t.autograd.gradcheck(lambda a, b: a.sum() * b, (x.requires_grad_(), y.requires_grad_())), X[:0], Y)
    same(lambda t, x: t.autograd.gradcheck(lambda a: (a.sin(), a.cos(), a.exp()), x.requires_grad_()), X)
    for name in ("gradcheck", "gradgradcheck"):
        same(
            lambda t, x, y, name=name: getattr(t.autograd, name)(
                lambda a, b: a**3, (x.requires_grad_(), y.requires_grad_())
            ),
            X,
            Y,
        )


def test_single_precision_is_warned_of():
    for t in (dynamic, pytorch()):
        with pytest.warns(UserWarning, match="double precision"):
            t.autograd.gradcheck(lambda x: x * 2, t.ones(2, requires_grad=True), eps=1e-2, atol=1e-1)
