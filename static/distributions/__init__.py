"""``tf.distributions``: probability distributions that are sampled and whose densities have gradients."""

from __future__ import annotations

from static.distributions.base import (
    FULLY_REPARAMETERIZED as FULLY_REPARAMETERIZED,
    NOT_REPARAMETERIZED as NOT_REPARAMETERIZED,
    Distribution as Distribution,
    RegisterKL as RegisterKL,
    kl_divergence as kl_divergence,
)
from static.distributions.continuous import (
    Beta as Beta,
    Exponential as Exponential,
    Gamma as Gamma,
    Laplace as Laplace,
    Normal as Normal,
    Uniform as Uniform,
)
from static.distributions.discrete import Bernoulli as Bernoulli, Categorical as Categorical
