"""Tables of embeddings as modules."""

from __future__ import annotations

import warnings
from typing import Any

from dynamic.autograd.grad_mode import no_grad
from dynamic.functions.creation import empty
from dynamic.names import lacking
from dynamic.nn import init
from dynamic.nn.embedding import embedding, embedding_bag
from dynamic.nn.modules.module import Module
from dynamic.nn.parameter import Parameter


class _Table(Module):
    """A table of vectors, a row for each number, one of which may stand for padding."""

    num_embeddings: int
    embedding_dim: int
    padding_idx: int | None

    def _register(
        self,
        rows: int,
        columns: int,
        padding_idx: int | None,
        sparse: bool,
        given: Any,
        freeze: bool,
        device: Any,
        dtype: Any,
    ) -> None:
        self.num_embeddings, self.embedding_dim = rows, columns
        if padding_idx is not None:
            if not -rows <= padding_idx < rows:
                raise AssertionError("Padding_idx must be within num_embeddings")
            padding_idx %= rows
        self.padding_idx = padding_idx
        if sparse:
            warnings.warn("sparse=True: gradients are dense here, with the same values", UserWarning, stacklevel=4)
        if given is None:
            self.weight = Parameter(empty(rows, columns, device=device, dtype=dtype), requires_grad=not freeze)
            self.reset_parameters()
        else:
            if tuple(given.shape) != (rows, columns):
                raise AssertionError("Shape of weight does not match num_embeddings and embedding_dim")
            self.weight = Parameter(given, requires_grad=not freeze)

    def reset_parameters(self) -> None:
        """Draw the vectors from the normal distribution; that of the padding is zeros."""
        init.normal_(self.weight)
        if self.padding_idx is not None:
            with no_grad():
                self.weight[self.padding_idx].fill_(0)

    def _settings(self, names: tuple[str, ...], plain: dict[str, Any]) -> str:
        """The settings that are not the usual ones, as text."""
        text = f"{self.num_embeddings}, {self.embedding_dim}"
        for name in names:
            value = getattr(self, name)
            if value != plain.get(name):
                text += f", {name}={value!r}"
        return text


class Embedding(_Table):
    """The rows of a table that an input of numbers names (Bengio et al. 2003).

    Args:
        num_embeddings, embedding_dim: rows and columns of the table.
        padding_idx: a row that begins with zeros and gets no gradient.
        max_norm: rows in use that are longer are shortened to it, in place.
        norm_type: the p of the norm that ``max_norm`` limits.
        scale_grad_by_freq: divide a row's gradient by how often the input has it.
        sparse: taken for the sake of older programs, with a warning: gradients are dense.
        device, dtype: of the table.
    """

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        padding_idx: int | None = None,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        sparse: bool = False,
        _weight: Any = None,
        _freeze: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.max_norm, self.norm_type, self.scale_grad_by_freq, self.sparse = max_norm, norm_type, scale_grad_by_freq, sparse
        self._register(num_embeddings, embedding_dim, padding_idx, sparse, _weight, _freeze, device, dtype)

    def forward(self, input: Any) -> Any:
        """The rows, of shape (*input.shape, embedding_dim)."""
        return embedding(input, self.weight, self.padding_idx, self.max_norm, self.norm_type, self.scale_grad_by_freq)

    def extra_repr(self) -> str:
        """Sizes and unusual settings."""
        names = ("padding_idx", "max_norm", "norm_type", "scale_grad_by_freq", "sparse")
        plain = {"norm_type": 2, "scale_grad_by_freq": False, "sparse": False}
        return self._settings(names, plain)

    @classmethod
    def from_pretrained(
        cls,
        embeddings: Any,
        freeze: bool = True,
        padding_idx: int | None = None,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        sparse: bool = False,
    ) -> Embedding:
        """A table over a given matrix, which gets no gradient unless ``freeze`` is False."""
        if embeddings.dim() != 2:
            raise AssertionError("Embeddings parameter is expected to be 2-dimensional")
        rows, columns = embeddings.shape
        return cls(
            *(rows, columns, padding_idx, max_norm, norm_type, scale_grad_by_freq, sparse),
            _weight=embeddings,
            _freeze=freeze,
        )


class EmbeddingBag(_Table):
    """Sums, means or maxima of bags of rows of a table.

    Args:
        num_embeddings, embedding_dim: rows and columns of the table.
        max_norm: rows in use that are longer are shortened to it, in place.
        norm_type: the p of the norm that ``max_norm`` limits.
        scale_grad_by_freq: divide a row's gradient by how often the input has it; not for "max".
        mode: "sum", "mean" or "max".
        sparse: taken for the sake of older programs, with a warning: gradients are dense.
        include_last_offset: the last offset is where the last bag ends.
        padding_idx: a row that counts for nothing.
        device, dtype: of the table.
    """

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        mode: str = "mean",
        sparse: bool = False,
        _weight: Any = None,
        include_last_offset: bool = False,
        padding_idx: int | None = None,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.max_norm, self.norm_type, self.scale_grad_by_freq, self.sparse = max_norm, norm_type, scale_grad_by_freq, sparse
        self.mode, self.include_last_offset = mode, include_last_offset
        self._register(num_embeddings, embedding_dim, padding_idx, sparse, _weight, False, device, dtype)

    def forward(self, input: Any, offsets: Any = None, per_sample_weights: Any = None) -> Any:
        """A vector for each bag: ``embedding_bag(input, weight, offsets)``."""
        return embedding_bag(
            input,
            self.weight,
            offsets,
            self.max_norm,
            self.norm_type,
            self.scale_grad_by_freq,
            self.mode,
            False,
            per_sample_weights,
            self.include_last_offset,
            self.padding_idx,
        )

    def extra_repr(self) -> str:
        """Sizes and unusual settings."""
        text = self._settings(("max_norm", "norm_type", "scale_grad_by_freq"), {"norm_type": 2, "scale_grad_by_freq": False})
        text += f", mode={self.mode!r}"
        return text if self.padding_idx is None else f"{text}, padding_idx={self.padding_idx}"

    @classmethod
    def from_pretrained(
        cls,
        embeddings: Any,
        freeze: bool = True,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        mode: str = "mean",
        sparse: bool = False,
        include_last_offset: bool = False,
        padding_idx: int | None = None,
    ) -> EmbeddingBag:
        """A table over a given matrix, which gets no gradient unless ``freeze`` is False."""
        if embeddings.dim() != 2:
            raise AssertionError("Embeddings parameter is expected to be 2-dimensional")
        rows, columns = embeddings.shape
        table = cls(
            *(rows, columns, max_norm, norm_type, scale_grad_by_freq, mode, sparse),
            _weight=embeddings,
            include_last_offset=include_last_offset,
            padding_idx=padding_idx,
        )
        table.weight.requires_grad = not freeze
        return table


__getattr__ = lacking(__name__)
