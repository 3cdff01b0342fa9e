import io
import subprocess
from itertools import pairwise
from pathlib import Path

import pytest

from monitor.demo import history
from monitor.demo.catalogue import BUCKETS

END = 1_800_000_000
START = END - 50 * 3600


def values(text: str, series: str) -> list[tuple[int, float]]:
    rows = (line.rsplit(" ", 2) for line in text.splitlines() if line.startswith(series + " "))
    return [(int(at), float(value)) for _, value, at in rows]


@pytest.fixture(scope="module")
def text() -> str:
    file = io.StringIO()
    history.write(file, START, END)
    return file.getvalue()


def test_the_times_rise_from_start_to_end_and_are_finer_at_the_end() -> None:
    times = history.grid(START, END)
    assert (times[0], times[-1]) == (START, END)
    steps = [b - a for a, b in pairwise(times)]
    assert min(steps) > 0
    assert max(steps) <= 120
    assert set(steps[-50:]) == {15}


def test_counters_never_fall_and_the_codes_share_the_requests(text: str) -> None:
    labels = 'job="auth",instance="auth-1",route="/login"'
    good = values(text, f'http_requests_total{{{labels},code="200"}}')
    assert [value for _, value in good] == sorted(value for _, value in good)
    assert good[-1][1] == pytest.approx(8 * 50 * 3600 * 0.999, rel=1e-6)


def test_buckets_are_cumulative_and_end_at_the_count(text: str) -> None:
    labels = 'job="transactions",instance="transactions-1",route="/transfer"'
    bounds = [*map(str, BUCKETS), "+Inf"]
    name = "http_request_duration_seconds"
    last = [values(text, f'{name}_bucket{{{labels},le="{bound}"}}')[-1][1] for bound in bounds]
    assert last == sorted(last)
    assert last[-1] == values(text, f"{name}_count{{{labels}}}")[-1][1]


def test_what_promtool_says_is_told_when_it_refuses(tmp_path: Path) -> None:
    blocked = tmp_path / "blocks"
    blocked.write_text("a file where a folder should be")
    with pytest.raises(RuntimeError, match=r"could not write the history: .*blocks"):
        history.backfill("promtool", tmp_path / "text", blocked, START, END)


def test_a_second_is_enough_for_the_blocks(tmp_path: Path) -> None:
    history.backfill("promtool", tmp_path / "text", tmp_path / "blocks", START, END)
    assert len(list((tmp_path / "blocks").glob("*/meta.json"))) <= 3
    subprocess.run(["promtool", "tsdb", "list", str(tmp_path / "blocks")], check=True, capture_output=True)
