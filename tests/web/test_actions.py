"""Every action over the API: the words are those of its form, and what is wrong or missing is told by name."""

import json
from collections.abc import Iterator

import pytest

from monitor.core.incidents.asks import Pin
from monitor.core.pages.forms import FORMS, form
from monitor.core.pages.page import ActionKind
from monitor.core.pages.shell import SPELLINGS
from monitor.web.asking import WordsError, request_of
from tests.core.procedural import ANA, AUTH, Driven
from tests.middle.house import WORST, House, group, rule
from tests.web.test_app import Server, serve

ABOUT = {"": {}, "alert": {"alert": "0"}, "step": {"step": "flags"}, "service": {"service": "auth"}}
ABOUT |= {"check": {"check": "preflight"}}
SAID = {"lasts": "1h", "passed": "yes", "people": "S0DBA", "service": "auth", "other": "web 1.9.0"}
DRIVEN = Driven().start()
DRIVEN.do(Pin(ANA, (AUTH,)))


def words(kind: ActionKind) -> dict[str, object]:
    """Every word of an action's form, filled in, and what it is about."""
    subject = "close" if kind is ActionKind.COLLECT else ""
    shown = form(kind, DRIVEN.incident, subject)
    filled = (
        {ask.name: ask.choices[0][0] if ask.choices else SAID.get(ask.name, "why") for ask in shown.asks}
        if shown
        else {}
    )
    about = {"step": "close"} if subject else ABOUT[SPELLINGS[kind].about]
    return {"as": "ana", **about, **filled, **({"choice": "none"} if kind is ActionKind.CHOOSE else {})}


@pytest.mark.parametrize("kind", ActionKind)
def test_every_action_takes_the_words_of_its_form(kind: ActionKind) -> None:
    said = words(kind)
    asked = request_of("INC-0001", str(kind), said, DRIVEN.incident)
    assert (asked.action, asked.by.name, asked.by.verified) == (kind, "ana", False)
    shown = form(kind, DRIVEN.incident, asked.subject)
    assert set(asked.words) >= {ask.name for ask in (shown.asks if shown else ())} - {SPELLINGS[kind].about}
    assert "as" not in asked.words


@pytest.mark.parametrize("kind", ActionKind)
def test_a_word_that_it_does_not_know_is_told_by_name(kind: ActionKind) -> None:
    with pytest.raises(WordsError, match=r"knows no word 'colour'; it takes .*as"):
        request_of("INC-0001", str(kind), words(kind) | {"colour": "red"}, DRIVEN.incident)


NEEDED = [(kind, ask.name) for kind, one in FORMS.items() for ask in one.asks if not (ask.optional or ask.initial)] + [
    (kind, str(one.about)) for kind, one in SPELLINGS.items() if one.named
]


@pytest.mark.parametrize(("kind", "word"), NEEDED, ids=str)
def test_a_word_that_is_missing_is_told_by_name(kind: ActionKind, word: str) -> None:
    for said in ({}, {word: "  "}):
        left = {name: value for name, value in words(kind).items() if name != word}
        with pytest.raises(WordsError, match=f"needs '{word}'"):
            request_of("INC-0001", str(kind), left | said, DRIVEN.incident)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    house = House(group("logins", rule("Login", rollback=0)))
    house.says("Login", WORST)
    house.walk(15)
    yield from serve(house, house.commands)


PATH = "/api/v1/incidents/INC-0001/"
WRONG: list[tuple[str, str, dict[str, object], str]] = [
    ("a choice", "explain", {"note": "who knows"}, "Not understood: 'note' is one of “it healed by itself”, “somebody"),
    (
        "no text",
        "note",
        {"note": {"x": 1}},
        "Not understood: 'note' must be a text (or a list of texts of a line each).",
    ),
    ("an action", "explode", {}, "Not understood: there is no action 'explode'; there are acknowledge, still_on_it, "),
    (
        "a passed check",
        "answer_check",
        {"check": "x", "passed": "maybe"},
        "Not understood: 'passed' is one of “yes”, “no”",
    ),
]


@pytest.mark.parametrize(("action", "body", "why"), [row[1:] for row in WRONG], ids=[row[0] for row in WRONG])
def test_what_is_wrong_is_400_and_changes_nothing(
    server: Server, action: str, body: dict[str, object], why: str
) -> None:
    kept = server.house.kinds()
    status, sentence = server.refusal(PATH + action, {"as": "ana", **body})
    assert status == 400
    assert sentence.startswith(why)
    assert server.house.kinds() == kept


def test_an_action_is_answered_with_what_was_done_and_what_is_next(server: Server) -> None:
    status, body = server.ask(PATH + "note", {"as": "ana", "note": "seen before"})
    answer = json.loads(body)
    assert (status, answer["version"], answer["told"]) == (200, 1, ["Noted: seen before"])
    assert answer["incident"]["next_command"] == "rollback-monitor incident ack INC-0001"
    status, body = server.ask(PATH + "summon", {"as": "ana", "people": ["S0DBA", "U0EVE"], "note": "the schema"})
    assert (status, server.house.store.events("INC-0001")[-1].people) == (200, ("S0DBA", "U0EVE"))  # type: ignore[union-attr]  # it was summoned
    server.ask(PATH + "start", {"as": "ana"})
    full = server.read("/api/v1/incidents/INC-0001")["incident"]
    assert full["procedure"]["steps"][0]["current"] is True
    assert full["deploys"] == {"frozen": True, "targets": {}, "allowed": [], "stopped": []}
    assert full["timeline"][-1].items() >= {"kind": "procedure_started", "by": "ana", "verified": False}.items()


@pytest.mark.parametrize(("said", "read"), [(True, "yes"), (False, "no"), ("no", "no")], ids=str)
def test_true_is_yes(said: object, read: str) -> None:
    body = {"as": "ana", "check": "preflight", "passed": said}
    assert request_of("INC-0001", "answer_check", body, DRIVEN.incident).words["passed"] == read
