"""``save`` and ``load``: what comes back, memory that stays shared, damage that is told, nothing that is executed."""

import io
import json
import math
import os
import pickle
from collections import OrderedDict

import numpy as np
import pytest

import dynamic
from dynamic.nn import Module, Parameter
from tests.dynamic.oracle import normal


A = normal(3, 4)


def again(thing, tmp_path):
    dynamic.save(thing, tmp_path / "file.pt")
    return dynamic.load(tmp_path / "file.pt")


def same(x, y):
    assert type(x) is type(y)
    if isinstance(x, dynamic.Tensor):
        assert (x.dtype, x.shape, x.requires_grad, x.stride()) == (y.dtype, y.shape, y.requires_grad, y.stride())
        np.testing.assert_array_equal(x.detach().numpy(), y.detach().numpy())
    elif isinstance(x, dict):
        assert list(x) == list(y)
        for key in x:
            same(x[key], y[key])
    elif isinstance(x, (list, tuple)):
        assert len(x) == len(y)
        for one, other in zip(x, y, strict=True):
            same(one, other)
    elif isinstance(x, np.ndarray):
        assert x.dtype == y.dtype
        np.testing.assert_array_equal(x, y)
    else:
        assert x == y or (x != x and y != y)


THINGS = {
    **{kind: dynamic.zeros(2, 3, dtype=kind) + 1 for kind in ("float64", "float32", "float16", "int64", "int8", "uint8")},
    "bools": dynamic.tensor([True, False]),
    "complex64": dynamic.tensor([1 + 2j, 3j]),
    "complex128": dynamic.tensor([1 + 2j], dtype=dynamic.complex128),
    "a number": dynamic.tensor(3.5),
    "nothing": dynamic.zeros(0, 3),
    "a transpose": dynamic.from_numpy(A.copy()).t(),
    "part of a matrix": dynamic.from_numpy(A.copy())[1:, :3].contiguous(),
    "an expanded row": dynamic.from_numpy(A.copy())[0].expand(2, 4).contiguous(),
    "a leaf": dynamic.ones(2, requires_grad=True),
    "NaN and infinity": dynamic.tensor([math.nan, math.inf, -0.0]),
    "a dict": {"a": 1, "b": dynamic.ones(2), 3: "x", (1, 2): None},
    "an OrderedDict": OrderedDict(w=dynamic.ones(2), b=dynamic.zeros(1)),
    "lists": [1, [2.5, [None, True]], "text", ()],
    "tuples": (1, (2, dynamic.ones(1))),
    "numbers": [1, -(2**70), 1.5, math.inf, math.nan, True, None, 1e-300],
    "complex numbers": [1 + 2j, 0j],
    "text": ["", "ä€😀", "a\nb\0c"],
    "bytes": [b"", b"\0\xff"],
    "sets": [{1, 2}, frozenset(["a"])],
    "arrays": [np.arange(3), np.ones((2, 2), "f4"), np.zeros(0)],
    "numpy's numbers": [np.float32(1.5), np.int64(3)],
    "a Size": dynamic.Size([2, 3]),
    "dtypes": [dynamic.float32, dynamic.int64, dynamic.bool],
    "devices": [dynamic.device("cpu"), dynamic.device("cuda", 1)],
    "words": [dynamic.strided, dynamic.channels_last],
    "a slice": slice(1, None, 2),
    "an empty dict": {},
    "a state of random numbers": dynamic.get_rng_state(),
}


@pytest.mark.parametrize("name", THINGS)
def test_what_comes_back(name, tmp_path):
    same(again(THINGS[name], tmp_path), THINGS[name])


def test_file_objects_and_several_in_one(tmp_path):
    buffer = io.BytesIO()
    for i in range(3):
        dynamic.save({"i": i, "x": dynamic.full((i,), i)}, buffer)
    buffer.seek(0)
    for i in range(3):
        assert dynamic.load(buffer)["i"] == i
    with open(tmp_path / "file", "wb") as file:
        dynamic.save([1], file)
    with open(tmp_path / "file", "rb") as file:
        assert dynamic.load(file) == [1]


class Dribble:
    """A stream that nobody can say the length of, and that gives a few bytes at a time."""

    def __init__(self, data):
        self._file = io.BytesIO(data)

    def read(self, count):
        return self._file.read(min(count, 5))


def test_streams_that_give_a_few_bytes_at_a_time():
    state = {name: dynamic.from_numpy(normal(3, 4) + i) for i, name in enumerate("abc")}
    out = io.BytesIO()
    dynamic.save(state, out)
    found = dynamic.load(Dribble(out.getvalue()))
    assert all(dynamic.equal(found[name], state[name]) for name in state)
    with pytest.raises(dynamic.serialization.LoadError, match="cut short"):
        dynamic.load(Dribble(out.getvalue()[:-1]))


def test_shared_memory_stays_shared(tmp_path):
    x = dynamic.arange(12.0)
    found = again(
        {"x": x, "view": x.view(3, 4).t(), "part": x[2:5], "again": x},
        tmp_path,
    )
    assert found["x"] is found["again"]
    found["x"] += 100
    assert found["view"][0, 1].item() == 104
    found["part"].zero_()
    assert found["x"][2:5].tolist() == [0, 0, 0]
    assert found["x"].untyped_storage().data_ptr() == found["view"].untyped_storage().data_ptr()


def test_a_small_view_of_much_takes_little(tmp_path):
    dynamic.save(dynamic.zeros(100_000)[:3], tmp_path / "file")
    assert os.path.getsize(tmp_path / "file") < 2000


def test_tensors_that_lie_apart_stay_apart(tmp_path):
    x, y = again([dynamic.zeros(3), dynamic.zeros(3)], tmp_path)
    x += 1
    assert y.tolist() == [0, 0, 0]


def test_things_that_contain_themselves(tmp_path):
    row = [1]
    row.append(row)
    found = again(row, tmp_path)
    assert found[1] is found


def test_attributes_and_subclasses_of_tensors_are_kept(tmp_path):
    x = dynamic.ones(2)
    x.note = "mine"
    p = Parameter(dynamic.zeros(3), requires_grad=False)
    x, p = again([x, p], tmp_path)
    assert x.note == "mine"
    assert type(p) is Parameter
    assert not p.requires_grad


class Net(Module):
    def __init__(self):
        super().__init__()
        self.w = Parameter(dynamic.ones(2, 2))
        self.register_buffer("count", dynamic.zeros(1))
        self.inner = None
        self.rate = 0.5

    def forward(self, x):
        return x @ self.w * self.rate


def test_modules_are_made_again_of_classes_that_are_there(tmp_path):
    net = Net()
    net.inner = Net()
    net.eval()
    found = again(net, tmp_path)
    assert type(found) is Net
    assert not found.training
    assert list(found.state_dict()) == ["w", "count", "inner.w", "inner.count"]
    assert found(dynamic.ones(1, 2)).tolist() == [[1.0, 1.0]]
    assert found.w.requires_grad
    with pytest.raises(RuntimeError, match="weights_only"):
        dynamic.load(tmp_path / "file.pt", weights_only=True)


FUNCTIONS = {
    name: getattr(home, name)
    for home, names in {
        dynamic: ["sum", "tanh", "relu", "softmax", "add", "ones", "rand", "matmul", "einsum", "lerp", "conv2d"],
        dynamic.nn.functional: ["gelu", "relu", "mse_loss", "silu"],
        dynamic.linalg: ["norm", "inv"],
        dynamic.special: ["digamma", "legendre_polynomial_p"],
    }.items()
    for name in names
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_of_ours_are_kept_by_name(name, tmp_path):
    function = FUNCTIONS[name]
    net = Net()
    net.act = function
    assert again(net, tmp_path).act is function
    assert pickle.loads(pickle.dumps(function)) is function


def test_state_dicts_of_modules_and_optimizers(tmp_path):
    net = Net()
    optimizer = dynamic.optim.Adam(net.parameters())
    net(dynamic.ones(1, 2)).sum().backward()
    optimizer.step()
    found = again({"net": net.state_dict(), "optimizer": optimizer.state_dict(), "epoch": 3}, tmp_path)
    other = Net()
    other.load_state_dict(found["net"])
    same(other.w.detach(), net.w.detach())
    fresh = dynamic.optim.Adam(other.parameters())
    fresh.load_state_dict(found["optimizer"])
    for each, o in ((net, optimizer), (other, fresh)):
        o.zero_grad()
        each(dynamic.ones(1, 2)).sum().backward()
        o.step()
    same(other.w.detach(), net.w.detach())


def test_random_numbers_go_on_where_they_stood(tmp_path):
    g = dynamic.Generator().manual_seed(5)
    dynamic.rand(3, generator=g)
    found = again(g, tmp_path)
    assert dynamic.rand(3, generator=found).tolist() == dynamic.rand(3, generator=g).tolist()


@pytest.mark.parametrize("location", ["cpu", dynamic.device("cpu"), {"cpu": "cpu"}, {}, lambda storage, place: storage])
def test_map_location(location, tmp_path):
    dynamic.save(dynamic.ones(2), tmp_path / "file")
    assert dynamic.load(tmp_path / "file", map_location=location).tolist() == [1.0, 1.0]


def test_a_map_to_a_gpu_that_is_not_there_says_so(tmp_path):
    dynamic.save(dynamic.ones(2), tmp_path / "file")
    with pytest.raises(RuntimeError, match="cupy"):
        dynamic.load(tmp_path / "file", map_location="cuda:0")


UNSAVED = {
    "a function": lambda x: x,
    "an object": object(),
    "a class": Net,
    "a generator": (x for x in ()),
    "a result": dynamic.ones(2, requires_grad=True) * 2,
    "words of numpy": np.array(["a"]),
}


@pytest.mark.parametrize("name", UNSAVED)
def test_what_cannot_be_described_is_named(name, tmp_path):
    with pytest.raises((TypeError, RuntimeError), match=r"settings\.a\[1\]"):
        dynamic.save({"settings": {"a": [0, UNSAVED[name]]}}, tmp_path / "file")
    assert not (tmp_path / "file").exists()


def test_a_class_that_load_cannot_find_is_not_saved(tmp_path):
    class Local(Module):
        pass

    unnamed = type("<lambda>", (Module,), {"__qualname__": "<lambda>"})
    for made in (Local(), unnamed()):
        with pytest.raises(
            TypeError, match=r"net: .*(Local|<lambda>) is defined inside a function, where load cannot find it"
        ):
            dynamic.save({"net": made}, tmp_path / "file")


def test_a_failed_save_leaves_the_old_file(tmp_path):
    dynamic.save([1], tmp_path / "file")
    with pytest.raises(TypeError):
        dynamic.save([object()], tmp_path / "file")
    assert dynamic.load(tmp_path / "file") == [1]
    assert sorted(os.listdir(tmp_path)) == ["file"]


# Damage


@pytest.fixture
def saved(tmp_path):
    dynamic.save({"weights": dynamic.arange(6.0), "more": [dynamic.ones(3, dtype=dynamic.int64)]}, tmp_path / "model.pt")
    return tmp_path / "model.pt"


def test_a_changed_tensor_is_named(saved):
    data = saved.read_bytes()
    saved.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    with pytest.raises(RuntimeError, match=r"model\.pt.*more\[0\]"):
        dynamic.load(saved)


def test_no_file():
    with pytest.raises(FileNotFoundError):
        dynamic.load("nowhere/to/be/found")


def test_pickles_are_not_read(tmp_path):
    marker = tmp_path / "executed"

    class Evil:
        def __reduce__(self):
            return os.mkdir, (str(marker),)

    (tmp_path / "file").write_bytes(pickle.dumps(Evil()))
    with pytest.raises(RuntimeError, match="pickle"):
        dynamic.load(tmp_path / "file")
    assert not marker.exists()


FORGED = {
    "a class of no modules": {"is": "module", "home": "os", "path": "environ", "items": []},
    "a class that is not imported": {"is": "module", "home": "antigravity", "path": "Net", "items": []},
    "a function of others": {"is": "function", "home": "os", "path": "system"},
    "a class of no tensors": {
        "is": "tensor",
        "name": "x",
        "device": "cpu",
        "dtype": "float32",
        "shape": [0],
        "memory": 0,
        "offset": 0,
        "strides": [4],
        "requires_grad": False,
        "class": {"home": "subprocess", "path": "Popen"},
    },
    "what is beyond its memory": {
        "is": "array",
        "dtype": "float32",
        "shape": [9],
        "memory": 0,
        "offset": 0,
        "strides": [4],
    },
    "an unknown kind": {"is": "nonsense"},
    "itself": {"is": "tuple", "items": [[0]]},
}


@pytest.mark.parametrize("name", FORGED)
def test_forged_files_make_nothing(name, tmp_path):
    import sys

    from graphs.core.jsontext import digest
    from graphs.core.tensorfile import packed

    stored = {"memory.0": np.zeros(4, np.uint8)}
    about = {"format": "diptych save", "version": 1, "root": [0], "objects": [FORGED[name]]}
    about["digests"] = {each: digest(array) for each, array in stored.items()}
    text = json.dumps(about)
    (tmp_path / "file").write_bytes(packed(stored, {"diptych": text, "digest": digest(text.encode())}))
    with pytest.raises(RuntimeError):
        dynamic.load(tmp_path / "file")
    assert "antigravity" not in sys.modules


def test_a_newer_version_is_refused(tmp_path):
    from graphs.core.jsontext import digest
    from graphs.core.tensorfile import packed

    text = json.dumps({"format": "diptych save", "version": 99})
    (tmp_path / "file").write_bytes(packed({}, {"diptych": text, "digest": digest(text.encode())}))
    with pytest.raises(RuntimeError, match="99"):
        dynamic.load(tmp_path / "file")


def test_other_readers_of_safetensors_find_the_memory(saved):
    from safetensors.numpy import load_file

    assert any(array.view("f4").tolist() == [0, 1, 2, 3, 4, 5] for array in load_file(saved).values() if array.size == 24)
