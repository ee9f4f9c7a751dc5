"""Special functions, under the names of ``torch.special``."""

from __future__ import annotations

from dynamic.functions import blends, pointwise, reductions
from dynamic.functions.special import POLYNOMIALS, ndtr as ndtr, of_one, of_two
from dynamic.names import lacking


entr, erfcx, i0e, i1, i1e, log_ndtr, ndtri = map(of_one, ("entr", "erfcx", "i0e", "i1", "i1e", "log_ndtr", "ndtri"))
xlog1py, zeta = map(of_two, ("xlog1py", "zeta"))

erf, erfc, erfinv, exp2, expm1, i0, log1p, sinc = (
    pointwise.FUNCTIONS[name] for name in ("erf", "erfc", "erfinv", "exp2", "expm1", "i0", "log1p", "sinc")
)
modified_bessel_i0, modified_bessel_i1 = i0, i1
expit, gammaln = pointwise.FUNCTIONS["sigmoid"], pointwise.FUNCTIONS["lgamma"]
gammainc, gammaincc, xlogy = (pointwise.FUNCTIONS[name] for name in ("igamma", "igammac", "xlogy"))
digamma, logit, polygamma, round = (blends.FUNCTIONS[name] for name in ("digamma", "logit", "polygamma", "round"))
psi, multigammaln = digamma, blends.FUNCTIONS["mvlgamma"]
logsumexp, log_softmax, softmax = (reductions.FUNCTIONS[name] for name in ("logsumexp", "log_softmax", "softmax"))

globals().update(POLYNOMIALS)

__getattr__ = lacking(__name__)
