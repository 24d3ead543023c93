"""The console: what a role allows, names kept for somebody, quick lists of the log."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Add what the pages ask of the database; nothing that is there changes."""
    op.add_column(
        "roles",
        sa.Column("permissions", sa.Text(), server_default="[]", nullable=False),
    )
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    key = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
    op.create_table(
        "reserved_names",
        sa.Column("field", sa.String(length=10), nullable=False),
        sa.Column("key", key, nullable=False),
        sa.Column("user_id", number, nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_reserved_names_user_id")
        ),
        sa.PrimaryKeyConstraint("field", "key", name=op.f("pk_reserved_names")),
        comment="Initials and usernames somebody had, kept for them for a while.",
    )
    op.create_index("ix_reserved_names_user_id", "reserved_names", ["user_id"])
    for name, condition, columns in (
        ("changes", "action <> 'Read'", ["at", "id"]),
        ("troubles", "outcome <> 'Success'", ["outcome", "at", "id"]),
    ):
        rows = sa.text(condition)
        op.create_index(
            f"ix_request_log_{name}",
            "request_log",
            columns,
            sqlite_where=rows,
            postgresql_where=rows,
        )
