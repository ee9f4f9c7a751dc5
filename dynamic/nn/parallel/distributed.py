"""``DistributedDataParallel``: the same model on several ranks, each with its part of the batch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from dynamic.apply import wrap
from dynamic.distributed.collectives import broadcast
from dynamic.distributed.errors import MismatchError
from dynamic.distributed.groups import of
from dynamic.distributed.objects import all_gather_object
from dynamic.names import lacking
from dynamic.nn.modules.module import Module
from dynamic.nn.parallel.buckets import FIRST
from dynamic.nn.parallel.joining import Joining
from dynamic.nn.parallel.reducer import Reducer
from dynamic.nn.uninitialized import UninitializedParameter
from dynamic.tape import recording
from graphs.core.arrays import xp_of
from graphs.core.errors import GradientError, at_line


_MB = 1 << 20


class DistributedDataParallel(Module):
    """Calls ``module``, and averages the gradients over the ranks while a backward pass is under way.

    At first every rank takes over rank 0's parameters and buffers. From then on they stay equal, bit by bit, since gradients
    are added up in the order of the ranks on all of them, and no rank's optimiser sees others than the rest. The gradient of
    the mean over the whole batch is what comes out where ranks have equal parts of it.

    Args:
        module: the model; at least one of its parameters wants a gradient.
        device_ids, output_device, dim: where PyTorch would put it; not used, but one device at most.
        broadcast_buffers: let all ranks take over rank 0's buffers before each forward pass.
        init_sync: take over rank 0's parameters and buffers now; else they are taken to be equal.
        process_group: the ranks, by default all.
        bucket_cap_mb: how many megabytes (2²⁰ bytes) of gradients travel together; 25 by default, and the first bucket 1.
        find_unused_parameters: the loss need not depend on all parameters; those that no rank has used keep their ``grad``.
        gradient_as_bucket_view: let ``grad`` be the memory that travels, which saves one copy.
        static_graph: the same operations run in each pass, so parameters that are unused now always are.

    Raises ValueError where there is no process group; RuntimeError for a module without such parameters; MismatchError where
    the ranks' models differ, naming the first parameter that does.
    """

    def __init__(
        self,
        module: Module,
        device_ids: Any = None,
        output_device: Any = None,
        dim: int = 0,
        broadcast_buffers: bool = True,
        init_sync: bool = True,
        process_group: Any = None,
        bucket_cap_mb: float | None = None,
        find_unused_parameters: bool = False,
        check_reduction: bool = False,
        gradient_as_bucket_view: bool = False,
        static_graph: bool = False,
    ) -> None:
        super().__init__()
        if device_ids is not None and len(device_ids) > 1:
            raise ValueError(f"device_ids names one device at most, not {device_ids}: a rank has one{at_line()}")
        if bucket_cap_mb is not None and bucket_cap_mb <= 0:
            raise ValueError(f"bucket_cap_mb is more than nothing, not {bucket_cap_mb}{at_line()}")
        self.process_group = of(process_group)
        self.module, self.dim, self.device_ids, self.output_device = module, dim, device_ids, output_device
        self.broadcast_buffers, self.find_unused_parameters = broadcast_buffers, find_unused_parameters
        self.gradient_as_bucket_view, self.static_graph = gradient_as_bucket_view, static_graph
        self.require_backward_grad_sync = self.require_forward_param_sync = True
        self._joining: Joining | None = None
        ignored = set(getattr(module, "_ddp_params_and_buffers_to_ignore", ()))
        named = [(name, each) for name, each in module.named_parameters() if name not in ignored]
        wanted = [(name, each) for name, each in named if each.requires_grad]
        if not wanted:
            raise GradientError(
                "DistributedDataParallel is not needed when a module doesn't have any parameters that require a gradient"
                f"{at_line()}"
            )
        if any(isinstance(each, UninitializedParameter) for _, each in named):
            raise GradientError(f"some parameters have no shape yet: run a forward pass before this{at_line()}")
        self._buffers_kept = [each for name, each in module.named_buffers() if name not in ignored]
        self._check_equal(named)
        if init_sync:
            self._take_over([each for _, each in named] + self._buffers_kept)
        cap = int((25 if bucket_cap_mb is None else bucket_cap_mb) * _MB)
        limits = [min(FIRST, cap), cap]
        unused = find_unused_parameters or static_graph
        self.reducer = Reducer(wanted, self.process_group, limits, unused, static_graph, gradient_as_bucket_view)

    def _check_equal(self, named: list[tuple[str, Any]]) -> None:
        """Raise MismatchError where ranks have other parameters or buffers."""
        mine = [f"{name} {each._array.dtype.name} {tuple(each.shape)} {each.requires_grad}" for name, each in named]
        mine += [f"buffer {each._array.dtype.name} {tuple(each.shape)}" for each in self._buffers_kept]
        found: list[Any] = [None] * self.process_group.size()
        all_gather_object(found, mine, self.process_group)
        for rank, theirs in zip(self.process_group.ranks, found, strict=True):
            if theirs != found[0]:
                pairs = [*zip(found[0], theirs, strict=False)]
                first = next((f"{a} there is {b}" for a, b in pairs if a != b), f"{len(found[0])} there are {len(theirs)}")
                others = f"the model on rank {rank} is not that of rank {self.process_group.ranks[0]}"
                raise MismatchError(f"{others}: in place of {first}{at_line()}")

    def _take_over(self, tensors: list[Any], root: int = 0) -> None:
        """Give all ranks the values of one, in one message a dtype."""
        kinds: dict[Any, list[Any]] = {}
        for each in tensors:
            kinds.setdefault((each._array.dtype.str, type(each._array)), []).append(each)
        for some in kinds.values():
            xp = xp_of((some[0]._array,))
            together = wrap(xp.concatenate([each._array.reshape(-1) for each in some]))
            broadcast(together, group=self.process_group, group_src=root)
            at = 0
            for each in some:
                size = each._array.size
                each._array[...] = together._array[at : at + size].reshape(each._array.shape)
                each._touch()
                at += size

    def forward(self, *inputs: Any, **kwargs: Any) -> Any:
        """What the module gives, after its buffers have become rank 0's."""
        synced = recording.get() and self.require_backward_grad_sync
        buffers = self.require_forward_param_sync and self.broadcast_buffers and bool(self._buffers_kept)
        if self._joining is not None:
            self._joining.begin(synced, buffers)
        if buffers:
            self._take_over(self._buffers_kept, 0 if self._joining is None else self._joining.root)
        result = self.module(*inputs, **kwargs)
        self.require_forward_param_sync = synced
        if recording.get():
            self.reducer.expecting = synced
        return result

    @contextmanager
    def no_sync(self) -> Iterator[None]:
        """Forward passes inside leave gradients to their rank; the first one outside averages what has been collected."""
        before, self.require_backward_grad_sync = self.require_backward_grad_sync, False
        try:
            yield
        finally:
            self.require_backward_grad_sync = before

    @contextmanager
    def join(
        self, divide_by_initial_world_size: bool = True, enable: bool = True, throw_on_early_termination: bool = False
    ) -> Iterator[None]:
        """Let ranks have unequal numbers of inputs: forward and backward passes inside follow each other, a rank at a time.

        A rank that has no more takes part in the others' reductions with gradients of zeros, and has in the end the model of
        those that went on.

        Args:
            divide_by_initial_world_size: divide the sum of gradients by the number of all ranks, else of those with inputs.
            enable: False does nothing of this.
            throw_on_early_termination: raise DistError on all ranks once one has no more inputs.
        """
        if not enable:
            yield
            return
        self._joining = Joining(self, divide_by_initial_world_size, throw_on_early_termination)
        try:
            yield
            self._joining.end()
        finally:
            self._joining = None
            self.reducer.divisor = self.process_group.size()

    def register_comm_hook(self, state: Any, hook: Callable[[Any, Any], Any]) -> None:
        """Have ``hook(state, bucket)`` average gradients in place of the sum over the ranks.

        It is given a ``GradBucket`` and returns the tensor, or a Work or future whose result it is, that takes its place.
        """
        self.reducer.hook = Hooked(state, hook)


class GradBucket:
    """Gradients that travel together, as a communication hook sees them."""

    def __init__(self, reducer: Reducer, bucket: Any, number: int, last: bool) -> None:
        self._reducer, self._bucket, self._number, self._last = reducer, bucket, number, last

    def buffer(self) -> Any:
        """All of them, as a tensor of one dimension over their memory."""
        return wrap(self._bucket.memory)

    def set_buffer(self, tensor: Any) -> None:
        """Take over other values."""
        self._bucket.memory[...] = tensor._array

    def gradients(self) -> list[Any]:
        """Each, as a tensor over the same memory."""
        return [self._bucket.tensor(i) for i in self._bucket.members]

    def parameters(self) -> list[Any]:
        """The parameters whose gradients these are."""
        return [self._reducer.parameters[i] for i in self._bucket.members]

    def index(self) -> int:
        """The bucket's number, in the order in which they travel."""
        return self._number

    def is_last(self) -> bool:
        """Whether no other bucket follows."""
        return self._last


class Hooked:
    """A communication hook with its state."""

    def __init__(self, state: Any, hook: Callable[[Any, Any], Any]) -> None:
        if not callable(hook):
            raise TypeError(f"a communication hook is a function{at_line()}")
        self.state, self.hook = state, hook

    def __call__(self, reducer: Reducer, bucket: Any, number: int, last: bool) -> Any:
        """Begin what the hook does with a bucket: something to wait for."""
        return _Pending(bucket, self.hook(self.state, GradBucket(reducer, bucket, number, last)))


class _Pending:
    """What a communication hook returned."""

    def __init__(self, bucket: Any, returned: Any) -> None:
        self._bucket, self._returned = bucket, returned

    def wait(self) -> None:
        """Wait for its result, and put that in the bucket."""
        value = self._returned
        if hasattr(value, "wait"):
            waited = value.wait()
            value = value.result() if hasattr(value, "result") else waited
        value = value[0] if isinstance(value, (list, tuple)) else value
        array = getattr(value, "_array", None)
        if array is None or array.size != self._bucket.memory.size:
            raise TypeError(f"a communication hook gives a tensor of the bucket's size, not {value!r}{at_line()}")
        if array is not self._bucket.memory:
            self._bucket.memory[...] = array.reshape(-1)


__getattr__ = lacking(__name__)
