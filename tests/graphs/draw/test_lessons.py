"""What pictures teach: loops round by round, modules, what a tape keeps and frees, updates on and off the graph, fusion."""

from __future__ import annotations

import numpy
import pytest

import dynamic as torch
import static as tf
from dynamic import nn
from graphs import draw
from graphs.core.node import Node, Value, new_parameter
from graphs.core.op import OPS
from graphs.core.spec import Spec
from graphs.draw.labels import TIMES
from graphs.draw.overlay import Overlay
from graphs.draw.style import HEAT, heat


def named(shown):
    return {item.key: item.title or item.node.op.name for item in shown.items}


def arrows(shown, *kinds):
    names = named(shown)
    return [(names[link.tail], link.label, names[link.head]) for link in shown.links if not kinds or link.kind in kinds]


@pytest.fixture
def scan():
    """The last of ten states, each the tanh of the last plus a row."""
    with tf.Graph().as_default():
        rows = tf.placeholder("float32", [10, 4], name="rows")
        w = tf.get_variable("w", [4])
        states = tf.scan(lambda h, x: tf.tanh(h * w + x), rows, initializer=tf.zeros([4]))
        yield [tf.reduce_sum(states[-1])]


# Loops


def test_a_loop_is_drawn_round_by_round_with_its_state_handed_on(scan):
    rolled, shown = draw.picture(scan), draw.picture(scan, unroll=3)
    assert [item.title for item in rolled.items if item.kind == "control"] == [""]
    assert [item.bodies[0][0] for item in rolled.items if item.bodies] == ["body"]
    words = list(named(shown).values())
    assert [words.count(op) for op in ("multiply", "add", "tanh")] == [3, 3, 3]
    assert [item.title for item in shown.items if item.kind == "control"] == ["\u2026 7 more rounds"]
    rounds = {item.key: item.scope[-1] for item in shown.items if item.scope and item.scope[-1].startswith("round")}
    names = named(shown)
    handed = [
        (rounds[link.tail], rounds[link.head])
        for link in shown.links
        if names[link.tail] == "tanh" and names[link.head] == "multiply"
    ]
    assert handed == [("round 1", "round 2"), ("round 2", "round 3")]
    assert [label for tail, label, head in arrows(shown) if tail == "placeholder" and head == "add"] == ["[0]", "[1]", "[2]"]
    assert ("placeholder", "the rest", "\u2026 7 more rounds") in arrows(shown)
    assert [label for tail, label, head in arrows(shown) if tail == "tanh" and label] == ["[0]", "[1]", "[2]"]
    assert "round 3" in draw.svg(scan, unroll=3)


def test_all_rounds_leave_nothing_more(scan):
    shown = draw.picture(scan, unroll=50)
    assert list(named(shown).values()).count("tanh") == 10
    assert [item.title for item in shown.items if item.kind == "control"] == ["end of loop"]
    assert "\u2026 10 more rounds" in named(draw.picture(scan, unroll=0)).values()
    with pytest.raises(ValueError, match="-1 rounds"):
        draw.picture(scan, unroll=-1)


def test_a_loop_with_a_condition_keeps_it_and_says_no_number():
    with tf.Graph().as_default():
        end = tf.while_loop(lambda i, z: i < 9, lambda i, z: (i + 1, z * 2.0), [tf.constant(0), tf.constant(1.0)])
        shown = draw.picture([end[1]], unroll=2)
    (loop,) = [item for item in shown.items if item.kind == "control"]
    assert loop.title == "\u2026 more rounds"
    assert [word for word, _ in loop.bodies] == ["cond"]
    assert list(named(shown).values()).count("multiply") == 2


def test_loops_within_loops_are_unrolled_too():
    with tf.Graph().as_default():
        rows = tf.placeholder("float32", [3, 2, 4])

        def outer(h, x):
            return tf.foldl(lambda g, y: tf.exp(g + y), x, initializer=h)

        shown = draw.picture([tf.foldl(outer, rows, initializer=tf.zeros([4]))], unroll=2)
    assert list(named(shown).values()).count("exp") == 4
    assert {len([part for part in item.scope if part.startswith("round")]) for item in shown.items} >= {0, 2}
    assert {link.tail for link in shown.links} | {link.head for link in shown.links} <= {item.key for item in shown.items}


# Modules


class Block(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.fc = nn.Linear(width, width)

    def forward(self, x):
        return x + self.fc(x).relu()


class Net(nn.Module):
    def __init__(self, widths):
        super().__init__()
        self.blocks = nn.Sequential(*[Block(8) for _ in range(widths)])
        self.last = nn.Linear(8, 3)

    def forward(self, x):
        return self.last(self.blocks(x))


def test_modules_are_the_scopes_of_a_tape_and_repeats_are_one_block():
    net = Net(12)
    with draw.modules(net) as scopes:
        loss = net(torch.ones(2, 8)).sum()
    shown = draw.picture(loss, view="forward", modules=scopes)
    assert {item.scope for item in shown.items if named(shown)[item.key] == "relu"} == {
        ("blocks: Sequential", f"{at}: Block") for at in range(12)
    }
    assert {item.title for item in shown.items if item.kind == "variable"} == {"weight", "bias"}
    folded = draw.picture(loss, view="forward", modules=scopes, depth=1, repeats=True)
    assert f"Block  {TIMES} 12" in [item.title for item in folded.items]
    at_once = draw.picture(loss, view="forward", modules=scopes, depth=0)
    assert [item.title for item in at_once.items if item.kind == "fold"] == ["blocks: Sequential", "last: Linear"]
    # The hooks are gone, and another call leaves no scope.
    calls = len(scopes.calls)
    net(torch.ones(2, 8))
    assert len(scopes.calls) == calls == 27


def test_a_differing_copy_stands_apart():
    net = Net(6)
    net.blocks[3] = nn.Sequential(nn.Linear(8, 8), nn.Tanh())
    with draw.modules(net) as scopes:
        loss = net(torch.ones(2, 8)).sum()
    shown = draw.picture(loss, view="forward", modules=scopes, depth=1, repeats=True)
    blocks = [item.title for item in shown.items if item.kind == "fold"]
    assert sorted(blocks) == sorted([f"Block  {TIMES} 3", "3: Sequential", f"Block  {TIMES} 2"])


def test_a_model_alone_names_its_parameters_and_what_reads_them():
    net = Net(2)
    shown = draw.picture(net(torch.ones(2, 8)).sum(), view="forward", modules=net)
    linear = [item.scope for item in shown.items if named(shown)[item.key] == "linear"]
    assert linear[0] == ("blocks: Sequential", "0: Block", "fc: Linear")
    assert linear[-1] == ("last: Linear",)


# What a tape keeps, frees, and does not have


@pytest.fixture
def training():
    """A loss of two named leaves."""
    w, v = (torch.full(shape, 0.5, requires_grad=True) for shape in ((3, 4), (4, 2)))
    w.name, v.name = "w", "v"
    return (torch.ones(5, 3) @ w).tanh().mm(v).exp().sum(), w, v


def test_what_was_kept_is_freed_by_the_way_back_and_struck_out(training):
    loss, _, _ = training
    before = draw.picture(loss, show=("shapes", "bytes"))
    kept = {(tail, head) for tail, _, head in arrows(before, "saved")}
    assert not any(item.freed for item in before.items)
    assert {link.numbers["bytes"] for link in before.links if link.kind == "saved"} == {60, 80, 32, 40}
    loss.backward()
    after = draw.picture(loss)
    freed = {(tail, head) for tail, _, head in arrows(after, "freed")}
    assert freed == kept - {("data", "MmBackward0")}  # the tape does not know any more what data it had
    assert {item.title for item in after.items if item.freed} == {"MmBackward0", "TanhBackward0", "ExpBackward0"}
    assert "<S>" in draw.dot(loss)
    assert "kept, and freed by the way back" in draw.dot(loss)


def test_the_update_is_outside_of_the_tape_and_inside_of_the_graph(training):
    loss, w, v = training
    shown = draw.picture(loss, update=torch.optim.SGD([w, v], lr=0.1))
    assert ("AccumulateGrad", "", "SGD: w") in arrows(shown, "gradient")
    assert ("leaf", "", "SGD: v") in arrows(shown, "changes")
    frames = {item.title or item.node.op.name: item.scope[0] for item in shown.items}
    assert frames["SGD: w"].startswith("outside")
    assert {frame for name, frame in frames.items() if not name.startswith("SGD")} == {"the tape: made anew in each step"}
    assert next(item for item in shown.items if item.title == "SGD: w").notes == ("lr=0.1",)
    by_hand = draw.picture(loss, view="forward", update=[w])
    assert [item.title for item in by_hand.items if item.kind == "change"] == ["changed in Python: w"]
    other = torch.ones(2, requires_grad=True)
    assert draw.picture(loss, update=[w, other]).items[-1].notes == ("1 more parameter, not on this tape",)
    values = draw.picture(loss, nodes="tensors", update=[w])
    assert ("w.grad", "", "changed in Python: w") in arrows(values, "gradient")
    few = draw.picture(loss, update=[w], budget=12)
    assert {item.scope[0] for item in few.items if item.scope} == set(frames.values())
    with pytest.raises(ValueError, match="no parameter of this update is on the tape"):
        draw.picture(loss, update=[other])
    with pytest.raises(TypeError, match="an update is an optimiser or tensors, not a float"):
        draw.picture(loss, update=0.1)
    with tf.Graph().as_default():
        x = tf.Variable(1.0, name="x")
        train = tf.train.GradientDescentOptimizer(0.1).minimize(x * x)
        assert "changes" in {link.kind for link in draw.picture([train]).links}


def test_forward_nodes_and_those_of_their_gradients_know_each_other():
    with tf.Graph().as_default():
        x = tf.placeholder("float32", [3], name="x")
        with tf.name_scope("net"):
            y = tf.tanh(x, name="squash")
        loss = tf.reduce_sum(y, name="loss")
        shown = draw.picture([loss, *tf.gradients(loss, [x])])
    by_key = {item.key: item for item in shown.items}
    whose = {by_key[item.of].node.name for item in shown.items if item.of is not None}
    assert whose == {"net/squash", "loss"}
    assert {item.notes for item in shown.items if item.node.name in whose} == {
        ("\u2207 in squash_grad",),
        ("\u2207 in loss_grad",),
    }
    both = draw.picture([loss, *tf.gradients(loss, [x])], nodes="both")
    keys = {item.key: item for item in both.items}
    assert all(keys[item.of].phase == "forward" for item in both.items if item.of is not None)


# Fusion, placement, measures


def test_what_a_plan_fuses_is_a_coloured_cluster_over_what_was_written():
    with tf.Graph().as_default():
        x = tf.placeholder("float32", [4], name="x")
        with tf.name_scope("net"):
            y = tf.tanh(x * 2.0 + 1.0)
        z = tf.reduce_sum(y)
        session = tf.Session()
        plan = session.plan(z, [x])
        shown = draw.picture([z], regions=plan)
        run = draw.picture(plan)
    (scope,) = shown.clusters
    assert shown.clusters[scope] == "region 0"
    assert scope[:-1] == ("net",)
    assert [named(shown)[item.key] for item in shown.items if item.scope == scope] == ["multiply", "add", "tanh"]
    assert "fused" in named(run).values()
    assert "fused to one kernel" in draw.dot([z], regions=plan)
    by_hand = draw.picture([z], regions={"mine": [y, z]})
    assert [item.node.op.name for item in by_hand.items if item.scope and item.scope[-1] == "mine"] == ["tanh", "sum"]
    with pytest.raises(TypeError, match="regions are those of a plan or groups of nodes"):
        draw.picture([z], regions=3)


def test_placement_tells_what_was_asked_for_and_where_it_ran():
    with tf.Graph().as_default():
        a = tf.constant([1.0], name="a")
        with tf.device("/job:worker/task:1/gpu:0"):
            b = tf.exp(a)
        shown = draw.picture([b])
        assert [item.device for item in shown.items] == ["", "asked worker:1 GPU:0"]
        assert draw.picture([b], devices=False).devices == ()
        dot = tf.Session(config=tf.ConfigProto(allow_soft_placement=True)).draw([b], format="dot", devices=True).decode()
    assert "asked worker:1 GPU:0, ran on CPU:0" in dot
    x = torch.ones(2, requires_grad=True)
    assert draw.picture(x.exp(), view="forward").devices == ()
    assert draw.picture(x.exp(), view="forward", devices=True).devices == ("on CPU:0",)


def test_overlays_colour_boxes_by_a_measure_with_a_legend():
    x = new_parameter(Spec((1000,), "float32"), "x")
    y = x * 2.0
    z = OPS["sum"](y)
    shown = draw.picture([z], overlay="memory")
    assert [item.numbers["memory"] for item in shown.items] == [4000, 4000, 4]
    assert (shown.scale.low, shown.scale.high, shown.scale.unit) == (4, 4000, "B")
    assert shown.scale.place(4000) == 1.0
    log = draw.picture([z], overlay={y: 1e-6, z.node.serial: 1e-3, "x": 1e-4}, log=True)
    assert log.scale.place(1e-4) == pytest.approx(2 / 3)
    assert draw.picture([z], overlay="operations").items[1].numbers == {"operations": 1000}
    dot = draw.dot([z], overlay=Overlay({y: 0.002, z: 0.001}, "wall time", "s"))
    assert "wall time, linear" in dot
    assert "2 ms" in dot
    assert HEAT[0] in dot
    assert HEAT[-1] in dot
    with pytest.raises(ValueError, match="times are measured"):
        draw.picture([z], overlay="time")
    with pytest.raises(ValueError, match="no measure heat"):
        draw.picture([z], overlay="heat")
    with pytest.raises(ValueError, match="has a number for measured"):
        draw.picture([z], overlay={})


def test_folds_have_the_sums_of_what_they_hold():
    x = new_parameter(Spec((), "float32"), "x")
    for at in range(40):
        x = Node(OPS["exp"], (x,), {}, (x.spec,), f"exp_{at}", value=Value).outputs[0]
    shown = draw.picture([x], overlay="memory", budget=5)
    assert [item.numbers["memory"] for item in shown.items] == [4, 160]


def test_kernels_of_a_tape_are_timed_record_by_record():
    x = torch.ones(200, 200, requires_grad=True)
    with draw.timed() as times:
        loss = (x @ x).exp().sum()
    kernels = {op: op.kernel for op in OPS.values()}
    shown = draw.picture(loss, view="forward", overlay=("time", times))
    assert [named(shown)[item.key] for item in shown.items if item.numbers] == ["matmul", "exp", "sum"]
    assert all(seconds > 0 for seconds in times.values())
    with draw.timed(), pytest.raises(RuntimeError, match="being measured already"), draw.timed():
        pass
    assert {op: op.kernel for op in OPS.values()} == kernels


def test_colours_of_a_measure_fall_in_lightness():
    def lightness(colour):
        r, g, b = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
        return 0.2126 * r + 0.7152 * g + 0.0722 * b

    steps = [lightness(heat(place)) for place in numpy.linspace(0, 1, 21)]
    assert steps == sorted(steps, reverse=True)
    assert steps[0] - steps[-1] > 0.5


# Folding


def test_scopes_fold_by_depth_and_by_predicate():
    with tf.Graph().as_default():
        x = tf.placeholder("float32", [None, 4], name="x")
        for at in range(3):
            with tf.name_scope(f"layer{at}"), tf.name_scope("inner"):
                x = tf.tanh(x * 2.0)
        assert [item.title for item in draw.picture([x], depth=0).items] == ["", "layer0", "layer1", "layer2"]
        assert [item.title for item in draw.picture([x], depth=1).items] == ["", "inner", "inner", "inner"]
        assert len(draw.picture([x], depth=2).items) == 7
        opened = draw.picture([x], expand=lambda node: "layer1" in node.name)
        assert [item.title for item in opened.items] == ["", "layer0", "", "", "layer2"]
        repeated = draw.picture([x], depth=0, repeats=True)
        assert [item.title for item in repeated.items] == ["", f"layer {TIMES} 3".replace(" \u00d7", f"  {TIMES}")]
        with pytest.raises(ValueError, match="a depth of -1"):
            draw.picture([x], depth=-1)


def test_scopes_in_which_shapes_change_stay_open():
    with tf.Graph().as_default():
        x = tf.placeholder("float32", [8, 4], name="x")
        with tf.name_scope("same"):
            x = tf.tanh(x * 2.0)
        with tf.name_scope("other"):
            x = tf.exp(tf.reduce_sum(x, 1))
        shown = draw.picture([x], expand=draw.shape_changes)
    assert [item.title for item in shown.items] == ["", "same", "", ""]
