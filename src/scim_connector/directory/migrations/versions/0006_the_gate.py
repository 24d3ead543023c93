"""The gate: sign-in, applications, sessions, second factors, API keys, receipts."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

#: Nothing could write a row of these before there was a gate: they are made anew.
_EMPTY = ("sessions", "password_resets", "api_tokens", "sso_identities")


def upgrade() -> None:
    """Make what the gate keeps."""
    for name in _EMPTY:
        op.drop_table(name)
    op.create_table(
        "applications",
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
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("address", sa.Text(), nullable=True),
        sa.Column("redirects", sa.Text(), server_default="[]", nullable=False),
        sa.Column("logout_url", sa.Text(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("retired_at", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "kind IN ('web', 'desktop', 'api')", name=op.f("ck_applications_kind")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_applications")),
        sa.UniqueConstraint("name_key", name=op.f("uq_applications_name_key")),
        comment="The applications that rely on the gate.",
    )
    op.create_table(
        "sign_in_failures",
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "key", name=op.f("pk_sign_in_failures")),
        comment="Failed password sign-ins by account, network and both, as hashes.",
    )
    op.create_index(
        "ix_sign_in_failures_since", "sign_in_failures", ["since"], unique=False
    )
    op.create_table(
        "application_clients",
        sa.Column(
            "application_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            nullable=False,
        ),
        sa.Column(
            "connection_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            nullable=False,
        ),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["application_id"],
            ["applications.id"],
            name=op.f("fk_application_clients_application_id"),
        ),
        sa.ForeignKeyConstraint(
            ["connection_id"],
            ["connections.id"],
            name=op.f("fk_application_clients_connection_id"),
        ),
        sa.PrimaryKeyConstraint(
            "application_id", "connection_id", name=op.f("pk_application_clients")
        ),
        comment="The client id an application has at a provider; its ID tokens name it.",
    )
    op.create_index(
        op.f("ix_application_clients_connection_id"),
        "application_clients",
        ["connection_id"],
        unique=False,
    )
    op.create_table(
        "application_secrets",
        sa.Column("id", sa.String(length=16), nullable=False),
        sa.Column(
            "application_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            nullable=False,
        ),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=True),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["application_id"],
            ["applications.id"],
            name=op.f("fk_application_secrets_application_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_application_secrets")),
        comment="What an application shows to introspect, revoke and exchange tokens.",
    )
    op.create_index(
        op.f("ix_application_secrets_application_id"),
        "application_secrets",
        ["application_id"],
        unique=False,
    )
    op.create_table(
        "sign_in_settings",
        sa.Column(
            "connection_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            nullable=False,
        ),
        sa.Column("issuer", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("client_secret", sa.Text(), nullable=True),
        sa.Column("scopes", sa.Text(), nullable=False),
        sa.Column("claim", sa.Text(), nullable=False),
        sa.Column("equals", sa.String(length=12), nullable=False),
        sa.Column("algorithm", sa.String(length=10), nullable=False),
        sa.Column("second_factor", sa.Text(), server_default="[]", nullable=False),
        sa.Column(
            "enabled", sa.Boolean(), server_default=sa.text("false"), nullable=False
        ),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "equals IN ('externalId', 'userName')",
            name=op.f("ck_sign_in_settings_equals"),
        ),
        sa.ForeignKeyConstraint(
            ["connection_id"],
            ["connections.id"],
            name=op.f("fk_sign_in_settings_connection_id"),
        ),
        sa.PrimaryKeyConstraint("connection_id", name=op.f("pk_sign_in_settings")),
        comment="How people of a connection sign in (OIDC); the secret is encrypted.",
    )
    op.create_table(
        "api_keys",
        sa.Column("id", sa.String(length=16), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=True),
        sa.Column("last_used_at", sa.BigInteger(), nullable=True),
        sa.Column("user_is_api", sa.Boolean(), nullable=False),
        sa.Column("user_active", sa.Boolean(), nullable=False),
        sa.CheckConstraint("user_active", name=op.f("ck_api_keys_active_user")),
        sa.CheckConstraint("user_is_api", name=op.f("ck_api_keys_kind_of_user")),
        sa.ForeignKeyConstraint(
            ["user_id", "user_is_api", "user_active"],
            ["users.id", "users.is_api_user", "users.active"],
            name=op.f("fk_api_keys_user_id_user_is_api_user_active"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_keys")),
        comment="What an API user exchanges for tokens; deleted when it is revoked.",
    )
    op.create_index(
        "ix_api_keys_user",
        "api_keys",
        ["user_id", "user_is_api", "user_active"],
        unique=False,
    )
    op.create_table(
        "password_resets",
        sa.Column("id", sa.String(length=16), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("reason", sa.String(length=20), nullable=False),
        sa.Column("new_email", sa.Text(), nullable=True),
        sa.Column("issued_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("used_at", sa.BigInteger(), nullable=True),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
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
    )
    op.create_index(
        "ix_password_resets_expires", "password_resets", ["expires_at"], unique=False
    )
    op.create_index(
        "ix_password_resets_user",
        "password_resets",
        ["user_id", "user_is_api", "user_active"],
        unique=False,
    )
    op.create_table(
        "receipts",
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
        sa.Column("username", sa.Text(), nullable=False),
        sa.Column("asked_at", sa.BigInteger(), nullable=False),
        sa.Column("cut_at", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("connection_id", sa.Integer(), nullable=True),
        sa.Column("request_id", sa.String(length=36), nullable=True),
        sa.Column("controls", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_receipts_user_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_receipts")),
        comment="What each deactivation ended, and when; back-channel calls: outbox.",
    )
    op.create_index("ix_receipts_asked", "receipts", ["asked_at"], unique=False)
    op.create_index(op.f("ix_receipts_user_id"), "receipts", ["user_id"], unique=False)
    op.create_table(
        "recovery_codes",
        sa.Column(
            "user_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            nullable=False,
        ),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_recovery_codes_user_id")
        ),
        sa.PrimaryKeyConstraint("user_id", "hash", name=op.f("pk_recovery_codes")),
        comment="Each opens once in place of the second factor, and is deleted then.",
    )
    op.create_table(
        "second_factors",
        sa.Column(
            "user_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            nullable=False,
        ),
        sa.Column("secret", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("confirmed_at", sa.BigInteger(), nullable=True),
        sa.Column("last_step", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_second_factors_user_id")
        ),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_second_factors")),
        comment="The secret of an authenticator app, encrypted.",
    )
    op.create_table(
        "sessions",
        sa.Column("id", sa.String(length=16), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("client", sa.Text(), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("method", sa.String(length=12), nullable=False),
        sa.Column(
            "second_factor",
            sa.Boolean(),
            server_default=sa.text("false"),
            nullable=False,
        ),
        sa.Column(
            "connection_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            nullable=True,
        ),
        sa.Column("network", sa.Text(), nullable=False),
        sa.Column("agent", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("user_is_api", sa.Boolean(), nullable=False),
        sa.Column("user_active", sa.Boolean(), nullable=False),
        sa.CheckConstraint("NOT user_is_api", name=op.f("ck_sessions_kind_of_user")),
        sa.CheckConstraint("user_active", name=op.f("ck_sessions_active_user")),
        sa.ForeignKeyConstraint(
            ["connection_id"],
            ["connections.id"],
            name=op.f("fk_sessions_connection_id"),
        ),
        sa.ForeignKeyConstraint(
            ["user_id", "user_is_api", "user_active"],
            ["users.id", "users.is_api_user", "users.active"],
            name=op.f("fk_sessions_user_id_user_is_api_user_active"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sessions")),
    )
    op.create_index(
        op.f("ix_sessions_connection_id"), "sessions", ["connection_id"], unique=False
    )
    op.create_index("ix_sessions_expires", "sessions", ["expires_at"], unique=False)
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
        sa.Column(
            "connection_id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            nullable=False,
        ),
        sa.Column("bound_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "NOT user_is_api", name=op.f("ck_sso_identities_kind_of_user")
        ),
        sa.ForeignKeyConstraint(
            ["connection_id"],
            ["connections.id"],
            name=op.f("fk_sso_identities_connection_id"),
        ),
        sa.ForeignKeyConstraint(
            ["user_id", "user_is_api"],
            ["users.id", "users.is_api_user"],
            name=op.f("fk_sso_identities_user_id_user_is_api"),
        ),
        sa.PrimaryKeyConstraint("issuer", "subject", name=op.f("pk_sso_identities")),
    )
    op.create_index(
        op.f("ix_sso_identities_connection_id"),
        "sso_identities",
        ["connection_id"],
        unique=False,
    )
    op.create_index(
        "ix_sso_identities_user",
        "sso_identities",
        ["user_id", "user_is_api"],
        unique=False,
    )
    op.create_table(
        "api_tokens",
        sa.Column("id", sa.String(length=16), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("key_id", sa.String(length=16), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("user_is_api", sa.Boolean(), nullable=False),
        sa.Column("user_active", sa.Boolean(), nullable=False),
        sa.CheckConstraint("user_active", name=op.f("ck_api_tokens_active_user")),
        sa.CheckConstraint("user_is_api", name=op.f("ck_api_tokens_kind_of_user")),
        sa.ForeignKeyConstraint(
            ["key_id"], ["api_keys.id"], name=op.f("fk_api_tokens_key_id")
        ),
        sa.ForeignKeyConstraint(
            ["user_id", "user_is_api", "user_active"],
            ["users.id", "users.is_api_user", "users.active"],
            name=op.f("fk_api_tokens_user_id_user_is_api_user_active"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_tokens")),
    )
    op.create_index("ix_api_tokens_expires", "api_tokens", ["expires_at"], unique=False)
    op.create_index(
        op.f("ix_api_tokens_key_id"), "api_tokens", ["key_id"], unique=False
    )
    op.create_index(
        "ix_api_tokens_user",
        "api_tokens",
        ["user_id", "user_is_api", "user_active"],
        unique=False,
    )
    op.add_column("outbox", sa.Column("held_at", sa.BigInteger(), nullable=True))
    op.add_column("outbox", sa.Column("receipt_id", sa.BigInteger(), nullable=True))
    op.create_index(
        op.f("ix_outbox_receipt_id"), "outbox", ["receipt_id"], unique=False
    )
    op.add_column(
        "users", sa.Column("password_changed_at", sa.BigInteger(), nullable=True)
    )
