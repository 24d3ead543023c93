"""Every table on one page.

Columns hold integers and text only, so that a row read through the driver needs no
conversion: instants are microseconds since 1970 in UTC, truth is a ``Boolean``, ids of
SCIM resources are UUID text, and whole documents are JSON text.  Composite foreign keys
make the states the handbook forbids impossible to store: a session, a reset link or an
SSO identity of an API user, and any of them for a user who is inactive.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from scim_connector.rules.guard import EVENTS

if TYPE_CHECKING:
    from sqlalchemy.schema import SchemaItem

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}
metadata = MetaData(naming_convention=NAMING)

#: A growing number.  SQLite counts only an INTEGER PRIMARY KEY by itself.
Serial = BigInteger().with_variant(Integer, "sqlite")
#: The search document: text with JSON functions on SQLite, ``jsonb`` on PostgreSQL.
SearchDocument = Text().with_variant(JSONB(none_as_null=True), "postgresql")
#: Text that is ordered and compared by code point on both databases.
Key = Text().with_variant(Text(collation="C"), "postgresql")

#: The events that the guard against mass changes counts; a query repeats it to the
#: letter, or SQLite does not take the index.
GUARDED = "name IN ({})".format(", ".join(f"'{name}'" for name in sorted(EVENTS)))


def _serial() -> Column[int]:
    return Column("id", Serial, primary_key=True, autoincrement=True)


def _instant(name: str, *, nullable: bool = False) -> Column[int]:
    return Column(name, BigInteger, nullable=nullable)


def _flag(name: str, *, default: bool = False) -> Column[bool]:
    clause = text("true" if default else "false")
    return Column(name, Boolean, nullable=False, server_default=clause)


def _only(name: str, condition: str, *columns: str) -> Index:
    """An index of the rows of which a condition is true; SQLite needs it literally."""
    rows = text(condition)
    return Index(name, *columns, sqlite_where=rows, postgresql_where=rows)


def _unique_only(name: str, condition: str, *columns: str) -> Index:
    """A unique index of the rows of which a condition is true."""
    rows = text(condition)
    return Index(name, *columns, unique=True, sqlite_where=rows, postgresql_where=rows)


def _present(name: str, column: str) -> Index:
    """An index of the rows in which *column* has a value; reads of the log have none."""
    return _only(name, f"{column} IS NOT NULL", column, "id")


# ------------------------------------------------------------------ installation

installation = Table(
    "installation",
    metadata,
    Column("name", String(60), primary_key=True),
    Column("value", Text, nullable=False),
    comment="Facts of this installation: the check value of its secret key.",
)

# ------------------------------------------------------------------- connections

connections = Table(
    "connections",
    metadata,
    _serial(),
    Column("name", Text, nullable=False),
    Column("name_key", Key, nullable=False, unique=True),
    Column("kind", String(20), nullable=False),
    Column("state", String(20), nullable=False),
    Column("link_existing", String(20), nullable=False, server_default="never"),
    _instant("link_until", nullable=True),
    _flag("allow_api_users"),
    _flag("may_act_as_administrator"),
    _flag("strict"),
    _flag("password_mail", default=True),
    Column("quirks_off", Text, nullable=False, server_default="[]"),
    Column("takes_over", ForeignKey("connections.id")),
    Column("mapping_id", Integer),
    _instant("created_at"),
    Column("guard", Text, nullable=False, server_default="{}"),
    CheckConstraint("kind IN ('entra', 'okta', 'generic')", name="kind"),
    CheckConstraint(
        "state IN ('rehearsing', 'live', 'paused', 'retired')", name="state"
    ),
    CheckConstraint(
        "link_existing IN ('never', 'email', 'username')", name="link_existing"
    ),
)

mass_changes = Table(
    "mass_changes",
    metadata,
    _serial(),
    Column("connection_id", ForeignKey("connections.id"), nullable=False),
    Column("kind", String(20), nullable=False),
    Column("slot", BigInteger),
    _instant("seen_at"),
    Column("people", Integer, nullable=False),
    Column("most", Integer, nullable=False),
    _flag("holds"),
    _instant("approved_at", nullable=True),
    Column("approved_by", Text),
    _instant("approved_until", nullable=True),
    UniqueConstraint("connection_id", "kind", "slot"),
    _unique_only(
        "uq_mass_changes_held", "holds AND approved_at IS NULL", "connection_id", "kind"
    ),
    comment="Where a provider changed more people than expected, once a span and kind.",
)

mapping_versions = Table(
    "mapping_versions",
    metadata,
    _serial(),
    Column("connection_id", ForeignKey("connections.id"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("file_name", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("sha256", String(64), nullable=False),
    _instant("applied_at"),
    Column("applied_by", Text, nullable=False),
    UniqueConstraint("connection_id", "number"),
)

credentials = Table(
    "credentials",
    metadata,
    Column("id", String(16), primary_key=True),
    Column("connection_id", ForeignKey("connections.id"), nullable=False, index=True),
    Column("kind", String(20), nullable=False),
    Column("hash", String(64), nullable=False),
    _instant("created_at"),
    _instant("expires_at", nullable=True),
    _instant("revoked_at", nullable=True),
    _instant("last_used_at", nullable=True),
    Column("parent_id", String(16), index=True),
    CheckConstraint(
        "kind IN ('bearer', 'reader', 'secret', 'trust', 'access')",
        name="kind",
    ),
    comment="What opens a connection; an access token dies with the parent it is from.",
)

oauth_trusts = Table(
    "oauth_trusts",
    metadata,
    Column("id", ForeignKey("credentials.id"), primary_key=True),
    Column("issuer", Text, nullable=False, index=True),
    Column("jwks_url", Text, nullable=False),
    Column("subject", Text),
    Column("audiences", Text, nullable=False),
    Column("tenant", Text),
    Column("algorithm", String(10), nullable=False),
    _flag("is_direct"),
    comment="Whose signed assertions are exchanged for access tokens (RFC 7523).",
)

used_assertions = Table(
    "used_assertions",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("expires_at", BigInteger, nullable=False, index=True),
    comment="An assertion is exchanged once; kept until it would be refused anyway.",
)

quirk_counts = Table(
    "quirk_counts",
    metadata,
    Column("connection_id", ForeignKey("connections.id"), primary_key=True),
    Column("quirk", Text, primary_key=True),
    Column("count", BigInteger, nullable=False),
    _instant("last_seen_at"),
    comment="How often each dialect quirk, or unknown attribute, was seen.",
)

# ------------------------------------------------------------- users and assignments

profiles = Table(
    "profiles",
    metadata,
    _serial(),
    Column("name", Text, nullable=False),
    Column("name_key", Key, nullable=False, unique=True),
)

roles = Table(
    "roles",
    metadata,
    _serial(),
    Column("name", Text, nullable=False),
    Column("name_key", Key, nullable=False, unique=True),
    _flag("is_administrator"),
    Column("permissions", Text, nullable=False, server_default="[]"),
)

users = Table(
    "users",
    metadata,
    _serial(),
    Column("user_type", String(20), nullable=False),
    _flag("is_api_user"),
    _flag("active", default=True),
    Column("first_name", Text, nullable=False, server_default=""),
    Column("last_name", Text, nullable=False, server_default=""),
    Column("initials", Text, nullable=False),
    Column("initials_key", Key, nullable=False, unique=True),
    Column("email", Text, nullable=False),
    Column("email_key", Key, nullable=False, unique=True),
    Column("username", Text, nullable=False),
    Column("username_key", Key, nullable=False, unique=True),
    Column("initials_origin", String(10), nullable=False, server_default="local"),
    Column("email_origin", String(10), nullable=False, server_default="local"),
    Column("username_origin", String(10), nullable=False, server_default="local"),
    Column("profile_origin", String(10), nullable=False, server_default="local"),
    _flag("email_trusted"),
    Column("overrides", Text, nullable=False, server_default="[]"),
    Column("profile_id", ForeignKey("profiles.id"), index=True),
    Column("held_by", Text),
    _instant("held_at", nullable=True),
    Column("password_hash", Text),
    _flag("password_expired"),
    _flag("welcomed"),
    _instant("first_login_at", nullable=True),
    Column("epoch", Integer, nullable=False, server_default="0"),
    Column("version", Integer, nullable=False, server_default="1"),
    _instant("created_at"),
    _instant("updated_at"),
    _instant("password_changed_at", nullable=True),
    _instant("erased_at", nullable=True),
    UniqueConstraint("id", "is_api_user"),
    UniqueConstraint("id", "is_api_user", "active"),
    CheckConstraint(
        "user_type IN ('administrative', 'teacher', 'teacher_only', 'user_view_only')",
        name="user_type",
    ),
    CheckConstraint(
        "NOT is_api_user OR user_type = 'administrative'", name="api_user_type"
    ),
    CheckConstraint("length(initials) BETWEEN 1 AND 5", name="initials"),
    CheckConstraint("length(username) BETWEEN 5 AND 30", name="username"),
    CheckConstraint("length(email) BETWEEN 3 AND 254", name="email"),
    _only("ix_users_held", "held_by IS NOT NULL", "held_at"),
)

name_counters = Table(
    "name_counters",
    metadata,
    Column("field", String(10), primary_key=True),
    Column("base", Key, primary_key=True),
    Column("next", Integer, nullable=False),
    comment="The next number to try behind a base of initials or of a username.",
)

reserved_names = Table(
    "reserved_names",
    metadata,
    Column("field", String(10), primary_key=True),
    Column("key", Key, primary_key=True),
    Column("user_id", ForeignKey("users.id"), nullable=False, index=True),
    _instant("until"),
    comment="Initials and usernames somebody had, kept for them for a while.",
)

erased_names = Table(
    "erased_names",
    metadata,
    Column("field", String(10), primary_key=True),
    Column("hash", String(64), primary_key=True),
    comment="Initials, usernames and addresses of who was erased; never given again.",
)

# A search of words reads this instead of every row.  PostgreSQL reads rows as quickly,
# and its indexes take no names of a thousand letters.
Index(
    "ix_users_words",
    *(users.c[n] for n in ("username_key", "initials_key", "email_key")),
    *(users.c[n] for n in ("first_name", "last_name")),
).ddl_if(dialect="sqlite")

assignments = Table(
    "assignments",
    metadata,
    _serial(),
    Column("user_id", ForeignKey("users.id"), nullable=False),
    Column("role_id", ForeignKey("roles.id"), nullable=False, index=True),
    Column("source", String(10), nullable=False),
    Column("connection_id", Integer, nullable=False, server_default="0"),
    _instant("created_at"),
    UniqueConstraint("user_id", "role_id", "source", "connection_id"),
    CheckConstraint("source IN ('resource', 'group', 'console')", name="source"),
    comment="A user holds a role while one row stands; connection 0 is the console.",
)

# -------------------------------------------------------------------------- links

links = Table(
    "links",
    metadata,
    Column("seq", Serial, primary_key=True, autoincrement=True),
    Column("id", String(36), nullable=False, unique=True),
    Column("connection_id", ForeignKey("connections.id"), nullable=False),
    Column("user_id", ForeignKey("users.id"), index=True),
    Column("external_id", Key),
    Column("user_name", Text, nullable=False),
    Column("user_name_key", Key, nullable=False),
    Column("display_name_key", Key),
    Column("family_name_key", Key),
    Column("given_name_key", Key),
    Column("employee_number_key", Key),
    Column("local_username_key", Key),
    Column("local_initials_key", Key),
    Column("active", Boolean, nullable=False),
    Column("asked_active", Boolean, nullable=False),
    Column("version", Integer, nullable=False),
    _instant("created_at"),
    _instant("modified_at"),
    _instant("hidden_at", nullable=True),
    Column("hidden_why", String(12)),
    Column("served", Text, nullable=False),
    Column("search", SearchDocument, nullable=False),
    Column("verdict", Text),
    Index(
        "uq_links_live_user_name",
        "connection_id",
        "user_name_key",
        unique=True,
        sqlite_where=text("hidden_at IS NULL"),
        postgresql_where=text("hidden_at IS NULL"),
    ),
    Index(
        "uq_links_live_user",
        "user_id",
        unique=True,
        sqlite_where=text("hidden_at IS NULL AND user_id IS NOT NULL"),
        postgresql_where=text("hidden_at IS NULL AND user_id IS NOT NULL"),
    ),
    _only(
        "ix_links_nobody",
        "user_id IS NULL AND hidden_at IS NULL",
        "connection_id",
        "active",
    ),
    Index("ix_links_user_name", "connection_id", "user_name_key"),
    Index("ix_links_external_id", "connection_id", "external_id"),
    Index("ix_links_seq", "connection_id", "seq", "hidden_at"),
    Index("ix_links_active", "connection_id", "active", "seq", "hidden_at"),
    Index("ix_links_display_name", "connection_id", "display_name_key"),
    Index("ix_links_family_name", "connection_id", "family_name_key"),
    Index("ix_links_given_name", "connection_id", "given_name_key"),
    Index("ix_links_employee_number", "connection_id", "employee_number_key"),
    Index("ix_links_local_username", "connection_id", "local_username_key"),
    Index("ix_links_local_initials", "connection_id", "local_initials_key"),
    Index("ix_links_created", "connection_id", "created_at"),
    Index("ix_links_modified", "connection_id", "modified_at"),
    comment="The provider's resource, and the local user it stands for.",
)

link_emails = Table(
    "link_emails",
    metadata,
    Column("link_seq", ForeignKey("links.seq"), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("connection_id", Integer, nullable=False),
    Column("value_key", Key, nullable=False),
    Index("ix_link_emails_value", "connection_id", "value_key"),
)

link_counts = Table(
    "link_counts",
    metadata,
    _serial(),
    Column("connection_id", Integer, nullable=False),
    Column("block", Integer, nullable=False),
    Column("live", Integer, nullable=False),
    Column("active", Integer, nullable=False),
    Index("ix_link_counts_block", "connection_id", "block"),
    comment="Visible and active links per block of links.seq; rows of a block add up.",
)

# ------------------------------------------------------------------------- groups

group_links = Table(
    "group_links",
    metadata,
    Column("seq", Serial, primary_key=True, autoincrement=True),
    Column("id", String(36), nullable=False, unique=True),
    Column("connection_id", ForeignKey("connections.id"), nullable=False),
    Column("external_id", Key),
    Column("display_name", Text, nullable=False),
    Column("display_name_key", Key, nullable=False),
    Column("version", Integer, nullable=False),
    _instant("created_at"),
    _instant("modified_at"),
    Column("served", Text, nullable=False),
    Column("search", SearchDocument, nullable=False),
    Column("reference", Text, nullable=False),
    Index("ix_group_links_seq", "connection_id", "seq"),
    Index("ix_group_links_external_id", "connection_id", "external_id"),
    Index("ix_group_links_display_name", "connection_id", "display_name_key"),
    Index("ix_group_links_created", "connection_id", "created_at"),
    Index("ix_group_links_modified", "connection_id", "modified_at"),
    comment="A provider's group without its members; reference is its line in a user.",
)

group_members = Table(
    "group_members",
    metadata,
    Column("seq", Serial, primary_key=True, autoincrement=True),
    Column("group_seq", ForeignKey("group_links.seq"), nullable=False),
    Column("connection_id", Integer, nullable=False),
    Column("value", Key, nullable=False),
    Column("display", Text),
    Column("link_seq", ForeignKey("links.seq")),
    Column("member_group_seq", ForeignKey("group_links.seq"), index=True),
    Column("display_key", Key),
    UniqueConstraint("group_seq", "value"),
    Index("ix_group_members_value", "connection_id", "value"),
    Index("ix_group_members_link_seq", "link_seq", "group_seq"),
    comment="Members as sent, in order; link_seq or member_group_seq when one is known.",
)

group_ties = Table(
    "group_ties",
    metadata,
    Column("group_seq", ForeignKey("group_links.seq"), primary_key=True),
    Column("role_id", ForeignKey("roles.id"), primary_key=True, index=True),
    Column("source", String(10), primary_key=True),
    _instant("created_at"),
    CheckConstraint("source IN ('mapping', 'console')", name="source"),
    comment="Which role a provider's group gives, and who tied them.",
)

# -------------------------------------------------------- what deactivation must end

_USER_TRIPLE = ["users.id", "users.is_api_user", "users.active"]


def _acting_user(*, api_user: bool) -> tuple[SchemaItem, ...]:
    """The columns that tie a row to an active user of one kind, and to no other."""
    kind = "user_is_api" if api_user else "NOT user_is_api"
    return (
        Column("user_is_api", Boolean, nullable=False),
        Column("user_active", Boolean, nullable=False),
        CheckConstraint(kind, name="kind_of_user"),
        CheckConstraint("user_active", name="active_user"),
        ForeignKeyConstraint(["user_id", "user_is_api", "user_active"], _USER_TRIPLE),
    )


applications = Table(
    "applications",
    metadata,
    _serial(),
    Column("name", Text, nullable=False),
    Column("name_key", Key, nullable=False, unique=True),
    Column("kind", String(10), nullable=False),
    Column("address", Text),
    Column("redirects", Text, nullable=False, server_default="[]"),
    Column("logout_url", Text),
    _instant("created_at"),
    _instant("retired_at", nullable=True),
    CheckConstraint("kind IN ('web', 'desktop', 'api')", name="kind"),
    comment="The applications that rely on the gate.",
)

application_secrets = Table(
    "application_secrets",
    metadata,
    Column("id", String(16), primary_key=True),
    Column("application_id", ForeignKey("applications.id"), nullable=False, index=True),
    Column("hash", String(64), nullable=False),
    _instant("created_at"),
    _instant("expires_at", nullable=True),
    _instant("revoked_at", nullable=True),
    comment="What an application shows to introspect, revoke and exchange tokens.",
)

application_clients = Table(
    "application_clients",
    metadata,
    Column("application_id", ForeignKey("applications.id"), primary_key=True),
    Column("connection_id", ForeignKey("connections.id"), primary_key=True, index=True),
    Column("client_id", Text, nullable=False),
    comment="The client id an application has at a provider; its ID tokens name it.",
)

sign_in_settings = Table(
    "sign_in_settings",
    metadata,
    Column("connection_id", ForeignKey("connections.id"), primary_key=True),
    Column("issuer", Text, nullable=False),
    Column("client_id", Text, nullable=False),
    Column("client_secret", Text),
    Column("scopes", Text, nullable=False),
    Column("claim", Text, nullable=False),
    Column("equals", String(12), nullable=False),
    Column("algorithm", String(10), nullable=False),
    Column("second_factor", Text, nullable=False, server_default="[]"),
    _flag("enabled"),
    _instant("changed_at"),
    CheckConstraint("equals IN ('externalId', 'userName')", name="equals"),
    comment="How people of a connection sign in (OIDC); the secret is encrypted.",
)

sessions = Table(
    "sessions",
    metadata,
    Column("id", String(16), primary_key=True),
    Column("user_id", Integer, nullable=False),
    Column("client", Text, nullable=False),
    Column("hash", String(64), nullable=False),
    Column("epoch", Integer, nullable=False),
    Column("method", String(12), nullable=False),
    _flag("second_factor"),
    Column("connection_id", ForeignKey("connections.id"), index=True),
    Column("network", Text, nullable=False),
    Column("agent", Text, nullable=False),
    _instant("created_at"),
    _instant("seen_at"),
    _instant("expires_at"),
    *_acting_user(api_user=False),
    Index("ix_sessions_user", "user_id", "user_is_api", "user_active"),
    Index("ix_sessions_expires", "expires_at"),
)

password_resets = Table(
    "password_resets",
    metadata,
    Column("id", String(16), primary_key=True),
    Column("user_id", Integer, nullable=False),
    Column("hash", String(64), nullable=False),
    Column("reason", String(20), nullable=False),
    Column("new_email", Text),
    _instant("issued_at"),
    _instant("expires_at"),
    _instant("used_at", nullable=True),
    _instant("revoked_at", nullable=True),
    *_acting_user(api_user=False),
    Index("ix_password_resets_user", "user_id", "user_is_api", "user_active"),
    Index("ix_password_resets_expires", "expires_at"),
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("id", String(16), primary_key=True),
    Column("user_id", Integer, nullable=False),
    Column("name", Text, nullable=False),
    Column("hash", String(64), nullable=False),
    _instant("created_at"),
    _instant("expires_at", nullable=True),
    _instant("last_used_at", nullable=True),
    *_acting_user(api_user=True),
    Index("ix_api_keys_user", "user_id", "user_is_api", "user_active"),
    comment="What an API user exchanges for tokens; deleted when it is revoked.",
)

api_tokens = Table(
    "api_tokens",
    metadata,
    Column("id", String(16), primary_key=True),
    Column("user_id", Integer, nullable=False),
    Column("key_id", ForeignKey("api_keys.id"), nullable=False, index=True),
    Column("hash", String(64), nullable=False),
    _instant("created_at"),
    _instant("expires_at"),
    *_acting_user(api_user=True),
    Index("ix_api_tokens_user", "user_id", "user_is_api", "user_active"),
    Index("ix_api_tokens_expires", "expires_at"),
)

second_factors = Table(
    "second_factors",
    metadata,
    Column("user_id", ForeignKey("users.id"), primary_key=True),
    Column("secret", Text, nullable=False),
    _instant("created_at"),
    _instant("confirmed_at", nullable=True),
    Column("last_step", BigInteger),
    comment="The secret of an authenticator app, encrypted.",
)

recovery_codes = Table(
    "recovery_codes",
    metadata,
    Column("user_id", ForeignKey("users.id"), primary_key=True),
    Column("hash", String(64), primary_key=True),
    comment="Each opens once in place of the second factor, and is deleted then.",
)

sign_in_failures = Table(
    "sign_in_failures",
    metadata,
    Column("kind", String(10), primary_key=True),
    Column("key", String(64), primary_key=True),
    _instant("since"),
    Column("count", Integer, nullable=False),
    Index("ix_sign_in_failures_since", "since"),
    comment="Failed password sign-ins by account, network and both, as hashes.",
)

receipts = Table(
    "receipts",
    metadata,
    _serial(),
    Column("user_id", ForeignKey("users.id"), nullable=False, index=True),
    Column("username", Text, nullable=False),
    _instant("asked_at"),
    _instant("cut_at"),
    Column("actor", Text, nullable=False),
    Column("connection_id", Integer),
    Column("request_id", String(36)),
    Column("controls", Text, nullable=False),
    Index("ix_receipts_asked", "asked_at"),
    comment="What each deactivation ended, and when; back-channel calls: outbox.",
)

api_app = Table(
    "api_app",
    metadata,
    Column("id", Integer, primary_key=True),
    _flag("installed"),
    Column("user_id", Integer),
    Column("user_is_api", Boolean),
    Column("user_active", Boolean),
    _instant("configured_at", nullable=True),
    CheckConstraint("id = 1", name="single_row"),
    CheckConstraint(
        "(user_id IS NULL AND user_is_api IS NULL AND user_active IS NULL)"
        " OR (user_id IS NOT NULL AND user_is_api AND user_active)",
        name="user",
    ),
    CheckConstraint("installed OR user_id IS NULL", name="installed"),
    ForeignKeyConstraint(["user_id", "user_is_api", "user_active"], _USER_TRIPLE),
    Index("ix_api_app_user", "user_id", "user_is_api", "user_active"),
)

sso_identities = Table(
    "sso_identities",
    metadata,
    Column("issuer", Text, primary_key=True),
    Column("subject", Text, primary_key=True),
    Column("user_id", Integer, nullable=False),
    Column("user_is_api", Boolean, nullable=False),
    Column("connection_id", ForeignKey("connections.id"), nullable=False, index=True),
    _instant("bound_at"),
    CheckConstraint("NOT user_is_api", name="kind_of_user"),
    ForeignKeyConstraint(["user_id", "user_is_api"], _USER_TRIPLE[:2]),
    Index("ix_sso_identities_user", "user_id", "user_is_api"),
)

# ----------------------------------------------- audit, outbox, request log, conflicts

audit_events = Table(
    "audit_events",
    metadata,
    _serial(),
    _instant("at"),
    Column("name", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("connection_id", Integer),
    Column("user_id", Integer),
    Column("request_id", String(36)),
    Column("facts", Text, nullable=False),
    Column("actor_id", Integer),
    Column("digest", String(64)),
    Index("ix_audit_events_user", "user_id", "id"),
    _only("ix_audit_events_guard", GUARDED, "connection_id", "name", "at", "user_id"),
    Index("ix_audit_events_at", "at"),
    comment="Append only: triggers refuse UPDATE and DELETE.",
)

audit_personal = Table(
    "audit_personal",
    metadata,
    Column("event_id", Serial, primary_key=True, autoincrement=False),
    Column("salt", String(32), nullable=False),
    Column("facts", Text, nullable=False),
    comment="What events tell of persons; the event keeps a digest, this is erased.",
)

audit_seals = Table(
    "audit_seals",
    metadata,
    _serial(),
    Column("first_event", BigInteger, nullable=False),
    Column("last_event", BigInteger, nullable=False),
    Column("count", Integer, nullable=False),
    Column("hash", String(64), nullable=False),
    Column("previous", String(64), nullable=False, unique=True),
    _instant("sealed_at"),
)

outbox = Table(
    "outbox",
    metadata,
    _serial(),
    Column("topic", Text, nullable=False),
    Column("user_id", Integer),
    Column("payload", Text, nullable=False),
    Column("message_id", Text, nullable=False),
    _instant("created_at"),
    _instant("best_before", nullable=True),
    _instant("due_at"),
    _instant("leased_until", nullable=True),
    Column("attempts", Integer, nullable=False, server_default="0"),
    _instant("delivered_at", nullable=True),
    _instant("given_up_at", nullable=True),
    Column("last_error", Text),
    _instant("held_at", nullable=True),
    Column("receipt_id", BigInteger, index=True),
    Column("webhook_id", BigInteger),
    _flag("withdrawn"),
    Index("ix_outbox_due", "delivered_at", "given_up_at", "due_at"),
    _present("ix_outbox_webhook", "webhook_id"),
    _only("ix_outbox_webhook_at", "webhook_id IS NOT NULL", "created_at"),
)

request_log = Table(
    "request_log",
    metadata,
    _serial(),
    Column("request_id", String(36), nullable=False, unique=True),
    _instant("at"),
    Column("connection_id", Integer, nullable=False),
    Column("credential_id", String(16)),
    Column("method", String(10), nullable=False),
    Column("path", Text, nullable=False),
    Column("action", String(20), nullable=False),
    Column("outcome", String(10), nullable=False),
    Column("status", Integer, nullable=False),
    Column("reason", Text),
    Column("identity", Text),
    Column("link_id", String(36)),
    Column("user_id", Integer),
    Column("duration_us", Integer, nullable=False),
    Column("steps", Text, nullable=False),
    Column("request_body", Text),
    Column("response_body", Text),
    Column("identity_key", Key),
    Index("ix_request_log_at", "at", "id"),
    Index("ix_request_log_connection", "connection_id", "at", "id"),
    _only("ix_request_log_changes", "action <> 'Read'", "at", "id"),
    _only("ix_request_log_troubles", "outcome <> 'Success'", "outcome", "at", "id"),
    _present("ix_request_log_identity", "identity_key"),
    _present("ix_request_log_user", "user_id"),
)

idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    Column("credential_id", String(16), primary_key=True),
    Column("key_hash", String(64), primary_key=True),
    Column("fingerprint", String(64), nullable=False),
    Column("status", Integer, nullable=False),
    Column("resource_id", String(36)),
    Column("version", Integer),
    Column("served", Text),
    _instant("created_at"),
    Index("ix_idempotency_keys_created", "created_at"),
    comment="What was answered to a request with an Idempotency-Key, for a day.",
)

async_requests = Table(
    "async_requests",
    metadata,
    _serial(),
    Column("txn", String(36), nullable=False, unique=True),
    Column("connection_id", ForeignKey("connections.id"), nullable=False),
    Column("credential_id", String(16), nullable=False),
    Column("method", String(10), nullable=False),
    Column("path", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("sealed", Text),
    Column("size", Integer, nullable=False),
    Column("key_hash", String(64)),
    Column("fingerprint", String(64)),
    _instant("taken_at"),
    _instant("leased_until", nullable=True),
    Column("attempts", Integer, nullable=False, server_default="0"),
    _instant("done_at", nullable=True),
    Column("status", Integer),
    Column("result", Text),
    _only("ix_async_requests_waiting", "done_at IS NULL", "connection_id", "id"),
    Index("ix_async_requests_key", "credential_id", "key_hash"),
    Index("ix_async_requests_done", "done_at"),
    comment="Requests taken to be carried out later, in the order of their ids; what was"
    " sent and what came of it are encrypted.",
)

refused_callers = Table(
    "refused_callers",
    metadata,
    Column("day", Integer, primary_key=True),
    Column("reason", Text, primary_key=True),
    Column("source", Text, primary_key=True),
    Column("count", BigInteger, nullable=False),
    _instant("last_seen_at"),
    Column("sample", Text),
    comment="Requests refused before authentication, counted in batches.",
)

conflicts = Table(
    "conflicts",
    metadata,
    _serial(),
    Column("connection_id", ForeignKey("connections.id"), nullable=False),
    Column("kind", String(30), nullable=False),
    Column("identity", Text, nullable=False),
    Column("external_id", Text),
    Column("user_id", Integer),
    Column("link_id", String(36)),
    Column("detail", Text, nullable=False),
    Column("resource", Text),
    Column("times", Integer, nullable=False, server_default="1"),
    _instant("first_seen_at"),
    _instant("last_seen_at"),
    _instant("resolved_at", nullable=True),
    Column("resolution", Text),
    Index(
        "uq_conflicts_open",
        "connection_id",
        "kind",
        "identity",
        unique=True,
        sqlite_where=text("resolved_at IS NULL"),
        postgresql_where=text("resolved_at IS NULL"),
    ),
    comment="The conflict queue: what a person has to decide, once per identity.",
)

# --------------------------------------------------------------- security events out

event_receivers = Table(
    "event_receivers",
    metadata,
    _serial(),
    Column("name", Text, nullable=False),
    Column("name_key", Key, nullable=False, unique=True),
    Column("url", Text, nullable=False),
    Column("audience", Text, nullable=False),
    Column("bearer", Text),
    Column("kinds", Text, nullable=False),
    _flag("paused"),
    Column("position", BigInteger, nullable=False),
    _instant("created_at"),
    _instant("due_at"),
    _instant("leased_until", nullable=True),
    Column("attempts", Integer, nullable=False, server_default="0"),
    _instant("last_delivered_at", nullable=True),
    Column("last_error", Text),
    _flag("polls"),
    Column("token_id", String(16)),
    Column("token_hash", String(64)),
    _instant("polled_at", nullable=True),
    Column("test_jti", String(36)),
    Column("settled_from", BigInteger, nullable=False, server_default="0"),
    _unique_only("ix_event_receivers_token", "token_id IS NOT NULL", "token_id"),
    comment="Who is sent security events; position is the last event of audit sent.",
)

event_deliveries = Table(
    "event_deliveries",
    metadata,
    _serial(),
    Column("receiver_id", ForeignKey("event_receivers.id"), nullable=False),
    Column("event_id", BigInteger, nullable=False),
    Column("kind", Text, nullable=False),
    Column("jti", String(36), nullable=False),
    _instant("at"),
    Column("refused", Text),
    Index("ix_event_deliveries_receiver", "receiver_id", "id"),
    Index("ix_event_deliveries_event", "receiver_id", "event_id"),
    Index("ix_event_deliveries_at", "at"),
    comment="What a receiver took, or refused for good, and why.",
)

webhooks = Table(
    "webhooks",
    metadata,
    _serial(),
    Column("name", Text, nullable=False),
    Column("name_key", Key, nullable=False, unique=True),
    Column("url", Text, nullable=False),
    Column("secret", Text, nullable=False),
    Column("former_secret", Text),
    _instant("former_until", nullable=True),
    Column("kinds", Text, nullable=False),
    _flag("paused"),
    _instant("created_at"),
    comment="Who is sent signed webhooks; what each is sent stands in the outbox.",
)

# ------------------------------------------------------------ figures and alerts

request_counts = Table(
    "request_counts",
    metadata,
    Column("connection_id", Integer, primary_key=True),
    Column("action", String(20), primary_key=True),
    Column("status", Integer, primary_key=True),
    Column("within_us", BigInteger, primary_key=True),
    Column("count", BigInteger, nullable=False),
    Column("total_us", BigInteger, nullable=False),
    comment="How many requests were answered, and how fast; counted in batches.",
)

alert_rules = Table(
    "alert_rules",
    metadata,
    Column("condition", String(40), primary_key=True),
    Column("threshold", Text),
    _flag("is_on", default=True),
    _flag("by_mail", default=True),
    _flag("by_log", default=True),
    _instant("silent_until", nullable=True),
    _flag("by_webhook", default=True),
    comment="What a person changed about an alert; no row where nothing.",
)

alerts = Table(
    "alerts",
    metadata,
    _serial(),
    Column("condition", String(40), nullable=False),
    Column("subject", Text, nullable=False),
    Column("level", Text, nullable=False),
    Column("sentence", Text, nullable=False),
    _instant("since"),
    Column("told_level", Text),
    _instant("over_at", nullable=True),
    Index(
        "uq_alerts_open",
        "condition",
        "subject",
        unique=True,
        sqlite_where=text("over_at IS NULL"),
        postgresql_where=text("over_at IS NULL"),
    ),
    Index("ix_alerts_over", "over_at"),
    comment="Conditions that hold or held, and what was mailed about them.",
)
