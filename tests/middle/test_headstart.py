"""The first post of a page waits a moment for what changed before it, and never longer than that moment."""

from dataclasses import replace

from monitor.adapters.memory.world import ManualClock, RecordingPager, ScriptedRegistry
from monitor.core.model import Sample, labels_of, utc
from monitor.core.rules.service import Labelled, Releases, Service
from monitor.delivery.headstart import MOST, HeadStart
from monitor.delivery.outbox import Destinations
from monitor.ports.metrics import Answer, Samples, Unanswered
from monitor.ports.pager import Message
from monitor.ports.world import Present, Unknown
from monitor.procedure.following import AGAIN_AFTER, FIRST_WITHIN
from tests.middle.house import BAD, START, WORST, House, group, rule
from tests.middle.test_following import following

AUTH = Service("auth", Labelled("build", "version"), image="registry/auth:{version}")
RELEASED = "auth 2.14.0 deployed 110 s before"


class Opening:
    """A login that fails two minutes after a release, in a house where the page waits for what changed."""

    def __init__(self, pager: RecordingPager | None = None, destinations: Destinations | None = None) -> None:
        self.house = House(
            group("critical", rule("Login", prepare=0, rollback=0)), pager=pager, destinations=destinations
        )
        self.away = False
        self.registry = ScriptedRegistry({"registry/auth:2.13.4": Present("sha256:1")})
        self.began: list[str] = []
        self.head_start = HeadStart(self.house.clock.monotonic, self.house.bell.ring)
        self.house.held = self.head_start.left
        self.house.build(replace(self.house.book.now.rules, releases=Releases((AUTH,), "registry")))
        self.house.desk.opened = self._opened
        self.house.answer = self._answer
        self.follower = following(self.house, self.registry)

    def _opened(self, incident: str) -> None:
        self.began.append(incident)
        self.head_start.begin(incident)

    def _answer(self, expr: str, at: int) -> Answer | None:
        if "build" not in expr:
            return None
        if self.away:
            return Unanswered("it hangs")
        version = "2.13.4" if at < START - 120 else "2.14.0"
        marked = {"__seen__": "0"} if "__seen__" in expr else {}
        return Samples((Sample(labels_of({"version": version, **marked}), 1.0),))

    def breaks(self, value: float = WORST) -> "Opening":
        self.house.says("Login", value)
        self.house.tick()
        return self

    def looked(self) -> None:
        """The first look has been taken."""
        self.follower.look_first("INC-0001")
        self.head_start.over("INC-0001")

    @property
    def posts(self) -> list[Message]:
        self.house.outbox.deliver_due()
        return self.house.pager.messages


def headline(message: Message) -> str:
    assert message.page is not None
    return message.page.headline


def test_the_first_post_says_what_was_deployed() -> None:
    opening = Opening().breaks()
    assert opening.house.pager.messages == [], "it waits"
    opening.looked()
    (page,) = opening.posts
    assert page.post.ts is None
    assert RELEASED in headline(page)
    assert "go back to 2.13.4" in headline(page)


def test_other_pagers_wait_and_say_it_too() -> None:
    other = RecordingPager()
    opening = Opening(destinations=Destinations({"pagerduty": other}))
    rules = opening.house.book.now.rules
    page = replace(rules.routing.page, rollback=("slack", "pagerduty"))
    opening.house.build(replace(rules, routing=replace(rules.routing, page=page)))
    opening.house.desk.opened = opening._opened
    opening.follower = following(opening.house, opening.registry)
    opening.breaks()
    assert other.messages == []
    opening.looked()
    assert len(opening.posts) == 1
    assert RELEASED in headline(other.messages[0])


def test_what_does_not_come_in_its_moment_delays_the_page_no_longer() -> None:
    opening = Opening().breaks()
    opening.house.clock.advance(MOST - 0.05)
    assert opening.posts == []
    assert opening.house.outbox.deliver_due() <= 0.1, "it is tried again when the moment is over"
    opening.house.clock.advance(0.05)
    (page,) = opening.posts
    assert RELEASED not in headline(page)
    opening.looked()
    assert [one.post.ts is None for one in opening.posts] == [True, False], "what comes later is an edit"
    assert RELEASED in headline(opening.posts[-1])


def test_a_source_that_does_not_answer_lets_the_page_go_and_is_asked_again() -> None:
    opening = Opening().breaks()
    opening.away = True
    opening.looked()
    (page,) = opening.posts
    assert page.post.ts is None
    assert opening.house.incident().changes is None, "half an answer is not written"
    opening.away = False
    opening.follower.look()
    assert RELEASED in headline(opening.posts[-1])


def test_a_registry_that_did_not_answer_in_the_moment_is_asked_again() -> None:
    opening = Opening()
    there = opening.registry.images.pop("registry/auth:2.13.4")
    opening.registry.images["registry/auth:2.13.4"] = Unknown("no answer in time")
    opening.breaks().looked()
    assert RELEASED in headline(opening.posts[0])
    opening.registry.images["registry/auth:2.13.4"] = there
    opening.follower.look()
    page = opening.posts[-1].page
    assert page is not None
    assert any("its image is there" in line for line in page.changes)
    before = len(opening.house.kinds())
    opening.house.clock.advance(AGAIN_AFTER)
    opening.follower.look()
    assert len(opening.house.kinds()) == before, "all is known"


def test_two_looks_at_once_write_it_once() -> None:
    opening = Opening().breaks()
    seen = opening.house.incident()
    opening.looked()
    opening.house.store.incidents = lambda **_: [seen]  # type: ignore[method-assign]  # as it was before the other wrote
    opening.follower.look()
    assert opening.house.kinds().count("changes_found") == 1


def test_a_prepare_page_and_one_after_a_restart_do_not_wait() -> None:
    opening = Opening().breaks(BAD)
    assert opening.began == []
    assert len(opening.posts) == 1
    restarted = Opening().breaks()
    restarted.house.held = lambda _incident: 0.0
    restarted.house.build(restarted.house.book.now.rules)
    assert len(restarted.posts) == 1, "what waits, waits in memory alone"


def test_a_head_start_ends_once_and_rings() -> None:
    clock, rung = ManualClock(utc(START)), list[int]()
    head_start = HeadStart(clock.monotonic, lambda: rung.append(1))
    assert head_start.left("INC-1") == 0.0
    head_start.begin("INC-1")
    assert 0 < head_start.left("INC-1") <= MOST
    head_start.over("INC-1")
    head_start.over("INC-1")
    assert (head_start.left("INC-1"), rung) == (0.0, [1])
    head_start.begin("INC-1")
    clock.advance(MOST)
    assert head_start.left("INC-1") == 0.0
    assert MOST <= 1.0
    assert FIRST_WITHIN < MOST, "what was found must still be written"
