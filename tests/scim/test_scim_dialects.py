"""The table of quirks: whole, ordered, and each row proved by something that runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from scim_connector.scim.dialects import BY_NAME, QUIRKS, Dialect

ROOT = Path(__file__).resolve().parents[2]
EXCHANGES = "tests/exchanges"

#: Where each row is shown to be handled as it says: a file, and words that are in it.
PROOFS = {
    "capitalised-op": ("entra/t15_disable.json", '"Replace"'),
    "string-boolean": ("entra/t06_create_with_string_boolean.json", '"True"'),
    "string-number": ("scim/test_scim_resources.py", "Entra sends it as text"),
    "dotted-key": ("entra/t19_update_with_flag_replace.json", "name.givenName"),
    "urn-key": ("entra/t19_update_with_flag_replace.json", "enterprise:2.0:User:"),
    "read-only-in-value": ("okta/t54_group_rename.json", '"id"'),
    "filtered-path-creates": (
        "entra/t20_filtered_path_without_target.json",
        "phoneNumbers",
    ),
    "string-boolean-in-filter": ("entra/t24_roles.json", "primary eq"),
    "add-replaces": ("entra/t22_single_attributes.json", '"Add"'),
    "manager-string": ("entra/t08_create_with_enterprise_values.json", "manager"),
    "manager-list": ("entra/t23_manager.json", "manager"),
    "manager-in-core": ("entra/t23_manager.json", '"path": "manager"'),
    "role-json-text": ("entra/t24_roles.json", '{\\"'),
    "role-display-name": ("entra/t10_create_with_roles.json", "displayName"),
    "member-string": ("entra/t31_group_remove_members.json", '"value": "{{lee}}"'),
    "member-display-name": ("scim/test_scim_membership.py", "displayName"),
    "okta-role-urn": ("provisioning/test_catalogue.py", "urn:okta"),
    "remove-with-value": ("entra/t31_group_remove_members.json", '"Remove"'),
    "dotted-urn": ("scim/test_scim_patch_dialects.py", "dotted-urn"),
    "empty-is-absent": ("entra/t05_create_with_nulls.json", "null"),
    "attribute-case": ("entra/t07_create_with_other_casing.json", "UserName"),
    "unknown-attribute": ("entra/t09_create_with_custom_extension.json", "extension"),
    "user-name-case": ("okta/t60_user_name_in_capitals.json", "userName"),
    "external-id": ("entra/t02_test_connection_by_other_attribute.json", "externalId"),
    "inactive-visible": ("entra/t03_match_before_create.json", "active"),
    "round-trip": ("okta/t45_profile_push.json", '"PUT"'),
    "put-without-active": ("okta/t45_profile_push.json", "active"),
    "patch-answers-user": ("entra/t15_disable.json", '"status": 200'),
    "patch-answers-no-group": ("entra/t29_group_rename.json", '"status": 204'),
    "json-content-type": ("others/content_types.json", "application/json"),
    "errors-are-scim": ("hostile/routing.json", '"status"'),
    "status-is-text": ("okta/t59_wrong_token.json", '"401"'),
    "odd-filter-values": ("hostile/filters.json", "200"),
    "unknown-query": ("others/lists.json", "aadOptscim062020"),
    "trailing-slash": ("hostile/routing.json", "/Users/{{id}}/"),
    "base-url-probed": ("web/test_web_requests.py", '""'),
    "bearer-twice": ("hostile/authentication.json", "Bearer Bearer"),
    "both-patch-dialects": ("entra/t16_disable_with_flag.json", "false"),
    "stored-as-sent": ("entra/t04_create.json", "201"),
    "nested-groups": ("provisioning/test_bulk.py", "may_be_members_of_each_other"),
    "guest-user-name": ("entra/t04_create_guest.json", "#EXT#"),
    "active-again": ("entra/t17_restore.json", "active"),
    "same-attribute-twice": ("others/patch_semantics.json", "the last of two wins"),
    "remove-absent": ("entra/t31_group_remove_members.json", "who is no member"),
    "missing-schemas": ("others/patch_semantics.json", "Operations"),
    "email-choice": ("rfc/test_rfc7643_4.py", "emails"),
}


def test_every_known_quirk_is_a_row() -> None:
    """The 38 of the table that was gathered from vendors and issues, in its order."""
    numbers = [row.number for row in QUIRKS if row.number is not None]

    assert set(numbers) == set(range(1, 39))
    assert numbers == sorted(numbers)
    assert len(BY_NAME) == len(QUIRKS)


@pytest.mark.parametrize("name", [row.name for row in QUIRKS])
def test_every_row_is_proved(name: str) -> None:
    """An exchange or a test shows it; a row without proof is a promise only."""
    file, words = PROOFS[name]
    folder = EXCHANGES if file.endswith(".json") else "tests"
    text = (ROOT / folder / file).read_text("utf-8")

    assert words in text


@pytest.mark.parametrize("row", QUIRKS, ids=lambda row: row.name)
def test_every_row_speaks(row: object) -> None:
    """Who sends what, what becomes of it, and where that is known from."""
    quirk = BY_NAME[row.name]  # type: ignore[attr-defined]

    assert all((quirk.vendors, quirk.sent, quirk.handled, quirk.source))
    if quirk.switchable:
        assert not Dialect("generic", frozenset({quirk.name})).allows(quirk.name)
    else:
        with pytest.raises(ValueError, match="cannot be switched off"):
            Dialect("generic", frozenset({quirk.name}))
