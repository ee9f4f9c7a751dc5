"""Functions of a user's own, in every style, against PyTorch: values, gradients, second gradients, errors."""

import warnings

import numpy as np
import pytest

import dynamic
from dynamic.autograd import Function
from dynamic.autograd.function import InplaceFunction, once_differentiable
from tests.dynamic.oracle import agree, normal, pytorch


def once(torch):
    return (
        once_differentiable
        if torch is dynamic
        else __import__("torch.autograd.function").autograd.function.once_differentiable
    )


def cube(torch):
    class Cube(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x**3

        @staticmethod
        def backward(ctx, g):
            (x,) = ctx.saved_tensors
            return g * 3 * x**2

    return Cube.apply


def exponential(torch):
    """It saves its output."""

    class Exp(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            y = x.exp()
            ctx.save_for_backward(y)
            return y

        @staticmethod
        def backward(ctx, g):
            return g * ctx.saved_tensors[0]

    return Exp.apply


def apart(torch):
    """The context is set up apart from forward."""

    class Product(torch.autograd.Function):
        @staticmethod
        def forward(x, y, scale):
            return x * y * scale

        @staticmethod
        def setup_context(ctx, inputs, output):
            x, y, ctx.scale = inputs
            ctx.save_for_backward(x, y)

        @staticmethod
        def backward(ctx, g):
            x, y = ctx.saved_tensors
            return g * y * ctx.scale, g * x * ctx.scale, None

    return lambda x, y: Product.apply(x, y, 3.0)


def named_vjp(torch):
    class Double(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def vjp(ctx, g):
            return g * 2

    return Double.apply


def both_named(torch):
    class Double(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def vjp(ctx, g):
            return g * 2

        @staticmethod
        def backward(ctx, g):
            return g * 2

    return Double.apply


def in_place(torch):
    class AddOne(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.mark_dirty(x)
            x.add_(1)
            return x

        @staticmethod
        def backward(ctx, g):
            return g * 5

    return AddOne.apply


def dirty_but_not_returned(torch):
    class AddOne(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.mark_dirty(x)
            x.add_(1)
            return x * 1

        @staticmethod
        def backward(ctx, g):
            return g

    return AddOne.apply


def pair(torch, materialize):
    class Pair(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.set_materialize_grads(materialize)
            return x * 2, x * 3

        @staticmethod
        def backward(ctx, g, h):
            parts = [each * factor for each, factor in ((g, 2), (h, 3)) if each is not None]
            return sum(parts) + (len(parts) if materialize else 0)

    return Pair.apply


def other_outputs(torch):
    """Outputs that are no tensors."""

    class Mixed(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2, 5, None, "text"

        @staticmethod
        def backward(ctx, g, *rest):
            assert rest == (None, None, None)
            return g * 2

    return lambda x: list(Mixed.apply(x))[:2]


def flat_output(torch):
    class Place(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            place = x.argmax()
            other = x * 2
            ctx.mark_non_differentiable(place, other)
            return x * 3, place, other

        @staticmethod
        def backward(ctx, g, _place, other):
            return g * 3 + other

    return lambda x: Place.apply(x)[::2]


def keywords(torch):
    class Scaled(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x, factor=2):
            ctx.factor = factor
            return x * factor

        @staticmethod
        def backward(ctx, g):
            return g * ctx.factor, None

    return lambda x: Scaled.apply(x, factor=7)


def marked_once(torch):
    class Square(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x**2

        @staticmethod
        @once(torch)
        def backward(ctx, g):
            (x,) = ctx.saved_tensors
            return g * 2 * x

    return Square.apply


def saves_nothing_but_a_number(torch):
    class Wrong(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(3)
            return x * 2

        @staticmethod
        def backward(ctx, g):
            return g * 2

    return Wrong.apply


def saves_none(torch):
    class Doubled(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(None, x)
            return x * x

        @staticmethod
        def backward(ctx, g):
            nothing, x = ctx.saved_tensors
            assert nothing is None
            return g * 2 * x

    return Doubled.apply


def asks_what_is_needed(torch):
    class Sum(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x, y):
            return x + y

        @staticmethod
        def backward(ctx, g):
            assert ctx.needs_input_grad == (True, False)
            return g * 2, None

    return lambda x: Sum.apply(x, torch.ones(3, dtype=torch.float64))


def fails(torch):
    class Fails(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, g):
            raise KeyError("backward")

    return Fails.apply


def of_wrong_shape(torch):
    class Wrong(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, g):
            return g[:2]

    return Wrong.apply


def too_many(torch):
    class Wrong(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, g):
            return g, g

    return Wrong.apply


def unmade(torch):
    class Nothing(torch.autograd.Function):
        pass

    return Nothing.apply


CASES = {
    "a cube": (lambda t, x: cube(t)(x), 1),
    "its own output": (lambda t, x: exponential(t)(x), 1),
    "in a chain": (lambda t, x: cube(t)(exponential(t)(x) * x).sum(), 1),
    "set up apart": (lambda t, x, y: apart(t)(x, y), 2),
    "vjp for backward": (lambda t, x: named_vjp(t)(x), 1),
    "vjp and backward": (lambda t, x: both_named(t)(x), 1),
    "in place": (lambda t, x: in_place(t)(x * 2) * x, 1),
    "in place, and the input used again": (lambda t, x: [y := x * 2, in_place(t)(y), y * y][2], 1),
    "in place on a leaf": (lambda t, x: in_place(t)(x), 1),
    "in place, not returned": (lambda t, x: dirty_but_not_returned(t)(x * 1), 1),
    "in place after it was saved": (
        lambda t, x: [y := x * 2, z := y * y, in_place(t)(y), t.autograd.grad(z.sum(), x)][2],
        1,
    ),
    "two outputs": (lambda t, x: pair(t, True)(x), 1),
    "one of two outputs": (lambda t, x: pair(t, True)(x)[0], 1),
    "one of two outputs, None for the other": (lambda t, x: pair(t, False)(x)[1], 1),
    "two outputs, none missing": (lambda t, x: pair(t, False)(x), 1),
    "outputs that are no tensors": (lambda t, x: other_outputs(t)(x), 1),
    "outputs without a gradient": (lambda t, x: flat_output(t)(x), 1),
    "keyword arguments": (lambda t, x: keywords(t)(x), 1),
    "a None saved": (lambda t, x: saves_none(t)(x), 1),
    "a number saved": (lambda t, x: saves_nothing_but_a_number(t)(x), 1),
    "what is needed": (lambda t, x: asks_what_is_needed(t)(x), 1),
    "an error of the user's": (lambda t, x: fails(t)(x), 1),
    "a gradient of another shape": (lambda t, x: of_wrong_shape(t)(x), 1),
    "too many gradients": (lambda t, x: too_many(t)(x), 1),
    "nothing defined": (lambda t, x: unmade(t)(x), 1),
}


@pytest.mark.oracle
@pytest.mark.parametrize("case", CASES)
def test_functions(case):
    build, count = CASES[case]
    agree(build, *(normal(3, seed=i) for i in range(count)))


@pytest.mark.oracle
def test_first_gradients_of_what_is_differentiable_once():
    agree(lambda t, x: marked_once(t)(x), normal(3), orders=1)


@pytest.mark.oracle
def test_a_second_derivative_of_what_is_differentiable_once_is_refused():
    for torch in (dynamic, pytorch()):
        x = torch.ones(2, requires_grad=True)
        y = torch.ones(2, requires_grad=True)
        (g,) = torch.autograd.grad(marked_once(torch)(x * y), x, torch.ones(2, requires_grad=True), create_graph=True)
        with pytest.raises(RuntimeError, match="once_differentiable"):
            g.sum().backward()


# Styles of 2017


class OldScale(Function):
    """An instance that is called, and remembers."""

    def __init__(self, factor):
        self.factor = factor

    def forward(self, x, y):
        self.save_for_backward(x, y)
        return x * y * self.factor

    def backward(self, g):
        x, y = self.saved_tensors
        return (g * y * self.factor if self.needs_input_grad[0] else None), g * x * self.factor


class OldAdd(InplaceFunction):
    def forward(self, x):
        if self.inplace:
            self.mark_dirty(x)
            return x.add_(1)
        return x + 1

    def backward(self, g):
        return g * 5


def leaf(*numbers):
    return dynamic.from_numpy(np.array(numbers, "float64")).requires_grad_()


def test_an_instance_that_is_called():
    x, y = leaf(1, 2), leaf(3, 4)
    OldScale(10)(x, y).sum().backward()
    assert (x.grad.tolist(), y.grad.tolist()) == ([30.0, 40.0], [10.0, 20.0])


@pytest.mark.parametrize("inplace", [False, True])
def test_an_instance_that_may_work_in_place(inplace):
    x = leaf(1, 2)
    y = x * 1
    z = OldAdd(inplace)(y)
    assert (z is y) == inplace
    z.sum().backward()
    assert x.grad.tolist() == [5.0, 5.0]


def test_saved_variables():
    class Old(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x * x

        @staticmethod
        def backward(ctx, g):
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                (x,) = ctx.saved_variables
            assert caught[0].category is DeprecationWarning
            return g * 2 * x

    x = leaf(3)
    Old.apply(x).sum().backward()
    assert x.grad.item() == 6.0


# What is freed, and what errors tell


def test_what_a_context_saved_is_freed_by_the_pass():
    kept = []

    class Keeps(Function):
        @staticmethod
        def forward(ctx, x):
            kept.append(ctx)
            ctx.save_for_backward(x)
            return x * x

        @staticmethod
        def backward(ctx, g):
            return g * 2 * ctx.saved_tensors[0]

    x = leaf(1)
    y = Keeps.apply(x).sum()
    y.backward(retain_graph=True)
    assert kept[0].saved_tensors[0] is x
    y.backward()
    with pytest.raises(RuntimeError, match="freed"):
        kept[0].saved_tensors  # noqa: B018


def test_an_error_in_a_backward_says_which_call_it_was():
    y = fails(dynamic)(leaf(1))  # the call
    with pytest.raises(KeyError) as error:
        y.sum().backward()
    (note,) = error.value.__notes__
    assert "Fails" in note
    assert "# the call" in note
