"""`drill rehearse`: two minutes that prove token, channel, buttons, responders and fallback, told while they go by."""

import signal
import sys
import textwrap
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from monitor.bootstrap.pagers import drill_findings, other_pagers
from monitor.bootstrap.rulesource import load_rules
from monitor.cli.doctor import fallback
from monitor.cli.drills import seconds_of
from monitor.cli.incidents import Files, RefusedError, login_name
from monitor.cli.rehearsing import EVERY, Api, monitor, seen_of
from monitor.cli.slack import tried
from monitor.core.drill.rehearsal import LONGEST, NAME
from monitor.core.drill.rehearsed import COLUMNS, Proof, Seen, page, proofs
from monitor.core.drill.scenario import Kind
from monitor.core.rules.ruleset import RuleSet
from monitor.core.words import lasted_seconds, plain
from monitor.ports.pager import Sent
from monitor.ports.store import StoreError
from monitor.ruleset.rulesfolder import RulesError
from monitor.settings.loading import SettingsError, load
from monitor.settings.settings import Settings

__all__ = ["Files", "Wanted", "run"]

INTERRUPTED = 130
"""What a shell gives for Ctrl-C."""

BEGINS_WITHIN = 15.0
"""Seconds in which a monitor that was just started must be able to begin a drill."""

PAGE_WITHIN = 90.0
"""Seconds in which the page must come; what people have is counted from it."""

MOST = LONGEST - int(PAGE_WITHIN)
"""Seconds that people may have: the page comes before them, and the drill is given up after LONGEST."""

RUNNING = {"started", "injected"}
MARKS = {True: "ok  ", False: "BAD ", None: "note"}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked for: how long people have from the page on (2m), who takes part, in whose name.

    `out` is where what it proved is kept;
    `page_others` sends a test page to the other pagers, which only answer otherwise.
    """

    lasts: str
    participants: tuple[str, ...] = ()
    by: str = ""
    out: Path | None = None
    page_others: bool = False


def run(files: Files, wanted: Wanted) -> int:
    """Rehearse; give 0 where everything was proven, 1 where something was not, 130 after Ctrl-C."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)  # the drill is given up then, as with Ctrl-C
    try:
        settings, _ = load(env_file=files.env_file, secrets_dir=files.secrets_dir)
        return _Rehearsal(settings, load_rules(settings), files, wanted).hold()
    except (SettingsError, RulesError) as error:
        return _refused(error.sentences)
    except (RefusedError, StoreError) as error:
        return _refused([str(error)])
    except KeyboardInterrupt:
        sys.stderr.write("rollback-monitor: stopped; nothing is left of it but its record.\n")
        return INTERRUPTED
    finally:
        signal.signal(signal.SIGTERM, before)


def _refused(sentences: Iterator[str] | list[str] | tuple[str, ...]) -> int:
    for sentence in sentences:
        sys.stderr.write(f"rollback-monitor: {sentence}\n")
    return 1


class _Rehearsal:
    def __init__(self, settings: Settings, rules: RuleSet, files: Files, wanted: Wanted) -> None:
        self._settings, self._rules, self._files, self._wanted = settings, rules, files, wanted
        self._slack = settings.slack.bot_token is not None
        self._by = wanted.by or login_name()
        self._seconds = seconds_of("--for", wanted.lasts)
        if self._seconds > MOST:
            raise RefusedError(f"--for: a rehearsal is given up after {lasted_seconds(LONGEST)}; write up to {MOST}s.")
        if wanted.out is not None:
            _writable(wanted.out)

    def hold(self) -> int:
        """Look at what must be there, hold the drill, and print what it proved."""
        found = self._beforehand()
        if found is None:
            return 1
        with monitor(self._settings, self._files) as (pid, own):
            how = "none ran, so one was started for this" if own else "it runs"
            found.append(_told(Proof(ok=True, what=f"monitor: {how} (pid {pid})")))
            api = Api(self._settings, self._by)
            drill = self._begun(api)
            try:
                self._follow(api, drill["id"])
                _say("")
                found += [_told(one) for one in self._fallback()]
                drill = _ended(api, drill["id"])
            finally:
                self._given_up(api, drill["id"])
                if own:
                    api.tells(drill["id"])
            seen = seen_of(drill, api.deeds(drill["id"]), slack=self._slack)
        return self._written(seen, [*proofs(seen), *found], drill)

    # --- before -------------------------------------------------------------------------------------------------------

    def _beforehand(self) -> list[Proof] | None:
        """Give what is in place, or None where no page could come; each is told."""
        where = self._channel()
        _say(f"A rehearsal in {where}: one page that says that it is a drill.")
        _say("Only who takes part is called; nothing is rolled back, no deploy is stopped.\n")
        if not self._slack:
            _say("There is no Slack (MONITOR_SLACK__BOT_TOKEN is not set): the page is printed")
            _say("where the monitor runs, and answered from another terminal.\n")
            return []
        people = self._people()
        if not (where and people):
            self._nobody(where)
            return None
        findings = drill_findings(self._settings, where, people)
        found = [_told(Proof(one.ok, one.what, one.mend)) for one in findings]
        if any(one.vital and not one.ok for one in findings):
            _say("\nStopped: a page could reach nobody, or not be answered. Mend that first.")
            return None
        return found

    def _channel(self) -> str:
        settings = self._settings.slack
        return (self._rules.routing.drills.route.channel or settings.drill_channel) if self._slack else "this terminal"

    def _people(self) -> tuple[str, ...]:
        route = self._rules.routing.drills.route
        return self._wanted.participants or (*route.responders, *route.commanders)

    def _nobody(self, where: str) -> None:
        if not where:
            mend = "name one: `drills: {channel: C…}` in rules/routing.yaml, or MONITOR_SLACK__DRILL_CHANNEL"
            _told(Proof(ok=False, what="Slack channel of drills: there is none", mend=mend))
        if not self._people():
            mend = (
                "say who takes part: --participant U… (your member id, in Slack's profile behind ⋯), or `drills: "
                "{responders: […]}` in rules/routing.yaml. The real responders are never called by a drill"
            )
            _told(Proof(ok=False, what="people: nobody takes part", mend=mend))

    # --- the drill ----------------------------------------------------------------------------------------------------

    def _begun(self, api: Api) -> dict[str, Any]:
        self._playable(api)
        end = time.monotonic() + BEGINS_WITHIN
        while True:
            try:
                drill = api.start(NAME, self._wanted.participants)
                break
            except RefusedError as error:
                if "No monitor runs" not in str(error) or time.monotonic() > end:
                    raise
            time.sleep(EVERY)
        _say(f"\n{drill['id']} has begun: {drill['title']}. A fault is played, not made.")
        return drill

    def _playable(self, api: Api) -> None:
        scenario = api.playable().get(NAME)
        if scenario is None:
            raise RefusedError("no rule can be played: there is none in the rules folder (rollback-monitor init).")
        if scenario["kind"] != Kind.PAGER:
            kind = f"rules/drills/{NAME}.yaml is a {scenario['kind']} drill"
            raise RefusedError(f"{kind}: a rehearsal is one of the kind pager. Name that file otherwise.")

    def _follow(self, api: Api, name: str) -> None:
        """Tell what happens, until somebody has taken command, the time is over, or the drill is."""
        told, end, paged = set[str](), time.monotonic() + PAGE_WITHIN, False
        while True:
            events, drill = api.deeds(name), api.drill(name)
            seen = seen_of(drill, events, slack=self._slack)
            for what, words in self._news(seen):
                if what not in told:
                    told.add(what)
                    _wipe()
                    _say(words)
            if not paged and told & {"acknowledge", "acknowledged"}:
                paged, end = True, time.monotonic() + self._seconds
            if seen.commanded is not None or drill["stage"] not in RUNNING or time.monotonic() > end:
                _wipe()
                return
            if self._slack:  # else the page may be printed here
                _waiting(f"{max(0, end - time.monotonic()):.0f} s left" if paged else "waiting for the page")
            time.sleep(EVERY)

    def _news(self, seen: Seen) -> Iterator[tuple[str, str]]:
        """Give what has happened, each with what is to be done next."""
        fired, taken = seen.moments["T2"], seen.moments["T3"]
        if fired is not None:
            yield "fired", _at(seen, fired, "the rule fired")
        if taken is not None and self._slack:
            yield "taken", _at(seen, taken, "Slack took the page")
        if fired is not None and (taken is not None or not self._slack) and seen.acknowledged is None:
            yield "acknowledge", self._asked(seen, "Acknowledge", "ack")
        if seen.acknowledged is not None:
            where = "in Slack" if seen.acknowledged.in_slack else "from a shell"
            yield "acknowledged", _at(seen, seen.acknowledged.at, f"{seen.acknowledged.by} acknowledged, {where}")
        if seen.acknowledged is not None and seen.commanded is None:
            yield "start", self._asked(seen, "Start rollback…", "start")
        if seen.commanded is not None:
            yield "commanded", _at(seen, seen.commanded.at, f"{seen.commanded.by} took command")

    def _asked(self, seen: Seen, button: str, word: str) -> str:
        if self._slack:
            return f"         -> now press {button} on the page in {seen.channel}"
        return f"         -> now, in another terminal: rollback-monitor incident {word} {seen.name}"

    def _given_up(self, api: Api, name: str) -> None:
        """Leave no drill running, whatever happened."""
        with suppress(RefusedError, StoreError):
            if api.drill(name)["stage"] in RUNNING:
                _wipe()
                api.act(name, "abort", "the rehearsal was stopped")

    # --- after --------------------------------------------------------------------------------------------------------

    def _fallback(self) -> Iterator[Proof]:
        """Give who is called where Slack takes no page, and whether they would be."""
        yield from (Proof(one.ok, one.what, one.mend) for one in fallback(self._settings, self._rules))
        others = other_pagers(self._settings)
        if not self._wanted.page_others:
            if others:
                yield Proof(None, "the other pagers only answered", "--page-others sends them a page marked as a test")
            return
        for name, other in others.items():
            taken = tried(name, other, self._rules.routing.environment)
            what = f"pager {name}: {'took a test page, and that it is over' if isinstance(taken, Sent) else 'refused'}"
            yield Proof(isinstance(taken, Sent), what, "" if isinstance(taken, Sent) else taken.why)

    def _written(self, seen: Seen, found: list[Proof], drill: dict[str, Any]) -> int:
        """Print the page, keep it where that is asked for, and give the exit code."""
        came_to = drill["result"]
        if came_to == "incomplete":
            came_to = f"incomplete ({'; '.join(drill['gaps'])})"
        text = page(seen, found, came_to, self._by)
        sys.stdout.write(f"\n{text}")
        if self._wanted.out is not None:
            self._wanted.out.write_text(text)
            _say(f"\nKept in {self._wanted.out}.")
        return int(any(one.ok is False for one in found) or drill["result"] != "passed")


def _writable(out: Path) -> None:
    """See that what will be proven can be kept. Raises RefusedError."""
    try:
        out.touch()
    except OSError as error:
        raise RefusedError(f"{out} cannot be written: {error.strerror or error}") from error


def _ended(api: Api, name: str) -> dict[str, Any]:
    """Finish the drill, unless it was ended by somebody else, and give it as it is then."""
    with suppress(RefusedError):
        api.act(name, "finish")
    return api.drill(name)


# --- the terminal ---------------------------------------------------------------------------------------------------


def _told(proof: Proof) -> Proof:
    words = plain(f"{proof.what}: {proof.mend}" if proof.mend else proof.what)
    _say(textwrap.fill(words, COLUMNS, initial_indent=f"{MARKS[proof.ok]}  ", subsequent_indent=" " * 6))
    return proof


def _at(seen: Seen, at: Any, words: str) -> str:  # noqa: ANN401  # a time
    span = seen.after(at)
    seconds = f"{span.total_seconds():6.1f} s" if span is not None else " " * 8
    return plain(f"{seconds}  {words}")


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _waiting(words: str) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\x1b[K         {words}; Ctrl-C gives the drill up")
        sys.stderr.flush()


def _wipe() -> None:
    if sys.stderr.isatty():
        sys.stderr.write("\r\x1b[K")
        sys.stderr.flush()
