"""Messages and forms as Slack shows them, as HTML: from the very blocks that are sent."""

import html
import re
from datetime import datetime, timedelta, timezone
from typing import Any

from monitor.adapters.slack.blocks import draw_page
from monitor.adapters.slack.card import draw_card
from monitor.adapters.slack.forms import view_of
from monitor.core.pages.card import card
from monitor.core.pages.forms import FORMS, form
from monitor.core.pages.page import ActionKind, Scene
from monitor.core.pages.render import render
from tests.pictures.stages import STAGES, failing, opened, scene

STYLE = """
body { margin: 0; font: 15px/1.46 Lato, 'DejaVu Sans', 'Noto Color Emoji', sans-serif; color: #1d1c1d }
.message { padding: 12px 20px; border-bottom: 1px solid #eee } .who { font-weight: 900 }
.time { color: #616061; font-size: 12px } .thread { margin-left: 24px; border-left: 3px solid #ddd }
.app { background: #ddd; font-size: 10px; padding: 1px 4px; border-radius: 2px; margin: 0 6px; color: #616061 }
h2 { font-size: 14px; color: #616061; margin: 28px 20px 4px } h3 { font-size: 18px; line-height: 1.3; margin: 6px 0 }
p { margin: 6px 0 } .context { color: #616061; font-size: 13px } .at { background: #fff3d1; color: #1264a3 }
pre { background: #f8f8f8; border: 1px solid #ddd; padding: 8px; margin: 2px 0 6px; font-size: 12px; overflow-wrap:
  anywhere; white-space: pre-wrap }
code { background: #f8f8f8; border: 1px solid #ddd; color: #e01e5a; font-size: 12px; padding: 0 3px }
button { font: 700 13px Lato, 'DejaVu Sans', sans-serif; padding: 7px 12px; border: 1px solid #bbb; border-radius: 4px;
  margin: 0 8px 6px 0; background: #fff; color: #1d1c1d }
.primary { background: #007a5a; color: #fff; border-color: #007a5a }
.danger { background: #e01e5a; color: #fff; border-color: #e01e5a }
.menu { color: #616061; font-size: 12px } .asks { color: #616061; font-size: 12px; font-weight: 400 }
.modal { margin: 12px 20px; padding: 12px 16px; border: 1px solid #bbb; border-radius: 8px; max-width: 520px }
.field { border: 1px solid #bbb; border-radius: 4px; padding: 6px; color: #616061; min-height: 1.2em }
label { font-weight: 700 }
.phone { width: 390px; border-right: 1px solid #ddd } .wide { width: 720px }
"""


def document(body: str, width: str = "phone") -> str:
    """A whole page of HTML, as wide as a phone or a window."""
    return f'<!doctype html><meta charset=utf-8><style>{STYLE}</style><div class="{width}">{body}</div>'


def local(at: int) -> str:
    """A time as Slack shows it to somebody in Berlin."""
    return f"Today {datetime.fromtimestamp(at, timezone(timedelta(hours=1))):%-H:%M:%S}"


def mrkdwn(text: str) -> str:
    """Slack's markup as HTML, as far as pages use it."""
    text = re.sub(r"<!date\^(\d+)\^[^>]*>", lambda found: local(int(found.group(1))), text)
    text = re.sub(r"<!subteam\^\w+>|<@\w+>", '<span class="at">@oncall</span>', text)
    text = re.sub(r"<(https?://[^|>]+)\|([^>]*)>", r'<a href="\1">\2</a>', text)
    text = re.sub(r"`([^`\n]+)`", r"<code>\1</code>", text)
    text = re.sub(r"(?<![\w*])\*([^*\n]+)\*", r"<b>\1</b>", text)
    return text.replace("\n", "<br>")


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
            return f"<p>{''.join(element(one) for one in one['elements'])}</p>"
        case "rich_text":
            return "".join(rich(part) for part in one["elements"])
        case "input":
            return field(one)
        case _:
            return "<hr>"


def rich(part: dict[str, Any]) -> str:
    """A part of a rich text: commands, or what they are for."""
    words = html.escape("".join(one["text"] for one in part["elements"]))
    return f"<pre>{words}</pre>" if part["type"] == "rich_text_preformatted" else f"<b>{words}</b>"


def element(one: dict[str, Any]) -> str:
    """A button with what it asks, or a menu with what is behind it."""
    if one["type"] == "overflow":
        behind = " · ".join(html.escape(option["text"]["text"]) for option in one["options"])
        return f'<button>⋯</button><span class="menu">{behind}</span>'
    return f'<button class="{one.get("style", "")}">{html.escape(one["text"]["text"])}</button>'


def field(one: dict[str, Any]) -> str:
    """A field of a form."""
    options = "<br>".join(f"○ {html.escape(each['text']['text'])}" for each in one["element"].get("options", ()))
    inside = html.escape(one["element"].get("initial_value", "")) or options
    hint = f'<span class="menu">{html.escape(one["hint"]["text"])}</span>' if "hint" in one else ""
    optional = " (optional)" if one.get("optional") else ""
    return f'<p><label>{html.escape(one["label"]["text"])}{optional}</label><div class="field">{inside}</div>{hint}</p>'


def message(blocks: list[dict[str, Any]] | None, at: str, *, thread: bool = False) -> str:
    """One message as HTML."""
    who = f'<span class="who">Rollback Monitor</span><span class="app">APP</span><span class="time">{at}</span>'
    body = "".join(block(one) for one in blocks or ())
    return f'<div class="message{" thread" if thread else ""}">{who}{body}</div>'


def modal(view: dict[str, Any]) -> str:
    """A form as HTML."""
    ends = f'<button>{view["close"]["text"]}</button><button class="primary">{view["submit"]["text"]}</button>'
    body = f"<h3>{html.escape(view['title']['text'])}</h3>{''.join(map(block, view['blocks']))}"
    return f'<div class="modal">{body}{ends}</div>'


def both(shown: Scene) -> str:
    """The page and its card."""
    steps, clock = card(shown), f"{shown.now + timedelta(hours=1):%-H:%M}"
    page = message(draw_page(render(shown)).blocks, clock)
    return page + (message(draw_card(steps).blocks, f"{clock} · in the thread", thread=True) if steps else "")


def gallery() -> str:
    """Everything: each stage, pages of many alerts, and every form."""
    parts = [f"<h2>{name}</h2>{both(scene(stage(1)))}" for name, stage in STAGES.items()]
    parts += [f"<h2>{count} alerts</h2>{both(scene(opened(count)))}" for count in (8, 200)]
    parts.append(f"<h2>nobody is configured</h2>{both(scene(opened(), nobody=True))}")
    parts.append(f"<h2>buttons are not heard</h2>{both(scene(opened(), buttons=False))}")
    incident = failing().incident
    for kind in ActionKind:
        found = form(kind, incident, "close" if kind is ActionKind.COLLECT else "")
        if found is not None and (kind in FORMS or found.asks):
            parts.append(f"<h2>form: {kind}</h2>{modal(view_of(found, kind, 'INC-0042|4'))}")
    return document("".join(parts))
