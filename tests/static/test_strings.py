import numpy as np
import pytest

import static
import static as tf
from tests.static.oracle import tensorflow


WORDS = ["one", "Two", " x ", "", "fünf"]


def parts(sparse):
    return sparse.indices, sparse.values, sparse.dense_shape


CASES = {
    "constant": lambda tf: [tf.constant("a"), tf.constant([["a", b"b"]]), tf.constant(np.array(["x", "yz"]))],
    "as_string of ints": lambda tf: [
        tf.as_string([1, -20]),
        tf.as_string([1, 2], width=4, fill="0"),
        tf.as_string(7, width=3),
    ],
    "as_string of floats": lambda tf: [
        tf.as_string([1.5, 2e10, float("nan"), 1 / 3]),
        tf.as_string([1.5, 100.0], precision=2),
        tf.as_string([1.5, 100.0], scientific=True),
        tf.as_string([1.5, 100.0, 1e-9], shortest=True),
        tf.as_string(tf.constant([1 / 3], tf.float64), precision=9),
    ],
    "as_string of others": lambda tf: [tf.as_string([True, False]), tf.as_string(tf.constant([1 + 2j]))],
    "join": lambda tf: [tf.string_join([["a", "b"], "-", ["c", "d"]], "_"), tf.strings.join(["a", "b"])],
    "to_number": lambda tf: [tf.string_to_number(["1.5", "-2e3"]), tf.string_to_number("7", tf.int64)],
    "case": lambda tf: [tf.strings.lower(WORDS), tf.strings.upper(WORDS), tf.string_strip(WORDS)],
    "length": lambda tf: [tf.strings.length(WORDS), tf.strings.length(WORDS, unit="UTF8_CHAR")],
    "substr": lambda tf: [tf.substr(["hello", "world"], 1, 3), tf.substr(["hello", "world"], [0, -2], [9, 1])],
    "regex": lambda tf: [
        tf.regex_replace(["a1b22", "3"], "[0-9]+", r"<\0>"),
        tf.regex_replace(["a1b22"], "([a-z])[0-9]", r"\1", replace_global=False),
        tf.strings.regex_full_match(["ab", "c", "cab"], "a.*"),
    ],
    "reduce_join": lambda tf: [
        tf.reduce_join([["a", "b"], ["c", "d"]], 1, separator="+"),
        tf.reduce_join([["a", "b"], ["c", "d"]], [1, 0]),
        tf.reduce_join([["a", "b"], ["c", "d"]], [0, 1]),
        tf.reduce_join([["a", "b"], ["c", "d"]], 0, keep_dims=True),
        tf.reduce_join([["a", "b"], ["c", "d"]]),
    ],
    "decode_raw": lambda tf: [
        tf.decode_raw([b"\x01\x02\x03\x04", b"abcd"], tf.uint8),
        tf.decode_raw(b"\x01\x02\x03\x04", tf.int16, little_endian=False),
        tf.decode_raw(b"\x00\x00\x80\x3f", tf.float32),
    ],
    "base64": lambda tf: [
        tf.encode_base64(["abc?", "a"]),
        tf.encode_base64("a", pad=True),
        tf.decode_base64(tf.encode_base64(WORDS)),
    ],
    "string_split": lambda tf: [
        *parts(tf.string_split(["a b  c", "", "d"])),
        *parts(tf.string_split(["a,b;c"], ",;")),
        *parts(tf.string_split(["a  b"], skip_empty=False)),
        *parts(tf.string_split(["abc"], "")),
    ],
    "split": lambda tf: [*parts(tf.strings.split(["a b\n c", " d "])), *parts(tf.strings.split(["a,,b,c"], ","))],
    "format": lambda tf: [tf.strings.format("x {} {}!", (tf.constant([1, 2]), tf.constant(3.5)))],
    "decode_csv": lambda tf: [
        *tf.decode_csv(["1,2.5,x", '3,,"y,z"'], [[0], [1.0], ["d"]]),
        *tf.decode_csv("1;NA", [tf.constant([], tf.int32), [7]], field_delim=";", na_value="NA"),
        *tf.decode_csv("1,2,3", [[0], [0]], select_cols=[0, 2]),
        *tf.decode_csv('a"b', [[""]], use_quote_delim=False),
    ],
    "shapes": lambda tf: [
        tf.concat([tf.constant(["a"]), ["b"]], 0),
        tf.gather(WORDS, [2, 0]),
        tf.reshape(WORDS, [5, 1]),
        tf.equal(WORDS, "Two"),
        tf.where([True, False], ["a", "b"], ["c", "d"]),
        tf.stack(["a", "b"]),
        tf.shape(WORDS),
    ],
    "not a number": lambda tf: tf.string_to_number(["x"]),
    "not whole": lambda tf: tf.decode_raw(b"\x01\x02\x03", tf.int16),
    "not one length": lambda tf: tf.decode_raw(["a", "bc"], tf.uint8),
    "outside": lambda tf: tf.substr("abc", 7, 1),
    "not a field": lambda tf: tf.decode_csv("1,a", [[1], [2]]),
    "field missing": lambda tf: tf.decode_csv(",1", [tf.constant([], tf.int32), [2]]),
    "too few fields": lambda tf: tf.decode_csv("1", [[1], [2]]),
    "no file": lambda tf: tf.read_file("/nowhere/at/all"),
}


def values(tf, build):
    with tf.Graph().as_default(), tf.Session() as session:
        built = build(tf)
        shapes = [
            x.shape.as_list() if x.shape.ndims is not None else None for x in (built if isinstance(built, list) else [])
        ]
        try:
            return shapes, session.run(built)
        except Exception as error:
            return type(error).__name__, str(error)


@pytest.mark.oracle
@pytest.mark.parametrize("name", CASES)
def test_strings_are_tensorflows(name):
    ours, theirs = values(static, CASES[name]), values(tensorflow(), CASES[name])
    if isinstance(theirs[0], str):
        assert ours[0] == theirs[0]
        assert ours[1].split("\n")[0].removesuffix(", not [1, 2]") in theirs[1]
        return
    assert ours[0] == theirs[0]
    for mine, other in zip(ours[1], theirs[1], strict=True):
        assert np.asarray(mine).dtype.kind == np.asarray(other).dtype.kind
        assert type(mine) is type(other)
        np.testing.assert_array_equal(mine, other)


@pytest.mark.parametrize(
    "name", [name for name in CASES if name.startswith("as_string") or (" " not in name and name != "outside")]
)
def test_strings_go_through_files(name):
    with tf.Graph().as_default() as graph, tf.Session() as session:
        built = CASES[name](tf)
        wanted = session.run(built)
        definition = graph.as_graph_def()
    with tf.Graph().as_default(), tf.Session() as session:
        found = tf.import_graph_def(definition, return_elements=[x.name for x in built], name="")
        for mine, other in zip(session.run(found), wanted, strict=True):
            np.testing.assert_array_equal(mine, other)


def test_no_graph_file_touches_files():
    for build in (lambda: tf.read_file("x"), lambda: tf.write_file("x", "y"), lambda: tf.matching_files("*")):
        with tf.Graph().as_default() as graph:
            build()
            with pytest.raises(ValueError, match="cannot be written to a file"):
                graph.as_graph_def().SerializeToString()


def test_strings_are_fed_and_fetched():
    x = tf.placeholder(tf.string, [None])
    y = tf.string_join([x, "!"])
    with tf.Session() as session:
        assert session.run(y, {x: ["ä", b"b"]}).tolist() == ["ä!".encode(), b"b!"]
        assert session.run(y, {x: np.array(["c"])}).tolist() == [b"c!"]
        assert session.run(tf.constant("s")) == b"s"
        v = tf.Variable(["a", "b"])
        session.run(v.initializer)
        session.run(v.assign(["c", "d"]))
        assert session.run(v).tolist() == [b"c", b"d"]
        for wrong in ([1], [None]):
            with pytest.raises(TypeError, match="Cannot feed 'Placeholder:0': Expected string, got"):
                session.run(y, {x: wrong})
    for wrong in (["a", 1], [1, "a"]):
        with pytest.raises(TypeError, match=r"Expected string, got 1|neither a tensor nor an array of numbers"):
            tf.constant(wrong)


def test_mistakes_are_found_while_building():
    with pytest.raises(ValueError, match="cannot both"):
        tf.as_string([1.0], scientific=True, shortest=True)
    with pytest.raises(ValueError, match=r"2 placeholder.* does not match 1 tensor"):
        tf.strings.format("{} {}", tf.constant(1))


def test_files_are_written_and_read(tmp_path):
    path = str(tmp_path / "deep" / "file")
    write = tf.write_file(path, tf.string_join(["a", "b"]))
    with tf.control_dependencies([write]):
        read = tf.read_file(path)
    with tf.Session() as session:
        assert session.run(read) == b"ab"
        assert session.run(tf.matching_files(str(tmp_path / "*" / "f*"))).tolist() == [path.encode()]
        assert session.run(tf.matching_files(str(tmp_path / "none*"))).tolist() == []
