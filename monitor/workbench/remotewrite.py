"""Series -> the body of one remote write request: protobuf in a snappy block, as Prometheus's receiver takes it.

By hand, since two messages of four fields need no library: a snappy block may be made of literals alone. Unlike
OpenMetrics read by `promtool tsdb create-blocks-from`, whose NaN is always the ordinary one, it carries marks of
staleness bit by bit.
"""

import struct
from collections.abc import Iterable, Iterator

from monitor.core.model import Labels
from monitor.core.rules.ruletest import Gap, InputSeries, Step

STALE = 0x7FF0000000000002
"""The NaN by which Prometheus marks that a series has ended (`model/value`)."""

_CHUNK = 1 << 16
_BYTES, _DOUBLE, _VARINT = 2, 1, 0


def body(series: Iterable[InputSeries], interval: int, base: int) -> bytes:
    """Give the request that writes `series` with a sample each `interval` seconds from `base` (epoch seconds) on."""
    return _snappy(b"".join(_series(one, interval, base) for one in series))


def _series(series: InputSeries, interval: int, base: int) -> bytes:
    samples = (_sample(base + index * interval, step) for index, step in enumerate(series.steps) if _is_written(step))
    return _message(1, b"".join((*_labels(series.labels), *samples)))


def _is_written(step: Step) -> bool:
    return step is not Gap.OMITTED


def _labels(labels: Labels) -> Iterator[bytes]:
    for name, value in labels:
        yield _message(1, _message(1, name.encode()) + _message(2, value.encode()))


def _sample(at: int, step: Step) -> bytes:
    value = struct.pack("<Q", STALE) if isinstance(step, Gap) else struct.pack("<d", step)
    return _message(2, _key(1, _DOUBLE) + value + _key(2, _VARINT) + _varint(at * 1000))


def _message(number: int, content: bytes) -> bytes:
    return _key(number, _BYTES) + _varint(len(content)) + content


def _key(number: int, wire: int) -> bytes:
    return _varint(number << 3 | wire)


def _varint(number: int) -> bytes:
    """Give protobuf's variable-length form; negative numbers as 64 bits in two's complement."""
    number &= (1 << 64) - 1
    found = bytearray()
    while number > 0x7F:  # noqa: PLR2004  # seven bits a byte
        found.append(number & 0x7F | 0x80)
        number >>= 7
    found.append(number)
    return bytes(found)


def _snappy(content: bytes) -> bytes:
    """Give a snappy block of literals: the length, and chunks each after its tag (61 << 2: two bytes of length)."""
    chunks = [content[start : start + _CHUNK] for start in range(0, len(content), _CHUNK)]
    return _varint(len(content)) + b"".join(b"\xf4" + struct.pack("<H", len(one) - 1) + one for one in chunks)
