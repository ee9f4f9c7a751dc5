"""``tf.test``: Python's unittest with checks of arrays, and gradients held to differences."""

# The names and checks are unittest's, for classes of users that are run by it.
# ruff: noqa: N802, PT009, PT027

from __future__ import annotations

import atexit
import shutil
import tempfile
import unittest
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, NoReturn

import numpy

from graphs.core.gpus import cupy, found, installed
from static import flags
from static.defaults import get_default_session
from static.errors import OpError
from static.gradients import gradients
from static.graph import Graph, get_default_graph, reset_default_graph, set_random_seed
from static.nest import flatten, is_sequence
from static.session import Session
from static.shapes import TensorShape
from static.tensor import convert_to_tensor


class TestCase(unittest.TestCase):
    """A test that begins with an empty default graph and seeded random numbers, and compares tensors' values."""

    def setUp(self) -> None:
        """Start afresh."""
        self._session: Session | None = None
        reset_default_graph()
        set_random_seed(1234)
        numpy.random.seed(1234)

    def tearDown(self) -> None:
        """Close the session that ``cached_session`` gave."""
        if self._session is not None:
            self._session.close()
            self._session = None

    def get_temp_dir(self) -> str:
        """A directory of the test's own, which is deleted after it."""
        made = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, made, ignore_errors=True)
        return made

    @contextmanager
    def session(self, graph: Graph | None = None, config: Any = None, use_gpu: bool = False, force_gpu: bool = False) -> Any:
        """A context with a session of its own, the default one inside."""
        with Session(graph=graph, config=config) as session:
            yield session

    @contextmanager
    def cached_session(
        self, graph: Graph | None = None, config: Any = None, use_gpu: bool = False, force_gpu: bool = False
    ) -> Iterator[Session]:
        """A context with the test's session, the same each time, the default one inside."""
        if self._session is None:
            self._session = Session(graph=graph, config=config)
        with self._session.graph.as_default(), self._session.as_default():
            yield self._session

    def test_session(self, *args: Any, **settings: Any) -> AbstractContextManager[Session]:
        """``cached_session``; with a graph, a session of its own. (By its name unittest takes it for a test: it skips.)"""
        if self._testMethodName == "test_session":
            self.skipTest("Not a test.")
        return self.session(*args, **settings) if args or "graph" in settings else self.cached_session(**settings)

    def evaluate(self, tensors: Any) -> Any:
        """The values of tensors, in the default session or the test's."""
        with self.cached_session() as session:
            return session.run(tensors)

    def _value(self, x: Any) -> Any:
        if any(hasattr(type(leaf), "_as_graph_element") or hasattr(leaf, "node") for leaf in flatten(x)):
            return self.evaluate(x)
        return x

    # Checks

    def assertAllClose(self, a: Any, b: Any, rtol: float = 1e-6, atol: float = 1e-6, msg: str | None = None) -> None:
        """Fail unless two arrays, or structures of arrays, agree within ``atol + rtol * |b|``."""
        a, b = self._value(a), self._value(b)
        if is_sequence(a) and not _regular(a):
            self.assertEqual(len(flatten(a)), len(flatten(b)), msg)
            for x, y in zip(flatten(a), flatten(b), strict=True):
                self.assertAllClose(x, y, rtol, atol, msg)
            return
        self.assertEqual(numpy.shape(a), numpy.shape(b), msg)
        numpy.testing.assert_allclose(a, b, rtol=rtol, atol=atol, err_msg=msg or "")

    def assertAllCloseAccordingToType(
        self,
        a: Any,
        b: Any,
        rtol: float = 1e-6,
        atol: float = 1e-6,
        float_rtol: float = 1e-6,
        float_atol: float = 1e-6,
        half_rtol: float = 1e-3,
        half_atol: float = 1e-3,
        msg: str | None = None,
    ) -> None:
        """``assertAllClose`` with the tolerances for the coarser of both dtypes."""
        a, b = numpy.asarray(self._value(a)), numpy.asarray(self._value(b))
        for dtype, r, t in (("float32", float_rtol, float_atol), ("float16", half_rtol, half_atol)):
            if dtype in (a.dtype, b.dtype):
                rtol, atol = max(rtol, r), max(atol, t)
        self.assertAllClose(a, b, rtol, atol, msg)

    def assertAllEqual(self, a: Any, b: Any, msg: str | None = None) -> None:
        """Fail unless two arrays are equal in shape and elements."""
        a, b = numpy.asarray(self._value(a)), numpy.asarray(self._value(b))
        if a.dtype.kind in "SUO" or b.dtype.kind in "SUO":
            self.assertEqual(_text(a), _text(b), msg)
        else:
            self.assertEqual(a.shape, b.shape, msg)
            numpy.testing.assert_array_equal(a, b, err_msg=msg or "")

    def assertNotAllClose(self, a: Any, b: Any, **settings: Any) -> None:
        """Fail where ``assertAllClose`` passes."""
        try:
            self.assertAllClose(a, b, **settings)
        except AssertionError:
            return
        raise AssertionError("The two values are close at all elements")

    def assertNear(self, f1: float, f2: float, err: float, msg: str | None = None) -> None:
        """Fail unless two numbers are within ``err`` of each other."""
        self.assertTrue(f1 == f2 or abs(f1 - f2) <= err, f"{f1!r} != {f2!r} +/- {err!r}{f' ({msg})' if msg else ''}")

    def assertArrayNear(self, farray1: Any, farray2: Any, err: float, msg: str | None = None) -> None:
        """Fail unless two sequences have their numbers within ``err`` of each other."""
        self.assertEqual(len(farray1), len(farray2), msg)
        for x, y in zip(farray1, farray2, strict=True):
            self.assertNear(float(x), float(y), err, msg)

    def assertShapeEqual(self, np_array: Any, tf_tensor: Any, msg: str | None = None) -> None:
        """Fail unless an array has the shape of a tensor."""
        self.assertEqual(list(np_array.shape), TensorShape(tf_tensor.shape).as_list(), msg)

    def assertAllInRange(self, target: Any, lower_bound: Any, upper_bound: Any) -> None:
        """Fail unless all elements are between two bounds."""
        value = numpy.asarray(self._value(target))
        self.assertTrue(
            ((value >= lower_bound) & (value <= upper_bound)).all(), f"{value} leaves [{lower_bound}, {upper_bound}]"
        )

    def assertRaisesOpError(self, expected_err_re_or_predicate: Any) -> AbstractContextManager[Any]:
        """A context that fails unless a run in it fails, with a message that matches."""
        return self.assertRaisesWithPredicateMatch(OpError, expected_err_re_or_predicate)

    @contextmanager
    def assertRaisesWithPredicateMatch(self, exception_type: Any, expected_err_re_or_predicate: Any) -> Iterator[None]:
        """A context that fails unless an exception of the type is raised in it, and its text matches, or it holds of it."""
        holds = expected_err_re_or_predicate
        with self.assertRaises(exception_type) as caught:
            yield
        if callable(holds):
            self.assertTrue(holds(caught.exception), f"Exception of type {type(caught.exception)}: {caught.exception}")
        else:
            self.assertRegex(str(caught.exception), holds)


def _regular(x: Any) -> bool:
    """Whether a list or tuple of numbers is one array."""
    if isinstance(x, dict):
        return False
    try:
        return bool(numpy.asarray(x).dtype.kind in "biufc")
    except ValueError:
        return False


def _text(x: Any) -> Any:
    return [item.encode() if isinstance(item, str) else item for item in x.reshape(-1).tolist()], x.shape


def main(argv: list[str] | None = None) -> NoReturn:
    """Run the tests of the running script, and exit."""
    unittest.main(argv=flags.read(argv) if argv else None)
    raise SystemExit


def get_temp_dir() -> str:
    """A directory that is deleted when Python ends."""
    made = tempfile.mkdtemp()
    atexit.register(shutil.rmtree, made, ignore_errors=True)
    return made


def is_gpu_available(cuda_only: bool = False, min_cuda_compute_capability: Any = None) -> bool:
    """Whether there is a GPU, of this CUDA compute capability (a pair) or better where one is given."""
    if not found()[0]:
        return False
    if min_cuda_compute_capability is None:
        return True
    properties = cupy().cuda.runtime.getDeviceProperties(0)
    return (properties["major"], properties["minor"]) >= tuple(min_cuda_compute_capability)


def is_built_with_cuda() -> bool:
    """Whether GPUs of NVIDIA can be used: cupy is installed, for CUDA."""
    return installed() and not getattr(cupy().cuda.runtime, "is_hip", False)


is_built_with_gpu_support = is_built_with_cuda


def is_built_with_rocm() -> bool:
    """Never."""
    return False


def gpu_device_name() -> str:
    """The name of the first GPU; empty where there is none."""
    return "/device:GPU:0" if found()[0] else ""


# Gradients


def compute_gradient(
    x: Any,
    x_shape: Any,
    y: Any,
    y_shape: Any,
    x_init_value: Any = None,
    delta: float = 1e-3,
    init_targets: Any = None,
    extra_feed_dict: Any = None,
) -> Any:
    """The Jacobian of ``y`` with respect to ``x`` (a row for each element of ``x``), by gradients and by differences.

    Runs in the default session; for lists of ``x`` a list of pairs. ``x_init_value`` is where it is taken, by default at
    random numbers.
    """
    session = _session()
    if init_targets is not None:
        session.run(init_targets)
    if not isinstance(x, list):
        return _jacobians(session, x, x_shape, y, y_shape, x_init_value, delta, extra_feed_dict or {})
    starts = [None] * len(x) if x_init_value is None else x_init_value
    settings = (y, y_shape)
    return [
        _jacobians(session, each, shape, *settings, start, delta, extra_feed_dict or {})
        for each, shape, start in zip(x, x_shape, starts, strict=True)
    ]


def compute_gradient_error(x: Any, *args: Any, **settings: Any) -> float:
    """The largest difference between the two Jacobians of ``compute_gradient``."""
    found = compute_gradient(x, *args, **settings)
    pairs = found if isinstance(x, list) else [found]
    return max(float(numpy.abs(one - other).max(initial=0.0)) for one, other in pairs)


def _session() -> Session:
    found = get_default_session()
    if found is None:
        raise ValueError("compute_gradient: no default session is registered. Use `with sess.as_default()`.")
    return found


def _jacobians(
    session: Session, x: Any, x_shape: Any, y: Any, y_shape: Any, start: Any, delta: float, feed: dict[Any, Any]
) -> tuple[Any, Any]:
    with get_default_graph().as_default():
        dtype = x.dtype.as_numpy_dtype
        at = numpy.asarray(numpy.random.random_sample(x_shape) if start is None else start, dtype)
        rows, columns = at.size, int(numpy.prod(y_shape, dtype=int))
        seed = convert_to_tensor(numpy.zeros(y_shape, y.dtype.as_numpy_dtype))
        (slope,) = gradients(y, x, seed)
        symbolic, numeric = numpy.zeros((rows, columns), dtype), numpy.zeros((rows, columns), dtype)
        for column in range(columns):
            unit = numpy.zeros(columns, y.dtype.as_numpy_dtype)
            unit[column] = 1
            if slope is not None:
                fed = {**feed, x: at, seed: unit.reshape(y_shape)}
                symbolic[:, column] = numpy.reshape(session.run(slope, fed), -1)
        for row in range(rows):
            moved = []
            for step in (delta, -delta):
                place = at.copy()
                place.reshape(-1)[row] += step
                moved.append(numpy.reshape(session.run(y, {**feed, x: place}), -1))
            numeric[row] = (moved[0] - moved[1]) / (2 * delta)
    return symbolic, numeric
