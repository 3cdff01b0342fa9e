"""docs/tuning.md, "Testing rules": the example runs and can fail, and every key is told of."""

import re
from pathlib import Path

import pytest

from monitor.cli.ruletests import test as run_tests
from monitor.files.testkeys import TABLES

ROOT = Path(__file__).parents[2]
SECTION = (ROOT / "docs" / "tuning.md").read_text().partition("## Testing rules\n")[2].partition("\n## ")[0]
RULES = """
groups:
  - name: queue
    rules:
      - alert: QueueLong
        signal: {query: {expr: 'sum by (job) (queue_length)', by: [job]}}
        prepare: {above: 100, for: 2m}
        keep_firing_for: 1m
        annotations: {summary: "{{ $labels.job }}: {{ $value }} messages wait"}
"""


def test_the_example_passes_and_fails_where_it_is_changed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    example = re.findall(r"^```yaml\n(.*?)^```$", SECTION, re.MULTILINE | re.DOTALL)[0]
    (tmp_path / "tests").mkdir()
    (tmp_path / "queue.yaml").write_text(RULES)
    file = tmp_path / "tests" / "queue.yaml"
    file.write_text(example)
    assert run_tests([tmp_path], None, "text") == 0, capsys.readouterr().out
    file.write_text(example.replace("eval_time: 4m, exp_state: pending", "eval_time: 4m, exp_state: firing"))
    assert run_tests([tmp_path], None, "text") == 1
    said = capsys.readouterr().out
    for line in ("  QueueLong at 4m (line 10)", "    expected: firing"):
        assert line in said
        assert line in SECTION


def test_every_key_is_told_of() -> None:
    told_elsewhere = {"histogram", "external_labels", "external_url"}
    names = {key.name for table in TABLES for key in table.keys} - told_elsewhere
    assert [name for name in sorted(names) if not re.search(rf"\b{name}\b", SECTION)] == []
