"""Columns of a range answer, cut and put together. Pure."""

from array import array
from collections.abc import Mapping, Sequence

from monitor.core.model import Labels
from monitor.ports.metrics import Column, RangeColumns

DOUBLE = 8
"""Bytes of a value."""


def last_of(columns: RangeColumns) -> int:
    """Give the last time of `columns`."""
    return columns.start + (columns.count - 1) * columns.step


def cut(columns: RangeColumns, start: int, end: int) -> RangeColumns:
    """Give the part from `start` to `end` (inclusive, both within), without series that have nothing in it."""
    begin = (start - columns.start) // columns.step
    count = (end - start) // columns.step + 1
    if begin == 0 and count == columns.count:
        return columns
    parts = (
        Column(one.labels, one.values[begin : begin + count], one.present[begin : begin + count])
        for one in columns.columns
    )
    kept = tuple(one for one in parts if not one.present or any(one.present))
    return RangeColumns(start, columns.step, count, kept, columns.source)


def joined(pieces: Sequence[RangeColumns]) -> RangeColumns:
    """Give adjacent `pieces` (at least one, in order) as one."""
    if len(pieces) == 1:
        return pieces[0]
    count = sum(one.count for one in pieces)
    known = [{column.labels: column for column in one.columns} for one in pieces]
    every = dict.fromkeys(labels for one in known for labels in one)
    columns = tuple(_joined(labels, pieces, known) for labels in every)
    source = next((one.source for one in pieces if one.source), "")
    return RangeColumns(pieces[0].start, pieces[0].step, count, columns, source)


def _joined(labels: Labels, pieces: Sequence[RangeColumns], known: Sequence[Mapping[Labels, Column]]) -> Column:
    values, present = array("d"), bytearray()
    for piece, columns in zip(pieces, known, strict=True):
        column = columns.get(labels)
        if column is None:
            values.frombytes(bytes(DOUBLE * piece.count))
            present += bytes(piece.count)
        else:
            values += column.values
            present += column.present or b"\x01" * piece.count
    return Column(labels, values, b"" if all(present) else bytes(present))
