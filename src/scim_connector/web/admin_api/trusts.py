"""Trusted issuers as JSON: whose signed assertions open a connection."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from scim_connector.administration import oauth as administration
from scim_connector.administration.errors import NotPossible
from scim_connector.directory import trusts
from scim_connector.rules.permissions import MANAGE_PROVISIONING, VIEW_PROVISIONING
from scim_connector.tokens.assertions import ALGORITHMS
from scim_connector.web.admin_api import shapes
from scim_connector.web.admin_api.connections import found
from scim_connector.web.admin_api.routes import Missing, Route

if TYPE_CHECKING:
    from scim_connector.directory.trusts import Trust
    from scim_connector.web.admin_api.routes import Visit

_LONGEST: Final = 2000


def list_trusts(visit: Visit) -> dict[str, Any]:
    """The issuers a connection trusts."""
    held = trusts.of_connection(visit.reader, found(visit).id)
    return {"items": [_shown(each) for each in held]}


def _shown(trust: Trust) -> dict[str, Any]:
    return {
        "id": trust.id,
        "issuer": trust.issuer,
        "jwks_url": trust.jwks_url,
        "subject": trust.subject,
        "audiences": list(trust.audiences),
        "tenant": trust.tenant,
        "algorithm": trust.algorithm,
        "is_direct": trust.is_direct,
    }


def add_trust(visit: Visit) -> dict[str, Any]:
    """Let assertions of one more issuer open a connection."""
    connection, act, body = found(visit), visit.act(), visit.body
    terms = administration.terms_of(
        tenant=body.get("tenant"),
        issuer=body.get("issuer", ""),
        jwks_url=body.get("jwks_url", ""),
        subject=body.get("subject"),
        audiences=body.get("audiences", []),
        algorithm=body.get("algorithm", ALGORITHMS[0]),
    )
    return _shown(
        visit.write(lambda tx: administration.add_trust(tx, connection, terms, act))
    )


def remove_trust(visit: Visit) -> None:
    """End a trust; the access tokens issued for it are refused at once."""
    connection, act = found(visit), visit.act()
    try:
        trust = administration.find_trust(
            visit.reader, connection, visit.places["trust_id"]
        )
    except NotPossible as error:
        raise Missing(str(error)) from None
    visit.write(lambda tx: administration.remove_trust(tx, connection, trust, act))


# ---------------------------------------------------------------------------- as data

SHAPES: Final = {
    "Trust": shapes.answer(
        id=shapes.told(),
        issuer=shapes.told(),
        jwks_url=shapes.told("Where its keys are."),
        subject=shapes.or_null(shapes.told("Null: any.")),
        audiences=shapes.many(shapes.told()),
        tenant=shapes.or_null(shapes.told("Of Entra ID.")),
        algorithm=shapes.one_of(ALGORITHMS),
        is_direct=shapes.flag("Whether Entra's own token is sent as it is."),
    )
}
_A_TRUST: Final = shapes.ref("Trust")
_PATH: Final = "/connections/{connection_id}/trusts"

ROUTES: Final = (
    Route(
        "GET",
        _PATH,
        list_trusts,
        VIEW_PROVISIONING,
        "Issuers whose signed assertions open a connection.",
        shapes.answer(items=shapes.many(_A_TRUST)),
    ),
    Route(
        "POST",
        _PATH,
        add_trust,
        MANAGE_PROVISIONING,
        "Trust one more issuer; a tenant of Entra ID fills what is left out.",
        _A_TRUST,
        body=shapes.given(
            tenant=shapes.text(most=60, least=1),
            issuer=shapes.text(most=_LONGEST),
            jwks_url=shapes.text(most=_LONGEST),
            subject=shapes.text(most=_LONGEST, least=1),
            audiences=shapes.many(shapes.text(most=_LONGEST, least=1), most=20),
            algorithm=shapes.one_of(ALGORITHMS),
        ),
        status=201,
    ),
    Route(
        "DELETE",
        f"{_PATH}/{{trust_id}}",
        remove_trust,
        MANAGE_PROVISIONING,
        "Trust an issuer no more; what came of it is refused at once.",
        None,
        status=204,
    ),
)
