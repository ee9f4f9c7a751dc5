"""How a monitored session begins: what initialises, restores and checks the variables, and who makes the session."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from graphs.core.errors import at_line
from static import logging
from static.checkpoint_state import latest_checkpoint
from static.flow import group
from static.graph import GraphKeys, get_default_graph
from static.saver import Saver
from static.session import Session
from static.summary import merge_all
from static.variables import (
    global_variables,
    global_variables_initializer,
    local_variables_initializer,
    report_uninitialized_variables,
)


class Scaffold:
    """The operations that training needs around a model; what is not given is made by ``finalize``.

    Args:
        init_op, init_feed_dict: what initialises the variables where there is no checkpoint.
        init_fn: called after it with the scaffold and the session.
        ready_op: gives the names of variables without a value: of all where training begins.
        ready_for_local_init_op: the same before ``local_init_op``.
        local_init_op: what initialises local variables, with a checkpoint or without.
        summary_op: what a ``SummarySaverHook`` writes.
        saver: what restores and saves.
        copy_from_scaffold: another one, from which what is None here is taken.
    """

    def __init__(
        self,
        init_op: Any = None,
        init_feed_dict: Mapping[Any, Any] | None = None,
        init_fn: Callable[[Scaffold, Any], Any] | None = None,
        ready_op: Any = None,
        ready_for_local_init_op: Any = None,
        local_init_op: Any = None,
        summary_op: Any = None,
        saver: Any = None,
        copy_from_scaffold: Scaffold | None = None,
    ) -> None:
        if copy_from_scaffold is not None and not isinstance(copy_from_scaffold, Scaffold):
            raise TypeError("copy_from_scaffold is not a Scaffold instance.")
        other = copy_from_scaffold

        def chosen(given: Any, theirs: Callable[[Scaffold], Any]) -> Any:
            return given if given is not None or other is None else theirs(other)

        self.init_op = chosen(init_op, lambda scaffold: scaffold.init_op)
        self.init_feed_dict = chosen(init_feed_dict, lambda scaffold: scaffold.init_feed_dict)
        self._init_fn = chosen(init_fn, lambda scaffold: scaffold._init_fn)
        self.ready_op = chosen(ready_op, lambda scaffold: scaffold.ready_op)
        self.ready_for_local_init_op = chosen(ready_for_local_init_op, lambda scaffold: scaffold.ready_for_local_init_op)
        self.local_init_op = chosen(local_init_op, lambda scaffold: scaffold.local_init_op)
        self.summary_op = chosen(summary_op, lambda scaffold: scaffold.summary_op)
        self.saver = chosen(saver, lambda scaffold: scaffold.saver)

    @property
    def init_fn(self) -> Callable[[Any], Any] | None:
        """What is called with the session after ``init_op``, or None."""
        made = self._init_fn
        return None if made is None else lambda session: made(self, session)

    def finalize(self) -> Scaffold:
        """Make what is missing, and let the graph grow no more."""
        if self.init_op is None:
            self.init_op = self.get_or_default("init_op", GraphKeys.INIT_OP, global_variables_initializer)
        if self.ready_op is None:
            self.ready_op = self.get_or_default("ready_op", GraphKeys.READY_OP, report_uninitialized_variables)
        if self.ready_for_local_init_op is None:
            self.ready_for_local_init_op = self.get_or_default(
                "ready_for_local_init_op",
                GraphKeys.READY_FOR_LOCAL_INIT_OP,
                lambda: report_uninitialized_variables(global_variables()),
            )
        if self.local_init_op is None:
            self.local_init_op = self.get_or_default("local_init_op", GraphKeys.LOCAL_INIT_OP, self.default_local_init_op)
        if self.summary_op is None:
            self.summary_op = self.get_or_default("summary_op", GraphKeys.SUMMARY_OP, merge_all)
        if self.saver is None:
            self.saver = self.get_or_default("saver", GraphKeys.SAVERS, lambda: Saver(allow_empty=True))
        self.saver.build()
        get_default_graph().finalize()
        logging.info("Graph was finalized.")
        return self

    @staticmethod
    def get_or_default(arg_name: str, collection_key: str, default_constructor: Callable[[], Any]) -> Any:
        """The one item of a collection, made and put there where there is none. Raises RuntimeError where there are more."""
        found = get_default_graph().get_collection(collection_key)
        if len(found) > 1:
            raise RuntimeError(
                f'More than one item in the collection "{collection_key}". Please indicate which one to use by passing it '
                f"to the tf.Scaffold constructor as: tf.Scaffold({arg_name}=item to use)"
            )
        if found:
            return found[0]
        made = default_constructor()
        if made is not None:
            get_default_graph().add_to_collection(collection_key, made)
        return made

    @staticmethod
    def default_local_init_op() -> Any:
        """What initialises local variables and tables."""
        tables = get_default_graph().get_collection(GraphKeys.TABLE_INITIALIZERS)
        return group(local_variables_initializer(), *tables)


class SessionCreator:
    """Makes sessions for a monitored session."""

    def create_session(self) -> Session:
        """A session whose variables have values."""
        raise NotImplementedError(f"create_session is not implemented for {type(self).__name__}.")


class ChiefSessionCreator(SessionCreator):
    """Makes a session whose variables are restored from a checkpoint, or initialised where there is none.

    Args:
        scaffold: what initialises, restores and checks.
        master: what the session runs on: ``""`` for this process, else as for ``Session``.
        config: the session's.
        checkpoint_dir: where the latest checkpoint is to be restored from.
        checkpoint_filename_with_path: the checkpoint to restore; at most one of the two.
    """

    def __init__(
        self,
        scaffold: Scaffold | None = None,
        master: str = "",
        config: Any = None,
        checkpoint_dir: str | None = None,
        checkpoint_filename_with_path: str | None = None,
    ) -> None:
        if checkpoint_dir and checkpoint_filename_with_path:
            raise ValueError(f"Can not provide both checkpoint_dir and checkpoint_filename_with_path.{at_line()}")
        self._scaffold = scaffold or Scaffold()
        self._master = master
        self._config = config
        self._directory = checkpoint_dir
        self._path = checkpoint_filename_with_path

    def create_session(self) -> Session:
        """The session. Raises RuntimeError, naming them, where variables are left without a value."""
        self._scaffold.finalize()
        session = Session(self._master, config=self._config)
        try:
            self.begin(session)
        except BaseException:
            session.close()
            raise
        return session

    def checkpoint(self) -> str | None:
        """The checkpoint that a session is to begin with, None where there is none."""
        return self._path or (latest_checkpoint(self._directory) if self._directory else None)

    def begin(self, session: Session, kept: bool = False) -> None:
        """Give the variables of ``session`` the values that they begin with; with ``kept`` they have values to go on with.

        Raises RuntimeError, naming them, where variables are left without a value.
        """
        scaffold, path = self._scaffold, self.checkpoint()
        if path:
            scaffold.saver.restore(session, path)
        elif not kept:
            session.run(scaffold.init_op, scaffold.init_feed_dict)
            if scaffold.init_fn is not None:
                scaffold.init_fn(session)
        self._check(session, scaffold.ready_for_local_init_op, "ready for local_init")
        session.run(scaffold.local_init_op)
        self._check(session, scaffold.ready_op, "ready")

    def _check(self, session: Session, ready: Any, what: str) -> None:
        missing = [] if ready is None else [name.decode() for name in session.run(ready)]
        if missing:
            raise RuntimeError(f"Init operations did not make model {what}. Variables not initialized: {', '.join(missing)}")


class WorkerSessionCreator(ChiefSessionCreator):
    """The same: there is one process, which is the chief."""

    def __init__(
        self, scaffold: Scaffold | None = None, master: str = "", config: Any = None, max_wait_secs: float = 1800
    ) -> None:
        super().__init__(scaffold, master, config)
