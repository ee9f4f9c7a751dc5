"""``autograd.Function`` in both styles."""

import gc
import weakref

import numpy as np
import pytest

import dynamic as torch
from dynamic.autograd import Function, grad


def leaf(*numbers):
    return torch.from_numpy(np.array(numbers, "float64")).requires_grad_()


class ReLU(Function):
    """As document 004 of the sources has it."""

    @staticmethod
    def forward(ctx, input):
        ctx.save_for_backward(input)
        return input.clamp(min=0)

    @staticmethod
    def backward(ctx, grad_output):
        (input,) = ctx.saved_tensors
        grad_input = grad_output.clone()
        grad_input[input < 0] = 0
        return grad_input


class OldReLU(Function):
    """As document 002 describes it: an instance that is called."""

    def forward(self, input):
        self.save_for_backward(input)
        return input.clamp(min=0)

    def backward(self, grad_output):
        (input,) = self.saved_tensors
        grad_input = grad_output.clone()
        grad_input[input < 0] = 0
        return grad_input


class Exp(Function):
    @staticmethod
    def forward(ctx, x):
        result = x.exp()
        ctx.save_for_backward(result)
        return result

    @staticmethod
    def backward(ctx, g):
        (result,) = ctx.saved_tensors
        return g * result


class Cube(Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x**3

    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return g * 3 * x**2


class Parts(Function):
    """Two outputs from two tensors and a number."""

    needed = None

    @staticmethod
    def forward(ctx, x, y, scale):
        ctx.scale = scale
        ctx.save_for_backward(x, y)
        return x * y, x + y * scale

    @staticmethod
    def backward(ctx, g, h):
        x, y = ctx.saved_tensors
        Parts.needed = ctx.needs_input_grad
        return g * y + h, g * x + h * ctx.scale, None


class Largest(Function):
    """A value and its place, of which no gradient flows back."""

    @staticmethod
    def forward(ctx, x):
        place = x.argmax()
        weight = x * 0 + 1
        ctx.mark_non_differentiable(place, weight)
        ctx.save_for_backward(place)
        ctx.shape = x.shape
        return x.max(), place, weight

    @staticmethod
    def backward(ctx, g, _place, _weight):
        (place,) = ctx.saved_tensors
        out = torch.zeros(*ctx.shape, dtype=torch.float64)
        out[place] = g
        return out


RELUS = {"static": lambda: ReLU.apply, "instance": OldReLU, "instance by apply": lambda: OldReLU.apply}


@pytest.mark.parametrize("style", RELUS)
def test_both_styles(style):
    x = leaf(-1, 2, 3)
    relu = RELUS[style]()
    y = relu(x * 2)
    assert y.tolist() == [0.0, 4.0, 6.0]
    assert "ReLUBackward" in repr(y.grad_fn)
    assert y.grad_fn.next_functions[0][0].label == "MulBackward0"
    (y * y).sum().backward()
    assert x.grad.tolist() == [0.0, 16.0, 24.0]


def test_the_older_style_needs_no_call_of_the_base_s_init():
    class Scaled(Function):
        def __init__(self, factor):
            self.factor = factor

        def forward(self, x):
            return x * self.factor

        def backward(self, g):
            return g * self.factor

    x = leaf(1, 2)
    Scaled(3)(x).sum().backward()
    assert x.grad.tolist() == [3.0, 3.0]


def test_a_static_forward_is_not_called_on_an_instance():
    with pytest.raises(TypeError, match=r"ReLU\.apply"):
        ReLU()(leaf(1))


@pytest.mark.parametrize("chosen", [(True, True), (True, False), (False, True)])
def test_several_outputs_and_which_inputs_need_gradients(chosen):
    x, y = (torch.from_numpy(np.array([float(i)])).requires_grad_(need) for i, need in zip((2, 5), chosen, strict=True))
    a, b = Parts.apply(x, y, 10)
    assert (a.item(), b.item()) == (10.0, 52.0)
    (a * 2 + b).sum().backward()
    assert Parts.needed == (*chosen, False)
    assert (x.grad and x.grad.item()) == (11.0 if chosen[0] else None)
    assert (y.grad and y.grad.item()) == (14.0 if chosen[1] else None)


def test_an_output_that_nothing_flowed_into_gets_zeros():
    x, y = leaf(2), leaf(5)
    _, b = Parts.apply(x, y, 10)
    b.sum().backward()
    assert (x.grad.item(), y.grad.item()) == (1.0, 10.0)


def test_outputs_that_are_not_differentiable():
    x = leaf(1, 5, 2)
    value, place, weight = Largest.apply(x)
    assert (value.requires_grad, place.requires_grad, weight.requires_grad) == (True, False, False)
    assert place.item() == 1
    value.backward()
    assert x.grad.tolist() == [0.0, 1.0, 0.0]


def test_gradients_through_a_function_can_be_differentiated_again():
    for function, wanted in ((Exp, lambda x: np.exp(x)), (Cube, lambda x: 6 * x)):
        x = leaf(0.5, -1.5)
        (g,) = grad(function.apply(x).sum(), x, create_graph=True)
        (h,) = grad(g.sum(), x)
        np.testing.assert_allclose(h.numpy(), wanted(np.array([0.5, -1.5])), rtol=1e-14)


def test_saved_outputs_make_no_cycle():
    gc.collect()
    gc.disable()
    try:
        x = leaf(1, 2)
        y = Exp.apply(x)
        end = weakref.ref(y)
        y.sum().backward(retain_graph=True)
        del y
        assert end() is None
    finally:
        gc.enable()


def test_what_was_saved_and_changed_since_is_an_error():
    y = leaf(1, 2) * 1
    z = Cube.apply(y)
    y += 1
    with pytest.raises(RuntimeError, match=r"(?s)inplace.*CubeBackward"):
        z.sum().backward()


def test_a_second_backward_is_an_error_where_something_was_saved():
    z = Cube.apply(leaf(1, 2)).sum()
    z.backward()
    with pytest.raises(RuntimeError, match="second time"):
        z.backward()


def test_nothing_is_recorded_where_nothing_is_wanted():
    assert not Cube.apply(torch.ones(2)).requires_grad
    with torch.no_grad():
        assert not Cube.apply(leaf(1)).requires_grad
    seen = []

    class Spy(Function):
        @staticmethod
        def forward(ctx, x):
            seen.append((x.requires_grad, torch.is_grad_enabled()))
            return x * 2

        @staticmethod
        def backward(ctx, g):
            seen.append(torch.is_grad_enabled())
            return g * 2

    Spy.apply(leaf(1)).sum().backward()
    assert seen[0][1] is False
    assert seen[1] is False


def test_an_input_that_is_returned_starts_a_history_of_its_own():
    class Same(Function):
        @staticmethod
        def forward(ctx, x):
            return x

        @staticmethod
        def backward(ctx, g):
            return g * 7

    x = leaf(1)
    y = Same.apply(x)
    assert y is not x
    assert x.is_leaf
    y.sum().backward()
    assert x.grad.item() == 7.0


def _returning(result):
    class Wrong(Function):
        @staticmethod
        def forward(ctx, x, y):
            return x + y

        @staticmethod
        def backward(ctx, g):
            return result(g)

    return Wrong


def test_what_backward_returns_is_checked():
    x, y = leaf(1, 2), leaf(3, 4)
    for result, message in (
        (lambda g: g, "1 gradients for 2 inputs"),
        (lambda g: (g, g, g), "3 gradients for 2 inputs"),
        (lambda g: (g, g[0]), r"shape \(\) for input 1 of shape \(2,\)"),
    ):
        with pytest.raises(RuntimeError, match=f"Wrong.backward gave.*{message}"):
            _returning(result).apply(x, y).sum().backward()
    with pytest.raises(TypeError, match="a float for input 1"):
        _returning(lambda g: (g, 1.0)).apply(x, y).sum().backward()
    _returning(lambda g: (g, None, None)).apply(x, y).sum().backward()
    assert x.grad.tolist() == [1.0, 1.0]
    assert y.grad is None


def test_forward_and_backward_have_to_be_written():
    class Nothing(Function):
        pass

    class OnlyForward(Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

    with pytest.raises(NotImplementedError, match="forward"):
        Nothing.apply(leaf(1))
    y = OnlyForward.apply(leaf(1))
    with pytest.raises(NotImplementedError, match="backward"):
        y.sum().backward()


def test_gradients_may_be_broadcast_views_or_of_the_same_memory():
    class Twice(Function):
        @staticmethod
        def forward(ctx, x, y):
            return x + y

        @staticmethod
        def backward(ctx, g):
            return g, g

    x, y = leaf(1, 2), leaf(3, 4)
    Twice.apply(x, y).sum().backward()
    x.grad.add_(1)
    assert y.grad.tolist() == [1.0, 1.0]
