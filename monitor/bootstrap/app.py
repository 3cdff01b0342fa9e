"""The whole daemon, put together."""

import secrets
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TextIO

import structlog

from monitor.adapters.store import SqlStore, beside, exists, open_store
from monitor.core.drill.staging import bare_rules
from monitor.core.incidents.incident import Incident
from monitor.core.naming import DRILL
from monitor.core.pages.page import Scene
from monitor.core.rules.routing import SETTING
from monitor.core.rules.ruleset import RuleSet
from monitor.delivery.outbox import Destinations
from monitor.drills.conductor import Conductor
from monitor.drills.duty import Duty
from monitor.drills.hall import Hall, Stage, newest_number
from monitor.drills.pressed import Pressed
from monitor.drills.results import Results
from monitor.drills.schemas import SchemaWatch
from monitor.drills.source import DrillSource
from monitor.drills.spoken import Spoken
from monitor.drills.switchboard import Switchboard
from monitor.evaluation.baselines import Baselines
from monitor.files import Contents
from monitor.people.answering import Answering
from monitor.ports.metrics import MetricsSource
from monitor.ports.pager import Pager
from monitor.ports.world import Clock, Switch
from monitor.procedure.releases import ReleaseWatch
from monitor.rulebook import RuleBook
from monitor.ruleset.reload import Reloader
from monitor.ruleset.rulesfolder import RulesFolder, Start
from monitor.ruleset.shadows import Shadows
from monitor.runtime.writebehind import WriteBehindStore
from monitor.settings.settings import Settings
from monitor.side import Side
from monitor.sourcing import source_of
from monitor.survey import Surveyor
from monitor.telemetry import Metrics

if TYPE_CHECKING:
    from monitor.adapters.pagerdutyhooks import PagerDutyHooks
    from monitor.adapters.slack.inbound import SlackInbound

from monitor.bootstrap.pagers import hooks_of, inbound_of, main_pager, other_pagers, second_channel, switch_of
from monitor.bootstrap.rulesource import CONSOLE_CHANNEL, begin_with, last_good, load_rules
from monitor.bootstrap.sides import Shared, release_watch, side_of

log = structlog.get_logger()


class SystemClock:
    """The machine's clock; the only reader of it."""

    def now(self) -> datetime:
        """Give the present as an aware UTC time."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Give seconds that never jump."""
        return time.monotonic()


@dataclass(slots=True)
class App:
    """Everything that runs, put together."""

    settings: Settings
    clock: Clock
    metrics: Metrics
    store: WriteBehindStore
    disk: SqlStore
    production: Side
    hall: Hall
    conductor: Conductor
    duty: Duty
    folder: RulesFolder
    surveyor: Surveyor
    shadows: Shadows
    token: str
    switch: Switch | None
    inbound: "SlackInbound | None"
    releases: ReleaseWatch
    hooks: "PagerDutyHooks | None"

    def scene(self, incident: Incident) -> Scene:
        """Set the scene of an incident as it is shown now, on the side that it is on. Raises StoreError."""
        return self.hall.of(incident.id, self.production).scenes.of(incident, self.clock.now())


@dataclass(frozen=True, slots=True)
class World:
    """What there is outside: the clock, where readings come from, and who shows every incident."""

    clock: Clock
    source: MetricsSource
    pager: Pager


def world_of(settings: Settings, terminal: TextIO) -> World:
    """Give the real world."""
    return World(SystemClock(), source_of(settings), main_pager(settings, terminal))


def build(
    settings: Settings,
    terminal: TextIO = sys.stdout,
    rules: RuleSet | None = None,
    *,
    begin_anew: bool = False,
    world: World | None = None,
) -> App:
    """Put the daemon together, with `rules` and `world` instead of those that are there where they are given.

    `begin_anew` allows that a corrupt database is set aside and another begun.
    Raises RulesError where the rules cannot be used and StoreError where the database cannot.
    """
    stamp = SystemClock().now().strftime("%Y%m%dT%H%M%SZ")
    disk = open_store(settings.database_url, aside_as=stamp if begin_anew else "")
    try:
        start = begin_with(settings, disk) if rules is None else _given(settings, rules)
        return _assemble(settings, disk, start, world or world_of(settings, terminal))
    except BaseException:
        disk.close()
        raise


def _given(settings: Settings, rules: RuleSet) -> Start:
    contents = Contents(settings.rules, {})
    return Start(rules, contents, rules, contents.digest)


def _assemble(settings: Settings, disk: SqlStore, start: Start, world: World) -> App:
    clock, source, metrics, book = world.clock, world.source, Metrics(), RuleBook(start.rules)
    store = WriteBehindStore(disk)
    token = settings.console_token.get_secret_value() if settings.console_token else secrets.token_urlsafe(32)
    others = other_pagers(settings)
    for name in start.rules.routing.page.named:
        if name not in others:
            log.error("pager.missing", pager=name, setting=SETTING[name], mend="routing.yaml names it in page")
    shared = Shared(settings, clock, source, metrics, world.pager, release_watch(settings, source))
    baselines = Baselines(source)
    hall = _hall(shared, start.rules, lambda: production)
    elsewhere = Destinations(others, lambda: second_channel(settings, book))
    production = side_of(shared, store, book, baselines, elsewhere, trouble=lambda: store.trouble)
    conductor = Conductor(
        hall,
        production,
        clock,
        lambda kept: last_good(settings, Contents(settings.rules, kept.files)),
        settings.slack.drill_channel if settings.slack.bot_token else CONSOLE_CHANNEL,
        free=settings.slack.bot_token is None,
    )
    duty = Duty(hall, production, clock, SchemaWatch(source, clock), conductor.channel)
    ears = Switchboard(clock, production, hall, Pressed(conductor))
    return App(
        settings=settings,
        clock=clock,
        metrics=metrics,
        store=store,
        disk=disk,
        production=production,
        hall=hall,
        conductor=conductor,
        duty=duty,
        folder=RulesFolder(
            start,
            lambda contents: load_rules(settings, contents),
            Reloader(production.desk, clock, book),
            production.desk,
            clock,
        ),
        surveyor=Surveyor(source, baselines, clock, book),
        shadows=Shadows(production.desk, store, clock, book),
        token=token,
        switch=switch_of(settings),
        inbound=inbound_of(settings, ears, _heard(production, hall), metrics, Spoken(conductor, duty)),
        releases=shared.releases,
        hooks=hooks_of(settings, Answering(production.commands, store), metrics),
    )


DRILLS = "drills"
"""What is added to the name of the database for that of the drills."""


def _hall(shared: Shared, rules: RuleSet, real: Callable[[], Side]) -> Hall:
    """Give where drills take place, beside the `real` side. Nothing is made until one is held, or where one was before.

    A drill freezes what is not production, and its buttons are heard where those of production are.
    """
    url = beside(shared.settings.database_url, DRILLS)

    def make() -> Stage:
        disk = open_store(url)
        book = RuleBook(bare_rules(rules, rules.routing.drills.route))
        source = DrillSource(shared.source)
        baselines = Baselines(source)
        apart = replace(shared, source=source, metrics=Metrics())  # drills do not count among what really happened
        production = real()

        def gated(environment: str) -> bool:
            return environment != production.book.now.rules.routing.environment

        side = side_of(apart, disk, book, baselines, gated=gated, prefix=DRILL)
        side.desk.number = lambda: newest_number(disk)
        side.hearing.hears = production.hearing.hears
        results = Results(disk, disk, production.store, side.evidence.case)
        side.evidence.beside, side.evidence.injected = results.files, results.injected
        return Stage(side, disk, source, results, baselines.forget, disk.close)

    return Hall(make, lambda: exists(url))


def _heard(production: Side, hall: Hall) -> Callable[[bool], None]:
    """Give who is told whether clicks can come through: the pages of both sides say so."""

    def changed(hears: bool) -> None:  # noqa: FBT001  # what it is about
        production.hearing.changed(hears)
        if hall.open is not None:
            hall.open.side.hearing.changed(hears)

    return changed
