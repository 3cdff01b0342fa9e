"""Two hours of everything that happens to signals: steps, spikes, ramps, flapping, restarts, low traffic.

Nothing here is missing: what reads as no data, or as too little of them, does so while it is healthy. Gaps have a test
of their own, as they are where the monitor and its peers differ. Times are seconds after `START`.
"""

from collections.abc import Callable, Mapping

from tests.time_rules.histories import SCRAPE, Phases, Points, gauge, histogram, requests, seen, without

END = 7200
HOUR = 3600
USUAL = 150.0
"""Requests that a scrape adds: 10 a second."""
NAN, INF = float("nan"), float("inf")


def shares(share: Callable[[int], float]) -> Phases:
    """Requests of which `share` fail, told for each scrape."""
    return [(at, USUAL, USUAL * share(at)) for at in seen(0, END)]


def steps(changes: Mapping[int, float]) -> Callable[[int], float]:
    """What was last said."""
    return lambda at: [value for begin, value in changes.items() if begin <= max(0, at)][-1]


def ramps(at: int) -> float:
    """Up to 41 % in half an hour and down again; then twice as fast."""
    slow, fast = 1 - abs(at - 2400) / 1800, 1 - abs(at - 5400) / 900
    return 0.41 * max(0.0, slow, fast)


def spikes(at: int) -> float:
    """Half of the requests, for one scrape, for two, for a minute, and for as long as a hold to the point, or not."""
    lasts = {600: 15, 1200: 30, 1800: 60, 2400: 270, 3300: 255, 4200: 45, 4320: 45, 5400: 285}
    return 0.5 if any(begin <= at < begin + seconds for begin, seconds in lasts.items()) else 0.0


def flapping(at: int) -> float:
    """45 s bad and 90 s good; from the second hour on 5 min and a half bad and a minute and a half good."""
    bad = at % 135 < 45 if at < HOUR else at % 420 < 330
    return 0.08 if bad and at >= 600 else 0.0


STEPS = {0: 0.0, 900: 0.011, 1500: 0.043, 2400: 0.31, 3300: 0.005, 4200: 0.62, 4500: 0.0, 5100: 0.1, 6600: 0.0}
RESTARTS = (1200, 1500, 1515, 2745)
NIGHT = [(0, USUAL, 0.0), (1200, 2.0, 1.0), (3000, USUAL, 15.0), (3705, USUAL, 0.0)]
"""Too few requests to say anything of, half of which fail; the traffic is back while a tenth fails."""
ERRORS: Mapping[str, Phases] = {
    "steps": shares(steps(STEPS)),
    "spikes": shares(spikes),
    "ramps": shares(ramps),
    "flapping": shares(flapping),
    "restarting": shares(steps({0: 0.0, 900: 0.065, 3000: 0.0})),
    "night": NIGHT,
    "late": shares(steps({0: 0.065, 3600: 0.0})),
    "first": shares(steps({0: 0.0, 1800: 0.065, 2700: 0.0})),
}
"""The requests of each job; those of `late` are first scraped in the midst of its fault."""
UNKNOWN = seen(-300, 1800 - SCRAPE)


def failing() -> dict[str, Points]:
    found: dict[str, Points] = {}
    for job, phases in ERRORS.items():
        restarts = RESTARTS if job == "restarting" else ()
        found |= requests(f'job="{job}"', phases, restarts=restarts, end=END, gap=UNKNOWN if job == "late" else ())
    failed = 'requests_total{job="first",code="500"}'
    return {**found, failed: without(found[failed], UNKNOWN)}


def gappy() -> dict[str, Points]:
    """A fault with scrapes that did not happen, while it pends and while it fires."""
    phases = shares(steps({0: 0.0, 600: 0.2, 3600: 0.0}))
    gap = (*seen(750, 795), *seen(1200, 1500), *seen(2700, 2715), *seen(5000, 5300))
    found = requests('job="gappy"', phases, gap=gap, end=END)
    return {series.replace("requests_total", "gappy_total"): points for series, points in found.items()}


def probes() -> dict[str, Points]:
    """Three probes of each of two services; an endpoint that is down alone is no outage."""
    down = {
        ("billing", "a"): [(900, 2400), (3000, 3015), (4200, 4560)],
        ("billing", "b"): [(1200, 2100), (3000, 3060), (4200, 4560), (6000, 6060)],
        ("billing", "c"): [(1500, 1515), (6000, 6030)],
        ("admin", "a"): [(600, 660), (3900, 4500)],
        ("admin", "b"): [(600, 675), (3900, 4170), (4200, 4500)],
        ("admin", "c"): [(600, 690)],
    }

    def up(stretches: list[tuple[int, int]]) -> Points:
        return gauge(seen(-300, END), lambda at: 0.0 if any(begin <= at < end for begin, end in stretches) else 1.0)

    return {f'probe{{service="{service}",endpoint="{one}"}}': up(down[service, one]) for service, one in down}


def queues() -> dict[str, Points]:
    """Lengths that step, ramp and flap; one is no number for a while."""
    lengths: dict[str, Callable[[int], float]] = {
        "steps": steps(
            {
                0: 3.0,
                900: 150.0,
                1260: 99.0,
                1800: 101.0,
                2085: 0.0,
                3000: 5e9,
                4000: -1.0,
                5000: 3.0,
                5400: 0.0,
                5430: 3.0,
            }
        ),
        "ramps": lambda at: 400.3 * ramps(at) + 1.5,
        "flapping": lambda at: 1000 * flapping(at) + 50.5,
        "odd": steps({0: 5.0, 900: NAN, 1800: 5.0, 2400: INF, 3000: 5.0, 3600: 120.0, 4500: 5.0}),
    }
    return {f'queue{{name="{name}",shard="0"}}': gauge(seen(-300, END), length) for name, length in lengths.items()}


def latencies() -> dict[str, Points]:
    """Requests that fall into other buckets; those of `known` have a past of a day and an hour in which to be slow."""
    slow = {
        "steps": steps(
            {0: 0.2, 900: 0.5, 1500: 0.25, 2400: 1.0, 3300: 0.2, 5100: 2.0, 5400: 0.2, 6300: 2.0, 6420: 0.2}
        ),
        "flapping": lambda at: 1.0 if flapping(at) else 0.25,
    }
    found: dict[str, Points] = {}
    for job, within in slow.items():
        restarts = RESTARTS if job == "steps" else ()
        found |= histogram("seconds", f'job="{job}"', seen(-300, END), within, restarts=restarts)
    day = [*seen(-27 * HOUR, -600, 300), *seen(-300, END)]
    return {**found, **histogram("known_seconds", 'job="steps"', day, slow["steps"])}


HISTORY = {**failing(), **gappy(), **probes(), **queues(), **latencies()}
