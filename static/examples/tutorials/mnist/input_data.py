"""``input_data.read_data_sets(directory, one_hot=True)``, as TensorFlow 1's tutorials call it."""

from graphs.datasets import DataSet as DataSet, Datasets as Datasets, read_data_sets as read_data_sets
