"""What recurrent layers compute: whole sequences in one call, and back through them.

The kernels of the ops in ``graphs.control.recurrent``. What does not wait for the step before is had for all steps at once:
one product with the inputs ahead of the loop, and behind the loop back one product for each weight. The loops themselves
call ufuncs on memory that is made once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from graphs.ops.steps import Steps, collected, columns, dense, memory, native, optional, projected


# Long short-term memory (Hochreiter and Schmidhuber 1997, with the forget gate of Gers et al. 2000)


def lstm_forward(xp: Any, steps: Steps, x: Any, h: Any, c: Any, w_ih: Any, w_hh: Any, *biases: Any) -> tuple[Any, ...]:
    """The rows of outputs, the last states, and what is kept for the way back: cells, and gates ``i f g o`` side by side.

    A sigmoid is ``1 / (1 + exp(-z))``, so the loop has ``-z`` of all gates; tanh of the third is turned round in the end.
    """
    units = w_hh.shape[1]
    inputs = projected(xp, x, w_ih, biases[0] + biases[1] if biases else None)
    gates = xp.empty_like(inputs)
    cells, ys = (xp.empty((len(x), units), inputs.dtype) for _ in range(2))
    i, f, g, o = columns(gates, units)
    step = native(xp, "lstm", steps, w_hh)
    if step is not None:
        c = xp.ascontiguousarray(c)
        s, w = xp.empty((1, 4 * units), inputs.dtype), w_hh.T
        sums = columns(s, units)
        turns = zip(*map(steps.of, (*columns(inputs, units), i, f, g, o, cells, ys)), strict=True)
        for *zs, i, f, g, o, cell, y in turns:
            xp.dot(h, w, out=s)
            step((*zs, *sums, c), (i, f, g, o, cell, y), units)
            h, c = y, cell
        return ys, h.copy(), c.copy(), cells, gates
    xp.negative(inputs, out=inputs)
    sums = list(memory(xp, inputs, steps, 4 * units))
    parts = [s[:, 2 * units : 3 * units] for s in sums]
    scratch = memory(xp, inputs, steps, units)
    w, one = w_hh.T, xp.ones((), inputs.dtype)
    packed = steps.packed is not None
    if packed:
        last_h, last_c = h.copy(), c.copy()
    turns = zip(*(steps.of(a) for a in (inputs, gates, i, f, g, o, cells, ys)), sums, parts, scratch, strict=True)
    for z, gate, i, f, g, o, cell, y, s, part, t in turns:
        if packed:
            h, c = last_h[: len(z)], last_c[: len(z)]
        xp.dot(h, w, out=s)
        xp.subtract(z, s, out=s)
        xp.exp(s, out=gate)
        xp.add(gate, one, out=gate)
        xp.reciprocal(gate, out=gate)
        xp.tanh(part, out=g)
        xp.multiply(f, c, out=cell)
        xp.multiply(i, g, out=t)
        xp.subtract(cell, t, out=cell)
        xp.tanh(cell, out=t)
        xp.multiply(o, t, out=y)
        if packed:
            h[...], c[...] = y, cell
        else:
            h, c = y, cell
    g = gates[:, 2 * units : 3 * units]
    xp.negative(g, out=g)
    return (ys, last_h, last_c, cells, gates) if packed else (ys, h.copy(), c.copy(), cells, gates)


def lstm_backward(
    xp: Any, steps: Steps, needs: Sequence[bool], gs: Sequence[Any], args: Sequence[Any], kept: Sequence[Any]
) -> list[Any]:
    """The gradients marked in ``needs``, of ``x, h, c, w_ih, w_hh`` and two biases, from those of all that comes out."""
    x, h, c, w_ih, w_hh = args
    ys, cells, gates = kept
    g_ys, g_h, g_c, g_cells, g_gates = gs
    units = w_hh.shape[1]
    d_h = xp.zeros(h.shape, h.dtype) if g_h is None else g_h.copy()
    d_c = xp.zeros(c.shape, c.dtype) if g_c is None else g_c.copy()
    step = native(xp, "lstm_back", steps, w_hh) if g_cells is None and g_gates is None else None
    if step is not None:
        flat = xp.empty((len(x), 4 * units), gates.dtype)
        rows = dense(xp, g_ys, ys), *columns(flat, units), *columns(dense(xp, gates), units), dense(xp, cells)
        before = dense(xp, steps.before(xp, c, cells))
        turns = zip(*(steps.of(a, back=True) for a in (flat, *rows, before)), strict=True)
        for row, g_y, d_i, d_f, d_g, d_o, *kept in turns:
            step((g_y, d_h, d_c, *kept), (d_i, d_f, d_g, d_o, d_c), units)
            xp.dot(row, w_hh, out=d_h)
        return collected(xp, steps, needs, flat, flat, (x, h, w_ih, ys), (d_h, d_c))
    split = gates.reshape(len(x), 4, units)
    i, f, g, o = (split[:, k] for k in range(4))
    bent = xp.tanh(cells)
    slopes = split * (1 - split)
    slopes[:, 2] = 1 - xp.square(g)
    extra = None if g_gates is None else (g_gates.reshape(split.shape) * slopes).reshape(len(x), 4 * units)
    slopes[:, 0] *= g
    slopes[:, 1] *= steps.before(xp, c, cells)
    slopes[:, 2] *= i
    slopes[:, 3] *= bent
    through = o * (1 - xp.square(bent))
    d = xp.empty_like(split)
    flat = d.reshape(len(x), 4 * units)
    rows = (through, slopes[:, :3], slopes[:, 3], d[:, :3], d[:, 3], flat, f)
    others = (optional(steps, a) for a in (g_ys, g_cells, extra))
    turns = zip(*(steps.of(a, back=True) for a in rows), *others, strict=True)
    whole, spread, t = d_c, d_c[:, None], xp.empty_like(d_c)
    part_h, part_c, part_t = d_h, whole, t
    for slope_c, slope, slope_o, ifg, out, row, f, g_y, g_cell, more in turns:
        if steps.packed is not None:
            n = len(row)
            part_h, part_c, part_t, spread = d_h[:n], d_c[:n], t[:n], d_c[:n, None]
        if g_y is not None:
            xp.add(part_h, g_y, out=part_h)
        xp.multiply(part_h, slope_c, out=part_t)
        xp.add(part_c, part_t, out=part_c)
        if g_cell is not None:
            xp.add(part_c, g_cell, out=part_c)
        xp.multiply(slope, spread, out=ifg)
        xp.multiply(slope_o, part_h, out=out)
        if more is not None:
            xp.add(row, more, out=row)
        xp.multiply(part_c, f, out=part_c)
        xp.dot(row, w_hh, out=part_h)
    return collected(xp, steps, needs, flat, flat, (x, h, w_ih, ys), (d_h, d_c))


# Gated recurrent units (Cho et al. 2014, with the reset gate behind the product, as cuDNN and PyTorch have it)


def gru_forward(xp: Any, steps: Steps, x: Any, h: Any, w_ih: Any, w_hh: Any, *biases: Any) -> tuple[Any, ...]:
    """The rows of outputs, the last state, and ``r z m n`` side by side: both gates, what the reset gate scales, and the
    candidate."""
    units = w_hh.shape[1]
    inputs = projected(xp, x, w_ih, biases[0] if biases else None)
    if biases:
        inputs[:, : 2 * units] += biases[1][: 2 * units]
    bias = biases[1][2 * units :] if biases else None
    gates = xp.empty((len(x), 4 * units), inputs.dtype)
    ys = xp.empty((len(x), units), inputs.dtype)
    step = native(xp, "gru", steps, w_hh)
    if step is not None:
        h, bias = xp.ascontiguousarray(h), dense(xp, bias, ys[0])
        s, w = xp.empty((1, 3 * units), inputs.dtype), w_hh.T
        sums = columns(s, units)
        turns = zip(*map(steps.of, (*columns(inputs, units), *columns(gates, units), ys)), strict=True)
        for z_r, z_z, z_n, r, z, m, n, y in turns:
            xp.dot(h, w, out=s)
            step((z_r, z_z, z_n, *sums, bias, h), (r, z, m, n, y), units)
            h = y
        return ys, h.copy(), gates
    xp.negative(inputs[:, : 2 * units], out=inputs[:, : 2 * units])
    both, r, z, m, n = (gates[:, a * units : b * units] for a, b in ((0, 2), (0, 1), (1, 2), (2, 3), (3, 4)))
    sums = list(memory(xp, inputs, steps, 3 * units))
    parts = [(s[:, : 2 * units], s[:, 2 * units :]) for s in sums]
    w, one = w_hh.T, xp.ones((), inputs.dtype)
    packed = steps.packed is not None
    if packed:
        last = h.copy()
    rows = (inputs[:, : 2 * units], inputs[:, 2 * units :], both, r, z, m, n, ys)
    for z_both, z_n, both, r, z, m, n, y, s, (s_both, s_m) in zip(*map(steps.of, rows), sums, parts, strict=True):
        if packed:
            h = last[: len(y)]
        xp.dot(h, w, out=s)
        xp.subtract(z_both, s_both, out=both)
        xp.exp(both, out=both)
        xp.add(both, one, out=both)
        xp.reciprocal(both, out=both)
        if bias is None:
            m[...] = s_m
        else:
            xp.add(s_m, bias, out=m)
        xp.multiply(r, m, out=n)
        xp.add(n, z_n, out=n)
        xp.tanh(n, out=n)
        xp.subtract(h, n, out=y)
        xp.multiply(y, z, out=y)
        xp.add(y, n, out=y)
        if packed:
            h[...] = y
        else:
            h = y
    return (ys, last if packed else h.copy(), gates)


def gru_backward(
    xp: Any, steps: Steps, needs: Sequence[bool], gs: Sequence[Any], args: Sequence[Any], kept: Sequence[Any]
) -> list[Any]:
    """The gradients marked in ``needs``, of ``x, h, w_ih, w_hh`` and two biases, from those of all that comes out."""
    x, h, w_ih, w_hh = args
    ys, gates = kept
    g_ys, g_h, g_gates = gs
    units = w_hh.shape[1]
    d_h = xp.zeros(h.shape, h.dtype) if g_h is None else g_h.copy()
    step = native(xp, "gru_back", steps, w_hh) if g_gates is None else None
    if step is not None:
        flat, product = xp.empty((len(x), 4 * units), gates.dtype), xp.empty_like(d_h)
        rows = dense(xp, g_ys, ys), *columns(flat, units), *columns(dense(xp, gates), units)
        before = dense(xp, steps.before(xp, h, ys))
        turns = zip(*(steps.of(a, back=True) for a in (flat[:, : 3 * units], *rows, before)), strict=True)
        for row, g_y, d_r, d_z, d_m, d_n, *kept in turns:
            step((g_y, d_h, *kept), (d_r, d_z, d_m, d_n, d_h), units)
            xp.dot(row, w_hh, out=product)
            xp.add(d_h, product, out=d_h)
        d_in = xp.concatenate((flat[:, : 2 * units], flat[:, 3 * units :]), axis=1)
        return collected(xp, steps, needs, d_in, flat[:, : 3 * units], (x, h, w_ih, ys), (d_h,))
    split = gates.reshape(len(x), 4, units)
    r, z, m, n = (split[:, k] for k in range(4))
    bent = 1 - xp.square(n)
    slopes = xp.empty_like(split)
    xp.multiply(1 - z, bent, out=slopes[:, 3])
    xp.multiply(slopes[:, 3], r, out=slopes[:, 2])
    xp.multiply((steps.before(xp, h, ys) - n) * z, 1 - z, out=slopes[:, 1])
    xp.multiply(slopes[:, 2] * m, 1 - r, out=slopes[:, 0])
    extra = None
    if g_gates is not None:
        extra = g_gates.reshape(split.shape).copy()
        extra[:, 3] *= bent
        extra[:, 2] += extra[:, 3] * r
        extra[:, 1] *= z * (1 - z)
        extra[:, 0] += extra[:, 3] * m
        extra[:, 0] *= r * (1 - r)
    d = xp.empty_like(split)
    flat = d.reshape(len(x), 4 * units)
    d_state = flat[:, : 3 * units]
    rows = (slopes, d, d_state, z)
    turns = zip(*(steps.of(a, back=True) for a in rows), optional(steps, g_ys), optional(steps, extra), strict=True)
    t = xp.empty_like(d_h)
    part, part_t, spread = d_h, t, d_h[:, None]
    for slope, out, row, z, g_y, more in turns:
        if steps.packed is not None:
            part, part_t, spread = d_h[: len(row)], t[: len(row)], d_h[: len(row), None]
        if g_y is not None:
            xp.add(part, g_y, out=part)
        xp.multiply(slope, spread, out=out)
        if more is not None:
            xp.add(out, more, out=out)
        xp.dot(row, w_hh, out=part_t)
        xp.multiply(part, z, out=part)
        xp.add(part, part_t, out=part)
    d_in = xp.concatenate((flat[:, : 2 * units], flat[:, 3 * units :]), axis=1)
    return collected(xp, steps, needs, d_in, d_state, (x, h, w_ih, ys), (d_h,))


# The plain recurrent net (Elman 1990)


def rnn_forward(
    xp: Any, steps: Steps, x: Any, h: Any, w_ih: Any, w_hh: Any, *biases: Any, nonlinearity: str
) -> tuple[Any, ...]:
    """The rows of outputs and the last state."""
    inputs = projected(xp, x, w_ih, biases[0] + biases[1] if biases else None)
    ys = xp.empty((len(x), w_hh.shape[1]), inputs.dtype)
    w, zero = w_hh.T, xp.zeros((), inputs.dtype)
    packed = steps.packed is not None
    if packed:
        last = h.copy()
    for z, y in zip(steps.of(inputs), steps.of(ys), strict=True):
        if packed:
            h = last[: len(z)]
        xp.dot(h, w, out=y)
        xp.add(y, z, out=y)
        if nonlinearity == "tanh":
            xp.tanh(y, out=y)
        else:
            xp.maximum(y, zero, out=y)
        if packed:
            h[...] = y
        else:
            h = y
    return ys, last if packed else h.copy()


def rnn_backward(
    xp: Any,
    steps: Steps,
    needs: Sequence[bool],
    gs: Sequence[Any],
    args: Sequence[Any],
    kept: Sequence[Any],
    *,
    nonlinearity: str,
) -> list[Any]:
    """The gradients marked in ``needs``, of ``x, h, w_ih, w_hh`` and two biases, from those of outputs and last state."""
    x, h, w_ih, w_hh = args
    (ys,) = kept
    g_ys, g_h = gs
    slopes = 1 - xp.square(ys) if nonlinearity == "tanh" else (ys > 0).astype(ys.dtype)
    d = xp.empty_like(ys)
    d_h = xp.zeros(h.shape, h.dtype) if g_h is None else g_h.copy()
    part = d_h
    for slope, row, g_y in zip(steps.of(slopes, back=True), steps.of(d, back=True), optional(steps, g_ys), strict=True):
        if steps.packed is not None:
            part = d_h[: len(row)]
        if g_y is not None:
            xp.add(part, g_y, out=part)
        xp.multiply(slope, part, out=row)
        xp.dot(row, w_hh, out=part)
    return collected(xp, steps, needs, d, d, (x, h, w_ih, ys), (d_h,))
