"""What Slack accepts as a message, strictly: limits of blocks, texts, buttons and metadata; and how a person reads it.

Pure functions on the JSON that was sent. It must not know who sends it: nothing of the monitor or the SDK is imported.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeAlias

Json: TypeAlias = dict[str, Any]

MAX_BLOCKS, MAX_ALL, MAX_TEXT = 50, 13_000, 40_000


class BadBlocksError(Exception):
    """The blocks would be refused; the words say which and why."""


def refusal(text: object, blocks: object) -> tuple[str, str] | None:
    """Give Slack's error and the reason where a message would be refused, else None."""
    if text is not None and (not isinstance(text, str) or len(text) > MAX_TEXT):
        return ("msg_too_long", f"a text of at most {MAX_TEXT} characters")
    if not text and not blocks:
        return ("no_text", "neither text nor blocks")
    if blocks is None:
        return None
    try:
        check_blocks(blocks)
    except BadBlocksError as problem:
        return ("invalid_blocks", str(problem))
    if len(json.dumps(blocks, ensure_ascii=False, separators=(",", ":"))) > MAX_ALL:
        return ("msg_blocks_too_long", f"all blocks together exceed {MAX_ALL} characters")
    return None


def check_blocks(blocks: object) -> None:
    """Raise `BadBlocksError` where Slack would refuse `blocks`."""
    _need(isinstance(blocks, list), "blocks are a list")
    assert isinstance(blocks, list)
    _need(len(blocks) <= MAX_BLOCKS, f"at most {MAX_BLOCKS} blocks, not {len(blocks)}")
    for place, block in enumerate(blocks):
        _need(isinstance(block, dict), f"block {place} is an object")
        check = CHECKS.get(str(block.get("type")))
        if check is None:
            raise BadBlocksError(f"block {place}: unknown type {block.get('type')!r}")
        check(block, f"block {place} ({block['type']})")
    ids = [block["block_id"] for block in blocks if "block_id" in block]
    _need(len(set(ids)) == len(ids), "block ids are unique in a message")
    _need(all(0 < len(one) <= 255 for one in ids), "a block id has 1 to 255 characters")


def _need(condition: bool, words: str) -> None:  # noqa: FBT001  # reads like an assertion
    if not condition:
        raise BadBlocksError(words)


def _keys(of: Json, where: str, *allowed: str) -> None:
    extra = set(of) - {"type", *allowed}
    _need(not extra, f"{where}: unknown key {sorted(extra)}")


def _text(of: object, where: str, limit: int, *, plain: bool = False) -> None:
    _need(isinstance(of, dict), f"{where}: a text object")
    assert isinstance(of, dict)
    kinds = ("plain_text",) if plain else ("plain_text", "mrkdwn")
    _need(of.get("type") in kinds, f"{where}: type {of.get('type')!r} is not one of {kinds}")
    _keys(of, where, "text", *(("emoji",) if of["type"] == "plain_text" else ("verbatim",)))
    words = of.get("text")
    _need(isinstance(words, str) and 1 <= _units(words) <= limit, f"{where}: text has 1 to {limit} characters")


def _units(words: str) -> int:
    return len(words.encode("utf-16-le", "surrogatepass")) // 2


def _section(block: Json, where: str) -> None:
    _keys(block, where, "block_id", "text", "fields", "accessory", "expand")
    _need("text" in block or "fields" in block, f"{where}: text or fields")
    if "text" in block:
        _text(block["text"], where, 3000)
    fields = block.get("fields", [])
    _need(len(fields) <= 10, f"{where}: at most 10 fields")
    for field in fields:
        _text(field, where, 2000)


def _header(block: Json, where: str) -> None:
    _keys(block, where, "block_id", "text")
    _text(block.get("text"), where, 150, plain=True)


def _context(block: Json, where: str) -> None:
    _keys(block, where, "block_id", "elements")
    elements = block.get("elements", [])
    _need(1 <= len(elements) <= 10, f"{where}: 1 to 10 elements")
    for element in elements:
        _text(element, where, 2000)


def _divider(block: Json, where: str) -> None:
    _keys(block, where, "block_id")


def _actions(block: Json, where: str) -> None:
    _keys(block, where, "block_id", "elements")
    elements = block.get("elements", [])
    _need(1 <= len(elements) <= 25, f"{where}: 1 to 25 elements")
    for element in elements:
        (_overflow if element.get("type") == "overflow" else _button)(element, where)
    ids = [element["action_id"] for element in elements]
    _need(len(set(ids)) == len(ids), f"{where}: action ids are unique in a block, not {ids}")


def _button(element: Json, where: str) -> None:
    _need(element.get("type") == "button", f"{where}: unknown element {element.get('type')!r}")
    _keys(element, where, "text", "action_id", "value", "url", "style", "confirm", "accessibility_label")
    _text(element.get("text"), f"{where} button", 75, plain=True)
    action_id = element.get("action_id")
    _need(isinstance(action_id, str) and 1 <= len(action_id) <= 255, f"{where}: an action id of 1 to 255 characters")
    _need(1 <= len(element.get("value", "-")) <= 2000, f"{where}: a value of 1 to 2000 characters")
    _need(element.get("style", "danger") in ("primary", "danger"), f"{where}: style {element.get('style')!r}")
    if "confirm" in element:
        _confirm(element["confirm"], f"{where} confirm")


def _overflow(element: Json, where: str) -> None:
    _keys(element, where, "action_id", "options", "confirm")
    action_id = element.get("action_id")
    _need(isinstance(action_id, str) and 1 <= len(action_id) <= 255, f"{where}: an action id of 1 to 255 characters")
    _options(element, f"{where} overflow", 5)


def _options(element: Json, where: str, most: int) -> None:
    options = element.get("options", [])
    _need(1 <= len(options) <= most, f"{where}: 1 to {most} options")
    for option in options:
        _keys(option, where, "text", "value", "description")
        _text(option.get("text"), f"{where} option", 75, plain=True)
        _need(1 <= _units(option.get("value", "")) <= 150, f"{where}: an option's value has 1 to 150 characters")


def _confirm(confirm: Json, where: str) -> None:
    _keys(confirm, where, "title", "text", "confirm", "deny", "style")
    _need(confirm.get("style", "danger") in ("primary", "danger"), f"{where}: style {confirm.get('style')!r}")
    _text(confirm.get("title"), f"{where} title", 100, plain=True)
    _text(confirm.get("text"), f"{where} text", 300)
    _text(confirm.get("confirm"), f"{where} yes", 30, plain=True)
    _text(confirm.get("deny"), f"{where} no", 30, plain=True)


def _rich_text(block: Json, where: str) -> None:
    _keys(block, where, "block_id", "elements")
    _need(bool(block.get("elements")), f"{where}: elements")
    for part in block["elements"]:
        _need(part.get("type") in ("rich_text_section", "rich_text_preformatted"), f"{where}: {part.get('type')!r}")
        _keys(part, where, "elements", "border")
        for element in part.get("elements", []):
            _need(element.get("type") == "text", f"{where}: {element.get('type')!r}")
            _keys(element, where, "text", "style")
            _need(bool(element.get("text")), f"{where}: a text that is not empty")


CHECKS: Mapping[str, Callable[[Json, str], None]] = {
    "section": _section,
    "header": _header,
    "context": _context,
    "divider": _divider,
    "actions": _actions,
    "rich_text": _rich_text,
}


# --- modals -----------------------------------------------------------------------------------------------------------


def view_refusal(view: object) -> str | None:
    """Give why Slack would not open `view`, else None."""
    try:
        _view(view)
    except BadBlocksError as problem:
        return str(problem)
    return None


def _view(view: object) -> None:
    _need(isinstance(view, dict) and view.get("type") == "modal", "a modal")
    assert isinstance(view, dict)
    _keys(view, "view", "callback_id", "private_metadata", "title", "submit", "close", "blocks")
    for name in ("title", "submit", "close"):
        if name in view:
            _text(view[name], f"view {name}", 24, plain=True)
    _need("title" in view, "a view has a title")
    _need(len(view.get("private_metadata", "")) <= 3000, "private_metadata of at most 3000 characters")
    blocks = view.get("blocks", [])
    _need(1 <= len(blocks) <= 100, f"a view has 1 to 100 blocks, not {len(blocks)}")
    _need("submit" in view or not any(one["type"] == "input" for one in blocks), "inputs need submit")
    for block in blocks:
        check = _input if block.get("type") == "input" else CHECKS.get(block.get("type", ""))
        _need(check is not None, f"view: unknown block {block.get('type')!r}")
        assert check is not None
        check(block, f"view {block['type']}")
    ids = [block["block_id"] for block in blocks if "block_id" in block]
    _need(len(set(ids)) == len(ids), "block ids are unique in a view")


def _input(block: Json, where: str) -> None:
    _keys(block, where, "block_id", "label", "element", "hint", "optional", "dispatch_action")
    _text(block.get("label"), f"{where} label", 2000, plain=True)
    if "hint" in block:
        _text(block["hint"], f"{where} hint", 2000, plain=True)
    element = block.get("element", {})
    kinds = {"plain_text_input": 0, "radio_buttons": 10, "static_select": 100, "multi_users_select": 0}
    _need(element.get("type") in kinds, f"{where}: unknown element {element.get('type')!r}")
    _keys(
        element,
        where,
        "action_id",
        "multiline",
        "initial_value",
        "max_length",
        "options",
        "placeholder",
        "initial_option",
        "focus_on_load",
    )
    if kinds[element["type"]]:
        _options(element, where, kinds[element["type"]])
    if element["type"] == "plain_text_input":
        _need(1 <= element.get("max_length", 3000) <= 3000, f"{where}: max_length of 1 to 3000")
        _need(
            len(element.get("initial_value", "-")) <= element.get("max_length", 3000),
            f"{where}: initial_value too long",
        )


def view_rendition(view: Json) -> str:
    """Give a modal as lines of plain text, roughly as Slack shows it."""
    lines = [f"## {view['title']['text']}"]
    for block in view["blocks"]:
        lines += list(_shown(block)) if block["type"] != "input" else [_shown_input(block)]
    ends = " ".join(f"[{view[name]['text']}]" for name in ("submit", "close") if name in view)
    return "\n".join([*lines, ends])


def _shown_input(block: Json) -> str:
    element = block["element"]
    words = {"plain_text_input": "____", "multi_users_select": "@____"}.get(element["type"], "")
    words = element.get("initial_value") or words
    words += " ".join(f"( ) {one['text']['text']}" for one in element.get("options", [])[:12])
    hint = f"  ({block['hint']['text']})" if "hint" in block else ""
    return f"{block['label']['text']}{' (optional)' if block.get('optional') else ''}: {words}{hint}"


def bad_metadata(metadata: object) -> str | None:
    """Give what is wrong with a message's metadata, or None."""
    if not isinstance(metadata, dict) or set(metadata) != {"event_type", "event_payload"}:
        return "event_type and event_payload, nothing else"
    if not re.fullmatch(r"[a-z0-9_]{1,255}", str(metadata["event_type"])):
        return "event_type is lower case letters, digits and underscores"
    payload = metadata["event_payload"]
    if not isinstance(payload, dict) or not all(isinstance(one, str | int | float | bool) for one in payload.values()):
        return "event_payload is an object of plain values"
    return None


# --- as a person reads it ---------------------------------------------------------------------------------------------


def buttons_of(blocks: Iterable[Json]) -> list[Json]:
    """Give every button of a message, from top to bottom."""
    return [one for one in _elements(blocks) if one["type"] == "button"]


def options_of(blocks: Iterable[Json]) -> list[tuple[Json, Json]]:
    """Give every option of a message's menus, each behind its menu."""
    return [(one, option) for one in _elements(blocks) if one["type"] == "overflow" for option in one["options"]]


def _elements(blocks: Iterable[Json]) -> list[Json]:
    return [element for block in blocks if block["type"] == "actions" for element in block["elements"]]


def rendition(text: str, blocks: Iterable[Json] | None) -> str:
    """Give a message as lines of plain text, roughly as Slack shows it."""
    if not blocks:
        return readable(text)
    return "\n".join(line for block in blocks for line in _shown(block))


def _shown(block: Json) -> Iterator[str]:
    match block["type"]:
        case "header":
            yield f"# {block['text']['text']}"
        case "section":
            yield readable(block["text"]["text"])
        case "context":
            yield from (f"({readable(element['text'])})" for element in block["elements"])
        case "actions":
            yield " ".join(_shown_button(element) for element in block["elements"])
        case "rich_text":
            for part in block["elements"]:
                words = "".join(element["text"] for element in part["elements"])
                yield f"```\n{words}\n```" if part["type"] == "rich_text_preformatted" else words


def _shown_button(button: Json) -> str:
    if button["type"] == "overflow":
        return f"[⋯ {' | '.join(one['text']['text'] for one in button['options'])}]"
    asks = f" (asks: {button['confirm']['title']['text']})" if "confirm" in button else ""
    return f"[{button['text']['text']}{asks}]"


def readable(mrkdwn: str) -> str:
    """Give mrkdwn as a person reads it: dates by their fallback, links by label, mentions by id, escapes undone."""
    words = re.sub(r"<!date\^\d+\^[^|>]*\|([^>]*)>", r"\1", mrkdwn)
    words = re.sub(r"<!subteam\^(\w+)>", r"@\1", words)
    words = re.sub(r"<@(\w+)>", r"@\1", words)
    words = re.sub(r"<(https?://[^|>]+)\|([^>]*)>", r"\2 [\1]", words)
    return words.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
