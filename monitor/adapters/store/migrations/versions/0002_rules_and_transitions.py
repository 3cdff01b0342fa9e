"""The last good rule set, the record of what alerts did, and notes: posts that belong to no incident."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables, and let a post stand without an incident."""
    op.create_table(
        "rule_files",
        sa.Column("name", sa.String, nullable=False),
        sa.Column("content", sa.LargeBinary, nullable=False),
        sa.Column("adopted_at", sa.DateTime, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_rule_files"),
    )
    op.create_table(
        "transitions",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("group_name", sa.String, nullable=False),
        sa.Column("alert", sa.String, nullable=False),
        sa.Column("labels", sa.Text, nullable=False),
        sa.Column("tier", sa.String, nullable=False),
        sa.Column("before", sa.String, nullable=False),
        sa.Column("after", sa.String, nullable=False),
        sa.Column("cause", sa.String, nullable=False),
        sa.Column("since", sa.BigInteger, nullable=False),
        sa.Column("value", sa.Float),
        sa.Column("limit", sa.Float),
        sa.Column("shadow", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_transitions"),
    )
    op.create_index("ix_transitions_at", "transitions", ["at"])
    op.create_index("ix_transitions_alert", "transitions", ["alert", "at"])
    with op.batch_alter_table("alerts") as alerts:
        alerts.add_column(sa.Column("open_ended", sa.Boolean, nullable=False, server_default=sa.false()))
    with op.batch_alter_table("posts") as posts:
        posts.alter_column("incident", existing_type=sa.String, nullable=True)
