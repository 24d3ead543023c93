"""RFC 7643 section 4: users, and what an organisation keeps about them."""

from __future__ import annotations

import pytest

from tests.rfc import asking
from tests.rfc.asking import CORE, ENTERPRISE
from tests.rfc.requirements import not_applicable, requirement
from tests.server import Server

_NO_PASSWORD = (
    "A password is accepted, so that providers that always send one can go on, and "
    "dropped at the door: it is neither kept nor passed on. People choose their own."
)
_AS_SENT = (
    "A provider's resource is answered as it was sent, so that its next comparison "
    "finds no drift. Comparing, not storing, brings values to one form."
)

WITHOUT_TEST = (
    not_applicable(
        "RFC7643-4.1.1-8",
        "SHOULD",
        "A password that is held is held as a hash.",
        _NO_PASSWORD,
    ),
    not_applicable(
        "RFC7643-4.1.1-9",
        "SHOULD",
        "A password is prepared, judged by the password policy and encrypted when it is "
        "set.",
        _NO_PASSWORD,
    ),
    not_applicable(
        "RFC7643-4.1.1-10",
        "MUST",
        "A password that is passed on at once goes over a secured connection.",
        _NO_PASSWORD,
    ),
    not_applicable(
        "RFC7643-4.1.1-11",
        "MUST",
        "A password that waits to be passed on is protected.",
        _NO_PASSWORD,
    ),
    not_applicable(
        "RFC7643-4.1.1-4",
        "SHOULD",
        "displayName is the full name, and the label by which the user is shown.",
        "It is what the provider says; no name is made up where it says none.",
    ),
    not_applicable(
        "RFC7643-4.1.1-5",
        "SHOULD NOT",
        "nickName is not used for the user's username.",
        "It is what the provider says; nothing here writes it.",
    ),
    not_applicable(
        "RFC7643-4.1.2-6",
        "MUST",
        "A photo is a picture file, not a page with a picture.",
        "What lies at a provider's address is not looked at: the server calls nobody on "
        "a provider's word.",
    ),
)


# ---------------------------------------------------------------------------- 4.1.1


@requirement("RFC7643-4.1.1-1", "MUST", "Every user has a userName, never empty.")
@pytest.mark.parametrize("missing", [None, "", "  "], ids=["none", "empty", "blank"])
def test_a_user_without_name_is_refused(scim: Server, missing: str | None) -> None:
    """POST without a userName, or with an empty one, creates nobody."""
    reply = scim.send("POST", "/Users", asking.person(userName=missing))

    assert asking.refused(reply, 400, "invalidValue")


@requirement(
    "RFC7643-4.1.1-2",
    "MUST",
    "A userName is unique among all users of the service provider.",
    deviates="It is unique within a connection: each is a tenant of its own (RFC 7644, "
    "section 6). The local username is unique among all.",
)
def test_user_names_are_unique_in_a_connection(scim: Server, other: Server) -> None:
    """A second one is 409 on the connection, and free on another one."""
    user = asking.created(scim)
    again = asking.person(userName=user["userName"])

    assert asking.refused(scim.send("POST", "/Users", again), 409, "uniqueness")
    elsewhere = asking.created(other, again)
    assert elsewhere["id"] != user["id"]


@requirement("RFC7643-4.1.1-3", "MUST", "A userName is compared without case.")
def test_user_names_are_compared_without_case(scim: Server) -> None:
    """In capitals it is taken, and found."""
    user = asking.created(scim)
    loud = user["userName"].upper()

    reply = scim.send("POST", "/Users", asking.person(userName=loud))
    assert asking.refused(reply, 409, "uniqueness")
    assert asking.ids(asking.found(scim, f'userName eq "{loud}"')) == [user["id"]]


@requirement(
    "RFC7643-4.1.1-6", "MUST NOT", "A password is never answered, not even as a hash."
)
@requirement(
    "RFC7643-4.1.1-7", "MUST NOT", "password is writeOnly: returned in no form."
)
def test_a_password_is_never_answered(scim: Server) -> None:
    """Neither POST, PUT, GET nor a request for it by name shows the word or its value."""
    secret = f"Secret-{asking.name()}"
    reply = scim.send("POST", "/Users", asking.person(password=secret))
    user = reply.body

    answers = [
        reply,
        scim.send("PUT", asking.at(user), user | {"password": secret}),
        scim.send("GET", f"{asking.at(user)}?attributes=password,userName"),
        scim.send("GET", f"/Users{asked_for_password(user)}"),
    ]
    assert [answer.status for answer in answers] == [201, 200, 200, 200]
    for answer in answers:
        assert secret.encode() not in answer.content
        assert b'"password"' not in answer.content


def asked_for_password(user: asking.Json) -> str:
    """The query for one user that asks for the password by its name."""
    wanted = f'userName eq "{user["userName"]}"'
    return asking.asked(filter=wanted, attributes="password")


@requirement(
    "RFC7643-4.1.1-12",
    "SHOULD",
    "When name has both the whole and the parts, they are the same name.",
)
def test_a_name_is_answered_as_sent(scim: Server) -> None:
    """No whole name is made from parts, and no parts from a whole name."""
    parts = {"givenName": "Kim", "familyName": "Doe"}
    whole = {"formatted": "Ms. Kim Doe"}

    assert asking.created(scim, name=parts)["name"] == parts
    assert asking.created(scim, name=whole)["name"] == whole


# ---------------------------------------------------------------------------- 4.1.2


@requirement("RFC7643-4.1.2-1", "SHOULD", "The value of an e-mail is an address.")
def test_the_address_must_be_one(scim: Server) -> None:
    """The local rules demand a valid address (R4): 400 otherwise."""
    body = asking.person(emails=[{"value": "not an address"}])

    assert asking.refused(scim.send("POST", "/Users", body), 400, "invalidValue")


@requirement(
    "RFC7643-4.1.2-2",
    "SHOULD",
    "E-mail addresses are brought to the one form of RFC 5321.",
    deviates=_AS_SENT,
)
def test_addresses_are_compared_in_one_form(scim: Server) -> None:
    """An address is answered with its capitals, and taken without them."""
    own = asking.name()
    emails = [{"value": f"{own}@EXAMPLE.com"}]
    user = asking.created(scim, emails=emails)
    again = asking.person(emails=[{"value": f"{own}@example.COM"}])

    assert user["emails"] == emails
    assert asking.refused(scim.send("POST", "/Users", again), 409, "uniqueness")


@requirement(
    "RFC7643-4.1.2-3",
    "SHOULD",
    "Telephone numbers are brought to the form of RFC 3966.",
    deviates=_AS_SENT,
)
def test_numbers_are_answered_as_sent(scim: Server) -> None:
    """Blanks and brackets of a number stay."""
    numbers = [{"value": "+45 (12) 34 56 78", "type": "work"}]

    assert asking.created(scim, phoneNumbers=numbers)["phoneNumbers"] == numbers


@requirement(
    "RFC7643-4.1.2-4",
    "SHOULD",
    "Instant messaging addresses lose their blanks and capitals.",
    deviates=_AS_SENT,
)
def test_ims_are_answered_as_sent(scim: Server) -> None:
    """A capital stays a capital, and is found without case."""
    own = asking.name()
    ims = [{"value": f"Kim {own}", "type": "xmpp"}]
    user = asking.created(scim, ims=ims)

    assert user["ims"] == ims
    found = asking.found(scim, f'ims.value eq "kim {own}"')
    assert asking.ids(found) == [user["id"]]


@requirement(
    "RFC7643-4.1.2-5",
    "SHOULD",
    "The type of an instant messaging address is one of the nine listed.",
)
def test_types_of_ims_are_suggested(scim: Server) -> None:
    """The list is published as canonical values; others are answered as sent."""
    schema = scim.send("GET", f"/Schemas/{CORE}").body
    ims = next(a for a in schema["attributes"] if a["name"] == "ims")
    kind = next(sub for sub in ims["subAttributes"] if sub["name"] == "type")

    listed = {"aim", "gtalk", "icq", "xmpp", "msn", "skype", "qq", "yahoo"}
    assert listed <= set(kind["canonicalValues"])


@requirement(
    "RFC7643-4.1.2-7",
    "MUST",
    "A country is a two-letter code of ISO 3166-1.",
    deviates="It is kept as sent: an address has no say in who may sign in, and "
    "providers send country names.",
)
def test_a_country_is_answered_as_sent(scim: Server) -> None:
    """A code and a name are both kept."""
    addresses = [{"country": "DK", "type": "work"}, {"country": "Danmark"}]

    assert asking.created(scim, addresses=addresses)["addresses"] == addresses


@requirement(
    "RFC7643-4.1.2-8",
    "MUST",
    "groups of a user is read-only: membership changes through the group alone.",
)
def test_groups_of_a_user_are_read_only(scim: Server) -> None:
    """Groups in a POST is ignored, as the path of a PATCH it is refused."""
    groups = [{"value": "g7", "display": "Seven"}]
    user = asking.created(scim, groups=groups)
    reply = asking.patched(scim, user, asking.operation("add", "groups", groups))

    assert "groups" not in user
    assert asking.refused(reply, 400, "mutability")


@requirement("RFC7643-4.1.2-9", "MUST", "A certificate is DER, written in base64.")
@requirement("RFC7643-4.1.2-10", "MUST NOT", "One value holds one certificate.")
def test_a_certificate_is_base64(scim: Server) -> None:
    """A PEM file with two certificates is no base64, and refused."""
    begin, end = (f"-----{word} CERTIFICATE-----" for word in ("BEGIN", "END"))
    two = f"{begin}\nTWFu\n{end}\n{begin}\nTWFu\n{end}\n"
    body = asking.person(x509Certificates=[{"value": two}])

    assert asking.refused(scim.send("POST", "/Users", body), 400, "invalidValue")


# ------------------------------------------------------------------------------ 4.3


@requirement("RFC7643-4.3-1", "SHOULD", "A manager has the id of the user it is.")
@requirement("RFC7643-4.3-2", "SHOULD", "A manager has the address of the user.")
def test_a_manager_has_id_and_address(scim: Server) -> None:
    """Both are kept as sent, and the manager's people are found by the id."""
    boss = asking.created(scim)
    manager = {"value": boss["id"], "$ref": boss["meta"]["location"]}
    user = asking.created(scim, **{ENTERPRISE: {"manager": manager}})

    found = asking.found(scim, f'{ENTERPRISE}:manager.value eq "{boss["id"]}"')
    assert user[ENTERPRISE]["manager"] == manager
    assert asking.ids(found) == [user["id"]]


@requirement(
    "RFC7643-4.3-3",
    "MUST NOT",
    "manager.displayName is the server's: a client does not write it.",
    deviates="A manager is often nobody this server knows, so its name is kept as the "
    "provider sends it.",
)
def test_the_name_of_a_manager_is_answered_as_sent(scim: Server) -> None:
    """The name comes back with the manager."""
    manager = {"value": "7", "displayName": "The Boss"}
    user = asking.created(scim, **{ENTERPRISE: {"manager": manager}})

    assert user[ENTERPRISE]["manager"] == manager
