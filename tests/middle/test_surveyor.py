"""When rules are surveyed, and what is told of it: each set once, each finding once, trouble in one line."""

from collections.abc import Callable

import pytest
from structlog.testing import capture_logs

from monitor.adapters.memory.world import ScriptedSource
from monitor.core.model import Sample, labels_of
from monitor.evaluation.baselines import Baselines
from monitor.ports.metrics import Answer, Samples, Unanswered
from monitor.survey import Surveyor
from monitor.survey.surveyor import AGAIN
from tests.middle.house import House, group, rule, rule_set

LOGIN, ERRORS = rule("Login", rollback=0), rule("Errors", prepare=300)
ONE = Samples((Sample(labels_of({"job": "auth"}), 1.0),))
NOTHING = Samples(())


class Desk:
    """A surveyor of a rule whose selector `says` decides about, and what it has logged."""

    def __init__(self, says: Callable[[str], Answer]) -> None:
        self.says = says
        self.house = House(group("critical", LOGIN))
        source = ScriptedSource(lambda expr, _at: self.says(expr))
        self.surveyor = Surveyor(source, Baselines(source), self.house.clock, self.house.book)

    def look(self) -> list[tuple[str, str]]:
        with capture_logs() as logs:
            self.surveyor.look()
        return [(one["event"], one["why"]) for one in logs]


def test_a_set_is_due_until_it_was_surveyed_and_another_is_due_again() -> None:
    desk = Desk(lambda _: ONE)
    assert desk.surveyor.due
    assert desk.look() == []
    assert not desk.surveyor.due
    desk.house.book.swap(rule_set(group("critical", LOGIN, ERRORS)))
    assert desk.surveyor.due


def test_a_finding_is_told_once_however_often_rules_are_read() -> None:
    desk = Desk(lambda _: NOTHING)
    assert desk.look() == [("rule.doubtful", "`expr` matches no series: login")]
    desk.house.book.swap(rule_set(group("critical", LOGIN, ERRORS)))
    assert desk.look() == [("rule.doubtful", "`expr` matches no series: errors")]
    assert [one.rule for one in desk.surveyor.last.doubts] == ["Login", "Errors"]


def test_a_finding_that_was_gone_is_told_again() -> None:
    desk = Desk(lambda _: NOTHING)
    desk.look()
    desk.says = lambda _: ONE
    assert desk.look() == []
    desk.says = lambda _: NOTHING
    assert desk.look() == [("rule.doubtful", "`expr` matches no series: login")]


def test_remarks_are_not_told() -> None:
    desk = Desk(lambda _: NOTHING)
    desk.house.book.swap(rule_set(group("critical", rule("Login", rollback=0, optional=True))))
    assert desk.look() == []
    assert [str(one.severity) for one in desk.surveyor.last.doubts] == ["remark"]


def test_without_an_answer_one_line_is_told_and_it_is_tried_again_later() -> None:
    desk = Desk(lambda _: Unanswered("timeout"))
    assert desk.look() == [("rules.not_surveyed", "timeout")]
    assert not desk.surveyor.due
    desk.house.clock.advance(AGAIN)
    assert desk.surveyor.due
    assert desk.look() == []
    desk.says = lambda _: NOTHING
    assert desk.look() == [("rule.doubtful", "`expr` matches no series: login")]
    assert not desk.surveyor.due


def test_what_was_found_under_rules_that_were_replaced_meanwhile_counts_no_longer() -> None:
    def says(_: str) -> Answer:
        desk.house.book.swap(rule_set(group("critical", ERRORS)))
        return NOTHING

    desk = Desk(says)
    assert desk.look() == []
    assert desk.surveyor.due
    assert desk.surveyor.last.doubts == ()


@pytest.mark.parametrize("groups", [(), (group("critical"),)])
def test_a_set_without_rules_is_surveyed_too(groups: tuple[object, ...]) -> None:
    desk = Desk(lambda _: NOTHING)
    desk.house.book.swap(rule_set(*groups))  # type: ignore[arg-type]  # groups, or none
    assert desk.look() == []
    assert not desk.surveyor.due
