"""The bundle of an incident: what is in it; nothing forges it, no secret enters it, every change shows."""

import csv
import io
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from monitor.core.actor import MONITOR, Actor
from monitor.core.evidence import Case, Maker, Posted, bundle, clean, files, manifest, markdown
from monitor.core.evidence.checklist import Standing, checklist
from monitor.core.evidence.manifest import digest, problems, same_content
from monitor.core.evidence.moments import durations
from monitor.core.evidence.plainly import plain
from monitor.core.evidence.summary import summary
from monitor.core.evidence.telling import told
from monitor.core.incidents.asks import Command, Note, Pin
from monitor.core.incidents.decide import decide
from monitor.core.incidents.events import Refused
from monitor.core.incidents.procedureevents import BreakdownFound, ChecksRun
from monitor.core.procedures.verification import CheckResult, Outcome
from monitor.core.releases.breakdown import Breakdown, ByRoute, RouteShare, SlowService
from tests.core.procedural import ANA, AUTH, BEN, START, Driven, firing, key
from tests.core.stories import POSTED, case, signals, story
from tests.core.test_anything_people_do import DEEDS, GAPS, happen

GOLDEN = Path(__file__).parents[1] / "golden" / "evidence"
MAKER, MADE = Maker("rollback-monitor", "0.1.0"), datetime(2025, 4, 1, tzinfo=UTC)
NAMES = {
    "report.md",
    "timeline.jsonl",
    "decisions.jsonl",
    "versions.json",
    "commands.md",
    "verification.json",
    "followups.json",
    "slack.json",
    "signals.json",
    "manifest.json",
}


@pytest.mark.parametrize("name", ["report.md", "commands.md"])
def test_it_reads_as_the_golden_file_says(name: str) -> None:
    """To write it anew: `python -m tests.core.test_evidence`."""
    assert files(case())[name].decode() == (GOLDEN / name).read_text()


def test_every_file_is_there_and_says_its_version() -> None:
    made = bundle(case(), MAKER, MADE)
    assert made.keys() == NAMES | {"signal-01-Login-rollback.csv", "signal-01-Login-rollback.png"}
    for name, content in made.items():
        if name.endswith(".json"):
            assert json.loads(content)["version"] == 1, name
        if name.endswith(".jsonl"):
            assert {json.loads(line)["version"] for line in content.decode().splitlines()} == {1}, name


def test_the_same_input_gives_the_same_bytes_but_for_the_time() -> None:
    first, second = bundle(case(), MAKER, MADE), bundle(case(), MAKER, MADE + timedelta(days=30))
    assert [name for name in first if first[name] != second[name]] == ["manifest.json"]
    assert same_content(first["manifest.json"], second["manifest.json"])
    driven = story()
    driven.do(Note(ANA, "more"))
    assert not same_content(first["manifest.json"], bundle(case(driven), MAKER, MADE)["manifest.json"])


def test_where_it_failed_stands_in_the_versions_and_in_the_timeline() -> None:
    driven = Driven(firing())
    routes = (RouteShare("/login", 310, 192), RouteShare("/a|b<script>", 50, 2))
    seen = Breakdown(START, (ByRoute(key(), "auth", "route", routes),), (SlowService("web", 1.1, "p95 2 s"),), 3)
    driven.add(BreakdownFound(START, MONITOR, seen))
    made = files(case(driven))
    kept = json.loads(made["versions.json"])["breakdown"]
    assert kept["by_route"][0]["routes"][0] == {"route": "/login", "requests": 310, "failures": 192, "seconds": None}
    assert kept["slow"][0]["service"] == "web"
    report = made["report.md"].decode()
    assert "Where it fails: Failing routes of auth: /login 62 % (192 of 310)" in report
    assert "<script>" not in report


def test_every_click_is_a_decision_and_refused_ones_say_why() -> None:
    lines = [json.loads(line) for line in files(case())["decisions.jsonl"].decode().splitlines()]
    (refused,) = [one for one in lines if one["refused"]]
    assert (refused["by"], refused["did"]) == ("Gus", "start")
    assert "Gus is none" in refused["said"]
    assert [one["verified"] for one in lines if one["by"] == "cleo"] == [False]
    assert all(one["source"] != "monitor" for one in lines)


def test_the_raw_samples_are_not_rounded_and_gaps_stay_gaps() -> None:
    rows = list(csv.DictReader(io.StringIO(signals()["signal-01-Login-rollback.csv"].decode())))
    assert [row["raw failures"] for row in rows[:3]] == ["0.30000000000000004", "nan", ""]
    assert rows[2] | {"time": ""} == dict.fromkeys(rows[2], "")
    assert rows[0]["time"] == "2025-03-04T03:02:00.000Z"
    read, unread = json.loads(signals()["signals.json"])["signals"]
    assert (read["points"], read["answered"], read["queries"]["requests"]) == (16, 15, "sum(increase(r[1m]))")
    assert (unread["csv"], unread["problem"]) == (None, "it is down")


@pytest.mark.parametrize(
    ("driven", "standing"),
    [
        pytest.param(story(), ["found", "partly", "found", "partly", "found"], id="all of it"),
        pytest.param(Driven(firing()), ["partly", "partly", "missing", "missing", "missing"], id="just opened"),
    ],
)
def test_the_checklist_says_of_each_item_what_there_is(driven: Driven, standing: list[str]) -> None:
    assert [str(item.standing) for item in checklist(case(driven))] == standing
    assert all(item.missing for item in checklist(case(driven)) if item.standing is not Standing.FOUND)


def test_times_that_are_not_known_are_unknown() -> None:
    bare = replace(case(Driven(firing())), posted=())
    spans = {one.what: one.span for one in durations(bare.moments)}
    assert spans["Time to detect"] == timedelta(0)
    assert spans["Time to page"] is spans["Time to mitigate"] is None


def test_what_drifted_away_again_counts_from_when_it_came_back() -> None:
    driven = Driven(firing()).start()
    driven.do(Pin(ANA, (AUTH,)))
    for minute, version in ((1, "2.13.4"), (2, "2.14.0"), (5, "2.13.4")):
        driven.at = START + timedelta(minutes=minute)
        driven.sees("auth", version)
    found = case(driven).moments
    assert found.first_back == START + timedelta(minutes=1)
    assert found.all_back == START + timedelta(minutes=5)


def test_a_page_that_another_pager_named_has_no_time_of_slack() -> None:
    other = replace(case(), posted=(replace(POSTED[0], ts="INC-0001/console/root/0"),))
    assert other.moments.paged is None
    assert case().moments.paged == START + timedelta(seconds=2, microseconds=100)


# --- nothing that people write is more than text ----------------------------------------------------------------------


def shape(content: bytes) -> list[str]:
    """What a reader of Markdown sees apart from words."""
    tokens = MarkdownIt("commonmark").enable("table").parse(content.decode())
    inside = [child.type for one in tokens for child in one.children or () if child.type != "text"]
    return [one.type for one in tokens] + inside


@settings(max_examples=60, deadline=None)
@given(
    st.one_of(
        st.text(max_size=60),
        st.sampled_from(
            ["\n# x\n", "| a | b |", "<script>", "`", "```\n# x", "[a](http://b)", "![a](b)", "\\|", "* x", "--"]
        ),
    )
)
def test_no_note_forges_a_heading_a_row_or_markup(words: str) -> None:
    def with_note(note: str) -> bytes:
        driven = Driven(firing())
        driven.add(Refused(driven.at, Actor(note, f"n{note}", ANA.source), "start", f"w{note}"))
        driven.do(Note(BEN, f"n{note}"))
        return files(case(driven))["report.md"]

    assert shape(with_note(words)) == shape(with_note("plain"))


@given(st.lists(st.sampled_from(["```", "````", "`", "~~~", "\n", "# a"]), max_size=8).map("".join))
def test_no_command_ends_its_own_block(block: str) -> None:
    tokens = MarkdownIt("commonmark").parse(markdown.code(block))
    assert [one.type for one in tokens] == ["fence"]


# --- secrets ----------------------------------------------------------------------------------------------------------

SECRETS = st.text(alphabet="abcdefXYZ0123456789-_", min_size=12, max_size=24).map("s3".__add__)


@settings(max_examples=40, deadline=None)
@given(
    SECRETS,
    st.sampled_from(["{}", "password={}", "https://a.example/x?key={}", "https://u:{}@a.example/", "|{}\n`{}`"]),
)
def test_no_secret_enters_wherever_it_was_planted(secret: str, form: str) -> None:
    words = form.replace("{}", secret)
    driven = Driven(firing())
    driven.add(replace(driven.events[1], firing=replace(firing(), summary=words, links=(("graph", words),))))  # type: ignore[arg-type]  # it is the event of an alert
    driven.do(Note(BEN, words))
    driven.add(Refused(driven.at, Actor(words, words, ANA.source), words, words))
    driven.add(
        ChecksRun(
            driven.at, ANA, (CheckResult("x", words, "command", Outcome.FAILED, driven.at, driven.at, detail=words),)
        )
    )
    posted = (Posted("line", "C0OPS", 1, "noted", START, "failed", said=words, problem=words),)
    made = bundle(clean(replace(Case("INC-0001", tuple(driven.events), posted)), [secret]), MAKER, MADE)
    assert [name for name, content in made.items() if secret.encode() in content] == []


def test_what_looks_like_a_secret_is_struck_though_nobody_knows_it() -> None:
    driven = Driven(firing())
    driven.do(
        Note(BEN, "xoxb-123-abc, https://hooks.example.com/services/T0AAAAAAA/abcdefghij0123456789ABCD?token=hunter2")
    )
    made = bundle(clean(case(driven), ()), MAKER, MADE)
    assert all(secret not in made["timeline.jsonl"].decode() for secret in ("xoxb-123", "hunter2", "abcdefghij01"))
    assert "hooks.example.com/services" in made["timeline.jsonl"].decode()


# --- whole or not -----------------------------------------------------------------------------------------------------


def whole(made: dict[str, bytes]) -> list[str]:
    """What is wrong with a bundle."""
    found = {name: digest(content) for name, content in made.items() if name != manifest.NAME}
    return problems(made[manifest.NAME], found)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(GAPS, DEEDS), max_size=25), st.data())
def test_the_bundle_of_any_incident_is_whole_until_somebody_touches_it(
    deeds: list[tuple[int, Command | str]], data: st.DataObject
) -> None:
    driven = Driven()
    for gap, deed in deeds:
        driven.later(seconds=gap)
        if isinstance(deed, str):
            if driven.incident.is_open or deed == "waits":
                happen(driven, deed)
        elif isinstance(decided := decide(driven.incident, deed, driven.at), tuple):
            driven.add(*decided)
    assert all(told(event).strip() and plain(event)["kind"] == event.kind for event in driven.events)
    assert len(summary(driven.incident)) == 5
    made = dict(bundle(case(driven), MAKER, MADE))
    assert whole(made) == []
    name = data.draw(st.sampled_from(sorted(one for one in made if made[one])))
    at, bit = data.draw(st.integers(0, len(made[name]) - 1)), data.draw(st.integers(0, 7))
    flipped = bytearray(made[name])
    flipped[at] ^= 1 << bit
    (line,) = whole(made | {name: bytes(flipped)})
    assert line.startswith(f"changed: {name}")
    if name != manifest.NAME:
        assert whole({one: content for one, content in made.items() if one != name}) == [f"missing: {name}"]
    assert whole(made | {"more.txt": b""}) == ["extra: more.txt"]


def test_a_manifest_that_means_the_same_and_reads_otherwise_is_changed() -> None:
    made = bundle(case(), MAKER, MADE)
    assert whole({**made, manifest.NAME: made[manifest.NAME] + b"\n"}) == [
        "changed: manifest.json (it is not as it was written)"
    ]


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b"null", b'{"files": 1}', b"\xff", b"9" * 5000, b"[" * 100_000])
def test_what_is_no_manifest_is_told_and_not_raised(content: bytes) -> None:
    (line,) = problems(content, {})
    assert line.startswith("changed: manifest.json")


if __name__ == "__main__":
    for each in ("report.md", "commands.md"):
        (GOLDEN / each).write_bytes(files(case())[each])
