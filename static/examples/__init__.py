"""What TensorFlow 1 kept under ``tensorflow.examples``: the tutorials' data."""
