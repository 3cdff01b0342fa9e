"""Files of evidence that were read while they could be."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "evidence",
        sa.Column("incident", sa.String, nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("at", sa.DateTime, nullable=False),
        sa.Column("content", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("incident", "name", name="pk_evidence"),
        sa.ForeignKeyConstraint(["incident"], ["incidents.id"], name="fk_evidence_incident_incidents"),
    )
    op.create_index("ix_evidence_at", "evidence", ["at"])
