"""Requests that were taken to be carried out later (``Prefer: respond-async``)."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    """Add the table; nothing that is there changes."""
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    waiting = sa.text("done_at IS NULL")
    op.create_table(
        "async_requests",
        sa.Column("id", number, autoincrement=True, nullable=False),
        sa.Column("txn", sa.String(length=36), nullable=False),
        sa.Column("connection_id", number, nullable=False),
        sa.Column("credential_id", sa.String(length=16), nullable=False),
        sa.Column("method", sa.String(length=10), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("sealed", sa.Text(), nullable=True),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("key_hash", sa.String(length=64), nullable=True),
        sa.Column("fingerprint", sa.String(length=64), nullable=True),
        sa.Column("taken_at", sa.BigInteger(), nullable=False),
        sa.Column("leased_until", sa.BigInteger(), nullable=True),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("done_at", sa.BigInteger(), nullable=True),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("result", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["connection_id"],
            ["connections.id"],
            name=op.f("fk_async_requests_connection_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_async_requests")),
        sa.UniqueConstraint("txn", name=op.f("uq_async_requests_txn")),
        comment="Requests taken to be carried out later, in the order of their ids; what"
        " was sent and what came of it are encrypted.",
    )
    op.create_index(
        "ix_async_requests_waiting",
        "async_requests",
        ["connection_id", "id"],
        sqlite_where=waiting,
        postgresql_where=waiting,
    )
    op.create_index(
        "ix_async_requests_key", "async_requests", ["credential_id", "key_hash"]
    )
    op.create_index("ix_async_requests_done", "async_requests", ["done_at"])
