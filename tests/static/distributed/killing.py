"""Training on a cluster of its own, whose workers are killed, stopped or spoiled on the way."""

import os
import signal
import threading
import time
from collections.abc import Callable

import numpy as np

import static as tf
from tests.static.distributed.replica_threads import session as threaded


class Net:
    """A small net with noise in it, placed on tasks where ``tasks`` says how many there are."""

    def __init__(self, tasks=0):
        self.graph = tf.Graph()
        with self.graph.as_default():
            tf.set_random_seed(7)
            self.x = tf.placeholder("float64", (None, 6), name="x")
            self.y = tf.placeholder("float64", (None, 2), name="y")
            at = [tf.device(f"/job:worker/task:{i % tasks}" if tasks else None) for i in range(3)]
            with at[0]:
                w = tf.Variable(tf.random_normal((6, 8), dtype="float64"), name="w")
                h = tf.nn.tanh(self.x @ w)
            with at[1]:
                v = tf.Variable(tf.random_normal((8, 8), dtype="float64"), name="v")
                h = tf.nn.tanh(h @ v + 0.1 * tf.random_normal(tf.shape(h), dtype="float64"))
            with at[2]:
                u = tf.Variable(tf.random_normal((8, 2), dtype="float64"), name="u")
                self.loss = tf.reduce_mean((h @ u - self.y) ** 2.0)
            self.step = tf.train.get_or_create_global_step()
            self.train = tf.train.AdamOptimizer(0.01).minimize(self.loss, self.step)
            self.variables = tf.global_variables()
            self.init = tf.global_variables_initializer()

    def batch(self, step):
        """What is fed in a step."""
        random = np.random.default_rng(step)
        return {self.x: random.standard_normal((11, 6)), self.y: random.standard_normal((11, 2))}

    def values(self, session):
        return {v.op.name: session.run(v) for v in self.variables}


class Killer(tf.train.SessionRunHook):
    """Does something to a worker in given steps: ``plan`` has for each step a function of the session."""

    def __init__(self, plan):
        self.plan = dict(plan)
        self.done = []

    def before_run(self, run_context):
        session = run_context.session
        step = int(session.run(tf.train.get_global_step(session.graph)))
        act = self.plan.pop(step, None)
        if act is not None:
            self.done.append((step, act(session)))


def kill_after(seconds: float, place: int, folder: str) -> Callable:
    """Kills a worker so long after now: somewhere in the run that begins, or behind it. ``folder`` gets the time."""

    def act(session):
        task = session.tasks[place % len(session.tasks)]

        def kill():
            with open(f"{folder}/{task.pid}", "w") as file:
                file.write(repr(time.time()))
            os.kill(task.pid, signal.SIGKILL)

        timer = threading.Timer(seconds, kill)
        timer.daemon = True
        timer.start()
        return task.pid

    return act


def kill_when(moment: str, place: int, folder: str) -> Callable:
    """Lets a worker kill itself ``before`` it sends its next tensor, ``while`` it sends (behind the first) or ``after``."""

    def act(session):
        task = session.tasks[place % len(session.tasks)]

        def arm(moment, folder, dask_worker):
            import os
            import signal
            import time

            exchange = dask_worker.extensions["diptych-exchange"]
            send, count = exchange.send, []

            def die():
                with open(f"{folder}/{os.getpid()}", "w") as file:
                    file.write(repr(time.time()))
                os.kill(os.getpid(), signal.SIGKILL)

            def killing(*args):
                count.append(1)
                if moment == "before" or (moment == "while" and len(count) > 1):
                    die()
                made = send(*args)
                if moment == "after":
                    if made is not None:
                        made.result()
                    die()
                return made

            exchange.send = killing

        client_of(session).run(arm, moment, folder, workers=[task.address])
        return task.pid

    return act


def spoil(session, place: int, how: str) -> Callable[[], None]:
    """Has a worker send something else than it has; returns what makes it honest again."""
    address = session.tasks[place].address

    def arm(how, dask_worker):
        exchange = dask_worker.extensions["diptych-exchange"]
        exchange.honest = send = exchange.send

        def change(message):
            if isinstance(message, dict):
                return {key: change(value) for key, value in message.items()}
            if isinstance(message, list):
                return [change(value) for value in message]
            if getattr(message, "ndim", 0) == 0 or message.dtype.kind != "f":
                return message
            if how == "dtype":
                return message.astype("float32")
            if how == "shape":
                return message.reshape(1, *message.shape)
            if how == "truncated":
                return message[:-1]
            changed = message.copy()
            changed.reshape(-1)[0] += 1.0
            return changed

        exchange.send = lambda address, session, run, edge, message: send(address, session, run, edge, change(message))

    def disarm(dask_worker):
        exchange = dask_worker.extensions["diptych-exchange"]
        exchange.send = exchange.honest

    client_of(session).run(arm, how, workers=[address])
    return lambda: client_of(session).run(disarm, workers=[address])


def client_of(session):
    """The Dask client of a session."""
    return session._workers.connection.client if hasattr(session, "_workers") else session._link.client


def trained(net, target, folder, steps, plan, every=3):
    """Train with checkpoints; the variables at the end, the recoveries, the killer, and all pids there were."""
    killer = Killer(plan)
    pids = set()
    with net.graph.as_default():
        hooks = [killer, tf.train.StopAtStepHook(last_step=steps)]
        with tf.train.MonitoredTrainingSession(
            target,
            checkpoint_dir=str(folder),
            save_checkpoint_steps=every,
            save_summaries_steps=0,
            hooks=hooks,
            log_step_count_steps=0,
        ) as training:
            pids.update(task.pid for task in training._session.tasks)
            while not training.should_stop():
                training.run(net.train, net.batch)
                if not training.should_stop():
                    continue
                values = net.values(training._session)
                if hasattr(training._session, "check_replicas"):
                    training._session.check_replicas()
    return values, training.recoveries, killer, pids


def expected(net, steps, replicas=None, recoveries=()):
    """What the variables are after the steps: of a plain session, or of replicas fewer by one from each recovery on."""
    with net.graph.as_default():
        session = threaded(replicas) if replicas else tf.Session()
        session.run(net.init)
        at = {0: (net.values(session), session.stream.step)}
        for recovery in (*recoveries, None):
            end = steps if recovery is None else recovery.step
            start = max(step for step in at if step <= end)
            values, stream = at[start]
            session.load({v: values[v.op.name] for v in net.variables})
            session.stream.step = stream
            for step in range(start, end):
                session.run(net.train, net.batch(step))
                at[step + 1] = net.values(session), session.stream.step
            if recovery is None:
                return net.values(session)
            values, stream = at[end]
            at = {end: (values, stream)}
            if replicas:
                replicas -= 1
                seed = session.stream.seed
                session = threaded(replicas)
                session.stream.seed = seed


def whole(folder) -> bool:
    """Whether every file of checkpoints can be read, and there is nothing else."""
    names = os.listdir(folder)
    for name in names:
        if name.endswith(".safetensors"):
            tf.train.load_checkpoint(os.path.join(folder, name.removesuffix(".safetensors"))).get_variable_to_shape_map()
    known = (".safetensors", ".meta", "checkpoint")
    return all(name.endswith(known) or ".tfevents." in name for name in names)


def gone(pids) -> bool:
    """Whether none of these processes is left."""
    for pid in pids:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            continue
        return False
    return True
