"""OAuth: secrets, trusts in issuers, access tokens; and credentials that only read."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

_KINDS = "kind IN ('bearer', 'reader', 'secret', 'trust', 'access')"
_CHECK = "ck_credentials_kind"


def _former_credentials() -> sa.Table:
    """The table as it was, without its check: SQLite makes a table anew to change it."""
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    return sa.Table(
        "credentials",
        sa.MetaData(),
        sa.Column("id", sa.String(length=16), nullable=False),
        sa.Column("connection_id", number, nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=True),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
        sa.Column("last_used_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["connection_id"], ["connections.id"], name="fk_credentials_connection_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_credentials"),
        sa.Index("ix_credentials_connection_id", "connection_id"),
    )


def upgrade() -> None:
    """Let credentials be of five kinds, one issued for another; make the trusts."""
    parent = sa.Column("parent_id", sa.String(length=16), nullable=True)
    if op.get_bind().dialect.name == "sqlite":
        with op.batch_alter_table(
            "credentials",
            copy_from=_former_credentials(),
            recreate="always",
            table_args=(sa.CheckConstraint(_KINDS, name=op.f(_CHECK)),),
        ) as batch:
            batch.add_column(parent)
    else:
        op.add_column("credentials", parent)
        op.drop_constraint(op.f(_CHECK), "credentials", type_="check")
        op.create_check_constraint(op.f(_CHECK), "credentials", _KINDS)
        op.create_table_comment(
            "credentials",
            "What opens a connection; an access token dies with the parent it is from.",
        )
    op.create_index("ix_credentials_parent_id", "credentials", ["parent_id"])
    op.create_table(
        "oauth_trusts",
        sa.Column("id", sa.String(length=16), nullable=False),
        sa.Column("issuer", sa.Text(), nullable=False),
        sa.Column("jwks_url", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=True),
        sa.Column("audiences", sa.Text(), nullable=False),
        sa.Column("tenant", sa.Text(), nullable=True),
        sa.Column("algorithm", sa.String(length=10), nullable=False),
        sa.Column(
            "is_direct", sa.Boolean(), server_default=sa.text("false"), nullable=False
        ),
        sa.ForeignKeyConstraint(
            ["id"], ["credentials.id"], name=op.f("fk_oauth_trusts_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_oauth_trusts")),
        comment="Whose signed assertions are exchanged for access tokens (RFC 7523).",
    )
    op.create_index("ix_oauth_trusts_issuer", "oauth_trusts", ["issuer"])
    op.create_table(
        "used_assertions",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_used_assertions")),
        comment="An assertion is exchanged once; kept until it would be refused anyway.",
    )
    op.create_index("ix_used_assertions_expires_at", "used_assertions", ["expires_at"])
