"""How the signals of an incident stood when they fired, and how they stand now, side by side. Pure."""

from monitor.core.events import Firing
from monitor.core.page import Reading, Scene
from monitor.core.words import measure


def compared(scene: Scene) -> tuple[tuple[str, str, str], ...]:
    """Give a row for each signal that paged: what it is, its value when it fired, and its value now."""
    rows = []
    for one in scene.incident.alerts:
        if one.value is None:
            continue
        limit = f" (limit {measure(one.limit, one.unit)})" if one.limit is not None else ""
        rows.append((f"{one.key.alert}{limit}", measure(one.value, one.unit), _now(one, scene.readings.get(one.key))))
    return tuple(rows[:20])


def _now(firing: Firing, reading: Reading | None) -> str:
    if reading is not None and reading.value is not None:
        return measure(reading.value, firing.unit)
    return "clear" if not firing.active else "not seen"
