"""Single sign-on on both databases: who an identity is, and what proves nothing."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from scim_connector.administration import users as doors
from scim_connector.directory import sso
from scim_connector.directory.constraints import ConstraintBroken
from scim_connector.login.gate import NotAdmitted
from scim_connector.rules.access import OUTWARD
from scim_connector.scim.types import LOCAL
from tests import house
from tests.house import events_of, patch_of
from tests.login.single import CLIENT, KIM, NOW, STRANGER, Single, at
from tests.tokens.issuer import signed

# --------------------------------------------------------------------------- binding


def test_the_first_sign_in_binds_and_the_second_goes_by_the_binding(
    single: Single,
) -> None:
    """R26: from then on (issuer, subject) is the person, whatever else is sent."""
    link_id, user = single.add(KIM)
    first = single.sign_in(KIM)
    single.people.patch(link_id, patch_of(externalId=STRANGER))

    second = single.sign_in(KIM, oid=None)

    assert single.is_good(first)
    assert single.is_good(second)
    reader = single.database.reader()
    assert sso.of_user(reader, user.id) == [(single.openid.base, f"pairwise-{KIM}")]
    assert events_of(single.database, user.id).count("sign_in:bound") == 1


def test_another_subject_of_the_same_object_is_bound_as_well(single: Single) -> None:
    """A new registration at the provider gives everybody another subject (pairwise)."""
    _, user = single.add(KIM)
    single.sign_in(KIM)

    again = single.sign_in(KIM, sub="of the new registration")

    assert single.is_good(again)
    assert len(sso.of_user(single.database.reader(), user.id)) == 2


def test_two_first_sign_ins_at_once_bind_once(single: Single) -> None:
    """The one that is second finds the binding of the first, and nobody is refused."""
    _, user = single.add(KIM)
    begun = [single.begin() for _ in range(4)]
    tokens = [signed(single.claims(each, KIM)) for each in begun]
    start = Barrier(len(begun))
    reader = single.database.reader()
    offered = sso.offered(reader)[0]

    def arrive(number: int) -> object:
        said = single.sign_on.judge(
            offered[0], tokens[number], client_id=CLIENT, oldest=300, now=NOW
        )
        start.wait(10)
        return single.database.write(
            lambda tx: single.sign_on.admit_identity(tx, *offered, said, at())
        )

    with ThreadPoolExecutor(len(begun)) as pool:
        opened = list(pool.map(arrive, range(len(begun))))

    assert len(set(map(str, opened))) == len(begun)
    assert single.held() == [1, len(begun), 1]
    assert events_of(single.database, user.id).count("sign_in:bound") == 1


def test_who_came_back_is_bound_anew(single: Single) -> None:
    """Decision 12: a return is a fresh start, the former binding has gone."""
    link_id, user = single.add(KIM)
    single.sign_in(KIM)
    single.people.delete(link_id)

    single.add(KIM)

    assert sso.of_user(single.database.reader(), user.id) == []
    assert single.is_good(single.sign_in(KIM))


def test_the_database_binds_no_api_user(single: Single) -> None:
    """Past every rule, the keys refuse the row (decision 21)."""
    _, robot = single.add(KIM, **{LOCAL: {"apiUser": True}})

    with pytest.raises(ConstraintBroken):
        single.database.write(
            lambda tx: sso.bind(
                tx,
                single.openid.base,
                "a subject",
                user_id=robot.id,
                connection_id=single.people.connection.id,
                now=NOW,
            )
        )


# ------------------------------------------------------------------------ who is refused


def _unknown(single: Single) -> str:
    single.add(KIM)
    return STRANGER


def _api_user(single: Single) -> str:
    single.add(KIM, **{LOCAL: {"apiUser": True}})
    return KIM


def _inactive(single: Single) -> str:
    single.add(KIM, active=False)
    return KIM


def _removed(single: Single) -> str:
    link_id, _ = single.add(KIM)
    single.sign_in(KIM)
    single.people.delete(link_id)
    return KIM


def _unlinked(single: Single) -> str:
    _, user = single.add(KIM)
    single.sign_in(KIM)
    single.database.write(lambda tx: doors.log_out(tx, user, house.operator()))
    single.database.write(lambda tx: doors.unlink(tx, user, house.operator()))
    return KIM


def _one_too_many(single: Single) -> str:
    single.add(STRANGER)
    single.sign_in(STRANGER)
    single.add(KIM)
    single.sessions._limit = 1
    return KIM


@pytest.mark.parametrize(
    ("who", "reason", "hint"),
    [
        (_unknown, "unknown_user", "In Entra: Attribute mapping > externalId"),
        (_api_user, "api_user_no_login", ""),
        (_inactive, "inactive", ""),
        (_removed, "inactive", ""),
        (_unlinked, "unlinked", ""),
        (_one_too_many, "session_limit", ""),
    ],
)
def test_who_is_refused_reads_the_same_and_leaves_nothing(
    single: Single, who: Callable[[Single], str], reason: str, hint: str
) -> None:
    """R25: one sentence outside, the exact reason in audit; no account, no session."""
    oid = who(single)
    before = single.held()

    with pytest.raises(NotAdmitted) as refused:
        single.sign_in(oid)

    assert str(refused.value) == OUTWARD
    assert single.held() == before
    kept_there = single.refusals()[0]
    assert kept_there["reason"] == reason
    assert kept_there["connection"] == "entra"
    assert kept_there["application"] == "nextgen"
    assert hint in kept_there.get("hint", "")


@pytest.mark.parametrize("claim", ["email", "preferred_username", "upn", "sub"])
def test_no_other_claim_than_the_chosen_one_finds_anybody(
    single: Single, claim: str
) -> None:
    """nOAuth: whoever writes an address or an id of somebody into a claim is nobody."""
    single.add(KIM)
    said = {"email": f"{KIM}@contoso.com", "sub": KIM}

    with pytest.raises(NotAdmitted):
        single.sign_in(STRANGER, **{claim: said.get(claim, f"{KIM}@contoso.com")})

    assert single.held() == [1, 0, 0]


def test_an_object_id_is_compared_to_the_letter(single: Single) -> None:
    """Another case is another identity: externalId is case-exact (RFC 7643 §3.1)."""
    single.add(KIM)

    with pytest.raises(NotAdmitted):
        single.sign_in(KIM.upper())


def test_two_people_of_one_external_id_are_nobody(single: Single) -> None:
    """It is not guessed which of them it is."""
    single.people.post(house.person("one@contoso.com", externalId=KIM))
    single.people.post(house.person("two@contoso.com", externalId=KIM))

    with pytest.raises(NotAdmitted):
        single.sign_in(KIM)

    assert "Several identities have" in single.refusals()[0]["hint"]
