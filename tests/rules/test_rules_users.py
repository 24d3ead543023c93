"""The rules of the fields: every boundary, and all that is broken at once."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from scim_connector.rules import folding, users
from scim_connector.rules.users import Draft, Holder, RulesViolated, Taken

GOOD = Draft("kim.doe", "KD", "kim.doe@contoso.com")


def _codes(draft: Draft, taken: Taken | None = None) -> list[str]:
    return [v.code for v in users.check(draft, taken or Taken())]


@pytest.mark.parametrize("username", ["abcde", "a" * 30, "A@b.c", "kim_doe-1", "x9999"])
def test_a_username_of_the_form_is_kept(username: str) -> None:
    """R6: 5 to 30 of a-z 0-9 @ . _ -, the first a letter."""
    assert users.is_username(username)


@pytest.mark.parametrize(
    ("username", "code"),
    [
        ("", "username_length"),
        ("abcd", "username_length"),
        ("a" * 31, "username_length"),
        ("1abcd", "username_first"),
        ("_abcd", "username_first"),
        ("abcde\n", "username_charset"),
        ("ab cde", "username_charset"),
        ("ab'cde", "username_charset"),
        ("ab+cde", "username_charset"),
        ("abcd\u00e9", "username_charset"),
        ("\u0430bcde", "username_charset"),
        ("\uff41bcde", "username_charset"),
        ("abcd\u0665", "username_charset"),
        ("abcd\U0001f600", "username_charset"),
        ("abcd\u200d", "username_charset"),
    ],
)
def test_a_username_of_another_form_is_refused(username: str, code: str) -> None:
    """R6: length, characters and first letter, look-alikes and line ends included."""
    assert code in [v.code for v in users.username_violations(username)]


@pytest.mark.parametrize("initials", ["A", "ABCDE", "\u00c4\u00d6", "A1", "\u674e"])
def test_initials_of_the_form_are_kept(initials: str) -> None:
    """R1: 1 to 5 characters of any script."""
    assert users.is_initials(initials)


@pytest.mark.parametrize(
    ("initials", "code"),
    [
        ("", "initials_exhausted"),
        ("ABCDEF", "initials_length"),
        ("A B", "initials_length"),
        ("A\n", "initials_length"),
        ("A\u0000", "initials_length"),
        ("A\u00a0", "initials_length"),
    ],
)
def test_initials_of_another_form_are_refused(initials: str, code: str) -> None:
    """R1 and R3: none, too many, or with spaces and control characters."""
    assert [v.code for v in users.initials_violations(initials)] == [code]


@pytest.mark.parametrize(
    "email",
    [
        "a@b.example",
        "o'neil+tag@sub.contoso.com",
        "kim@b\u00fccher.example",
        "x@tenant.test",
        f"{'a' * 64}@b.example",
    ],
)
def test_an_address_mail_can_reach_is_kept(email: str) -> None:
    """R4: an ordinary address, whatever its domain."""
    assert users.is_email(email)


@pytest.mark.parametrize(
    ("email", "code"),
    [
        (None, "email_missing"),
        ("", "email_missing"),
        ("nobody", "email_invalid"),
        ("a@b", "email_invalid"),
        ("a@localhost", "email_invalid"),
        ("a@[127.0.0.1]", "email_invalid"),
        ('"a b"@c.example', "email_invalid"),
        ("a@b.example\r\nBcc: x@y.example", "email_invalid"),
        (f"{'a' * 65}@b.example", "email_invalid"),
        (f"a@{'b' * 250}.example", "email_invalid"),
        ("\u0430dmin@b.example", "email_invalid"),
        ("a@@b.example", "email_invalid"),
        ("a b@c.example", "email_invalid"),
        ("Kim <kim@b.example>", "email_invalid"),
        ("=?utf-8?q?kim?=@b.example", "email_invalid"),
        ("a,b@c.example", "email_invalid"),
        ("a@b.example,c@d.example", "email_invalid"),
        ("a@b.example\n", "email_invalid"),
        ("a@b\u0000.example", "email_invalid"),
        ("a@b\u202e.example", "email_invalid"),
        ("a@xn--a.example", "email_invalid"),
        ("a@1.2.3.4", "email_invalid"),
    ],
)
def test_another_address_is_refused(email: str | None, code: str) -> None:
    """R4: missing, or something mail cannot reach or that hides a header."""
    assert [v.code for v in users.email_violations(email)] == [code]


def test_every_broken_rule_is_told_at_once() -> None:
    """An admin reads all that has to be changed in one answer (D31)."""
    draft = Draft("1", "TOOLONG", "nobody")

    codes = _codes(draft, Taken(username=Holder.INACTIVE))

    assert codes == [
        "initials_length",
        "email_invalid",
        "username_length",
        "username_first",
        "username_taken",
    ]


def test_a_taken_value_tells_whether_its_holder_is_inactive_and_no_more() -> None:
    """R2, R5, R7: the state of the holder, never who it is."""
    (violation,) = users.check(GOOD, Taken(initials=Holder.INACTIVE))

    assert violation.message == (
        'Initials "KD" are taken by an inactive user (R2).'
        " Send others, or none at all so that free ones are chosen."
    )


@pytest.mark.parametrize(
    ("draft", "taken", "status", "scim_type"),
    [
        (GOOD, Taken(email=Holder.ACTIVE), 409, "uniqueness"),
        (Draft("1", "KD", "a@b.example"), Taken(), 400, "invalidValue"),
        (
            Draft("1", "KD", "a@b.example"),
            Taken(email=Holder.ACTIVE),
            400,
            "invalidValue",
        ),
    ],
)
def test_the_status_follows_the_kinds(
    draft: Draft, taken: Taken, status: int, scim_type: str
) -> None:
    """409 when all of it is taken, 400 as soon as something is invalid."""
    with pytest.raises(RulesViolated) as refusal:
        users.require(draft, taken)

    assert (refusal.value.status, refusal.value.scim_type) == (status, scim_type)


def test_long_and_odd_values_are_quoted_safely() -> None:
    """A shown value is cut at 60 characters, control characters are escaped."""
    assert users.quoted("x" * 100) == f'"{"x" * 59}…"'
    assert users.quoted("a\r\nb") == '"a\\u000d\\u000ab"'


# -------------------------------------------------------------------------- folding

EMAIL = st.from_regex(r"[a-zA-Z.]{1,10}@[a-zA-Z]{1,10}\.example", fullmatch=True)


@given(st.text(max_size=20))
def test_folding_twice_is_folding_once(text: str) -> None:
    """A key is its own key, for initials, names and usernames (D9)."""
    for fold in (folding.initials_key, folding.name_key, folding.username_key):
        assert fold(fold(text)) == fold(text)


@given(EMAIL)
def test_addresses_fold_without_case(email: str) -> None:
    """The key of an address does not depend on case (D9)."""
    assert folding.email_key(email.upper()) == folding.email_key(email.lower())


@pytest.mark.parametrize(
    ("u_label", "a_label"),
    [
        ("B\u00fccher", "xn--bcher-kva"),
        ("Bu\u0308cher", "xn--bcher-kva"),
        ("stra\u00dfe", "xn--strae-oqa"),
        ("\u03b2\u03cc\u03bb\u03bf\u03c2", "xn--nxasmm1c"),
        ("\uff43ontoso", "contoso"),
    ],
)
def test_a_domain_is_compared_in_its_ascii_form(u_label: str, a_label: str) -> None:
    """A U-label and its A-label are one domain, by IDNA 2008 (D9)."""
    assert folding.email_key(f"a@{u_label}.example") == folding.email_key(
        f"A@{a_label.upper()}.example"
    )


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("a@stra\u00dfe.example", "a@strasse.example"),
        (
            "a@\u03b2\u03cc\u03bb\u03bf\u03c2.example",
            "a@\u03b2\u03cc\u03bb\u03bf\u03c3.example",
        ),
    ],
)
def test_domains_of_two_owners_are_two(one: str, other: str) -> None:
    """IDNA 2008 keeps sharp s and final sigma: nobody is adopted across them (D9)."""
    assert folding.email_key(one) != folding.email_key(other)


@given(st.text(max_size=12), st.text(max_size=12))
@example("a", "\u0345.example")
@example("", "\ud800")
def test_any_address_has_a_key_and_keeps_it(local: str, domain: str) -> None:
    """Folding judges nothing: whatever a filter holds has a key, its own key (D9)."""
    key = folding.email_key(f"{local}@{domain}")

    assert folding.email_key(key) == key


@given(st.text(max_size=20))
@example("\u212aim.doe")
def test_no_look_alike_has_the_key_of_a_username(text: str) -> None:
    """Only ASCII letters have a lower case here: R6 admits nothing else (D9)."""
    assert folding.username_key(text).isascii() == text.isascii()


@pytest.mark.parametrize("alike", ["\u212aim.doe", "\uff4bim.doe", "kim.do\u0435"])
def test_a_look_alike_is_not_the_username(alike: str) -> None:
    """A Kelvin sign is no k: nobody is adopted or imported over by it (R7, D11)."""
    assert folding.username_key(alike) != folding.username_key("kim.doe")
    assert folding.username_key("KIM.Doe") == folding.username_key("kim.doe")


def test_initials_fold_width_and_case() -> None:
    """NFKC and casefold: full-width and sharp s are what they look like (D9)."""
    assert folding.initials_key("\uff21") == "a"
    assert folding.initials_key("\u00df") == folding.initials_key("SS")
