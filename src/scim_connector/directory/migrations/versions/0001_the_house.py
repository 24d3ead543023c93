"""The first schema: every table of the house, and what the database itself refuses."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from scim_connector.directory.triggers import TRIGGERS

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make every table and trigger."""
    op.create_table(
        "audit_events",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("connection_id", sa.Integer(), nullable=True),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column("request_id", sa.String(length=36), nullable=True),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_events")),
        comment="Append only: triggers refuse UPDATE and DELETE.",
    )
    op.create_index("ix_audit_events_at", "audit_events", ["at"], unique=False)
    op.create_index(
        "ix_audit_events_user", "audit_events", ["user_id", "id"], unique=False
    )
    op.create_table(
        "audit_seals",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("first_event", sa.BigInteger(), nullable=False),
        sa.Column("last_event", sa.BigInteger(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("previous", sa.String(length=64), nullable=False),
        sa.Column("sealed_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_seals")),
        sa.UniqueConstraint("previous", name=op.f("uq_audit_seals_previous")),
    )
    op.create_table(
        "connections",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column(
            "name_key",
            sa.Text().with_variant(sa.Text(collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column(
            "link_existing",
            sa.String(length=20),
            server_default="never",
            nullable=False,
        ),
        sa.Column("link_until", sa.BigInteger(), nullable=True),
        sa.Column(
            "allow_api_users",
            sa.Boolean(),
            server_default=sa.text("false"),
            nullable=False,
        ),
        sa.Column(
            "may_act_as_administrator",
            sa.Boolean(),
            server_default=sa.text("false"),
            nullable=False,
        ),
        sa.Column(
            "strict", sa.Boolean(), server_default=sa.text("false"), nullable=False
        ),
        sa.Column(
            "password_mail",
            sa.Boolean(),
            server_default=sa.text("true"),
            nullable=False,
        ),
        sa.Column("quirks_off", sa.Text(), server_default="[]", nullable=False),
        sa.Column(
            "takes_over",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            nullable=True,
        ),
        sa.Column("mapping_id", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "kind IN ('entra', 'okta', 'generic')", name=op.f("ck_connections_kind")
        ),
        sa.CheckConstraint(
            "link_existing IN ('never', 'email', 'username')",
            name=op.f("ck_connections_link_existing"),
        ),
        sa.CheckConstraint(
            "state IN ('rehearsing', 'live', 'paused', 'retired')",
            name=op.f("ck_connections_state"),
        ),
        sa.ForeignKeyConstraint(
            ["takes_over"], ["connections.id"], name=op.f("fk_connections_takes_over")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_connections")),
        sa.UniqueConstraint("name_key", name=op.f("uq_connections_name_key")),
    )
    op.create_table(
        "installation",
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_installation")),
        comment="Facts of this installation: the check value of its secret key.",
    )
    op.create_table(
        "link_counts",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("connection_id", sa.Integer(), nullable=False),
        sa.Column("block", sa.Integer(), nullable=False),
        sa.Column("live", sa.Integer(), nullable=False),
        sa.Column("active", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_link_counts")),
        comment="Visible and active links per block of links.seq; rows of a block add up.",
    )
    op.create_index(
        "ix_link_counts_block", "link_counts", ["connection_id", "block"], unique=False
    )
    op.create_table(
        "name_counters",
        sa.Column("field", sa.String(length=10), nullable=False),
        sa.Column(
            "base",
            sa.Text().with_variant(sa.Text(collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column("next", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("field", "base", name=op.f("pk_name_counters")),
        comment="The next number to try behind a base of initials or of a username.",
    )
    op.create_table(
        "outbox",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.Column("message_id", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("best_before", sa.BigInteger(), nullable=True),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("leased_until", sa.BigInteger(), nullable=True),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("delivered_at", sa.BigInteger(), nullable=True),
        sa.Column("given_up_at", sa.BigInteger(), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
    )
    op.create_index(
        "ix_outbox_due",
        "outbox",
        ["delivered_at", "given_up_at", "due_at"],
        unique=False,
    )
    op.create_table(
        "profiles",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column(
            "name_key",
            sa.Text().with_variant(sa.Text(collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_profiles")),
        sa.UniqueConstraint("name_key", name=op.f("uq_profiles_name_key")),
    )
    op.create_table(
        "refused_callers",
        sa.Column("day", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("last_seen_at", sa.BigInteger(), nullable=False),
        sa.Column("sample", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint(
            "day", "reason", "source", name=op.f("pk_refused_callers")
        ),
        comment="Requests refused before authentication, counted in batches.",
    )
    op.create_table(
        "request_log",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("request_id", sa.String(length=36), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("connection_id", sa.Integer(), nullable=False),
        sa.Column("credential_id", sa.String(length=16), nullable=True),
        sa.Column("method", sa.String(length=10), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("action", sa.String(length=20), nullable=False),
        sa.Column("outcome", sa.String(length=10), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("identity", sa.Text(), nullable=True),
        sa.Column("link_id", sa.String(length=36), nullable=True),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column("duration_us", sa.Integer(), nullable=False),
        sa.Column("steps", sa.Text(), nullable=False),
        sa.Column("request_body", sa.Text(), nullable=True),
        sa.Column("response_body", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_request_log")),
        sa.UniqueConstraint("request_id", name=op.f("uq_request_log_request_id")),
    )
    op.create_index("ix_request_log_at", "request_log", ["at", "id"], unique=False)
    op.create_index(
        "ix_request_log_connection",
        "request_log",
        ["connection_id", "at", "id"],
        unique=False,
    )
    op.create_index(
        "ix_request_log_identity",
        "request_log",
        ["identity", "id"],
        unique=False,
        sqlite_where=sa.text("identity IS NOT NULL"),
        postgresql_where=sa.text("identity IS NOT NULL"),
    )
    op.create_index(
        "ix_request_log_user",
        "request_log",
        ["user_id", "id"],
        unique=False,
        sqlite_where=sa.text("user_id IS NOT NULL"),
        postgresql_where=sa.text("user_id IS NOT NULL"),
    )
    op.create_table(
        "roles",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column(
            "name_key",
            sa.Text().with_variant(sa.Text(collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column(
            "is_administrator",
            sa.Boolean(),
            server_default=sa.text("false"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_roles")),
        sa.UniqueConstraint("name_key", name=op.f("uq_roles_name_key")),
    )
    op.create_table(
        "conflicts",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column(
            "connection_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            nullable=False,
        ),
        sa.Column("kind", sa.String(length=30), nullable=False),
        sa.Column("identity", sa.Text(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=True),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column("link_id", sa.String(length=36), nullable=True),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("resource", sa.Text(), nullable=True),
        sa.Column("times", sa.Integer(), server_default="1", nullable=False),
        sa.Column("first_seen_at", sa.BigInteger(), nullable=False),
        sa.Column("last_seen_at", sa.BigInteger(), nullable=False),
        sa.Column("resolved_at", sa.BigInteger(), nullable=True),
        sa.Column("resolution", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["connection_id"],
            ["connections.id"],
            name=op.f("fk_conflicts_connection_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_conflicts")),
        comment="The conflict queue: what a person has to decide, once per identity.",
    )
    op.create_index(
        "uq_conflicts_open",
        "conflicts",
        ["connection_id", "kind", "identity"],
        unique=True,
        sqlite_where=sa.text("resolved_at IS NULL"),
        postgresql_where=sa.text("resolved_at IS NULL"),
    )
    op.create_table(
        "credentials",
        sa.Column("id", sa.String(length=16), nullable=False),
        sa.Column(
            "connection_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            nullable=False,
        ),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=True),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
        sa.Column("last_used_at", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("kind IN ('bearer')", name=op.f("ck_credentials_kind")),
        sa.ForeignKeyConstraint(
            ["connection_id"],
            ["connections.id"],
            name=op.f("fk_credentials_connection_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_credentials")),
    )
    op.create_index(
        op.f("ix_credentials_connection_id"),
        "credentials",
        ["connection_id"],
        unique=False,
    )
    op.create_table(
        "mapping_versions",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column(
            "connection_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            nullable=False,
        ),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("file_name", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("applied_at", sa.BigInteger(), nullable=False),
        sa.Column("applied_by", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["connection_id"],
            ["connections.id"],
            name=op.f("fk_mapping_versions_connection_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mapping_versions")),
        sa.UniqueConstraint(
            "connection_id",
            "number",
            name=op.f("uq_mapping_versions_connection_id_number"),
        ),
    )
    op.create_table(
        "quirk_counts",
        sa.Column(
            "connection_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            nullable=False,
        ),
        sa.Column("quirk", sa.Text(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("last_seen_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["connection_id"],
            ["connections.id"],
            name=op.f("fk_quirk_counts_connection_id"),
        ),
        sa.PrimaryKeyConstraint("connection_id", "quirk", name=op.f("pk_quirk_counts")),
        comment="How often each dialect quirk, or unknown attribute, was seen.",
    )
    op.create_table(
        "users",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("user_type", sa.String(length=20), nullable=False),
        sa.Column(
            "is_api_user", sa.Boolean(), server_default=sa.text("false"), nullable=False
        ),
        sa.Column(
            "active", sa.Boolean(), server_default=sa.text("true"), nullable=False
        ),
        sa.Column("first_name", sa.Text(), server_default="", nullable=False),
        sa.Column("last_name", sa.Text(), server_default="", nullable=False),
        sa.Column("initials", sa.Text(), nullable=False),
        sa.Column(
            "initials_key",
            sa.Text().with_variant(sa.Text(collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column(
            "email_key",
            sa.Text().with_variant(sa.Text(collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column("username", sa.Text(), nullable=False),
        sa.Column(
            "username_key",
            sa.Text().with_variant(sa.Text(collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column(
            "initials_origin",
            sa.String(length=10),
            server_default="local",
            nullable=False,
        ),
        sa.Column(
            "email_origin", sa.String(length=10), server_default="local", nullable=False
        ),
        sa.Column(
            "username_origin",
            sa.String(length=10),
            server_default="local",
            nullable=False,
        ),
        sa.Column(
            "profile_origin",
            sa.String(length=10),
            server_default="local",
            nullable=False,
        ),
        sa.Column(
            "email_trusted",
            sa.Boolean(),
            server_default=sa.text("false"),
            nullable=False,
        ),
        sa.Column("overrides", sa.Text(), server_default="[]", nullable=False),
        sa.Column(
            "profile_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            nullable=True,
        ),
        sa.Column("held_by", sa.Text(), nullable=True),
        sa.Column("held_at", sa.BigInteger(), nullable=True),
        sa.Column("password_hash", sa.Text(), nullable=True),
        sa.Column(
            "password_expired",
            sa.Boolean(),
            server_default=sa.text("false"),
            nullable=False,
        ),
        sa.Column(
            "welcomed", sa.Boolean(), server_default=sa.text("false"), nullable=False
        ),
        sa.Column("first_login_at", sa.BigInteger(), nullable=True),
        sa.Column("epoch", sa.Integer(), server_default="0", nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "NOT is_api_user OR user_type = 'administrative'",
            name=op.f("ck_users_api_user_type"),
        ),
        sa.CheckConstraint(
            "user_type IN ('administrative', 'teacher', 'teacher_only', 'user_view_only')",
            name=op.f("ck_users_user_type"),
        ),
        sa.CheckConstraint(
            "length(email) BETWEEN 3 AND 254", name=op.f("ck_users_email")
        ),
        sa.CheckConstraint(
            "length(initials) BETWEEN 1 AND 5", name=op.f("ck_users_initials")
        ),
        sa.CheckConstraint(
            "length(username) BETWEEN 5 AND 30", name=op.f("ck_users_username")
        ),
        sa.ForeignKeyConstraint(
            ["profile_id"], ["profiles.id"], name=op.f("fk_users_profile_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
        sa.UniqueConstraint("email_key", name=op.f("uq_users_email_key")),
        sa.UniqueConstraint(
            "id", "is_api_user", "active", name=op.f("uq_users_id_is_api_user_active")
        ),
        sa.UniqueConstraint("id", "is_api_user", name=op.f("uq_users_id_is_api_user")),
        sa.UniqueConstraint("initials_key", name=op.f("uq_users_initials_key")),
        sa.UniqueConstraint("username_key", name=op.f("uq_users_username_key")),
    )
    op.create_index(op.f("ix_users_profile_id"), "users", ["profile_id"], unique=False)
    op.create_table(
        "api_app",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column(
            "installed", sa.Boolean(), server_default=sa.text("false"), nullable=False
        ),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column("user_is_api", sa.Boolean(), nullable=True),
        sa.Column("user_active", sa.Boolean(), nullable=True),
        sa.Column("configured_at", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "(user_id IS NULL AND user_is_api IS NULL AND user_active IS NULL) OR (user_id IS NOT NULL AND user_is_api AND user_active)",
            name=op.f("ck_api_app_user"),
        ),
        sa.CheckConstraint("id = 1", name=op.f("ck_api_app_single_row")),
        sa.CheckConstraint(
            "installed OR user_id IS NULL", name=op.f("ck_api_app_installed")
        ),
        sa.ForeignKeyConstraint(
            ["user_id", "user_is_api", "user_active"],
            ["users.id", "users.is_api_user", "users.active"],
            name=op.f("fk_api_app_user_id_user_is_api_user_active"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_app")),
    )
    op.create_index(
        "ix_api_app_user",
        "api_app",
        ["user_id", "user_is_api", "user_active"],
        unique=False,
    )
    op.create_table(
        "api_tokens",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=True),
        sa.Column("user_is_api", sa.Boolean(), nullable=False),
        sa.Column("user_active", sa.Boolean(), nullable=False),
        sa.CheckConstraint("user_active", name=op.f("ck_api_tokens_active_user")),
        sa.CheckConstraint("user_is_api", name=op.f("ck_api_tokens_kind_of_user")),
        sa.ForeignKeyConstraint(
            ["user_id", "user_is_api", "user_active"],
            ["users.id", "users.is_api_user", "users.active"],
            name=op.f("fk_api_tokens_user_id_user_is_api_user_active"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_tokens")),
        sa.UniqueConstraint("hash", name=op.f("uq_api_tokens_hash")),
    )
    op.create_index(
        "ix_api_tokens_user",
        "api_tokens",
        ["user_id", "user_is_api", "user_active"],
        unique=False,
    )
    op.create_table(
        "assignments",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column(
            "user_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            nullable=False,
        ),
        sa.Column(
            "role_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            nullable=False,
        ),
        sa.Column("source", sa.String(length=10), nullable=False),
        sa.Column("connection_id", sa.Integer(), server_default="0", nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "source IN ('resource', 'group', 'console')",
            name=op.f("ck_assignments_source"),
        ),
        sa.ForeignKeyConstraint(
            ["role_id"], ["roles.id"], name=op.f("fk_assignments_role_id")
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_assignments_user_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_assignments")),
        sa.UniqueConstraint(
            "user_id",
            "role_id",
            "source",
            "connection_id",
            name=op.f("uq_assignments_user_id_role_id_source_connection_id"),
        ),
        comment="A user holds a role while one row stands; connection 0 is the console.",
    )
    op.create_index(
        op.f("ix_assignments_role_id"), "assignments", ["role_id"], unique=False
    )
    op.create_table(
        "links",
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
            "user_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            nullable=True,
        ),
        sa.Column(
            "external_id",
            sa.Text().with_variant(sa.Text(collation="C"), "postgresql"),
            nullable=True,
        ),
        sa.Column("user_name", sa.Text(), nullable=False),
        sa.Column(
            "user_name_key",
            sa.Text().with_variant(sa.Text(collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column(
            "display_name_key",
            sa.Text().with_variant(sa.Text(collation="C"), "postgresql"),
            nullable=True,
        ),
        sa.Column(
            "family_name_key",
            sa.Text().with_variant(sa.Text(collation="C"), "postgresql"),
            nullable=True,
        ),
        sa.Column(
            "given_name_key",
            sa.Text().with_variant(sa.Text(collation="C"), "postgresql"),
            nullable=True,
        ),
        sa.Column(
            "employee_number_key",
            sa.Text().with_variant(sa.Text(collation="C"), "postgresql"),
            nullable=True,
        ),
        sa.Column(
            "local_username_key",
            sa.Text().with_variant(sa.Text(collation="C"), "postgresql"),
            nullable=True,
        ),
        sa.Column(
            "local_initials_key",
            sa.Text().with_variant(sa.Text(collation="C"), "postgresql"),
            nullable=True,
        ),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("asked_active", sa.Boolean(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("modified_at", sa.BigInteger(), nullable=False),
        sa.Column("hidden_at", sa.BigInteger(), nullable=True),
        sa.Column("hidden_why", sa.String(length=12), nullable=True),
        sa.Column("served", sa.Text(), nullable=False),
        sa.Column(
            "search",
            sa.Text().with_variant(postgresql.JSONB(), "postgresql"),
            nullable=False,
        ),
        sa.Column("verdict", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["connection_id"], ["connections.id"], name=op.f("fk_links_connection_id")
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_links_user_id")
        ),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_links")),
        sa.UniqueConstraint("id", name=op.f("uq_links_id")),
        comment="The provider's resource, and the local user it stands for.",
    )
    op.create_index(
        "ix_links_active",
        "links",
        ["connection_id", "active", "seq", "hidden_at"],
        unique=False,
    )
    op.create_index(
        "ix_links_created", "links", ["connection_id", "created_at"], unique=False
    )
    op.create_index(
        "ix_links_display_name",
        "links",
        ["connection_id", "display_name_key"],
        unique=False,
    )
    op.create_index(
        "ix_links_employee_number",
        "links",
        ["connection_id", "employee_number_key"],
        unique=False,
    )
    op.create_index(
        "ix_links_external_id", "links", ["connection_id", "external_id"], unique=False
    )
    op.create_index(
        "ix_links_family_name",
        "links",
        ["connection_id", "family_name_key"],
        unique=False,
    )
    op.create_index(
        "ix_links_given_name",
        "links",
        ["connection_id", "given_name_key"],
        unique=False,
    )
    op.create_index(
        "ix_links_local_initials",
        "links",
        ["connection_id", "local_initials_key"],
        unique=False,
    )
    op.create_index(
        "ix_links_local_username",
        "links",
        ["connection_id", "local_username_key"],
        unique=False,
    )
    op.create_index(
        "ix_links_modified", "links", ["connection_id", "modified_at"], unique=False
    )
    op.create_index(
        "ix_links_seq", "links", ["connection_id", "seq", "hidden_at"], unique=False
    )
    op.create_index(op.f("ix_links_user_id"), "links", ["user_id"], unique=False)
    op.create_index(
        "ix_links_user_name", "links", ["connection_id", "user_name_key"], unique=False
    )
    op.create_index(
        "uq_links_live_user",
        "links",
        ["user_id"],
        unique=True,
        sqlite_where=sa.text("hidden_at IS NULL AND user_id IS NOT NULL"),
        postgresql_where=sa.text("hidden_at IS NULL AND user_id IS NOT NULL"),
    )
    op.create_index(
        "uq_links_live_user_name",
        "links",
        ["connection_id", "user_name_key"],
        unique=True,
        sqlite_where=sa.text("hidden_at IS NULL"),
        postgresql_where=sa.text("hidden_at IS NULL"),
    )
    op.create_table(
        "password_resets",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("reason", sa.String(length=20), nullable=False),
        sa.Column("issued_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("used_at", sa.BigInteger(), nullable=True),
        sa.Column("user_is_api", sa.Boolean(), nullable=False),
        sa.Column("user_active", sa.Boolean(), nullable=False),
        sa.CheckConstraint(
            "NOT user_is_api", name=op.f("ck_password_resets_kind_of_user")
        ),
        sa.CheckConstraint("user_active", name=op.f("ck_password_resets_active_user")),
        sa.ForeignKeyConstraint(
            ["user_id", "user_is_api", "user_active"],
            ["users.id", "users.is_api_user", "users.active"],
            name=op.f("fk_password_resets_user_id_user_is_api_user_active"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_password_resets")),
        sa.UniqueConstraint("hash", name=op.f("uq_password_resets_hash")),
    )
    op.create_index(
        "ix_password_resets_user",
        "password_resets",
        ["user_id", "user_is_api", "user_active"],
        unique=False,
    )
    op.create_table(
        "sessions",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("client", sa.Text(), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("user_is_api", sa.Boolean(), nullable=False),
        sa.Column("user_active", sa.Boolean(), nullable=False),
        sa.CheckConstraint("NOT user_is_api", name=op.f("ck_sessions_kind_of_user")),
        sa.CheckConstraint("user_active", name=op.f("ck_sessions_active_user")),
        sa.ForeignKeyConstraint(
            ["user_id", "user_is_api", "user_active"],
            ["users.id", "users.is_api_user", "users.active"],
            name=op.f("fk_sessions_user_id_user_is_api_user_active"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sessions")),
        sa.UniqueConstraint("hash", name=op.f("uq_sessions_hash")),
    )
    op.create_index(
        "ix_sessions_user",
        "sessions",
        ["user_id", "user_is_api", "user_active"],
        unique=False,
    )
    op.create_table(
        "sso_identities",
        sa.Column("issuer", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("user_is_api", sa.Boolean(), nullable=False),
        sa.Column("bound_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "NOT user_is_api", name=op.f("ck_sso_identities_kind_of_user")
        ),
        sa.ForeignKeyConstraint(
            ["user_id", "user_is_api"],
            ["users.id", "users.is_api_user"],
            name=op.f("fk_sso_identities_user_id_user_is_api"),
        ),
        sa.PrimaryKeyConstraint("issuer", "subject", name=op.f("pk_sso_identities")),
    )
    op.create_index(
        "ix_sso_identities_user",
        "sso_identities",
        ["user_id", "user_is_api"],
        unique=False,
    )
    op.create_table(
        "link_emails",
        sa.Column(
            "link_seq",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            nullable=False,
        ),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("connection_id", sa.Integer(), nullable=False),
        sa.Column(
            "value_key",
            sa.Text().with_variant(sa.Text(collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["link_seq"], ["links.seq"], name=op.f("fk_link_emails_link_seq")
        ),
        sa.PrimaryKeyConstraint("link_seq", "position", name=op.f("pk_link_emails")),
    )
    op.create_index(
        "ix_link_emails_value",
        "link_emails",
        ["connection_id", "value_key"],
        unique=False,
    )
    for trigger in TRIGGERS[op.get_bind().dialect.name]:
        op.execute(trigger)
