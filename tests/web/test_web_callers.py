"""Who may come in: every 401 with its sentence (RFC 6750, decision 31)."""

from __future__ import annotations

from base64 import b64encode

import pytest

from scim_connector.administration import connections as administration
from tests.web.door import HOUR, Door, operator, refusal

UNKNOWN = "scimc_aaaaaaaaaaaa_" + "A" * 43
BASIC = b64encode(b"user:password").decode()


@pytest.mark.parametrize(
    ("header", "told"),
    [
        ("", "Send the token as: Authorization: Bearer TOKEN"),
        ("   ", "Send the token as: Authorization: Bearer TOKEN"),
        (f"Basic {BASIC}", "Only bearer tokens are known here, not Basic"),
        (UNKNOWN, "Only bearer tokens are known here"),
        ("Bearer", "This token is not known here"),
        ("Bearer abc", "This token is not known here"),
        (f"Bearer {UNKNOWN}", "check that it was pasted whole"),
        (f"Bearer {UNKNOWN} more", "This token is not known here"),
        (f"Bearer Bearer {UNKNOWN}", 'The word "Bearer" stands twice'),
        ("Bearer \xff\xfe", "This token is not known here"),
        (f"Bearer {'A' * 9000}", "This token is not known here"),
    ],
)
def test_every_refusal_says_what_is_wrong(door: Door, header: str, told: str) -> None:
    """401 with WWW-Authenticate, SCIM JSON, and a sentence about this header."""
    answer = door.send("GET", "/Users", headers={"Authorization": header})

    assert told in refusal(answer, 401)
    challenge = answer.headers["WWW-Authenticate"]
    assert challenge.startswith('Bearer realm="scim"')
    assert ('error="invalid_token"' in challenge) == header.startswith("Bearer")
    assert BASIC not in answer.text
    assert UNKNOWN not in answer.text


def test_the_scheme_is_read_in_any_case(door: Door) -> None:
    """RFC 9110 section 11.1: the name of a scheme has no case."""
    for scheme in ("bearer", "BEARER"):
        headers = {"Authorization": f"{scheme} {door.token}"}
        assert door.send("GET", "/Users", headers=headers).status_code == 200


def test_a_token_in_the_address_is_no_token(door: Door) -> None:
    """Addresses are logged by proxies, so a token there opens nothing."""
    for name in ("access_token", "token"):
        path = f"/Users?{name}={door.token}"
        answer = door.send("GET", path, headers={"Authorization": ""})

        assert "Send the token as: Authorization" in refusal(answer, 401)
        assert door.token not in answer.text


def test_an_expired_token_says_so(door: Door) -> None:
    """The sentence tells expired from unknown and names the command."""
    token = door.new_token(lives=-HOUR)
    answer = door.send("GET", "/Users", headers={"Authorization": f"Bearer {token}"})

    told = refusal(answer, 401)
    assert "This token is expired; make one on the page of its connection" in told
    assert "scim-connector token create" in told


def test_a_revoked_token_is_refused_from_the_next_request(door: Door) -> None:
    """Nothing is cached: revoking works at once."""
    token = door.new_token()
    headers = {"Authorization": f"Bearer {token}"}
    before = door.send("GET", "/Users", headers=headers)
    found = administration.find_token(door.house.database.reader(), token)
    door.house.database.write(
        lambda tx: administration.revoke_token(tx, found, operator())
    )

    assert before.status_code == 200
    assert "This token is revoked" in refusal(
        door.send("GET", "/Users", headers=headers), 401
    )


def test_the_secret_behind_a_known_id_is_compared(door: Door) -> None:
    """A right id with another secret is as unknown as any other."""
    forged = door.token[:-4] + ("AAAA" if door.token[-4:] != "AAAA" else "BBBB")
    answer = door.send("GET", "/Users", headers={"Authorization": f"Bearer {forged}"})

    assert "This token is not known here" in refusal(answer, 401)


def test_a_retired_connection_lets_nobody_in(door: Door) -> None:
    """Retiring revokes its tokens first (decision 13)."""
    act = operator()
    door.house.database.write(
        lambda tx: administration.retire(tx, administration.find(tx, "default"), act)
    )

    assert "This token is revoked" in refusal(door.send("GET", "/Users"), 401)


@pytest.mark.parametrize("path", ["/Users", "/Nothing", "/Me", "/Bulk", "/Schemas", ""])
def test_a_stranger_learns_no_address(door: Door, path: str) -> None:
    """Authentication comes before routing: every address answers 401 alike."""
    for method in ("GET", "POST", "OPTIONS", "BREW"):
        answer = door.send(method, path, headers={"Authorization": ""})
        assert answer.status_code == 401
