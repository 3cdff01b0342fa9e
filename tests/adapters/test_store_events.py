"""What the database keeps of an event: every kind, whatever stands in it, comes back as it was."""

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import get_args

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.adapters.store import codec
from monitor.core.actor import MONITOR, Actor, Role, Source
from monitor.core.incidents.events import (
    Acknowledged,
    AlertFired,
    AlertRenamed,
    AlertResolved,
    Asked,
    Call,
    Called,
    DealtWith,
    Ended,
    Event,
    Firing,
    HiddenTold,
    Opened,
    ProcedureStarted,
    Refused,
    Snapshot,
    StillOnIt,
    Unacknowledged,
)
from monitor.core.incidents.procedureevents import CareEvent, ProcedureEvent
from monitor.core.model import AlertKey, Cause, Reference, Tier
from monitor.core.procedures.procedure import Procedure
from monitor.core.rules.rule import Resolve
from monitor.core.rules.signal import Unit

TIMES = st.datetimes(
    min_value=datetime(2000, 1, 1),  # noqa: DTZ001  # the strategy wants naive bounds and adds the zone
    timezones=st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=45))]),
)
ACTORS = st.builds(
    Actor, st.text(), st.text(), st.sampled_from(Source), st.frozensets(st.sampled_from(Role)), st.booleans()
)
NUMBERS = st.none() | st.sampled_from([math.inf, -math.inf, -0.0]) | st.floats(allow_nan=False)
LABELS = st.dictionaries(st.text(), st.text(), max_size=3).map(lambda pairs: tuple(sorted(pairs.items())))
KEYS = st.builds(AlertKey, st.text(), LABELS, st.sampled_from(Tier))
REFERENCES = st.lists(st.builds(Reference, st.text(), NUMBERS, st.text()), max_size=2).map(tuple)
FIRINGS = st.builds(
    Firing,
    KEYS,
    service=st.text(),
    summary=st.text(),
    since=TIMES,
    fired_at=TIMES,
    value=NUMBERS,
    limit=NUMBERS,
    above=st.booleans(),
    unit=st.sampled_from(Unit),
    why=st.text(),
    baseline=REFERENCES,
    links=LABELS,
    procedure=st.text(),
    resolve=st.sampled_from(Resolve),
    resolved_at=st.none() | TIMES,
    resolved_why=st.text(),
    open_ended=st.booleans(),
    late=st.booleans(),
    labels=LABELS,
)
st.register_type_strategy(datetime, TIMES)
st.register_type_strategy(float, st.sampled_from([math.inf, -math.inf, -0.0]) | st.floats(allow_nan=False))
st.register_type_strategy(Actor, ACTORS)
st.register_type_strategy(AlertKey, KEYS)
PLANS = st.from_type(Procedure)

EVENTS: dict[str, st.SearchStrategy[Event]] = {
    **{
        kind.__dataclass_fields__["kind"].default: st.from_type(kind)
        for kind in (*get_args(ProcedureEvent), *get_args(CareEvent))
    },
    "opened": st.builds(Opened, TIMES, ACTORS, st.text(), st.booleans(), LABELS),
    "alert_fired": st.builds(AlertFired, TIMES, ACTORS, FIRINGS),
    "alert_resolved": st.builds(AlertResolved, TIMES, ACTORS, KEYS, st.sampled_from(Cause), NUMBERS, st.text()),
    "alert_renamed": st.builds(AlertRenamed, TIMES, ACTORS, KEYS, KEYS),
    "snapshot": st.builds(Snapshot, TIMES, ACTORS, KEYS, LABELS, *[NUMBERS] * 4, REFERENCES, st.text()),
    "acknowledged": st.builds(Acknowledged, TIMES, ACTORS),
    "called": st.builds(Called, TIMES, ACTORS, st.sampled_from(Call), TIMES, st.text()),
    "asked": st.builds(Asked, TIMES, ACTORS),
    "still_on_it": st.builds(StillOnIt, TIMES, ACTORS),
    "unacknowledged": st.builds(Unacknowledged, TIMES, ACTORS, ACTORS),
    "hidden_told": st.builds(HiddenTold, TIMES, ACTORS, st.text(), st.lists(st.text(), max_size=3).map(tuple)),
    "procedure_started": st.builds(ProcedureStarted, TIMES, ACTORS, st.text(), st.integers(0, 99), st.none() | PLANS),
    "dealt_with": st.builds(DealtWith, TIMES, ACTORS, KEYS, st.text()),
    "refused": st.builds(Refused, TIMES, ACTORS, st.text(), st.text()),
    "ended": st.from_type(Ended),
}


def test_every_kind_of_event_has_its_row() -> None:
    assert set(EVENTS) == {kind.__dataclass_fields__["kind"].default for kind in Event.__args__}


@pytest.mark.parametrize("kind", EVENTS)
def test_nothing_of_an_event_is_lost_on_the_way_to_a_row_and_back(kind: str) -> None:
    @given(EVENTS[kind])
    def round_trip(event: Event) -> None:
        assert event.kind == kind
        assert codec.event_of(codec.event_text(event)) == event

    round_trip()


def test_a_number_that_is_none_stays_apart_from_no_number() -> None:
    text = codec.event_text(
        AlertResolved(
            datetime(2026, 3, 1, tzinfo=UTC),
            MONITOR,
            AlertKey("A", (), Tier.PREPARE),
            Cause.CLEAR_LONG_ENOUGH,
            math.nan,
        )
    )
    back = codec.event_of(text)
    assert isinstance(back, AlertResolved)
    assert back.value is not None
    assert back.value != back.value  # what is not equal to itself is NaN


def test_an_event_keeps_the_click_that_it_came_by_and_an_older_one_had_none() -> None:
    by = Actor("U0ANA", "Ana", Source.SLACK, frozenset({Role.RESPONDER}), click="U0ANA/acknowledge/1.0")
    text = codec.event_text(Acknowledged(datetime(2026, 3, 1, tzinfo=UTC), by))
    assert codec.event_of(text).by == by
    older = orjson.loads(text)
    del older["by"]["click"]
    assert codec.event_of(orjson.dumps(older).decode()).by == replace(by, click="")
