"""Who is called beside Slack, when Slack does not take a page, and what everybody is told of it later."""

import threading
import time
from dataclasses import replace

import pytest

from monitor.adapters.memory.world import RecordingPager
from monitor.core.model import Tier
from monitor.core.pages.calling import Stance
from monitor.core.pages.page import ActionKind
from monitor.core.rules.routing import Pages
from monitor.delivery.outbox import Destinations
from monitor.ports.pager import Ambiguous, Delivery, Gone, Message, Rejected, RetryAfter, Sent
from monitor.ports.store import PostKind, PostState
from tests.middle.house import BAD, INTERVAL, QUIET, WORST, House, group, rule

LOGIN, ERRORS = rule("Login", rollback=0), rule("Errors", prepare=0, rollback=60)
CRITICAL = group("critical", LOGIN, ERRORS)
BOTH = ("slack", "pagerduty")
REFUSED = Rejected("Slack refused (is_archived)")


class Channels(RecordingPager):
    """A Slack whose channels answer as they are told."""

    def __init__(self, **answers: Delivery) -> None:
        super().__init__()
        self.answers = answers

    def deliver(self, message: Message) -> Delivery:
        sent = super().deliver(message)
        return self.answers.get(message.post.channel, sent)


def house_of(
    slack: RecordingPager | None = None, *, second: str = "", pages: Pages | None = None
) -> tuple[House, RecordingPager]:
    """A house with PagerDuty beside Slack."""
    duty = RecordingPager()
    destinations = Destinations({"pagerduty": duty}, lambda: second)
    house = House(CRITICAL, pager=slack, destinations=destinations)
    rules = house.book.now.rules
    house.build(replace(rules, routing=replace(rules.routing, page=pages or Pages())))
    return house, duty


def fires(house: House, alert: str = "Login", value: float = WORST) -> None:
    house.says(alert, value)
    house.evaluate_all()
    house.outbox.deliver_due()


def told(duty: RecordingPager) -> list[tuple[str, Stance]]:
    return [(one.call.key, one.call.stance) for one in duty.messages if one.call is not None]


def later(house: House, seconds: float, alert: str = "", value: float = QUIET) -> None:
    house.clock.advance(seconds)
    if alert:
        house.says(alert, value)
    house.tick()
    house.tick()


# --- by `page:` -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pages", "alert", "value", "called"),
    [
        pytest.param(Pages(), "Login", WORST, 0, id="slack only is the default"),
        pytest.param(Pages(rollback=BOTH), "Login", WORST, 1, id="rollback"),
        pytest.param(Pages(rollback=BOTH), "Errors", BAD, 0, id="prepare, and only rollback names it"),
        pytest.param(Pages(prepare=BOTH), "Errors", BAD, 1, id="prepare"),
    ],
)
def test_an_opening_calls_the_pagers_of_its_tier_at_once(pages: Pages, alert: str, value: float, called: int) -> None:
    house, duty = house_of(pages=pages)
    fires(house, alert, value)
    assert told(duty) == [("production/INC-0001", Stance.TRIGGERED)] * called
    assert house.told == ["root"]


def test_blindness_calls_the_pagers_of_blind() -> None:
    house, duty = house_of(pages=Pages(blind=BOTH))
    house.says("Login", None)
    house.says("Errors", None)
    house.walk(330)
    assert told(duty) == [("production/INC-0001", Stance.TRIGGERED)]
    assert [one.call.tier for one in duty.messages if one.call] == [Tier.BLIND]


def test_an_acknowledgement_and_the_recovery_are_told() -> None:
    house, duty = house_of(pages=Pages(rollback=BOTH))
    fires(house)
    house.ask(ActionKind.ACKNOWLEDGE)
    house.outbox.deliver_due()
    house.ask(ActionKind.START)
    house.outbox.deliver_due()
    later(house, INTERVAL, "Login", QUIET)
    key = "production/INC-0001"
    assert told(duty) == [(key, Stance.TRIGGERED), (key, Stance.ACKNOWLEDGED), (key, Stance.RESOLVED)]
    assert duty.messages[1].call is not None
    assert duty.messages[1].call.by == "Ana"


def test_a_raise_calls_anew_and_the_call_before_is_over() -> None:
    house, duty = house_of(pages=Pages(rollback=BOTH, prepare=BOTH))
    fires(house, "Errors", BAD)
    house.ask(ActionKind.ACKNOWLEDGE)
    house.outbox.deliver_due()
    later(house, INTERVAL, "Login", WORST)
    raised = next(one for one in house.store.posts("INC-0001") if one.kind is PostKind.CALL and one.n)
    assert told(duty)[:2] == [("production/INC-0001", Stance.TRIGGERED), ("production/INC-0001", Stance.ACKNOWLEDGED)]
    assert sorted(told(duty)[2:]) == [
        ("production/INC-0001", Stance.RESOLVED),
        (f"production/INC-0001/{raised.n}", Stance.TRIGGERED),
    ]
    assert [one.call.tier for one in duty.messages if one.call and one.call.stance is Stance.RESOLVED] == [Tier.PREPARE]


def test_back_rings_though_an_acknowledgement_is_kept_and_goes_on_from_there() -> None:
    house, duty = house_of(pages=Pages(rollback=BOTH))
    fires(house)
    later(house, 60)
    house.ask(ActionKind.ACKNOWLEDGE)
    later(house, 300, "Login", QUIET)
    later(house, 300, "Login", WORST)
    assert house.incident().acknowledged_by is not None
    (again,) = {key for key, _ in told(duty)} - {"production/INC-0001"}
    assert told(duty)[-2:] == [(again, Stance.TRIGGERED), ("production/INC-0001", Stance.RESOLVED)]
    house.ask(ActionKind.START)
    house.outbox.deliver_due()
    assert told(duty)[-1] == ("production/INC-0001", Stance.RESOLVED), "who has it is no news"
    later(house, INTERVAL, "Login", QUIET)
    assert told(duty)[-1] == (again, Stance.RESOLVED)


def test_back_does_not_ring_where_somebody_acknowledged_it_before_it_went_out() -> None:
    house, duty = house_of(pages=Pages(rollback=BOTH))
    fires(house)
    later(house, 300, "Login", QUIET)
    house.clock.advance(600)
    house.says("Login", WORST)
    house.evaluate_all()
    house.clock.advance(1)
    house.ask(ActionKind.ACKNOWLEDGE)
    house.outbox.deliver_due()
    new = [stance for key, stance in told(duty) if key != "production/INC-0001"]
    assert new == [Stance.ACKNOWLEDGED]


def test_back_calls_at_most_once_in_ten_minutes() -> None:
    house, duty = house_of(pages=Pages(rollback=BOTH))
    fires(house)
    for seconds, value in ((60, QUIET), (60, WORST), (60, QUIET)):
        later(house, seconds, "Login", value)
    stances = [stance for _, stance in told(duty)]
    assert stances == [Stance.TRIGGERED, Stance.RESOLVED, Stance.TRIGGERED, Stance.RESOLVED], "the same call, not a new"
    assert {key for key, _ in told(duty)} == {"production/INC-0001"}
    later(house, 660, "Login", WORST)
    assert len({key for key, _ in told(duty)}) == 2


def test_a_pager_that_is_named_and_not_configured_is_refused_and_the_others_are_called() -> None:
    house, duty = house_of(pages=Pages(rollback=("slack", "webhook")))
    fires(house)
    house.outbox.deliver_due()
    assert told(duty) == [("production/INC-0001", Stance.TRIGGERED)]
    webhook = next(one for one in house.store.posts("INC-0001") if one.channel == "webhook")
    assert webhook.problem == "webhook is not configured: MONITOR_WEBHOOK__URL is not set"
    later(house, 60, "Login", QUIET)
    webhook = next(one for one in house.store.posts("INC-0001") if one.channel == "webhook")
    assert webhook.state is PostState.FAILED, "it is given up with the incident"


# --- whatever `page:` says ------------------------------------------------------------------------------------------


def test_a_refused_page_goes_to_the_second_channel_and_is_tried_again() -> None:
    slack = Channels(C0OPS=REFUSED)
    house, duty = house_of(slack, second="C0SECOND")
    fires(house)
    house.outbox.deliver_due()
    sent = [(one.post.channel, one.post.kind) for one in slack.messages]
    assert sent == [("C0OPS", PostKind.ROOT), ("C0SECOND", PostKind.CALL)]
    assert slack.messages[1].page is not None
    assert slack.messages[1].page.mention == ("S0ONCALL",)
    later(house, 45)
    assert told(duty) == [], "somebody at Slack has it"
    slack.answers.clear()
    later(house, 30)
    assert [one.partition(":")[0] for one in house.told[-2:]] == ["root", "line"]
    assert house.store.owed() == []


def test_where_the_second_channel_refuses_too_the_other_pagers_are_called_at_once() -> None:
    house, duty = house_of(Channels(C0OPS=REFUSED, C0SECOND=REFUSED), second="C0SECOND")
    fires(house)
    for _ in range(3):
        house.outbox.deliver_due()
    assert told(duty) == [("production/INC-0001", Stance.TRIGGERED)]


@pytest.mark.parametrize(
    ("alert", "value", "patience"),
    [pytest.param("Login", WORST, 30, id="rollback"), pytest.param("Errors", BAD, 120, id="prepare")],
)
def test_a_page_that_slack_does_not_take_calls_the_others_in_time(alert: str, value: float, patience: int) -> None:
    house, duty = house_of(Channels(C0OPS=Ambiguous("timeout")))
    fires(house, alert, value)
    house.clock.advance(patience - 1)
    assert house.outbox.deliver_due() <= 1
    assert told(duty) == []
    house.clock.advance(1)
    house.outbox.deliver_due()
    house.outbox.deliver_due()
    assert told(duty) == [("production/INC-0001", Stance.TRIGGERED)]


def test_what_somebody_has_acknowledged_meanwhile_calls_nobody() -> None:
    house, duty = house_of(Channels(C0OPS=RetryAfter(5, "unreached")))
    fires(house)
    house.ask(ActionKind.ACKNOWLEDGE)
    later(house, 60)
    assert told(duty) == []


def test_a_page_in_the_thread_of_a_refused_root_goes_where_the_root_went() -> None:
    slack = Channels(C0OPS=REFUSED)
    house, _ = house_of(slack, second="C0SECOND")
    fires(house, "Errors", BAD)
    house.outbox.deliver_due()
    later(house, INTERVAL, "Login", WORST)
    calls = [one.post.n for one in slack.messages if one.post.channel == "C0SECOND" and one.post.ts is None]
    assert len(calls) == 2
    assert calls[1] > 0


def test_once_slack_is_back_one_line_tells_what_happened_meanwhile() -> None:
    slack = Channels(C0OPS=Rejected("Slack refused (token_revoked)"))
    house, duty = house_of(slack)
    fires(house)
    house.outbox.deliver_due()
    assert told(duty) == [("production/INC-0001", Stance.TRIGGERED)]
    house.ask(ActionKind.ACKNOWLEDGE)
    slack.answers.clear()
    later(house, 60)
    later(house, 60)
    lines = [one.post.said for one in slack.messages if one.post.kind is PostKind.LINE]
    words = "This page could not be posted here for 60 s: Slack refused (token_revoked)."
    assert lines == [f"{words} Called meanwhile: pagerduty at 03:00 UTC. Acknowledged by Ana at 03:00 UTC."]
    assert [one.post.kind for one in slack.messages if one.post.ts is None][:3] == [PostKind.ROOT] * 2 + [PostKind.LINE]


def test_nobody_to_hand_on_to_leaves_it_owed() -> None:
    house = House(CRITICAL, pager=Channels(C0OPS=REFUSED))
    fires(house)
    later(house, 300)
    assert [one.kind for one in house.store.owed()] == [PostKind.ROOT]


def test_pages_that_an_earlier_process_could_not_post_are_called_for_at_once() -> None:
    house, duty = house_of(Channels(C0OPS=Ambiguous("timeout")))
    fires(house)
    house.clock.advance(3600)
    house.build(house.book.now.rules)
    house.outbox.deliver_due()
    house.outbox.deliver_due()
    assert told(duty) == [("production/INC-0001", Stance.TRIGGERED)]


# --- deleted by a person --------------------------------------------------------------------------------------------


def test_a_deleted_root_is_posted_anew_once_and_says_so() -> None:
    slack = Channels()
    house, duty = house_of(slack)
    fires(house)
    slack.answers = {"C0OPS": Gone("deleted")}
    house.ask(ActionKind.ACKNOWLEDGE)
    house.outbox.deliver_due()
    slack.answers = {}
    house.outbox.deliver_due()
    anew = slack.messages[-1]
    assert (anew.post.kind, anew.post.ts) == (PostKind.ROOT, None)
    assert anew.page is not None
    assert anew.page.notes[-1] == "The message before this one was deleted in Slack; this one takes its place."
    slack.answers = {"C0OPS": Gone("deleted")}
    house.desk.refresh("INC-0001")
    house.outbox.deliver_due()
    count = len(slack.messages)
    house.clock.advance(600)
    house.outbox.deliver_due()
    assert len(slack.messages) == count, "deleted again it stays away"
    assert told(duty) == []


def test_a_line_whose_root_was_deleted_brings_root_and_card_back() -> None:
    slack = Channels()
    house, _ = house_of(slack)
    fires(house, "Errors", BAD)
    house.ask(ActionKind.START)
    house.outbox.deliver_due()
    slack.answers = {"C0OPS": Gone("thread_not_found")}
    house.says("Login", WORST)
    house.clock.advance(INTERVAL)
    house.evaluate_all()
    house.outbox.deliver_due()
    slack.answers, before = {}, len(slack.messages)
    house.outbox.deliver_due()
    house.outbox.deliver_due()
    after = [(one.post.kind, one.post.ts is None) for one in slack.messages[before:]]
    assert after[0] == (PostKind.ROOT, True)
    assert {kind for kind, new in after if new} == {PostKind.ROOT, PostKind.BROADCAST, PostKind.CARD}
    assert house.store.owed() == []


# --- threads --------------------------------------------------------------------------------------------------------


def test_a_pager_that_hangs_holds_up_no_other() -> None:
    held = threading.Event()

    class Hanging(RecordingPager):
        def deliver(self, message: Message) -> Delivery:
            held.wait(20)
            return super().deliver(message)

    house, duty = house_of(Hanging(), pages=Pages(rollback=BOTH))
    thread = threading.Thread(target=house.outbox.run, args=(lambda _error: None,))
    thread.start()
    try:
        house.says("Login", WORST)
        house.evaluate_all()
        began = time.monotonic()
        while not duty.messages and time.monotonic() - began < 10:
            time.sleep(0.01)
        assert told(duty) == [("production/INC-0001", Stance.TRIGGERED)]
    finally:
        held.set()
        house.outbox.stop()
        thread.join(10)
    assert not thread.is_alive()


def test_a_call_that_got_lost_is_made_again_under_its_key() -> None:
    house, duty = house_of(pages=Pages(rollback=BOTH))
    duty._replies += [Ambiguous("reset"), Sent("taken")]
    fires(house)
    later(house, 2)
    assert told(duty) == [("production/INC-0001", Stance.TRIGGERED)] * 2
    call = next(one for one in house.store.posts("INC-0001") if one.kind is PostKind.CALL)
    assert (call.state, call.ts) == (PostState.SENT, "taken")
