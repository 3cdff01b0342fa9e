"""What each event of an incident was, in a sentence for the timeline of its report. Pure."""

from monitor.core.actor import Actor, same_person
from monitor.core.incidents import events as of
from monitor.core.incidents import procedureevents as on
from monitor.core.incidents.events import Event
from monitor.core.procedures.verification import CheckResult
from monitor.core.releases.breakdownwords import in_short
from monitor.core.words import clock


def who(actor: Actor) -> str:
    """Give a name, and whether nobody vouched for it."""
    return actor.name if actor.verified else f"{actor.name} (unverified)"


def told(event: Event) -> str:
    """Give what `event` was. Names and notes stand in it as they were written."""
    found = _alerts(event) or _people(event) or _procedure(event) or _found(event) or _proof(event)
    return found or event.kind.replace("_", " ")


def _alerts(event: Event) -> str:
    match event:
        case of.Opened(environment=environment, blind=blind):
            return f"Incident opened for {environment}{', because something is unseen' if blind else ''}"
        case of.AlertFired(firing=one):
            return f"Fired: {one.summary} ({one.key}), {one.begun} {clock(one.since)}"
        case of.AlertResolved(key=key, cause=cause):
            return f"No longer fires: {key} ({cause.replace('_', ' ')})"
        case of.AlertRenamed(key=key, to=to):
            return f"{key} is called {to} from here on"
        case of.Snapshot(key=key, value=value, limit=limit, why=why):
            return f"Snapshot of {key}: value {value}, limit {limit}{f'; {why}' if why else ''}"
        case of.Ended():
            return _ended(event)
        case of.HiddenTold(said=said):
            return said
        case _:
            return ""


def _ended(event: of.Ended) -> str:
    alone = ", SINGLE-HANDED" if event.single_handed else ""
    other = event.asked_by is not None and not same_person(event.asked_by, event.by)
    asked = f", asked for by {who(event.asked_by)}" if event.asked_by and other else ""
    note = f": {event.note}" if event.note else ""
    return f"Ended ({event.reason.replace('_', ' ')}{alone}{asked}){note}"


def _people(event: Event) -> str:
    match event:
        case of.Acknowledged():
            return "Acknowledged"
        case of.Called(call=call, channel=channel):
            return f"Nobody had acknowledged: {call.replace('_', ' ')}{f' to {channel}' if channel else ''}"
        case of.Asked():
            return "Asked whether they are still on it"
        case of.StillOnIt():
            return "Still on it"
        case of.Unacknowledged(whose=whose):
            return f"The acknowledgement of {who(whose)} counts no longer"
        case of.Refused(command=command, why=why):
            return f"REFUSED {command.replace('_', ' ')}: {why}"
        case _:
            return _meaning(event)


def _meaning(event: Event) -> str:
    match event:
        case of.DealtWith(key=key, note=note):
            return f"Dealt with: {key}: {note}"
        case on.GoneForGood(key=key, note=note):
            return f"Gone for good: {key}: {note}"
        case on.FixingAnotherWay(note=note):
            return f"Fixing it another way{f': {note}' if note else ''}"
        case on.FalseAlarm(note=note, keys=keys):
            return f"A false alarm ({len(keys)} alerts retired): {note}"
        case on.Summoned(people=people, note=note):
            return f"Called {', '.join(people)}{f': {note}' if note else ''}"
        case on.Noted(note=note):
            return f"Note: {note}"
        case on.WatchingByHand(until=until):
            return f"Watches by hand until {clock(until)}"
        case _:
            return _afterwards(event)


def _afterwards(event: Event) -> str:
    match event:
        case on.ForceAsked(reason=reason):
            return f"Asked to end it without proof: {reason}"
        case on.Reopened(reason=reason):
            return f"Opened again: {reason}"
        case on.EndExplained(note=note):
            return f"Why it went away: {note}"
        case on.RecordCompleted(root_cause=cause, follow_ups=follow_ups):
            return f"Record completed ({len(follow_ups)} follow-ups): {cause}"
        case on.RecordAsked():
            return "Reminded of the record"
        case _:
            return ""


def _procedure(event: Event) -> str:
    match event:
        case of.ProcedureStarted(procedure=procedure):
            return f"Started the procedure {procedure}: incident commander, deploys frozen"
        case on.ProcedureAborted(reason=reason, changed=changed):
            undo = f"; to be undone: {'; '.join(changed)}" if changed else ""
            return f"Gave the procedure up: {reason}{undo}"
        case on.CommandAsked():
            return "Asked for command"
        case on.CommandTaken(whose=whose, given=given):
            return f"Took command from {who(whose)}{', who gave it' if given else ', who was silent'}"
        case _:
            return _steps(event)


def _steps(event: Event) -> str:
    match event:
        case on.StepDone(step=step, observed=observed):
            return f"Step {step} done{', seen by the monitor' if observed else ''}"
        case on.StepSkipped(step=step, reason=reason, relevant=relevant):
            return f"Step {step} {'skipped' if relevant else 'not relevant'}: {reason}"
        case on.StepUndone(step=step):
            return f"Step {step} open again"
        case on.Collected(step=step, fields=fields):
            return f"Written down at step {step}: {'; '.join(f'{name}: {value}' for name, value in fields)}"
        case on.Chosen(step=step, choice=choice, asks=asks):
            return f"Decided at step {step}: {choice}{' (needs an approver)' if asks else ''}"
        case on.Approved(step=step, choice=choice):
            return f"Agreed at step {step}: {choice}"
        case _:
            return ""


def _found(event: Event) -> str:
    match event:
        case on.ChangesFound(found=found):
            named = "; ".join(f"{one.service} {one.what} {one.before} to {one.after}" for one in found.before)
            return f"What changed before: {named or found.problem or 'nothing that can be seen'}"
        case on.BreakdownFound(found=breakdown):
            return f"Where it fails: {in_short(breakdown)}"
        case _:
            return ""


def _proof(event: Event) -> str:
    match event:
        case on.TargetsPinned(targets=targets):
            return f"Pinned: {'; '.join(pinned(one) for one in targets)}"
        case on.VersionsSeen(service=service, versions=versions):
            return f"{service} runs {' and '.join(versions) or 'nothing'}"
        case on.ServiceDone(service=service):
            return f"{service} is at its target (said, not observed)"
        case on.StillBreaching():
            return "Everything is at its target, and the signals still breach"
        case on.DeployAllowed(service=service):
            return f"Let one deploy of {service} through"
        case on.DeployAnswered(service=service, version=version, allowed=allowed, because=because):
            return f"Deploy of {service} {version} {'let through' if allowed else 'STOPPED'}: {because}"
        case on.ChecksRun(results=results):
            return f"Checks: {'; '.join(_came_out(one) for one in results)}"
        case on.CheckAnswered(check=check, passed=passed, note=note):
            return f"Check {check} {'passed' if passed else 'failed'}, entered by hand{f': {note}' if note else ''}"
        case _:
            return ""


def _came_out(one: CheckResult) -> str:
    return f"{one.title} {one.outcome.replace('_', ' ')}"


def pinned(one: on.Pinned) -> str:
    """Give a target in words: from what to what, and whether its image was seen."""
    image = f" ({one.image})" if one.image else ""
    return f"{one.service} {one.current or '?'} to {one.target}{image}, {one.confirmed or 'image not confirmed'}"
