"""A softmax over many classes that spends less on rare ones (Grave et al. 2017)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy

from dynamic.apply import apply, wrap
from dynamic.elsewhere import beside, to_numpy
from dynamic.functions.reductions import log_softmax
from dynamic.names import lacking
from dynamic.nn.modules.container import ModuleList, Sequential
from dynamic.nn.modules.linear import Linear
from dynamic.nn.modules.module import Module
from graphs.core.errors import ShapeError, at_line
from graphs.ops import concat


class _ASMoutput(NamedTuple):
    output: Any
    loss: Any


class AdaptiveLogSoftmaxWithLoss(Module):
    """Log-probabilities of classes in the order of their frequency, the rare ones in clusters.

    Args:
        in_features: the size of the input's last dimension.
        n_classes: how many classes there are.
        cutoffs: where clusters begin; what comes before the first are the frequent classes.
        div_value: by how much the layer of each cluster is smaller than the one before.
        head_bias: whether the frequent classes have a bias.

    Raises ValueError for cutoffs that are not ascending classes.
    """

    def __init__(
        self,
        in_features: int,
        n_classes: int,
        cutoffs: Sequence[int],
        div_value: float = 4.0,
        head_bias: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        given = list(cutoffs)
        if not given or given != sorted({int(c) for c in given}) or given[0] <= 0 or given[-1] > n_classes - 1:
            raise ValueError(f"cutoffs are whole numbers in ascending order between 1 and {n_classes - 1}, not {given}")
        self.in_features, self.n_classes, self.div_value, self.head_bias = in_features, n_classes, div_value, head_bias
        self.cutoffs = [*given, n_classes]
        self.shortlist_size = given[0]
        self.n_clusters = len(given)
        self.head_size = self.shortlist_size + self.n_clusters
        where: dict[str, Any] = {"device": device, "dtype": dtype}
        self.head = Linear(in_features, self.head_size, bias=head_bias, **where)
        self.tail = ModuleList()
        for number, (begin, end) in enumerate(zip(given, self.cutoffs[1:], strict=True), 1):
            width = int(in_features // div_value**number)
            inner = Linear(in_features, width, bias=False, **where)
            self.tail.append(Sequential(inner, Linear(width, end - begin, bias=False, **where)))

    def reset_parameters(self) -> None:
        """Draw all parameters anew."""
        self.head.reset_parameters()
        for inner, outer in self.tail:
            inner.reset_parameters()
            outer.reset_parameters()

    def forward(self, input: Any, target: Any) -> Any:
        """The log-probability of each target class, ``output``, and minus their mean, ``loss``.

        ``input`` is (N, in_features) with a target (N), or (in_features) with a target (). Raises RuntimeError for other
        shapes and for targets that are no classes.
        """
        shapes = tuple(input._array.shape), tuple(target._array.shape)
        if len(shapes[1]) > 1 or len(shapes[0]) != len(shapes[1]) + 1 or shapes[0][:-1] != shapes[1]:
            raise ShapeError(f"input (N, C) and target (N), or (C) and (), are wanted, not {shapes}{at_line()}")
        if not shapes[1]:
            output, loss = self.forward(input.unsqueeze(0), target.unsqueeze(0))
            return _ASMoutput(output.squeeze(0), loss)
        classes, there = to_numpy(target._array), input._array
        if ((classes < 0) | (classes >= self.n_classes)).any():
            raise ShapeError(f"a target is none of {self.n_classes} classes{at_line()}")
        clusters = numpy.searchsorted(self.cutoffs, classes, side="right")
        chosen = numpy.where(clusters == 0, classes, self.shortlist_size + clusters - 1)
        output = log_softmax(self.head(input), 1).gather(1, wrap(beside(chosen[:, None], there))).squeeze(1)
        if clusters.any():
            output = output + self._within(input, classes, clusters)
        return _ASMoutput(output, (-output).mean())

    def _within(self, input: Any, classes: Any, clusters: Any) -> Any:
        """The log-probability of each class in its cluster; of a frequent one 0."""
        there = input._array
        order = [numpy.flatnonzero(clusters == 0)]
        pieces = [wrap(beside(numpy.zeros(len(order[0]), there.dtype), there))]
        for number, layers in enumerate(self.tail, 1):
            rows = numpy.flatnonzero(clusters == number)
            if len(rows):
                logs = log_softmax(layers(input.index_select(0, wrap(beside(rows, there)))), 1)
                within = classes[rows] - self.cutoffs[number - 1]
                pieces.append(logs.gather(1, wrap(beside(within[:, None], there))).squeeze(1))
                order.append(rows)
        back = numpy.argsort(numpy.concatenate(order))
        return apply(concat, tuple(pieces), {"axis": 0}).index_select(0, wrap(beside(back, there)))

    def log_prob(self, input: Any) -> Any:
        """The log-probabilities of all classes, (N, n_classes)."""
        return self._all(input, self.head(input))

    def _all(self, input: Any, head: Any) -> Any:
        logs = log_softmax(head, 1)
        pieces = [logs[:, : self.shortlist_size]]
        for number, layers in enumerate(self.tail):
            pieces.append(log_softmax(layers(input), 1) + logs[:, self.shortlist_size + number].unsqueeze(1))
        return apply(concat, tuple(pieces), {"axis": 1})

    def predict(self, input: Any) -> Any:
        """The most probable class of each row, (N)."""
        return self.log_prob(input).argmax(1)


__getattr__ = lacking(__name__)
