"""A file of known incidents -> what a replay is scored on: YAML, JSON (which is YAML), or CSV.

Every mistake is told at once, with its place and what would be right.
"""

import re
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from pathlib import Path

from monitor.core.replay.outcome import KnownIncident
from monitor.core.rules.rule import Place
from monitor.files import incidentkeys as keys
from monitor.files.csvfile import parse_csv
from monitor.files.fields import Fields
from monitor.files.findings import Finding, Report, nearest
from monitor.files.nodes import Node, Scalar, WrongError
from monitor.files.nodes import Sequence as List
from monitor.files.scalars import name, names, scalar
from monitor.files.syntax import MAX_BYTES, decode, parse

TIME = re.compile(r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d)(:\d\d(?:\.\d+)?)?\s*([Zz]|UTC|[+-]\d\d:?\d\d)?")
REQUIRED = tuple(key.name for key in keys.INCIDENT.keys if key.required)
CELL = re.compile(r"\s*[|,;]\s*")
"""Between two alert names in one cell of a CSV file."""


class IncidentsError(Exception):
    """A file of known incidents that cannot be taken, with every mistake in it."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        super().__init__("\n".join(map(str, findings)))
        self.findings = tuple(findings)


def read_incidents(path: Path) -> tuple[KnownIncident, ...]:
    """Give the incidents that the file at `path` names, in its order; raise `IncidentsError` where anything is wrong.

    A name that ends in `.csv` or `.tsv` is read as CSV, every other one as YAML.
    """
    report = Report()
    found: tuple[KnownIncident, ...] = ()
    try:
        found = _read(_text(path), path, report)
    except WrongError as wrong:
        report.wrong(wrong)
    if report.findings():
        raise IncidentsError(report.findings())
    return found


def strangers(known: Iterable[KnownIncident], alerts: Collection[str]) -> tuple[Finding, ...]:
    """Give a warning for each alert that an incident names and that is none of `alerts`: nothing can catch it."""
    report, names = Report(), tuple(alerts)
    for one in known:
        for alert in one.alerts:
            if alert not in alerts:
                hint = nearest(alert, names, "name a rule by its `alert`, or none for any")
                report.warning(
                    one.place, "unknown-alert", f"no rule is called `{alert}`: nothing of that name pages", hint
                )
    return report.findings()


def _text(path: Path) -> str:
    try:
        with path.open("rb") as opened:
            return decode(opened.read(MAX_BYTES + 1), str(path))
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise WrongError(Place(str(path), 1, 1), f"the file cannot be read: {why}", code="unreadable") from None


def _read(text: str, path: Path, report: Report) -> tuple[KnownIncident, ...]:
    if path.suffix.lower() in (".csv", ".tsv"):
        root: Node | None = parse_csv(text, str(path), keys.INCIDENT.names(), REQUIRED)
    else:
        root = parse(text, str(path))
    if root is None:
        raise WrongError(Place(str(path), 1, 1), "the file is empty", "write - {name: ..., start: ..., end: ...}")
    incidents = _listed(root, report)
    read = [_incident(one, report) for one in incidents]
    return tuple(one for one in read if one is not None)


def _listed(root: Node, report: Report) -> Sequence[Node]:
    """Give the incidents: a list of them may stand alone."""
    if isinstance(root, List):
        return root.items
    fields = Fields(root, keys.INCIDENTS, report)
    fields.version()
    return fields.each("incidents", lambda node: node, "[{name: ..., start: ..., end: ...}]")


def _incident(node: Node, report: Report) -> KnownIncident | None:
    fields = Fields(node, keys.INCIDENT, report)
    called = fields.take("name", name, "")
    begin, end = fields.take("start", _time, None), fields.take("end", _time, None)
    alerts = _alerts(fields)
    if begin is None or end is None or not called:
        return None
    if end <= begin:
        report.error(fields.at("end"), "value", f"`{called}` ends before it begins", "the end is later than the start")
    return KnownIncident(called, begin, end, alerts, fields.at("alert" if fields.has("alert") else "alerts"))


def _alerts(fields: Fields) -> tuple[str, ...]:
    if fields.has("alert") and fields.has("alerts"):
        fields.report.error(fields.at("alerts"), "value", "`alert` stands beside `alerts`", "keep one of them")
    none: tuple[str, ...] = ()
    return fields.take("alert", _names, none) or fields.take("alerts", _names, none)


def _names(node: Node) -> tuple[str, ...]:
    """Give alert names: one, a list, or several in one cell."""
    if not isinstance(node, Scalar):
        return names(node)
    if node.plain:
        return (name(node),)
    return tuple(one for one in CELL.split(name(node)) if one)


def _time(node: Node) -> int:
    """Give a time in seconds since the epoch."""
    example = "such as 2026-11-20T14:30:00Z"
    word = scalar(node, f"a time, {example}")
    found = TIME.fullmatch(word.text)
    if found is None:
        raise WrongError(word.place, f"`{word.text}` is no time", f"write it in RFC 3339, {example}")
    day, minutes, seconds, zone = found.groups()
    if zone is None:
        hint = f"write {day}T{minutes}{seconds or ':00'}Z for UTC"
        raise WrongError(word.place, f"`{word.text}` does not say of which time zone", hint)
    written = f"{day}T{minutes}{seconds or ''}{'+00:00' if zone in ('Z', 'z', 'UTC') else zone}"
    try:
        return int(datetime.fromisoformat(written).timestamp())
    except (ValueError, OverflowError):
        raise WrongError(word.place, f"`{word.text}` is no time that there is", example) from None
