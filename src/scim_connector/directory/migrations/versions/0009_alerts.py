"""Figures and alerts: requests counted for /metrics, conditions that hold."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Add three tables; nothing that is there changes."""
    op.create_table(
        "request_counts",
        sa.Column("connection_id", sa.Integer(), nullable=False),
        sa.Column("action", sa.String(length=20), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("within_us", sa.BigInteger(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("total_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint(
            "connection_id",
            "action",
            "status",
            "within_us",
            name=op.f("pk_request_counts"),
        ),
        comment="How many requests were answered, and how fast; counted in batches.",
    )
    op.create_table(
        "alert_rules",
        sa.Column("condition", sa.String(length=40), nullable=False),
        sa.Column("threshold", sa.Text(), nullable=True),
        sa.Column(
            "is_on", sa.Boolean(), server_default=sa.text("true"), nullable=False
        ),
        sa.Column(
            "by_mail", sa.Boolean(), server_default=sa.text("true"), nullable=False
        ),
        sa.Column(
            "by_log", sa.Boolean(), server_default=sa.text("true"), nullable=False
        ),
        sa.Column("silent_until", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("condition", name=op.f("pk_alert_rules")),
        comment="What a person changed about an alert; no row where nothing.",
    )
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "alerts",
        sa.Column("id", number, autoincrement=True, nullable=False),
        sa.Column("condition", sa.String(length=40), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("sentence", sa.Text(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("told_level", sa.Text(), nullable=True),
        sa.Column("over_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alerts")),
        comment="Conditions that hold or held, and what was mailed about them.",
    )
    is_open = sa.text("over_at IS NULL")
    op.create_index(
        "uq_alerts_open",
        "alerts",
        ["condition", "subject"],
        unique=True,
        sqlite_where=is_open,
        postgresql_where=is_open,
    )
    op.create_index("ix_alerts_over", "alerts", ["over_at"])
