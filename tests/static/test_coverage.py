"""Names that TensorFlow has and this package lacks, and the page that lists which are here."""

import importlib
import subprocess
import sys
import types
from pathlib import Path

import pytest

import static as tf
from static import absent, coverage
from tests.static import tf115


LISTER = Path(__file__).with_name("list_names.py")
HERE = dict(absent.modules(tf))


def test_the_page_is_what_the_package_says():
    assert coverage.PAGE.read_text(encoding="utf-8") == coverage.page(), "run python -m static.coverage"


def test_the_list_is_that_of_tensorflow():
    python = tf115.interpreter()
    if python is None:
        pytest.skip("no TensorFlow 1.15: set DIPTYCH_TF115 to a Python 3.7 that has it")
    out = subprocess.run([python, LISTER], capture_output=True, text=True, check=True).stdout
    assert out == Path(absent.__file__).with_name("names.txt").read_text(encoding="ascii")


@pytest.mark.parametrize("path", HERE)
def test_every_module_tells_a_name_it_lacks_from_one_that_nobody_has(path):
    name = absent.dotted(path)
    with pytest.raises(AttributeError, match=f"neither TensorFlow 1.15 nor Diptych has {name}.no_such_thing"):
        _ = HERE[path].no_such_thing
    missing = sorted(absent.listed().get(path, frozenset()) - absent.present(HERE[path], path))
    if missing and not isinstance(vars(HERE[path]).get(missing[0]), types.ModuleType):
        with pytest.raises(AttributeError, match=f"TensorFlow 1.15 has {name}.{missing[0]}; Diptych does not"):
            getattr(HERE[path], missing[0])


def test_the_nearest_names_are_named():
    with pytest.raises(AttributeError, match=r"neither .* has tf.reduce_summ; nearest: tf.reduce_sum"):
        _ = tf.reduce_summ
    with pytest.raises(AttributeError, match=r"tf.nn.sofmax; nearest: tf.nn.softmax"):
        _ = tf.nn.sofmax


def test_what_python_asks_for_itself_is_plainly_absent():
    assert not hasattr(tf, "__wrapped__")
    assert not hasattr(tf.nn, "__path__")


@pytest.mark.parametrize("path", sorted(set(HERE) - {"tf"}))
def test_names_in_all_exist(path):
    module = HERE[path]
    assert all(hasattr(module, name) for name in getattr(module, "__all__", ()))
    assert importlib.import_module(module.__name__) is module


def test_programs_are_told_by_the_interpreter_too():
    code, root = "import static as tf; tf.nn.ctc_los", Path(__file__).parents[2]
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=root)
    assert "neither TensorFlow 1.15 nor Diptych has tf.nn.ctc_los" in run.stderr
