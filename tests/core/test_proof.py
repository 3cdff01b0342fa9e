"""The Wilson bound, against figures and an independent way to find it."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.core.judging.proof import wilson_lower


@pytest.mark.parametrize(
    ("count", "of", "confidence", "bound"),
    [
        (3, 3, 0.99, 0.36),
        (1, 1, 0.99, 0.16),
        (28, 100, 0.99, 0.19),
        (0, 100, 0.99, 0.0),
        (0, 0, 0.99, 0.0),
        (50, 100, 0.5, 0.5),
        (81, 263, 0.975, 0.26),  # E. B. Wilson's bound of a 95 % two-sided interval, as in textbooks
    ],
)
def test_known_bounds(count: float, of: float, confidence: float, bound: float) -> None:
    assert wilson_lower(count, of, confidence) == pytest.approx(bound, abs=0.005)


SHARES = st.integers(1, 100_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))
CONFIDENCES = st.sampled_from([0.6, 0.8, 0.9, 0.95, 0.99, 0.999])


@given(SHARES, CONFIDENCES)
def test_the_bound_is_where_the_score_test_just_rejects(share: tuple[int, int], confidence: float) -> None:
    k, n = share
    z = {0.6: 0.253347, 0.8: 0.841621, 0.9: 1.281552, 0.95: 1.644854, 0.99: 2.326348, 0.999: 3.090232}[confidence]
    low, high = 0.0, k / n
    for _ in range(100):  # bisection of the smallest p that the observed share is not too far above
        p = (low + high) / 2
        low, high = (p, high) if k / n - p > z * math.sqrt(p * (1 - p) / n) else (low, p)
    assert wilson_lower(k, n, confidence) == pytest.approx(high, abs=1e-5)


@given(SHARES, CONFIDENCES)
def test_more_failures_prove_more(share: tuple[int, int], confidence: float) -> None:
    k, n = share
    assert wilson_lower(k, n + 1, confidence) <= wilson_lower(k + 1, n + 1, confidence) + 1e-12


@given(SHARES, CONFIDENCES, st.integers(2, 50))
def test_the_same_share_of_more_requests_proves_more(share: tuple[int, int], confidence: float, times: int) -> None:
    k, n = share
    assert wilson_lower(k, n, confidence) <= wilson_lower(times * k, times * n, confidence) + 1e-12


@given(SHARES, CONFIDENCES)
def test_a_request_that_did_not_fail_proves_less(share: tuple[int, int], confidence: float) -> None:
    k, n = share
    assert wilson_lower(k, n + 1, confidence) <= wilson_lower(k, n, confidence) + 1e-12


@given(SHARES, CONFIDENCES)
def test_the_bound_lies_between_nothing_and_the_share(share: tuple[int, int], confidence: float) -> None:
    k, n = share
    assert 0.0 <= wilson_lower(k, n, confidence) <= k / n + 1e-12
