"""The tables. Columns only; what stands in them is decided elsewhere, and changed only by migrations."""

from datetime import UTC, datetime

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
)
from sqlalchemy.engine import Dialect

NAMING = {
    "ix": "ix_%(column_0_label)s",
    "uq": "uq_%(table_name)s_%(column_0_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class UtcTime(TypeDecorator[datetime]):
    """An aware UTC time; SQLite keeps no zone, so that it is put away without and given back with it."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Give what is stored."""
        del dialect
        return value.astimezone(UTC).replace(tzinfo=None) if value is not None else None

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Give what was meant."""
        del dialect
        return value.replace(tzinfo=UTC) if value is not None else None


metadata = MetaData(naming_convention=NAMING)

groups = Table(
    "groups",
    metadata,
    Column("name", String, primary_key=True),
    Column("version", BigInteger, nullable=False),
)

cursors = Table(
    "cursors",
    metadata,
    Column("group_name", String, primary_key=True),
    Column("alert", String, primary_key=True),
    Column("at", BigInteger, nullable=False),
)

alerts = Table(
    "alerts",
    metadata,
    Column("group_name", String, primary_key=True),
    Column("alert", String, primary_key=True),
    Column("labels", Text, primary_key=True),
    Column("tier", String, primary_key=True),
    Column("state", String, nullable=False),
    Column("since", BigInteger, nullable=False),
    Column("held", Integer, nullable=False),
    Column("missing", Integer, nullable=False),
    Column("fired_at", BigInteger),
    Column("clear_since", BigInteger),
    Column("peak", Float),
    Column("open_ended", Boolean, nullable=False),
)

incidents = Table(
    "incidents",
    metadata,
    Column("id", String, primary_key=True),
    Column("number", Integer, nullable=False, unique=True),
    Column("environment", String, nullable=False),
    Column("blind", Boolean, nullable=False),
    Column("opened_at", UtcTime, nullable=False),
    Column("ended_at", UtcTime),
)

events = Table(
    "events",
    metadata,
    Column("incident", String, ForeignKey("incidents.id"), primary_key=True),
    Column("seq", Integer, primary_key=True),
    Column("at", UtcTime, nullable=False),
    Column("kind", String, nullable=False),
    Column("body", Text, nullable=False),
)

posts = Table(
    "posts",
    metadata,
    Column("key", String, primary_key=True),
    Column("incident", String, ForeignKey("incidents.id"), index=True),
    Column("channel", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("n", Integer, nullable=False),
    Column("reason", String, nullable=False),
    Column("decided_at", UtcTime, nullable=False),
    Column("said", Text, nullable=False),
    Column("mention", Text, nullable=False),
    Column("wanted", Integer, nullable=False),
    Column("sent", Integer, nullable=False),
    Column("ts", String),
    Column("attempts", Integer, nullable=False),
    Column("not_before", UtcTime),
    Column("state", String, nullable=False),
    Column("problem", Text, nullable=False),
    Column("gone", Integer, nullable=False, server_default="0"),
    Index("ix_posts_owed", "state", "decided_at"),
)

rule_files = Table(
    "rule_files",
    metadata,
    Column("name", String, primary_key=True),
    Column("content", LargeBinary, nullable=False),
    Column("adopted_at", UtcTime, nullable=False),
)

silences = Table(
    "silences",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("version", Integer, nullable=False),
    Column("body", Text, nullable=False),
)

hidden = Table(
    "hidden",
    metadata,
    Column("id", Text, primary_key=True),
    Column("at", UtcTime, nullable=False),
    Column("live", Boolean, nullable=False, index=True),
    Column("body", Text, nullable=False),
)

evidence = Table(
    "evidence",
    metadata,
    Column("incident", String, ForeignKey("incidents.id"), primary_key=True),
    Column("name", String, primary_key=True),
    Column("at", UtcTime, nullable=False, index=True),
    Column("content", LargeBinary, nullable=False),
)

transitions = Table(
    "transitions",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("at", BigInteger, nullable=False, index=True),
    Column("group_name", String, nullable=False),
    Column("alert", String, nullable=False),
    Column("labels", Text, nullable=False),
    Column("tier", String, nullable=False),
    Column("before", String, nullable=False),
    Column("after", String, nullable=False),
    Column("cause", String, nullable=False),
    Column("since", BigInteger, nullable=False),
    Column("value", Float),
    Column("limit", Float),
    Column("shadow", Boolean, nullable=False),
    Index("ix_transitions_alert", "alert", "at"),
)

drill_events = Table(
    "drill_events",
    metadata,
    Column("drill", String, primary_key=True),
    Column("seq", Integer, primary_key=True),
    Column("at", UtcTime, nullable=False),
    Column("body", Text, nullable=False),
)
