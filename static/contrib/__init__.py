"""``tf.contrib``: what programs of TensorFlow 1 took from there most."""

from __future__ import annotations

from static.contrib import framework as framework, layers as layers, opt as opt, rnn as rnn
