"""Everything between brackets: what is taken, what is changed, with gradients, views and errors as PyTorch has them."""

import numpy as np
import pytest

import dynamic
from tests.dynamic.oracle import agree, normal


pytestmark = pytest.mark.oracle

A, CUBE, ROW = normal(3, 4), normal(2, 3, 4), normal(4)
K = np.array([2, 0, 2, 1])
M = A > 0

TAKEN = {
    "an int": lambda t, x, k, m: x[1],
    "a negative int": lambda t, x, k, m: x[-1],
    "numpy's int": lambda t, x, k, m: x[np.int64(1), np.int32(2)],
    "two ints": lambda t, x, k, m: x[1, 2],
    "a slice": lambda t, x, k, m: x[1:],
    "a slice to the end": lambda t, x, k, m: x[:-1],
    "a slice with a step": lambda t, x, k, m: x[:, ::2],
    "a slice beyond": lambda t, x, k, m: x[1:99],
    "an empty slice": lambda t, x, k, m: x[2:1],
    "a slice of tensors": lambda t, x, k, m: x[k[1] : k[0]],
    "a slice backwards": lambda t, x, k, m: x[::-1],
    "a slice with step 0": lambda t, x, k, m: x[::0],
    "a slice of floats": lambda t, x, k, m: x[0.5:],
    "a slice of words": lambda t, x, k, m: x["a":],
    "None": lambda t, x, k, m: x[None],
    "None between": lambda t, x, k, m: x[:, None, 1],
    "many Nones": lambda t, x, k, m: x[None, :, None, :, None],
    "an ellipsis": lambda t, x, k, m: [x[...], x[..., 0], x[0, ...]],
    "an ellipsis for nothing": lambda t, x, k, m: x[0, ..., 1],
    "nothing": lambda t, x, k, m: x[()],
    "a mask": lambda t, x, k, m: x[m],
    "a mask of rows": lambda t, x, k, m: x[m[:, 0]],
    "a mask of columns": lambda t, x, k, m: x[:, m[0]],
    "a mask and an int": lambda t, x, k, m: x[m[:, 0], 1],
    "a mask and None": lambda t, x, k, m: x[m[:, 0], None],
    "an int and a mask": lambda t, x, k, m: x[1, m[1]],
    "two masks": lambda t, x, k, m: x[t.tensor([True, True, False]), t.tensor([True, False, False, True])],
    "a mask of bytes": lambda t, x, k, m: x[m.to(t.uint8)],
    "a mask as a list": lambda t, x, k, m: x[[True, False, True]],
    "a mask of another shape": lambda t, x, k, m: x[m.t()],
    "a mask with too many dimensions": lambda t, x, k, m: x[m[None]],
    "a mask of none": lambda t, x, k, m: x[m & ~m],
    "a 0-d mask": lambda t, x, k, m: [x[t.tensor(True)], x[t.tensor(False)]],
    "True": lambda t, x, k, m: [x[True], x[False]],
    "True and an int": lambda t, x, k, m: x[True, 1],
    "a tensor": lambda t, x, k, m: x[k],
    "a tensor of columns": lambda t, x, k, m: x[:, k],
    "a tensor after an ellipsis": lambda t, x, k, m: x[..., k],
    "two tensors": lambda t, x, k, m: x[k, k],
    "tensors that broadcast": lambda t, x, k, m: x[k[:2, None], k],
    "tensors that do not broadcast": lambda t, x, k, m: x[k[:3], k],
    "a tensor and an int": lambda t, x, k, m: [x[1, k], x[k, 1]],
    "a tensor and a slice": lambda t, x, k, m: [x[k, 1:], x[1:, k]],
    "a tensor and a step": lambda t, x, k, m: x[k, ::2],
    "a tensor and None": lambda t, x, k, m: [x[None, k], x[k, None], x[:, None, k]],
    "a tensor of int32": lambda t, x, k, m: x[k.int()],
    "a tensor of int16": lambda t, x, k, m: x[k.short()],
    "a tensor of int8": lambda t, x, k, m: x[k.char()],
    "a negative tensor": lambda t, x, k, m: x[-k],
    "a tensor beyond": lambda t, x, k, m: x[k + 2],
    "a tensor below": lambda t, x, k, m: x[-k - 3],
    "a matrix of positions": lambda t, x, k, m: x[k.reshape(2, 2)],
    "no positions": lambda t, x, k, m: x[k[:0]],
    "a 0-d tensor": lambda t, x, k, m: [x[k[0]], x[:, k[1]], x[k[0], k[1]]],
    "a 0-d tensor and a tensor": lambda t, x, k, m: x[k[0], k],
    "a list": lambda t, x, k, m: x[[0, 2]],
    "lists": lambda t, x, k, m: x[[0, 1], [2, 3]],
    "a list of one": lambda t, x, k, m: x[[1]],
    "a list of lists": lambda t, x, k, m: x[[[0, 1], [2, 0]]],
    "a list of tensors": lambda t, x, k, m: x[[k[0], k[1]]],
    "an empty list": lambda t, x, k, m: x[[]],
    "a list with a slice": lambda t, x, k, m: x[:, [1, -1, 0]],
    "a numpy array": lambda t, x, k, m: x[np.array([0, 2])],
    "a numpy mask": lambda t, x, k, m: x[np.array([True, False, True])],
    "a range": lambda t, x, k, m: x[range(2)],
    "beyond": lambda t, x, k, m: x[3],
    "below": lambda t, x, k, m: x[-4],
    "too many": lambda t, x, k, m: x[0, 0, 0],
    "too many slices": lambda t, x, k, m: x[:, :, :],
    "too many tensors": lambda t, x, k, m: x[k, k, k],
    "a word": lambda t, x, k, m: x["a"],
    "a float": lambda t, x, k, m: x[0.5],
    "floats": lambda t, x, k, m: x[x],
    "a dict": lambda t, x, k, m: x[{}],
    "one after another": lambda t, x, k, m: x[1:][:, k][0][1],
    "of an empty tensor": lambda t, x, k, m: x[:0][:, 1],
    "of an empty tensor, its first": lambda t, x, k, m: x[:0][0],
    "of a 0-d tensor": lambda t, x, k, m: [x[0, 0][()], x[0, 0][...], x[0, 0][None], x[0, 0][True]],
    "of a 0-d tensor, beyond": lambda t, x, k, m: x[0, 0][1],
    "of a transpose": lambda t, x, k, m: [x.t()[1], x.t()[k - 2], x.t()[:, 1]],
}

CUBES = {
    "ints": lambda t, x, k: [x[0], x[0, 1], x[0, 1, 2]],
    "a tensor in the middle": lambda t, x, k: x[:, k],
    "a tensor at the end": lambda t, x, k: x[..., k],
    "tensors apart": lambda t, x, k: x[k % 2, :, k],
    "tensors apart, of other shapes": lambda t, x, k: x[(k % 2)[:, None], :, k],
    "tensors side by side": lambda t, x, k: x[:, k, k],
    "an int and tensors apart": lambda t, x, k: [x[0, :, k], x[0, k, :]],
    "a tensor and an int apart": lambda t, x, k: [x[k % 2, :, 1], x[k % 2, 1]],
    "None and tensors": lambda t, x, k: [x[None, k % 2], x[k % 2, None, k], x[:, None, k]],
    "a slice between": lambda t, x, k: x[k % 2, 1:, k],
    "a mask in the middle": lambda t, x, k: x[:, x[0, :, 0] > -9],
    "a mask over two dimensions": lambda t, x, k: x[x[..., 0] > 0],
    "a mask over the last two": lambda t, x, k: x[:, x[0] > 0],
    "a mask and a tensor": lambda t, x, k: x[t.tensor([True, True]), k[:2]],
    "two lists and a slice": lambda t, x, k: x[[0, 1], :, [1, 2]],
    "an ellipsis and two tensors": lambda t, x, k: x[..., k, k],
}


@pytest.mark.parametrize("name", TAKEN)
def test_what_is_taken(name):
    agree(TAKEN[name], A, K, M)


@pytest.mark.parametrize("name", CUBES)
def test_what_is_taken_of_cubes(name):
    agree(CUBES[name], CUBE, K)


def _set(z, index, value):
    z[index] = value


CHANGED = {
    "an int": lambda t, z, y, k, m: _set(z, 1, y),
    "an element": lambda t, z, y, k, m: _set(z, (1, -1), 5),
    "an element, by a tensor": lambda t, z, y, k, m: _set(z, (1, -1), y[0]),
    "an element, by a tensor of one": lambda t, z, y, k, m: _set(z, (1, 1), y[:1]),
    "an element, by two": lambda t, z, y, k, m: _set(z, (1, 1), y[:2]),
    "a slice": lambda t, z, y, k, m: _set(z, slice(1, None), y),
    "a slice with a step": lambda t, z, y, k, m: _set(z, (slice(None), slice(None, None, 2)), y[:2]),
    "a column": lambda t, z, y, k, m: _set(z, (slice(None), 1), y[:3]),
    "a column, by a column": lambda t, z, y, k, m: _set(z, (slice(None), slice(1, 2)), y[:3, None]),
    "everything": lambda t, z, y, k, m: _set(z, ..., y),
    "nothing": lambda t, z, y, k, m: _set(z, slice(2, 1), 5),
    "None": lambda t, z, y, k, m: _set(z, None, y),
    "True": lambda t, z, y, k, m: _set(z, True, y),
    "False": lambda t, z, y, k, m: _set(z, False, y),
    "a mask, by a number": lambda t, z, y, k, m: _set(z, m, 0),
    "a mask, by a 0-d tensor": lambda t, z, y, k, m: _set(z, m, y[0]),
    "a mask, by values": lambda t, z, y, k, m: _set(z, m, t.cat([y, y, y])[: int(m.sum())]),
    "a mask, by too few": lambda t, z, y, k, m: _set(z, m, y[:2]),
    "a mask of rows": lambda t, z, y, k, m: _set(z, m[:, 0], y),
    "a mask of columns": lambda t, z, y, k, m: _set(z, (slice(None), m[0]), 3.0),
    "its own mask": lambda t, z, y, k, m: _set(z, z < 0, 0),
    "a mask and an int": lambda t, z, y, k, m: _set(z, (m[:, 0], 1), 9.0),
    "a tensor": lambda t, z, y, k, m: _set(z, k[:2], y),
    "a tensor, by a number": lambda t, z, y, k, m: _set(z, k, 4),
    "two tensors": lambda t, z, y, k, m: _set(z, (k[:2], k[:2]), y[:2]),
    "a tensor and a slice": lambda t, z, y, k, m: _set(z, (slice(1, None), k[:2]), y[:2]),
    "a tensor and a step": lambda t, z, y, k, m: _set(z, (k[:2], slice(None, None, 2)), y[:2]),
    "a list": lambda t, z, y, k, m: _set(z, [0, 2], y),
    "a list of columns": lambda t, z, y, k, m: _set(z, (slice(None), [0, 2]), y[:2]),
    "an array": lambda t, z, y, k, m: _set(z, np.array([0, 2]), y),
    "by an array": lambda t, z, y, k, m: _set(z, 0, t.from_numpy(np.arange(4.0))),
    "by an int tensor": lambda t, z, y, k, m: _set(z, 0, k),
    "by float32": lambda t, z, y, k, m: _set(z, 0, y.float()),
    "by a mask": lambda t, z, y, k, m: _set(z, 0, m[0]),
    "by too large a value": lambda t, z, y, k, m: _set(z, 0, t.stack([y, y])),
    "by another size": lambda t, z, y, k, m: _set(z, 0, y[:3]),
    "by a word": lambda t, z, y, k, m: _set(z, 0, "a"),
    "by a list": lambda t, z, y, k, m: _set(z, 0, [1.0]),
    "by None": lambda t, z, y, k, m: _set(z, 0, None),
    "beyond": lambda t, z, y, k, m: _set(z, 3, 0),
    "too many": lambda t, z, y, k, m: _set(z, (0, 0, 0), 0),
    "backwards": lambda t, z, y, k, m: _set(z, slice(None, None, -1), 0),
    "a tensor beyond": lambda t, z, y, k, m: _set(z, k + 9, 0),
    "a word": lambda t, z, y, k, m: _set(z, "a", 0),
    "floats": lambda t, z, y, k, m: _set(z, y, 0),
    "part of itself": lambda t, z, y, k, m: _set(z, 0, z[1] * z[2]),
    "augmented": lambda t, z, y, k, m: _augmented(z, y, m),
    "augmented at positions": lambda t, z, y, k, m: _at_positions(z, y, k),
    "in a view": lambda t, z, y, k, m: _set(z[1:], (slice(None), 0), y[:2]),
    "in a view of a view": lambda t, z, y, k, m: _set(z[1:].t()[2:], 0, y[:2]),
    "a mask in a view": lambda t, z, y, k, m: _set(z[:, 1:], m[:, 1:], 1.0),
    "twice": lambda t, z, y, k, m: (_set(z, 0, y), _set(z, 0, y * 2)),
    "a complex number": lambda t, z, y, k, m: _set(z, 0, 1j),
}


def _augmented(z, y, m):
    z[0] += y
    z[:, 1] *= 2
    z[m] -= 1
    z[1, 2] /= 4
    z[2:] **= 2


def _at_positions(z, y, k):
    z[k[:2]] += y
    z[[0, 1], [1, 2]] *= 3


@pytest.mark.parametrize("name", CHANGED)
def test_what_is_changed(name):
    def build(t, x, y, k, m):
        z = x * 1
        CHANGED[name](t, z, y, k, m)
        return [z, z * z]

    agree(build, A, ROW, K, M)


KINDS = ("float32", "int64", "int32", "uint8", "bool", "complex64")
WRITTEN = {
    "an int": lambda t, z: _set(z, 0, 1),
    "a float": lambda t, z: _set(z, 0, 1.0),
    "a float with a fraction": lambda t, z: _set(z, 0, 1.5),
    "a bool": lambda t, z: _set(z, 0, True),
    "floats": lambda t, z: _set(z, 0, t.full((4,), 1.5)),
    "ints": lambda t, z: _set(z, 0, t.arange(4)),
    "floats at a mask": lambda t, z: _set(z, z == z, t.tensor(1.5)),
    "floats at positions": lambda t, z: _set(z, [0], t.full((4,), 1.0)),
    "a number at positions": lambda t, z: _set(z, [0], 1),
    "a float at positions": lambda t, z: _set(z, [0], 1.5),
    "300": lambda t, z: _set(z, 0, 300),
    "-1": lambda t, z: _set(z, 0, -1),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", WRITTEN)
def test_what_is_written_into_other_dtypes(name, kind):
    def build(t):
        z = t.zeros(3, 4, dtype=getattr(t, kind))
        WRITTEN[name](t, z)
        return z

    agree(build, orders=0)


def test_a_mask_of_bytes_chooses_what_is_changed_as_until_1_2():
    x = dynamic.from_numpy(A.copy())
    x[(x < 0).byte()] = 0
    assert (x.numpy() == np.maximum(A, 0)).all()
