"""The composition root: the only place that names concrete adapters."""

import os
import secrets
import shutil
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, TextIO
from urllib.parse import urlsplit

import structlog

from monitor import files
from monitor.adapters.http import Access
from monitor.adapters.plot import ProcessArtist
from monitor.adapters.store import Owner, SqlStore, beside, exists, open_store, owner, set_aside
from monitor.adapters.switch import HttpSwitch
from monitor.core.actor import Actor
from monitor.core.drill.rehearsal import with_rehearsal
from monitor.core.drill.staging import bare_rules
from monitor.core.incidents.incident import Incident
from monitor.core.incidents.routes import channels, every_route, in_one_channel, united
from monitor.core.naming import DRILL, INCIDENT
from monitor.core.pages.page import ActionKind
from monitor.core.procedures.proposals import wanted
from monitor.core.rules.routing import ALERTMANAGER, PAGERDUTY, SETTING, WEBHOOK
from monitor.core.rules.ruleset import RuleSet
from monitor.core.rules.service import Releases
from monitor.delivery.filelane import NoFiles
from monitor.delivery.headstart import HeadStart
from monitor.delivery.outbox import Bell, Delivered, Destinations, Outbox, Plots, Scenes
from monitor.delivery.pictures import Pictures
from monitor.delivery.plotting import Plotting
from monitor.delivery.reports import Files, Reports
from monitor.desk import Desk
from monitor.drills.conductor import Conductor
from monitor.drills.duty import Duty
from monitor.drills.hall import Hall, Stage
from monitor.drills.pressed import Pressed
from monitor.drills.results import Results
from monitor.drills.schemas import SchemaWatch
from monitor.drills.source import DrillSource
from monitor.drills.spoken import Spoken
from monitor.drills.switchboard import Switchboard
from monitor.evaluation.baselines import Baselines
from monitor.evaluation.deploys import Deploys
from monitor.evaluation.engine import Engine
from monitor.evaluation.lookout import Lookout
from monitor.evaluation.reading import Reader, plan
from monitor.evaluation.vigil import Vigil
from monitor.evidence.collecting import Evidence
from monitor.evidence.keeping import Keeper
from monitor.files import Contents
from monitor.files.findings import Severity
from monitor.people.answering import Answering
from monitor.people.commands import Commands, Done
from monitor.people.ears import Ears
from monitor.people.hearing import Hearing
from monitor.people.requesting import Request
from monitor.ports.metrics import MetricsSource
from monitor.ports.pager import Pager, ProbedPager, Sent
from monitor.ports.store import PostKind, Store
from monitor.ports.world import Clock, Registry, Switch
from monitor.procedure.breakdowns import BreakdownWatch
from monitor.procedure.checks import Asking
from monitor.procedure.following import Follower
from monitor.procedure.gatekeeping import Gatekeeper
from monitor.procedure.releases import ReleaseWatch
from monitor.procedure.signalwatch import SignalWatch
from monitor.procedure.verification import Verifier
from monitor.ruleset.reload import Reloader
from monitor.ruleset.rulebook import RuleBook
from monitor.ruleset.rulesfolder import RulesError, RulesFolder, Start
from monitor.ruleset.shadows import Shadows
from monitor.runtime.writebehind import WriteBehindStore
from monitor.settings import Settings, command_environment
from monitor.side import Side
from monitor.sourcing import access_of
from monitor.sourcing import prometheus_servers as prometheus_servers  # noqa: PLC0414  # asked for here by doctor
from monitor.sourcing import source_of as source_of  # noqa: PLC0414  # the same
from monitor.survey import Surveyor
from monitor.telemetry import Metrics

if TYPE_CHECKING:
    from monitor.adapters.pagerdutyhooks import PagerDutyHooks
    from monitor.adapters.slack.inbound import SlackInbound
    from monitor.adapters.slack.probe import Finding

log = structlog.get_logger()

CONSOLE_CHANNEL = "console"
"""The channel that posts are owed to where no Slack is set."""


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


def load_rules(settings: Settings, contents: Contents | None = None) -> RuleSet:
    """Give the rule set on disk, or that of `contents`. Raises RulesError."""
    channel = settings.slack.channel if settings.slack.bot_token else CONSOLE_CHANNEL
    source = settings.rules if contents is None else contents
    loaded = files.load(source, fallback_channel=channel, fallback_responders=settings.slack.responders)
    if loaded.rules is None:
        raise RulesError(str(one) for one in loaded.findings if one.severity is Severity.ERROR)
    if not loaded.rules.routing.default.channel:
        raise RulesError(["Slack is set, but no channel: name one in routing.yaml or in MONITOR_SLACK__CHANNEL."])
    try:
        plan(loaded.rules)
    except ValueError as error:
        raise RulesError([str(error)]) from error
    rules = with_rehearsal(loaded.rules)
    if settings.slack.bot_token is None:  # the terminal shows an incident once
        return replace(rules, routing=in_one_channel(rules.routing))
    return rules


def begin_with(settings: Settings, store: Store) -> Start:
    """Give the rules to begin with: those on disk, or, where they cannot be used, the last good ones.

    Raises RulesError where there are neither.
    """
    contents, kept = files.read_contents(settings.rules), store.rules()
    last = Contents(settings.rules, kept.files) if kept is not None else None
    try:
        rules = load_rules(settings, contents)
    except RulesError as error:
        before = _last_good(settings, last)
        if last is None or before is None:
            raise
        return Start(before, last, before, contents.digest, error.sentences)
    same = last is not None and last.digest == contents.digest
    return Start(rules, contents, rules if same else _last_good(settings, last), contents.digest)


def _last_good(settings: Settings, last: Contents | None) -> RuleSet | None:
    """Another version of the program, or other settings, may no longer find it good."""
    try:
        return load_rules(settings, last) if last is not None else None
    except RulesError:
        return None


def release_watch(settings: Settings, source: MetricsSource) -> ReleaseWatch:
    """Give what finds out what changed before a breach, and what to go back to."""
    return ReleaseWatch(source, lru_cache(maxsize=2)(lambda releases: registry_of(settings, releases)))


def registry_of(settings: Settings, releases: Releases) -> Registry | None:
    """Give the registry that is asked for images, or None where none is named.

    The setting's address stands in for that of releases.yaml, whose host images go on to name. There are no credentials
    without the setting's address, so that they go to no other.
    """
    given = settings.registry
    url = given.url or releases.registry
    if not url:
        return None
    from monitor.adapters.registry import OciRegistry  # noqa: PLC0415  # loaded only where it is used

    hosts = dict.fromkeys(urlsplit(one).netloc for one in (releases.registry, given.url) if one)
    password = given.password.get_secret_value() if given.password else ""
    access = Access(username=given.username or "", password=password, ca_file=str(given.ca_file or ""))
    return OciRegistry(url, access, hosts=tuple(hosts))


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
    shared = _Shared(settings, clock, source, metrics, world.pager, release_watch(settings, source))
    baselines = Baselines(source)
    hall = _hall(shared, start.rules, store)
    elsewhere = Destinations(others, lambda: _second_channel(settings, book))
    production = _side(shared, store, book, baselines, elsewhere, trouble=lambda: store.trouble)
    conductor = Conductor(
        hall,
        production,
        clock,
        lambda kept: _last_good(settings, Contents(settings.rules, kept.files)),
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
        switch=_switch(settings),
        inbound=_inbound(settings, ears, _heard(production, hall), metrics, Spoken(conductor, duty)),
        releases=shared.releases,
        hooks=_hooks(settings, Answering(production.commands, store), metrics),
    )


@dataclass(frozen=True, slots=True)
class _Shared:
    """What both sides work with."""

    settings: Settings
    clock: Clock
    source: MetricsSource
    metrics: Metrics
    pager: Pager
    releases: ReleaseWatch


def _side(
    shared: _Shared,
    store: Store,
    book: RuleBook,
    baselines: Baselines,
    elsewhere: Destinations = Destinations(),  # noqa: B008  # frozen, and of nothing
    *,
    trouble: Callable[[], str] = lambda: "",
    prefix: str = INCIDENT,
) -> Side:
    """Put one side together, on a store of its own; `trouble` says why evidence is not written now."""
    settings, clock, source, metrics = shared.settings, shared.clock, shared.source, shared.metrics
    news, lookout, deploys = Bell(), Lookout(), Deploys(source)
    desk = Desk(store, clock, book, news.ring, plots=settings.slack.bot_token is not None, prefix=prefix)
    reader = Reader(source, baselines, deploys)
    engine = Engine(reader, desk, clock, book, lookout)
    commands = Commands(
        desk,
        store,
        clock,
        book,
        _timed(metrics),
        lambda one, named: wanted(one, book.now.rules.releases, named),
        presence=lookout.presence,
    )
    checks = verifier(settings, clock, book, source, reader)
    where = BreakdownWatch(source, reader)
    follower = Follower(store, desk, clock, book, source, shared.releases, where, checks)
    hearing = Hearing(store, desk.refresh, metrics.buttons.set, hears=_reachable(settings))
    scenes = Scenes(
        book,
        engine.readings,
        lambda: hearing.hears,
        trouble,
        lambda incident: follower.latest.get(incident, ()),
    )
    evidence = _evidence(settings, Plotting(reader, deploys, store, clock, book), store, clock)
    plots = _plots(settings, evidence, metrics)
    head_start = HeadStart(clock.monotonic, news.ring)
    outbox = Outbox(
        store,
        shared.pager,
        clock,
        scenes,
        news,
        _counted(metrics),
        destinations=elsewhere,
        plots=plots,
        held=head_start.left,
    )
    return Side(
        store=store,
        book=book,
        desk=desk,
        engine=engine,
        vigil=Vigil(engine, desk, store, clock, book, lookout),
        commands=commands,
        verifier=checks,
        follower=follower,
        gate=Gatekeeper(store, desk, clock),
        outbox=outbox,
        head_start=head_start,
        hearing=hearing,
        ears=Ears(clock, commands, book, store, engine.readings),
        evidence=evidence,
        keeper=Keeper(store, evidence, clock, timedelta(seconds=settings.retention_seconds), metrics.evidence.set),
    )


DRILLS = "drills"
"""What is added to the name of the database for that of the drills."""


def _hall(shared: _Shared, rules: RuleSet, real: Store) -> Hall:
    """Give where drills take place. Nothing is made until one is held, or where one was held before."""
    url = beside(shared.settings.database_url, DRILLS)

    def make() -> Stage:
        disk = open_store(url)
        book = RuleBook(bare_rules(rules, rules.routing.drills.route))
        source = DrillSource(shared.source)
        baselines = Baselines(source)
        apart = replace(shared, source=source, metrics=Metrics())  # drills do not count among what really happened
        side = _side(apart, disk, book, baselines, prefix=DRILL)
        results = Results(disk, disk, real, side.evidence.case)
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


def verifier(settings: Settings, clock: Clock, book: RuleBook, source: MetricsSource, reader: Reader) -> Verifier:
    """Give what runs the checks of a procedure. Commands are among them only where a setting allows it."""
    from monitor.adapters.probing import HttpProber  # noqa: PLC0415  # loaded only where a daemon is put together
    from monitor.adapters.processes import FixedCommands  # noqa: PLC0415  # the same

    commands = None
    if settings.allow_command_checks:
        commands = FixedCommands(settings.command_checks_directory, command_environment())
    asking = Asking(source, HttpProber(), commands, settings.secrets)
    return Verifier(SignalWatch(reader, book, clock), asking, clock)


def missing_program(settings: Settings, program: str) -> str:
    """Give what keeps the program of a command check from being run; nothing where it can be."""
    folder, environment = settings.command_checks_directory, command_environment()
    if not folder.is_dir():
        return f"there is no folder {folder}: see MONITOR_COMMAND_CHECKS_DIRECTORY"
    found = folder / program if "/" in program else shutil.which(program, path=environment["PATH"])
    if found is None or not os.access(found, os.X_OK):
        return f"there is no program {program}; the monitor's PATH is {environment['PATH']}"
    return ""


def database_owner(settings: Settings) -> Owner | None:
    """Give the daemon that holds the database, or None where none runs. Raises StoreError for an unusable URL."""
    return owner(settings.database_url)


def database_exists(settings: Settings) -> bool:
    """Whether there is a database already. Raises StoreError for an unusable URL."""
    return exists(settings.database_url)


def corrupt_databases(settings: Settings) -> list[str]:
    """Give the corrupt databases that were set aside."""
    return set_aside(settings.database_url)


def try_database(settings: Settings) -> None:
    """Open the database and let go of it again. Raises StoreError where it cannot be used."""
    open_store(settings.database_url).close()


def all_channels(settings: Settings, rules: RuleSet) -> tuple[str, ...]:
    """Give every channel that something may be posted to: those of the routes, the second one, that of drills."""
    routing, slack = rules.routing, settings.slack
    drills = routing.drills.route.channel or slack.drill_channel
    if slack.bot_token is None:
        return channels(routing)
    beside = (routing.escalation.channel or slack.escalation_channel, drills)
    return tuple(dict.fromkeys(one for one in (*channels(routing), *beside) if one))


def slack_findings(settings: Settings, rules: RuleSet) -> list[tuple[bool, str, str]]:
    """Give what Slack says of token, scopes, channel and people: whether it is well, what was found, the mend."""
    everybody = united(every_route(rules.routing))
    people = (*everybody.responders, *everybody.commanders, *everybody.approvers)
    return [(one.ok, one.what, one.mend) for one in _probed(settings, all_channels(settings, rules), people)]


def drill_findings(settings: Settings, channel: str, people: Sequence[str]) -> "list[Finding]":
    """Give what Slack says of the token, its scopes, the `channel` of a drill and the `people` who take part."""
    return _probed(settings, (channel,), people)


def _probed(settings: Settings, places: Sequence[str], people: Sequence[str]) -> "list[Finding]":
    from monitor.adapters.slack.probe import probe  # noqa: PLC0415  # loaded only where Slack is used

    slack = settings.slack
    return probe(
        slack.bot_token.get_secret_value() if slack.bot_token else "",
        app_token=slack.app_token.get_secret_value() if slack.app_token else "",
        signed=slack.signing_secret is not None,
        channels=[one for one in dict.fromkeys(places) if one],
        people=people,
        base_url=slack.api_url,
    )


def _switch(settings: Settings) -> Switch | None:
    url = settings.heartbeat.url
    return HttpSwitch(url.get_secret_value(), settings.heartbeat.method) if url is not None else None


def slack_manifest(url: str, name: str, command: str) -> str:
    """Give the manifest of the Slack app, for Socket Mode or for signed HTTP at `url`."""
    from monitor.adapters.slack.manifest import manifest  # noqa: PLC0415  # loaded only where Slack is used

    return manifest(url, name, command or ("/rbm" if url else ""))


def main_pager(settings: Settings, terminal: TextIO) -> Pager:
    """Give what shows every incident: Slack, or the console where it is not set."""
    if settings.slack.bot_token is not None:
        from monitor.adapters.slack.client import SlackPager  # noqa: PLC0415  # loaded only where Slack is used

        return SlackPager(settings.slack.bot_token.get_secret_value(), base_url=settings.slack.api_url)
    from monitor.adapters.console import ConsolePager  # noqa: PLC0415  # the same

    return ConsolePager(terminal)


def _plots(settings: Settings, evidence: Evidence, metrics: Metrics) -> Plots:
    """Give who makes the files for the threads of Slack; nothing else carries them."""
    if settings.slack.bot_token is None:
        return Plots(NoFiles(), metrics.counted_file)
    pictures = Pictures(evidence.store, evidence.plotting, evidence.artist)
    return Plots(Files(pictures, Reports(evidence)), metrics.counted_file)


def _evidence(settings: Settings, plotting: Plotting, store: Store, clock: Clock) -> Evidence:
    """Give what makes bundles. Only Slack knows addresses of messages."""
    links = None
    if settings.slack.bot_token is not None:
        from monitor.adapters.slack.permalinks import SlackPermalinks  # noqa: PLC0415  # loaded only where Slack is used

        links = SlackPermalinks(settings.slack.bot_token.get_secret_value(), base_url=settings.slack.api_url)
    return Evidence(store, plotting, ProcessArtist(), clock, settings.secrets, links)


def _second_channel(settings: Settings, book: RuleBook) -> str:
    """Give the channel that takes a page which the first one refuses."""
    return book.now.rules.routing.escalation.channel or settings.slack.escalation_channel


def other_pagers(settings: Settings) -> dict[str, ProbedPager]:
    """Give every pager beside Slack that is configured, by its name in routing.yaml."""
    pagers: dict[str, ProbedPager] = {}
    if settings.pagerduty.routing_key is not None:
        from monitor.adapters.pagerduty import PagerDuty  # noqa: PLC0415  # loaded only where it is used

        key, api_url = settings.pagerduty.routing_key.get_secret_value(), settings.pagerduty.api_url
        pagers[PAGERDUTY] = PagerDuty(key, api_url=api_url)
    if settings.alertmanager.url:
        from monitor.adapters.alertmanager import Alertmanager  # noqa: PLC0415  # the same

        pagers[ALERTMANAGER] = Alertmanager(settings.alertmanager.url, access_of(settings.alertmanager, {}))
    if settings.webhook.url is not None:
        from monitor.adapters.webhook import Webhook  # noqa: PLC0415  # the same

        secret = settings.webhook.secret.get_secret_value() if settings.webhook.secret else ""
        pagers[WEBHOOK] = Webhook(settings.webhook.url.get_secret_value(), secret)
    return pagers


def pager_findings(settings: Settings) -> dict[str, str]:
    """Give the other pagers that are configured, each with what is wrong with it (nothing: it answers)."""
    asked = {name: pager.probe() for name, pager in other_pagers(settings).items()}
    return {name: "" if isinstance(answer, Sent) else answer.why for name, answer in asked.items()}


def _reachable(settings: Settings) -> bool:
    """Whether clicks have a way to come by; the console has none that could be missing."""
    slack = settings.slack
    return slack.bot_token is None or slack.app_token is not None or slack.signing_secret is not None


def _inbound(
    settings: Settings, ears: Switchboard, heard: Callable[[bool], None], metrics: Metrics, drills: Spoken
) -> "SlackInbound | None":
    slack = settings.slack
    if slack.bot_token is None or not _reachable(settings):
        return None
    from monitor.adapters.slack.inbound import Access, listening  # noqa: PLC0415  # loaded only where Slack is used

    app_token, secret = slack.app_token, slack.signing_secret
    access = Access(
        slack.bot_token.get_secret_value(),
        app_token.get_secret_value() if app_token else "",
        secret.get_secret_value() if secret else "",
        slack.api_url,
    )
    return listening(access, ears, ears.clock, heard, metrics.counted_inbound, drills)


def _hooks(settings: Settings, answering: Answering, metrics: Metrics) -> "PagerDutyHooks | None":
    """Give what takes PagerDuty's webhooks, where their secret is set."""
    if settings.pagerduty.webhook_secret is None:
        return None
    from monitor.adapters.pagerdutyhooks import PagerDutyHooks  # noqa: PLC0415  # loaded only where it is used

    def acknowledge(key: str, by: Actor) -> str:
        outcome = answering.acknowledge(PAGERDUTY, key, by)
        return "" if isinstance(outcome, Done) else outcome.sentence

    secret = settings.pagerduty.webhook_secret.get_secret_value()
    return PagerDutyHooks(secret, acknowledge, metrics.counted_webhook)


def _timed(metrics: Metrics) -> Callable[[Request, Incident], None]:
    def observe(request: Request, incident: Incident) -> None:
        if request.action is ActionKind.ACKNOWLEDGE and incident.acknowledged_at is not None:
            metrics.acknowledgement.observe((incident.acknowledged_at - incident.opened_at).total_seconds())

    return observe


def _counted(metrics: Metrics) -> Callable[[Delivered], None]:
    def count(delivered: Delivered) -> None:
        post, outcome = delivered.post, type(delivered.delivery).__name__.lower()
        if post.kind is PostKind.CALL:
            metrics.calls.labels(post.channel, post.reason, outcome).inc()
            return
        method = "edit" if post.ts else "post"
        metrics.slack_requests.labels(method, outcome).inc()
        if outcome == "sent" and method == "post":
            metrics.pages.labels(post.reason).inc()
            metrics.page_delivery.observe(max(0.0, delivered.seconds))

    return count
