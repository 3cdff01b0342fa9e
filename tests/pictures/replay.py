"""Draws the report of a replay, from a made-up week of a small shop.

python -m tests.pictures.replay build/replay.html   the report itself
python -m tests.pictures.replay docs/replay.png     its head and its first alert, for the documentation (needs Chromium)
"""

import asyncio
import io
import sys
import tempfile
from pathlib import Path

from PIL import Image

from monitor.workbench.report import html
from tests.pictures.replays import case
from tests.servers.chromium import browser

BOX = "document.querySelector('{}').getBoundingClientRect().toJSON()"
WIDTH = 1160


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


async def parts(address: str) -> list[bytes]:
    """Pictures of the report from its top to the end of the timeline, and of the first alert."""
    async with browser() as page:
        await page.open(address)
        await page.size(WIDTH, 1500)
        head, alert = await page.evaluate(BOX.format(".timeline")), await page.evaluate(BOX.format("article"))
        top = {"x": 0, "y": 0, "width": WIDTH, "height": head["bottom"] + 20}
        below = {"x": 0, "y": alert["top"], "width": WIDTH, "height": alert["height"] + 20}
        return [await page.picture(top), await page.picture(below)]


def picture(target: Path) -> None:
    """Take the picture of the documentation."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "replay.html"
        source.write_text(report())
        shown = [Image.open(io.BytesIO(one)) for one in asyncio.run(parts(source.as_uri()))]
    whole = Image.new("RGB", (WIDTH, sum(one.height for one in shown)), "white")
    at = 0
    for one in shown:
        whole.paste(one, (0, at))
        at += one.height
    whole.quantize(128).save(target, optimize=True)


def main(target: Path) -> None:
    """Write the report, or take the picture of it."""
    target.parent.mkdir(exist_ok=True)
    if target.suffix == ".html":
        target.write_text(report())
    else:
        picture(target)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
