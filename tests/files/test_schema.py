"""The JSON Schemas: made of the tables; what `check` takes they take, and what they can tell they refuse."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from monitor.cli import schema as printed
from monitor.files import Severity, check, keys, load
from monitor.files.nodes import Mapping, Node, Scalar, Sequence
from monitor.files.schema import KINDS, schema
from monitor.files.syntax import decode, parse
from monitor.files.tables import Table

ROOT = Path(__file__).parents[2]
MISTAKES = Path(__file__).with_name("mistakes.golden").read_text()
CASES = [
    (name, re.sub(r"^> .*\n", "", body, flags=re.MULTILINE), re.findall(r"^> .*\[([a-z-]+)\]$", body, re.MULTILINE))
    for name, body in re.findall(r"^=== (.*)\n((?:(?!=== ).*\n?)*)", MISTAKES, re.MULTILINE)
]
VALIDATORS = {kind: jsonschema.Draft7Validator(schema(kind)) for kind in KINDS}


def as_an_editor_reads(node: Node) -> Any:  # noqa: ANN401  # JSON is anything
    """Give what YAML 1.2 makes of a document: only plain words may be numbers, true, false or nothing."""
    match node:
        case Mapping():
            return {key.text: as_an_editor_reads(value) for key, value in node.items}
        case Sequence():
            return [as_an_editor_reads(one) for one in node.items]
        case Scalar(plain=False):
            return node.text
        case Scalar(text="" | "null" | "~"):
            return None
        case Scalar(text="true" | "false"):
            return node.text == "true"
        case Scalar():
            return _number(node.text)


def _number(text: str) -> Any:  # noqa: ANN401  # a number, or the text that it is
    if re.fullmatch(r"-?\d+", text):
        return int(text)
    return float(text) if re.fullmatch(r"-?\d+\.\d*([eE][+-]?\d+)?", text) else text


def refusals(kind: str, text: str) -> list[str]:
    root = parse(decode(text.encode(), "f.yaml"), "f.yaml")
    assert root is not None
    return [error.message for error in VALIDATORS[kind].iter_errors(as_an_editor_reads(root))]


@pytest.mark.parametrize("kind", KINDS)
def test_the_schemas_in_the_docs_are_up_to_date(kind: str) -> None:
    kept = ROOT / "docs" / "schema" / f"{kind}.json"
    assert kept.read_text() == printed.text_of(kind), "run: rollback-monitor schema --out docs/schema"


@pytest.mark.parametrize("kind", KINDS)
def test_a_schema_is_one(kind: str) -> None:
    jsonschema.Draft7Validator.check_schema(schema(kind))


def kind_of(path: Path) -> str:
    if path.parent.name == "tests":
        return "tests"
    if path.parent.name == "drills":
        return "drill"
    if path.parent.name == "procedures":
        return "procedure"
    return path.stem if path.stem in {"routing", "releases"} else "rules"


SHIPPED = sorted((ROOT / "rules").rglob("*.yaml"))
SHIPPED = [path for path in SHIPPED if path.parent.name in {"rules", "procedures", "drills", "tests"}]


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.name)
def test_a_shipped_file_is_taken(path: Path) -> None:
    assert refusals(kind_of(path), path.read_text()) == []


def test_an_exported_prometheus_file_is_taken() -> None:
    assert refusals("rules", (ROOT / "deploy" / "prometheus" / "rollback-monitor.rules.yaml").read_text()) == []


DOCS = re.findall(r"^```yaml ?(\w*)\n(.*?)^```$", (ROOT / "docs" / "rules.md").read_text(), re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize(("kind", "text"), DOCS, ids=[f"{kind or 'rules'}: {text[:30]!r}" for kind, text in DOCS])
def test_an_example_of_the_docs_is_taken(kind: str, text: str) -> None:
    assert refusals({"": "rules", "prometheus": "rules"}.get(kind, kind), text) == []


READABLE = [(name, text) for name, text, codes in CASES if not {"syntax", "alias", "tag", "duplicate-key"} & set(codes)]
ERRORS = {name: codes for name, _, codes in CASES}


@pytest.mark.parametrize(("name", "text"), READABLE, ids=[name for name, _ in READABLE])
def test_what_the_reader_takes_the_schema_takes_and_an_unknown_key_neither(
    name: str, text: str, tmp_path: Path
) -> None:
    (tmp_path / "procedures").mkdir()
    (tmp_path / "procedures" / "rollback.yaml").write_text("title: R\nsteps: [{id: a, title: A}]\n")
    (tmp_path / "routing.yaml").write_text("environment: test\n")
    (tmp_path / "r.yaml").write_text(text)
    if load(tmp_path).rules is not None:
        assert refusals("rules", text) == []
    elif {"unknown-key", "later"} & set(ERRORS[name]):
        assert refusals("rules", text) != []


# --- each kind of error that a schema can tell ------------------------------------------------------------------------


RULE = "{alert: A, signal: {error_ratio: {requests: r, failures: f}}, rollback: {above: 1%}"
LATENCY = (
    "groups: [{name: g, rules: [{alert: A, rollback: {above: 1}, "
    "signal: {latency: {histogram: h, baseline: trailing}}}]}]"
)
WINDOW = "environment: a\nmaintenance: [{{name: m, matchers: ['a=\"b\"'], from: '01:00', to: '02:00', {}}}]"
WRONG = [
    ("an unknown key at the top", "rules", "groups: []\ngroup: []\n"),
    ("a missing key", "rules", "version: 1\n"),
    ("an unknown key in a rule", "rules", f"groups: [{{name: g, rules: [{RULE}, sevice: x}}]}}]"),
    ("a missing tier", "rules", "groups: [{name: g, rules: [{alert: A, signal: {query: {expr: up}}}]}]"),
    ("two signals", "rules", f"groups: [{{name: g, rules: [{RULE.replace('f}}', 'f}, query: {expr: up}}')}}}]}}]"),
    ("both sides", "rules", f"groups: [{{name: g, rules: [{RULE.replace('1%', '1%, below: 2%')}}}]}}]"),
    ("no side", "rules", f"groups: [{{name: g, rules: [{RULE.replace('above: 1%', 'for: 1m')}}}]}}]"),
    ("a mapping for a text", "rules", f"groups: [{{name: g, rules: [{RULE}, service: {{a: b}}}}]}}]"),
    ("a text for a list", "rules", f"groups: [{{name: g, rules: [{RULE}, suspects: web}}]}}]"),
    ("a text for a mapping", "rules", f"groups: [{{name: g, rules: [{RULE}, labels: web}}]}}]"),
    ("a word for true", "rules", f"groups: [{{name: g, rules: [{RULE}, shadow: 1}}]}}]"),
    ("a word that is none of the list", "rules", f"groups: [{{name: g, rules: [{RULE}, no_data: ignore}}]}}]"),
    ("no duration", "rules", f"groups: [{{name: g, interval: 15, rules: [{RULE}}}]}}]"),
    ("no threshold", "rules", f"groups: [{{name: g, rules: [{RULE.replace('1%', 'much')}}}]}}]"),
    ("no share", "rules", f"groups: [{{name: g, rules: [{RULE.replace('1%', '1%, confidence: 2')}}}]}}]"),
    ("nothing", "rules", f"groups: [{{name: g, rules: [{RULE}, service: }}]}}]"),
    ("no label name", "rules", f"groups: [{{name: g, rules: [{RULE.replace('f}}', 'f, by: [a-b]}}')}}}]}}]"),
    ("a baseline that is none", "rules", LATENCY.replace("trailing", "yesterday")),
    ("a key of ours in Prometheus's", "rules", "groups: [{name: g, rules: [{alert: A, expr: up, shadow: true}]}]"),
    ("an unknown key of routing", "routing", "environment: a\nchannels: []\n"),
    ("no environment", "routing", "version: 1\n"),
    ("the name of a channel", "routing", "environment: a\ndefault: {channel: '#ops'}\n"),
    ("a pager that is none", "routing", "environment: a\npage: {rollback: [slack, phone]}\n"),
    ("a day that is none", "routing", WINDOW.format("days: [sunday]")),
    ("no time of day", "routing", "environment: a\nshadow_report: {at: '25:00'}\n"),
    ("a tier that is never hidden", "routing", WINDOW.format("tiers: [rollback]")),
    ("an unknown key of releases", "releases", "services: {auth: {version: v, tag: x}}\n"),
    ("an image without a version", "releases", "services: {auth: {version: v, image: registry/auth}}\n"),
    ("both kinds of migrations", "releases", "services: {auth: {version: v, migrations: {schema: s, applied: a}}}\n"),
    ("an unknown key of a step", "procedure", "title: R\nsteps: [{id: a, title: A, task: [x]}]\n"),
    ("an id that is none", "procedure", "title: R\nsteps: [{id: A B, title: A}]\n"),
    ("a check of no kind", "procedure", "title: R\nsteps: [{id: a, title: A, checks: [{title: x}]}]\n"),
    ("what no step does", "procedure", "title: R\nsteps: [{id: a, title: A, does: sleep}]\n"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "text"), [case[1:] for case in WRONG], ids=[case[0] for case in WRONG])
def test_a_wrong_file_is_refused_and_by_check_too(kind: str, text: str, tmp_path: Path) -> None:
    assert refusals(kind, text) != []
    name = {"rules": "r.yaml", "procedure": "procedures/rollback.yaml"}.get(kind, f"{kind}.yaml")
    (tmp_path / "procedures").mkdir()
    (tmp_path / name).write_text(text)
    assert any(one.severity is Severity.ERROR for one in check([tmp_path / name]).findings)


def test_an_override_need_not_be_whole() -> None:
    more = "overrides: [{matchers: ['job=\"a\"'], rollback: {for: 1m}, prepare: none}]"
    assert refusals("rules", f"groups: [{{name: g, rules: [{RULE}, {more}}}]}}]") == []


def described(kind: str) -> Iterator[Table]:
    definitions = schema(kind)["definitions"]
    yield from (table for table in keys.TABLES if table.what in definitions)


def test_every_table_of_the_docs_stands_in_a_schema() -> None:
    tables = {table.what for kind in KINDS for table in described(kind)}
    assert tables == {table.what for table in keys.TABLES}


@pytest.mark.parametrize("kind", KINDS)
def test_every_key_is_completed_and_described(kind: str) -> None:
    definitions = schema(kind)["definitions"]
    for table in described(kind):
        properties = definitions[table.what]["properties"]
        assert list(properties) == list(table.names())
        assert all(key.meaning in properties[key.name]["description"] for key in table.keys)


def test_it_is_printed_and_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert printed.run("routing", None) == 0
    assert json.loads(capsys.readouterr().out) == schema("routing")
    assert printed.run(None, tmp_path / "made" / "here") == 0
    assert {path.name for path in (tmp_path / "made" / "here").iterdir()} == {f"{kind}.json" for kind in KINDS}


def test_a_kind_that_is_none_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert printed.run("rule", None) == 2
    assert "rules, routing, releases, procedure" in capsys.readouterr().err
