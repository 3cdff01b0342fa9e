"""Evidence on the house of real parts: what is kept and when, what is said where nothing can be read, and posted."""

import io
import json
import random
import zipfile
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

import pytest

from monitor.adapters.memory.world import RecordingArtist, RecordingPager
from monitor.core.incidents.events import EndReason
from monitor.core.pages.page import ActionKind
from monitor.delivery.outbox import Outbox, Plots
from monitor.delivery.pictures import Pictures
from monitor.delivery.reports import MOST_BYTES, Files, Reports
from monitor.desk.scenes import Scenes
from monitor.evidence.bundles import unpacked
from monitor.evidence.collecting import Evidence
from monitor.evidence.keeping import Keeper
from monitor.people.requesting import Request
from monitor.ports.metrics import Unanswered
from monitor.ports.pager import Ambiguous, Delivery, Message, Rejected
from monitor.ports.store import PostKind, PostState
from tests.middle.house import ANA, BEN, INTERVAL, QUIET, WORST, House, group, rule

LOGIN = rule("Login", rollback=0)
SECRET = "hunter2hunter2"


class Channel(RecordingPager):
    """Answers reports with `replies` first, and takes all the rest."""

    def __init__(self, *replies: Delivery) -> None:
        super().__init__()
        self._of_reports = list(replies)

    def deliver(self, message: Message) -> Delivery:
        if message.post.kind is not PostKind.REPORT or not self._of_reports:
            return super().deliver(message)
        self.messages.append(message)
        return self._of_reports.pop(0)

    @property
    def reports(self) -> list[Message]:
        return [one for one in self.messages if one.post.kind is PostKind.REPORT]


class Office:
    """A house with an incident that was over after a few minutes, and what keeps and posts its evidence."""

    def __init__(self, *replies: Delivery) -> None:
        self.pager = Channel(*replies)
        self.house = house = House(group("apis", LOGIN), pager=self.pager, artist=RecordingArtist())
        assert house.artist is not None
        self.evidence = Evidence(house.store, house.plotting, house.artist, house.clock, (SECRET,))
        self.sizes: list[int] = []
        self.keeper = Keeper(house.store, self.evidence, house.clock, timedelta(days=400), self.sizes.append)
        maker = Files(Pictures(house.store, house.plotting, house.artist), Reports(self.evidence))
        scenes = Scenes(house.book, house.engine.readings)
        plots = Plots(maker, lambda kind, outcome: house.plots_heard.append(f"{kind} {outcome}"))
        house.outbox = Outbox(house.store, self.pager, house.clock, scenes, house.bell, plots=plots, tempo=house.tempo)
        house.walk(120)
        house.says("Login", WORST)
        house.walk(120)
        house.ask(ActionKind.START, ANA)
        house.says("Login", QUIET)
        house.walk(900)

    def end(self) -> None:
        for step in ("declare", "pin"):
            self.ask(ActionKind.DONE, subject=step)
        self.ask(ActionKind.END)
        assert self.house.incident().end_reason is EndReason.BY_PERSON

    def ask(self, action: ActionKind, subject: str = "", **words: str) -> None:
        commander = self.house.incident().commander or ANA
        self.house.commands.carry_out(Request("INC-0001", action, commander, subject, words))

    def complete(self) -> None:
        self.end()
        self.ask(ActionKind.COMPLETE, root_cause=f"the pool, and {SECRET}", follow_ups="grow it; Ben; 2025-04-01")

    def files(self) -> Mapping[str, bytes]:
        found = self.evidence.bundle("INC-0001")
        assert found is not None
        return found

    def signal(self) -> dict[str, object]:
        (one,) = json.loads(self.files()["signals.json"])["signals"]
        assert isinstance(one, dict)
        return one


def outage(office: Office) -> None:
    office.house.answer = lambda *_: Unanswered("it is down")


def test_it_is_read_a_quarter_of_an_hour_after_the_end_and_kept_for_good() -> None:
    office = Office()
    office.end()
    assert office.keeper.look() == ""
    office.house.clock.advance(17 * 60)
    assert office.keeper.look() == "INC-0001"
    assert office.keeper.look() == ""
    outage(office)
    office.house.clock.advance(30 * 86400)
    signal = office.signal()
    assert (signal["problem"], signal["csv"]) == ("", "signal-01-Login-rollback.csv")
    rows = office.files()[str(signal["csv"])].decode().splitlines()[1:]
    assert len(rows) * INTERVAL >= 3600 + 120 + 900 + 900 - 2 * INTERVAL, "from an hour before to a quarter after"
    assert [row.split(",")[2] for row in rows].count("0.6") == 8, "what was judged, at each grid time"
    assert office.sizes == [
        sum(map(len, office.files().values()))
        - sum(len(content) for name, content in office.files().items() if not name.startswith("signal"))
    ]


def test_a_source_that_is_down_is_asked_again_and_given_up_after_a_day_in_words() -> None:
    office = Office()
    office.end()
    outage(office)
    office.house.clock.advance(17 * 60)
    assert office.keeper.look() == "INC-0001"
    assert office.house.store.evidence("INC-0001") is None
    assert office.keeper.look() == "", "not at once"
    office.house.clock.advance(86400)
    assert office.keeper.look() == "INC-0001"
    assert office.signal()["problem"] == "it is down"
    assert b"Login: it is down" in office.files()["report.md"]


def test_a_rule_that_is_gone_is_said_and_what_was_written_down_then_is_there() -> None:
    office = Office()
    office.end()
    office.house.build(replace(office.house.book.now.rules, groups=()))
    evidence = Evidence(office.house.store, office.house.plotting, RecordingArtist(), office.house.clock)
    found = evidence.bundle("INC-0001")
    assert found is not None
    (one,) = json.loads(found["signals.json"])["signals"]
    assert "no rule in force judges" in one["problem"]
    assert one["snapshots"][0]["queries"] == {"value": "login"}


def test_two_exports_of_what_was_kept_are_the_same_but_for_the_time() -> None:
    office = Office()
    office.end()
    office.house.clock.advance(17 * 60)
    office.keeper.look()
    first = office.files()
    office.house.clock.advance(86400)
    assert [name for name, content in office.files().items() if content != first[name]] == ["manifest.json"]


def test_a_secret_in_a_query_is_struck_where_it_is_kept() -> None:
    office = Office()
    office.end()
    evidence = replace(office.evidence, secrets=("login",))
    keeper = Keeper(office.house.store, evidence, office.house.clock, timedelta(days=400))
    office.house.clock.advance(17 * 60)
    keeper.look()
    kept = office.house.store.evidence("INC-0001")
    assert kept is not None
    assert json.loads(kept.files["signals.json"])["signals"][0]["queries"] == {"value": "[redacted]"}


def test_nobody_knows_an_incident_that_never_was() -> None:
    assert Office().evidence.bundle("INC-0009") is None


# --- in the thread ----------------------------------------------------------------------------------------------------


def test_a_complete_record_is_posted_once_the_report_and_then_everything() -> None:
    office = Office()
    office.complete()
    office.house.walk(60)
    report, everything = office.pager.reports
    assert report.attachment is not None
    assert everything.attachment is not None
    assert report.attachment.name.endswith(".md")
    assert b"Root cause, by Ana: the pool, and \\[redacted\\]" in report.attachment.content
    assert "manifest.json" in zipfile.ZipFile(io.BytesIO(everything.attachment.content)).namelist()
    assert unpacked(everything.attachment.content)["report.md"] == report.attachment.content
    assert report.root_ts
    (line,) = [
        one.post.said
        for one in office.pager.messages
        if one.post.reason == "record_completed" and one.post.said and one.post.kind is PostKind.LINE
    ]
    assert len(line.splitlines()) == 5, "whoever gets no file reads the short form"
    office.house.walk(300)
    assert len(office.pager.reports) == 2
    assert office.house.plots_heard[-2:] == ["report sent", "report sent"]


@pytest.mark.parametrize(
    ("reply", "state"),
    [
        pytest.param(Ambiguous("lost"), PostState.SENT, id="answer lost=>looked for"),
        pytest.param(Rejected("no scope"), PostState.FAILED, id="refused=>given up"),
    ],
)
def test_a_report_that_does_not_arrive_takes_nothing_from_the_rest(reply: Delivery, state: PostState) -> None:
    office = Office(reply)
    office.complete()
    office.house.walk(300)
    posts = [one for one in office.house.store.posts("INC-0001") if one.kind is PostKind.REPORT]
    assert [one.state for one in posts] == [state, PostState.SENT]
    attempts = [one.post.attempts for one in office.pager.reports if one.post.n == posts[0].n]
    assert attempts == ([0, 1] if state is PostState.SENT else [0])


def test_a_bundle_that_is_too_large_stays_at_home() -> None:
    office = Office()
    office.complete()
    artist = office.house.artist
    assert artist is not None
    artist._replies = [random.Random(1).randbytes(MOST_BYTES + 1)]
    office.house.walk(60)
    posts = [one for one in office.house.store.posts("INC-0001") if one.kind is PostKind.REPORT]
    assert [one.state for one in posts] == [PostState.SENT, PostState.FAILED]
    assert "incident export INC-0001" in posts[1].problem


def test_where_pages_go_nowhere_with_files_none_is_owed() -> None:
    house = House(group("apis", LOGIN))
    house.walk(120)
    house.says("Login", WORST)
    house.walk(30)
    house.ask(ActionKind.FALSE_ALARM, BEN, note="a test")
    assert all(one.kind is not PostKind.REPORT for one in house.store.posts("INC-0001"))
