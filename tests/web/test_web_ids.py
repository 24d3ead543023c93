"""Ids of requests: lawful UUIDs that grow."""

from __future__ import annotations

from uuid import UUID

from scim_connector.web.ids import request_id


def test_ids_grow_with_time_and_differ_within_it() -> None:
    """Version 7 of RFC 9562: sorted by arrival, distinct at one instant."""
    at = 1_760_000_000_000_000
    ids = [request_id(at + second * 1_000_000) for second in range(50)]

    assert ids == sorted(ids)
    assert len({request_id(at) for _ in range(1000)}) == 1000
    assert {UUID(one).version for one in ids} == {7}
    assert {UUID(one).variant for one in ids} == {"specified in RFC 4122"}
