"""Handles of hooks, with which they are taken away again."""

from __future__ import annotations

import itertools
import weakref
from collections import OrderedDict
from typing import Any

from dynamic.names import lacking


_numbers = itertools.count()


class RemovableHandle:
    """What registering a hook with a module returns: ``remove()`` takes the hook away, as does leaving a ``with`` block.

    Args:
        hooks: the OrderedDict from the handle's number to the hook; it is known weakly.
        extra_dict: further dictionaries, or one, with entries under the same number.
    """

    def __init__(self, hooks: Any, *, extra_dict: Any = None) -> None:
        self.id = next(_numbers)
        others = (extra_dict,) if isinstance(extra_dict, dict) else tuple(extra_dict or ())
        self._places = tuple(map(weakref.ref, (hooks, *others)))

    def remove(self) -> None:
        """Take the hook away; nothing happens where it is gone already."""
        for place in self._places:
            hooks = place()
            if hooks is not None:
                hooks.pop(self.id, None)

    def __getstate__(self) -> tuple[Any, ...]:
        return self.id, tuple(place() for place in self._places)

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self.id, hooks = state
        self._places = tuple(map(weakref.ref, (OrderedDict() if each is None else each for each in hooks)))

    def __enter__(self) -> RemovableHandle:
        return self

    def __exit__(self, *_: object) -> None:
        self.remove()


__getattr__ = lacking(__name__)
