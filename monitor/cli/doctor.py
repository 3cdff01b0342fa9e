"""`doctor`: whether everything is in place, a line each, with the mend where it is not."""

import sys
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import orjson

from monitor.baselines import Baselines
from monitor.bootstrap import (
    SystemClock,
    corrupt_databases,
    database_owner,
    load_rules,
    prometheus_servers,
    slack_findings,
    source_of,
    try_database,
)
from monitor.core.model import Verdict
from monitor.core.rule import Rule, RuleSet
from monitor.core.words import plain
from monitor.grid import newest_point
from monitor.ports import StoreError
from monitor.ranges import Deadline
from monitor.reading import Judged, Point, Reader, plan
from monitor.rulesfolder import RulesError
from monitor.settings import Settings, SettingsError, load

PATIENCE = 10.0
SKEW = 30.0
"""Seconds by which two clocks may differ before times on pages mislead."""


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
    yield from _database(settings)
    yield from _set_aside(settings)
    if settings.heartbeat.url is None:
        mend = "set MONITOR_HEARTBEAT__URL, so that somebody else notices when the monitor is gone"
        yield Line(ok=None, what="heartbeat: none", mend=mend)
    yield from _pagers(settings, rules)


def _prometheus(settings: Settings, rules: RuleSet | None) -> Iterator[Line]:
    reachable = False
    for source in prometheus_servers(settings):
        told = source.describe(SystemClock().now(), deadline=PATIENCE)
        if not told.reachable:
            yield Line(ok=False, what=f"Prometheus {source.url}", mend=f"{told.problem}; see MONITOR_PROMETHEUS__URL")
            continue
        reachable = True
        retention = f", keeps {told.retention}" if told.retention else ""
        yield Line(ok=True, what=f"Prometheus {source.url}: version {told.version or 'not told'}{retention}")
        if told.skew is not None and abs(told.skew) > SKEW:
            yield Line(ok=False, what=f"clocks: Prometheus's differs by {told.skew:.0f} s", mend="let both follow NTP")
        else:
            yield Line(ok=True, what="clocks agree")
    if rules is not None and reachable:
        yield from _rules(settings, rules)


def _rules(settings: Settings, rules: RuleSet) -> Iterator[Line]:
    source, clock = source_of(settings), SystemClock()
    reader, planned = Reader(source, Baselines(source)), plan(rules)
    for group in rules.groups:
        at = newest_point(group, clock.now().timestamp())
        deadline = Deadline(clock, clock.monotonic() + PATIENCE)
        points = reader.together(planned, group.rules, at, deadline)
        yield from (_rule(rule, points[rule.alert][0]) for rule in group.rules)


def _rule(rule: Rule, point: Point) -> Line:
    if not isinstance(point, Judged):
        return Line(ok=False, what=f"rule {rule.alert}", mend=f"it was not answered: {point.why}")
    if point.error:
        return Line(ok=False, what=f"rule {rule.alert}", mend=point.error)
    if not point.instances and not point.judgements:
        mend = f"its selectors match no series; look at {rule.place}, or say `optional: true`"
        return Line(ok=None if rule.optional else False, what=f"rule {rule.alert}", mend=mend)
    wrong = next((one.why for one in point.judgements.values() if one.verdict is Verdict.ERROR), None)
    if wrong is None and not point.instances:
        wrong = next(iter(point.judgements.values())).why
    if wrong is not None:
        return Line(ok=False, what=f"rule {rule.alert}", mend=wrong)
    verdicts = sorted({str(one.verdict).replace("_", " ") for one in point.judgements.values()})
    return Line(ok=True, what=f"rule {rule.alert}: {len(point.instances)} instances, now {', '.join(verdicts)}")


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
    if settings.slack.bot_token is None:
        mend = "pages are printed where the daemon runs; set MONITOR_SLACK__BOT_TOKEN to page people"
        yield Line(ok=None, what="pager: console", mend=mend)
        return
    if rules is None:
        return
    for ok, what, mend in slack_findings(settings, rules):
        yield Line(ok=ok, what=what, mend=mend)
    route = rules.routing.default
    if not (route.responders or route.commanders):
        what = "people: nobody may start a rollback"
        yield Line(ok=False, what=what, mend="name responders in rules/routing.yaml")
    yield Line(ok=None, what="rollback pages Slack only", mend="Do Not Disturb will swallow it on a phone at night")
