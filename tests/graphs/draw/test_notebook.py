"""What notebooks show: pictures and tables beside the text, quickly, without ever failing, and with names as text."""

from __future__ import annotations

import importlib
import xml.etree.ElementTree as ElementTree
from html.parser import HTMLParser
from typing import Any

import numpy
import pytest

import dynamic as torch
import static as tf
from graphs import draw
from graphs.core.function import Function
from graphs.draw import notebook
from tests.graphs.draw import programs


class Page(HTMLParser):
    """The tags of some HTML, each with its attributes, and its text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.text += data


def shown(thing: Any) -> Page:
    bundle = thing._repr_mimebundle_(include=None, exclude=None)
    assert set(bundle) <= {"text/plain", "text/html", "image/svg+xml"}
    return Page(bundle["text/html"])


def graph(name: str = "x") -> Any:
    with tf.Graph().as_default() as made:
        x = tf.placeholder(tf.float32, [None, 3], name=name)
        w = tf.Variable(tf.ones([3, 2]), name="w")
        tf.reduce_sum(tf.nn.relu(tf.matmul(x, w)), name="loss")
    return made


def test_a_tensor_with_a_tape_shows_its_value_and_the_tape():
    page = shown((torch.ones(3, requires_grad=True) * 2).sum())
    assert page.tags.count("svg") == 1
    assert "tensor(6., grad_fn=<SumBackward0>)" in page.text
    assert "multiply" in page.text


def test_a_record_shows_the_way_back():
    page = shown((torch.ones(3, requires_grad=True) * 2).sum().grad_fn)
    assert "MulBackward0" in page.text
    assert "AccumulateGrad" in page.text


def test_plain_tensors_leaves_and_sources_are_text_alone():
    assert torch.ones(3)._repr_mimebundle_() == {}
    assert torch.ones(3, requires_grad=True)._repr_mimebundle_() == {}
    made = graph()
    assert made.get_tensor_by_name("x:0")._repr_mimebundle_() == {}
    assert made.get_operation_by_name("x")._repr_mimebundle_() == {}


def test_static_tensors_operations_variables_and_graphs():
    made = graph()
    for thing in (made.get_tensor_by_name("loss:0"), made.get_operation_by_name("loss")):
        page = shown(thing)
        assert page.tags.count("svg") == 1
        assert repr(thing) in page.text
    whole = shown(made)
    assert f"A graph of {len(made.get_operations())} operations, with 1 variable." in whole.text
    assert whole.tags.count("svg") == 1
    assert shown(tf.Graph()).text.endswith("A graph of 0 operations.")


def test_a_session_shows_its_plans():
    made = graph()
    session = tf.Session(graph=made)
    assert "has made no plan yet" in shown(session).text
    with made.as_default():
        session.run(tf.global_variables_initializer())
    session.run("loss:0", {"x:0": numpy.ones((4, 3), "float32")})
    page = shown(session)
    assert "A session with 2 plans." in page.text
    assert "x:0 float32(4, 3)" in page.text
    assert {"table", "svg"} <= set(page.tags)
    report = session.report()
    assert "relu" in Page(report._repr_html_()).text
    assert "relu" in Page(report.plans[-1]._repr_html_()).text


def test_pictures_show_themselves_as_svg_html_and_text():
    bundle = draw.picture(programs.net(), title="Net")._repr_mimebundle_()
    assert Page(bundle["text/html"]).tags.count("svg") == 1
    assert bundle["text/plain"].startswith("Net\n")
    bundle = draw.picture(programs.net(), title="Net")._repr_mimebundle_(include={"image/svg+xml"})
    assert bundle["image/svg+xml"].startswith("<svg")
    assert ElementTree.fromstring(bundle["image/svg+xml"]).tag.endswith("svg")
    assert bundle["text/plain"].startswith("Net\n")


def test_functions_and_traces():
    body: Function = programs.net()
    assert "matmul" in shown(body).text
    traced = torch.trace(lambda x: x * 2 if x.sum() > 0 else x, torch.ones(3))
    page = shown(traced)
    assert "decided by Python, for good" in page.text
    assert "svg" in page.tags


def test_large_tapes_and_graphs_are_not_drawn(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(notebook, "picture", None)  # nor is a picture made of them
    x = torch.ones(1, requires_grad=True)
    for _ in range(notebook.NODES + 10):
        x = x * 1.0
    page = shown(x)
    assert f"more than {notebook.NODES:,} nodes" in page.text
    assert "svg" not in page.tags
    with tf.Graph().as_default() as made:
        y = tf.constant(1.0)
        for _ in range(notebook.NODES + 10):
            y = y + 1.0
    assert "is not drawn here" in shown(made).text

    def body(value: Any) -> Any:
        for _ in range(notebook.NODES):
            value = value * 1.0
        return value

    with tf.Graph().as_default():
        _, looped = tf.while_loop(lambda i, _: i < 3, lambda i, value: (i + 1, body(value)), [0, 1.0])
    assert "svg" not in shown(looped).tags
    assert "svg" not in shown(y).tags


def test_nothing_is_raised_whatever_goes_wrong(monkeypatch: pytest.MonkeyPatch):
    def fail(*_: Any, **__: Any) -> Any:
        raise RuntimeError("no layout")

    x = torch.ones(3, requires_grad=True) * 2
    monkeypatch.setattr(notebook, "render", fail)
    assert x._repr_mimebundle_() == {}
    assert draw.picture(programs.net())._repr_mimebundle_() == {}
    monkeypatch.setattr(importlib, "import_module", fail)
    assert x._repr_mimebundle_() == {}


def test_names_are_text_and_no_markup():
    name = "</script><img src=x onerror=alert(1)>"
    x = torch.ones(3, requires_grad=True)
    x.name = name
    with tf.Graph().as_default() as made:
        tf.placeholder_with_default(tf.constant([name]), [1], name="named") + tf.constant([name])
    for thing in (x * 2, (x * 2).grad_fn, draw.picture([x * 2], title=name), made):
        page = shown(thing)
        assert "img" not in page.tags
        assert "script" not in page.tags
        assert not any(key.startswith("on") for key, _ in page.attributes)
    assert "onerror=alert(1)" in shown(x * 2).text


def test_the_same_thing_shows_the_same():
    def made() -> str:
        x = torch.ones(3, requires_grad=True)
        return str((x * 2).sum()._repr_mimebundle_())

    assert len({made() for _ in range(2)}) == 1
