"""What happened, as a Prometheus would have scraped it: counters, probes and histograms by phases.

Times are seconds after `START`. Everything is scraped every 15 s, 8 s before a grid point of that interval, so that no
sample stands on the edge of a window. A phase begins with the scrape that its grid time is the first to see.
It must not know what the monitor makes of it.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import TypeAlias

START = 1_741_057_200
"""2025-03-04 03:00:00 UTC, a multiple of every interval used here."""

SCRAPE = 15
LAG = 8
LONG = 1800
"""How long a story lasts, unless it says otherwise."""

LINGERS = 30
"""Seconds for which a window of 1m goes on seeing a scrape after the first grid point that sees it."""

Points: TypeAlias = list[tuple[float, float]]
Phases: TypeAlias = Sequence[tuple[int, float, float]]
"""From when on, and what each scrape adds: requests and failures among them."""


def seen(begin: int, end: int, step: int = SCRAPE) -> range:
    """The grid times that are the first to see a scrape, from `begin` to `end` inclusive."""
    return range(begin, end + 1, step)


def counter(
    times: Iterable[int], adds: Callable[[int], float], *, first: float = 5000.0, restarts: Iterable[int] = ()
) -> Points:
    """A counter that each scrape finds grown by `adds`; a restart lets it begin again from 0."""
    value = first
    points: Points = []
    for at in times:
        value = (0.0 if at in restarts else value) + adds(at)
        points.append((START + at - LAG, value))
    return points


def gauge(times: Iterable[int], value: Callable[[int], float]) -> Points:
    return [(START + at - LAG, value(at)) for at in times]


def without(points: Points, gap: Iterable[int]) -> Points:
    """The scrapes that `gap` names did not happen."""
    lost = {START + at - LAG for at in gap}
    return [point for point in points if point[0] not in lost]


def phase(phases: Phases, at: int) -> tuple[float, float]:
    """The requests and failures of a scrape."""
    return [(requests, failures) for begin, requests, failures in phases if begin <= at][-1]


def requests(
    labels: str, phases: Phases, *, gap: Iterable[int] = (), restarts: Iterable[int] = (), end: int = LONG
) -> dict[str, Points]:
    """Requests and their failures, two series of `requests_total`."""
    times, gap, restarts = seen(-300, end), tuple(gap), tuple(restarts)

    def series(adds: Callable[[float, float], float]) -> Points:
        return without(counter(times, lambda at: adds(*phase(phases, max(0, at))), restarts=restarts), gap)

    return {
        f'requests_total{{{labels},code="200"}}': series(lambda all_of_them, failed: all_of_them - failed),
        f'requests_total{{{labels},code="500"}}': series(lambda _, failed: failed),
    }


def histogram(
    name: str,
    labels: str,
    times: Sequence[int],
    within: Callable[[int], float],
    *,
    each: float = 150.0,
    restarts: Sequence[int] = (),
) -> dict[str, Points]:
    """A histogram whose requests all lie in the bucket that ends at `within(at)` seconds; each scrape adds `each`."""
    bounds = (0.1, 0.2, 0.25, 0.5, 1.0, 2.0, 2.5, 5.0, float("inf"))

    def bucket(bound: float) -> Points:
        return counter(times, lambda at: each if within(at) <= bound else 0.0, restarts=restarts)

    written = {bound: "+Inf" if bound == float("inf") else str(bound) for bound in bounds}
    return {f'{name}_bucket{{{labels},le="{written[bound]}"}}': bucket(bound) for bound in bounds}
