"""The shipped digits and MNIST's files, read through TensorFlow 1's tutorial interface."""

import gzip
import struct

import numpy
import pytest

from graphs.datasets import FILES, DataError, load_digits, read_data_sets


def idx(array):
    return struct.pack(f">{1 + array.ndim}I", 0x0800 + array.ndim, *array.shape) + array.tobytes()


@pytest.fixture
def mnist(tmp_path):
    """Twelve training and four test images in MNIST's format, as a dict of file name to content, not yet written."""
    generator = numpy.random.default_rng(0)
    contents = {}
    for part, count in (("training", 12), ("test", 4)):
        contents[FILES[f"{part} images"]] = idx(generator.integers(0, 256, (count, 28, 28)).astype(numpy.uint8))
        contents[FILES[f"{part} labels"]] = idx((numpy.arange(count) % 10).astype(numpy.uint8))
    return contents


def write(directory, contents, pack=False):
    for name, content in contents.items():
        (directory / (name + ".gz" if pack else name)).write_bytes(gzip.compress(content) if pack else content)


def test_shipped_digits_are_the_original_ones_scaled():
    images, labels = load_digits()
    assert images.shape == (1797, 28, 28)
    assert images.dtype == numpy.uint8
    assert images.min() == 0
    assert images.max() == 255
    assert numpy.bincount(labels).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    with numpy.load("graphs/data/digits.npz") as stored:
        small = stored["images"] * (255 / 16)
    assert abs(images.mean() - small.mean()) < 2
    # Corners lie beyond the centres of the outermost pixels, so that scaling leaves them as they were.
    assert numpy.array_equal(images[:, 0, 0], numpy.rint(small[:, 0, 0]))
    assert numpy.array_equal(images[:, 27, 27], numpy.rint(small[:, 7, 7]))


def test_without_files_the_shipped_digits_are_used_and_said_so(tmp_path, capsys):
    data = read_data_sets(tmp_path / "nowhere", one_hot=True)
    assert capsys.readouterr().err.count("\n") == 1
    assert [part.num_examples for part in data] == [1400, 100, 297]
    assert data.train.images.shape == (1400, 784)
    assert data.train.images.dtype == numpy.float32
    assert 0.99 < data.train.images.max() <= 1
    assert data.train.labels.shape == (1400, 10)
    assert (data.train.labels.sum(1) == 1).all()


@pytest.mark.parametrize("pack", [False, True])
def test_idx_files_are_read(mnist, tmp_path, pack, capsys):
    write(tmp_path, mnist, pack)
    data = read_data_sets(str(tmp_path), validation_size=2, reshape=False, dtype=numpy.uint8)
    assert capsys.readouterr().err == ""
    assert data.train.images.shape == (10, 28, 28, 1)
    assert data.validation.labels.tolist() == [0, 1]
    assert data.test.labels.tolist() == [0, 1, 2, 3]
    assert data.test.images.tobytes() == mnist["t10k-images-idx3-ubyte"][16:]


DAMAGE = {
    "missing": (lambda content: None, r"missing \("),
    "empty": (lambda content: b"", "0 bytes, less than the"),
    "magic": (lambda content: b"\x00\x00\x0d\x01" + content[4:], "begins with the number 3329"),
    "truncated": (lambda content: content[:-1], "calls for"),
    "longer": (lambda content: content + b"x", "calls for"),
    "huge count": (lambda content: content[:4] + b"\xff\xff\xff\xff" + content[8:], "calls for"),
}


@pytest.mark.parametrize("name", FILES.values())
@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_file_is_named(mnist, tmp_path, name, damage):
    spoil, message = DAMAGE[damage]
    content = spoil(mnist[name])
    contents = {**mnist, name: content} if content is not None else {k: v for k, v in mnist.items() if k != name}
    write(tmp_path, contents)
    with pytest.raises(DataError, match=message) as caught:
        read_data_sets(tmp_path, validation_size=2)
    assert str(tmp_path / name) in str(caught.value)


@pytest.mark.parametrize(
    "spoil", [lambda packed: packed[:-20], lambda packed: b"no gzip", lambda packed: packed[:30] + b"~" * 40]
)
def test_a_damaged_gzip_is_named(mnist, tmp_path, spoil):
    write(tmp_path, mnist, pack=True)
    path = tmp_path / "train-images-idx3-ubyte.gz"
    path.write_bytes(spoil(path.read_bytes()))
    with pytest.raises(DataError, match="cannot be read") as caught:
        read_data_sets(tmp_path, validation_size=2)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    ("labels", "message"),
    [(numpy.zeros(11, numpy.uint8), "11 labels for the 12 images"), (numpy.full(12, 26, numpy.uint8), "label 26")],
)
def test_labels_that_do_not_belong_are_refused(mnist, tmp_path, labels, message):
    write(tmp_path, {**mnist, "train-labels-idx1-ubyte": idx(labels)})
    with pytest.raises(DataError, match=message):
        read_data_sets(tmp_path, validation_size=2)


def test_a_validation_set_larger_than_the_data_is_refused(mnist, tmp_path):
    write(tmp_path, mnist)
    with pytest.raises(ValueError, match="validation set of 5000 from 12"):
        read_data_sets(tmp_path)


def test_batches_go_through_every_example_once_an_epoch():
    train = read_data_sets("", seed=3).train
    seen = numpy.concatenate([train.next_batch(100)[0] for _ in range(14)])
    assert train.epochs_completed == 0
    assert numpy.array_equal(numpy.sort(seen.sum(1)), numpy.sort(train.images.sum(1)))
    train.next_batch(3000)
    assert train.epochs_completed == 3


def test_batches_without_shuffling_keep_the_order_and_are_copies():
    train = read_data_sets("").train
    images, labels = train.next_batch(5, shuffle=False)
    assert numpy.array_equal(images, train.images[:5])
    assert numpy.array_equal(labels, train.labels[:5])
    images[:] = -1
    assert train.images.min() == 0


def test_a_seed_repeats_the_order_and_so_does_numpys_global_one():
    first, again, other = (read_data_sets("", seed=seed).train.next_batch(50)[1] for seed in (7, 7, 8))
    assert numpy.array_equal(first, again)
    assert not numpy.array_equal(first, other)
    orders = []
    for _ in range(2):
        numpy.random.seed(5)
        orders.append(read_data_sets("").train.next_batch(50)[1])
    assert numpy.array_equal(*orders)


@pytest.mark.parametrize(("dtype", "error"), [(numpy.int32, TypeError), (numpy.complex64, TypeError)])
def test_other_dtypes_are_refused(dtype, error):
    with pytest.raises(error, match="floating-point or uint8"):
        read_data_sets("", dtype=dtype)


def test_batches_in_half_and_double_precision():
    for dtype in (numpy.float16, numpy.float64):
        assert read_data_sets("", dtype=dtype).test.next_batch(3)[0].dtype == dtype
