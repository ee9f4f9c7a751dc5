"""Layers and criteria in the manner of Lua Torch: ``forward``, then ``backward``; PyTorch's old ``torch.legacy.nn``."""

from __future__ import annotations

from dynamic.legacy.nn.containers import (
    Concat as Concat,
    ConcatTable as ConcatTable,
    Container as Container,
    DepthConcat as DepthConcat,
    MapTable as MapTable,
    Parallel as Parallel,
    ParallelTable as ParallelTable,
    Sequential as Sequential,
)
from dynamic.legacy.nn.criteria import (
    AbsCriterion as AbsCriterion,
    BCECriterion as BCECriterion,
    ClassNLLCriterion as ClassNLLCriterion,
    CosineEmbeddingCriterion as CosineEmbeddingCriterion,
    Criterion as Criterion,
    CrossEntropyCriterion as CrossEntropyCriterion,
    DistKLDivCriterion as DistKLDivCriterion,
    HingeEmbeddingCriterion as HingeEmbeddingCriterion,
    L1Cost as L1Cost,
    L1HingeEmbeddingCriterion as L1HingeEmbeddingCriterion,
    MarginCriterion as MarginCriterion,
    MarginRankingCriterion as MarginRankingCriterion,
    MSECriterion as MSECriterion,
    MultiLabelMarginCriterion as MultiLabelMarginCriterion,
    MultiLabelSoftMarginCriterion as MultiLabelSoftMarginCriterion,
    MultiMarginCriterion as MultiMarginCriterion,
    SmoothL1Criterion as SmoothL1Criterion,
    SoftMarginCriterion as SoftMarginCriterion,
    SpatialClassNLLCriterion as SpatialClassNLLCriterion,
    WeightedMSECriterion as WeightedMSECriterion,
)
from dynamic.legacy.nn.dropping import (
    Dropout as Dropout,
    SpatialDropout as SpatialDropout,
    VolumetricDropout as VolumetricDropout,
)
from dynamic.legacy.nn.module import (
    Module as Module,
)
from dynamic.legacy.nn.normalization import (
    BatchNormalization as BatchNormalization,
    SpatialBatchNormalization as SpatialBatchNormalization,
    SpatialCrossMapLRN as SpatialCrossMapLRN,
    VolumetricBatchNormalization as VolumetricBatchNormalization,
)
from dynamic.legacy.nn.several import (
    CriterionTable as CriterionTable,
    MultiCriterion as MultiCriterion,
    ParallelCriterion as ParallelCriterion,
)
from dynamic.legacy.nn.shapes import (
    Max as Max,
    Mean as Mean,
    Min as Min,
    Narrow as Narrow,
    Padding as Padding,
    Replicate as Replicate,
    Reshape as Reshape,
    Select as Select,
    Squeeze as Squeeze,
    Sum as Sum,
    Transpose as Transpose,
    Unsqueeze as Unsqueeze,
    View as View,
)
from dynamic.legacy.nn.simple import (
    Add as Add,
    Bilinear as Bilinear,
    CAdd as CAdd,
    CMul as CMul,
    Cosine as Cosine,
    Euclidean as Euclidean,
    Linear as Linear,
    LookupTable as LookupTable,
    Mul as Mul,
    PartialLinear as PartialLinear,
    WeightedEuclidean as WeightedEuclidean,
)
from dynamic.legacy.nn.spatial import (
    SpatialAdaptiveMaxPooling as SpatialAdaptiveMaxPooling,
    SpatialAveragePooling as SpatialAveragePooling,
    SpatialConvolution as SpatialConvolution,
    SpatialDilatedConvolution as SpatialDilatedConvolution,
    SpatialFullConvolution as SpatialFullConvolution,
    SpatialLPPooling as SpatialLPPooling,
    SpatialMaxPooling as SpatialMaxPooling,
    SpatialMaxUnpooling as SpatialMaxUnpooling,
    SpatialReflectionPadding as SpatialReflectionPadding,
    SpatialReplicationPadding as SpatialReplicationPadding,
    SpatialSubSampling as SpatialSubSampling,
    SpatialUpSamplingBilinear as SpatialUpSamplingBilinear,
    SpatialUpSamplingNearest as SpatialUpSamplingNearest,
    SpatialZeroPadding as SpatialZeroPadding,
)
from dynamic.legacy.nn.tables import (
    MM as MM,
    MV as MV,
    CAddTable as CAddTable,
    CDivTable as CDivTable,
    CMulTable as CMulTable,
    CosineDistance as CosineDistance,
    CSubTable as CSubTable,
    DotProduct as DotProduct,
    FlattenTable as FlattenTable,
    Index as Index,
    JoinTable as JoinTable,
    MaskedSelect as MaskedSelect,
    MixtureTable as MixtureTable,
    NarrowTable as NarrowTable,
    PairwiseDistance as PairwiseDistance,
    SelectTable as SelectTable,
    SplitTable as SplitTable,
)
from dynamic.legacy.nn.temporal import (
    TemporalConvolution as TemporalConvolution,
    TemporalMaxPooling as TemporalMaxPooling,
    TemporalSubSampling as TemporalSubSampling,
)
from dynamic.legacy.nn.transfer import (
    ELU as ELU,
    Abs as Abs,
    AddConstant as AddConstant,
    Clamp as Clamp,
    Contiguous as Contiguous,
    Copy as Copy,
    Exp as Exp,
    GradientReversal as GradientReversal,
    HardShrink as HardShrink,
    HardTanh as HardTanh,
    Identity as Identity,
    L1Penalty as L1Penalty,
    LeakyReLU as LeakyReLU,
    Log as Log,
    LogSigmoid as LogSigmoid,
    LogSoftMax as LogSoftMax,
    MulConstant as MulConstant,
    Normalize as Normalize,
    Power as Power,
    PReLU as PReLU,
    ReLU as ReLU,
    ReLU6 as ReLU6,
    RReLU as RReLU,
    Sigmoid as Sigmoid,
    SoftMax as SoftMax,
    SoftMin as SoftMin,
    SoftPlus as SoftPlus,
    SoftShrink as SoftShrink,
    SoftSign as SoftSign,
    SpatialSoftMax as SpatialSoftMax,
    Sqrt as Sqrt,
    Square as Square,
    Tanh as Tanh,
    TanhShrink as TanhShrink,
    Threshold as Threshold,
)
from dynamic.legacy.nn.volumetric import (
    VolumetricAveragePooling as VolumetricAveragePooling,
    VolumetricConvolution as VolumetricConvolution,
    VolumetricFullConvolution as VolumetricFullConvolution,
    VolumetricMaxPooling as VolumetricMaxPooling,
    VolumetricMaxUnpooling as VolumetricMaxUnpooling,
    VolumetricReplicationPadding as VolumetricReplicationPadding,
)
from dynamic.names import lacking


__getattr__ = lacking(__name__)
