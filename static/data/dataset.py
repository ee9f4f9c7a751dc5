"""``tf.data.Dataset``: sequences of elements, and what can be made of them.

A dataset is a description. An iterator opens it in a session's run, and each row then goes through the stages of
``static.data.stages``.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator as Rows, Sequence
from typing import Any

import numpy

from graphs.core.errors import at_line
from graphs.core.node import Value
from graphs.core.spec import Spec
from static.data import reading, stages, structure
from static.data.description import Description, Open, numbered
from static.data.generator import yielded
from static.data.iterator import Iterator, make_initializable_iterator, make_one_shot_iterator
from static.data.opening import Opening
from static.data.prefetch import Prefetched
from static.data.reducing import reduced
from static.data.setting import Setting
from static.data.stages import Row
from static.nest import flatten, map_structure
from static.shapes import dims_of
from static.tensor import constant_value, convert_to_tensor


AUTOTUNE = -1
"""As a buffer's size or a number of calls: whatever is good."""

_FEW = 2
"""The rows that ``prefetch(AUTOTUNE)`` has ready."""


class Dataset(Description):
    """A sequence of elements, each a tensor or a structure (tuple, named tuple, dict) of tensors.

    Use the class's functions and ``TextLineDataset`` to make one. Iterators of it are made by ``make_one_shot_iterator`` and
    ``make_initializable_iterator`` (see ``Iterator``).
    """

    # Sources

    @staticmethod
    def from_tensors(tensors: Any) -> Dataset:
        """One element: ``tensors``."""
        found = structure.converted(tensors)
        leaves = flatten(found)
        return Dataset(structure.specs_of(found), leaves, lambda run: iter([tuple(run.values[x] for x in leaves)]))

    @staticmethod
    def from_tensor_slices(tensors: Any) -> Dataset:
        """The rows of ``tensors`` along the first axis. Raises ValueError where these are known to differ in number."""
        found = structure.converted(tensors)
        leaves = flatten(found)
        element = structure.rows(structure.specs_of(found))
        counts = [x.spec.dims[0] for x in leaves if x.spec.dims is not None and x.spec.dims[0] is not None]
        for count in counts[1:]:
            if count != counts[0]:
                raise ValueError(f"Dimensions {counts[0]} and {count} are not compatible{at_line()}")
        return Dataset(element, leaves, lambda run: stages.Slices([run.values[x] for x in leaves]))

    @staticmethod
    def from_generator(
        generator: Callable[..., Any], output_types: Any, output_shapes: Any = None, args: Any = None
    ) -> Dataset:
        """What the iterable that ``generator(*args)`` returns yields, converted to ``output_types``.

        Each epoch calls ``generator`` again. A run fails with InvalidArgumentError where something is yielded that is not of
        these types and shapes. Raises TypeError where ``generator`` cannot be called.
        """
        if not callable(generator):
            raise TypeError("`generator` must be callable.")
        given = [convert_to_tensor(x, name="args") for x in args or ()]
        element = structure.declared(output_types, output_shapes)
        convert = yielded(element)

        def open(run: Opening) -> Rows[Row]:
            return stages.Generated(lambda: generator(*(numpy.array(run.values[x])[()] for x in given)), convert)

        return Dataset(element, given, open)

    @staticmethod
    def range(*args: Any) -> Dataset:
        """The int64 numbers of Python's ``range(*args)``."""
        if not 1 <= len(args) <= 3:
            raise ValueError(f"Invalid arguments to Dataset.range: {args}")
        bounds = [Setting(x) for x in args]
        tensors = [x for bound in bounds for x in bound.tensors]
        as_row = numpy.int64

        def open(run: Opening) -> Rows[Row]:
            return stages.Items(range(*(bound(run) for bound in bounds)), lambda i: numpy.asarray(i, as_row))

        return Dataset(Spec((), numpy.int64), tensors, open)

    @staticmethod
    def zip(datasets: Any) -> Dataset:
        """The elements of the datasets in the structure ``datasets`` side by side, as far as the shortest reaches."""
        datasets = tuple(datasets) if isinstance(datasets, list) else datasets
        sources = flatten(datasets)
        for source in sources:
            if not isinstance(source, Dataset):
                raise TypeError(f"The argument to `Dataset.zip()` must be a nested structure of datasets, not {source!r}")
        element = map_structure(lambda x: x._element, datasets)
        tensors = [x for source in sources for x in source._tensors]
        return Dataset(element, tensors, lambda run: stages.Zipped([source._open(run) for source in sources]))

    @staticmethod
    def list_files(file_pattern: Any, shuffle: bool | None = None, seed: Any = None) -> Dataset:
        """The names of the files that match a pattern (or one of several), in random order unless ``shuffle`` is False.

        A run fails with NotFoundError where there are none.
        """
        patterns = convert_to_tensor(file_pattern, "string")
        made = Dataset(Spec((), object), [patterns], lambda run: reading.matching(run.values[patterns]))
        return made if shuffle is False else made.shuffle(1 << 40, seed)

    # What is done with whole elements

    def concatenate(self, dataset: Dataset) -> Dataset:
        """The elements of ``dataset`` after these. Raises TypeError where they have other dtypes."""
        mine, theirs = (structure.types(x._element) for x in (self, dataset))
        if mine != theirs:
            raise TypeError(f"Two datasets to concatenate have different types {mine} and {theirs}{at_line()}")

        def open(run: Opening) -> Rows[Row]:
            parts = iter([self, dataset])

            def following() -> Rows[Row] | None:
                part = next(parts, None)
                return None if part is None else part._open(run)

            return stages.Chained(following)

        return self._made(open, structure.common(self._element, dataset._element), dataset._tensors)

    def take(self, count: Any) -> Dataset:
        """The first ``count`` elements, all for -1."""
        n = Setting(count)
        return self._made(lambda run: stages.Sliced(self._open(run), 0, None if n(run) < 0 else n(run)), more=n.tensors)

    def skip(self, count: Any) -> Dataset:
        """The elements after the first ``count``; none for -1."""
        n = Setting(count)

        def open(run: Opening) -> Rows[Row]:
            return stages.Sliced(self._open(run), max(n(run), 0), 0 if n(run) < 0 else None)

        return self._made(open, more=n.tensors)

    def shard(self, num_shards: Any, index: Any) -> Dataset:
        """Every ``num_shards``-th element from number ``index`` on. Raises ValueError for an index that is no shard's."""
        number, at = Setting(num_shards), Setting(index)
        if number.known is not None and number.known < 1:
            raise ValueError("num_shards must be >= 1")
        if at.known is not None and (at.known < 0 or (number.known is not None and at.known >= number.known)):
            raise ValueError(
                f"index must be between 0 and {number.known or 'num_shards'} - 1 (currently index = {at.known})"
            )

        def open(run: Opening) -> Rows[Row]:
            return stages.Sliced(self._open(run), at(run), None, number(run))

        return self._made(open, more=[*number.tensors, *at.tensors])

    def repeat(self, count: Any = None) -> Dataset:
        """The elements ``count`` times over; without end for None and -1."""
        n = Setting(-1 if count is None else count)
        return self._made(lambda run: stages.Repeated(lambda: self._open(run), n(run)), more=n.tensors)

    def cache(self, filename: str = "") -> Dataset:
        """The elements, kept in memory by an iterator once it has gone through all of them.

        Raises NotImplementedError for a file name: nothing is kept in files.
        """
        if filename:
            raise NotImplementedError(f"Dataset.cache keeps elements in memory only, not in {filename!r}{at_line()}")
        number = numbered(self._graph)

        def open(run: Opening) -> Rows[Row]:
            return stages.Cached(run.kept.setdefault(number, {}), lambda: self._open(run))

        return self._made(open)

    def prefetch(self, buffer_size: Any) -> Dataset:
        """The elements, ``buffer_size`` of which a thread has ready."""
        size = Setting(buffer_size)

        def open(run: Opening) -> Rows[Row]:
            n = size(run)
            return self._open(run) if n == 0 else Prefetched(self._open(run), _FEW if n < 0 else n)

        return self._made(open, more=size.tensors)

    def shuffle(self, buffer_size: Any, seed: Any = None, reshuffle_each_iteration: bool | None = None) -> Dataset:
        """The elements in random order: each is drawn from a buffer that is filled up with the next ones.

        Args:
            buffer_size: the size of the buffer; with less than the number of elements the order is not uniformly random.
            seed: the order is the same each time an iterator is initialised, where this or the graph's seed is given.
            reshuffle_each_iteration: False for the same order in all epochs of one iterator.
        """
        size = Setting(buffer_size)
        own = None if seed is None else Setting(seed)
        number = numbered(self._graph)

        def open(run: Opening) -> Rows[Row]:
            if number not in run.kept:
                chosen = run.seed_of(number, None if own is None else own(run))
                run.kept[number] = (chosen, random.Random(chosen))
            chosen, chooser = run.kept[number]
            if reshuffle_each_iteration is False:
                chooser = random.Random(chosen)
            return stages.Shuffled(self._open(run), size(run), chooser)

        return self._made(open, more=[*size.tensors, *([] if own is None else own.tensors)])

    def enumerate(self, start: Any = 0) -> Dataset:
        """Pairs of a number, from ``start`` on, and an element."""
        last = numpy.iinfo(numpy.int64).max
        return Dataset.zip((Dataset.range(start, last), self))

    def batch(self, batch_size: Any, drop_remainder: Any = False) -> Dataset:
        """Every ``batch_size`` elements stacked along a new first axis; fewer at the end unless ``drop_remainder``."""
        size, drop = Setting(batch_size), Setting(drop_remainder)

        def open(run: Opening) -> Rows[Row]:
            return stages.Batched(self._open(run), size(run), bool(drop(run)), stages.stacked)

        element = structure.grown(self._element, size.known if drop.known else None)
        return self._made(open, element, [*size.tensors, *drop.tensors])

    def padded_batch(
        self, batch_size: Any, padded_shapes: Any, padding_values: Any = None, drop_remainder: Any = False
    ) -> Dataset:
        """As ``batch``, each component being filled up to its shape in ``padded_shapes``; where a dimension there is None or
        -1, to the largest of the batch.

        ``padding_values`` has a scalar for each component, by default 0 or the empty string. A run fails with DataLossError
        where an element is larger than its shape.
        """
        size, drop = Setting(batch_size), Setting(drop_remainder)
        specs: list[Spec] = flatten(self._element)
        dims = [_padded(x) for x in structure.beside(self._element, padded_shapes, "padded_shapes")]
        fills = [stages.fill_of(spec) for spec in specs]
        if padding_values is not None:
            given = structure.beside(self._element, padding_values, "padding_values")
            fills = [fill if x is None else Setting(x) for x, fill in zip(given, fills, strict=True)]
        tensors = [x for fill in fills if isinstance(fill, Setting) for x in fill.tensors]

        def open(run: Opening) -> Rows[Row]:
            values = [fill(run) if isinstance(fill, Setting) else fill for fill in fills]
            return stages.Batched(self._open(run), size(run), bool(drop(run)), stages.padder(dims, values))

        known = size.known if drop.known else None
        leaves = iter([Spec(None if d is None else (known, *d), s.dtype) for d, s in zip(dims, specs, strict=True)])
        element = map_structure(lambda _: next(leaves), self._element)
        return self._made(open, element, [*size.tensors, *drop.tensors, *tensors])

    # What is done by functions

    def map(self, map_func: Callable[..., Any], num_parallel_calls: Any = None) -> Dataset:
        """What ``map_func`` returns (a structure of tensors) for each element.

        ``map_func`` is called once, with tensors: the items of an element that is a tuple, one by one, or the element. It
        may use tensors from outside: they are computed when an iterator is initialised. ``num_parallel_calls`` is accepted.
        """
        function = self._function(map_func, "MapDataset")
        found = function.result
        with self._graph.as_default(), function.building():
            made = structure.converted(tuple(found) if isinstance(found, list) else found)
        function.close(flatten(made))
        return self._made(
            lambda run: stages.Mapped(self._open(run), lambda row: function(row, run)),
            structure.specs_of(made),
            function.captured,
        )

    def filter(self, predicate: Callable[..., Any]) -> Dataset:
        """The elements for which ``predicate`` gives True. Raises ValueError where it gives no scalar bool."""
        return self._filtered(predicate, "FilterDataset", until=False)

    def _filtered(self, predicate: Callable[..., Any], name: str, until: bool) -> Dataset:
        function = self._function(predicate, name)
        with self._graph.as_default(), function.building():
            test = convert_to_tensor(function.result)
        if test.dtype.name != "bool" or test.ndim not in (0, None):
            raise ValueError(
                f"`predicate` return type must be convertible to a scalar boolean tensor. Was {test}.{at_line()}"
            )
        function.close([test])

        def open(run: Opening) -> Rows[Row]:
            return stages.Filtered(self._open(run), lambda row: function(row, run), until)

        return self._made(open, more=function.captured)

    def flat_map(self, map_func: Callable[..., Any]) -> Dataset:
        """The elements of the datasets that ``map_func`` gives for each element, one after the other."""
        return self.interleave(map_func, 1, 1)

    def interleave(
        self,
        map_func: Callable[..., Any],
        cycle_length: Any = AUTOTUNE,
        block_length: Any = 1,
        num_parallel_calls: Any = None,
    ) -> Dataset:
        """The elements of the datasets that ``map_func`` gives for each element: of ``cycle_length`` datasets at a time,
        ``block_length`` elements of each in turn. Raises TypeError where ``map_func`` returns no dataset."""
        function = self._function(map_func, "InterleaveDataset")
        inner = function.result
        if not isinstance(inner, Dataset):
            raise TypeError(f"`map_func` must return a `Dataset` object. Got {type(inner)}{at_line()}")
        function.close(inner._tensors)
        cycle, block = Setting(cycle_length), Setting(block_length)

        def open(run: Opening) -> Rows[Row]:
            def opened(row: Row) -> Rows[Row]:
                values = dict(zip(inner._tensors, function(row, run), strict=True))
                return inner._open(run.further(values))

            width = cycle(run)
            return stages.Interleaved(self._open(run), opened, _FEW if width < 0 else width, block(run))

        return self._made(open, inner._element, [*function.captured, *cycle.tensors, *block.tensors])

    def apply(self, transformation_func: Callable[[Dataset], Dataset]) -> Dataset:
        """``transformation_func(self)``. Raises TypeError where that is no dataset."""
        found = transformation_func(self)
        if not isinstance(found, Dataset):
            raise TypeError(f"`transformation_func` must return a Dataset. Got {found!r}{at_line()}")
        return found

    def unbatch(self) -> Dataset:
        """The rows of each element's components, one after the other. Raises ValueError where one is a scalar."""

        def open(run: Opening) -> Rows[Row]:
            source = self._open(run)

            def following() -> Rows[Row] | None:
                for row in source:
                    return stages.Slices(row)
                return None

            return stages.Chained(following)

        return self._made(open, structure.rows(self._element))

    def reduce(self, initial_state: Any, reduce_func: Callable[..., Any]) -> Any:
        """The tensors of ``reduce_func(state, element)`` for the last element; the state is ``initial_state`` at first, then
        what came out for the element before. Each run goes through the whole dataset.

        Raises TypeError or ValueError where the state changes its dtypes or its structure.
        """
        return reduced(self, initial_state, reduce_func)

    # Iterators

    def make_one_shot_iterator(self) -> Iterator:
        """An iterator that goes once through the dataset, in each session, and needs no initialiser.

        Raises ValueError where the dataset uses placeholders or variables: their values are there in runs only.
        """
        return make_one_shot_iterator(self)

    def make_initializable_iterator(self, shared_name: str | None = None) -> Iterator:
        """An iterator that goes to the dataset's beginning when its ``initializer`` is run."""
        return make_initializable_iterator(self, shared_name)

    def _made(self, open: Open, element: Any = None, more: Sequence[Any] = ()) -> Dataset:
        """A dataset made of this one, with elements like this one's unless others are named."""
        return Dataset(self._element if element is None else element, [*self._tensors, *more], open, self._graph)


def _padded(shape: Any) -> tuple[int | None, ...] | None:
    """A padded shape as dimensions. Raises ValueError for a tensor whose value only the run knows."""
    if isinstance(shape, Value):
        value = constant_value(shape)
        if value is None:
            raise ValueError(f"padded_batch: the padded shapes have to be known while the graph is being built{at_line()}")
        shape = value.tolist()
    if isinstance(shape, (list, tuple)):
        shape = [None if isinstance(dim, int) and dim < 0 else dim for dim in shape]
    return dims_of(shape)
