"""A file of rule tests with the rules that it tests, read from the files that it names.

Rule files are read one by one and need no routing or procedure beside them, so that promtool's own test files load.
"""

import glob
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from monitor.core.model import labels_of
from monitor.core.rules.rule import Group, Place
from monitor.core.rules.ruleset import VersionMetric
from monitor.core.rules.ruletest import (
    PROMTOOLS_INTERVAL,
    GivenReading,
    PrometheusAlert,
    Recording,
    RuleTest,
    RuleTestFile,
)
from monitor.files.contents import RELEASES, read_file
from monitor.files.findings import Finding, Report, Severity, nearest
from monitor.files.namedalerts import NamedAlerts
from monitor.files.nodes import Mapping as MappingNode
from monitor.files.nodes import Node, Scalar, WrongError
from monitor.files.prometheusfile import is_prometheus, read_prometheus_file, recordings
from monitor.files.releasesfile import read_releases
from monitor.files.rulefile import read_rule_file
from monitor.files.syntax import decode, parse
from monitor.files.testfile import read_test_file
from monitor.files.written import Written

TESTS = "tests"
"""The folder of a rules folder in which tests stand."""
MOST_EVALUATIONS = 100_000
"""The most that a test may evaluate its rules: over 17 days, one each 15 seconds."""
_TESTS = re.compile(rb"^tests:", re.MULTILINE)
NO_RULES = frozenset({"routing", "releases"})
"""Files of a rules folder, by their stems, that hold no rules."""


@dataclass(frozen=True, slots=True)
class RuleTestSet:
    """A file of tests and the groups under test; `file` None where it cannot be read. `prometheus`: by alert."""

    file: RuleTestFile | None
    groups: tuple[Group, ...] = ()
    prometheus: Mapping[str, PrometheusAlert] = field(default_factory=dict)
    versions: tuple[VersionMetric, ...] = ()
    recordings: tuple[Recording, ...] = ()
    findings: tuple[Finding, ...] = ()
    content: bytes = b""

    @property
    def errors(self) -> tuple[Finding, ...]:
        """What keeps the tests from being run."""
        return tuple(one for one in self.findings if one.severity is Severity.ERROR)


@dataclass(slots=True)
class _Rules:
    """What was read of the rule files so far."""

    groups: list[Group] = field(default_factory=list)
    prometheus: dict[str, PrometheusAlert] = field(default_factory=dict)
    versions: dict[str, VersionMetric] = field(default_factory=dict)
    recordings: list[Recording] = field(default_factory=list)
    named: NamedAlerts = field(default_factory=NamedAlerts)


def is_test_file(path: Path) -> bool:
    """Whether a file holds rule tests: by where it stands, or because its text has a list of `tests`."""
    if path.parent.name == TESTS:
        return True
    content = read_file(path).files.get(path.name, b"") if path.is_file() else b""
    return _TESTS.search(content) is not None


def files_of_tests(path: Path) -> tuple[Path, ...]:
    """Give the test files that `path` stands for: itself, those of its `tests` folder, or those right in it."""
    if not path.is_dir():
        return (path,)
    inner = path / TESTS
    folder = inner if inner.is_dir() else path
    if folder is path and path.name != TESTS:
        return ()
    return tuple(sorted(one for one in folder.iterdir() if one.suffix in (".yaml", ".yml") and one.name[0] != "."))


def read_test_set(path: Path) -> RuleTestSet:
    """Read a file of tests and the rules that it names. Never raises: what is wrong stands in the findings."""
    report = Report()
    content, root = _document(path, report)
    if root is None:
        return RuleTestSet(None, findings=report.findings(), content=content)
    file = read_test_file(root, report)
    rules = _Rules()
    for rule_file in _rule_files(file, path, root, report):
        _read_rules(rule_file, rules, file.evaluation_interval or PROMTOOLS_INTERVAL, report)
    _check_names(file, rules, report)
    groups = tuple(_paced(group, file, rules) for group in rules.groups)
    _check_lengths(file, groups, report)
    versions, recordings = tuple(rules.versions.values()), tuple(rules.recordings)
    return RuleTestSet(file, groups, rules.prometheus, versions, recordings, report.findings(), content)


def _document(path: Path, report: Report) -> tuple[bytes, Node | None]:
    contents = read_file(path)
    place = Place(str(path), 1, 1)
    if path.name in contents.unreadable:
        report.error(place, "unreadable", contents.unreadable[path.name], "name a file or a folder")
        return b"", None
    content = contents.files[path.name]
    try:
        root = parse(decode(content, str(path)), str(path))
    except WrongError as wrong:
        report.wrong(wrong)
        return content, None
    if root is None:
        report.error(place, "empty", "the file is empty", "remove it, or write something into it")
    return content, root


def _rule_files(file: RuleTestFile, path: Path, root: Node, report: Report) -> Iterable[Path]:
    """Give the rule files that are named, patterns spelt out; those of the folder above where none is."""
    if not file.rule_files:
        above = path.parent.parent if path.parent.name == TESTS else path.parent
        return sorted(one for one in above.glob("*.yaml") if one.stem not in NO_RULES and one != path)
    found: dict[Path, None] = {}
    for named in file.rule_files:
        matching = sorted(glob.glob(str(path.parent / named)))  # noqa: PTH207  # a pattern may be absolute or climb
        if not matching:
            message, hint = f"no file fits `{named}`", "paths begin at the folder of this file"
            report.error(_place_of(root, named), "no-rules", message, hint)
        found |= dict.fromkeys(Path(os.path.normpath(one)) for one in matching)
    return found


def _place_of(root: Node, named: str) -> Place:
    listed = root.get("rule_files") if isinstance(root, MappingNode) else None
    items = getattr(listed, "items", ())
    return next((one.place for one in items if isinstance(one, Scalar) and one.text == named), root.place)


def _read_rules(path: Path, rules: _Rules, interval: int, report: Report) -> None:
    own = Report()
    _, root = _document(path, own)
    rules.named.add(root)
    if root is not None:
        is_theirs = is_prometheus(root)
        written = (read_prometheus_file if is_theirs else read_rule_file)(root, own)
        rules.groups += [one.group for one in written]
        if is_theirs:
            rules.recordings += recordings(root, interval)
            warned = {one.place: one.message for one in own.findings() if one.severity is Severity.WARNING}
            for group in written:
                rules.prometheus |= {one.rule.alert: _theirs(one, warned) for one in group.rules}
    _read_versions(path, rules, own)
    for one in own.findings():  # doubts about rules are the business of `check`
        if one.severity is Severity.ERROR:
            report.error(one.place, one.code, one.message, one.hint)


def _read_versions(path: Path, rules: _Rules, own: Report) -> None:
    """Read the releases beside a rule file: a warm-up needs them."""
    beside = path.parent / RELEASES
    if beside.is_file() and beside.name != path.name:
        _, root = _document(beside, own)
        if root is not None:
            rules.versions |= {one.service: one for one in read_releases(root, own).versions}


def _theirs(written: Written, warned: Mapping[Place, str]) -> PrometheusAlert:
    """Give the labels of a Prometheus rule as they were written, and what of its texts was left out."""
    pairs: list[tuple[str, str]] = []
    left_out = ""
    for key in ("labels", "annotations"):
        node = written.node.get(key)
        for name, value in node.items if isinstance(node, MappingNode) else ():
            left_out = left_out or warned.get(value.place, "")
            if key == "labels" and isinstance(value, Scalar):
                pairs.append((name.text, value.text))
    return PrometheusAlert(labels_of({**dict(written.rule.labels), **dict(pairs)}), left_out)


def _paced(group: Group, file: RuleTestFile, rules: _Rules) -> Group:
    """Give a group as it is tested: at exact grid times, and nothing too old to be read."""
    theirs = any(rule.alert in rules.prometheus for rule in group.rules)
    interval = file.evaluation_interval or (PROMTOOLS_INTERVAL if theirs else group.interval)
    return replace(group, interval=interval, query_offset=0)


def _check_lengths(file: RuleTestFile, groups: Iterable[Group], report: Report) -> None:
    """Refuse what would be evaluated for hours: usually a slip of the pen."""
    shortest = min((group.interval for group in groups), default=PROMTOOLS_INTERVAL)
    for test in file.tests:
        count = (test.end - test.evaluate_from) // shortest
        if count > MOST_EVALUATIONS:
            message = f"{count} evaluations, one each {shortest} s, are more than {MOST_EVALUATIONS}"
            report.error(test.place, "value", message, "what is only history stands before `evaluate_from`")


# --- names --------------------------------------------------------------------------------------------------------


def _check_names(file: RuleTestFile, rules: _Rules, report: Report) -> None:
    known = {rule.alert: rule for group in rules.groups for rule in group.rules}
    names = tuple(dict.fromkeys(alert.partition("{")[0] for alert in known))
    for test in file.tests:
        for one in test.alerts:
            if one.alert not in names and one.alert not in rules.named:
                message = f"there is no alert `{one.alert}` in the rule files"
                report.error(one.place, "no-alert", message, nearest(one.alert, names, _listed(names)))
        for reading in test.readings:
            _check_reading(test, reading, rules, report)


def _listed(names: tuple[str, ...]) -> str:
    return f"there are {', '.join(names)}" if names else "there is none at all"


def _check_reading(test: RuleTest, reading: GivenReading, rules: _Rules, report: Report) -> None:
    """Hold the labels of a reading to the `by` of its rule."""
    alert = reading.alert or next((one.alert for one in test.alerts), "")
    rule = next((rule for group in rules.groups for rule in group.rules if rule.alert == alert), None)
    if rule is None:
        if alert and reading.alert and alert not in rules.named:
            report.error(reading.place, "no-alert", f"there is no alert `{alert}` in the rule files")
        return
    wanted, given = sorted(rule.signal.by), [name for name, _ in reading.labels]
    if wanted and wanted != given:
        has = f"an instance of `{alert}` has the labels {', '.join(wanted)}, and this one {', '.join(given) or 'none'}"
        report.error(reading.place, "value", has, "they are the `by` of its signal")
