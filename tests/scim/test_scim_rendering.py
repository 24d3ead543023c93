"""The served text: its marks, its facts, and the way back to the document."""

from __future__ import annotations

import json

import orjson
import pytest

from scim_connector.scim import rendering, resources
from scim_connector.scim.dialects import DIALECTS
from scim_connector.scim.rendering import Facts, Local
from scim_connector.scim.schemas import USER
from scim_connector.scim.types import CORE, ENTERPRISE, LOCAL

BASE = "https://scim.example/scim/v2"
KIM = Local("KD", "kim.doe", "kim@example.com", "administrative")
FACTS = Facts("7", 3, 1_700_000_000_123_456, 1_700_000_001_000_000, active=True)
DOCUMENT = {
    "userName": "kim",
    "active": True,
    ENTERPRISE: {"manager": {"value": "9"}},
    LOCAL: {"initials": "KD"},
}

REFERENCES = '{"value":"g","$ref":"\x01/Groups/g"},{"value":"h"}'


def served(document=None, **facts):
    """Serve a document with the facts of Kim, some of them changed."""
    known = {name: getattr(FACTS, name) for name in Facts.__slots__}
    return rendering.served(
        USER, DOCUMENT if document is None else document, Facts(**(known | facts))
    )


def test_a_resource_has_its_schemas_id_and_meta():
    """RFC 7643 section 3.1: schemas, id and meta are added to the document."""
    resource = json.loads(rendering.expand(served(), BASE))

    assert resource == {
        "schemas": [CORE, ENTERPRISE, LOCAL],
        "id": "7",
        **DOCUMENT,
        "meta": {
            "resourceType": "User",
            "created": "2023-11-14T22:13:20.123456Z",
            "lastModified": "2023-11-14T22:13:21.000000Z",
            "version": 'W/"3"',
            "location": f"{BASE}/Users/7",
        },
    }


def test_schemas_name_only_the_extensions_in_use():
    """An extension without a value is not listed."""
    assert json.loads(rendering.expand(served({"userName": "k"}), BASE))["schemas"] == [
        CORE
    ]


def test_what_became_of_the_wishes_stands_beside_them():
    """D16: local is the readOnly part of our extension, absent values left out."""
    resource = rendering.resource_of(served(local=KIM))

    assert resource[LOCAL] == {
        "initials": "KD",
        "local": {
            "initials": "KD",
            "username": "kim.doe",
            "email": "kim@example.com",
            "type": "administrative",
        },
    }


def test_active_is_the_state_of_the_user_in_its_place():
    """A user that is held inactive is answered so, whatever the provider said (D28)."""
    resource = rendering.resource_of(served(active=False))

    assert resource["active"] is False
    assert list(resource)[:4] == ["schemas", "id", "userName", "active"]


def test_groups_are_spliced_in_when_answered():
    """D41: groups are joined at the answer, with addresses under the base URL."""
    stored = rendering.with_groups(served(), REFERENCES)

    resource = json.loads(rendering.expand(stored, BASE))

    assert resource["groups"] == [
        {"value": "g", "$ref": f"{BASE}/Groups/g"},
        {"value": "h"},
    ]
    assert rendering.resource_of(stored, BASE) == resource


@pytest.mark.parametrize("references", [None, ""])
def test_without_groups_there_is_no_such_member(references):
    """Who is in no group is answered without ``groups``, not with an empty list."""
    stored = rendering.with_groups(served(), references)

    assert "groups" not in json.loads(rendering.expand(stored, BASE))


@pytest.mark.parametrize("mark", [rendering.BASE_URL_MARK, rendering.GROUPS_MARK])
def test_nobody_can_forge_a_mark(mark):
    """A value with a mark in it is escaped by JSON and comes back as it was."""
    text = served({"userName": f"a{mark}b"})

    assert text.count(mark) == 1
    assert json.loads(rendering.expand(text, BASE))["userName"] == f"a{mark}b"


def test_the_document_comes_back_from_the_resource():
    """GET, then PATCH or PUT, starts from the document that was served."""
    resource = rendering.resource_of(served(local=KIM), BASE)

    assert rendering.document_of(resource) == DOCUMENT
    assert rendering.document_of(resource | {"groups": []}) == DOCUMENT
    assert LOCAL not in rendering.document_of({LOCAL: {"local": {"initials": "K"}}})


def test_a_put_of_our_own_answer_states_nothing_new():
    """T45, quirk 18: the round trip of Okta leaves the document as it was."""
    answer = orjson.loads(
        rendering.expand(rendering.with_groups(served(local=KIM), REFERENCES), BASE)
    )

    again = resources.read(USER, answer, dialect=DIALECTS["okta"], strict=True)

    assert again.document == DOCUMENT


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (0, "1970-01-01T00:00:00.000000Z"),
        (1, "1970-01-01T00:00:00.000001Z"),
        (1_700_000_000_000_000, "2023-11-14T22:13:20.000000Z"),
        (-1, "1969-12-31T23:59:59.999999Z"),
    ],
)
def test_moments_are_answered_to_the_microsecond(moment, text):
    """RFC 7643 section 2.3.5, in UTC, so that a filter on it finds it again."""
    assert rendering.timestamp(moment) == text
