"""Hooks of modules are called as PyTorch calls them, with what it calls them, and what they return counts as there."""

import pytest

from tests.dynamic.layers import net
from tests.dynamic.oracle import agree, flat, normal


pytestmark = pytest.mark.oracle

A = normal(2, 3)


def hooked(register, *hooks):
    """A run of the net with hooks on its first block: what they saw, the output and the gradients."""

    def build(t, x):
        module, log = net(t), []
        handles = [register(module.first, hook(t, log)) for hook in hooks]
        out = module(x)
        out.pow(2).sum().backward()
        for handle in handles:
            handle.remove()
        seen = len(log)
        module(x)
        return [out, x.grad, module.first.scale.grad, log, seen == len(log)]

    return build


def seen(change=lambda t, args: None):
    def hook(t, log):
        def called(module, *args):
            log.extend(x.detach().clone() if hasattr(x, "detach") else type(x).__name__ for x in flat(args) if x is not None)
            return change(t, args)

        return called

    return hook


PRE = {
    "that looks": seen(),
    "that changes the input": seen(lambda t, args: args[0][0] * 2),
    "that gives a tuple": seen(lambda t, args: (args[0][0] * 2,)),
}
POST = {
    "that looks": seen(),
    "that changes the output": seen(lambda t, args: args[1] * 3),
}
BACK = {
    "that looks": seen(),
    "that changes the gradient": seen(lambda t, args: (args[0][0] * 3,)),
    "that gives too many": seen(lambda t, args: (args[0][0], args[0][0])),
}
BACK_PRE = {
    "that looks": seen(),
    "that changes the gradient": seen(lambda t, args: (args[0][0] * 3,)),
    "that gives a tensor": seen(lambda t, args: args[0][0] * 2),
}


@pytest.mark.parametrize("name", PRE)
def test_hook_before_forward(name):
    agree(hooked(lambda module, hook: module.register_forward_pre_hook(hook), PRE[name], seen()), A, orders=0)


@pytest.mark.parametrize("name", POST)
def test_hook_after_forward(name):
    agree(hooked(lambda module, hook: module.register_forward_hook(hook), POST[name], seen()), A, orders=0)


@pytest.mark.parametrize("name", BACK)
def test_hook_on_gradients(name):
    agree(hooked(lambda module, hook: module.register_full_backward_hook(hook), BACK[name], seen()), A, orders=0)


@pytest.mark.parametrize("name", BACK_PRE)
def test_hook_before_gradients(name):
    agree(hooked(lambda module, hook: module.register_full_backward_pre_hook(hook), BACK_PRE[name], seen()), A, orders=0)


@pytest.mark.parametrize("order", [False, True])
def test_hooks_in_front(order):
    def build(t, x):
        module, log = net(t), []
        for word in ("one", "two"):
            module.register_forward_hook(lambda *_, word=word: log.append(word), prepend=order)
            module.register_forward_pre_hook(lambda *_, word=word: log.append(word), prepend=order)
            module.register_full_backward_hook(lambda *_, word=word: log.append(word), prepend=order)
        module(x).sum().backward()
        return log

    agree(build, A, orders=0)


def test_hooks_with_keywords():
    def build(t, x):
        module, log = net(t), []
        module.second.register_forward_pre_hook(lambda m, a, k: (a, {**k, "factor": 7.0}), with_kwargs=True)
        module.second.register_forward_hook(lambda m, a, k, y: log.append(k["factor"]), with_kwargs=True)
        return [module(x), log]

    agree(build, A)


def test_hook_before_forward_that_gives_neither_arguments_nor_nothing():
    def build(t, x):
        module = net(t)
        module.register_forward_pre_hook(lambda m, a, k: a, with_kwargs=True)
        return module(x)

    agree(build, A)


@pytest.mark.parametrize("always", [False, True])
def test_hooks_after_an_error(always):
    def build(t, x):
        module, log = net(t), []
        module.register_forward_hook(lambda m, a, y: log.append(y), always_call=always)
        with pytest.raises(RuntimeError):
            module(x[:, :2])
        return log

    agree(build, A)


def test_gradient_hooks_of_a_module_whose_input_wants_none():
    def build(t, x):
        module, log = net(t), []
        module.first.register_full_backward_hook(lambda m, gi, go: log.extend([gi, go[0].detach()]))
        module(x.detach()).sum().backward()
        return log

    agree(build, A, orders=0)


def test_gradient_hooks_of_several_inputs_and_outputs():
    def build(t, x, y):
        log = []

        class Both(t.nn.Module):
            def forward(self, x, word, y):
                return x * y, word, x + y

        module = Both()
        module.register_full_backward_hook(lambda m, gi, go: log.extend([*gi, *go]))
        first, _, _ = module(x, "word", y)
        first.sum().backward()
        return [None if g is None else g.detach() for g in log]

    agree(build, A, A + 1, orders=0)


def test_second_gradients_through_hooks():
    def build(t, x):
        module = net(t)
        module.first.register_full_backward_hook(lambda m, gi, go: (gi[0] * gi[0],))
        (g,) = t.autograd.grad(module(x.pow(2)).pow(2).sum(), [x], create_graph=True)
        return g

    agree(build, A)


def test_both_kinds_of_gradient_hooks():
    def build(t, x):
        module = net(t)
        module.register_full_backward_hook(lambda *_: None)
        module.register_backward_hook(lambda *_: None)

    agree(build, A)


def test_older_gradient_hooks():
    def build(t, x):
        module = t.nn.Sequential(t.nn.Tanh(), t.nn.ReLU())
        module[1].register_backward_hook(lambda m, gi, go: (gi[0].clamp(min=0),))
        module(x).sin().sum().backward()
        return x.grad

    agree(build, A, orders=0)


def test_hooks_of_every_module():
    def build(t, x):
        all_of_them, log = t.nn.modules.module, []
        handles = [
            all_of_them.register_module_forward_pre_hook(lambda m, a: log.append(f"before {type(m).__name__}")),
            all_of_them.register_module_forward_hook(lambda m, a, y: log.append(f"after {type(m).__name__}")),
            all_of_them.register_module_full_backward_hook(lambda m, gi, go: log.append(f"back {type(m).__name__}")),
            all_of_them.register_module_full_backward_pre_hook(lambda m, go: log.append(f"from {type(m).__name__}")),
        ]
        try:
            net(t)(x).sum().backward()
        finally:
            for handle in handles:
                handle.remove()
        net(t)(x)
        return log

    agree(build, A, orders=0)


def test_hooks_of_states():
    def build(t, x):
        module, log = net(t), []
        first = module.first
        module.register_state_dict_pre_hook(lambda m, prefix, keep: log.append([prefix, keep]))
        first.register_state_dict_post_hook(lambda m, state, prefix, _: state.pop(f"{prefix}shift") is None)
        first._register_state_dict_hook(lambda m, state, prefix, _: None)
        first.register_load_state_dict_pre_hook(
            lambda m, state, prefix, *_: state.__setitem__(f"{prefix}shift", x[0]) or log.append(prefix)
        )
        module.register_load_state_dict_post_hook(lambda m, keys: log.append(repr(keys)))
        return [module, log]

    agree(lambda t, x: _through_a_state(*build(t, x)), A, orders=0)


def _through_a_state(module, log):
    try:
        state = module.state_dict()
    except RuntimeError as error:
        return type(error).__name__
    return [list(state), module.load_state_dict(state) and None, log]


@pytest.mark.parametrize("strict", [True, False])
def test_extra_state(strict):
    def build(t, x):
        class Counter(t.nn.Module):
            count = 3

            def get_extra_state(self):
                return {"count": self.count}

            def set_extra_state(self, state):
                self.count = state["count"]

        module = t.nn.Sequential(Counter(), t.nn.Linear(1, 1))
        state = module.state_dict()
        module[0].count = 0
        module.load_state_dict(state, strict=strict)
        plain_module = t.nn.Sequential(t.nn.Identity(), t.nn.Linear(1, 1))
        keys = plain_module.load_state_dict(state, strict=False)
        return [module[0].count, list(state), keys.unexpected_keys]

    agree(build, A)


def test_assigned_state():
    def build(t, x):
        module = net(t)
        module.first.scale.requires_grad = False
        state = {key: value.float() for key, value in module.state_dict().items()}
        module.load_state_dict(state, assign=True)
        first = module.first
        return [
            first.scale.dtype == t.float32,
            first.scale.requires_grad,
            first.map.bias.requires_grad,
            type(first.scale).__name__,
        ]

    agree(build, A)
