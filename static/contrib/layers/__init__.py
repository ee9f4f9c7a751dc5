"""``tf.contrib.layers``: layers as functions, with the names that their variables have there."""

from __future__ import annotations

from static.contrib.layers.normalizing import (
    batch_norm as batch_norm,
    instance_norm as instance_norm,
    layer_norm as layer_norm,
    unit_norm as unit_norm,
)
from static.contrib.layers.plain import (
    avg_pool2d as avg_pool2d,
    avg_pool3d as avg_pool3d,
    bias_add as bias_add,
    dropout as dropout,
    embed_sequence as embed_sequence,
    embedding_lookup_unique as embedding_lookup_unique,
    flatten as flatten,
    max_pool2d as max_pool2d,
    max_pool3d as max_pool3d,
    maxout as maxout,
    one_hot_encoding as one_hot_encoding,
    repeat as repeat,
    softmax as softmax,
    stack as stack,
)
from static.contrib.layers.training import (
    OPTIMIZER_CLS_NAMES as OPTIMIZER_CLS_NAMES,
    OPTIMIZER_SUMMARIES as OPTIMIZER_SUMMARIES,
    optimize_loss as optimize_loss,
)
from static.contrib.layers.weighted import (
    conv1d as conv1d,
    conv2d as conv2d,
    conv2d_transpose as conv2d_transpose,
    conv3d as conv3d,
    conv3d_transpose as conv3d_transpose,
    convolution as convolution,
    convolution1d as convolution1d,
    convolution2d as convolution2d,
    convolution2d_transpose as convolution2d_transpose,
    convolution3d as convolution3d,
    convolution3d_transpose as convolution3d_transpose,
    fully_connected as fully_connected,
    linear as linear,
    relu as relu,
    relu6 as relu6,
    separable_conv2d as separable_conv2d,
    separable_convolution2d as separable_convolution2d,
)
from static.regularizers import (
    apply_regularization as apply_regularization,
    l1_l2_regularizer as l1_l2_regularizer,
    l1_regularizer as l1_regularizer,
    l2_regularizer as l2_regularizer,
    sum_regularizer as sum_regularizer,
    variance_scaling_initializer as variance_scaling_initializer,
    xavier_initializer as xavier_initializer,
    xavier_initializer_conv2d as xavier_initializer_conv2d,
)
