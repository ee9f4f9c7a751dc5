"""A program's source taken apart: what belongs to either form, what both share, and nothing else."""

from graphs.compare.sources import sources, whole


PROGRAM = """
import functools
from beside import helper, other as renamed

SIZE = 3
RATE, STEPS = 0.1, 4


def train():
    return "nobody asks for this"


def setup(dtype):
    train = 3
    return SIZE + train


def loss(x):
    # </script><img src=x onerror=alert(1)>
    return x ** RATE


@functools.cache
def static_program(given):
    def inner():
        return helper(loss(SIZE))

    return inner


class Net:
    width = STEPS


dynamic_program = functools.partial(renamed, Net)
"""

BESIDE = """
def helper(x):
    return x


def unused(x):
    return x


def other(net, given):
    return helper(net)
"""


def taken(tmp_path):
    (tmp_path / "beside.py").write_text(BESIDE)
    path = tmp_path / "program.py"
    path.write_text(PROGRAM)
    return sources(path, ("static", "dynamic"))


def text(chunks):
    return "\n".join(line.html.striptags() if line.html else "" for chunk in chunks for line in chunk.lines)


def first_lines(chunks):
    return [(chunk.file, chunk.lines[0].number, chunk.lines[-1].number) for chunk in chunks]


def lines(source, start):
    return source.split("\n").index(start) + 1


def test_each_form_has_what_only_it_needs(tmp_path):
    found = taken(tmp_path)
    static, dynamic = text(found.forms["static"]), text(found.forms["dynamic"])
    assert "def static_program" in static
    assert "@functools.cache" in static, "a decorator belongs to what it decorates"
    assert "def loss" in static
    assert "class Net" in dynamic
    assert "def other" in dynamic, "a name that an import gave another name is followed"
    assert "def loss" not in dynamic
    assert "class Net" not in static


def test_what_both_need_is_shared(tmp_path):
    shared = text(taken(tmp_path).shared)
    assert "def setup" in shared
    assert "SIZE = 3" in shared
    assert "RATE, STEPS = 0.1, 4" in shared, "one statement for a name of either form"
    assert "def helper" in shared, "used by both, in another file"


def test_what_nobody_needs_is_left_out(tmp_path):
    found = taken(tmp_path)
    every = text([*found.shared, *found.forms["static"], *found.forms["dynamic"]])
    assert "nobody asks" not in every, "setup's own variable train is not the function of that name"
    assert "unused" not in every


def test_numbers_are_those_of_the_file(tmp_path):
    found = taken(tmp_path)
    (chunk,) = [chunk for chunk in found.forms["dynamic"] if chunk.file == "program.py"]
    assert (chunk.file, chunk.lines[0].number) == ("program.py", lines(PROGRAM, "class Net:"))
    assert chunk.lines[-1].number == lines(PROGRAM, "dynamic_program = functools.partial(renamed, Net)")
    assert chunk.lines[0].key(chunk.file) == f"program.py:{chunk.lines[0].number}"
    assert first_lines(found.forms["dynamic"])[1] == ("beside.py", lines(BESIDE, "def other(net, given):"), 11)


def test_the_text_is_escaped_and_marked_up(tmp_path):
    html = "\n".join(str(line.html) for chunk in taken(tmp_path).forms["static"] for line in chunk.lines)
    assert "<img" not in html
    assert "&lt;/script&gt;&lt;img src=x onerror=alert(1)&gt;" in html
    assert '<span class="keyword">def</span>' in html
    assert '<span class="comment">' in html


def test_strings_over_several_lines_keep_their_lines(tmp_path):
    path = tmp_path / "long.py"
    path.write_text('x = """one\n\n  <b>three"""\ny = 1\n')
    (chunk,) = whole(path)
    assert [line.number for line in chunk.lines] == [1, 2, 3, 4]
    assert chunk.lines[2].html == '<span class="string">  &lt;b&gt;three</span><span class="string">&#34;&#34;&#34;</span>'
    assert chunk.lines[1].html == ""


def test_a_file_that_cannot_be_read_has_no_source(tmp_path):
    assert whole(tmp_path / "nowhere.py") == ()
    assert sources(tmp_path / "nowhere.py", ("static", "dynamic")).shared == ()
