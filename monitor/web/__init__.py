"""The HTTP application: health, metrics, reload, rules and alerts as Prometheus shows them, and the incidents' API."""

from monitor.web.app import Health, Inside, application
from monitor.web.prometheus import Evaluation, View

__all__ = ["Evaluation", "Health", "Inside", "View", "application"]
