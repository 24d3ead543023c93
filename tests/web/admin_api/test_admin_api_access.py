"""Who may call the Admin API, and from where: before routing, by permission, by origin."""

from __future__ import annotations

import pytest

from scim_connector.rules.permissions import PERMISSIONS
from scim_connector.web.admin_api import table
from scim_connector.web.admin_api.routes import Route
from tests import admin_api, console
from tests.admin_api import Caller
from tests.console import Office

PLACES = {
    "request_id": "01a21600-0bc8-7532-9114-4ee3d1340f65",
    "session_id": "none",
    "token_id": "none",
}
#: Permissions without one, by its id: what the callers of the matrix hold.
OTHERS = {
    each.id: [p.id for p in PERMISSIONS if p.id != each.id] for each in PERMISSIONS
}


def address(route: Route) -> str:
    """The address of a route, of something that is not there."""
    places = {name: PLACES.get(name, 999_999) for name in route.places}
    return route.path.format(**places)


def named(route: Route) -> str:
    return f"{route.method} {route.path}"


@pytest.fixture(scope="module")
def without(api_office: Office) -> dict[str, Caller]:
    """For each permission an API user who holds all of them but that one."""
    wanted = {f"no.{_word(each)}": OTHERS[each] for each in OTHERS}
    made = admin_api.programs(api_office, wanted)
    return {each: made[f"no.{_word(each)}"] for each in OTHERS}


@pytest.fixture(scope="module")
def only(api_office: Office) -> dict[str, Caller]:
    """For each permission an API user who holds it alone."""
    wanted = {f"only.{_word(each)}": [each] for each in OTHERS}
    made = admin_api.programs(api_office, wanted)
    return {each: made[f"only.{_word(each)}"] for each in OTHERS}


def _word(permission_id: str) -> str:
    return permission_id.replace(".", "-")


@pytest.mark.parametrize("route", table.ROUTES, ids=named)
def test_a_stranger_is_401_everywhere(api_office: Office, route: Route) -> None:
    """Without a token, with one that opens nothing, and with a cookie of nobody."""
    for headers in (
        {},
        {"Authorization": "Bearer scimc_none_none"},
        {"Authorization": "Basic YTpi"},
        {"Cookie": f"{admin_api.SESSION}=scimc_none_none"},
    ):
        told = Caller(api_office, headers).ask(route.method, address(route), {})

        assert told.status == 401
        assert told.headers["www-authenticate"].startswith('Bearer realm="scim"')
        assert told.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("route", [r for r in table.ROUTES if r.permission], ids=named)
def test_no_other_permission_opens_a_route(
    without: dict[str, Caller], route: Route
) -> None:
    """Whoever holds every permission but the one is 403, and told which it is."""
    permission = route.permission
    assert permission is not None
    told = without[permission.id].refused(403, route.method, address(route), {})

    assert f'"{permission.name}"' in told["detail"]


@pytest.mark.parametrize("route", [r for r in table.ROUTES if r.permission], ids=named)
def test_the_permission_alone_opens_a_route(
    only: dict[str, Caller], route: Route
) -> None:
    """It is not 401 and not 403: what is wrong now is the body or the address."""
    permission = route.permission
    assert permission is not None
    told = only[permission.id].ask(route.method, address(route), {})

    assert told.status in {200, 201, 204, 400, 404}, told.content


def test_who_may_do_nothing_learns_nothing(api_office: Office) -> None:
    """A role without permissions opens not even /me."""
    nobody = admin_api.program(api_office, "no.thing")

    assert "No role of yours" in nobody.refused(403, "GET", "/me")["detail"]


@pytest.mark.parametrize("method", ["GET", "POST", "TRACE"])
def test_a_stranger_learns_no_address(api_office: Office, method: str) -> None:
    """401 comes before 404 and 405, and before the body is read."""
    for path in ("/users", "/nothing", "", "/users/1/deactivate"):
        told = admin_api.nobody(api_office).ask(method, path, b"no JSON")

        assert told.status == 401, path


def test_the_document_needs_nobody(api_office: Office) -> None:
    """Whoever writes a program reads what there is."""
    told = admin_api.nobody(api_office).ask("GET", "/openapi.json")

    assert told.status == 200
    assert told.body["openapi"] == "3.1.0"
    refused = admin_api.nobody(api_office).ask("POST", "/openapi.json", {})
    assert (refused.status, refused.headers["allow"]) == (405, "GET, HEAD")


def test_what_is_not_there(machine: Caller) -> None:
    """404 for an address, 405 with what is served for a method."""
    told = machine.refused(404, "GET", "/nothing")
    assert "/admin/api/openapi.json" in told["detail"]

    refused = machine.ask("DELETE", "/users")
    assert refused.status == 405
    assert refused.headers["allow"] == "GET, POST, HEAD"


# -------------------------------------------------------------------------------- CSRF


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example", "Sec-Fetch-Site": "same-origin"},
    ],
)
def test_another_site_changes_nothing_with_a_cookie(
    api_office: Office, headers: dict[str, str | None]
) -> None:
    """CSRF: a cookie alone is not enough, and nothing is done."""
    browser = admin_api.browser(api_office.admin, api_office, origin=None)
    role = {"name": "Evil", "permissions": []}
    told = browser.ask("POST", "/roles", role, headers=headers)

    assert told.status == 403
    assert "not sent from" in told.body["detail"]
    names = [each["name"] for each in browser.get("/roles")["items"]]
    assert "Evil" not in names


def test_our_own_page_may(api_office: Office) -> None:
    """By the Origin of a page of ours, or by what a newer browser says of it."""
    for name, headers in (
        ("By origin", {"Origin": api_office.address}),
        ("By site", {"Sec-Fetch-Site": "same-origin"}),
    ):
        browser = admin_api.browser(api_office.admin, api_office, origin=None)
        role = {"name": name, "permissions": []}

        assert browser.ask("POST", "/roles", role, headers=headers).status == 201


def test_a_form_of_another_site_is_no_json(api_office: Office) -> None:
    """415 for what a form can send, whoever sends it."""
    browser = admin_api.browser(api_office.admin, api_office)
    for kind in ("text/plain", "application/x-www-form-urlencoded", None):
        told = browser.ask("POST", "/roles", b"{}", headers={"Content-Type": kind})

        assert told.status == 415


# ------------------------------------------------------------------------------ tokens


def test_a_token_wins_over_a_cookie(api_office: Office, machine: Caller) -> None:
    """Who shows a token is that user; a bad one is not made up for by a cookie."""
    cookie = admin_api.browser(api_office.admin, api_office).headers

    both = Caller(api_office, {**cookie, **machine.headers})
    assert both.get("/me")["username"] == "machine.one"
    bad = Caller(api_office, {**cookie, "Authorization": "Bearer scimc_a_b"})
    assert bad.ask("GET", "/me").status == 401


def test_only_tokens_of_api_users_are_taken(api_office: Office) -> None:
    """Neither a connection's token nor a session as a bearer opens anything."""
    session = api_office.admin.browser.cookie(api_office.address, admin_api.SESSION)
    for token in (api_office.scim.token, session):
        told = Caller(api_office, {"Authorization": f"Bearer {token}"})

        assert told.ask("GET", "/me").status == 401


def test_access_ends_with_the_user(api_office: Office, machine: Caller) -> None:
    """A token is nobody's from the moment its user is deactivated (D26)."""
    leaver = admin_api.program(api_office, "leaver.one", "users.view")
    user_id = leaver.get("/me")["id"]
    machine.done("POST", f"/users/{user_id}/deactivate")

    assert leaver.ask("GET", "/me").status == 401


def test_permissions_are_those_of_this_moment(
    api_office: Office, machine: Caller
) -> None:
    """A role that is taken back opens nothing with the next request."""
    mover = admin_api.program(api_office, "mover.one", "users.view")
    before = mover.ask("GET", "/users").status
    body = {"role": "Role of mover.one"}
    machine.done("POST", f"/users/{mover.get('/me')['id']}/roles/take", body)

    assert (before, mover.ask("GET", "/users").status) == (200, 403)


# ------------------------------------------------------------------------------ limits


def test_bodies_are_bounded(machine: Caller) -> None:
    """64 KiB for what a form holds too, as much as a provider may for the rest."""
    long = {"kind": "person", "email": "x" * 70_000}
    mapping = {"connection": "default", "mapping": "x" * 70_000}

    assert machine.refused(413, "POST", "/users", long)
    assert machine.refused(400, "POST", "/simulate", mapping)
    mapping["mapping"] = "x" * 3_000_000
    assert machine.refused(413, "POST", "/simulate", mapping)


def test_a_flood_has_to_wait(tmp_path_factory: pytest.TempPathFactory) -> None:
    """429 with Retry-After for one user in a hurry, and for nobody else."""
    folder = tmp_path_factory.mktemp("hurry")
    with console.running(folder, SCIM_CONNECTOR_RATE_LIMIT="25") as office:
        hurried = admin_api.program(office, "hurry.one", "users.view")
        first = refused = hurried.ask("GET", "/me")
        for _ in range(500):
            if refused.status != 200:
                break
            refused = hurried.ask("GET", "/me")
        calm = admin_api.browser(office.admin, office).ask("GET", "/me")

    assert first.status == 200
    assert refused.status == 429
    assert refused.headers["retry-after"] == "1"
    assert "This user sends more than 25" in refused.body["detail"]
    assert calm.status == 200


# ----------------------------------------------------------------------------- headers


def test_answers_are_data_and_nothing_else(machine: Caller) -> None:
    """application/json, nosniff, and no keeping; HEAD is GET without its body."""
    told = machine.ask("GET", "/users")
    head = machine.ask("HEAD", "/users")

    assert told.headers["content-type"] == "application/json"
    assert told.headers["x-content-type-options"] == "nosniff"
    assert told.headers["cache-control"] == "no-store"
    assert told.headers["x-request-id"]
    assert (head.status, head.content) == (200, b"")
    assert head.headers["content-length"] == told.headers["content-length"]
