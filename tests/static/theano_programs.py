"""Theano programs, and what Theano 1.0.5 gives for them, in ``theano_105.json`` beside this file.

Run under Python 3.7 with Theano installed, ``python theano_programs.py theano_105.json`` records that file anew.
"""

import json
import sys

import numpy


VECTOR = numpy.random.RandomState(0).randn(5)
MATRIX = numpy.random.RandomState(1).rand(3, 4) + 0.1


class Programs:
    """The programs, over the modules of Theano or those that stand for them."""

    def __init__(self, theano, tensor):
        self.theano = theano
        self.T = tensor

    def results(self):
        """By name, dtype, shape and elements of each output; an error's name where there is one."""
        return {name: self._result(getattr(self, name)) for name in sorted(dir(self)) if name.startswith("run_")}

    def _result(self, program):
        try:
            return _plain(program())
        except Exception as error:
            return type(error).__name__

    def f(self, inputs, outputs, **settings):
        return self.theano.function(inputs, outputs, on_unused_input="ignore", **settings)

    def given(self):
        return self.T.vector("x"), self.T.matrix("m"), self.T.scalar("s")

    def shared(self):
        return self.theano.shared(numpy.arange(3.0), "a"), self.theano.shared(0, "c")

    def run_updates(self):
        theano = self.theano
        x, _, _ = self.given()
        a, c = self.shared()
        f = theano.function([x], [(a * x).sum(), c], updates=[(a, a + x[:3]), (c, c + 1)])
        return [*f(VECTOR[:3]), *f(VECTOR[:3]), a.get_value(), c.get_value()]

    def run_updates_in_scan(self):
        theano = self.theano
        x, _, _ = self.given()
        a, c = self.shared()
        r, u = theano.scan(lambda v: (v * a.sum(), {c: c + 1, a: a * 2}), x)
        f = theano.function([x], r, updates=u)
        return [f(VECTOR), f(VECTOR), a.get_value(), c.get_value()]

    def run_updates_and_until(self):
        theano = self.theano
        T = self.T  # noqa: N806
        x, _, _ = self.given()
        _, c = self.shared()
        step = lambda v, o: ([o + v, v * 2], [(c, c + 1)], theano.scan_module.until(o + v > 2))  # noqa: E731
        r, u = theano.scan(step, x, [T.zeros(()), None])
        return [*theano.function([x], r, updates=u)(numpy.ones(5)), c.get_value()]

    def run_scan_over_nothing(self):
        theano = self.theano
        a, _ = self.shared()
        r, u = theano.scan(lambda: a * 2, n_steps=3)
        return theano.function([], r, updates=u)()

    def run_recurrent_net(self):
        theano = self.theano
        T = self.T  # noqa: N806
        _, m, _ = self.given()
        w = theano.shared(numpy.linspace(-0.5, 0.5, 9).reshape(3, 3))
        r, _ = theano.scan(lambda v, h, w: T.tanh(T.dot(h, w) + v), m.T[:, :3], T.zeros((3,)), w)
        c = r[-1].sum() + (r**2).sum()
        return self.f([m], [c, T.grad(c, w), T.grad(c, m)])(MATRIX)

    def run_second_order(self):
        theano = self.theano
        T = self.T  # noqa: N806
        x, _, s = self.given()
        r, _ = theano.scan(lambda v, o: T.sin(o) * v, x, s)
        g = T.grad(r[-1], s)
        return self.f([x, s], [r[-1], g, T.grad(g, s), T.grad(g, x)])(VECTOR, 0.7)

    def run_nested_scans(self):
        theano = self.theano
        T = self.T  # noqa: N806
        _, m, _ = self.given()
        inner = lambda row: theano.scan(lambda v, t: t * v + 1, row, T.ones(()))[0][-1]  # noqa: E731
        o, _ = theano.scan(inner, m)
        return self.f([m], [o, T.grad(o.sum(), m)])(MATRIX)

    def run_subtensor_in_scan(self):
        theano = self.theano
        T = self.T  # noqa: N806
        o, _ = theano.scan(lambda i, t: T.set_subtensor(t[i], i * 2.0), T.arange(4), T.zeros((4,)))
        return self.f([], o)()

    def run_places_in_scan(self):
        theano = self.theano
        T = self.T  # noqa: N806
        loc, val, base = T.imatrix("loc"), T.vector("val"), T.zeros((3, 3))
        r, _ = theano.scan(lambda at, v, b: T.set_subtensor(T.zeros_like(b)[at[0], at[1]], v), [loc, val], None, base)
        return self.f([loc, val], r)(numpy.array([[1, 1], [2, 0]], "int32"), [4.0, 5.0])

    def run_inputs(self):
        theano = self.theano
        x, _, s = self.given()
        f = theano.function([s, theano.In(x, value=numpy.ones(2), name="vec")], s * x)
        return [f(2.0), f(2.0, [1.0, 3.0]), f(2.0, vec=[5.0])]

    def run_givens(self):
        theano = self.theano
        T = self.T  # noqa: N806
        x, _, _ = self.given()
        w = theano.shared(numpy.eye(2))
        y = T.dot(x, w)
        return [
            theano.function([x], y, givens={w: numpy.ones((2, 2))})(VECTOR[:2]),
            theano.function([], y, givens=[(x, w.sum(0))])(),
            theano.function([x], y)(VECTOR[:2]),
        ]

    def run_slices(self):
        _, m, _ = self.given()
        return self.f(
            [m],
            [
                m[0],
                m[-1, ::2],
                m[1:, None, 1],
                m[::-1],
                m[..., 0],
                m[:, -1],
                m[m.shape[0] - 1],
                m.shape[0] * 2,
                m.size,
                m.shape,
                m.T.shape,
            ],
        )(MATRIX)

    def run_slices_of_the_graph(self):
        T = self.T  # noqa: N806
        _, m, _ = self.given()
        i = T.iscalar("i")
        return self.f(
            [m, i],
            [
                m[i],
                m[i, i],
                m[:i],
                m[i:, 1],
                m[:, i],
                T.inc_subtensor(m[i], 1.0),
                T.set_subtensor(m[:i, i], 0.0),
                m.take(i, axis=1),
                m[:, i : i + 1],
            ],
        )(MATRIX, 1)

    def run_positions(self):
        T = self.T  # noqa: N806
        _, m, _ = self.given()
        return self.f(
            [m],
            [
                m[T.arange(3), [1, 0, 2]],
                m[:, [0, 1]],
                m[m > 0.5],
                m[[0, 1], 1:],
                T.set_subtensor(m[[0, 2], [1, 1]], 5.0),
                T.inc_subtensor(m[[0, 0]], 1.0),
                T.inc_subtensor(m[:, [1, 1]], 1.0),
            ],
        )(MATRIX)

    def run_shapes(self):
        T = self.T  # noqa: N806
        _, m, _ = self.given()
        return self.f(
            [m],
            [
                m.reshape((2, 6)),
                m.reshape((-1,)),
                m.reshape((m.shape[1], m.shape[0])),
                m.flatten(),
                m.dimshuffle(1, 0),
                m.dimshuffle("x", 1, 0, "x"),
                T.shape_padleft(m, 2),
                T.shape_padright(m),
                T.shape_padaxis(m, 1),
                m.ravel(),
                T.stack([m, m], axis=2),
                T.horizontal_stack(m, m),
                T.tile(m, (2, 3)),
                T.repeat(m, 2, axis=0),
                T.roll(m, 1, axis=1),
                *T.split(m, [1, 3], 2, axis=1),
                T.diag(m),
                T.diag(m[0]),
            ],
        )(MATRIX)

    def run_reductions(self):
        T = self.T  # noqa: N806
        _, m, _ = self.given()
        return self.f(
            [m],
            [
                m.argmax(),
                m.argmax(axis=0),
                m.argmin(axis=-1),
                m.max(axis=(0, 1)),
                m.min(axis=1, keepdims=True),
                T.any(m > 0.9),
                T.all(m > 0, axis=0),
                m.prod(axis=1),
                m.mean(axis=1, keepdims=True),
                T.ptp(m, axis=0),
                m.norm(1),
                m.norm(2, axis=1),
                m.var(axis=0),
                m.std(),
                T.cumsum(m, axis=0),
                T.extra_ops.cumprod(m),
                T.sort(m, axis=0),
                T.argsort(m, axis=1),
            ],
        )(MATRIX)

    def run_elements(self):
        T = self.T  # noqa: N806
        x, _, s = self.given()
        return self.f(
            [x, s],
            [
                x / s,
                s / x,
                x**s,
                2**x,
                x % s,
                -x,
                abs(x),
                x // s,
                T.maximum(x, s),
                T.minimum(0, x),
                T.sqr(x),
                T.arctan2(x, s),
                T.xor(x > 0, x < 1),
                T.invert(x > 0),
                T.log1p(abs(x)),
                T.expm1(x),
                T.gammaln(abs(x)),
                T.erf(x),
                T.inv(x),
                T.trunc(x),
                T.iround(x * 3),
                T.cosh(x),
                T.arcsinh(x),
                T.deg2rad(x),
                T.round(x * 5),
                T.sgn(x),
                T.ceil(x),
                T.mod(-x, 3),
            ],
        )(VECTOR, 1.5)

    def run_gradients(self):
        T = self.T  # noqa: N806
        x, _, _ = self.given()
        costs = [
            T.log(x).sum(),
            T.sqrt(x).prod(),
            T.max(x),
            x.norm(2),
            T.dot(x, x),
            T.var(x),
            T.sort(x)[0] * 2,
            T.switch(x > 1, x, x**2).sum(),
            T.cumsum(x)[2],
            T.maximum(x, 1).sum(),
            T.concatenate([x, x * 2])[3:7].sum(),
            (x[::2] ** 2).sum(),
            T.outer(x, x).sum(),
            T.nnet.softplus(x).sum(),
            T.nnet.sigmoid(x).prod(),
            x.std(),
            T.abs_(x - 1).sum(),
            T.clip(x, 0.5, 1).sum(),
            T.floor(x).sum(),
            (x > 0).sum() * 1.0,
            T.argmax(x) * 1.0,
        ]
        return self.f([x], [T.grad(cost, x) for cost in costs])(abs(VECTOR) + 0.1)

    def run_activations(self):
        T = self.T  # noqa: N806
        x, _, _ = self.given()
        return self.f(
            [x],
            [
                T.nnet.softmax(x),
                T.nnet.relu(x),
                T.grad(T.nnet.relu(x * 0).sum(), x),
                T.nnet.relu(x, 0.1),
                T.nnet.elu(x, 0.7),
                T.nnet.selu(x),
                T.nnet.ultra_fast_sigmoid(x * 3),
                T.nnet.hard_sigmoid(x * 3),
                T.nnet.softsign(x),
            ],
        )(VECTOR)

    def run_losses(self):
        T = self.T  # noqa: N806
        _, m, _ = self.given()
        return self.f(
            [m],
            [
                T.nnet.binary_crossentropy(m / 3, m > 0.5),
                T.nnet.categorical_crossentropy(m, T.argmax(m, axis=1)),
                T.nnet.categorical_crossentropy(m, m),
                T.nnet.sigmoid_binary_crossentropy(m, T.cast(m > 0.5, "float64")),
            ],
        )(MATRIX)

    def run_batch_normalisation(self):
        T = self.T  # noqa: N806
        _, m, _ = self.given()
        ones, zeros = T.ones(4), T.zeros(4)
        train = T.nnet.bn.batch_normalization_train
        return self.f([m], list(train(m, ones, zeros, running_mean=ones, running_var=ones)))(MATRIX)

    def run_matrices(self):
        T = self.T  # noqa: N806
        _, m, _ = self.given()
        a = T.dot(m, m.T) + T.eye(3)
        return self.f(
            [m],
            [
                T.nlinalg.matrix_inverse(a),
                T.nlinalg.det(a),
                T.nlinalg.trace(a),
                T.grad(T.log(T.nlinalg.det(a)), m),
                T.nlinalg.eigh(a)[0],
                T.nlinalg.diag(a),
                T.nlinalg.matrix_dot(a, a, a),
            ],
        )(MATRIX)

    def run_products(self):
        T = self.T  # noqa: N806
        a = T.tensor3("a")
        squares = T.batched_dot(a, a.dimshuffle(0, 2, 1))
        return self.f(
            [a],
            [
                squares,
                T.tensordot(a, a, [[0, 1], [0, 1]]),
                T.dot(a, T.ones((4, 2))),
                a.sum(axis=(0, 2)),
                T.grad(squares.sum(), a),
            ],
        )(numpy.arange(24.0).reshape(2, 3, 4))

    def run_jacobians(self):
        T = self.T  # noqa: N806
        x, m, s = self.given()
        return self.f(
            [x, m, s],
            [
                T.jacobian(T.dot(m, T.ones(4)), m),
                T.jacobian(x**2 * x.sum(), x),
                T.hessian((x**2).sum() ** 2, x),
                T.Rop(T.tanh(x) * x.sum(), x, x * 2),
                T.Lop(T.tanh(x) * x.sum(), x, x * 2),
                T.grad(None, x, known_grads={x: x * 2}),
                T.grad(T.Rop(T.tanh(x * s), s, T.ones(())).sum(), x),
            ],
        )(VECTOR, MATRIX, 0.3)

    def run_made(self):
        T = self.T  # noqa: N806
        x, _, _ = self.given()
        return self.f(
            [x],
            [
                T.alloc(x, 2, 5),
                T.alloc(1.0, x.shape[0]),
                x.fill(3.0),
                T.zeros_like(x, dtype="int32"),
                T.arange(x.shape[0]),
                T.arange(1, 6, 2, dtype="float32"),
                T.arange(3.0),
                x.astype("int8"),
                T.ones((2, x.shape[0])),
                T.eye(x.shape[0]),
                T.constant(2.0),
                T.constant(0.1),
                T.constant(3),
                T.as_tensor_variable([1, 2]),
                T.extra_ops.to_one_hot(T.arange(2), 4),
            ],
        )(VECTOR)

    def run_taps(self):
        theano = self.theano
        T = self.T  # noqa: N806
        x, _, _ = self.given()
        outputs = [{"initial": T.constant(numpy.array([1.0, 2.0])), "taps": [-2, -1]}]
        r, _ = theano.scan(lambda a, b, c, old, new: a - b * c + old * 0.5 + new, {"input": x, "taps": [-1, 0, 1]}, outputs)
        far = [{"initial": T.constant(numpy.array([1.0, 2.0, 3.0])), "taps": [-3, -1]}]
        q, _ = theano.scan(lambda a, old, new: a + old * 0.5 * new, {"input": x, "taps": [1]}, far)
        return self.f([x], [r, T.grad(r.sum(), x), q, T.grad(q.sum(), x)])(VECTOR)

    def run_taps_of_sequences(self):
        theano = self.theano
        T = self.T  # noqa: N806
        x, m, _ = self.given()
        each = [
            theano.scan(lambda a: a, {"input": x, "taps": [2]})[0],
            theano.scan(lambda a: a, {"input": x, "taps": [-2]})[0],
            theano.scan(lambda a, b: a + b, [x, T.arange(3)])[0],
            theano.scan(lambda a, b, c: a + 10 * b + 100 * c, [{"input": x, "taps": [-1, 1]}, T.arange(50)])[0],
            theano.scan(lambda a, b, o: a + b + o, {"input": x, "taps": [-1, 1]}, T.zeros(()), go_backwards=True)[0],
            theano.scan(lambda a, b, c: a + b * 10 + c, [{"input": x, "taps": [-2, 1]}, m[:, 0]], n_steps=2)[0],
            theano.scan(lambda a, o: a + o, x, T.zeros(()), n_steps=3)[0],
        ]
        return self.f([x, m], each)(VECTOR, MATRIX)

    def run_folds(self):
        theano = self.theano
        T = self.T  # noqa: N806
        x, _, _ = self.given()
        each = [
            theano.foldr(lambda a, o: a - o * 0.5, x, T.zeros(()))[0],
            theano.foldl(lambda a, o: a * 0.5 + o, x, T.zeros(()))[0],
            theano.reduce(lambda a, o: T.maximum(a, o), x, x[0])[0],
            *theano.map(lambda a, b: [a * b, a + b], [x, x**2])[0],
        ]
        return self.f([x], [*each, T.grad(each[2], x)])(VECTOR)

    def run_truncated(self):
        theano = self.theano
        T = self.T  # noqa: N806
        x, _, s = self.given()
        r, _ = theano.scan(lambda a, o: o * a, x, s, truncate_gradient=2)
        return self.f([x, s], [r, *T.grad(r[-1], [x, s]), *T.grad(r.sum(), [x, s])])(VECTOR, 1.5)

    def run_until(self):
        theano = self.theano
        T = self.T  # noqa: N806
        x, _, _ = self.given()
        r, _ = theano.scan(lambda a, o: (o * a, theano.scan_module.until(o * a > 5)), x, T.ones(()))
        return self.f([x], r)(numpy.ones(6) * 2)

    def run_clone(self):
        x, _, s = self.given()
        return self.theano.clone(x * 2 + s, {x: x + 1}).eval({x: VECTOR, s: 1.0})

    def run_bools(self):
        T = self.T  # noqa: N806
        x, _, _ = self.given()
        return self.f(
            [x],
            [
                x > 0,
                T.eq(x, 0),
                (x > 0) * x,
                T.switch(x > 0, 1.0, 0.0),
                T.isnan(x),
                T.and_(x > 0, x < 1),
                1 - (x > 0),
                (x > 0).sum(),
                T.mean(x > 0),
            ],
        )(VECTOR)

    def run_int32(self):
        T = self.T  # noqa: N806
        i = T.ivector("i")
        return self.f(
            [i],
            [
                i + 1,
                i * 2.5,
                i / 2,
                i // 2,
                T.exp(i),
                i.sum(),
                i.mean(),
                i**2,
                -i,
                i + 10**6,
                T.sqr(i),
                i.prod(),
                T.extra_ops.bincount(i),
                T.grad(i.sum(), i),
            ],
        )(numpy.array([1, 2], "int32"))

    def run_int8(self):
        T = self.T  # noqa: N806
        i = T.bvector("i")
        return self.f([i], [i + 1, i + 1000, i * 0.5, i * 0.1, i / 2, T.exp(i), i.sum(), i.mean(), i**2, T.cumsum(i)])(
            numpy.array([1, 2], "int8")
        )

    def run_float32(self):
        T = self.T  # noqa: N806
        v = T.fvector("v")
        return self.f(
            [v],
            [
                v * 2,
                v * 0.1,
                v * 0.5,
                v + numpy.float64(1),
                v.mean(),
                v + 1000000,
                v.sum(),
                v / 3,
                v > 0.1,
                v**2,
                T.arange(v.shape[0]) * v,
            ],
        )(numpy.array([1, 2], "float32"))

    def run_shared_dtypes(self):
        theano = self.theano
        return [theano.shared(value).get_value() for value in (0, 0.0, numpy.float32(1), True)]

    def run_refused_downcast(self):
        T = self.T  # noqa: N806
        v = T.fvector("v")
        return self.f([v], v)(numpy.ones(2))

    def run_refused_downcast_of_a_list(self):
        T = self.T  # noqa: N806
        v = T.fvector("v")
        return self.f([v], v)([0.5])

    def run_refused_loss_in_a_list(self):
        T = self.T  # noqa: N806
        v = T.fvector("v")
        return self.f([v], v)([0.1])

    def run_refused_loss_in_a_float(self):
        T = self.T  # noqa: N806
        v = T.fscalar("v")
        return self.f([v], v)(0.1)

    def run_refused_unused(self):
        theano = self.theano
        x, _, s = self.given()
        return theano.function([x, s], x)

    def run_refused_missing(self):
        theano = self.theano
        x, _, s = self.given()
        return theano.function([x], x + s)

    def run_refused_twice(self):
        theano = self.theano
        x, _, _ = self.given()
        return theano.function([x, x], x)

    def run_refused_scan_dtype(self):
        theano = self.theano
        T = self.T  # noqa: N806
        x, _, _ = self.given()
        return theano.scan(lambda a, o: a + o, x, T.zeros((), "float32"))

    def run_refused_scan_rank(self):
        theano = self.theano
        T = self.T  # noqa: N806
        x, _, _ = self.given()
        return theano.scan(lambda a, o: o + x, x, T.zeros(()))

    def run_refused_scan_count(self):
        theano = self.theano
        T = self.T  # noqa: N806
        x, _, _ = self.given()
        return theano.scan(lambda a, o: (o, a), x, T.zeros(()))

    def run_refused_scan_without_end(self):
        theano = self.theano
        x, _, _ = self.given()
        return theano.scan(lambda: x)

    def run_refused_disconnected(self):
        T = self.T  # noqa: N806
        x, _, s = self.given()
        return T.grad(x.shape[0] * s, x)

    def run_refused_held(self):
        theano = self.theano
        T = self.T  # noqa: N806
        x, _, _ = self.given()
        return T.grad(theano.gradient.disconnected_grad(x).sum(), x)

    def run_refused_update_type(self):
        theano = self.theano
        x, _, _ = self.given()
        return theano.function([], [], updates=[(theano.shared(numpy.ones(2, "float32")), x)])

    def run_refused_vector_cost(self):
        T = self.T  # noqa: N806
        x, _, _ = self.given()
        return T.grad(x, x)

    def run_refused_rank_of_an_input(self):
        theano = self.theano
        x, _, _ = self.given()
        return theano.function([x], x)(1.0)


def _plain(result):
    if isinstance(result, (list, tuple)):
        return [_plain(x) for x in result]
    array = numpy.asarray(result)
    return {
        "dtype": str(array.dtype),
        "shape": list(array.shape),
        "values": array.astype("float64").round(9).ravel().tolist(),
    }


if __name__ == "__main__":
    import theano
    import theano.ifelse
    import theano.tensor
    import theano.tensor.nnet.bn

    with open(sys.argv[1], "w") as file:
        json.dump(Programs(theano, theano.tensor).results(), file, indent=0, sort_keys=True)
