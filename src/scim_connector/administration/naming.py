"""Initials and username chosen anew: what is to be had, what follows, and doing it.

Both are chosen once, at creation, and no change of name moves them by itself.  Whoever
recomputes them chooses among what the mapping derives today.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from scim_connector.accounts import Account, representation
from scim_connector.accounts.compiled import mapping_of
from scim_connector.accounts.settling import (
    FOLD,
    glance,
    is_candidate,
    next_numbered,
)
from scim_connector.administration.errors import NotPossible
from scim_connector.administration.proposals import proposed
from scim_connector.administration.users import refuse_erased
from scim_connector.directory import connections, links, names, users
from scim_connector.mapping.drafts import derive
from scim_connector.rules.users import RulesViolated
from scim_connector.scim.rendering import timestamp

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from scim_connector.accounts import Act
    from scim_connector.accounts.settling import Field
    from scim_connector.directory.database import Reader, Transaction
    from scim_connector.directory.names import Held
    from scim_connector.directory.users import User
    from scim_connector.mapping.choices import Choices
    from scim_connector.mapping.drafts import Derived

FIELDS: Final[tuple[Field, ...]] = ("initials", "username")

#: For so long a former value is kept for its user.
KEPT_DAYS: Final = 90
_DAY = 24 * 3600 * 1_000_000

State = Literal["present", "free", "taken", "kept", "unfit"]


@dataclass(frozen=True, slots=True)
class Candidate:
    """One value the mapping derives, the expression it came from, and whose it is.

    ``holder`` has it, or it is kept for them ``until`` then; ``why`` says in words what
    ``state`` says.
    """

    value: str
    source: str
    state: State
    why: str
    holder: User | None = None
    until: int | None = None

    @property
    def is_possible(self) -> bool:
        """Whether the user can have it."""
        return self.state in {"present", "free"}


@dataclass(frozen=True, slots=True)
class Candidates:
    """What one field may become, the best first.

    ``proposal`` is what the mapping would choose today.  ``fixed`` says why nothing can
    be chosen here: the provider states the value itself.
    """

    field: Field
    present: str
    every: tuple[Candidate, ...]
    proposal: str | None
    fixed: str | None = None


# --------------------------------------------------------------------------- candidates


def candidates(reader: Reader, user: User) -> dict[Field, Candidates]:
    """What initials and username may become, by the mapping of the user's connection.

    Somebody no provider manages gets what a new user of this name would be proposed.
    """
    derived = _derived(reader, user)
    return {
        field: _of(reader, user, field, getattr(derived, field)) for field in FIELDS
    }


def _derived(reader: Reader, user: User) -> Derived:
    link = links.of_user(reader, user.id)
    if link is None:
        return proposed(user.first_name, user.last_name, user.email)
    connection = connections.required(reader, link.connection_id)
    return derive(mapping_of(reader, connection), representation.stated(link))


def _of(reader: Reader, user: User, field: Field, choices: Choices) -> Candidates:
    present = getattr(user, field)
    if choices.stated is not None:
        why = f"The provider states the {field} itself; change the value there."
        return Candidates(field, present, (), None, why)
    every = list(_ladder(reader, user, field, choices))
    if not any(candidate.is_possible for candidate in every):
        every += _numbered(reader, user, field, choices)
    proposal = next((c.value for c in every if c.is_possible), None)
    every += [Candidate(p.value, "", "unfit", p.why) for p in choices.passed if p.value]
    return Candidates(field, present, tuple(every), proposal)


def _ladder(
    reader: Reader, user: User, field: Field, choices: Choices
) -> Iterator[Candidate]:
    fold = FOLD[field]
    keys = [fold(candidate.value) for candidate in choices.ladder]
    held = names.holders(reader, field, keys)
    ids = {each.user_id for each in held.values() if each.user_id is not None}
    people = users.by_ids(reader, ids)
    for candidate, key in zip(choices.ladder, keys, strict=True):
        whose = held.get(key)
        holder = people.get(whose.user_id) if whose and whose.user_id else None
        state, why = _state(user, whose, holder)
        until = whose.until if whose else None
        yield Candidate(candidate.value, candidate.source, state, why, holder, until)


def _state(user: User, whose: Held | None, holder: User | None) -> tuple[State, str]:
    if whose is not None and whose.user_id is None:
        return (
            "kept",
            "given to nobody any more: it belonged to somebody who was erased",
        )
    if whose is None or holder is None:
        return "free", "free"
    if holder.id == user.id:
        if whose.until is None:
            return "present", "the present value"
        return "free", "free, kept for this user"
    if whose.until is not None:
        day = timestamp(whose.until)[:10]
        return "kept", f"kept for {holder.username} until {day}"
    activity = "" if holder.active else ", who is inactive"
    return "taken", f"taken by {holder.username}{activity}"


def _numbered(
    reader: Reader, user: User, field: Field, choices: Choices
) -> Iterator[Candidate]:
    """What is to be had once everything else is taken: the present number, or the next."""
    source = "a number behind the others"
    present = getattr(user, field)
    if is_candidate(field, present, choices):
        yield Candidate(present, source, "present", "the present value", user)
    elif choices.when_taken == "number":
        found = next_numbered(reader, field, choices, of_user=user.id)
        if found is not None:
            yield Candidate(found.value, source, "free", "free")


# ------------------------------------------------------------------------- consequences


def proposals(
    reader: Reader, first_name: str, last_name: str, email: str
) -> dict[str, str]:
    """Initials and username a new person of this name and address would get now."""
    derived = proposed(first_name, last_name, email)
    return {
        field: glance(reader, field, getattr(derived, field)) or "" for field in FIELDS
    }


def consequences(
    reader: Reader, user: User, fields: Iterable[Field] = FIELDS
) -> tuple[str, ...]:
    """What follows when these fields of a user change, in sentences for people."""
    fields = tuple(fields)
    return (*_at_the_gate(user, fields), *_elsewhere(reader, user))


def _at_the_gate(user: User, fields: tuple[Field, ...]) -> Iterator[str]:
    if "username" in fields and not user.is_api_user:
        yield (
            "Whoever signs in with a password does so by the new username from then on;"
            " the former one opens nothing. Nobody is mailed: tell the person."
        )
    headers = {"initials": "X-Auth-Initials", "username": "X-Auth-User"}
    told = " and ".join(headers[field] for field in fields)
    if told and not user.is_api_user:
        yield (
            f"Applications are told the new value ({told}) at the next request; nobody"
            " is signed out."
        )


def _elsewhere(reader: Reader, user: User) -> Iterator[str]:
    link = links.of_user(reader, user.id)
    if link is not None:
        connection = connections.required(reader, link.connection_id)
        yield (
            f"The userName of the provider, {link.user_name} at {connection.name}, is not"
            " touched."
        )
    yield (
        f"The former value is kept for {KEPT_DAYS} days: nobody else can be given it, and"
        f" {user.username} can take it back."
    )


# ---------------------------------------------------------------------------- recompute


def recompute(tx: Transaction, user: User, chosen: Mapping[str, str], act: Act) -> User:
    """Give a user other initials, another username or both, out of the candidates.

    The former values are kept for them for 90 days.  Raises NotPossible for a value the
    mapping does not derive, and RulesViolated for one that somebody else has.
    """
    refuse_erased(user)
    fields = [n for n in FIELDS if chosen.get(n, getattr(user, n)) != getattr(user, n)]
    values: dict[str, str] = {name: chosen[name] for name in fields}
    if not values:
        raise NotPossible(f"{user.username} has these values already.")
    derived = _derived(tx, user)
    for field in fields:
        _refuse_foreign(user, field, values[field], getattr(derived, field))
    account = Account.open(tx, user.id, act)
    violations = account.violations(values)
    if violations:
        raise RulesViolated(violations)
    if account.link is None:
        account.edit(values, origin="local")
    else:
        account.follow(values, dict.fromkeys(values, "derived"))
    for field in fields:
        _keep(tx, account, field, getattr(user, field))
    account.save()
    return account.user


def _refuse_foreign(user: User, field: Field, value: str, choices: Choices) -> None:
    option = "--new-username" if field == "username" else "--initials"
    by_hand = f"user edit {user.username} {option} VALUE"
    if choices.stated is not None:
        message = f"The provider states the {field} of {user.username} itself"
        raise NotPossible(
            f"{message}; change the value there.", f"{by_hand} --override"
        )
    if not is_candidate(field, value, choices):
        message = f'The mapping does not derive "{value}" for {user.username}'
        raise NotPossible(f"{message}; choose a candidate, or edit the user.", by_hand)


def _keep(tx: Transaction, account: Account, field: Field, former: str) -> None:
    """Keep a former value for its user; a new spelling of the same gives nothing up."""
    key = FOLD[field](former)
    if key == FOLD[field](getattr(account.user, field)):
        return
    until = account.act.now + KEPT_DAYS * _DAY
    names.keep(tx, field, key, user_id=account.user.id, until=until)
    account.note("user:name:kept", field=field, value=former, until=until)
