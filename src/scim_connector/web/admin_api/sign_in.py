"""How people of a connection sign in, as JSON: set up, switched on and off."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from scim_connector.administration import sign_in as administration
from scim_connector.directory import sso
from scim_connector.login.sso import CALLBACK
from scim_connector.login.trials import sealed_secret
from scim_connector.rules.permissions import MANAGE_PROVISIONING, VIEW_PROVISIONING
from scim_connector.tokens.assertions import ALGORITHMS
from scim_connector.web.admin_api import shapes
from scim_connector.web.admin_api.connections import found
from scim_connector.web.admin_api.routes import Route
from scim_connector.web.console.single_sign_on import EQUALS

if TYPE_CHECKING:
    from scim_connector.directory.connections import Connection
    from scim_connector.directory.sso import SignIn
    from scim_connector.web.admin_api.routes import Visit

_LONGEST: Final = 2000


def get_sign_in(visit: Visit) -> dict[str, Any]:
    """The settings, and who could not be found by them."""
    held, reader = found(visit), visit.reader
    settings = sso.settings_of(reader, held.id)
    match = None if settings is None else administration.match(reader, held, settings)
    return {
        "redirect_uri": f"{visit.office.settings.address}{CALLBACK}",
        "is_on": settings is not None and settings.enabled,
        "settings": None if settings is None else _shown(settings),
        "people": None if match is None else match.people,
        "cannot_be_found": None if match is None else match.strange,
        "advice": None if match is None else administration.advice(match, held) or None,
    }


def _shown(settings: SignIn) -> dict[str, Any]:
    named = ("issuer", "client_id", "scopes", "claim", "equals", "algorithm")
    return {
        **{name: getattr(settings, name) for name in named},
        "second_factor": list(settings.second_factor),
        "has_secret": settings.client_secret is not None,
    }


def save_sign_in(visit: Visit) -> dict[str, Any]:
    """Keep the settings; signing in is off until it is switched on."""
    held, act = found(visit), visit.act()
    given = _given(visit, held)
    made = administration.settings_from(held, given, now=act.now)
    visit.write(lambda tx: administration.configure(tx, held, made, act))
    return get_sign_in(visit)


def _given(visit: Visit, held: Connection) -> dict[str, Any]:
    body = visit.body
    client = {name: body[name].strip() for name in ("issuer", "client_id")}
    if "client_secret" in body:
        secret = (body["client_secret"] or "").strip()
        sealed = sealed_secret(visit.office.keys, secret) if secret else None
    else:
        former = sso.settings_of(visit.reader, held.id)
        sealed = administration.kept_secret(former, **client)
    return {
        **client,
        "client_secret": sealed,
        "scopes": body.get("scopes", "").strip(),
        "claim": body.get("claim", "").strip(),
        "equals": body.get("equals", EQUALS[0]),
        "algorithm": body.get("algorithm", ALGORITHMS[0]),
        "second_factor": body.get("second_factor", []),
    }


def switch_sign_in_on(visit: Visit) -> dict[str, Any]:
    """Let people sign in."""
    held, act = found(visit), visit.act()
    visit.write(lambda tx: administration.switch_on(tx, held, act))
    return get_sign_in(visit)


def switch_sign_in_off(visit: Visit) -> dict[str, Any]:
    """Let nobody sign in; open sessions go on."""
    held, act = found(visit), visit.act()
    visit.write(lambda tx: administration.switch_off(tx, held, act))
    return get_sign_in(visit)


# ---------------------------------------------------------------------------- as data

_FACTOR: Final = "Values of amr or acr that mean a second factor."
_SETTINGS: Final = shapes.answer(
    issuer=shapes.told(),
    client_id=shapes.told(),
    has_secret=shapes.flag("Whether a client secret is kept."),
    scopes=shapes.told(),
    claim=shapes.told("The claim that names the person."),
    equals=shapes.one_of(EQUALS, "The provisioned value it must equal."),
    algorithm=shapes.one_of(ALGORITHMS),
    second_factor=shapes.many(shapes.told(), _FACTOR),
)
SHAPES: Final = {
    "SignIn": shapes.answer(
        redirect_uri=shapes.told("To be registered at the provider."),
        is_on=shapes.flag("Whether people sign in by it."),
        settings=shapes.or_null(_SETTINGS),
        people=shapes.or_null(shapes.number("How many the connection manages.")),
        cannot_be_found=shapes.or_null(shapes.number("How many could not sign in.")),
        advice=shapes.or_null(shapes.told("What to do about them.")),
    )
}
_GIVEN: Final = shapes.given(
    ("issuer", "client_id"),
    issuer=shapes.text("To the letter, as the provider writes it.", most=_LONGEST),
    client_id=shapes.text(most=_LONGEST, least=1),
    client_secret=shapes.or_null(
        shapes.text(
            "Stored encrypted, never told. Without it the present one stays, as long as"
            " issuer and client id do; null takes it away.",
            most=_LONGEST,
        )
    ),
    scopes=shapes.text(f"{administration.SCOPES} without it.", most=_LONGEST),
    claim=shapes.text("oid (Entra) or sub without it."),
    equals=shapes.one_of(EQUALS, f"{EQUALS[0]} without it."),
    algorithm=shapes.one_of(ALGORITHMS, f"{ALGORITHMS[0]} without it."),
    second_factor=shapes.many(shapes.text(least=1), _FACTOR, most=20),
)
_ONE: Final = "/connections/{connection_id}/sign-in"
_IT: Final = shapes.ref("SignIn")

ROUTES: Final = (
    Route(
        "GET",
        _ONE,
        get_sign_in,
        VIEW_PROVISIONING,
        "How people of a connection sign in, and how many could not be found.",
        _IT,
    ),
    Route(
        "PUT",
        _ONE,
        save_sign_in,
        MANAGE_PROVISIONING,
        "Set up single sign-on; it is off until it is switched on.",
        _IT,
        body=_GIVEN,
    ),
    Route(
        "POST",
        f"{_ONE}/on",
        switch_sign_in_on,
        MANAGE_PROVISIONING,
        "Let people sign in; refused while most of them could not be found.",
        _IT,
    ),
    Route(
        "POST",
        f"{_ONE}/off",
        switch_sign_in_off,
        MANAGE_PROVISIONING,
        "Let nobody sign in through a connection; open sessions go on.",
        _IT,
    ),
)
