"""The registry port over the OCI distribution API (Docker's registry v2)."""

from monitor.adapters.registry.client import OciRegistry

__all__ = ["OciRegistry"]
