"""The budget: scopes fold, repeats fold, the rest is cut, and nothing is lost from the count."""

from __future__ import annotations

import pytest

from graphs import draw
from graphs.core.node import Node, Value, new_parameter
from graphs.core.op import OPS
from graphs.core.spec import Spec
from graphs.draw.fold import fold_repeats, fold_scopes
from graphs.draw.labels import TIMES
from tests.graphs.draw import programs


def chain(length: int, *names: str) -> Value:
    x = new_parameter(Spec((), "float32"), "x")
    for at in range(length):
        name = names[at % len(names)]
        x = Node(OPS[name], (x,), {}, (x.spec,), f"{name}_{at}", value=Value).outputs[0]
    return x


def counted(shown):
    """How many nodes the boxes stand for."""
    return sum(item.count for item in shown.items)


def test_below_the_budget_nothing_folds():
    shown = draw.picture(programs.net(), budget=10)
    assert len(shown.items) == 10
    assert all(item.kind != "fold" for item in shown.items)


def test_a_chain_of_one_op_is_one_box():
    shown = draw.picture([chain(500, "negative")])
    assert [(item.kind, item.title) for item in shown.items] == [("input", ""), ("fold", f"negative  {TIMES} 500")]
    assert counted(shown) == 501


def test_a_pattern_along_a_chain_is_one_box():
    shown = draw.picture([chain(600, "negative", "exp", "tanh")])
    assert [item.title for item in shown.items] == ["", f"negative → exp → tanh  {TIMES} 200"]


def test_layers_with_weights_of_their_own_fold_with_them():
    whole = draw.picture(programs.deep(100), budget=1000)
    shown = fold_repeats(whole, 10)
    assert [item.title for item in shown.items] == ["", f"matmul → tanh  {TIMES} 100"]
    assert counted(shown) == 301
    assert [(link.tail, link.head) for link in shown.links] == [(0, 1)]


def test_scopes_fold_the_largest_first_alike_together_and_no_more_than_needed():
    layers = programs.deep(10)
    a, b = (new_parameter(Spec((n,), "float32"), f"rest/{n}") for n in (1, 2))
    whole = draw.picture([*layers, a, b], budget=1000)
    shown = fold_scopes(whole, 27)
    folded = [item for item in shown.items if item.kind == "fold"]
    assert [(item.title, item.notes) for item in folded] == [(f"layer_{at}", ("3 nodes",)) for at in range(10)]
    assert len(shown.items) == 13
    assert counted(shown) == 33
    deeper = fold_scopes(whole, 12)
    assert [item.title for item in deeper.items if item.kind == "fold"][-1] == "rest"


def test_inner_scopes_fold_before_outer_ones():
    inner = [new_parameter(Spec((n,), "float32"), f"net/inner/{n}") for n in range(3)]
    outer = [new_parameter(Spec((n,), "float32"), f"net/{n}") for n in range(3)]
    whole = draw.picture([*inner, *outer])
    assert [item.title for item in fold_scopes(whole, 4).items if item.kind == "fold"] == ["inner"]
    assert [item.title for item in fold_scopes(whole, 3).items] == ["net"]


def test_folded_layers_fold_once_more():
    shown = draw.picture(programs.deep(300), budget=40)
    assert [item.title for item in shown.items] == ["", f"layer  {TIMES} 300"]
    assert counted(shown) == 901


def test_what_neither_folds_nor_repeats_is_cut_in_the_middle():
    values = [new_parameter(Spec((n,), "float32"), f"p{n}") for n in range(1, 100)]
    shown = draw.picture(values, budget=10)
    assert len(shown.items) == 10
    assert [item.title for item in shown.items if item.kind == "fold"] == ["… 90 more"]
    assert counted(shown) == 99


def test_a_chain_of_a_hundred_thousand_nodes(many):
    length = many(100_000)
    names = ["exp", *["negative"] * 7]
    end = chain(length, *names)
    shown = draw.picture([end])
    svg = draw.svg([end])
    assert counted(shown) == length + 1
    assert len(shown.items) <= 200
    assert shown.items[1].title == f"exp → 7 {TIMES} negative  {TIMES} {length // 8:,}"
    assert f"{length // 8:,}" in svg


def test_a_budget_that_shows_nothing_is_refused():
    with pytest.raises(ValueError, match="3 is the least"):
        draw.picture(programs.net(), budget=2)
