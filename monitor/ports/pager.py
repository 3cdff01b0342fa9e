"""Who delivers what is owed, and what became of it."""

from dataclasses import dataclass
from typing import Protocol, TypeAlias

from monitor.core.pages.calling import Call
from monitor.core.pages.page import Action, Card, Page
from monitor.ports.store import Post


@dataclass(frozen=True, slots=True)
class Sent:
    """The pager took it; `ts` is its name of the message."""

    ts: str


@dataclass(frozen=True, slots=True)
class Rejected:
    """The pager refused it for a reason that trying again cannot mend."""

    why: str


@dataclass(frozen=True, slots=True)
class Ambiguous:
    """Nobody knows whether it arrived (timeout, reset, 5xx)."""

    why: str


@dataclass(frozen=True, slots=True)
class RetryAfter:
    """Not taken; try again in `seconds`. Unless it is `alone`, what goes the same way to the same channel waits too."""

    seconds: float
    why: str
    alone: bool = False


@dataclass(frozen=True, slots=True)
class Gone:
    """The message to be edited, or the root whose thread it belongs to, is not there any more: somebody deleted it."""

    why: str


Delivery: TypeAlias = Sent | Rejected | Ambiguous | RetryAfter | Gone


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file for a thread: the name it is filed under, its title, and what a picture shows in words."""

    content: bytes
    name: str
    title: str
    words: str = ""


@dataclass(frozen=True, slots=True)
class Message:
    """One post with what it says.

    `page` for a root or call, `card` for a procedure card, `attachment` for a file, `post.said` for the rest.

    `root_ts` is the pager's name of the incident's root message in that channel (None for the root itself). `actions`
    are buttons under a line that asks for something; `home` is the channel of the page that an escalation tells of.
    `call` is how the incident stands, for pagers that know no messages. `urgent`: better posted twice than late.
    """

    post: Post
    page: Page | None = None
    card: Card | None = None
    root_ts: str | None = None
    actions: tuple[Action, ...] = ()
    home: str = ""
    call: Call | None = None
    urgent: bool = False
    attachment: Attachment | None = None


class Pager(Protocol):
    """Something that carries pages to people."""

    def deliver(self, message: Message) -> Delivery:
        """Post the message, or edit it where `message.post.ts` is set. Never raises; bounded in time."""


class Permalinks(Protocol):
    """Something that knows under which address a message can be looked at."""

    def permalink(self, channel: str, ts: str) -> str:
        """Give the address of a message, or nothing where it cannot be had. Never raises; bounded in time."""


class ProbedPager(Pager, Protocol):
    """A pager that can be asked whether it listens."""

    def probe(self) -> Delivery:
        """See whether it would take a page, without paging anybody. Never raises; bounded in time."""
