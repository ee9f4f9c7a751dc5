"""``autograd.graph``: saved tensors, edges and hooks on several gradients, against PyTorch's."""

import importlib

import numpy as np
import pytest

import dynamic
from tests.dynamic.oracle import normal, plain, pytorch


pytestmark = pytest.mark.oracle

X, Y = normal(3, 2), normal(3, 2, seed=1)


def graph(torch):
    return importlib.import_module(f"{torch.__name__}.autograd.graph")


def leaves(torch, *arrays):
    return [torch.from_numpy(a.copy()).requires_grad_() for a in arrays]


def both(case):
    """What a case gives in both libraries, flat, as arrays and plain values; errors have to be of one class."""

    def run(torch):
        found = case(torch, graph(torch))
        return [plain(x) for x in (found if isinstance(found, (list, tuple)) else [found])]

    try:
        wanted = run(pytorch())
    except Exception as error:
        with pytest.raises(type(error)):
            run(dynamic)
        return
    for ours, theirs in zip(run(dynamic), wanted, strict=True):
        if isinstance(theirs, np.ndarray):
            np.testing.assert_allclose(ours, theirs, rtol=1e-12)
        else:
            assert ours == theirs


def hooked(build, pack=lambda t: t, unpack=lambda t: t):
    def case(torch, graph):
        x, y = leaves(torch, X, Y)
        log = []

        def packing(t):
            log.append("pack")
            return pack(t)

        def unpacking(t):
            log.append("unpack")
            return unpack(t)

        with graph.saved_tensors_hooks(packing, unpacking):
            z = build(torch, x, y)
        z.sum().backward()
        return [z.detach(), *(g for g in (x.grad, y.grad) if g is not None), *log]

    return case


SAVED = {
    "a product": hooked(lambda torch, x, y: x * y),
    "a square": hooked(lambda torch, x, y: x * x),
    "what an exponential gives": hooked(lambda torch, x, y: x.exp()),
    "a matrix product": hooked(lambda torch, x, y: x @ y.T),
    "nothing saved": hooked(lambda torch, x, y: x + y),
    "a chain": hooked(lambda torch, x, y: (x * y).exp().sum()),
    "ten times as large": hooked(lambda torch, x, y: x * y, pack=lambda t: t * 10),
    "through numbers": hooked(lambda torch, x, y: x * y, lambda t: (t.numpy().tolist(), t.dtype), lambda p: p[0]),
    "packed as a pair": hooked(lambda torch, x, y: x.sin() * y, lambda t: (1, t), lambda p: p[1] * p[0]),
    "unpacked as a number": hooked(lambda torch, x, y: x * y, lambda t: 3),
    "changed in place": hooked(lambda torch, x, y: x * y, lambda t: t.add_(1)),
}


@pytest.mark.parametrize("case", SAVED)
def test_saved_tensors(case):
    both(SAVED[case])


def twice(torch, graph):
    x, y = leaves(torch, X, Y)
    with graph.saved_tensors_hooks(lambda t: t * 2, lambda t: t):
        with graph.saved_tensors_hooks(lambda t: t * 10, lambda t: t):
            z = x * y
        w = x * y
    (first,) = torch.autograd.grad(z.sum(), x)
    (second,) = torch.autograd.grad(w.sum(), x)
    (third,) = torch.autograd.grad((x * y).sum(), x)
    return first, second, third


def second_derivative(torch, graph):
    x, y = leaves(torch, X, Y)
    with graph.saved_tensors_hooks(lambda t: t, lambda t: t):
        z = x**3 * y
    (g,) = torch.autograd.grad(z.sum(), x, create_graph=True)
    return torch.autograd.grad(g.sum(), (x, y))


def freed(torch, graph):
    x, y = leaves(torch, X, Y)
    with graph.saved_tensors_hooks(lambda t: t, lambda t: t):
        z = (x * y).sum()
    z.backward()
    z.backward()


def retained(torch, graph):
    x, y = leaves(torch, X, Y)
    with graph.saved_tensors_hooks(lambda t: t, lambda t: t):
        z = (x * y).sum()
    z.backward(retain_graph=True)
    z.backward()
    return x.grad, y.grad


def on_cpu(torch, graph):
    x, y = leaves(torch, X, Y)
    with graph.save_on_cpu():
        z = (x * y).exp()
    z.sum().backward()
    return x.grad, y.grad


def refused(torch, graph):
    with graph.disable_saved_tensors_hooks("not here"), graph.saved_tensors_hooks(lambda t: t, lambda t: t):
        pass


def refused_and_back(torch, graph):
    with graph.disable_saved_tensors_hooks("not here"):
        pass
    return on_cpu(torch, graph)


def changed_afterwards(torch, graph):
    x, _ = leaves(torch, X, Y)
    with graph.allow_mutation_on_saved_tensors():
        a = x.clone()
        b = (a**2).sum()
        a.sin_()
        b.backward()
    return x.grad


def not_allowed(torch, graph):
    x, _ = leaves(torch, X, Y)
    a = x.clone()
    b = (a**2).sum()
    a.sin_()
    b.backward()


def version(torch, graph):
    x, y = leaves(torch, X, Y)
    before = x._version
    graph.increment_version(x)
    graph.increment_version([x, y])
    return x._version - before, y._version


def version_of_what_was_saved(torch, graph):
    x, _ = leaves(torch, X, Y)
    a = x * 2
    b = a * a
    graph.increment_version(a)
    b.sum().backward()


def node(torch, graph):
    x, _ = leaves(torch, X, Y)
    y = x * 2
    return isinstance(y.grad_fn, graph.Node), isinstance(x, graph.Node), y.grad_fn.next_functions[0][1]


CASES = (twice, second_derivative, freed, retained, on_cpu, refused, refused_and_back, changed_afterwards, not_allowed)
CASES = (*CASES, version, version_of_what_was_saved, node)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_saving(case):
    both(case)


def edge_as_input(torch, graph):
    (x,) = leaves(torch, X)
    y = x * 2
    return torch.autograd.grad((y**2).sum(), graph.get_gradient_edge(y))


def edge_of_a_leaf(torch, graph):
    (x,) = leaves(torch, X)
    return torch.autograd.grad((x**2).sum(), [graph.get_gradient_edge(x)])


def edge_as_output(torch, graph):
    x, y = leaves(torch, X, Y)
    z = x * y
    return torch.autograd.grad(graph.get_gradient_edge(z), x, torch.from_numpy(Y))


def edge_of_a_later_output(torch, graph):
    (x,) = leaves(torch, X)
    _, second = (x * 3).unbind(1)
    edge = graph.get_gradient_edge(second)
    return torch.autograd.grad((second**2).sum(), edge)


def backward_from_an_edge(torch, graph):
    x, y = leaves(torch, X, Y)
    torch.autograd.backward(graph.get_gradient_edge(x * y), torch.from_numpy(Y))
    return x.grad, y.grad


def edge_of_a_constant(torch, graph):
    graph.get_gradient_edge(torch.ones(2))


EDGES = (edge_as_input, edge_of_a_leaf, edge_as_output, edge_of_a_later_output, backward_from_an_edge, edge_of_a_constant)


@pytest.mark.parametrize("case", EDGES, ids=lambda case: case.__name__)
def test_edges(case):
    both(case)


def several(mode, build, passes=1):
    def case(torch, graph):
        x, y = leaves(torch, X, Y)
        calls = []
        handle = graph.register_multi_grad_hook((x, y), calls.append, mode=mode)
        for _ in range(passes):
            build(torch, x, y).sum().backward()
        handle.remove()
        (x * y).sum().backward()
        flat = []
        for call in calls:
            flat.append("call")
            flat += [g if g is None else g.detach() for g in (call if isinstance(call, (list, tuple)) else [call])]
        return flat

    return case


def nested(torch, graph):
    """A pass inside a hook has an end of its own."""
    x, y = leaves(torch, X, Y)
    calls = []

    def inner(g):
        with torch.enable_grad():
            a = torch.ones(2, requires_grad=True)
            a.register_hook(lambda g: None)
            (a * 2).sum().backward()

    graph.register_multi_grad_hook((x, y), lambda gs: calls.append([g.clone() for g in gs]))
    y.register_hook(inner)
    (x * y).sum().backward()
    return [*calls[0], len(calls)]


SEVERAL = {
    "all": several("all", lambda torch, x, y: x * y),
    "all, two passes": several("all", lambda torch, x, y: x * y.exp(), passes=2),
    "all, one without a gradient": several("all", lambda torch, x, y: x * 3),
    "any, one of one": several("any", lambda torch, x, y: x * 3, passes=2),
    "another mode": several("some", lambda torch, x, y: x * y),
    "a constant": lambda torch, graph: graph.register_multi_grad_hook([torch.ones(2)], print),
    "a pass inside": nested,
}


@pytest.mark.parametrize("case", SEVERAL)
def test_hooks_on_several_gradients(case):
    both(SEVERAL[case])


def test_what_was_packed_is_let_go():
    graph(dynamic)
    kept = []
    x = dynamic.ones(4, requires_grad=True)
    with dynamic.autograd.graph.saved_tensors_hooks(lambda t: kept.append(t.clone()) or len(kept) - 1, lambda i: kept[i]):
        y = x.exp()
    record = y.grad_fn
    assert record.saved is None
    assert all(not isinstance(out, np.ndarray) for out in record.outs)
    y.sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), np.exp(np.ones(4)), rtol=1e-6)
