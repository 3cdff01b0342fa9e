"""How often a message was found deleted by somebody, and posted anew."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Count it on every post."""
    with op.batch_alter_table("posts") as posts:
        posts.add_column(sa.Column("gone", sa.Integer, nullable=False, server_default="0"))
