"""How incidents and drills are called."""

import re

INCIDENT, DRILL = "INC", "DRILL"

NOT_REAL = "DRILL (not real): "
"""What everything begins with that people read of a drill."""

GIVEN_UP = "DRILL ABORTED by"
"""What says that a drill was given up; by whom follows."""


def incident_id(number: int, prefix: str = INCIDENT) -> str:
    """Give the name of incident `number`: INC-0142."""
    return f"{prefix}-{number:04d}"


def number_of(name: str) -> int:
    """Give the number of the incident or drill `name`: 142 of INC-0142."""
    return int(name.rpartition("-")[2])


def is_drill(name: str) -> bool:
    """Whether `name` is that of a drill."""
    return name.startswith(f"{DRILL}-")


def drill_named(text: str) -> str:
    """Give the first drill that `text` names, or nothing."""
    found = re.search(rf"\b{DRILL}-[0-9]{{1,9}}\b", text)
    return found.group() if found else ""


def marked(name: str, text: str) -> str:
    """Give `text` as people read it of incident `name`: of a drill it says so first."""
    return f"{NOT_REAL}{text}" if is_drill(name) and not text.startswith(NOT_REAL) else text


def led(by: str, text: str) -> str:
    """Give `text` with `by` before it; what says that it is a drill stays first."""
    return f"{NOT_REAL}{by}{text.removeprefix(NOT_REAL)}" if text.startswith(NOT_REAL) else f"{by}{text}"
