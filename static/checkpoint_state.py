"""The text file ``checkpoint``, which says which checkpoints a directory holds and which is the latest."""

from __future__ import annotations

import io
import json
import os
import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from graphs.core.files import reading
from graphs.core.jsontext import strict
from static import logging
from static.files import write_whole


SUFFIX = ".safetensors"
"""What the file of a checkpoint is called after its prefix (``model.ckpt-100``)."""

_MOST = 1 << 22
"""How long the text may be: some ten thousand checkpoints."""

_LINE = re.compile(r"\s*(\w+)\s*:\s*(.+?)\s*\Z")


@dataclass
class CheckpointState:
    """What the file says: prefixes of checkpoints, oldest first, and when each was saved (seconds since 1970)."""

    model_checkpoint_path: str = ""
    all_model_checkpoint_paths: list[str] = field(default_factory=list)
    all_model_checkpoint_timestamps: list[float] = field(default_factory=list)
    last_preserved_timestamp: float | None = None

    def __str__(self) -> str:
        lines = [f"model_checkpoint_path: {json.dumps(self.model_checkpoint_path)}\n"]
        lines += [f"all_model_checkpoint_paths: {json.dumps(path)}\n" for path in self.all_model_checkpoint_paths]
        lines += [f"all_model_checkpoint_timestamps: {time!r}\n" for time in self.all_model_checkpoint_timestamps]
        if self.last_preserved_timestamp is not None:
            lines.append(f"last_preserved_timestamp: {self.last_preserved_timestamp!r}\n")
        return "".join(lines)


def _parsed(text: str) -> CheckpointState:
    state = CheckpointState()
    for line in filter(str.strip, text.splitlines()):
        found = _LINE.match(line)
        if found is None:
            raise ValueError(f"{line!r} is not of the form 'name: value'")
        name, value = found[1], strict(found[2])
        if name not in state.__dataclass_fields__:
            raise ValueError(f"there is no field {name!r}")
        if not isinstance(value, str if name.endswith(("path", "paths")) else (int, float)) or "\0" in str(value):
            raise ValueError(f"{name} cannot be {value!r:.80}")
        if isinstance(getattr(state, name), list):
            getattr(state, name).append(value)
        else:
            setattr(state, name, value)
    return state


def update_checkpoint_state(
    save_dir: str,
    model_checkpoint_path: str,
    all_model_checkpoint_paths: Iterable[str] | None = None,
    latest_filename: str | None = None,
    all_model_checkpoint_timestamps: Sequence[float] | None = None,
    last_preserved_timestamp: float | None = None,
    save_relative_paths: bool = False,
) -> None:
    """Write the file anew. In a directory given by a relative path, or with ``save_relative_paths``, paths are relative to
    it."""
    paths = list(all_model_checkpoint_paths or ())
    if model_checkpoint_path not in paths:
        paths.append(model_checkpoint_path)
    times = list(all_model_checkpoint_timestamps or ())
    if times and len(times) != len(paths):
        raise ValueError(f"{len(times)} timestamps are given for {len(paths)} checkpoints")
    relative = save_relative_paths or not os.path.isabs(save_dir)

    def written(path: str) -> str:
        inside = relative and (save_relative_paths or not os.path.isabs(path))
        return os.path.relpath(path, save_dir) if inside else path

    state = CheckpointState(written(model_checkpoint_path), [*map(written, paths)], times, last_preserved_timestamp)
    write_whole(_file(save_dir, latest_filename), str(state).encode())


def get_checkpoint_state(checkpoint_dir: str, latest_filename: str | None = None) -> CheckpointState | None:
    """What the directory's ``checkpoint`` file says, paths put under the directory; None where it is not there or odd.

    Of ``all_model_checkpoint_paths``, which savers go on from and delete in time, those outside the directory are left out.
    """
    path = _file(checkpoint_dir, latest_filename)
    try:
        with reading(path) as (raw, _), io.TextIOWrapper(raw, encoding="utf-8") as file:
            state = _parsed(file.read(_MOST))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, RecursionError) as error:
        logging.warning("%s: %s", path, error)
        return None
    if not state.model_checkpoint_path:
        logging.warning("%s: it names no checkpoint", path)
        return None
    state.model_checkpoint_path = os.path.join(checkpoint_dir, state.model_checkpoint_path)
    paths = [os.path.join(checkpoint_dir, each) for each in state.all_model_checkpoint_paths]
    state.all_model_checkpoint_paths = [each for each in paths if _inside(each, checkpoint_dir)]
    if len(paths) > len(state.all_model_checkpoint_paths):
        logging.warning("%s: it names checkpoints outside its directory, which are left out", path)
    return state


def _inside(path: str, directory: str) -> bool:
    """Whether a checkpoint lies in a directory, or below it, when all links on the way have been followed."""
    home = os.path.realpath(directory)
    with suppress(ValueError):  # where they are on two drives
        return os.path.commonpath([home, os.path.realpath(os.path.dirname(path))]) == home
    return False


def latest_checkpoint(checkpoint_dir: str, latest_filename: str | None = None) -> str | None:
    """The prefix of the directory's latest checkpoint, None where there is none in it."""
    state = get_checkpoint_state(checkpoint_dir, latest_filename)
    if state is None:
        return None
    if not _inside(state.model_checkpoint_path, checkpoint_dir):
        logging.error("%s is outside %s, whose file names it", state.model_checkpoint_path, checkpoint_dir)
        return None
    if not checkpoint_exists(state.model_checkpoint_path):
        logging.error("Couldn't match files for checkpoint %s", state.model_checkpoint_path)
        return None
    return state.model_checkpoint_path


def checkpoint_exists(checkpoint_prefix: str) -> bool:
    """Whether there is a checkpoint of that prefix."""
    return os.path.isfile(checkpoint_prefix + SUFFIX)


def get_checkpoint_mtimes(checkpoint_prefixes: Iterable[str]) -> list[float]:
    """When each was last written, in seconds since 1970; those that are not there are left out."""
    return [os.path.getmtime(prefix + SUFFIX) for prefix in checkpoint_prefixes if checkpoint_exists(prefix)]


def remove_checkpoint(checkpoint_prefix: str, checkpoint_format_version: int = 2, meta_graph_suffix: str = "meta") -> None:
    """Delete a checkpoint, and the graph that was written with it."""
    for path in (f"{checkpoint_prefix}.{meta_graph_suffix}", checkpoint_prefix + SUFFIX):
        if os.path.exists(path):
            os.remove(path)


def _file(directory: str, latest_filename: str | None) -> str:
    return os.path.join(directory, latest_filename or "checkpoint")
