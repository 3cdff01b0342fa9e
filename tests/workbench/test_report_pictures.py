"""The report in a real browser: nothing is fetched or refused, it fits a phone, and the pointer reads values out.

Its pictures are left in build/, for somebody to look at.
"""

import asyncio
import shutil
from pathlib import Path

import pytest

from tests.pictures.replay import report
from tests.servers.chromium import Page, browser

pytestmark = pytest.mark.skipif(shutil.which("chromium") is None, reason="pictures need Chromium")
BUILD = Path(__file__).parents[2] / "build"

FIRST_PLOT = "document.querySelector('article .drawn .over').getBoundingClientRect().toJSON()"
TOO_WIDE = """
[...document.querySelectorAll("html, .doubt, .beside-each-other > *, .scroll:has(> .stacks)")]
  .filter((one) => one.checkVisibility() && one.scrollWidth > one.clientWidth + 1)
  .map((one) => one.textContent.slice(0, 60))
"""
WIDTH = "document.documentElement.scrollWidth"
CONTRAST = """
(() => {
  const light = (color) => {
    const parts = color.match(/[\\d.]+/g).slice(0, 3).map((one) => one / 255);
    const [r, g, b] = parts.map((one) => one <= 0.03928 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (one) => {
    for (let at = one; at; at = at.parentElement) {
      const color = getComputedStyle(at).backgroundColor;
      if (color !== "rgba(0, 0, 0, 0)") return color;
    }
    return "rgb(255, 255, 255)";
  };
  const worst = {};
  const words = "h1, .verdict, .kicker, .quiet, .labels, .chip, .false, .finding, td, th, .legend span, summary";
  for (const one of document.querySelectorAll(words + ", svg text")) {
    const style = getComputedStyle(one);
    const color = one instanceof SVGElement ? style.fill : style.color;
    const pair = [light(color), light(behind(one))].sort((a, b) => b - a);
    const ratio = (pair[0] + 0.05) / (pair[1] + 0.05);
    if (ratio < 4.5) worst[(one.getAttribute("class") || one.tagName) + " " + color] = ratio;
  }
  return worst;
})()
"""


def keep(name: str, picture: bytes) -> None:
    BUILD.mkdir(exist_ok=True)
    (BUILD / name).write_bytes(picture)


async def look(page: Page, address: str) -> None:
    await page.open(address)
    await page.size(1160, 1500)
    keep("replay-desktop.png", await page.picture())
    assert await page.evaluate(CONTRAST) == {}
    assert (await read_out(page)).startswith("Sun 22 Nov 12:00 · 0.")
    keep("replay-read-out.png", await page.picture())
    await page.size(1160, 1500, dark=True)
    keep("replay-dark.png", await page.picture())
    assert await page.evaluate(CONTRAST) == {}
    await page.size(390, 844, phone=True)
    await page.evaluate("scrollTo({top: 0, behavior: 'instant'})")
    keep("replay-phone.png", await page.picture())
    assert await page.evaluate(WIDTH) == 390
    assert page.complaints == []
    assert page.requests == [address]


async def read_out(page: Page) -> str:
    """Point at the middle of the first plot, and give what is read out."""
    await page.evaluate("document.querySelector('article').scrollIntoView({behavior: 'instant'})")
    box = await page.evaluate(FIRST_PLOT)
    await page.point(box["x"] + box["width"] / 2, box["y"] + 60)
    return str(await page.evaluate("document.querySelector('.read:not([hidden])').textContent"))


def test_names_of_any_length_fit_their_tables(tmp_path: Path) -> None:
    source = tmp_path / "replay.html"
    name = "ErrorsOfAnApiWithANameThatNobodyWouldEverWantToReadInATableButThatSomebodyWroteInARuleFileAllTheSame"
    source.write_text(report().replace(">LoginFailing<", f">{name}<").replace(">LoginFailing.", f">{name}."))

    async def run() -> None:
        async with browser() as page:
            await page.open(source.as_uri())
            for width in (1160, 390):
                await page.size(width, 1500)
                assert await page.evaluate(TOO_WIDE) == []
            keep("replay-long-names.png", await page.picture())

    asyncio.run(asyncio.wait_for(run(), 100))


def test_the_report_in_a_browser(tmp_path: Path) -> None:
    source = tmp_path / "replay.html"
    source.write_text(report())

    async def run() -> None:
        async with browser() as page:
            await look(page, source.as_uri())

    asyncio.run(asyncio.wait_for(run(), 100))
