"""A session's report: figures, rules, lines and reasons, as text, JSON, HTML and pictures, and each rewrite checked."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy
import pytest

import static as tf
from graphs import ops
from graphs.compare import load
from graphs.rewrite import Choice, Log, Program, Rules, rewrite
from static.passes import PIPELINE, cse, fold, simplify


ROOT = Path(__file__).parents[2]
FIGURES = {"nodes", "kernels", "operations", "bytes", "temporaries"}

planted = Rules("planted")


@planted.rule("x - x")
def nothing_left(x: Any) -> Any:
    """x - x -> 0 & <b>no</b> NaN"""
    return ops.zeros_like(x)


def plant(program: Program, log: Log, choice: Choice) -> Program:
    return rewrite(program, planted, log, choice)


@pytest.fixture(autouse=True)
def _fresh_graph() -> Iterable[None]:
    with tf.Graph().as_default():
        yield


def training(**settings: Any) -> tuple[tf.Session, list[Any], Any]:
    x = tf.placeholder("float32", (None, 4), name="x")
    w = tf.Variable(numpy.full((4, 3), 0.1, "f4"), name="w")
    hidden = tf.multiply(tf.tanh(tf.matmul(x, w)), 1.0, name="scaled")
    loss = tf.reduce_mean(tf.square(hidden) + tf.square(hidden), name="loss")
    step = tf.train.GradientDescentOptimizer(0.1).minimize(loss)
    session = tf.Session(**settings)
    session.run(tf.global_variables_initializer())
    return session, [loss, step], x


def given(rows: int) -> Any:
    return numpy.ones((rows, 4), "f4")


def test_the_report_of_a_run_has_figures_rules_and_lines() -> None:
    session, fetches, x = training()
    session.run(fetches, {x: given(5)})
    report = session.report(fetches, {x: given(5)})
    (plan,) = report.as_dict()["plans"]
    assert plan["fetches"] == ["loss:0", "GradientDescent"]
    assert plan["fed"] == {"x:0": "float32(5, 4)"}
    assert [stage["name"] for stage in plan["stages"]][-len(PIPELINE) :] == [each.__name__ for each in PIPELINE]
    assert set(plan["before"]) == set(plan["after"]) == FIGURES
    for name in FIGURES:
        assert plan["before"][name] >= plan["after"][name] > 0, name
    for one, other in zip(plan["stages"], plan["stages"][1:], strict=False):
        assert one["after"] == other["before"]
    assert plan["stages"][0]["before"] == plan["before"]
    assert plan["stages"][-1]["after"] == plan["after"]
    assert sum(stage["rewrites"] for stage in plan["stages"]) == len(plan["rewrites"])
    assert sum(rule["times"] for rule in plan["rules"]) == len(plan["rewrites"])
    scaled = next(each for each in plan["rewrites"] if each["nodes"] == ["scaled"])
    assert (scaled["rule"], scaled["bound"], scaled["pass"]) == ("times_one", "exact", "simplify")
    assert 'name="scaled"' in scaled["lines"][0]
    assert scaled["before"]["bytes"] == 5 * 3 * 4
    assert scaled["after"]["kernels"] == 0
    assert sum(each["times"] for each in plan["kernels"]) == plan["after"]["kernels"]
    region = next(each for each in plan["kernels"] if each["label"] and any("Square" in name for name in each["nodes"][0]))
    assert region["kernel"] == "fused"
    assert plan["memory"]["bytes"] > 0


def test_the_figures_are_those_of_the_shapes_that_are_fed() -> None:
    session, fetches, x = training()
    small, large = (session.report(fetches, {x: given(n)}).as_dict()["plans"][0] for n in (2, 200))
    assert large["before"]["operations"] > 20 * small["before"]["operations"]
    assert large["after"]["kernels"] == small["after"]["kernels"]
    (open_,) = session.report(fetches, [x]).as_dict()["plans"]
    assert open_["before"]["operations"] is None
    assert open_["before"]["kernels"] == small["before"]["kernels"]
    assert "?" in session.report(fetches, [x]).text()


def test_without_fetches_it_tells_of_all_plans_and_why_they_were_made() -> None:
    session, fetches, x = training()
    assert "no plan" in str(tf.Session().report())
    for rows in (2, 2, 3):
        session.run(fetches, {x: given(rows)})
    report = session.report()
    plans = report.as_dict()["plans"]
    assert [plan["fed"] for plan in plans] == [{}, {"x:0": "float32(2, 4)"}, {"x:0": "float32(3, 4)"}]
    assert plans[1]["reason"] == "the first run of these fetches and feeds"
    assert "(2, 4) -> (3, 4)" in plans[2]["reason"]
    text = str(report)
    assert "Plan 3: loss:0, GradientDescent, fed x:0 float32(3, 4)" in text
    assert "(2, 4) -> (3, 4)" in text
    assert len(report.records) == sum(len(plan["rewrites"]) for plan in plans)
    assert repr(report) == f"<report of 3 plans: {len(report.records)} rewrites>"


def test_the_text_names_rules_lines_and_costs_within_its_width() -> None:
    session, fetches, x = training(refuse=("cse",))
    report = session.report(fetches, {x: given(5)})
    text = str(report)
    for words in ("as written", "temporaries", "times_one", "x * 1 -> x", "scaled", 'name="scaled"', "A run calls", "share"):
        assert words in text
    assert f"{Path(__file__).name}:" in text
    assert str(Path(__file__).parent) not in text
    assert "refused" in text
    assert "Refused: cse" in text
    assert max(map(len, text.splitlines())) <= 110
    assert max(map(len, report.text(width=60).splitlines())) <= 60
    assert "more" in report.text(rewrites=1)
    assert "times_one: scaled" not in report.text(rewrites=0)


def test_json_is_written_and_can_be_shown_later(tmp_path: Path) -> None:
    from static.report_html import html
    from static.report_text import text

    session, fetches, x = training()
    report = session.report(fetches, {x: given(5)})
    written = report.to_json(tmp_path / "report.json")
    found = json.loads((tmp_path / "report.json").read_text())
    assert json.loads(written) == found == report.as_dict()
    assert text(found, 20, 110) == str(report)
    assert html(found) == report._repr_html_()


class Checker(HTMLParser):
    """Notes the elements, and that each is closed."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.open.append(tag)
        self.seen.add(tag)
        assert not [value for name, value in attrs if name in ("src", "href") or name.startswith("on")]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_html_is_whole_and_escaped() -> None:
    x = tf.placeholder("float32", (3,), name="x")
    session = tf.Session(passes=(fold, plant))
    y = tf.subtract(x, x) if "<script>" else None  # the line is in the report
    report = session.report(y, {x: given(3)[:, 0]})
    report.check()
    shown = report._repr_html_()
    checker = Checker()
    checker.feed(shown)
    assert checker.open == []
    assert checker.seen == {"div", "style", "h4", "p", "table", "thead", "tbody", "tr", "th", "td", "code", "span"} | {
        "details",
        "summary",
    }
    assert "&lt;script&gt;" in shown
    assert "x - x -&gt; 0 &amp; &lt;b&gt;no&lt;/b&gt; NaN" in shown
    assert "NaNs are not where they were" in shown
    assert "no plan" in tf.Session().report()._repr_html_()


def test_check_finds_the_wrong_rewrite_and_shows_it() -> None:
    x = tf.placeholder("float32", (None,), name="x")
    session = tf.Session(passes=(fold, plant, simplify))
    report = session.report([tf.subtract(x, x, name="gone"), x * 1.0], {x: [1.0, 2.0]})
    (found,) = report.check()
    assert found.record.rule == "nothing_left"
    assert report.unchecked == []
    assert numpy.isnan(found.before).any()
    assert not numpy.isnan(found.after).any()
    assert "does not hold" in str(report)
    assert [("counterexample" in each) for each in report.as_dict()["plans"][0]["rewrites"]] == [True, False]
    session, fetches, x = training()
    assert session.report(fetches, {x: given(5)}).check(seed=3) == []


def test_pictures_are_written(tmp_path: Path) -> None:
    session, fetches, x = training()
    report = session.report(fetches, {x: given(5)})
    paths = report.draw(tmp_path / "new" / "folder", ("svg", "dot"), title="net")
    names = [path.name for path in paths]
    assert names[0] == "00-as-written.svg"
    assert names[-1].endswith("as-run.dot")
    assert names[::2] == sorted(names[::2])
    assert any("simplify.svg" in name for name in names)
    assert any("fuse.dot" in name for name in names)
    assert all(path.stat().st_size > 300 for path in paths)
    assert "net, after simplify" in next(path for path in paths if path.name.endswith("simplify.dot")).read_text()
    session.run(fetches, {x: given(5)})
    assert {path.name[:7] for path in session.report().draw(tmp_path)} == {"plan-1-", "plan-2-"}
    with pytest.raises(ValueError, match="no format gif"):
        report.draw(tmp_path, ("gif",))


def test_passes_that_do_nothing_are_reported_so() -> None:
    x = tf.placeholder("float32", (3,))
    session = tf.Session(passes=(fold, cse))
    report = session.report(tf.exp(x), {x: [1, 2, 3]})
    assert "Nothing was rewritten." in str(report)
    assert "Nothing was rewritten." in report._repr_html_()
    assert report.as_dict()["plans"][0]["memory"] is None
    assert report.as_dict()["passes"] == ["fold", "cse"]


def test_nothing_is_loaded_for_a_report_that_nobody_shows() -> None:
    code = (
        "import sys, static as tf; x = tf.placeholder('float32', (2,)); r = tf.Session().report(x * 1.0, {x: [1, 2]});"
        "r.as_dict(); assert not {'rich', 'graphs.draw', 'networkx'} & set(sys.modules);"
        "str(r); assert 'rich' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


TWINS = sorted(path.stem for path in (ROOT / "demos").glob("*.py") if "def setup(" in path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("demo", TWINS)
def test_every_rewrite_of_the_demos_holds(demo: str) -> None:
    twins = load(ROOT / "demos" / f"{demo}.py")
    program = twins.build("static", twins.begin("float32"))
    report = program.report(twins.batches("float32", 1)[0])
    assert len(report.records) > 5
    found = report.check(seed=1)
    assert not found, str(found[0])
    assert len(report.unchecked) <= 2, "sequences of many lengths, an array a round"
