"""The use cases of an identity provider."""

from scim_connector.provisioning.calls import Answer, Call, Page, SearchQuery
from scim_connector.provisioning.reads import FLUSH_SECONDS, RequestGatherer
from scim_connector.provisioning.service import Provisioning

__all__ = [
    "FLUSH_SECONDS",
    "Answer",
    "Call",
    "Page",
    "Provisioning",
    "RequestGatherer",
    "SearchQuery",
]
