"""PyTorch's names for what is on the tape: ``AddBackward0``, as printing and ``grad_fn`` show them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from graphs.core.arrays import is_array
from graphs.core.op import Ghost
from graphs.ops.slicing import Slice


def label_of(record: Any) -> str:
    """PyTorch's name of the backward function of one operation, a ``Record`` of the tape."""
    if "function" in record.op.traits:
        return f"{record.op.name}Backward"
    if record.op.name == "assign_view":
        return "CopySlices"
    name = _found(record)
    return name if name[-1].isdigit() and "Backward" in name else f"{name}Backward0"


def _found(record: Any) -> str:
    """The name, with ``Backward`` and a number only where the number is not 0."""
    name = record.op.name
    told = _NAMES.get(name)
    if told is None:
        return str(name.title().replace("_", ""))
    return told if isinstance(told, str) else told(record)


def _before(record: Any) -> Any:
    """The record that the first argument came from, or None."""
    edge = record.edges[0]
    return None if edge is None else edge.node


def _whole(record: Any) -> bool:
    """Whether a reduction is over all dimensions, none of them being named."""
    return record.params.get("axis") is None


def _plain(record: Any, position: int) -> bool:
    """Whether an argument was a Python number; of what was freed, whether no gradient was wanted of it."""
    if record.saved is None:
        return record.edges[position] is None
    value = record.saved[position]
    return not (isinstance(value, Ghost) or is_array(value))


def _along(name: str) -> Callable[[Any], str]:
    return lambda record: name if _whole(record) else f"{name}Backward1"


def _extreme(name: str) -> Callable[[Any], str]:
    return lambda record: f"{name}Backward1" if _whole(record) else f"A{name.lower()}"


def _either(name: str) -> Callable[[Any], str]:
    """Of limits on one side: the function of two tensors says what to do where they tie."""
    return lambda record: name if "tie" in record.params else "ClampBackward1"


def _loss(record: Any, otherwise: str) -> str:
    """A reduction of a loss's elements is the loss; of others, it has its own name."""
    before = _before(record)
    if before is not None and before.op.name in _LOSSES and _whole(record):
        return _found(before)
    return otherwise


def _index(record: Any) -> str:
    parts = [item for item in record.params["index"] if item is not Ellipsis and item != Slice()] or [Slice()]
    return "Unsqueeze" if parts[-1] is None else "Slice" if isinstance(parts[-1], Slice) else "Select"


def _power(record: Any) -> str:
    return "PowBackward2" if _plain(record, 0) else "Pow" if _plain(record, 1) else "PowBackward1"


def _matmul(record: Any) -> str:
    return {0: "Dot", 1: "Mv", 2: "Mm"}.get(record.specs[0].ndim, "Bmm")


def _permute(record: Any) -> str:
    """What brings the channels of a kernel's result to their place has the kernel's name."""
    axes = tuple(record.params.get("axes") or ())
    rank, before = len(axes), _before(record)
    if before is None or rank < 3 or axes != (0, rank - 1, *range(1, rank - 1)):
        return "Permute"
    if before.op.name == "add" and before.edges[0] is not None and "convolution" in before.edges[0].node.op.name:
        before = before.edges[0].node
    kernel = _KERNELS.get(before.op.name)
    return "Permute" if kernel is None else kernel.format(rank - 2)


def _view(record: Any) -> str:
    before = _before(record)
    return "NativeGroupNorm" if before is not None and before.op.name == "standardize" else "View"


def _squeeze(record: Any) -> str:
    return "Squeeze" if _whole(record) else f"SqueezeBackward{min(len(record.params['axis']) or 1, 2)}"


_LOSSES = frozenset(["binary_cross_entropy"])
_KERNELS = {
    "convolution": "Convolution",
    "convolution_transpose": "Convolution",
    "max_pool": "MaxPool{}DWithIndices",
    "avg_pool": "AvgPool{}D",
    "interpolate_at": "GridSampler{}D",
    "fold": "Col2Im",
}
_NAMES: Mapping[str, str | Callable[[Any], str]] = {
    "absolute": "Abs",
    "broadcast_to": "Expand",
    "cast": "ToCopy",
    "cholesky": "LinalgCholeskyEx",
    "clip": "ClampBackward1",
    "concat": "Cat",
    "concatenate": "Cat",
    "det": "LinalgDet",
    "divide": "Div",
    "eigh": "LinalgEigh",
    "expand_dims": "Unsqueeze",
    "getitem": _index,
    "hard_shrink": "Hardshrink",
    "hard_sigmoid": "Hardsigmoid",
    "hard_swish": "Hardswish",
    "hard_tanh": "Hardtanh",
    "identity": "Clone",
    "inverse": "LinalgInvEx",
    "linear": "Addmm",
    "matmul": _matmul,
    "matrix_exp": "LinalgMatrixExp",
    "matrix_transpose": "T",
    "max": _extreme("Max"),
    "maximum": _either("Maximum"),
    "mean": lambda record: _loss(record, _along("Mean")(record)),
    "min": _extreme("Min"),
    "minimum": _either("Minimum"),
    "multiply": "Mul",
    "negative": "Neg",
    "norm": "LinalgVectorNorm",
    "outer": "Mul",
    "pad": lambda record: "ConstantPadNd" if record.params["mode"] == "constant" else "Pad",
    "power": _power,
    "prod": _along("Prod"),
    "qr": "LinalgQr",
    "relu6": "Hardtanh",
    "reshape": _view,
    "selu": "Elu",
    "soft_shrink": "Softshrink",
    "softsign": "Div",
    "softplus_below": "Softplus",
    "solve": "LinalgSolveEx",
    "square": "Pow",
    "squeeze": _squeeze,
    "standardize": lambda record: "NativeBatchNorm" if record.params.get("uniform") else "NativeLayerNorm",
    "subtract": lambda record: "RsubBackward1" if _plain(record, 0) else "Sub",
    "sum": lambda record: _loss(record, _along("Sum")(record)),
    "svd": "LinalgSvd",
    "swapaxes": "Transpose",
    "take": "IndexSelect",
    "take_along_axis": "Gather",
    "tile": "Repeat",
    "transpose": _permute,
    "unfold": "Im2Col",
}
"""Names that are not the op's own in capitals."""
