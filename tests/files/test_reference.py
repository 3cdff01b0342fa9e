"""docs/rules.md: its examples load without a finding, and its tables are those of the reader."""

import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from monitor.core.rules.rule import Guards, TierRule
from monitor.core.rules.ruledifference import OF_PART, OF_RULE, AtReload
from monitor.core.rules.signal import Availability, Baseline, Count, ErrorRatio, Latency, Query
from monitor.files import keys, load, signalkeys
from monitor.files.keys import TABLES
from monitor.files.tables import Table, markdown

DOCS = (Path(__file__).parents[2] / "docs" / "rules.md").read_text()
BLOCKS = re.findall(r"^```yaml ?(\w*)\n(.*?)^```$", DOCS, re.MULTILINE | re.DOTALL)
PLACES = {
    "": "example.yaml",
    "routing": "routing.yaml",
    "releases": "releases.yaml",
    "procedure": "procedures/rollback.yaml",
    "prometheus": "example.yaml",
}
RELEASES = next(text for kind, text in BLOCKS if kind == "releases")


@pytest.mark.parametrize(
    ("kind", "text"), BLOCKS, ids=[f"{kind or 'rules'}: {text.split(chr(10))[0]}" for kind, text in BLOCKS]
)
def test_an_example_loads_without_a_finding(tmp_path: Path, kind: str, text: str) -> None:
    (tmp_path / "procedures").mkdir()
    (tmp_path / "procedures" / "rollback.yaml").write_text("title: R\nsteps: [{id: a, title: A}]\n")
    (tmp_path / "routing.yaml").write_text("environment: test\n")
    (tmp_path / "example.yaml").write_text("groups: []\n")
    (tmp_path / "releases.yaml").write_text(RELEASES)
    (tmp_path / PLACES[kind]).write_text(text)
    loaded = load(tmp_path)
    assert [str(finding) for finding in loaded.findings] == []
    assert loaded.rules is not None


def test_there_is_an_example_of_each_file_and_signal() -> None:
    assert {kind for kind, _ in BLOCKS} == set(PLACES)
    shown = "".join(text for _, text in BLOCKS)
    assert all(
        f"{kind}: {{" in shown or f"{kind}:\n" in shown
        for kind in ("error_ratio", "latency", "availability", "count", "query")
    )


def test_the_tables_are_the_readers_own() -> None:
    found = re.search(r"<!-- keys:.*?-->\n(.*)<!-- end of keys -->", DOCS, re.DOTALL)
    assert found is not None
    assert found[1].strip() == markdown(TABLES).strip(), (
        "write monitor.files.tables.markdown(monitor.files.keys.TABLES) between the marks"
    )


def test_every_key_is_explained() -> None:
    assert all(key.takes and key.meaning for table in TABLES for key in table.keys)


WRITTEN = {"hold": "for", "tier": "", "kinds": "", "place": "", "tiers": ""}
"""Fields that people write under another name, or not at all."""
OF_TABLES = [
    (keys.RULE, OF_RULE),
    (signalkeys.ERROR_RATIO, OF_PART[ErrorRatio]),
    (signalkeys.LATENCY, OF_PART[Latency]),
    (signalkeys.BASELINE, {"fixed": OF_PART[Baseline]["fixed"]}),
    (signalkeys.AVAILABILITY, OF_PART[Availability]),
    (signalkeys.COUNT, OF_PART[Count]),
    (signalkeys.QUERY, OF_PART[Query]),
    (keys.TIER, OF_PART[TierRule]),
    (keys.GUARDS, OF_PART[Guards]),
]


@pytest.mark.parametrize(("table", "fields"), OF_TABLES, ids=[table.what for table, _ in OF_TABLES])
def test_a_key_says_of_a_reload_what_is_done(table: Table, fields: Mapping[str, AtReload]) -> None:
    done = {WRITTEN.get(name, name): what for name, what in fields.items() if WRITTEN.get(name, name)}
    assert {name: table.key(name).at_reload for name in done} == done


def test_keys_of_defaults_are_those_of_a_rule() -> None:
    assert set(keys.DEFAULTS.keys) < set(keys.RULE.keys)
