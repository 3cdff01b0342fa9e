"""Single values as people write them: texts, names, numbers, durations, thresholds. One reader each.

A reader gives the value or raises `WrongError` with what would be right. Durations are seconds.
"""

import re
from collections.abc import Callable

from monitor.core.rules.signal import Unit
from monitor.files.nodes import Mapping, Node, Scalar, Sequence, WrongError

_SURPRISES = re.compile(r"(y|n|yes|no|on|off|true|false|null|~)", re.IGNORECASE)
_ODD_NUMBER = re.compile(r"[+-]?(0\d+|0[xob][0-9a-f_]+|[0-9.]+e[+-]?\d+|\d[\d_]*_[\d_]*|\d+(:\d+)+)", re.IGNORECASE)
NUMBER = re.compile(r"-?(0|[1-9]\d{0,14})(\.\d{1,15})?")
_ENDLESS = re.compile(r"[+-]?\.?(nan|inf|infinity)", re.IGNORECASE)
DURATION = re.compile(r"(?:(\d{1,4})w)?(?:(\d{1,5})d)?(?:(\d{1,6})h)?(?:(\d{1,7})m)?(?:(\d{1,9})s)?(?:(\d{1,9})ms)?")
_SECONDS = (604_800, 86_400, 3600, 60, 1, 0.001)
LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_LONGEST = 366 * 86_400


def kind_of(node: Node) -> str:
    """Give what `node` is, in a person's words."""
    match node:
        case Mapping():
            return "a mapping"
        case Sequence():
            return "a list"
        case Scalar(text="", plain=True):
            return "nothing"
        case Scalar():
            return f"`{node.text}`"


def scalar(node: Node, wanted: str) -> Scalar:
    """Give `node` if it is a word; `wanted` says what should have stood here."""
    if not isinstance(node, Scalar):
        raise WrongError(node.place, f"expected {wanted}, found {kind_of(node)}")
    if node.plain and not node.text:
        raise WrongError(node.place, f"expected {wanted}, found nothing")
    return node


def text(node: Node) -> str:
    """Give a text; words that YAML tools read as booleans, nothing or odd numbers must be quoted."""
    word = scalar(node, "a text")
    if word.plain and (_SURPRISES.fullmatch(word.text) or _ODD_NUMBER.fullmatch(word.text)):
        raise WrongError(word.place, f"`{word.text}` is not a text to every YAML reader", f'quote it: "{word.text}"')
    if "\x00" in word.text:
        raise WrongError(word.place, "a text cannot hold the NUL character")
    return word.text


def name(node: Node) -> str:
    """Give a text of one line that is not blank and at most 200 characters long."""
    word = text(node)
    if not word.strip() or "\n" in word or len(word) > 200:  # noqa: PLR2004  # a name must fit a line of a page
        raise WrongError(node.place, "expected a name: one line, not blank, at most 200 characters")
    return word


def label_name(node: Node) -> str:
    """Give a Prometheus label name."""
    word = text(node)
    if not LABEL.fullmatch(word):
        raise WrongError(node.place, f"`{word}` is no label name", "letters, digits and _, not a digit first")
    return word


def number(node: Node) -> float:
    """Give a plain decimal number that is not negative."""
    word = scalar(node, "a number")
    return _number(word, word.text, "a number such as 20")


def whole_number(node: Node) -> int:
    """Give a whole number of at least 1."""
    found = number(node)
    if found != int(found) or found < 1:
        raise WrongError(node.place, f"expected a whole number of at least 1, found {kind_of(node)}")
    return int(found)


def _number(word: Scalar, digits: str, wanted: str, *, signed: bool = False) -> float:
    """Give `digits` as a number, `signed` allowing it below zero; `word` is where they stand."""
    if _ENDLESS.fullmatch(digits):
        raise WrongError(word.place, f"`{digits}` is no number that anything can be compared with", f"write {wanted}")
    if _ODD_NUMBER.fullmatch(digits):
        hint = f"YAML readers disagree about it: write it in plain digits, such as {_plainly(digits)}"
        raise WrongError(word.place, f"`{digits}` is ambiguous", hint)
    if not NUMBER.fullmatch(digits):
        raise WrongError(word.place, f"expected {wanted}, found `{word.text}`", _number_hint(word.text))
    if digits.startswith("-") and not signed:
        raise WrongError(word.place, f"`{word.text}` is below zero", f"write {wanted}")
    return float(digits)


def _number_hint(word: str) -> str:
    """Give what people mean who write a number in other ways."""
    if share := re.fullmatch(r"(\d+(?:\.\d+)?)\s*(?:%|percent|per cent|pct)", word):
        return f"write {share[1]}%"
    if re.fullmatch(r"[\u201c\u201d\u2018\u2019\u201e]\S+", word):
        return "curly quotes are part of the word: write the number without quotes"
    if word.isalpha():
        return "write it in digits"
    return ""


def _plainly(digits: str) -> str:
    """Give an odd number in plain digits, for a hint."""
    plain = digits.replace("_", "").lstrip("+")
    if re.fullmatch(r"0x[0-9a-f]{1,12}", plain, re.IGNORECASE):
        return str(int(plain, 16))
    if re.fullmatch(r"\d{1,6}(\.\d{1,6})?[eE][+-]?\d{1,2}", plain):
        return f"{float(plain):.15f}".rstrip("0").rstrip(".")
    return (plain.lstrip("0") or "0") if plain.isdigit() else "300"


def boolean(node: Node) -> bool:
    """Give true or false; YAML 1.1's other words for them are refused."""
    word = scalar(node, "true or false")
    if word.plain and word.text in ("true", "false"):
        return word.text == "true"
    says = "true" if word.text.lower() in ("y", "yes", "on", "true") else "false"
    hint = f"write {says}" if _SURPRISES.fullmatch(word.text) else ""
    raise WrongError(word.place, f"expected true or false, found `{word.text}`", hint)


def _seconds(word: Scalar) -> float | None:
    """Give a Prometheus duration in seconds, or None where `word` is none."""
    found = DURATION.fullmatch(word.text)
    if not word.text or found is None:
        return 0.0 if word.text == "0" else None
    parts = (int(count) * unit for count, unit in zip(found.groups("0"), _SECONDS, strict=True))
    return round(sum(parts), 3)


def seconds(node: Node) -> float:
    """Give a duration such as 250ms, 90s, 1h30m, in seconds; more than 0."""
    word = scalar(node, "a duration such as 250ms or 2s")
    found = _seconds(word)
    if found is None:
        raise WrongError(word.place, f"`{word.text}` is no duration", _duration_hint(word.text, "250ms or 2s"))
    if not 0 < found <= _LONGEST:
        raise WrongError(word.place, "expected a duration over 0 and under a year")
    return found


def duration(node: Node) -> int:
    """Give a duration in whole seconds, 0 or more."""
    word = scalar(node, "a duration such as 5m")
    found = _seconds(word)
    if found is None:
        raise WrongError(word.place, f"`{word.text}` is no duration", _duration_hint(word.text, "90s, 5m or 1h30m"))
    if found != int(found):
        raise WrongError(word.place, f"`{word.text}` is not in whole seconds", f"write {max(1, round(found))}s")
    if found > _LONGEST:
        raise WrongError(word.place, f"`{word.text}` is longer than a year")
    return int(found)


def positive_duration(node: Node) -> int:
    """Give a duration of at least one second."""
    found = duration(node)
    if found == 0:
        raise WrongError(node.place, "expected a duration over 0, such as 1m")
    return found


def _duration_hint(word: str, examples: str) -> str:
    if re.fullmatch(r"\d+", word):
        return f"with its unit: {word.lstrip('0') or '0'}s"
    if clock := re.fullmatch(r"(\d{1,3}):(\d\d)", word):
        return f"write {int(clock[1])}m{int(clock[2])}s" if int(clock[2]) else f"write {int(clock[1])}m"
    if re.fullmatch(r"\d+\.\d+[smhd]", word):
        return "whole numbers only: 1h30m, not 1.5h"
    return f"write it like {examples}"


def threshold(unit: Unit) -> Callable[[Node], float]:
    """Give the reader of thresholds for values of `unit`: shares as 2% or 0.02, numbers also as durations."""

    def read(node: Node) -> float:
        word = scalar(node, f"a threshold such as {_EXAMPLE[unit]}")
        if word.text.endswith("%"):
            found = round(_number(word, word.text[:-1], f"a share such as {_EXAMPLE[unit]}") / 100, 15)
        elif (time := _seconds(word)) is not None and not word.text.isdigit():
            found = time
            if unit is not Unit.NUMBER:
                raise WrongError(
                    word.place, f"`{word.text}` is a duration, and {_MEANS[unit]}", f"write {_EXAMPLE[unit]}"
                )
        else:
            found = _number(word, word.text, f"a threshold such as {_EXAMPLE[unit]}", signed=unit is Unit.NUMBER)
        if unit in (Unit.RATIO, Unit.UP) and found > 1:
            hint = f"write {word.text}%" if not word.text.endswith("%") and found <= 100 else ""  # noqa: PLR2004  # per cent
            raise WrongError(word.place, f"`{word.text}` is more than 100 %, and {_MEANS[unit]}", hint)
        return found

    return read


_EXAMPLE = {Unit.RATIO: "2%", Unit.UP: "50%", Unit.SLOWER: "50%", Unit.NUMBER: "3, 2%, 250ms or 15m"}
_MEANS = {
    Unit.RATIO: "the value is a share of requests",
    Unit.UP: "the value is the share that is up",
    Unit.SLOWER: "the value is how much slower than the baseline",
    Unit.NUMBER: "the value is a number",
}


def one_of(*words: str) -> Callable[[Node], str]:
    """Give the reader of a word out of a fixed list."""

    def read(node: Node) -> str:
        listed = ", ".join(words)
        word = scalar(node, f"one of {listed}")
        if word.text not in words:
            raise WrongError(word.place, f"expected one of {listed}, found `{word.text}`")
        return word.text

    return read


def sequence(node: Node, example: str) -> Sequence:
    """Give `node` if it is a list; `example` shows one."""
    if not isinstance(node, Sequence):
        hint = f"write [{node.text}]" if isinstance(node, Scalar) and node.text else f"write it like {example}"
        raise WrongError(node.place, f"expected a list, found {kind_of(node)}", hint)
    return node


def names(node: Node) -> tuple[str, ...]:
    """Give a list of names, each once."""
    return _each(node, name, "[auth, billing]")


def label_names(node: Node) -> tuple[str, ...]:
    """Give a list of label names, each once."""
    return _each(node, label_name, "[job]")


def _each(node: Node, read: Callable[[Node], str], example: str) -> tuple[str, ...]:
    words: dict[str, None] = {}
    for item in sequence(node, example).items:
        word = read(item)
        if word in words:
            raise WrongError(item.place, f"`{word}` stands twice")
        words[word] = None
    return tuple(words)
