"""What `doctor` says about Slack: token, scopes, channel, people and Socket Mode, a line each with the mend.

Only reads, apart from one Socket Mode address that is asked for and not used. Never raises.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from slack_sdk.web import SlackResponse, WebClient

from monitor.adapters.slack.answers import ask
from monitor.adapters.slack.client import API_URL, web_client

SCOPES: tuple[tuple[str, str], ...] = (
    ("chat:write", "no page can be posted"),
    ("files:write", "no plot is put into the thread"),
    ("usergroups:read", "members of user groups have no rights"),
    ("users:read", "people are shown by their ids"),
    ("channels:history", "a page whose reply was lost is posted twice in public channels"),
    ("groups:history", "a page whose reply was lost is posted twice in private channels"),
)
"""The bot scopes that are used, and what happens without each; `deploy/slack/manifest.yaml` asks for the same."""
NO_PAGE_WITHOUT = frozenset({"chat:write"})
TIMEOUT = 5.0
REINSTALL = "update the app from deploy/slack/manifest.yaml and reinstall it to the workspace"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line: whether it is well, what was found, and what to do where it is not.

    `vital`: without it no page reaches anybody, or nobody can answer it.
    """

    ok: bool
    what: str
    mend: str = ""
    vital: bool = True


def probe(
    token: str,
    *,
    app_token: str = "",
    signed: bool = False,
    channels: Sequence[str],
    people: Sequence[str],
    base_url: str = API_URL,
) -> list[Finding]:
    """Ask Slack for everything that a page needs: `channels` to post to, `people` (user and group ids) to call."""
    web = web_client(token, base_url=base_url, timeout=TIMEOUT)
    answer = ask(web.auth_test, within=TIMEOUT)
    if not isinstance(answer, SlackResponse):
        return [Finding(ok=False, what="Slack token", mend=answer.why)]
    who = f"Slack token: {answer.get('user')} in {answer.get('team')}"
    findings = [Finding(ok=True, what=who), *_scopes(answer)]
    findings += [_channel(web, one) for one in channels] or [
        Finding(ok=False, what="Slack channel", mend="name one in rules/routing.yaml or MONITOR_SLACK__CHANNEL")
    ]
    findings += list(_people(web, people))
    if signed:
        findings.append(Finding(ok=True, what="Slack signed HTTP: POST /slack/interactions takes the buttons"))
    if app_token or not signed:
        findings.append(_socket(web, app_token))
    return findings


def _scopes(answer: SlackResponse) -> Iterator[Finding]:
    """Hold the scopes that Slack tells in a header against those that are used."""
    told = [str(value) for name, value in answer.headers.items() if name.lower() == "x-oauth-scopes"]
    if not told:
        return
    has = {scope.strip() for scope in told[0].split(",")}
    missing = [(scope, without) for scope, without in SCOPES if scope not in has]
    for scope, without in missing:
        what = f"Slack scope {scope} is missing: {without}"
        yield Finding(ok=False, what=what, mend=REINSTALL, vital=scope in NO_PAGE_WITHOUT)
    if not missing:
        yield Finding(ok=True, what="Slack scopes")


def _channel(web: WebClient, channel: str) -> Finding:
    """Read one message of the channel: the least scope that tells whether it exists and the app is in it."""
    answer = ask(lambda: web.conversations_history(channel=channel, limit=1), within=TIMEOUT)
    if isinstance(answer, SlackResponse):
        return Finding(ok=True, what=f"Slack channel {channel}")
    return Finding(ok=False, what=f"Slack channel {channel}", mend=answer.why)


def _people(web: WebClient, people: Iterable[str]) -> Iterator[Finding]:
    """Look up everybody who may be called: people by name, user groups by who is in them."""
    ids = list(dict.fromkeys(people))
    if not ids:
        mend = "name user groups or users in rules/routing.yaml or MONITOR_SLACK__RESPONDERS"
        yield Finding(ok=False, what="Slack responders: nobody is called and nobody may act", mend=mend)
    for person in (one for one in ids if not one.startswith("S")):
        answer = ask(partial(web.users_info, user=person), within=TIMEOUT)
        if isinstance(answer, SlackResponse):
            yield Finding(ok=True, what=f"Slack user {person}: {(answer.get('user') or {}).get('name')}")
        else:
            yield Finding(ok=False, what=f"Slack user {person}", mend=answer.why)
    for group in (one for one in ids if one.startswith("S")):
        answer = ask(partial(web.usergroups_users_list, usergroup=group), within=TIMEOUT)
        what = f"Slack user group {group}"
        if not isinstance(answer, SlackResponse):
            yield Finding(ok=False, what=what, mend=answer.why)
        elif not answer.get("users"):
            yield Finding(ok=False, what=f"{what} is empty: nobody is called", mend="add the people on call to it")
        else:
            yield Finding(ok=True, what=f"{what}: {len(answer.get('users') or ())} people")


def _socket(web: WebClient, app_token: str) -> Finding:
    """Ask for a Socket Mode address with the app token."""
    if not app_token:
        return Finding(
            ok=False,
            what="Slack buttons: neither Socket Mode nor signed HTTP is set, so they do not work",
            mend="create an app-level token with connections:write and put it into MONITOR_SLACK__APP_TOKEN "
            "(or use MONITOR_SLACK__SIGNING_SECRET)",
        )
    answer = ask(lambda: web.apps_connections_open(app_token=app_token), within=TIMEOUT)
    if isinstance(answer, SlackResponse):
        return Finding(ok=True, what="Slack Socket Mode")
    mend = answer.why.replace("bot token (xoxb-…) of the installed app", "app-level token (xapp-…, connections:write)")
    return Finding(ok=False, what="Slack Socket Mode", mend=mend.replace("__BOT_TOKEN", "__APP_TOKEN"))
