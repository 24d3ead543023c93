"""Webhooks: who is told of alerts and heads of audit, and their place in the outbox."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Add a table and two columns; nothing that is there changes."""
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    key = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
    op.create_table(
        "webhooks",
        sa.Column("id", number, autoincrement=True, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("name_key", key, nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("secret", sa.Text(), nullable=False),
        sa.Column("former_secret", sa.Text(), nullable=True),
        sa.Column("former_until", sa.BigInteger(), nullable=True),
        sa.Column("kinds", sa.Text(), nullable=False),
        sa.Column(
            "paused", sa.Boolean(), server_default=sa.text("false"), nullable=False
        ),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhooks")),
        sa.UniqueConstraint("name_key", name=op.f("uq_webhooks_name_key")),
        comment="Who is sent signed webhooks; what each is sent stands in the outbox.",
    )
    op.add_column("outbox", sa.Column("webhook_id", sa.BigInteger(), nullable=True))
    op.add_column(
        "alert_rules",
        sa.Column(
            "by_webhook", sa.Boolean(), server_default=sa.text("true"), nullable=False
        ),
    )
    held = sa.text("webhook_id IS NOT NULL")
    for name, columns in (
        ("ix_outbox_webhook", ["webhook_id", "id"]),
        ("ix_outbox_webhook_at", ["created_at"]),
    ):
        op.create_index(
            name, "outbox", columns, sqlite_where=held, postgresql_where=held
        )
