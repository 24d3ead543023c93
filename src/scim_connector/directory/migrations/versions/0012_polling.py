"""Receivers that ask for their security events instead of being sent them."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Add what such a receiver needs; those that are there are sent events as before."""
    op.add_column(
        "event_receivers",
        sa.Column(
            "polls", sa.Boolean(), server_default=sa.text("false"), nullable=False
        ),
    )
    for name, kind in (
        ("token_id", sa.String(length=16)),
        ("token_hash", sa.String(length=64)),
        ("polled_at", sa.BigInteger()),
        ("test_jti", sa.String(length=36)),
    ):
        op.add_column("event_receivers", sa.Column(name, kind, nullable=True))
    op.add_column(
        "event_receivers",
        sa.Column("settled_from", sa.BigInteger(), server_default="0", nullable=False),
    )
    present = sa.text("token_id IS NOT NULL")
    op.create_index(
        "ix_event_receivers_token",
        "event_receivers",
        ["token_id"],
        unique=True,
        sqlite_where=present,
        postgresql_where=present,
    )
    op.create_index(
        "ix_event_deliveries_event", "event_deliveries", ["receiver_id", "event_id"]
    )
