"""Pictures in threads, by the real SDK and the strict Slack server: every outcome, told in types; none is doubled."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web import WebClient

from monitor.adapters.slack.client import SlackPager
from monitor.ports.pager import Ambiguous, Attachment, Delivery, Gone, Message, Rejected, RetryAfter, Sent
from monitor.ports.store import Post, PostKind
from tests.servers.slack import Fault, SlackServer, answers, broken, error, hangs, lost_reply, rate_limited
from tests.servers.slack_workspace import Stored

PICTURE = Attachment(b"\x89PNG and so on", "INC-0001-0.png", "login: 62 % fail", "Plot: login: 62 % fail")
ASK, BRING, COMPLETE, LOOK = (
    "files.getUploadURLExternal",
    "upload",
    "files.completeUploadExternal",
    "conversations.replies",
)


@pytest.fixture(scope="module")
def server() -> Iterator[SlackServer]:
    with SlackServer() as slack:
        yield slack


@pytest.fixture
def slack(server: SlackServer) -> SlackServer:
    server.clear()
    return server


@pytest.fixture
def root(slack: SlackServer) -> Stored:
    slack.put(slack.channel, "the page")
    return slack.messages()[0]


def deliver(slack: SlackServer, root: Stored, **changes: Any) -> Delivery:  # noqa: ANN401  # any field of a post
    post = Post("INC-0001", slack.channel, PostKind.PLOT, 0, "rollback_opens", datetime.now(UTC), said="LoginFailing")
    pager = SlackPager(slack.bot_token, base_url=slack.url, timeout=0.5)
    return pager.deliver(Message(replace(post, **changes), root_ts=root.ts, attachment=PICTURE))


def test_a_picture_stands_in_the_thread_with_its_title_and_its_words(slack: SlackServer, root: Stored) -> None:
    delivery = deliver(slack, root)
    (file,) = slack.shared(root)
    assert delivery == Sent(file.id)
    assert (file.content, file.name, file.title) == (PICTURE.content, PICTURE.name, PICTURE.title)
    assert file.alt == PICTURE.words
    assert not slack.refused
    assert [call.args["token"] for call in slack.made(BRING)] == [""], "the address of the upload never sees the token"
    assert len(slack.messages()) == 1, "it is in the thread, not in the channel"


@pytest.mark.parametrize(
    ("method", "fault", "kind"),
    [
        (ASK, error("missing_scope"), Rejected),
        (ASK, rate_limited("7"), RetryAfter),
        (ASK, answers(503), RetryAfter),
        (ASK, broken(), RetryAfter),
        (ASK, hangs(2), RetryAfter),
        (ASK, answers(200, "<html>", "text/html"), RetryAfter),
        (ASK, Fault(status=200, body='{"ok": true, "file_id": "F1"}'), RetryAfter),
        (ASK, Fault(status=200, body='{"ok": true, "file_id": "F1", "upload_url": "file:///etc/passwd"}'), RetryAfter),
        (BRING, answers(500), RetryAfter),
        (BRING, broken(), RetryAfter),
        (BRING, hangs(2), RetryAfter),
        (COMPLETE, error("not_in_channel"), Rejected),
        (COMPLETE, error("thread_not_found"), Gone),
        (COMPLETE, rate_limited("7"), RetryAfter),
        (COMPLETE, lost_reply(), Ambiguous),
        (COMPLETE, broken(), Ambiguous),
        (COMPLETE, hangs(2, accepted=True), Ambiguous),
        (COMPLETE, answers(502), Ambiguous),
    ],
)
def test_only_the_last_step_can_be_in_doubt(
    slack: SlackServer, root: Stored, method: str, fault: Fault, kind: type[Delivery]
) -> None:
    slack.fault(method, fault)
    assert isinstance(deliver(slack, root), kind)
    assert len(slack.made(method)) == 1, "nothing is tried again by itself"


def test_one_whose_answer_was_lost_is_found_by_its_name_and_not_uploaded_again(
    slack: SlackServer, root: Stored
) -> None:
    slack.fault(COMPLETE, lost_reply())
    assert isinstance(deliver(slack, root), Ambiguous)
    (file,) = slack.shared(root)
    assert deliver(slack, root, attempts=1) == Sent(file.id)
    assert len(slack.shared(root)) == 1
    assert len(slack.made(ASK)) == 1


def test_one_that_never_came_is_uploaded_again(slack: SlackServer, root: Stored) -> None:
    slack.fault(COMPLETE, broken())
    assert isinstance(deliver(slack, root), Ambiguous)
    assert isinstance(deliver(slack, root, attempts=1), Sent)
    assert len(slack.shared(root)) == 1


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (error("missing_scope"), Rejected),
        (answers(503), RetryAfter),
        (rate_limited("9"), RetryAfter),
        (error("thread_not_found"), Gone),
    ],
)
def test_where_the_thread_cannot_be_searched_none_is_better_than_two(
    slack: SlackServer, root: Stored, fault: Fault, kind: type[Delivery]
) -> None:
    slack.fault(COMPLETE, lost_reply())
    deliver(slack, root)
    slack.fault(LOOK, fault)
    assert isinstance(deliver(slack, root, attempts=1), kind)
    assert len(slack.shared(root)) == 1


def test_another_picture_of_the_incident_is_not_taken_for_it(slack: SlackServer, root: Stored) -> None:
    deliver(slack, root)
    again = replace(PICTURE, name="INC-0001-5.png")
    post = Post("INC-0001", slack.channel, PostKind.PLOT, 5, "raised", datetime.now(UTC), attempts=1)
    pager = SlackPager(slack.bot_token, base_url=slack.url, timeout=0.5)
    assert isinstance(pager.deliver(Message(post, root_ts=root.ts, attachment=again)), Sent)
    assert len(slack.shared(root)) == 2


def test_without_the_scope_the_answer_says_the_mend(slack: SlackServer, root: Stored) -> None:
    slack.scopes.discard("files:write")
    delivery = deliver(slack, root)
    assert isinstance(delivery, Rejected)
    assert "update it from the manifest" in delivery.why


def test_without_a_picture_or_a_thread_nothing_is_asked(slack: SlackServer, root: Stored) -> None:
    post = Post("INC-0001", slack.channel, PostKind.PLOT, 0, "rollback_opens", datetime.now(UTC))
    pager = SlackPager(slack.bot_token, base_url=slack.url, timeout=0.5)
    assert isinstance(pager.deliver(Message(post, root_ts=root.ts)), Rejected)
    assert isinstance(pager.deliver(Message(post, attachment=PICTURE)), Rejected)
    assert not slack.calls


# --- the strict server itself -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "refused"),
    [
        ({"filename": "", "length": 3}, "invalid_arguments"),
        ({"filename": "a.png", "length": 0}, "invalid_arguments"),
        ({"filename": "a.png", "length": 3, "alt_txt": "x" * 1001}, "invalid_arguments"),
    ],
)
def test_the_server_refuses_to_take_such_a_file(slack: SlackServer, asked: dict[str, Any], refused: str) -> None:
    with pytest.raises(SlackApiError, match=refused):
        WebClient(slack.bot_token, base_url=slack.url, retry_handlers=[]).files_getUploadURLExternal(**asked)


def test_the_server_refuses_files_that_were_not_brought_are_short_or_were_completed(
    slack: SlackServer, root: Stored
) -> None:
    web = WebClient(slack.bot_token, base_url=slack.url, retry_handlers=[])
    file = str(web.files_getUploadURLExternal(filename="a.png", length=3)["file_id"])
    complete: dict[str, Any] = {"files": [{"id": file}], "channel_id": slack.channel, "thread_ts": root.ts}
    with pytest.raises(SlackApiError, match="file_not_found"):
        web.files_completeUploadExternal(**complete)
    assert slack.bring(file, b"four") == 400
    assert slack.bring(file, b"png") == 200
    with pytest.raises(SlackApiError, match="thread_not_found"):
        web.files_completeUploadExternal(**complete | {"thread_ts": "1.0"})
    web.files_completeUploadExternal(**complete)
    with pytest.raises(SlackApiError, match="file_not_found"):
        web.files_completeUploadExternal(**complete)
