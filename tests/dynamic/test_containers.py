"""Containers of modules and of parameters do what PyTorch's do."""

from collections import OrderedDict

import pytest

import dynamic
from tests.dynamic.layers import names, refused
from tests.dynamic.oracle import agree, normal


A = normal(2, 3)


def layers(t, n=3):
    return [t.nn.Linear(i + 1, i + 2) for i in range(n)]


def _changed(container, change):
    result = change(container)
    return [repr(container), None if result is container or result is None else repr(result), list(container._modules)]


SEQUENCES = {
    "as it is": lambda s, t: None,
    "slice": lambda s, t: s[1:],
    "negative": lambda s, t: s[-1],
    "beyond": lambda s, t: s[3],
    "before": lambda s, t: s[-4],
    "set": lambda s, t: s.__setitem__(1, t.nn.ReLU()),
    "set beyond": lambda s, t: s.__setitem__(5, t.nn.ReLU()),
    "delete": lambda s, t: s.__delitem__(0),
    "delete the last": lambda s, t: s.__delitem__(-1),
    "delete a slice": lambda s, t: s.__delitem__(slice(0, 2)),
    "append": lambda s, t: s.append(t.nn.ReLU()),
    "extend": lambda s, t: s.extend([t.nn.ReLU(), t.nn.Tanh()]),
    "insert": lambda s, t: s.insert(1, t.nn.ReLU()),
    "insert at the end": lambda s, t: s.insert(3, t.nn.ReLU()),
    "pop": lambda s, t: s.pop(1),
    "pop the last": lambda s, t: s.pop(-1),
    "length": lambda s, t: len(s),
    "members": lambda s, t: list(s),
    "contains": lambda s, t: s[0] in s,
    "append a number": lambda s, t: s.append(3),
}
BOTH = [(kind, name) for kind in ("Sequential", "ModuleList") for name in SEQUENCES]


@pytest.mark.oracle
@pytest.mark.parametrize(("kind", "name"), BOTH, ids=[f"{kind} {name}" for kind, name in BOTH])
def test_sequence_of_modules(kind, name):
    def build(t, x):
        container = t.nn.Sequential(*layers(t)) if kind == "Sequential" else t.nn.ModuleList(layers(t))
        return _changed(container, lambda s: SEQUENCES[name](s, t))

    agree(build, A)


MORE = {
    "named": lambda t: t.nn.Sequential(OrderedDict(a=t.nn.ReLU(), b=t.nn.Tanh())),
    "named, by name": lambda t: t.nn.Sequential(OrderedDict(a=t.nn.ReLU(), b=t.nn.Tanh())).b,
    "named, a slice": lambda t: t.nn.Sequential(OrderedDict(a=t.nn.ReLU(), b=t.nn.Tanh()))[:1],
    "named, less one": lambda t: (lambda s: [s.__delitem__(0), repr(s)])(
        t.nn.Sequential(OrderedDict(a=t.nn.ReLU(), b=t.nn.Tanh()))
    ),
    "added": lambda t: t.nn.Sequential(t.nn.ReLU()) + t.nn.Sequential(t.nn.Tanh()),
    "added to": lambda t: (lambda s: s.__iadd__(t.nn.Sequential(t.nn.Tanh())))(t.nn.Sequential(t.nn.ReLU())),
    "added to a list": lambda t: t.nn.Sequential(t.nn.ReLU()).__add__([t.nn.Tanh()]),
    "times": lambda t: t.nn.Sequential(t.nn.ReLU(), t.nn.Tanh()) * 2,
    "times, turned": lambda t: 2 * t.nn.Sequential(t.nn.ReLU()),
    "times nothing": lambda t: t.nn.Sequential(t.nn.ReLU()) * 0,
    "times a word": lambda t: t.nn.Sequential(t.nn.ReLU()) * "2",
    "insert far out": lambda t: t.nn.Sequential(t.nn.ReLU()).insert(5, t.nn.ReLU()),
    "insert a number": lambda t: t.nn.Sequential(t.nn.ReLU()).insert(0, 5),
    "insert in front": lambda t: t.nn.Sequential(t.nn.ReLU(), t.nn.Tanh()).insert(-1, t.nn.ELU()),
    "empty": lambda t: t.nn.Sequential(),
    "empty list": lambda t: t.nn.ModuleList(),
    "alike": lambda t: t.nn.ModuleList([t.nn.ReLU(), t.nn.ReLU(), t.nn.Tanh()]),
    "alike inside": lambda t: t.nn.ModuleList([t.nn.Sequential(t.nn.ReLU(), t.nn.Tanh()) for _ in range(3)]),
    "lists added": lambda t: t.nn.ModuleList([t.nn.ReLU()]).__add__([t.nn.Tanh()]),
    "list of a list": lambda t: t.nn.ModuleList(t.nn.ModuleList([t.nn.ReLU()])),
    "list of a number": lambda t: t.nn.ModuleList(3),
    "list called": lambda t: t.nn.ModuleList([t.nn.ReLU()])(3),
    "dictionary": lambda t: t.nn.ModuleDict({"a": t.nn.ReLU(), "b": t.nn.Tanh()}),
    "dictionary of pairs": lambda t: t.nn.ModuleDict([["a", t.nn.ReLU()], ("b", t.nn.Tanh())]),
    "dictionary of a number": lambda t: t.nn.ModuleDict(3),
    "dictionary of triples": lambda t: t.nn.ModuleDict([("a", t.nn.ReLU(), 3)]),
    "dictionary of numbers": lambda t: t.nn.ModuleDict([3]),
    "dictionary of methods": lambda t: t.nn.ModuleDict({"keys": t.nn.ReLU()}),
    "dictionary, what is in it": lambda t: (
        lambda d: [len(d), list(d), "a" in d, "c" in d, repr(d["a"]), list(d.keys()), len(d.items()), len(d.values())]
    )(t.nn.ModuleDict({"a": t.nn.ReLU(), "b": t.nn.Tanh()})),
    "dictionary, less": lambda t: (lambda d: [repr(d.pop("a")), d.__delitem__("b"), repr(d), d.clear()])(
        t.nn.ModuleDict({"a": t.nn.ReLU(), "b": t.nn.Tanh(), "c": t.nn.ELU()})
    ),
    "dictionary, no such key": lambda t: t.nn.ModuleDict()["a"],
    "parameters": lambda t: t.nn.ParameterList([t.nn.Parameter(t.ones(2, 3)), t.ones(1), t.tensor(2.0), 5]),
    "parameters changed": lambda t: (
        lambda p: [
            p.append(t.ones(2)) and None,
            p.extend([t.zeros(1)]) and None,
            p.__setitem__(0, t.zeros(4)),
            repr(p),
            len(p),
        ]
    )(t.nn.ParameterList([t.ones(2, 3)])),
    "parameters, a slice": lambda t: t.nn.ParameterList([t.ones(i) for i in range(4)])[1:3],
    "parameters beyond": lambda t: t.nn.ParameterList([t.ones(2)])[1],
    "parameters of a number": lambda t: t.nn.ParameterList(3),
    "parameters called": lambda t: t.nn.ParameterList()(3),
    "parameters, their names": lambda t: names(t.nn.ParameterList([t.ones(2), t.ones(3)]).named_parameters()),
    "parameters by name": lambda t: t.nn.ParameterDict({"b": t.ones(2, 3), "a": t.nn.Parameter(t.ones(1)), "c": "word"}),
    "parameters by name, changed": lambda t: (
        lambda p: [
            p.update({"b": t.ones(3)}),
            p.setdefault("a", t.ones(9)).shape,
            p.setdefault("d", t.ones(9)).shape,
            p.get("x"),
            p.get("a").shape,
            list(p),
            list(reversed(p)),
            "a" in p,
            list(p.keys()),
            len(list(p.items())),
            len(list(p.values())),
            repr(p.copy()),
            repr(p | {"z": t.ones(1)}),
            repr(p.fromkeys(["q"], 3)),
            p.pop("a").shape,
            p.popitem()[0],
            len(p),
            p.clear(),
            repr(p),
        ]
    )(t.nn.ParameterDict({"a": t.ones(2)})),
    "parameters by number": lambda t: t.nn.ParameterDict({3: t.ones(2)}),
    "parameters by no such name": lambda t: refused(t.nn.ParameterDict().__getitem__, "a"),
    "parameters by name, called": lambda t: t.nn.ParameterDict()(3),
    "states of all": lambda t: list(
        t.nn.ModuleDict(
            {
                "list": t.nn.ModuleList([t.nn.Linear(1, 1), t.nn.BatchNorm1d(2)]),
                "row": t.nn.Sequential(t.nn.Linear(1, 1)),
                "some": t.nn.ParameterList([t.ones(1)]),
                "named": t.nn.ParameterDict({"x": t.ones(1)}),
            }
        ).state_dict()
    ),
}


@pytest.mark.oracle
@pytest.mark.parametrize("name", MORE)
def test_container(name):
    def build(t, x):
        found = MORE[name](t)
        return repr(found) if isinstance(found, t.nn.Module) else found

    agree(build, A)


@pytest.mark.oracle
def test_sequential_computes():
    def build(t, x):
        with t.no_grad():
            first, second = t.nn.Linear(3, 3).double(), t.nn.Linear(3, 3).double()
            for layer in (first, second):
                layer.weight.copy_(t.arange(9.0).view(3, 3) / 9)
                layer.bias.fill_(-0.5)
        return t.nn.Sequential(first, t.nn.Tanh(), second)(x)

    agree(build, A, rtol=1e-11)


def test_container_of_2017_warns():
    with pytest.warns(UserWarning, match="deprecated"):
        module = dynamic.nn.Container(first=dynamic.nn.Linear(1, 1))
    assert names(module.named_parameters()) == ["first.weight", "first.bias"]
