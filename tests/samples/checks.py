import numpy

from tests.samples.table import case, integers, normal, samples


samples(
    "ensure_shape",
    lambda x, dims: x,
    case(normal(3, 4), dims=(3, 4)),
    case(normal(3, 4), dims=(None, 4)),
    case(normal(3), dims=(None,)),
    case(numpy.array(1.5), dims=()),
    kinds="bif",
    refuses=(case(normal(3, 4), dims=(4, None)), case(normal(3, 4), dims=(None,)), case(normal(3), dims=())),
)
samples(
    "from_front",
    lambda indices: indices,
    case(integers(0, 5, 3, 4)),
    case(numpy.array(2)),
    case(numpy.array([], int)),
    kinds="i",
    refuses=(case(normal(3)),),
)
