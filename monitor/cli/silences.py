"""`silence ...`: silences from the shell, through the daemon's API where one runs, else on the store itself."""

import sys
from typing import Any

from monitor.cli.incidents import Asked, Files, login_name, printed
from monitor.cli.incidentview import shown_time
from monitor.core.words import plain

PATH = "/api/v1/silences"

__all__ = ["Files", "add", "expire", "show_all"]


def add(files: Files, wanted: dict[str, Any], by: str) -> int:
    """Make a silence, in somebody's name."""
    return printed(files, lambda: Asked("POST", PATH, {"as": by or login_name(), **wanted}), "text", _print_made)


def expire(files: Files, number: int, by: str) -> int:
    """End a silence, in somebody's name."""
    asked = Asked("POST", f"{PATH}/{number}/expire", {"as": by or login_name()})
    return printed(files, lambda: asked, "text", _print_ended)


def show_all(files: Files, output: str) -> int:
    """Print all silences and maintenance windows."""
    return printed(files, lambda: Asked("GET", PATH), output, _print_all)


def _print_made(answer: dict[str, Any]) -> None:
    one = answer["silence"]
    _say(f"silence {one['id']}: {_what(one)} pages nobody until {shown_time(one['ends_at'])}.")
    _say("It is evaluated and shown all the same, and the rollback tier pages as ever.")


def _print_ended(answer: dict[str, Any]) -> None:
    one = answer["silence"]
    _say(f"silence {one['id']} ended at {shown_time(one['expired_at'])}; what it hides and still fires pages now.")


def _print_all(answer: dict[str, Any]) -> None:
    if not answer["silences"]:
        _say("No silences.")
    for one in answer["silences"]:
        over = one["expired_at"] or one["ends_at"]
        state = "until" if one["in_force"] else "ended"
        _say(f"{one['id']}  {state} {shown_time(over)}  {_what(one)}  {one['reason']} (by {one['by']}){_hidden(one)}")
    for one in answer["maintenance"]:
        when = f"{','.join(one['days'])} {one['from']}-{one['to']} {one['zone']}"
        state = f"in force until {shown_time(one['until'])}" if one["in_force"] else "not in force"
        _say(f"maintenance {one['name']}  {when}, {state}  {_what(one)}{_hidden(one)}")


def _what(one: dict[str, Any]) -> str:
    return f"{', '.join(one['match'])} at {' and '.join(one['tiers'])}"


def _hidden(one: dict[str, Any]) -> str:
    """Give what it hides now, and how much it hid in all."""
    if not one["hidden"]:
        return ""
    now = f", now {', '.join(one['hiding'])}" if one["hiding"] else ""
    return f"; hid {one['hidden']} alert{'s' if one['hidden'] > 1 else ''}{now}"


def _say(line: str) -> None:
    sys.stdout.write(plain(line) + "\n")
