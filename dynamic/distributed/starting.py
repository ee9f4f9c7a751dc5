"""The beginning and the end of process groups, and what is asked of them."""

from __future__ import annotations

import os
import zlib
from datetime import timedelta
from typing import Any

from dynamic.distributed import line, nccl, transport
from dynamic.distributed.announcing import Announcement
from dynamic.distributed.collectives import nothing
from dynamic.distributed.errors import DistError
from dynamic.distributed.groups import GroupMember, ProcessGroup, group as known, of
from dynamic.distributed.work import in_seconds
from graphs.core.errors import at_line


default_pg_timeout = timedelta(minutes=30)
"""How long an operation may take, unless ``init_process_group`` is told otherwise."""


class Backend(str):
    """The name of what carries messages: ``mpi`` for tensors in the processor's memory, ``nccl`` for those on GPUs."""

    UNDEFINED, MPI, NCCL = "undefined", "mpi", "nccl"

    def __new__(cls, name: str = "undefined") -> Backend:  # noqa: D102
        if not isinstance(name, str):
            raise ValueError(f"Backend constructor parameter must be string-ish, not {name!r}")
        return super().__new__(cls, name.lower())


def is_available() -> bool:
    """Whether there are process groups: mpi4py is installed."""
    return transport.installed()


is_mpi_available = is_available


def is_nccl_available() -> bool:
    """Whether NCCL is there: cupy with its bindings, and a GPU."""
    return nccl.available()


def is_gloo_available() -> bool:
    """False: MPI does here what gloo does in PyTorch."""
    return False


is_ucc_available = is_xccl_available = is_gloo_available


def is_backend_available(backend: str) -> bool:
    """Whether a backend of this name can be had."""
    return {"mpi": is_mpi_available, "nccl": is_nccl_available}.get(backend.lower(), is_gloo_available)()


def is_initialized() -> bool:
    """Whether ``init_process_group`` has been called."""
    return known.world is not None


def is_torchelastic_launched() -> bool:
    """Whether ``dynamic.distributed.run`` started this process."""
    return line.LAUNCHED in os.environ


def init_process_group(
    backend: str | None = None,
    init_method: str | None = None,
    timeout: Any = None,
    world_size: int = -1,
    rank: int = -1,
    store: Any = None,
    group_name: str = "",
    pg_options: Any = None,
    device_id: Any = None,
) -> None:
    """Make the default process group of all ranks that ``mpiexec``, or ``python -m dynamic.distributed.run``, started.

    A program that neither has started is a group of one. From here on an exception that nobody catches ends all ranks.

    Args:
        backend: ``mpi``, ``nccl`` (tensors on GPUs alone), ``cpu:mpi,cuda:nccl``, or None for what is there.
        init_method: None or ``env://``: ranks find each other through MPI.
        timeout: how long an operation may take, 30 minutes by default: a ``timedelta``, or seconds.
        world_size, rank: checked, where given: MPI tells them.

    Raises DistError saying what to install where there is no MPI; ValueError for another backend or where MPI has another
    rank or number of ranks, and where there is a group already.
    """
    if known.world is not None:
        raise ValueError(f"trying to initialize the default process group twice!{at_line()}")
    name = _checked(backend)
    if store is not None or init_method not in (None, "env://"):
        raise ValueError(f"ranks find each other through MPI: no store, and init_method env:// or None{at_line()}")
    seconds = in_seconds(default_pg_timeout if timeout is None else timeout)
    if seconds <= 0:
        raise ValueError(f"a timeout is more than nothing, not {seconds:g} s{at_line()}")
    line.begin()
    MPI = transport.mpi()  # noqa: N806 (mpi4py's name)
    comm = MPI.COMM_WORLD
    for what, wanted, found in (("world_size", world_size, comm.size), ("rank", rank, comm.rank)):
        if wanted not in (-1, found):
            raise ValueError(f"{what} is {wanted}, and MPI says {found}: start the ranks with mpiexec -n{at_line()}")
    if line.LAUNCHED in os.environ and os.environ.get("WORLD_SIZE") != str(comm.size):
        library = MPI.Get_library_version().splitlines()[0].strip("\0 ")
        raise DistError(f"{library} does not find the ranks that this launcher has started: use its mpiexec{at_line()}")
    known.world = _made(MPI, comm, list(range(comm.size)), name, seconds, group_name or "world")


def _checked(backend: Any) -> str:
    if backend is None:
        return "cpu:mpi,cuda:nccl" if is_nccl_available() else "mpi"
    name = Backend(backend)
    parts = {part.partition(":")[2] or part for part in name.split(",")}
    if not parts <= {"mpi", "nccl"}:
        raise ValueError(f"backends are mpi and nccl, not {backend!r}{at_line()}")
    if "nccl" in parts and not is_nccl_available():
        raise DistError(f"nccl needs cupy and a GPU: pip install diptych[cuda12], or use mpi{at_line()}")
    return str(name)


def _made(MPI: Any, comm: Any, ranks: list[int], backend: str, timeout: float, name: str) -> ProcessGroup:  # noqa: N803
    made = ProcessGroup(MPI, comm, ranks, backend, timeout, name)
    if "nccl" in backend:
        made.nccl = nccl.Moves(made.moves, made.rank(), made.size())
    known.groups.append(made)
    return made


def new_group(
    ranks: list[int] | None = None,
    timeout: Any = None,
    backend: str | None = None,
    pg_options: Any = None,
    use_local_synchronization: bool = False,
    group_desc: str | None = None,
    device_id: Any = None,
    sort_ranks: bool = True,
) -> Any:
    """A group of some of the ranks; all ranks of the program call this, in the same order, members or not.

    Where this rank is no member it is ``GroupMember.NON_GROUP_MEMBER``, with which operations do nothing. Raises ValueError
    for ranks that do not exist or come twice; MismatchError where ranks do not call it with the same ones.
    """
    world = of(None)
    members = list(range(world.size())) if ranks is None else sorted(ranks) if sort_ranks else list(ranks)
    if len(set(members)) != len(members) or not all(0 <= each < world.size() for each in members):
        raise ValueError(f"no ranks of a program of {world.size()}, each once: {members}{at_line()}")
    number = next(known.numbers)
    seconds = world.timeout if timeout is None else in_seconds(timeout)
    about = Announcement("new_group", extra=zlib.crc32(repr(members).encode()))
    world.begin(about, nothing(), None, False)
    comm = world.split(members, number) if members else None
    if comm is None:
        return GroupMember.NON_GROUP_MEMBER
    return _made(
        transport.mpi(), comm, members, world.backend if backend is None else _checked(backend), seconds, f"{number}"
    )


def new_subgroups(
    group_size: int | None = None, group: Any = None, timeout: Any = None, backend: Any = None, pg_options: Any = None
) -> tuple[Any, list[Any]]:
    """Groups of ``group_size`` ranks that follow each other: this rank's, and all of them."""
    size = get_world_size() if group_size is None else group_size
    if size <= 0 or get_world_size() % size:
        raise ValueError(f"{get_world_size()} ranks are not cut into groups of {size}{at_line()}")
    groups = [new_group(list(range(at, at + size)), timeout, backend) for at in range(0, get_world_size(), size)]
    return groups[get_rank() // size], groups


def destroy_process_group(group: Any = None) -> None:
    """Leave a group, or all of them. What the other ranks do in it from now on is an error that says so."""
    if group == GroupMember.NON_GROUP_MEMBER:
        return
    gone = of(group)
    leaving = list(known.groups) if gone is known.world else [gone]
    for each in leaving:
        each.leave()
        known.groups.remove(each)
    if gone is known.world:
        known.world = None


def get_rank(group: Any = None) -> int:
    """This process's rank in the group; -1 where it is not in it."""
    return -1 if group == GroupMember.NON_GROUP_MEMBER else of(group).rank()


def get_world_size(group: Any = None) -> int:
    """The number of ranks in the group; -1 where this one is not in it."""
    return -1 if group == GroupMember.NON_GROUP_MEMBER else of(group).size()


def get_backend(group: Any = None) -> Backend:
    """What carries the group's messages."""
    return Backend(of(group).backend)


def get_backend_config(group: Any = None) -> str:
    """The backends by kinds of device: ``cpu:mpi,cuda:mpi`` (through the processor's memory)."""
    name = of(group).backend
    return name if ":" in name else f"cuda:{name}" if name == "nccl" else f"cpu:{name},cuda:{name}"


def get_default_backend_for_device(device: Any) -> str:
    """``nccl`` for a GPU, ``mpi`` for the processor."""
    return "nccl" if str(device).startswith("cuda") else "mpi"


def get_process_group_ranks(group: Any = None) -> list[int]:
    """The members' ranks among all, by their rank in the group."""
    return list(of(group).ranks)


def get_global_rank(group: Any, group_rank: int) -> int:
    """A member's rank among all. Raises ValueError for none."""
    ranks = of(group).ranks
    if not 0 <= group_rank < len(ranks):
        raise ValueError(f"Group rank {group_rank} is not part of group {group}{at_line()}")
    return ranks[group_rank]


def get_group_rank(group: Any, global_rank: int) -> int:
    """A rank's place in the group. Raises ValueError where it has none."""
    ranks = of(group).ranks
    if global_rank not in ranks:
        raise ValueError(f"Global rank {global_rank} is not part of group {group}{at_line()}")
    return ranks.index(global_rank)


def get_node_local_rank(fallback_rank: int | None = None) -> int:
    """This process's number among those of its host. Raises RuntimeError where no launcher has told."""
    for name in ("LOCAL_RANK", "MPI_LOCALRANKID", "OMPI_COMM_WORLD_LOCAL_RANK"):
        if name in os.environ:
            return int(os.environ[name])
    if fallback_rank is not None:
        return int(fallback_rank)
    raise DistError(f"LOCAL_RANK is not in the environment: no launcher has started this process{at_line()}")


def get_pg_count() -> int:
    """The number of groups."""
    return len(known.groups)


def supports_complex(reduceOp: Any) -> bool:  # noqa: N803 (PyTorch's name)
    """Whether complex numbers can be combined so."""
    return str(reduceOp) in ("SUM", "AVG")
