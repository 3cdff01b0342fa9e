"""What there is of the database, for who asks from outside the daemon."""

from monitor.adapters.store import Owner, exists, open_store, owner, set_aside
from monitor.settings.settings import Settings


def database_owner(settings: Settings) -> Owner | None:
    """Give the daemon that holds the database, or None where none runs. Raises StoreError for an unusable URL."""
    return owner(settings.database_url)


def database_exists(settings: Settings) -> bool:
    """Whether there is a database already. Raises StoreError for an unusable URL."""
    return exists(settings.database_url)


def corrupt_databases(settings: Settings) -> list[str]:
    """Give the corrupt databases that were set aside."""
    return set_aside(settings.database_url)


def try_database(settings: Settings) -> None:
    """Open the database and let go of it again. Raises StoreError where it cannot be used."""
    open_store(settings.database_url).close()
