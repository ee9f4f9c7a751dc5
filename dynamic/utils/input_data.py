"""``input_data.read_data_sets(directory, one_hot=True)``: TensorFlow 1's tutorial data, which PyTorch programs borrowed."""

from graphs.datasets import DataSet as DataSet, Datasets as Datasets, read_data_sets as read_data_sets
