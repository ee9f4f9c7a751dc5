"""What is written for other programs, of names that mean ill: event files, traces, timelines."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import pytest

import static as tf
from graphs.draw import timeline, timeline_text
from graphs.placing.timeline import Run, Timeline, Transfer
from tests.hostile import EVERY, fours, legal, sample


def read(folder: Path) -> list[Any]:
    return [event for path in sorted(folder.iterdir()) for event in tf.train.summary_iterator(str(path))]


def test_event_files_hold_names_as_they_are_and_nothing_else(tmp_path: Path, many: Any) -> None:
    """Tags are of the characters that tags may have; text, which TensorBoard shows without its markup, is bytes."""
    pytest.importorskip("tensorboardX")
    from tensorboardX.proto.graph_pb2 import GraphDef

    found = fours(many(200))
    built, refused = [], 0
    with tf.Session() as session:
        for at, (tag, family, words, node) in enumerate(found):
            data = words.encode("utf-8", "surrogatepass")
            with tf.name_scope(f"s{at}"):
                value = tf.constant(float(at), name=legal(node))
                try:
                    number = tf.summary.scalar(tag, value, family=family or None)
                except ValueError:
                    with pytest.raises(
                        ValueError, match="is not a valid scope name"
                    ):  # letters that no node's name may have
                        tf.summary.scalar(tag, value, family=family or None)
                    number, refused = tf.summary.scalar("x", value), refused + 1
                text = tf.summary.text(f"note{at}", tf.constant([data]))
            built.append((number, text, data))
        with tf.summary.FileWriter(str(tmp_path), session.graph) as writer:
            for at, (number, text) in enumerate(session.run([pair[:2] for pair in built])):
                writer.add_summary(number, at)
                writer.add_summary(text, at)
    _, graph, *rest = read(tmp_path)
    assert {node.name for node in GraphDef.FromString(graph.graph_def).node} == {
        op.name for op in session.graph.get_operations()
    }
    assert len(rest) == 2 * len(found)
    assert refused < len(found) / 2
    for at, (scalar, note) in enumerate(zip(rest[::2], rest[1::2], strict=True)):
        (value,) = scalar.summary.value
        assert (scalar.step, value.simple_value) == (at, at)
        assert value.tag.isprintable()
        assert not set(value.tag) & set("<>&\"'\\ =+@\n\r\t{}()")
        (value,) = note.summary.value
        assert list(value.tensor.string_val) == [built[at][2]]


def shown(name: str, worker: str, other: str) -> Timeline:
    sent = Transfer(0, worker, other, 8, 1.0, 2.0, name=name)
    return Timeline.of([worker, other], [Run(0, worker, 0.0, 1.0, name, kind=name)], [sent], title=name)


def test_traces_are_json_with_names_as_text(many: Any) -> None:
    names = [name or "x" for name in sample(many(1000))]
    for at, name in enumerate(names):
        worker, other = names[at - 1], f"{names[at - 2]} "
        text = shown(name, worker, other).chrome_trace()
        assert text.isascii()
        assert all(line.isprintable() for line in text.split("\n"))
        found = json.loads(text)["traceEvents"]
        assert {event["name"] for event in found} >= {name, "process_name", "thread_name"}
        assert {event["args"]["name"] for event in found if event["ph"] == "M"} >= {name, worker, other}
        assert {event["ph"] for event in found} == set("MXsf")


@pytest.mark.filterwarnings("ignore:Glyph")  # a font that has no such letter is no harm
def test_drawn_timelines_are_shapes_and_text(many: Any) -> None:
    pytest.importorskip("matplotlib")

    def structure(name: str) -> set[tuple[str, ...]]:
        drawn = timeline(shown(name, name, f"{name} other"), title=name).decode()
        return {(element.tag, *sorted(element.attrib)) for element in ElementTree.fromstring(drawn).iter()}

    usual = structure("plain")
    count = many(200)
    for at in range(0, len(EVERY), max(1, 1000 // count)):
        name = EVERY[at]
        found = structure(name or "x")
        assert {tag for tag, *_ in found} <= {tag for tag, *_ in usual}, name
        attributes = {each for _, *names in found for each in names}
        assert attributes <= {each for _, *names in usual for each in names}, name


def test_timelines_in_a_terminal_are_printable(many: Any) -> None:
    names = [name or "x" for name in sample(many(1000))]
    for at, name in enumerate(names):
        assert all(line.isprintable() for line in timeline_text(shown(name, names[at - 1], f"{names[at - 2]} ")).split("\n"))
