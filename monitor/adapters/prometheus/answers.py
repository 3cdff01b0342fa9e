"""What a server's JSON means: payloads to the typed answers of the metrics port.

Pure functions. Nothing of a server's answer is trusted: every shape that is not as documented is "not answered". This
module must not know how the payload travelled.
"""

import math
import re
from array import array
from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from monitor.adapters.http import Reply
from monitor.core.model import Labels, Sample, labels_of
from monitor.ports.metrics import (
    Answer,
    BadQuery,
    Column,
    ColumnAnswer,
    Partial,
    RangeAnswer,
    RangeColumns,
    RangeSamples,
    Samples,
    Unanswered,
)

REMARKS = ("PromQL info:", "PromQL warning:")
LONGEST = 300
WRONG_QUERY = (400, 422)
NOT_JSON = "the answer is not Prometheus's JSON"
_STRANGE = "the answer does not have the shape of Prometheus's"
_OF_STATUS = {
    401: "it refuses our credentials",
    403: "it refuses our credentials",
    404: "there is no query API at this address",
    413: "the query is too long for it",
    429: "it is asked too much",
    502: "a proxy in front of it has no answer",
    503: "it is not ready or overloaded",
    504: "it took too long",
}


class _StrangeError(Exception):
    """A shape that no such server gives."""


def refusal(reply: Reply) -> BadQuery | Unanswered:
    """Give what an answer that is not 200 means: a wrong query only where the server says so with 400 or 422."""
    said = _error(reply)
    if reply.status_code in WRONG_QUERY:
        return BadQuery(said or f"refused with {reply.status_code}")
    if 300 <= reply.status_code < 400:  # noqa: PLR2004  # HTTP's redirects
        return Unanswered(f"it redirects elsewhere ({reply.status_code}), which is not followed")
    means = _OF_STATUS.get(reply.status_code, "it failed")
    return Unanswered(f"{means} ({reply.status_code}{': ' + said if said else ''})")


def instant(reply: Reply) -> Answer:
    """Give the samples of an instant query's 200 answer; a scalar becomes one sample without labels."""
    payload = _payload(reply)
    if not isinstance(payload, Mapping):
        return payload
    try:
        return _instant(payload)
    except _StrangeError as problem:
        return Unanswered(f"{_STRANGE}: {problem}")


def ranged(reply: Reply, start: int, end: int, step: int) -> RangeAnswer:
    """Give the samples of a range query's 200 answer by the asked times `start`, `start + step`, ... `end`."""
    payload = _payload(reply)
    if not isinstance(payload, Mapping):
        return payload
    try:
        return _ranged(payload, range(start, end + 1, step))
    except _StrangeError as problem:
        return Unanswered(f"{_STRANGE}: {problem}")


def columns(reply: Reply, start: int, end: int, step: int) -> ColumnAnswer:
    """Give the series of a range query's 200 answer, each as a column over `start`, `start + step`, ... `end`."""
    payload = _payload(reply)
    if not isinstance(payload, Mapping):
        return payload
    try:
        return _columns(payload, range(start, end + 1, step))
    except _StrangeError as problem:
        return Unanswered(f"{_STRANGE}: {problem}")


def clean(text: object) -> str:
    """Give somebody else's text as one short line without control characters."""
    line = re.sub(r"[\x00-\x20\x7f-\x9f\u2028\u2029]+", " ", str(text)).strip()
    return line if len(line) <= LONGEST else line[: LONGEST - 1] + "…"


def _instant(payload: Mapping[str, Any]) -> Answer:
    kind, result = payload["resultType"], payload["result"]
    if kind == "scalar":
        return Samples(tuple(Sample((), value) for _, value in _points([result])), payload["remarks"])
    if kind in ("matrix", "string"):
        return BadQuery(f"the query gives a {kind}; it must give an instant vector")
    if kind != "vector":
        raise _StrangeError("neither vector, scalar, matrix nor string")
    series = list(_series(result))
    if (wrong := _no_numbers(series)) is not None:
        return wrong
    samples = (Sample(labels, value) for labels, one in series for _, value in _points([one.get("value")]))
    return Samples(tuple(samples), payload["remarks"])


def _columns(payload: Mapping[str, Any], times: range) -> ColumnAnswer:
    series = _matrix(payload)
    if isinstance(series, BadQuery):
        return series
    asked = list(times)
    found = tuple(_column(labels, one.get("values"), times, asked) for labels, one in series)
    return RangeColumns(times.start, times.step, len(times), found)


def _column(labels: Labels, points: Any, times: range, asked: list[int]) -> Column:  # noqa: ANN401  # JSON is anything until it is looked at
    """Give one series; a column without gaps, which most are, is looked at as a whole rather than point by point."""
    try:
        at, texts = zip(*points, strict=True)
        if set(map(type, texts)) == {str} and list(at) == asked:
            return Column(labels, array("d", map(float, texts)))
    except (TypeError, ValueError):
        pass  # looked at point by point, so that what is wrong can be said
    values, present = array("d", bytes(8 * len(times))), bytearray(len(times))
    for moment, value in _points(points):
        if moment not in times:
            raise _StrangeError(f"a point at {moment}, which was not asked for")
        place = times.index(moment)
        values[place], present[place] = value, 1
    return Column(labels, values, bytes(present))


def _matrix(payload: Mapping[str, Any]) -> list[tuple[Labels, Mapping[str, Any]]] | BadQuery:
    if payload["resultType"] != "matrix":
        raise _StrangeError("a range query gave no matrix")
    series = list(_series(payload["result"]))
    return _no_numbers(series) or series


def _ranged(payload: Mapping[str, Any], times: range) -> RangeAnswer:
    series = _matrix(payload)
    if isinstance(series, BadQuery):
        return series
    at: dict[int, list[Sample]] = {time: [] for time in times}
    for labels, one in series:
        for time, value in _points(one.get("values")):
            if time not in at:
                raise _StrangeError(f"a point at {time}, which was not asked for")
            at[time].append(Sample(labels, value))
    return RangeSamples({time: tuple(samples) for time, samples in at.items()}, payload["remarks"])


def _payload(reply: Reply) -> Mapping[str, Any] | Partial | BadQuery | Unanswered:
    """Give resultType, result and remarks of a whole, successful answer."""
    try:
        body = reply.json()
    except orjson.JSONDecodeError:
        return Unanswered(NOT_JSON)
    if not isinstance(body, dict) or body.get("status") not in ("success", "error"):
        return Unanswered(NOT_JSON)
    if body["status"] == "error":
        return Unanswered(f"it failed: {clean(body.get('error', 'without saying why'))}")
    warnings, infos = _texts(body.get("warnings")), _texts(body.get("infos"))
    lacking = [one for one in warnings if not one.startswith(REMARKS)]
    if body.get("isPartial") is True or lacking:
        return Partial(f"the answer is partial: {lacking[0] if lacking else 'not every storage node answered'}")
    data = body.get("data")
    if not isinstance(data, dict):
        return Unanswered(f"{_STRANGE}: no data")
    return {"resultType": data.get("resultType"), "result": data.get("result"), "remarks": (*warnings, *infos)}


def _error(reply: Reply) -> str:
    """Give the sentence of an error's JSON, or "" where it is none."""
    try:
        body = reply.json()
    except orjson.JSONDecodeError:
        return ""
    return clean(body["error"]) if isinstance(body, dict) and body.get("error") else ""


def _texts(found: object) -> tuple[str, ...]:
    if not found:
        return ()
    return tuple(clean(one) for one in found) if isinstance(found, list) else (clean(found),)


def _series(result: object) -> Iterator[tuple[Any, Mapping[str, Any]]]:
    if not isinstance(result, list):
        raise _StrangeError("the result is no list")
    for one in result:
        metric = one.get("metric") if isinstance(one, dict) else None
        if not isinstance(metric, dict) or not all(isinstance(value, str) for value in metric.values()):
            raise _StrangeError("a series without labels")
        yield labels_of(metric), one


def _no_numbers(series: list[tuple[Any, Mapping[str, Any]]]) -> BadQuery | None:
    """Give why the series cannot be read as one number each, or None where they can."""
    if any("histogram" in one or "histograms" in one for _, one in series):
        return BadQuery("the query gives native histograms; it must give numbers")
    if len({labels for labels, _ in series}) < len(series):
        return BadQuery("two series carry the same labels")
    return None


def _points(points: object) -> Iterator[tuple[int, float]]:
    """Give time and value of each point; NaN and infinities are values like any other."""
    if not isinstance(points, list):
        raise _StrangeError("a series without values")
    for point in points:
        try:
            at, value = point
            if not isinstance(value, str) or not math.isfinite(at):
                raise _StrangeError("a point that is no time and value")
            yield round(at), float(value)
        except (TypeError, ValueError):
            raise _StrangeError("a point that is no time and value") from None
