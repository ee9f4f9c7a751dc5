"""The pools' old place."""

from static.theano.tensor.signal.pool import max_pool_2d as max_pool_2d
