"""Draws the README's picture: a page and its procedure card as Slack shows them, from the very blocks that are sent.

python -m tests.pictures.slack docs/page.png      (needs Chromium)
"""

import html
import re
import subprocess
import sys
import tempfile
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from monitor import files
from monitor.adapters.slack.blocks import draw_page
from monitor.adapters.slack.card import draw_card
from monitor.core.actor import MONITOR
from monitor.core.actor import Actor as Person
from monitor.core.actor import Source as From
from monitor.core.card import card
from monitor.core.events import AlertFired, Firing, Opened, ProcedureStarted
from monitor.core.incident import apply, fold
from monitor.core.model import AlertKey, Tier
from monitor.core.page import Scene
from monitor.core.render import render
from monitor.core.rule import Unit

STYLE = """
body { margin: 0; font: 15px/1.46 Lato, 'DejaVu Sans', sans-serif; color: #1d1c1d; background: #fff; width: 720px }
.message { padding: 14px 20px; border-bottom: 1px solid #eee } .who { font-weight: 900 } .time { color: #616061; font-
size: 12px }
.app { background: #ddd; font-size: 10px; padding: 1px 4px; border-radius: 2px; margin: 0 6px; color: #616061 }
h3 { font-size: 18px; margin: 6px 0 } p { margin: 5px 0 } .context { color: #616061; font-size: 13px }
.at { background: #fff3d1; color: #1264a3; padding: 0 2px } pre { background: #f8f8f8; border: 1px solid #ddd; padding:
8px }
button { font: 700 13px Lato, 'DejaVu Sans', sans-serif; padding: 7px 12px; border: 1px solid #bbb; border-radius: 4px;
  margin-right: 8px; background: #fff }
.primary { background: #007a5a; color: #fff; border-color: #007a5a } .danger { background: #e01e5a; color: #fff; border-
color: #e01e5a }
"""


def local(at: int) -> str:
    """A time as Slack shows it to somebody in Berlin."""
    return f"Today {datetime.fromtimestamp(at, timezone(timedelta(hours=1))):%-H:%M:%S}"


def mrkdwn(text: str) -> str:
    """Slack's markup as HTML, as far as pages use it."""
    text = re.sub(r"<!date\^(\d+)\^[^>]*>", lambda found: local(int(found.group(1))), text)
    text = re.sub(r"<!subteam\^\w+>", '<span class="at">@oncall</span>', text)
    text = re.sub(r"```\n?(.*?)```", lambda found: f"<pre>{found.group(1)}</pre>", text, flags=re.DOTALL)
    text = re.sub(r"\*([^*\n]+)\*", r"<b>\1</b>", text)
    return re.sub(r"\n(?!<pre>)", "<br>", text)


def block(one: dict[str, Any]) -> str:
    """One block as HTML."""
    match one["type"]:
        case "header":
            return f"<h3>{html.escape(one['text']['text'])}</h3>"
        case "section":
            return f"<p>{mrkdwn(one['text']['text'])}</p>"
        case "context":
            return f'<p class="context">{" ".join(mrkdwn(part["text"]) for part in one["elements"])}</p>'
        case "actions":
            made = [f'<button class="{one.get("style", "")}">{one["text"]["text"]}</button>' for one in one["elements"]]
            return f"<p>{''.join(made)}</p>"
        case _:
            return "<hr>"


def message(blocks: list[dict[str, Any]] | None, at: str) -> str:
    """One message as HTML."""
    who = f'<span class="who">Rollback Monitor</span><span class="app">APP</span><span class="time">{at}</span>'
    return f'<div class="message">{who}{"".join(block(one) for one in blocks or ())}</div>'


def story() -> str:
    """A login that fails, and the checklist after somebody took command."""
    at = datetime(2026, 3, 1, 3, 2, 15, tzinfo=UTC)
    firing = Firing(
        AlertKey("LoginFailing", (), Tier.ROLLBACK),
        "auth",
        "login: 62% of logins fail",
        since=at - timedelta(seconds=5),
        fired_at=at,
        value=0.62,
        limit=0.2,
        unit=Unit.RATIO,
        why="62 % of 310 requests failed",
    )
    opened = fold("INC-0042", [Opened(at, MONITOR, "production"), AlertFired(at, MONITOR, firing)])
    rules = files.load(Path("rules")).rules
    procedure = rules.procedures["rollback"] if rules else None
    ana = Person("U0ANA", "Ana", From.SLACK)
    started = apply(opened, ProcedureStarted(at + timedelta(minutes=1), ana, "rollback", 7))
    page = draw_page(render(Scene(opened, at, {}, procedure, ("S0ONCALL",))))
    drawn = card(Scene(started, at + timedelta(minutes=1), {}, procedure))
    shown = message(page.blocks, "4:02")
    return shown + (message(draw_card(drawn).blocks, "4:03 · in the thread") if drawn else "")


def main(target: Path) -> None:
    """Take the picture."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "page.html"
        source.write_text(f"<meta charset=utf-8><style>{STYLE}</style>{story()}")
        flags = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
        flags += ["--disable-component-update", "--disable-sync", "--disable-quic", f"--user-data-dir={folder}/profile"]
        size = ["--window-size=720,790", "--hide-scrollbars"]
        subprocess.run(["chromium", *flags, *size, f"--screenshot={target.resolve()}", source.as_uri()], check=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
