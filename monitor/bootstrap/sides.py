"""What works on one store, put together: once for production, and once for drills."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from urllib.parse import urlsplit

from monitor.adapters.http import Access
from monitor.adapters.plot import ProcessArtist
from monitor.bootstrap.pagers import reachable
from monitor.core.incidents.incident import Incident
from monitor.core.naming import INCIDENT
from monitor.core.pages.page import ActionKind
from monitor.core.procedures.proposals import wanted
from monitor.core.rules.service import Releases
from monitor.delivery.filelane import NoFiles
from monitor.delivery.headstart import HeadStart
from monitor.delivery.outbox import Bell, Delivered, Destinations, Outbox, Plots
from monitor.delivery.pictures import Pictures
from monitor.delivery.reports import Files, Reports
from monitor.desk.desk import Desk
from monitor.desk.scenes import Scenes
from monitor.evaluation.baselines import Baselines
from monitor.evaluation.deploys import Deploys
from monitor.evaluation.engine import Engine
from monitor.evaluation.lookout import Lookout
from monitor.evaluation.reading import Reader
from monitor.evaluation.vigil import Vigil
from monitor.evidence.collecting import Evidence
from monitor.evidence.keeping import Keeper
from monitor.evidence.plotting import Plotting
from monitor.people.commands import Commands
from monitor.people.ears import Ears
from monitor.people.hearing import Hearing
from monitor.people.requesting import Request
from monitor.ports.metrics import MetricsSource
from monitor.ports.pager import Pager
from monitor.ports.store import PostKind, Store
from monitor.ports.world import Clock, Registry
from monitor.procedure.breakdowns import BreakdownWatch
from monitor.procedure.checks import Asking
from monitor.procedure.following import Follower
from monitor.procedure.gatekeeping import Gatekeeper
from monitor.procedure.releases import ReleaseWatch
from monitor.procedure.signalwatch import SignalWatch
from monitor.procedure.verification import Verifier
from monitor.rulebook import RuleBook
from monitor.settings.environment import command_environment
from monitor.settings.settings import Settings
from monitor.side import Side
from monitor.telemetry import Metrics


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
class Shared:
    """What both sides work with."""

    settings: Settings
    clock: Clock
    source: MetricsSource
    metrics: Metrics
    pager: Pager
    releases: ReleaseWatch


def side_of(
    shared: Shared,
    store: Store,
    book: RuleBook,
    baselines: Baselines,
    elsewhere: Destinations = Destinations(),  # noqa: B008  # frozen, and of nothing
    *,
    trouble: Callable[[], str] = lambda: "",
    gated: Callable[[str], bool] = lambda _environment: True,
    prefix: str = INCIDENT,
) -> Side:
    """Put one side together, on a store of its own.

    `trouble` says why evidence is not written now, `gated` whether it freezes the deploys of an environment.
    """
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
    hearing = Hearing(store, desk.refresh, metrics.buttons.set, hears=reachable(settings))
    scenes = Scenes(
        book,
        engine.readings,
        lambda: hearing.hears,
        trouble,
        lambda incident: follower.latest.get(incident, ()),
        lambda incident: evidence.injected(incident),  # noqa: PLW0108  # it is put in place later
        gated=gated,
        free=settings.slack.bot_token is None,
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
        ears=Ears(clock, commands, book, store, scenes),
        scenes=scenes,
        evidence=evidence,
        keeper=Keeper(store, evidence, clock, timedelta(seconds=settings.retention_seconds), metrics.evidence.set),
    )


def verifier(settings: Settings, clock: Clock, book: RuleBook, source: MetricsSource, reader: Reader) -> Verifier:
    """Give what runs the checks of a procedure. Commands are among them only where a setting allows it."""
    from monitor.adapters.probing import HttpProber  # noqa: PLC0415  # loaded only where a daemon is put together
    from monitor.adapters.processes import FixedCommands  # noqa: PLC0415  # the same

    commands = None
    if settings.allow_command_checks:
        commands = FixedCommands(settings.command_checks_directory, command_environment())
    asking = Asking(source, HttpProber(), commands, settings.secrets)
    return Verifier(SignalWatch(reader, book, clock), asking, clock)


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
