"""Everybody who plays a part: the people of Contoso College, the same in every run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import cycle
from random import Random
from typing import Final
from uuid import UUID, uuid5

from anyascii import anyascii

DOMAIN: Final = "contoso.example"
LONG_DOMAIN: Final = "students.college.contoso.example"
SEED: Final = 2026
_SPACE: Final = UUID("6f1b6c1e-2f6e-4f0a-9d38-5f5c2f0a7d11")

#: Each department with the titles of those who work in it.
DEPARTMENTS: Final[dict[str, tuple[str, ...]]] = {
    "Registry": ("Registrar", "Admissions officer", "Timetable planner"),
    "Finance": ("Accountant", "Payroll officer", "Bursar"),
    "Library": ("Librarian", "Archivist"),
    "Campus IT": ("Systems engineer", "Service desk", "Network engineer"),
    "Estates": ("Caretaker", "Facilities manager"),
    "Student services": ("Counsellor", "Housing officer", "Careers adviser"),
}

#: Which department makes up which group that the providers push.
DEPARTMENT_OF_GROUP: Final = {
    "Registrars": "Registry",
    "Finance office": "Finance",
    "Library staff": "Library",
}
#: Which role the members of a group hold by it; one group gives none yet.
ROLE_OF_GROUP: Final = {"Registrars": "Registrar", "Finance office": "Finance"}

#: Who is in the first cycle of Entra ID, and who joins later.
_ENTRA: Final = (
    *("Aino Virtanen", "Väinö Mäkelä", "Seán O'Brien", "Gráinne Ní Dhomhnaill"),
    *("Jürgen Groß", "Łukasz Wiśniewski", "Małgorzata Żółkiewska", "Şeyma Yıldız"),  # noqa: RUF001
    *("İbrahim Çelik", "伟 王", "小龙 李", "Nguyễn Thị Hương", "Trần Văn Đức"),
    *("Anne-Marie O'Connor", "Marie-Claire Dubois-Lefèvre", "José García Márquez"),
    *("Søren Kjærgaard", "Åsa Öberg", "Zoë van den Berg", "Björk Jónsdóttir"),
    *("Dimitris Παπαδόπουλος", "Олена Шевченко", "Amara Okafor", "Priya Raghunathan"),
    *("Kim Doe", "Kai Dunn", "Kurt Dahl"),  # three with the same initials
    "Tuula Karjalainen",
)
_ENTRA_LATER: Final = (
    *("Eeva Korhonen", "Ciarán Ó Murchú", "Heike Müller-Lüdenscheidt", "美玲 陈"),
    *("Katarzyna Brzęczyszczykiewicz", "Emre Öztürk", "Phạm Minh Anh", "Yaw Mensah"),
)
_OKTA: Final = (
    *("Ville Lehtonen", "Niamh O'Sullivan", "Günther Weiß", "Agnieszka Nowak"),
    *("Elif Kaya", "芳 张", "Lê Quang Huy", "Jean-Luc Moreau", "Inês Gonçalves"),
    *("Håkon Ødegård", "Sofia Rossi", "Kwame Asante", "Ananya Iyer", "Tomáš Dvořák"),
    *("Ilse de Vries", "Mateo Núñez", "Ruth Adeyemi", "Pádraig Walsh"),
)
_OKTA_LATER: Final = ("Outi Heikkinen", "Wojciech Zając", "Deniz Arslan", "Chloé Petit")

#: Local users who were there before any provider, and belong to none.
_LOCAL: Final = (
    *("Hilkka Salo", "Matti Ranta", "Brigid Foley", "Otto Lang", "Ewa Maj"),
    *("Can Demir", "Min Zhao", "Linh Vo", "Paul Martin", "Rosa Lima"),
    *("Nils Holm", "Vera Costa", "Ivan Horvat", "Lea Frank", "Tara Singh"),
    *("Omar Haddad", "Signe Dam"),
)


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody as a provider knows them; *key* stays whatever else changes."""

    key: str
    given: str
    family: str
    user_name: str
    email: str | None
    department: str
    title: str
    number: str
    user_type: str = "Member"

    @property
    def display(self) -> str:
        """The name as providers show it."""
        return f"{self.given} {self.family}"

    @property
    def external_id(self) -> str:
        """The same GUID in every run."""
        return str(uuid5(_SPACE, self.key))

    def renamed(self) -> Person:
        """They marry and take both names, or take the former one again."""
        first, joined, _ = self.family.partition("-Lund")
        return replace(self, family=first if joined else f"{self.family}-Lund")

    def with_email(self, email: str) -> Person:
        """Somebody enters their address."""
        return replace(self, email=email)

    def moved(self, department: str) -> Person:
        """They go to another department, as its most usual title."""
        return replace(self, department=department, title=DEPARTMENTS[department][0])


@dataclass(frozen=True, slots=True)
class Local:
    """A local user who exists before the first provider, as a row of an import."""

    username: str
    email: str
    given: str
    family: str
    initials: str
    type: str = "administrative"
    active: str = "yes"
    roles: str = ""
    profile: str = ""
    api_user: str = "no"


@dataclass(frozen=True, slots=True)
class Company:
    """The people of one provider: in the first cycle, and joining later."""

    first: tuple[Person, ...]
    later: tuple[Person, ...]


@dataclass(frozen=True, slots=True)
class Cast:
    """Everybody."""

    local: tuple[Local, ...]
    entra: Company
    okta: Company


@dataclass(slots=True)
class _Casting:
    """Hands out departments, titles and numbers, one after the other."""

    random: Random
    number: int = 70_000
    departments: Iterator[str] = field(default_factory=lambda: cycle(DEPARTMENTS))

    def everyone(self, names: Iterable[str]) -> tuple[Person, ...]:
        return tuple(self.one(name) for name in names)

    def one(self, name: str) -> Person:
        given, _, family = name.partition(" ")
        department = next(self.departments)
        self.number += self.random.randint(1, 9)
        user_name = f"{_local_part(given)}.{_local_part(family)}@{DOMAIN}"
        return Person(
            key=name,
            given=given,
            family=family,
            user_name=user_name,
            email=user_name,
            department=department,
            title=self.random.choice(DEPARTMENTS[department]),
            number=str(self.number),
        )


def cast(seed: int = SEED) -> Cast:
    """Everybody, the same for the same *seed*."""
    casting = _Casting(Random(seed))  # noqa: S311 - a play, no secret
    entra = casting.everyone(_ENTRA) + _entra_stories(casting)
    okta = casting.everyone(_OKTA) + _okta_stories(casting)
    return Cast(
        local=_local(),
        entra=Company(entra, casting.everyone(_ENTRA_LATER)),
        okta=Company(okta, casting.everyone(_OKTA_LATER)),
    )


def _local_part(name: str) -> str:
    """A name as it stands in addresses: ASCII; apostrophe and hyphen stay."""
    return anyascii(name).lower().replace(" ", "")


def _entra_stories(casting: _Casting) -> tuple[Person, ...]:
    """The ones of Entra ID about whom there is something to say."""
    long = casting.one("Maximiliane von-und-zu-Hohenfels")
    guest, visitor = casting.one("Anna Partner"), casting.one("Ravi Menon")
    desk, deputy = casting.one("Rita Desk"), casting.one("Robin Desk")
    shared = f"reception@{DOMAIN}"
    return (
        # longer than the 30 characters of a local username
        replace(long, user_name=long.user_name.replace(DOMAIN, LONG_DOMAIN)),
        _guest(guest, "anna@partner.example"),
        _guest(visitor, "ravi.menon@visiting.example"),
        # the mapping refuses teachers
        replace(casting.one("Bo Teacher"), user_type="Teacher"),
        # two at one address: the second is refused
        replace(desk, email=shared),
        replace(deputy, email=shared),
        # no address at all, until somebody enters one
        replace(casting.one("Nora Newman"), email=None),
        # local users who are there already: linked, inactive, only the same address
        casting.one("Helga Stone"),
        casting.one("Ines Quinn"),
        casting.one("Petra Novak"),
        casting.one("Arto Admin"),
    )


def _okta_stories(casting: _Casting) -> tuple[Person, ...]:
    """The ones of Okta: a teacher, and two whom somebody local resembles."""
    return (
        replace(casting.one("Tea Cher"), user_type="Teacher"),
        casting.one("Milo Vega"),
        casting.one("Dora Blum"),
    )


def _guest(person: Person, home: str) -> Person:
    """Somebody of another organisation, as Entra names them."""
    name = f"{home.replace('@', '_')}#EXT#@contoso.onmicrosoft.example"
    return replace(person, user_name=name, email=home, user_type="Guest")


def _local() -> tuple[Local, ...]:
    """The local users; the last seven are met by a provider or are no person."""
    plain = [_plain(name) for name in _LOCAL]
    plain[1] = replace(plain[1], roles="Registrar")
    plain[4] = replace(plain[4], active="no")
    plain[6] = replace(plain[6], type="teacher")
    at = f"@{DOMAIN}"
    return (
        *plain,
        Local(f"helga.stone{at}", f"helga.stone{at}", "Helga", "Stone", "HS1"),
        Local(
            f"ines.quinn{at}", f"ines.quinn{at}", "Ines", "Quinn", "IQ1", active="no"
        ),
        Local("p.novak", f"petra.novak{at}", "Petra", "Novak", "PNV"),
        Local(
            f"arto.admin{at}",
            f"arto.admin{at}",
            *("Arto", "Admin", "ARA"),
            roles="Administrator",
        ),
        Local("m.vega", f"milo.vega{at}", "Milo", "Vega", "MVG"),
        Local(f"dora.blum{at}", "dora@classic.example", "Dora", "Blum", "DBL"),
        Local("timetable.sync", f"timetable{at}", "", "", "TTS", api_user="yes"),
    )


def _plain(name: str) -> Local:
    given, _, family = name.partition(" ")
    user = f"{given}.{family}".lower()
    initials = f"{given[0]}{family[:2]}".upper()
    return Local(user, f"{user}@classic.example", given, family, initials)
