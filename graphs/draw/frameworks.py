"""What each op is called in TensorFlow 1 and in PyTorch: the function that a program would call for it.

An op that only gradient rules call has no name there, nor has one that a framework has no function for.
"""

from __future__ import annotations


_BOTH = """
    acos acosh add asin asinh atan atan2 atanh bincount broadcast_to ceil complex conj cos cosh count_nonzero cumprod cumsum
    einsum erf erfc exp expm1 floor igamma igammac imag lgamma linspace log log1p logical_and logical_not logical_or
    logical_xor matmul maximum minimum ones_like polygamma real reciprocal reshape roll round rsqrt sigmoid sign sin sinh
    sqrt square squeeze stack tan tanh tensordot tile trace unique where zeros_like argmax argmin argsort sort searchsorted
    eye
"""
BOTH = frozenset(_BOTH.split())
"""Ops that both call by our name: ``tf.exp`` and ``torch.exp``."""

_TORCH = """
    bernoulli celu copysign dot exp2 fmax fmin frac frexp full_like gcd heaviside hypot lcm lerp log10 log2 logaddexp
    logaddexp2 logcumsumexp median nan_to_num nextafter outer signbit sinc trunc view_as_complex view_as_real xlogy
    erfinv triu tril diagonal scatter scatter_add
"""
TORCH = frozenset(_TORCH.split())
"""Ops that PyTorch calls by our name; what TensorFlow calls them, if anything, is in ``NAMES``."""

# fmt: off
NAMES: dict[str, tuple[str, str]] = {
    # element by element
    "absolute": ("tf.abs", "torch.abs"),
    "bitwise_and": ("tf.bitwise.bitwise_and", "torch.bitwise_and"),
    "bitwise_not": ("tf.bitwise.invert", "torch.bitwise_not"),
    "bitwise_or": ("tf.bitwise.bitwise_or", "torch.bitwise_or"),
    "bitwise_xor": ("tf.bitwise.bitwise_xor", "torch.bitwise_xor"),
    "cast": ("tf.cast", "torch.Tensor.to"),
    "cast_like": ("tf.cast", "torch.Tensor.type_as"),
    "clip": ("tf.clip_by_value", "torch.clamp"),
    "divide": ("tf.divide", "torch.div"),
    "entr": ("", "torch.special.entr"),
    "equal": ("tf.equal", "torch.eq"),
    "erfcx": ("", "torch.special.erfcx"),
    "floor_divide": ("tf.floordiv", "torch.floor_divide"),
    "fmod": ("tf.truncatemod", "torch.fmod"),
    "greater": ("tf.greater", "torch.gt"),
    "greater_equal": ("tf.greater_equal", "torch.ge"),
    "i0": ("tf.math.bessel_i0", "torch.special.i0"),
    "i0e": ("tf.math.bessel_i0e", "torch.special.i0e"),
    "i1": ("tf.math.bessel_i1", "torch.special.i1"),
    "i1e": ("tf.math.bessel_i1e", "torch.special.i1e"),
    "identity": ("tf.identity", "torch.clone"),
    "isfinite": ("tf.is_finite", "torch.isfinite"),
    "isinf": ("tf.is_inf", "torch.isinf"),
    "isnan": ("tf.is_nan", "torch.isnan"),
    "left_shift": ("tf.bitwise.left_shift", "torch.bitwise_left_shift"),
    "less": ("tf.less", "torch.lt"),
    "less_equal": ("tf.less_equal", "torch.le"),
    "log_ndtr": ("", "torch.special.log_ndtr"),
    "logcumsumexp": ("tf.math.cumulative_logsumexp", "torch.logcumsumexp"),
    "multiply": ("tf.multiply", "torch.mul"),
    "ndtri": ("", "torch.special.ndtri"),
    "negative": ("tf.negative", "torch.neg"),
    "nextafter": ("tf.math.nextafter", "torch.nextafter"),
    "not_equal": ("tf.not_equal", "torch.ne"),
    "power": ("tf.pow", "torch.pow"),
    "remainder": ("tf.floormod", "torch.remainder"),
    "right_shift": ("tf.bitwise.right_shift", "torch.bitwise_right_shift"),
    "squared_difference": ("tf.squared_difference", ""),
    "stop_gradient": ("tf.stop_gradient", "torch.Tensor.detach"),
    "subtract": ("tf.subtract", "torch.sub"),
    "xlog1py": ("", "torch.special.xlog1py"),
    "xlogy": ("tf.math.xlogy", "torch.xlogy"),
    "zeta": ("tf.zeta", "torch.special.zeta"),
    # activations and losses
    "binary_cross_entropy": ("tf.losses.log_loss", "torch.nn.functional.binary_cross_entropy"),
    "ctc_loss": ("tf.nn.ctc_loss", "torch.nn.functional.ctc_loss"),
    "dropout_mask": ("tf.nn.dropout", "torch.nn.functional.dropout"),
    "elu": ("tf.nn.elu", "torch.nn.functional.elu"),
    "gelu": ("", "torch.nn.functional.gelu"),
    "hard_shrink": ("", "torch.nn.functional.hardshrink"),
    "hard_sigmoid": ("", "torch.nn.functional.hardsigmoid"),
    "hard_swish": ("", "torch.nn.functional.hardswish"),
    "hard_tanh": ("", "torch.nn.functional.hardtanh"),
    "huber_loss": ("tf.losses.huber_loss", "torch.nn.functional.huber_loss"),
    "leaky_relu": ("tf.nn.leaky_relu", "torch.nn.functional.leaky_relu"),
    "log_sigmoid": ("tf.math.log_sigmoid", "torch.nn.functional.logsigmoid"),
    "log_softmax": ("tf.nn.log_softmax", "torch.nn.functional.log_softmax"),
    "mish": ("", "torch.nn.functional.mish"),
    "mse_loss": ("tf.losses.mean_squared_error", "torch.nn.functional.mse_loss"),
    "nll_loss": ("", "torch.nn.functional.nll_loss"),
    "relu": ("tf.nn.relu", "torch.relu"),
    "relu6": ("tf.nn.relu6", "torch.nn.functional.relu6"),
    "selu": ("tf.nn.selu", "torch.nn.functional.selu"),
    "sigmoid_cross_entropy_with_logits": (
        "tf.nn.sigmoid_cross_entropy_with_logits", "torch.nn.functional.binary_cross_entropy_with_logits"),
    "silu": ("tf.nn.swish", "torch.nn.functional.silu"),
    "smooth_l1_loss": ("", "torch.nn.functional.smooth_l1_loss"),
    "soft_shrink": ("", "torch.nn.functional.softshrink"),
    "softmax": ("tf.nn.softmax", "torch.softmax"),
    "softmax_cross_entropy_with_logits": ("tf.nn.softmax_cross_entropy_with_logits", "torch.nn.functional.cross_entropy"),
    "softplus": ("tf.nn.softplus", "torch.nn.functional.softplus"),
    "softplus_below": ("", "torch.nn.functional.softplus"),
    "softsign": ("tf.nn.softsign", "torch.nn.functional.softsign"),
    "sparse_softmax_cross_entropy_with_logits": (
        "tf.nn.sparse_softmax_cross_entropy_with_logits", "torch.nn.functional.cross_entropy"),
    "threshold": ("", "torch.nn.functional.threshold"),
    # layers
    "avg_pool": ("tf.nn.avg_pool", "torch.nn.functional.avg_pool2d"),
    "batch_norm": ("tf.nn.fused_batch_norm", "torch.nn.functional.batch_norm"),
    "convolution": ("tf.nn.convolution", "torch.nn.functional.conv2d"),
    "convolution_input": ("tf.nn.conv2d_backprop_input", "torch.nn.grad.conv2d_input"),
    "convolution_transpose": ("tf.nn.conv2d_transpose", "torch.nn.functional.conv_transpose2d"),
    "convolution_weight": ("tf.nn.conv2d_backprop_filter", "torch.nn.grad.conv2d_weight"),
    "embedding": ("tf.nn.embedding_lookup", "torch.nn.functional.embedding"),
    "fold": ("", "torch.nn.functional.fold"),
    "gru": ("tf.nn.rnn_cell.GRUCell", "torch.nn.GRU"),
    "interpolate_at": ("", "torch.nn.functional.grid_sample"),
    "linear": ("tf.layers.dense", "torch.nn.functional.linear"),
    "lstm": ("tf.nn.rnn_cell.LSTMCell", "torch.nn.LSTM"),
    "max_pool": ("tf.nn.max_pool", "torch.nn.functional.max_pool2d"),
    "max_pool_positions": ("tf.nn.max_pool_with_argmax", "torch.nn.functional.max_pool2d"),
    "region_positions": ("tf.nn.fractional_max_pool", "torch.nn.functional.fractional_max_pool2d"),
    "resample": ("tf.image.resize_images", "torch.nn.functional.interpolate"),
    "rnn": ("tf.nn.rnn_cell.BasicRNNCell", "torch.nn.RNN"),
    "standardize": ("tf.nn.batch_normalization", "torch.nn.functional.layer_norm"),
    "sum_pool": ("", "torch.nn.functional.lp_pool2d"),
    "unfold": ("tf.extract_image_patches", "torch.nn.functional.unfold"),
    # reductions and matrices
    "all": ("tf.reduce_all", "torch.all"),
    "any": ("tf.reduce_any", "torch.any"),
    "cholesky": ("tf.cholesky", "torch.linalg.cholesky"),
    "det": ("tf.matrix_determinant", "torch.det"),
    "diag": ("tf.linalg.diag", "torch.diag_embed"),
    "diagonal": ("tf.linalg.diag_part", "torch.diagonal"),
    "eigh": ("tf.linalg.eigh", "torch.linalg.eigh"),
    "fft": ("tf.fft", "torch.fft.fft"),
    "frames": ("tf.signal.frame", "torch.Tensor.unfold"),
    "inverse": ("tf.matrix_inverse", "torch.inverse"),
    "logsumexp": ("tf.reduce_logsumexp", "torch.logsumexp"),
    "lu": ("tf.linalg.lu", "torch.linalg.lu"),
    "matrix_exp": ("tf.linalg.expm", "torch.matrix_exp"),
    "matrix_transpose": ("tf.matrix_transpose", "torch.t"),
    "max": ("tf.reduce_max", "torch.amax"),
    "mean": ("tf.reduce_mean", "torch.mean"),
    "min": ("tf.reduce_min", "torch.amin"),
    "norm": ("tf.norm", "torch.norm"),
    "pinv": ("tf.linalg.pinv", "torch.pinverse"),
    "prod": ("tf.reduce_prod", "torch.prod"),
    "qr": ("tf.qr", "torch.qr"),
    "slogdet": ("tf.linalg.slogdet", "torch.slogdet"),
    "solve": ("tf.matrix_solve", "torch.linalg.solve"),
    "std": ("tf.math.reduce_std", "torch.std"),
    "sum": ("tf.reduce_sum", "torch.sum"),
    "svd": ("tf.svd", "torch.svd"),
    "tril": ("tf.linalg.band_part", "torch.tril"),
    "triu": ("tf.linalg.band_part", "torch.triu"),
    "var": ("tf.math.reduce_variance", "torch.var"),
    # shapes, places, order
    "arange": ("tf.range", "torch.arange"),
    "arange_to": ("tf.range", "torch.arange"),
    "broadcast_like": ("", "torch.Tensor.expand_as"),
    "concat": ("tf.concat", "torch.cat"),
    "ensure_shape": ("tf.ensure_shape", ""),
    "expand_dims": ("tf.expand_dims", "torch.unsqueeze"),
    "fill": ("tf.fill", "torch.full"),
    "flip": ("tf.reverse", "torch.flip"),
    "full": ("tf.fill", "torch.full"),
    "getitem": ("tf.strided_slice", "torch.Tensor.__getitem__"),
    "getitem_at": ("tf.strided_slice", "torch.Tensor.__getitem__"),
    "index": ("tf.gather_nd", "torch.Tensor.__getitem__"),
    "index_put": ("tf.tensor_scatter_update", "torch.Tensor.index_put"),
    "listdiff": ("tf.setdiff1d", ""),
    "nonzero": ("tf.where", "torch.nonzero"),
    "one_hot": ("tf.one_hot", "torch.nn.functional.one_hot"),
    "pad": ("tf.pad", "torch.nn.functional.pad"),
    "pad_to": ("tf.pad", "torch.nn.functional.pad"),
    "repeat": ("tf.repeat", "torch.repeat_interleave"),
    "reshape_like": ("", "torch.Tensor.view_as"),
    "reshape_to": ("tf.reshape", "torch.reshape"),
    "reverse_sequence": ("tf.reverse_sequence", ""),
    "scatter_max": ("", "torch.scatter_reduce"),
    "scatter_min": ("", "torch.scatter_reduce"),
    "scatter_prod": ("", "torch.scatter_reduce"),
    "segment_max": ("tf.unsorted_segment_max", "torch.scatter_reduce"),
    "segment_min": ("tf.unsorted_segment_min", "torch.scatter_reduce"),
    "segment_prod": ("tf.unsorted_segment_prod", "torch.scatter_reduce"),
    "segment_sum": ("tf.unsorted_segment_sum", "torch.index_add"),
    "shape_of": ("tf.shape", "torch.Tensor.size"),
    "size_of": ("tf.size", "torch.numel"),
    "split": ("tf.split", "torch.split"),
    "swapaxes": ("tf.transpose", "torch.transpose"),
    "take": ("tf.gather", "torch.index_select"),
    "take_along_axis": ("tf.batch_gather", "torch.gather"),
    "tile_to": ("tf.tile", "torch.tile"),
    "topk": ("tf.nn.top_k", "torch.topk"),
    "transpose": ("tf.transpose", "torch.permute"),
    "unbroadcast": ("", "torch.Tensor.sum_to_size"),
    # chance
    "multinomial": ("tf.multinomial", "torch.multinomial"),
    "permutation": ("tf.random_shuffle", "torch.randperm"),
    "random_gamma": ("tf.random_gamma", "torch.distributions.Gamma"),
    "random_normal": ("tf.random_normal", "torch.randn"),
    "random_normal_like": ("tf.random_normal", "torch.randn_like"),
    "random_orthogonal": ("tf.orthogonal_initializer", "torch.nn.init.orthogonal_"),
    "random_poisson": ("tf.random_poisson", "torch.poisson"),
    "random_uniform": ("tf.random_uniform", "torch.rand"),
    "random_uniform_like": ("tf.random_uniform", "torch.rand_like"),
    "sample_classes": ("tf.nn.uniform_candidate_sampler", ""),
    "sample_weighted": ("tf.nn.fixed_unigram_candidate_sampler", ""),
    "truncated_normal": ("tf.truncated_normal", "torch.nn.init.trunc_normal_"),
    # a program's frame
    "assign": ("tf.assign", "torch.Tensor.copy_"),
    "assign_add": ("tf.assign_add", "torch.Tensor.add_"),
    "assign_sub": ("tf.assign_sub", "torch.Tensor.sub_"),
    "branch": ("tf.cond", "if and else"),
    "constant": ("tf.constant", "torch.tensor"),
    "leaf": ("tf.Variable", "torch.nn.Parameter"),
    "loop": ("tf.while_loop", "for and while"),
    "placeholder": ("tf.placeholder", "an argument"),
    "placeholder_with_default": ("tf.placeholder_with_default", "an argument"),
    "variable": ("tf.Variable", "torch.nn.Parameter"),
}
# fmt: on
"""For other ops the function of TensorFlow 1 and that of PyTorch, or Python's own words in its place; empty for none."""


def frameworks(op: str) -> dict[str, str]:
    """The names of the op called ``op`` by framework, of those that have one: ``{"TensorFlow": …, "PyTorch": …}``."""
    tensorflow, torch = NAMES.get(op, ("", ""))
    if op in BOTH:
        tensorflow, torch = f"tf.{op}", f"torch.{op}"
    elif op in TORCH:
        torch = torch or f"torch.{op}"
    return {name: said for name, said in (("TensorFlow", tensorflow), ("PyTorch", torch)) if said}
