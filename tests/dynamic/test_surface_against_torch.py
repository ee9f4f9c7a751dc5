"""What people see: printed tensors, names of backward functions, errors, ``data[0]``, what an import loads."""

import copy
import pickle
import subprocess
import sys

import numpy as np
import pytest

import dynamic
from tests.dynamic.oracle import normal, pytorch


A = normal(3, 4)

PRINTED = {
    "floats": A.astype("float32"),
    "doubles": A,
    "whole": np.array([1.0, 2.0, -3.0], "float32"),
    "a scalar": np.array(3.5, "float32"),
    "a whole scalar": np.array(-2.0, "float32"),
    "large": np.array([12345.678, 0.5], "float32"),
    "very large": np.array([1.5e9, 2.0], "float32"),
    "very large and whole": np.array([1e9, 2.0], "float32"),
    "small": np.array([1e-5, 2.0], "float32"),
    "all small": np.array([1e-6, 2e-6], "float32"),
    "wide": np.array([1e-3, 1e3], "float32"),
    "a wide scalar": np.array(1e-7, "float32"),
    "thousands, whole": np.array([1.0, 20000.0], "float32"),
    "zeros": np.zeros((2, 2), "float32"),
    "specials": np.array([np.nan, np.inf, -np.inf, 1.5], "float32"),
    "whole with specials": np.array([np.nan, np.inf, 2.0], "float32"),
    "only NaN": np.array([np.nan, np.nan], "float32"),
    "negative zero": np.array([-0.0, 1.5], "float32"),
    "ints": np.array([[1, -20], [300, 4]]),
    "int32": np.array([1, 2], "int32"),
    "bytes": np.array([1, 255], "uint8"),
    "bools": np.array([[True, False], [True, True]]),
    "all true": np.array([True, True]),
    "a bool": np.array(True),
    "an int": np.array(7),
    "half": np.array([1.5, 2.25], "float16"),
    "empty": np.zeros((0,), "float32"),
    "empty matrix": np.zeros((0, 3), "float32"),
    "empty ints": np.zeros((2, 0), "int64"),
    "empty doubles": np.zeros((0,), "float64"),
    "a long row": normal(30).astype("float32"),
    "a long row of ints": np.arange(100),
    "a cube": normal(2, 3, 4).astype("float32"),
    "four dimensions": normal(2, 1, 2, 2).astype("float32"),
    "more than a thousand": np.arange(1500),
    "more than a thousand floats": normal(40, 40).astype("float32"),
    "many rows": normal(300, 4).astype("float32"),
    "many columns": normal(3, 500).astype("float32"),
    "many small cubes": normal(300, 2, 3).astype("float32"),
    "a thousand": np.arange(1000),
    "a vector of one": np.array([5.0], "float32"),
}


@pytest.mark.oracle
@pytest.mark.parametrize("name", PRINTED)
def test_printing(name):
    torch = pytorch()
    array = PRINTED[name]
    assert repr(dynamic.from_numpy(array.copy())) == repr(torch.from_numpy(array.copy()))
    if array.dtype.kind == "f":
        texts = [repr(t.from_numpy(array.copy()).requires_grad_()) for t in (dynamic, torch)]
        assert texts[0] == texts[1]


SEEN = {
    "a result": lambda t, x: x + 1,
    "a matrix product": lambda t, x: x @ x.t(),
    "a long row with a name": lambda t, x: (x.reshape(-1) * 1.5).repeat(2),
    "a scalar": lambda t, x: x.sum(),
    "a size": lambda t, x: x.shape,
    "a size of nothing": lambda t, x: x.sum().shape,
    "a dtype": lambda t, x: [x.dtype, t.int64, t.bool, t.float],
    "a detached one": lambda t, x: x.detach(),
    "of a list": lambda t, x: [x[0], x[1]],
    "named results": lambda t, x: [x.detach().max(1), x.detach().min(0), x.detach().sort(), x.detach().topk(2)],
}


@pytest.mark.oracle
@pytest.mark.parametrize("name", SEEN)
def test_printing_of_results(name):
    texts = [repr(SEEN[name](t, t.from_numpy(A.astype("float32")).requires_grad_())) for t in (dynamic, pytorch())]
    assert texts[0] == texts[1]


NAMED = {
    "add": lambda t, x: x + 1,
    "sub": lambda t, x: x - x,
    "mul": lambda t, x: x * 2,
    "div": lambda t, x: x / 2,
    "neg": lambda t, x: -x,
    "pow": lambda t, x: x**2,
    "pow of tensors": lambda t, x: x**x,
    "mm": lambda t, x: x.mm(x.t()),
    "@": lambda t, x: x @ x.t(),
    "sum": lambda t, x: x.sum(),
    "mean": lambda t, x: x.mean(),
    "exp": lambda t, x: x.exp(),
    "log": lambda t, x: x.log(),
    "sqrt": lambda t, x: x.sqrt(),
    "tanh": lambda t, x: x.tanh(),
    "sigmoid": lambda t, x: x.sigmoid(),
    "relu": lambda t, x: x.relu(),
    "clamp": lambda t, x: x.clamp(0, 1),
    "clamp on one side": lambda t, x: x.clamp(min=0),
    "abs": lambda t, x: x.abs(),
    "t": lambda t, x: x.t(),
    "transpose": lambda t, x: x.transpose(0, 1),
    "permute": lambda t, x: x.permute(1, 0),
    "view": lambda t, x: x.view(-1),
    "unsqueeze": lambda t, x: x.unsqueeze(0),
    "squeeze": lambda t, x: x.squeeze(),
    "expand": lambda t, x: x.expand(2, 3, 4),
    "repeat": lambda t, x: x.repeat(2, 1),
    "cat": lambda t, x: t.cat([x, x]),
    "stack": lambda t, x: t.stack([x, x]),
    "split": lambda t, x: x.split(2)[0],
    "clone": lambda t, x: x.clone(),
    "slice": lambda t, x: x[1:],
    "select": lambda t, x: x[1],
    "select a column": lambda t, x: x[:, 1],
    "a new dimension": lambda t, x: x[..., None],
    "mv": lambda t, x: x.mv(x[0]),
    "index": lambda t, x: x[[0, 1]],
    "gather": lambda t, x: x.gather(0, t.tensor([[0, 1, 2, 0]])),
    "max": lambda t, x: x.max(),
    "softmax": lambda t, x: x.softmax(1),
    "log_softmax": lambda t, x: x.log_softmax(1),
    "float": lambda t, x: x.float(),
    "where": lambda t, x: t.where(x > 0, x, x),
    "norm": lambda t, x: x.norm(),
    "prod": lambda t, x: x.prod(),
    "var": lambda t, x: x.var(),
    "std": lambda t, x: x.std(),
    "cumsum": lambda t, x: x.cumsum(0),
    "sort": lambda t, x: x.sort().values,
    "topk": lambda t, x: x.topk(2).values,
    "maximum": lambda t, x: t.maximum(x, x),
    "dot": lambda t, x: x[0].dot(x[1]),
    "bmm": lambda t, x: x[None].bmm(x.t()[None]),
    "flip": lambda t, x: x.flip(0),
    "atan2": lambda t, x: t.atan2(x, x),
    "logsumexp": lambda t, x: x.logsumexp(1),
    "silu": lambda t, x: t.nn.functional.silu(x),
    "leaky_relu": lambda t, x: t.nn.functional.leaky_relu(x),
    "softplus": lambda t, x: t.nn.functional.softplus(x),
}


@pytest.mark.oracle
@pytest.mark.parametrize("name", NAMED)
def test_names_of_backward_functions(name):
    names = []
    for torch in (dynamic, pytorch()):
        y = NAMED[name](torch, torch.from_numpy(np.abs(A)).requires_grad_())
        label = getattr(y.grad_fn, "label", None) or type(y.grad_fn).__name__
        assert f"<{label} object at 0x" in repr(y.grad_fn)
        names.append(label.rstrip("0123456789"))
    assert names[0] == names[1]


def test_next_functions_lead_back_to_the_leaves():
    x, y = dynamic.ones(2, requires_grad=True), dynamic.ones(2)
    z = (x * y + x).sum()
    add = z.grad_fn.next_functions[0][0]
    (multiply, first), (accumulate, second) = add.next_functions
    assert [z.grad_fn.label, add.label, multiply.label] == ["SumBackward0", "AddBackward0", "MulBackward0"]
    assert multiply.next_functions == ((accumulate, 0), (None, 0))
    assert (accumulate.label, first, second) == ("AccumulateGrad", 0, 0)
    assert accumulate.variable is x
    assert x.grad_fn is None
    _, last = dynamic.ones(4, requires_grad=True).split(2)
    assert last.exp().grad_fn.next_functions[0][1] == 1


# data[0] on a scalar, as in 2017


def test_data_0_of_a_scalar_is_a_number():
    x = dynamic.ones(2, requires_grad=True)
    loss = (x * 3).sum()
    with pytest.warns(DeprecationWarning, match=r"item\(\)"):
        number = loss.data[0]
    assert (type(number), number, loss.item()) == (float, 6.0, 6.0)
    with pytest.warns(DeprecationWarning, match=r"item\(\)"):
        assert type(dynamic.tensor(3)[0]) is int


@pytest.mark.parametrize("index", [1, -1, (0, 0), slice(None)])
def test_other_indices_of_a_scalar_are_errors(index):
    with pytest.raises(IndexError):
        dynamic.tensor(3.0)[index]


def test_leaves_are_copied_and_pickled():
    x = dynamic.tensor([1.0, 2.0], requires_grad=True)
    for again in (copy.deepcopy(x), pickle.loads(pickle.dumps(x)), copy.deepcopy([x, x])[1]):
        assert (again.tolist(), again.requires_grad, again.is_leaf) == ([1.0, 2.0], True, True)
        assert again.data_ptr() != x.data_ptr()
    assert pickle.loads(pickle.dumps(dynamic.int64)) is dynamic.int64


# Errors


WRONG = {
    "a number's relu": lambda t: t.relu(3.0),
    "a number's sum": lambda t: t.sum(3.0),
    "an array's exp": lambda t: t.exp(np.ones(2)),
    "a copy of what is no leaf": lambda t: copy.deepcopy(t.ones(2, requires_grad=True) * 2),
    "no such attribute": lambda t: t.zeros(2).frobnicate(),
    "a string added": lambda t: t.zeros(2) + "a",
    "None added": lambda t: t.zeros(2) + None,
    "a list added": lambda t: t.zeros(2) + [1, 2],  # noqa: RUF005
    "a string compared": lambda t: t.zeros(2) < "a",
    "cat of a tensor": lambda t: t.cat(t.zeros(2)),
    "cat of numbers": lambda t: t.cat([1, 2]),
    "mm with a number": lambda t: t.zeros(2, 2).mm(2),
    "view without a size": lambda t: t.zeros(2).view(3),
    "two unknown sizes": lambda t: t.zeros(4).view(-1, -1),
    "an unknown reduction": lambda t: t.zeros(2).sum("a"),
    "an unknown argument": lambda t: t.zeros(2).sum(axes=0),
    "a missing argument": lambda t: t.zeros(2).gather(0),
    "topk of too many": lambda t: t.zeros(2).topk(3),
    "a repeat of too few": lambda t: t.zeros(2, 2).repeat(2),
    "a chunk of none": lambda t: t.zeros(2).chunk(0),
    "a squeeze beyond": lambda t: t.zeros(2, 1).squeeze(2),
    "a transpose beyond": lambda t: t.zeros(2, 1).transpose(0, 2),
    "a stack of none": lambda t: t.stack([]),
    "a softmax beyond": lambda t: t.zeros(2, 2).softmax(2),
    "items of a dtype": lambda t: t.zeros(2, dtype="nonsense"),
    "ints by an exponent below 0": lambda t: t.ones(2, dtype=t.int64) ** -1,
    "not of floats": lambda t: ~t.zeros(2),
    "copy of a larger one": lambda t: t.zeros(2).copy_(t.zeros(3)),
    "values where no mask is": lambda t: t.zeros(2).masked_select(t.zeros(3) > 0),
    "einsum of other sizes": lambda t: t.einsum("ij,jk->ik", t.zeros(2, 3), t.zeros(2, 3)),
    "einsum of too few": lambda t: t.einsum("ij,jk->ik", t.zeros(2, 3)),
}


@pytest.mark.oracle
@pytest.mark.parametrize("name", WRONG)
def test_errors(name):
    torch = pytorch()
    with pytest.raises(Exception) as wanted:  # noqa: PT011 (PyTorch says which)
        WRONG[name](torch)
    with pytest.raises(wanted.type):
        WRONG[name](dynamic)


def test_errors_name_the_op_the_shapes_and_the_line():
    x = dynamic.ones(2, 3)
    with pytest.raises(RuntimeError, match=r"(?s)add.*\(2, 3\).*\(4,\).*test_surface.*the line of the sum"):
        x + dynamic.ones(4)  # the line of the sum


def test_a_name_that_is_not_there_gets_a_hint():
    with pytest.raises(AttributeError, match="sigmoid"):
        dynamic.sigmoyd  # noqa: B018


# What is loaded


def test_an_import_loads_neither_the_other_mode_nor_what_is_optional():
    heavy = {"static", "networkx", "graphviz", "pygraphviz", "numba", "cupy", "PIL", "rich", "typer"}
    code = f"import dynamic, sys; print(sorted({heavy!r} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
