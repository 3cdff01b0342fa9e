"""Addresses of messages by the real SDK and the strict Slack server: told, or nothing, and never waited for twice."""

import pytest

from monitor.adapters.slack.permalinks import SlackPermalinks
from tests.servers.slack import Fault, SlackServer, answers, broken, error, rate_limited

ASK = "chat.getPermalink"


def test_an_address_is_asked_for_once() -> None:
    with SlackServer() as slack:
        slack.put(slack.channel, "the page")
        (page,) = slack.messages()
        links = SlackPermalinks(slack.bot_token, base_url=slack.url)
        wanted = f"https://example.slack.com/archives/{slack.channel}/p{page.ts.replace('.', '')}"
        assert [links.permalink(slack.channel, page.ts) for _ in range(3)] == [wanted] * 3
        assert len(slack.made(ASK)) == 1
        assert links.permalink(slack.channel, "1.000000") == ""
        assert links.permalink(slack.channel, page.ts) == wanted


@pytest.mark.parametrize(
    ("fault", "asked"),
    [
        pytest.param(answers(503), 1, id="down=>not asked again for a while"),
        pytest.param(broken(), 1, id="broken=>the same"),
        pytest.param(rate_limited("9"), 1, id="told to wait=>the same"),
        pytest.param(error("message_not_found"), 2, id="not there=>the next one may be"),
    ],
)
def test_a_slack_that_does_not_answer_holds_up_no_bundle(fault: Fault, asked: int) -> None:
    with SlackServer() as slack:
        slack.put(slack.channel, "the page")
        (page,) = slack.messages()
        slack.fault(ASK, fault)
        links = SlackPermalinks(slack.bot_token, base_url=slack.url)
        assert links.permalink(slack.channel, page.ts) == ""
        links.permalink(slack.channel, page.ts)
        assert len(slack.made(ASK)) == asked
