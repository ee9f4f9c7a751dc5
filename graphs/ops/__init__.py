"""Every op, one family a module; importing this package enters them all in the registry."""

from graphs.ops.activations import (
    celu as celu,
    elu as elu,
    gelu as gelu,
    hard_shrink as hard_shrink,
    hard_sigmoid as hard_sigmoid,
    hard_swish as hard_swish,
    hard_tanh as hard_tanh,
    leaky_relu as leaky_relu,
    log_sigmoid as log_sigmoid,
    mish as mish,
    relu as relu,
    relu6 as relu6,
    selu as selu,
    sigmoid as sigmoid,
    silu as silu,
    soft_shrink as soft_shrink,
    softplus as softplus,
    softplus_below as softplus_below,
    softsign as softsign,
    threshold as threshold,
)
from graphs.ops.affine import linear as linear
from graphs.ops.bessel import (
    i0 as i0,
    i0e as i0e,
    i1 as i1,
    i1e as i1e,
)
from graphs.ops.checks import ensure_shape as ensure_shape, from_front as from_front
from graphs.ops.complex import (
    complex_ as complex_,
    conj as conj,
    fft as fft,
    imag as imag,
    real as real,
    view_as_complex as view_as_complex,
    view_as_real as view_as_real,
)
from graphs.ops.convolution import (
    convolution as convolution,
    convolution_input as convolution_input,
    convolution_transpose as convolution_transpose,
    convolution_weight as convolution_weight,
)
from graphs.ops.creation import (
    arange as arange,
    eye as eye,
    fill as fill,
    full as full,
    linspace as linspace,
)
from graphs.ops.ctc import ctc_loss as ctc_loss, ctc_occupancy as ctc_occupancy
from graphs.ops.cumulative import (
    cumprod as cumprod,
    cumsum as cumsum,
    logcumsumexp as logcumsumexp,
    prod as prod,
    recurrence as recurrence,
)
from graphs.ops.decompositions import (
    lu as lu,
    matrix_exp as matrix_exp,
    pinv as pinv,
    slogdet as slogdet,
)
from graphs.ops.einsum import (
    einsum as einsum,
    equal_labels_like as equal_labels_like,
    tensordot as tensordot,
)
from graphs.ops.elementwise import (
    absolute as absolute,
    add as add,
    cast as cast,
    cast_like as cast_like,
    clip as clip,
    divide as divide,
    floor_divide as floor_divide,
    fmod as fmod,
    identity as identity,
    lerp as lerp,
    maximum as maximum,
    minimum as minimum,
    multiply as multiply,
    negative as negative,
    power as power,
    reciprocal as reciprocal,
    remainder as remainder,
    sign as sign,
    squared_difference as squared_difference,
    stop_gradient as stop_gradient,
    subtract as subtract,
)
from graphs.ops.entropies import (
    entr as entr,
    logaddexp2 as logaddexp2,
    xlog1py as xlog1py,
    xlogy as xlogy,
)
from graphs.ops.factors import (
    cholesky as cholesky,
    eigh as eigh,
    qr as qr,
    svd as svd,
)
from graphs.ops.frames import frames as frames, frames_adjoint as frames_adjoint
from graphs.ops.functions import (
    cbrt as cbrt,
    ceil as ceil,
    erf as erf,
    exp as exp,
    exp2 as exp2,
    expm1 as expm1,
    floor as floor,
    log as log,
    log1p as log1p,
    log2 as log2,
    log10 as log10,
    logaddexp as logaddexp,
    round as round,
    rsqrt as rsqrt,
    sqrt as sqrt,
    square as square,
    trunc as trunc,
)
from graphs.ops.gammas import (
    igamma as igamma,
    igammac as igammac,
    zeta as zeta,
)
from graphs.ops.indexing import (
    scatter as scatter,
    scatter_add as scatter_add,
    take as take,
    take_adjoint as take_adjoint,
    take_along_axis as take_along_axis,
    take_along_axis_adjoint as take_along_axis_adjoint,
)
from graphs.ops.joining import (
    concat as concat,
    pad as pad,
    pad_adjoint as pad_adjoint,
    repeat as repeat,
    repeat_adjoint as repeat_adjoint,
    split as split,
    split_like as split_like,
    stack as stack,
    tile as tile,
    tile_adjoint as tile_adjoint,
)
from graphs.ops.linalg import (
    dot as dot,
    matmul as matmul,
    outer as outer,
)
from graphs.ops.logic import (
    bitwise_and as bitwise_and,
    bitwise_not as bitwise_not,
    bitwise_or as bitwise_or,
    bitwise_xor as bitwise_xor,
    equal as equal,
    greater as greater,
    greater_equal as greater_equal,
    isfinite as isfinite,
    isinf as isinf,
    isnan as isnan,
    left_shift as left_shift,
    less as less,
    less_equal as less_equal,
    logical_and as logical_and,
    logical_not as logical_not,
    logical_or as logical_or,
    logical_xor as logical_xor,
    not_equal as not_equal,
    right_shift as right_shift,
    where as where,
)
from graphs.ops.losses import (
    huber_loss as huber_loss,
    mse_loss as mse_loss,
    nll_loss as nll_loss,
    nll_loss_adjoint as nll_loss_adjoint,
    smooth_l1_loss as smooth_l1_loss,
)
from graphs.ops.matrices import (
    det as det,
    diag as diag,
    diagonal as diagonal,
    diagonal_adjoint as diagonal_adjoint,
    inverse as inverse,
    solve as solve,
    trace as trace,
    trace_adjoint as trace_adjoint,
    tril as tril,
    triu as triu,
)
from graphs.ops.neural import (
    binary_cross_entropy as binary_cross_entropy,
    dropout as dropout,
    log_softmax as log_softmax,
    one_hot_like as one_hot_like,
    sigmoid_cross_entropy_with_logits as sigmoid_cross_entropy_with_logits,
    softmax as softmax,
    softmax_cross_entropy_with_logits as softmax_cross_entropy_with_logits,
    sparse_softmax_cross_entropy_with_logits as sparse_softmax_cross_entropy_with_logits,
)
from graphs.ops.normalization import (
    batch_norm as batch_norm,
    standardize as standardize,
    sum_products as sum_products,
)
from graphs.ops.numbers import (
    copysign as copysign,
    fmax as fmax,
    fmin as fmin,
    frac as frac,
    frexp as frexp,
    gcd as gcd,
    heaviside as heaviside,
    hypot as hypot,
    lcm as lcm,
    nan_to_num as nan_to_num,
    nextafter as nextafter,
    signbit as signbit,
)
from graphs.ops.order import (
    argsort as argsort,
    nonzero as nonzero,
    one_hot as one_hot,
    searchsorted as searchsorted,
    sort as sort,
    topk as topk,
)
from graphs.ops.pooling import (
    avg_pool as avg_pool,
    avg_pool_adjoint as avg_pool_adjoint,
    max_pool as max_pool,
    max_pool_adjoint as max_pool_adjoint,
    max_pool_positions as max_pool_positions,
    max_pool_select as max_pool_select,
    sum_pool as sum_pool,
    sum_pool_adjoint as sum_pool_adjoint,
)
from graphs.ops.quantiles import (
    erfcx as erfcx,
    erfinv as erfinv,
    log_ndtr as log_ndtr,
    ndtri as ndtri,
)
from graphs.ops.random import (
    bernoulli as bernoulli,
    dropout_mask as dropout_mask,
    multinomial as multinomial,
    permutation as permutation,
    random_normal as random_normal,
    random_normal_like as random_normal_like,
    random_orthogonal as random_orthogonal,
    random_uniform as random_uniform,
    random_uniform_like as random_uniform_like,
    truncated_normal as truncated_normal,
)
from graphs.ops.reduction import (
    all as all,
    any as any,
    argmax as argmax,
    argmin as argmin,
    count_nonzero as count_nonzero,
    expand_like as expand_like,
    max as max,
    mean as mean,
    median as median,
    min as min,
    spread_like as spread_like,
    sum as sum,
)
from graphs.ops.regions import region_positions as region_positions
from graphs.ops.resampling import (
    interpolate_at as interpolate_at,
    interpolate_at_adjoint as interpolate_at_adjoint,
    resample as resample,
    resample_adjoint as resample_adjoint,
)
from graphs.ops.rows import embedding as embedding, occurrences as occurrences
from graphs.ops.sampling import (
    random_gamma as random_gamma,
    random_poisson as random_poisson,
    sample_classes as sample_classes,
    sample_weighted as sample_weighted,
)
from graphs.ops.scattering import (
    scatter_max as scatter_max,
    scatter_min as scatter_min,
    scatter_prod as scatter_prod,
)
from graphs.ops.segments import (
    reverse_sequence as reverse_sequence,
    segment_max as segment_max,
    segment_min as segment_min,
    segment_prod as segment_prod,
    segment_sum as segment_sum,
    segment_take as segment_take,
)
from graphs.ops.selection import (
    index as index,
    index_adjoint as index_adjoint,
    index_put as index_put,
)
from graphs.ops.sets import (
    bincount as bincount,
    listdiff as listdiff,
    unique as unique,
)
from graphs.ops.shape import (
    broadcast_like as broadcast_like,
    broadcast_to as broadcast_to,
    expand_dims as expand_dims,
    flip as flip,
    full_like as full_like,
    matrix_transpose as matrix_transpose,
    ones_like as ones_like,
    reshape as reshape,
    reshape_like as reshape_like,
    reshape_to as reshape_to,
    roll as roll,
    shape_of as shape_of,
    shift as shift,
    size_of as size_of,
    squeeze as squeeze,
    swapaxes as swapaxes,
    transpose as transpose,
    unbroadcast as unbroadcast,
    zeros_like as zeros_like,
)
from graphs.ops.sized import (
    arange_to as arange_to,
    getitem_at as getitem_at,
    pad_to as pad_to,
    pad_to_adjoint as pad_to_adjoint,
    put_at_like as put_at_like,
    tile_to as tile_to,
    tile_to_adjoint as tile_to_adjoint,
)
from graphs.ops.slicing import (
    getitem as getitem,
    put_like as put_like,
)
from graphs.ops.special import (
    erfc as erfc,
    lgamma as lgamma,
    polygamma as polygamma,
)
from graphs.ops.statistics import (
    logsumexp as logsumexp,
    norm as norm,
    std as std,
    var as var,
)
from graphs.ops.trigonometric import (
    acos as acos,
    acosh as acosh,
    asin as asin,
    asinh as asinh,
    atan as atan,
    atan2 as atan2,
    atanh as atanh,
    cos as cos,
    cosh as cosh,
    sin as sin,
    sinc as sinc,
    sinh as sinh,
    tan as tan,
    tanh as tanh,
)
from graphs.ops.windows import (
    fold as fold,
    fold_like as fold_like,
    unfold as unfold,
)
