"""Files of arrays: what of a header is wrong, in words, and how much of a file is missing."""

import io
from itertools import pairwise

import numpy as np
import pytest

from graphs.core.tensorfile import TensorFile, TensorFileError, packed, taken
from tests.files.hostile_tensors import entry, one, raw


def opened(data, known=True):
    return TensorFile(data[:8], io.BytesIO(data[8:]), len(data) - 8 if known else None)


WRONG = {
    "overlap": (raw({"a": entry(), "b": entry(at=(4, 12))}, bytes(12)), "'b' overlaps what is before it"),
    "gap": (raw({"a": entry(), "b": entry(at=(16, 24))}, bytes(24)), "'b' leaves a gap after what is before it"),
    "a gap first": (one(at=(8, 16)), "'w' leaves a gap after"),
    "three places": (one(at=(0, 8, 16)), r"'w' of shape \[2\] cannot lie at \[0, 8, 16\]"),
    "one place": (one(at=(0,)), r"'w' of shape \[2\] cannot lie at \[0\]"),
    "too little room": (one(at=(0, 7)), r"'w' of shape \[2\] cannot lie at \[0, 7\]"),
    "2**63 bytes": (one(dtype="F64", shape=[1 << 30, 1 << 30]), "'w' is of a shape that no array can have"),
    "2**62 bytes": (one(dtype="F32", shape=[1 << 30, 1 << 30]), "'w' of shape .* cannot lie at"),
    "65 dimensions": (one(dtype="F64", shape=[1] * 65), "'w' is of a shape that no array can have"),
    "no entry": (raw({"w": 3}), "'w' has to have a dtype, a shape and data_offsets"),
    "no dtype": (one(dtype="PY"), "'w' is of no dtype that is known, 'PY'"),
    "no sizes": (one(shape=(-2,)), r"'w' has shape \[-2\], which are no sizes"),
    "no places": (one(at=(0.0, 8.0)), r"'w' has data_offsets \[0.0, 8.0\], which are no sizes"),
    "metadata": (raw({"__metadata__": {"a": 1}}), "'__metadata__' has to give text by name"),
    "no length": (b"\x01", "does not begin with the length of a header"),
    "an end too early": (raw({}, length=100), "header of 100 bytes ends after 8"),
}


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_with_a_header_is_named(name, known):
    data, message = WRONG[name]
    with pytest.raises(TensorFileError, match=message):
        opened(data, known)


ARRAYS = {
    "a": np.arange(6, dtype=np.float32).reshape(2, 3),
    "b": np.arange(3, dtype=np.float64),
    "c": np.zeros((0, 2), np.int8),
}


@pytest.mark.parametrize("known", [True, False])
def test_what_is_missing_is_named_wherever_the_file_ends(known):
    whole = packed(ARRAYS, {"of": "arrays"})
    stored = opened(whole, known)
    assert stored.metadata == {"of": "arrays"}
    assert [place.name for place in stored.places] == ["b", "a", "c"]
    assert all(one.end == two.start for one, two in pairwise(stored.places))
    for name, value in stored.arrays():
        assert value.dtype == ARRAYS[name].dtype
        np.testing.assert_array_equal(value, ARRAYS[name])
    begin = len(whole) - stored.size
    for length in range(begin, len(whole)):
        there = length - begin
        said = f"'b' has {there} of its 24" if there < 24 else f"'a' has {there - 24} of its 24"
        with pytest.raises(TensorFileError, match=f"it is cut short: {said} bytes"):
            list(opened(whole[:length], known).arrays())


def test_what_follows_is_no_part_of_a_file_but_of_a_stream():
    with pytest.raises(TensorFileError, match="3 bytes follow its end"):
        list(opened(packed(ARRAYS, {}) + b"123").arrays())
    stream = io.BytesIO(packed(ARRAYS, {}) + b"123")
    assert len(list(TensorFile(stream.read(8), stream, None).arrays())) == 3
    assert stream.read() == b"123"


@pytest.mark.parametrize("there", [True, False])
def test_bytes_are_taken_until_there_are_no_more(there, monkeypatch):
    monkeypatch.setattr("graphs.core.tensorfile._PIECE", 4)
    for length in (0, 9, 10, 11, 30):
        file = io.BytesIO(bytes(range(length)))
        assert taken(file, 10, there) == bytes(range(min(length, 10)))
        assert file.tell() == min(length, 10)
