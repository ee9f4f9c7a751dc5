"""Going into loops and branches node by node gives the bits of their kernels, whatever the program; and a what-if does."""

import numpy
import pytest

import static as tf
from tests.static.loop_programs import PROGRAMS


SOME = ["tanh_net", "while_until_it_is_large", "scan_in_a_scan", "branch_in_a_scan", "drawing_in_scans"]


def _built(name):
    graph = tf.Graph()
    with graph.as_default():
        tf.set_random_seed(3)
        outs, feeds = PROGRAMS[name]()
        init = tf.global_variables_initializer()
    return graph, outs, feeds, init


def _session(graph, init):
    session = tf.Session(graph=graph, passes=())
    session.run(init)
    return session


def _bits(values):
    return [(x.dtype, x.shape, x.tobytes()) for x in map(numpy.asarray, values)]


@pytest.mark.parametrize("name", sorted(PROGRAMS))
def test_node_by_node_gives_the_bits_of_the_kernels(name):
    graph, outs, feeds, init = _built(name)
    expected = _session(graph, init).run(outs, feeds)
    stepper = tf.debug(outs, feeds, _session(graph, init))
    assert _bits(stepper.finish()) == _bits(expected)
    inside = [each for each in stepper.moments if each.rounds]
    assert inside
    assert not any("parameter" in label for each in stepper.moments for label in each.reads)


@pytest.mark.parametrize("name", SOME)
def test_a_change_in_the_middle_is_the_run_with_that_value_fed(name):
    graph, outs, feeds, init = _built(name)
    fed = next(x for x in feeds if x.dtype.is_floating)
    new = feeds[fed] * 1.25
    expected = _session(graph, init).run(outs, {**feeds, fed: new})
    stepper = tf.debug(outs, feeds, _session(graph, init))
    while stepper.step().reason == "step" and not (stepper.here.rounds and stepper.here.k == 1):
        pass
    stepper.change(fed.op.name, new)
    assert _bits(stepper.finish()) == _bits(expected)


@pytest.mark.parametrize("name", [*SOME, "whiles_with_other_steps_and_ends", "while_with_arrays", "second_derivatives"])
def test_watching_changes_no_bit(name):
    graph, outs, feeds, init = _built(name)
    seen = []
    results = []
    for what in (None, "*"):
        session = tf.Session(graph=graph)
        session.run(init)
        made = tf.watch(what, to=seen.append, graph=graph) if what else None
        results.append([_bits(session.run(outs, feeds)) for _ in range(2)])
        if made:
            made.stop()
    assert results[0] == results[1]
    assert any(each.rounds for each in seen)
