"""Security events out: who is sent them, and what each took."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Add the two tables; nothing that is there changes."""
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    key = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
    op.create_table(
        "event_receivers",
        sa.Column("id", number, autoincrement=True, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("name_key", key, nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("audience", sa.Text(), nullable=False),
        sa.Column("bearer", sa.Text(), nullable=True),
        sa.Column("kinds", sa.Text(), nullable=False),
        sa.Column(
            "paused", sa.Boolean(), server_default=sa.text("false"), nullable=False
        ),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("leased_until", sa.BigInteger(), nullable=True),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("last_delivered_at", sa.BigInteger(), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_event_receivers")),
        sa.UniqueConstraint("name_key", name=op.f("uq_event_receivers_name_key")),
        comment="Who is sent security events; position is the last event of audit sent.",
    )
    op.create_table(
        "event_deliveries",
        sa.Column("id", number, autoincrement=True, nullable=False),
        sa.Column("receiver_id", number, nullable=False),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("jti", sa.String(length=36), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("refused", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["receiver_id"],
            ["event_receivers.id"],
            name=op.f("fk_event_deliveries_receiver_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_event_deliveries")),
        comment="What a receiver took, or refused for good, and why.",
    )
    op.create_index(
        "ix_event_deliveries_receiver", "event_deliveries", ["receiver_id", "id"]
    )
    op.create_index("ix_event_deliveries_at", "event_deliveries", ["at"])
