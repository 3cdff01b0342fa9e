"""How the daemon tells of itself: structured logs (readable or JSON, secrets redacted) and its own metrics."""

import logging
import sys
from collections.abc import Iterable, MutableMapping
from typing import Any, TextIO, cast

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Metric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from monitor import __version__
from monitor.core.redaction import REDACTED, TOKENS
from monitor.core.words import CONTROL


class Redaction:
    """A structlog processor: replaces the given secrets, and what looks like one, in every text of an event."""

    def __init__(self, secrets: Iterable[str]) -> None:
        self._secrets = sorted((secret for secret in secrets if secret), key=len, reverse=True)

    def __call__(self, _logger: object, _name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        """Give the event without secrets."""
        return {key: self.clean(value) for key, value in event.items()}

    def clean(self, value: Any) -> Any:  # noqa: ANN401  # events hold anything
        """Give `value` without secrets, whatever it is nested in."""
        match value:
            case str():
                return self._text(value)
            case dict():
                return {self.clean(key): self.clean(one) for key, one in value.items()}
            case list() | tuple() | set() | frozenset():
                return [self.clean(one) for one in value]
            case bool() | int() | float() | None:
                return value
            case _:
                return self._text(str(value))

    def _text(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, REDACTED)
        return CONTROL.sub("�", TOKENS.sub(REDACTED, text))


class _Unbreakable:
    """A stream whose reader may go away: a closed standard output must not stop the daemon."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        try:
            return self._stream.write(text)
        except (OSError, ValueError):
            return len(text)

    def flush(self) -> None:
        try:
            self._stream.flush()
        except (OSError, ValueError):
            return


def configure_logging(log_format: str, level: str, secrets: Iterable[str], stream: TextIO | None = None) -> None:
    """Send structlog's events, and those of the libraries, to `stream` (standard error).

    Readable, or a JSON object a line.
    """
    stream = sys.stderr if stream is None else stream
    redaction = Redaction(secrets)
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        redaction,
    ]
    render: list[Any] = [structlog.processors.JSONRenderer()]
    if log_format == "console":
        plain = structlog.dev.plain_traceback
        render = [_on_one_line, structlog.dev.ConsoleRenderer(colors=stream.isatty(), exception_formatter=plain)]
    handler = logging.StreamHandler(_Unbreakable(stream))
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=[_without_meta, *render])
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for noisy in ("apscheduler", "slack_sdk", "urllib3", "uvicorn", "alembic", "asyncio"):
        logging.getLogger(noisy).setLevel(max(logging.WARNING, root.level))
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


def _without_meta(logger: object, name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    return structlog.stdlib.ProcessorFormatter.remove_processors_meta(cast("Any", logger), name, event)


def _on_one_line(_logger: object, _name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Escape a newline in what a library says: the renderer quotes values, but writes the event as it stands."""
    return {**event, "event": str(event.get("event", "")).replace("\n", "\\n")}


class Seldom(Collector):
    """A gauge that has no sample while nothing is known: 0 would be a statement."""

    def __init__(self, name: str, text: str) -> None:
        self._name, self._text = name, text
        self.value: float | None = None

    def collect(self) -> Iterable[Metric]:
        """Give the one family, with a sample where there is a value."""
        yield GaugeMetricFamily(self._name, self._text, value=self.value)


class Metrics:
    """The daemon's own metrics, prefix `rollback_monitor_`.

    A registry of its own, so that several can live in one process.
    """

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        prefix = "rollback_monitor_"

        def counter(name: str, text: str, *labels: str) -> Counter:
            return Counter(prefix + name, text, labels, registry=registry)

        def gauge(name: str, text: str, *labels: str) -> Gauge:
            return Gauge(prefix + name, text, labels, registry=registry)

        def seldom(name: str, text: str) -> Seldom:
            made = Seldom(prefix + name, text)
            registry.register(made)
            return made

        def histogram(name: str, text: str, *buckets: float) -> Histogram:
            return Histogram(prefix + name, text, registry=registry, buckets=buckets)

        self.evaluations = counter("evaluations", "Evaluations of rule groups that were completed.", "group")
        self.failures = counter(
            "evaluation_failures", "Rules without a complete answer, and evaluations that broke.", "group"
        )
        self.duration = histogram(
            "evaluation_duration_seconds", "Seconds an evaluation took.", 0.005, 0.02, 0.1, 0.5, 2, 10
        )
        self.last = gauge(
            "last_evaluation_timestamp_seconds", "When a group was last evaluated with every rule answered.", "group"
        )
        self.caught_up = counter("caught_up_evaluations", "Grid points that were folded late.", "group")
        self.missed = counter(
            "missed_ticks",
            "Ticks that came to nothing: missed, overrun (the one before still ran), failed.",
            "group",
            "why",
        )
        self.alerts = gauge(
            "alerts", "Alerts that are not inactive; in the shadow: shadow_firing and so on.", "alert", "state"
        )
        self.blind = gauge("blind", "1 while a group, or a rule or instance of it, is unwatched.", "group")
        self.incidents = gauge("incidents_open", "Incidents that have not ended.", "tier")
        self.pages = counter("pages", "New posts that were delivered, by what happened.", "reason")
        self.page_delivery = histogram(
            "page_delivery_seconds", "Seconds from a transition to its page.", 0.1, 0.5, 1, 2, 5, 30, 120
        )
        self.outbox_pending = gauge("outbox_pending", "Posts that are owed.")
        self.outbox_oldest = gauge("outbox_oldest_seconds", "Age of the oldest post that is owed.")
        self.slack_requests = counter("slack_requests", "Deliveries to the pager, by outcome.", "method", "outcome")
        self.inbound = counter("slack_inbound", "Signed requests of Slack, by HTTP status.", "kind", "status")
        self.webhooks = counter("pagerduty_inbound", "Webhooks of PagerDuty, by HTTP status.", "status")
        self.buttons = gauge("buttons_available", "1 while clicks in Slack can come through.")
        self.plots = counter("plots", "Plots of signals for the thread, by outcome: sent, failed, given_up.", "outcome")
        self.reports = counter("reports", "Evidence for the thread, by outcome: sent, failed, given_up.", "outcome")
        self.evidence = gauge("evidence_bytes", "Bytes of the evidence that is kept of incidents.")
        self.calls = counter(
            "calls", "Pages told to other pagers or a second channel, by why.", "destination", "reason", "outcome"
        )
        self.acknowledgement = histogram(
            "acknowledgement_seconds", "Seconds from page to acknowledgement.", 15, 60, 300, 600, 1800
        )
        self.reload_success = gauge("rules_reload_success", "Whether the last load of the rules was accepted.")
        self.reload_at = gauge("rules_last_reload_timestamp_seconds", "When rules were last accepted.")
        self.mended = counter("supervisor_mended", "What stood still and was put right by the supervisor.", "what")
        self.stuck_threads = gauge("stuck_threads", "Threads that hang and were replaced.")
        self.durable = gauge("storage_durable", "1 while what is decided is written at once; 0: it is held in memory.")
        self.held = gauge("storage_held", "Events, posts and recorded transitions that wait to be written.")
        self.drill_age = seldom(
            "drill_age_seconds", "Seconds since the last drill that counts ended; none: there was none."
        )
        self.drill_due = seldom("drill_due_timestamp_seconds", "From when on the next drill is overdue.")
        self.drill_overdue = seldom("drill_overdue", "1 while a drill is overdue.")
        self.heartbeats = counter("heartbeats", "Calls of the dead-man's switch, by outcome.", "outcome")
        build = gauge("build_info", "The version that runs.", "version")
        build.labels(__version__).set(1)

    def counted_file(self, kind: str, outcome: str) -> None:
        """Count what became of a plot or a report."""
        (self.plots if kind == "plot" else self.reports).labels(outcome).inc()

    def counted_inbound(self, kind: str, status: int) -> None:
        """Count a request that came to the door for Slack."""
        self.inbound.labels(kind, str(status)).inc()

    def counted_webhook(self, status: int) -> None:
        """Count a request that came to the door for PagerDuty."""
        self.webhooks.labels(str(status)).inc()
