"""The first tables: groups with their cursors and alerts, incidents with their events, and what is owed."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "groups",
        sa.Column("name", sa.String, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_groups"),
    )
    op.create_table(
        "cursors",
        sa.Column("group_name", sa.String, nullable=False),
        sa.Column("alert", sa.String, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("group_name", "alert", name="pk_cursors"),
    )
    op.create_table(
        "alerts",
        sa.Column("group_name", sa.String, nullable=False),
        sa.Column("alert", sa.String, nullable=False),
        sa.Column("labels", sa.Text, nullable=False),
        sa.Column("tier", sa.String, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("since", sa.BigInteger, nullable=False),
        sa.Column("held", sa.Integer, nullable=False),
        sa.Column("missing", sa.Integer, nullable=False),
        sa.Column("fired_at", sa.BigInteger),
        sa.Column("clear_since", sa.BigInteger),
        sa.Column("peak", sa.Float),
        sa.PrimaryKeyConstraint("group_name", "alert", "labels", "tier", name="pk_alerts"),
    )
    op.create_table(
        "incidents",
        sa.Column("id", sa.String, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("environment", sa.String, nullable=False),
        sa.Column("blind", sa.Boolean, nullable=False),
        sa.Column("opened_at", sa.DateTime, nullable=False),
        sa.Column("ended_at", sa.DateTime),
        sa.PrimaryKeyConstraint("id", name="pk_incidents"),
        sa.UniqueConstraint("number", name="uq_incidents_number"),
    )
    op.create_table(
        "events",
        sa.Column("incident", sa.String, nullable=False),
        sa.Column("seq", sa.Integer, nullable=False),
        sa.Column("at", sa.DateTime, nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("incident", "seq", name="pk_events"),
        sa.ForeignKeyConstraint(["incident"], ["incidents.id"], name="fk_events_incident_incidents"),
    )
    op.create_table(
        "posts",
        sa.Column("key", sa.String, nullable=False),
        sa.Column("incident", sa.String, nullable=False),
        sa.Column("channel", sa.String, nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("n", sa.Integer, nullable=False),
        sa.Column("reason", sa.String, nullable=False),
        sa.Column("decided_at", sa.DateTime, nullable=False),
        sa.Column("said", sa.Text, nullable=False),
        sa.Column("mention", sa.Text, nullable=False),
        sa.Column("wanted", sa.Integer, nullable=False),
        sa.Column("sent", sa.Integer, nullable=False),
        sa.Column("ts", sa.String),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("not_before", sa.DateTime),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("problem", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_posts"),
        sa.ForeignKeyConstraint(["incident"], ["incidents.id"], name="fk_posts_incident_incidents"),
    )
    op.create_index("ix_posts_incident", "posts", ["incident"])
    op.create_index("ix_posts_owed", "posts", ["state", "decided_at"])
