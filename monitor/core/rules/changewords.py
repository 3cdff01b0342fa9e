"""One changed value in words, as people wrote it: "for 5m -> 10m", "labels team platform -> core". Pure formatting."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields, is_dataclass
from itertools import takewhile
from typing import Any

from monitor.core.model import Labels
from monitor.core.rules.rule import Matcher
from monitor.core.words import shortened

LONGEST = 60
"""Characters of a text that are shown of each side."""

BEFORE = 15
"""Characters of a long text that are shown before the first one that differs."""

DURATIONS = frozenset(
    {
        "for",
        "window",
        "keep_firing_for",
        "gap_tolerance",
        "after_deploy",
        "interval",
        "query_offset",
        "blind_after",
        "max_catch_up",
        "reopen_within",
        "lookback",
        "proven",
        "recovery_target",
        "verify_for",
        "helps_within",
        "rollback_again",
        "blind_again",
    }
)
NEVER = frozenset({"rollback_escalate", "prepare_mention", "acknowledgement_expires"})
"""Lengths of time that may never come."""
SECONDS = frozenset({"ceiling", "fixed"})
SHARES = frozenset({"confidence", "quantile"})
TEXTS = frozenset({"labels", "annotations", "links"})
"""What is made of names with a text each."""


def value_words(name: str, before: object, after: object, show: Callable[[Any], str] | None = None) -> str:
    """Give the change of one value, such as "interval 15s -> 30s"."""
    if name in TEXTS:
        return f"{name} {_texts(before, after)}"  # type: ignore[arg-type]  # all of them are labels
    if show is None and isinstance(before, str) and isinstance(after, str):
        one, other = differing(_flat(before), _flat(after))
        return f"{name} {one or 'none'} -> {other or 'none'}"
    show = show or _shown(name)
    return f"{name} {show(before)} -> {show(after)}"


def part_words(before: object, after: object) -> tuple[str, ...]:
    """Give each field in which two values of one class differ, in its order; what has parts of its own has changed."""
    names = [one.name for one in fields(before) if getattr(before, one.name) != getattr(after, one.name)]  # type: ignore[arg-type]  # dataclasses
    return tuple(_part(name, getattr(before, name), getattr(after, name)) for name in names if name != "place")


def _part(name: str, before: object, after: object) -> str:
    if any(is_dataclass(one) or _of_parts(one) for one in (before, after)):
        comes = "comes" if before is None else "goes" if after is None else "changed"
        return f"{name} {comes}"
    return value_words(name, before, after)


def _of_parts(value: object) -> bool:
    return isinstance(value, tuple) and any(is_dataclass(one) for one in value)


def _texts(before: Labels, after: Labels) -> str:
    """Give what differs between names with a text each."""
    old, new = dict(before), dict(after)
    names = [name for name in dict.fromkeys([*old, *new]) if old.get(name) != new.get(name)]
    return ", ".join(value_words(name, old.get(name, ""), new.get(name, "")) for name in names)


def differing(before: str, after: str) -> tuple[str, str]:
    """Give two texts so short that they can be read, each with the place at which they part."""
    if max(len(before), len(after)) <= LONGEST:
        return before, after
    common = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(before, after, strict=False)))
    start = common - BEFORE if common > LONGEST // 2 else 0
    return _from(before, start), _from(after, start)


def _from(text: str, start: int) -> str:
    return shortened(f"…{text[start:]}" if start else text, LONGEST)


def _flat(text: str) -> str:
    return " ".join(text.split())


def matchers_words(matchers: Iterable[Matcher]) -> str:
    """Give matchers as they stand in a selector."""
    return "{" + ", ".join(f'{one.label}{one.op}"{one.value}"' for one in matchers) + "}"


def labels_words(labels: Labels) -> str:
    """Give labels as they stand in a selector."""
    return "{" + ", ".join(f'{name}="{value}"' for name, value in labels) + "}"


def comings(kind: str, before: Mapping[str, object], after: Mapping[str, object]) -> tuple[str, ...]:
    """Give what comes and goes of things with a name."""
    found = [f"{kind} {name} comes" for name in after if name not in before]
    return (*found, *(f"{kind} {name} goes" for name in before if name not in after))


def share(ratio: float) -> str:
    """Give a share as it is written: 2 %, 2.04 %, 99.9 %."""
    return f"{100 * ratio:.10g} %"


def share_or_none(ratio: float | None) -> str:
    """Give a share, or none."""
    return "none" if ratio is None else share(ratio)


def duration(seconds: int | None) -> str:
    """Give a length of time as it is written: 300 is 5m, 90 is 1m30s."""
    if not seconds:
        return "default" if seconds is None else "0s"
    parts, left = [], seconds
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60), ("s", 1)):
        count, left = divmod(left, size)
        parts += [f"{count}{unit}"] if count else []
    return "".join(parts)


def _shown(name: str) -> Callable[[Any], str]:
    if name in NEVER:
        return _or_never
    if name in DURATIONS:
        return _durations
    if name in SECONDS:
        return lambda value: "none" if value is None else f"{value:g}s"
    return share_or_none if name in SHARES else _plain


def _or_never(value: int | None) -> str:
    return "never" if value is None else duration(value)


def _durations(value: int | tuple[int, ...] | None) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(map(duration, value))}]" if value else "none"
    return duration(value)


def _plain(value: object) -> str:
    match value:
        case None | () | "":
            return "none"
        case bool():
            return "yes" if value else "no"
        case tuple():
            return f"[{', '.join(str(one) for one in value)}]"
        case float():
            return f"{value:g}"
        case _:
            return shortened(_flat(str(value)), LONGEST)
