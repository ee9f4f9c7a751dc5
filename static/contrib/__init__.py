"""``tf.contrib``: what programs of TensorFlow 1 took from there most."""

from __future__ import annotations

from static.contrib import (
    framework as framework,
    layers as layers,
    legacy_seq2seq as legacy_seq2seq,
    opt as opt,
    rnn as rnn,
    seq2seq as seq2seq,
)
