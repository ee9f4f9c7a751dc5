"""``tf.contrib.seq2seq``: the loss over tensors of steps."""

from static.rnn.seq2seq import sequence_loss_of_tensors as sequence_loss


__all__ = ["sequence_loss"]
