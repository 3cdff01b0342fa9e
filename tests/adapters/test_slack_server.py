"""The strict Slack server refuses what Slack refuses, asked by the real SDK."""

import asyncio
from collections.abc import Iterator
from typing import Any

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.signature import SignatureVerifier
from slack_sdk.web import WebClient

from tests.servers.slack import SlackServer

TEXT: dict[str, Any] = {"channel": "C0OPS", "text": "hello"}
TWICE = {"type": "button", "action_id": "a", "text": {"type": "plain_text", "text": "x"}}


@pytest.fixture(scope="module")
def server() -> Iterator[SlackServer]:
    with SlackServer() as slack:
        yield slack


def client(slack: SlackServer, token: str = "") -> WebClient:
    return WebClient(token or slack.bot_token, base_url=slack.url, retry_handlers=[])


@pytest.mark.parametrize(
    ("method", "asked", "refused"),
    [
        ("chat.postMessage", TEXT | {"channel": "C0NONE"}, "channel_not_found"),
        ("chat.postMessage", TEXT | {"thread_ts": "1.0"}, "thread_not_found"),
        ("chat.postMessage", TEXT | {"reply_broadcast": True}, "invalid_arguments"),
        ("chat.postMessage", {"channel": "C0OPS"}, "no_text"),
        (
            "chat.postMessage",
            TEXT | {"metadata": {"event_type": "Bad Type", "event_payload": {}}},
            "invalid_metadata_format",
        ),
        (
            "chat.postMessage",
            TEXT | {"metadata": {"event_type": "ok", "event_payload": {"a": {}}}},
            "invalid_metadata_format",
        ),
        ("chat.postMessage", TEXT | {"blocks": [{"type": "actions", "elements": [TWICE, TWICE]}]}, "invalid_blocks"),
        ("chat.postMessage", TEXT | {"text": "x" * 40_001}, "msg_too_long"),
        ("chat.update", TEXT | {"ts": "1.0"}, "message_not_found"),
        ("chat.postEphemeral", TEXT | {"user": "U0NOBODY"}, "user_not_in_channel"),
        ("conversations.replies", {"channel": "C0OPS", "ts": "1.0"}, "thread_not_found"),
        ("usergroups.users.list", {"usergroup": "S0GONE"}, "no_such_subteam"),
        ("users.info", {"user": "U0NOBODY"}, "user_not_found"),
        ("chat.scream", TEXT, "unknown_method"),
    ],
)
def test_it_refuses(server: SlackServer, method: str, asked: dict[str, Any], refused: str) -> None:
    with pytest.raises(SlackApiError) as caught:
        client(server).api_call(method, json=asked)
    assert caught.value.response["error"] == refused


@pytest.mark.parametrize("state", ["is_archived", "not_in_channel"])
def test_it_refuses_channels_that_are_closed(server: SlackServer, state: str) -> None:
    server.channels["C0DRILL"] = state
    with pytest.raises(SlackApiError, match=state):
        client(server).chat_postMessage(channel="C0DRILL", text="hello")
    server.clear()


def test_it_refuses_the_wrong_token_for_the_method(server: SlackServer) -> None:
    with pytest.raises(SlackApiError, match="invalid_auth"):
        client(server, server.app_token).auth_test()
    with pytest.raises(SlackApiError, match="invalid_auth"):
        client(server).apps_connections_open(app_token=server.bot_token)


def test_it_limits_posts_a_second_where_asked() -> None:
    with SlackServer(posts_a_second=1) as slack:
        client(slack).chat_postMessage(**TEXT)
        with pytest.raises(SlackApiError) as caught:
            client(slack).chat_postMessage(**TEXT)
        assert (caught.value.response.status_code, caught.value.response.headers["Retry-After"]) == (429, "1")
        assert len(slack.messages()) == 1


def test_an_edit_without_blocks_keeps_them_and_an_empty_list_removes_them(server: SlackServer) -> None:
    ts = str(client(server).chat_postMessage(**TEXT, blocks=[{"type": "divider"}])["ts"])
    client(server).chat_update(channel="C0OPS", ts=ts, text="two")
    assert server.message(ts).blocks == [{"type": "divider"}]
    client(server).chat_update(channel="C0OPS", ts=ts, text="three", blocks=[])
    assert server.message(ts).blocks == []
    assert [text for text, _ in server.message(ts).edits] == ["hello", "two"]


def test_metadata_is_told_only_where_asked_for(server: SlackServer) -> None:
    server.clear()
    client(server).chat_postMessage(**TEXT, metadata={"event_type": "a_post", "event_payload": {"key": "k"}})
    without = client(server).conversations_history(channel="C0OPS")["messages"][0]
    told = client(server).conversations_history(channel="C0OPS", include_all_metadata=True)["messages"][0]
    assert "metadata" not in without
    assert told["metadata"]["event_payload"] == {"key": "k"}


def test_a_socket_address_is_good_for_one_connection(server: SlackServer) -> None:
    url = str(client(server).apps_connections_open(app_token=server.app_token)["url"])

    async def connect() -> int:
        async with aiohttp.ClientSession() as session:
            async with session.ws_connect(url) as socket:
                assert (await socket.receive_json())["type"] == "hello"
            async with session.get(url) as again:
                return again.status

    assert asyncio.run(connect()) == 403


def test_it_signs_requests_as_slack_does(server: SlackServer) -> None:
    verifier, body = SignatureVerifier(server.signing_secret), b"payload=%7B%7D"
    headers = server.sign(body, int(verifier.clock.now()))
    assert verifier.is_valid_request(body, headers)
    assert not verifier.is_valid_request(body + b"x", headers)
