"""What a renamed rule did, under its new name."""

from dataclasses import replace

import pytest

from monitor.core.model import Tier
from monitor.core.replay.comparison import compare
from monitor.core.replay.outcome import Band, Blind, Case, Insufficient, KnownIncident, Replayed, Trace, Unread
from monitor.core.replay.renaming import names_taken, renamed, under_all_names
from monitor.core.rules.ruleset import RuleSet
from monitor.core.rules.signal import Unit
from tests.core.replay.outcomes import END, key, page, stretch
from tests.core.test_comparison import API, QUEUE, with_rule

OLD = with_rule(API, QUEUE)
NEW = with_rule(replace(API, alert="Errors", renamed_from="ApiErrors"), QUEUE)


@pytest.mark.parametrize(
    ("old", "new", "names"),
    [
        pytest.param(OLD, NEW, {"ApiErrors": "Errors"}, id="the new set renames"),
        pytest.param(NEW, OLD, {"Errors": "ApiErrors"}, id="the new set is that of before the renaming"),
        pytest.param(OLD, with_rule(replace(API, alert="Errors"), QUEUE), {}, id="another rule"),
        pytest.param(NEW, NEW, {}, id="renamed in both"),
    ],
)
def test_renames_are_known_from_either_set(old: RuleSet, new: RuleSet, names: dict[str, str]) -> None:
    assert names_taken(old, new) == names


def everything(alert: str) -> Replayed:
    """An outcome that speaks of one alert in every way there is."""
    of = key(alert)
    return Replayed(
        begin=0,
        end=END,
        interval=15,
        alerts=(stretch(100, 400, 900, of),),
        pages=(page(400, of),),
        blind=(Blind("g", alert, (), 0, None, "no data"),),
        insufficient=(Insufficient("g", of, 3),),
        unread=(Unread("g", alert, 0, 5, "gone"),),
        traces=(Trace(of, "g", Unit.RATIO, (0,), (None,), (None,), (None,), (None,), tuple[Band, ...]()),),
        cases=(Case("INC-0001", Tier.PREPARE, 400, None, None, (of,)),),
        shadowed=(alert,),
    )


def test_a_renamed_rule_pages_the_same_pages() -> None:
    old, new = everything("ApiErrors"), everything("Errors")
    assert renamed(old, {"ApiErrors": "Errors"}) == new
    assert not compare(renamed(old, names_taken(OLD, NEW)), new).changed


@pytest.mark.parametrize(
    ("named", "found"),
    [(("ApiErrors",), ("ApiErrors", "Errors")), (("Errors",), ("Errors", "ApiErrors")), (("Q",), ("Q",)), ((), ())],
)
def test_an_incident_speaks_of_a_rule_by_either_name(named: tuple[str, ...], found: tuple[str, ...]) -> None:
    assert under_all_names(KnownIncident("x", 0, 1, named), (OLD, NEW)).alerts == found
