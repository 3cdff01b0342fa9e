"""One check of a procedure asked once: PromQL, an HTTP status, or a fixed command. Never raises.

It owns how each kind is asked and for how long. It must not know which incident asks, nor what becomes of the answer;
nothing but the procedure file says what is asked or run.
"""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from monitor.core.procedures.procedure import Check
from monitor.core.procedures.verification import DETAIL, Finding, Outcome, answered, compared, read_before
from monitor.core.redaction import redacted, shown_url, tail
from monitor.core.words import plain
from monitor.ports.metrics import MetricsSource, Samples
from monitor.ports.world import CommandRunner, Exited, Killed, NotStarted, Prober, Status

SHOWN_ONLY = "shown only, since MONITOR_ALLOW_COMMAND_CHECKS is off: run it and enter its result"


@dataclass(frozen=True, slots=True)
class Asking:
    """What checks are asked through. `commands` None: they are not allowed here. `secrets` are struck from texts."""

    source: MetricsSource
    prober: Prober
    commands: CommandRunner | None = None
    secrets: Sequence[str] = ()

    def ask(self, check: Check, at: int, before: int | None = None) -> Finding:
        """Ask `check` at time `at`; a promql check, where `before` is given, at that time too."""
        match check.kind:
            case "promql":
                return self._promql(check, at, before)
            case "http":
                return self._http(check)
            case "command":
                return self._command(check)
            case kind:
                return Finding(Outcome.UNKNOWN, f"a check of kind `{kind}` cannot be asked")

    def close(self) -> None:
        """Kill whatever commands still run."""
        if self.commands is not None:
            self.commands.close()

    def _promql(self, check: Check, at: int, before: int | None) -> Finding:
        answer = self.source.instant(check.target, at, deadline=check.deadline)
        if not isinstance(answer, Samples):
            return Finding(Outcome.UNKNOWN, f"cannot see: {redacted(answer.why, self.secrets)}")
        found = compared(check, answer.samples)
        return Finding(found.outcome, found.said, found.value, before=self._before(check, before))

    def _before(self, check: Check, before: int | None) -> str:
        if before is None:
            return ""
        answer = self.source.instant(check.target, before, deadline=check.deadline)
        return read_before(check, answer.samples) if isinstance(answer, Samples) else ""

    def _http(self, check: Check) -> Finding:
        """No answer is a failure of what should answer, not of the asking."""
        answer = self.prober.status(check.target, deadline=check.deadline)
        if isinstance(answer, Status):
            return answered(check, answer.code)
        return Finding(Outcome.FAILED, f"{shown_url(check.target)}: {answer.why}; {check.status} is asked for")

    def _command(self, check: Check) -> Finding:
        shown = redacted(shlex.join(check.argv), self.secrets)
        if self.commands is None:
            return Finding(Outcome.NOT_RUN, SHOWN_ONLY, detail=shown)
        ended = self.commands.run(check.argv, deadline=check.deadline)
        if isinstance(ended, NotStarted):
            return Finding(Outcome.UNKNOWN, plain(redacted(ended.why, self.secrets)), detail=shown)
        detail = tail(redacted(ended.output, self.secrets), DETAIL)
        if isinstance(ended, Killed):
            said = f"did not end within {check.deadline} s: it and all that it started were killed"
            return Finding(Outcome.FAILED, said, detail=detail)
        outcome = Outcome.PASSED if ended.code == 0 else Outcome.FAILED
        return Finding(outcome, _ended(ended), float(ended.code), detail)


def _ended(ended: Exited) -> str:
    return f"exit {ended.code}" if ended.code >= 0 else f"ended by signal {-ended.code}"
