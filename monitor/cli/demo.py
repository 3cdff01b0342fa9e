"""`rollback-monitor demo`: the whole thing on this machine. Only turns what was typed into a plan."""

import sys
from pathlib import Path


def run(break_: str, for_seconds: float | None, *, keep: bool = False, rules: Path | None = None) -> int:
    """Show the monitor on a shop that `break_` breaks; give the exit code (2: what was typed cannot be shown)."""
    from monitor.demo.catalogue import Fault  # noqa: PLC0415  # keeps --help free of what only the demo needs
    from monitor.demo.run import Plan, shipped_rules  # noqa: PLC0415  # the same
    from monitor.demo.run import run as show  # noqa: PLC0415  # the same

    if break_ not in set(Fault):
        return _refuse(f"--break {break_}: no such fault; there are {', '.join(Fault)}")
    folder = rules or shipped_rules()
    if folder is None:
        return _refuse("this installation has no rules folder of its own: name one with --rules DIR")
    if not folder.is_dir():
        return _refuse(f"--rules {folder}: no such folder")
    return show(Plan(Fault(break_), folder.resolve(), for_seconds, keep=keep))


def _refuse(why: str) -> int:
    """Say why nothing is shown."""
    sys.stderr.write(f"rollback-monitor demo: {why}\n")
    return 2
