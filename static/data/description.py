"""What a dataset is before anything is made of it: the form of its elements, what it reads, and how it is opened."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator as Rows, Sequence
from typing import Any
from weakref import WeakKeyDictionary

from static.data import structure
from static.data.function import ElementFunction
from static.data.opening import Opening
from static.data.stages import Row
from static.graph import Graph, get_default_graph


Open = Callable[[Opening], Rows[Row]]

_numbers: WeakKeyDictionary[Graph, Rows[int]] = WeakKeyDictionary()


def numbered(graph: Graph) -> int:
    """The next number of a dataset in ``graph``: the random choices of datasets differ by these."""
    return next(_numbers.setdefault(graph, itertools.count(1)))


class Options:
    """Any settings of how datasets are computed. They are kept, and have no effect."""

    def __getattr__(self, name: str) -> Options:
        if name.startswith("__"):
            raise AttributeError(name)
        made = Options()
        object.__setattr__(self, name, made)
        return made


class Description:
    """The form of the elements, the tensors of the graph that are needed, and what gives the rows in an opening."""

    def __init__(self, element: Any, tensors: Sequence[Any], open: Open, graph: Graph | None = None) -> None:
        self._element = element
        self._tensors = list(dict.fromkeys(tensors))
        self._open = open
        self._graph = graph or get_default_graph()

    def options(self) -> Options:
        """What ``with_options`` takes; empty."""
        return Options()

    def with_options(self, options: Options) -> Any:
        """The dataset itself: there are no options that would change what it yields."""
        return self

    @property
    def output_types(self) -> Any:
        """The dtypes of an element's components."""
        return structure.types(self._element)

    @property
    def output_shapes(self) -> Any:
        """The shapes of an element's components, as far as they are known."""
        return structure.shapes(self._element)

    @property
    def output_classes(self) -> Any:
        """The classes of an element's components."""
        return structure.classes(self._element)

    def __repr__(self) -> str:
        return f"<Dataset {structure.show(self._element)}>"

    def _function(self, function: Callable[..., Any], name: str) -> ElementFunction:
        return ElementFunction(function, self._element, self._graph, numbered(self._graph), name)


def get_output_types(dataset_or_iterator: Any) -> Any:
    """The dtypes of an element's components."""
    return dataset_or_iterator.output_types


def get_output_shapes(dataset_or_iterator: Any) -> Any:
    """The shapes of an element's components, as far as they are known."""
    return dataset_or_iterator.output_shapes


def get_output_classes(dataset_or_iterator: Any) -> Any:
    """The classes of an element's components."""
    return dataset_or_iterator.output_classes
