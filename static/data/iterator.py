"""Iterators over datasets, and the operations that initialise them and fetch their elements.

Where a session's iterators stand is one value that it keeps as it keeps variables: a table from names to cells, each of
which knows one row and the next cell. A run that succeeds moves on to the next cells; one that fails leaves the session at
the cells where it was, which have their rows already, so that no element is lost.

A dataset is known here by its ``_element``, ``_tensors``, ``_open`` and ``_graph`` alone, as it makes its own iterators.
"""

from __future__ import annotations

from collections.abc import Iterator as Rows
from typing import Any

import numpy

from graphs.core.errors import at_line
from graphs.core.node import ancestors, infer
from graphs.core.op import Op
from graphs.core.random import Draws, Stream
from graphs.core.spec import Spec
from static.data import structure
from static.data.opening import Opening
from static.data.stages import Later, Row
from static.errors import FailedPreconditionError, InvalidArgumentError, OutOfRangeError
from static.graph import Graph, Operation, get_default_graph
from static.nest import flatten, pack_sequence_as
from static.plan import Plan
from static.state import placeholder_op, variable_op
from static.tensor import Tensor, convert_to_tensor


class Cell:
    """A place in a stream of rows: its row, fetched when it is first asked for, and the place after it."""

    __slots__ = ("_source", "_row", "_next")

    def __init__(self, source: Rows[Row]) -> None:
        self._source = source
        self._row: Row | None = None
        self._next: Cell | None = None

    def take(self) -> tuple[Row, Cell]:
        """The row and the next cell. Raises OutOfRangeError at the end; where fetching fails, the next call goes on after
        that row."""
        if self._row is None or self._next is None:
            try:
                row = next(self._source)
            except StopIteration:
                raise OutOfRangeError(None, "End of sequence") from None
            self._row, self._next = row, Cell(self._source)
        return self._row, self._next


def _table(state: Any) -> dict[str, Cell]:
    return {} if state is None else state[()]


def _boxed(table: dict[str, Cell]) -> Any:
    box = numpy.empty((), object)
    box[()] = table
    return box


class OneShot:
    """How an iterator begins that nobody initialises: with a dataset that needs nothing but itself."""

    def __init__(self, dataset: Any, seed: int | None) -> None:
        self._dataset = dataset
        self._seed = seed
        self._failed: list[Cell] = []

    def take(self) -> tuple[Row, Cell]:
        """The first row and the next cell. Where the first row fails, the next call goes on after it."""
        cell = self._failed.pop() if self._failed else Cell(Later(self._opened))
        try:
            return cell.take()
        except OutOfRangeError:
            raise
        except Exception:
            self._failed.append(cell)
            raise

    def cell(self) -> Cell:
        """The first cell."""
        return Cell(Later(self._opened))

    def _opened(self) -> Rows[Row]:
        tensors = self._dataset._tensors
        stream = Stream(self._seed)
        values, _ = Plan(tensors, [])({}, [], Draws(stream))
        return self._dataset._open(Opening(dict(zip(tensors, map(numpy.asarray, values), strict=True)), self._seed))


class Target:
    """Which iterator an operation is about, as an attribute of its node.

    Attributes:
        name: the iterator's name; None for one that a handle names in the run.
        specs: of the components of its elements.
        start: how it begins where nobody initialises it.
    """

    def __init__(self, name: str | None, specs: list[Spec], start: OneShot | None = None) -> None:
        self.name = name
        self.specs = specs
        self.start = start

    def __repr__(self) -> str:
        return self.name or "by handle"


_HANDLE = "iterator:"
_UNINITIALIZED = (
    "GetNext() failed because the iterator has not been initialized. Ensure that you have run the initializer operation for "
    "this iterator before getting the next element."
)
_STATE = Spec((), object)


def _op(name: str, specs: Any) -> Any:
    """Make the decorated kernel an op whose outputs are of the specs that ``specs`` gives for its attributes."""
    return lambda kernel: Op(
        kernel,
        name=name,
        shape=lambda *_, **params: tuple(spec.dims for spec in specs(**params)),
        dtype=lambda *_, **params: tuple(spec.dtype for spec in specs(**params)),
        traits=("stateful", "view"),
    )


@_op("make_iterator", lambda **_: [_STATE])
def make_iterator_op(xp: Any, state: Any, *values: Any, dataset: Any, target: Target, seed: int | None) -> Any:
    """The table of iterators with one at the beginning of ``dataset``, whose tensors have ``values``."""
    arrays = [numpy.asarray(x) for x in values]
    copies = [x.copy() if x.flags.writeable else x for x in arrays]
    run = Opening(dict(zip(dataset._tensors, copies, strict=True)), seed)
    return _boxed({**_table(state), str(target.name): Cell(Later(lambda: dataset._open(run)))})


@_op("iterator_get_next", lambda *, target: [*target.specs, _STATE])
def get_next_op(xp: Any, state: Any, *handle: Any, target: Target) -> Any:
    """The components of the next element, and the table with the iterator moved on."""
    table = _table(state)
    name = _named(handle[0]) if target.name is None else target.name
    place = table.get(name, target.start)
    if place is None:
        raise FailedPreconditionError(None, _UNINITIALIZED)
    row, following = place.take()
    if target.name is None and not structure.fits(row, target.specs):
        found, wanted = (", ".join(map(str, specs)) for specs in ([Spec.of(x) for x in row], target.specs))
        raise InvalidArgumentError(None, f"The iterator {name} yields {found}, and {wanted} was expected")
    return (*row, _boxed({**table, name: following}))


def _named(handle: Any) -> str:
    text: Any = numpy.asarray(handle)[()]
    decoded = text.decode(errors="replace") if isinstance(text, bytes) else ""
    if not decoded.startswith(_HANDLE):
        raise InvalidArgumentError(None, "Could not parse string_handle as a valid ResourceHandle")
    return decoded.removeprefix(_HANDLE)


@_op("iterator_to_string_handle", lambda **_: [Spec((), object), _STATE])
def string_handle_op(xp: Any, state: Any, *, target: Target) -> Any:
    """The handle by which a run may name the iterator, and the table, in which one that nobody initialises begins."""
    table = _table(state)
    name = str(target.name)
    if target.start is not None and name not in table:
        table = {**table, name: target.start.cell()}
    handle = numpy.empty((), object)
    handle[()] = f"{_HANDLE}{name}".encode()
    return handle, _boxed(table)


for _each in (make_iterator_op, get_next_op, string_handle_op):
    _each.joint_vjp(lambda needs, _gs, _outs, _args: [None] * len(needs))

_KEY = object()
"""The collection of a graph in which the variable for its iterators is."""


def _state_of(graph: Graph) -> Any:
    """The variable that holds where the graph's iterators stand."""
    found = graph.get_collection_ref(_KEY)
    if not found:
        params = {"spec": _STATE, "optional": True}
        with graph.inside(None), graph.control_dependencies(None):
            node = graph.add(variable_op, (), params, (_STATE,), graph.unique_name("Iterators"), Tensor)
        found.append(node.outputs[0])
    return found[0]


def _operation(graph: Graph, op: Op, given: list[Any], name: str, **params: Any) -> Operation:
    """The node of ``op`` on the table of iterators, which its last output replaces."""
    inputs = (_state_of(graph), *given)
    node = graph.add(op, inputs, params, infer(op, inputs, params), graph.unique_name(name), Tensor)
    object.__setattr__(node, "writes", ((inputs[0].node, len(node.specs) - 1),))
    return node


class Iterator:
    """Goes through the elements of a dataset, in each session for itself.

    ``get_next`` gives the tensors of an element; each run that needs them moves on by one. The run after the last element
    fails with OutOfRangeError. A run that fails moves no iterator on, unless it was an element itself that failed: the next
    run goes on after that. Make iterators by a dataset's methods, or by the static methods here.
    """

    def __init__(
        self, element: Any, graph: Graph, target: Target, initializer: Operation | None, handle: Any = None
    ) -> None:
        self._element = element
        self._graph = graph
        self._target = target
        self._initializer = initializer
        self._handle = handle

    @staticmethod
    def from_structure(
        output_types: Any, output_shapes: Any = None, shared_name: str | None = None, output_classes: Any = None
    ) -> Iterator:
        """An iterator for datasets of these types and shapes, to be initialised by ``make_initializer``."""
        graph = get_default_graph()
        element = structure.declared(output_types, output_shapes)
        return Iterator(element, graph, Target(graph.unique_name("IteratorV2"), flatten(element)), None)

    @staticmethod
    def from_string_handle(
        string_handle: Any, output_types: Any, output_shapes: Any = None, output_classes: Any = None
    ) -> Iterator:
        """The iterator that ``string_handle`` (a string tensor, fed in most programs) names in each run."""
        handle = convert_to_tensor(string_handle, "string")
        element = structure.declared(output_types, output_shapes)
        return Iterator(element, handle.graph, Target(None, flatten(element)), None, handle)

    def get_next(self, name: str | None = None) -> Any:
        """The tensors of the next element, in the structure of the dataset's elements."""
        given = [] if self._handle is None else [self._handle]
        with self._graph.as_default():
            node = _operation(self._graph, get_next_op, given, name or "IteratorGetNext", target=self._target)
        return pack_sequence_as(self._element, node.outputs[:-1])

    @property
    def initializer(self) -> Operation:
        """The operation that sets the iterator to its dataset's beginning. Raises ValueError where it has none."""
        if self._initializer is None:
            raise ValueError("Iterator does not have an initializer.")
        return self._initializer

    def make_initializer(self, dataset: Any, name: str | None = None) -> Operation:
        """An operation that sets the iterator to the beginning of ``dataset``.

        Raises TypeError or ValueError where the dataset's elements are not of the iterator's types, structure and shapes.
        """
        check_fits(self._element, dataset)
        with self._graph.as_default(), self._graph.name_scope(name or "make_initializer") as scope:
            return initializer(self._graph, dataset, self._target, scope)

    def string_handle(self, name: str | None = None) -> Any:
        """A string tensor that names the iterator; its value may be fed to ``from_string_handle``'s in the same session."""
        with self._graph.as_default():
            node = _operation(self._graph, string_handle_op, [], name or "IteratorToStringHandle", target=self._target)
        return node.outputs[0]

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


def initializer(graph: Graph, dataset: Any, target: Target, name: str) -> Operation:
    """The operation that sets the iterator ``target`` to the beginning of ``dataset``."""
    return _operation(graph, make_iterator_op, dataset._tensors, name, dataset=dataset, target=target, seed=graph.seed)


def check_fits(element: Any, dataset: Any) -> None:
    """Raise TypeError or ValueError where the dataset's elements are not like ``element``."""
    wanted, found = structure.types(element), dataset.output_types
    if wanted != found:
        raise TypeError(f"Expected output types {wanted!r} but got dataset with output types {found!r}.{at_line()}")
    for mine, theirs in zip(flatten(element), flatten(dataset._element), strict=True):
        if mine.dims is not None and (theirs.dims is None or not _covers(mine.dims, theirs.dims)):
            raise TypeError(
                f"Expected output shapes compatible with {structure.shapes(element)} but got dataset with output shapes "
                f"{dataset.output_shapes}.{at_line()}"
            )


def _covers(dims: Any, others: Any) -> bool:
    return len(dims) == len(others) and all(a is None or b is None or a == b for a, b in zip(dims, others, strict=True))


def make_initializable_iterator(dataset: Any, shared_name: str | None = None) -> Iterator:
    """An iterator over ``dataset`` that goes to its beginning when its ``initializer`` is run."""
    graph = dataset._graph
    with graph.as_default():
        target = Target(graph.unique_name("IteratorV2"), flatten(dataset._element))
        return Iterator(dataset._element, graph, target, initializer(graph, dataset, target, "MakeIterator"))


def make_one_shot_iterator(dataset: Any) -> Iterator:
    """An iterator that goes once through ``dataset``, in each session, and needs no initialiser.

    Raises ValueError where the dataset uses placeholders or variables: their values are there in runs only.
    """
    graph = dataset._graph
    for node in ancestors({x.node for x in dataset._tensors}):
        kind = "a placeholder" if node.op is placeholder_op else "a stateful node" if _stateful(node) else ""
        if kind:
            raise ValueError(
                "Failed to create a one-shot iterator for a dataset, which has to do without placeholders, variables and "
                f"other state; use `Dataset.make_initializable_iterator()`. (Original error: Cannot capture {kind} (name:"
                f"{node.name}, type:{node.type}) by value, made at {node.where}.){at_line()}"
            )
    target = Target(graph.unique_name("OneShotIterator"), flatten(dataset._element), OneShot(dataset, graph.seed))
    return Iterator(dataset._element, graph, target, None)


def _stateful(node: Any) -> bool:
    return node.op is variable_op or bool(node.op.traits & {"update", "stateful"}) or bool(node.writes)
