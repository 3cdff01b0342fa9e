"""The buttons of a page, and of what is told in its thread. Their values carry no authority. Pure."""

from monitor.core.escalation import held_until
from monitor.core.events import Firing
from monitor.core.incident import Incident
from monitor.core.model import AlertKey, Tier
from monitor.core.page import Action, ActionKind
from monitor.core.rule import Resolve

STILL = "Still on it, +15 min"


def under_question(incident: Incident) -> tuple[Action, ...]:
    """Give the button under the question whether somebody is still on it."""
    return (Action(ActionKind.STILL_ON_IT, STILL, f"{incident.id}|{incident.rev}"),)


def under_escalation(incident: Incident) -> tuple[Action, ...]:
    """Give the button under an escalation."""
    return (Action(ActionKind.ACKNOWLEDGE, "Acknowledge", f"{incident.id}|{incident.rev}"),)


def actions_of(incident: Incident) -> tuple[Action, ...]:
    """Buttons. Their values name the incident and the revision and carry no authority."""
    if not incident.is_open:
        return ()
    value = f"{incident.id}|{incident.rev}"
    actions = []
    if incident.acknowledged_by is None or (held_until(incident) is not None and incident.commander is None):
        actions.append(Action(ActionKind.ACKNOWLEDGE, "Acknowledge", value))
    if incident.asked_at is not None and incident.commander is None:
        actions.append(Action(ActionKind.STILL_ON_IT, STILL, value))
    if incident.commander is None and not incident.blind and incident.recovered_at is None:
        actions.append(Action(ActionKind.START, "Start rollback…", value, _start_confirm(incident), danger=True))
    for number, firing in enumerate(incident.alerts):
        if firing.active and firing.resolve is Resolve.BY_PERSON and firing.key.tier is not Tier.BLIND:
            label = f"Dealt with: {instance(firing.key)}"
            confirm = _dealt_confirm(firing)
            actions.append(Action(ActionKind.DEALT_WITH, label, f"{value}|{number}", confirm))
    return tuple(actions)


def instance(key: AlertKey) -> str:
    """Give the name of an alert with what tells its instance from others: DataIntegrityAtRisk (ledger_balance)."""
    where = ", ".join(value for _, value in key.labels if value)
    return f"{key.alert} ({where})" if where else key.alert


def _start_confirm(incident: Incident) -> tuple[str, str, str, str]:
    text = (
        f"Nothing is rolled back by this. You become incident commander of {incident.environment}, "
        "and the checklist opens in the thread; freezing deploys is its first step."
    )
    return "Start the rollback?", text, "Take command", "Not yet"


def _dealt_confirm(firing: Firing) -> tuple[str, str, str, str]:
    text = f"This ends the alert “{firing.summary}”. A breach after that pages anew."
    return "Is it dealt with?", text, "It is dealt with", "Not yet"
