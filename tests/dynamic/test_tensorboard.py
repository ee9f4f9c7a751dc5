"""Event files that TensorBoard reads, with this package's tensors in them."""

import sys

import numpy as np
import pytest

import dynamic
from dynamic.utils.tensorboard import SummaryWriter


tensorboardX = pytest.importorskip("tensorboardX")  # noqa: N816 (the package's name)


def events(folder):
    """The events of the only file there, in order."""
    from tensorboardX.proto.event_pb2 import Event

    (path,) = folder.glob("events.out.tfevents.*")
    content = path.read_bytes()
    found = []
    while content:
        length = int.from_bytes(content[:8], "little")
        found.append(Event.FromString(content[12 : 12 + length]))
        content = content[16 + length :]
    return found


def values(folder):
    return {value.tag: (event.step, value) for event in events(folder) for value in event.summary.value}


def test_scalars(tmp_path):
    with SummaryWriter(tmp_path) as writer:
        assert writer.get_logdir() == str(tmp_path)
        writer.add_scalar("loss", dynamic.tensor(2.5, requires_grad=True) * 1, 3)
        writer.add_scalar("rate", 0.5, global_step=4)
    found = values(tmp_path)
    assert (found["loss"][0], found["loss"][1].simple_value) == (3, 2.5)
    assert (found["rate"][0], found["rate"][1].simple_value) == (4, 0.5)


def test_several_scalars(tmp_path):
    with SummaryWriter(tmp_path) as writer:
        writer.add_scalars("both", {"a": dynamic.tensor(1.0), "b": 2.0}, 1)
    found = [values(path.parent) for path in sorted(tmp_path.rglob("events*"))]
    assert sorted(value.simple_value for each in found for _, value in each.values()) == [1.0, 2.0]


@pytest.mark.parametrize(("chart", "line"), [("a", "../../b"), ("..", "b"), ("a", "/tmp/b"), ("a/../..", "b")])
def test_no_tag_leads_out_of_the_directory(tmp_path, chart, line):
    with SummaryWriter(tmp_path / "logs") as writer:
        with pytest.raises(ValueError, match="name a folder outside of"):
            writer.add_scalars(chart, {"fine": 1.0, line: 2.0}, 1)
        writer.add_scalars("a/b", {"..c": 1.0}, 1)
    assert [path.name for path in tmp_path.iterdir()] == ["logs"]
    assert [str(path.parent.relative_to(tmp_path)) for path in tmp_path.rglob("events*")].count("logs/a/b/..c") == 1


def test_histograms(tmp_path):
    x = dynamic.from_numpy(np.arange(10.0)).requires_grad_()
    with SummaryWriter(str(tmp_path)) as writer:
        writer.add_histogram("weights", x * 2, 1)
        writer.add_histogram("numbers", np.arange(5), 1, bins="auto")
    histogram = values(tmp_path)["weights"][1].histo
    assert (histogram.min, histogram.max, histogram.num, histogram.sum) == (0, 18, 10, 90)
    assert "numbers" in values(tmp_path)


def test_images(tmp_path):
    with SummaryWriter(tmp_path) as writer:
        writer.add_image("one", dynamic.rand(3, 4, 5), 0)
        writer.add_image("grey", dynamic.rand(4, 5), 0, dataformats="HW")
        writer.add_images("many", dynamic.rand(2, 3, 4, 5), 0)
    found = values(tmp_path)
    assert (found["one"][1].image.height, found["one"][1].image.width) == (4, 5)
    assert {"grey", "many"} <= set(found)


def test_text_and_settings(tmp_path):
    with SummaryWriter(tmp_path / "a") as writer:
        writer.add_text("note", "some *text*", 2)
    assert any(tag.startswith("note") for tag in values(tmp_path / "a"))
    with SummaryWriter(tmp_path / "b") as writer:
        writer.add_hparams({"lr": 0.1, "layers": dynamic.tensor(2)}, {"loss": dynamic.tensor(0.5)})
    assert list((tmp_path / "b").rglob("events*"))


def test_embeddings_and_curves(tmp_path):
    with SummaryWriter(tmp_path) as writer:
        writer.add_embedding(dynamic.rand(4, 3), metadata=["a", "b", "c", "d"], tag="points")
        writer.add_pr_curve("curve", dynamic.tensor([0, 1, 1, 0]), dynamic.tensor([0.1, 0.8, 0.6, 0.4]), 0)
    assert any("curve" in tag for tag in values(tmp_path))
    assert list(tmp_path.rglob("tensors.tsv"))


def test_graphs(tmp_path):
    from tensorboardX.proto.graph_pb2 import GraphDef

    model = dynamic.nn.Sequential(dynamic.nn.Linear(3, 4), dynamic.nn.ReLU(), dynamic.nn.Linear(4, 2))
    with SummaryWriter(tmp_path) as writer:
        writer.add_graph(model, dynamic.rand(5, 3))
    (event,) = [event for event in events(tmp_path) if event.graph_def]
    nodes = {node.name: node for node in GraphDef.FromString(event.graph_def).node}
    assert {"0/weight", "0/bias", "2/weight", "2/bias"} <= set(nodes)
    assert all(source in nodes for node in nodes.values() for source in node.input)
    last = [node for node in nodes.values() if not any(node.name in other.input for other in nodes.values())]
    assert [[d.size for d in node.attr["_output_shapes"].list.shape[0].dim] for node in last] == [[5, 2]]


def test_without_the_package(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "tensorboardX", None)
    with pytest.raises(ImportError, match=r"pip install 'diptych\[tensorboard\]'"):
        SummaryWriter(tmp_path)
