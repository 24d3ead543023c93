"""RFC 7643 section 4.2: groups, as discovery tells of them."""

from __future__ import annotations

from tests.rfc import asking
from tests.rfc.asking import GROUP
from tests.rfc.requirements import requirement
from tests.server import Server


@requirement("RFC7643-4.2-4", "MUST", "A group is marked with its own schema.")
def test_a_group_has_its_schema(scim: Server) -> None:
    """A group names the schema of groups, which is published."""
    group = asking.new_group(scim)

    assert group["schemas"] == [GROUP]
    assert scim.send("GET", f"/Schemas/{GROUP}").body["id"] == GROUP
    assert scim.send("GET", "/ResourceTypes/Group").body["schema"] == GROUP
