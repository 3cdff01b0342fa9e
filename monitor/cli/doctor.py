"""`doctor`: whether everything is in place, a line each, with the mend where it is not."""

import math
import re
import shlex
import sys
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import orjson

from monitor.bootstrap.app import SystemClock
from monitor.bootstrap.databases import corrupt_databases, database_owner, try_database
from monitor.bootstrap.pagers import pager_findings, slack_findings
from monitor.bootstrap.rulesource import load_rules, missing_program
from monitor.bootstrap.sides import registry_of
from monitor.cli import releases
from monitor.cli.drilldue import PATH as DRILL_DUE
from monitor.cli.incidents import Asked, RefusedError, answered
from monitor.core.incidents.routes import every_route
from monitor.core.model import Tier, Verdict
from monitor.core.redaction import redacted
from monitor.core.rules.routing import SETTING, Route
from monitor.core.rules.rule import Rule
from monitor.core.rules.ruleset import RuleSet
from monitor.core.words import plain
from monitor.evaluation.baselines import Baselines
from monitor.evaluation.grid import newest_point
from monitor.evaluation.ranges import Deadline
from monitor.evaluation.reading import Judged, Point, Reader
from monitor.files import Severity
from monitor.ports.store import StoreError
from monitor.queries.plan import plan
from monitor.ruleset.rulesfolder import RulesError
from monitor.settings.loading import SettingsError, load
from monitor.settings.settings import Settings
from monitor.sourcing import prometheus_servers, source_of
from monitor.survey import Doubt, Means, Surveyed, survey

PATIENCE = 10.0
"""Seconds for everything that is asked of one Prometheus."""

UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}

OFFSET = 10
"""Seconds behind now at which versions are looked at, so that scrapes have landed."""

SKEW = 30.0
"""Seconds by which two clocks may differ before times on pages mislead."""


class Told(Protocol):
    """What a Prometheus tells of itself, as far as it is needed here."""

    @property
    def scrape_timeout(self) -> str:
        """The global one, such as 10s; empty where it does not tell."""

    @property
    def skew(self) -> float | None:
        """The seconds by which its clock is ahead of ours."""


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that was looked at. `ok` None: it works, but you should know."""

    ok: bool | None
    what: str
    mend: str = ""


def run(*, env_file: Path | None, secrets_dir: Path | None, output: str) -> int:
    """Look at everything and print it; give 1 where something is not in place."""
    lines = list(_lines(env_file, secrets_dir))
    if output == "json":
        shown = [{"ok": line.ok, "what": line.what, "mend": line.mend} for line in lines]
        sys.stdout.write(orjson.dumps({"version": 1, "lines": shown}, option=orjson.OPT_INDENT_2).decode() + "\n")
    else:
        for line in lines:
            mark = {True: "ok  ", False: "BAD ", None: "note"}[line.ok]
            sys.stdout.write(plain(f"{mark}  {line.what}{f': {line.mend}' if line.mend else ''}") + "\n")
    return int(any(line.ok is False for line in lines))


def _lines(env_file: Path | None, secrets_dir: Path | None) -> Iterator[Line]:
    try:
        settings, gathered = load(env_file=env_file, secrets_dir=secrets_dir)
    except SettingsError as error:
        yield from (Line(ok=False, what="settings", mend=sentence) for sentence in error.sentences)
        return
    yield Line(ok=True, what=f"settings: {len(gathered.values)} given, the rest by default")
    rules = None
    try:
        rules = load_rules(settings)
    except RulesError as error:
        yield from (Line(ok=False, what="rules", mend=sentence) for sentence in error.sentences)
    else:
        count = sum(len(group.rules) for group in rules.groups)
        yield Line(ok=True, what=f"rules: {count} rules in {len(rules.groups)} groups from {settings.rules}")
    yield from _prometheus(settings, rules)
    yield from _commands(settings, rules)
    yield from _database(settings)
    yield from _set_aside(settings)
    if rules is not None:
        yield from _drill_due(settings)
    if settings.heartbeat.url is None:
        mend = "set MONITOR_HEARTBEAT__URL, so that somebody else notices when the monitor is gone"
        yield Line(ok=None, what="heartbeat: none", mend=mend)
    yield from _pagers(settings, rules)


def _prometheus(settings: Settings, rules: RuleSet | None) -> Iterator[Line]:
    clock, first = SystemClock(), None
    deadline = Deadline(clock, clock.monotonic() + PATIENCE)
    for server in prometheus_servers(settings):
        told = server.describe(clock.now(), deadline=deadline.left)
        if not told.reachable:
            yield Line(ok=False, what=f"Prometheus {server.url}", mend=f"{told.problem}; see MONITOR_PROMETHEUS__URL")
            continue
        first = first or told
        retention = f", keeps {told.retention}" if told.retention else ""
        yield Line(ok=True, what=f"Prometheus {server.url}: version {told.version or 'not told'}{retention}")
        if told.skew is not None and abs(told.skew) > SKEW:
            yield Line(ok=False, what=f"clocks: Prometheus's differs by {told.skew:.0f} s", mend="let both follow NTP")
        else:
            yield Line(ok=True, what="clocks agree")
    if rules is not None and first is not None:
        source = source_of(settings)
        means = Means(source, Baselines(source), deadline, first.retention)
        now = clock.now().timestamp()
        yield from _rules(rules, means, now, first)
        asked = releases.Means(source, registry_of(settings, rules.releases), deadline)
        yield from (Line(*one) for one in releases.findings(rules.releases, asked, int(now) - OFFSET))


def _rules(rules: RuleSet, means: Means, now: float, told: Told) -> Iterator[Line]:
    """Judge every rule once, and say what the data tell about the rules themselves."""
    planned, reader = plan(rules), Reader(means.source, means.baselines)
    newest = {group.name: newest_point(group, now) for group in rules.groups}
    points = {
        alert: one[0]
        for group in rules.groups
        for alert, one in reader.together(planned, group.rules, newest[group.name], means.deadline).items()
    }
    surveyed = survey(rules, planned, means, min(newest.values(), default=int(now)))
    said = {doubt.rule for doubt in surveyed.doubts if _says_empty(doubt)}
    for rule in (rule for group in rules.groups for rule in group.rules):
        point = points[rule.alert]
        if rule.alert not in said or not isinstance(point, Judged) or point.judgements or point.error:
            yield _rule(rule, point)
    yield from (_doubt(one) for one in surveyed.doubts)
    if surveyed.problem:
        mend = "try again when Prometheus has time"
        yield Line(ok=None, what=f"what only data can tell was not all looked at: {surveyed.problem}", mend=mend)
    yield from offsets(rules, told, surveyed)


def _says_empty(doubt: Doubt) -> bool:
    """Whether it explains why a rule reads nothing: one of its selectors that it cannot do without."""
    return doubt.code == "no-series-lately" or (doubt.code == "no-series" and doubt.severity is not Severity.WARNING)


def _doubt(doubt: Doubt) -> Line:
    what = f"{doubt.place} {doubt.rule}: {doubt.sentence}"
    return Line(ok=False if doubt.severity is Severity.ERROR else None, what=what, mend=doubt.mend)


def offsets(rules: RuleSet, told: Told, surveyed: Surveyed) -> Iterator[Line]:
    """Say which groups look at times for which scrapes may still be under way."""
    timeout = in_seconds(told.scrape_timeout)
    skew = max(0.0, abs(told.skew or 0.0) - 1)  # it is known to a second
    for group in rules.groups:
        needed = surveyed.paces.get(group.name, 0.0) if timeout is None else timeout + skew
        if group.query_offset < math.floor(needed):
            whose = (
                "the time between two scrapes" if timeout is None else "the scrape timeout and the clocks' difference"
            )
            what = f"group {group.name}: a query_offset of {group.query_offset}s is less than {whose}, {needed:.0f} s"
            yield Line(ok=None, what=what, mend=f"late scrapes are missed; write query_offset: {math.ceil(needed)}s")


def in_seconds(duration: str) -> float | None:
    """Give a duration as Prometheus writes it (1m30s) in seconds, or None where it is none."""
    if not re.fullmatch(r"(\d+(ms|[smhd]))+", duration):
        return None
    return sum(int(number) * UNITS[unit] for number, unit in re.findall(r"(\d+)(ms|[smhd])", duration))


def _rule(rule: Rule, point: Point) -> Line:
    if not isinstance(point, Judged):
        return Line(ok=False, what=f"rule {rule.alert}", mend=f"it was not answered: {point.why}")
    if point.error:
        return Line(ok=False, what=f"rule {rule.alert}", mend=point.error)
    if not point.instances and not point.judgements:
        mend = f"its reading is empty; look at {rule.place}, or say `optional: true`"
        return Line(ok=None if rule.optional else False, what=f"rule {rule.alert}", mend=mend)
    wrong = next((one.why for one in point.judgements.values() if one.verdict is Verdict.ERROR), None)
    if wrong is None and not point.instances:
        wrong = next(iter(point.judgements.values())).why
    if wrong is not None:
        return Line(ok=False, what=f"rule {rule.alert}", mend=wrong)
    verdicts = sorted({str(one.verdict).replace("_", " ") for one in point.judgements.values()})
    return Line(ok=True, what=f"rule {rule.alert}: {len(point.instances)} instances, now {', '.join(verdicts)}")


def _commands(settings: Settings, rules: RuleSet | None) -> Iterator[Line]:
    """Say of every command check whether it will be run, or only shown."""
    procedures = rules.procedures.values() if rules is not None else ()
    for procedure in procedures:
        for check in (one for step in procedure.steps for one in step.checks if one.kind == "command"):
            what = f"procedure {procedure.id}, check {check.title}"
            shown = redacted(shlex.join(check.argv), settings.secrets)
            if not settings.allow_command_checks:
                mend = (
                    "a person runs it and enters its result; MONITOR_ALLOW_COMMAND_CHECKS=true lets the monitor do so"
                )
                yield Line(ok=None, what=f"{what}: {shown} is shown only", mend=mend)
                continue
            problem = missing_program(settings, check.argv[0])
            yield Line(ok=not problem, what=what if problem else f"{what}: runs {shown}", mend=problem)


def _database(settings: Settings) -> Iterator[Line]:
    try:
        holding = database_owner(settings)
        if holding is not None:
            yield Line(ok=True, what=f"database {settings.database_url}: in use by the daemon, pid {holding.pid}")
            yield from _evidence(holding.url)
            return
        try_database(settings)
    except StoreError as error:
        yield Line(ok=False, what="database", mend=str(error))
    else:
        yield Line(ok=True, what=f"database {settings.database_url}: writable, schema up to date")


def _drill_due(settings: Settings) -> Iterator[Line]:
    """Say when the next drill is due: overdue, the setup works, and nobody knows whether the team does."""
    try:
        found = answered(settings, Asked("GET", DRILL_DUE), level="critical")["due"]
    except StoreError:
        return  # what is wrong with the database is told already
    except RefusedError as error:
        yield Line(ok=None, what="drill due: not known", mend=str(error))
        return
    late = bool(found["overdue"])
    yield Line(ok=None if late else True, what=f"drill due: {found['sentence']}", mend=found["mend"] if late else "")


def _evidence(url: str) -> Iterator[Line]:
    """Ask the daemon whether what it decides is written."""
    try:
        with urllib.request.urlopen(f"{url}/metrics", timeout=PATIENCE) as response:  # noqa: S310  # the daemon's own
            told = dict(line.rpartition(" ")[::2] for line in response.read().decode().splitlines())
    except (OSError, ValueError):
        return
    if told.get("rollback_monitor_storage_durable") == "0.0":
        held = told.get("rollback_monitor_storage_held", "some")
        mend = "make room, or give the database back its rights; do not restart the daemon before: it would forget them"
        yield Line(ok=False, what=f"evidence is not durable: {float(held):.0f} things are held in memory", mend=mend)


def _set_aside(settings: Settings) -> Iterator[Line]:
    for file in corrupt_databases(settings):
        mend = "look into it with sqlite3 (.recover), then move it away"
        yield Line(ok=None, what=f"a corrupt database was set aside as {file}", mend=mend)


def _pagers(settings: Settings, rules: RuleSet | None) -> Iterator[Line]:
    yield from _slack(settings, rules)
    yield from fallback(settings, rules)


def fallback(settings: Settings, rules: RuleSet | None) -> Iterator[Line]:
    """Say who is called beside Slack, and whether they answer."""
    found = pager_findings(settings)
    for name, problem in found.items():
        yield Line(ok=not problem, what=f"pager {name}{'' if problem else ': answers'}", mend=problem)
    if rules is None:
        return
    page = rules.routing.page
    for name in page.named:
        if name not in found:
            what = f"pager {name}: routing.yaml names it in page, and it is not configured"
            yield Line(ok=False, what=what, mend=f"set {SETTING[name]}")
    called = [name for name in page.others(Tier.ROLLBACK) if name in found]
    if settings.slack.bot_token is not None and not called:
        late = f", and {', '.join(found)} only where Slack does not take them" if found else ""
        mend = "Do Not Disturb will swallow it on a phone at night; name another pager in page of rules/routing.yaml"
        yield Line(ok=None, what=f"rollback pages Slack only{late}", mend=mend)


def _slack(settings: Settings, rules: RuleSet | None) -> Iterator[Line]:
    if settings.slack.bot_token is None:
        mend = "pages are printed where the daemon runs; set MONITOR_SLACK__BOT_TOKEN to page people"
        yield Line(ok=None, what="pager: console", mend=mend)
        return
    if rules is None:
        return
    for ok, what, mend in slack_findings(settings, rules):
        yield Line(ok=ok, what=what, mend=mend)
    yield from (_people(route) for route in every_route(rules.routing) if not (route.responders or route.commanders))
    wanting = list(_wanting_approver(rules))
    if wanting:
        yield from (_approvers(route, wanting) for route in every_route(rules.routing) if not route.approvers)


def _people(route: Route) -> Line:
    """An incident that only this route takes would have nobody to start a rollback."""
    mend = "name responders in rules/routing.yaml"
    return Line(ok=False, what=f"people: nobody may start a rollback{_where(route)}", mend=mend)


def _approvers(route: Route, wanting: Sequence[str]) -> Line:
    """An answer that needs an approver would wait for one for ever; there are others, and the shell."""
    what = f"people: nobody in Slack may agree to {' or '.join(wanting)}{_where(route)}"
    return Line(ok=None, what=what, mend="name approvers in rules/routing.yaml")


def _wanting_approver(rules: RuleSet) -> Iterator[str]:
    steps = (step for procedure in rules.procedures.values() for step in procedure.steps)
    titles = (one.title for step in steps for one in step.choose if one.needs_approver)
    yield from (f"“{title}”" for title in dict.fromkeys(titles))


def _where(route: Route) -> str:
    return f" of what goes to {route.channel} by {route.place}" if route.matchers else ""
