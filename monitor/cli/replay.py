"""`replay`: what rules would have done on the history of a Prometheus: alone, side by side, or for many values.

Exit codes: 0; 1: a part of the history could not be read, or none of it; 2: rules, times or settings that cannot be
used; 130: stopped by Ctrl-C, with what was read until then.
"""

import contextlib
import gc
import logging
import os
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import structlog

from monitor.cli.replayjson import Told, document
from monitor.cli.replayprogress import Shown
from monitor.cli.replaytext import View
from monitor.core.model import utc
from monitor.core.replay.comparison import compare
from monitor.core.replay.outcome import KnownIncident, Replayed, Variant
from monitor.core.replay.renaming import names_taken, renamed, under_all_names
from monitor.core.replay.scoring import score
from monitor.core.rules.ruleset import RuleSet
from monitor.core.words import plain
from monitor.files import Severity, load
from monitor.files.changes import KeyChange, variants
from monitor.files.findings import Finding
from monitor.files.incidentsfile import IncidentsError, read_incidents, strangers
from monitor.files.nodes import WrongError
from monitor.settings.loading import SettingsError
from monitor.settings.loading import load as load_settings
from monitor.settings.settings import Settings
from monitor.sourcing import replay_world, source_of
from monitor.workbench.moments import moment_of
from monitor.workbench.replay.cache import DiskCache, NoCache
from monitor.workbench.replay.fetching import Fetcher
from monitor.workbench.replay.history import History
from monitor.workbench.replay.origin import origin_of
from monitor.workbench.replay.replaying import Replay

FORMATS = ("text", "json", "html", "markdown")
INCOMPLETE, UNUSABLE, STOPPED = 1, 2, 130
JOBS = 4
"""Queries at a time: more would take from Prometheus what production needs."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What somebody typed."""

    rules: Path | None
    begin: str
    end: str
    changes: Sequence[str] = ()
    against: Path | None = None
    incidents: Path | None = None
    output: str = "text"
    out: Path | None = None
    cache: Path | None = None
    no_cache: bool = False
    jobs: int = JOBS
    env_file: Path | None = None
    secrets_dir: Path | None = None


class _UnusableError(Exception):
    """Something that was typed cannot be used; the sentences say what and why."""

    def __init__(self, *sentences: str) -> None:
        super().__init__("\n".join(sentences))
        self.sentences = sentences


@dataclass(frozen=True, slots=True)
class _Plan:
    """What will be tried: each rule set with the changes that make it, what it is compared with and scored by."""

    settings: Settings
    begin: int
    end: int
    now: float
    tried: Sequence[tuple[tuple[KeyChange, ...], RuleSet]]
    against: RuleSet | None
    known: tuple[KnownIncident, ...]


def run(asked: Asked) -> int:
    """Replay, print what was found, and give the exit code."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    try:
        plan = _planned(asked)
        with _unswept():
            told, code = _replayed(asked, plan)
        _write(asked, _text(asked, plan, told))
    except _UnusableError as problem:
        sys.stderr.write("".join(f"{plain(one)}\n" for one in problem.sentences))
        return UNUSABLE
    except KeyboardInterrupt:
        sys.stderr.write("stopped before anything could be told\n")
        return STOPPED
    return code


# --- what was typed ---------------------------------------------------------------------------------------------------


def _planned(asked: Asked) -> _Plan:
    if asked.output not in FORMATS:
        raise _UnusableError(f"unknown format {asked.output!r}: it is one of {', '.join(FORMATS)}")
    if asked.jobs < 1:
        raise _UnusableError("--jobs must be at least 1")
    try:
        settings, _ = load_settings(env_file=asked.env_file, secrets_dir=asked.secrets_dir)
    except SettingsError as problem:
        raise _UnusableError(*problem.sentences) from None
    now = time.time()
    try:
        begin, end = (int(moment_of(one, utc(now), zoned=True).timestamp()) for one in (asked.begin, asked.end))
        combinations = variants(asked.changes)
    except WrongError as wrong:
        raise _UnusableError(f"{wrong.place.file}: {wrong.message}{f' ({wrong.hint})' if wrong.hint else ''}") from None
    except ValueError as problem:
        raise _UnusableError(str(problem)) from None
    if begin >= end:
        raise _UnusableError("--from must lie before --to")
    if begin >= now:
        raise _UnusableError("--from lies in the future")
    folder = asked.rules or settings.rules
    tried = [(changes, _rules(folder, changes)) for changes in combinations]
    against = _rules(asked.against, ()) if asked.against is not None else None
    end = _readable(end, now, tried)
    if not any(begin <= end // group.interval * group.interval for _, rules in tried for group in rules.groups):
        raise _UnusableError("nothing is evaluated between --from and --to: let them lie further apart")
    _writable(asked.out)
    sets = [*(rules for _, rules in tried), *([against] if against is not None else [])]
    return _Plan(settings, begin, end, now, tried, against, _known(asked.incidents, sets))


def _writable(out: Path | None) -> None:
    """Say it before history is read, which may take long."""
    if out is not None and out.is_dir():
        raise _UnusableError(f"{out} cannot be written: it is a folder")
    if out is not None and not out.parent.is_dir():
        raise _UnusableError(f"{out} cannot be written: there is no folder {out.parent}")


def _rules(folder: Path, changes: tuple[KeyChange, ...]) -> RuleSet:
    loaded = load(folder, fallback_channel="replay", changes=changes, alone=True)
    if loaded.rules is None:
        errors = [one for one in loaded.findings if one.severity is Severity.ERROR]
        raise _UnusableError(*(_with_variant(changes, one) for one in errors))
    return loaded.rules


def _with_variant(changes: tuple[KeyChange, ...], error: Finding) -> str:
    """Give an error with the variant that has it: the rules as they are written may well have none."""
    if not changes:
        return str(error)
    told = str(error).replace(":1:1: ", ": ", 1)
    words = ", ".join(one.words for one in changes)
    return told if error.place.file in {one.place.file for one in changes} and len(changes) == 1 else f"{words}: {told}"


def _readable(end: int, now: float, tried: Sequence[tuple[tuple[KeyChange, ...], RuleSet]]) -> int:
    """Give the end, but no later than what the daemon could have read by now."""
    offsets = [group.query_offset for _, rules in tried for group in rules.groups]
    return min(end, int(now) - max(offsets, default=0))


def _known(path: Path | None, sets: Sequence[RuleSet]) -> tuple[KnownIncident, ...]:
    """Read the known incidents; one that names an alert of no rule set is told, and scored all the same."""
    if path is None:
        return ()
    try:
        known = read_incidents(path)
    except IncidentsError as problem:
        raise _UnusableError(*(str(one) for one in problem.findings)) from None
    rules = [rule for each in sets for group in each.groups for rule in group.rules]
    for one in strangers(known, {name: None for rule in rules for name in (rule.alert, rule.renamed_from) if name}):
        sys.stderr.write(f"{plain(str(one))}\n")
    return tuple(under_all_names(one, sets) for one in known)


# --- what is done -----------------------------------------------------------------------------------------------------


def _replayed(asked: Asked, plan: _Plan) -> tuple[Told, int]:
    source, shown = source_of(plan.settings), Shown()
    cache = _cache(asked, plan.settings)
    history = History(Fetcher(source, cache, plan.now), asked.jobs, shown)
    replay = Replay(history, source, replay_world(source), plan.begin, plan.end)
    try:
        numbers = [replay.want(rules) for _, rules in plan.tried]
        other = replay.want(plan.against) if plan.against is not None else None
        replay.read()
    except ValueError as problem:
        raise _UnusableError(str(problem)) from None
    finally:
        shown.done()
    cache.trim()
    traces = asked.output == "html"
    found = [replay.outcome(one, with_traces=traces and place == 0) for place, one in enumerate(numbers)]
    outcome = found[0]
    compared = None
    if other is not None and plan.against is not None:
        compared = compare(renamed(replay.outcome(other), names_taken(plan.against, plan.tried[0][1])), outcome)
    tried = zip(plan.tried, found, strict=True)
    sweep = [Variant(tuple(one.words for one in changes), each) for (changes, _), each in tried]
    told = Told(outcome, compared, score(outcome, plan.known), sweep if len(sweep) > 1 else ())
    if not replay.complete:
        return told, STOPPED
    every: list[Replayed] = [*found, *([compared.old] if compared is not None else [])]
    return told, INCOMPLETE if any(one.unread for one in every) else 0


@contextlib.contextmanager
def _unswept() -> Iterator[None]:
    """Let no collector of cycles look through millions of numbers that are no cycles: half of what reading costs."""
    swept = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if swept:
            gc.enable()


def _cache(asked: Asked, settings: Settings) -> NoCache:
    if asked.no_cache:
        return NoCache()
    try:
        base = (
            asked.cache
            or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "rollback-monitor" / "replay"
        )
    except RuntimeError:  # nobody's home
        return NoCache()
    origin = origin_of(base, *_asked_with(settings))
    if origin is None and asked.cache is not None:
        sys.stderr.write(f"{asked.cache} cannot hold readings (--cache): nothing is kept for the next run\n")
    return NoCache() if origin is None else DiskCache(base, origin)


def _asked_with(settings: Settings) -> Iterator[str]:
    """Give everything that decides whose readings a server gives."""
    given = settings.prometheus
    secrets = (given.bearer_token, given.password)
    yield from (given.url[0], given.username or "", str(given.cert_file or ""))
    yield from (one.get_secret_value() if one is not None else "" for one in secrets)
    yield repr(sorted(given.headers.items()))


# --- what is told -----------------------------------------------------------------------------------------------------


def _text(asked: Asked, plan: _Plan, told: Told) -> str:
    if asked.output == "json":
        return document(told)
    if asked.output == "text":
        against = [plan.against] if plan.against is not None else []
        return View(told, [*against, *(rules for _, rules in plan.tried)]).text()
    from monitor.workbench import report  # noqa: PLC0415  # loaded only where it is used

    if asked.output == "markdown":
        return report.markdown(told.outcome, told.compared, told.scored, told.variants)
    title = f"Replay of {asked.rules or plan.settings.rules}"
    return report.html(told.outcome, title=title, compared=told.compared, scored=told.scored, variants=told.variants)


def _write(asked: Asked, text: str) -> None:
    if asked.out is None:
        sys.stdout.write(text)
        return
    try:
        asked.out.write_text(text)
    except OSError as problem:
        raise _UnusableError(f"{asked.out} cannot be written: {problem.strerror or problem}") from None
    sys.stderr.write(f"Wrote {asked.out}\n")
