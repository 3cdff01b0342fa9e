"""The store on SQLAlchemy Core.

Each call is one transaction; a compare-and-set or a unique key settles who was first.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, delete, func, insert, select, text, update
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from monitor.adapters.store import codec, drilling, dutying, keeping, tables
from monitor.adapters.store.lock import Lock
from monitor.adapters.store.looking import Looks
from monitor.core.drill.duty import DutyFact
from monitor.core.drill.log import Drill, DrillEvent
from monitor.core.incidents.events import Ended, Event, Opened
from monitor.core.incidents.incident import Incident
from monitor.core.incidents.procedureevents import Reopened
from monitor.core.incidents.silence import Hidden, Silence
from monitor.core.model import utc
from monitor.core.naming import number_of
from monitor.ports.store import (
    Change,
    ConflictError,
    GroupState,
    KeptEvidence,
    KeptRules,
    NewEvents,
    Post,
    PostKind,
    PostState,
    Recorded,
    StoreError,
)


def write_mode(connection: Connection) -> None:
    """Begin a transaction.

    A writing one takes the write lock at once, so that it cannot fail half-way for want of it.
    """
    writing = connection.get_execution_options().get("writing", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")


def one_line(error: SQLAlchemyError) -> str:
    """Give the driver's words, without the statement and its values."""
    cause = error.orig if hasattr(error, "orig") and error.orig is not None else error
    return " ".join(str(cause).split())


class SqlStore:
    """Implements `monitor.ports.store.Store`. Thread-safe; held by one daemon at a time."""

    def __init__(self, engine: Engine, lock: Lock, set_aside: Path | None = None) -> None:
        self._engine = engine
        self._lock = lock
        self._looks = Looks()
        self.set_aside = set_aside
        """Where the corrupt database went that this one begins in place of."""

    def listening(self, url: str, token: str) -> None:
        """Write down where the daemon that holds the database listens, for the command line."""
        self._lock.tell(url, token)

    def close(self) -> None:
        """Let go of the connections and of the lock."""
        self._engine.dispose()
        self._lock.release()

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        try:
            with self._engine.begin() as connection:
                yield connection
        except SQLAlchemyError as error:
            raise StoreError(f"the database cannot be read: {one_line(error)}") from error

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        try:
            with self._engine.connect().execution_options(writing=True) as connection, connection.begin():
                yield connection
        except ConflictError:
            self._looks.forget()
            raise
        except IntegrityError as error:
            raise ConflictError(f"somebody else was first: {one_line(error)}") from error
        except SQLAlchemyError as error:
            raise StoreError(f"the database cannot be written: {one_line(error)}") from error

    # --- groups ---------------------------------------------------------------------------------------------------

    def group(self, name: str) -> GroupState:
        """Give the kept state of group `name`."""
        with self._reading() as connection:
            return _group(connection, name)

    def groups(self) -> Sequence[GroupState]:
        """Give the kept states of all groups."""
        with self._reading() as connection:
            names = connection.scalars(select(tables.groups.c.name).order_by(tables.groups.c.name)).all()
            return [_group(connection, name) for name in names]

    # --- writing --------------------------------------------------------------------------------------------------

    def commit(self, change: Change) -> None:
        """Write `change` whole. Raises ConflictError or StoreError; nothing is written then."""
        if change.empty:
            return
        with self._writing() as connection:
            for group in change.groups:
                _write_group(connection, group)
            for new in change.events:
                _write_events(connection, new)
            _recall(connection, change.recalled)
            for post in change.posts:
                _write_post(connection, post)
            _insert(connection, tables.transitions, [codec.transition_row(one) for one in change.transitions])
            for silence in change.silences:
                _write_silence(connection, silence)
            for one in change.hidden:
                _write_hidden(connection, one)
            dutying.add(connection, change.duties)
            if change.rules is not None:
                _write_rules(connection, change.rules)

    def record(self, post: Post) -> None:
        """Write how the delivery of `post` went; it stays owed where more was wanted meanwhile."""
        table = tables.posts
        with self._writing() as connection:
            wanted = connection.scalar(select(table.c.wanted).where(table.c.key == post.key))
            row = codec.delivery_row(post)
            if post.state is PostState.SENT and wanted is not None and post.sent < wanted:
                row["state"] = str(PostState.OWED)
            connection.execute(update(table).where(table.c.key == post.key).values(row))

    def probe(self) -> None:
        """Write something that changes nothing, on a new connection: one opened in bad times may stay read-only."""
        self._engine.dispose()
        with self._writing() as connection:
            version = connection.scalar(text("PRAGMA user_version"))
            connection.execute(text(f"PRAGMA user_version = {version}"))

    # --- incidents and posts --------------------------------------------------------------------------------------

    def incident(self, incident: str) -> Incident | None:
        """Give one incident, folded from its events."""
        with self._reading() as connection:
            return self._looks.at(connection, incident)

    def incidents(self, *, open_only: bool = False, since: datetime | None = None) -> Sequence[Incident]:
        """Give the incidents, newest first."""
        with self._reading() as connection:
            return self._looks.among(connection, open_only=open_only, since=since)

    def events(self, incident: str) -> Sequence[Event]:
        """Give the events of one incident in order."""
        table = tables.events
        query = select(table.c.body).where(table.c.incident == incident).order_by(table.c.seq)
        with self._reading() as connection:
            return [codec.event_of(body) for body in connection.scalars(query)]

    def next_incident_number(self) -> int:
        """Give the number that the next incident would have."""
        with self._reading() as connection:
            return (connection.scalar(select(func.max(tables.incidents.c.number))) or 0) + 1

    def posts(self, incident: str, *, kind: PostKind | None = None) -> Sequence[Post]:
        """Give everything that is or was owed for one incident, or for none, in order of decision."""
        table = tables.posts
        query = select(table).where(table.c.incident == (incident or None)).order_by(table.c.decided_at, table.c.n)
        if kind is not None:
            query = query.where(table.c.kind == str(kind))
        with self._reading() as connection:
            return [codec.post_of(row) for row in connection.execute(query)]

    def owed(self) -> Sequence[Post]:
        """Give every post that is owed, oldest first."""
        table = tables.posts
        query = select(table).where(table.c.state == str(PostState.OWED)).order_by(table.c.decided_at, table.c.n)
        with self._reading() as connection:
            return [codec.post_of(row) for row in connection.execute(query)]

    # --- rules and the record -------------------------------------------------------------------------------------

    def rules(self) -> KeptRules | None:
        """Give the rule set that was last put in force, or None."""
        with self._reading() as connection:
            rows = connection.execute(select(tables.rule_files)).all()
        return KeptRules({row.name: row.content for row in rows}, rows[0].adopted_at) if rows else None

    def transitions(self, alert: str = "", *, since: int = 0, most: int = 1000) -> Sequence[Recorded]:
        """Give the newest recorded changes from grid time `since` on, in order."""
        table = tables.transitions
        query = select(table).where(table.c.at >= since).order_by(table.c.at.desc(), table.c.id.desc()).limit(most)
        if alert:
            query = query.where(table.c.alert == alert)
        with self._reading() as connection:
            return [codec.transition_of(row) for row in connection.execute(query)][::-1]

    def silences(self) -> Sequence[Silence]:
        """Give every silence by number."""
        with self._reading() as connection:
            rows = connection.execute(select(tables.silences).order_by(tables.silences.c.id))
            return [codec.silence_of(row) for row in rows]

    def hidden(self, *, live_only: bool = False) -> Sequence[Hidden]:
        """Give what fired and paged nobody, in order."""
        table = tables.hidden
        query = select(table.c.body).order_by(table.c.at, table.c.id)
        with self._reading() as connection:
            return [
                codec.hidden_of(body) for body in connection.scalars(query.where(table.c.live) if live_only else query)
            ]

    def prune(self, before: int) -> int:
        """Forget what changed and what was hidden before grid time `before`; give the number of changes."""
        table, hidden = tables.transitions, tables.hidden
        with self._writing() as connection:
            connection.execute(delete(hidden).where(~hidden.c.live, hidden.c.at < utc(before)))
            keeping.prune(connection, utc(before))
            return connection.execute(delete(table).where(table.c.at < before)).rowcount

    # --- evidence -------------------------------------------------------------------------------------------------

    def keep(self, kept: KeptEvidence) -> None:
        """Keep files of an incident, in place of those that were kept of it before."""
        with self._writing() as connection:
            keeping.write(connection, kept)

    def evidence(self, incident: str) -> KeptEvidence | None:
        """Give what was kept of one incident, or None."""
        with self._reading() as connection:
            return keeping.read(connection, incident)

    def unkept(self, since: datetime, before: datetime) -> Sequence[str]:
        """Give the incidents that ended in that time and of which nothing was kept since."""
        with self._reading() as connection:
            return keeping.unkept(connection, since, before)

    def evidence_size(self) -> int:
        """Give the bytes that all kept evidence takes."""
        with self._reading() as connection:
            return keeping.size(connection)

    # --- drills ---------------------------------------------------------------------------------------------------

    def duties(self) -> Sequence[DutyFact]:
        """Give what is kept of the duty to hold drills, in order of time."""
        with self._reading() as connection:
            return dutying.read(connection)

    def drills(self) -> Sequence[Drill]:
        """Give every drill, newest first."""
        with self._reading() as connection:
            return drilling.every(connection)

    def drill_events(self, drill: str) -> Sequence[DrillEvent]:
        """Give the events of one drill in order."""
        with self._reading() as connection:
            return drilling.read(connection, drill)

    def append_drill(self, drill: str, expected_rev: int, *events: DrillEvent) -> None:
        """Add events to a drill. Raises ConflictError where it has moved on."""
        with self._writing() as connection:
            drilling.append(connection, drill, expected_rev, events)


def _group(connection: Connection, name: str) -> GroupState:
    groups, cursors, alerts = tables.groups, tables.cursors, tables.alerts
    version = connection.scalar(select(groups.c.version).where(groups.c.name == name)) or 0
    at = connection.execute(select(cursors.c.alert, cursors.c.at).where(cursors.c.group_name == name))
    kept = [codec.alert_of(row) for row in connection.execute(select(alerts).where(alerts.c.group_name == name))]
    return GroupState(name, version, dict(at.all()), {one.key: one for one in kept})


def _write_group(connection: Connection, group: GroupState) -> None:
    """Replace a group where its version still stands, writing only rows that differ."""
    before = _group(connection, group.name)
    if before.version != group.version:
        raise ConflictError(f"group {group.name} is at version {before.version}, not {group.version}")
    table = tables.groups
    if before.version == 0:
        connection.execute(insert(table).values(name=group.name, version=1))
    else:
        connection.execute(update(table).where(table.c.name == group.name).values(version=group.version + 1))
    _write_cursors(connection, group, before)
    _write_alerts(connection, group, before)


def _write_cursors(connection: Connection, group: GroupState, before: GroupState) -> None:
    table = tables.cursors
    for alert, at in before.cursors.items():
        if group.cursors.get(alert) != at:
            connection.execute(delete(table).where(table.c.group_name == group.name, table.c.alert == alert))
    rows = [
        {"group_name": group.name, "alert": alert, "at": at}
        for alert, at in group.cursors.items()
        if before.cursors.get(alert) != at
    ]
    _insert(connection, table, rows)


def _write_alerts(connection: Connection, group: GroupState, before: GroupState) -> None:
    table = tables.alerts
    for key, alert in before.alerts.items():
        if group.alerts.get(key) != alert:
            labels = codec.labels_text(key.labels)
            mine = (table.c.alert == key.alert, table.c.labels == labels, table.c.tier == str(key.tier))
            connection.execute(delete(table).where(table.c.group_name == group.name, *mine))
    changed = [alert for key, alert in group.alerts.items() if before.alerts.get(key) != alert]
    _insert(connection, table, [codec.alert_row(group.name, alert) for alert in changed])


def _insert(connection: Connection, table: Any, rows: list[dict[str, Any]]) -> None:  # noqa: ANN401  # any table
    if rows:
        connection.execute(insert(table), rows)


def _write_events(connection: Connection, new: NewEvents) -> None:
    """Append events where the incident still has `expected_rev` of them; the primary key settles races."""
    table = tables.events
    count = connection.scalar(select(func.count()).select_from(table).where(table.c.incident == new.incident)) or 0
    if count != new.expected_rev:
        raise ConflictError(f"{new.incident} has {count} events, not {new.expected_rev}")
    incidents = tables.incidents
    opened = new.events[0] if new.events and new.expected_rev == 0 else None
    if isinstance(opened, Opened):
        row = {"environment": opened.environment, "blind": opened.blind, "opened_at": opened.at}
        number = number_of(new.incident)
        connection.execute(insert(incidents).values(id=new.incident, number=number, **row))
    rows = [
        {"incident": new.incident, "seq": seq, "at": event.at, "kind": event.kind, "body": codec.event_text(event)}
        for seq, event in enumerate(new.events, start=new.expected_rev + 1)
    ]
    _insert(connection, table, rows)
    ends = [event for event in new.events if isinstance(event, Ended | Reopened)]
    if ends:
        ended = ends[-1].at if isinstance(ends[-1], Ended) else None
        connection.execute(update(incidents).where(incidents.c.id == new.incident).values(ended_at=ended))


def _write_post(connection: Connection, post: Post) -> None:
    """Owe a post, or, where its key stands, one more edit of it."""
    table = tables.posts
    wanted = connection.scalar(select(table.c.wanted).where(table.c.key == post.key))
    if wanted is None:
        connection.execute(insert(table).values(codec.post_row(post)))
        return
    again = {"wanted": wanted + 1, "state": str(PostState.OWED)}
    connection.execute(update(table).where(table.c.key == post.key).values(again))


def _write_silence(connection: Connection, silence: Silence) -> None:
    """Write a silence where its version still stands; of two new ones with one number the key settles the race."""
    table = tables.silences
    stored = connection.scalar(select(table.c.version).where(table.c.id == silence.id)) or 0
    if stored != silence.version:
        raise ConflictError(f"silence {silence.id} is at version {stored}, not {silence.version}")
    connection.execute(delete(table).where(table.c.id == silence.id))
    connection.execute(insert(table).values(codec.silence_row(silence)))


def _write_hidden(connection: Connection, one: Hidden) -> None:
    connection.execute(delete(tables.hidden).where(tables.hidden.c.id == one.id))
    connection.execute(insert(tables.hidden).values(codec.hidden_row(one)))


def _recall(connection: Connection, incidents: Sequence[str]) -> None:
    """Want every call of `incidents` once more."""
    table = tables.posts
    if incidents:
        mine = (table.c.incident.in_(incidents), table.c.kind == str(PostKind.CALL))
        again = {"wanted": table.c.wanted + 1, "state": str(PostState.OWED)}
        connection.execute(update(table).where(*mine).values(again))


def _write_rules(connection: Connection, rules: KeptRules) -> None:
    table = tables.rule_files
    connection.execute(delete(table))
    rows = [{"name": name, "content": content, "adopted_at": rules.adopted_at} for name, content in rules.files.items()]
    _insert(connection, table, rows)
