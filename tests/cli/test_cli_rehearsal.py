"""``connection add --rehearse``, ``connection rehearsal``, ``connection go-live``."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from scim_connector.directory import connections
from scim_connector.directory.database import Database
from scim_connector.rules.users import RulesViolated
from tests.house import Provider, person

Run = Callable[..., Result]


@pytest.fixture
def entra(run: Run, tmp_path: Path) -> Provider:
    """A rehearsing connection that was sent two people; a third was refused."""
    run("connection", "add", "entra", "--kind", "entra", "--rehearse")
    database = Database(f"sqlite:///{tmp_path / 'scim-connector.db'}")
    made = _provider(database)
    made.post(person("kim@contoso.com"))
    made.post(person("bo@contoso.com"))
    with pytest.raises(RulesViolated):
        made.post(person("al@contoso.com", emails=[{"value": "=nothing"}]))
    return made


def _provider(database: Database) -> Provider:
    found = connections.by_name(database.reader(), "entra")
    assert found is not None
    return Provider(database, found)


def test_a_rehearsing_connection_says_so(run: Run, entra: Provider) -> None:
    """List and show name the state and how many wait; nobody is managed yet."""
    listed = json.loads(run("connection", "list", "--json").stdout)
    shown = json.loads(run("connection", "show", "entra", "--json").stdout)

    row = next(each for each in listed if each["name"] == "entra")
    assert (row["state"], row["people"], row["waiting"]) == ("rehearsing", 0, 2)
    assert (shown["state"], shown["waiting for go-live"]) == ("rehearsing", 2)
    assert entra.connection.is_rehearsing


def test_adding_says_how_a_rehearsal_goes_on(run: Run) -> None:
    """With --rehearse the commands to look at it and to end it are named."""
    added = run("connection", "add", "okta", "--kind", "okta", "--rehearse").stdout

    assert "Added connection okta (okta, rehearsing)." in added
    assert "connection rehearsal okta" in added
    assert "connection go-live okta" in added


def test_a_rehearsal_is_proposed_where_people_exist(run: Run) -> None:
    """Without --rehearse it is named when there are users no provider manages."""
    before = run("connection", "add", "first", "--kind", "entra").stdout
    run("user", "add", "--email", "ann@contoso.com", "--no-mail")
    after = run("connection", "add", "second", "--kind", "entra").stdout

    assert "--rehearse" not in before
    assert "1 local user without a provider" in after
    assert "--rehearse" in after


def test_a_rehearsal_is_looked_at(run: Run, entra: Provider, tmp_path: Path) -> None:
    """Counts, who is refused and why, and all rows in a file; exit 1, nothing kept."""
    shown = run("connection", "rehearsal", "entra", "--csv", "out.csv", code=1).stdout

    assert "2 would create, 1 would refuse" in shown
    assert "1 refused: email_invalid" in shown
    assert "Nothing was carried out." in shown
    text = (tmp_path / "out.csv").read_text()
    rows = list(csv.DictReader(text.splitlines()))
    assert [row["outcome"] for row in rows] == ["would create"] * 2 + ["would refuse"]
    assert rows[0]["email"] == "kim@contoso.com"
    assert json.loads(run("user", "list", "--json").stdout) == []
    assert entra.search_total() == 2


def test_going_live_names_the_numbers_and_needs_a_yes(
    run: Run, entra: Provider
) -> None:
    """Where nobody can be asked it is refused with the counts, mails among them."""
    refused = run("connection", "go-live", "entra", code=2)

    assert "link 0, create 2, bring back 0, refuse 0" in refused.output
    assert "2 mails will be sent (2 password links)" in refused.output
    assert "1 refused requests are left to the provider's next try" in refused.output
    assert "Repeat with --yes" in refused.output
    assert entra.search_total() == 2


def test_going_live_tells_what_was_done(run: Run, entra: Provider) -> None:
    """The users exist then, the connection is live, and again there is nothing to do."""
    told = run("connection", "go-live", "entra", "--yes").stdout
    again = run("connection", "go-live", "entra", "--yes", code=2)

    assert "entra is live: linked 0, created 2, brought back 0, refused 0." in told
    assert "2 mails wait to be sent." in told
    assert "entra is live, and nobody of it waits" in again.output
    shown = json.loads(run("connection", "show", "entra", "--json").stdout)
    assert (shown["state"], shown["active people"]) == ("live", 2)
    assert entra.search_total() == 2


def test_who_is_refused_is_named_with_what_to_change(run: Run, entra: Provider) -> None:
    """The sentence, what to do at the provider, and the command to try again."""
    run("user", "add", "--email", "kim@contoso.com", "--no-mail")

    told = run("connection", "go-live", "entra", "--yes").stdout

    assert "created 1, brought back 0, refused 1" in told
    assert 'Refused kim@contoso.com: Email "kim@contoso.com" is taken' in told
    assert "To change at the provider:" in told
    assert "connection go-live entra" in told.splitlines()[-1]
    assert entra.search_total() == 2


def test_a_rehearsing_connection_is_retired(run: Run, entra: Provider) -> None:
    """It says that nothing of the rehearsal is carried out; nobody is deactivated."""
    told = run("connection", "retire", "entra", "--deactivate", code=2)
    retired = run("connection", "retire", "entra", "--deactivate", "--yes")

    assert "nothing that it was sent is carried out" in told.output
    assert "0 people deactivated" in retired.stdout
    assert entra.connection.name == "entra"
