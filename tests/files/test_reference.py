"""docs/rules.md: its examples load without a finding, and its tables are those of the reader."""

import re
from pathlib import Path

import pytest

from monitor.files import load
from monitor.files.keys import TABLES, markdown

DOCS = (Path(__file__).parents[2] / "docs" / "rules.md").read_text()
BLOCKS = re.findall(r"^```yaml ?(\w*)\n(.*?)^```$", DOCS, re.MULTILINE | re.DOTALL)
PLACES = {"": "example.yaml", "routing": "routing.yaml", "procedure": "procedures/rollback.yaml"}


@pytest.mark.parametrize(
    ("kind", "text"), BLOCKS, ids=[f"{kind or 'rules'}: {text.split(chr(10))[0]}" for kind, text in BLOCKS]
)
def test_an_example_loads_without_a_finding(tmp_path: Path, kind: str, text: str) -> None:
    (tmp_path / "procedures").mkdir()
    (tmp_path / "procedures" / "rollback.yaml").write_text("title: R\nsteps: [{id: a, title: A}]\n")
    (tmp_path / "routing.yaml").write_text("environment: test\n")
    (tmp_path / "example.yaml").write_text("groups: []\n")
    (tmp_path / PLACES[kind]).write_text(text)
    loaded = load(tmp_path)
    assert [str(finding) for finding in loaded.findings] == []
    assert loaded.rules is not None


def test_there_is_an_example_of_each_file_and_signal() -> None:
    assert {kind for kind, _ in BLOCKS} == set(PLACES)
    shown = "".join(text for _, text in BLOCKS)
    assert all(
        f"{kind}: {{" in shown or f"{kind}:\n" in shown for kind in ("error_ratio", "latency", "availability", "query")
    )


def test_the_tables_are_the_readers_own() -> None:
    found = re.search(r"<!-- keys:.*?-->\n(.*)<!-- end of keys -->", DOCS, re.DOTALL)
    assert found is not None
    assert found[1].strip() == markdown().strip(), "write monitor.files.keys.markdown() between the marks"


def test_every_key_is_explained() -> None:
    assert all(key.takes and key.meaning for table in TABLES for key in table.keys)
