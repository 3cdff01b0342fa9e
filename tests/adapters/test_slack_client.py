"""Pages posted by the real SDK to the strict Slack server: every outcome, told in types."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import pytest

from monitor.adapters.slack.answers import wait_of
from monitor.adapters.slack.client import SlackPager
from monitor.adapters.slack.directory import SlackDirectory
from monitor.adapters.slack.interactions import Home, Person, Rights
from monitor.adapters.slack.probe import probe
from monitor.core.actor import Role
from monitor.core.pages.page import Action, ActionKind, Card, CardStep, Page, Tone
from monitor.core.rules.routing import Route
from monitor.ports.pager import Ambiguous, Delivery, Gone, Message, Rejected, RetryAfter, Sent
from monitor.ports.store import Post, PostKind
from tests.servers.slack import OK, Fault, SlackServer, answers, broken, drips, error, hangs, lost_reply, rate_limited
from tests.servers.slack_rules import buttons_of

PAGE = Page("INC-0001", Tone.ROLLBACK, "ROLLBACK NOW production: login 62 % failing", (), mention=("S0ONCALL",))
CARD = Card("INC-0001", "Rollback procedure", "ana: pin the target", (), (CardStep(1, "Declare", current=True),))


@pytest.fixture(scope="module")
def server() -> Iterator[SlackServer]:
    with SlackServer() as slack:
        yield slack


@pytest.fixture
def slack(server: SlackServer) -> SlackServer:
    server.clear()
    return server


def pager_of(slack: SlackServer, **changes: Any) -> SlackPager:  # noqa: ANN401  # settings of any type
    asked: dict[str, Any] = {"token": slack.bot_token, "base_url": slack.url, "timeout": 0.5}
    return SlackPager(**(asked | changes))


def post_of(slack: SlackServer, kind: PostKind = PostKind.ROOT, **changes: Any) -> Post:  # noqa: ANN401  # any field
    post = Post("INC-0001", slack.channel, kind, 1, "rollback_opened", datetime.now(UTC), said="acknowledged by ana")
    return replace(post, **changes)


def root(slack: SlackServer, **changes: Any) -> Message:  # noqa: ANN401  # any field
    return Message(post_of(slack, **changes), page=PAGE)


def sent_root(slack: SlackServer) -> str:
    delivery = pager_of(slack).deliver(root(slack))
    assert isinstance(delivery, Sent)
    return delivery.ts


def test_a_root_is_posted_with_its_key_and_nothing_unfurled(slack: SlackServer) -> None:
    ts = sent_root(slack)
    message = slack.message(ts)
    assert message.shown.startswith("# 🔴 ROLLBACK NOW production: login 62 %")
    assert message.metadata == {
        "event_type": "rollback_monitor_post",
        "event_payload": {"key": "INC-0001/C0OPS/root/1", "incident": "INC-0001", "rev": 1},
    }
    args = slack.made("chat.postMessage")[0].args
    assert (args["unfurl_links"], args["unfurl_media"], args["link_names"]) == (False, False, False)


def test_a_root_is_edited_in_place(slack: SlackServer) -> None:
    ts = sent_root(slack)
    ended = replace(PAGE, tone=Tone.ENDED, headline="ENDED production")
    delivery = pager_of(slack).deliver(Message(post_of(slack, ts=ts, sent=1, wanted=2), page=ended))
    assert delivery == Sent(ts)
    message = slack.message(ts)
    assert message.text.startswith("🟢 ENDED production")
    assert message.metadata["event_payload"]["rev"] == 2
    assert len(message.edits) == 1
    assert len(slack.messages()) == 1


@pytest.mark.parametrize(
    ("kind", "in_channel"), [(PostKind.LINE, False), (PostKind.CARD, False), (PostKind.BROADCAST, True)]
)
def test_the_rest_goes_into_the_thread(slack: SlackServer, kind: PostKind, *, in_channel: bool) -> None:
    ts = sent_root(slack)
    delivery = pager_of(slack).deliver(Message(post_of(slack, kind), card=CARD, root_ts=ts))
    assert isinstance(delivery, Sent)
    assert [one.ts for one in slack.thread(slack.message(ts))] == [delivery.ts]
    assert (delivery.ts in [one.ts for one in slack.messages()]) is in_channel


def test_a_line_waits_for_its_root(slack: SlackServer) -> None:
    assert isinstance(pager_of(slack).deliver(Message(post_of(slack, PostKind.LINE))), RetryAfter)
    assert slack.everything() == []


@pytest.mark.parametrize(
    ("fault", "outcome", "words"),
    [
        (rate_limited("7"), RetryAfter, "wait 7 s"),
        (rate_limited("soon"), RetryAfter, "wait 30 s"),
        (rate_limited("99999999"), RetryAfter, "wait 300 s"),
        (rate_limited("-3"), RetryAfter, "wait 30 s"),
        (rate_limited("nan"), RetryAfter, "wait 30 s"),
        (error("ratelimited"), RetryAfter, "wait 30 s"),
        (answers(500), Ambiguous, "HTTP 500"),
        (answers(503, "<html>"), Ambiguous, "HTTP 503"),
        (answers(200, "<html>hello</html>"), Ambiguous, "not Slack's"),
        (answers(200, "[1]", "application/json"), Ambiguous, "not Slack's"),
        (answers(200, '{"ok": true}', "application/json"), Ambiguous, "did not name the message"),
        (answers(404, "not here"), Ambiguous, "MONITOR_SLACK__API_URL"),
        (broken(), Ambiguous, "broke"),
        (lost_reply(), Ambiguous, "broke"),
        (hangs(1), Ambiguous, "in time"),
        (drips(1), Ambiguous, "in time"),
        (error("internal_error"), Ambiguous, "failed while it answered"),
        (error("fatal_error"), Ambiguous, "failed while it answered"),
        (error("invalid_auth"), Rejected, "MONITOR_SLACK__BOT_TOKEN"),
        (error("token_revoked"), Rejected, "install the app again"),
        (error("missing_scope"), Rejected, "manifest"),
        (error("channel_not_found"), Rejected, "routing.yaml"),
        (error("not_in_channel"), Rejected, "/invite"),
        (error("is_archived"), Rejected, "archived"),
        (error("something_new"), Rejected, "something_new"),
    ],
    ids=lambda one: one if isinstance(one, str) else "",
)
def test_every_answer_has_its_outcome(slack: SlackServer, fault: Fault, outcome: type[Delivery], words: str) -> None:
    slack.fault("chat.postMessage", fault)
    delivery = pager_of(slack).deliver(root(slack))
    assert isinstance(delivery, outcome)
    assert not isinstance(delivery, Sent)
    assert words in delivery.why
    assert slack.bot_token not in delivery.why
    assert len(slack.made("chat.postMessage")) == 1


def test_nothing_listens_there_is_retry_after_since_nothing_was_posted() -> None:
    delivery = SlackPager("xoxb-1", base_url="http://127.0.0.1:1/api").deliver(
        Message(Post("INC-0001", "C0OPS", PostKind.ROOT, 1, "", datetime.now(UTC)), page=PAGE)
    )
    assert isinstance(delivery, RetryAfter)
    assert "could not be reached (ConnectionRefusedError)" in delivery.why


@pytest.mark.parametrize("token", ["xoxb-bad\nline", "xoxb-ß€", "xoxb-wrong"])
def test_a_bad_token_is_rejected_without_being_told(slack: SlackServer, token: str) -> None:
    delivery = pager_of(slack, token=token).deliver(root(slack))
    assert isinstance(delivery, Rejected)
    assert "MONITOR_SLACK__BOT_TOKEN" in delivery.why
    assert token not in delivery.why


@pytest.mark.parametrize("refused", ["invalid_blocks", "msg_blocks_too_long", "msg_too_long"])
def test_refused_blocks_become_one_bare_text_at_once(slack: SlackServer, refused: str) -> None:
    slack.fault("chat.postMessage", error(refused))
    delivery = pager_of(slack).deliver(root(slack))
    assert isinstance(delivery, Sent)
    message = slack.message(delivery.ts)
    assert message.blocks == []
    assert message.text.startswith("🔴 ROLLBACK NOW production")
    assert len(slack.everything()) == 1


def test_refused_blocks_of_an_edit_take_the_old_blocks_away(slack: SlackServer) -> None:
    ts = sent_root(slack)
    slack.fault("chat.update", error("invalid_blocks"))
    assert pager_of(slack).deliver(root(slack, ts=ts)) == Sent(ts)
    assert slack.message(ts).blocks == []


def test_refused_again_and_again_is_rejected(slack: SlackServer) -> None:
    slack.fault("chat.postMessage", *[error("msg_too_long")] * 3)
    delivery = pager_of(slack).deliver(root(slack))
    assert isinstance(delivery, Rejected)
    assert "msg_too_long" in delivery.why


def test_a_deleted_message_says_so(slack: SlackServer) -> None:
    ts = sent_root(slack)
    slack.delete(ts)
    delivery = pager_of(slack).deliver(root(slack, ts=ts))
    assert isinstance(delivery, Gone)
    assert "deleted" in delivery.why
    line = Message(post_of(slack, PostKind.LINE), root_ts=ts)
    assert isinstance(pager_of(slack).deliver(line), Gone), "the thread went with its root"


@pytest.mark.parametrize("fault", [lost_reply(), hangs(1, accepted=True)], ids=["reset", "timeout"])
@pytest.mark.parametrize("kind", [PostKind.ROOT, PostKind.LINE, PostKind.BROADCAST, PostKind.CARD])
def test_a_lost_reply_doubles_nothing(slack: SlackServer, kind: PostKind, fault: Fault) -> None:
    ts = sent_root(slack)
    slack.fault("chat.postMessage", fault)
    message = Message(post_of(slack, kind, n=2), page=PAGE, card=CARD, root_ts=ts)
    assert isinstance(pager_of(slack).deliver(message), Ambiguous)
    again = pager_of(slack).deliver(replace(message, post=replace(message.post, attempts=1)))
    assert isinstance(again, Sent)
    keys = [one.metadata["event_payload"]["key"] for one in slack.everything()]
    assert sorted(keys) == sorted(["INC-0001/C0OPS/root/1", message.post.key])


def test_a_post_that_never_arrived_is_posted_after_the_look(slack: SlackServer) -> None:
    slack.fault("chat.postMessage", broken())
    assert isinstance(pager_of(slack).deliver(root(slack)), Ambiguous)
    assert isinstance(pager_of(slack).deliver(root(slack, attempts=1)), Sent)
    assert len(slack.everything()) == 1


def test_an_adopted_root_of_an_older_revision_is_edited(slack: SlackServer) -> None:
    ts = sent_root(slack)
    assert pager_of(slack).deliver(root(slack, attempts=1, wanted=3)) == Sent(ts)
    assert slack.message(ts).metadata["event_payload"]["rev"] == 3
    assert len(slack.everything()) == 1


def test_the_key_is_found_behind_many_other_messages(slack: SlackServer) -> None:
    ts = sent_root(slack)
    for number in range(450):
        slack.put(slack.channel, f"chatter {number}")
    assert pager_of(slack).deliver(root(slack, attempts=1)) == Sent(ts)
    assert len(slack.made("conversations.history")) == 3


@pytest.mark.parametrize("fault", [answers(500), rate_limited("1")], ids=["500", "429"])
def test_a_look_that_fails_posts_nothing_yet_but_not_for_ever(slack: SlackServer, fault: Fault) -> None:
    slack.fault("conversations.history", fault, fault)
    assert isinstance(pager_of(slack).deliver(root(slack, attempts=1)), Ambiguous | RetryAfter)
    assert slack.everything() == []
    assert isinstance(pager_of(slack).deliver(root(slack, attempts=4)), Sent)


def test_what_is_urgent_is_looked_for_so_long_at_most_and_then_posted(slack: SlackServer) -> None:
    slack.fault("conversations.history", rate_limited("60"), answers(500), answers(500), answers(500))
    pager, urgent = pager_of(slack, look_within=1.0), replace(root(slack, attempts=1), urgent=True)
    began = time.monotonic()
    told = pager.deliver(urgent)
    assert isinstance(told, RetryAfter)
    assert told.seconds <= 1.0, "as long as looking may go on, whatever Slack says of reading"
    assert told.alone, "a limit on reading does not hold up what others post"
    time.sleep(max(0.0, 1.05 - (time.monotonic() - began)))
    assert isinstance(pager.deliver(urgent), Sent)
    assert len(slack.everything()) == 1


def test_an_urgent_page_that_is_found_late_is_adopted(slack: SlackServer) -> None:
    slack.fault("chat.postMessage", hangs(1, accepted=True))
    slack.fault("conversations.history", answers(500))
    pager, message = pager_of(slack), replace(root(slack), urgent=True)
    assert isinstance(pager.deliver(message), Ambiguous)
    looked = replace(message, post=replace(message.post, attempts=1))
    assert isinstance(pager.deliver(looked), RetryAfter)
    found = pager.deliver(replace(message, post=replace(message.post, attempts=2)))
    assert isinstance(found, Sent)
    assert [one.ts for one in slack.everything()] == [found.ts]


def test_a_page_carried_to_a_second_channel_is_a_page(slack: SlackServer) -> None:
    sent = pager_of(slack).deliver(Message(post_of(slack, PostKind.CALL, channel="C0DRILL"), page=PAGE))
    assert isinstance(sent, Sent)
    assert slack.message(sent.ts).shown.startswith("# 🔴 ROLLBACK NOW production")


def test_a_look_that_is_not_allowed_posts_anyway(slack: SlackServer) -> None:
    slack.fault("conversations.history", error("missing_scope"))
    assert isinstance(pager_of(slack).deliver(root(slack, attempts=1)), Sent)


def test_a_post_without_what_it_says_is_rejected(slack: SlackServer) -> None:
    assert isinstance(pager_of(slack).deliver(Message(post_of(slack))), Rejected)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"RETRY-AFTER": "5"}, 5),
        ({"retry-after": ["6"]}, 6),
        ({}, 30),
        ({"Retry-After": ""}, 30),
        ({"Retry-After": "0"}, 1),
    ],
)
def test_retry_after_is_read_whatever_its_form(headers: dict[str, object], seconds: float) -> None:
    assert wait_of(headers) == seconds


# --- who is who -----------------------------------------------------------------------------------------------------


@dataclass
class HandClock:
    at: float = 1_000.0
    day: datetime = field(default_factory=lambda: datetime(2026, 3, 1, tzinfo=UTC))

    def now(self) -> datetime:
        return self.day

    def monotonic(self) -> float:
        return self.at


ROUTE = Route("C0OPS", responders=("S0ONCALL", "U0EVE"), commanders=("S0IC",), approvers=())


@pytest.mark.parametrize(
    ("user", "roles"),
    [
        ("U0ANA", {Role.RESPONDER, Role.COMMANDER}),
        ("U0BOB", {Role.RESPONDER}),
        ("U0EVE", {Role.RESPONDER}),
        ("U0NOBODY", set()),
    ],
)
def test_roles_come_from_groups_and_ids(slack: SlackServer, user: str, roles: set[Role]) -> None:
    directory = SlackDirectory(slack.bot_token, HandClock(), base_url=slack.url)
    assert directory.rights(user, ROUTE) == Rights(frozenset(roles))


def test_groups_are_asked_once_a_minute_and_believed_for_ten_when_slack_is_silent(slack: SlackServer) -> None:
    clock = HandClock()
    directory = SlackDirectory(slack.bot_token, clock, base_url=slack.url, timeout=0.5)
    assert directory.rights("U0BOB", ROUTE).roles == {Role.RESPONDER}
    clock.at += 59
    assert directory.rights("U0BOB", ROUTE).roles == {Role.RESPONDER}
    assert len(slack.made("usergroups.users.list")) == 2
    slack.fault("usergroups.users.list", *[answers(500)] * 4)
    clock.at += 500
    assert directory.rights("U0BOB", ROUTE).roles == {Role.RESPONDER}
    clock.at += 60
    assert directory.rights("U0BOB", ROUTE).roles == set()
    assert directory.rights("U0EVE", ROUTE) == Rights(frozenset({Role.RESPONDER}), ("S0ONCALL", "S0IC"))


@pytest.mark.alone
def test_while_slack_is_silent_it_is_not_asked_at_every_click(slack: SlackServer) -> None:
    clock = HandClock()
    directory = SlackDirectory(slack.bot_token, clock, base_url=slack.url, timeout=0.5)
    slack.fault("usergroups.users.list", hangs(1), OK)
    began = time.monotonic()
    assert directory.rights("U0ANA", ROUTE).roles == set()
    assert directory.person("U0ANA", "ana") == Person("ana")
    assert time.monotonic() - began < 0.9
    clock.at += 11
    assert directory.rights("U0ANA", ROUTE).roles == {Role.RESPONDER, Role.COMMANDER}


def test_people_are_read_and_kept(slack: SlackServer) -> None:
    directory = SlackDirectory(slack.bot_token, HandClock(), base_url=slack.url)
    assert [directory.person(one).name for one in ("U0ANA", "U0ANA", "U0WHO")] == ["ana", "ana", "U0WHO"]
    assert len(slack.made("users.info")) == 2


def test_home_is_our_workspace_and_our_app(slack: SlackServer) -> None:
    directory = SlackDirectory(slack.bot_token, HandClock(), base_url=slack.url)
    assert directory.home() == directory.home() == Home("T0TEAM", app="A0APP")
    assert len(slack.made("auth.test")) == len(slack.made("bots.info")) == 1


def test_home_is_not_known_while_slack_does_not_tell(slack: SlackServer) -> None:
    clock = HandClock()
    directory = SlackDirectory(slack.bot_token, clock, base_url=slack.url)
    slack.fault("auth.test", answers(500))
    assert directory.home() is None
    clock.at += 11
    assert directory.home() == Home("T0TEAM", app="A0APP")


@pytest.mark.parametrize(
    ("traits", "trouble"),
    [
        ({}, ""),
        ({"is_bot": True}, "Buttons are for people"),
        ({"team_id": "T0OTHER"}, "Only members of the workspace"),
        ({"team_id": "T0OTHER", "enterprise_user": {"teams": ["T0TEAM"]}}, ""),
        ({"team_id": "T0OTHER", "enterprise_user": {"teams": ["T0THIRD"]}}, "Only members of the workspace"),
        ({"is_stranger": True}, "Only members of the workspace"),
        ({"deleted": True}, "Only members of the workspace"),
        ({"is_restricted": True}, ""),
    ],
    ids=lambda one: str(one)[:40],
)
def test_who_may_not_use_the_app_at_all(slack: SlackServer, traits: dict[str, Any], trouble: str) -> None:
    slack.traits["U0EVE"] = traits
    directory = SlackDirectory(slack.bot_token, HandClock(), base_url=slack.url)
    directory.home()
    assert directory.person("U0EVE").trouble.startswith(trouble)
    assert bool(directory.person("U0EVE").trouble) == bool(trouble)


def test_once_warm_a_click_asks_for_nothing(slack: SlackServer) -> None:
    directory = SlackDirectory(slack.bot_token, HandClock(), base_url=slack.url)
    directory.warm(ROUTE)
    slack.calls.clear()
    assert (directory.home(), directory.person("U0BOB").name) == (Home("T0TEAM", app="A0APP"), "bob")
    assert directory.rights("U0BOB", ROUTE).roles == {Role.RESPONDER}
    assert slack.calls == []


# --- what doctor says -----------------------------------------------------------------------------------------------


def findings(slack: SlackServer, **changes: Any) -> dict[str, tuple[bool, str]]:  # noqa: ANN401  # settings of any type
    asked: dict[str, Any] = {
        "token": slack.bot_token,
        "app_token": slack.app_token,
        "channels": ["C0OPS"],
        "people": ["S0ONCALL", "U0EVE"],
        "base_url": slack.url,
    }
    return {one.what: (one.ok, one.mend) for one in probe(**(asked | changes))}


def test_doctor_is_content_with_a_workspace_that_is_set_up(slack: SlackServer) -> None:
    assert findings(slack) == {
        "Slack token: rollback-monitor in example": (True, ""),
        "Slack scopes": (True, ""),
        "Slack channel C0OPS": (True, ""),
        "Slack user U0EVE: eve": (True, ""),
        "Slack user group S0ONCALL: 2 people": (True, ""),
        "Slack Socket Mode": (True, ""),
    }


@pytest.mark.parametrize(
    ("changes", "what", "mend"),
    [
        ({"token": "xoxb-wrong"}, "Slack token", "MONITOR_SLACK__BOT_TOKEN"),
        ({"app_token": "xapp-wrong"}, "Slack Socket Mode", "MONITOR_SLACK__APP_TOKEN"),
        (
            {"app_token": ""},
            "Slack buttons: neither Socket Mode nor signed HTTP is set, so they do not work",
            "connections:write",
        ),
        ({"channels": ["C0NONE"]}, "Slack channel C0NONE", "routing.yaml"),
        ({"channels": []}, "Slack channel", "MONITOR_SLACK__CHANNEL"),
        ({"people": []}, "Slack responders: nobody is called and nobody may act", "MONITOR_SLACK__RESPONDERS"),
        ({"people": ["S0EMPTY"]}, "Slack user group S0EMPTY is empty: nobody is called", "add the people"),
        ({"people": ["U0GONE"]}, "Slack user U0GONE", "user_not_found"),
        ({"people": ["S0GONE"]}, "Slack user group S0GONE", "no_such_subteam"),
    ],
)
def test_doctor_says_what_is_wrong_and_the_mend(
    slack: SlackServer, changes: dict[str, Any], what: str, mend: str
) -> None:
    ok, said = findings(slack, **changes)[what]
    assert not ok
    assert mend in said


def test_doctor_names_the_missing_scope(slack: SlackServer) -> None:
    slack.scopes.discard("channels:history")
    said = findings(slack)
    assert any("channels:history is missing" in what and not ok for what, (ok, _) in said.items())


def test_a_note_stands_in_the_channel_by_itself(slack: SlackServer) -> None:
    post = post_of(slack, PostKind.NOTE, incident="", said="the rules on disk were refused")
    delivery = pager_of(slack).deliver(Message(post))
    assert isinstance(delivery, Sent)
    assert [one.text for one in slack.messages()] == ["the rules on disk were refused"]


def test_a_note_whose_reply_was_lost_is_found_again(slack: SlackServer) -> None:
    post = post_of(slack, PostKind.NOTE, incident="", said="the rules on disk were refused")
    slack.fault("chat.postMessage", lost_reply())
    assert isinstance(pager_of(slack).deliver(Message(post)), Ambiguous)
    assert isinstance(pager_of(slack).deliver(Message(replace(post, attempts=1))), Sent)
    assert len(slack.messages()) == 1


def test_an_escalation_stands_in_its_channel_by_itself_with_a_button(slack: SlackServer) -> None:
    said = "ROLLBACK NOW: login. Nobody has acknowledged INC-0001."
    acknowledge = Action(ActionKind.ACKNOWLEDGE, "Acknowledge", "INC-0001|3")
    message = Message(post_of(slack, PostKind.ESCALATION, said=said), actions=(acknowledge,), home="C0OPS")
    slack.fault("chat.postMessage", lost_reply())
    assert isinstance(pager_of(slack).deliver(message), Ambiguous)
    again = replace(message, post=replace(message.post, attempts=1))
    assert isinstance(pager_of(slack).deliver(again), Sent)
    (told,) = slack.messages()
    assert told.text.startswith(said)
    assert [one["action_id"] for one in buttons_of(told.blocks)] == ["acknowledge"]
