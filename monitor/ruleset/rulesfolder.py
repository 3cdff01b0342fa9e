"""The rules folder while the daemon runs: looked at, and put in force whole, or refused while the old rules stay.

Tells of it in the log and in a note to the default channel. Knows nothing of signals, ticks or HTTP.
"""

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import structlog

from monitor.core.pages.posts import Notice
from monitor.core.rules.ruleset import RuleSet
from monitor.core.words import shortened
from monitor.desk.desk import Desk
from monitor.files import Contents, read_contents
from monitor.ports.store import ConflictError, StoreError
from monitor.ports.world import Clock
from monitor.ruleset.reload import Reloader, Report

log = structlog.get_logger()

RULES_NOTICES = (Notice.RULES_REFUSED, Notice.RULES_GOOD_AGAIN)
"""The notes that tell how the rules on disk stand."""

TOLD = 3
"""Problems that a note names; the log and the API have them all."""

LONGEST = 300
"""Characters of each."""


class RulesError(Exception):
    """Rules that cannot be used; `sentences` say why, with the place in the file."""

    def __init__(self, sentences: Iterable[str]) -> None:
        self.sentences = tuple(sentences)
        super().__init__("; ".join(self.sentences))


@dataclass(frozen=True, slots=True)
class Start:
    """What the daemon begins with.

    `rules` as loaded from `contents`; `before`, what was in force last (None: nothing is known of it); the digest of
    what stands `on_disk`, and the `problems` for which the last good set is used instead.
    """

    rules: RuleSet
    contents: Contents
    before: RuleSet | None
    on_disk: str
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a look at the folder ended: with a report, or with the problems for which the set was refused."""

    report: Report | None = None
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Standing:
    """How it stands with the rules.

    Which are in force since when, with the report of that; the problems of those on disk, where they were refused;
    and whether the daemon has run on the last good set since its start.
    """

    digest: str
    since: datetime
    report: Report | None = None
    problems: tuple[str, ...] = ()
    on_last_good: bool = False


class Rest:
    """Tells when contents have changed and come to rest: two looks in a row found the same, and it is news."""

    def __init__(self, known: str) -> None:
        self._known = self._seen = known

    def is_news(self, digest: str) -> bool:
        """Take one look; whether this content is at rest and nobody has judged it yet."""
        at_rest, self._seen = digest == self._seen, digest
        return at_rest and digest != self._known

    def judged(self, digest: str) -> None:
        """Remember what was judged, whatever came of it."""
        self._known = digest


class RulesFolder:
    """Takes new rules from a folder. Thread-safe: one look at a time."""

    def __init__(
        self, start: Start, load: Callable[[Contents], RuleSet], reloader: Reloader, desk: Desk, clock: Clock
    ) -> None:
        self._start = start
        self._folder: Path = start.contents.folder
        self._load = load
        self._reloader = reloader
        self._desk = desk
        self._clock = clock
        self._in_force: Callable[[RuleSet], None] = lambda _rules: None
        self._kept = start.before.digest if start.before is not None else ""
        self._rest = Rest(start.on_disk)
        self._lock = threading.Lock()
        self.standing = Standing(start.rules.digest, clock.now())

    def begin(self, in_force: Callable[[RuleSet], None]) -> None:
        """Adopt what the daemon starts with; `in_force` is called with each set that comes into force after that.

        Raises ValueError, StoreError and ConflictError.
        """
        with self._lock:
            self._in_force = in_force
            report = self._adopt(self._start.rules, self._start.contents, self._start.before)
            if report.comparison.sentences or report.dropped:  # changed while nobody ran
                _tell(report)
            if self._start.problems:
                self.standing = replace(self.standing, problems=self._start.problems, on_last_good=True)
                _tell_refused(self._start.on_disk, self._start.problems, on_last_good=True)
                self._note_refused(self._start.on_disk)
            else:
                self._note_good()

    def reload(self) -> Outcome:
        """Take what stands on disk now."""
        with self._lock:
            return self._take(read_contents(self._folder))

    def poll(self) -> Outcome | None:
        """Look whether something else stands on disk; None where nothing does, or where it may still be written."""
        with self._lock:
            contents = read_contents(self._folder)
            return self._take(contents) if self._rest.is_news(contents.digest) else None

    def _take(self, contents: Contents) -> Outcome:
        try:
            rules = self._load(contents)
        except RulesError as error:
            self._rest.judged(contents.digest)
            return self._refused(contents, error.sentences)
        try:
            report = self._adopt(rules, contents)
        except (ValueError, StoreError, ConflictError) as error:  # not judged: it is looked at again
            return self._refused(contents, (str(error),))
        self._rest.judged(contents.digest)
        _tell(report)
        self._note_good()
        self._in_force(rules)
        return Outcome(report)

    def _adopt(self, rules: RuleSet, contents: Contents, before: RuleSet | None = None) -> Report:
        files = contents.files if contents.digest != self._kept else None
        report = self._reloader.adopt(rules, before, files)
        self._kept = contents.digest
        self.standing = Standing(rules.digest, self._clock.now(), report)
        return report

    def _refused(self, contents: Contents, problems: tuple[str, ...]) -> Outcome:
        news = problems != self.standing.problems
        self.standing = replace(self.standing, problems=problems)
        if news:
            _tell_refused(contents.digest, problems, on_last_good=self.standing.on_last_good)
        self._note_refused(contents.digest)
        return Outcome(problems=problems)

    # --- notes ----------------------------------------------------------------------------------------------------

    def _note_refused(self, digest: str) -> None:
        named = [shortened(_printable(one), LONGEST) for one in self.standing.problems[:TOLD]]
        more = len(self.standing.problems) - len(named)
        rest = [f"and {more} more"] if more > 0 else []
        why = "\n".join(f"• {one}" for one in (*named, *rest))
        now = "The monitor has started with the last good rules" if self.standing.on_last_good else "The old ones stay"
        self._note(Notice.RULES_REFUSED, f"RULES REFUSED (set {digest[:8]}). {now}, and nothing is unwatched.\n{why}")

    def _note_good(self) -> None:
        """Told only to those who were told of the trouble, whatever happened to the process in between."""
        try:
            if self._desk.last_notice(*RULES_NOTICES) != Notice.RULES_REFUSED:
                return
        except StoreError as error:
            log.error("note.failed", why=str(error))  # noqa: TRY400  # the sentence says it all
            return
        self._note(Notice.RULES_GOOD_AGAIN, f"Rules good again: set {self.standing.digest[:8]} is in force.")

    def _note(self, notice: Notice, said: str) -> None:
        try:
            self._desk.note(notice, said)
        except (StoreError, ConflictError) as error:
            log.error("note.failed", why=str(error))  # noqa: TRY400  # the same


def _tell_refused(digest: str, problems: tuple[str, ...], *, on_last_good: bool) -> None:
    log.error("rules.refused", why="; ".join(problems), rules=digest[:12], on_last_good=on_last_good)


def _tell(report: Report) -> None:
    """One line a rule that changed, and one for the whole."""
    for change in report.comparison.told:
        alerts = [str(one.alert.key) for one in report.alerts if one.alert.key.alert in {change.alert, change.before}]
        log.info("rule.changed", rule=change.alert, state=str(change.fate), why=change.sentence, alerts=alerts)
    for sentence in report.comparison.rest:
        log.info("rules.changed", why=sentence)
    counts = {str(fate).replace("-", ""): count for fate, count in report.comparison.counts().items()}
    log.info("rules.reloaded", rules=report.digest[:12], alerts_ended=[str(key) for key in report.dropped], **counts)


def _printable(text: str) -> str:
    return "".join(one if one.isprintable() else " " for one in text)
