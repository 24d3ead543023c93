"""Audit beside persons: what an event tells of somebody can be erased, the chain holds."""

import sqlalchemy as sa
from alembic import op

from scim_connector.directory.triggers import AUDIT

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Add what erasure and pruning need; events that are there stay as they are."""
    op.add_column("audit_events", sa.Column("actor_id", sa.Integer(), nullable=True))
    op.add_column("audit_events", sa.Column("digest", sa.String(64), nullable=True))
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "audit_personal",
        sa.Column("event_id", number, autoincrement=False, nullable=False),
        sa.Column("salt", sa.String(length=32), nullable=False),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("event_id", name=op.f("pk_audit_personal")),
        comment="What events tell of persons; the event keeps a digest, this is erased.",
    )
    op.create_table(
        "erased_names",
        sa.Column("field", sa.String(length=10), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("field", "hash", name=op.f("pk_erased_names")),
        comment="Initials, usernames and addresses of who was erased; never given again.",
    )
    op.add_column("users", sa.Column("erased_at", sa.BigInteger(), nullable=True))
    on = "" if op.get_bind().dialect.name == "sqlite" else " ON audit_events"
    op.execute(f"DROP TRIGGER IF EXISTS audit_events_delete{on}")
    for trigger in AUDIT[op.get_bind().dialect.name]:
        op.execute(trigger)
