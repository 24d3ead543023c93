"""One act on several users: what is seen before is what is done, to each by itself."""

from __future__ import annotations

from typing import Any

import pytest

from scim_connector.administration import together
from scim_connector.administration import users as doors
from scim_connector.administration.errors import NotPossible
from scim_connector.administration.together import DEEDS, Outcome
from scim_connector.administration.users import NewUser
from scim_connector.directory import receipts, roles, users
from scim_connector.directory.database import Database
from tests.digest import digest_of
from tests.house import events_of, now, operator, topics


def _add(database: Database, name: str, **more: Any) -> int:
    new = NewUser(email=f"{name}@x.example", last_name=name, mail=False, **more)
    return database.write(lambda tx: doors.add(tx, new, operator())).id


def _signed_in(database: Database, user_id: int) -> None:
    moment = {"first_login_at": now()}
    database.write(lambda tx: users.change(tx, user_id, moment))


def _do(
    database: Database, deed: str, *ids: int, second_factor: bool = True
) -> list[Outcome]:
    act = operator()
    return database.write(
        lambda tx: together.carry_out(
            tx, DEEDS[deed], ids, act, second_factor=second_factor
        )
    )


def _seen(database: Database, deed: str, *ids: int) -> list[Outcome]:
    act, factor = operator(), {"second_factor": True}
    rows = together.preview(database, DEEDS[deed], ids, act, **factor)
    return [outcome for outcome, _ in rows]


def test_what_is_seen_is_what_is_done(database: Database) -> None:
    """Looking keeps nothing, refuses the same, and is in the order of usernames."""
    ids = [_add(database, name) for name in ("bea", "ann")]
    gone = _add(database, "gone", active=False)
    before = digest_of(database)

    seen = _seen(database, "deactivate", *ids, gone)

    assert digest_of(database) == before
    done = _do(database, "deactivate", *ids, gone)
    assert [(e.user.username, e.why_not) for e in seen] == [
        ("ann@x.example", None),
        ("bea@x.example", None),
        ("gone@x.example", "gone@x.example is inactive already."),
    ]
    assert [(e.done, e.why_not) for e in seen] == [(e.done, e.why_not) for e in done]
    for user_id in ids:
        assert "user:deactivated" in events_of(database, user_id)
        assert len(receipts.of_user(database.reader(), user_id)) == 1


def test_one_of_the_last_administrators_stays(database: Database) -> None:
    """Each could go alone; the second of them is refused, before it is done too (R22)."""
    database.write(roles.add_administrator)
    held = {"roles": ("Administrator",)}
    ids = [_add(database, name, **held) for name in ("ada", "bea")]

    seen = [each.why_not or "" for each in _seen(database, "deactivate", *ids)]
    done = [each.why_not or "" for each in _do(database, "deactivate", *ids)]

    assert seen == done
    assert (seen[0], "last active Administrator" in seen[1]) == ("", True)


def test_a_link_goes_to_whom_it_may(database: Database) -> None:
    """API users are never mailed, nor who never signed in, nor who is inactive (R17)."""
    fine, fresh = _add(database, "fine"), _add(database, "fresh")
    robot = _add(database, "robot", api_user=True)
    _signed_in(database, fine)

    outcomes = _do(database, "reset", fine, fresh, robot)
    without = _do(database, "reset", fine, second_factor=False)

    assert [bool(each.done) for each in outcomes] == [True, False, False]
    assert "never signed in" in (outcomes[1].why_not or "")
    assert "API users have no password" in (outcomes[2].why_not or "")
    assert without[0].done is None
    assert topics(database) == ["mail:reset"]


def test_an_api_user_has_no_sessions_to_end(database: Database) -> None:
    """And who is signed in nowhere is told as such."""
    robot, away = _add(database, "robot", api_user=True), _add(database, "away")

    outcomes = _do(database, "sessions", robot, away)

    assert [each.why_not for each in outcomes] == [
        "away@x.example is signed in nowhere.",
        "robot@x.example is an API user and has no sessions.",
    ]


def test_nobody_is_refused(database: Database) -> None:
    """An empty choice and unknown ids are one sentence."""
    for ids in ((), (999,)):
        with pytest.raises(NotPossible, match="Tick the users"):
            _do(database, "deactivate", *ids)
