"""Commands to copy, filled in with a service and its versions. Pure; the monitor runs none of them."""

import re

from monitor.core.page import CardCommand
from monitor.core.procedureevents import Pinned

SAFE = re.compile(r"[A-Za-z0-9._:/@+-]{1,300}")
"""What a shell takes as one plain word. Versions and images come from metrics: anything else is not put into one."""


def filled(run: str, pinned: Pinned) -> CardCommand:
    """Give `run` with $SERVICE, $TARGET, $CURRENT and $IMAGE filled in as far as they are known.

    What is not known stays as it is written; a value that a shell would read as more than a word is refused.
    """
    values = {
        "SERVICE": pinned.service,
        "TARGET": pinned.target,
        "CURRENT": pinned.current,
        "IMAGE": pinned.image,
    }
    wrong = [name for name, value in values.items() if value and not SAFE.fullmatch(value)]
    if used := [name for name in wrong if _uses(run, name)]:
        problem = (
            f"{used[0].lower()} of {pinned.service} holds characters that a shell would act on: fill it in by hand"
        )
        return CardCommand(run, pinned.service, problem)
    for name, value in values.items():
        if value:
            run = re.sub(rf"\$(?:{name}\b|\{{{name}\}})", lambda _found, value=value: value, run)  # type: ignore[misc]
    return CardCommand(run, pinned.service)


def _uses(run: str, name: str) -> bool:
    return re.search(rf"\$(?:{name}\b|\{{{name}\}})", run) is not None
