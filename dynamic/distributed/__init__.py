"""Several processes as one program, over MPI (the extra ``mpi``): PyTorch's ``torch.distributed``.

``mpiexec -n 4 python script.py``, or ``python -m dynamic.distributed.run -n 4 script.py``, starts the ranks, and the script
calls ``init_process_group()``. Tensors travel as bytes, objects as what ``dynamic.save`` writes: nothing that comes from
another rank is executed. Ranks of one host talk through shared memory, and nothing listens.
"""

from __future__ import annotations

from dynamic.distributed.collectives import (
    all_gather as all_gather,
    all_gather_into_tensor as all_gather_into_tensor,
    all_reduce as all_reduce,
    all_to_all as all_to_all,
    all_to_all_single as all_to_all_single,
    barrier as barrier,
    broadcast as broadcast,
    gather as gather,
    monitored_barrier as monitored_barrier,
    reduce as reduce,
    reduce_scatter as reduce_scatter,
    reduce_scatter_tensor as reduce_scatter_tensor,
    scatter as scatter,
)
from dynamic.distributed.errors import (
    DistBackendError as DistBackendError,
    DistError as DistError,
    DistNetworkError as DistNetworkError,
    LateError as LateError,
    LostError as LostError,
    MismatchError as MismatchError,
)
from dynamic.distributed.groups import GroupMember as GroupMember, ProcessGroup as ProcessGroup, group as group
from dynamic.distributed.objects import (
    all_gather_object as all_gather_object,
    broadcast_object_list as broadcast_object_list,
    gather_object as gather_object,
    recv_object_list as recv_object_list,
    scatter_object_list as scatter_object_list,
    send_object_list as send_object_list,
)
from dynamic.distributed.points import (
    P2POp as P2POp,
    batch_isend_irecv as batch_isend_irecv,
    irecv as irecv,
    isend as isend,
    recv as recv,
    send as send,
)
from dynamic.distributed.reducing import ReduceOp as ReduceOp
from dynamic.distributed.starting import (
    Backend as Backend,
    default_pg_timeout as default_pg_timeout,
    destroy_process_group as destroy_process_group,
    get_backend as get_backend,
    get_backend_config as get_backend_config,
    get_default_backend_for_device as get_default_backend_for_device,
    get_global_rank as get_global_rank,
    get_group_rank as get_group_rank,
    get_node_local_rank as get_node_local_rank,
    get_pg_count as get_pg_count,
    get_process_group_ranks as get_process_group_ranks,
    get_rank as get_rank,
    get_world_size as get_world_size,
    init_process_group as init_process_group,
    is_available as is_available,
    is_backend_available as is_backend_available,
    is_gloo_available as is_gloo_available,
    is_initialized as is_initialized,
    is_mpi_available as is_mpi_available,
    is_nccl_available as is_nccl_available,
    is_torchelastic_launched as is_torchelastic_launched,
    is_ucc_available as is_ucc_available,
    is_xccl_available as is_xccl_available,
    new_group as new_group,
    new_subgroups as new_subgroups,
    supports_complex as supports_complex,
)
from dynamic.distributed.work import Work as Work
from dynamic.names import lacking


all_gather_single, reduce_scatter_single = all_gather_into_tensor, reduce_scatter_tensor

__getattr__ = lacking(__name__, late=("run",))
