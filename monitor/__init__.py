"""Rollback Monitor: judges production by its metrics, pages the team, and opens the rollback procedure."""

__version__ = "0.1.0"
