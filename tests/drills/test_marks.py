"""Whatever anybody reads of a drill says first that it is not real."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from monitor.adapters.slack.blocks import draw_line, draw_page
from monitor.adapters.slack.card import draw_card
from monitor.adapters.slack.interactions import Press
from monitor.core.naming import led, marked
from monitor.core.pages.card import card
from monitor.core.pages.forms import Form
from monitor.core.pages.page import ActionKind, Scene
from monitor.core.pages.plot import Plot
from monitor.core.pages.render import render
from monitor.delivery.pictures import words_of
from monitor.drills.pressed import Pressed
from monitor.drills.switchboard import Switchboard
from tests.drills.hall import ANA, Hall

WORDS = "DRILL (not real): "


@pytest.fixture
def hall(tmp_path: Path) -> Iterator[Hall]:
    """A monitor in which a drill has paged."""
    made = Hall(tmp_path)
    made.start("login")
    made.walk(60)
    yield made
    made.end()


def test_what_leads_stands_behind_the_words() -> None:
    assert led("🔴 ", marked("DRILL-0001", "ROLLBACK NOW")) == f"{WORDS}🔴 ROLLBACK NOW"
    assert led("🔴 ", marked("INC-0001", "ROLLBACK NOW")) == "🔴 ROLLBACK NOW"


def test_a_page_and_its_questions(hall: Hall) -> None:
    drawn = draw_page(render(Scene(hall.incident("DRILL-0001"), hall.clock.now(), {})))
    assert drawn.text.startswith(f"{WORDS}🔴 ")
    assert drawn.bare.startswith(WORDS)
    assert drawn.blocks is not None
    assert drawn.blocks[0]["text"]["text"].startswith(WORDS)
    buttons = [one for block in drawn.blocks if block["type"] == "actions" for one in block["elements"]]
    questions = [one["confirm"]["title"]["text"] for one in buttons if "confirm" in one]
    assert questions
    assert all(one.startswith(WORDS) for one in questions)


def test_a_card(hall: Hall) -> None:
    hall.act("DRILL-0001", ActionKind.START)
    drawn_of = card(Scene(hall.incident("DRILL-0001"), hall.clock.now(), {}))
    assert drawn_of is not None
    drawn = draw_card(drawn_of)
    assert drawn.text.startswith(f"{WORDS}📋 DRILL-0001 ")
    assert drawn.blocks is not None
    assert drawn.blocks[0]["text"]["text"].startswith(f"{WORDS}📋 ")


def test_a_form_and_what_is_answered(hall: Hall) -> None:
    ears = Switchboard(hall.clock, hall.app.production, hall.app.hall, Pressed(hall.app.conductor))
    form = ears.form_of(Press("DRILL-0001", ActionKind.FALSE_ALARM, ANA), chosen=True)
    assert isinstance(form, Form)
    assert form.title == "DRILL (not real)"
    assert form.text.startswith("False alarm. ")
    answered = ears.handle(Press("DRILL-0001", ActionKind.END, ANA))
    assert answered is not None
    assert answered.startswith(WORDS)


def test_the_plot(hall: Hall) -> None:
    evidence, incident = hall.stage.side.evidence, hall.incident("DRILL-0001")
    plot = evidence.plotting.plot(incident, incident.alerts[0])
    assert isinstance(plot, Plot)
    assert plot.title.startswith(WORDS)
    assert words_of(plot).startswith(f"{WORDS}Plot: ")


def test_the_way_to_the_real_page_can_be_tapped_and_no_other_address_can() -> None:
    link = "https://example.slack.com/archives/C0OPS/p1795660885000002"
    drawn = draw_line(f"{WORDS}look there: {link}. Not https://evil.example/archives/C0OPS/p1795660885000002")
    assert drawn.text == f"{WORDS}look there: <{link}>. Not https://evil.example/archives/C0OPS/p1795660885000002"
