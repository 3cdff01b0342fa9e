"""The evidence of an incident as the files of a bundle: what goes in, what is in each, and whether it is whole. Pure.

The same events, posts and signals give the same bytes; only the manifest tells when it was made.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from types import MappingProxyType

from monitor.core.evidence import commands, manifest, records, report
from monitor.core.evidence.case import Case, Posted
from monitor.core.evidence.manifest import Maker
from monitor.core.evidence.plainly import scrubbed

NOTHING: Mapping[str, bytes] = MappingProxyType({})

__all__ = ["Case", "Maker", "Posted", "bundle", "clean", "files"]


def clean(case: Case, secrets: Iterable[str]) -> Case:
    """Give `case` without secrets; its signals were scrubbed when they were read."""
    known = tuple(secrets)
    return replace(case, events=scrubbed(case.events, known), posted=scrubbed(case.posted, known))


def files(case: Case) -> Mapping[str, bytes]:
    """Give every file but the manifest, by name."""
    return {
        report.NAME: report.report(case),
        "timeline.jsonl": records.timeline(case),
        "decisions.jsonl": records.decisions(case),
        "versions.json": records.versions(case),
        "commands.md": commands.commands(case),
        "verification.json": records.verification(case),
        "followups.json": records.followups(case),
        "slack.json": records.slack(case),
        **case.signals,
    }


def bundle(case: Case, maker: Maker, made_at: datetime, beside: Mapping[str, bytes] = NOTHING) -> Mapping[str, bytes]:
    """Give every file of the bundle of `case`, those `beside` too, the manifest last."""
    found = {**files(case), **beside}
    return {**found, manifest.NAME: manifest.manifest(case.id, found, maker, made_at)}
