"""Columns of a range say what its rows say, whatever a server answers."""

import json
import math

import pytest

from monitor.adapters.http import Reply
from monitor.adapters.memory.world import ScriptedSource
from monitor.adapters.prometheus import PrometheusSource, SeveralSources
from monitor.adapters.prometheus.answers import columns, ranged
from monitor.core.model import Labels, Sample
from monitor.ports.metrics import BadQuery, RangeColumns, RangeSamples, Samples, TooMuch, Unanswered
from tests.servers.hostile import Hostile, reply
from tests.servers.ports import free_port
from tests.servers.prometheus import Prometheus

T, STEP = 1_699_999_200, 15
END = T + 3 * STEP


def answered(*series: object, **more: object) -> Reply:
    data = {"resultType": "matrix", "result": list(series)}
    return Reply(200, {}, json.dumps({"status": "success", "data": data, **more}).encode())


def one(values: object, **labels: str) -> dict[str, object]:
    return {"metric": labels, "values": values}


WHOLE = [[T + i * STEP, str(i)] for i in range(4)]


@pytest.mark.parametrize(
    "payload",
    [
        answered(),
        answered(one(WHOLE, job="a"), one(WHOLE[1:], job="b"), one([WHOLE[0], WHOLE[3]], job="c")),
        answered(one([[T, "NaN"], [T + STEP, "+Inf"], [T + 2 * STEP, "-Inf"]])),
        answered(one([[T + 0.0, "1"]])),
        answered(one([])),
        answered(one([[T + 7, "1"]])),
        answered(one([[T - STEP, "1"]])),
        answered(one([[T, 1]])),
        answered(one([[at, 1] for at, _ in WHOLE])),
        answered(one([[T, "one"]])),
        answered(one([[T, "1", "2"]])),
        answered(one([[math.nan, "1"]])),
        answered(one("values")),
        answered(one(None)),
        answered({"metric": {}, "histograms": []}),
        answered(one(WHOLE, job="a"), one(WHOLE, job="a")),
        answered("series"),
        answered(one(WHOLE), warnings=["a store is away"]),
        answered(one(WHOLE), isPartial=True),
        Reply(200, {}, b"<html>"),
        Reply(200, {}, b'{"status": "error", "error": "no"}'),
        Reply(200, {}, b'{"status": "success", "data": {"resultType": "vector", "result": []}}'),
    ],
)
def test_columns_say_what_rows_say(payload: Reply) -> None:
    by_row, by_column = ranged(payload, T, END, STEP), columns(payload, T, END, STEP)
    if not isinstance(by_row, RangeSamples):
        assert by_column == by_row
        return
    assert isinstance(by_column, RangeColumns)
    assert told(by_column) == {at: told_row(samples) for at, samples in by_row.at.items()}


def told(found: RangeColumns) -> dict[int, set[tuple[Labels, str]]]:
    return {
        found.start + place * found.step: {
            (column.labels, repr(column.values[place]))
            for column in found.columns
            if not column.present or column.present[place]
        }
        for place in range(found.count)
    }


def told_row(samples: tuple[Sample, ...]) -> set[tuple[Labels, str]]:
    return {(sample.labels, repr(sample.value)) for sample in samples}


def test_a_real_server_and_its_stand_in_and_the_shipped_fake_give_columns() -> None:
    with Prometheus(history={'up{job="a"}': [(at, 1.0) for at in range(T - 600, T + 1, 15)]}) as prometheus:
        real = PrometheusSource(prometheus.url)
        found = real.columns("up", T - 30, T + 600, 15, deadline=5.0)
        rows = real.range("up", T - 30, T + 600, 15, deadline=5.0)
        assert isinstance(found, RangeColumns)
        assert isinstance(rows, RangeSamples)
        assert told(found) == {at: told_row(samples) for at, samples in rows.at.items()}
        assert isinstance(real.columns("up", T - 12_000 * 15, T, 15, deadline=5.0), BadQuery)
        assert isinstance(real.columns("up", T, T, 15, deadline=0.0), Unanswered)
        scripted = ScriptedSource(lambda _, at: Samples(rows.at[at]))
        assert scripted.columns("up", T - 30, T + 600, 15, deadline=1.0) == found
        several = SeveralSources([PrometheusSource(f"http://127.0.0.1:{free_port()}"), real])
        stands_in = several.columns("up", T - 30, T, 15, deadline=5.0)
        assert isinstance(stands_in, RangeColumns)
        assert stands_in.source == prometheus.url
        several.close()


def test_a_422_is_too_much() -> None:
    with Hostile(reply({"status": "error", "error": "too many samples"}, 422)) as server:
        source = PrometheusSource(server.url)
        assert isinstance(source.columns("up", T, END, STEP, deadline=5.0), TooMuch)
        source.close()
