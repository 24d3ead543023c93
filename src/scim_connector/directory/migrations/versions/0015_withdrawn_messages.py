"""Messages that nobody is to be sent any more, told from those that were not taken."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    """Add a column; what was given up before stays as it is."""
    op.add_column(
        "outbox",
        sa.Column(
            "withdrawn", sa.Boolean(), server_default=sa.text("false"), nullable=False
        ),
    )
