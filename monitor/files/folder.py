"""A rules folder, on disk or in memory -> one rule set, or what is wrong with it.

Nothing raises: a folder that cannot be read is a finding too.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from monitor.core.procedures.procedure import Procedure
from monitor.core.rules.routing import Route, Routing
from monitor.core.rules.rule import Place
from monitor.core.rules.ruleset import RuleSet
from monitor.files.changes import KeyChange, changed, unmet
from monitor.files.contents import DRILLS, NO_FILE, PROCEDURES, RELEASES, WHOLE, Contents, read_contents, read_file
from monitor.files.drillfile import WrittenScenario, check_drills, check_targets, read_scenario
from monitor.files.findings import Finding, Report, Severity, nearest
from monitor.files.namedalerts import NamedAlerts
from monitor.files.nodes import Node, WrongError, find
from monitor.files.procedurefile import read_procedure
from monitor.files.prometheusfile import is_prometheus, read_prometheus_file
from monitor.files.releasesfile import WrittenReleases, check_warm_up, read_releases
from monitor.files.routeskey import check_routes
from monitor.files.routingfile import NO_ENVIRONMENT, read_routing
from monitor.files.rulefile import read_rule_file
from monitor.files.syntax import decode, parse
from monitor.files.testset import TESTS, files_of_tests, is_test_file, read_test_set
from monitor.files.written import Written, WrittenGroup

ROUTING = "routing.yaml"


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a folder gave: the rules, or None where a finding is an error; the findings in the order of the files."""

    rules: RuleSet | None
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class Checked:
    """What a check of several paths found: the findings, how much was read, and the lines of each file for showing."""

    findings: tuple[Finding, ...]
    files: int
    rules: int
    sources: Mapping[str, tuple[str, ...]]


@dataclass(slots=True)
class _Reading:
    """One reading of some files: what was found so far."""

    source: Contents
    fallback: Route
    report: Report = field(default_factory=Report)
    groups: list[WrittenGroup] = field(default_factory=list)
    procedures: dict[str, Procedure] = field(default_factory=dict)
    drills: dict[str, WrittenScenario] = field(default_factory=dict)
    routing: Routing | None = None
    releases: WrittenReleases = field(default_factory=WrittenReleases)
    group_by: Place = field(default=Place("", 1, 1))
    contents: dict[str, bytes] = field(default_factory=dict)
    changes: Sequence[KeyChange] = ()
    met: frozenset[KeyChange] = frozenset()
    named: NamedAlerts = field(default_factory=NamedAlerts)
    alone: bool = False


def load(
    source: Path | Contents,
    *,
    fallback_channel: str = "",
    fallback_responders: tuple[str, ...] = (),
    changes: Sequence[KeyChange] = (),
    alone: bool = False,
) -> Loaded:
    """Give everything in a folder, or in contents read before, as one rule set, or the findings that forbid it.

    The fallback channel and responders stand in where routing.yaml names none; `changes` are set in the rules before
    they are read. `alone`: nobody will act on it, so that a single file will do, and Prometheus's own rules need no
    procedure. Never raises.
    """
    fallback = Route(fallback_channel, fallback_responders)
    if alone and isinstance(source, Path) and source.is_file():
        contents = read_file(source)
        reading = _read_single(source, _Reading(contents, fallback, changes=changes, alone=True))
    else:
        contents = source if isinstance(source, Contents) else read_contents(source)
        reading = _read_folder(_Reading(contents, fallback, changes=changes, alone=alone))
    findings = reading.report.findings()
    if any(finding.severity is Severity.ERROR for finding in findings):
        return Loaded(None, findings)
    routing = reading.routing or Routing(NO_ENVIRONMENT, reading.fallback)
    groups = tuple(written.group for written in reading.groups)
    written = reading.releases
    drills = {name: one.scenario for name, one in reading.drills.items()}
    rules = RuleSet(groups, routing, reading.procedures, contents.digest, written.versions, written.releases, drills)
    return Loaded(rules, findings)


def check(paths: Iterable[Path]) -> Checked:
    """Check folders with their tests, and single files (which know what is beside them). Never raises."""
    paths = list(paths)
    tests = [one for path in paths for one in files_of_tests(path) if path.is_dir() or is_test_file(path)]
    rest = [path for path in paths if path not in tests and path.name != TESTS]
    readings = [
        _read_folder(_Reading(read_contents(path), Route("")))
        if path.is_dir()
        else _read_single(path, _Reading(read_file(path), Route("")))
        for path in rest
    ]
    findings = dict.fromkeys(finding for reading in readings for finding in reading.report.findings())
    contents = {name: content for reading in readings for name, content in reading.contents.items()}
    for path, tested in ((path, read_test_set(path)) for path in tests):
        findings |= dict.fromkeys(tested.findings)
        contents[str(path)] = tested.content
    sources = {name: tuple(content.decode("utf-8", "replace").splitlines()) for name, content in contents.items()}
    rules = sum(len(written.rules) for reading in readings for written in reading.groups)
    return Checked(tuple(findings), len(contents), rules, sources)


def _read_folder(reading: _Reading) -> _Reading:
    source = reading.source
    files = _listed(reading)
    if files is None:
        return reading
    _read_procedures(reading)
    for path in _listed(reading, DRILLS) or ():
        _read_drill(path, reading)
    for file in files:
        if file.name == ROUTING:
            _read_routing(file, reading)
        elif file.name == RELEASES:
            _read_releases(file, reading)
        else:
            _read_rules(file, reading)
    if not any(file.name == ROUTING for file in files):
        hint = "write routing.yaml with environment: ..."
        message = f"there is no routing.yaml: pages will say `{NO_ENVIRONMENT}`"
        reading.report.warning(_top(source.path(ROUTING)), "no-environment", message, hint)
    if not any(file.name not in (ROUTING, RELEASES) for file in files):
        hint = "write a rule file, such as critical.yaml"
        reading.report.error(_top(source.folder), "no-rules", "there is no rule file (*.yaml) in this folder", hint)
    _check_together(reading)
    return reading


def _read_single(path: Path, reading: _Reading) -> _Reading:
    """Read one file by its kind; a rule file knows the procedures and releases beside it."""
    source = reading.source
    if path.parent.name == PROCEDURES:
        _read_procedure(path, reading)
    elif path.parent.name == DRILLS:
        _read_drill(path, reading)
    elif path.name == ROUTING:
        _read_routing(path, reading)
    elif path.name == RELEASES:
        _read_releases(path, reading)
    else:
        beside = _Reading(source, Route(""))
        _read_procedures(beside)
        if RELEASES in source.files:
            _read_releases(source.path(RELEASES), beside)
        reading.procedures.update(beside.procedures)
        reading.releases = beside.releases
        _read_rules(path, reading)
        _check_together(reading)
    return reading


def _top(path: Path) -> Place:
    return Place(str(path), 1, 1)


def _listed(reading: _Reading, inner: str = WHOLE) -> list[Path] | None:
    """Give the YAML files of the folder, or of `inner`, by name; None, with an error, where it cannot be listed."""
    source = reading.source
    if inner in source.unreadable:
        reading.report.error(
            _top(source.path(inner)), "unreadable", source.unreadable[inner], "name an existing folder"
        )
        return None
    return [source.path(name) for name in source.names(inner)]


def _root(path: Path, reading: _Reading) -> Node | None:
    """Give the document of one file; None, with an error, where there is none."""
    source = reading.source
    name = path.relative_to(source.folder).as_posix()
    if name in source.unreadable:
        hint = "name a file or a folder" if source.unreadable[name] == NO_FILE else ""
        reading.report.error(_top(path), "unreadable", source.unreadable[name], hint)
        return None
    content = source.files[name]
    reading.contents[str(path)] = content
    try:
        root = parse(decode(content, str(path)), str(path))
    except WrongError as wrong:
        reading.report.wrong(wrong)
        return None
    if root is None:
        reading.report.error(_top(path), "empty", "the file is empty", "remove it, or write something into it")
    return root


def _read_rules(path: Path, reading: _Reading) -> None:
    root = _root(path, reading)
    reading.named.add(root)
    if root is None:
        return
    root, met = changed(root, reading.changes, reading.report)
    reading.met |= met
    theirs = is_prometheus(root)
    groups = (read_prometheus_file if theirs else read_rule_file)(root, reading.report)
    reading.groups.extend(groups)
    if theirs and reading.alone:
        for one in (one for written in groups for one in written.rules):
            reading.procedures.setdefault(one.rule.procedure, Procedure(one.rule.procedure, one.rule.procedure, ()))


def _read_routing(path: Path, reading: _Reading) -> None:
    root = _root(path, reading)
    if root is not None:
        reading.routing = read_routing(root, reading.fallback, reading.report)
        reading.group_by = find(root, "group_by")


def _read_releases(path: Path, reading: _Reading) -> None:
    root = _root(path, reading)
    if root is not None:
        reading.releases = read_releases(root, reading.report)


def _read_procedures(reading: _Reading) -> None:
    for path in _listed(reading, PROCEDURES) or ():
        _read_procedure(path, reading)


def _read_procedure(path: Path, reading: _Reading) -> None:
    root = _root(path, reading)
    if root is None:
        reading.procedures.setdefault(path.stem, Procedure(path.stem, path.stem, ()))  # named once, as unreadable
    elif path.stem in reading.procedures:
        message = f"there are two procedures named `{path.stem}`"
        reading.report.error(_top(path), "duplicate-procedure", message, "keep one of .yaml and .yml")
    else:
        reading.procedures[path.stem] = read_procedure(root, path.stem, reading.report)


def _read_drill(path: Path, reading: _Reading) -> None:
    root = _root(path, reading)
    if path.stem in reading.drills:
        message = f"there are two drills named `{path.stem}`"
        reading.report.error(_top(path), "duplicate-drill", message, "keep one of .yaml and .yml")
    elif root is not None and (read := read_scenario(root, path.stem, reading.report)) is not None:
        reading.drills[path.stem] = read


def _check_together(reading: _Reading) -> None:
    """Check what files must agree on: unique names, procedures that exist, and releases that can be seen."""
    groups: dict[str, Place] = {}
    alerts: dict[str, Place] = {}
    for written in reading.groups:
        place = written.name.place if written.name else Place("", 1, 1)
        _once(written.group.name, "group", place, groups, reading.report)
        for one in written.rules:
            _once(one.rule.alert, "alert", one.rule.place, alerts, reading.report)
            _check_procedure(one, tuple(reading.procedures), reading.report)
            check_warm_up(one.rule, one.node, reading.releases.versions, reading.report)
    unmet(reading.changes, reading.met, tuple(alerts), reading.report)
    if reading.routing is not None:
        check_routes(reading.routing, reading.group_by, [one.group for one in reading.groups], reading.report)
    _check_renames([one for written in reading.groups for one in written.rules], alerts, reading.report)
    rules = {one.rule.alert: one.rule for written in reading.groups for one in written.rules}
    drills = tuple(reading.drills.values())
    drillable = tuple(one for one in drills if one.scenario.alert in rules or one.scenario.alert not in reading.named)
    check_drills(drillable, rules, tuple(reading.procedures), reading.report)
    check_targets(drills, reading.routing.environment if reading.routing else NO_ENVIRONMENT, reading.report)


def _check_procedure(one: Written, known: tuple[str, ...], report: Report) -> None:
    if one.rule.procedure in known:
        return
    otherwise = f"there are {', '.join(known)}" if known else f"write {PROCEDURES}/{one.rule.procedure}.yaml"
    place = find(one.node, "procedure") if one.node.get("procedure") else one.rule.place
    message = f"there is no procedure `{one.rule.procedure}`"
    report.error(place, "no-procedure", message, nearest(one.rule.procedure, known, otherwise))


def _check_renames(written: list[Written], alerts: Mapping[str, Place], report: Report) -> None:
    """A state is taken over by one rule, and only from one that is gone."""
    taken: dict[str, Place] = {}
    for one in written:
        old = one.rule.renamed_from
        place = find(one.node, "renamed_from")
        if not old or old == one.rule.alert:
            continue
        if old in alerts:
            hint = "leave `renamed_from` out, or remove the other rule"
            report.error(place, "renamed", f"`{old}` is no former name: that rule stands at {alerts[old]}", hint)
        elif old in taken:
            hint = "one rule takes over its state"
            report.error(place, "renamed", f"the rule at {taken[old]} was renamed from `{old}` too", hint)
        taken.setdefault(old, place)


def _once(name: str, what: str, place: Place, seen: dict[str, Place], report: Report) -> None:
    if name and name in seen:
        hint = f"the first one stands at {seen[name]}; {what} names are unique in the folder"
        report.error(place, f"duplicate-{what}", f"the {what} `{name}` stands twice", hint)
    elif name:
        seen[name] = place
