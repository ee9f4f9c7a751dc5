"""Attention and transformers give PyTorch's numbers, states, texts and kinds of errors."""

import itertools

import numpy as np
import pytest

import dynamic
from tests.dynamic.oracle import agree, normal, plain, pytorch


pytestmark = pytest.mark.oracle

Q, K, V = normal(2, 5, 6), normal(2, 4, 6, seed=1), normal(2, 4, 3, seed=2)
HEADS = normal(2, 4, 5, 6)
ALLOWED = np.array([[1, 1, 0, 1], [0, 1, 1, 1], [1, 0, 0, 0], [1, 1, 1, 1], [0, 0, 1, 1]], bool)
ADDED = normal(5, 4, seed=3)
NOWHERE = ALLOWED & (np.arange(5) != 2)[:, None]


def attend(t, *args, **settings):
    return t.nn.functional.scaled_dot_product_attention(*args, **settings)


def infinite(t, m, dtype):
    return t.zeros_like(m, dtype=dtype).masked_fill(~m, float("-inf"))


PRODUCTS = {
    "plain": (lambda t, q, k, v: attend(t, q, k, v), Q, K, V),
    "scaled": (lambda t, q, k, v: attend(t, q, k, v, scale=0.3), Q, K, V),
    "causal": (lambda t, q, k, v: attend(t, q, k, v, is_causal=True), Q, K, V),
    "causal and long": (lambda t, q, k, v: attend(t, q[:, :3], k, v, None, 0.0, True), Q, K, V),
    "where it may go": (lambda t, q, k, v, m: attend(t, q, k, v, m), Q, K, V, ALLOWED),
    "where it may go, for each": (lambda t, q, k, v, m: attend(t, q, k, v, t.stack([m, ~m])), Q, K, V, ALLOWED),
    "nowhere": (lambda t, q, k, v, m: attend(t, q, k, v, m), Q, K, V, NOWHERE),
    "nowhere, in numbers": (lambda t, q, k, v, m: attend(t, q, k, v, infinite(t, m, q.dtype)), Q, K, V, NOWHERE),
    "added": (lambda t, q, k, v, m: attend(t, q, k, v, attn_mask=m), Q, K, V, ADDED),
    "added to each": (lambda t, q, k, v, m: attend(t, q, k, v, attn_mask=m[:, :1]), Q, K, V, ADDED),
    "matrices": (lambda t, q, k, v: attend(t, q[0], k[0], v[0]), Q, K, V),
    "heads": (lambda t, x: attend(t, x, x, x, is_causal=True), HEADS),
    "shared heads": (lambda t, x: attend(t, x, x[:, :2], x[:, 2:], enable_gqa=True), HEADS),
    "one shared head": (lambda t, x: attend(t, x, x[:, :1], x[:, 1:2], enable_gqa=True), HEADS),
    "broadcast heads": (lambda t, x: attend(t, x, x[:, :1], x[:, 1:2]), HEADS),
    "everything dropped": (lambda t, q, k, v: attend(t, q, k, v, dropout_p=1.0), Q, K, V),
    "a mask and causal": (lambda t, q, k, v, m: attend(t, q, k, v, m, is_causal=True), Q, K, V, ALLOWED),
    "a mask of another shape": (lambda t, q, k, v, m: attend(t, q, k, v, m[:3]), Q, K, V, ALLOWED),
    "a mask of integers": (lambda t, q, k, v, m: attend(t, q, k, v, m.long()), Q, K, V, ALLOWED),
    "two dtypes": (lambda t, q, k, v: attend(t, q, k.float(), v), Q, K, V),
    "vectors": (lambda t, q, k, v: attend(t, q[0, 0], k[0, 0], v[0, 0]), Q, K, V),
    "other sizes": (lambda t, q, k, v: attend(t, q, k[..., :5], v), Q, K, V),
    "a probability that is none": (lambda t, q, k, v: attend(t, q, k, v, dropout_p=1.5), Q, K, V),
}


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", PRODUCTS)
def test_products(name, dtype):
    build, *arrays = PRODUCTS[name]
    given = [x.astype(dtype) if x.dtype.kind == "f" else x for x in arrays]
    first = dtype == "float32" or "head" in name  # PyTorch has no second gradient for heads
    agree(build, *given, rtol=1e-9 if dtype == "float64" else 1e-3, orders=1 if first else 2)


# Several heads


def loaded(t, module):
    """``module`` in float64, with numbers for parameters that are the same in both."""
    module = module.double()
    state = module.state_dict()
    module.load_state_dict({k: t.from_numpy(normal(*v.shape, seed=i) / 3) for i, (k, v) in enumerate(state.items())})
    return module


HEADED = {
    "plain": {},
    "batch first": {"batch_first": True},
    "without biases": {"bias": False},
    "other sizes": {"kdim": 5, "vdim": 3},
    "other sizes without biases": {"kdim": 5, "vdim": 3, "bias": False},
    "learned keys": {"add_bias_kv": True},
    "a zero key": {"add_zero_attn": True},
    "everything": {"add_bias_kv": True, "add_zero_attn": True, "kdim": 5, "vdim": 3, "batch_first": True},
}
L, S, N = 4, 3, 2
PADDING = np.array([[False, False, True], [False, False, False]])
HIDDEN = np.array([[0, 1, 0], [0, 0, 1], [0, 0, 0], [1, 0, 1]], bool)
MASKED = {
    "nothing": {},
    "no weights": {"need_weights": False},
    "weights of heads": {"average_attn_weights": False},
    "padding": {"key_padding_mask": PADDING},
    "padding in numbers": {"key_padding_mask": np.where(PADDING, -np.inf, 0.5), "need_weights": False},
    "a mask": {"attn_mask": HIDDEN},
    "a mask, no weights": {"attn_mask": HIDDEN, "need_weights": False},
    "a mask in numbers": {"attn_mask": normal(L, S, seed=9)},
    "a mask for each head": {"attn_mask": normal(2 * N, L, S) > 0.8, "average_attn_weights": False},
    "both": {"attn_mask": HIDDEN, "key_padding_mask": PADDING},
    "both, no weights": {"attn_mask": HIDDEN, "key_padding_mask": PADDING, "need_weights": False},
    "both of two kinds": {"attn_mask": normal(L, S, seed=9), "key_padding_mask": PADDING},
}


def sequences(settings):
    k, v = settings.get("kdim", 6), settings.get("vdim", 6)
    arrays = normal(L, N, 6), normal(S, N, k, seed=1), normal(S, N, v, seed=2)
    return [x.swapaxes(0, 1).copy() if settings.get("batch_first") else x for x in arrays]


def several(settings, how):
    def build(t, q, k, v):
        module = loaded(t, t.nn.MultiheadAttention(6, 2, **settings))
        given = {key: t.from_numpy(x.copy()) if isinstance(x, np.ndarray) else x for key, x in how.items()}
        return [each for each in module(q, k, v, **given) if each is not None]

    return build


@pytest.mark.parametrize("how", MASKED)
@pytest.mark.parametrize("name", HEADED)
def test_heads(name, how):
    agree(several(HEADED[name], MASKED[how]), *sequences(HEADED[name]), rtol=1e-9, orders=1)


@pytest.mark.parametrize("name", HEADED)
def test_gradients_of_parameters(name):
    grads = []
    for t in (dynamic, pytorch()):
        module = loaded(t, t.nn.MultiheadAttention(6, 2, **HEADED[name]))
        out, weights = module(*(t.from_numpy(x) for x in sequences(HEADED[name])))
        ((out**2).sum() + (weights**2).sum()).backward()
        grads.append({key: plain(p.grad) for key, p in module.named_parameters()})
    assert list(grads[0]) == list(grads[1])
    for key, wanted in grads[1].items():
        np.testing.assert_allclose(grads[0][key], wanted, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("name", HEADED)
def test_states_of_heads(name):
    def build(t):
        module = t.nn.MultiheadAttention(6, 2, dropout=0.1, **HEADED[name])
        settings = [module.embed_dim, module.num_heads, module.kdim, module.vdim, module.head_dim, module.dropout]
        return [f"{key}{tuple(value.shape)}" for key, value in module.state_dict().items()], repr(module), settings

    agree(build, orders=0)


def attention(t, *xs, **how):
    return t.nn.MultiheadAttention(6, 2).double()(*xs, **how)[0]


ODD = {
    "itself": (lambda t, x: loaded(t, t.nn.MultiheadAttention(6, 2))(x, x, x)[0], normal(L, N, 6)),
    "itself, batch first": (lambda t, x: loaded(t, t.nn.MultiheadAttention(6, 2, batch_first=True))(x, x, x)[0], Q),
    "another twice": (
        lambda t, x, y: loaded(t, t.nn.MultiheadAttention(6, 2))(x, y, y)[0],
        normal(L, N, 6),
        normal(S, N, 6),
    ),
    "no batch": (lambda t, x: loaded(t, t.nn.MultiheadAttention(6, 2))(x, x, x), normal(L, 6)),
    "no batch, batch first": (
        lambda t, x: loaded(t, t.nn.MultiheadAttention(6, 3, batch_first=True))(x, x, x),
        normal(L, 6),
    ),
    "no batch, masked": (
        lambda t, x, p: loaded(t, t.nn.MultiheadAttention(6, 2))(x, x, x, key_padding_mask=p, average_attn_weights=False),
        *(normal(L, 6), np.array([False, True, False, False])),
    ),
    "causal": (
        lambda t, x, m: loaded(t, t.nn.MultiheadAttention(6, 2))(x, x, x, attn_mask=m, is_causal=True, need_weights=False)[
            0
        ],
        *(normal(L, N, 6), np.triu(np.ones((L, L)), 1) > 0),
    ),
    "a row that may go nowhere": (
        lambda t, x, m: loaded(t, t.nn.MultiheadAttention(6, 2))(x.detach(), x.detach(), x.detach(), attn_mask=m)[
            0
        ].detach(),
        *(normal(L, N, 6), np.eye(L)[[0, 1, 1, 3]].cumsum(0) > 1),
    ),
    "heads that do not divide": (lambda t: t.nn.MultiheadAttention(7, 2),),
    "no heads": (lambda t: t.nn.MultiheadAttention(6, 0),),
    "nothing to embed": (lambda t: t.nn.MultiheadAttention(0, 2),),
    "four dimensions": (lambda t, x: attention(t, x[None], x[None], x[None]), Q),
    "another size": (lambda t, x: attention(t, x[..., :4], x, x), Q),
    "keys of another size": (lambda t, x: attention(t, x, x[..., :4], x), Q),
    "values of other ranks": (lambda t, x: attention(t, x, x, x[0]), Q),
    "padding of another shape": (
        lambda t, x, p: attention(t, x, x, x, key_padding_mask=p),
        normal(3, 2, 6),
        PADDING.T.copy(),
    ),
    "padding of another rank": (lambda t, x, p: attention(t, x, x, x, key_padding_mask=p[0]), normal(3, 2, 6), PADDING),
    "a mask of another shape": (lambda t, x, p: attention(t, x, x, x, attn_mask=p), normal(3, 2, 6), PADDING),
    "a mask of four dimensions": (lambda t, x, p: attention(t, x, x, x, attn_mask=p[None, None]), normal(2, 2, 6), PADDING),
    "a mask of integers": (
        lambda t, x, p: attention(t, x, x, x, attn_mask=p.long()),
        normal(2, 2, 6),
        PADDING[:, :2].copy(),
    ),
    "causal without a mask": (lambda t, x: attention(t, x, x, x, is_causal=True), Q),
}


@pytest.mark.parametrize("name", ODD)
def test_odd_heads(name):
    build, *arrays = ODD[name]
    agree(build, *arrays, rtol=1e-9, orders=1)


def initial_state(t):
    t.manual_seed(4)
    module = t.nn.MultiheadAttention(256, 4, add_bias_kv=True)
    return {key: plain(value) for key, value in module.state_dict().items()}


def test_initial_values_are_distributed_as_pytorch_s():
    ours, theirs = initial_state(dynamic), initial_state(pytorch())
    assert list(ours) == list(theirs)
    for name, wanted in theirs.items():
        assert ours[name].dtype == wanted.dtype
        assert ours[name].std() == pytest.approx(wanted.std(), rel=0.2 if name in ("bias_k", "bias_v") else 0.02)
        if name.endswith("weight"):
            assert abs(ours[name]).max() == pytest.approx(abs(wanted).max(), rel=0.01)


# Transformers

LAYERS = {
    "plain": {},
    "norm first": {"norm_first": True},
    "batch first": {"batch_first": True},
    "gelu": {"activation": "gelu"},
    "without biases": {"bias": False, "norm_first": True},
    "another epsilon": {"layer_norm_eps": 0.1, "batch_first": True},
}
TARGET, SOURCE = normal(2, 2, 6, seed=4), normal(2, 2, 6, seed=5)
CAUSAL = np.where(np.triu(np.ones((2, 2)), 1) > 0, -np.inf, 0.0)
LATE = np.array([[False, True], [False, False]])
ENCODED = {
    "nothing": {},
    "a mask": {"src_mask": CAUSAL},
    "a mask of bools": {"src_mask": CAUSAL < 0},
    "a mask said to be causal": {"src_mask": CAUSAL, "is_causal": True},
    "padding": {"src_key_padding_mask": LATE},
    "both": {"src_mask": CAUSAL < 0, "src_key_padding_mask": LATE},
}
DECODED = {
    "nothing": {},
    "a mask": {"tgt_mask": CAUSAL},
    "a mask said to be causal": {"tgt_mask": CAUSAL < 0, "tgt_is_causal": True},
    "a mask of the memory": {"memory_mask": CAUSAL < 0, "tgt_mask": CAUSAL < 0},
    "padding": {"tgt_key_padding_mask": LATE, "memory_key_padding_mask": LATE},
}


def given(t, how):
    return {key: t.from_numpy(x.copy()) if isinstance(x, np.ndarray) else x for key, x in how.items()}


@pytest.mark.parametrize(("name", "how"), list(itertools.product(LAYERS, ENCODED)))
def test_encoder_layers(name, how):
    def build(t, x):
        layer = loaded(t, t.nn.TransformerEncoderLayer(6, 2, 8, 0.0, **LAYERS[name]))
        return layer(x, **given(t, ENCODED[how]))

    agree(build, SOURCE, rtol=1e-8, orders=1)


@pytest.mark.parametrize(("name", "how"), list(itertools.product(LAYERS, DECODED)))
def test_decoder_layers(name, how):
    def build(t, x, memory):
        layer = loaded(t, t.nn.TransformerDecoderLayer(6, 2, 8, 0.0, **LAYERS[name]))
        return layer(x, memory, **given(t, DECODED[how]))

    agree(build, TARGET, SOURCE, rtol=1e-8, orders=1)


def stack(t, kind, norm, settings):
    layer = getattr(t.nn, f"Transformer{kind}Layer")(6, 2, 8, 0.0, **settings)
    return loaded(t, getattr(t.nn, f"Transformer{kind}")(layer, 2, t.nn.LayerNorm(6) if norm else None))


STACKS = {
    "an encoder": (lambda t, x, y, m: stack(t, "Encoder", False, {})(x), {}),
    "an encoder with a norm": (lambda t, x, y, m: stack(t, "Encoder", True, {"norm_first": True})(x, m), {}),
    "an encoder and padding": (
        lambda t, x, y, m: stack(t, "Encoder", True, {"batch_first": True})(x, src_key_padding_mask=m < 0),
        {},
    ),
    "a decoder": (lambda t, x, y, m: stack(t, "Decoder", False, {})(x, y), {}),
    "a decoder with masks": (lambda t, x, y, m: stack(t, "Decoder", True, {})(x, y, m, m < 0), {}),
    "a decoder said to be causal": (lambda t, x, y, m: stack(t, "Decoder", True, {})(x, y, m, tgt_is_causal=True), {}),
    "both": (lambda t, x, y, m: loaded(t, t.nn.Transformer(6, 2, 1, 2, 8, 0.0))(x, y), {}),
    "both with masks": (
        lambda t, x, y, m: loaded(t, t.nn.Transformer(6, 2, 2, 1, 8, 0.0, batch_first=True, norm_first=True))(
            x, y, tgt_mask=m, src_mask=m, memory_mask=m, src_key_padding_mask=m * 0
        ),
        {},
    ),
    "both without a batch": (
        lambda t, x, y, m: loaded(t, t.nn.Transformer(6, 3, 1, 1, 8, 0.0, activation="gelu"))(x[0], y[1], tgt_mask=m),
        {},
    ),
    "a batch too few": (lambda t, x, y, m: t.nn.Transformer(6, 2, 1, 1, 8).double()(x, y[:, :1]), {}),
    "another size": (lambda t, x, y, m: t.nn.Transformer(6, 2, 1, 1, 8).double()(x[..., :4], y), {}),
    "an activation that is none": (lambda t, x, y, m: t.nn.TransformerEncoderLayer(6, 2, 8, activation="swish"), {}),
}


@pytest.mark.parametrize("name", STACKS)
def test_stacks(name):
    agree(STACKS[name][0], SOURCE, TARGET, CAUSAL, rtol=1e-8, orders=1)


TEXTS = {
    "an encoder layer": lambda t: t.nn.TransformerEncoderLayer(6, 2, 8),
    "an encoder layer without biases": lambda t: t.nn.TransformerEncoderLayer(6, 2, 8, bias=False),
    "a decoder layer": lambda t: t.nn.TransformerDecoderLayer(6, 2, 8, norm_first=True, batch_first=True),
    "an encoder": lambda t: t.nn.TransformerEncoder(t.nn.TransformerEncoderLayer(6, 2, 8), 2),
    "a decoder": lambda t: t.nn.TransformerDecoder(t.nn.TransformerDecoderLayer(6, 2, 8), 2, t.nn.LayerNorm(6)),
    "both": lambda t: t.nn.Transformer(6, 2, 2, 1, 8),
}


@pytest.mark.parametrize("name", TEXTS)
def test_states_and_texts(name):
    def build(t):
        module = TEXTS[name](t)
        return [f"{key}{tuple(value.shape)}" for key, value in module.state_dict().items()], repr(module)

    agree(build, orders=0)


@pytest.mark.parametrize("size", [0, 1, 5])
def test_causal_masks(size):
    agree(lambda t: t.nn.Transformer.generate_square_subsequent_mask(size), orders=0)
    agree(lambda t: t.nn.Transformer.generate_square_subsequent_mask(size, dtype=t.float64), orders=0)


def test_parameters_of_a_transformer_get_their_gradients():
    grads = []
    for t in (dynamic, pytorch()):
        model = loaded(t, t.nn.Transformer(6, 2, 2, 2, 8, 0.0, batch_first=True))
        (model(t.from_numpy(SOURCE), t.from_numpy(TARGET)) ** 2).sum().backward()
        grads.append({key: plain(p.grad) for key, p in model.named_parameters()})
    assert list(grads[0]) == list(grads[1])
    for key, wanted in grads[1].items():
        np.testing.assert_allclose(grads[0][key], wanted, rtol=1e-7, atol=1e-9)


def test_layers_of_a_stack_are_copies():
    encoder = dynamic.nn.TransformerEncoder(dynamic.nn.TransformerEncoderLayer(6, 2, 8), 2)
    first, second = (layer.linear1.weight for layer in encoder.layers)
    assert first is not second
    np.testing.assert_array_equal(plain(first), plain(second))


def test_dropout_is_in_training_only():
    dynamic.manual_seed(0)
    layer = dynamic.nn.TransformerEncoderLayer(6, 2, 8, dropout=0.5)
    x = dynamic.from_numpy(SOURCE.astype("float32"))
    assert not dynamic.equal(layer(x), layer(x))
    layer.eval()
    assert dynamic.equal(layer(x), layer(x))
