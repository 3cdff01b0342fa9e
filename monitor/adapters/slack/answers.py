"""What Slack's answers mean: sent, rejected, ambiguous or retry after, in sentences that say the mend.

One call in, a response or a typed failure out; the token never gets into either. Knows nothing of pages.
"""

import logging
import math
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from http.client import HTTPException
from urllib.error import URLError

from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web import SlackResponse

from monitor.ports.pager import Ambiguous, Gone, Rejected, RetryAfter

TOO_MUCH = frozenset({"invalid_blocks", "invalid_blocks_format", "msg_too_long", "msg_blocks_too_long"})
"""Errors about what was said: the same post goes through as one bare text."""
DELETED = frozenset({"message_not_found", "thread_not_found"})
"""Errors about a message that stood there once: somebody deleted it."""
PACED = frozenset({"ratelimited", "rate_limited"})
UNSURE = frozenset({"internal_error", "fatal_error", "service_unavailable", "request_timeout"})
"""Errors after which Slack may still have done what was asked."""
DEFAULT_WAIT, LONGEST_WAIT = 30.0, 300.0
UNREACHED_WAIT = 5.0
SHOWN = 120

_TOKEN = "put the bot token (xoxb-…) of the installed app into MONITOR_SLACK__BOT_TOKEN"  # noqa: S105  # no secret
_CHANNEL = "the channel id stands in rules/routing.yaml or MONITOR_SLACK__CHANNEL"
_NOT_SLACKS = "the answer is not Slack's: is MONITOR_SLACK__API_URL right, is a proxy between?"
MENDS: Mapping[str, str] = {
    "invalid_auth": f"Slack does not know the token: {_TOKEN}",
    "not_authed": f"no token was sent: {_TOKEN}",
    "token_revoked": f"the token was revoked: install the app again, then {_TOKEN}",
    "token_expired": f"the token has expired: install the app again, then {_TOKEN}",
    "account_inactive": f"the app's user or workspace was deactivated: install the app again, then {_TOKEN}",
    "not_allowed_token_type": f"this is another kind of token: {_TOKEN}",
    "missing_scope": "the app lacks a scope: update it from the manifest (deploy/slack/manifest.yaml) and reinstall it",
    "channel_not_found": f"no such channel, or a private one that the app is not in: {_CHANNEL}",
    "not_in_channel": "the app is not in the channel: invite it there with /invite",
    "is_archived": f"the channel is archived: unarchive it or name another; {_CHANNEL}",
    "restricted_action": "a workspace setting forbids the app to post there: ask a workspace admin",
    "thread_not_found": "the message that the thread hangs on is gone: somebody deleted it",
    "message_not_found": "the message is gone: somebody deleted it in Slack",
    "cant_update_message": "the message belongs to another app: was the Slack app replaced meanwhile?",
    "edit_window_closed": "a workspace setting forbids to edit messages this old: ask a workspace admin",
    "team_access_not_granted": "the app is not installed in this workspace: install it",
    "invalid_metadata_format": "Slack refused the message's metadata",
}

Failure = Rejected | Ambiguous | RetryAfter | Gone


@dataclass(frozen=True, slots=True)
class TooMuch(Rejected):
    """Slack refused how it was said; said as one bare text it goes through."""


def quiet_logger() -> logging.Logger:
    """Give a logger of its own that says nothing: the SDK's lines hold whole requests."""
    return logging.Logger("slack-sdk", level=logging.CRITICAL + 1)  # noqa: LOG001  # must not join the program's loggers


def ask(call: Callable[[], SlackResponse], *, within: float) -> SlackResponse | Failure:
    """Make one call of the SDK. Gives its response, or what its failure means; never raises.

    `within` seconds in all: the SDK's own timeout starts anew with every byte.
    """
    try:
        return _in_time(call, within)
    except SlackApiError as problem:
        return _answered(problem.response)
    except URLError as problem:
        return _unreached(problem)
    except TimeoutError:
        return Ambiguous("Slack did not answer in time")
    except (OSError, HTTPException) as problem:
        return Ambiguous(f"the connection to Slack broke before its answer ({type(problem).__name__})")
    except (UnicodeDecodeError, LookupError, AttributeError, TypeError):
        return Ambiguous(_NOT_SLACKS)
    except SlackClientError as problem:
        return Rejected(f"the Slack library refused the request ({type(problem).__name__})")
    except ValueError as problem:
        # The words of such an error may hold the header, and so the token.
        return Rejected(f"the request could not be written ({type(problem).__name__}): {_TOKEN}")


def _in_time(call: Callable[[], SlackResponse], within: float) -> SlackResponse:
    """Give what `call` gives or raises, or raise TimeoutError; a call that is given up ends with its connection."""
    ended: Future[SlackResponse] = Future()

    def run() -> None:
        try:
            ended.set_result(call())
        except Exception as problem:  # noqa: BLE001  # raised again in the thread that asked
            ended.set_exception(problem)

    threading.Thread(target=run, name="slack-call", daemon=True).start()
    return ended.result(within)


def _answered(response: SlackResponse) -> Failure:
    """Read an answer that is not ok."""
    status, data = int(response.status_code), response.data
    error = str(data.get("error", "")) if isinstance(data, dict) else ""
    if status == 429 or error in PACED:  # noqa: PLR2004  # too many requests
        seconds = wait_of(response.headers)
        return RetryAfter(seconds, f"Slack asks to wait {seconds:.0f} s")
    if status >= 500 or error in UNSURE:  # noqa: PLR2004  # the server's own failures
        return Ambiguous(f"Slack failed while it answered (HTTP {status}{', ' + error if error in UNSURE else ''})")
    if not error or " " in error:
        return Ambiguous(
            f"the answer is not Slack's (HTTP {status}): is MONITOR_SLACK__API_URL right, is a proxy between?"
        )
    if error in DELETED:
        return Gone(said(error))
    return TooMuch(said(error)) if error in TOO_MUCH else Rejected(said(error))


def said(error: str) -> str:
    """Give Slack's word for an error with its mend."""
    word = error[:SHOWN]
    return f"Slack refused ({word}): {MENDS[word]}" if word in MENDS else f"Slack refused ({word})"


def wait_of(headers: Mapping[str, object]) -> float:
    """Give the seconds of `Retry-After`: 1 to 300, and 30 where it cannot be read."""
    values = [value for name, value in headers.items() if name.lower() == "retry-after"]
    first = values[0] if values else ""
    try:
        seconds = float(str(first[0] if isinstance(first, list) and first else first))
    except ValueError:
        return DEFAULT_WAIT
    return min(max(seconds, 1.0), LONGEST_WAIT) if math.isfinite(seconds) and seconds >= 0 else DEFAULT_WAIT


def _unreached(problem: URLError) -> Failure:
    """Read a request that found nobody: where no connection came about, nothing was posted."""
    reason = problem.reason
    if isinstance(reason, TimeoutError):
        return Ambiguous("Slack did not answer in time")
    if isinstance(reason, ConnectionResetError | BrokenPipeError):
        return Ambiguous(f"the connection to Slack broke before its answer ({type(reason).__name__})")
    name = type(reason).__name__ if isinstance(reason, Exception) else "unknown reason"
    return RetryAfter(UNREACHED_WAIT, f"Slack could not be reached ({name}): is MONITOR_SLACK__API_URL right?")
