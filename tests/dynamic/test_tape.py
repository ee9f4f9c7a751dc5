"""The tape: versions and saved values, freeing, accumulation, hooks, modes, memory."""

import gc
import threading
import tracemalloc
import weakref

import numpy as np
import pytest

import dynamic as torch
import static
from dynamic.autograd import Variable, grad
from dynamic.tape import Record


def leaf(*numbers, dtype="float64"):
    return torch.from_numpy(np.array(numbers, dtype)).requires_grad_()


# Memory that is shared


def test_from_numpy_and_numpy_share_memory_both_ways():
    array = np.zeros(3)
    x = torch.from_numpy(array)
    array[0] = 1
    x[1] = 2
    x += 1
    x.numpy()[2] = 7
    assert array.tolist() == x.tolist() == [2.0, 3.0, 7.0]
    assert x.numpy() is array
    assert torch.tensor(array).numpy() is not array


def test_data_and_detach_share_memory_after_changes_too():
    x = leaf(1, 2)
    for other in (x.data, x.detach()):
        other *= 2
        assert x.tolist() == other.tolist()
        assert not other.requires_grad
    assert x.tolist() == [4.0, 8.0]


def test_variable_is_the_tensor_class_and_shares_the_memory_of_what_it_wraps():
    data = torch.ones(2)
    x = Variable(data, requires_grad=True)
    assert Variable is torch.Tensor
    assert x.data_ptr() == data.data_ptr()
    assert x.requires_grad
    assert not data.requires_grad
    assert not Variable(data, volatile=True).requires_grad


def test_numpy_needs_no_history():
    with pytest.raises(RuntimeError, match="detach"):
        leaf(1).numpy()
    assert leaf(1).detach().numpy().tolist() == leaf(1).numpy(force=True).tolist() == [1.0]


# Changes in place and versions


def test_versions_are_counted_together_for_views():
    x = torch.zeros(4)
    view, other = x[:2], x.detach()
    assert x._version == 0
    x += 1
    view.mul_(2)
    other[0] = 5
    x.data.zero_()
    assert x._version == view._version == other._version == 3


def test_a_saved_argument_that_has_changed_is_an_error_that_says_where():
    x = leaf(1, 2)
    y = x * 2
    z = y * y  # the line that saved y
    y += 1
    with pytest.raises(RuntimeError, match=r"(?s)inplace.*MulBackward0.*test_tape.py.*the line that saved y") as error:
        z.sum().backward()
    assert "z.sum().backward()" in str(error.value)


@pytest.mark.parametrize("change", [lambda y: y.detach().add_(1), lambda y: y[0].fill_(3), lambda y: y.view(2, 1).zero_()])
def test_changes_through_views_and_detached_tensors_are_seen(change):
    y = leaf(1, 2) * 2
    z = y.exp() * y
    change(y)
    with pytest.raises(RuntimeError, match="inplace"):
        z.sum().backward()


def test_a_saved_output_that_has_changed_is_an_error():
    y = leaf(1, 2).exp()
    y.add_(1)
    with pytest.raises(RuntimeError, match="ExpBackward0"):
        y.sum().backward()


def test_changes_of_what_no_rule_reads_are_no_error():
    x = leaf(1, 2)
    y = x * 3
    z = y + 1
    y += 1
    z *= 2
    (y.sum() + z.sum()).backward()
    assert x.grad.tolist() == [9.0, 9.0]


def test_a_change_before_the_use_is_no_error():
    x = leaf(1, 2)
    y = x * 1
    y *= 3
    (y * y).sum().backward()
    assert x.grad.tolist() == [18.0, 36.0]


def test_changes_of_data_are_not_seen():
    w = leaf(3)
    loss = (w * w).sum()
    w.data -= 1
    loss.backward()
    assert w.tolist() == [2.0]
    assert w.grad.tolist() == [4.0]


@pytest.mark.parametrize(
    "change",
    [lambda x: x.add_(1), lambda x: x.__imul__(2), lambda x: x.zero_(), lambda x: x[0].fill_(9), lambda x: x.__setitem__(0, 9)],
)
def test_a_leaf_that_collects_gradients_is_not_changed(change):
    x = leaf(1, 2)
    with pytest.raises(RuntimeError, match=r"(?s)leaf.*in-place.*test_tape.py"):
        change(x)
    assert x.tolist() == [1.0, 2.0]
    with torch.no_grad():
        change(x)
    assert x.is_leaf
    assert x.tolist() != [1.0, 2.0]


# Backward


def test_a_second_backward_needs_what_the_first_freed():
    x = leaf(1, 2)
    loss = (x * x).sum()
    loss.backward()
    with pytest.raises(RuntimeError, match=r"(?s)second time.*MulBackward0.*retain_graph=True"):
        loss.backward()
    assert x.grad.tolist() == [2.0, 4.0]


def test_a_second_backward_through_what_saves_nothing_works():
    x = leaf(1, 2)
    loss = (x + 1).sum()
    loss.backward()
    loss.backward()
    assert x.grad.tolist() == [2.0, 2.0]


@pytest.mark.parametrize("keep", [{"retain_graph": True}, {"retain_variables": True}, {"create_graph": True}])
def test_a_graph_that_is_kept_can_be_used_again(keep):
    x = leaf(3)
    loss = (x * x).sum()
    loss.backward(**keep)
    loss.backward()
    assert x.grad.tolist() == [12.0]
    with pytest.raises(RuntimeError, match="second time"):
        loss.backward()


def test_gradients_add_up_until_they_are_zeroed():
    x = leaf(1, 2)
    for _ in range(3):
        (x * 2).sum().backward()
    kept = x.grad
    assert kept.tolist() == [6.0, 6.0]
    kept.data.zero_()
    assert x.grad is kept
    x.grad = None
    (x * 2).sum().backward()
    assert kept.tolist() == [0.0, 0.0]
    assert x.grad.tolist() == [2.0, 2.0]


def test_a_gradient_shares_memory_with_nothing():
    seed = torch.ones(2, 2, dtype=torch.float64)
    x, y, z = (torch.from_numpy(np.ones((2, 2))).requires_grad_() for _ in range(3))
    v = torch.from_numpy(np.ones(4)).requires_grad_()
    c = torch.from_numpy(np.full((2, 2), 5.0))
    total = x + y + z.t() + v.view(2, 2) + (x * c) * 0 + z
    total.backward(seed)
    arrays = [seed.numpy(), c.numpy(), *(each.grad.numpy() for each in (x, y, z, v))]
    for i, a in enumerate(arrays):
        for b in arrays[:i]:
            assert not np.shares_memory(a, b)
    for each in (x, y, z, v):
        each.grad.add_(1)
    assert seed.tolist() == [[1.0, 1.0], [1.0, 1.0]]


def test_gradients_of_one_leaf_twice_and_of_a_scalar_are_its_own():
    x, y = leaf(1, 2), torch.tensor(3.0, requires_grad=True)
    x.backward(torch.ones(2, dtype=torch.float64))
    y.backward()
    y.grad.add_(1)
    z = torch.tensor(3.0, requires_grad=True)
    z.backward()
    assert (x.grad.tolist(), y.grad.item(), z.grad.item()) == ([1.0, 1.0], 2.0, 1.0)
    w = c = torch.ones(2, requires_grad=True)
    (w * 1).backward(c.detach())
    w.grad.zero_()
    assert c.tolist() == [1.0, 1.0]


def test_a_gradient_has_the_layout_that_a_program_may_write_into():
    x = torch.ones(3, 4, requires_grad=True)
    x.sum().backward()
    x.grad[0] = 2
    assert x.grad.sum().item() == 16.0
    x.sum().backward()
    assert x.grad.sum().item() == 28.0


def test_backward_of_what_is_no_scalar_needs_a_gradient():
    x = leaf(1, 2)
    with pytest.raises(RuntimeError, match="scalar"):
        (x * 2).backward()
    (x * 2).backward(torch.DoubleTensor([1, 10]))
    assert x.grad.tolist() == [2.0, 20.0]
    with pytest.raises(RuntimeError, match=r"\(3,\).*\(2,\)"):
        (x * 2).backward(torch.ones(3, dtype=torch.float64))
    (x * 2).sum().backward(torch.DoubleTensor([1.0]))
    assert x.grad.tolist() == [4.0, 22.0]


def test_backward_of_what_has_no_history():
    with pytest.raises(RuntimeError, match="does not require grad"):
        torch.ones(1).backward()
    with pytest.raises(RuntimeError, match="does not require grad"):
        grad(leaf(1).sum(), torch.ones(1))
    with pytest.raises(TypeError, match="int"):
        torch.autograd.backward([3])


def test_backward_into_chosen_inputs():
    x, y = leaf(1), leaf(2)
    middle = x * y
    (middle * middle).sum().backward(inputs=[x, middle])
    assert x.grad.tolist() == [8.0]
    assert middle.grad.tolist() == [4.0]
    assert y.grad is None


def test_backward_of_several():
    x = leaf(1, 2)
    torch.autograd.backward([x.sum(), (x * x)], [None, torch.ones(2, dtype=torch.float64)])
    assert x.grad.tolist() == [3.0, 5.0]
    with pytest.raises(RuntimeError, match=r"1 tensors and 2 gradients"):
        torch.autograd.backward([x.sum()], [None, None])


def test_grad_of_values_in_the_middle_of_the_graph():
    x, unused = leaf(2), leaf(1)
    y = x * x
    z = y * x
    assert [g.item() for g in grad(z.sum(), [y, x], retain_graph=True)] == [2.0, 12.0]
    assert x.grad is None
    with pytest.raises(RuntimeError, match="allow_unused"):
        grad(z.sum(), [x, unused], retain_graph=True)
    first, second = grad(z.sum(), [x, unused], allow_unused=True)
    assert first.item() == 12.0
    assert second is None


def test_gradients_to_third_order():
    x = leaf(2.0, -1.0)
    y = (x**5).sum()
    found = []
    for _ in range(3):
        (g,) = grad(y, x, create_graph=True)
        found.append(g.tolist())
        y = g.sum()
    assert found == [[80.0, 5.0], [160.0, -20.0], [240.0, 60.0]]
    y.backward()
    assert x.grad.tolist() == [240.0, -120.0]


def test_a_gradient_that_was_recorded_can_be_part_of_a_loss():
    x = leaf(3)
    (g,) = grad((x**3).sum(), x, create_graph=True)
    ((g - 1) ** 2).sum().backward()
    assert x.grad.tolist() == [2 * (27 - 1) * 18.0]
    assert not grad((x * x).sum(), x)[0].requires_grad


# What requires a gradient


def test_requires_grad_is_set_on_floating_leaves():
    x = torch.ones(2)
    x.requires_grad = True
    y = x * 2
    assert (x.is_leaf, y.is_leaf, y.requires_grad, (y > 1).requires_grad) == (True, False, True, False)
    with pytest.raises(RuntimeError, match="leaves"):
        y.requires_grad = False
    with pytest.raises(RuntimeError, match="floating"):
        torch.ones(2).long().requires_grad_()
    x.requires_grad = False
    assert not (x * 2).requires_grad


def test_detach_leaves_the_history_behind():
    x = leaf(1, 2)
    y = (x * 2).detach()
    assert y.grad_fn is None
    (x * y).sum().backward()
    assert x.grad.tolist() == [2.0, 4.0]
    z = x * 2
    assert z.detach_() is z
    assert z.is_leaf


# Hooks


def test_hooks_see_and_replace_gradients():
    x = leaf(1, 2)
    y = x * 3
    seen = []
    y.register_hook(lambda g: seen.append(g.tolist()))
    doubled = y.register_hook(lambda g: g * 2)
    x.register_hook(lambda g: seen.append(g.tolist()))
    y.sum().backward(retain_graph=True)
    assert seen == [[1.0, 1.0], [6.0, 6.0]]
    assert x.grad.tolist() == [6.0, 6.0]
    doubled.remove()
    doubled.remove()
    y.sum().backward()
    assert seen[-1] == [3.0, 3.0]
    assert x.grad.tolist() == [9.0, 9.0]


def test_a_hook_needs_a_tensor_that_requires_a_gradient():
    with pytest.raises(RuntimeError, match="hook"):
        torch.ones(1).register_hook(print)


def test_hooks_on_one_of_several_outputs():
    x = leaf(1, 2, 3)
    first, second = x.split([1, 2])
    second.register_hook(lambda g: g * 10)
    (first.sum() + second.sum()).backward()
    assert x.grad.tolist() == [1.0, 10.0, 10.0]


def test_retained_gradients_of_values_that_are_no_leaves():
    x = leaf(1, 2)
    y = x * 3
    y.retain_grad()
    for _ in range(2):
        (y * y).sum().backward(retain_graph=True)
    assert y.grad.tolist() == [12.0, 24.0]
    x.retain_grad()
    assert (x * 2).grad is None


# Modes


def test_modes_nest_and_decorate():
    x = leaf(1)

    @torch.no_grad()
    def off():
        return x * 2

    @torch.enable_grad
    def on():
        return x * 2

    with torch.no_grad():
        assert not torch.is_grad_enabled()
        assert not (x * 2).requires_grad
        assert on().requires_grad
        with torch.enable_grad():
            assert (x * 2).requires_grad
            with torch.set_grad_enabled(False):
                assert not (x * 2).requires_grad
            assert (x * 2).requires_grad
        assert not (x * 2).requires_grad
    assert not off().requires_grad
    assert torch.is_grad_enabled()
    assert off.__name__ == "off"


def test_a_mode_ends_with_an_exception_and_holds_when_called():
    with pytest.raises(KeyError), torch.no_grad():
        raise KeyError
    assert torch.is_grad_enabled()
    torch.set_grad_enabled(False)
    assert not torch.is_grad_enabled()
    torch.set_grad_enabled(True)
    assert torch.is_grad_enabled()


def test_a_mode_is_its_thread_s_own():
    seen = []
    with torch.no_grad():
        thread = threading.Thread(target=lambda: seen.append(torch.is_grad_enabled()))
        thread.start()
        thread.join()
    assert seen == [True]


def test_ten_threads_with_tapes_of_their_own_share_a_leaf():
    w = torch.from_numpy(np.linspace(-1, 1, 50)).requires_grad_()
    found = {}

    def work(k, times=20):
        for _ in range(times):
            h = w * k
            for _ in range(10):
                h = (h + w).tanh()
            found.setdefault(k, []).append(grad(h.sum(), w)[0].numpy())

    threads = [threading.Thread(target=work, args=(k,)) for k in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 10
    for k, gradients in found.items():
        assert len(gradients) == 20
        work(k, 1)
        for g in gradients:
            np.testing.assert_array_equal(g, gradients[-1])


# Memory


@pytest.fixture
def _no_collector():
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def records():
    return sum(type(each) is Record for each in gc.get_objects())


@pytest.mark.usefixtures("_no_collector")
def test_a_tape_is_freed_by_reference_counting():
    x = torch.ones(4, 4, requires_grad=True)
    before = records()
    h = x
    kept = []
    for _ in range(5):
        h = (h @ x).tanh() * 1
        h[0] = h[1] * 2
        first, second = h.split(2)
        h = torch.cat([second, first])
        kept.append(weakref.ref(h))
    loss = h.max(1).values.sum()
    assert records() > before + 20
    loss.backward()
    (g,) = grad((x**3).sum(), x, create_graph=True)
    g.sum().backward()
    del h, loss, first, second, g
    x.grad = None
    assert [each() for each in kept] == [None] * 5
    assert records() == before


@pytest.mark.usefixtures("_no_collector")
def test_what_no_rule_reads_is_freed_while_the_tape_lives():
    x = torch.ones(100, requires_grad=True)
    inner = x * 2
    array = weakref.ref(inner.detach().numpy())
    y = inner + 1
    del inner
    assert array() is None
    y.sum().backward()


def test_training_does_not_grow_memory():
    rng = np.random.default_rng(0)
    x, y = (torch.from_numpy(rng.standard_normal(shape)) for shape in ((8, 4), (8, 2)))
    w1, w2 = (torch.from_numpy(rng.standard_normal(shape) * 0.3).requires_grad_() for shape in ((4, 5), (5, 2)))
    optimizer = torch.optim.Adam([w1, w2], lr=1e-3)

    def steps(count):
        for _ in range(count):
            optimizer.zero_grad()
            loss = (x.mm(w1).clamp(min=0).mm(w2) - y).pow(2).sum()
            loss.backward()
            optimizer.step()
        return loss.item()

    first = steps(1)
    steps(500)
    tracemalloc.start()
    try:
        steps(1000)  # until Python keeps as many spare objects as it will
        before = tracemalloc.get_traced_memory()[0]
        last = steps(8500)
        grown = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert last < first / 2
    assert grown < 20_000


def test_a_chain_of_100000_operations():
    x = leaf(1.0)
    h = x
    for _ in range(50_000):
        h = h + 1
        h = h * 0.5
    h.backward(torch.ones(1, dtype=torch.float64))
    assert h.item() == pytest.approx(1.0)
    assert x.grad.item() == 0.5**50_000
    (g,) = grad((x * 1).sum(), x)
    assert g.item() == 1.0
    end = weakref.ref(h)
    del h
    assert end() is None


# Beside the tape


def test_values_of_two_modes_do_not_mix():
    with static.Graph().as_default():
        s = static.constant(np.ones(2, "float32"))
        for mixed in (lambda: torch.ones(2) + s, lambda: s + torch.ones(2), lambda: torch.ones(2, 2).mm(s), lambda: static.add(s, torch.ones(2))):
            with pytest.raises(TypeError, match=r"(?s)(static\.Tensor.*dynamic\.Tensor|dynamic\.Tensor.*static\.Tensor)"):
                mixed()


DRAWS = {
    "randn": lambda g: torch.randn(40, generator=g),
    "rand": lambda g: torch.rand(40, generator=g),
    "randint": lambda g: torch.randint(0, 100, (40,), generator=g),
    "randperm": lambda g: torch.randperm(40, generator=g),
    "normal": lambda g: torch.normal(0.0, 1.0, (40,), generator=g),
    "bernoulli": lambda g: torch.bernoulli(torch.full((40,), 0.5), generator=g),
    "multinomial": lambda g: torch.multinomial(torch.ones(40), 30, generator=g),
}


@pytest.mark.parametrize("name", DRAWS)
def test_seeds_repeat_what_is_drawn(name):
    draw = DRAWS[name]
    torch.manual_seed(5)
    first, second = draw(None), draw(None)
    torch.manual_seed(5)
    assert (draw(None).tolist(), draw(None).tolist()) == (first.tolist(), second.tolist())
    assert first.tolist() != second.tolist()
    own = torch.Generator().manual_seed(5)
    assert draw(own).tolist() == first.tolist()
    torch.manual_seed(6)
    assert draw(None).tolist() != first.tolist()
    assert draw(own).tolist() == second.tolist()
