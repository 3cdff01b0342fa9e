"""What clicks, forms and the slash command reach, whatever carried them here. Knows no Slack."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from monitor.core.actor import Actor
from monitor.core.incidents.incident import Incident
from monitor.core.incidents.rights import not_helping
from monitor.core.incidents.routes import every_route, united
from monitor.core.pages.actions import actions_of, card_actions
from monitor.core.pages.forms import Form, form, question
from monitor.core.pages.page import ActionKind
from monitor.core.pages.render import render
from monitor.core.rules.routing import Route
from monitor.desk.channels import Channels
from monitor.desk.scenes import Scenes
from monitor.people.commands import Commands, Done, explained
from monitor.people.requesting import Request
from monitor.ports.store import Store
from monitor.ports.world import Clock
from monitor.rulebook import RuleBook

OPEN_TO_ALL = frozenset({ActionKind.NOTE})
"""Forms that anybody may fill in."""


class Asked(Protocol):
    """What somebody asks for, as it was heard."""

    @property
    def incident(self) -> str:
        """The incident."""

    @property
    def command(self) -> ActionKind:
        """What is asked for."""

    @property
    def by(self) -> Actor:
        """Who asks."""

    @property
    def rev(self) -> int | None:
        """The revision of the page that was looked at (None: no page)."""

    @property
    def subject(self) -> str:
        """What it is about: an alert, a step, a service."""

    @property
    def doubt(self) -> str:
        """Why not all rights of `by` could be read."""

    @property
    def words(self) -> Mapping[str, str]:
        """The fields of its form."""


@dataclass(frozen=True, slots=True)
class Ears:
    """Carries out what was heard, and says what there is to be said about it."""

    clock: Clock
    commands: Commands
    book: RuleBook
    store: Store
    scenes: Scenes

    def handle(self, asked: Asked) -> str | None:
        """Carry it out; None when it is done, else why not."""
        outcome = self.commands.carry_out(_request(asked))
        return None if isinstance(outcome, Done) else outcome.sentence

    def form_of(self, asked: Asked, *, chosen: bool) -> Form | str | None:
        """Give the form to be filled in for what is asked, words where it may not be, None where it needs none.

        What was `chosen` from a menu and has a question is asked it by a form without fields.
        """
        incident = self.store.incident(asked.incident)
        if incident is None:
            return None  # the handler has the words for it
        found = None if _settled_by_confirm(asked) else form(asked.command, incident, asked.subject)
        if found is None and chosen:
            found = _question(incident, asked)
        if found is None or asked.command in OPEN_TO_ALL:
            return found
        refusal = not_helping(incident, asked.by)
        return explained(_request(asked), refusal, self.rights(asked.incident)).sentence if refusal else found

    def told(self, incident: Incident) -> str:
        """Give an incident in a line: its headline, and who has it."""
        page = render(self.scenes.of(incident, self.clock.now()))
        return f"{page.headline}. {page.status[0]}"

    def rights(self, incident: str) -> Route:
        """Give everybody who may act on an incident."""
        return Channels(self.store, self.book).rights(incident)

    def everybody(self) -> Route:
        """Give the people of all routes in force."""
        return united(every_route(self.book.now.rules.routing))

    def open_incidents(self) -> list[Incident]:
        """Give the open incidents, newest first."""
        return list(self.store.incidents(open_only=True))


def _request(asked: Asked) -> Request:
    return Request(asked.incident, asked.command, asked.by, asked.subject, asked.words, asked.rev, asked.doubt)


def _settled_by_confirm(asked: Asked) -> bool:
    """One alert that is dealt with is asked about by its button, and needs no more words."""
    return asked.command is ActionKind.DEALT_WITH and bool(asked.subject)


def _question(incident: Incident, asked: Asked) -> Form | None:
    """Give the question of an action that has one, as a form without fields."""
    actions = (*actions_of(incident), *card_actions(incident))
    found = next((one for one in actions if one.kind is asked.command and one.confirm), None)
    return question(found) if found else None
