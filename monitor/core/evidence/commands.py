"""The commands that the procedure showed, with the pinned versions filled in, as they were to be copied. Pure."""

from collections.abc import Iterator

from monitor.core.evidence import markdown
from monitor.core.evidence.case import Case
from monitor.core.naming import marked
from monitor.core.procedures.filling import blocks
from monitor.core.procedures.procedure import Step
from monitor.core.procedures.progress import Progress
from monitor.core.releases.release import Target

INTRODUCTION = "The procedure showed these commands to be copied; the monitor ran none of them."


def commands(case: Case) -> bytes:
    """Give the file, a heading a step and a block a service."""
    progress = case.incident.progress
    parts = [markdown.heading(1, marked(case.id, f"{case.id}: commands")), f"{INTRODUCTION}\n"]
    steps = [step for step in progress.plan.steps if step.commands] if progress else []
    if progress is None or not steps:
        parts.append("No procedure with commands was started.\n")
        return "\n".join(parts).encode()
    parts += [part for step in steps for part in _step(case, progress, step)]
    return "\n".join(parts).encode()


def _step(case: Case, progress: Progress, step: Step) -> Iterator[str]:
    yield markdown.heading(2, f"Step {progress.plan.steps.index(step) + 1}: {step.title}")
    named = {one for wave in step.waves for one in wave.services}
    services = [one for one in progress.services if not named or one.service in named]
    targets = [
        Target(one.service, one.pinned.current, case.incident.opened_at, one.pinned.target, image=one.pinned.image)
        for one in services
    ]
    found = blocks(step.commands, [one.service for one in services], targets)
    if not found:
        yield "As they stand in the procedure: no service has a target.\n"
        yield markdown.code("\n".join(one.run for one in step.commands))
    for block in found:
        yield markdown.heading(3, block.service)
        yield markdown.code(block.text)
        if block.problem:
            yield f"{markdown.text(block.problem)}\n"
