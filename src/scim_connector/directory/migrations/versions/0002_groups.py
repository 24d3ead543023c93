"""Groups of providers: kept as sent, their members, and the roles they are tied to."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make the tables of groups."""
    op.create_table(
        "group_links",
        sa.Column(
            "seq",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column(
            "connection_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            nullable=False,
        ),
        sa.Column(
            "external_id",
            sa.Text().with_variant(sa.Text(collation="C"), "postgresql"),
            nullable=True,
        ),
        sa.Column("display_name", sa.Text(), nullable=False),
        sa.Column(
            "display_name_key",
            sa.Text().with_variant(sa.Text(collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("modified_at", sa.BigInteger(), nullable=False),
        sa.Column("served", sa.Text(), nullable=False),
        sa.Column(
            "search",
            sa.Text().with_variant(postgresql.JSONB(none_as_null=True), "postgresql"),
            nullable=False,
        ),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["connection_id"],
            ["connections.id"],
            name=op.f("fk_group_links_connection_id"),
        ),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_group_links")),
        sa.UniqueConstraint("id", name=op.f("uq_group_links_id")),
        comment="A provider's group without its members; reference is its line in a user.",
    )
    op.create_index(
        "ix_group_links_created",
        "group_links",
        ["connection_id", "created_at"],
        unique=False,
    )
    op.create_index(
        "ix_group_links_display_name",
        "group_links",
        ["connection_id", "display_name_key"],
        unique=False,
    )
    op.create_index(
        "ix_group_links_external_id",
        "group_links",
        ["connection_id", "external_id"],
        unique=False,
    )
    op.create_index(
        "ix_group_links_modified",
        "group_links",
        ["connection_id", "modified_at"],
        unique=False,
    )
    op.create_index(
        "ix_group_links_seq", "group_links", ["connection_id", "seq"], unique=False
    )
    op.create_table(
        "group_ties",
        sa.Column(
            "group_seq",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            nullable=False,
        ),
        sa.Column(
            "role_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            nullable=False,
        ),
        sa.Column("source", sa.String(length=10), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "source IN ('mapping', 'console')", name=op.f("ck_group_ties_source")
        ),
        sa.ForeignKeyConstraint(
            ["group_seq"], ["group_links.seq"], name=op.f("fk_group_ties_group_seq")
        ),
        sa.ForeignKeyConstraint(
            ["role_id"], ["roles.id"], name=op.f("fk_group_ties_role_id")
        ),
        sa.PrimaryKeyConstraint(
            "group_seq", "role_id", "source", name=op.f("pk_group_ties")
        ),
        comment="Which role a provider's group gives, and who tied them.",
    )
    op.create_index(
        op.f("ix_group_ties_role_id"), "group_ties", ["role_id"], unique=False
    )
    op.create_table(
        "group_members",
        sa.Column(
            "seq",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column(
            "group_seq",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            nullable=False,
        ),
        sa.Column("connection_id", sa.Integer(), nullable=False),
        sa.Column(
            "value",
            sa.Text().with_variant(sa.Text(collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column("display", sa.Text(), nullable=True),
        sa.Column(
            "link_seq",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            nullable=True,
        ),
        sa.Column(
            "member_group_seq",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            nullable=True,
        ),
        sa.ForeignKeyConstraint(
            ["group_seq"], ["group_links.seq"], name=op.f("fk_group_members_group_seq")
        ),
        sa.ForeignKeyConstraint(
            ["link_seq"], ["links.seq"], name=op.f("fk_group_members_link_seq")
        ),
        sa.ForeignKeyConstraint(
            ["member_group_seq"],
            ["group_links.seq"],
            name=op.f("fk_group_members_member_group_seq"),
        ),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_group_members")),
        sa.UniqueConstraint(
            "group_seq", "value", name=op.f("uq_group_members_group_seq_value")
        ),
        comment="Members as sent, in order; link_seq or member_group_seq when one is known.",
    )
    op.create_index(
        op.f("ix_group_members_link_seq"), "group_members", ["link_seq"], unique=False
    )
    op.create_index(
        op.f("ix_group_members_member_group_seq"),
        "group_members",
        ["member_group_seq"],
        unique=False,
    )
    op.create_index(
        "ix_group_members_value",
        "group_members",
        ["connection_id", "value"],
        unique=False,
    )
