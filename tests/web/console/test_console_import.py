"""Lists of users in the console: checked, seen, written, told, and taken out again."""

from __future__ import annotations

import csv
import io
import re
from html import unescape
from pathlib import Path

import pytest

from scim_connector.administration import importing
from scim_connector.administration.importing import COLUMNS, TEMPLATE
from scim_connector.rules.permissions import ALL
from scim_connector.settings import Settings
from scim_connector.web.console.desk import Person
from scim_connector.web.console.user_import import Work
from scim_connector.wiring import open_house, parts_of, prepare
from tests.browser import Browser, Page
from tests.console import Desk, Office

IMPORT = "/admin/users/import"
HEADER = "username,email,initials,first_name,last_name,type,active,roles,api_user\n"


def _check(desk: Desk, text: str) -> Page:
    return desk.upload(f"{IMPORT}/check", {"text": text})


def _hidden(page: Page, name: str) -> str:
    """What a page of the import hands on to the next."""
    whole = page.text.split(f'<textarea name="{name}" hidden>')[1]
    return unescape(whole.partition("</textarea>")[0])


def _apply(desk: Desk, page: Page, **ticked: str) -> Page:
    text = _hidden(page, "text").replace("\n", "\r\n")  # as browsers send it
    fields = {"text": text, "seen": page.fields["seen"]}
    return desk.upload(f"{IMPORT}/apply", fields | ticked)


def _report(desk: Desk, page: Page) -> list[dict[str, str]]:
    fields = {"report": _hidden(page, "report")}
    answer = desk.upload(f"{IMPORT}/report", fields)
    assert "import-report.csv" in answer.headers["Content-Disposition"]
    return list(csv.DictReader(io.StringIO(answer.text)))


def _exported(desk: Desk, query: str) -> list[dict[str, str]]:
    text = desk.get(f"/admin/users/export?{query}").text
    return list(csv.DictReader(io.StringIO(text)))


def test_a_list_is_checked_seen_and_written(office: Office) -> None:
    """Per row what would become of it; written as it was seen; told row by row."""
    office.scim.cli("user", "add", "--email", "imp.known@contoso.com", "--last", "Old")
    (known,) = _exported(office.admin, "words=imp.known")
    text = (
        HEADER
        + "imp.anna,imp.anna@contoso.com,IMA,Anna,Import,,yes,,no\n"
        + "imp.bo,imp.bo@contoso.com,IMB,Bo,Import,teacher,yes,,no\n"
        + f"imp.known@contoso.com,{known['email']},{known['initials']},,New,,,,\n"
    )

    page = _check(office.admin, text)
    before = _exported(office.admin, "words=imp.")
    done = _apply(office.admin, page)
    again = _check(office.admin, text)

    assert "2 to create, 1 to change, 0 unchanged, 0 refused." in page.words
    assert "last name: Old → New" in page.words
    assert len(before) == 1
    assert "2 created, 1 changed, 0 as they were, 0 refused." in done.words
    assert "0 to create, 0 to change, 3 unchanged, 0 refused." in again.words
    assert [row["type"] for row in _exported(office.admin, "words=imp.")] == [
        "administrative",
        "teacher",
        "administrative",
    ]
    assert [
        (r["line"], r["username"], r["outcome"]) for r in _report(office.admin, done)
    ] == [
        ("2", "imp.anna", "created"),
        ("3", "imp.bo", "created"),
        ("4", "imp.known@contoso.com", "changed"),
    ]


def test_a_refused_row_keeps_everything_out_unless_ticked(office: Office) -> None:
    """All or nothing, as at the command line; the good rows where that is asked for."""
    text = (
        HEADER
        + "imp.good,imp.good@contoso.com,IMG,Go,Od,,yes,,no\n"
        + "imp.bad,nothing,IMX,Ba,D,,yes,nobody,no\n"
    )
    page = _check(office.admin, text)

    nothing = _apply(office.admin, page)
    there = _exported(office.admin, "words=imp.good")
    some = _apply(office.admin, page, good="yes")

    assert 'Email "nothing" is not valid' in page.words
    assert 'There is no role "nobody"; add it first.' in page.words
    assert "scim-connector" not in page.words
    assert "1 row is refused, so nothing was written" in nothing.words
    assert there == []
    assert "1 created, 0 changed, 0 as they were, 1 refused." in some.words
    assert [row["outcome"] for row in _report(office.admin, some)] == [
        "created",
        "refused",
    ]


def test_who_loses_access_is_named_and_ticked(office: Office) -> None:
    """A deactivation by a list names what ends, the API App's user too."""
    office.scim.cli_batch(
        [
            ["user", "add", "--email", "imp.robot@contoso.com", "--last", "R", "--api"],
            ["api-app", "install"],
            ["api-app", "configure", "imp.robot@contoso.com"],
        ]
    )
    (robot,) = _exported(office.admin, "words=imp.robot")
    text = "username,email,initials,active\n" + ",".join(
        [robot["username"], robot["email"], robot["initials"], "no\n"]
    )
    page = _check(office.admin, text)

    unseen = _apply(office.admin, page)
    still = _exported(office.admin, "words=imp.robot")
    seen = _apply(office.admin, page, sure="yes")

    assert "1 user is made inactive" in page.words
    assert "The API App acts as imp.robot@contoso.com; then it acts as" in page.words
    assert "Tick that you have seen who loses access" in unseen.words
    assert still[0]["active"] == "yes"
    assert "1 changed" in seen.words
    assert _exported(office.admin, "words=imp.robot")[0]["active"] == "no"


def test_what_was_not_seen_is_not_written(office: Office) -> None:
    """Between looking and writing somebody took the address: check it again."""
    text = HEADER + "imp.race,imp.race@contoso.com,IMR,,,,yes,,no\n"
    page = _check(office.admin, text)
    office.scim.cli("user", "add", "--email", "imp.race@contoso.com", "--last", "X")

    done = _apply(office.admin, page)

    assert "The users have changed since you looked" in done.words
    assert len(_exported(office.admin, "words=imp.race")) == 1


def test_a_mail_goes_only_where_it_was_ticked(office: Office) -> None:
    """New people are mailed nothing by themselves (decision 34)."""
    quiet = _check(office.admin, HEADER + "imp.q,imp.q@contoso.com,IMQ,,,,yes,,no\n")
    _apply(office.admin, quiet)
    told = _check(office.admin, HEADER + "imp.m,imp.m@contoso.com,IMM,,,,yes,,no\n")
    _apply(office.admin, told, mail="yes")

    office.choose_password("imp.m@contoso.com")
    files = (office.scim.folder / "mail").glob("*.eml")
    assert not any("To: imp.q@contoso.com" in file.read_text() for file in files)


@pytest.mark.parametrize(
    ("body", "status", "told"),
    [
        (b"", 400, "There is no list: choose a file"),
        (b"username,email,initials\nk\xe9,a,b\n", 400, "is not UTF-8 text; save it"),
        (b"username,email\n", 400, "missing: initials"),
        (b"username,email,initials,rolls\n", 400, 'did you mean "roles"?'),
        (b"username,email,initials\n", 400, "a header and no rows"),
        (b"username,email,initials\na\x00,b,c\n", 400, "NUL"),
        (b"username,email,initials\n" + b"a" * 4_300_000, 413, "larger than 4 MiB"),
        (b"a" * 6_000_000, 413, "larger than 5 MiB; send it in parts"),
    ],
)
def test_what_is_no_list_is_told(
    office: Office, body: bytes, status: int, told: str
) -> None:
    """One sentence on what to change, and the page to do it on."""
    page = office.admin.upload(f"{IMPORT}/check", {}, {"file": body})

    assert (page.status, told in page.words) == (status, True), page.words


def test_a_large_list_is_read(office: Office) -> None:
    """More than any form of strangers may hold, as a file and as pasted text."""
    rows = "".join(f"imp.l{n},no,L{n % 9},,,,,,\n" for n in range(4000))
    assert len(rows) > 64 * 1024

    pasted = _check(office.admin, HEADER + rows)
    file = office.admin.upload(
        f"{IMPORT}/check", {}, {"file": (HEADER + rows).encode()}
    )

    for page in (pasted, file):
        assert "4,000 refused." in page.words
        assert "and 3,800 more; the report has all of them" in page.words
        assert len(_report(office.admin, page)) == 4000


def test_the_largest_list_comes_back_as_it_was_seen(office: Office) -> None:
    """What fits when it is checked fits when it is applied, whatever ends its lines."""
    row = b'imp.cr,imp.cr@contoso.com,IMC,"Two\rlines",,,yes,,no'
    rest = (b'no,no,no,"' + b"thirteen long\r" * 9_000 + b'",,,,,\r') * 33
    list_ = HEADER.encode().replace(b"\n", b"\r") + row + b"\r" + rest
    assert 4_000_000 < len(list_) <= 4 * 1024 * 1024

    page = office.admin.upload(f"{IMPORT}/check", {}, {"file": list_})
    done = _apply(office.admin, page, good="yes")

    assert "1 created, 0 changed, 0 as they were, 33 refused." in done.text


def test_a_strangers_list_is_not_read(office: Office) -> None:
    """Neither a stranger nor another site gets a body of this size looked at."""
    stranger = Desk(office.address)
    page = stranger.upload(f"{IMPORT}/check", {}, {"file": b"a" * 200_000})
    assert page.headers["Location"].startswith("/login")

    address = f"{office.address}{IMPORT}/check"
    other = office.admin.browser.post(
        address, {"text": TEMPLATE}, origin="https://evil.example"
    )
    assert (other.status, "Not sent from here" in other.words) == (403, True)


def test_an_import_gives_nobody_more_than_its_hand_has(office: Office) -> None:
    """Who may only create changes nobody and hands on no role that allows more (R33)."""
    desk = office.somebody("imp.creator", "users.view", "users.create")
    (ada,) = _exported(office.admin, "words=ada@contoso.com")
    text = (
        HEADER
        + f"{ada['username']},stolen@contoso.com,{ada['initials']},,,,,,\n"
        + "imp.more,imp.more@contoso.com,IMO,,,,yes,Administrator,no\n"
        + "imp.less,imp.less@contoso.com,IML,,,,yes,,no\n"
    )

    page = _check(desk, text)
    done = _apply(desk, page, good="yes")

    assert 'Your roles do not carry "Update users"' in page.words
    assert "email of an Administrator cannot be changed by you" in page.words
    assert "Administrator allows what you may not do yourself" in page.words
    assert "1 created, 0 changed, 0 as they were, 2 refused." in done.words
    assert _exported(office.admin, "words=stolen@") == []


def test_the_template_and_the_columns(office: Office) -> None:
    """The template is that of the command line; every column is said on the page."""
    answer = office.admin.get(f"{IMPORT}/template")
    page = office.admin.get(IMPORT)

    assert answer.text == TEMPLATE
    assert "users.csv" in answer.headers["Content-Disposition"]
    told = re.findall(r"<dt><code>(\w+)</code></dt><dd>(.*?)</dd>", page.text)
    assert [name for name, _ in told] == list(COLUMNS)


def test_an_export_is_an_import_that_changes_nobody(
    office: Office, auditor: Desk
) -> None:
    """Whoever may look takes it; the filter of the list narrows it; it reads back."""
    office.person(
        "imp.scim@contoso.com", name={"givenName": "=1+1", "familyName": "-x"}
    )
    narrowed = _exported(auditor, "words=imp.scim")
    text = office.admin.get("/admin/users/export").text

    page = _check(office.admin, text)

    assert [row["first_name"] for row in narrowed] == ["'=1+1"]
    assert "0 to create, 0 to change" in page.words
    assert "0 refused" in page.words
    assert auditor.get(IMPORT).status == 403


def test_no_cell_of_a_report_is_a_formula(office: Office) -> None:
    """A username that a spreadsheet would calculate begins with an apostrophe."""
    page = _check(office.admin, HEADER + "'=1+1,imp.f@contoso.com,IMF,,,,yes,,no\n")

    assert [row["username"] for row in _report(office.admin, page)] == ["'=1+1"]
    broken = office.admin.upload(f"{IMPORT}/report", {"report": '"' + "a" * 200_000})
    assert broken.status == 400


def test_the_browser_of_nobody_is_led_to_sign_in(office: Office) -> None:
    """The template too is for whoever may import."""
    assert Browser().get(f"{office.address}{IMPORT}/template").path == "/login"


def test_an_import_that_breaks_off_says_what_stays(tmp_path: Path) -> None:
    """It never says that nothing was written: batches before the fault stay."""
    settings = Settings(
        database_url=f"sqlite:///{tmp_path}/x.db", secret_key_file=tmp_path / "x.key"
    )
    prepare(settings)
    house = open_house(settings)
    app = parts_of(house).app
    text = HEADER + "".join(f"a.lee{n},a{n}@x.example,A{n},,,,,,\n" for n in range(250))
    rows = importing.read(text)
    importing.judge(house.database.reader(), rows)
    me = Person(1, "ada", "Ada", ALL)
    form = {"seen": importing.fingerprint(rows)}
    again = importing.read(HEADER + "a.lee0,a0@x.example,A0,,,,,,\n")

    with app.test_request_context("/", method="POST", data=form):
        work = Work(house.database, me, importing.read(text))
        told = work.tell(_broken_off(work, at=400))
    importing.judge(house.database.reader(), again)
    house.database.close()

    assert "The import broke off after 200 rows, which stay written." in told
    assert again[0].action == "nothing"


def _broken_off(work: Work, *, at: int) -> Exception:
    """Run it until so much is counted, where a fault ends it."""
    done = 0

    def count(more: int) -> None:
        nonlocal done
        done += more
        if done >= at:
            raise OSError("the disk is full")

    with pytest.raises(OSError, match="disk is full") as fault:
        work.run(count)
    return fault.value
