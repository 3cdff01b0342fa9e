"""What the documentation says of the report is what the report does."""

from pathlib import Path

from monitor.core.replay.scoring import EARLY
from monitor.workbench.report.comment import MOST, ROWS

TEXT = (Path(__file__).parents[2] / "docs" / "tuning.md").read_text().partition("## Reading the report")[2]


def test_the_figures_are_those_of_the_code() -> None:
    said = " ".join(TEXT.split())
    assert f"from {EARLY // 60} minutes before the noted start" in said
    assert f"Tables are cut after {ROWS} rows and the whole after {MOST:,} bytes" in said
