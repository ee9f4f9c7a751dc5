"""Mermaid, GraphML, JSON and text: what is on the picture is in the file, and no name is ever taken for syntax."""

from __future__ import annotations

import io
import json
import re
from typing import Any

import networkx
import pytest
from rich.cells import cell_len
from rich.console import Console

import dynamic as torch
import static as tf
from graphs import draw
from graphs.core.node import new_parameter
from graphs.core.op import OPS
from graphs.core.spec import Spec
from graphs.draw import FORMATS, Picture, PictureError
from graphs.draw.data import VERSION, as_dict, read
from graphs.draw.outline import levels
from graphs.draw.terminal import MOST_LANES
from tests.graphs.draw import programs


def loop() -> list[Any]:
    """A loop around a body of several nodes, its gradient, and an update."""
    with tf.Graph().as_default():
        x = tf.placeholder(tf.float32, [None, 3], name="x")
        w = tf.Variable(tf.ones([3, 2]), name="w")
        _, y = tf.while_loop(lambda i, _: i < 3, lambda i, y: (i + 1, y * 2.0 + tf.reduce_sum(x @ w)), [0, 1.0])
        return [y, tf.train.GradientDescentOptimizer(0.1).minimize(y)]


def tape() -> list[Any]:
    x, w = torch.ones(4, 3, requires_grad=True), torch.ones(3, 2, requires_grad=True)
    return [torch.matmul(x, w).relu().sum()]


def pictures() -> dict[str, Picture]:
    shown = {
        "net": draw.picture(programs.net(), title="Two-layer net"),
        "training": draw.picture(programs.training()),
        "folded": draw.picture(programs.deep(300), budget=40),
        "loop": draw.picture(loop()),
        "tape": draw.picture(tape()),
    }
    y, train = loop()
    shown |= {
        "tensors": draw.picture([y, train], nodes="tensors"),
        "both": draw.picture(tape(), nodes="both"),
        "unrolled": draw.picture([y, train], unroll=2),
        "annotated": draw.picture(tape(), show=("shapes", "bytes", "values"), overlay="memory", title="Memory"),
    }
    stages = tf.Session(graph=y.graph).plan([y], [y.graph.get_tensor_by_name("x:0")]).outcome.stages
    return shown | {f"pass {name}": each for name, each in draw.pass_pictures(stages)}


PICTURES = pictures()
EVERY = pytest.mark.parametrize("shown", PICTURES.values(), ids=PICTURES)


def counts(shown: Picture) -> tuple[int, int, int]:
    """Boxes, arrows and bodies, in all pictures inside each other."""
    every = list(levels(shown))
    boxes, arrows = (sum(len(getattr(level.picture, what)) for level in every) for what in ("items", "links"))
    return boxes, arrows, len(every) - 1


def test_files_of_every_suffix(tmp_path):
    for suffix, start in {"mmd": b"flowchart TB", "graphml": b"<?xml", "json": b'{"format"', "txt": b"float32"}.items():
        assert draw.save(tmp_path / f"net.{suffix}", programs.net()).read_bytes().startswith(start)
    assert draw.draw(programs.net(), format="mermaid", direction="LR").startswith(b"flowchart LR")


@EVERY
def test_every_format_writes_every_picture_with_the_same_bytes(shown: Picture):
    for form in ("mmd", "graphml", "json", "txt"):
        assert FORMATS[form](shown) == FORMATS[form](shown)


# Mermaid


LABEL = r'"(?:[A-Za-z0-9 ._,()/=+\u00d7→…·]|#\d+;|</?small>|<br/>)*"'
GRAMMAR = [
    r"flowchart (TB|LR)",
    r"(  )+direction (TB|LR)",
    rf"(  )+subgraph [sb]\w+\[{LABEL}\]",
    r"(  )+end",
    rf"(  )+n[\d_]+(?:\[|\(|\[\(|\[/|\(\[|\{{\{{|>|\[\[){LABEL}(?:\]|\)|\)\]|/\]|\]\)|\}}\}}|\]\]):::\w+",
    rf"  n[\d_]+ (?:-->|==>|-\.->)(?:\|{LABEL}\|)? n[\d_]+",
    r"  n[\d_]+ --- bn[\d_]+",
    r"  classDef \w+ [\w#:, .-]+",
    r"  class [\w,]+ \w+",
    r"  style n[\d_]+ fill:#[0-9a-f]{6}",
    r'  legend\["[a-z0-9]+ unless noted"\]',
    r"  style legend fill:none,stroke:none,color:#[0-9a-f]{6}",
    r"  linkStyle [\d,]+ [\w#:, -]+",
]
"""The lines that Mermaid's own parser has been seen to take; what they contain can end no label and begin no other line."""


def lines(shown: Picture) -> list[str]:
    text = FORMATS["mmd"](shown).decode()
    found = text.split("\n")
    assert found.pop() == ""
    if found[0] == "---":
        assert re.fullmatch(r'title: "(?:[\w ,.]|\\U[0-9a-f]{8})*"', found[1], re.ASCII)
        assert found[2] == "---"
        found = found[3:]
    return found


@EVERY
def test_mermaid_is_in_the_grammar_with_every_box_arrow_and_frame(shown: Picture):
    found = lines(shown)
    for line in found:
        assert any(re.fullmatch(rule, line) for rule in GRAMMAR), line
    begun = sum("subgraph" in line for line in found)
    assert begun == sum(line.strip() == "end" for line in found)
    boxes, arrows, bodies = counts(shown)
    assert sum(":::" in line for line in found) == boxes
    assert sum(" --> " in line or " ==>" in line or ".->" in line or "-->|" in line for line in found) == arrows
    assert sum(" --- " in line for line in found) == bodies
    styled = [int(at) for line in found if "linkStyle" in line for at in line.split()[1].split(",")]
    assert sorted(styled) == list(range(arrows + bodies))
    classes = {line.split()[1] for line in found if "classDef" in line}
    assert {line.partition(":::")[2] for line in found if ":::" in line} <= classes


def test_mermaid_knows_kinds_scopes_and_bodies_apart():
    text = FORMATS["mmd"](PICTURES["loop"]).decode()
    for shape in (
        '[/"x"/]:::placeholder',
        '[("w")]:::variable',
        '{{"loop',
        "classDef update",
        "subgraph bn",
        "body#58; while",
    ):
        assert shape in text
    assert 'subgraph s1["net"]' in FORMATS["mmd"](PICTURES["training"]).decode()
    assert "-.->|" in FORMATS["mmd"](PICTURES["training"]).decode()  # what changes a variable points at it


# GraphML


@EVERY
def test_graphml_opens_again_with_typed_attributes(shown: Picture):
    graph = networkx.read_graphml(io.BytesIO(FORMATS["graphml"](shown)), force_multigraph=True)
    boxes, arrows, bodies = counts(shown)
    assert graph.number_of_nodes() == boxes
    assert graph.number_of_edges() == arrows + bodies
    for _, data in graph.nodes(data=True):
        assert isinstance(data["count"], int)
        assert isinstance(data["bytes"], int)
        assert isinstance(data["root"], bool)
        assert isinstance(data["label"], str)
    assert {data["kind"] for *_, data in graph.edges(data=True)} >= {link.kind for link in shown.links}


def test_graphml_has_names_shapes_lines_and_owners():
    graph = networkx.read_graphml(io.BytesIO(FORMATS["graphml"](PICTURES["net"])), force_multigraph=True)
    data = graph.nodes["n6"]
    assert (data["label"], data["op"], data["notes"], data["shape"]) == ("maximum", "maximum", "y=0.0", "(?, 100)")
    assert data["place"].startswith("programs.py:")
    assert graph.edges["n5", "n6", 0]["shape"] == "(?, 100)"
    assert graph.nodes["n3"]["bytes"] == 1000 * 100 * 4
    assert graph.nodes["n6"]["bytes"] == -1
    inner = networkx.read_graphml(io.BytesIO(FORMATS["graphml"](PICTURES["loop"])), force_multigraph=True)
    owners = {data["owner"] for _, data in inner.nodes(data=True)} - {""}
    assert owners
    assert all(inner.nodes[owner]["kind"] in ("control", "update") for owner in owners)


# JSON


@EVERY
def test_json_comes_back_as_the_same_picture(shown: Picture):
    text = FORMATS["json"](shown)
    back = read(text)
    assert FORMATS["json"](back) == text
    assert counts(back) == counts(shown)
    assert [(item.kind, item.scope, item.count, item.root, item.status) for item in back.items] == [
        (item.kind, item.scope, item.count, item.root, item.status) for item in shown.items
    ]
    key = {item.key: at for at, item in enumerate(shown.items)}
    assert [(link.tail, link.head, link.kind, link.spec, link.count) for link in back.links] == [
        (key[link.tail], key[link.head], link.kind, link.spec, link.count) for link in shown.links
    ]


@EVERY
def test_a_picture_from_json_can_be_drawn(shown: Picture):
    back = read(FORMATS["json"](shown))
    for form in FORMATS.keys() - {"png", "pdf", "mermaid", "html"}:
        assert FORMATS[form](back)
    if "tape" not in shown.title and shown is not PICTURES["tape"]:
        assert FORMATS["mmd"](back) == FORMATS["mmd"](shown)


def test_json_has_its_schema(tmp_path):
    made = as_dict(PICTURES["net"])
    assert (made["format"], made["version"]) == ("diptych.picture", 1)
    (whole,) = made["pictures"]
    assert whole["title"] == "Two-layer net"
    item = whole["items"][5]
    assert item["outputs"] == [{"shape": [None, 100], "dtype": "float32"}]
    assert (item["op"], item["notes"], item["kind"], item["scope"]) == ("maximum", ["y=0.0"], "operation", [])
    assert whole["links"][0] | {"at": 0} == {
        "from": "n1", "to": "n5", "kind": "data", "shape": [None, 1000], "dtype": "float32", "count": 1, "status": "",
        "upwards": False, "at": 0, "out": 0, "label": "", "notes": [], "numbers": {},
    }  # fmt: skip
    path = draw.save(tmp_path / "net.json", programs.net(), title="Two-layer net")
    assert draw.FORMATS["svg"](draw.load(path)).startswith(b"<?xml")


@pytest.mark.parametrize(
    "text",
    ["", "{}", "[]", "null", '{"format": "other", "version": 1}', '{"format": "diptych.picture", "version": 1}',
     '{"format": "diptych.picture", "version": 1, "pictures": []}',
     '{"format": "diptych.picture", "version": 1, "pictures": [{}]}'],
)  # fmt: skip
def test_what_is_no_picture_is_refused(text: str):
    with pytest.raises(PictureError):
        read(text)


def test_later_versions_and_unknown_kinds_are_refused():
    made = as_dict(PICTURES["net"])
    with pytest.raises(PictureError, match=f"of version {VERSION + 1}"):
        read(json.dumps(made | {"version": VERSION + 1}))
    made["pictures"][0]["items"][0]["kind"] = "<b>"
    with pytest.raises(PictureError, match="is none of placeholder"):
        read(json.dumps(made))


# Text


def drawn(shown: Picture, width: int = 100) -> list[str]:
    return draw.terminal(shown, width=width).decode().splitlines()


@EVERY
@pytest.mark.parametrize("width", [40, 80, 200])
def test_text_has_a_line_for_each_box_within_the_width(shown: Picture, width: int):
    found = drawn(shown, width)
    boxes, _, bodies = counts(shown)
    heads = found.index("") + 1
    assert len(found) == heads + boxes + 2 * bodies
    assert max(map(cell_len, found)) <= width
    assert not any(line != line.rstrip() for line in found)


def test_text_draws_where_values_flow():
    lanes = ["◇", "│ ◇", "│ │ ◇", "│ │ │ ◇", "●─│─╯ │", "● │   │", "●─│───╯", "●─╯", "●", "●"]
    for lane, line in zip(lanes, drawn(PICTURES["net"])[3:], strict=True):
        assert re.match(f"{lane}  [a-z]", line), line
    assert "maximum  y=0.0  programs.py:" in drawn(PICTURES["net"])[8]
    assert [line.rsplit("  ", 1)[1] for line in drawn(PICTURES["net"])[3:7]] == [
        "(?, 1000)", "(?, 10)", "(1000, 100)", "(100, 10)",
    ]  # fmt: skip


def test_a_value_that_goes_on_is_told_from_one_that_ends():
    x = new_parameter(Spec((2,), "float32"), "x")
    lanes = [line.split("  ")[0] for line in drawn(draw.picture([(x * x) + (-x)]))[2:]]
    assert lanes == ["◇", "├─●", "● │", "●─╯"]


def test_text_of_many_values_names_them_by_number():
    values = [new_parameter(Spec((2,), "float32"), f"x{n}") for n in range(MOST_LANES + 5)]
    found = drawn(draw.picture([OPS["concat"](*values, axis=0)]))
    assert found[2].split()[:3] == ["1", "◇", "x0"]
    assert "← 1, 2, 3, 4, 5, …" in found[-1]


def test_measures_and_notes_on_values_are_told():
    found = drawn(PICTURES["annotated"], 160)
    assert found[1].endswith("▁█ memory: 4 B to 48 B")
    leaf, *_ = [line for line in found if "leaf" in line]
    assert "█ leaf  48 B  1  test_formats.py" in leaf
    assert "  style n1 fill:#d55e00" in lines(PICTURES["annotated"])
    graph = networkx.read_graphml(io.BytesIO(FORMATS["graphml"](PICTURES["annotated"])), force_multigraph=True)
    assert graph.nodes["n1"]["measured memory"] == 48.0


def test_bodies_stand_below_their_owner_in_a_frame():
    found = drawn(PICTURES["loop"])
    begin = next(at for at, line in enumerate(found) if "╭╌ body: while" in line)
    assert "loop" in found[begin - 1] or "╰╌" in found[begin - 1]
    assert found[begin + 1].startswith("  ┆ ")
    assert sum("╭╌" in line for line in found) == sum("╰╌" in line for line in found) == counts(PICTURES["loop"])[2]


def test_show_prints_in_colours_as_wide_as_the_console():
    out = io.StringIO()
    draw.show(programs.net(), console=Console(file=out, width=60, color_system="truecolor", force_terminal=True))
    assert "\x1b[" in out.getvalue()
    plain = re.sub(r"\x1b\[[\d;]*m", "", out.getvalue())
    assert max(map(len, plain.splitlines()[2:])) <= 60


def test_a_chain_of_thousands_of_nodes_in_every_format(many):
    x = new_parameter(Spec((), "float32"), "x")
    count = many(20_000)
    for at in range(count):
        x = OPS[("exp", "tanh")[at % 7 == 0]](x)
    shown = draw.picture([x], budget=10**9)
    assert len(shown.items) == count + 1
    for form in ("mmd", "json", "txt"):
        assert FORMATS[form](shown).count(b"\n") >= count + 1
