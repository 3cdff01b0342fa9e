"""`drill ...`: through the daemon's API where one runs, else on the store itself."""

import sys
from collections.abc import Callable
from typing import Any

from monitor.cli.incidents import INCIDENT, Asked, Files, RefusedError, login_name, printed
from monitor.cli.incidentview import shown_time, unsure
from monitor.core.drill.scenario import Kind
from monitor.core.drill.signing import DOES_NOT_COUNT, incomplete
from monitor.core.rules.rule import Place
from monitor.core.words import lasted_seconds, plain
from monitor.files.nodes import Scalar, WrongError
from monitor.files.scalars import positive_duration

PATH = "/api/v1/drills"
READING = 40
"""Seconds that a report may take: the daemon reads signals for it, and lets go of a request after 30."""

__all__ = ["Files", "act", "report", "seconds_of", "start", "status"]


def start(files: Files, wanted: dict[str, Any], target: str, by: str) -> int:
    """Begin a drill, in somebody's name."""

    def asked() -> Asked:
        seconds = {"recovery_target_s": seconds_of("--recovery-target", target)} if target else {}
        return Asked("POST", PATH, {"as": by or login_name(), **wanted, **seconds})

    return printed(files, asked, "text", _print_begun)


def act(files: Files, name: str, action: str, by: str, note: str) -> int:
    """Do something with a drill; without a name with the one that runs."""
    body = {"as": by or login_name(), "note": note}
    return _with(files, name, lambda which: Asked("POST", f"{PATH}/{which}/{action}", body), "text", _print_moved)


def report(files: Files, name: str, output: str) -> int:
    """Print the report of a drill; without a name of the newest."""
    return _with(
        files,
        name,
        lambda which: Asked("GET", f"{PATH}/{which}/report", within=READING),
        output,
        _print_report,
        running=False,
    )


def _with(
    files: Files,
    name: str,
    asked: Callable[[str], Asked],
    output: str,
    draw: Callable[[dict[str, Any]], None],
    *,
    running: bool = True,
) -> int:
    """Ask about the drill called `name`; without one about the newest, or the one that runs."""
    if name:
        return printed(files, lambda: asked(_named(name)), output, draw)
    found: list[str] = []

    def find(answer: dict[str, Any]) -> None:
        stages = {"started", "injected"}
        found.extend(one["id"] for one in answer["drills"] if not running or one["stage"] in stages)

    code = printed(files, lambda: Asked("GET", PATH), "text", find)
    if not code and not found:
        sys.stderr.write(f"rollback-monitor: {'no drill runs' if running else 'no drill was ever held'}.\n")
    return printed(files, lambda: asked(found[0]), output, draw) if found else 1


def status(files: Files, output: str) -> int:
    """Print what runs, what was held, and what could be."""
    return printed(files, lambda: Asked("GET", PATH), output, _print_all)


def _named(name: str) -> str:
    asked = name.strip().upper()
    if not INCIDENT.fullmatch(asked):
        raise RefusedError(f"{name!r} names no drill; write it like DRILL-0007.")
    return asked


def seconds_of(option: str, text: str) -> int:
    """Give a length of time such as 15m in seconds. Raises RefusedError, which names the option."""
    try:
        return positive_duration(Scalar(text, plain=True, place=Place(option, 1, 1)))
    except WrongError as wrong:
        raise RefusedError(f"{option}: {wrong.message}; write 15m.") from wrong


def _print_begun(answer: dict[str, Any]) -> None:
    one = answer["drill"]
    _say(f"{one['id']} has begun: {one['title']} ({one['kind']}), in {one['channel']}.")
    if one["kind"] == Kind.PAGER:
        _say("Acknowledge its page, and take command: nothing is rolled back in it.")
    else:
        _say(f"To be mitigated within {lasted_seconds(one['recovery_target_s'])} of the injection.")
    if one["injected"] is None:
        _say(f"Say so just before you inject the fault: rollback-monitor drill inject {one['id']}")
    _say(f"Follow it: rollback-monitor incident show {one['id']}")


def _print_moved(answer: dict[str, Any]) -> None:
    one = answer["drill"]
    signed = ", ".join(f"{sign['by']}{unsure(sign['verified'])}" for sign in one["signed"])
    _say(f"{one['id']}: {one['stage'].replace('_', ' ')}{f', signed by {signed}' if signed else ''}.")
    if one["signed"] and not one["signed"][-1]["counts"]:
        _say(f"{one['signed'][-1]['by']}'s signature is kept, and {DOES_NOT_COUNT}.")
    if one["signed"] and one["signatures_missing"]:
        _say(f"{incomplete(one['id'], one['signatures_missing'])}.")
    if one["stage"] == "finished":
        _say(f"What it proved: rollback-monitor drill report {one['id']}")


def _print_report(answer: dict[str, Any]) -> None:
    sys.stdout.write(answer["report"])


def _print_all(answer: dict[str, Any]) -> None:
    if not answer["drills"]:
        _say("No drill was ever held.")
    for one in answer["drills"]:
        how = one["stage"].replace("_", " ")
        _say(f"{one['id']}  {shown_time(one['started']['at'])}  {one['kind']:<17}  {how:<10}  {one['title']}")
    _say("")
    _say("Scenarios:")
    for one in answer["scenarios"]:
        _say(f"  {one['name']:<14}  {one['kind']:<17}  {one['title']}")


def _say(line: str) -> None:
    sys.stdout.write(plain(line) + "\n")
