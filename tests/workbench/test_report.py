"""The HTML report: one file, no network, nothing that names can break, and everything that there is to be seen."""

import base64
import hashlib
import re
from collections import Counter
from dataclasses import replace
from functools import lru_cache
from html.parser import HTMLParser

from monitor.core.model import AlertKey, Tier
from monitor.core.replay.comparison import compare
from monitor.core.replay.outcome import KnownIncident, Paged, Replayed, Stretch
from monitor.core.replay.scoring import score
from monitor.workbench.report import html
from tests.pictures.replay import report
from tests.pictures.replays import case
from tests.workbench.hostile import EVIL, WEEK, crowded, hostile

VOID = {"meta", "br"}


class Read(HTMLParser):
    """The elements of a page with their attributes, its text, and whether every one is closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] not in ("style", "script"):
            self.words.append(data)

    def all(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.elements if name == tag]

    def classed(self, name: str) -> list[dict[str, str]]:
        return [one for _, one in self.elements if name in one.get("class", "").split()]

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


@lru_cache(maxsize=1)
def page() -> Read:
    return Read(report())


@lru_cache(maxsize=1)
def noise() -> str:
    return html(crowded(), title="noise")


def test_it_opens_without_a_network_and_runs_one_script_alone() -> None:
    text = report()
    assert not re.search(r"(?i)https?:|//[a-z]|@import|url\((?!#)|\bsrc=|<link|<iframe|<object", text)
    policy = next(one["content"] for one in page().all("meta") if one.get("http-equiv"))
    script = re.search(r"<script>(.*?)</script>", text, re.DOTALL)
    assert script is not None
    assert base64.b64encode(hashlib.sha256(script[1].encode()).digest()).decode() in policy
    assert policy.startswith("default-src 'none'")
    assert not any(name.startswith("on") for _, found in page().elements for name in found)


def test_the_sentence_that_matters_stands_first() -> None:
    text = page().text
    assert "1 page more, 3 less, 1 later in 7 days (10 before, 8 after). All 3 known incidents were caught" in text
    assert "1 h 35 min of the history could not be read (CriticalApiErrorRate): nothing is known of it." in text
    assert text.index("1 page more") < text.index("The whole period") < text.index("Alerts that paged")


def test_the_page_has_a_part_for_everything() -> None:
    found = Counter(tag for tag, _ in page().elements)
    headings = re.findall(r"<h2>(.*?)</h2>", report())
    assert headings == [
        "The whole period",
        "What changes",
        "Known incidents",
        "The sweep",
        "Pages",
        "Alerts that paged",
        "Quiet alerts",
    ]
    assert found["h1"] == 1
    assert found["article"] == 6
    assert len(page().classed("chosen")) == 1


def test_every_plot_is_told_in_words() -> None:
    plots = page().classed("plot")
    assert len(plots) == 14
    assert all(one["role"] == "img" and one["aria-label"] for one in plots)
    labels = [one["aria-label"] for one in plots]
    assert any('CriticalApiErrorRate job="transactions" from Thu 19 Nov 00:00' in one for one in labels)
    assert any("values from 0.00 % to 33 %" in one or "33 %" in one for one in labels)
    assert report().count("In words:") == 7


def test_the_timeline_has_every_page_and_every_known_incident() -> None:
    timeline = report().partition('class="timeline"')[2].partition("</figure>")[0]
    assert timeline.count("#pin-") == len(case().outcome.pages)
    assert timeline.count('class="incident ') == 3
    assert timeline.count('class="lane alert"') == 6


def test_an_incident_that_was_missed_is_drawn_so_in_every_plot() -> None:
    outcome = case().outcome
    known = (KnownIncident("nobody noticed", outcome.begin + 7200, outcome.begin + 10800),)
    text = html(outcome, title="t", scored=score(outcome, known))
    drawn = [one for one in Read(text).all("rect") if "incident" in one.get("class", "").split()]
    assert len(drawn) > 1
    assert {one["class"] for one in drawn} == {"incident missed"}
    assert "known incident, missed: nobody noticed" in text


def test_the_timeline_hides_no_rollback_behind_another_page_and_shows_no_incident_of_another_time() -> None:
    found = case().outcome
    known = [KnownIncident("long ago", found.begin - 9000, found.begin - 6000)]
    text = html(found, title="", scored=score(found, known)).partition('class="timeline"')[2].partition("</figure>")[0]
    tiers = re.findall(r"#pin-(\w+)-", text)
    assert tiers == sorted(tiers, key=lambda tier: tier == "rollback")
    assert tiers != [one.tier.value for one in found.pages]
    assert 'class="incident ' not in text


def test_a_page_lasted_as_long_as_its_alert_fired_and_not_as_it_was_known_of() -> None:
    alert = AlertKey("Errors", (("job", "a"),), Tier.PREPARE)
    fired = Stretch("g", alert, 600, 600, 1200, 0.1, 40)
    page = Paged(610, "prepare_opens", alert.tier, (alert,), "INC-1")  # an evaluation stands query_offset behind
    found = Read(html(Replayed(0, WEEK, 15, (fired,), (page,), (), (), ()), title=""))
    assert "opens INC-1 10 min" in found.text


def test_where_a_tier_is_clear_again_is_drawn_from_close_by_alone() -> None:
    sections = re.findall(r"<article.*?</article>", report(), re.DOTALL)
    (first,) = [one for one in sections if "job=&quot;transactions&quot;" in one and "CriticalApiErrorRate" in one]
    whole, _, close = first.partition("Pages from close by")
    assert "limit clear" not in whole
    assert close.count('class="limit clear prepare"') == close.count('class="plot"') == 2


def test_links_lead_to_what_they_name() -> None:
    ids = [found["id"] for _, found in page().elements if "id" in found]
    assert len(ids) == len(set(ids))
    assert {one["href"].removeprefix("#") for one in page().all("a")} <= set(ids)
    assert set(re.findall(r"url\(#(\w+)\)", report())) <= set(ids)


def test_what_was_missed_before_is_said() -> None:
    table = report().partition("<h2>Known incidents</h2>")[2].partition("</table>")[0]
    row = next(one for one in table.split("<tr>") if "INC-72" in one)
    assert [one for one in ("missed", "caught") if f'class="finding {one}"' in row] == ["missed", "caught"]


def test_no_name_becomes_markup() -> None:
    found, compared, scored, variants = hostile()
    text = html(found, title=EVIL[0], compared=compared, scored=scored, variants=variants)
    read = Read(text)
    assert text.count("<script>") == 1
    assert not read.all("img")
    assert not any(name.startswith("on") for _, one in read.elements for name in one)
    assert not re.search("[\x00-\x08\x0b-\x1f\u202e]", text)
    for evil in (EVIL[0], EVIL[1], EVIL[2]):
        assert evil in read.text or evil in "".join(read.words)


def test_a_week_of_twenty_noisy_alerts_stays_small() -> None:
    assert len(noise().encode()) < 2_000_000


def test_a_long_table_is_cut_and_says_so() -> None:
    assert "more rows; <code>--format json</code> has them all" in noise()


def test_an_outcome_without_anything() -> None:
    empty = Replayed(0, WEEK, 15, (), (), (), (), ())
    read = Read(html(empty, title="empty", compared=compare(empty, empty), scored=score(empty, ())))
    assert "The same pages in 7 days (no page)" in read.text
    assert "nobody is woken" in read.text


def test_an_outcome_without_traces_has_its_tables() -> None:
    read = Read(html(replace(case().outcome, traces=()), title="no plots"))
    assert not read.classed("plot")
    assert len(read.all("article")) == 6


def test_it_says_that_it_was_stopped() -> None:
    assert "The replay was stopped" in Read(html(replace(case().outcome, complete=False), title="half")).text


def test_a_lost_page_shows_its_alert_though_it_is_quiet_now() -> None:
    shown = case()
    empty = replace(shown.outcome, pages=())
    read = Read(html(empty, title="none", compared=compare(shown.outcome, empty)))
    assert len(read.all("article")) == 6


def test_a_page_of_blindness_is_never_called_false() -> None:
    shown = case()
    key = AlertKey("A", (), Tier.BLIND)
    dark = replace(shown.outcome, pages=(Paged(shown.outcome.begin + 60, "blind_opens", Tier.BLIND, (key,), "INC-1"),))
    known = score(dark, [one.incident for one in shown.scored])
    text = html(dark, title="blind", scored=known, compared=compare(shown.outcome, dark))
    assert text.count('class="false"') == 2  # of the pages that are lost
    assert 'class="chip blind"' in text


def test_many_instances_are_counted_and_not_drawn() -> None:
    stretch = case().outcome.alerts[0]
    many = tuple(replace(stretch, key=replace(stretch.key, alert=f"A{number}")) for number in range(200))
    read = Read(html(replace(case().outcome, alerts=many, pages=(), traces=()), title="many"))
    assert "140 more instances not drawn" in read.text
