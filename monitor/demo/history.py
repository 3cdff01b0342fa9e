"""Two days of the healthy shop as Prometheus blocks, so that baselines exist the moment the demo starts.

The text is OpenMetrics, drawn from the same catalogue as the live traffic with the same labels; `promtool` turns it
into blocks. Expected counts, no chance: a counter is its rate times the time. Times are whole seconds since the epoch.
"""

import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO, TypeAlias

from monitor.demo.catalogue import (
    BUCKETS,
    CHECKS,
    CODES,
    DEPLOYED_BY,
    EVERYDAY_FAILURES,
    INVOICES_PER_SECOND,
    OUTCOMES,
    PROBE_JOB,
    PROBES,
    SERVICES,
    TRANSITIONS_PER_SECOND,
    Route,
    Service,
    instance,
)

COARSE_SECONDS = 120
FINE_SECONDS = 15
FINE_SPAN = 900
"""The last quarter of an hour is as fine as rules with short windows need."""

HISTORIC_LATENCIES = ("auth", "transactions", "partner-registry")
"""The services whose histograms have a past: those that the shipped latency rules judge."""

Labels: TypeAlias = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Series:
    """One series and how its value comes from the seconds since the history began."""

    name: str
    labels: Labels
    value: Callable[[int], float]

    def __str__(self) -> str:
        inside = ",".join(f'{name}="{value}"' for name, value in self.labels)
        return f"{self.name}{{{inside}}}"


def _counting(per_second: float) -> Callable[[int], float]:
    return lambda elapsed: int(per_second * elapsed)


def _always(value: float) -> Callable[[int], float]:
    return lambda _: value


def grid(start: int, end: int) -> list[int]:
    """Give the times of the samples: coarse ones, then fine ones over the last `FINE_SPAN`, the last at `end`."""
    fine = max(start, end - FINE_SPAN)
    return [*range(start, fine, COARSE_SECONDS), *range(fine, end, FINE_SECONDS), end]


def _requests(target: Labels, route: Route) -> Iterator[Series]:
    shares = {"200": 1 - EVERYDAY_FAILURES, "500": EVERYDAY_FAILURES}
    for code in CODES:
        labels = (*target, ("route", route.path), ("code", code))
        yield Series("http_requests_total", labels, _counting(route.per_second * shares.get(code, 0.0)))


def _latencies(target: Labels, route: Route) -> Iterator[Series]:
    name, labels = "http_request_duration_seconds", (*target, ("route", route.path))
    for bound in BUCKETS:
        within = _counting(route.per_second * route.share_within(bound))
        yield Series(f"{name}_bucket", (*labels, ("le", str(bound))), within)
    yield Series(f"{name}_bucket", (*labels, ("le", "+Inf")), _counting(route.per_second))
    yield Series(f"{name}_count", labels, _counting(route.per_second))


def _target(job: str) -> Labels:
    return (("job", job), ("instance", instance(job)))


def _business(billing: Labels, transactions: Labels) -> Iterator[Series]:
    rates = {
        "invoice_generations_total": INVOICES_PER_SECOND,
        "invoice_status_transitions_total": TRANSITIONS_PER_SECOND,
    }
    for name, per_second in rates.items():
        for outcome in OUTCOMES:
            happens = per_second if outcome == "success" else 0.0
            yield Series(name, (*billing, ("outcome", outcome)), _counting(happens))
    for check in CHECKS:
        yield Series("data_integrity_violations", (*transactions, ("check", check)), _always(0))


def _of_service(service: Service) -> Iterator[Series]:
    target = _target(service.name)
    yield Series("up", target, _always(1))
    build = (*target, ("version", service.version), ("deployed_by", DEPLOYED_BY))
    yield Series("app_build_info", build, _always(1))
    if service.schema:
        yield Series("db_schema_info", (*target, ("version", service.schema)), _always(1))
    for flag in service.flags:
        yield Series("feature_flag_enabled", (*target, ("flag", flag)), _always(1))
    for route in service.routes:
        yield from _requests(target, route)
        if service.name in HISTORIC_LATENCIES:
            yield from _latencies(target, route)


def series() -> list[Series]:
    """Give every series that has a past, each name together, as OpenMetrics wants it."""
    found = [one for service in SERVICES for one in _of_service(service)]
    found += _business(_target("billing"), _target("transactions"))
    found.append(Series("up", _target(PROBE_JOB), _always(1)))
    for service, endpoint in PROBES:
        labels = (*_target(PROBE_JOB), ("service", service), ("endpoint", endpoint))
        found.append(Series("probe_success", labels, _always(1)))
    return sorted(found, key=lambda one: one.name.removesuffix("_bucket").removesuffix("_count"))


def write(file: TextIO, start: int, end: int) -> None:
    """Write the history from `start` to `end` as OpenMetrics."""
    times = grid(start, end)
    for one in series():
        head = str(one)
        file.writelines(f"{head} {one.value(at - start)} {at}\n" for at in times)
    file.write("# EOF\n")


def backfill(promtool: str, text: Path, blocks: Path, start: int, end: int) -> None:
    """Turn the history from `start` to `end` into blocks under `blocks`, by way of the file `text`.

    Raises `RuntimeError` with what promtool said when it does not succeed.
    """
    with text.open("w") as file:
        write(file, start, end)
    command = [promtool, "tsdb", "create-blocks-from", "--max-block-duration=54h", "--quiet", "openmetrics"]
    done = subprocess.run(  # noqa: S603  # the program that was found on PATH
        [*command, str(text), str(blocks)], capture_output=True, text=True, check=False, start_new_session=True
    )
    text.unlink()
    if done.returncode:
        raise RuntimeError(f"promtool could not write the history: {(done.stderr or done.stdout).strip()[:500]}")
