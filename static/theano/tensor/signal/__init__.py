"""``theano.tensor.signal``: pools."""

from static.theano.tensor.signal import downsample as downsample, pool as pool
