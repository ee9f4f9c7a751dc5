import unittest

import numpy as np
import pytest

import static as tf


class Arrays(tf.test.TestCase):
    def test_what_agrees_passes(self):
        with self.test_session() as session:
            assert tf.get_default_session() is session
            x = tf.constant([1.0, 2.0])
            self.assertAllClose(x, [1, 2 + 1e-7])
            self.assertAllClose({"a": np.ones(2), "b": [1.0]}, {"a": np.ones(2), "b": [1.0]})
            self.assertAllEqual(x * 2.0, [2, 4])
            self.assertAllEqual(tf.constant(["a"]), ["a"])
            self.assertAllCloseAccordingToType(np.float16(1.0005), np.float16(1.0))
            self.assertNotAllClose([1.0], [2.0])
            self.assertArrayNear([1.0, 2.0], [1.1, 2.0], 0.2)
            self.assertShapeEqual(np.ones((2,)), x)
            self.assertAllInRange(x, 1, 2)
            with self.assertRaisesOpError("assertion failed"):
                session.run(tf.Assert(False, [x]))
        assert self.evaluate(x).tolist() == [1, 2]

    def test_graphs_are_fresh(self):
        assert not tf.get_default_graph().get_operations()
        with self.session() as one, self.cached_session() as two:
            assert one is not two
            assert two.run(tf.constant(3)) == 3

    def test_directories_are_there(self):
        assert tf.gfile.IsDirectory(self.get_temp_dir())


DIFFERENT = [
    lambda case: case.assertAllClose([1.0], [1.1]),
    lambda case: case.assertAllClose([1.0], [1.0, 1.0]),
    lambda case: case.assertAllClose({"a": [1.0]}, {"a": [2.0]}),
    lambda case: case.assertAllEqual([1, 2], [1, 3]),
    lambda case: case.assertAllEqual([[1]], [1]),
    lambda case: case.assertAllEqual(["a"], ["b"]),
    lambda case: case.assertNotAllClose([1.0], [1.0]),
    lambda case: case.assertNear(1.0, 2.0, 0.5),
    lambda case: case.assertArrayNear([1.0], [2.0], 0.5),
    lambda case: case.assertShapeEqual(np.ones(3), np.ones(2)),
    lambda case: case.assertAllInRange([1, 5], 1, 2),
]


@pytest.mark.parametrize("check", DIFFERENT)
def test_what_differs_fails(check):
    case = Arrays("test_graphs_are_fresh")
    with pytest.raises(AssertionError):
        check(case)


def test_a_test_case_is_run_by_unittest():
    result = unittest.TestResult()
    unittest.defaultTestLoader.loadTestsFromTestCase(Arrays).run(result)
    assert (result.testsRun, result.errors, result.failures) == (4, [], [])
    assert [reason for _, reason in result.skipped] == ["Not a test."]


def test_gradients_are_held_to_differences():
    x = tf.constant(np.arange(1.0, 5.0), tf.float64)
    y = tf.reshape(x, [2, 2]) ** 3
    with tf.Session().as_default():
        start = np.array([0.5, -1.0, 2.0, 0.1])
        symbolic, numeric = tf.test.compute_gradient(x, [4], y, [2, 2], start)
        np.testing.assert_allclose(symbolic, np.diag(3 * start**2))
        assert tf.test.compute_gradient_error(x, [4], y, [2, 2], start) < 1e-5
        wrong = tf.stop_gradient(y) + x[0]
        assert tf.test.compute_gradient_error(x, [4], wrong, [2, 2], start) > 1
        assert numeric.shape == (4, 4)
    with pytest.raises(ValueError, match="no default session"):
        tf.test.compute_gradient(x, [4], y, [2, 2])


def test_there_is_no_accelerator():
    assert not tf.test.is_gpu_available()
    assert not tf.test.is_built_with_cuda()
    assert tf.test.gpu_device_name() == ""
    assert tf.gfile.IsDirectory(tf.test.get_temp_dir())
