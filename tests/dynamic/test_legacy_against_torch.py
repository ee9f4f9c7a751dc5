"""``legacy.nn``: values, gradients of inputs and of parameters against PyTorch's functions and formulas of today."""

import numpy as np
import pytest

import dynamic
from dynamic.legacy import nn
from tests.dynamic.oracle import flat, normal, plain, pytorch


pytestmark = pytest.mark.oracle

X, LINE, VECTOR = normal(5, 4), normal(2, 3, 8), normal(4)
IMAGE, VOLUME, POSITIVE = normal(2, 4, 6, 6), normal(2, 2, 4, 6, 5), abs(normal(5, 4)) + 0.1
PAIR = [normal(5, 4), abs(normal(5, 4, seed=1)) + 0.2]


def ours(x):
    """Arrays as tensors, in tables of the same form."""
    return [ours(item) for item in x] if isinstance(x, list) else dynamic.from_numpy(np.array(x))


def theirs(x):
    torch = pytorch()
    if isinstance(x, list):
        return [theirs(item) for item in x]
    made = torch.from_numpy(np.array(x))
    return made.requires_grad_() if made.is_floating_point() else made


def close(x, y):
    x, y = plain(x), plain(y)
    assert (x.dtype, x.shape) == (y.dtype, y.shape)
    np.testing.assert_allclose(x, y, rtol=1e-10, atol=1e-10)


def seed_of(y):
    return np.cos(np.arange(y.size)).reshape(y.shape)


def check(layer, reference, x, names=("weight", "bias")):
    """``layer`` in float64 gives what ``reference(torch, x, *parameters)`` does, and the gradients of that."""
    torch = pytorch()
    layer.double()
    held = [getattr(layer, name) for name in names if getattr(layer, name, None) is not None]
    given, parameters = theirs(x), [torch.from_numpy(plain(p)).requires_grad_() for p in held]
    wanted = reference(torch, given, *parameters)
    mine = ours(x)
    out = layer.forward(mine)
    assert layer.output is out
    for y, other in zip(flat(out), flat(wanted), strict=True):
        close(y, other)
    seeds = [seed_of(plain(y)) for y in flat(wanted)]
    back = [dynamic.from_numpy(seed) for seed in seeds]
    found = layer.backward(mine, back if isinstance(out, list) else back[0])
    floats = [each for each in flat(given) if each.requires_grad]
    sought = [*floats, *parameters]
    gradients = torch.autograd.grad(list(flat(wanted)), sought, [torch.from_numpy(s) for s in seeds], allow_unused=True)
    gradients = [torch.zeros_like(s) if g is None else g for g, s in zip(gradients, sought, strict=True)]
    mine = [g for g, each in zip(flat(found), flat(given), strict=True) if each.requires_grad]
    for g, other in zip(mine, gradients, strict=False):
        close(g, other)
    kept = layer.parameters()
    if parameters:
        for g, other in zip(kept[1], gradients[len(floats) :], strict=True):
            close(g, other)
        layer.accGradParameters(ours(x), back if isinstance(out, list) else back[0], 0.5)
        for g, other in zip(kept[1], gradients[len(floats) :], strict=True):
            close(g, 1.5 * other)
    assert repr(layer).startswith(f"nn.{type(layer).__name__}")


F = "nn.functional"
TRANSFER = {
    "Abs": (lambda: nn.Abs(), lambda t, x: x.abs(), X),
    "AddConstant": (lambda: nn.AddConstant(2.5), lambda t, x: x + 2.5, X),
    "Clamp": (lambda: nn.Clamp(-0.5, 0.7), lambda t, x: x.clamp(-0.5, 0.7), X),
    "Contiguous": (lambda: nn.Contiguous(), lambda t, x: x + 0, X),
    "Copy": (lambda: nn.Copy(), lambda t, x: x + 0, X),
    "ELU": (lambda: nn.ELU(0.7), lambda t, x: t.nn.functional.elu(x, 0.7), X),
    "Exp": (lambda: nn.Exp(), lambda t, x: x.exp(), X),
    "GradientReversal": (lambda: nn.GradientReversal(2), lambda t, x: 3 * x.detach() - 2 * x, X),
    "HardShrink": (lambda: nn.HardShrink(0.3), lambda t, x: t.nn.functional.hardshrink(x, 0.3), X),
    "HardTanh": (lambda: nn.HardTanh(-0.5, 2), lambda t, x: t.nn.functional.hardtanh(x, -0.5, 2), X),
    "Identity": (lambda: nn.Identity(), lambda t, x: x + 0, X),
    "LeakyReLU": (lambda: nn.LeakyReLU(0.2), lambda t, x: t.nn.functional.leaky_relu(x, 0.2), X),
    "Log": (lambda: nn.Log(), lambda t, x: x.log(), POSITIVE),
    "LogSigmoid": (lambda: nn.LogSigmoid(), lambda t, x: t.nn.functional.logsigmoid(x), X),
    "LogSoftMax": (lambda: nn.LogSoftMax(), lambda t, x: x.log_softmax(1), X),
    "LogSoftMax of a vector": (lambda: nn.LogSoftMax(), lambda t, x: x.log_softmax(0), VECTOR),
    "LogSoftMax of images": (lambda: nn.LogSoftMax(), lambda t, x: x.log_softmax(1), IMAGE),
    "MulConstant": (lambda: nn.MulConstant(2.5), lambda t, x: x * 2.5, X),
    "Normalize": (lambda: nn.Normalize(2), lambda t, x: x / (x.pow(2).sum(1, True) + 1e-10).sqrt(), X),
    "Normalize by sums": (lambda: nn.Normalize(1), lambda t, x: x / (x.abs().sum(1, True) + 1e-10), X),
    "PReLU": (lambda: nn.PReLU(), lambda t, x, w: t.nn.functional.prelu(x, w), X),
    "PReLU of channels": (lambda: nn.PReLU(4), lambda t, x, w: t.nn.functional.prelu(x, w), IMAGE),
    "Power": (lambda: nn.Power(3), lambda t, x: x**3, X),
    "ReLU": (lambda: nn.ReLU(), lambda t, x: x.relu(), X),
    "ReLU6": (lambda: nn.ReLU6(), lambda t, x: t.nn.functional.relu6(x), 4 * X),
    "Sigmoid": (lambda: nn.Sigmoid(), lambda t, x: x.sigmoid(), X),
    "SoftMax": (lambda: nn.SoftMax(), lambda t, x: x.softmax(1), X),
    "SoftMax of one image": (lambda: nn.SoftMax(), lambda t, x: x.softmax(0), LINE),
    "SoftMin": (lambda: nn.SoftMin(), lambda t, x: (-x).softmax(1), X),
    "SoftPlus": (lambda: nn.SoftPlus(2, 3), lambda t, x: t.nn.functional.softplus(x, 2, 3), 3 * X),
    "SoftShrink": (lambda: nn.SoftShrink(0.3), lambda t, x: t.nn.functional.softshrink(x, 0.3), X),
    "SoftSign": (lambda: nn.SoftSign(), lambda t, x: t.nn.functional.softsign(x), X),
    "SpatialSoftMax": (lambda: nn.SpatialSoftMax(), lambda t, x: x.softmax(1), IMAGE),
    "Sqrt": (lambda: nn.Sqrt(), lambda t, x: x.sqrt(), POSITIVE),
    "Square": (lambda: nn.Square(), lambda t, x: x * x, X),
    "Tanh": (lambda: nn.Tanh(), lambda t, x: x.tanh(), X),
    "TanhShrink": (lambda: nn.TanhShrink(), lambda t, x: x - x.tanh(), X),
    "Threshold": (lambda: nn.Threshold(0.1, 3), lambda t, x: t.nn.functional.threshold(x, 0.1, 3), X),
}
WEIGHTED = {
    "Linear": (lambda: nn.Linear(4, 3), lambda t, x, w, b: x @ w.T + b, X),
    "Linear of a vector": (lambda: nn.Linear(4, 3), lambda t, x, w, b: w @ x + b, VECTOR),
    "Linear without bias": (lambda: nn.Linear(4, 3, bias=False), lambda t, x, w: x @ w.T, X),
    "noBias": (lambda: nn.Linear(4, 3).noBias(), lambda t, x, w: x @ w.T, X),
    "PartialLinear": (
        lambda: nn.PartialLinear(4, 3).setPartition(dynamic.tensor([2, 0])),
        lambda t, x, w, b: (x @ w.T + b)[:, [2, 0]],
        X,
    ),
    "Bilinear": (lambda: nn.Bilinear(4, 4, 3), lambda t, x, w, b: t.nn.functional.bilinear(*x, w, b), PAIR),
    "Add": (lambda: nn.Add(4), lambda t, x, b: x + b, X),
    "Add a number": (lambda: nn.Add(4, True), lambda t, x, b: x + b, X),
    "Mul": (lambda: nn.Mul(), lambda t, x, w: x * w, X),
    "CMul": (lambda: nn.CMul(4), lambda t, x, w: x * w, X),
    "CMul of a batch": (lambda: nn.CMul(3, 8), lambda t, x, w: x * w, LINE),
    "CMul of all": (lambda: nn.CMul(5, 4), lambda t, x, w: x * w, X),
    "CAdd": (lambda: nn.CAdd(3, 8), lambda t, x, b: x + b, LINE),
    "Cosine": (
        lambda: nn.Cosine(4, 3),
        lambda t, x, w: x @ w.T / ((x.pow(2).sum(1, True) + 1e-12).sqrt() * (w.pow(2).sum(1) + 1e-12).sqrt()),
        X,
    ),
    "Euclidean": (lambda: nn.Euclidean(4, 3), lambda t, x, w: (x[:, :, None] - w).norm(dim=1), X),
    "BatchNormalization": (
        lambda: nn.BatchNormalization(4),
        lambda t, x, w, b: t.nn.functional.batch_norm(x, None, None, w, b, True),
        X,
    ),
    "BatchNormalization without weights": (
        lambda: nn.BatchNormalization(4, affine=False),
        lambda t, x: t.nn.functional.batch_norm(x, None, None, None, None, True),
        X,
    ),
    "SpatialBatchNormalization": (
        lambda: nn.SpatialBatchNormalization(4, 1e-3),
        lambda t, x, w, b: t.nn.functional.batch_norm(x, None, None, w, b, True, eps=1e-3),
        IMAGE,
    ),
    "VolumetricBatchNormalization": (
        lambda: nn.VolumetricBatchNormalization(2),
        lambda t, x, w, b: t.nn.functional.batch_norm(x, None, None, w, b, True),
        VOLUME,
    ),
    "LookupTable": (lambda: nn.LookupTable(6, 3), lambda t, x, w: w[x], np.array([[1, 5], [0, 1]])),
    "LookupTable with padding": (
        lambda: nn.LookupTable(6, 3, 1),
        lambda t, x, w: t.nn.functional.embedding(x, w, 1),
        np.array([[1, 5], [0, 1]]),
    ),
}
SPATIAL = {
    "SpatialConvolution": (
        lambda: nn.SpatialConvolution(4, 3, 3, 2, 2, 1, 1, 0),
        lambda t, x, w, b: t.nn.functional.conv2d(x, w, b, (1, 2), (0, 1)),
        IMAGE,
    ),
    "SpatialConvolution of one image": (
        lambda: nn.SpatialConvolution(4, 3, 3, 3, padW=1),
        lambda t, x, w, b: t.nn.functional.conv2d(x, w, b, 1, 1),
        IMAGE[0],
    ),
    "SpatialDilatedConvolution": (
        lambda: nn.SpatialDilatedConvolution(4, 3, 2, 3, 1, 1, 0, 0, 2, 3),
        lambda t, x, w, b: t.nn.functional.conv2d(x, w, b, dilation=(2, 3)),
        IMAGE,
    ),
    "SpatialFullConvolution": (
        lambda: nn.SpatialFullConvolution(4, 3, 3, 2, 2, 3, 1, 0, 1, 2),
        lambda t, x, w, b: t.nn.functional.conv_transpose2d(x, w, b, (3, 2), (0, 1), (2, 1)),
        IMAGE,
    ),
    "SpatialMaxPooling": (lambda: nn.SpatialMaxPooling(2, 3), lambda t, x: t.nn.functional.max_pool2d(x, (3, 2)), IMAGE),
    "SpatialMaxPooling ceil": (
        lambda: nn.SpatialMaxPooling(3, 3, 2, 2, 1, 1).ceil(),
        lambda t, x: t.nn.functional.max_pool2d(x, 3, 2, 1, ceil_mode=True),
        IMAGE,
    ),
    "SpatialAveragePooling": (
        lambda: nn.SpatialAveragePooling(2, 3, 1, 2, 1, 1),
        lambda t, x: t.nn.functional.avg_pool2d(x, (3, 2), (2, 1), (1, 1)),
        IMAGE,
    ),
    "SpatialAveragePooling without zeros": (
        lambda: nn.SpatialAveragePooling(2, 2, 2, 2, 1, 1).setCountExcludePad(),
        lambda t, x: t.nn.functional.avg_pool2d(x, 2, 2, 1, count_include_pad=False),
        IMAGE,
    ),
    "SpatialSubSampling": (
        lambda: nn.SpatialSubSampling(4, 2, 3, 2, 1),
        lambda t, x, w, b: t.nn.functional.avg_pool2d(x, (3, 2), (1, 2)) * 6 * w[:, None, None] + b[:, None, None],
        IMAGE,
    ),
    "SpatialLPPooling": (
        lambda: nn.SpatialLPPooling(4, 2, 2, 3, 1, 1),
        lambda t, x: t.nn.functional.lp_pool2d(x, 2, (3, 2), 1),
        IMAGE,
    ),
    "SpatialAdaptiveMaxPooling": (
        lambda: nn.SpatialAdaptiveMaxPooling(4, 2),
        lambda t, x: t.nn.functional.adaptive_max_pool2d(x, (2, 4)),
        IMAGE,
    ),
    "SpatialZeroPadding": (
        lambda: nn.SpatialZeroPadding(1, 2, -1, 3),
        lambda t, x: t.nn.functional.pad(x, (1, 2, -1, 3)),
        IMAGE,
    ),
    "SpatialReflectionPadding": (
        lambda: nn.SpatialReflectionPadding(1, 2, 0, 3),
        lambda t, x: t.nn.functional.pad(x, (1, 2, 0, 3), "reflect"),
        IMAGE,
    ),
    "SpatialReplicationPadding": (
        lambda: nn.SpatialReplicationPadding(2),
        lambda t, x: t.nn.functional.pad(x, (2, 2, 2, 2), "replicate"),
        IMAGE,
    ),
    "SpatialUpSamplingNearest": (
        lambda: nn.SpatialUpSamplingNearest(2),
        lambda t, x: t.nn.functional.interpolate(x, scale_factor=2),
        IMAGE,
    ),
    "SpatialUpSamplingBilinear": (
        lambda: nn.SpatialUpSamplingBilinear(2),
        lambda t, x: t.nn.functional.interpolate(x, scale_factor=2, mode="bilinear", align_corners=True),
        IMAGE,
    ),
    "SpatialCrossMapLRN": (
        lambda: nn.SpatialCrossMapLRN(3, 0.1, 0.7, 2),
        lambda t, x: t.nn.functional.local_response_norm(x, 3, 0.1, 0.7, 2),
        IMAGE,
    ),
    "TemporalConvolution": (
        lambda: nn.TemporalConvolution(8, 3, 2),
        lambda t, x, w, b: t.nn.functional.conv1d(x.transpose(1, 2), w.view(3, 2, 8).transpose(1, 2), b).transpose(1, 2),
        LINE,
    ),
    "TemporalMaxPooling": (
        lambda: nn.TemporalMaxPooling(2, 1),
        lambda t, x: t.nn.functional.max_pool1d(x.transpose(1, 2), 2, 1).transpose(1, 2),
        LINE,
    ),
    "TemporalSubSampling": (
        lambda: nn.TemporalSubSampling(8, 2),
        lambda t, x, w, b: (x[:, 1:] + x[:, :-1]) * w + b,
        LINE,
    ),
    "VolumetricConvolution": (
        lambda: nn.VolumetricConvolution(2, 3, 2, 3, 2, 1, 2, 1, 1, 0, 1),
        lambda t, x, w, b: t.nn.functional.conv3d(x, w, b, (1, 1, 2), (1, 1, 0)),
        VOLUME,
    ),
    "VolumetricFullConvolution": (
        lambda: nn.VolumetricFullConvolution(2, 3, 2, 3, 2, 2, 1, 2, adjT=1),
        lambda t, x, w, b: t.nn.functional.conv_transpose3d(x, w, b, (2, 2, 1), 0, (1, 0, 0)),
        VOLUME,
    ),
    "VolumetricMaxPooling": (
        lambda: nn.VolumetricMaxPooling(2, 3, 2),
        lambda t, x: t.nn.functional.max_pool3d(x, (2, 2, 3)),
        VOLUME,
    ),
    "VolumetricAveragePooling": (
        lambda: nn.VolumetricAveragePooling(2, 3, 2, 1, 1, 1),
        lambda t, x: t.nn.functional.avg_pool3d(x, (2, 2, 3), 1),
        VOLUME,
    ),
    "VolumetricReplicationPadding": (
        lambda: nn.VolumetricReplicationPadding(1, 2, 0, 1, 2, 0),
        lambda t, x: t.nn.functional.pad(x, (1, 2, 0, 1, 2, 0), "replicate"),
        VOLUME,
    ),
}
SHAPED = {
    "Reshape": (lambda: nn.Reshape(2, 2), lambda t, x: x.reshape(5, 2, 2), X),
    "View": (lambda: nn.View(-1, 2), lambda t, x: x.reshape(-1, 2), X),
    "Transpose": (lambda: nn.Transpose((0, 1), (1, 2)), lambda t, x: x.permute(1, 2, 0), LINE),
    "Squeeze": (lambda: nn.Squeeze(), lambda t, x: x.squeeze(), X[:, :1]),
    "Squeeze one": (lambda: nn.Squeeze(1), lambda t, x: x.squeeze(1), X[:, :1]),
    "Unsqueeze": (lambda: nn.Unsqueeze(1), lambda t, x: x.unsqueeze(1), X),
    "Replicate": (lambda: nn.Replicate(3, 1), lambda t, x: x.unsqueeze(1).expand(5, 3, 4), X),
    "Narrow": (lambda: nn.Narrow(1, 1, 2), lambda t, x: x[:, 1:3], X),
    "Narrow to the end": (lambda: nn.Narrow(1, 1, -1), lambda t, x: x[:, 1:], X),
    "Select": (lambda: nn.Select(1, -2), lambda t, x: x[:, -2], X),
    "Padding": (lambda: nn.Padding(1, 2, 0.5), lambda t, x: t.nn.functional.pad(x, (0, 2), value=0.5), X),
    "Padding before": (lambda: nn.Padding(0, -2, nInputDim=1), lambda t, x: t.nn.functional.pad(x, (2, 0)), X),
    "Padding inside": (lambda: nn.Padding(1, 1, 2, 1), lambda t, x: t.cat([x[:, :3], 0 * x[:, :1] + 2, x[:, 3:]], 1), X),
    "Sum": (lambda: nn.Sum(1), lambda t, x: x.sum(1), X),
    "Sum kept": (lambda: nn.Sum(1, True, False), lambda t, x: x.mean(1, True), X),
    "Mean": (lambda: nn.Mean(0), lambda t, x: x.mean(0), X),
    "Max": (lambda: nn.Max(1), lambda t, x: x.max(1)[0], X),
    "Min": (lambda: nn.Min(0), lambda t, x: x.min(0)[0], X),
}
TABLES = {
    "CAddTable": (lambda: nn.CAddTable(), lambda t, x: x[0] + x[1], PAIR),
    "CMulTable": (lambda: nn.CMulTable(), lambda t, x: x[0] * x[1] * x[2], [*PAIR, X]),
    "CSubTable": (lambda: nn.CSubTable(), lambda t, x: x[0] - x[1], PAIR),
    "CDivTable": (lambda: nn.CDivTable(), lambda t, x: x[0] / x[1], PAIR),
    "JoinTable": (lambda: nn.JoinTable(1), lambda t, x: t.cat(x, 1), PAIR),
    "JoinTable of a batch": (lambda: nn.JoinTable(0, 1), lambda t, x: t.cat(x, 1), PAIR),
    "SplitTable": (lambda: nn.SplitTable(1), lambda t, x: list(x.unbind(1)), X),
    "SplitTable from the end": (lambda: nn.SplitTable(-1), lambda t, x: list(x.unbind(-1)), LINE),
    "SelectTable": (lambda: nn.SelectTable(1), lambda t, x: x[1] + 0, PAIR),
    "SelectTable from the end": (lambda: nn.SelectTable(-2), lambda t, x: x[-2] + 0, PAIR),
    "NarrowTable": (lambda: nn.NarrowTable(1, 2), lambda t, x: [y + 0 for y in x[1:3]], [*PAIR, X]),
    "FlattenTable": (lambda: nn.FlattenTable(), lambda t, x: [y + 0 for y in flat(x)], [X, [PAIR, X]]),
    "Identity": (lambda: nn.Identity(), lambda t, x: [y + 0 for y in x], PAIR),
    "Index": (lambda: nn.Index(1), lambda t, x: x[0][:, [2, 0, 2]], [X, np.array([2, 0, 2])]),
    "MaskedSelect": (lambda: nn.MaskedSelect(), lambda t, x: x[0][x[1]], [X, X > 0]),
    "MixtureTable": (
        lambda: nn.MixtureTable(),
        lambda t, x: x[0][:, :1] * x[1][0] + x[0][:, 1:] * x[1][1],
        [normal(5, 2), PAIR],
    ),
    "MixtureTable of a tensor": (
        lambda: nn.MixtureTable(),
        lambda t, x: (x[0][:, :, None] * x[1]).sum(1),
        [normal(2, 3), LINE],
    ),
    "MM": (lambda: nn.MM(transB=True), lambda t, x: x[0] @ x[1].T, PAIR),
    "MM of batches": (lambda: nn.MM(transA=True), lambda t, x: x[0].transpose(1, 2) @ x[1], [LINE, normal(2, 3, 5)]),
    "MV": (lambda: nn.MV(), lambda t, x: x[0] @ x[1], [X, VECTOR]),
    "MV of batches": (
        lambda: nn.MV(True),
        lambda t, x: (x[0].transpose(1, 2) @ x[1][:, :, None])[..., 0],
        [LINE, normal(2, 3)],
    ),
    "DotProduct": (lambda: nn.DotProduct(), lambda t, x: (x[0] * x[1]).sum(1), PAIR),
    "CosineDistance": (
        lambda: nn.CosineDistance(),
        lambda t, x: t.nn.functional.cosine_similarity(*x, 1, 1e-12),
        PAIR,
    ),
    "PairwiseDistance": (lambda: nn.PairwiseDistance(3), lambda t, x: (x[0] - x[1]).abs().pow(3).sum(1).pow(1 / 3), PAIR),
}


def around(t, x, kernel, power):
    """The weighted mean of a power of the pixels around, and how much of the kernel lies inside."""
    kernel = (kernel / kernel.sum())[None, None]
    middle = [n // 2 for n in kernel.shape[2:]]
    inside = t.nn.functional.conv2d(t.ones_like(x)[:, :1], kernel, padding=middle)
    return t.nn.functional.conv2d(x.pow(power).mean(1, keepdim=True), kernel, padding=middle), inside


def less(t, x, kernel):
    mean, inside = around(t, x, kernel, 1)
    return x - mean / inside


def over(t, x, kernel, threshold=1e-4):
    square, inside = around(t, x, kernel, 2)
    return x / t.nn.functional.threshold(square.sqrt() / inside, threshold, threshold)


K = abs(normal(3, 5)) + 0.1
LINE_K = np.array([1.0, 2.0, 1.0])
SPATIAL |= {
    "SpatialSubtractiveNormalization": (
        lambda: nn.SpatialSubtractiveNormalization(4, ours(K)),
        lambda t, x: less(t, x, t.from_numpy(K)),
        IMAGE,
    ),
    "SpatialSubtractiveNormalization of one image": (
        lambda: nn.SpatialSubtractiveNormalization(4, ours(LINE_K)),
        lambda t, x: less(t, x[None], t.from_numpy(np.outer(LINE_K, LINE_K)))[0],
        IMAGE[0],
    ),
    "SpatialDivisiveNormalization": (
        lambda: nn.SpatialDivisiveNormalization(4, ours(K), 0.6),
        lambda t, x: over(t, x, t.from_numpy(K), 0.6),
        IMAGE,
    ),
    "SpatialContrastiveNormalization": (
        lambda: nn.SpatialContrastiveNormalization(4),
        lambda t, x: over(t, less(t, x, t.ones(9, 9).double()), t.ones(9, 9).double()),
        IMAGE,
    ),
}
EVERY = {**TRANSFER, **WEIGHTED, **SPATIAL, **SHAPED, **TABLES}


@pytest.mark.parametrize("name", EVERY)
def test_layers(name):
    make, reference, x = EVERY[name]
    dynamic.manual_seed(0)
    check(make(), reference, x)


def test_weights_of_distances():
    dynamic.manual_seed(0)
    layer = nn.WeightedEuclidean(4, 3)
    reference = lambda t, x, w, d: ((x[:, :, None] - w) * d).norm(dim=1)  # noqa: E731
    check(layer, reference, X, ("weight", "diagCov"))


# Containers


def linear(t, x, w, b):
    return x @ w.T + b


def mlp(t, x, *p):
    return linear(t, linear(t, x, *p[:2]).tanh(), *p[2:4])


CONTAINERS = {
    "Sequential": (
        lambda: nn.Sequential().add(nn.Linear(4, 3)).add(nn.Tanh()).add(nn.Linear(3, 2)),
        mlp,
        X,
    ),
    "Concat": (
        lambda: nn.Concat(1).add(nn.Linear(4, 3)).add(nn.Linear(4, 2)),
        lambda t, x, *p: t.cat([linear(t, x, *p[:2]), linear(t, x, *p[2:])], 1),
        X,
    ),
    "ConcatTable": (
        lambda: nn.ConcatTable().add(nn.Linear(4, 3)).add(nn.Identity()),
        lambda t, x, *p: [linear(t, x, *p), x + 0],
        X,
    ),
    "ParallelTable": (
        lambda: nn.ParallelTable().add(nn.Linear(4, 3)).add(nn.Linear(4, 2)),
        lambda t, x, *p: [linear(t, x[0], *p[:2]), linear(t, x[1], *p[2:])],
        PAIR,
    ),
    "MapTable": (
        lambda: nn.MapTable(nn.Linear(4, 3)),
        lambda t, x, *p: [linear(t, y, *p) for y in x],
        PAIR,
    ),
    "Parallel": (
        lambda: nn.Parallel(1, 0).add(nn.Linear(8, 2)).add(nn.Linear(8, 2)).add(nn.Linear(8, 2)),
        lambda t, x, *p: t.cat([linear(t, x[:, i], *p[2 * i : 2 * i + 2]) for i in range(3)]),
        LINE,
    ),
    "tables inside": (
        lambda: (
            nn.Sequential()
            .add(nn.ConcatTable().add(nn.Linear(4, 3)).add(nn.Sequential().add(nn.Linear(4, 3)).add(nn.Sigmoid())))
            .add(nn.CMulTable())
            .add(nn.Linear(3, 2))
        ),
        lambda t, x, *p: linear(t, linear(t, x, *p[:2]) * linear(t, x, *p[2:4]).sigmoid(), *p[4:]),
        X,
    ),
    "DepthConcat": (
        lambda: nn.DepthConcat(1).add(nn.SpatialConvolution(4, 2, 1, 1)).add(nn.SpatialConvolution(4, 3, 3, 3)),
        lambda t, x, *p: t.cat(
            [t.nn.functional.conv2d(x, *p[:2]), t.nn.functional.pad(t.nn.functional.conv2d(x, *p[2:]), (1, 1, 1, 1))], 1
        ),
        IMAGE,
    ),
    "a net for images": (
        lambda: (
            nn.Sequential()
            .add(nn.SpatialConvolution(4, 2, 3, 3))
            .add(nn.ReLU())
            .add(nn.SpatialMaxPooling(2, 2))
            .add(nn.View(-1, 8))
            .add(nn.Linear(8, 3))
            .add(nn.LogSoftMax())
        ),
        lambda t, x, *p: linear(
            t, t.nn.functional.max_pool2d(t.nn.functional.conv2d(x, *p[:2]).relu(), 2).reshape(-1, 8), *p[2:]
        ).log_softmax(1),
        IMAGE,
    ),
}


@pytest.mark.parametrize("name", CONTAINERS)
def test_containers(name):
    torch = pytorch()
    make, reference, x = CONTAINERS[name]
    dynamic.manual_seed(0)
    net = make().double()
    parameters, kept = net.parameters()
    given, held = theirs(x), [torch.from_numpy(plain(p)).requires_grad_() for p in parameters]
    wanted = reference(torch, given, *held)
    mine = ours(x)
    out = net.forward(mine)
    for y, other in zip(flat(out), flat(wanted), strict=True):
        close(y, other)
    seeds = [seed_of(plain(y)) for y in flat(wanted)]
    back = [dynamic.from_numpy(s) for s in seeds]
    net.zeroGradParameters()
    found = net.backward(mine, back if isinstance(out, list) else back[0], 2)
    sought = [*flat(given), *held]
    gradients = torch.autograd.grad(list(flat(wanted)), sought, [torch.from_numpy(s) for s in seeds])
    for g, other in zip(flat(found), gradients, strict=False):
        close(g, other)
    for g, other in zip(kept, gradients[len(list(flat(given))) :], strict=True):
        close(g, 2 * other)
    alone = net.updateGradInput(mine, back if isinstance(out, list) else back[0])
    for g, other in zip(flat(alone), gradients, strict=False):
        close(g, other)
    net.zeroGradParameters()
    net.accGradParameters(mine, back if isinstance(out, list) else back[0])
    for g, other in zip(kept, gradients[len(list(flat(given))) :], strict=True):
        close(g, other)


# Criteria

Y, SIGNS, CLASSES = normal(5, 4, seed=3), np.sign(normal(5, 4, seed=4)), np.array([1, 0, 3, 3, 2])
PROBABILITIES = 1 / (1 + np.exp(-X))
LOGS = X - np.log(np.exp(X).sum(1, keepdims=True))
WEIGHTS = np.array([0.5, 1.0, 2.0, 1.5])
RED = {True: "mean", False: "sum"}


def both(make, reference, x, y):
    def case(average):
        return (lambda: make(average)), (lambda t, x, y: reference(t, x, y, RED[average])), x, y

    return {average: case(average) for average in RED}


AVERAGED = {
    "MSECriterion": both(lambda a: nn.MSECriterion(a), lambda t, x, y, r: t.nn.functional.mse_loss(x, y, reduction=r), X, Y),
    "AbsCriterion": both(lambda a: nn.AbsCriterion(a), lambda t, x, y, r: t.nn.functional.l1_loss(x, y, reduction=r), X, Y),
    "SmoothL1Criterion": both(
        lambda a: nn.SmoothL1Criterion(a), lambda t, x, y, r: t.nn.functional.smooth_l1_loss(x, y, reduction=r), X, Y
    ),
    "ClassNLLCriterion": both(
        lambda a: nn.ClassNLLCriterion(sizeAverage=a),
        lambda t, x, y, r: t.nn.functional.nll_loss(x, y, reduction=r),
        LOGS,
        CLASSES,
    ),
    "ClassNLLCriterion weighted": both(
        lambda a: nn.ClassNLLCriterion(ours(WEIGHTS), a),
        lambda t, x, y, r: t.nn.functional.nll_loss(x, y, t.from_numpy(WEIGHTS), reduction=r),
        LOGS,
        CLASSES,
    ),
    "BCECriterion": both(
        lambda a: nn.BCECriterion(sizeAverage=a),
        lambda t, x, y, r: t.nn.functional.binary_cross_entropy(x, y, reduction=r),
        PROBABILITIES,
        1 / (1 + np.exp(-Y)),
    ),
    "BCECriterion weighted": both(
        lambda a: nn.BCECriterion(ours(WEIGHTS), a),
        lambda t, x, y, r: t.nn.functional.binary_cross_entropy(x, y, t.from_numpy(WEIGHTS), reduction=r),
        PROBABILITIES,
        1 / (1 + np.exp(-Y)),
    ),
    "DistKLDivCriterion": both(
        lambda a: nn.DistKLDivCriterion(a),
        lambda t, x, y, r: getattr(t.nn.functional.kl_div(x, y, reduction="none"), r)(),
        LOGS,
        PROBABILITIES,
    ),
    "SoftMarginCriterion": both(
        lambda a: nn.SoftMarginCriterion(a), lambda t, x, y, r: t.nn.functional.soft_margin_loss(x, y, reduction=r), X, SIGNS
    ),
    "HingeEmbeddingCriterion": both(
        lambda a: nn.HingeEmbeddingCriterion(0.7, a),
        lambda t, x, y, r: t.nn.functional.hinge_embedding_loss(x, y, 0.7, reduction=r),
        X,
        SIGNS,
    ),
    "MarginCriterion": both(
        lambda a: nn.MarginCriterion(0.7, a),
        lambda t, x, y, r: getattr((0.7 - x * y).clamp(min=0), r)(),
        X,
        SIGNS,
    ),
    "WeightedMSECriterion": both(
        lambda a: nn.WeightedMSECriterion(ours(WEIGHTS), a),
        lambda t, x, y, r: t.nn.functional.mse_loss(x, y * t.from_numpy(WEIGHTS), reduction=r),
        X,
        Y,
    ),
    "MultiMarginCriterion": both(
        lambda a: nn.MultiMarginCriterion(sizeAverage=a),
        lambda t, x, y, r: t.nn.functional.multi_margin_loss(x, y, reduction=r),
        X,
        CLASSES,
    ),
    "MultiLabelMarginCriterion": both(
        lambda a: nn.MultiLabelMarginCriterion(a),
        lambda t, x, y, r: t.nn.functional.multilabel_margin_loss(x, y, reduction=r),
        X,
        np.array([[1, 2, -1, 0]] * 5),
    ),
    "MultiLabelSoftMarginCriterion": both(
        lambda a: nn.MultiLabelSoftMarginCriterion(sizeAverage=a),
        lambda t, x, y, r: t.nn.functional.multilabel_soft_margin_loss(x, y, reduction=r),
        X,
        (SIGNS + 1) / 2,
    ),
    "CosineEmbeddingCriterion": both(
        lambda a: nn.CosineEmbeddingCriterion(0.1, a),
        lambda t, x, y, r: t.nn.functional.cosine_embedding_loss(*x, y, 0.1, reduction=r),
        PAIR,
        SIGNS[:, 0],
    ),
    "MarginRankingCriterion": both(
        lambda a: nn.MarginRankingCriterion(0.3, a),
        lambda t, x, y, r: t.nn.functional.margin_ranking_loss(*x, y, 0.3, reduction=r),
        [X[:, 0], Y[:, 0]],
        SIGNS[:, 0],
    ),
}
CRITERIA = {f"{name} {RED[average]}": case for name, each in AVERAGED.items() for average, case in each.items()}
CRITERIA |= {
    "CrossEntropyCriterion": (
        lambda: nn.CrossEntropyCriterion(),
        lambda t, x, y: t.nn.functional.cross_entropy(x, y),
        X,
        CLASSES,
    ),
    "CrossEntropyCriterion weighted": (
        lambda: nn.CrossEntropyCriterion(ours(WEIGHTS)),
        lambda t, x, y: t.nn.functional.cross_entropy(x, y, t.from_numpy(WEIGHTS)),
        X,
        CLASSES,
    ),
    "CrossEntropyCriterion of one": (
        lambda: nn.CrossEntropyCriterion(),
        lambda t, x, y: t.nn.functional.cross_entropy(x, y[0]),
        VECTOR,
        CLASSES[:1],
    ),
    "ClassNLLCriterion of one": (
        lambda: nn.ClassNLLCriterion(),
        lambda t, x, y: -x[1],
        VECTOR,
        CLASSES[:1],
    ),
    "ClassNLLCriterion ignoring": (
        lambda: nn.ClassNLLCriterion(ignore_index=3),
        lambda t, x, y: t.nn.functional.nll_loss(x, y, ignore_index=3),
        LOGS,
        CLASSES,
    ),
    "SpatialClassNLLCriterion": (
        lambda: nn.SpatialClassNLLCriterion(),
        lambda t, x, y: t.nn.functional.nll_loss(x, y),
        IMAGE,
        np.arange(72).reshape(2, 6, 6) % 4,
    ),
    "L1Cost": (lambda: nn.L1Cost(), lambda t, x, y: x.abs().sum(), X, Y),
    "L1HingeEmbeddingCriterion near": (
        lambda: nn.L1HingeEmbeddingCriterion(),
        lambda t, x, y: (x[0] - x[1]).abs().sum(),
        [VECTOR, X[0]],
        np.array([1.0]),
    ),
    "L1HingeEmbeddingCriterion far": (
        lambda: nn.L1HingeEmbeddingCriterion(20),
        lambda t, x, y: 20 - (x[0] - x[1]).abs().sum(),
        [VECTOR, X[0]],
        np.array([-1.0]),
    ),
    "MultiCriterion": (
        lambda: nn.MultiCriterion().add(nn.MSECriterion(), 0.5).add(nn.AbsCriterion()),
        lambda t, x, y: 0.5 * t.nn.functional.mse_loss(x, y) + t.nn.functional.l1_loss(x, y),
        X,
        Y,
    ),
    "ParallelCriterion": (
        lambda: nn.ParallelCriterion().add(nn.MSECriterion(), 0.5).add(nn.ClassNLLCriterion(), 2),
        lambda t, x, y: 0.5 * t.nn.functional.mse_loss(x[0], y[0]) + 2 * t.nn.functional.nll_loss(x[1], y[1]),
        [X, LOGS],
        [Y, CLASSES],
    ),
    "ParallelCriterion of one target": (
        lambda: nn.ParallelCriterion(True).add(nn.MSECriterion()).add(nn.AbsCriterion(False)),
        lambda t, x, y: t.nn.functional.mse_loss(x[0], y) + t.nn.functional.l1_loss(x[1], y, reduction="sum"),
        [X, LOGS],
        Y,
    ),
}


@pytest.mark.parametrize("name", CRITERIA)
def test_criteria(name):
    make, reference, x, y = CRITERIA[name]
    criterion, given = make(), theirs(x)
    target = [each.detach() for each in theirs(y)] if isinstance(y, list) else theirs(y).detach()
    wanted = reference(pytorch(), given, target)
    mine, aim = ours(x), ours(y)
    assert criterion.forward(mine, aim) == pytest.approx(wanted.item(), rel=1e-10)
    assert isinstance(criterion.output, float)
    gradients = pytorch().autograd.grad(wanted, list(flat(given)))
    for g, other in zip(flat(criterion.backward(mine, aim)), gradients, strict=True):
        close(g, other)
    assert repr(criterion) == f"nn.{type(criterion).__name__}"
