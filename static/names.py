"""What TensorFlow 1 calls things: the type of each op, and the names that Python's operators give to their nodes."""

from __future__ import annotations


OPERATORS = {
    "add": "add",
    "subtract": "sub",
    "multiply": "mul",
    "divide": "truediv",
    "floor_divide": "floordiv",
    "remainder": "mod",
    "power": "pow",
    "matmul": "matmul",
    "logical_and": "and",
    "logical_or": "or",
    "logical_xor": "xor",
    "getitem": "strided_slice",
}
"""The names of nodes that operators make; other ops are named by their type."""

TYPES = {
    "subtract": "Sub",
    "multiply": "Mul",
    "divide": "RealDiv",
    "floor_divide": "FloorDiv",
    "remainder": "FloorMod",
    "fmod": "Mod",
    "power": "Pow",
    "negative": "Neg",
    "absolute": "Abs",
    "matmul": "MatMul",
    "matrix_transpose": "MatrixTranspose",
    "clip": "ClipByValue",
    "where": "Select",
    "isnan": "IsNan",
    "isinf": "IsInf",
    "isfinite": "IsFinite",
    "argmax": "ArgMax",
    "argmin": "ArgMin",
    "sum": "Sum",
    "concat": "ConcatV2",
    "stack": "Pack",
    "getitem": "StridedSlice",
    "take": "GatherV2",
    "shape_of": "Shape",
    "size_of": "Size",
    "flip": "ReverseV2",
    "convolution": "Conv2D",
    "convolution_input": "Conv2DBackpropInput",
    "convolution_transpose": "Conv2DBackpropInput",
    "convolution_weight": "Conv2DBackpropFilter",
    "max_pool_adjoint": "MaxPoolGrad",
    "avg_pool_adjoint": "AvgPoolGrad",
    "batch_norm": "FusedBatchNorm",
    "gather_nd": "GatherNd",
    "scatter_nd": "ScatterNd",
    "constant": "Const",
    "variable": "VariableV2",
    "read": "Identity",
    "sparse_softmax_cross_entropy_with_logits": "SparseSoftmaxCrossEntropyWithLogits",
    "random_normal": "RandomStandardNormal",
    "permutation": "RandomShuffle",
    "topk": "TopKV2",
    "full": "Fill",
    "arange": "Range",
}
"""TensorFlow's type of an op where it is not the CamelCase of our name."""


def type_name(op_name: str) -> str:
    """The type of the op called ``op_name``."""
    return TYPES.get(op_name) or "".join(part.capitalize() for part in op_name.split("_"))


def node_name(op_name: str) -> str:
    """The name of a node that an operator or a gradient rule makes."""
    return OPERATORS.get(op_name) or type_name(op_name).removesuffix("V2")
