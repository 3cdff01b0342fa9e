"""How sure one may be of a share that was counted: the Wilson score interval. Pure functions of counts."""

import math
from statistics import NormalDist

_NORMAL = NormalDist()


def wilson_lower(count: float, of: float, confidence: float) -> float:
    """Give the share (0..1) that `count` of `of` proves at the one-sided `confidence` (0..1, exclusive).

    The lower bound of the score interval (E. B. Wilson, Probable inference, the law of succession, and statistical
    inference, JASA 22, 1927, p. 209-212), with p = k/n and z the standard normal quantile of `confidence`:
    (p + z²/2n - z * sqrt(p(1-p)/n + z²/4n²)) / (1 + z²/n).
    It stays honest for few requests and for shares near 0 and 1, where p - z * sqrt(p(1-p)/n) does not: 3 of 3 prove
    no more than 0.36 at 99 %. Counts may be fractions, as `increase` gives them; nothing counted proves nothing.
    """
    if of <= 0:
        return 0.0
    z = _NORMAL.inv_cdf(confidence)
    share, square = min(1.0, max(0.0, count / of)), z * z / of
    spread = z * math.sqrt(share * (1 - share) / of + square / (4 * of))
    return max(0.0, (share + square / 2 - spread) / (1 + square))
