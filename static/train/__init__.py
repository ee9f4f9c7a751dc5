"""``tf.train``."""

from __future__ import annotations

from static.checkpoint_initializer import init_from_checkpoint as init_from_checkpoint
from static.checkpoint_state import (
    CheckpointState as CheckpointState,
    checkpoint_exists as checkpoint_exists,
    get_checkpoint_mtimes as get_checkpoint_mtimes,
    get_checkpoint_state as get_checkpoint_state,
    latest_checkpoint as latest_checkpoint,
    remove_checkpoint as remove_checkpoint,
    update_checkpoint_state as update_checkpoint_state,
)
from static.checkpoints import (
    NewCheckpointReader as NewCheckpointReader,
    list_variables as list_variables,
    load_checkpoint as load_checkpoint,
    load_variable as load_variable,
)
from static.config import ClusterDef as ClusterDef, JobDef as JobDef
from static.distributed.cluster import ClusterSpec as ClusterSpec, Server as Server
from static.event_files import SummaryWriter as SummaryWriter, summary_iterator as summary_iterator
from static.export.metagraph import export_meta_graph as export_meta_graph, write_graph as write_graph
from static.saver import Saver as Saver, import_meta_graph as import_meta_graph
from static.train.averages import ExponentialMovingAverage as ExponentialMovingAverage
from static.train.coordinator import (
    Coordinator as Coordinator,
    LooperThread as LooperThread,
    start_queue_runners as start_queue_runners,
)
from static.train.hook import (
    SecondOrStepTimer as SecondOrStepTimer,
    SessionRunArgs as SessionRunArgs,
    SessionRunContext as SessionRunContext,
    SessionRunHook as SessionRunHook,
    SessionRunValues as SessionRunValues,
)
from static.train.hooks import (
    FeedFnHook as FeedFnHook,
    FinalOpsHook as FinalOpsHook,
    GlobalStepWaiterHook as GlobalStepWaiterHook,
    LoggingTensorHook as LoggingTensorHook,
    NanLossDuringTrainingError as NanLossDuringTrainingError,
    NanTensorHook as NanTensorHook,
    StepCounterHook as StepCounterHook,
    StopAtStepHook as StopAtStepHook,
)
from static.train.moments import AdamOptimizer as AdamOptimizer
from static.train.monitored import (
    MonitoredSession as MonitoredSession,
    MonitoredTrainingSession as MonitoredTrainingSession,
    SingularMonitoredSession as SingularMonitoredSession,
)
from static.train.optimizer import Optimizer as Optimizer
from static.train.optimizers import (
    AdadeltaOptimizer as AdadeltaOptimizer,
    AdagradDAOptimizer as AdagradDAOptimizer,
    AdagradOptimizer as AdagradOptimizer,
    FtrlOptimizer as FtrlOptimizer,
    GradientDescentOptimizer as GradientDescentOptimizer,
    MomentumOptimizer as MomentumOptimizer,
    ProximalAdagradOptimizer as ProximalAdagradOptimizer,
    ProximalGradientDescentOptimizer as ProximalGradientDescentOptimizer,
    RMSPropOptimizer as RMSPropOptimizer,
)
from static.train.saving_hooks import (
    CheckpointSaverHook as CheckpointSaverHook,
    CheckpointSaverListener as CheckpointSaverListener,
    SummarySaverHook as SummarySaverHook,
)
from static.train.scaffold import (
    ChiefSessionCreator as ChiefSessionCreator,
    Scaffold as Scaffold,
    SessionCreator as SessionCreator,
    WorkerSessionCreator as WorkerSessionCreator,
)
from static.train.schedules import (
    cosine_decay as cosine_decay,
    cosine_decay_restarts as cosine_decay_restarts,
    exponential_decay as exponential_decay,
    inverse_time_decay as inverse_time_decay,
    linear_cosine_decay as linear_cosine_decay,
    natural_exp_decay as natural_exp_decay,
    noisy_linear_cosine_decay as noisy_linear_cosine_decay,
    piecewise_constant as piecewise_constant,
    piecewise_constant_decay as piecewise_constant_decay,
    polynomial_decay as polynomial_decay,
)
from static.train.steps import (
    assert_global_step as assert_global_step,
    create_global_step as create_global_step,
    get_global_step as get_global_step,
    get_or_create_global_step as get_or_create_global_step,
    global_step as global_step,
)
from static.train.sync_replicas import (
    SyncReplicasOptimizer as SyncReplicasOptimizer,
    replica_device_setter as replica_device_setter,
)
