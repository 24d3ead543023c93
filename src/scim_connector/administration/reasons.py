"""What to do about a refused request: one remedy for each reason the log names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from scim_connector.rules.handbook import BY_CODE

if TYPE_CHECKING:
    from scim_connector.rules.users import Rule

#: When a provider tries again by itself, and how to let it try now.
AGAIN: Final[Mapping[str, str]] = {
    "entra": "Then use Provision on demand in Entra, or wait for the next cycle, which"
    " comes about every 40 minutes.",
    "okta": "Then open the person's task in Okta and press Retry; Okta does not try"
    " again by itself.",
    "generic": "Then let the provider send the person again.",
}


@dataclass(frozen=True, slots=True)
class Remedy:
    """One reason in words: *title* names it, *meaning* explains, *advice* says what."""

    title: str
    meaning: str
    advice: str
    rule_id: str = ""


def _same(title: str, meaning: str, advice: str) -> Mapping[str, Remedy]:
    made = Remedy(title, meaning, advice)
    return dict.fromkeys(AGAIN, made)


#: Refusals of the protocol, by their scimType or the name of their class.
_PROTOCOL: Final[Mapping[str, Mapping[str, Remedy]]] = {
    "uniqueness": {
        "entra": Remedy(
            "The userName is in use",
            "The connection already has somebody of this userName.",
            "Check that the matching attribute in Entra is userName, so that Entra finds"
            " the person and updates them; or correct the duplicate in Entra.",
        ),
        "okta": Remedy(
            "The userName is in use",
            "The connection already has somebody of this userName.",
            "Check that the unique identifier field in Okta is userName; or correct the"
            " duplicate in Okta.",
        ),
        "generic": Remedy(
            "The userName is in use",
            "The connection already has somebody of this userName.",
            "Search by userName first and update the user that is found.",
        ),
    },
    "invalidValue": _same(
        "A value cannot be used",
        "A value is missing, of the wrong type, too long, or the mapping refuses the"
        " person.",
        "Read the sentence of the step that failed: it names the value. Correct it at the"
        " provider, or change the mapping here.",
    ),
    "invalidSyntax": _same(
        "The request cannot be read",
        "The body is no JSON, or no message of this kind.",
        "Compare the attribute mapping at the provider with the guide of this"
        " connection; a template that yields broken JSON is the usual cause.",
    ),
    "invalidFilter": _same(
        "The filter cannot be read",
        "The filter names an attribute that is not known, or is written wrongly.",
        "Use userName or externalId as the matching attribute at the provider.",
    ),
    "invalidPath": _same(
        "The path of a change is not known",
        "An operation names an attribute that is not declared here.",
        "Remove that row from the attribute mapping at the provider, or declare the"
        " attribute in the mapping here.",
    ),
    "noTarget": _same(
        "The change fits no value",
        "A filter in the path of an operation matches nothing, so nothing could change.",
        "Let the provider add the value before it changes it; Entra does so once the"
        " person is provisioned anew by Provision on demand.",
    ),
    "mutability": _same(
        "The attribute cannot be changed",
        "The attribute is chosen at creation, or is told by this server alone.",
        "Remove the row of this attribute from the mapping at the provider, or let it"
        ' apply "only during object creation".',
    ),
    "tooMany": _same(
        "The search costs too much",
        "The filter would take longer than a statement may.",
        "Match by userName or externalId, which are indexed.",
    ),
    "NotFound": _same(
        "Nobody of this id",
        "The provider remembers an id that this connection does not know, or no longer.",
        "Let the provider look the person up again: in Entra restart provisioning for"
        " the person; in Okta unassign and assign them.",
    ),
    "VersionMismatch": _same(
        "Somebody was quicker",
        "The resource has changed since the provider read it.",
        "Nothing; the provider reads it again and repeats.",
    ),
    "Unavailable": _same(
        "Not served at this moment",
        "The connection is paused, or the database was busy.",
        "Resume the connection when you are ready; the provider repeats by itself.",
    ),
    "HeldBack": _same(
        "Held back by the guard against mass changes",
        "The provider changed more people than the guard of the connection lets pass;"
        " this change was not carried out.",
        "Look at what the provider does. If it is meant, approve it on the page of the"
        " connection; then the provider's next try succeeds.",
    ),
    "Forbidden": _same(
        "The credential may not do this",
        "A credential that only reads was used to change something.",
        "Give the provider a token of its own.",
    ),
    "TooLarge": _same(
        "The request is too large",
        "The body is larger than this server takes.",
        "Send fewer members or operations in one request.",
    ),
    "MethodNotAllowed": _same(
        "The address does not serve this method",
        "The provider called an address in a way that it does not know.",
        "Compare the base URL at the provider with the guide of this connection.",
    ),
    "Unauthenticated": _same(
        "The credential opens nothing",
        "The token is unknown, revoked or expired, or none was sent.",
        "Make a new token on the page of the connection and paste it at the provider;"
        " Entra calls it Secret Token, Okta HTTP header or bearer token.",
    ),
    "TooManyRequests": _same(
        "Too many requests at once",
        "The connection asked faster than its limit allows.",
        "Nothing; the provider waits as long as it is told and repeats. Raise rate_limit"
        " where a first cycle shall go faster.",
    ),
    "Conflict": _same(
        "Something it names is not there",
        "An operation of a bulk request names a bulkId that no operation of it makes.",
        "Let the client send what it names in the same request, before or after.",
    ),
    "KeyUsed": _same(
        "The Idempotency-Key was used before",
        "The client sent a key again, with another request behind it.",
        "Let the client choose a new key for each new request.",
    ),
    "UnsupportedMediaType": _same(
        "The body is announced as something else",
        "The Content-Type is neither application/scim+json nor application/json.",
        "Let the client send Content-Type: application/scim+json.",
    ),
    "NotSupported": _same(
        "Not offered here",
        "The operation is part of the standard, and this server does not have it.",
        "Let the client read ServiceProviderConfig, which says what is offered.",
    ),
    "sensitive": _same(
        "Passwords are not searched",
        "The filter names the password, which is never kept.",
        "Take the password out of the filter.",
    ),
    "invalidCursor": _same(
        "The cursor is not one of ours",
        "A page was asked for by a cursor that was not given to this client for this"
        " list.",
        "Let the client begin again at the first page.",
    ),
    "expiredCursor": _same(
        "The cursor is too old",
        "The walk through the list took too long, or its place is gone.",
        "Let the client begin again at the first page, and go on without long pauses.",
    ),
    "invalidCount": _same(
        "The count does not fit",
        "More was asked for than one page holds, or another count than on the first"
        " page.",
        "Let the client ask for at most as many as ServiceProviderConfig says, and for as"
        " many on each page.",
    ),
}


def of(reason: str | None, kind: str) -> list[Remedy]:
    """The remedies for the reason of a log entry, at a provider of a kind."""
    codes = [code for code in (reason or "").split(",") if code]
    found = [_of_code(code, kind) for code in codes]
    return list(dict.fromkeys(each for each in found if each is not None))


def _of_code(code: str, kind: str) -> Remedy | None:
    rule = BY_CODE.get(code)
    if rule is not None:
        return Remedy(rule.title, rule.sentence, _advice(rule, kind), rule.id)
    return _PROTOCOL.get(code, {}).get(kind)


def _advice(rule: Rule, kind: str) -> str:
    if kind == "okta":
        return rule.in_okta
    if kind == "entra" or rule.in_entra == rule.in_okta:
        return rule.in_entra
    return f"In Entra ID: {rule.in_entra} In Okta: {rule.in_okta}"


def title_of(code: str) -> str:
    """What a reason is called in lists and filters."""
    found = _of_code(code, "generic")
    return code if found is None else found.title


def codes() -> list[str]:
    """Every reason a list can be narrowed to, the rules first."""
    return [*BY_CODE, *_PROTOCOL]
