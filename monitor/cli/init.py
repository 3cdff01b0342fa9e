"""`init`: the first rules folder for somebody's own Prometheus. It asks nothing and overwrites nothing."""

import contextlib
import math
import re
import shlex
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from monitor.bootstrap.app import SystemClock
from monitor.cli.doctor import in_seconds
from monitor.core.replay.sentences import counted
from monitor.core.rules.ruleset import RuleSet
from monitor.core.words import percent, plain
from monitor.evaluation.baselines import Baselines
from monitor.evaluation.grid import newest_point
from monitor.evaluation.ranges import Deadline
from monitor.files import Loaded, load
from monitor.ports.metrics import MetricsSource, Unanswered
from monitor.queries.plan import plan
from monitor.scaffold import Found, Looker, Options, files_of
from monitor.scaffold.asking import Asking, Catalogue
from monitor.scaffold.found import Watched
from monitor.scaffold.ruletext import listed
from monitor.settings.loading import SettingsError
from monitor.settings.loading import load as load_settings
from monitor.sourcing import prometheus_servers
from monitor.survey import Means, survey

PATIENCE = 120.0
"""Seconds for everything that is asked."""

BEHIND = 15
"""Seconds behind now at which it looks, so that scrapes have landed."""

SHOWN = 5
"""Metrics that were passed over, problems and doubts that are printed; the files tell the others."""

_ID = re.compile(r"[A-Za-z0-9._-]+")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the command line says: the folder, the server's address, and where settings stand."""

    folder: Path
    prometheus: str | None = None
    env_file: Path | None = None
    secrets_dir: Path | None = None


@dataclass(frozen=True, slots=True)
class Looked:
    """What a look at the server gave, and what is needed to look again."""

    found: Found
    told: str
    source: MetricsSource
    baselines: Baselines
    deadline: Deadline


def run(wanted: Wanted, environment: str, channel: str, responders: tuple[str, ...]) -> int:
    """Look, write the folder, and print what was found and what comes next; give the exit code.

    1: the folder is not empty, the server was not answered, or it has nothing to watch; 2: usage.
    """
    wrong = _usage(environment, channel, responders)
    if wrong:
        return _say(wrong, 2)
    try:
        if wanted.folder.exists() and (not wanted.folder.is_dir() or any(wanted.folder.iterdir())):
            return _say(f"{wanted.folder} is there already, and nothing is overwritten: name another folder", 1)
    except OSError as error:
        return _unwritable(wanted, error)
    try:
        with _waiting():
            looked = _look(wanted)
    except SettingsError as error:
        return _say("\n".join(_as_typed(one, wanted) for one in error.sentences), 2)
    if isinstance(looked, str):
        return _say(looked, 1)
    texts = files_of(looked.found, Options(environment, channel, responders))
    try:
        loaded = _write(wanted.folder, texts)
    except OSError as error:
        return _unwritable(wanted, error)
    sys.stdout.write(plainly(_report(looked, wanted, loaded)))
    return 0


def _as_typed(sentence: str, wanted: Wanted) -> str:
    """Name the option where it was that: nobody set the variable."""
    return sentence.replace("MONITOR_PROMETHEUS__URL", "--prometheus", 1) if wanted.prometheus else sentence


def _unwritable(wanted: Wanted, error: OSError) -> int:
    """Name the folder as it was typed: what failed may be a folder that is only made for the writing."""
    return _say(f"{wanted.folder} cannot be written: {error.strerror or error}", 1)


def _say(sentence: str, code: int) -> int:
    sys.stderr.write(f"{sentence}\n")
    return code


@contextlib.contextmanager
def _waiting() -> Iterator[None]:
    """Show on a terminal that it looks: a large server takes its time."""
    if not sys.stderr.isatty():
        yield
        return
    from rich.console import Console  # noqa: PLC0415  # costs more than the rest where nobody sees it

    with Console(stderr=True).status("Looking at Prometheus; at most two minutes ..."):
        yield


def plainly(lines: Iterator[str]) -> str:
    """Give lines as a terminal only shows them: names come from whoever is scraped."""
    return "".join(f"{plain(line)}\n" for line in lines)


def _usage(environment: str, channel: str, responders: tuple[str, ...]) -> str:
    if not environment.strip() or not environment.isprintable():
        return "--environment is empty, or no line of text"
    odd = [one for one in (channel, *responders) if one and not _ID.fullmatch(one)]
    return f"{odd[0]!r} is no id: write the id of a channel (C...), a user (U...) or a user group (S...)" if odd else ""


def _look(wanted: Wanted) -> Looked | str:
    """Look at the first server that is configured; a sentence where that cannot be done."""
    options = {"MONITOR_PROMETHEUS__URL": wanted.prometheus} if wanted.prometheus else {}
    settings, _ = load_settings(options=options, env_file=wanted.env_file, secrets_dir=wanted.secrets_dir)
    server, clock = prometheus_servers(settings)[0], SystemClock()
    told = server.describe(clock.now(), deadline=settings.prometheus.timeout)
    if not told.reachable:
        return f"Prometheus {server.url}: {told.problem}; name it with --prometheus http://..."
    pace, timeout = in_seconds(told.scrape_interval) or 15.0, in_seconds(told.scrape_timeout) or 10.0
    offset = max(10, math.ceil(timeout + max(0.0, abs(told.skew or 0.0) - 1)))
    deadline = Deadline(clock, clock.monotonic() + PATIENCE)
    asking, baselines = Asking(server, int(clock.now().timestamp()) - BEHIND, deadline), Baselines(server)
    found = Looker(asking, _catalogue(server), baselines, pace).look(server.url, offset)
    if isinstance(found, Unanswered):
        return f"Prometheus {server.url}: {found.why}"
    if not found.probes and not found.requests and not found.slowness:
        return f"Prometheus {server.url} has {found.metrics} metrics, and nothing that rules could watch: not even `up`"
    about = [f"version {told.version}" if told.version else "", f"keeps {told.retention}" if told.retention else ""]
    return Looked(found, ", ".join(one for one in about if one), server, baselines, deadline)


def _catalogue(server: Catalogue) -> Catalogue:
    return server


def _write(folder: Path, texts: Mapping[str, str]) -> Loaded:
    """Write all files or none: beside the folder first, then under its name."""
    parent = folder.absolute().parent
    parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=parent) as made:
        beside = Path(made) / "rules"
        for name, text in texts.items():
            (beside / name).parent.mkdir(parents=True, exist_ok=True)
            (beside / name).write_text(text, encoding="utf-8")
        beside.rename(folder)  # over an empty folder, if any: one that is not is refused by the system
    return load(folder)


# --- what is printed --------------------------------------------------------------------------------------------------


def _report(looked: Looked, wanted: Wanted, loaded: Loaded) -> Iterator[str]:
    found = looked.found
    told = f" ({looked.told})" if looked.told else ""
    yield f"Looked at {found.url}{told}: {found.metrics} metrics."
    yield ""
    yield from _found(found)
    yield from _missing(found)
    yield ""
    rules = [rule for group in loaded.rules.groups for rule in group.rules] if loaded.rules else []
    written = counted(len(rules), "rule")
    yield f"Wrote {wanted.folder}/: {written}, all in the shadow; routing.yaml, releases.yaml, a procedure."
    yield from (f"  {one}" for one in map(str, loaded.findings[:SHOWN]))
    yield from _doubts(looked, loaded.rules)
    yield ""
    yield from _next(wanted)


def _found(found: Found) -> Iterator[str]:
    for one in found.requests:
        share = percent(one.failed / one.total) if one.total else "nothing"
        yield f"  requests   {one.watched.metric}: failed {one.failures}, {share} of {one.total:,.0f} in the last day"
        yield from _services(one.watched)
    for slow in found.slowness:
        usual = max(slow.usual.values(), default=0.0)
        yield f"  latency    {slow.watched.metric}: p95 up to {slow.unit.per_second * usual:.3g} {slow.unit}"
        yield from _services(slow.watched)
    for probe in found.probes:
        down = f", down now: {listed(probe.down)}" if probe.down else ""
        yield f"  up or down {probe.watched.metric}: {len(probe.watched.services)} by {probe.watched.label}{down}"
    seen = [f"{one.service} {'/'.join(one.running)}" for one in found.versions]
    if seen:
        yield f"  versions   {listed(seen)}"


def _services(watched: Watched) -> Iterator[str]:
    yield f"             by {watched.label}: {listed(watched.services)}" if watched.label else "             as one"
    if watched.left_out:
        yield f"             left out: {listed([f'{name} ({why})' for name, why in watched.left_out.items()])}"


def _missing(found: Found) -> Iterator[str]:
    sought = {
        "a counter of requests with a label of how they ended (errors.yaml)": found.requests,
        "a histogram of latencies (latency.yaml)": found.slowness,
        "probes (availability.yaml)": [one for one in found.probes if one.watched.metric == "probe_success"],
        "versions (releases.yaml)": found.versions,
    }
    for what, have in sought.items():
        if not have:
            yield f"  not found  {what}: the file says how to write it by hand"
    passed = [f"{name} ({why})" for name, why in found.passed_over.items()]
    if passed:
        yield f"  passed by  {'; '.join(passed[:SHOWN])}{f'; and {len(passed) - SHOWN} more' if passed[SHOWN:] else ''}"
    yield from (f"  unanswered {one}" for one in found.problems[:SHOWN])


def _doubts(looked: Looked, rules: RuleSet | None) -> Iterator[str]:
    """Say what `doctor` will say of the rules: what the data do not let `init` avoid."""
    if rules is None:
        return
    now = SystemClock().now().timestamp()
    at = min((newest_point(group, now) for group in rules.groups), default=int(now))
    surveyed = survey(rules, plan(rules), Means(looked.source, looked.baselines, looked.deadline), at)
    yield from (f"  to know    {one.rule}: {one.sentence} ({one.mend})" for one in surveyed.doubts[:SHOWN])


def _next(wanted: Wanted) -> Iterator[str]:
    rules = "" if wanted.folder == Path("rules") else f" --rules {shlex.quote(str(wanted.folder))}"
    folder = "" if wanted.folder == Path("rules") else f" {shlex.quote(str(wanted.folder))}"
    file = f" --env-file {shlex.quote(str(wanted.env_file))}" if wanted.env_file else ""
    yield "Next:"
    if wanted.prometheus:
        yield f"  export MONITOR_PROMETHEUS__URL={shlex.quote(wanted.prometheus)}"
    yield f"  rollback-monitor replay --from -7d{rules}{file}"
    yield f"  rollback-monitor check{folder}"
    yield f"  rollback-monitor run{rules}{file}"
