"""Drills by words: what somebody types behind the slash command, and what they are answered."""

import re
from dataclasses import dataclass

from monitor.core.actor import Actor
from monitor.core.drill.log import Drill
from monitor.core.drill.refusals import OF_A_DRILL, SIGN_OFF
from monitor.core.drill.report import so_far
from monitor.core.drill.signing import incomplete, signers
from monitor.core.naming import NOT_REAL
from monitor.drills.conductor import Asked, Conductor, NoDrill, Outcome
from monitor.drills.duty import Duty, NotNoted
from monitor.drills.pressed import ONLY_RESPONDERS

ANYBODY = frozenset({"status", "report", "abort", "due"})
"""What asks for no right: a drill that frightens somebody must be stopped by whoever it frightens."""

_MENTION = re.compile(r"<(?:@|!subteam\^)(?P<id>[A-Z0-9]+)(?:\|[^>]*)?>", re.ASCII)
"""How Slack hands on a person or a user group that was named in words."""

UNKNOWN = (
    "Not understood; nothing was done. There are: status, due, migrated NAME, start SCENARIO [with @ana @ben], "
    "inject, abort REASON, finish, report [DRILL-0001], sign-off DRILL-0001."
)


@dataclass(frozen=True, slots=True)
class Spoken:
    """Answers words about drills."""

    conductor: Conductor
    duty: Duty

    def __call__(self, words: tuple[str, ...], by: Actor) -> str:
        """Do what the words say, in the name of `by`, and give the answer. Raises StoreError."""
        verb, rest = (words[0].lower(), words[1:]) if words else ("status", ())
        if verb not in ANYBODY and not by.roles:
            return self._refused(verb, rest, by, ONLY_RESPONDERS)
        match verb:
            case "status" | "report" | "due":
                return self._read(verb, rest)
            case "start" if rest:
                people = _named(rest[1:])
                if people is None:
                    return (
                        f"Not understood; nothing was done. Say who takes part so: start {rest[0][:40]} with @ana @ben."
                    )
                outcome: Outcome | None = self.conductor.start(Asked(rest[0], by, people))
            case "migrated" if rest:
                return self._migrated(" ".join(rest), by)
            case _:
                outcome = self._moved(verb, rest, by)
        if isinstance(outcome, NoDrill):
            return self._refused(verb, rest, by, outcome.sentence)
        return _line(outcome) if outcome is not None else UNKNOWN

    def _moved(self, verb: str, rest: tuple[str, ...], by: Actor) -> Outcome | None:
        """Do something with a drill that was begun; None where that is not understood."""
        match verb:
            case "inject":
                return self.conductor.inject(by, " ".join(rest))
            case "abort":
                return self.conductor.abort(by, " ".join(rest))
            case "finish":
                return self.conductor.finish(by)
            case "sign-off" if rest:
                return self.conductor.sign_off(rest[0].upper(), by, " ".join(rest[1:]))
            case _:
                return None

    def _refused(self, verb: str, rest: tuple[str, ...], by: Actor, why: str) -> str:
        """Give why something was refused; of a drill that is evidence."""
        if verb in OF_A_DRILL:
            self.conductor.refused(rest[0].upper() if verb == SIGN_OFF and rest else "", by, verb, why)
        return why

    def _read(self, verb: str, rest: tuple[str, ...]) -> str:
        """Answer what changes nothing."""
        match verb:
            case "status":
                return self._status()
            case "report" if len(rest) <= 1:
                return self._report(*rest)
            case "due" if not rest:
                return f"{self.duty.told()} {self.duty.mend()}"
            case _:
                return UNKNOWN

    def _status(self) -> str:
        drills = self.conductor.records.drills()
        running = next((one for one in drills if one.running), None)
        lines = [_line(running)] if running is not None else ["No drill runs."]
        lines += [f"Last: {_line(one)}" for one in drills[:1] if one is not running]
        lines.append(self.duty.told())
        known = ", ".join(one.name for one in self.conductor.scenarios())
        return "\n".join([*lines, f"There are: {known or 'none'}"])

    def _report(self, name: str = "") -> str:
        """Say what a drill came to, by default the last one, and who signed it; the whole of it is in its thread."""
        drills = self.conductor.records.drills()
        found = name.upper() or (drills[0].id if drills else "")
        result = self.conductor.records.result(found)
        if result is None:
            return f"There is no drill {found[:40]}." if found else "No drill was ever held."
        drill, where = result.drill, f"The report: rollback-monitor drill report {found}"
        owed = f". {incomplete(found, drill.unsigned)}" if drill.finished is not None and drill.unsigned else ""
        return f"{_line(drill)}. {so_far(result)}. Signed by {signers(drill)}{owed}. {where}"

    def _migrated(self, name: str, by: Actor) -> str:
        noted = self.duty.after_migration(name, by)
        return noted.sentence if isinstance(noted, NotNoted) else f"Noted. {self.duty.told()}"


def _line(drill: Drill) -> str:
    stage = str(drill.stage).replace("_", " ")
    return f"{NOT_REAL}{drill.id}, {drill.started.title} ({drill.started.drill_kind}): {stage}"


def _named(words: tuple[str, ...]) -> tuple[str, ...] | None:
    """Give who takes part instead of the configured people, where any are named; None where that is not understood."""
    if words and (words[0].lower() != "with" or not words[1:]):
        return None
    return tuple(map(_meant, words[1:]))


def _meant(word: str) -> str:
    """Give the id of who was named; what is none goes on as it is, to be refused in words."""
    found = _MENTION.fullmatch(word.rstrip(","))
    return found["id"] if found else word.rstrip(",")
