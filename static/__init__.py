"""Define-and-run in the style of TensorFlow 1: ``import static as tf``."""

from __future__ import annotations


# Several names a line: the table would not fit one file otherwise.
# fmt: off
# isort: off
import sys as _sys
import typing as _typing

from static import (
    app, array as _array, bitwise, compat, contrib, data, debugging, distributions, dtypes, effects as _effects, errors,
    flags, flow as _flow, gfile, graph_util, image, initializers, io, layers, linalg, logging, losses, manip, math, metrics,
    nn, random, signal, sparse, spectral, strings, summary, train, version,
)
from static.absent import explain as _explain
from static.array import (
    broadcast_to, concat, ensure_shape, expand_dims, eye, fill, identity, linspace, matrix_transpose, ones, ones_like, pad,
    rank, reshape, reverse, shape, shape_n, size, split, squeeze, stack, stop_gradient, tile, transpose, unstack, zeros,
    zeros_like,
)
from static.blocks import (
    batch_to_space, batch_to_space_nd, repeat, required_space_to_batch_paddings, roll, space_to_batch,
    space_to_batch_nd, strided_slice,
)
from static.clipping import clip_by_average_norm, clip_by_global_norm, clip_by_norm, clip_by_value, global_norm
from static.compat import disable_eager_execution, disable_v2_behavior
from static.config import ConfigProto, GPUOptions, GraphOptions, OptimizerOptions
from static.branches import case, cond, switch_case
from static.control import while_loop
from static.counting import (
    bincount, broadcast_dynamic_shape, confusion_matrix, histogram_fixed_width, histogram_fixed_width_bins,
    invert_permutation, meshgrid, searchsorted, setdiff1d, unique, unique_with_counts, unravel_index,
)
from static.custom import custom_gradient
from static.debugging import (
    assert_equal, assert_greater, assert_greater_equal, assert_integer, assert_less, assert_less_equal, assert_near,
    assert_negative, assert_non_negative, assert_non_positive, assert_none_equal, assert_positive,
    assert_proper_iterable, assert_rank, assert_rank_at_least, assert_rank_in, assert_same_float_dtype, assert_scalar,
    assert_type, is_non_decreasing, is_numeric_tensor, is_strictly_increasing,
)
from static.defaults import get_default_session
from static.devices import DeviceSpec
from static.dtypes import (
    as_dtype, complex128, complex64, double, DType, float16, float32, float64, half, int16, int32, int64, int8, string,
    uint16, uint32, uint64, uint8,
)
from static.effects import (
    add_check_numerics_ops, Assert, check_numerics, numpy_function, Print, py_func, verify_tensor_all_finite,
)
from static.export.definitions import GraphDef, NodeDef
from static.export.metagraph import MetaGraphDef
from static.export.reading import import_graph_def
from static.extras import digamma, erfc, lbeta, lgamma, polygamma, realdiv, saturate_cast, scalar_mul, truncatediv
from static.facts import (
    broadcast_static_shape, COMPILER_VERSION, control_flow_v2_enabled, convert_to_tensor_or_indexed_slices,
    convert_to_tensor_or_sparse_tensor, dimension_at_index, dimension_value, executing_eagerly,
    get_static_value, GIT_VERSION, GRAPH_DEF_VERSION, hessians, identity_n, init_scope, is_tensor, op_scope,
    resource_variables_enabled, VERSION, where_v2, accept as _accept,
)
from static.flow import group, no_op
from static.functional import foldl, foldr, map_fn, scan
from static.gradients import gradients
from static.graph import (
    add_to_collection, add_to_collections, colocate_with, control_dependencies, device, get_collection,
    get_collection_ref, get_default_graph, Graph, GraphKeys, name_scope, Operation, reset_default_graph,
    set_random_seed,
)
from static.indexing import argsort, batch_gather, boolean_mask, gather, gather_nd, one_hot, scatter_nd, sort, where
from static.initializers import (
    constant_initializer, glorot_normal_initializer, glorot_uniform_initializer, ones_initializer,
    orthogonal_initializer, random_normal_initializer, random_uniform_initializer, truncated_normal_initializer,
    uniform_unit_scaling_initializer, variance_scaling_initializer, zeros_initializer,
)
from static.io.files import decode_csv, matching_files, read_file, write_file
from static.math import (
    abs, accumulate_n, acos, acosh, add, add_n, argmax, argmin, asin, asinh, atan, atan2, atanh, cast, ceil, cos, cosh,
    count_nonzero, cumprod, cumsum, div, div_no_nan, divide, einsum, equal, erf, exp, expm1, floor, floordiv, floormod,
    greater, greater_equal, is_finite, is_inf, is_nan, less, less_equal, log, log1p, log_sigmoid, logical_and,
    logical_not, logical_or, logical_xor, matmul, maximum, minimum, multiply, negative, norm, not_equal, pow,
    reciprocal, reduce_all, reduce_any, reduce_logsumexp, reduce_max, reduce_mean, reduce_min, reduce_prod, reduce_sum,
    rint, round, rsqrt, sigmoid, sign, sin, sinh, sqrt, square, squared_difference, subtract, tan, tanh, tensordot,
    to_double, to_float, to_int32, to_int64, truediv, truncatemod,
)
from static.metadata import RunMetadata, RunOptions
from static.numbers import angle, complex_ as complex, conj, imag, real, to_complex128, to_complex64
from static.overrides import NotDifferentiable, RegisterGradient
from static.pooling import depth_to_space, extract_image_patches, space_to_depth
from static.protos import Event, HistogramProto, SessionLog, Summary, SummaryMetadata
from static.random import (
    get_seed, multinomial, random_crop, random_gamma, random_normal, random_poisson, random_shuffle, random_uniform,
    truncated_normal,
)
from static.scatter import (
    scatter_div, scatter_max, scatter_min, scatter_mul, scatter_nd_add, scatter_nd_sub, scatter_nd_update, scatter_sub,
    tensor_scatter_add, tensor_scatter_sub, tensor_scatter_update,
)
from static.scopes import AUTO_REUSE, get_variable_scope, variable_op_scope, variable_scope, VariableScope
from static.segments import (
    dynamic_partition, dynamic_stitch, reverse_sequence, segment_max, segment_mean, segment_min, segment_prod,
    segment_sum, sequence_mask, sparse_segment_mean, sparse_segment_sqrt_n, sparse_segment_sum, unsorted_segment_max,
    unsorted_segment_mean, unsorted_segment_min, unsorted_segment_prod, unsorted_segment_sqrt_n, unsorted_segment_sum,
)
from static.session import InteractiveSession, Session
from static.shapes import Dimension, TensorShape
from static.slices import IndexedSlices, IndexedSlicesValue
from static.sparse import (
    sparse_add, sparse_concat, sparse_reduce_max, sparse_reduce_sum, sparse_reshape, sparse_to_dense, sparse_transpose,
    SparseTensor, SparseTensorValue,
)
from static.store import get_local_variable, get_variable, no_regularizer
from static.summary import histogram_summary, image_summary, merge_all_summaries, merge_summary, scalar_summary
from static.strings import (
    as_string, decode_base64, decode_raw, encode_base64, reduce_join, regex_replace, string_split, substr,
)
from static.templates import make_template
from static.tensor import constant, convert_to_tensor, placeholder, placeholder_with_default, Tensor
from static.train.averages import moving_average_variables
from static.tensor_array import TensorArray as TensorArray
from static.variables import (
    assert_variables_initialized, assign, assign_add, assign_sub, global_variables, global_variables_initializer,
    initialize_all_tables, initialize_all_variables, initialize_local_variables, initialize_variables,
    is_variable_initialized, local_variables, local_variables_initializer, model_variables,
    report_uninitialized_variables, scatter_add, scatter_update, tables_initializer, trainable_variables, Variable,
    variables_initializer,
)

if _typing.TYPE_CHECKING:
    from static import test
    from static.causes import first_nan
    from static.cuts import why_none
    from static.lineage import provenance
    from static.linting import lint
    from static.stepping import debug
    from static.watching import watch
# isort: on
# fmt: on


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
cholesky = linalg.cholesky
cholesky_solve = linalg.cholesky_solve
cross = linalg.cross
diag = linalg.tensor_diag
diag_part = linalg.tensor_diag_part
matrix_band_part = linalg.band_part
matrix_determinant = linalg.det
matrix_diag = linalg.diag
matrix_diag_part = linalg.diag_part
matrix_inverse = linalg.inv
matrix_set_diag = linalg.set_diag
matrix_solve = linalg.solve
matrix_solve_ls = linalg.lstsq
matrix_triangular_solve = linalg.triangular_solve
qr = linalg.qr
reverse_v2 = reverse
self_adjoint_eig = linalg.eigh
self_adjoint_eigvals = linalg.eigvalsh
sparse_placeholder = sparse.placeholder
sparse_reorder = sparse.reorder
sparse_retain = sparse.retain
sparse_softmax = sparse.softmax
sparse_tensor_dense_matmul = sparse.sparse_dense_matmul
sparse_tensor_to_dense = sparse.to_dense
string_join = strings.join
string_strip = strings.strip
string_to_number = strings.to_number
svd = linalg.svd
fft, fft2d, fft3d, ifft, ifft2d, ifft3d = signal.fft, signal.fft2d, signal.fft3d, signal.ifft, signal.ifft2d, signal.ifft3d
no_gradient = NotDifferentiable
tensor_scatter_nd_add = tensor_scatter_add
tensor_scatter_nd_sub = tensor_scatter_sub
tensor_scatter_nd_update = tensor_scatter_update
__version__ = VERSION

# Switches between ways in which TensorFlow can do the same, of which there is one here

enable_resource_variables = disable_resource_variables = enable_control_flow_v2 = disable_control_flow_v2 = _accept
enable_v2_tensorshape = disable_v2_tensorshape = enable_tensor_equality = disable_tensor_equality = _accept
trace = linalg.trace

_LATE = {
    "debug": "stepping", "first_nan": "causes", "lint": "linting", "provenance": "lineage", "test": "test",
    "watch": "watching", "why_none": "cuts",
}  # fmt: skip
"""What looks into graphs and runs, and unittest's part, by the modules that have it: imported when asked for."""

_explain(_sys.modules[__name__], _LATE)


def __dir__() -> list[str]:
    return sorted({*globals(), *_LATE})
