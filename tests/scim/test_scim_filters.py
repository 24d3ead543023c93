"""Filters bound to the schema, and what they mean."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from scim_connector.scim import filter_binding, filters, search_documents
from scim_connector.scim.errors import InvalidFilter, ScimError, Sensitive, TooMany
from scim_connector.scim.filters import (
    And,
    Compare,
    Element,
    Expression,
    Not,
    Or,
    Present,
)
from scim_connector.scim.folding import instant_key, text_key
from scim_connector.scim.schemas import DeclaredAttribute, user_resource_type
from scim_connector.scim.types import CORE, ENTERPRISE, LOCAL

OWN = "urn:example:own:1.0:User"
TYPE = user_resource_type(
    (
        DeclaredAttribute(OWN, "level", "integer"),
        DeclaredAttribute(OWN, "ratio", "decimal"),
        DeclaredAttribute(OWN, "seen", "dateTime"),
        DeclaredAttribute(OWN, "trained", "boolean"),
        DeclaredAttribute(OWN, "badge", "binary"),
        DeclaredAttribute(OWN, "tags", multi_valued=True),
    )
)
KIM = {
    "schemas": [CORE, ENTERPRISE],
    "id": "2819c223",
    "externalId": "AbC",
    "userName": "Kim.Doe@Example.com",
    "displayName": "Kim Doe",
    "title": "100% _real_",
    "active": True,
    "name": {"familyName": "Doe", "givenName": "Kim"},
    "emails": [
        {"value": "kim@example.com", "type": "work", "primary": True},
        {"value": "home@example.com", "type": "home"},
        {"type": "other"},
    ],
    "meta": {"created": "2026-05-13T04:42:34Z"},
    ENTERPRISE: {"employeeNumber": "0701", "manager": {"value": "M-1"}},
    LOCAL: {"local": {"username": "kimdoe", "initials": "KD"}},
    OWN: {
        "level": 25,
        "ratio": 2.5,
        "seen": "2026-05-13T06:42:34+02:00",
        "trained": False,
        "badge": "QUJD",
        "tags": ["Red", "blue"],
    },
}
DOCUMENT = search_documents.build(TYPE, KIM)


def holds(text: str) -> bool:
    return filters.matches(filters.parse(text, TYPE), DOCUMENT)


# --------------------------------------------------------------------- what matches


@pytest.mark.parametrize(
    "text",
    [
        'userName eq "kim.doe@example.com"',
        'USERNAME EQ "KIM.DOE@EXAMPLE.COM"',
        f'{CORE}:userName eq "Kim.Doe@example.com"',
        f'{CORE.upper()}:username eq "Kim.Doe@example.com"',
        f'{CORE}.userName eq "Kim.Doe@example.com"',
        'externalId eq "AbC"',
        "externalId eq AbC",
        'userName sw "KIM" and userName ew ".com" and userName co "doe@"',
        'userName co ""',
        'title eq "100% _REAL_"',
        'title co "%" and title co "_"',
        'name.familyName eq "doe"',
        'emails eq "KIM@example.com"',
        'emails co "home@"',
        'emails[type eq "work" and value co "kim"]',
        'emails[type eq "work"].value eq "kim@example.com"',
        'emails[type eq "work"].value pr',
        'emails[type eq "work"] eq "kim@example.com"',
        'emails[type eq "work"] and emails[type eq "home"]',
        'emails[type eq "other" and not value pr]',
        'emails[type eq "other"].value eq null',
        'emails[primary eq "True"].value sw "kim"',
        "emails[primary eq TRUE]",
        f'{ENTERPRISE}:manager eq "m-1"',
        f'id eq "2819c223" and {ENTERPRISE}:manager.value eq "M-1"',
        f"{ENTERPRISE}:employeeNumber eq 0701",
        f"{ENTERPRISE} pr",
        "name pr and meta pr",
        "active eq true",
        'active eq "True"',
        'active ne "false"',
        f"{OWN}:level eq 25",
        f'{OWN}:level eq "25"',
        f"{OWN}:level gt 7 and {OWN}:level lt 25.5",
        f"{OWN}:ratio ge 2.5 and {OWN}:ratio le 25e-1",
        f"{OWN}:trained eq False",
        f'{OWN}:badge eq "QUJD"',
        f'{OWN}:tags eq "red" and {OWN}:tags eq "BLUE"',
        f'{OWN}:tags[value eq "red"]',
        'schemas co "enterprise"',
        'meta.created eq "2026-05-13T06:42:34.000+02:00"',
        "meta.Created gt 2015-10-10T14:38:21.8617979-07:00",
        f'{OWN}:seen eq "2026-05-13T04:42:34Z"',
        'nickName ne "x"',
        'not (nickName eq "x")',
        "nickName eq null and displayName ne null",
        'displayName ge "kim d" and displayName lt "kim e"',
        "emails ne null",
        'name[familyName eq "doe" and givenName eq "kim"]',
        f'{LOCAL}:local.initials eq "kd"',
    ],
)
def test_kim_is_found(text: str) -> None:
    """What names Kim, in any of the ways providers write it, matches."""
    assert holds(text)


@pytest.mark.parametrize(
    "text",
    [
        'userName eq "kim"',
        'externalId eq "abc"',
        'externalId ne "AbC"',
        'userName co "%"',
        'userName sw "_"',
        'emails[type eq "home"].value eq "kim@example.com"',
        'emails[type eq "work" and type eq "home"]',
        'emails[type eq "fax"].value eq null',
        "nickName pr",
        'nickName co ""',
        'nickName gt "a"',
        'nickName ew ""',
        "phoneNumbers pr",
        'phoneNumbers[type eq "work"]',
        "not (userName pr)",
        "not active eq true",
        "active eq false",
        "photos eq null and active eq false",
        f"{OWN}:level gt 25",
        'meta.created gt "2026-05-13T04:42:34.000001Z"',
        'title eq "null"',
        'userName eq "x" or displayName eq "y" and active eq true',
    ],
)
def test_kim_is_not_found(text: str) -> None:
    """What names somebody else does not match."""
    assert not holds(text)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('emails.value ne "kim@example.com"', True),
        ('emails.type ne "work"', True),
        (f'{OWN}:tags ne "red"', True),
        ('phoneNumbers.value ne "1"', True),
        ('schemas[value sw "urn:"] and not (emails.value ne "x")', False),
    ],
)
def test_ne_of_many_values(text: str, found: bool) -> None:
    """One value that differs is enough, and so is none at all (RFC 7644 §3.4.2.2)."""
    assert holds(text) is found


def test_ne_of_one_value_in_a_list() -> None:
    """The only value equals, so nothing differs."""
    document = search_documents.build(TYPE, {"emails": [{"value": "a@b.c"}]})

    assert not filters.matches(filters.parse('emails ne "A@b.c"', TYPE), document)


def test_a_value_of_another_type_is_another_value() -> None:
    """Where a document was written under another schema nothing breaks."""
    document = {OWN: {"level": "high", "tags": "red"}, "name": "x", "emails": ["x"]}

    for text in (f"{OWN}:level gt 1", f'{OWN}:tags co "r"', 'name.familyName eq "x"'):
        assert not filters.matches(filters.parse(text, TYPE), document)
    assert filters.matches(filters.parse('emails.type ne "x"', TYPE), document)


# ------------------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('nope eq "x"', "No schema declares"),
        ('userName eq "a" or nope eq "x"', "No schema declares"),
        ("not (nope pr)", "No schema declares"),
        ('usrName eq "x"', "Did you mean userName"),
        ('manager eq "x"', f"Did you mean {ENTERPRISE}:manager"),
        ('emails[typ eq "x"]', "Did you mean type"),
        ('emails[userName eq "x"]', "No schema declares"),
        ('emails[emails.type eq "x"]', "No schema declares"),
        ('name.nope eq "x"', "No schema declares"),
        ('urn:nope:User:userName eq "x"', "No schema declares"),
        ('userName.value eq "x"', "No schema declares"),
        (f'{CORE} eq "x"', "No schema declares"),
        ('name eq "Kim"', "name.familyName"),
        (f'{ENTERPRISE} eq "x"', "has parts"),
        ('addresses co "x"', "addresses.locality"),
        ("active gt true", "boolean"),
        ('active co "t"', "boolean"),
        ("emails[primary ge true]", "boolean"),
        (f"{OWN}:level co 2", "integer"),
        (f"{OWN}:ratio sw 2", "decimal"),
        ('meta.created sw "2026"', "dateTime"),
        (f'{OWN}:badge gt "QUJD"', "binary"),
        ("userName gt null", "null"),
        ('active eq "yes"', "true or false"),
        ("active eq 1", "true or false"),
        (f'{OWN}:level eq "high"', "a number"),
        (f"{OWN}:level eq true", "a number"),
        (f"{OWN}:level eq 9223372036854775808", "64 bits"),
        ('meta.created gt "2026-05-13"', "with its zone"),
        ('meta.created gt "2026-05-13T04:42:34"', "with its zone"),
        ("meta.created gt 2026", "with its zone"),
        ("meta.created eq true", "with its zone"),
        ('emails.value[type eq "work"]', "Brackets"),
        ('emails[type eq "a"][type eq "b"]', "Brackets"),
        ('emails[type[value eq "a"]]', "one value"),
        ('userName[value eq "a"]', "one value"),
        ('userName eq "a\\x"', "JSON string"),
        (f'userName eq "{"x" * 5000}"', "4096"),
    ],
)
def test_what_fits_no_schema_is_refused(text: str, message: str) -> None:
    """Unknown names and unfit operators are 400 invalidFilter (RFC 7644 §3.4.2.2)."""
    with pytest.raises(InvalidFilter) as refusal:
        filters.parse(text, TYPE)

    assert message in refusal.value.detail


@pytest.mark.parametrize("text", ["password pr", f'{CORE}:Password sw "a"'])
def test_a_password_is_never_searched(text: str) -> None:
    """A filter is no oracle for secrets: 403 sensitive (security T44)."""
    with pytest.raises(Sensitive):
        filters.parse(text, TYPE)


def test_too_many_terms_are_refused() -> None:
    """The cap on terms is that of the grammar: 400 tooMany."""
    with pytest.raises(TooMany):
        filters.parse(" or ".join(['title eq "x"'] * 51), TYPE)


def test_a_message_shows_what_was_sent() -> None:
    """Places and words are those of the filter, not of its cached shape."""
    with pytest.raises(InvalidFilter) as refusal:
        filters.parse('userName eq "kim" and title = "x"', TYPE)

    assert '"= \\"x\\""' in refusal.value.detail
    assert "character 29" in refusal.value.detail


# -------------------------------------------------------------------- the expression


def test_the_nodes_are_bound_and_flat() -> None:
    """Chains are one node, values are folded and typed, paths lead to attributes."""
    expression = filters.parse(
        'userName eq "KIM" and (active eq "True" and not title pr) or '
        'emails[type eq "Work"]',
        TYPE,
    )

    match expression:
        case Or((And((first, second, Not(Present(title)))), Element(emails, inner))):
            pass
        case _:
            pytest.fail(f"not as expected: {expression}")
    assert isinstance(first, Compare)
    assert (first.path.keys, first.op, first.value) == (("username",), "eq", "kim")
    assert isinstance(second, Compare)
    assert second.value is True
    assert title.keys == ("title",)
    assert emails.keys == ("emails",)
    assert isinstance(inner, Compare)
    assert (inner.path.keys, inner.value) == (("type",), "work")


@pytest.mark.parametrize(
    ("text", "shape", "strings"),
    [
        ('userName eq "a"', 'userName eq "0"', ("a",)),
        (r'userName eq "a\"b"', 'userName eq "0"', ('a"b',)),
        ('a eq "x" or b eq ""', 'a eq "0" or b eq "1"', ("x", "")),
        ("a eq 25 and b eq true", "a eq 25 and b eq true", ()),
        ('a eq "x', 'a eq "x', ()),
        ('a eq "x" "', 'a eq "0" "', ("x",)),
    ],
)
def test_the_shape_is_what_stays(
    text: str, shape: str, strings: tuple[str, ...]
) -> None:
    """Texts in quotes are taken out; numbers and booleans belong to the shape."""
    assert filters.shape(text) == (shape, strings)


def test_one_shape_is_bound_once_and_mixes_no_values() -> None:
    """A repeated question costs no parsing and answers with its own values."""
    filter_binding.template.cache_clear()
    texts = [f'emails[type eq "t{n}"].value eq "v{n}"' for n in range(5)]

    expressions = [filters.parse(text, TYPE) for text in texts]

    assert filter_binding.template.cache_info().misses == 1
    for number, expression in enumerate(expressions):
        for wanted in range(5):
            element = {"type": f"t{number}", "value": f"v{wanted}"}
            document = {"emails": [element]}
            assert filters.matches(expression, document) is (wanted == number)


def test_the_cache_is_bounded() -> None:
    """A client that varies the shape cannot fill the memory."""
    assert filter_binding.template.cache_info().maxsize == 512


def test_resource_types_do_not_share_a_cache() -> None:
    """A declared attribute of one connection is unknown to another."""
    filters.parse(f"{OWN}:level eq 1", TYPE)

    with pytest.raises(InvalidFilter):
        filters.parse(f"{OWN}:level eq 1", user_resource_type())


# ------------------------------------------------------------------ elements of PATCH


@pytest.mark.parametrize(
    ("text", "element", "passes"),
    [
        ('type eq "work"', {"type": "WORK", "value": "x"}, True),
        ('type eq "work"', {"value": "x"}, False),
        ('primary eq "True"', {"primary": True}, True),
        ('type eq "work" and value co "@Example"', {"type": "work"}, False),
        ('not (type eq "work")', {}, True),
        ('value ew ".ORG" or primary eq true', {"value": "a@b.org"}, True),
    ],
)
def test_an_element_passes_the_filter_of_a_path(
    text: str, element: dict[str, Any], passes: bool
) -> None:
    """PATCH asks canonical elements, not search documents (RFC 7644 §3.5.2)."""
    expression = filters.parse(f"emails[{text}]", TYPE)
    emails = TYPE.core("emails")
    assert emails is not None

    assert filters.matches_element(expression, emails, element) is passes


@pytest.mark.parametrize("element", ["Red", {"value": "Red"}])
def test_an_element_of_a_simple_list_has_a_value(element: Any) -> None:
    """``tags[value eq "red"]`` asks the values themselves."""
    expression = filters.parse(f'{OWN}:tags[value eq "red"]', TYPE)
    tags = TYPE.find(OWN, "tags")
    assert tags is not None

    assert filters.matches_element(expression, tags, element)


def test_a_path_has_one_pair_of_brackets() -> None:
    """What closes the bracket early asks for no element any more."""
    emails = TYPE.core("emails")
    assert emails is not None
    expression = filters.parse('emails[type eq "a"] or emails[type eq "b"]', TYPE)

    with pytest.raises(InvalidFilter, match="one pair"):
        filters.matches_element(expression, emails, {"type": "a"})


# ---------------------------------------------------------------- against an oracle

Oracle = Callable[[dict[str, Any]], bool]
WORDS = ["a", "A", "é", "É", "b%", "_", '"', "\\", ""]
INSTANTS = ["2026-01-01T00:00:00Z", "2026-01-01T01:00:00+01:00"]
INSTANTS += ["2026-01-01T00:00:00.000001Z"]


def _ask(op: str, actual: Any, wanted: Any) -> bool:
    if actual is None:
        return op == "ne"
    answers = {
        "eq": actual == wanted,
        "ne": actual != wanted,
        "gt": actual > wanted,
        "le": actual <= wanted,
    }
    if isinstance(actual, str):
        answers["co"] = wanted in actual
        answers["sw"] = actual[: len(wanted)] == wanted
        answers["ew"] = actual.endswith(wanted)
    return answers[op]


_text_ops = st.sampled_from(["eq", "ne", "co", "sw", "ew", "gt", "le"])
_ops = st.sampled_from(["eq", "ne", "gt", "le"])


def _title(op: str, word: str) -> tuple[str, Oracle]:
    return (
        f"TITLE {op} {json.dumps(word)}",
        lambda r: _ask(op, _folded(r.get("title")), _folded(word)),
    )


def _folded(text: str | None) -> str | None:
    return None if text is None else text_key(text)


def _level(op: str, level: int) -> tuple[str, Oracle]:
    return (
        f"{OWN}:level {op.upper()} {level}",
        lambda r: _ask(op, r.get(OWN, {}).get("level"), level),
    )


def _seen(op: str, instant: str) -> tuple[str, Oracle]:
    def answer(resource: dict[str, Any]) -> bool:
        actual = resource.get(OWN, {}).get("seen")
        actual = None if actual is None else instant_key(actual)
        return _ask(op, actual, instant_key(instant))

    return f'{OWN}:seen {op} "{instant}"', answer


def _email(op: str, word: str) -> tuple[str, Oracle]:
    def answer(resource: dict[str, Any]) -> bool:
        emails = resource.get("emails") or [{}]
        return any(_ask(op, _folded(e.get("value")), _folded(word)) for e in emails)

    return f"emails.value {op} {json.dumps(word)}", answer


def _element(kind: str, op: str, word: str) -> tuple[str, Oracle]:
    def answer(resource: dict[str, Any]) -> bool:
        return any(
            e.get("type") == kind and _ask(op, _folded(e.get("value")), _folded(word))
            for e in resource.get("emails", ())
        )

    text = f'emails[type eq "{kind}" and value {op} {json.dumps(word)}]'
    return text, answer


def _both(parts: tuple[Any, str, Any]) -> tuple[str, Oracle, str]:
    (left, a, _), joint, (right, b, _) = parts
    if joint == "and":
        return f"{left} and {right}", lambda r: a(r) and b(r), "and"
    return f"{left} or {right}", lambda r: a(r) or b(r), "or"


def _joined(parts: tuple[Any, str, Any]) -> tuple[str, Oracle, str]:
    """Join two filters, with brackets only where precedence needs them."""
    left, joint, right = parts
    if joint == "and":
        left, right = _bracketed(left), _bracketed(right)
    return _both((left, joint, right))


def _bracketed(part: tuple[str, Oracle, str]) -> tuple[str, Oracle, str]:
    text, answer, joint = part
    return (f"({text})", answer, "") if joint == "or" else part


def _negated(part: tuple[str, Oracle, str]) -> tuple[str, Oracle, str]:
    text, answer, joint = part
    inner = f"({text})" if joint else text
    return f"not {inner}", lambda r: not answer(r), ""


_leaves = st.one_of(
    st.builds(_title, _text_ops, st.sampled_from(WORDS)),
    st.builds(_level, _ops, st.integers(0, 3)),
    st.builds(_seen, _ops, st.sampled_from(INSTANTS)),
    st.builds(_email, _text_ops, st.sampled_from(WORDS)),
    st.builds(_element, st.sampled_from(["w", "h"]), _text_ops, st.sampled_from(WORDS)),
).map(lambda leaf: (*leaf, ""))
_filters = st.recursive(
    _leaves,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(_joined),
        inner.map(_negated),
    ),
    max_leaves=8,
)
_values = st.sampled_from(WORDS[:-1])
_resources = st.fixed_dictionaries(
    {},
    optional={
        "title": _values,
        "emails": st.lists(
            st.fixed_dictionaries(
                {"type": st.sampled_from(["w", "h"])}, optional={"value": _values}
            ),
            min_size=1,
            max_size=3,
        ),
        OWN: st.fixed_dictionaries(
            {}, optional={"level": st.integers(0, 3), "seen": st.sampled_from(INSTANTS)}
        ),
    },
)


@given(built=_filters, resource=_resources)
@settings(max_examples=200, deadline=None)
def test_a_filter_means_what_an_independent_reader_says(
    built: tuple[str, Oracle, str], resource: dict[str, Any]
) -> None:
    """Text, grammar, binding and matching together, against plain Python."""
    text, answer, _ = built
    expression: Expression = filters.parse(text, TYPE)

    document = search_documents.build(TYPE, resource)
    assert filters.matches(expression, document) is answer(resource)


_PIECES = ["userName", "emails", "[", "]", "(", ")", " eq ", " pr", ' "x"', " and "]
_PIECES += [" or ", "not ", ".value", f"{OWN}:level", " 1", " true", " null", "active"]
_PIECES += ["meta.created", " gt ", " co ", '"', "\\", "\n", ":", ".", CORE, "\x00"]


@given(
    st.one_of(
        st.lists(st.sampled_from(_PIECES), max_size=12).map("".join),
        st.text(st.characters(), max_size=60),
    )
)
@settings(max_examples=200, deadline=None)
@example('userName eq "\ud800"')
@example("userName eq \ud800")
@example('userName eq "\\ud800"')
@example("a" * 5000)
@example(f"{OWN}:level eq {'9' * 4000}")
@example("not " * 900 + "userName pr")
@example("emails[" * 500)
@example("[]" * 1000)
def test_nothing_but_a_scim_error_escapes(text: str) -> None:
    """Whatever a client writes is a filter or a refusal, never a failure."""
    try:
        expression = filters.parse(text, TYPE)
    except ScimError:
        return
    assert filters.matches(expression, DOCUMENT) in {True, False}
