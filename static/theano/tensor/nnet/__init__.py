"""``theano.tensor.nnet``: what neural networks are made of."""

from static.theano.tensor.nnet import bn as bn, conv as conv
from static.theano.tensor.nnet.activations import (
    elu as elu,
    hard_sigmoid as hard_sigmoid,
    relu as relu,
    selu as selu,
    sigmoid as sigmoid,
    softplus as softplus,
    softsign as softsign,
    ultra_fast_sigmoid as ultra_fast_sigmoid,
)
from static.theano.tensor.nnet.conv import conv2d as conv2d
from static.theano.tensor.nnet.losses import (
    binary_crossentropy as binary_crossentropy,
    categorical_crossentropy as categorical_crossentropy,
    crossentropy_softmax_argmax_1hot_with_bias as crossentropy_softmax_argmax_1hot_with_bias,
    logsoftmax as logsoftmax,
    sigmoid_binary_crossentropy as sigmoid_binary_crossentropy,
    softmax as softmax,
)
