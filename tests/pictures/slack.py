"""Draws pages, cards and forms as Slack shows them, from the very blocks that are sent.

python -m tests.pictures.slack build/slack.html   everything, for somebody to look at (`make pages`)
python -m tests.pictures.slack docs/page.png      the README's picture (needs Chromium)
"""

import subprocess
import sys
import tempfile
from pathlib import Path

from tests.pictures.pictures import both, document, gallery
from tests.pictures.stages import at_services, opened, scene


def story() -> str:
    """A login that fails, and the checklist when the services go back."""
    return document(both(scene(opened(), mention=("S0ONCALL",))) + both(scene(at_services())), "wide")


def picture(page: str, target: Path, width: int, height: int) -> None:
    """Take a picture of `page` with Chromium."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "page.html"
        source.write_text(page)
        flags = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
        flags += ["--disable-component-update", "--disable-sync", "--disable-quic", f"--user-data-dir={folder}/profile"]
        size = [f"--window-size={width},{height}", "--hide-scrollbars"]
        subprocess.run(["chromium", *flags, *size, f"--screenshot={target.resolve()}", source.as_uri()], check=True)


def main(target: Path) -> None:
    """Draw what `target` asks for: a page of everything, or the picture of the README."""
    if target.suffix == ".html":
        target.parent.mkdir(exist_ok=True)
        target.write_text(gallery())
    else:
        picture(story(), target, 720, 1480)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
