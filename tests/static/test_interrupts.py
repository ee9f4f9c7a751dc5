"""A step that is interrupted, or fails: variables are all old or all new, and the next step is as if nothing had been."""

import pytest

import static as tf
from static.passes import PIPELINE, reuse
from tests.interrupting import Fault, everywhere, product, within
from tests.static.programs_of_steps import loop, net, table


class Twins:
    """Two sessions of one graph: one that is interrupted, and one that never is, which shows how things have to stand."""

    def __init__(self, program, native=False, **settings):
        self.graph = tf.Graph()
        with self.graph.as_default():
            tf.set_random_seed(7)
            self.fetches, self.feeds = program()
            self.variables = tf.global_variables()
            self.start = tf.global_variables_initializer()
        self.sessions = [tf.Session(graph=self.graph, **settings) for _ in range(2)]
        for session in self.sessions:
            session.run(self.start)
            session.run(self.fetches, self.feeds)
            if native:
                assert session.plan(self.fetches, self.feeds).compile()
                session.run(self.fetches, self.feeds)
        self.states = [self.standing(self.sessions[1])]
        self.at = 0

    def standing(self, session=None):
        return [x.tobytes() for x in (session or self.sessions[0]).run(self.variables)]

    def state(self, number):
        while len(self.states) <= number:
            self.sessions[1].run(self.fetches, self.feeds)
            self.states.append(self.standing(self.sessions[1]))
        return self.states[number]

    def step(self):
        return self.sessions[0].run(self.fetches, self.feeds)

    def check(self, where=None):
        """Whether the step counts, which may have been interrupted. The one after it is as without the interrupt."""
        found = self.standing()
        assert found in (self.state(self.at), self.state(self.at + 1)), f"torn by an interrupt at {where}"
        done = found == self.state(self.at + 1)
        self.step()
        self.at += 1 + done
        assert self.standing() == self.state(self.at), f"another next step after an interrupt at {where}"
        return done


RUNS = ("static/session.py", "static/plan.py", "static/rows.py")
"""Where it is decided what a run leaves."""


@pytest.mark.parametrize("program", [net, table, loop])
@pytest.mark.parametrize("way", ["plain", "optimised", "native", "interpreted", "node by node"])
def test_a_step_is_done_or_not_wherever_it_is_interrupted(program, way, monkeypatch, pytestconfig):
    if way == "interpreted":
        monkeypatch.setattr("static.plan._MOST_LINES", 0)
    passes = {"plain": (), "optimised": [each for each in PIPELINE if each is not reuse]}.get(way, PIPELINE)
    twins = Twins(program, native=way == "native", passes=passes)
    if way == "node by node":
        twins.step = lambda: twins.sessions[0].interpret(twins.fetches, twins.feeds)
    plan = twins.sessions[0].plan(twins.fetches, twins.feeds)
    assert plan.rows == (program is table)
    assert bool(plan.native) == (way == "native")
    inside, every = within(*RUNS), 5 if way in ("interpreted", "node by node") else 1
    if pytestconfig.getoption("--long"):
        inside, every = product, 1
    outcomes = [twins.check(interrupt.where) for interrupt in everywhere(twins.step, inside, every)]
    assert set(outcomes) == {False, True} or every > 1


def test_a_run_that_compiles_its_plan_may_be_interrupted(monkeypatch, pytestconfig):
    monkeypatch.setattr("static.plan.HOT_SECONDS", 0.0)
    monkeypatch.setattr("static.plan.SECONDS_A_CALL", 0.0)
    twins = Twins(net)

    def cold():
        twins.sessions[0].close()
        twins.sessions[0] = tf.Session(graph=twins.graph)
        twins.sessions[0].run(twins.start)
        twins.step()
        twins.at = 0

    cold()
    plan = twins.sessions[0].plan(twins.fetches, twins.feeds)
    assert not plan.native
    twins.step()
    assert plan.native
    inside, every = (product, 41) if pytestconfig.getoption("--long") else (within(*RUNS), 50)
    outcomes = [twins.check(interrupt.where) for interrupt in everywhere(twins.step, inside, every, ready=cold)]
    assert False in outcomes


@pytest.mark.parametrize("program", [net, table, loop])
@pytest.mark.parametrize("way", ["plain", "native"])
def test_a_step_that_fails_anywhere_is_named_and_leaves_nothing_half_done(program, way):
    twins = Twins(program, native=way == "native", passes=() if way == "plain" else PIPELINE)
    named = set()
    for fault in everywhere(twins.step, within(*RUNS), kind=Fault):
        twins.check(fault.where)
        if isinstance(fault.error, tf.errors.ResourceExhaustedError):
            named.add(fault.error.op.name)
    if way == "plain":
        steps = {step.node.name for step in twins.sessions[0].plan(twins.fetches, twins.feeds).schedule.steps}
        assert named >= steps
        assert program is not net or len(steps) >= 50
