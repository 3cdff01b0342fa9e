"""Opening a database: its URL, its lock, its schema. What is wrong is one sentence for the operator."""

import errno
import os
import sqlite3
from pathlib import Path

from sqlalchemy import Engine, create_engine, event, inspect, text
from sqlalchemy.engine import make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.pool import ConnectionPoolEntry

from monitor.adapters.store import lock
from monitor.adapters.store.sql import SqlStore, one_line, write_mode
from monitor.ports.store import StoreError, StoreUnavailableError

HEAD = "0007"
"""The newest schema; a test holds it to the migrations, which are loaded only where the database is older."""

BUSY_MS = 5000
"""Milliseconds that a writer waits for another."""


class NewerSchemaError(StoreError):
    """A database written by a newer version of the program."""


CORRUPT = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
"""The driver's codes for a file whose content cannot be right."""

PASSING = frozenset(
    {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY}
)
PASSING_ERRNO = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EROFS})
"""Troubles that may pass while the settings stay as they are."""

MAGIC = b"SQLite format 3\0"
"""What every SQLite database begins with."""


class _CorruptError(Exception):
    """The content of the file cannot be right."""


def open_store(url: str, *, aside_as: str = "") -> SqlStore:
    """Open the database at `url`, making or migrating it, and hold it alone. Raises StoreError.

    `aside_as` allows that a corrupt database is renamed to FILE.corrupt-`aside_as` and a new one begun.
    """
    path = _path(url)
    ours = path.exists() and (_lock_path(path).exists() or _begins_as_database(path))
    taken = _take(path)
    try:
        return SqlStore(_opened(path), taken)
    except _CorruptError as error:
        if not (aside_as and ours):
            taken.release()
            raise StoreError(f"the database {path} cannot be used: {error}") from error
    except StoreError:
        taken.release()
        raise
    return _begun_anew(path, taken, aside_as)


def _begun_anew(path: Path, taken: lock.Lock, aside_as: str) -> SqlStore:
    aside = path.with_name(f"{path.name}.corrupt-{aside_as}")
    try:
        for suffix in ("-wal", "-shm", ""):  # the file itself last: until then it is found corrupt again
            part = path.with_name(path.name + suffix)
            if part.exists():
                part.rename(aside.with_name(aside.name + suffix))
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        return SqlStore(_opened(path), taken, aside)
    except (OSError, StoreError, _CorruptError) as error:
        taken.release()
        raise StoreError(f"the database {path} is corrupt, and no new one can be begun: {error}") from error


def _opened(path: Path) -> Engine:
    """Give the engine on a database that is whole and of the newest schema."""
    engine = _engine(path)
    try:
        _hold_to_be_whole(engine)
        _bring_up_to_date(engine, path)
    except SQLAlchemyError as error:
        engine.dispose()
        if _code(error) in CORRUPT:
            raise _CorruptError(one_line(error)) from error
        sort = StoreUnavailableError if _code(error) in PASSING else StoreError
        raise sort(f"the database {path} cannot be used: {one_line(error)}") from error
    except (StoreError, _CorruptError):
        engine.dispose()
        raise
    return engine


def _hold_to_be_whole(engine: Engine) -> None:
    """Look at every page; at 400 days of record it takes about a second."""
    with engine.connect() as connection:
        found = connection.scalar(text("PRAGMA quick_check(1)"))
    engine.dispose()  # the pages that were read now are read anew when they are needed
    if found != "ok":
        raise _CorruptError(" ".join(str(found).split()))


def _code(error: SQLAlchemyError) -> int:
    """Give the driver's primary result code."""
    return int(getattr(getattr(error, "orig", None), "sqlite_errorcode", 0)) & 0xFF


def _begins_as_database(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(len(MAGIC)) == MAGIC
    except OSError:
        return False


def beside(url: str, name: str) -> str:
    """Give the URL of another database beside that at `url`: rollback-monitor.db, rollback-monitor-`name`.db.

    Raises StoreError for an unusable URL.
    """
    path = _path(url)
    return f"sqlite:///{path.with_name(f'{path.stem}-{name}{path.suffix}')}"


def exists(url: str) -> bool:
    """Whether there is a database at `url`. Raises StoreError for an unusable URL."""
    return _path(url).exists()


def owner(url: str) -> lock.Owner | None:
    """Give the daemon that holds the database at `url`, or None where none does.

    Raises StoreError for an unusable URL.
    """
    return lock.holder(_lock_path(_path(url)))


def set_aside(url: str) -> list[str]:
    """Give the corrupt databases that were set aside for the one at `url`; none for an unusable URL."""
    try:
        path = _path(url)
    except StoreError:
        return []
    found = path.parent.glob(f"{path.name}.corrupt-*")
    return sorted(str(one) for one in found if not one.name.endswith(("-wal", "-shm")))


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
        sort = StoreUnavailableError if error.errno in PASSING_ERRNO else StoreError
        raise sort(f"the database {path} cannot be written: {error.strerror}") from error
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
