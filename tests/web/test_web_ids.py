"""Ids of requests: lawful UUIDs that grow."""

from __future__ import annotations

from uuid import UUID

from scim_connector.web.ids import GIVEN, of, request_id


def test_ids_grow_with_time_and_differ_within_it() -> None:
    """Version 7 of RFC 9562: sorted by arrival, distinct at one instant."""
    at = 1_760_000_000_000_000
    ids = [request_id(at + second * 1_000_000) for second in range(50)]

    assert ids == sorted(ids)
    assert len({request_id(at) for _ in range(1000)}) == 1000
    assert {UUID(one).version for one in ids} == {7}
    assert {UUID(one).variant for one in ids} == {"specified in RFC 4122"}


def test_a_request_keeps_the_id_it_was_given() -> None:
    """By whoever is in front inside the process, and never by a header of a client."""
    assert of({GIVEN: "given"}, 0) == "given"
    assert of({"HTTP_X_REQUEST_ID": "kim"}, 0) != of({}, 0) != "kim"
