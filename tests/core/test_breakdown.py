"""Where it fails and what else is slow: what a page and a timeline say of it, and what of a route may be kept."""

import pytest

from monitor.core.actor import MONITOR
from monitor.core.incidents.asks import Acknowledge
from monitor.core.incidents.procedureevents import BreakdownFound, ChangesFound
from monitor.core.pages.page import Scene
from monitor.core.pages.render import render
from monitor.core.releases.breakdown import Breakdown, ByRoute, RouteShare, SlowService, route_name
from monitor.core.releases.breakdownwords import breakdown_lines, by_route_line, in_short
from monitor.core.releases.release import Changed, What, WhatChanged
from tests.core.procedural import ANA, START, Driven, key

NOTHING = WhatChanged(START, START, watched=(What.RELEASE,))
LOGIN = ByRoute(key(), "auth", "route", (RouteShare("/login", 310, 192), RouteShare("/refresh", 50, 2)))
WELL = Breakdown(START, (LOGIN,), compared=4)


def page_lines(driven: Driven) -> tuple[str, ...]:
    return render(Scene(driven.incident, driven.at, {})).changes


def test_where_nothing_was_released_the_page_says_where_it_fails_instead() -> None:
    driven = Driven()
    driven.add(ChangesFound(START, MONITOR, NOTHING), BreakdownFound(START, MONITOR, WELL))
    assert page_lines(driven)[1:] == (
        "Failing routes of auth: /login 62 % (192 of 310), /refresh 4 % (2 of 50) (at 03:02 UTC)",
        "Not slower than usual: 4 other services with a baseline.",
    )
    released = Changed("login", What.RELEASE, "1.0", "1.1", START)
    driven.add(ChangesFound(START, MONITOR, WhatChanged(START, START, (released,), (), (What.RELEASE,))))
    assert not any("routes" in line for line in page_lines(driven)), "a change that was found later says more"


def test_where_nothing_changed_nobody_is_told_to_start_a_rollback() -> None:
    driven = Driven()
    driven.add(ChangesFound(START, MONITOR, NOTHING))
    driven.do(Acknowledge(ANA))
    page = render(Scene(driven.incident, driven.at, {}))
    assert page.status[-1] == "Next: Ana: find the cause, since nothing changed that could be rolled back."
    assert "incident show" in page.footer


def test_of_many_routes_and_services_the_page_has_three_lines_and_the_evidence_all() -> None:
    routes = tuple(RouteShare(f"/{number}" + "x" * 50, 100, 90 - number) for number in range(5))
    slow = tuple(SlowService(f"service-{number}", 2.0, "p95 3 s, baseline 1 s (same time)") for number in range(10))
    alerts = tuple(ByRoute(key(str(number)), f"s{number}" + "y" * 90, "route", routes) for number in range(4))
    lines = breakdown_lines(Breakdown(START, alerts, slow, 12))
    assert len(lines) == 3
    assert [line.count("x" * 50) for line in lines] == [3, 3, 0]
    assert lines[2].endswith("; service-2 p95 3 s, baseline 1 s (same time) and 7 more")
    assert sum(map(len, lines)) < 900
    assert in_short(Breakdown(START, alerts, slow, 12)).count("x" * 50) == 20


def test_what_could_not_be_read_of_other_services_is_no_word_that_they_are_well() -> None:
    assert breakdown_lines(Breakdown(START, compared=4, problem="Prometheus did not answer")) == ()
    assert in_short(Breakdown(START, problem="Prometheus did not answer")) == "not read: Prometheus did not answer"


def test_a_latency_is_told_in_seconds() -> None:
    slow = ByRoute(key(), "web", "path", (RouteShare("/a", 30, seconds=1.234), RouteShare("/b", 9, seconds=0.04)), 0.95)
    assert by_route_line(slow) == "Slowest routes (p95) of web: /a 1.23 s (30 requests), /b 40 ms (9 requests)"


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ("/login", "/login"),
        ("/reset?token=hunter2", "/reset"),
        ("https://ana:secret@shop/x#y", "https://[redacted]@shop/x"),
        ("/a\u202eb", "/a�b"),
        ("/" + "a" * 99, "/" + "a" * 58 + "…"),
    ],
)
def test_a_route_is_kept_without_what_must_not_be_shown(value: str, kept: str) -> None:
    assert route_name(value) == kept
