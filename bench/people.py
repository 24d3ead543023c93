"""People as a provider sends them, each made from a number, the same every time."""

from __future__ import annotations

from typing import Any, Final

CORE: Final = "urn:ietf:params:scim:schemas:core:2.0:User"
ENTERPRISE: Final = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"

# fmt: off
_GIVEN: Final = (
    "Anna", "Bob", "Carla", "Dan", "Eva", "Finn", "Gina", "Hugo", "Ida", "Jon",
    "Kim", "Lea", "Max", "Nora", "Otto", "Pia", "Quinn", "Rosa", "Sam", "Tina",
    "Udo", "Vera", "Will", "Xenia", "Yara", "Zoe", "Amir", "Bela", "Chen", "Deniz",
    "Emil", "Fatima", "Goran",
)
_FAMILY: Final = (
    "Able", "Baker", "Cook", "Dale", "East", "Frost", "Grant", "Hill", "Irwin",
    "Jones", "Kerr", "Lang", "Moss", "North", "Olsen", "Price", "Quill", "Reed",
    "Stone", "Tate", "Usher", "Vance", "West", "Xu", "Young", "Zimmer", "Adler",
    "Berg", "Cohen", "Dahl", "Evans", "Falk", "Gray",
)
# fmt: on

NAMES: Final = len(_GIVEN) * len(_FAMILY)
"""How many names there are; the number of a person, modulo this, decides the name."""


def user_name(number: int) -> str:
    """Return the sign-in name of one person."""
    given, family = _name(number)
    return f"{given}.{family}.{number:08}@contoso.example".lower()


def external_id(number: int) -> str:
    """Return the id that the provider knows one person by."""
    return f"0a21f0f2-8d2a-4f8e-bf98-{number:012}"


def resource(number: int) -> dict[str, Any]:
    """Return one person as Entra ID creates users by default."""
    given, family = _name(number)
    name = user_name(number)
    return {
        "schemas": [CORE, ENTERPRISE],
        "externalId": external_id(number),
        "userName": name,
        "active": True,
        "displayName": f"{given} {family}",
        "emails": [{"primary": True, "type": "work", "value": name}],
        "name": {
            "formatted": f"{given} {family}",
            "familyName": family,
            "givenName": given,
        },
        "title": "Officer",
        "preferredLanguage": "en-GB",
        ENTERPRISE: {"employeeNumber": f"{number:08}", "department": "Sales"},
    }


def _name(number: int) -> tuple[str, str]:
    """Return a common name; 33 by 33 of them, as in a real directory."""
    family, given = divmod(number, len(_GIVEN))
    return _GIVEN[given], _FAMILY[family % len(_FAMILY)]
