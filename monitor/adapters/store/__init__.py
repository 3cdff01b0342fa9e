"""The store on SQL: alerts, incidents, evidence and what is owed, on SQLite."""

from monitor.adapters.store.lock import Owner
from monitor.adapters.store.opening import NewerSchemaError, beside, exists, open_store, owner, set_aside
from monitor.adapters.store.sql import SqlStore

__all__ = ["NewerSchemaError", "Owner", "SqlStore", "beside", "exists", "open_store", "owner", "set_aside"]
