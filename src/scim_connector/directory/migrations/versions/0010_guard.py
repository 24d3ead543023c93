"""The guard against mass changes: thresholds, what was seen, and an index to count by."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
# 0008 and 0009 come from other work; this follows the last of them once they are here.
down_revision = "0009"

# Written out, because a migration stays as it is when the code goes on.
GUARDED = (
    "name IN ('user:deactivated', 'user:initials:changed', 'user:name:changed',"
    " 'user:role:revoked', 'user:username:changed')"
)


def upgrade() -> None:
    """Add what the guard needs; nothing that is there changes."""
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.add_column(
        "connections",
        sa.Column("guard", sa.Text(), server_default="{}", nullable=False),
    )
    op.create_table(
        "mass_changes",
        sa.Column("id", number, autoincrement=True, nullable=False),
        sa.Column("connection_id", number, nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("slot", sa.BigInteger(), nullable=True),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.Column("people", sa.Integer(), nullable=False),
        sa.Column("most", sa.Integer(), nullable=False),
        sa.Column(
            "holds", sa.Boolean(), server_default=sa.text("false"), nullable=False
        ),
        sa.Column("approved_at", sa.BigInteger(), nullable=True),
        sa.Column("approved_by", sa.Text(), nullable=True),
        sa.Column("approved_until", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["connection_id"],
            ["connections.id"],
            name=op.f("fk_mass_changes_connection_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mass_changes")),
        sa.UniqueConstraint(
            "connection_id",
            "kind",
            "slot",
            name=op.f("uq_mass_changes_connection_id_kind_slot"),
        ),
        comment="Where a provider changed more people than expected, once a span and kind.",
    )
    held = sa.text("holds AND approved_at IS NULL")
    op.create_index(
        "uq_mass_changes_held",
        "mass_changes",
        ["connection_id", "kind"],
        unique=True,
        sqlite_where=held,
        postgresql_where=held,
    )
    guarded = sa.text(GUARDED)
    op.create_index(
        "ix_audit_events_guard",
        "audit_events",
        ["connection_id", "name", "at", "user_id"],
        sqlite_where=guarded,
        postgresql_where=guarded,
    )
