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
    _add_auditor()
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
    if op.get_bind().dialect.name == "sqlite":
        words = ["username_key", "initials_key", "email_key", "first_name", "last_name"]
        op.create_index("ix_users_words", "users", words)
    nobody = sa.text("user_id IS NULL AND hidden_at IS NULL")
    op.create_index(
        "ix_links_nobody",
        "links",
        ["connection_id", "active"],
        sqlite_where=nobody,
        postgresql_where=nobody,
    )
    op.create_index(
        "ix_users_held",
        "users",
        ["held_at"],
        sqlite_where=sa.text("held_by IS NOT NULL"),
        postgresql_where=sa.text("held_by IS NOT NULL"),
    )
    op.add_column("request_log", sa.Column("identity_key", key, nullable=True))
    op.drop_index("ix_request_log_identity", table_name="request_log")
    op.execute("UPDATE request_log SET identity_key = lower(identity)")
    for name, condition, columns in (
        ("identity", "identity_key IS NOT NULL", ["identity_key", "id"]),
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


def _add_auditor() -> None:
    """Add the built-in role that only looks, where an installation has no such name."""
    seen = [
        *("apps.view", "compliance.view", "provisioning.view"),
        *("roles.view", "settings.view", "users.view"),
    ]
    text = ",".join(f'"{name}"' for name in seen)
    op.execute(
        sa.text(
            "INSERT INTO roles (name, name_key, permissions)"
            " SELECT 'Auditor', 'auditor', :text WHERE EXISTS (SELECT 1 FROM roles)"
            " AND NOT EXISTS (SELECT 1 FROM roles WHERE name_key = 'auditor')"
        ).bindparams(text=f"[{text}]")
    )
