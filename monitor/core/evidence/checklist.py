"""The playbook's evidence checklist, item by item: what there is of it, or that it is missing. Pure."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from monitor.core.evidence.case import Case
from monitor.core.evidence.plainly import time_of
from monitor.core.evidence.signals import NAME
from monitor.core.evidence.telling import pinned, who
from monitor.core.incidents.events import Snapshot
from monitor.core.procedures.verification import Outcome, verdict


class Standing(StrEnum):
    """How much of an item there is."""

    FOUND = "found"
    PARTLY = "partly"
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class Item:
    """One item: `found` says what there is, `missing` what there is not; `files` are where to look."""

    title: str
    found: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    files: tuple[str, ...] = ()

    @property
    def standing(self) -> Standing:
        """How much of it there is."""
        if not self.found:
            return Standing.MISSING
        return Standing.PARTLY if self.missing else Standing.FOUND


def checklist(case: Case) -> tuple[Item, ...]:
    """Give the five items in the playbook's order."""
    return (_times(case), _snapshots(case), _commands(case), _validation(case), _follow_ups(case))


def _times(case: Case) -> Item:
    moments = case.moments
    known = {"first breach": moments.first_breach, "opened": case.incident.opened_at, "ended": moments.ended}
    return Item(
        "Start and end timestamps",
        tuple(f"{name} {time_of(at)}" for name, at in known.items() if at is not None),
        tuple(f"{name}: unknown" if name != "ended" else "not ended" for name, at in known.items() if at is None),
        ("timeline.jsonl",),
    )


def signals_of(case: Case) -> list[dict[str, Any]]:
    """Give what signals.json tells of each signal."""
    read = json.loads(case.signals.get(NAME, b"{}"))
    return list(read.get("signals", ()))


def _snapshots(case: Case) -> Item:
    taken = sum(isinstance(one, Snapshot) for one in case.events)
    signals = signals_of(case)
    read = [one for one in signals if one["csv"]]
    drawn = sum(bool(one["plot"]) for one in signals)
    found = [f"{taken} snapshot{'' if taken == 1 else 's'} when alerts fired"] if taken else []
    if read:
        found.append(f"{len(read)} of {len(signals)} signals with raw samples, {drawn} with a plot")
    missing = [] if taken else ["no snapshot was taken"]
    missing += [f"{one['alert']}: {one['problem']}" for one in signals if one["problem"]]
    if not signals:
        missing.append("no signal was read")
    files = [NAME, *(name for one in signals for name in (one["csv"], one["plot"]) if name)]
    return Item("Trigger metric snapshots", tuple(found), tuple(missing), tuple(files))


def _commands(case: Case) -> Item:
    progress = case.incident.progress
    files = ("versions.json", "commands.md")
    if progress is None:
        return Item("Rollback commands and target versions", (), ("no procedure was started",), files)
    missing = [] if progress.services else ["no target was pinned"]
    missing += [f"{one.service}: not seen at its target" for one in progress.services if not one.at_target]
    missing += [f"{one.service}: its image was not confirmed" for one in progress.services if not one.pinned.confirmed]
    return Item(
        "Rollback commands and target versions",
        tuple(pinned(one.pinned) for one in progress.services),
        tuple(missing),
        files,
    )


def _validation(case: Case) -> Item:
    progress = case.incident.progress
    results = progress.results if progress else ()
    if not results:
        return Item("Validation results", (), ("no check was run",), ("verification.json",))
    return Item(
        "Validation results",
        (verdict(results).sentence,),
        tuple(f"{one.title}: {one.said or one.outcome}" for one in results if one.outcome is not Outcome.PASSED),
        ("verification.json",),
    )


def _follow_ups(case: Case) -> Item:
    record = case.incident.care.record
    if record is None:
        return Item("Follow-up actions tracked", (), ("the record is not completed",), ("followups.json",))
    actions = tuple(f"{one.what} ({one.owner}, due {one.due})" for one in record.follow_ups)
    found = actions or (f"none, says {who(record.by)}",)
    return Item("Follow-up actions tracked", found, (), ("followups.json",))


def unread(case: Case) -> Iterator[str]:
    """Give what could not be read or drawn, for the report's last section."""
    for one in signals_of(case):
        if one["problem"]:
            yield f"{one['alert']} ({one['tier']}): {one['problem']}"
        elif one["plot_problem"]:
            yield f"{one['alert']} ({one['tier']}): no plot, {one['plot_problem']}"
    note = json.loads(case.signals.get(NAME, b"{}")).get("note", "")
    yield from [note] * bool(note)
    yield from (f"{one.kind} to {one.channel}: {one.problem}" for one in case.posted if one.state == "failed")
