"""Define-and-run in the style of TensorFlow 1: ``import static as tf``."""

from __future__ import annotations

import sys as _sys

from static import (
    app as app,
    array as _array,
    compat as compat,
    debugging as debugging,
    dtypes as dtypes,
    effects as _effects,
    errors as errors,
    flow as _flow,
    initializers as initializers,
    linalg as linalg,
    logging as logging,
    losses as losses,
    math as math,
    metrics as metrics,
    nn as nn,
    random as random,
    summary as summary,
    train as train,
)
from static.absent import explain as _explain
from static.array import (
    broadcast_to as broadcast_to,
    concat as concat,
    expand_dims as expand_dims,
    eye as eye,
    fill as fill,
    identity as identity,
    linspace as linspace,
    matrix_transpose as matrix_transpose,
    ones as ones,
    ones_like as ones_like,
    pad as pad,
    rank as rank,
    reshape as reshape,
    reverse as reverse,
    shape as shape,
    shape_n as shape_n,
    size as size,
    split as split,
    squeeze as squeeze,
    stack as stack,
    stop_gradient as stop_gradient,
    tile as tile,
    transpose as transpose,
    unstack as unstack,
    zeros as zeros,
    zeros_like as zeros_like,
)
from static.clipping import (
    clip_by_average_norm as clip_by_average_norm,
    clip_by_global_norm as clip_by_global_norm,
    clip_by_norm as clip_by_norm,
    clip_by_value as clip_by_value,
    global_norm as global_norm,
)
from static.compat import disable_eager_execution as disable_eager_execution, disable_v2_behavior as disable_v2_behavior
from static.config import (
    ConfigProto as ConfigProto,
    GPUOptions as GPUOptions,
    GraphOptions as GraphOptions,
    OptimizerOptions as OptimizerOptions,
)
from static.control import case as case, cond as cond, switch_case as switch_case, while_loop as while_loop
from static.custom import custom_gradient as custom_gradient
from static.debugging import (
    assert_equal as assert_equal,
    assert_greater as assert_greater,
    assert_greater_equal as assert_greater_equal,
    assert_integer as assert_integer,
    assert_less as assert_less,
    assert_less_equal as assert_less_equal,
    assert_near as assert_near,
    assert_negative as assert_negative,
    assert_non_negative as assert_non_negative,
    assert_non_positive as assert_non_positive,
    assert_none_equal as assert_none_equal,
    assert_positive as assert_positive,
    assert_proper_iterable as assert_proper_iterable,
    assert_rank as assert_rank,
    assert_rank_at_least as assert_rank_at_least,
    assert_rank_in as assert_rank_in,
    assert_same_float_dtype as assert_same_float_dtype,
    assert_scalar as assert_scalar,
    assert_type as assert_type,
    is_non_decreasing as is_non_decreasing,
    is_numeric_tensor as is_numeric_tensor,
    is_strictly_increasing as is_strictly_increasing,
)
from static.defaults import get_default_session as get_default_session
from static.devices import DeviceSpec as DeviceSpec
from static.dtypes import (
    DType as DType,
    as_dtype as as_dtype,
    complex64 as complex64,
    complex128 as complex128,
    double as double,
    float16 as float16,
    float32 as float32,
    float64 as float64,
    half as half,
    int8 as int8,
    int16 as int16,
    int32 as int32,
    int64 as int64,
    string as string,
    uint8 as uint8,
    uint16 as uint16,
    uint32 as uint32,
    uint64 as uint64,
)
from static.effects import (
    Assert as Assert,
    Print as Print,
    add_check_numerics_ops as add_check_numerics_ops,
    check_numerics as check_numerics,
    numpy_function as numpy_function,
    py_func as py_func,
    verify_tensor_all_finite as verify_tensor_all_finite,
)
from static.export.definitions import GraphDef as GraphDef, NodeDef as NodeDef
from static.export.metagraph import MetaGraphDef as MetaGraphDef
from static.export.reading import import_graph_def as import_graph_def
from static.flow import group as group, no_op as no_op
from static.functional import foldl as foldl, foldr as foldr, map_fn as map_fn, scan as scan
from static.gradients import gradients as gradients
from static.graph import (
    Graph as Graph,
    GraphKeys as GraphKeys,
    Operation as Operation,
    add_to_collection as add_to_collection,
    add_to_collections as add_to_collections,
    colocate_with as colocate_with,
    control_dependencies as control_dependencies,
    device as device,
    get_collection as get_collection,
    get_collection_ref as get_collection_ref,
    get_default_graph as get_default_graph,
    name_scope as name_scope,
    reset_default_graph as reset_default_graph,
    set_random_seed as set_random_seed,
)
from static.indexing import (
    argsort as argsort,
    boolean_mask as boolean_mask,
    gather as gather,
    gather_nd as gather_nd,
    one_hot as one_hot,
    scatter_nd as scatter_nd,
    sort as sort,
    where as where,
)
from static.initializers import (
    constant_initializer as constant_initializer,
    glorot_normal_initializer as glorot_normal_initializer,
    glorot_uniform_initializer as glorot_uniform_initializer,
    ones_initializer as ones_initializer,
    orthogonal_initializer as orthogonal_initializer,
    random_normal_initializer as random_normal_initializer,
    random_uniform_initializer as random_uniform_initializer,
    truncated_normal_initializer as truncated_normal_initializer,
    uniform_unit_scaling_initializer as uniform_unit_scaling_initializer,
    variance_scaling_initializer as variance_scaling_initializer,
    zeros_initializer as zeros_initializer,
)
from static.math import (
    abs as abs,
    accumulate_n as accumulate_n,
    acos as acos,
    acosh as acosh,
    add as add,
    add_n as add_n,
    argmax as argmax,
    argmin as argmin,
    asin as asin,
    asinh as asinh,
    atan as atan,
    atan2 as atan2,
    atanh as atanh,
    cast as cast,
    ceil as ceil,
    cos as cos,
    cosh as cosh,
    count_nonzero as count_nonzero,
    cumprod as cumprod,
    cumsum as cumsum,
    div as div,
    div_no_nan as div_no_nan,
    divide as divide,
    einsum as einsum,
    equal as equal,
    erf as erf,
    exp as exp,
    expm1 as expm1,
    floor as floor,
    floordiv as floordiv,
    floormod as floormod,
    greater as greater,
    greater_equal as greater_equal,
    is_finite as is_finite,
    is_inf as is_inf,
    is_nan as is_nan,
    less as less,
    less_equal as less_equal,
    log as log,
    log1p as log1p,
    log_sigmoid as log_sigmoid,
    logical_and as logical_and,
    logical_not as logical_not,
    logical_or as logical_or,
    logical_xor as logical_xor,
    matmul as matmul,
    maximum as maximum,
    minimum as minimum,
    multiply as multiply,
    negative as negative,
    norm as norm,
    not_equal as not_equal,
    pow as pow,
    reciprocal as reciprocal,
    reduce_all as reduce_all,
    reduce_any as reduce_any,
    reduce_logsumexp as reduce_logsumexp,
    reduce_max as reduce_max,
    reduce_mean as reduce_mean,
    reduce_min as reduce_min,
    reduce_prod as reduce_prod,
    reduce_sum as reduce_sum,
    rint as rint,
    round as round,
    rsqrt as rsqrt,
    sigmoid as sigmoid,
    sign as sign,
    sin as sin,
    sinh as sinh,
    sqrt as sqrt,
    square as square,
    squared_difference as squared_difference,
    subtract as subtract,
    tan as tan,
    tanh as tanh,
    tensordot as tensordot,
    to_double as to_double,
    to_float as to_float,
    to_int32 as to_int32,
    to_int64 as to_int64,
    truediv as truediv,
    truncatemod as truncatemod,
)
from static.overrides import NotDifferentiable as NotDifferentiable, RegisterGradient as RegisterGradient
from static.pooling import extract_image_patches as extract_image_patches
from static.protos import (
    Event as Event,
    HistogramProto as HistogramProto,
    SessionLog as SessionLog,
    Summary as Summary,
    SummaryMetadata as SummaryMetadata,
)
from static.random import (
    multinomial as multinomial,
    random_normal as random_normal,
    random_shuffle as random_shuffle,
    random_uniform as random_uniform,
    truncated_normal as truncated_normal,
)
from static.scopes import (
    AUTO_REUSE as AUTO_REUSE,
    VariableScope as VariableScope,
    get_variable_scope as get_variable_scope,
    variable_op_scope as variable_op_scope,
    variable_scope as variable_scope,
)
from static.session import InteractiveSession as InteractiveSession, Session as Session
from static.shapes import Dimension as Dimension, TensorShape as TensorShape
from static.slices import IndexedSlices as IndexedSlices, IndexedSlicesValue as IndexedSlicesValue
from static.store import (
    get_local_variable as get_local_variable,
    get_variable as get_variable,
    no_regularizer as no_regularizer,
)
from static.templates import make_template as make_template
from static.summary import (
    histogram_summary as histogram_summary,
    image_summary as image_summary,
    merge_all_summaries as merge_all_summaries,
    merge_summary as merge_summary,
    scalar_summary as scalar_summary,
)
from static.tensor import (
    Tensor as Tensor,
    constant as constant,
    convert_to_tensor as convert_to_tensor,
    placeholder as placeholder,
    placeholder_with_default as placeholder_with_default,
)
from static.train.averages import moving_average_variables as moving_average_variables
from static.variables import (
    Variable as Variable,
    assert_variables_initialized as assert_variables_initialized,
    assign as assign,
    assign_add as assign_add,
    assign_sub as assign_sub,
    global_variables as global_variables,
    global_variables_initializer as global_variables_initializer,
    initialize_all_tables as initialize_all_tables,
    initialize_all_variables as initialize_all_variables,
    initialize_local_variables as initialize_local_variables,
    initialize_variables as initialize_variables,
    is_variable_initialized as is_variable_initialized,
    local_variables as local_variables,
    local_variables_initializer as local_variables_initializer,
    model_variables as model_variables,
    report_uninitialized_variables as report_uninitialized_variables,
    scatter_add as scatter_add,
    scatter_update as scatter_update,
    tables_initializer as tables_initializer,
    trainable_variables as trainable_variables,
    variables_initializer as variables_initializer,
)


newaxis = None

# Names of Python's own, which the modules that define them do not shadow

bool = dtypes.bool_
print = _effects.print_
range = _array.range_
slice = _array.slice_
tuple = _flow.tuple_

# Second names

arg_max = argmax
arg_min = argmin
NoGradient = NotDifferentiable
batch_matmul = matmul
floor_div = floordiv
lin_space = linspace
mod = floormod
all_variables = global_variables
diag = linalg.diag
diag_part = linalg.diag_part
matrix_band_part = linalg.band_part
matrix_determinant = linalg.det
matrix_inverse = linalg.inv
matrix_solve = linalg.solve
trace = linalg.trace

_explain(_sys.modules[__name__])
