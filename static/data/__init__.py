"""``tf.data``: datasets and iterators over them."""

from static.data import experimental as experimental
from static.data.dataset import AUTOTUNE as AUTOTUNE, Dataset as Dataset
from static.data.description import (
    Options as Options,
    get_output_classes as get_output_classes,
    get_output_shapes as get_output_shapes,
    get_output_types as get_output_types,
)
from static.data.files import FixedLengthRecordDataset as FixedLengthRecordDataset, TextLineDataset as TextLineDataset
from static.data.iterator import (
    Iterator as Iterator,
    make_initializable_iterator as make_initializable_iterator,
    make_one_shot_iterator as make_one_shot_iterator,
)
