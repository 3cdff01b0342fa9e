"""How much traffic a counter has, and which windows and guards it can carry."""

import math
from dataclasses import replace

from monitor.core.model import Sample
from monitor.queries.promql import samples_expression
from monitor.scaffold.asking import Asking
from monitor.scaffold.found import Requests, Watched

SPAN = 600
"""Seconds over which samples are counted to tell the time between two scrapes."""
FEW, ENOUGH = 10.0, 20
"""Requests in a typical window: under the first a share says little; guards ask for the second at most."""
DAY = "1d:15m"
SLOW_HOLD, SLOW_WINDOW = 900, 300
"""What services with little traffic are given, where no other has more."""


def paced(watched: Watched, asking: Asking, scraped: float) -> Watched:
    """Give `watched` with the seconds between two scrapes of its slowest service, `scraped` where data do not tell."""
    found = asking.one(samples_expression(watched.select(), watched.by, SPAN))
    paces = [SPAN / one.value for one in found if one.value > 0]
    return replace(watched, pace=max(paces, default=scraped))


def window_of(watched: Watched, least: int) -> int:
    """Give the window that holds four scrapes, in half minutes, as far as counted samples tell their pace."""
    needed = 4 * SPAN / (SPAN / watched.pace + 1)
    return max(least, 30 * math.ceil(needed / 30 - 1e-9))


def hold_of(window: int) -> int:
    """Give a hold of whole minutes that is over twice the window."""
    return max(300, 60 * -int(-(2 * window + 1) // 60))


def typical(watched: Watched, window: int, asking: Asking, counter: str = "") -> dict[str, float]:
    """Give the requests of each service in a typical window, the median of a day, or of now where there is none yet.

    The key is "" where nothing tells services apart.
    """
    selector = replace(watched, metric=counter or watched.metric).select()
    by = ", ".join(watched.by)
    now = f"sum by ({by}) (increase({selector}[{window}s]))"
    usual = f"quantile_over_time(0.5, ({now})[{DAY}])"
    found = asking.each([now, usual])
    return {service_of(watched, one): one.value for one in (*found[now], *found[usual]) if not math.isnan(one.value)}


def service_of(watched: Watched, sample: Sample) -> str:
    """Give the service that a sample speaks of."""
    return dict(sample.labels).get(watched.label, "")


def kept(watched: Watched, traffic: dict[str, float], least: float, words: str) -> Watched:
    """Give `watched` without the services that have less than `least` requests in a window of `words`."""
    few = {name: value for name, value in traffic.items() if value < least} if watched.label else {}
    few |= {name: 0.0 for name in watched.services if name not in traffic}
    out = {name: f"{few[name]:.3g} requests in {words}, too few to judge" for name in sorted(few)}
    return replace(watched, services=tuple(one for one in watched.services if one not in few), left_out=out)


def guard(traffic: dict[str, float], watched: Watched, most: int) -> int:
    """Give the fewest requests that a verdict needs: half of what the smallest service usually has, at most `most`."""
    usual = [value for name, value in traffic.items() if not watched.label or name in watched.services]
    return max(int(FEW) // 2, min(most, int(min(usual, default=0.0) / 2)))


def requests(watched: Watched, failures: str, label: str, asking: Asking) -> Requests:
    """Give what a rule about failing requests needs to know of a counter."""
    window = window_of(watched, 60)
    hold, traffic = hold_of(window), typical(watched, window, asking)
    if max(traffic.values(), default=0.0) < FEW:
        window, hold = max(window, SLOW_WINDOW), max(hold, SLOW_HOLD)
        traffic = typical(watched, window, asking)
    judged = kept(watched, traffic, FEW, f"{window} s")
    minimum = guard(traffic, judged, ENOUGH)
    return _with_day(Requests(judged, failures, (), window, hold, minimum), label, asking)


def _with_day(one: Requests, label: str, asking: Asking) -> Requests:
    """Give `one` with the requests of the last day, the failed ones, and the values of the label that tells them."""
    failed = replace(one.watched, only=",".join(part for part in (one.watched.only, one.failures) if part))
    day = [f"sum(increase({watched.selector}[1d]))" for watched in (one.watched, failed)]
    codes = f"count by ({label}) ({one.watched.select()})"
    found = asking.each([*day, codes])
    total, bad = (sum(sample.value for sample in found[expr]) for expr in day)
    named = sorted({dict(sample.labels).get(label, "") for sample in found[codes]} - {""})
    return replace(one, codes=tuple(named), total=total, failed=bad)
