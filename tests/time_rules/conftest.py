"""One real Prometheus for each module, holding the past that the module calls `HISTORY`."""

from collections.abc import Iterator

import pytest

from monitor.adapters.prometheus import PrometheusSource
from tests.servers.prometheus import Prometheus


@pytest.fixture(scope="module")
def source(request: pytest.FixtureRequest) -> Iterator[PrometheusSource]:
    with Prometheus(history=request.module.HISTORY) as prometheus:
        opened = PrometheusSource(prometheus.url)
        yield opened
        opened.close()
