"""The HTTP application: health, metrics, reload and the incidents' API."""

from monitor.web.app import Health, Inside, application

__all__ = ["Health", "Inside", "application"]
