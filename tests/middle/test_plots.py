"""Plots of the thread: owed when an incident opens or is raised, after everything else, given up quietly, never two."""

import math
from collections.abc import Callable

import pytest

from monitor.adapters.memory.world import RecordingArtist, RecordingPager
from monitor.core.model import Tier
from monitor.core.pages.page import ActionKind
from monitor.core.pages.plot import Band, BandKind, Mark, Plot
from monitor.ports.metrics import Unanswered
from monitor.ports.pager import Ambiguous, Delivery, Message, Rejected, RetryAfter, Sent
from monitor.ports.store import Post, PostKind, PostState
from monitor.ports.world import Undrawn
from tests.middle.house import BAD, INTERVAL, START, WORST, House, group, key, rule

API = rule("Api", prepare=60, rollback=0)


class Channel(RecordingPager):
    """Answers plots with `replies` first, and takes all the rest."""

    def __init__(self, *replies: Delivery) -> None:
        super().__init__()
        self._of_plots = list(replies)

    def deliver(self, message: Message) -> Delivery:
        if message.post.kind is not PostKind.PLOT or not self._of_plots:
            return super().deliver(message)
        self.messages.append(message)
        return self._of_plots.pop(0)

    @property
    def plots(self) -> list[Message]:
        return [one for one in self.messages if one.post.kind is PostKind.PLOT]


def house_with(pager: Channel, artist: RecordingArtist | None = None) -> House:
    house = House(group("apis", API), pager=pager, artist=artist or RecordingArtist())
    house.walk(120)
    return house


def plot_post(house: House) -> Post:
    (post,) = [one for one in house.store.posts("INC-0001") if one.kind is PostKind.PLOT]
    return post


def test_a_plot_follows_the_page_and_another_one_when_it_is_raised() -> None:
    pager, artist = Channel(), RecordingArtist()
    house = house_with(pager, artist)
    house.says("Api", BAD)
    house.walk(120)
    assert [one.post.reason for one in pager.plots] == ["prepare_opens"]
    house.says("Api", WORST)
    house.walk(60)
    assert [one.post.reason for one in pager.plots] == ["prepare_opens", "raised"]
    names = [one.attachment.name for one in pager.plots if one.attachment]
    assert len(set(names)) == 2, "each is known by its name"
    assert all(one.root_ts for one in pager.plots)
    assert pager.messages[0].post.kind is PostKind.ROOT
    assert house.plots_heard == ["sent", "sent"]
    house.walk(120)
    assert len(pager.plots) == 2, "once each"
    assert [limit.name for limit in artist.plots[1].limits if limit.paged] == ["roll back over 0.25"]


def test_what_is_plotted_is_what_was_judged_with_the_bands_that_were_recorded() -> None:
    pager, artist = Channel(), RecordingArtist()
    house = house_with(pager, artist)
    seen: dict[int, float] = {}
    for step in range(4 * 15):
        value = 0.01 + 0.005 * math.sin(step) if step < 40 else BAD + step / 1000
        house.clock.advance(INTERVAL)
        house.says("Api", value)
        seen[house.grid] = value
        house.tick()
    (plot,) = artist.plots
    drawn = {at: value for at, value in plot.values if value is not None and at in seen}
    assert drawn == {at: value for at, value in seen.items() if at <= plot.end}
    assert drawn
    incident = house.incident()
    since, fired = (int(one.timestamp()) for one in (incident.alerts[0].since, incident.alerts[0].fired_at))
    assert fired - since == 60
    assert plot.bands == (Band(BandKind.PENDING, since, fired),)
    later = house.plotting.plot(incident, incident.alerts[0])
    assert isinstance(later, Plot)
    assert Band(BandKind.FIRING, fired, house.grid) in later.bands
    assert all((at - START) % INTERVAL == 0 for at, _ in plot.values)


def test_gaps_stay_gaps_and_blindness_is_a_band() -> None:
    pager, artist = Channel(), RecordingArtist()
    house = house_with(pager, artist)
    house.says("Api", None)
    dark = house.grid
    house.walk(600)
    house.says("Api", WORST)
    house.walk(60)
    plot = artist.plots[-1]
    unseen = [value for at, value in plot.values if dark < at < dark + 600]
    assert unseen
    assert set(unseen) == {None}
    assert any(one.kind is BandKind.BLIND for one in plot.bands)


def test_who_acknowledged_is_marked() -> None:
    pager, artist = Channel(RetryAfter(30, "wait")), RecordingArtist()
    house = house_with(pager, artist)
    house.says("Api", WORST)
    house.walk(15)
    house.ask(ActionKind.ACKNOWLEDGE)
    house.walk(60)
    assert [one.text for one in artist.plots[-1].marks if isinstance(one, Mark)] == ["acknowledged by Ana"]


def test_nothing_but_blindness_has_no_plot() -> None:
    pager = Channel()
    house = house_with(pager)
    house.says("Api", None)
    house.walk(600)
    assert house.incident().tier is Tier.BLIND
    assert not pager.plots
    assert all(post.kind is not PostKind.PLOT for post in house.store.posts("INC-0001"))


# --- what goes wrong --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("replies", "state", "made"),
    [
        pytest.param([RetryAfter(20, "slow")], PostState.SENT, 2, id="told to wait=>sent"),
        pytest.param([Ambiguous("lost")], PostState.SENT, 2, id="answer lost=>looked for, sent"),
        pytest.param([Rejected("no scope")], PostState.FAILED, 1, id="refused=>given up at once"),
        pytest.param([RetryAfter(20, "down")] * 40, PostState.FAILED, 15, id="down for long=>given up"),
    ],
)
def test_a_plot_is_tried_for_minutes_and_never_again(replies: list[Delivery], state: PostState, made: int) -> None:
    pager = Channel(*replies)
    house = house_with(pager)
    house.says("Api", WORST)
    house.walk(900)
    post = plot_post(house)
    assert post.state is state
    assert len(pager.plots) <= made
    assert house.plots_heard[-1] == ("sent" if state is PostState.SENT else "given_up")
    assert [one.post.kind for one in pager.messages if one.post.ts is None and one.post.kind is not PostKind.PLOT] == [
        PostKind.ROOT
    ]


def test_after_a_lost_answer_it_is_looked_for_and_not_before_slack_had_time_to_show_it() -> None:
    pager = Channel(Ambiguous("lost"))
    house = house_with(pager)
    house.says("Api", WORST)
    house.walk(15)
    assert [one.post.attempts for one in pager.plots] == [0]
    house.walk(15)
    assert len(pager.plots) == 1
    house.walk(15)
    assert [one.post.attempts for one in pager.plots] == [0, 1]


def test_after_a_restart_what_may_have_gone_out_is_looked_for() -> None:
    house = House(group("apis", API), pager=Channel(), artist=RecordingArtist())
    house.walk(120)
    house.says("Api", WORST)
    house.clock.advance(INTERVAL)
    house.evaluate_all()
    house.clock.advance(1)
    house.build(house.book.now.rules)
    house.outbox.deliver_due()
    assert isinstance(house.pager, Channel)
    assert not house.pager.plots, "what was completed just before the end needs its time to show"
    house.walk(30)
    assert [one.post.attempts for one in house.pager.plots] == [1]


@pytest.mark.parametrize(
    ("break_it", "why"),
    [
        pytest.param(
            lambda house: setattr(house, "answer", lambda *_: Unanswered("it is down")), "it is down", id="no answer"
        ),
        pytest.param(lambda house: house.says("Api", None, since=0), "no reading", id="nothing read"),
    ],
)
def test_a_source_without_an_answer_gives_no_plot_and_takes_nothing_from_the_page(
    break_it: Callable[[House], None], why: str
) -> None:
    pager = Channel()
    house = house_with(pager)
    house.says("Api", WORST)
    house.clock.advance(INTERVAL)
    house.evaluate_all()
    break_it(house)
    house.outbox.deliver_due()
    for _ in range(40):
        house.clock.advance(INTERVAL)
        house.outbox.deliver_due()
    assert pager.messages[0].post.kind is PostKind.ROOT
    post = plot_post(house)
    assert not pager.plots
    assert post.state is PostState.FAILED
    assert why in post.problem


def test_a_drawing_that_fails_is_tried_again_and_given_up() -> None:
    artist = RecordingArtist([Undrawn("drawing took more than 30 s")] * 50)
    pager = Channel()
    house = house_with(pager, artist)
    house.says("Api", WORST)
    house.walk(600)
    assert not pager.plots
    assert 2 <= len(artist.plots) <= 12
    assert plot_post(house).problem == "drawing took more than 30 s"
    assert house.plots_heard == ["given_up"]


def test_a_plot_waits_for_everything_else_that_is_new_in_its_channel() -> None:
    pager = Channel()
    house = house_with(pager)
    replies: list[Delivery] = [Ambiguous("lost")] * 3
    taken = pager.deliver

    def deliver(message: Message) -> Delivery:
        return replies.pop() if replies and message.post.kind is PostKind.ROOT else taken(message)

    pager.deliver = deliver  # type: ignore[method-assign]  # the channel refuses for a while
    house.says("Api", WORST)
    house.walk(15)
    assert not pager.plots
    house.walk(60)
    kinds = [one.post.kind for one in pager.messages if one.post.ts is None]
    assert kinds == [PostKind.ROOT, PostKind.LINE, PostKind.PLOT], "the line tells why the page was late"


def test_where_the_pager_carries_none_nothing_is_owed_and_what_was_is_given_up() -> None:
    house = House(group("apis", API))
    house.walk(120)
    house.says("Api", WORST)
    house.walk(30)
    kinds = {post.kind for post in house.store.posts("INC-0001")}
    assert kinds == {PostKind.ROOT}
    before = House(group("apis", API), artist=RecordingArtist())
    before.walk(120)
    before.says("Api", WORST)
    before.clock.advance(INTERVAL)
    before.evaluate_all()
    before.artist = None
    before.build(before.book.now.rules)
    before.walk(30)
    assert plot_post(before).state is PostState.FAILED
    assert "cannot be shown" in plot_post(before).problem


def test_stopping_stops_what_is_being_drawn() -> None:
    artist = RecordingArtist()
    house = House(group("apis", API), artist=artist)
    house.outbox.stop()
    assert artist.stopped


def test_a_rule_that_is_gone_has_no_plot() -> None:
    house = house_with(Channel())
    house.says("Api", WORST)
    house.clock.advance(INTERVAL)
    house.evaluate_all()
    assert key("Api") == house.incident().alerts[0].key
    house.book.swap(House(group("apis", rule("Other", rollback=0))).book.now.rules)
    house.outbox.deliver_due()
    post = plot_post(house)
    assert post.state is PostState.FAILED
    assert post.problem.startswith("no rule in force judges Api")
    assert isinstance(house.pager, Channel)
    assert Sent not in map(type, house.pager.plots)
