"""The folded name of a member, and the groups of a user in their order."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the folded name; let the index of users know the order of their groups."""
    folded = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
    op.add_column("group_members", sa.Column("display_key", folded, nullable=True))
    op.drop_index("ix_group_members_link_seq", table_name="group_members")
    op.create_index(
        "ix_group_members_link_seq",
        "group_members",
        ["link_seq", "group_seq"],
        unique=False,
    )
