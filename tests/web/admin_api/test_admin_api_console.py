"""The Admin API does what the console does: both tables, side by side.

Each view of the console is named here with the route that does the same, or with one
sentence why no route does.  A view that is added to the console fails these tests until
somebody has decided which of the two it is.
"""

from __future__ import annotations

import re

import pytest

from scim_connector.rules.permissions import Permission
from scim_connector.settings import Settings
from scim_connector.web.admin_api import table
from scim_connector.web.console.desk import Desk as ServedDesk
from scim_connector.wiring import open_house, parts_of, prepare

#: Below /admin: the routes, by their names, that do what the view does.
SERVED: dict[str, tuple[str, ...]] = {
    "GET /": ("get_overview",),
    # users
    "GET /users": ("list_users",),
    "POST /users/new": ("create_user",),
    "GET /users/<user_id>": ("get_user",),
    "GET /users/<user_id>/identity": ("get_identity",),
    "GET /users/<user_id>/access": ("get_user",),
    "GET /users/<user_id>/history": ("list_history",),
    "GET /users/<user_id>/deactivate": ("list_consequences",),
    "POST /users/<user_id>/deactivate": ("deactivate_user",),
    "POST /users/<user_id>/reactivate": ("reactivate_user",),
    "POST /users/<user_id>/edit": ("edit_user",),
    "POST /users/<user_id>/profile": ("edit_user",),
    "POST /users/<user_id>/unlink": ("unlink_user",),
    "POST /users/<user_id>/roles": ("give_role",),
    "POST /users/<user_id>/roles/take": ("take_role",),
    "POST /users/<user_id>/sessions/end": ("end_sessions", "end_session"),
    "POST /users/<user_id>/welcome": ("send_welcome",),
    "POST /users/<user_id>/reset": ("send_reset",),
    "POST /users/<user_id>/expire": ("expire_password",),
    "GET /users/<user_id>/names": ("list_names",),
    "POST /users/<user_id>/names": ("choose_names",),
    "GET /users/export": ("list_users",),
    # what is done to the ticked ones is done to each
    "POST /users/together/sessions": ("end_sessions",),
    "POST /users/together/reset": ("send_reset",),
    "POST /users/together/deactivate": ("deactivate_user",),
    "POST /users/import/check": ("check_import",),
    "POST /users/import/apply": ("apply_import",),
    # provisioning
    "GET /log": ("list_requests",),
    "GET /log/waiting": ("list_waiting",),
    "GET /log/<request_id>": ("get_request",),
    "POST /log/<request_id>/try": ("try_request",),
    "POST /log/<request_id>/again": ("apply_request",),
    "GET /conflicts": ("list_conflicts",),
    "GET /conflicts/<conflict_id>": ("get_conflict",),
    "POST /conflicts/<conflict_id>": ("decide_conflict",),
    "POST /conflicts/batch": ("review_conflicts",),
    "POST /conflicts/batch/do": ("decide_conflicts",),
    "GET /mapping": ("list_versions", "get_version"),
    "POST /mapping/try": ("simulate", "check_mapping"),
    "POST /mapping/plan": ("plan_mapping",),
    "POST /mapping/apply": ("apply_mapping",),
    "GET /mapping/functions": ("list_functions",),
    "POST /mapping/functions": ("evaluate_expression",),
    # connections
    "GET /connections": ("list_connections",),
    "POST /connections": ("add_connection",),
    "GET /connections/<connection_id>": ("get_connection", "get_guide"),
    "POST /connections/<connection_id>/reach": ("reach_server",),
    "GET /connections/<connection_id>/tokens": ("list_tokens",),
    "POST /connections/<connection_id>/tokens": ("create_token",),
    "POST /connections/<connection_id>/tokens/revoke": ("revoke_token",),
    "GET /connections/<connection_id>/settings": ("get_connection",),
    "POST /connections/<connection_id>/settings": ("change_connection",),
    "POST /connections/<connection_id>/pause": ("pause_connection",),
    "POST /connections/<connection_id>/resume": ("resume_connection",),
    "POST /connections/<connection_id>/retire": ("retire_connection",),
    "GET /connections/<connection_id>/change": ("get_connection",),
    "POST /connections/<connection_id>/change": ("add_connection",),
    "POST /connections/<connection_id>/change/retire": ("retire_connection",),
    "GET /connections/<connection_id>/rehearsal": ("get_rehearsal", "list_rehearsed"),
    "POST /connections/<connection_id>/rehearsal/judge": (
        *("judge_rehearsal", "list_unmatched"),
    ),
    "POST /connections/<connection_id>/rehearsal/live": ("go_live",),
    "GET /connections/<connection_id>/compatibility": ("get_compatibility",),
    "GET /connections/<connection_id>/sign-in": ("get_sign_in",),
    "POST /connections/<connection_id>/sign-in": ("save_sign_in",),
    "POST /connections/<connection_id>/sign-in/on": ("switch_sign_in_on",),
    "POST /connections/<connection_id>/sign-in/off": ("switch_sign_in_off",),
    "GET /connections/<connection_id>/guard": ("get_guard",),
    "POST /connections/<connection_id>/guard": ("set_guard",),
    "POST /connections/<connection_id>/guard/approve": ("approve_changes",),
    # roles
    "GET /roles": ("list_roles", "list_profiles"),
    "POST /roles/new": ("add_role",),
    "GET /roles/<role_id>": ("get_role",),
    "POST /roles/<role_id>": ("change_role",),
    "POST /roles/<role_id>/remove": ("remove_role",),
    "POST /roles/profiles": ("add_profile",),
    "POST /roles/profiles/<profile_id>/remove": ("remove_profile",),
    "GET /roles/groups": ("list_groups",),
    "GET /roles/groups/<seq>": ("get_group", "list_members"),
    "POST /roles/groups/<seq>/tie": ("tie_group",),
    "POST /roles/groups/<seq>/untie": ("untie_group",),
    # applications
    "GET /applications": ("list_applications",),
    "POST /applications/new": ("add_application",),
    "GET /applications/named/<name>": ("get_application", "list_calls"),
    "POST /applications/named/<name>/addresses": ("change_application",),
    "POST /applications/named/<name>/client": ("set_client",),
    "POST /applications/named/<name>/secret": ("create_application_secret",),
    "POST /applications/named/<name>/revoke": ("revoke_application_secret",),
    "POST /applications/named/<name>/retire": ("retire_application",),
    "GET /applications/api-app": ("get_api_app", "list_api_users"),
    "POST /applications/api-app/install": ("install_api_app",),
    "POST /applications/api-app/uninstall": ("uninstall_api_app",),
    "POST /applications/api-app/configure": ("configure_api_app",),
    "GET /applications/api-app/<user_id>": ("list_keys",),
    "POST /applications/api-app/<user_id>/key": ("create_key",),
    "POST /applications/api-app/<user_id>/revoke": ("revoke_key",),
    # compliance
    "GET /compliance": ("list_reports",),
    "GET /compliance/reports/<name>": ("get_report",),
    "POST /compliance/sample": ("make_sample",),
    "GET /compliance/review": ("get_review",),
    "GET /undo": ("list_undone",),
    "GET /undo/plan": ("plan_undo",),
    # what is left of its batch is in a plan of it
    "GET /undo/report": ("list_restored", "plan_undo"),
    "POST /undo/run": ("run_undo",),
    # the rest
    "GET /applications/receivers": ("list_receivers",),
    "POST /applications/receivers/new": ("add_receiver",),
    "GET /applications/receivers/<receiver_id>": ("get_receiver", "list_deliveries"),
    "POST /applications/receivers/<receiver_id>/test": ("test_receiver",),
    "POST /applications/receivers/<receiver_id>/events": ("change_receiver",),
    "POST /applications/receivers/<receiver_id>/pause": ("change_receiver",),
    "POST /applications/receivers/<receiver_id>/resume": ("change_receiver",),
    "POST /applications/receivers/<receiver_id>/replay": ("replay_receiver",),
    "POST /applications/receivers/<receiver_id>/token": ("rotate_receiver",),
    "POST /applications/receivers/<receiver_id>/remove": ("remove_receiver",),
    "GET /applications/webhooks": ("list_webhooks",),
    "POST /applications/webhooks/new": ("add_webhook",),
    "GET /applications/webhooks/<webhook_id>": (
        *("get_webhook", "list_webhook_messages"),
    ),
    "POST /applications/webhooks/<webhook_id>/test": ("test_webhook",),
    "POST /applications/webhooks/<webhook_id>/kinds": ("change_webhook",),
    "POST /applications/webhooks/<webhook_id>/address": ("change_webhook",),
    "POST /applications/webhooks/<webhook_id>/secret": ("rotate_webhook_secret",),
    "POST /applications/webhooks/<webhook_id>/pause": ("change_webhook",),
    "POST /applications/webhooks/<webhook_id>/resume": ("change_webhook",),
    "POST /applications/webhooks/<webhook_id>/resend": ("resend_webhook",),
    "POST /applications/webhooks/<webhook_id>/remove": ("remove_webhook",),
    "GET /connections/<connection_id>/trusts": ("list_trusts",),
    "POST /connections/<connection_id>/trusts": ("add_trust",),
    "POST /connections/<connection_id>/trusts/remove": ("remove_trust",),
    "GET /settings/alerts": ("list_alerts",),
    "GET /settings/alerts/<alert>": ("get_alert",),
    "POST /settings/alerts/<alert>/change": ("change_alert",),
    "POST /settings/alerts/<alert>/silence": ("silence_alert",),
    "POST /settings/alerts/<alert>/test": ("send_alert_test",),
    "GET /receipts": ("list_receipts",),
    "GET /settings": ("list_settings",),
    "GET /settings/permissions": ("list_permissions",),
    "POST /settings/test-mail": ("send_test_mail",),
    "GET /settings/mail": ("list_mails",),
    "POST /settings/mail/held": ("decide_held_mails",),
    "POST /settings/mail/<mail_id>/resend": ("resend_mail",),
    "POST /settings/mail/<mail_id>/drop": ("drop_mail",),
}
#: Views that no route does, each with why.
NOT_SERVED: dict[str, str] = {
    "GET /glossary": "The words of the pages, for people who read them.",
    "GET /users/new": "Only the form; POST /users takes what is typed into it.",
    "GET /connections/new": "Only the form; POST /connections takes what is chosen.",
    "GET /roles/new": "Only the form; POST /roles takes what is ticked.",
    "GET /applications/new": "Only the form; POST /applications takes what is typed.",
    "POST /connections/<connection_id>/sign-in/try": "A browser goes to the provider"
    " and back, and a person signs in there.",
    "GET /connections/<connection_id>/test": "Only the form, and what it will do.",
    "POST /connections/<connection_id>/test": "It is told on a page as it goes; for a"
    " program there is `scim-connector probe`.",
    "GET /users/new/names": "Names are proposed while somebody types; whoever leaves"
    " them out of POST /users is given the same.",
    "GET /users/import": "Only the form; POST /users/import takes the rows.",
    "GET /users/import/template": "A file to start from; the document has the fields.",
    "POST /users/import/report": "The answer of the import once more, as a file.",
    "GET /compliance/evidence": "A signed archive, not JSON; for a program there is"
    " `scim-connector evidence`, which writes the file.",
    "GET /users/together/sessions": "Whom it meets is named before it is done.",
    "GET /users/together/reset": "Whom it meets is named before it is done.",
    "GET /users/together/deactivate": "Whom it meets is named before it is done; what"
    " follows for each is at GET /users/{user_id}/consequences.",
}
#: Routes that do what no view does, each with why.
OF_NO_VIEW: dict[str, str] = {
    "get_me": "Who calls: the navigation of the console says it on every page.",
}


@pytest.fixture(scope="module")
def views(
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[str, Permission | None]:
    """Every view of the real console below /admin, with its permission."""
    folder = tmp_path_factory.mktemp("views")
    settings = Settings(
        database_url=f"sqlite:///{folder}/x.db", secret_key_file=folder / "x.key"
    )
    prepare(settings)
    house = open_house(settings)
    try:
        desk = parts_of(house).app.extensions["console"]
        assert isinstance(desk, ServedDesk)
        return {_named(method, path): need for method, path, need in desk.served}
    finally:
        house.database.close()


def _named(method: str, path: str) -> str:
    """A view as it is named above: without /admin, without the kind of a place."""
    below = re.sub(r"<\w+(\([^)]*\))?:", "<", path).removeprefix("/admin")
    return f"{method} {below or '/'}"


def test_each_view_is_served_or_says_why_not(
    views: dict[str, Permission | None],
) -> None:
    """Exactly one of the lists has it, and none has a view that is not there."""
    listed = [*SERVED, *NOT_SERVED]

    assert len(listed) == len(set(listed))
    assert set(listed) - views.keys() == set(), "no such view"
    assert views.keys() - set(listed) == set(), "neither served nor said why not"
    assert all(why.endswith(".") for why in NOT_SERVED.values())


def test_what_is_not_served_changes_nothing() -> None:
    """Whatever the console changes, a program can change."""
    asked = {view for view in NOT_SERVED if view.startswith("POST ")}

    assert asked == {
        "POST /connections/<connection_id>/sign-in/try",
        "POST /connections/<connection_id>/test",
        "POST /users/import/report",
    }


def test_each_view_and_its_routes_ask_for_the_same_permission(
    views: dict[str, Permission | None],
) -> None:
    """One permission for one act, by whichever door."""
    routes = {route.view.__name__: route for route in table.ROUTES}
    for view, names in SERVED.items():
        for name in names:
            asked, needed = routes[name].permission, views[view]
            if view == "GET /":  # the first page shows each what they may see
                continue
            assert asked == needed, (view, name)


def test_each_route_does_what_some_view_does() -> None:
    """No road into the house that only programs know."""
    known = {name for names in SERVED.values() for name in names} | OF_NO_VIEW.keys()
    routes = {route.view.__name__ for route in table.ROUTES}

    assert routes == known


def test_what_changes_is_changed_by_what_changes() -> None:
    """A view that only looks has routes that only look."""
    routes = {route.view.__name__: route for route in table.ROUTES}
    for view, names in SERVED.items():
        if view.startswith("GET "):
            assert not any(routes[name].changes for name in names), view
