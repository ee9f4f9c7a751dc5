"""``tf.train.Saver``: the values of variables to files and back."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Mapping
from typing import Any

import numpy

from graphs.core.errors import at_line
from graphs.core.spec import show
from static import logging
from static.checkpoint_state import (
    checkpoint_exists,
    get_checkpoint_mtimes,
    remove_checkpoint,
    update_checkpoint_state,
)
from static.checkpoints import SUFFIX, read_checkpoint, write_checkpoint
from static.errors import InvalidArgumentError, NotFoundError
from static.export.forms import GraphFileError
from static.export.metagraph import MetaGraphDef, export_meta_graph, read_meta_graph, restored
from static.files import write_whole
from static.session import Session
from static.variables import Variable, global_variables


class Saver:
    """Saves variables to checkpoints and restores them.

    A checkpoint is one file, ``<prefix>.safetensors``, which takes the place of an old one in one step. It is read without
    executing anything, and checked whole before any variable changes.

    Args:
        var_list: the variables, or a dict of them by the name to save under; by default all that the graph has.
        reshape: let ``restore`` give a variable a value of another shape with as many elements.
        max_to_keep: how many checkpoints to keep (None or 0: all).
        keep_checkpoint_every_n_hours: of those to be deleted, keep one for each so many hours.
        allow_empty: let there be no variables.
        save_relative_paths: write paths relative to the directory in the file ``checkpoint``.

    Raises ValueError where there are no variables or two of one name, TypeError for what is no variable.
    """

    def __init__(
        self,
        var_list: Iterable[Variable] | Mapping[str, Variable] | None = None,
        reshape: bool = False,
        sharded: bool = False,
        max_to_keep: int | None = 5,
        keep_checkpoint_every_n_hours: float = 10000.0,
        name: str | None = None,
        restore_sequentially: bool = False,
        saver_def: Any = None,
        builder: Any = None,
        defer_build: bool = False,
        allow_empty: bool = False,
        write_version: Any = 2,
        pad_step_number: bool = False,
        save_relative_paths: bool = False,
        filename: str | None = None,
    ) -> None:
        self._given = var_list
        self._reshape = reshape
        self._max_to_keep = max_to_keep or 0
        self._keep_seconds = keep_checkpoint_every_n_hours * 3600
        self._allow_empty = allow_empty
        self._pad = pad_step_number
        self._relative = save_relative_paths
        self._next_kept = time.time() + self._keep_seconds
        self._kept: list[tuple[str, float]] = []
        self._variables: dict[str, Variable] = {}
        self._built = False
        if not defer_build:
            self.build()

    def build(self) -> None:
        """Choose the variables, where ``defer_build`` has put that off."""
        if not self._built:
            self._variables = named(global_variables() if self._given is None else self._given)
            if not self._variables and not self._allow_empty:
                raise ValueError(f"No variables to save{at_line()}")
            self._built = True

    @property
    def variables(self) -> dict[str, Variable]:
        """The variables by the name they are saved under."""
        return dict(self._variables)

    # Saving

    def save(
        self,
        sess: Session,
        save_path: str,
        global_step: Any = None,
        latest_filename: str | None = None,
        meta_graph_suffix: str = "meta",
        write_meta_graph: bool = True,
        write_state: bool = True,
        strip_default_attrs: bool = False,
        save_debug_info: bool = False,
    ) -> str:
        """Save the variables' values in ``sess``; the checkpoint's prefix (``save_path``, with ``-<global_step>``).

        The file ``checkpoint`` of the directory (``latest_filename``) is brought up to date, and old checkpoints are deleted
        after that. Raises ValueError where the directory is not there, FailedPreconditionError where a variable has no
        value.
        """
        latest_filename = latest_filename or "checkpoint"
        self._check(sess, save_path)
        if os.path.split(latest_filename)[0]:
            raise ValueError("'latest_filename' must not contain path components")
        save_path = os.fspath(save_path)
        directory, base = os.path.split(save_path)
        if not base:
            raise ValueError(f"{save_path!r} is a directory; a checkpoint needs a name, such as 'model.ckpt'")
        if directory and not os.path.isdir(directory):
            raise ValueError(f"Parent directory of {save_path} doesn't exist, can't save.")
        step = _step(sess, global_step)
        prefix = save_path if step is None else f"{save_path}-{step:08d}" if self._pad else f"{save_path}-{step}"
        if self._variables:
            write_checkpoint(prefix, sess.run(self._variables), step, beside=base)
            if write_state:
                before = self._kept
                obsolete = self._record(prefix)
                try:
                    update_checkpoint_state(
                        directory, prefix, self.last_checkpoints, latest_filename, save_relative_paths=self._relative
                    )
                except BaseException:
                    self._kept = before
                    raise
                self._discard(obsolete, meta_graph_suffix)
        if write_meta_graph:
            self._write_graph(sess, f"{prefix}.{meta_graph_suffix}", f"{base}.{meta_graph_suffix}")
        return prefix

    def export_meta_graph(self, filename: str | None = None, graph: Any = None, **settings: Any) -> MetaGraphDef:
        """The description of the graph and of this saver, written to ``filename`` where given."""
        return export_meta_graph(filename, graph=graph, saver_def=self.as_saver_def(), **settings)

    def as_saver_def(self) -> dict[str, Any]:
        """What ``import_meta_graph`` makes such a saver from."""
        return {
            "variables": {name: variable.op.name for name, variable in self._variables.items()},
            "max_to_keep": self._max_to_keep,
            "keep_checkpoint_every_n_hours": self._keep_seconds / 3600,
        }

    def _write_graph(self, sess: Session, path: str, beside: str) -> None:
        """Write the graph's description, or say why it cannot be: the variables are saved in either case."""
        try:
            text = MetaGraphDef.of(sess.graph, saver_def=self.as_saver_def()).SerializeToString()
        except GraphFileError as error:
            logging.warning("%s is not written: %s", path, error)
        else:
            write_whole(path, text, beside)

    def _check(self, sess: Any, path: Any) -> None:
        if not self._built:
            raise RuntimeError("`build()` should be called before save if defer_build==True")
        if not isinstance(sess, Session):
            raise TypeError(f"'sess' must be a Session; {sess!r}")
        if path is None:
            raise ValueError("Can't save to or load save_path when it is None.")

    def _record(self, prefix: str) -> list[tuple[str, float]]:
        """Note that ``prefix`` is the latest; those that are too many by now."""
        if not self._max_to_keep:
            return []
        self._kept = [*((path, when) for path, when in self._kept if path != prefix), (prefix, time.time())]
        count = max(0, len(self._kept) - self._max_to_keep)
        obsolete, self._kept = self._kept[:count], self._kept[count:]
        return obsolete

    def _discard(self, obsolete: Iterable[tuple[str, float]], suffix: str) -> None:
        for path, when in obsolete:
            if when > self._next_kept:
                self._next_kept += self._keep_seconds
            else:
                remove_checkpoint(path, meta_graph_suffix=suffix)

    @property
    def last_checkpoints(self) -> list[str]:
        """The prefixes of the checkpoints that are being kept, oldest first."""
        return [path for path, _ in self._kept]

    def set_last_checkpoints(self, last_checkpoints: Iterable[str]) -> None:
        """Take these, oldest first, for the checkpoints that are being kept, as if saved now."""
        self.set_last_checkpoints_with_time([(path, time.time()) for path in last_checkpoints])

    def set_last_checkpoints_with_time(self, last_checkpoints_with_time: Iterable[tuple[str, float]]) -> None:
        """As ``set_last_checkpoints``, of pairs of prefix and time."""
        self._kept = list(last_checkpoints_with_time)

    def recover_last_checkpoints(self, checkpoint_paths: Iterable[str]) -> None:
        """Go on from the checkpoints of an earlier process; those that are not there any more are left out."""
        self._kept = [(path, *get_checkpoint_mtimes([path])) for path in checkpoint_paths if checkpoint_exists(path)]  # type: ignore[misc]

    # Restoring

    def restore(self, sess: Session, save_path: str) -> None:
        """Give the variables the values of the checkpoint ``save_path``, all at once; on an error none changes.

        Raises ValueError where there is no such checkpoint, DataLossError where it is not whole, NotFoundError where it has
        no value for a variable, InvalidArgumentError for one of another dtype or shape.
        """
        self._check(sess, save_path)
        save_path = os.fspath(save_path)
        if not checkpoint_exists(save_path):
            raise ValueError(f"The passed save_path is not a valid checkpoint: {save_path} (no file {save_path}{SUFFIX})")
        values = read_checkpoint(save_path)
        missing = [name for name in self._variables if name not in values]
        if missing:
            first = self._variables[missing[0]]
            others = f" (and {len(missing) - 1} more: {', '.join(missing[1:4])})" if len(missing) > 1 else ""
            raise NotFoundError(
                first.op, f"Key {missing[0]} not found in checkpoint{others}: {save_path}{SUFFIX} has {_some(values)}"
            )
        sess.load({v: self._fitting(name, v, values[name], save_path) for name, v in self._variables.items()})

    def _fitting(self, name: str, variable: Variable, value: Any, path: str) -> Any:
        """``value`` as ``variable`` takes it."""
        spec = variable.handle.spec
        what = f"{path}{SUFFIX}: tensor_name = {name}"
        if value.dtype != spec.dtype:
            raise InvalidArgumentError(
                variable.op, f"{what}; expected dtype {variable.dtype.name} does not equal original dtype {value.dtype.name}"
            )
        if self._reshape and spec.known and value.size == spec.size:
            return value.reshape(spec.dims)
        if not spec.admits(value.shape):
            raise InvalidArgumentError(
                variable.op,
                "Assign requires shapes of both tensors to match. lhs shape= "
                f"{show(spec.dims)} rhs shape= {show(value.shape)} ({what})",
            )
        return value


def named(var_list: Iterable[Variable] | Mapping[str, Variable]) -> dict[str, Variable]:
    """The variables by the name to save them under, in the order of the names."""
    pairs = var_list.items() if isinstance(var_list, Mapping) else [(_variable(v).op.name, v) for v in var_list]
    found: dict[str, Variable] = {}
    for name, variable in pairs:
        if found.setdefault(name, _variable(variable)) is not variable:
            raise ValueError(f"At least two variables have the same name: {name}")
    return dict(sorted(found.items()))


def _variable(given: Any) -> Variable:
    if not isinstance(given, Variable):
        raise TypeError(f"Variable to save is not a Variable: {given!r}{at_line()}")
    return given


def _step(sess: Session, global_step: Any) -> int | None:
    if global_step is None or isinstance(global_step, (int, numpy.integer)):
        return None if global_step is None else int(global_step)
    return int(sess.run(global_step))


def _some(values: Iterable[str]) -> str:
    names = sorted(values)
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")


def import_meta_graph(
    meta_graph_or_file: Any, clear_devices: bool = False, import_scope: str | None = None, **settings: Any
) -> Saver | None:
    """Add the graph of a ``.meta`` file, or of a ``MetaGraphDef``, to the default graph, with variables and collections.

    Returns the saver that was written with it, or one of all its variables; None where it has none. ``import_scope`` is put
    before all names; the saver keeps to the names that the checkpoint has.

    Raises OSError where the file is not there, GraphFileError (a ValueError) naming what is wrong in it, ValueError where a
    name is taken.
    """
    meta = read_meta_graph(meta_graph_or_file)
    if clear_devices:
        for node in meta.graph_def.node:
            node.device = ""
    try:
        how = _how_to_save(meta)
        variables = restored(meta, import_scope)
    except GraphFileError as error:
        if meta is meta_graph_or_file:
            raise
        raise GraphFileError(f"{os.fspath(meta_graph_or_file)}: {error}") from None
    if not variables:
        return None
    if how is None:
        return Saver(variables)
    names, keep, hours = how
    chosen = {name: variables[each] for name, each in names.items()}
    return Saver(chosen, max_to_keep=keep, keep_checkpoint_every_n_hours=hours, allow_empty=True)


def _how_to_save(meta: MetaGraphDef) -> tuple[dict[str, str], int, float] | None:
    """What ``as_saver_def`` gave: variables by the name to save under, how many to keep, and one for how many hours."""
    if meta.saver_def is None:
        return None
    there = {each["name"] for each in meta.variables}
    names, keep, hours = (meta.saver_def.get(each) for each in ("variables", "max_to_keep", "keep_checkpoint_every_n_hours"))
    if not isinstance(names, dict) or not all(isinstance(each, str) and each in there for each in names.values()):
        raise GraphFileError("the meta graph's 'saver' is wrong: 'variables' has to name variables of the graph")
    if type(keep) is not int or keep < 0 or not isinstance(hours, (int, float)) or not 0 <= hours < 1 << 40:
        raise GraphFileError("the meta graph's 'saver' is wrong: it does not say how many checkpoints to keep")
    return names, keep, hours
