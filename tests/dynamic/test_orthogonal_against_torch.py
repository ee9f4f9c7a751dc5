"""Orthogonal weights, against PyTorch's."""

import importlib

import numpy as np
import pytest

import dynamic
from tests.dynamic.oracle import normal, plain, pytorch


pytestmark = pytest.mark.oracle


def orthogonal(torch):
    return importlib.import_module(f"{torch.__name__}.nn.utils.parametrizations").orthogonal


def made(torch, shape, name, trivial):
    layer = torch.nn.Linear(*shape).double()
    for i, p in enumerate(layer.parameters()):
        p.data.copy_(torch.from_numpy(normal(*p.shape, seed=i)))
    return orthogonal(torch)(layer, orthogonal_map=name, use_trivialization=trivial)


MAPS = [None, "matrix_exp", "cayley", "householder"]
SHAPES = [(4, 4), (5, 3), (3, 5)]


@pytest.mark.parametrize("trivial", [True, False], ids=["from the value", "as it is"])
@pytest.mark.parametrize("name", MAPS)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_training(shape, name, trivial):
    torch = pytorch()
    theirs, layer = made(torch, shape, name, trivial), made(dynamic, shape, name, trivial)
    assert repr(layer) == repr(theirs)
    state = theirs.state_dict()
    assert {k: tuple(v.shape) for k, v in layer.state_dict().items()} == {k: tuple(v.shape) for k, v in state.items()}
    layer.load_state_dict({k: dynamic.from_numpy(v.numpy().copy()) for k, v in state.items()})
    for library, each in ((torch, theirs), (dynamic, layer)):
        optimizer = library.optim.SGD(each.parameters(), lr=0.05)
        for step in range(3):
            optimizer.zero_grad()
            each(library.from_numpy(normal(6, shape[0], seed=step))).pow(3).sum().backward()
            optimizer.step()
    for ours, other in ((layer.weight, theirs.weight), *zip(layer.parameters(), theirs.parameters(), strict=True)):
        np.testing.assert_allclose(plain(ours), plain(other), rtol=1e-7, atol=1e-9)
    w = plain(layer.weight)
    gram = w @ w.T if w.shape[0] <= w.shape[1] else w.T @ w
    np.testing.assert_allclose(gram, np.eye(min(w.shape)), atol=1e-10)


@pytest.mark.parametrize("name", MAPS)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_it_begins_at_the_value_made_orthogonal(shape, name):
    wanted, found = (plain(made(torch, shape, name, True).weight) for torch in (pytorch(), dynamic))
    np.testing.assert_allclose(found, wanted, atol=1e-10)


@pytest.mark.parametrize("name", ["matrix_exp", "cayley", "householder"])
@pytest.mark.parametrize("trivial", [True, False])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_assigning(shape, trivial, name):
    side = max(shape)
    q = np.linalg.qr(normal(side, side))[0][: shape[1], : shape[0]]
    refused = []
    for torch in (pytorch(), dynamic):
        layer = made(torch, shape, name, trivial)
        try:
            layer.weight = torch.from_numpy(q)
        except NotImplementedError:
            refused.append(torch)
            continue
        np.testing.assert_allclose(plain(layer.weight), q, atol=1e-10)
    assert len(refused) in (0, 2)


WRONG = {
    "another map": lambda torch, orthogonal: orthogonal(torch.nn.Linear(3, 3), orthogonal_map="nothing"),
    "a vector": lambda torch, orthogonal: orthogonal(torch.nn.BatchNorm1d(3)),
    "another name": lambda torch, orthogonal: orthogonal(torch.nn.Linear(3, 3), "nothing"),
    "another shape": lambda torch, orthogonal: setattr(orthogonal(torch.nn.Linear(3, 3)), "weight", torch.eye(2)),
}


@pytest.mark.parametrize("case", WRONG)
def test_errors(case):
    with pytest.raises(Exception) as error:  # noqa: PT011
        WRONG[case](pytorch(), orthogonal(pytorch()))
    with pytest.raises(type(error.value)):
        WRONG[case](dynamic, orthogonal(dynamic))
