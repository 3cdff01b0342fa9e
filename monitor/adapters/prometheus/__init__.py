"""Metrics from Prometheus and from servers that speak its query API (Thanos, Mimir, VictoriaMetrics)."""

from monitor.adapters.http import Access
from monitor.adapters.prometheus.several import SeveralSources
from monitor.adapters.prometheus.source import PrometheusSource
from monitor.adapters.prometheus.visit import Described

__all__ = ["Access", "Described", "PrometheusSource", "SeveralSources"]
