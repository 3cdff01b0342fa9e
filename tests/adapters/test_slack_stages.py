"""Every message in every stage of an incident: within Slack's limits, and as the golden files show it."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from monitor.adapters.slack.blocks import MAX_ALL, Drawn, draw_page, size
from monitor.adapters.slack.card import draw_card
from monitor.adapters.slack.forms import view_of
from monitor.core.actor import MONITOR, Actor, Source
from monitor.core.incidents.asks import Acknowledge, Pin
from monitor.core.incidents.incident import Incident, fold
from monitor.core.incidents.procedureevents import ChangesFound
from monitor.core.pages.card import card
from monitor.core.pages.forms import FORMS, form
from monitor.core.pages.page import ActionKind
from monitor.core.pages.render import render
from monitor.core.releases.release import Availability
from tests.adapters.golden import holds
from tests.pictures.pictures import gallery
from tests.pictures.stages import (
    ANA,
    CHANGED,
    STAGES,
    TARGETS,
    Story,
    failing,
    opened,
    pinned,
    scene,
    started,
    unchanged,
)
from tests.servers.slack_rules import refusal, rendition, view_refusal, view_rendition

OUTPUT = Path(__file__).parents[2] / "build" / "slack.html"

BESIDE: dict[str, Callable[[], Story]] = {
    "page-0-alerts": lambda: Story(opened().events[:1]),
    "page-8-alerts": lambda: opened(8),
    "page-200-alerts": lambda: opened(200),
}
"""Goldens beside the stages, which are of one alert each."""


def drawn(story: Story, *, nobody: bool = False, buttons: bool = True) -> list[Drawn]:
    """The page and, where there is one, the card."""
    shown = scene(
        story, mention=("S0ONCALL",) if not story.incident.acknowledged_by else (), nobody=nobody, buttons=buttons
    )
    steps = card(shown)
    return [draw_page(render(shown)), *([draw_card(steps)] if steps else [])]


def as_text(messages: list[Drawn]) -> str:
    return "\n\n---- in the thread ----\n".join(rendition(one.text, one.blocks) for one in messages) + "\n"


@pytest.mark.parametrize("name", STAGES)
def test_a_stage_looks_as_its_golden_file_says(name: str) -> None:
    holds(f"{name}.txt", as_text(drawn(STAGES[name](1))))


@pytest.mark.parametrize("name", BESIDE)
def test_a_page_of_many_alerts_looks_as_its_golden_file_says(name: str) -> None:
    holds(f"{name}.txt", as_text(drawn(BESIDE[name]())))


def test_what_is_sent_is_as_the_golden_file_says() -> None:
    page, steps = drawn(pinned())
    sent = {"page": {"text": page.text, "blocks": page.blocks}, "card": {"text": steps.text, "blocks": steps.blocks}}
    holds("step-3-flags.json", json.dumps(sent, indent=1, ensure_ascii=False) + "\n")


def test_every_form_looks_as_the_golden_file_says() -> None:
    incident = failing(3).incident
    kinds = [kind for kind in ActionKind if kind in FORMS or kind in {ActionKind.PIN, ActionKind.COLLECT}]
    forms = [(kind, form(kind, incident, "close" if kind is ActionKind.COLLECT else "")) for kind in kinds]
    views = [view_of(one, kind, f"{incident.id}|{incident.rev}") for kind, one in forms if one is not None]
    assert len(views) == len(kinds)
    assert [view_refusal(one) for one in views if view_refusal(one)] == []
    holds("forms.txt", "\n\n".join(map(view_rendition, views)) + "\n")


@pytest.mark.parametrize("alerts", [1, 8, 200])
def test_every_message_of_every_stage_is_within_the_limits(alerts: int) -> None:
    for name, stage in STAGES.items():
        for one in drawn(stage(alerts)):
            assert refusal(one.text, one.blocks) is None, name
            assert one.blocks is not None
            assert size(one.blocks) <= MAX_ALL, name
            assert len(one.bare) < 8_000, name


def test_nobody_who_may_act_is_said_in_words_and_by_the_button() -> None:
    (page,) = drawn(opened(), nobody=True)
    shown = rendition(page.text, page.blocks)
    assert "Nobody may start a rollback: no responders and no commanders are configured" in shown
    start = next(
        one
        for block in page.blocks or ()
        if block["type"] == "actions"
        for one in block["elements"]
        if one["action_id"] == "start"
    )
    assert start["confirm"]["text"]["text"].startswith("Nobody may do this: no responders")


def test_a_route_is_shown_and_calls_nobody() -> None:
    (page,) = drawn(unchanged())
    sent = json.dumps(page.blocks)
    assert "/&lt;!channel&gt; 0.25 %" in sent
    assert "<!channel>" not in sent + page.bare + page.text


def test_a_page_that_slack_takes_as_text_only_says_what_changed_and_what_is_next() -> None:
    (page,) = drawn(opened())
    assert "Target: auth 2.14.0: go back to 2.13.4 (last known good, ran 6 d 4 h" in page.bare
    page, _ = drawn(pinned())
    assert "Next: Ana: Feature flags first." in page.bare


def test_a_release_whose_image_is_gone_is_not_advised_on_the_lock_screen() -> None:
    story = opened()
    gone = replace(CHANGED.targets[0], available=Availability.NO)
    story.events[-1] = ChangesFound(CHANGED.at, MONITOR, replace(CHANGED, targets=(gone,)))
    (page,) = drawn(story)
    assert "auth 2.14.0 deployed 2 min before; 2.13.4 ran well, ITS IMAGE IS NOT THERE" in page.text
    assert "go back to" not in page.text


@pytest.mark.parametrize(
    ("minutes", "named"),
    [
        pytest.param(0.5, "auth 2.14.0 deployed 2 min before; go back to 2.13.4", id="together: that of what fails"),
        pytest.param(-3, "auth 2.14.0 deployed 2 min before; go back to 2.13.4", id="the newest"),
        pytest.param(90, "web 5.9.0 deployed 60 s before", id="apart: the newest"),
    ],
)
def test_the_lock_screen_names_the_release_that_is_likely_to_blame(minutes: float, named: str) -> None:
    story, (auth,) = opened(), CHANGED.changes
    web = replace(auth, service="web", before="5.8.1", after="5.9.0", at=auth.at + timedelta(minutes=minutes))
    if minutes > 1:  # that of auth was long before, and ran well for a while
        web, auth = replace(web, at=auth.at + timedelta(minutes=1)), replace(auth, at=auth.at - timedelta(minutes=90))
    story.events[-1] = ChangesFound(CHANGED.at, MONITOR, replace(CHANGED, changes=(auth, web)))
    (page,) = drawn(story)
    assert named in page.text


def test_a_target_whose_image_was_not_there_says_so_once_it_is_pinned_too() -> None:
    story = started()
    gone = replace(CHANGED.targets[0], available=Availability.NO)
    story.happens(ChangesFound(story.now, MONITOR, replace(CHANGED, targets=(gone,))))
    page, steps = drawn(story.does(Pin(ANA, (replace(TARGETS[0], confirmed=""),))))
    assert "2.14.0 → 2.13.4, ITS IMAGE WAS NOT THERE: look before any command" in rendition(steps.text, steps.blocks)
    assert "Next: Ana: see that the image of auth is there, then Done (Pin the rollback target)." in page.bare


def test_whoever_acknowledged_from_outside_is_not_told_to_do_what_they_may_not() -> None:
    eve = Actor("U0EVE", "Eve", Source.SLACK)
    (page,) = drawn(opened().does(Acknowledge(eve)))
    assert "Next: a responder: Acknowledge too; Eve may not go on from here." in page.bare


def test_a_page_whose_buttons_are_not_heard_has_none() -> None:
    assert all(
        "actions" not in {block["type"] for block in one.blocks or ()} for one in drawn(started(), buttons=False)
    )


def test_the_stages_are_what_their_names_say() -> None:
    def said(name: str) -> Incident:
        return fold("INC-0042", STAGES[name](1).events)

    numbers = {name: said(name).running for name in STAGES if name.startswith("step-")}
    assert all(one is not None and name.startswith(f"step-{one.number}") for name, one in numbers.items())


def test_all_of_it_is_drawn_as_slack_would_for_somebody_to_look_at() -> None:
    OUTPUT.parent.mkdir(exist_ok=True)
    OUTPUT.write_text(gallery())
    assert OUTPUT.read_text().count('class="message') > len(STAGES)
