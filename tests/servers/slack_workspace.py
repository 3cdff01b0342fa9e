"""The state of the strict Slack workspace, and the Web API methods that read and change it.

Each method takes the arguments that were sent and gives Slack's JSON. It must not know how requests travel.
"""

import copy
import itertools
import json
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from tests.servers.slack_rules import Json, bad_metadata, buttons_of, options_of, refusal, rendition, view_refusal

TEAM, APP, BOT = "T0TEAM", "A0APP", "B0BOT"
USERS = {"U0ANA": "ana", "U0BOB": "bob", "U0EVE": "eve"}
GROUPS = {"S0ONCALL": ("U0ANA", "U0BOB"), "S0IC": ("U0ANA",), "S0EMPTY": ()}
TRIGGER_LIVES = 3.0
CHANNELS = ("C0OPS", "C0DRILL", "C0BILL")
SCOPES = ("chat:write", "files:write", "usergroups:read", "users:read", "channels:history", "groups:history")
NEEDED = {
    "chat.postMessage": "chat:write",
    "chat.update": "chat:write",
    "chat.postEphemeral": "chat:write",
    "conversations.history": "channels:history",
    "conversations.replies": "channels:history",
    "usergroups.users.list": "usergroups:read",
    "users.info": "users:read",
    "bots.info": "users:read",
    "files.getUploadURLExternal": "files:write",
    "files.completeUploadExternal": "files:write",
}
MAX_ALT, MAX_TITLE = 1000, 255


@dataclass(slots=True)
class File:
    """A file as the workspace holds it; `content` is None until it was brought, `done` once it was completed."""

    id: str
    name: str
    length: int
    alt: str
    title: str = ""
    content: bytes | None = None
    done: bool = False

    def as_json(self) -> Json:
        """Give it as the Web API tells it."""
        told: Json = {"id": self.id, "name": self.name, "title": self.title, "size": self.length, "alt_txt": self.alt}
        return told


@dataclass(slots=True)
class Stored:
    """A message as the channel holds it; `edits` are the earlier (text, blocks), oldest first."""

    channel: str
    ts: str
    text: str
    blocks: list[Json]
    metadata: Json
    thread_ts: str | None
    broadcast: bool
    posted_at: float
    edits: list[tuple[str, list[Json]]] = field(default_factory=list)
    files: list["File"] = field(default_factory=list)

    @property
    def shown(self) -> str:
        """The message as lines of plain text, as a person reads it."""
        return rendition(self.text, self.blocks)

    @property
    def buttons(self) -> list[str]:
        """The action ids of its buttons, from top to bottom."""
        return [button["action_id"] for button in buttons_of(self.blocks)]

    @property
    def options(self) -> list[str]:
        """What stands behind ⋯, by the kinds in the options' values."""
        return [option["value"].partition("|")[0] for _, option in options_of(self.blocks)]

    def as_json(self, *, with_metadata: bool) -> Json:
        """Give it as the Web API tells it."""
        told: Json = {"type": "message", "ts": self.ts, "text": self.text, "bot_id": BOT, "app_id": APP}
        told |= {"blocks": self.blocks} if self.blocks else {}
        told |= {"thread_ts": self.thread_ts} if self.thread_ts else {}
        told |= {"files": [one.as_json() for one in self.files]} if self.files else {}
        return told | ({"metadata": self.metadata} if with_metadata and self.metadata else {})


class Workspace:
    """Channels, people, user groups and one installed app."""

    def __init__(self, *, scopes: tuple[str, ...] = SCOPES, posts_a_second: int | None = None) -> None:
        """Make the workspace; `posts_a_second` is the limit of each channel (None: no limit)."""
        self.channel, self.channels = CHANNELS[0], dict.fromkeys(CHANNELS, "open")
        self.users, self.groups, self.scopes = dict(USERS), dict(GROUPS), set(scopes)
        self.traits: dict[str, Json] = {}
        self.told: list[Json] = []
        self.tickets: set[str] = set()
        self.views: dict[str, list[Json]] = {}
        self.triggers: dict[str, tuple[str, float]] = {}
        self.port = 0
        self.files: dict[str, File] = {}
        self.sharing = True
        """Whether a completed upload is shown at once; Slack itself takes its time, and sometimes all of it."""
        self._messages: list[Stored] = []
        self._last_ts = 0
        self._posts_a_second = posts_a_second
        self._numbers = itertools.count(1)
        self._lock = threading.RLock()

    # --- what a person sees and does --------------------------------------------------------------------------------

    def messages(self, channel: str | None = None) -> list[Stored]:
        """Give what stands in a channel itself: roots and broadcasts, oldest first."""
        return [one for one in self.everything(channel) if one.thread_ts is None or one.broadcast]

    def thread(self, root: Stored) -> list[Stored]:
        """Give the replies in words in the thread of `root`, oldest first."""
        return [one for one in self.everything(root.channel) if one.thread_ts == root.ts and not one.files]

    def shared(self, root: Stored) -> list[File]:
        """Give the files in the thread of `root`, oldest first."""
        return [file for one in self.everything(root.channel) if one.thread_ts == root.ts for file in one.files]

    def everything(self, channel: str | None = None) -> list[Stored]:
        """Give every message of a channel (None: of all), oldest first."""
        with self._lock:
            return [copy.deepcopy(one) for one in self._messages if channel in (None, one.channel)]

    def message(self, ts: str) -> Stored:
        """Give one message as it stands now."""
        return next(one for one in self.everything() if one.ts == ts)

    def put(self, channel: str, text: str) -> None:
        """Let a person write something."""
        with self._lock:
            self._messages.append(Stored(channel, self._next_ts(), text, [], {}, None, broadcast=False, posted_at=0))

    def clear(self) -> None:
        """Forget all messages, and open every channel and scope again."""
        with self._lock:
            self._messages.clear()
            self.files.clear()
            self.sharing = True
            self.told.clear()
            self.traits.clear()
            self.views.clear()
            self.triggers.clear()
            self.channels, self.scopes = dict.fromkeys(CHANNELS, "open"), set(SCOPES)

    def _next_ts(self) -> str:
        self._last_ts = max(self._last_ts + 1, int(time.time() * 1e6))
        return f"{self._last_ts // 10**6}.{self._last_ts % 10**6:06d}"

    def delete(self, ts: str) -> None:
        """Delete a message, as a person may."""
        with self._lock:
            self._messages = [one for one in self._messages if one.ts != ts]

    def do(self, method: str, args: Json) -> Json:
        """Do what a call asks for; gives Slack's answer."""
        call = METHODS.get(method)
        if call is None:
            return {"ok": False, "error": "unknown_method"}
        if NEEDED.get(method, "chat:write") not in self.scopes:
            return {"ok": False, "error": "missing_scope", "needed": NEEDED[method]}
        with self._lock:
            return call(self, args)

    # --- the Web API ------------------------------------------------------------------------------------------------

    def _auth_test(self, _: Json) -> Json:
        return {"ok": True, "team_id": TEAM, "team": "example", "user": "rollback-monitor", "bot_id": BOT}

    def _connections_open(self, _: Json) -> Json:
        ticket = secrets.token_hex(8)
        self.tickets.add(ticket)
        return {"ok": True, "url": f"ws://127.0.0.1:{self.port}/link?ticket={ticket}"}

    def _post_message(self, args: Json) -> Json:
        problem = self._channel_problem(args) or _content_problem(args)
        if problem:
            return problem
        thread = args.get("thread_ts")
        if thread and not any(one.ts == thread for one in self.everything(args["channel"])):
            return {"ok": False, "error": "thread_not_found"}
        if args.get("reply_broadcast") and not thread:
            return {"ok": False, "error": "invalid_arguments", "why": "reply_broadcast needs thread_ts"}
        now = time.time()
        recent = [one for one in self._messages if one.channel == args["channel"] and now - one.posted_at < 1]
        if self._posts_a_second is not None and len(recent) >= self._posts_a_second:
            return {"ok": False, "error": "ratelimited"}
        posted = Stored(
            channel=args["channel"],
            ts=self._next_ts(),
            text=args.get("text") or "",
            blocks=args.get("blocks") or [],
            metadata=args.get("metadata") or {},
            thread_ts=thread,
            broadcast=bool(args.get("reply_broadcast")),
            posted_at=now,
        )
        self._messages.append(posted)
        return {"ok": True, "channel": posted.channel, "ts": posted.ts, "message": posted.as_json(with_metadata=False)}

    def _permalink(self, args: Json) -> Json:
        found = [one for one in self.everything(str(args.get("channel"))) if one.ts == args.get("message_ts")]
        if not found:
            return {"ok": False, "error": "message_not_found"}
        link = f"https://example.slack.com/archives/{found[0].channel}/p{found[0].ts.replace('.', '')}"
        return {"ok": True, "channel": found[0].channel, "permalink": link}

    def _update(self, args: Json) -> Json:
        problem = self._channel_problem(args) or _content_problem(args)
        if problem:
            return problem
        found = [one for one in self._messages if one.channel == args["channel"] and one.ts == args.get("ts")]
        if not found:
            return {"ok": False, "error": "message_not_found"}
        message = found[0]
        message.edits.append((message.text, message.blocks))
        message.text = args.get("text") or message.text
        message.blocks = args["blocks"] if args.get("blocks") is not None else message.blocks
        message.metadata = args.get("metadata") or message.metadata
        return {"ok": True, "channel": message.channel, "ts": message.ts, "text": message.text}

    def trigger(self, user: str) -> str:
        """Give what `user` did, as a form can be opened with for 3 s."""
        name = f"{next(self._numbers)}.{secrets.token_hex(6)}"
        self.triggers[name] = user, time.monotonic()
        return name

    def _open_view(self, args: Json) -> Json:
        trigger = str(args.get("trigger_id"))
        if trigger not in self.triggers:
            return {"ok": False, "error": "invalid_trigger_id"}
        user, since = self.triggers.pop(trigger)
        if time.monotonic() - since > TRIGGER_LIVES:
            return {"ok": False, "error": "expired_trigger_id"}
        why = view_refusal(args.get("view"))
        if why is not None:
            return {"ok": False, "error": "invalid_arguments", "why": why}
        view = dict(args["view"]) | {"id": f"V{next(self._numbers):04d}", "hash": f"{time.time():.3f}", "team_id": TEAM}
        self.views.setdefault(user, []).append(view)
        return {"ok": True, "view": view}

    def _post_ephemeral(self, args: Json) -> Json:
        problem = self._channel_problem(args) or _content_problem(args)
        if problem is None and args.get("user") not in self.users:
            problem = {"ok": False, "error": "user_not_in_channel"}
        if problem is None:
            self.told.append({"user": args["user"], "text": args["text"], "channel": args["channel"]} | args)
        return problem or {"ok": True, "message_ts": f"{time.time():.6f}"}

    def _history(self, args: Json) -> Json:
        newest_first = self.messages(args.get("channel"))[::-1]
        return self._channel_problem(args, reading=True) or _page_of(newest_first, args)

    def _replies(self, args: Json) -> Json:
        here = self.everything(args.get("channel"))
        root = [one for one in here if one.ts == args.get("ts")]
        if not root:
            return self._channel_problem(args, reading=True) or {"ok": False, "error": "thread_not_found"}
        replies = [one for one in here if one.thread_ts == args["ts"]]
        return self._channel_problem(args, reading=True) or _page_of([*root, *replies], args)

    def _group_members(self, args: Json) -> Json:
        group = args.get("usergroup")
        if group not in self.groups:
            return {"ok": False, "error": "no_such_subteam"}
        return {"ok": True, "users": list(self.groups[str(group)])}

    def _user_info(self, args: Json) -> Json:
        name = self.users.get(str(args.get("user")))
        if name is None:
            return {"ok": False, "error": "user_not_found"}
        user = {"id": args["user"], "team_id": TEAM, "name": name, "profile": {"display_name": name}, "is_bot": False}
        return {"ok": True, "user": user | self.traits.get(args["user"], {})}

    def _bot_info(self, args: Json) -> Json:
        if args.get("bot") != BOT:
            return {"ok": False, "error": "bot_not_found"}
        return {"ok": True, "bot": {"id": BOT, "app_id": APP, "name": "rollback-monitor", "deleted": False}}

    # --- files ------------------------------------------------------------------------------------------------------

    def _upload_address(self, args: Json) -> Json:
        """Give where a file may be brought to; strict about what Slack is told of it."""
        name, length = str(args.get("filename") or ""), str(args.get("length") or "")
        if not name or not length.isdecimal() or int(length) == 0 or len(str(args.get("alt_txt") or "")) > MAX_ALT:
            return {"ok": False, "error": "invalid_arguments", "why": "filename, a length over 0, a short alt_txt"}
        file = File(f"F{next(self._numbers):06d}", name, int(length), str(args.get("alt_txt") or ""))
        self.files[file.id] = file
        return {"ok": True, "upload_url": f"http://127.0.0.1:{self.port}/upload/v1/{file.id}", "file_id": file.id}

    def bring(self, file_id: str, content: bytes) -> int:
        """Take the bytes of a file, as the upload address does; gives the HTTP status."""
        with self._lock:
            file = self.files.get(file_id)
            if file is None or file.done:
                return 404
            if len(content) != file.length:
                return 400
            file.content = content
            return 200

    def _complete_upload(self, args: Json) -> Json:
        """Show what was brought in the channel, or in a thread of it."""
        try:
            named = json.loads(args.get("files") or "")
            files = [(self.files[one["id"]], str(one.get("title") or "")) for one in named]
        except (ValueError, TypeError, KeyError):
            return {"ok": False, "error": "file_not_found"}
        if not files or any(file.content is None or file.done for file, _ in files):
            return {"ok": False, "error": "file_not_found", "why": "not brought yet, or completed already"}
        if any(len(title) > MAX_TITLE for _, title in files):
            return {"ok": False, "error": "invalid_arguments", "why": "a title is too long"}
        channel, thread = args.get("channel_id"), args.get("thread_ts")
        problem = self._channel_problem({"channel": channel}) if channel else None
        if problem is None and thread and not any(one.ts == thread for one in self.everything(str(channel))):
            problem = {"ok": False, "error": "thread_not_found"}
        if problem:
            return problem
        for file, title in files:
            file.title, file.done = title, True
        if channel and self.sharing:
            shared = Stored(str(channel), self._next_ts(), "", [], {}, thread, broadcast=False, posted_at=time.time())
            shared.files = [file for file, _ in files]
            self._messages.append(shared)
        return {"ok": True, "files": [file.as_json() for file, _ in files]}

    def _channel_problem(self, args: Json, *, reading: bool = False) -> Json | None:
        state = self.channels.get(str(args.get("channel")))
        if state is None:
            return {"ok": False, "error": "channel_not_found"}
        if state == "open" or (state == "is_archived" and reading):
            return None
        return {"ok": False, "error": state}


METHODS: Mapping[str, Callable[[Workspace, Json], Json]] = {
    "auth.test": Workspace._auth_test,
    "apps.connections.open": Workspace._connections_open,
    "chat.postMessage": Workspace._post_message,
    "chat.update": Workspace._update,
    "chat.postEphemeral": Workspace._post_ephemeral,
    "views.open": Workspace._open_view,
    "chat.getPermalink": Workspace._permalink,
    "conversations.history": Workspace._history,
    "conversations.replies": Workspace._replies,
    "usergroups.users.list": Workspace._group_members,
    "users.info": Workspace._user_info,
    "bots.info": Workspace._bot_info,
    "files.getUploadURLExternal": Workspace._upload_address,
    "files.completeUploadExternal": Workspace._complete_upload,
}


def _content_problem(args: Json) -> Json | None:
    refused = refusal(args.get("text"), args.get("blocks"))
    if refused:
        return {"ok": False, "error": refused[0], "why": refused[1]}
    wrong = bad_metadata(args["metadata"]) if args.get("metadata") else None
    return {"ok": False, "error": "invalid_metadata_format", "why": wrong} if wrong else None


def _page_of(messages: list[Stored], args: Json) -> Json:
    """Give one page of messages, as history and replies do."""
    oldest, with_metadata = (
        float(args.get("oldest") or 0),
        str(args.get("include_all_metadata")) in ("1", "True", "true"),
    )
    start, limit = int(args.get("cursor") or 0), min(int(args.get("limit") or 100), 200)
    shown = [one for one in messages if float(one.ts) > oldest]
    page, more = shown[start : start + limit], len(shown) > start + limit
    told: Json = {"ok": True, "has_more": more, "messages": [one.as_json(with_metadata=with_metadata) for one in page]}
    return told | ({"response_metadata": {"next_cursor": str(start + limit)}} if more else {})
