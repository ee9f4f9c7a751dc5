"""``tf.contrib.legacy_seq2seq``: sequences to sequences over lists of steps."""

from static.rnn.seq2seq import (
    basic_rnn_seq2seq as basic_rnn_seq2seq,
    embedding_rnn_decoder as embedding_rnn_decoder,
    embedding_rnn_seq2seq as embedding_rnn_seq2seq,
    rnn_decoder as rnn_decoder,
    sequence_loss as sequence_loss,
    sequence_loss_by_example as sequence_loss_by_example,
    tied_rnn_seq2seq as tied_rnn_seq2seq,
)
