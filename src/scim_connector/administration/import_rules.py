"""What would become of each row of an import, and everything that stands against it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

from scim_connector.accounts.drafting import draft_of
from scim_connector.administration.user_files import (
    NO,
    TEXTS,
    YES,
    Row,
    flag,
    role_names,
    type_of,
)
from scim_connector.directory import (
    assignments,
    connections,
    links,
    names,
    profiles,
    roles,
    users,
)
from scim_connector.rules import folding, lifecycle
from scim_connector.rules.actors import Actor
from scim_connector.rules.lifecycle import Standing
from scim_connector.rules.permissions import (
    ALL,
    CREATE_USERS,
    UPDATE_USERS,
    Permission,
    may_hand_on,
)
from scim_connector.rules.users import Draft, RulesViolated, UserType, check

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    from scim_connector.directory.database import Reader
    from scim_connector.directory.users import User
    from scim_connector.rules.users import Taken, Violation

#: What a user who comes back must keep as it is, and free.
_IDENTITY: Final = ("username", "initials", "email")


def judge(
    reader: Reader,
    rows: Sequence[Row],
    *,
    own: Collection[str] = ALL,
    progress: Callable[[int], None] = lambda done: None,
) -> None:
    """Find every problem and every change of every row; writes nothing.

    Rows are judged for somebody whose roles carry *own*.
    """
    _refuse_twins(rows)
    for row in rows:
        progress(1)
        _judge_words(reader, row)
        row.known = users.by_username_key(reader, folding.username_key(row.username))
        if row.known is None:
            _judge_newcomer(reader, row, own)
        else:
            _judge_known(reader, row, row.known, own)
    _keep_an_administrator(reader, rows)


def _refuse_twins(rows: Sequence[Row]) -> None:
    """Two rows of one file must not claim the same value."""
    folds: dict[str, Callable[[str], str]] = {
        "username": folding.username_key,
        "initials": folding.initials_key,
        "email": folding.email_key,
    }
    for name, fold in folds.items():
        first: dict[str, int] = {}
        for row in rows:
            value = row.cells.get(name, "")
            if not value:
                continue
            line = first.setdefault(fold(value), row.line)
            if line != row.line:
                row.problems.append(f'{name} "{value}" stands in line {line} already.')


def _judge_words(reader: Reader, row: Row) -> None:
    for name in ("active", "api_user"):
        if row.cells.get(name, "").lower() not in YES | NO:
            row.problems.append(f'{name} is "{row.cells[name]}"; write yes or no.')
    if type_of(row) is None:
        known = ", ".join(UserType)
        row.problems.append(f'type is "{row.cells["type"]}"; write one of {known}.')
    asked = role_names(row)
    for missing in sorted(set(asked) - set(roles.by_names(reader, asked))):
        row.problems.append(f'There is no role "{missing}"; add it first.')
        row.commands.add("role add NAME")
    profile = row.cells.get("profile")
    if profile and profiles.by_name(reader, profile) is None:
        row.problems.append(f'There is no profile "{profile}"; add it first.')
        row.commands.add("profile add NAME")


# --------------------------------------------------------------------- new and known


def _judge_newcomer(reader: Reader, row: Row, own: Collection[str]) -> None:
    draft = Draft(
        username=row.username,
        initials=row.cells.get("initials", ""),
        email=row.cells.get("email", ""),
        first_name=row.cells.get("first_name", ""),
        last_name=row.cells.get("last_name", ""),
        user_type=type_of(row) or UserType.ADMINISTRATIVE,
        api_user=flag(row, "api_user", default=False),
        active=flag(row, "active", default=True),
    )
    actor = _actor(own)
    row.problems += _lacking(CREATE_USERS, own)
    row.problems += _refused(
        lambda: lifecycle.create(draft, _taken(reader, draft), actor)
    )
    row.problems += _too_much(reader, role_names(row), own)


def _judge_known(reader: Reader, row: Row, user: User, own: Collection[str]) -> None:
    if "api_user" in row.cells:
        asked = flag(row, "api_user", default=user.is_api_user)
        if asked != user.is_api_user:
            row.problems.append("api_user is chosen at creation and never changes.")
    kind = type_of(row)
    if row.cells.get("type") and kind is not None and kind != user.user_type:
        row.problems.append(f"type is {user.user_type} and never changes.")
    for name in TEXTS:
        value = row.cells.get(name, "")
        if value and value != getattr(user, name).strip():
            row.changes[name] = (getattr(user, name), value)
    if row.cells.get("active"):
        active = flag(row, "active", default=user.active)
        if active != user.active:
            row.changes["active"] = (user.active, active)
    _judge_equipment(reader, row, user)
    row.problems += objections(reader, row, user, own)


def _judge_equipment(reader: Reader, row: Row, user: User) -> None:
    held = set(roles.names_held(reader, user.id))
    if _gained(row, held):
        row.changes["roles"] = (sorted(held), list(role_names(row)))
    profile = row.cells.get("profile")
    present = profiles.name(reader, user.profile_id) if user.profile_id else None
    if profile and profile != present:
        row.changes["profile"] = (present, profile)


def _gained(row: Row, held: Collection[str]) -> tuple[str, ...]:
    keys = {folding.name_key(name) for name in held}
    return tuple(n for n in role_names(row) if folding.name_key(n) not in keys)


def objections(reader: Reader, row: Row, user: User, own: Collection[str]) -> list[str]:
    """Everything that stands against changing a known user as a row says."""
    if not row.changes:
        return []
    values = {n: new for n, (_, new) in row.changes.items() if n in TEXTS}
    comes_back = row.changes.get("active") == (False, True)
    judged = {n: getattr(user, n) for n in _IDENTITY} if comes_back else {}
    gained = _gained(row, roles.names_held(reader, user.id))
    found = _lacking(UPDATE_USERS, own)
    found += _managed(reader, user, values)
    found += [v.message for v in _violations(reader, user, judged | values)]
    found += _of_life(reader, user, values, own, comes_back=comes_back)
    return found + _too_much(reader, gained, own)


def _of_life(
    reader: Reader,
    user: User,
    values: Collection[str],
    own: Collection[str],
    *,
    comes_back: bool,
) -> list[str]:
    """What the rules on Administrators say against it (R21)."""
    standing = Standing(
        user_type=UserType(user.user_type),
        api_user=user.is_api_user,
        active=user.active,
        is_administrator=assignments.is_administrator(reader, user.id),
    )
    actor = _actor(own)
    found = _refused(lambda: lifecycle.may_change(standing, values, actor))
    if comes_back:
        found += _refused(lambda: lifecycle.may_reactivate(standing, actor))
    return found


def _managed(reader: Reader, user: User, values: Collection[str]) -> list[str]:
    """A field that follows a provider is changed there, or it would come back."""
    named = [n for n in values if n not in user.overridden]
    link = links.of_user(reader, user.id) if named else None
    manager = connections.by_id(reader, link.connection_id) if link else None
    if manager is None or manager.is_retired:
        return []
    fields = ", ".join(named).replace("_", " ")
    return [f"{fields}: managed by connection {manager.name}, change it there."]


def _violations(
    reader: Reader, user: User, values: Mapping[str, str]
) -> Iterator[Violation]:
    if not values:
        return iter(())
    draft = draft_of(user, values)
    broken = check(draft, _taken(reader, draft, except_user=user.id))
    return (v for v in broken if v.attribute in values)


def _taken(reader: Reader, draft: Draft, **but: Any) -> Taken:
    return names.taken(
        reader,
        username_key=folding.username_key(draft.username),
        initials_key=folding.initials_key(draft.initials),
        email_key=folding.email_key(draft.email or ""),
        **but,
    )


# --------------------------------------------------------------- what who imports may


def _actor(own: Collection[str]) -> Actor:
    """Somebody with these permissions, as the rules know them."""
    named = Actor("console", "", may_act_as_administrator=frozenset(own) >= ALL)
    return named.importing()


def _lacking(permission: Permission, own: Collection[str]) -> list[str]:
    if permission.id in own:
        return []
    return [
        f'Your roles do not carry "{permission.name}": leave the row out, or ask an'
        " Administrator."
    ]


def _too_much(reader: Reader, wanted: Sequence[str], own: Collection[str]) -> list[str]:
    """The roles among *wanted* that allow more than whoever gives them may (R33)."""
    if frozenset(own) >= ALL:
        return []
    found: list[str] = []
    for role_id in roles.by_names(reader, wanted).values():
        role = roles.by_id(reader, role_id)
        if role is not None:
            found += _refused(partial(may_hand_on, role.permissions, own, role.name))
    return found


def _refused(asked: Callable[[], object]) -> list[str]:
    """The sentences a rule refuses with; none where it does not."""
    try:
        asked()
    except RulesViolated as refusal:
        return [each.message for each in refusal.violations]
    return []


def _keep_an_administrator(reader: Reader, rows: Sequence[Row]) -> None:
    """Refuse the rows that would leave no Administrator who can sign in (R22)."""
    leaving = [
        row
        for row in rows
        if row.known is not None
        and row.changes.get("active") == (True, False)
        and assignments.is_administrator(reader, row.known.id)
        and not row.known.is_api_user
    ]
    if leaving and len(leaving) >= assignments.count_administrators(reader):
        for row in leaving:
            row.problems.append(
                "Nobody who can sign in would be left as Administrator; give the role"
                " to another first (R22)."
            )
