"""Opening a database: its URL, its lock, its schema. What is wrong is one sentence for the operator."""

import os
from pathlib import Path

from sqlalchemy import Engine, create_engine, event, inspect, text
from sqlalchemy.engine import make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.pool import ConnectionPoolEntry

from monitor.adapters.store import lock
from monitor.adapters.store.sql import SqlStore, one_line, write_mode
from monitor.ports import StoreError

HEAD = "0003"
"""The newest schema; a test holds it to the migrations, which are loaded only where the database is older."""

BUSY_MS = 5000
"""Milliseconds that a writer waits for another."""


class NewerSchemaError(StoreError):
    """A database written by a newer version of the program."""


def open_store(url: str) -> SqlStore:
    """Open the database at `url`, making or migrating it, and hold it alone. Raises StoreError."""
    path = _path(url)
    taken = _take(path)
    try:
        engine = _engine(path)
        _bring_up_to_date(engine, path)
    except SQLAlchemyError as error:
        taken.release()
        raise StoreError(f"the database {path} cannot be used: {one_line(error)}") from error
    except StoreError:
        taken.release()
        raise
    return SqlStore(engine, taken)


def owner(url: str) -> lock.Owner | None:
    """Give the daemon that holds the database at `url`, or None where none does.

    Raises StoreError for an unusable URL.
    """
    return lock.holder(_lock_path(_path(url)))


def _path(url: str) -> Path:
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise StoreError("MONITOR_DATABASE_URL is no database URL; write sqlite:///rollback-monitor.db") from error
    if parsed.get_backend_name() != "sqlite":
        raise StoreError(f"{parsed.get_backend_name()} is not supported yet; use sqlite:///path/to/file.db")
    if not parsed.database or parsed.database == ":memory:":
        raise StoreError("an SQLite database in memory would forget everything; name a file: sqlite:///path/to/file.db")
    return Path(parsed.database)


def _lock_path(path: Path) -> Path:
    return path.with_name(f"{path.name}.lock")


def _take(path: Path) -> lock.Lock:
    if not path.parent.is_dir():
        raise StoreError(f"the folder {path.parent} of the database does not exist; make it for the daemon's user")
    taken = None
    try:
        taken = lock.take(_lock_path(path))
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    except OSError as error:
        if isinstance(taken, lock.Lock):
            taken.release()
        raise StoreError(f"the database {path} cannot be written: {error.strerror}") from error
    if isinstance(taken, lock.Owner):
        raise StoreError(f"the database {path} is locked by pid {taken.pid}: another daemon runs on it")
    return taken


def _engine(path: Path) -> Engine:
    engine = create_engine(f"sqlite:///{path}", connect_args={"check_same_thread": False})

    @event.listens_for(engine, "connect")
    def prepare(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
        """The driver must not begin transactions by itself.

        It would begin them too late, and without the write lock.
        """
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", f"busy_timeout={BUSY_MS}"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    event.listen(engine, "begin", write_mode)
    return engine


def _bring_up_to_date(engine: Engine, path: Path) -> None:
    with engine.connect() as connection:
        names = inspect(connection).get_table_names()
        marked = "alembic_version" in names
        stands = connection.scalar(text("select version_num from alembic_version")) if marked else None
    if stands == HEAD:
        return
    from monitor.adapters.store.migrating import known, upgrade  # noqa: PLC0415  # loaded only where it is needed

    if stands is not None and stands not in known():
        raise NewerSchemaError(
            f"the database {path} was written by a newer version (schema {stands}, this program knows {HEAD}); "
            "install that version again"
        )
    upgrade(engine)
