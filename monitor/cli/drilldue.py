"""`drill due`: when the next drill is due, and that a major migration was made."""

import sys
from typing import Any

from monitor.cli.incidents import Asked, Files, login_name, printed
from monitor.cli.incidentview import shown_time
from monitor.core.words import plain

PATH = "/api/v1/drills/due"

__all__ = ["PATH", "Files", "due"]


def due(files: Files, migration: str, by: str, output: str) -> int:
    """Print when the next drill is due; a `migration` that is named is noted down before."""

    def asked() -> Asked:
        if not migration:
            return Asked("GET", PATH)
        return Asked("POST", PATH, {"as": by or login_name(), "after_migration": migration})

    return printed(files, asked, output, _print)


def _print(answer: dict[str, Any]) -> None:
    found = answer["due"]
    counted, made = found["counted"], found["migrations"]
    lines = [found["sentence"], found["mend"]]
    lines += [f"The last that counts: {counted['id']}, ended {shown_time(counted['ended_at'])}."] if counted else []
    lines += [f"Migration without a drill since: {one['name']}, {shown_time(one['at'])}." for one in made]
    sys.stdout.writelines(f"{plain(line)}\n" for line in lines)
