"""Plots as pictures: light for every case, made of exactly what was judged, drawn where nothing can hang the daemon."""

import math
import os
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
from matplotlib.lines import Line2D
from PIL import Image

from monitor.adapters.plot import process
from monitor.adapters.plot.draw import Drawing
from monitor.adapters.plot.ink import OVER, VALUE
from monitor.adapters.plot.png import png
from monitor.adapters.plot.process import ProcessArtist
from monitor.adapters.plot.scale import Reach, far, height_ticks, reach, said, time_ticks
from monitor.adapters.plot.wire import read, written
from monitor.core.pages.plot import MOST_BYTES, Limit, Plot
from monitor.core.rules.signal import Unit
from monitor.ports.world import Undrawn
from tests.pictures.plots import CASES, START, availability, error_ratio, outlier, sparse

EVERY = pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())


@EVERY
def test_every_case_is_light_and_of_a_phones_size(case: Callable[[], Plot], tmp_path: Path) -> None:
    drawn = png(case())
    assert len(drawn) <= MOST_BYTES == 60_000
    (tmp_path / "plot.png").write_bytes(drawn)
    with Image.open(tmp_path / "plot.png") as image:
        assert image.size in {(1200, 675), (800, 450)}


def points_of(line: Line2D) -> list[tuple[int, float]]:
    """The points of a drawn line."""
    return [(int(at), float(value)) for at, value in cast("Any", line.get_xydata()).tolist()]


@EVERY
def test_what_is_drawn_is_what_was_given(case: Callable[[], Plot]) -> None:
    plot = case()
    axes = Drawing(plot).figure.axes[0]
    lines = {line.get_color(): line for line in reversed(axes.lines) if line.get_linestyle() == "-"}
    given = [(at, math.nan if value is None else value) for at, value in plot.values]
    assert str(points_of(lines[VALUE])) == str(given), "gaps too"
    (limit,) = [one for one in plot.limits if one.paged]
    over = [at for at, value in plot.values if value is not None and exceeds(limit, at, value)]
    assert [at for at, value in points_of(lines[OVER]) if not math.isnan(value)] == over


def exceeds(limit: Limit, at: int, value: float) -> bool:
    """Whether a reading is over a limit, as the rule means it."""
    bound = dict(limit.points)[at]
    assert bound is not None
    return value > bound if limit.above else value < bound


def test_words_of_rules_are_never_read_as_formulas() -> None:
    plot = replace(error_ratio(), title=r"$\frac{broken$ _x_ ^y^ \N{bad}", subtitle="$", marks=())
    assert png(plot)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda plot: replace(plot, values=((plot.end, 0.5),)), id="one reading"),
        pytest.param(lambda plot: replace(plot, limits=(), bands=()), id="no limit, no band"),
        pytest.param(lambda plot: replace(plot, values=tuple((at, 0.0) for at, _ in plot.values)), id="all zero"),
        pytest.param(lambda plot: replace(plot, values=tuple((at, -4.0) for at, _ in plot.values)), id="negative"),
        pytest.param(lambda plot: replace(plot, values=tuple((at, 1e300) for at, _ in plot.values)), id="enormous"),
        pytest.param(lambda plot: replace(plot, values=tuple((at, 1e-12) for at, _ in plot.values)), id="tiny"),
        pytest.param(lambda plot: replace(plot, title="", subtitle=""), id="no words"),
        pytest.param(
            lambda plot: replace(plot, values=tuple((at, None) for at, _ in plot.values), unjudged=plot.values),
            id="nothing but what could not be judged",
        ),
    ],
)
@pytest.mark.parametrize("unit", [Unit.NUMBER, Unit.RATIO, Unit.SLOWER])
def test_strange_plots_are_drawn_too(change: Callable[[Plot], Plot], unit: Unit) -> None:
    assert len(png(change(replace(error_ratio(), unit=unit)))) <= MOST_BYTES


def test_nothing_to_show_is_no_picture() -> None:
    plot = error_ratio()
    with pytest.raises(ValueError, match="no reading"):
        png(replace(plot, values=tuple((at, None) for at, _ in plot.values)))


# --- scale ------------------------------------------------------------------------------------------------------------


def test_a_rare_outlier_is_cut_off_and_told_while_a_breach_is_not() -> None:
    assert reach(outlier()).peak == 480_000
    assert reach(outlier()).high < 1000
    assert reach(error_ratio()).peak is None
    assert reach(availability()) == Reach(0.0, 1.12)


def test_a_limit_far_above_is_named_at_the_edge_and_squeezes_nothing() -> None:
    plot = error_ratio()
    shown = reach(plot)
    assert [far(limit, shown) for limit in plot.limits] == [False, True]
    assert shown.high < 0.1
    assert not any(far(limit, reach(sparse())) for limit in sparse().limits)


@pytest.mark.parametrize(
    ("value", "unit", "words"),
    [
        (0.0241, Unit.RATIO, "2.4 %"),
        (0.62, Unit.RATIO, "62 %"),
        (0.25, Unit.UP, "25 %"),
        (0.39, Unit.SLOWER, "390 ms"),
        (1.24, Unit.SLOWER, "1.2 s"),
        (3, Unit.NUMBER, "3"),
        (480_000, Unit.NUMBER, "480k"),
        (2.5e6, Unit.NUMBER, "2.5M"),
    ],
)
def test_numbers_are_said_as_people_say_them(value: float, unit: Unit, words: str) -> None:
    assert said(value, replace(error_ratio(), unit=unit), fine=True) == words


def test_ticks_are_few_and_round() -> None:
    assert height_ticks(Reach(0.0, 0.07)) == pytest.approx([0.0, 0.02, 0.04, 0.06])
    assert time_ticks(START, START + 3945) == [START + 900 * number for number in range(5)]


# --- the process ------------------------------------------------------------------------------------------------------


@EVERY
def test_a_plot_survives_the_wire(case: Callable[[], Plot]) -> None:
    assert read(written(case())) == case()


def test_the_process_draws_and_its_parent_stays_without_matplotlib(tmp_path: Path) -> None:
    """Also without HOME, and where only its own folder and nothing of the program's can be written."""
    script = rf"""
        import re, resource, sys, time
        from monitor.adapters.plot import ProcessArtist
        from monitor.adapters.plot.wire import read
        plot = read(open({str(tmp_path / "plot.json")!r}, "rb").read())
        memory = lambda: int(re.search(r"VmRSS:\s+(\d+)", open("/proc/self/status").read())[1]) // 1024
        before, began = memory(), time.monotonic()
        drawn = ProcessArtist().draw(plot)
        assert isinstance(drawn, bytes), drawn
        assert not {{"matplotlib", "numpy", "PIL"}} & set(sys.modules)
        grown = memory() - before
        print(f"in a process: {{time.monotonic() - began:.2f}} s, {{grown}} MiB here, "
              f"{{resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024}} MiB there")
        if len(sys.argv) > 1:
            began = time.monotonic()
            from monitor.adapters.plot.png import png
            png(plot)
            print(f"here: {{time.monotonic() - began:.2f}} s the first time, {{memory() - before}} MiB that stay")
        assert grown < 10
        """
    (tmp_path / "plot.json").write_bytes(written(error_ratio()))
    env = {"PATH": "/nowhere", "PYTHONPATH": str(process.ROOT), "TMPDIR": str(tmp_path)}
    words = ["compare"] if os.environ.get("PLOTS") == "compare" else []
    command = [sys.executable, "-c", textwrap.dedent(script), *words]
    done = subprocess.run(command, env=env, cwd="/", capture_output=True, text=True, timeout=90, check=False)
    assert done.returncode == 0, done.stderr
    sys.stdout.write("\n" + done.stdout)
    assert [one.name for one in tmp_path.iterdir()] == ["plot.json"], "its caches are gone with it"


def test_the_process_gets_none_of_the_daemons_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MONITOR_SLACK__BOT_TOKEN", "xoxb-canary")
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-canary")
    artist = ProcessArtist(program=("-c", "import os, sys; sys.exit(str(sorted(os.environ)))"))
    failed = artist.draw(error_ratio())
    assert isinstance(failed, Undrawn)
    assert "MPLCONFIGDIR" in failed.why
    assert "TOKEN" not in failed.why


@pytest.mark.parametrize(
    ("program", "why"),
    [
        pytest.param("import time; time.sleep(60)", "drawing took more than", id="it hangs"),
        pytest.param("raise ValueError('no such colour')", "ValueError: no such colour", id="it breaks"),
        pytest.param("print('hello')", "is no PNG", id="it says something else"),
        pytest.param(
            f"import sys; sys.stdout.buffer.write({process.PNG!r} + bytes(60_000))", "at most 60000", id="too large"
        ),
        pytest.param("import os; os.kill(os.getpid(), 9)", "exit -9", id="it is killed"),
    ],
)
def test_a_drawing_that_goes_wrong_is_no_picture_and_nothing_worse(program: str, why: str) -> None:
    failed = ProcessArtist(within=1.0 if "sleep" in program else 30.0, program=("-c", program)).draw(error_ratio())
    assert isinstance(failed, Undrawn)
    assert why in failed.why


def test_stopping_gives_up_what_is_being_drawn_at_once() -> None:
    artist = ProcessArtist(program=("-c", "import time; time.sleep(60)"))
    threading.Timer(0.3, artist.stop).start()
    began = time.monotonic()
    assert isinstance(artist.draw(error_ratio()), Undrawn)
    assert isinstance(artist.draw(error_ratio()), Undrawn)
    assert time.monotonic() - began < 20


def test_where_nothing_can_be_written_memory_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "gone"))
    monkeypatch.setattr(process, "MEMORY", str(tmp_path))
    artist = ProcessArtist(program=("-c", "import os, sys; sys.exit(os.environ['MPLCONFIGDIR'])"))
    failed = artist.draw(error_ratio())
    assert isinstance(failed, Undrawn)
    assert str(tmp_path) in failed.why
