"""What Entra ID does with users, one function for each check."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scim_connector.probe import people
from scim_connector.probe.judging import (
    BAD_REQUEST,
    CONFLICT,
    NO_CONTENT,
    NOT_FOUND,
    OK,
    Caution,
    Fault,
    expect,
    is_active,
    kept,
    listing,
    resource,
    typed_as_scim,
)
from scim_connector.scim.types import CORE, ENTERPRISE

if TYPE_CHECKING:
    from scim_connector.probe.conversation import Conversation
    from scim_connector.scim.types import Json

CUSTOM = "urn:ietf:params:scim:schemas:extension:Probe:2.0:User"
WORK_EMAIL = 'emails[type eq "work"].value'


def person(talk: Conversation, word: str, **more: object) -> Json:
    """A user as Entra creates it with its default mapping."""
    name = talk.name(word)
    given, family = word.capitalize(), "Probe"
    return {
        "schemas": [CORE, ENTERPRISE],
        "externalId": f"{talk.prefix}-{word}",
        "userName": name,
        "active": True,
        "displayName": f"{given} {family}",
        "emails": [{"primary": True, "type": "work", "value": name}],
        "meta": {"resourceType": "User"},
        "name": {
            "formatted": f"{given} {family}",
            "familyName": family,
            "givenName": given,
        },
        "roles": [],
        **more,
    }


def test_connection(talk: Conversation) -> None:
    people.find_nobody(talk, f'userName eq "{talk.guid()}"')


def test_by_external_id(talk: Conversation) -> None:
    people.find_nobody(talk, f'externalId eq "{talk.guid()}"')


def test_by_work_email(talk: Conversation) -> None:
    people.find_nobody(talk, f'{WORK_EMAIL} eq "{talk.guid()}"')


def content_type(talk: Conversation) -> None:
    answer = talk.get("/Users", filter=f'userName eq "{talk.guid()}"')
    expect(answer, OK)
    typed_as_scim(answer)


def trailing_slash(talk: Conversation) -> None:
    try:
        listing(talk.get("/Users/", filter=f'userName eq "{talk.guid()}"'))
    except Fault as fault:
        raise Caution(str(fault)) from None


def flag_in_query(talk: Conversation) -> None:
    expression = f'userName eq "{talk.guid()}"'
    try:
        listing(talk.get("/Users", aadOptscim062020="", filter=expression))
    except Fault as fault:
        raise Caution(str(fault)) from None


def special_characters(talk: Conversation) -> None:
    name = f"{talk.prefix}.o'brien+x#EXT#@{talk.domain}"
    people.find_nobody(talk, f'userName eq "{name}"')


def match_absent(talk: Conversation) -> None:
    people.find_nobody(talk, f'userName eq "{talk.name("kim")}"')


def create(talk: Conversation) -> None:
    for word in ("kim", "lee", "max"):
        sent = person(talk, word)
        made = people.create(talk, word, sent)
        if not is_active(made):
            message = "the user was created inactive"
            raise Fault(message)
        for name in ("userName", "externalId"):
            if made.get(name) != sent[name]:
                message = f"the answer has {name} {made.get(name)!r}, not as sent"
                raise Fault(message)
    if not talk.answered("location"):
        message = "the answer has no Location header (RFC 7644 section 3.3)"
        raise Caution(message)


def match(talk: Conversation) -> None:
    people.find_one(talk, f'userName eq "{talk.name("kim")}"', talk.person("kim"))


def match_case(talk: Conversation) -> None:
    name = talk.name("kim").upper()
    people.find_one(talk, f'userName eq "{name}"', talk.person("kim"))


def match_external_id(talk: Conversation) -> None:
    key = f"{talk.prefix}-kim"
    people.find_one(talk, f'externalId eq "{key}"', talk.person("kim"))


def match_work_email(talk: Conversation) -> None:
    people.find_one(talk, f'{WORK_EMAIL} eq "{talk.name("kim")}"', talk.person("kim"))


def read_back(talk: Conversation) -> None:
    sent = person(talk, "kim")
    names = ("externalId", "userName", "active", "displayName", "emails", "name")
    kept({name: sent[name] for name in names}, people.read(talk, talk.person("kim")))


def duplicate(talk: Conversation) -> None:
    people.duplicate(talk, person(talk, "kim"))


def create_nulls(talk: Conversation) -> None:
    empty = ("addresses", "phoneNumbers", "preferredLanguage", "title")
    nulls: Json = dict.fromkeys((*empty, "department", "manager"))
    made = people.create(talk, "ida", person(talk, "ida", **nulls))
    is_active(made)


def create_string_boolean(talk: Conversation) -> None:
    made = people.create(talk, "bob", person(talk, "bob", active="True"))
    people.must_turn(made, active=True)


def create_other_casing(talk: Conversation) -> None:
    plain = person(talk, "ann")
    name = talk.name("ann")
    sent = {
        "schemas": plain["schemas"],
        "externalId": plain["externalId"],
        "UserName": name,
        "Active": True,
        "DisplayName": "Ann Probe",
        "emails": [{"Primary": True, "Type": "work", "Value": name}],
        "Name": {"FamilyName": "Probe", "GivenName": "Ann"},
        ENTERPRISE: {"Department": "Sales"},
    }
    made = people.create(talk, "ann", sent)
    kept({"userName": name, "displayName": "Ann Probe", "active": True}, made)


def create_enterprise(talk: Conversation) -> None:
    values = {
        "employeeNumber": "701984",
        "department": "Sales",
        "costCenter": "4130",
        "division": "Field",
        "organization": "Contoso",
        "manager": {"value": talk.person("kim")},
    }
    made = people.create(talk, "eva", person(talk, "eva", **{ENTERPRISE: values}))
    kept({ENTERPRISE: values}, people.read(talk, made["id"]))


def create_manager_text(talk: Conversation) -> None:
    values = {"manager": talk.person("kim")}
    made = people.create(talk, "tom", person(talk, "tom", **{ENTERPRISE: values}))
    block = people.read(talk, made["id"]).get(ENTERPRISE) or {}
    if isinstance(block.get("manager"), str):
        message = "manager comes back as text; Entra reads only an object"
        raise Fault(message)
    kept({ENTERPRISE: {"manager": {"value": talk.person("kim")}}}, {ENTERPRISE: block})


def create_custom(talk: Conversation) -> None:
    made = people.create(
        talk, "zoe", person(talk, "zoe", **{CUSTOM: {"badge": "A-17"}})
    )
    is_active(made)


def create_invalid(talk: Conversation) -> None:
    nameless = person(talk, "nobody")
    del nameless["userName"]
    answer = talk.send("POST", "/Users", nameless)
    people.remember(talk, answer, "nobody")
    people.refused(talk, answer, BAD_REQUEST)
    people.refused(talk, talk.send("POST", "/Users", b'{"schemas":'), BAD_REQUEST)


def update(talk: Conversation) -> None:
    values = {
        "displayName": "Kim D",
        "name.givenName": "Kimberly",
        "name.familyName": "Doe",
        "externalId": f"{talk.prefix}-kim-2",
        f"{ENTERPRISE}:employeeNumber": "77",
        WORK_EMAIL: talk.name("kim.d"),
    }
    operations = [{"op": "Replace", "path": p, "value": v} for p, v in values.items()]
    user = people.change(talk, talk.person("kim"), *operations)
    wanted = {
        "displayName": "Kim D",
        "name": {"givenName": "Kimberly", "familyName": "Doe"},
        "externalId": f"{talk.prefix}-kim-2",
        ENTERPRISE: {"employeeNumber": "77"},
        "emails": [{"type": "work", "value": talk.name("kim.d")}],
    }
    kept(wanted, user)


def update_with_flag(talk: Conversation) -> None:
    email = {"op": "replace", "path": WORK_EMAIL, "value": talk.name("kim.e")}
    rest = {
        "displayName": "Kim E",
        "name.givenName": "Kimmy",
        "name.familyName": "Eaton",
        f"{ENTERPRISE}:employeeNumber": "78",
    }
    user = people.change(
        talk, talk.person("kim"), email, {"op": "replace", "value": rest}
    )
    wanted = {
        "displayName": "Kim E",
        "name": {"givenName": "Kimmy", "familyName": "Eaton"},
        ENTERPRISE: {"employeeNumber": "78"},
        "emails": [{"type": "work", "value": talk.name("kim.e")}],
    }
    kept(wanted, user)


def populate_with_flag(talk: Conversation) -> None:
    values = {"nickName": "K", "name.middleName": "Q", f"{ENTERPRISE}:division": "West"}
    user = people.change(talk, talk.person("kim"), {"op": "add", "value": values})
    wanted = {
        "nickName": "K",
        "name": {"middleName": "Q"},
        ENTERPRISE: {"division": "West"},
    }
    kept(wanted, user)


def filtered_path(talk: Conversation) -> None:
    values = {
        'phoneNumbers[type eq "work"].value': "+45 1234",
        'addresses[type eq "work"].streetAddress': "Main Street 1",
        'addresses[type eq "work"].locality': "Aarhus",
    }
    operations = [{"op": "Add", "path": p, "value": v} for p, v in values.items()]
    operations[0]["op"] = "Replace"
    user = people.change(talk, talk.person("kim"), *operations)
    place = {"type": "work", "streetAddress": "Main Street 1", "locality": "Aarhus"}
    wanted = {
        "phoneNumbers": [{"type": "work", "value": "+45 1234"}],
        "addresses": [place],
    }
    kept(wanted, user)


def single_attribute(talk: Conversation) -> None:
    user_id = talk.person("kim")
    add = {"op": "Add", "path": "title", "value": "Engineer"}
    kept({"title": "Engineer"}, people.change(talk, user_id, add))
    if people.change(talk, user_id, {"op": "Remove", "path": "title"}).get("title"):
        message = "title was removed and is still there"
        raise Fault(message)


def manager_add(talk: Conversation) -> None:
    chief = talk.person("lee")
    add = {"op": "Add", "path": f"{ENTERPRISE}:manager", "value": chief}
    user = people.change(talk, talk.person("kim"), add)
    kept({ENTERPRISE: {"manager": {"value": chief}}}, user)


def manager_check(talk: Conversation) -> None:
    user_id, chief = talk.person("kim"), talk.person("lee")
    expression = f'id eq "{user_id}" and {ENTERPRISE}:manager eq "{chief}"'
    found = listing(talk.get("/Users", filter=expression, attributes="id"))
    if [user.get("id") for user in found] != [user_id]:
        message = f"the reference is not found ({len(found)} users instead of one)"
        raise Fault(message)


def manager_remove(talk: Conversation) -> None:
    remove = {"op": "Remove", "path": f"{ENTERPRISE}:manager"}
    user = people.change(talk, talk.person("kim"), remove)
    if (user.get(ENTERPRISE) or {}).get("manager"):
        message = "manager was removed and is still there"
        raise Fault(message)


def rename(talk: Conversation) -> None:
    user_id, name = talk.person("kim"), talk.name("kim.renamed")
    rename = {"op": "Replace", "path": "userName", "value": name}
    kept({"userName": name}, people.change(talk, user_id, rename))
    people.find_one(talk, f'userName eq "{name}"', user_id)


def rename_taken(talk: Conversation) -> None:
    taken = {"op": "Replace", "path": "userName", "value": talk.name("lee")}
    answer = talk.patch(f"/Users/{talk.person('kim')}", taken)
    people.refused(talk, answer, CONFLICT, scim_type="uniqueness")


def still_active(talk: Conversation) -> None:
    user_id = people.must_be_active(talk, "kim")
    again = {"op": "Replace", "path": "active", "value": "True"}
    people.must_turn(people.change(talk, user_id, again), active=True)


def disable(talk: Conversation) -> None:
    _disable(talk, "Replace", "False")


def disable_small(talk: Conversation) -> None:
    _disable(talk, "Replace", "false")
    restore(talk)


def disable_with_flag(talk: Conversation) -> None:
    _disable(talk, "replace", value=False)
    _turn(talk, "replace", value=True)


def _disable(talk: Conversation, op: str, value: str | bool) -> None:
    people.must_be_active(talk, "kim")
    _turn(talk, op, value=value)


def _turn(talk: Conversation, op: str, value: str | bool) -> None:
    user_id = talk.person("kim")
    user = people.change(talk, user_id, {"op": op, "path": "active", "value": value})
    people.must_turn(user, active=str(value).lower() == "true")


def found_inactive(talk: Conversation) -> None:
    user_id = talk.person("kim")
    name = people.read(talk, user_id).get("userName")
    people.find_one(talk, f'userName eq "{name}"', user_id)


def restore(talk: Conversation) -> None:
    _turn(talk, "Replace", "True")


def delete(talk: Conversation) -> None:
    user_id = talk.person("max")
    expect(talk.send("DELETE", f"/Users/{user_id}"), NO_CONTENT)
    expect(talk.get(f"/Users/{user_id}"), NOT_FOUND)
    people.find_nobody(talk, f'userName eq "{talk.name("max")}"')
    talk.gone(f"/Users/{user_id}")


def create_again(talk: Conversation) -> None:
    sent = person(talk, "max")
    made = people.create(talk, "max", sent)
    if not is_active(made):
        message = "the user who came back is inactive"
        raise Fault(message)


def schemas(talk: Conversation) -> None:
    try:
        urns = [schema.get("id") for schema in listing(talk.get("/Schemas"))]
    except Fault as fault:
        raise Caution(str(fault)) from None
    if CORE not in urns:
        message = "the schema of a user is not among them"
        raise Caution(message)


def resource_types(talk: Conversation) -> None:
    try:
        ends = [kind.get("endpoint") for kind in listing(talk.get("/ResourceTypes"))]
    except Fault as fault:
        raise Caution(str(fault)) from None
    if "/Users" not in ends:
        message = 'no resource type has the endpoint "/Users"'
        raise Caution(message)


def answers_resource(talk: Conversation) -> None:
    same = {"op": "Replace", "path": "displayName", "value": "Kim F"}
    answer = talk.patch(f"/Users/{talk.person('kim')}", same)
    expect(answer, OK, NO_CONTENT)
    if answer.status == OK:
        kept({"displayName": "Kim F"}, resource(answer, OK))
