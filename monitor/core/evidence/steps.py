"""How the procedure went, step by step: what was skipped, did not apply, or was done before its turn. Pure."""

from dataclasses import dataclass

from monitor.core.evidence.telling import who
from monitor.core.procedures.progress import Progress, StepState


@dataclass(frozen=True, slots=True)
class Went:
    """One step: where it stands, who settled it when, and what is worth knowing about it."""

    number: int
    title: str
    state: StepState
    before: tuple[int, ...] = ()

    @property
    def by(self) -> str:
        """Who settled it."""
        if self.state.observed:
            return "seen by the monitor"
        return who(self.state.by) if self.state.by else ""

    @property
    def remark(self) -> str:
        """Why it was left out, what was written down, and whether it was out of order."""
        order = f"before step {', '.join(map(str, self.before))}" if self.before else ""
        collected = "; ".join(f"{name}: {value}" for name, value in self.state.collected)
        return "; ".join(one for one in (self.state.reason, collected, order) if one)


def went(progress: Progress) -> tuple[Went, ...]:
    """Give how each step went; one that was settled while an earlier one was still open is out of order."""
    steps = []
    for index, (step, state) in enumerate(zip(progress.plan.steps, progress.steps, strict=True)):
        earlier = progress.steps[:index]
        before = tuple(n for n, one in enumerate(earlier, start=1) if _overtaken(one, state))
        steps.append(Went(index + 1, step.title, state, before))
    return tuple(steps)


def _overtaken(earlier: StepState, state: StepState) -> bool:
    if state.at is None or state.open:
        return False
    return earlier.at is None or earlier.at > state.at
