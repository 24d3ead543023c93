"""Where the span of a request lies."""

from __future__ import annotations

from uuid import NAMESPACE_URL, uuid5

from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.sdk.trace.sampling import TraceIdRatioBased

from scim_connector.web import ids
from scim_connector.wiring.tracing.places import Ids, link_to, place_of


@given(st.integers(0, 2**47))
def test_a_place_is_the_same_wherever_it_is_computed(now: int) -> None:
    """Another process finds the span of a request by the id alone."""
    request_id = ids.request_id(now)
    made = Ids()
    with made.chosen_for(request_id):
        found = made.generate_trace_id(), made.generate_span_id()

    assert found == place_of(request_id)
    [link] = link_to(request_id)
    assert (link.context.trace_id, link.context.span_id) == found
    assert link.context.is_valid
    assert made.generate_trace_id() != found[0]
    assert made.generate_span_id() != found[1]


def test_places_are_spread_as_sampling_needs_it() -> None:
    """A tenth of the requests are a tenth of the traces."""
    bound = TraceIdRatioBased(0.1).bound
    mask = TraceIdRatioBased.TRACE_ID_LIMIT
    kept = [place_of(ids.request_id(n * 1000))[0] & mask < bound for n in range(5_000)]

    assert 400 < sum(kept) < 600


def test_what_is_no_request_of_its_own_has_no_link() -> None:
    """A part of a bulk request has an id, and no span."""
    assert link_to(None) == []
    assert link_to(str(uuid5(NAMESPACE_URL, "part"))) == []
    assert link_to("no id of ours") == []
