"""What all distributions have in common."""

from __future__ import annotations

from typing import Any

import numpy

import dynamic
from dynamic.apply import Carried
from dynamic.distributions import constraints
from dynamic.distributions.utils import lazy_property
from dynamic.names import lacking
from dynamic.tensor import Size


class Distribution:
    """A distribution, or a batch of independent ones.

    A subclass says in ``arg_constraints`` which parameters it has and what they satisfy, in ``support`` where its values
    lie. ``sample`` draws without history; ``rsample``, where ``has_rsample``, as a function of the parameters, through which
    gradients flow. ``log_prob(value)`` is the logarithm of the density or probability.

    Args:
        batch_shape: the shape of the batch.
        event_shape: the shape of one value.
        validate_args: check parameters and values, which raises ValueError; ``set_default_validate_args`` has the default.
    """

    has_rsample = False
    has_enumerate_support = False
    arg_constraints: Any = {}
    _validate_args: bool = __debug__

    @staticmethod
    def set_default_validate_args(value: bool) -> None:
        """Have parameters and values checked, or not, where nothing else is said."""
        if value not in (True, False):
            raise ValueError(f"validate_args is True or False, not {value!r}")
        Distribution._validate_args = value

    def __init__(self, batch_shape: Any = (), event_shape: Any = (), validate_args: bool | None = None) -> None:
        self._batch_shape, self._event_shape = Size(batch_shape), Size(event_shape)
        if validate_args is not None:
            self._validate_args = validate_args
        if self._validate_args:
            self._check_parameters()

    def _check_parameters(self) -> None:
        for name, constraint in self.arg_constraints.items():
            if constraints.is_dependent(constraint):
                continue
            if name not in self.__dict__ and isinstance(getattr(type(self), name, None), lazy_property):
                continue  # it is computed from those that are checked
            value = getattr(self, name)
            if not constraint.check(value).all():
                raise ValueError(
                    f"parameter {name} of {type(self).__name__}, of shape {tuple(value.shape)}, must satisfy {constraint!r} "
                    f"but is\n{value}"
                )

    def _validate_sample(self, value: Any) -> None:
        if not isinstance(value, Carried):
            raise ValueError(f"a value of {type(self).__name__} is a tensor, not {type(value).__name__}")
        shape: tuple[int, ...] = value._array.shape
        event = self._event_shape
        if event and shape[len(shape) - len(event) :] != tuple(event):
            raise ValueError(f"a value of shape {shape} does not end with the event's, {tuple(event)}")
        whole = (*self._batch_shape, *event)
        if any(i != 1 and j not in (1, i) for i, j in zip(reversed(shape), reversed(whole), strict=False)):
            raise ValueError(f"a value of shape {shape} does not broadcast with {whole}")
        support = getattr(self, "support", None)
        if support is not None and not support.check(value).all():
            raise ValueError(f"a value is outside of the support of {type(self).__name__}, {support!r}:\n{value}")

    # Shapes

    @property
    def batch_shape(self) -> Size:
        """The shape of the batch."""
        return self._batch_shape

    @property
    def event_shape(self) -> Size:
        """The shape of one value."""
        return self._event_shape

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        """The distribution with its batch expanded to ``batch_shape``; the memory of its parameters is shared."""
        new = self._get_checked_instance(type(self), _instance)
        batch = tuple(batch_shape)
        for name, constraint in self.arg_constraints.items():
            if name in self.__dict__:
                value = self.__dict__[name]
                event = tuple(value.shape[value.dim() - constraint.event_dim :])
                setattr(new, name, value.expand((*batch, *event)))
        self._expand_more(new, batch)
        new._batch_shape, new._event_shape = Size(batch), self._event_shape
        new._validate_args = self._validate_args
        return new

    def _expand_more(self, new: Any, batch: tuple[int, ...]) -> None:
        """Give ``new`` what a subclass has beside its parameters."""

    def _get_checked_instance(self, cls: Any, _instance: Any = None) -> Any:
        return type(self).__new__(type(self)) if _instance is None else _instance

    def _extended_shape(self, sample_shape: Any = ()) -> Size:
        return Size((*sample_shape, *self._batch_shape, *self._event_shape))

    # What a subclass has

    @property
    def support(self) -> Any:
        """Where the values lie."""
        raise NotImplementedError

    @property
    def mean(self) -> Any:
        """The mean."""
        raise NotImplementedError

    @property
    def mode(self) -> Any:
        """Where the density is greatest."""
        raise NotImplementedError(f"{type(self).__name__} has no mode here")

    @property
    def variance(self) -> Any:
        """The variance."""
        raise NotImplementedError

    @property
    def stddev(self) -> Any:
        """The standard deviation."""
        return self.variance.sqrt()

    def sample(self, sample_shape: Any = ()) -> Any:
        """Values drawn, without history: of the shape ``sample_shape``, then the batch's, then the event's."""
        with dynamic.no_grad():
            return self.rsample(sample_shape)

    def rsample(self, sample_shape: Any = ()) -> Any:
        """Values drawn as a function of the parameters, through which gradients flow."""
        raise NotImplementedError

    def sample_n(self, n: int) -> Any:
        """``n`` values drawn: ``sample((n,))``, in the words of 2017."""
        return self.sample((n,))

    def log_prob(self, value: Any) -> Any:
        """The logarithm of the density, or probability, at ``value``."""
        raise NotImplementedError

    def cdf(self, value: Any) -> Any:
        """The probability of at most ``value``."""
        raise NotImplementedError

    def icdf(self, value: Any) -> Any:
        """The value that ``cdf`` takes to ``value``."""
        raise NotImplementedError

    def enumerate_support(self, expand: bool = True) -> Any:
        """All values that there are, along a new first dimension, for each of the batch where ``expand``."""
        raise NotImplementedError

    def entropy(self) -> Any:
        """The entropy, in nats."""
        raise NotImplementedError

    def perplexity(self) -> Any:
        """The exponential of the entropy."""
        return self.entropy().exp()

    def _enumerated(self, values: Any, expand: bool) -> Any:
        values = values.view((-1,) + (1,) * len(self._batch_shape))
        return values.expand((-1, *self._batch_shape)) if expand else values

    def _nan(self) -> Any:
        """NaN of the batch's shape and the parameters' dtype: a moment that there is not."""
        like = next(self.__dict__[name] for name in self.arg_constraints if name in self.__dict__)
        return dynamic.full(tuple(self._extended_shape()), numpy.nan, dtype=like.dtype)

    def __repr__(self) -> str:
        shown = {name: self.__dict__[name] for name in self.arg_constraints if name in self.__dict__}
        text = ", ".join(f"{name}: {x if x.numel() == 1 else x.size()}" for name, x in shown.items())
        return f"{type(self).__name__}({text})"


__getattr__ = lacking(__name__)
