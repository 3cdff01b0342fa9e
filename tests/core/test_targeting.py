"""What changed before a breach, and to what each service goes back: decided from what was seen, and put into words."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from monitor.core.judging.deploy import Seen
from monitor.core.model import utc
from monitor.core.releases.release import (
    Availability,
    Target,
    What,
    WhatChanged,
    WhyNot,
    image_of,
    not_read,
    with_image,
)
from monitor.core.releases.releasewords import advice, change_line, target_line
from monitor.core.releases.runs import SLACK, Breach
from monitor.core.releases.targeting import BEFORE, History, Question, what_changed
from monitor.core.rules.service import Labelled, Service

HOUR, DAY = 3600, 86_400
BREACH = 20_000 * DAY + 3 * HOUR + 120
QUESTION = Question(BREACH, DAY)


def seen(*moves: tuple[int, str]) -> tuple[Seen, ...]:
    """Moves at seconds from the breach."""
    return tuple((BREACH + at, frozenset(values.split())) for at, values in moves)


AUTH = History("auth", BREACH + 60, seen((-6 * DAY - 4 * HOUR - 120, "2.13.4"), (-120, "2.14.0")))


def found(*histories: History, breaches: tuple[Breach, ...] = ()) -> WhatChanged:
    return what_changed(histories, {"auth": breaches}, QUESTION, BREACH + 60)


def target(history: History, *breaches: Breach) -> Target:
    one = found(history, breaches=breaches).target("auth")
    assert one is not None
    return one


def test_a_release_before_the_breach_has_a_target() -> None:
    one = target(AUTH)
    assert (one.current, one.version, one.ran, one.at_least) == ("2.14.0", "2.13.4", 6 * DAY + 4 * HOUR, True)
    assert one.good_until == one.changed_at == utc(BREACH - 120)
    assert (one.why_not, one.why) == (WhyNot.NONE, "")


NONE = [
    (
        "both run",
        seen((-DAY, "1"), (-60, "1 2")),
        {},
        WhyNot.MID_DEPLOY,
        "a deploy is under way: 1 and 2 run side by side",
    ),
    (
        "replicas lag",
        seen((-DAY, "1"), (-60, "2")),
        {"rolling": True},
        WhyNot.MID_DEPLOY,
        "not every replica is updated",
    ),
    ("it is back already", seen((-DAY, "1"), (-60, "2"), (45, "1")), {}, WhyNot.ALREADY_BACK, "1 runs again"),
    ("nothing ran alone", seen((-DAY, "1 2"), (-60, "3")), {}, WhyNot.NO_KNOWN_GOOD, "no other version was seen"),
]


@pytest.mark.parametrize(("moves", "more", "why_not", "why"), [row[1:] for row in NONE], ids=[row[0] for row in NONE])
def test_nothing_is_proposed(moves: tuple[Seen, ...], more: dict[str, bool], why_not: WhyNot, why: str) -> None:
    one = target(replace(AUTH, versions=moves, **more))  # type: ignore[arg-type]
    assert (one.version, one.why_not) == ("", why_not)
    assert why in one.why


def test_a_version_that_broke_is_no_target() -> None:
    one = target(AUTH, Breach("LoginFailing", BREACH - 2 * DAY, BREACH - DAY))
    assert (one.version, one.why_not) == ("", WhyNot.NO_KNOWN_GOOD)
    assert "2.13.4 ran 6 d 4 h, with LoginFailing on" in one.why


def test_the_breach_in_question_counts_against_the_release() -> None:
    assert target(AUTH, Breach("LoginFailing", BREACH)).version == "2.13.4"


EDGE = [
    ("a day before", -BEFORE, True),
    ("longer ago", -BEFORE - 1, False),
    ("as it is scraped", SLACK, True),
    ("afterwards", SLACK + 1, False),
]


@pytest.mark.parametrize(("at", "counts"), [row[1:] for row in EDGE], ids=[row[0] for row in EDGE])
def test_when_a_release_counts(at: int, *, counts: bool) -> None:
    history = replace(AUTH, versions=seen((-2 * DAY, "1"), (at, "2")))
    assert (found(history).target("auth") is not None) is counts
    assert [one.later for one in found(history).changes] == ([] if at < -BEFORE else [not counts])


def test_after_a_later_release_the_target_is_still_the_one_before_the_breach() -> None:
    one = target(replace(AUTH, versions=seen((-2 * DAY, "1"), (-60, "2"), (45, "3"))))
    assert (one.current, one.version) == ("3", "1")


SCHEMAS = [
    ("with the release", seen((-9 * DAY, "41"), (-90, "42")), False, ("42",)),
    ("shortly before it", seen((-9 * DAY, "41"), (-HOUR, "42")), False, ("42",)),
    ("long before it", seen((-9 * DAY, "41"), (-3 * HOUR, "42")), False, ()),
    ("several, in order", seen((-9 * DAY, "41"), (-90, "42"), (-60, "42 43")), False, ("42", "43")),
    ("all are listed at all times", seen((-9 * DAY, "41"), (-90, "41 42")), False, ("42",)),
    ("unseen for a while", seen((-9 * DAY, "41"), (-300, ""), (-60, "41")), False, ()),
    ("counted", seen((-9 * DAY, "41"), (-90, "43")), True, ("2 applied",)),
    ("counted, restarted", seen((-9 * DAY, "41"), (-90, "0")), True, ()),
    ("first seen with the release", seen((-90, "41")), False, ()),
    ("never seen", seen(), False, ()),
]


@pytest.mark.parametrize(
    ("moves", "counted", "expected"), [row[1:] for row in SCHEMAS], ids=[row[0] for row in SCHEMAS]
)
def test_migrations_since_the_target(moves: tuple[Seen, ...], *, counted: bool, expected: tuple[str, ...]) -> None:
    one = target(replace(AUTH, migrations=moves, counted=counted))
    assert (one.migrations, one.migrations_seen) == (expected, True)


def test_migrations_that_nobody_watches_are_not_known() -> None:
    assert not target(AUTH).migrations_seen


def test_changes_stand_in_the_order_of_time_whatever_their_kind() -> None:
    agents = History(
        "agents", BREACH, seen((-DAY, "1")), flags=seen((-DAY, "w=on"), (-30, "w=off n=on"), (60, "w=on n=on"))
    )
    auth = replace(AUTH, migrations=seen((-9 * DAY, "41"), (-200, "42")), by=(("2.14.0", "ana"), ("2.13.4", "bo")))
    told = found(agents, auth)
    assert [(one.service, one.what, one.before, one.after, one.by) for one in told.before] == [
        ("auth", What.MIGRATION, "41", "42", ""),
        ("auth", What.RELEASE, "2.13.4", "2.14.0", "ana"),
        ("agents", What.FLAG, "w=on", "w=off", ""),
    ]
    assert [(one.after, one.later) for one in told.changes[3:]] == [("w=on", True)]
    assert told.watched == (What.RELEASE, What.FLAG, What.MIGRATION)
    assert [one.service for one in told.targets] == ["auth"], "a flag is switched back, not rolled back"


LINES = [
    ("a release", {}, "auth 2.14.0 (before: 2.13.4) deployed 03:00 UTC, 2 min before"),
    ("by somebody", {"by": "ana"}, "auth 2.14.0 (before: 2.13.4) deployed 03:00 UTC, 2 min before, by ana"),
    (
        "under way",
        {"under_way": True},
        "auth 2.14.0 (before: 2.13.4) deployed 03:00 UTC, 2 min before, still under way",
    ),
    (
        "a flag",
        {"what": What.FLAG, "before": "w=on", "after": "w=off"},
        "auth flag w=off (before: on) switched 03:00 UTC, 2 min before",
    ),
    (
        "a migration",
        {"what": What.MIGRATION, "before": "1", "after": "2"},
        "auth schema 2 (before: 1) migrated 03:00 UTC, 2 min before",
    ),
    (
        "later",
        {"later": True, "at": utc(BREACH + 300)},
        "auth 2.14.0 (before: 2.13.4) deployed 03:07 UTC, 5 min after it began",
    ),
]


@pytest.mark.parametrize(("more", "line"), [row[1:] for row in LINES], ids=[row[0] for row in LINES])
def test_a_change_in_words(more: dict[str, object], line: str) -> None:
    told = found(AUTH)
    assert change_line(replace(told.changes[0], **more), told) == line  # type: ignore[arg-type]


IMAGES = [
    ({}, "confirm its image by hand: no registry was asked; migrations since: not watched"),
    ({"available": Availability.YES, "migrations_seen": True}, "its image is there; no migration since"),
    (
        {"available": Availability.NO, "image": "r/auth:1"},
        "ITS IMAGE IS NOT THERE: r/auth:1; migrations since: not watched",
    ),
    (
        {"image_why": "it is down", "migrations_seen": True, "migrations": ("42", "43")},
        "confirm its image by hand: it is down; migrations since: 42, 43",
    ),
]


@pytest.mark.parametrize(("more", "words"), IMAGES)
def test_a_target_in_words(more: dict[str, object], words: str) -> None:
    line = target_line(replace(target(AUTH), **more))  # type: ignore[arg-type]
    assert line == f"auth 2.14.0: go back to 2.13.4 (last known good, ran at least 6 d 4 h; {words})"


def test_no_target_in_words() -> None:
    one = target(replace(AUTH, rolling=True))
    assert target_line(one) == "auth 2.14.0: no target, a deploy is under way: not every replica is updated"


def test_nothing_changed_is_said_only_where_it_is_known() -> None:
    quiet = History(
        "auth", BREACH, seen((-3 * DAY, "1")), migrations=seen((-DAY, "41")), flags=seen((-DAY, "writes=on"))
    )
    nothing = found(quiet)
    assert nothing.nothing
    assert advice(nothing) == "No release, flag or migration in 24 h: a rollback is unlikely to help."
    assert advice(found(replace(quiet, flags=None, migrations=None))).startswith("No release in 24 h: ")
    unseen = found(quiet, History("web", BREACH, seen((-DAY, ""))))
    assert (unseen.nothing, unseen.unseen) == (False, ("web",))
    assert "the version of web was not seen at all" in advice(unseen)
    assert not found().nothing
    dark = found(replace(quiet, migrations=seen((-DAY, "")), flags=()))
    assert not dark.nothing, "no series is no proof that nothing was switched"
    assert advice(dark) == "No change was seen, but migrations of auth, flags of auth could not be seen at all."
    assert "not configured" in advice(found())
    assert advice(found(AUTH)) == ""


def test_what_came_only_after_a_breach_is_no_reason_to_go_back() -> None:
    late = found(History("auth", BREACH, seen((-3 * DAY, "1"), (HOUR, "2"))))
    assert [one.later for one in late.changes] == [True]
    assert late.nothing
    assert advice(late) == "No release in the 24 h before it began, only after that: a rollback is unlikely to help."


def test_from_a_partial_answer_nothing_is_proposed() -> None:
    told = not_read(found(AUTH), "Prometheus did not answer")
    assert [(one.version, one.why_not, one.why) for one in told.targets] == [
        ("", WhyNot.PARTIAL, "Prometheus did not answer")
    ]
    assert advice(told).endswith("(Prometheus did not answer): no rollback target is proposed.")
    assert not not_read(found(History("auth", BREACH, seen((-DAY, "1")))), "down").nothing


def test_an_image_by_its_template() -> None:
    service = Service("auth", Labelled("v", "version"), image="r.example.com/auth:{version}")
    one = replace(target(AUTH), available=Availability.YES, digest="sha256:1")
    pinned = with_image(one, image_of(service, "2.13.3"))
    assert (pinned.image, pinned.available, pinned.digest) == ("r.example.com/auth:2.13.3", Availability.UNKNOWN, "")
    assert image_of(Service("auth", Labelled("v", "version")), "2.13.3") == ""


JSON = TypeAdapter(WhatChanged)
VERSIONS = st.lists(st.tuples(st.integers(-3000, 10), st.sampled_from(["", "1", "2", "1 2", "3"])), max_size=10)


@settings(deadline=None)
@given(VERSIONS, st.lists(st.tuples(st.integers(-3000, 10), st.integers(1, 100)), max_size=3), st.booleans())
def test_what_is_proposed_ran_before_and_is_not_what_runs(
    moves: list[tuple[int, str]],
    fired: list[tuple[int, int]],
    rolling: bool,  # noqa: FBT001  # the library gives it by its place
) -> None:
    versions = seen(*((60 * at, what) for at, what in sorted(dict(moves).items())))
    breaches = tuple(Breach("A", BREACH + 60 * at, BREACH + 60 * (at + long)) for at, long in fired)
    told = found(History("auth", BREACH + 600, versions, rolling=rolling), breaches=breaches)
    assert JSON.validate_json(JSON.dump_json(told)) == told
    assert all(one.at >= told.breach - timedelta(seconds=BEFORE) for one in told.changes)
    for one in told.targets:
        assert (one.version == "") == (one.why_not is not WhyNot.NONE) == bool(one.why)
        if one.version:
            assert not rolling
            assert one.version != one.current
            assert "," not in one.current
            assert one.good_until is not None
            assert one.good_until <= one.changed_at


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 5 * DAY), st.integers(1, 10 * DAY))
def test_the_same_history_later_tells_the_same_target(shift: int, ran: int) -> None:
    def told(by: int) -> tuple[str, int]:
        moves = tuple((at + by, what) for at, what in seen((-120 - ran, "1"), (-120, "2")))
        question = Question(BREACH + by, DAY)
        (one,) = what_changed((History("auth", BREACH + 60 + by, moves),), {}, question, BREACH + by).targets
        return one.version, one.ran

    assert told(shift) == told(0) == ("1", ran)
