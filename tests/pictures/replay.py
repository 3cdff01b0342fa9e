"""Draws the report of a replay, from a made-up week of a small shop.

python -m tests.pictures.replay build/replay.html   the report itself
python -m tests.pictures.replay docs/replay.png     its first screen, for the documentation (needs Chromium)
"""

import subprocess
import sys
import tempfile
from pathlib import Path

from monitor.workbench.report import html
from tests.pictures.replays import case

FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync", "--disable-quic", "--hide-scrollbars")  # fmt: skip


def report() -> str:
    """The report of the made-up week."""
    shown = case()
    return html(
        shown.outcome,
        title="CriticalApiErrorRate: prepare at 1.5 % for 10 minutes, instead of 3 % for 2",
        compared=shown.compared,
        scored=shown.scored,
        variants=shown.variants,
    )


def screenshot(source: Path, target: Path, size: tuple[int, int], *more: str) -> None:
    """Take a picture of a page with Chromium; `more` are further flags."""
    with tempfile.TemporaryDirectory() as folder:
        flags = [*FLAGS, f"--user-data-dir={folder}/profile", f"--window-size={size[0]},{size[1]}", *more]
        command = ["chromium", *flags, f"--screenshot={target.resolve()}", source.resolve().as_uri()]
        subprocess.run(command, check=True, capture_output=True, timeout=100)


def main(target: Path) -> None:
    """Write the report, or take a picture of its beginning."""
    target.parent.mkdir(exist_ok=True)
    if target.suffix == ".html":
        target.write_text(report())
        return
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "replay.html"
        source.write_text(report())
        screenshot(source, target, (1160, 1500))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
