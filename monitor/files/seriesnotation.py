"""promtool's notation of series: `metric{label="value"}`, and values such as `0+10x5 _x2 stale`.

Native histograms are refused: nothing here reads them.
"""

import re
from collections.abc import Iterator

from monitor.core.model import Labels, labels_of
from monitor.core.rules.rule import MatchOp, Place
from monitor.core.rules.ruletest import Gap, Step
from monitor.files.expressions import matchers_of, metric_of, selector
from monitor.files.nodes import Node, Scalar, WrongError
from monitor.files.scalars import scalar

MOST_STEPS = 200_000
"""The most values that one series may have: over a month of a value in 15 seconds."""

_NUMBER = r"[0-9]*\.?[0-9]+(?:[eE][+-]?[0-9]+)?|[0-9]+\.|[iI][nN][fF]|[nN][aA][nN]"
_ITEM = re.compile(
    rf"(?P<gap>_)(?:x(?P<gaps>[0-9]+))?|(?P<stale>stale)"
    rf"|(?P<first>[+-]?(?:{_NUMBER}))(?:(?P<step>[+-](?:{_NUMBER}))?x(?P<times>[0-9]+))?"
)
_FORMS = "values are written like 1 2.5 _ stale, 5x3 (5 5 5 5), 0+10x3 (0 10 20 30), 9-3x2 (9 6 3), _x3"


def values(node: Node) -> tuple[Step, ...]:
    """Give what a text in promtool's notation stands for, a step each."""
    word = scalar(node, "values such as 0+10x5") if not _is_empty(node) else node
    if not isinstance(word, Scalar):
        raise WrongError(node.place, "expected values such as 0+10x5", _FORMS)
    found: list[Step] = []
    for item in re.finditer(r"\S+", word.text):
        place = word.at(item.start())
        found += _steps(item[0], place)
        if len(found) > MOST_STEPS:
            raise WrongError(place, f"a series has at most {MOST_STEPS} values", "a shorter stretch?")
    return tuple(found)


def _is_empty(node: Node) -> bool:
    return isinstance(node, Scalar) and not node.text.strip()


def _steps(item: str, place: Place) -> Iterator[Step]:
    if item.startswith("{{"):
        hint = "write the classic series with _bucket and le"
        raise WrongError(place, "native histograms are not covered", hint, "not-covered")
    found = _ITEM.fullmatch(item)
    if found is None:
        raise WrongError(place, f"`{item}` is no value of a series", _FORMS)
    if any(len(found[times] or "") > len(str(MOST_STEPS)) for times in ("gaps", "times")):
        raise WrongError(place, f"`{item}` repeats more than {MOST_STEPS} times", _FORMS)
    if found["gap"]:
        return iter([Gap.OMITTED] * int(found["gaps"] or 1))
    if found["stale"]:
        return iter([Gap.STALE])
    return _numbers(float(found["first"]), float(found["step"] or 0), int(found["times"] or 0))


def _numbers(value: float, step: float, times: int) -> Iterator[float]:
    """Give the first value and `times` more, added up one by one as promtool does: floats differ otherwise."""
    for _ in range(times + 1):
        yield value
        value += step


def series(node: Node) -> Labels:
    """Give the labels of `metric{label="value"}`, `__name__` among them."""
    word = scalar(node, "a series such as 'up{job=\"auth\"}'")
    if word.text.replace(" ", "") == "{}":
        return ()
    canonical = selector(node)
    found = matchers_of(canonical)
    other = next((one for one in found if one.op is not MatchOp.EQUAL), None)
    if other is not None:
        raise WrongError(word.place, f"a series has values, no conditions: `{other.label}{other.op.value}`", "write =")
    labels = {one.label: one.value for one in found}
    if metric_of(canonical):
        labels["__name__"] = metric_of(canonical)
    return labels_of({name: value for name, value in labels.items() if value})
