"""Where it fails, and what else is slow, in words: one line each. Pure formatting; no markup."""

from collections.abc import Iterator

from monitor.core.releases.breakdown import Breakdown, ByRoute, RouteShare
from monitor.core.words import clock, percent, shortened

MOST_LINES = 3
"""Lines of a page that tell it."""

MOST_ROUTES, MOST_SLOW = 5, 3
"""Routes of one alert, where it is alone (else `MOST_SLOW`), and slow services in one line."""


def breakdown_lines(found: Breakdown) -> tuple[str, ...]:
    """Give what a page says: the failing or slow routes of at most two alerts, and the other slow services."""
    told = found.by_route[: MOST_LINES - 1]
    most = MOST_ROUTES if len(told) == 1 else MOST_SLOW
    routes = [by_route_line(one, most) for one in told]
    return (*(f"{line} (at {clock(found.at)})" for line in routes), *_slow(found))


def by_route_line(one: ByRoute, most: int = MOST_ROUTES) -> str:
    """Give one alert by route: "Failing routes of auth: /login 62 % (193 of 310), /refresh 4 % (2 of 50)"."""
    shown = ", ".join(_route(route) for route in one.routes[:most])
    what = "Failing routes" if one.quantile is None else f"Slowest routes (p{100 * one.quantile:.4g})"
    return f"{what} of {shortened(one.service, 40)}: {shown}"


def _route(one: RouteShare) -> str:
    if one.seconds is not None:
        return f"{one.route} {_seconds(one.seconds)} ({one.requests} requests)"
    return f"{one.route} {percent(one.share)} ({one.failures} of {one.requests})"


def _seconds(seconds: float) -> str:
    return f"{seconds:.3g} s" if seconds >= 1 else f"{1000 * seconds:.3g} ms"


def _slow(found: Breakdown) -> Iterator[str]:
    """Silence about other services would read as "they are well": it is said where they were looked at."""
    if found.slow:
        more = f" and {len(found.slow) - MOST_SLOW} more" if len(found.slow) > MOST_SLOW else ""
        told = "; ".join(f"{shortened(one.service, 40)} {one.why}" for one in found.slow[:MOST_SLOW])
        yield f"Slow too: {told}{more}"
    elif found.compared and not found.problem:
        services = "1 other service" if found.compared == 1 else f"{found.compared} other services"
        yield f"Not slower than usual: {services} with a baseline."


def in_short(found: Breakdown) -> str:
    """Give all of it in one sentence, for a timeline."""
    told = [*(by_route_line(one) for one in found.by_route), *_slow(found)]
    problem = [f"not read: {found.problem}"] if found.problem else []
    return "; ".join([*told, *problem]) or "nothing can be told by route, and no other service is compared"
