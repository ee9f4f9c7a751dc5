"""Gradients at the edges of their surface: modes around other kinds of functions, hooks that refuse, checks that find."""

from __future__ import annotations

import asyncio

import pytest

import dynamic as torch
from dynamic import autograd
from dynamic.autograd import Function, functional, gradcheck


def leaf(*values: float) -> torch.Tensor:
    return torch.tensor(values or (1.0, 2.0), dtype=torch.float64, requires_grad=True)


# Modes


def test_a_coroutine_has_its_mode_while_it_runs_and_others_theirs() -> None:
    seen = []

    @torch.no_grad()
    async def off() -> bool:
        seen.append(torch.is_grad_enabled())
        return (leaf() * 2).requires_grad

    @torch.no_grad()
    async def failing() -> None:
        raise ZeroDivisionError

    async def both() -> None:
        assert torch.is_grad_enabled()
        assert not await off()
        assert torch.is_grad_enabled()
        with pytest.raises(ZeroDivisionError):
            await failing()
        assert torch.is_grad_enabled()

    asyncio.run(both())
    assert seen == [False]


def test_a_class_under_no_grad_is_made_without_a_tape() -> None:
    @torch.no_grad()
    class Made:
        def __init__(self) -> None:
            self.enabled = torch.is_grad_enabled()
            self.doubled = leaf() * 2

    made = Made()
    assert not made.enabled
    assert not made.doubled.requires_grad
    assert torch.is_grad_enabled()


# Backward and grad


def test_two_names_for_gradients_are_not_both_given() -> None:
    x = leaf()
    y = x * 2
    with pytest.raises(RuntimeError, match="grad_tensors and grad_variables, its older name, are both given"):
        autograd.backward([y], [torch.ones_like(y)], grad_variables=[torch.ones_like(y)])
    autograd.backward([y], grad_variables=[torch.ones_like(y)])
    assert x.grad.tolist() == [2, 2]


def test_zeros_for_what_is_unused_are_asked_for_in_one_way() -> None:
    x, unused = leaf(), leaf()
    with pytest.raises(ValueError, match="allow_unused is not False"):
        torch.autograd.grad((x * x).sum(), [x], materialize_grads=True, allow_unused=False)
    found = torch.autograd.grad((x * x).sum(), [x, unused], materialize_grads=True)
    assert [g.tolist() for g in found] == [[2, 4], [0, 0]]


def test_a_tape_that_is_differentiated_is_freed_only_if_asked() -> None:
    x = leaf()
    y = (x**3).sum()
    (g,) = torch.autograd.grad(y, [x], create_graph=True, retain_graph=False)
    assert torch.autograd.grad(g.sum(), [x])[0].tolist() == [6, 12]
    with pytest.raises(RuntimeError, match=r"freed|second time"):
        y.backward()


def test_hooks_before_a_record_give_as_many_gradients_as_it_has_outputs() -> None:
    x = leaf()
    y = x * 2
    for given, error, message in (
        ([torch.ones(2)], TypeError, "gave a list, not a tuple or None"),
        ((torch.ones(2), torch.ones(2)), RuntimeError, "gave 2 gradients for 1 outputs"),
    ):
        handle = y.grad_fn.register_prehook(lambda gs, given=given: given)
        with pytest.raises(error, match=message):
            y.sum().backward(retain_graph=True)
        handle.remove()
    handle = y.grad_fn.register_prehook(lambda gs: (gs[0] * 10,))
    y.sum().backward()
    assert x.grad.tolist() == [20, 20]
    handle.remove()


# Functions of one's own


def test_what_fails_in_a_backward_says_where_its_forward_ran() -> None:
    class Failing(Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, g):
            raise ZeroDivisionError("on purpose")

    y = Failing.apply(leaf())
    with pytest.raises(ZeroDivisionError) as caught:
        y.sum().backward()
    assert any("in the backward pass through Failing" in note and __file__ in note for note in caught.value.__notes__)


# Jacobians


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"strategy": "sideways"}, ValueError, "'reverse-mode' or 'forward-mode', not 'sideways'"),
        ({"strategy": "forward-mode", "create_graph": True, "vectorize": True}, NotImplementedError, "create_graph=True"),
    ],
)
def test_ways_to_a_jacobian_that_there_are_not(settings, error, message) -> None:
    with pytest.raises(error, match=message):
        functional.jacobian(lambda x: x * x, leaf(), **settings)


def test_a_product_takes_a_tensor_for_each() -> None:
    x = leaf()
    with pytest.raises(RuntimeError, match="v has 2 tensors for 1"):
        functional.vjp(lambda x: x * x, x, (torch.ones(2), torch.ones(2)))
    with pytest.raises(RuntimeError, match="v is needed unless there is one element"):
        functional.vjp(lambda x: x * x, x)


def test_the_jacobian_of_what_hangs_on_one_input_is_zero_in_the_other() -> None:
    x, y = leaf(), leaf(3.0)
    found = functional.jacobian(lambda x, y: (x * x, y.detach() * 2), (x, y))
    assert [[block.tolist() for block in row] for row in found] == [
        [[[2, 0], [0, 4]], [[0], [0]]],
        [[[0, 0]], [[0]]],
    ]


# Checks of gradients


class Doubled(Function):
    """Twice its argument, with a gradient that is made wrong in ways to be found."""

    wrong = "no"
    calls = 0

    @staticmethod
    def forward(ctx, x):
        return x * 2

    @staticmethod
    def backward(ctx, g):
        Doubled.calls += 1
        if Doubled.wrong == "restless":
            return g * 2 + Doubled.calls * 1e-9
        return g * (2 if Doubled.wrong == "no" else 3)


@pytest.mark.parametrize(("wrong", "message"), [("restless", "not reentrant"), ("factor", "[Jj]acobian")])
def test_a_gradient_that_is_wrong_is_found(wrong: str, message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert gradcheck(Doubled.apply, (leaf(),))
    monkeypatch.setattr(Doubled, "wrong", wrong)
    with pytest.raises(RuntimeError, match=message):
        gradcheck(Doubled.apply, (leaf(),))
    assert not gradcheck(Doubled.apply, (leaf(),), raise_exception=False)
    assert gradcheck(Doubled.apply, (leaf(),), check_backward_ad=False)


@pytest.mark.parametrize("fast", [False, True])
def test_a_backward_that_wants_every_gradient_is_found(fast: bool) -> None:
    class Two(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.set_materialize_grads(False)
            return x * 2, x * 3

        @staticmethod
        def backward(ctx, g, h):
            return g * 2 + h * 3

    with pytest.raises(TypeError, match="NoneType"):
        gradcheck(Two.apply, (leaf(),), fast_mode=fast)


def test_gradcheck_hands_no_gradient_for_one_of_the_outputs():
    class Three(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.set_materialize_grads(False)
            return x * 1, x * 2, x * 3

        @staticmethod
        def backward(ctx, *gs):
            there = [(i + 1) * g for i, g in enumerate(gs) if g is not None]
            return there[0] if len(there) == 1 else there[0] + there[1] + there[2]

    with pytest.raises(RuntimeError, match="handed no gradient for one of its outputs"):
        gradcheck(Three.apply, (leaf(),))
    assert gradcheck(Three.apply, (leaf(),), check_undefined_grad=False)


def test_gradients_of_gradients_by_seeds_of_ones_own() -> None:
    x = leaf()
    assert torch.autograd.gradgradcheck(lambda x: x**3, (x,), torch.ones(2, dtype=torch.float64))
    assert torch.autograd.gradgradcheck(lambda x: x**3, (x,), gen_non_contig_grad_outputs=True)


@pytest.mark.parametrize("function", [lambda z: z * z * (1 + 2j), lambda z: z.conj() * z * 1j, lambda z: z.abs() ** 3])
def test_gradients_in_complex_numbers_are_checked(function) -> None:
    z = torch.tensor([1 + 2j, -0.5 + 0.25j], dtype=torch.complex128, requires_grad=True)
    assert gradcheck(function, (z,))


def test_a_gradient_that_is_not_conjugated_is_found() -> None:
    class Turned(Function):
        @staticmethod
        def forward(ctx, z):
            return z * 1j

        @staticmethod
        def backward(ctx, g):
            return g * 1j

    z = torch.tensor([1 + 2j], dtype=torch.complex128, requires_grad=True)
    assert gradcheck(lambda z: z * 1j, (z,))
    with pytest.raises(RuntimeError, match=r"[Jj]acobian"):
        gradcheck(Turned.apply, (z,))


def test_anomalies_are_warned_of_where_they_are_looked_for() -> None:
    with pytest.warns(UserWarning, match="Anomaly") as told, autograd.detect_anomaly():
        pass
    assert [each.filename for each in told] == [__file__]


def test_hooks_of_several_tensors_go_with_their_block():
    x, y, seen = leaf(), leaf(), []
    with torch.autograd.graph.register_multi_grad_hook([x, y], seen.append) as handle:
        (x * y).sum().backward()
    assert len(seen) == 1
    assert len(seen[0]) == 2
    handle.remove()  # once more does no harm
    (x * y).sum().backward()
    assert len(seen) == 1


def test_a_function_that_saves_its_second_output_has_second_gradients():
    class Powers(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x, square := x * x)
            return x * 3, square

        @staticmethod
        def backward(ctx, g, h):
            x, square = ctx.saved_tensors
            return g * 3 + h * 2 * square / x

    assert torch.autograd.gradgradcheck(lambda x: Powers.apply(x)[1] ** 2, (leaf(1.5, -2.0),))
