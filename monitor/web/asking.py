"""What a request over the API asks for, read: who, about what, and the words of the action's form, by the same names.

A word that is not known, missing or none of its choices is told by name, before anything is asked of the incident.
"""

import re
from collections.abc import Mapping
from typing import Any

from monitor.core.actor import Actor, Role, Source
from monitor.core.incidents.incident import Incident
from monitor.core.pages.forms import TARGET, Ask, form
from monitor.core.pages.page import ActionKind
from monitor.core.pages.shell import SPELLINGS, About
from monitor.people.requesting import Request, step_meant

NAME = re.compile(r"[\w.@+ -]{1,64}")
"""What a login name may look like."""

WHO = 'Say who you are: {"as": "your name"}, up to 64 letters.'
SUBJECT = "subject"
LONGEST_SUBJECT = 200


class WordsError(ValueError):
    """A request that is not understood; the sentence names the word that is wrong or missing."""


def somebody(name: str) -> Actor:
    """Give who asks, by the name that they give. The token vouches for their rights, and nobody for the name."""
    return Actor(name, name, Source.CLI, frozenset(Role), verified=False)


def request_of(name: str, action: str, body: Mapping[str, Any], incident: Incident | None) -> Request:
    """Give what `body` asks of the incident called `name`, as far as it is there. Raises WordsError."""
    try:
        kind = ActionKind(action)
    except ValueError:
        raise WordsError(f"there is no action {action!r}; there are {', '.join(ActionKind)}") from None
    who = str(body.get("as", ""))
    if not NAME.fullmatch(who):
        raise WordsError(WHO)
    spelling = SPELLINGS[kind]
    own = {"as", SUBJECT, *([str(spelling.about)] if spelling.about else [])}
    subject = _text("subject", body.get(SUBJECT, body.get(spelling.about, "") if spelling.about else ""))
    words = {word: _text(word, value) for word, value in body.items() if word not in own}
    asked = Request(name, kind, somebody(who), subject.strip()[:LONGEST_SUBJECT], words)
    if incident is not None:
        _hold_to_form(asked, incident)
    return asked


def _text(word: str, value: object) -> str:
    """Give a value as a form would have it: a list is a text with a line each, true and false are yes and no."""
    match value:
        case bool():
            return "yes" if value else "no"
        case str() | int():
            return str(value)
        case list() if all(isinstance(one, str) and "\n" not in one for one in value):
            return "\n".join(value)
        case _:
            raise WordsError(f"{word!r} must be a text (or a list of texts of a line each)")


def _hold_to_form(asked: Request, incident: Incident) -> None:
    """Refuse words that the action does not ask for, and a request without those that it needs."""
    kind, about = asked.action, SPELLINGS[asked.action].about
    if SPELLINGS[kind].named and not asked.subject:
        raise WordsError(f"{kind} needs {str(about)!r}: which {about} it is about")
    shown = form(kind, incident, step_meant(asked, incident) if about is About.STEP else asked.subject)
    if shown is None and kind is ActionKind.COLLECT:
        return  # nothing can be collected here, which is said with the reason
    asks = [*(shown.asks if shown else ()), *([CHOICE] if kind is ActionKind.CHOOSE else [])]
    _known(asked, asks)
    for ask in asks:
        _filled(asked, ask, incident)


CHOICE = Ask("choice", "Which answer?", optional=True)
"""The answer to the question of a step, where it does not stand behind the step's name (`step/answer`)."""


def _known(asked: Request, asks: list[Ask]) -> None:
    names = {ask.name for ask in asks}
    for word in asked.words:
        if word not in names and not (asked.action is ActionKind.PIN and word.startswith(TARGET)):
            about = SPELLINGS[asked.action].about
            takes = ", ".join(sorted({"as", *names, *([str(about)] if about else [])}))
            raise WordsError(f"{asked.action} knows no word {word!r}; it takes {takes}")


def _filled(asked: Request, ask: Ask, incident: Incident) -> None:
    said = asked.word(ask.name)
    agrees = asked.action is ActionKind.FORCE_END and incident.care.wants_end is not None
    elsewhere = bool(asked.subject) and ask.name == SPELLINGS[asked.action].about
    if not said and not (ask.optional or ask.initial or agrees or elsewhere):
        choices = f": {_listed(ask)}" if ask.choices else ""
        raise WordsError(f"{asked.action} needs {ask.name!r} ({ask.label}{choices})")
    if said and ask.choices and said not in {value for value, _ in ask.choices}:
        raise WordsError(f"{ask.name!r} is one of {_listed(ask)}, not {said[:80]!r}")


def _listed(ask: Ask) -> str:
    return ", ".join(f"“{value}”" for value, _ in ask.choices)
