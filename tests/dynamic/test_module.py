"""``Module``, its parameters, buffers and states do what PyTorch's do."""

import copy
import gc
import pickle
import warnings
import weakref
from collections import OrderedDict

import numpy as np
import pytest

import dynamic
from dynamic.nn import Buffer, Linear, Module, Parameter
from tests.dynamic.layers import names, net, refused
from tests.dynamic.oracle import agree, normal, plain, pytorch


A = normal(2, 3)


def loaded(t, state, **settings):
    try:
        keys = net(t).load_state_dict(state, **settings)
    except RuntimeError as error:
        return str(error).partition("\n  at ")[0]
    return repr(keys)


WHAT = {
    "names of parameters": lambda t, x: names(net(t).named_parameters()),
    "names with a prefix": lambda t, x: names(net(t).named_parameters(prefix="net")),
    "own names only": lambda t, x: names(net(t).first.named_parameters(recurse=False)),
    "names of buffers": lambda t, x: names(net(t).named_buffers()),
    "names of modules": lambda t, x: names(net(t).named_modules()),
    "names of children": lambda t, x: names(net(t).named_children()),
    "parameters": lambda t, x: list(net(t).parameters()),
    "buffers": lambda t, x: list(net(t).buffers()),
    "numbers of modules": lambda t, x: [len(list(net(t).modules())), len(list(net(t).children()))],
    "text": lambda t, x: repr(net(t)),
    "text of a part": lambda t, x: str(net(t).first.map),
    "state": lambda t, x: [[key, value] for key, value in net(t).state_dict().items()],
    "state with a prefix": lambda t, x: list(net(t).state_dict(prefix="net.")),
    "state with a prefix by position": lambda t, x: list(net(t).state_dict(OrderedDict(), "net.", True)),
    "state that requires gradients": lambda t, x: [v.requires_grad for v in net(t).state_dict(keep_vars=True).values()],
    "state that requires none": lambda t, x: [v.requires_grad for v in net(t).state_dict().values()],
    "versions in a state": lambda t, x: [[k, v["version"]] for k, v in net(t).state_dict()._metadata.items()],
    "a state loaded": lambda t, x: loaded(t, net(t).state_dict()),
    "a state that lacks names": lambda t, x: loaded(t, {"first.scale": x[0]}),
    "a state that lacks names, not strict": lambda t, x: loaded(t, {"first.scale": x[0]}, strict=False),
    "a state of other sizes": lambda t, x: loaded(t, {**net(t).state_dict(), "first.scale": x}),
    "a state with more": lambda t, x: loaded(t, {**net(t).state_dict(), "first.more": x, "third.map.weight": x}),
    "a state of other things": lambda t, x: loaded(t, {**net(t).state_dict(), "first.scale": None}, strict=False)[:70],
    "a state that is none": lambda t, x: net(t).load_state_dict([1]),
    "apply": lambda t, x: (lambda seen: [net(t).apply(lambda m: seen.append(type(m).__name__)) and None, seen])([]),
    "train and eval": lambda t, x: [m.training for m in net(t).eval().modules()] + [net(t).eval().train().first.training],
    "train of a word": lambda t, x: net(t).train("yes"),
    "requires_grad_": lambda t, x: [p.requires_grad for p in net(t).requires_grad_(False).parameters()],
    "get_submodule": lambda t, x: [repr(net(t).get_submodule("first.map")), type(net(t).get_submodule("")).__name__],
    "get_submodule that is none": lambda t, x: refused(net(t).get_submodule, "first.other"),
    "get_submodule of a parameter": lambda t, x: refused(net(t).get_submodule, "first.scale"),
    "get_parameter": lambda t, x: net(t).get_parameter("first.map.bias"),
    "get_parameter that is a buffer": lambda t, x: refused(net(t).get_parameter, "first.shift"),
    "get_buffer": lambda t, x: net(t).get_buffer("second.shift"),
    "get_buffer that is a parameter": lambda t, x: refused(net(t).get_buffer, "second.scale"),
    "an attribute that is none": lambda t, x: refused(getattr, net(t), "thrid"),
    "a parameter by a name that is taken": lambda t, x: net(t).register_parameter("first", t.nn.Parameter(x.detach())),
    "a parameter by a name with a dot": lambda t, x: net(t).register_parameter("a.b", None),
    "a parameter by no name": lambda t, x: net(t).register_parameter("", None),
    "a parameter by a number": lambda t, x: net(t).register_parameter(3, None),
    "a parameter that is a tensor": lambda t, x: net(t).register_parameter("a", x),
    "a parameter set to a tensor": lambda t, x: setattr(net(t).first, "scale", x),
    "a parameter set to None": lambda t, x: (lambda m: [setattr(m, "scale", None), m.scale, names(m.named_parameters())])(
        net(t).first
    ),
    "a module set to a number": lambda t, x: setattr(net(t), "first", 3),
    "a module set to None": lambda t, x: (lambda m: [setattr(m, "first", None), names(m.named_modules())])(net(t)),
    "a buffer set to a number": lambda t, x: setattr(net(t).first, "shift", 3),
    "a buffer set to a tensor": lambda t, x: (lambda m: [setattr(m, "shift", x), m.shift, names(m.named_buffers())])(
        net(t).first
    ),
    "a buffer that is a number": lambda t, x: net(t).register_buffer("b", 3),
    "a buffer by a name that is taken": lambda t, x: net(t).register_buffer("first", x),
    "a module that is a tensor": lambda t, x: net(t).add_module("more", x),
    "a module by a name that is taken": lambda t, x: net(t).add_module("training", t.nn.Linear(1, 1)),
    "a module by a name with a dot": lambda t, x: net(t).add_module("a.b", t.nn.Linear(1, 1)),
    "a buffer that is a Buffer": lambda t, x: (
        lambda m: [
            setattr(m, "b", t.nn.Buffer(x.detach())),
            setattr(m, "c", t.nn.Buffer(x.detach(), persistent=False)),
            names(m.named_buffers()),
            list(m.state_dict()),
        ]
    )(net(t).first),
    "a tensor that becomes a parameter": lambda t, x: (
        lambda m: [setattr(m, "w", x), setattr(m, "w", t.nn.Parameter(x.detach())), names(m.named_parameters()), m.w]
    )(net(t).first),
    "a parameter that is deleted": lambda t, x: (
        lambda m: [delattr(m, "scale"), hasattr(m, "scale"), names(m.named_parameters())]
    )(net(t).first),
    "set_submodule": lambda t, x: (lambda m: [m.set_submodule("first.map", t.nn.Linear(3, 1)), repr(m)])(net(t)),
    "set_submodule of nothing": lambda t, x: net(t).set_submodule("", t.nn.Linear(3, 1)),
    "forward that is none": lambda t, x: t.nn.Module()(x),
    "dtypes": lambda t, x: [p.dtype == t.float32 for p in net(t).float().state_dict().values()],
    "half": lambda t, x: [p.dtype == t.float16 for p in net(t).half().state_dict().values()],
    "to a dtype": lambda t, x: [b.dtype == t.float32 for b in net(t).to(t.float32).buffers()],
    "to the dtype of a tensor": lambda t, x: [b.dtype == t.float32 for b in net(t).to(x.float()).buffers()],
    "to the processor": lambda t, x: [b.dtype == t.float64 for b in net(t).to("cpu").cpu().buffers()],
    "to an integer dtype": lambda t, x: net(t).to(t.int64),
    "integers stay": lambda t, x: (lambda m: [m.register_buffer("n", t.arange(3)), m.to(t.float32).n, m.double().n])(net(t)),
    "type": lambda t, x: [p.type() for p in net(t).type(t.float32).parameters()],
    "shared parameters once": lambda t, x: (lambda m: [setattr(m, "again", m.first), names(m.named_parameters())])(net(t)),
    "shared parameters twice": lambda t, x: (
        lambda m: [setattr(m, "again", m.first), names(m.named_parameters(remove_duplicate=False))]
    )(net(t)),
    "gradients forgotten": lambda t, x: (lambda m: [m(x).sum().backward(), m.zero_grad(), m.first.scale.grad])(net(t)),
    "gradients of zeros": lambda t, x: (
        lambda m: [m(x).sum().backward(), m.zero_grad(set_to_none=False), m.first.scale.grad]
    )(net(t)),
    "gradients cast": lambda t, x: (lambda m: [m(x).sum().backward(), m.float().first.scale.grad])(net(t)),
}


@pytest.mark.oracle
@pytest.mark.parametrize("name", WHAT)
def test_module(name):
    agree(WHAT[name], A, orders=0)


# Parameters


@pytest.mark.oracle
@pytest.mark.parametrize(
    "build",
    [
        lambda t, x: repr(t.nn.Parameter(x.detach())),
        lambda t, x: [t.nn.Parameter(x.detach()).requires_grad, t.nn.Parameter(x.detach(), False).requires_grad],
        lambda t, x: [
            isinstance(t.nn.Parameter(x), t.Tensor),
            isinstance(x, t.nn.Parameter),
            type(t.nn.Parameter(x) * 2).__name__,
        ],
        lambda t, x: t.nn.Parameter().shape,
        lambda t, x: t.nn.Parameter(t.arange(3)),
        lambda t, x: t.nn.Parameter(t.arange(3), requires_grad=False),
        lambda t, x: t.nn.Parameter(x.detach(), requires_grad=True).is_leaf,
    ],
)
def test_parameter(build):
    agree(build, A, orders=0)


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda p: pickle.loads(pickle.dumps(p))], ids=["copied", "pickled"])
@pytest.mark.parametrize("requires_grad", [True, False])
def test_copies_of_parameters(copied, requires_grad):
    parameter = Parameter(dynamic.ones(2), requires_grad)
    parameter.note = "kept"
    again = copied(parameter)
    assert (type(again), again.requires_grad, again.note, plain(again).tolist()) == (
        Parameter,
        requires_grad,
        "kept",
        [1, 1],
    )
    again.data.add_(1)
    assert plain(parameter).tolist() == [1, 1]


def test_a_parameter_shares_its_tensors_memory():
    x = dynamic.zeros(2)
    Parameter(x).data.add_(1)
    assert plain(x).tolist() == [1, 1]


def test_copies_of_modules():
    module = net(dynamic)
    module.first.register_forward_hook(lambda *_: None)
    again = copy.deepcopy(module)
    assert names(again.named_parameters()) == names(module.named_parameters())
    assert all(p is not q for p, q in zip(module.parameters(), again.parameters(), strict=True))
    with dynamic.no_grad():
        again.first.scale.zero_()
    assert plain(module.first.scale).tolist() == [2, 2, 2]


def test_a_shared_parameter_stays_shared_in_a_copy():
    module = Linear(2, 2)
    module.twin = module.weight
    again = copy.deepcopy(module)
    assert again.twin is again.weight


@pytest.mark.parametrize("module", [Linear(2, 3), dynamic.nn.Sequential(dynamic.nn.ReLU(), dynamic.nn.BatchNorm1d(2))])
def test_pickled_modules(module):
    again = pickle.loads(pickle.dumps(module))
    assert repr(again) == repr(module)
    for (name, x), (other, y) in zip(module.state_dict().items(), again.state_dict().items(), strict=True):
        assert name == other
        np.testing.assert_array_equal(plain(x), plain(y))


def test_an_old_pickle_gets_the_hooks_it_lacks():
    module = Linear(2, 2)
    state = {name: value for name, value in vars(module).items() if not name.endswith("_hooks")}
    old = Linear.__new__(Linear)
    old.__setstate__(state)
    assert old(dynamic.ones(1, 2)).shape == (1, 2)


def test_a_module_is_freed_with_its_last_reference():
    gc.disable()
    try:
        module = Linear(2, 2)
        gone = weakref.ref(module)
        module(dynamic.ones(1, 2)).sum().backward()
        del module
        assert gone() is None
    finally:
        gc.enable()


def test_a_missing_attribute_names_the_nearest():
    with pytest.raises(AttributeError, match="there is bias"):
        Linear(1, 1).bais  # noqa: B018


def test_an_error_of_a_missing_attribute_is_pickled_with_its_hint():
    with pytest.raises(AttributeError) as error:
        Linear(1, 1).bais  # noqa: B018
    again = pickle.loads(pickle.dumps(error.value))
    assert (type(again), str(again)) == (AttributeError, str(error.value))


def test_dir_names_what_is_registered():
    assert {"weight", "bias", "forward", "in_features"} <= set(dir(Linear(1, 1)))
    assert "0" not in dir(dynamic.nn.Sequential(Linear(1, 1)))


def test_parameters_before_init():
    class Early(Module):
        def __init__(self):
            self.weight = Parameter(dynamic.ones(1))

    with pytest.raises(AttributeError, match="before Module"):
        Early()


def test_a_buffer_is_a_tensor():
    buffer = Buffer(dynamic.ones(2))
    assert isinstance(buffer, dynamic.Tensor)
    assert not buffer.requires_grad
    assert repr(buffer) == "tensor([1., 1.])"


def test_handles_in_a_block():
    module, log = Linear(1, 1), []
    with module.register_forward_hook(lambda *_: log.append(1)):
        module(dynamic.ones(1))
    module(dynamic.ones(1))
    assert log == [1]


@pytest.mark.oracle
def test_public_methods_of_a_module_are_there():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = {name for name in dir(pytorch().nn.Module()) if not name.startswith("_")}
    assert theirs - set(dir(Module())) == {"T_destination", "call_super_init", "ipu", "mtia", "xpu"}
