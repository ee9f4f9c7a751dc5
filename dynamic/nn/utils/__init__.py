"""What goes with modules and their parameters: PyTorch's ``torch.nn.utils``."""

from dynamic.names import lacking
from dynamic.nn.utils import rnn as rnn


__getattr__ = lacking(__name__)
