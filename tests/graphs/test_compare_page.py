"""The report as a page: all that is due is in it, it needs nothing else, and no string of a program is more than that."""

import base64
import hashlib
import itertools
import json
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

from graphs.compare import Cost, Costs, Report, load, lockstep, measure, plots, with_passes, without_passes
from graphs.compare.exhibits import gather
from graphs.compare.page import page
from graphs.compare.sheet import WORDS
from graphs.compare.words import seconds, size


ROOT = Path(__file__).parents[2]
MODES = ("static", "dynamic")
EVIL = "</script><img src=x onerror=alert(1)>"

HOSTILE = """
import itertools
import numpy as np
import dynamic as torch
import static as tf
from dynamic.adapter import DynamicProgram
from graphs.compare import Setup
from static.adapter import Run, StaticProgram

EVIL = "</script><img src=x onerror=alert(1)>"  # </style></code><svg onload=alert(2)>

def setup(dtype):
    random = np.random.default_rng(0)
    batches = itertools.repeat({EVIL: random.standard_normal((4, 3)).astype(dtype)})
    return Setup({"w": random.standard_normal((3, 2)).astype(dtype)}, batches, dtype)

def static_program(given):
    graph = tf.Graph()
    with graph.as_default():
        x = tf.placeholder(given.dtype, (None, 3))
        w = tf.Variable(given.initial["w"], name="w")
        loss = tf.reduce_sum(tf.tanh(tf.matmul(x, w)))  # "'><script>alert(3)</script>{{ 7 * 7 }}
        (g,) = tf.gradients(loss, [w])
        update = w.assign(w - 0.1 * g)
    return StaticProgram(graph, [Run(update.op, {EVIL: x}, {EVIL: loss}, {EVIL: g})], {EVIL: w})

def dynamic_program(given):
    w = torch.from_numpy(given.initial["w"].copy()).requires_grad_()
    def step(batch):
        loss = torch.tanh(torch.from_numpy(batch[EVIL]) @ w).sum()
        loss.backward()
        w.data -= 0.1 * w.grad.data
        yield {EVIL: loss}, {EVIL: w.grad}
        w.grad = None
    return DynamicProgram(step, {EVIL: w})
"""


FIRST = """
import numpy as np
import tensorflow as tf
x = tf.placeholder(tf.float32, (None, 4), name="x")
w = tf.Variable(np.ones((4, 2), np.float32), name="w")
cost = tf.reduce_sum(tf.matmul(x, w) ** 2.0)
train = tf.train.GradientDescentOptimizer(0.001).minimize(cost)
with tf.Session() as session:
    session.run(tf.global_variables_initializer())
    for step in range(6):
        session.run([train, cost], {x: np.ones((3, 4))})
"""

SECOND = """
import torch
w = torch.ones(4, 2, requires_grad=True)
optimizer = torch.optim.SGD([w], lr=0.001)
for step in range(6):
    optimizer.zero_grad()
    cost = (torch.ones(3, 4).mm(w) ** 2.0).sum()
    cost.backward()
    optimizer.step()
"""

COST = Cost(1e-3, 2e-3, 1e-5, (1e-5, 1.5e-5), 4096, 5, 7)


def compared(path, measured, steps=3):
    """The report on a program, and what is shown with it; costs that nobody measured leave their sections out."""
    twins = load(path)
    batches = twins.batches("float32", 10)
    agreement = lockstep(without_passes(twins), MODES, batches[:steps], "float32")
    passed = [with_passes(twins, mode, batches[:1], "float32") for mode in MODES]
    costs = measure(twins, MODES, batches, "float32", 0) if measured else Costs(dict.fromkeys(MODES, COST), 1.0, None)
    found = Report(path, MODES, "float32", agreement, costs, passes=tuple(each for each in passed if each is not None))
    return found, gather(twins, MODES, batches[0], "float32")


class Made:
    """A page, made once for all tests, and what it was made of."""

    def __init__(self, path, *, measured):
        self.report, self.shown = compared(path, measured)
        self.text = page(self.report, self.shown)
        self.parsed = Parsed(self.text)


@pytest.fixture(scope="module")
def two_layer():
    return Made(ROOT / "demos" / "two_layer.py", measured=True)


@pytest.fixture(scope="module")
def gan():
    return Made(ROOT / "demos" / "gan.py", measured=False)


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    path = tmp_path_factory.mktemp("not safe") / "<img src=x onerror=alert(0)>.py"
    path.write_text(HOSTILE)
    return Made(path, measured=False)


@pytest.fixture(scope="module", params=["two_layer", "gan", "hostile"])
def made(request):
    return request.getfixturevalue(request.param)


class Parsed(HTMLParser):
    """A page's elements in order, with the words inside each."""

    def __init__(self, text):
        super().__init__()
        self.elements, self._open = [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        element = {"tag": tag, **dict(attributes), "words": ""}
        self.elements.append(element)
        if tag not in ("meta", "input", "br", "img", "link"):
            self._open.append(element)

    def handle_endtag(self, tag):
        while self._open and self._open.pop()["tag"] != tag:
            pass

    def handle_data(self, data):
        for element in self._open:
            element["words"] += data

    def all(self, tag, **wanted):
        return [e for e in self.elements if e["tag"] == tag and all(e.get(k) == v for k, v in wanted.items())]


def data(parsed):
    (block,) = parsed.all("script", id="report-data")
    return json.loads(block["words"])


def test_a_page_has_all_sections_in_its_contents(made):
    parsed = made.parsed
    ids = [each["id"] for each in parsed.all("section") if not each.get("class")]
    links = [each["href"] for each in parsed.all("a") if each["href"] != "#main"]
    assert links == [f"#{each}" for each in ids]
    assert ids == [name for name in WORDS if name in ids]
    measured = made.report.costs.break_even is not None
    assert ids == [name for name in WORDS if name != "pace" and (measured or name not in ("memory", "breakeven"))]


def test_headings_and_ids_are_in_order(made):
    parsed = made.parsed
    levels = [int(each["tag"][1]) for each in parsed.elements if re.fullmatch("h[1-6]", each["tag"])]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))
    ids = [each["id"] for each in parsed.elements if "id" in each]
    assert len(ids) == len(set(ids))
    named = {each[key] for each in parsed.elements for key in ("aria-labelledby", "aria-controls") if key in each}
    assert named <= set(ids)


def test_a_page_needs_nothing_else(made):
    parsed = made.parsed
    for each in parsed.elements:
        assert each["tag"] not in ("link", "img", "iframe", "object", "embed", "base", "form")
        assert not {"src", "srcset", "action", "data", "poster"} & each.keys()
        assert each.get("href", "#").startswith("#")
    assert "@import" not in made.text
    assert not re.search(r"url\((?!#)", made.text)


def test_the_policy_allows_the_pages_own_scripts_and_styles_alone(made):
    parsed = made.parsed
    (policy,) = [e["content"] for e in parsed.all("meta") if e.get("http-equiv") == "Content-Security-Policy"]
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == "'none'"
    assert "unsafe" not in policy
    for kind, tag in (("script-src", "script"), ("style-src", "style")):
        texts = [e["words"] for e in parsed.all(tag) if e.get("type") != "application/json"]
        digests = [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in texts]
        assert rules[kind].split() == [f"'sha256-{digest}'" for digest in digests]
    for each in parsed.elements:
        assert "style" not in each, "the policy would drop it"
        assert not [name for name in each if name.startswith("on")], "nor would it run"


def test_the_same_report_is_the_same_page(two_layer):
    assert page(two_layer.report, two_layer.shown) == two_layer.text


def test_folders_stay_at_home(made):
    for folder in (ROOT, made.report.path.parent):
        assert str(folder) not in made.text


def test_both_sources_stand_beside_each_other(two_layer):
    parsed = two_layer.parsed
    lines = {side: [e for e in parsed.all("li") if e.get("data-side") == side] for side in MODES}
    assert any("tf.gradients(loss, [w1, w2])" in each["words"] for each in lines["static"])
    assert any("loss.backward()" in each["words"] for each in lines["dynamic"])
    making = {each["data-line"] for side in MODES for each in lines[side] if each.get("class") == "makes"}
    nodes = [node for side in data(parsed)["sides"] for node in side["nodes"].values()]
    assert making == {node["line"] for node in nodes} & {each["data-line"] for side in MODES for each in lines[side]}
    assert len(making) > 6


@pytest.mark.parametrize("name", ["two_layer", "gan"])
def test_counterparts_share_their_links(name, request):
    parsed = request.getfixturevalue(name).parsed
    sides = data(parsed)["sides"]
    groups = [{node["group"] for node in side["nodes"].values()} - {None} for side in sides]
    assert len(groups[0] & groups[1]) > 10
    for side in sides:
        (block,) = parsed.all("script", id=f"{side['viewer']}-data")
        boxes = json.loads(block["words"])["boxes"]
        assert {name: box["link"] for name, box in boxes.items() if name in side["nodes"]} == {
            name: node["group"] for name, node in side["nodes"].items() if name in boxes
        }


def test_the_forward_products_are_matched(two_layer):
    """The first matmul of one side lights up with the first of the other, not with its gradient."""
    sides = data(two_layer.parsed)["sides"]
    first, second = (next(n["group"] for n in side["nodes"].values() if n["title"] == "matmul") for side in sides)
    assert first == second


def test_what_has_no_counterpart_is_listed_with_its_reason(two_layer):
    parsed = two_layer.parsed
    (table,) = parsed.all("table", **{"class": "stack"})
    assert two_layer.shown.matching.alone
    for each in two_layer.shown.matching.alone:
        assert each.op in table["words"]
    assert "outside the tape" in table["words"]


def test_the_certificate_lists_every_update(gan):
    parsed = gan.parsed
    rows = [e for e in parsed.all("tr") if "data-station" in e]
    stations = gan.report.agreement.certificate
    assert len(rows) == len(stations) == 6
    assert all(
        "= equal" in row["words"] and each.seals[0][:16] in row["words"] for row, each in zip(rows, stations, strict=True)
    )
    told = data(parsed)["certificate"]
    for each, shown in zip(stations, told["stations"], strict=True):
        layout = told["layouts"][shown["layout"]]
        assert [what for what, _, _ in layout] == [array.what for array in each.arrays]
        assert shown["digests"] == [first[:12] for first, _ in each.digests]
    assert stations[-1].seals[0] in parsed.all("p", **{"class": "seal"})[0]["words"]


def test_a_difference_is_shown_with_its_node(tmp_path):
    path = tmp_path / "apart.py"
    path.write_text(HOSTILE.replace("tf.tanh(tf.matmul(x, w))", "tf.tanh(tf.matmul(x, w) + 1e-6)"))
    found, shown = compared(path, measured=False)
    assert found.agreement.difference is not None
    parsed = Parsed(page(found, shown))
    (box,) = parsed.all("div", **{"class": "difference"})
    assert "matmul" in box["words"]
    assert "apart.py:" in box["words"]
    assert "Not equal" in parsed.all("p", **{"class": "verdict bad"})[0]["words"]
    assert data(parsed)["certificate"]["stations"][-1]["apart"]


def test_every_pass_that_changed_something_has_its_picture_and_its_cost(gan):
    plans = gan.shown.plans
    parsed = gan.parsed
    stages = parsed.all("figure", **{"class": "stage"})
    assert len(plans) == 2
    assert [e["data-word"] for e in stages] == [frame.word for plan in plans for frame in plan.frames]
    assert {"as written", "simplify", "fuse", "as run"} <= {e["data-word"] for e in stages}
    frames = [frame for plan in plans for frame in plan.frames]
    for stage, frame in zip(stages, frames, strict=True):
        assert f"{frame.before['kernels']:,}" in stage["words"]
        assert f"{frame.after['kernels']:,}" in stage["words"]
    assert len(parsed.all("input", type="range")) == 2
    fused = next(frame for frame in frames if frame.word == "fuse")
    assert fused.after["kernels"] < fused.before["kernels"]


def test_losses_are_told_with_every_digit(two_layer):
    for mode in MODES:
        assert repr(two_layer.report.agreement.losses["loss"][mode][-1]) in two_layer.text


def test_the_time_is_split_and_its_words_explained(two_layer):
    costs = two_layer.report.costs.modes
    (section,) = two_layer.parsed.all("section", id="time")
    for mode in MODES:
        assert seconds(costs[mode].parts.kernels) in section["words"]
        assert seconds(costs[mode].optimise) in section["words"]
    assert {"build", "optimise", "first step", "steady step"} <= {e["words"] for e in two_layer.parsed.all("dt")}
    assert {"feed and fetch", "kernels", "dispatch", "tape"} <= {e["words"] for e in two_layer.parsed.all("dt")}


def test_memory_kernels_and_temporaries_are_told(two_layer):
    memory = two_layer.report.costs.modes["dynamic"].memory
    (section,) = two_layer.parsed.all("section", id="memory")
    assert size(max(memory.live)) in section["words"]
    assert f"two_layer.py:{memory.peak.where.split('  ')[0].rpartition(':')[2]}" in section["words"]
    (section,) = two_layer.parsed.all("section", id="kernels")
    assert size(memory.temporary_bytes) in section["words"]
    assert "matmul" in section["words"]


@pytest.mark.parametrize("never", [False, True])
def test_the_break_even_is_a_number_or_the_word_never(two_layer, never):
    costs = two_layer.report.costs
    found = costs.break_even._replace(
        **({"steps": None, "low": None, "high": None} if never else {"steps": 17, "low": 9, "high": 40})
    )
    parsed = Parsed(page(two_layer.report._replace(costs=costs._replace(break_even=found)), two_layer.shown))
    (section,) = parsed.all("section", id="breakeven")
    tiles = " ".join(e["words"] for e in parsed.all("dl", **{"class": "tiles"}))
    assert ("never pays" in section["words"]) is never
    assert ("after 17 steps" in section["words"]) is not never
    assert ("never" in tiles) is never
    assert "dominates" in section["words"]


def test_all_plots_are_there(two_layer):
    labels = [e["aria-label"] for e in two_layer.parsed.all("svg", **{"class": "plot"})]
    assert len(labels) == 5
    assert len(set(labels)) == 5


def test_without_matplotlib_the_page_says_what_to_install(two_layer, monkeypatch):
    monkeypatch.setattr(plots, "available", lambda: False)
    made = page(two_layer.report, two_layer.shown)
    assert 'class="plot"' not in made
    assert "pip install &#39;diptych[report]&#39;" in made


def test_no_string_of_a_program_is_more_than_a_string(hostile):
    made, parsed = hostile.text, hostile.parsed
    assert "<img" not in made
    assert "<svg onload" not in made
    assert "49" not in parsed.all("section", id="programs")[0]["words"].replace("7 * 7", "")
    scripts = [e for e in parsed.all("script") if e.get("type") != "application/json"]
    assert len(scripts) == 2
    assert EVIL not in made
    words = "".join(e["words"] for e in parsed.all("section"))
    assert EVIL in words, "and yet it is shown as it is"
    assert "<img src=x onerror=alert(0)>.py" in parsed.all("h1")[0]["words"]


def test_two_scripts_have_a_page_without_certificate(tmp_path):
    """The scripts are run in a process of their own, as they leave a graph behind."""
    first, second = tmp_path / "first <b>.py", tmp_path / "second.py"
    first.write_text(FIRST)
    second.write_text(SECOND)
    command = [sys.executable, "-m", "graphs.cli", "compare", str(first), str(second), "--out", str(tmp_path / "out")]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    text = (tmp_path / "out" / "first <b>-second.html").read_text()
    assert str(tmp_path) not in text
    parsed = Parsed(text)
    ids = [each["id"] for each in parsed.all("section") if not each.get("class")]
    assert ids == ["programs", "graphs", "losses", "pace", "machine"]
    told = data(parsed)
    assert told["certificate"] is None
    groups = [{node["group"] for node in side["nodes"].values()} - {None} for side in told["sides"]]
    assert len(groups[0] & groups[1]) >= 3
    words = {name: parsed.all("section", id=name)[0]["words"] for name in ids}
    assert "train = tf.train.GradientDescentOptimizer" in words["programs"]
    assert "optimizer.step()" in words["programs"]
    assert "cost, static" in words["losses"]
    assert "cost, dynamic" in words["losses"]
    assert "optimizer.step()" in words["pace"]
    assert "<b>" not in text
    assert "first <b>.py" in parsed.all("h1")[0]["words"]
