"""What changed before a breach, read from a real Prometheus in few requests, and never from half an answer."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

import pytest

from monitor.adapters.memory.store import MemoryStore
from monitor.adapters.memory.world import ManualClock, ScriptedRegistry
from monitor.adapters.prometheus import PrometheusSource
from monitor.core.model import AlertKey, Cause, Sample, State, Tier, labels_of, utc
from monitor.core.releases.release import Availability, WhatChanged, WhyNot
from monitor.core.releases.runs import Breach
from monitor.core.rules.routing import Route, Routing
from monitor.core.rules.rule import Group, Rule, TierRule
from monitor.core.rules.ruleset import RuleSet
from monitor.core.rules.service import Labelled, Releases, Replicas, Service
from monitor.core.rules.signal import Query
from monitor.evaluation.ranges import Deadline
from monitor.ports.metrics import BadQuery, Partial, RangeAnswer, RangeSamples, TooMuch, Unanswered
from monitor.ports.store import Change, Recorded
from monitor.ports.world import Present, Registry, Unknown
from monitor.procedure.releases import GRID, HOUR, MINUTE, MOST_EDGES, Look, ReleaseWatch, breaches_of, fired
from monitor.procedure.sightings import MARK, Asked, NotReadError, Sightings, deployers, moves, questions, together
from tests.servers.prometheus import Prometheus

DAY = 86_400
T = 20_000 * DAY
"""When the breach begins."""

AUTH = Service(
    "auth",
    Labelled('build{job="auth"}', "version"),
    by="who",
    image="r.example.com/auth:{version}",
    replicas=Replicas('desired{job="auth"}', 'updated{job="auth"}'),
    migrations=Labelled('schema{job="auth"}', "version"),
    flags=Labelled('flag{job="auth"}', "flag"),
)
WEB = Service("web", Labelled('build{job="web"}', "version"), image_on=Labelled('pods{job="web"}', "image"))
RELEASES = Releases((AUTH, WEB))


def points(*spans: tuple[int, int], step: int = 60, value: float = 1.0) -> list[tuple[float, float]]:
    """Samples at times from the breach."""
    return [(float(T + at), value) for begin, end in spans for at in range(begin, end, step)]


@pytest.fixture(scope="module")
def prometheus() -> Iterator[Prometheus]:
    """A shop: auth released ten minutes before the breach, with a migration; web three times in two weeks.

    What ends here is seen for five minutes more: a history has no marks of its end, as a scrape leaves them.
    """
    flag = [*points((-2 * HOUR, -900)), *points((-900, 120), value=0.0)]
    history = {
        'build{job="auth",version="2.13.4",who="bo"}': points((-6 * DAY, -600)),
        'build{job="auth",version="2.14.0",who="ana"}': points((-600, 120), step=15),
        'schema{job="auth",version="41"}': points((-6 * DAY, -660)),
        'schema{job="auth",version="42"}': points((-660, 120), step=15),
        'flag{job="auth",flag="writes"}': flag,
        'desired{job="auth"}': points((-600, 120), value=3.0),
        'updated{job="auth"}': points((-600, 120), value=3.0),
        'build{job="web",version="7.0.0"}': points((-13 * DAY, -9 * DAY)),
        'build{job="web",version="7.1.0"}': points((-9 * DAY, -5 * HOUR - 300)),
        'build{job="web",version="7.2.0"}': points((-5 * HOUR, 120), step=15),
        'pods{job="web",image="r.example.com/web:7.1.0"}': points((-9 * DAY, -5 * HOUR)),
        'pods{job="web",image="r.example.com/web:7.2.0"}': points((-5 * HOUR, 120), step=15),
    }
    with Prometheus(history=history) as running:
        yield running


class Counting:
    """A source that counts what it is asked; `failing` is answered to the request of that number."""

    def __init__(self, inner: PrometheusSource) -> None:
        self.inner = inner
        self.asked: list[tuple[int, int, int]] = []
        self.failing: dict[int, RangeAnswer] = {}

    def range(self, expr: str, start: int, end: int, step: int, *, deadline: float) -> RangeAnswer:
        self.asked.append((start, end, step))
        failing = self.failing.get(len(self.asked))
        return failing or self.inner.range(expr, start, end, step, deadline=deadline)


@pytest.fixture
def source(prometheus: Prometheus) -> Iterator[Counting]:
    inner = PrometheusSource(prometheus.url)
    yield Counting(inner)
    inner.close()


def within(seconds: float = 60) -> Deadline:
    clock = ManualClock(utc(T))
    return Deadline(clock, clock.monotonic() + seconds)


def look(
    source: Counting, registry: Registry | None = None, releases: Releases = RELEASES, breach: int = T, **more: object
) -> WhatChanged:
    return ReleaseWatch(source, lambda _: registry).look(
        releases,
        Look(T + 60, breach, **more),  # type: ignore[arg-type]
        within(),
    )


def test_what_changed_and_what_to_go_back_to(source: Counting) -> None:
    registry = ScriptedRegistry({"r.example.com/auth:2.13.4": Present("sha256:1")})
    found = look(source, registry)
    assert [(one.service, one.after, int(one.at.timestamp()) - T, one.by) for one in found.before] == [
        ("web", "7.2.0", -5 * HOUR, ""),
        ("auth", "writes=off", -900, ""),
        ("auth", "42", -660, ""),
        ("auth", "2.14.0", -600, "ana"),
    ]
    auth, web = found.targets
    assert (auth.version, auth.current, auth.image) == ("2.13.4", "2.14.0", "r.example.com/auth:2.13.4")
    assert (auth.available, auth.digest, auth.migrations) == (Availability.YES, "sha256:1", ("42",))
    assert auth.ran == pytest.approx(6 * DAY, abs=HOUR + 300)
    assert (web.version, web.image, web.available) == ("7.1.0", "r.example.com/web:7.1.0", Availability.NO)
    assert web.ran == pytest.approx(9 * DAY - 5 * HOUR, abs=600)
    assert (web.at_least, web.migrations_seen, web.why_not) == (False, False, WhyNot.NONE)
    assert (found.problem, found.unseen) == ("", ())
    assert registry.asked == ["r.example.com/auth:2.13.4", "r.example.com/web:7.1.0"]


def test_few_requests_are_made_and_two_weeks_stay_small(source: Counting) -> None:
    look(source)
    assert len(source.asked) <= 12
    assert {step for _, _, step in source.asked} == {1, GRID, MINUTE, HOUR}
    assert sum((end - start) // step + 1 for start, end, step in source.asked) < 2400
    assert min(start for start, _, _ in source.asked) >= T - 14 * DAY


def test_what_a_version_broke_is_no_target(source: Counting) -> None:
    breaches = {"web": (Breach("WebErrors", T - 2 * DAY, T - 2 * DAY + 600),)}
    web = look(source, breaches=breaches).targets[1]
    assert (web.version, web.image_why) == ("7.0.0", "no images were seen while 7.0.0 ran")


def test_a_longer_look_back_finds_an_older_version(source: Counting) -> None:
    breaches = {"web": (Breach("WebErrors", T - 2 * DAY, T - 2 * DAY + 600),)}
    web = look(source, releases=replace(RELEASES, lookback=5 * DAY), breaches=breaches).targets[1]
    assert (web.version, web.why_not) == ("", WhyNot.NO_KNOWN_GOOD)


def test_where_the_breach_lies_far_back_the_day_before_it_is_looked_at(source: Counting) -> None:
    found = look(source, breach=T - 3 * DAY)
    assert [one.service for one in found.before] == []
    assert [one.later for one in found.changes] == [True] * 4
    assert found.targets == ()


def test_without_a_registry_images_are_confirmed_by_hand(source: Counting) -> None:
    assert {one.image_why for one in look(source).targets} == {"no registry is configured"}


def test_a_registry_that_does_not_know_is_told(source: Counting) -> None:
    registry = ScriptedRegistry({"r.example.com/auth:2.13.4": Unknown("down")})
    auth, web = look(source, registry).targets
    assert (auth.available, auth.image_why) == (Availability.UNKNOWN, "down")
    assert (web.available, web.image_why) == (Availability.NO, "the registry does not have it")


FAILED: list[RangeAnswer] = [Partial("half of it"), BadQuery("wrong"), Unanswered("down"), TooMuch("too much")]


@pytest.mark.parametrize("failed", FAILED, ids=lambda one: type(one).__name__)
@pytest.mark.parametrize("request_number", [1, 2, 3, 5])
def test_from_half_an_answer_nothing_is_proposed(source: Counting, failed: RangeAnswer, request_number: int) -> None:
    everything = look(source)
    source.asked.clear()
    source.failing = dict.fromkeys(range(request_number, 100), failed)
    found = look(source, ScriptedRegistry())
    assert found.problem
    assert not found.nothing
    assert [(one.version, one.why_not) for one in found.targets] == [("", WhyNot.PARTIAL)] * len(found.targets)
    assert len(found.targets) == (0 if request_number == 1 else len(everything.targets))


def test_an_image_that_is_not_read_leaves_the_target(source: Counting) -> None:
    look(source)
    source.failing = {len(source.asked) * 2: Unanswered("down")}
    web = look(source, ScriptedRegistry()).targets[1]
    assert (web.version, web.image, web.image_why) == ("7.1.0", "", "its image was not read: down")


def test_too_much_is_asked_for_in_halves(source: Counting) -> None:
    source.failing = {1: TooMuch("too much"), 2: TooMuch("too much")}
    assert look(source).problem == ""


def test_without_time_nothing_is_proposed(source: Counting) -> None:
    found = ReleaseWatch(source, lambda _: None).look(RELEASES, Look(T, T), within(0))
    assert (found.problem, source.asked) == ("there was no time left", [])


def test_no_service_asks_for_nothing(source: Counting) -> None:
    assert look(source, releases=Releases()) == WhatChanged(utc(T + 60), utc(T))
    assert source.asked == []


# --- what is asked --------------------------------------------------------------------------------------------------


class Told:
    """A source that gives each question of a request what `tell` says of its metric at a time."""

    def __init__(self, tell: Callable[[str, int], Mapping[str, float]], label: str = "version") -> None:
        self.tell, self.label = tell, label
        self.asked: list[tuple[int, int, int]] = []

    def range(self, expr: str, start: int, end: int, step: int, *, deadline: float) -> RangeAnswer:
        del deadline
        self.asked.append((start, end, step))
        marked = re.findall(rf'\((\w+)\), "{MARK}", "(\d+)"', expr)
        return RangeSamples({at: tuple(self._samples(marked, at)) for at in range(start, end + 1, step)})

    def _samples(self, marked: list[tuple[str, str]], at: int) -> Iterator[Sample]:
        for metric, number in marked:
            for value, figure in self.tell(metric, at).items():
                yield Sample(labels_of({self.label: value, MARK: number}), figure)


def told(tell: Callable[[str, int], Mapping[str, float]], *services: Service) -> tuple[WhatChanged, Told]:
    source = Told(tell)
    found = ReleaseWatch(source, lambda _: None).look(Releases(services), Look(T + 60, T), within())
    return found, source


def test_fewer_updated_replicas_than_desired_are_a_deploy_under_way() -> None:
    service = Service("auth", Labelled("v", "version"), replicas=Replicas("d", "u"))
    figures = {"d": 3.0, "u": 2.0}
    tell = lambda metric, at: {"": figures[metric]} if metric != "v" else {"1" if at < T - 60 else "2": 1.0}  # noqa: E731  # a table
    found, _ = told(tell, service)
    assert found.targets[0].why_not is WhyNot.MID_DEPLOY
    figures["u"] = 3.0
    found, _ = told(tell, service)
    assert found.targets[0].version == "1"


def test_a_version_that_flaps_costs_no_more_than_a_dozen_closer_looks_each() -> None:
    _, source = told(lambda _, at: {str(at // HOUR % 2): 1.0}, Service("auth", Labelled("v", "version")))
    assert len(source.asked) == 2 + 2 * MOST_EDGES


def test_many_services_are_asked_for_together() -> None:
    services = tuple(Service(f"s{n}", Labelled(f"v{n}", "version")) for n in range(41))
    found, source = told(lambda metric, at: {"1" if at < T - 60 or metric != "v40" else "2": 1.0}, *services)
    assert [one.service for one in found.targets] == ["s40"]
    assert len(source.asked) == 2 * 2 + 1


def test_answers_that_cannot_be_told_apart_are_none() -> None:
    class Unmarked(Told):
        def range(self, expr: str, start: int, end: int, step: int, *, deadline: float) -> RangeAnswer:
            del expr, end, step, deadline
            return RangeSamples({start: (Sample(labels_of({"version": "1"}), 1.0),)})

    with pytest.raises(NotReadError, match="tell apart"):
        Sightings(Unmarked(lambda *_: {}), within()).read(tuple(questions(WEB)), range(T, T + 1))


def test_questions_of_a_service() -> None:
    asked = [(one.expr, one.label, one.by) for one in questions(replace(AUTH, migrations=Labelled("applied")))]
    assert asked == [
        ('group by (version, who) (build{job="auth"})', "version", "who"),
        ("max by () (applied)", "", ""),
        ('max by (flag) (flag{job="auth"})', "flag", ""),
    ]
    assert together(["a", "b", "c"]).count(" or ") == 2


def test_moves_leave_out_what_says_nothing_new() -> None:
    version, count, flag = questions(replace(AUTH, migrations=Labelled("applied")))

    def samples(*several: tuple[str, str, float]) -> tuple[Sample, ...]:
        return tuple(Sample(labels_of({name: value}), figure) for name, value, figure in several)

    seen = {
        3: samples(),
        1: samples(("version", "1", 1)),
        2: samples(("version", "1", 1)),
        4: samples(("version", "", 1)),
    }
    assert moves(version, seen) == ((1, frozenset({"1"})), (3, frozenset()))
    assert moves(count, {1: samples(("", "", 41.0)), 2: samples(("", "", float("nan")))}) == (
        (1, frozenset({"41"})),
        (2, frozenset()),
    )
    assert moves(flag, {1: samples(("flag", "a", 1), ("flag", "b", 0), ("flag", "c", 0.5), ("x", "", 1))}) == (
        (1, frozenset({"a=on", "b=off", "c=0.5"})),
    )
    who = Sample(labels_of({"version": "1", "who": "ana"}), 1.0)
    assert deployers(version, {1: (who,), 2: samples(("version", "2", 1))}) == (("1", "ana"),)
    assert deployers(Asked("web", version.what, "v", "version"), {1: (who,)}) == ()


# --- breaches -------------------------------------------------------------------------------------------------------

RULE = Rule(
    "Errors",
    Query("x", ("job",)),
    (TierRule(Tier.ROLLBACK, above=1.0, below=None, hold=0),),
    service="{{ $labels.job }}",
)
RULES = RuleSet((Group("g", (RULE,)),), Routing("test", Route("C")), {})
N, P, F, R = State.INACTIVE, State.PENDING, State.FIRING, State.RECOVERING


def recorded(at: int, before: State, after: State, since: int, job: str = "auth", **more: object) -> Recorded:
    key = AlertKey(str(more.pop("alert", "Errors")), labels_of({"job": job}), Tier(str(more.pop("tier", "rollback"))))
    return Recorded(at, "g", key, before, after, Cause.BREACHED, since, **more)  # type: ignore[arg-type]


RECORDS = [
    ("it fired and resolved", [(20, P, F, 10), (50, F, N, 10)], [(10, 50)]),
    ("clear counts, not resolved", [(20, P, F, 10), (50, F, R, 10), (90, R, N, 10)], [(10, 50)]),
    ("back while recovering", [(20, P, F, 10), (50, F, R, 10), (60, R, F, 10), (70, F, N, 10)], [(10, 50), (60, 70)]),
    ("pending alone is no breach", [(20, N, P, 10), (30, P, N, 10)], []),
    ("it still fires", [(20, P, F, 10)], [(10, None)]),
    ("its beginning is forgotten", [(50, F, N, 10)], []),
]


@pytest.mark.parametrize(("rows", "expected"), [row[1:] for row in RECORDS], ids=[row[0] for row in RECORDS])
def test_breaches_from_the_record(
    rows: list[tuple[int, State, State, int]], expected: list[tuple[int, int | None]]
) -> None:
    found = breaches_of([recorded(*row) for row in rows], RULES)
    assert {service: [(one.begin, one.end) for one in several] for service, several in found.items()} == (
        {"auth": expected} if expected else {}
    )


def test_breaches_are_read_from_the_store_as_far_back_as_versions_are() -> None:
    store = MemoryStore()
    past = [recorded(T - 15 * DAY, P, F, T - 15 * DAY, "web"), recorded(T - DAY, P, F, T - DAY)]
    store.commit(Change(transitions=tuple(past)))
    assert fired(store, RULES, T) == {"auth": (Breach("Errors", T - DAY),)}


def test_breaches_stand_with_their_service_and_what_says_nothing_is_left_out() -> None:
    found = breaches_of(
        [
            recorded(20, P, F, 10),
            recorded(21, P, F, 11, "web"),
            recorded(22, P, F, 12, "admin", shadow=True),
            recorded(23, P, F, 13, "admin", tier="blind"),
            recorded(24, P, F, 14, "admin", alert="Gone"),
        ],
        RULES,
    )
    assert found == {"auth": (Breach("Errors", 10),), "web": (Breach("Errors", 11),)}
