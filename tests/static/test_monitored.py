"""Monitored sessions, their hooks, and coordinators."""

import logging
import threading

import numpy as np
import pytest

import static as tf


class Watching(tf.train.SessionRunHook):
    """Writes down what it is told."""

    def __init__(self, wanted=None, feed=None):
        self.wanted, self.feed, self.told = wanted, feed, []

    def begin(self):
        self.told.append("begin")
        self.graph_was_open = not tf.get_default_graph().finalized

    def after_create_session(self, session, coord):
        self.told.append("created")
        assert tf.get_default_graph().finalized

    def before_run(self, run_context):
        self.told.append("before")
        return tf.train.SessionRunArgs(self.wanted, self.feed)

    def after_run(self, run_context, run_values):
        self.told.append(run_values.results)

    def end(self, session):
        self.told.append("end")


@pytest.fixture
def counting():
    """A step that counts, and a variable that follows it."""
    step = tf.train.get_or_create_global_step()
    w = tf.Variable(10.0, name="w")
    with tf.control_dependencies([step.assign_add(1)]):
        return w.assign_add(1.0), w, step


def trained(hooks, fetches, feeds=({},) * 20):
    """Run ``fetches`` with each of ``feeds`` in turn until a hook asks for an end; whether one did."""
    with tf.train.MonitoredSession(hooks=hooks) as session:
        for feed in feeds:
            if session.should_stop():
                return True
            session.run(fetches, feed)
        return session.should_stop()


def test_hooks_are_told_of_runs(counting):
    train, w, step = counting
    hook = Watching([step, w])
    with tf.train.MonitoredSession(hooks=[hook, tf.train.StopAtStepHook(last_step=2)]) as session:
        assert session.graph is tf.get_default_graph()
        while not session.should_stop():
            session.run(train)
        with pytest.raises(RuntimeError, match="Run called even after should_stop requested"):
            session.run(train)
    assert hook.graph_was_open
    assert hook.told[:4] == ["begin", "created", "before", [0, 10.0]]
    assert hook.told[4:] == ["before", [1, 11.0], "before", "end"] or hook.told[4:] == ["before", [1, 11.0], "end"]
    assert session.should_stop()
    assert not tf.get_default_graph().finalized
    with pytest.raises(RuntimeError, match="already closed"):
        session.close()


@pytest.mark.parametrize(("settings", "steps"), [({"num_steps": 3}, 3), ({"last_step": 5}, 5)])
def test_stopping_at_a_step(counting, settings, steps):
    train, _, step = counting
    with tf.train.SingularMonitoredSession(hooks=[tf.train.StopAtStepHook(**settings)]) as session:
        done = 0
        while not session.should_stop():
            session.run(train)
            done += 1
        assert (done, session.raw_session().run(step)) == (steps, steps)


def test_feeds_of_hooks(counting):
    x = tf.placeholder(tf.float32, [])
    doubled = x * 2.0
    hook = tf.train.FeedFnHook(lambda: {x: 3.0})
    with tf.train.MonitoredSession(hooks=[hook]) as session:
        assert session.run(doubled) == 6.0
        with pytest.raises(RuntimeError, match="Same tensor is fed"):
            session.run(x, {x: 1.0})
    with pytest.raises(RuntimeError, match="Same tensor is fed"):
        trained([Watching(feed={x: 1.0}), hook], x)


def test_errors_end_a_session_without_the_hooks_end(counting):
    hook = Watching()
    with pytest.raises(ZeroDivisionError), tf.train.MonitoredSession(hooks=[hook]):
        raise ZeroDivisionError
    assert hook.told == ["begin", "created"]
    with tf.train.MonitoredSession(hooks=[hook]) as session:
        raise tf.errors.OutOfRangeError(None, None, "End of sequence")
    assert session.should_stop()
    assert hook.told[2:] == ["begin", "created", "end"]


def test_a_step_function(counting):
    train, w, _ = counting
    hook = Watching()

    def step_fn(step_context):
        if step_context.session.run(w) > 11.0:
            step_context.request_stop()
        return step_context.run_with_hooks(train)

    with tf.train.MonitoredSession(hooks=[hook]) as session:
        values = [session.run_step_fn(step_fn), session.run_step_fn(step_fn)]
        session.run_step_fn(step_fn)
        values.append("not reached")
    assert values == [11.0, 12.0]
    assert hook.told.count("before") == 2
    with tf.train.MonitoredSession() as session, pytest.raises(ValueError, match="one `step_context` argument"):
        session.run_step_fn(lambda context: None)


def test_losses_that_are_not_numbers():
    x = tf.placeholder(tf.float32, [])
    loss = x * 1.0
    feeds = [{x: 1.0}, {x: np.nan}]
    with pytest.raises(tf.train.NanLossDuringTrainingError, match="NaN loss during training"):
        trained([tf.train.NanTensorHook(loss)], loss, feeds)
    assert not trained([tf.train.NanTensorHook(loss)], loss, feeds[:1])
    assert trained([tf.train.NanTensorHook(loss, fail_on_nan_loss=False)], loss, feeds)


def test_logging_tensors(counting, caplog):
    caplog.set_level(logging.INFO, "static")
    train, w, _ = counting
    hooks = [
        tf.train.LoggingTensorHook({"weight": "w:0", "twice": w * 2.0}, every_n_iter=2),
        tf.train.LoggingTensorHook([w.op.name + ":0"], at_end=True, formatter=lambda values: f"formatted {values}"),
    ]
    with tf.train.MonitoredSession(hooks=hooks) as session:
        for _ in range(3):
            session.run(train)
    messages = [record.getMessage() for record in caplog.records]
    logged = [message.partition(" (")[0] for message in messages if "weight" in message]
    assert logged == ["twice = 20.0, weight = 10.0", "twice = 24.0, weight = 12.0"]
    assert sum("formatted {'w:0': " in message for message in messages) == 1
    for wrong in ({}, {"every_n_iter": 1, "every_n_secs": 1.0}, {"every_n_iter": 0}):
        with pytest.raises(ValueError, match="every_n_iter"):
            tf.train.LoggingTensorHook([w], **wrong)


def test_final_operations(counting):
    train, w, _ = counting
    final = tf.train.FinalOpsHook([w])
    with tf.train.MonitoredSession(hooks=[final]) as session:
        session.run(train)
    assert final.final_ops_values == [11.0]


def test_what_is_left_without_a_value_is_named():
    w = tf.Variable(1.0, name="w")
    tf.Variable(1.0, name="v")
    scaffold = tf.train.Scaffold(init_op=w.initializer)
    with pytest.raises(RuntimeError, match=r"not make model ready for local_init.*: v"):
        tf.train.MonitoredSession(tf.train.ChiefSessionCreator(scaffold))
    assert not tf.get_default_graph().finalized


def test_a_scaffold_says_how_training_begins():
    x = tf.placeholder(tf.float32, [])
    w = tf.Variable(0.0, name="w")
    local = tf.Variable(5.0, name="local", collections=[tf.GraphKeys.LOCAL_VARIABLES])
    seen = []
    scaffold = tf.train.Scaffold(
        init_op=w.assign(x).op, init_feed_dict={x: 7.0}, init_fn=lambda scaffold, session: seen.append(session.run(w))
    )
    copy = tf.train.Scaffold(copy_from_scaffold=scaffold)
    with tf.train.MonitoredSession(tf.train.ChiefSessionCreator(copy)) as session:
        assert session.run([w, local]) == [7.0, 5.0]
    assert seen == [7.0]


# Files


def test_training_goes_on_from_its_checkpoint(tmp_path, counting):
    pytest.importorskip("tensorboardX")
    train, w, step = counting
    tf.summary.scalar("weight", w)
    told = []

    class Listening(tf.train.CheckpointSaverListener):
        def before_save(self, session, global_step_value):
            told.append(("before", int(global_step_value)))

        def after_save(self, session, global_step_value):
            told.append(("after", int(global_step_value)))
            return global_step_value == 4

        def end(self, session, global_step_value):
            told.append(("end", int(global_step_value)))

    hook = tf.train.CheckpointSaverHook(str(tmp_path / "own"), save_steps=2, saver=tf.train.Saver(), listeners=[Listening()])
    directory = str(tmp_path / "run")
    settings = {"checkpoint_dir": directory, "save_checkpoint_steps": 3, "save_summaries_steps": 1}
    with tf.train.MonitoredTrainingSession(hooks=[hook], log_step_count_steps=1, **settings) as session:
        while not session.should_stop():
            session.run(train)
    assert told == [("before", 0), ("after", 0), ("before", 2), ("after", 2), ("before", 4), ("after", 4), ("end", 4)]
    assert tf.train.latest_checkpoint(directory).endswith("model.ckpt-4")
    with tf.train.MonitoredTrainingSession(**settings) as session:
        assert session.run([w, step]) == [14.0, 4]
    (events,) = (tmp_path / "run").glob("events*")
    tags = [(event.step, value.tag) for event in tf.train.summary_iterator(str(events)) for value in event.summary.value]
    assert [at for at, tag in tags if tag == "weight"][:4] == [1, 2, 3, 4]
    assert {tag for _, tag in tags} == {"weight", "global_step/sec"}


@pytest.mark.parametrize(
    ("hook", "settings"),
    [
        (tf.train.StopAtStepHook, {}),
        (tf.train.StopAtStepHook, {"num_steps": 1, "last_step": 1}),
        (tf.train.StepCounterHook, {"every_n_steps": None}),
        (tf.train.CheckpointSaverHook, {"checkpoint_dir": ""}),
        (tf.train.CheckpointSaverHook, {"checkpoint_dir": "", "save_steps": 1, "saver": 1, "scaffold": 1}),
        (tf.train.SummarySaverHook, {"save_steps": 1}),
        (tf.train.SecondOrStepTimer, {"every_secs": 1.0, "every_steps": 1}),
    ],
)
def test_settings_that_do_not_go_together(hook, settings):
    with pytest.raises(ValueError, match=r"[Oo]ne of|both|Either"):
        hook(**settings)


def test_a_global_step_has_to_be_there():
    with pytest.raises(RuntimeError, match="Global step should be created to use StopAtStepHook"):
        tf.train.MonitoredSession(hooks=[tf.train.StopAtStepHook(1)])


def test_a_timer_of_steps_and_one_of_seconds():
    timer = tf.train.SecondOrStepTimer(every_steps=3)
    assert timer.should_trigger_for_step(7)
    assert timer.update_last_triggered_step(7) == (None, None)
    assert [timer.should_trigger_for_step(step) for step in (7, 8, 9, 10)] == [False, False, False, True]
    assert timer.update_last_triggered_step(11)[1] == 4
    assert timer.last_triggered_step() == 11
    seconds = tf.train.SecondOrStepTimer(every_secs=1e9)
    seconds.update_last_triggered_step(0)
    assert not seconds.should_trigger_for_step(10**6)


# Threads


def test_a_coordinator_stops_threads_and_raises_their_error():
    coord = tf.train.Coordinator()
    counts = []
    looper = tf.train.LooperThread.loop(coord, None, lambda: counts.append(1) or (len(counts) > 5 and 1 / 0))
    with pytest.raises(ZeroDivisionError):
        coord.join([looper])
    assert coord.joined
    assert coord.should_stop()
    assert len(counts) == 6
    coord.clear_stop()
    assert not coord.should_stop()
    with coord.stop_on_exception():
        raise tf.errors.OutOfRangeError(None, None, "the end")
    assert coord.should_stop()
    coord.join()


def test_threads_that_do_not_stop_are_named():
    coord = tf.train.Coordinator()
    leave = threading.Event()
    thread = threading.Thread(target=leave.wait, name="stubborn", daemon=True)
    thread.start()
    coord.register_thread(thread)
    coord.request_stop()
    with pytest.raises(RuntimeError, match="still running: stubborn"):
        coord.join(stop_grace_period_secs=0.01)
    coord.join([thread], stop_grace_period_secs=0.01, ignore_live_threads=True)
    leave.set()


def test_an_error_of_a_thread_reaches_the_session(counting):
    train, _, _ = counting

    class Failing(tf.train.SessionRunHook):
        def after_create_session(self, session, coord):
            with coord.stop_on_exception():
                raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        trained([Failing()], train)


def test_queue_runners_are_none():
    assert tf.train.start_queue_runners(coord=tf.train.Coordinator()) == []
