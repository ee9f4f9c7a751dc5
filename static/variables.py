"""Variables: values that a session keeps from run to run, and the operations that change them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from graphs.core.errors import at_line
from graphs.core.node import Operators, Value, ancestors
from graphs.core.notebook import Shown
from graphs.core.op import Op
from graphs.core.spec import Spec
from static.array import identity, rank, stack
from static.defaults import default_session
from static.dtypes import DType
from static.flow import group
from static.graph import Graph, GraphKeys, Operation, get_collection, get_default_graph
from static.shapes import TensorShape, dims_of
from static.state import (
    assign_add_op,
    assign_op,
    assign_sub_op,
    initialized_value_op,
    is_initialized_op,
    read_op,
    report_uninitialized_op,
    scatter_add_op,
    scatter_update_op,
    variable_op,
)
from static.tensor import Tensor, apply, convert_to_tensor, index, source


class Variable(Operators, Shown):
    """A value that a session keeps. Using one as a tensor reads it.

    Reads see the value that the run found, in whatever order the rest of the run goes; inside ``control_dependencies`` they
    see what the assignments among those dependencies have left.

    Args:
        initial_value: a tensor, anything that can be made a constant, or a callable that returns either.
        trainable: whether optimizers change it when they are given no list (they do).
        name, dtype: as for a tensor.
        validate_shape: False lets values of another shape be assigned.
        collections: the collections it goes to, by default ``GLOBAL_VARIABLES``; besides ``TRAINABLE_VARIABLES``.
        constraint: a function of the value after an optimizer's step that gives the value to keep.
        shape: the shape, where the initial value's says less.
        caching_device, use_resource, synchronization, aggregation: accepted, without effect.
    """

    handle: Any
    """The variable itself as a tensor: an operation that takes it is given the value at its place in the run."""

    def __init__(
        self,
        initial_value: Any = None,
        trainable: bool | None = None,
        collections: Iterable[str] | None = None,
        validate_shape: bool = True,
        caching_device: Any = None,
        name: str | None = None,
        variable_def: Any = None,
        dtype: Any = None,
        expected_shape: Any = None,
        import_scope: str | None = None,
        constraint: Callable[[Any], Any] | None = None,
        use_resource: bool | None = None,
        synchronization: Any = None,
        aggregation: Any = None,
        shape: Any = None,
    ) -> None:
        if initial_value is None:
            raise ValueError(f"initial_value must be specified.{at_line()}")
        graph = get_default_graph()
        full = graph.unique_name(name or "Variable")
        with graph.inside(None), graph.name_scope(f"{full}/"):
            if callable(initial_value):
                with graph.name_scope("Initializer"), graph.device(None):
                    initial_value = initial_value()
            initial = convert_to_tensor(initial_value, dtype, name="initial_value")
            initial = guarded(initial)
            dims = (initial.spec.dims if shape is None else dims_of(shape)) if validate_shape else None
            spec = Spec(dims, initial.spec.dtype)
            with graph.name_scope(None):
                self.handle = graph.add(variable_op, (), {"spec": spec}, (spec,), full, Tensor).outputs[0]
            graph.variables[self.handle.node] = self
            self.initial_value = initial
            self._validate = validate_shape
            assigned = apply(assign_op, self.handle, initial, name="Assign", validate_shape=validate_shape)
            self.initializer: Operation = assigned.op
            self._snapshot = apply(read_op, self.handle, name="read")
        self.trainable = trainable is None or bool(trainable)
        self.constraint = constraint
        self._reads: dict[Any, Any] = {}
        keys = [GraphKeys.GLOBAL_VARIABLES] if collections is None else list(collections)
        for key in dict.fromkeys([*keys, *([GraphKeys.TRAINABLE_VARIABLES] if self.trainable else ())]):
            graph.add_to_collection(key, self)

    @classmethod
    def of_nodes(
        cls, handle: Any, initial_value: Any, initializer: Any, snapshot: Any, settings: Mapping[str, Any]
    ) -> Variable:
        """A variable over operations that are in the graph already, with the ``settings`` that ``definition`` gives."""
        made = cls.__new__(cls)
        made.handle, made.initial_value, made.initializer, made._snapshot = handle, initial_value, initializer, snapshot
        made.trainable, made._validate = settings["trainable"], settings["validate_shape"]
        made.constraint, made._reads = None, {}
        handle.graph.variables[handle.node] = made
        return made

    def definition(self) -> dict[str, Any]:
        """The names of its operations and tensors, and its settings. A ``constraint`` is not among them."""
        names = {"name": self.op.name, "initial_value": self.initial_value.name, "initializer": self.initializer.name}
        settings = {"trainable": self.trainable, "validate_shape": self._validate}
        return {**names, "snapshot": self._snapshot.name, **settings}

    @classmethod
    def __bind__(cls, op: Op, args: tuple[Any, ...], params: Mapping[str, Any]) -> Any:
        return Tensor.__bind__(op, args, params)

    def _as_tensor(self) -> Any:
        return self.value()

    def _as_graph_element(self) -> Any:
        return self.handle

    @property
    def graph(self) -> Graph:
        """The graph it belongs to."""
        return self.handle.graph

    @property
    def op(self) -> Operation:
        """The operation that stands for it."""
        return self.handle.op

    @property
    def name(self) -> str:
        """``<operation's name>:0``."""
        return self.handle.name

    @property
    def dtype(self) -> DType:
        """The dtype."""
        return self.handle.dtype

    @property
    def shape(self) -> TensorShape:
        """The shape as far as it is known."""
        return self.handle.shape

    def get_shape(self) -> TensorShape:
        """The shape as far as it is known."""
        return self.shape

    @property
    def device(self) -> str:
        """The device recorded on the operation (``static.placement`` says what it does)."""
        return self.op.device

    # Reading

    def value(self) -> Any:
        """A tensor of its value (see the class for which)."""
        return self._read() if self.graph.dependencies else self._snapshot

    def read_value(self) -> Any:
        """As ``value``; inside a loop or branch that changes the variable, its value at this point."""
        return self._read() if self.graph.dependencies or self.graph.body else self._snapshot

    def _read(self) -> Any:
        graph = self.graph
        key = (graph.body, graph.dependencies)
        read = self._reads.get(key)
        if read is None:
            with graph.name_scope(f"{self.op.name}/"):
                read = self._reads[key] = apply(read_op, self.handle, name="read")
        return read

    def eval(self, session: Any = None) -> Any:
        """Its value in ``session``, by default the default one."""
        return default_session(session, self.graph, "Variable.eval").run(self)

    def initialized_value(self) -> Any:
        """A tensor of the value that the run found, of the initial value where there was none."""
        with self.graph.inside(None), self.graph.name_scope(f"{self.op.name}/"):
            return apply(initialized_value_op, self.handle, self.initial_value, name="initialized_value")

    def __getitem__(self, key: Any) -> Any:
        return index(self.value(), key)

    def __iter__(self) -> Any:
        raise TypeError(f"Variable {self.name} cannot be iterated over while the graph is being built. Use tf.unstack.")

    def __bool__(self) -> bool:
        raise TypeError(f"Using a tf.Variable as a Python bool is not allowed: {self.name} has a value in sessions only.")

    # Changing

    def assign(self, value: Any, use_locking: bool = False, name: str | None = None, read_value: bool = True) -> Any:
        """A tensor of ``value`` that, when it is run, makes it the variable's."""
        return self._update(assign_op, name, read_value, value, validate_shape=self._validate)

    def assign_add(self, delta: Any, use_locking: bool = False, name: str | None = None, read_value: bool = True) -> Any:
        """A tensor that, when it is run, adds ``delta`` to the variable, and is the sum."""
        return self._update(assign_add_op, name, read_value, delta)

    def assign_sub(self, delta: Any, use_locking: bool = False, name: str | None = None, read_value: bool = True) -> Any:
        """A tensor that, when it is run, subtracts ``delta`` from the variable, and is the difference."""
        return self._update(assign_sub_op, name, read_value, delta)

    def scatter_update(self, indices: Any, updates: Any, name: str | None = None) -> Any:
        """A tensor that, when it is run, replaces the rows at ``indices``, and is the variable's new value."""
        return self._update(scatter_update_op, name, True, updates, convert_to_tensor(indices))

    def scatter_add(self, indices: Any, updates: Any, name: str | None = None) -> Any:
        """A tensor that, when it is run, adds to the rows at ``indices``, and is the variable's new value."""
        return self._update(scatter_add_op, name, True, updates, convert_to_tensor(indices))

    def _update(self, op: Op, name: str | None, read_value: bool, value: Any, *before: Any, **params: Any) -> Any:
        given = convert_to_tensor(value, self.dtype, name="value")
        made = apply(op, self.handle, *before, given, name=name, **params)
        return made if read_value else made.op

    def load(self, value: Any, session: Any = None) -> None:
        """Give it ``value`` in ``session``, by default the default one."""
        default_session(session, self.graph, "Variable.load").load({self: value})

    def __repr__(self) -> str:
        return f"<tf.Variable '{self.name}' shape={self.shape} dtype={self.dtype.name}>"


def guarded(initial: Any) -> Any:
    """``initial`` with every variable it reads replaced by that variable's ``initialized_value``, so that one run can
    initialise them all."""
    nodes = ancestors({initial.node})
    if not any(node.op is read_op for node in nodes):
        return initial
    replaced: dict[tuple[Any, int], Any] = {}
    for node in nodes:
        if node.op is read_op:
            replaced[node, 0] = node.graph.variables[node.inputs[0].node].initialized_value()
        elif any(edge is not None and (edge.node, edge.index) in replaced for edge in node.edges):
            args = [replaced.get((x.node, x.index), x) if isinstance(x, Value) else x for x in node.inputs]
            out = apply(node.op, *args, **node.params)
            for position, value in enumerate(out if len(node.specs) > 1 else (out,)):
                replaced[node, position] = value
    return replaced.get((initial.node, initial.index), initial)


# As functions


def assign(ref: Variable, value: Any, validate_shape: bool | None = None, use_locking: Any = None, name: Any = None) -> Any:
    """``ref.assign(value)``."""
    return ref.assign(value, name=name)


def assign_add(ref: Variable, value: Any, use_locking: Any = None, name: Any = None) -> Any:
    """``ref.assign_add(value)``."""
    return ref.assign_add(value, name=name)


def assign_sub(ref: Variable, value: Any, use_locking: Any = None, name: Any = None) -> Any:
    """``ref.assign_sub(value)``."""
    return ref.assign_sub(value, name=name)


def scatter_update(ref: Variable, indices: Any, updates: Any, use_locking: bool = True, name: Any = None) -> Any:
    """``ref.scatter_update(indices, updates)``."""
    return ref.scatter_update(indices, updates, name)


def scatter_add(ref: Variable, indices: Any, updates: Any, use_locking: bool = False, name: Any = None) -> Any:
    """``ref.scatter_add(indices, updates)``."""
    return ref.scatter_add(indices, updates, name)


def global_variables(scope: str | None = None) -> list[Variable]:
    """The default graph's variables."""
    return get_collection(GraphKeys.GLOBAL_VARIABLES, scope)


def local_variables(scope: str | None = None) -> list[Variable]:
    """The default graph's variables in the collection ``LOCAL_VARIABLES``."""
    return get_collection(GraphKeys.LOCAL_VARIABLES, scope)


def trainable_variables(scope: str | None = None) -> list[Variable]:
    """The default graph's variables that optimizers change."""
    return get_collection(GraphKeys.TRAINABLE_VARIABLES, scope)


def model_variables(scope: str | None = None) -> list[Variable]:
    """The default graph's variables in the collection ``MODEL_VARIABLES``."""
    return get_collection(GraphKeys.MODEL_VARIABLES, scope)


def variables_initializer(var_list: Iterable[Variable], name: str = "init") -> Operation:
    """An operation that initialises the variables of ``var_list``."""
    return group(*[variable.initializer for variable in var_list], name=name)


def global_variables_initializer() -> Operation:
    """An operation that initialises all variables that the default graph has by now."""
    return variables_initializer(global_variables())


def local_variables_initializer() -> Operation:
    """An operation that initialises the default graph's local variables."""
    return variables_initializer(local_variables())


def tables_initializer(name: str = "init_all_tables") -> Operation:
    """An operation that runs what the collection ``TABLE_INITIALIZERS`` holds."""
    return group(*get_collection(GraphKeys.TABLE_INITIALIZERS), name=name)


initialize_all_variables = global_variables_initializer
initialize_variables = variables_initializer
initialize_local_variables = local_variables_initializer
initialize_all_tables = tables_initializer


def is_variable_initialized(variable: Variable) -> Any:
    """A bool tensor: whether the variable had a value when the run began."""
    return apply(is_initialized_op, variable.handle)


def assert_variables_initialized(var_list: Iterable[Variable] | None = None) -> Any:
    """The variables' ranks, in a run: it raises FailedPreconditionError where one has no value. None without variables."""
    chosen = list(global_variables() + local_variables() if var_list is None else var_list)
    if not chosen:
        return None
    reads = [variable.value() for variable in chosen]
    with get_default_graph().control_dependencies(reads):
        ranks = [rank(read) for read in reads]
        return identity(ranks[0]) if len(ranks) == 1 else stack(ranks)


def report_uninitialized_variables(var_list: Iterable[Variable] | None = None, name: str | None = None) -> Any:
    """A tensor of the names (bytes) of the variables that had no value when the run began."""
    chosen = list(global_variables() + local_variables() if var_list is None else var_list)
    names = tuple(variable.op.name for variable in chosen)
    name = name or "report_uninitialized_variables"
    if not chosen:
        spec = Spec((0,), object)
        return source(report_uninitialized_op, {"names": names}, spec, name)
    return apply(report_uninitialized_op, *(variable.handle for variable in chosen), name=name, names=names)
