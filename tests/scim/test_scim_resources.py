"""Reading POST and PUT bodies: T4 to T10, T42, T45 and T47, and wrong types."""

from __future__ import annotations

import pytest

from scim_connector.scim import resources
from scim_connector.scim.dialects import DIALECTS, Dialect
from scim_connector.scim.errors import InvalidSyntax, InvalidValue
from scim_connector.scim.schemas import USER, DeclaredAttribute, user_resource_type
from scim_connector.scim.types import CORE, ENTERPRISE, LOCAL

BADGE = "urn:example:badge:2.0:User"


def read(body, *, off=(), strict=False, kind=USER):
    """Read a body; userName and schemas are filled in where it has none."""
    if not any(name.lower() == "username" for name in body):
        body = {"userName": "kim.doe@example.com", **body}
    dialect = Dialect("entra", frozenset(off)) if off else DIALECTS["entra"]
    return resources.read(
        kind, {"schemas": [CORE], **body}, dialect=dialect, strict=strict
    )


def document(body, **how):
    """Return the document read, without the userName that was filled in."""
    found = dict(read(body, **how).document)
    if found["userName"] == "kim.doe@example.com":
        del found["userName"]
    return found


def test_the_create_of_entra_is_read_as_sent():
    """T4: canonical attributes are kept as sent; meta and empty roles are not."""
    sent = {
        "schemas": [CORE, ENTERPRISE],
        "externalId": "0a21f0f2-8d2a-4f8e-bf98-7363c4aed4ef",
        "userName": "kim.doe@contoso.com",
        "active": True,
        "displayName": "Kim Doe",
        "emails": [{"primary": True, "type": "work", "value": "kim.doe@contoso.com"}],
        "meta": {"resourceType": "User"},
        "name": {"formatted": "Kim Doe", "familyName": "Doe", "givenName": "Kim"},
        "roles": [],
    }

    result = read(sent)

    kept = {n: v for n, v in sent.items() if n not in {"schemas", "meta", "roles"}}
    assert result.document == kept
    assert list(result.document) == list(kept)
    assert result.notes.ignored == (("meta", "readOnly"),)
    assert not result.notes.unknown
    assert not result.notes.quirks


def test_nulls_are_absent():
    """T5: explicit nulls say that there is no value, whatever the name."""
    body = {
        "addresses": None,
        "phoneNumbers": None,
        "title": None,
        "department": None,
        "manager": None,
        "active": None,
        ENTERPRISE: None,
        "name": {"middleName": None, "givenName": "Kim"},
        "emails": [None, {"value": None, "type": None}],
    }

    result = read(body)

    assert document(body) == {"name": {"givenName": "Kim"}}
    assert not result.notes


def test_empty_text_and_empty_lists_are_absent():
    """Quirk 12: Okta clears middleName with an empty string (T45)."""
    body = {"name": {"middleName": ""}, "roles": [], "title": "", ENTERPRISE: {}}

    assert document(body) == {}


@pytest.mark.parametrize("word", ["True", "true", "TRUE"])
def test_a_string_boolean_is_a_boolean(word):
    """T6: Entra sends booleans as text."""
    result = read({"active": word, "emails": [{"value": "a@b.c", "primary": word}]})

    assert result.document["active"] is True
    assert result.document["emails"][0]["primary"] is True
    assert result.notes.quirks == {"string-boolean": 2}


@pytest.mark.parametrize("word", ["False", "false"])
def test_the_text_false_is_false(word):
    """T15: the text "False" must never count as true."""
    assert document({"active": word}) == {"active": False}


def test_names_are_read_without_case_and_answered_canonically():
    """T7: UserName, emails[].Primary and Manager.Value are what they are."""
    body = {
        "UserName": "kim",
        "Active": True,
        "Emails": [{"Primary": True, "VALUE": "a@b.c"}],
        ENTERPRISE.upper(): {"Department": "Sales", "Manager": {"Value": "7"}},
    }

    assert document(body) == {
        "userName": "kim",
        "active": True,
        "emails": [{"primary": True, "value": "a@b.c"}],
        ENTERPRISE: {"department": "Sales", "manager": {"value": "7"}},
    }


@pytest.mark.parametrize(
    ("sent", "kept", "quirk"),
    [
        ({"value": "7"}, {"value": "7"}, None),
        ({"value": "7", "$ref": None}, {"value": "7"}, None),
        (
            {"value": "7", "$ref": "https://x/Users/7"},
            {"value": "7", "$ref": "https://x/Users/7"},
            None,
        ),
        ("7", {"value": "7"}, "manager-string"),
        ([{"value": "7"}], {"value": "7"}, "manager-list"),
    ],
)
def test_a_manager_in_any_form_is_an_object(sent, kept, quirk):
    """T8, T23, quirk 8: text, list and object all become the complex form."""
    result = read({ENTERPRISE: {"manager": sent}})

    assert result.document[ENTERPRISE]["manager"] == kept
    assert list(result.notes.quirks) == ([quirk] if quirk else [])


def test_two_managers_are_refused():
    """A list with two managers cannot be one manager."""
    with pytest.raises(InvalidValue, match="manager must be one object"):
        read({ENTERPRISE: {"manager": ["7", "8"]}})


def test_an_undeclared_extension_is_noted_by_attribute():
    """T9: the counter names what to declare, whether or not schemas lists the URN."""
    result = read({BADGE: {"colour": "red", "size": 1}, "favourite": "tea"})

    assert result.notes.unknown == (f"{BADGE}:colour", f"{BADGE}:size", "favourite")
    assert BADGE not in result.document


def test_an_undeclared_sub_attribute_is_noted_without_its_place():
    """The name of an unknown sub-attribute does not depend on its element."""
    emails = [{"value": "a@b.c", "x": 1}, {"value": "d@e.f", "x": 2}]

    assert read({"emails": emails}).notes.unknown == ("emails.x",)


@pytest.mark.parametrize(
    "body",
    [{"favourite": 1}, {BADGE: {"a": 1}}, {"name": {"x": 1}}, {"schemas": [BADGE]}],
)
def test_strict_refuses_what_nothing_declares(body):
    """D24: strict answers 400 invalidSyntax, and so does the row switched off."""
    with pytest.raises(InvalidSyntax, match="No schema declares"):
        read(body, strict=True)
    with pytest.raises(InvalidSyntax):
        read(body, off={"unknown-attribute"})


def test_a_declared_attribute_is_read_with_its_type():
    """D17: what an operator declares is kept; Entra sends it as text (T9)."""
    kind = user_resource_type(
        (
            DeclaredAttribute(BADGE, "size", "integer"),
            DeclaredAttribute(BADGE, "weight", "decimal"),
            DeclaredAttribute(BADGE, "tags", multi_valued=True),
            DeclaredAttribute(BADGE, "since", "dateTime"),
        )
    )
    block = {"size": "41", "weight": "1.5", "tags": ["a", None, "b"]}

    result = read({BADGE: block | {"since": "2026-05-13T04:42:34Z"}}, kind=kind)

    assert result.document[BADGE] == {
        "size": 41,
        "weight": 1.5,
        "tags": ["a", "b"],
        "since": "2026-05-13T04:42:34Z",
    }
    assert result.notes.quirks == {"string-number": 2}


def test_roles_of_entra_are_normalised():
    """T10, T24: displayName is display, and JSON inside the value is read."""
    text = '{"id":"1","value":"Admin","displayName":"The Admin"}'
    roles = [
        {"value": "Reader", "displayName": "A reader", "primary": False},
        {"value": text},
        {"value": "{not json"},
        {"value": '{"id": "1"}'},
    ]

    result = read({"roles": roles})

    assert result.document["roles"] == [
        {"value": "Reader", "display": "A reader", "primary": False},
        {"value": "Admin", "display": "The Admin"},
        {"value": "{not json"},
        {"value": '{"id": "1"}'},
    ]
    assert result.notes.quirks == {"role-display-name": 1, "role-json-text": 1}


def test_json_inside_a_role_passes_the_gate_too():
    """What the gate refuses in a body cannot come in through JSON inside a string."""
    text = '{"value":"a\\u0000"}'

    assert document({"roles": [{"value": text}]}) == {"roles": [{"value": text}]}


def test_what_only_the_server_sets_is_ignored():
    """T45: PUT of our own answer carries id, meta, groups and local; none counts."""
    body = {
        "id": "7",
        "meta": {"version": 'W/"1"'},
        "groups": [{"value": "g"}],
        LOCAL: {"initials": "KD", "local": {"initials": "KX"}},
    }

    result = read(body)

    assert document(body) == {LOCAL: {"initials": "KD"}}
    assert [name for name, _ in result.notes.ignored] == [
        "id",
        "meta",
        "groups",
        f"{LOCAL}:local",
    ]


def test_a_password_is_dropped():
    """T42: the placeholder password of Okta is accepted and goes nowhere."""
    result = read({"password": "1mz050nq"})

    assert "password" not in result.document
    assert result.notes.ignored == (("password", "never stored"),)


def test_values_are_stored_exactly_as_sent():
    """T12: no phone number is reformatted, no order changed, no text trimmed."""
    sent = {
        "phoneNumbers": [
            {"value": "+1 (555) 0100 ", "type": "Mobile"},
            {"type": "fax", "value": "tel:+1-201-555-0123"},
        ],
        "displayName": " Kim  Doe ",
    }

    assert document(sent) == sent


def test_core_attributes_may_be_addressed_by_their_urn():
    """A full URN in front of a name, or a block under the core URN, is the same."""
    body = {
        f"{CORE}:displayName": "Kim",
        f"{ENTERPRISE}:department": "Sales",
        CORE: {"title": "Boss", "nope": 1},
    }

    result = read(body)

    assert document(body) == {
        "displayName": "Kim",
        ENTERPRISE: {"department": "Sales"},
        "title": "Boss",
    }
    assert result.notes.unknown == ("nope",)


@pytest.mark.parametrize("user_name", [None, "", "   "])
def test_a_user_needs_a_user_name(user_name):
    """A missing or blank userName is 400 and says what to map."""
    with pytest.raises(InvalidValue, match="Map a value to userName"):
        read({"userName": user_name})


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({"userName": 5}, "userName"),
        ({"userName": {"a": 1}}, "userName"),
        ({"userName": "x" * 321}, "userName"),
        ({"displayName": "x" * 1025}, "displayName"),
        ({"active": "maybe"}, "active"),
        ({"active": 1}, "active"),
        ({"name": "Kim"}, "name"),
        ({"name": {"givenName": 5}}, "name.givenName"),
        ({"emails": "a@b.c"}, "emails"),
        ({"emails": {"value": "a@b.c"}}, "emails"),
        ({"emails": ["a@b.c"]}, "emails[0]"),
        ({"emails": [{"value": ["a"]}]}, "emails[0].value"),
        ({"emails": [{"value": "a", "primary": "x"}]}, "emails[0].primary"),
        ({"emails": [{"value": "a"}] * 1001}, "emails"),
        ({"x509Certificates": [{"value": "!!"}]}, "x509Certificates[0].value"),
        ({ENTERPRISE: "x"}, ENTERPRISE),
        ({ENTERPRISE: {"department": 5}}, f"{ENTERPRISE}:department"),
        ({ENTERPRISE: {"manager": 5}}, f"{ENTERPRISE}:manager"),
        ({CORE: 5}, CORE),
        ({LOCAL: {"apiUser": "perhaps"}}, f"{LOCAL}:apiUser"),
    ],
)
def test_a_wrong_value_is_refused_by_name(body, named):
    """T23 of the threats: a wrong type is 400 invalidValue naming the attribute."""
    with pytest.raises(InvalidValue) as refused:
        read(body)

    assert refused.value.detail.startswith(named)


@pytest.mark.parametrize(
    ("value", "is_lawful"),
    [
        ("2026-05-13T04:42:34Z", True),
        ("2026-05-13T04:42:34.1234567+02:00", True),
        ("2026-05-13T04:42:34", False),
        ("2026-13-13T04:42:34Z", False),
        ("yesterday", False),
    ],
)
def test_a_date_needs_its_zone(value, is_lawful):
    """RFC 7643 section 2.3.5: xsd:dateTime, and only with a zone it is a moment."""
    kind = user_resource_type((DeclaredAttribute(BADGE, "since", "dateTime"),))
    body = {BADGE: {"since": value}}

    if is_lawful:
        assert document(body, kind=kind) == body
    else:
        with pytest.raises(InvalidValue, match="date and time"):
            read(body, kind=kind)


def test_two_primary_values_are_refused():
    """RFC 7643 section 2.4: primary true at most once."""
    emails = [{"value": "a", "primary": True}, {"value": "b", "primary": "True"}]

    with pytest.raises(InvalidValue, match="2 primary"):
        read({"emails": emails})


def test_missing_schemas_are_tolerated():
    """Quirk 37: a body without schemas is read by its address, or 400 if off."""
    assert read({"schemas": None}).notes.quirks == {"missing-schemas": 1}
    with pytest.raises(InvalidSyntax, match="schemas"):
        read({"schemas": []}, off={"missing-schemas"})


@pytest.mark.parametrize("schemas", ["urn:x", [5], {"a": 1}])
def test_schemas_of_a_wrong_type_are_refused(schemas):
    """Schemas is a list of URNs."""
    with pytest.raises(InvalidSyntax, match="list of URNs"):
        read({"schemas": schemas})


def test_strict_wants_the_value_of_each_email():
    """emails.value is published as required; only strict insists on it here."""
    body = {"emails": [{"type": "work"}]}

    assert document(body) == body
    with pytest.raises(InvalidValue, match="needs a value"):
        read(body, strict=True)


@pytest.mark.parametrize(
    ("quirk", "body"),
    [
        ("string-boolean", {"active": "True"}),
        ("manager-string", {ENTERPRISE: {"manager": "7"}}),
        ("manager-list", {ENTERPRISE: {"manager": [{"value": "7"}]}}),
    ],
)
def test_a_tolerance_that_is_switched_off_gives_the_strict_answer(quirk, body):
    """D24: each row of the dialect table can be switched off per connection."""
    with pytest.raises(InvalidValue):
        read(body, off={quirk})


def test_roles_stay_text_when_that_row_is_off():
    """With role-json-text off the value is kept as the text it is."""
    roles = [{"value": '{"value":"Admin"}'}]

    assert document({"roles": roles}, off={"role-json-text"}) == {"roles": roles}


def test_urn_keys_are_unknown_when_that_row_is_off():
    """With urn-key off a key with a URN in front is an undeclared attribute."""
    result = read({f"{ENTERPRISE}:department": "x"}, off={"urn-key"})

    assert result.notes.unknown == (f"{ENTERPRISE}:department",)
