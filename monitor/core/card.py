"""The procedure card of an incident as it reads now. Pure."""

from monitor.core.page import Card, CardStep, Scene
from monitor.core.procedure import Step
from monitor.core.render import commander_lines


def card(scene: Scene) -> Card | None:
    """Give the procedure card of an incident, or None where no procedure runs (or its file is gone)."""
    incident, procedure = scene.incident, scene.procedure
    if incident.commander is None or procedure is None:
        return None
    return Card(
        incident=incident.id,
        title=f"{procedure.title} · {incident.environment}",
        next_for=f"{incident.commander.name}: {procedure.steps[0].title}",
        status=tuple(commander_lines(scene)),
        steps=tuple(_card_step(number, step) for number, step in enumerate(procedure.steps, start=1)),
    )


def _card_step(number: int, step: Step) -> CardStep:
    return CardStep(
        number=number,
        title=step.title,
        current=number == 1,
        text=step.text,
        tasks=tuple(task.text for task in step.tasks),
        collect=tuple(field.title for field in step.collect),
        commands=tuple(command.run for command in step.commands),
        choices=tuple(f"{one.title}{' (needs an approver)' if one.needs_approver else ''}" for one in step.choose),
        checks=tuple(check.title for check in step.checks),
        waves=tuple(f"{wave.title}: {', '.join(wave.services)}" for wave in step.waves),
    )
