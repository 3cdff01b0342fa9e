"""A file in a thread, by Slack's way for files: ask for an address, bring the bytes there, complete the upload.

Only the last step shows anything to anybody. Where its answer was lost, the thread is searched for the file before
another one is uploaded; where Slack will not say, none is better than two. Nothing here decides when it is tried again.
"""

import urllib.request
from collections.abc import Callable
from http.client import HTTPException, HTTPMessage
from typing import IO, Any
from urllib.error import HTTPError
from urllib.parse import urlsplit

from slack_sdk.web import SlackResponse, WebClient

from monitor.adapters.slack.answers import Failure, ask
from monitor.ports.pager import Ambiguous, Attachment, Delivery, Gone, Message, Rejected, RetryAfter, Sent
from monitor.ports.store import Post

PAGES, PAGE = 5, 200
CLOCK_SLACK = 300
"""Seconds by which our clock and Slack's may differ when a file is looked for."""

AGAIN = 5.0
"""Seconds until an upload is tried again of which nothing was shown."""


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """Bytes go where Slack said, and nowhere else."""

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> None:
        """Follow nowhere: the redirect then counts as an error."""
        del req, fp, code, msg, headers, newurl


class UploadRefusedError(HTTPException):
    """The address that Slack named did not take the bytes."""


class Uploads:
    """Brings files into threads. Thread-safe; each request takes at most `timeout` seconds."""

    def __init__(self, web: WebClient, timeout: float) -> None:
        """Use `web`, which must not try again by itself."""
        self._web = web
        self._timeout = timeout

    def deliver(self, message: Message) -> Delivery:
        """Show the file in the thread of `message.root_ts`; see `monitor.ports.pager.Pager`."""
        post, file, root_ts = message.post, message.attachment, message.root_ts
        if file is None or root_ts is None:
            return Rejected(f"{post.key} needs a file and the message whose thread it goes into")
        if post.attempts > 0:
            found = self._find(post, file.name, root_ts)
            if found is not None:
                return found
        return self._upload(post, file, root_ts)

    def _upload(self, post: Post, attached: Attachment, root_ts: str) -> Delivery:
        asked = self._ask(
            lambda: self._web.files_getUploadURLExternal(
                filename=attached.name, length=len(attached.content), **_words(attached)
            )
        )
        if not isinstance(asked, SlackResponse):
            return _unshown(asked)
        url, file = str(asked.get("upload_url", "")), str(asked.get("file_id", ""))
        if not file or not self._trusted(url):
            return RetryAfter(AGAIN, "Slack named no address for the upload that could be used")
        brought = self._ask(lambda: self._bring(url, attached.content, asked))
        if not isinstance(brought, SlackResponse):
            return _unshown(brought)
        shown = self._ask(
            lambda: self._web.files_completeUploadExternal(
                files=[{"id": file, "title": attached.title}], channel_id=post.channel, thread_ts=root_ts
            )
        )
        return Sent(file) if isinstance(shown, SlackResponse) else shown

    def _ask(self, call: Callable[[], SlackResponse]) -> SlackResponse | Failure:
        return ask(call, within=self._timeout)

    def _trusted(self, url: str) -> bool:
        """Whether the address is as safe as that of the Web API itself."""
        return urlsplit(url).scheme in {"https", urlsplit(self._web.base_url).scheme}

    def _bring(self, url: str, content: bytes, asked: SlackResponse) -> SlackResponse:
        """Bring the bytes there, by the same proxy as everything else, without the token. Raises as the SDK does."""
        proxies = {"http": self._web.proxy, "https": self._web.proxy} if self._web.proxy else {}
        opener = urllib.request.build_opener(
            urllib.request.ProxyHandler(proxies), urllib.request.HTTPSHandler(context=self._web.ssl), _NoRedirects()
        )
        headers = {"Content-Type": "application/octet-stream"}
        request = urllib.request.Request(url, content, headers, method="POST")  # noqa: S310  # the scheme was looked at
        try:
            with opener.open(request, timeout=self._timeout):
                return asked
        except HTTPError as refused:
            refused.close()
            raise UploadRefusedError(refused.code) from None

    # --- after a lost answer ------------------------------------------------------------------------------------------

    def _find(self, post: Post, name: str, root_ts: str) -> Delivery | None:
        """Look for the file in the thread; None: it is not there. Where Slack does not say, it is not uploaded anew."""
        cursor = ""
        for _ in range(PAGES):
            answer = self._ask(lambda cursor=cursor: self._read(post, root_ts, cursor))  # type: ignore[misc]  # bound early
            if not isinstance(answer, SlackResponse):
                return _unsaid(answer)
            for message in answer.get("messages") or ():
                found = _file_of(message, name)
                if found:
                    return Sent(found)
            cursor = (answer.get("response_metadata") or {}).get("next_cursor") or ""
            if not cursor:
                return None
        return Rejected("the thread is too long to see whether the file is there already")

    def _read(self, post: Post, root_ts: str, cursor: str) -> SlackResponse:
        oldest = f"{post.decided_at.timestamp() - CLOCK_SLACK:.6f}"
        return self._web.conversations_replies(
            channel=post.channel, ts=root_ts, oldest=oldest, limit=PAGE, cursor=cursor or None
        )


def _words(attached: Attachment) -> dict[str, str]:
    """Give the words for those who cannot see; only a picture needs them."""
    return {"alt_txt": attached.words or attached.title} if attached.name.endswith(".png") else {}


def _file_of(message: dict[str, Any], name: str) -> str:
    """Give the id of the file of that name in a message, or nothing."""
    return next((str(one.get("id", "")) for one in message.get("files") or () if one.get("name") == name), "")


def _unshown(failure: Failure) -> Delivery:
    """Give what a failure means before anything was shown: it can be done anew without a doubt."""
    return RetryAfter(AGAIN, failure.why) if isinstance(failure, Ambiguous) else failure


def _unsaid(failure: Failure) -> Delivery:
    """Give what it means that the thread could not be searched."""
    if isinstance(failure, Gone | RetryAfter):
        return failure
    if isinstance(failure, Ambiguous):
        return RetryAfter(AGAIN, failure.why)
    return Rejected(f"whether the file is there already cannot be seen, and none is better than two: {failure.why}")
