"""RFC 7643 section 2: attributes, their types, and what "no value" is."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from tests.rfc import asking
from tests.rfc.asking import CORE, ENTERPRISE, TYPED, Json, operation
from tests.rfc.requirements import not_applicable, not_tested, requirement
from tests.server import Server

WITHOUT_TEST = (
    not_applicable(
        "RFC7643-2.3.7-2",
        "MUST",
        "A relative reference is resolved against the address that ends before the "
        "endpoint.",
        "Every reference we make is absolute; one that a client sends is kept as sent "
        "and followed by nobody here.",
    ),
    not_tested(
        "RFC7643-2.3.7-4",
        "MUST",
        "GET of a reference gives the target or a fitting HTTP status.",
        "That is for the owner of the target. For references to our own resources see "
        "RFC7643-3.1-10 and RFC7643-4.2-3.",
    ),
)


def published(scim: Server) -> Iterator[tuple[Json, Json | None]]:
    """Every attribute that /Schemas publishes, with the attribute it is part of."""
    for schema in scim.send("GET", "/Schemas").body["Resources"]:
        for attribute in schema["attributes"]:
            yield attribute, None
            for sub in attribute.get("subAttributes", []):
                yield sub, attribute


# ------------------------------------------------------------------- 2.1 and 2.2


@requirement(
    "RFC7643-2.1-1", "MUST", "A resource names its schemas in the attribute schemas."
)
def test_a_resource_names_its_schemas(scim: Server) -> None:
    """A created user and the same user in a list carry schemas."""
    user = asking.created(scim)
    listed = asking.found(scim, f'userName eq "{user["userName"]}"')

    assert [CORE] == user["schemas"] == listed[0]["schemas"]


@requirement(
    "RFC7643-2.1-2",
    "MUST",
    "The name of an attribute begins with a letter and goes on with letters, digits, "
    "$, - and _ (erratum: $ref begins with $).",
)
def test_published_names_are_names(scim: Server) -> None:
    """No published attribute has a name that could not be written in a path."""
    names = [attribute["name"] for attribute, _ in published(scim)]

    assert names
    assert [n for n in names if not re.fullmatch(r"\$?[A-Za-z][\w$-]*", n)] == []


@requirement(
    "RFC7643-2.2-1",
    "MUST",
    "What an attribute does not say is required=false, caseExact=false, readWrite, "
    "returned by default, not unique, of type string.",
)
def test_characteristics_are_said_in_full(scim: Server) -> None:
    """Nothing has to be guessed: each published attribute says it all itself."""
    said = {"name", "type", "multiValued", "required", "mutability", "returned"}
    for attribute, _ in published(scim):
        assert said <= attribute.keys()
        if attribute["type"] != "complex":
            assert "uniqueness" in attribute
        if attribute["type"] in {"string", "reference", "binary"}:
            assert "caseExact" in attribute


# --------------------------------------------------------------------- data types


@requirement(
    "RFC7643-2.3-1",
    "SHOULD NOT",
    "An extension brings no data types of its own.",
)
@requirement(
    "RFC7643-2.3.8-3",
    "MUST NOT",
    "A part of a complex attribute is not complex itself.",
)
def test_types_are_those_of_the_rfc(scim: Server) -> None:
    """Published types are the eight known ones, and complex never lies in complex."""
    known = {"string", "boolean", "decimal", "integer", "dateTime", "binary"}
    known |= {"reference", "complex"}
    for attribute, parent in published(scim):
        assert attribute["type"] in known
        assert parent is None or attribute["type"] != "complex"


@requirement(
    "RFC7643-2.3.4-1", "MUST NOT", "A whole number has no fraction and no exponent."
)
def test_whole_numbers_are_whole(typed: Server) -> None:
    """A fraction is refused where a whole number is declared, and 7 is answered as 7."""
    good = asking.person(**{TYPED: {"rank": 7}})
    bad = asking.person(**{TYPED: {"rank": 7.5}})

    reply = typed.send("POST", "/Users", good)
    assert b'"rank":7}' in reply.content
    assert asking.refused(typed.send("POST", "/Users", bad), 400, "invalidValue")


@requirement(
    "RFC7643-2.3.5-1", "MUST", "A dateTime is a valid xsd:dateTime, as a JSON string."
)
@requirement("RFC7643-2.3.5-2", "MUST", "A dateTime has both a date and a time.")
@pytest.mark.parametrize("wrong", ["2026-05-13", "04:42:34Z", "2026-13-01T00:00:00Z"])
def test_a_date_and_time_is_both(typed: Server, wrong: str) -> None:
    """A date alone, a time alone and a thirteenth month are refused."""
    body = asking.person(**{TYPED: {"since": wrong}})

    assert asking.refused(typed.send("POST", "/Users", body), 400, "invalidValue")


@requirement(
    "RFC7643-2.3.5-3", "MUST", "The times we make ourselves are xsd:dateTime too."
)
def test_our_own_times_are_date_times(scim: Server) -> None:
    """meta.created and meta.lastModified are whole, and in UTC."""
    meta = asking.created(scim)["meta"]
    form = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z"

    assert re.fullmatch(form, meta["created"])
    assert re.fullmatch(form, meta["lastModified"])


@requirement("RFC7643-2.3.6-1", "MUST", "Binary data is written in base64.")
def test_binary_is_base64(scim: Server) -> None:
    """What is base64 is answered as sent, with or without padding; else it is 400."""
    for right in ("TWFuIQ==", "TWFuIQ", "-_-_"):
        user = asking.created(scim, x509Certificates=[{"value": right}])
        assert user["x509Certificates"] == [{"value": right}]
    wrong = asking.person(x509Certificates=[{"value": "no base64!"}])
    assert asking.refused(scim.send("POST", "/Users", wrong), 400, "invalidValue")


@requirement("RFC7643-2.3.7-1", "MUST", "A reference is an absolute or relative URI.")
@requirement(
    "RFC7643-2.3.7-3", "MUST", "A reference points to something HTTP can address."
)
def test_references_of_ours_are_addresses(scim: Server) -> None:
    """meta.location is an absolute HTTP address that answers with the resource."""
    user = asking.created(scim)
    location = user["meta"]["location"]

    assert location == f"{scim.base_url}/Users/{user['id']}"
    assert scim.send("GET", location[len(scim.base_url) :]).body == user


@requirement(
    "RFC7643-2.3.8-1",
    "MUST NOT",
    "Nothing depends on the order of the members of an object.",
)
@requirement(
    "RFC7643-2.3.8-2", "MUST", "Members of a complex attribute may come in any order."
)
def test_order_of_members_means_nothing(scim: Server) -> None:
    """A body turned around, inside and outside, is the same request."""
    body = asking.person()
    turned = {key: body[key] for key in reversed(body)}
    turned["name"] = {key: body["name"][key] for key in reversed(body["name"])}
    user = asking.created(scim, body)

    again = scim.send("PUT", asking.at(user), turned).body
    assert {**again, "meta": None} == {**user, "meta": None}


# ------------------------------------------------------------------- multi-valued


@requirement(
    "RFC7643-2.4-1",
    "MUST",
    "type, primary, display, value and $ref mean the same in every multi-valued "
    "attribute.",
)
def test_parts_mean_the_same_everywhere(scim: Server) -> None:
    """Each published primary is a boolean, each $ref a reference, each type a string."""
    wanted = {"primary": "boolean", "$ref": "reference", "type": "string"}
    for part, parent in published(scim):
        if parent is not None and parent["multiValued"] and part["name"] in wanted:
            assert part["type"] == wanted[part["name"]]


@requirement(
    "RFC7643-2.4-2", "MUST", "primary is true for one value of an attribute at most."
)
def test_two_primary_values_are_refused(scim: Server) -> None:
    """A body with two primary addresses is 400 and creates nobody."""
    own = asking.name()
    emails = [
        {"value": f"{own}{at}@example.com", "primary": True, "type": "work"}
        for at in (1, 2)
    ]

    reply = scim.send("POST", "/Users", asking.person(emails=emails))
    assert asking.refused(reply, 400, "invalidValue")


@requirement("RFC7643-2.4-3", "MUST", "A value without primary counts as not primary.")
def test_no_primary_is_not_primary(scim: Server) -> None:
    """A first primary value may join values that say nothing about it."""
    user = asking.created(scim, phoneNumbers=[{"value": "1"}, {"value": "2"}])
    third = {"value": "3", "primary": True}

    reply = asking.patched(scim, user, operation("add", "phoneNumbers", [third]))
    assert reply.body["phoneNumbers"] == [{"value": "1"}, {"value": "2"}, third]


@requirement(
    "RFC7643-2.4-4",
    "MUST",
    "An object among the values is a complex attribute; the order of its parts means "
    "nothing.",
)
def test_elements_are_objects_in_any_order(scim: Server) -> None:
    """An element is found by a filter on both parts, in whatever order they came."""
    own = asking.name()
    ims = [{"type": "xmpp", "value": own}, {"value": f"{own}b", "type": "aim"}]
    user = asking.created(scim, ims=ims)

    expression = f'ims[value eq "{own}" and type eq "xmpp"]'
    assert asking.ids(asking.found(scim, expression)) == [user["id"]]


@requirement(
    "RFC7643-2.4-5",
    "MUST",
    "References that differ in the version of the API alone are comparable.",
)
def test_references_have_one_form(scim: Server) -> None:
    """There is one version, /v2, so every reference of ours has one and the same form."""
    user = asking.created(scim)

    assert user["meta"]["location"].startswith(f"{scim.base_url}/")
    assert scim.base_url.endswith("/v2")


@requirement(
    "RFC7643-2.4-6",
    "SHOULD",
    "Values are brought to one form where that is sensible, such as their type.",
    deviates="A provider's resource is answered as it was sent, so that its next "
    "comparison finds no drift. Comparing, not storing, brings values to one form.",
)
def test_values_are_answered_as_sent(scim: Server) -> None:
    """Case and type stay as the provider wrote them; a filter finds them without case."""
    own = asking.name()
    emails = [{"value": f"Kim.{own}@EXAMPLE.com", "type": "Work"}]
    user = asking.created(scim, emails=emails)

    assert user["emails"] == emails
    by_value = asking.found(scim, f'emails.value eq "kim.{own}@example.com"')
    assert asking.ids(by_value) == [user["id"]]


@requirement(
    "RFC7643-2.4-7",
    "SHOULD NOT",
    "The same pair of type and value does not come twice in one attribute.",
    deviates="What a provider sends twice it reads twice; taking one away would be a "
    "difference that it corrects for ever. PATCH adds no second one.",
)
def test_pairs_are_not_added_twice(scim: Server) -> None:
    """PATCH does not repeat a pair of type and value; a POST that does is answered so."""
    phone = {"value": "1", "type": "work"}
    user = asking.created(scim, phoneNumbers=[phone])
    twice = asking.created(scim, phoneNumbers=[phone, phone])

    reply = asking.patched(scim, user, operation("add", "phoneNumbers", [phone]))
    assert reply.body["phoneNumbers"] == [phone]
    assert twice["phoneNumbers"] == [phone, phone]


# ------------------------------------------------------------------------ no value


@requirement(
    "RFC7643-2.5-1",
    "MUST",
    "An attribute that is left out, null or an empty list is in one and the same state.",
)
@pytest.mark.parametrize("nothing", [None, []], ids=["null", "empty list"])
def test_no_value_is_no_value(scim: Server, nothing: object) -> None:
    """Null and [] leave no trace in the answer, and pr does not find them."""
    body = asking.person() | {"phoneNumbers": nothing, "displayName": None}
    user = asking.created(scim, body)

    assert not user.keys() & {"phoneNumbers", "displayName"}
    found = asking.found(scim, f'id eq "{user["id"]}" and phoneNumbers pr')
    assert found == []


@requirement(
    "RFC7643-2.5-2", "MUST", "Setting an attribute to null or [] takes its value away."
)
def test_null_takes_a_value_away(scim: Server) -> None:
    """PUT and PATCH with null or [] clear what was there."""
    user = asking.created(scim, title="Clerk", ims=[{"value": "x"}])
    extension = {ENTERPRISE: {"costCenter": "7"}}
    other = asking.created(scim, **extension)

    put = scim.send("PUT", asking.at(user), user | {"title": None, "ims": []}).body
    patch = asking.patched(
        scim, other, operation("replace", f"{ENTERPRISE}:costCenter", None)
    ).body
    assert not put.keys() & {"title", "ims"}
    assert ENTERPRISE not in patch
