"""The filter grammar; each defect of scim2-filter-parser 0.7.0 is one test here."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scim2_filter_parser import ast

from scim_connector.scim import filter_grammar
from scim_connector.scim.errors import InvalidFilter, TooMany
from scim_connector.scim.filter_grammar import Literal

SURROGATE = chr(0xD800)
WHEN = "2015-10-10T14:38:21.8617979-07:00"
GUID = "7d420df3-9995-4831-a406-ecf8166f5f6a"


def outline(node: Any) -> str:  # noqa: PLR0911 - one per kind of node
    """The tree with all brackets written."""
    match node:
        case ast.Filter(namespace=ast.AttrPath() as namespace):
            return f"{outline(namespace)}[{outline(node.expr)}]"
        case ast.Filter():
            inner = outline(node.expr)
            return f"not {inner}" if node.negated else inner
        case ast.LogExpr():
            parts = outline(node.expr1), node.op.lower(), outline(node.expr2)
            return f"({' '.join(parts)})"
        case ast.AttrExpr(comp_value=None):
            return f"{outline(node.attr_path)} pr"
        case ast.AttrExpr():
            value = node.comp_value.value.value
            return f"{outline(node.attr_path)} {node.value.lower()} {value!r}"
        case ast.AttrPath():
            uri = f"{node.uri}:" if node.uri else ""
            return f"{uri}{outline(node.attr_name)}{outline(node.sub_attr)}"
        case ast.SubAttr():
            return f".{node.value}"
    return node or ""


def read(text: str) -> str:
    return outline(filter_grammar.parse(text))


def literal(text: str) -> Literal:
    """The literal of the one comparison in *text*."""
    found: Literal = filter_grammar.parse(text).expr.comp_value.value
    return found


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("a pr or b pr and c pr", "(a pr or (b pr and c pr))"),
        ("a pr and b pr or c pr", "((a pr and b pr) or c pr)"),
        ("(a pr or b pr) and c pr", "((a pr or b pr) and c pr)"),
        ("e[a pr or b pr and c pr]", "e[(a pr or (b pr and c pr))]"),
        ("a pr and b pr and c pr", "((a pr and b pr) and c pr)"),
    ],
)
def test_and_binds_tighter_than_or(text: str, tree: str) -> None:
    """RFC 7644 §3.4.2.2: and before or, inside brackets too (defect 1)."""
    assert read(text) == tree


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("not (a pr)", "not a pr"),
        ("not a pr", "not a pr"),
        ("not a pr and b pr", "(not a pr and b pr)"),
        ("not (a pr or b pr) and c pr", "(not (a pr or b pr) and c pr)"),
        ("not not a pr", "not not a pr"),
        ("NOT(a pr)", "not a pr"),
        ('not e[t eq "w"]', "not e[t eq 'w']"),
        ('not a eq "x" or b pr', "(not a eq 'x' or b pr)"),
    ],
)
def test_not_binds_tightest_with_and_without_brackets(text: str, tree: str) -> None:
    """``not`` comes before ``and``, and needs no brackets (defect 15)."""
    assert read(text) == tree


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (r'a eq "x"', "x"),
        (r'a eq ""', ""),
        (r'a eq "say \"hi\""', 'say "hi"'),
        (r'a eq "caf\u00e9"', "café"),
        (r'a eq "\ud83d\ude00"', "\U0001f600"),
        (r'a eq "back\\slash"', "back\\slash"),
        (r'a eq "\\"', "\\"),
        (r'a eq "\/\b\f\n\r\t"', "/\b\f\n\r\t"),
        (r'a eq "(not) [this] and that"', "(not) [this] and that"),
        (r'a eq "true"', "true"),
        (r'a eq "null"', "null"),
        (r'a eq "25"', "25"),
        (r'a eq"x"', "x"),
    ],
)
def test_strings_are_json_strings(text: str, value: str) -> None:
    """Quotes and backslashes are decoded, text in quotes stays text (defects 4, 6)."""
    assert literal(text) == Literal(value)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a eq 25", 25),
        ("a eq 0", 0),
        ("a eq -1", -1),
        ("a eq 1.5", 1.5),
        ("a eq 1e3", 1000.0),
        ("a gt -2.5E-1", -0.25),
    ],
)
def test_numbers_are_json_numbers(text: str, value: float) -> None:
    """Numbers have digits, a sign, a fraction, an exponent, and a type (defect 5)."""
    found = literal(text).value

    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a eq true", True),
        ("a eq True", True),
        ("a eq TRUE", True),
        ("a eq false", False),
        ("a eq False", False),
        ("a eq null", None),
        ("(a eq NULL)", None),
        ("e[p eq true]", True),
    ],
)
def test_words_have_a_type(text: str, value: bool | None) -> None:
    """true, false and null are no text, in any case (defects 6 and 15)."""
    values = []
    node = filter_grammar.parse(text)
    while not isinstance(node, ast.AttrExpr):
        node = node.expr
    values.append(node.comp_value.value.value)

    assert values == [value]


@pytest.mark.parametrize(
    "name",
    [
        *("nullable", "trueName", "falseFlag", "nothing", "android", "order"),
        *("prefix", "equal", "lt1", "$ref", "not-a", "eq_1", "null", "true"),
    ],
)
def test_keywords_are_whole_words(name: str) -> None:
    """A name may begin like a keyword (defect 7)."""
    assert read(f'{name} eq "x"') == f"{name} eq 'x'"


@pytest.mark.parametrize(
    ("text", "literal_text"),
    [
        ("externalId eq jyoung", "jyoung"),
        ("userName sw O", "O"),
        ("emails.Value co example.com", "example.com"),
        (
            "meta.Created gt 2015-10-10T14:38:21.8617979-07:00",
            "2015-10-10T14:38:21.8617979-07:00",
        ),
        ("employeeNumber eq 0701", "0701"),
        (
            "id eq 7d420df3-9995-4831-a406-ecf8166f5f6a",
            "7d420df3-9995-4831-a406-ecf8166f5f6a",
        ),
        ("userName eq kim.doe@example.com", "kim.doe@example.com"),
        ("title eq nullable", "nullable"),
        ("title eq order", "order"),
    ],
)
def test_a_literal_without_quotes_is_text(text: str, literal_text: str) -> None:
    """Microsoft's samples leave the quotes out (T3, conformance README)."""
    assert literal(text) == Literal(literal_text, literal_text)


def test_a_number_without_quotes_keeps_its_text() -> None:
    """``employeeNumber eq 701984`` can still mean text."""
    assert literal("a eq 701984") == Literal(701984, "701984")
    assert literal("a eq TRUE") == Literal(True, "TRUE")


def test_a_literal_without_quotes_ends_at_a_bracket() -> None:
    """Brackets are never swallowed (Microsoft's collection writes it so)."""
    text = "a eq Employee and (e.Value co example.com or e[t eq work])"

    assert read(text) == (
        "(a eq 'Employee' and (e.Value co 'example.com' or e[t eq 'work']))"
    )


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ('a Eq "x"', "a eq 'x'"),
        ('a EQ "x" AND b Pr', "(a eq 'x' and b pr)"),
        ('a nE "x" oR nOt (b pR)', "(a ne 'x' or not b pr)"),
    ],
)
def test_operators_are_read_in_any_case(text: str, tree: str) -> None:
    """PingFederate writes ``Eq`` (T72)."""
    assert read(text) == tree


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("urn:x:core:2.0:User:userName pr", "urn:x:core:2.0:User:userName pr"),
        ("urn:x:core:2.0:User:name.givenName pr",) * 2,
        ("URN:X:Core:2.0:User:userName pr", "URN:X:Core:2.0:User:userName pr"),
        ("urn:a/b:My%20App:1.0:User:x pr", "urn:a/b:My%20App:1.0:User:x pr"),
        ("emails.$ref pr", "emails.$ref pr"),
        ('emails[type eq "work"].value pr', "emails.value[type eq 'work'] pr"),
        ("a\t pr", "a pr"),
    ],
)
def test_paths_are_read_whole(text: str, tree: str) -> None:
    """URNs contain dots and digits, names a dollar sign (quirk 11)."""
    assert read(text) == tree


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "a", "a eq", "eq", 'a eq "x', 'a eq "x"y"', 'a eq "x" b pr'),
        *("a pr pr", "(a pr", "a pr)", "e[a pr", "e]", "a pr and", "and a pr", "not"),
        *("a eq and", "a eq or b pr", "a xx 1", '"a" eq "b"', "a eq (1)", "a eq [1]"),
        *("1 eq 1", "a.b.c pr", "a..b pr", "e.x[a pr].y pr", "a pr or or b pr"),
        *("a; drop", "a = 1", "a eq Kim Doe", "a eq 'x'", "é pr", "a pr\u00a0"),
        *("()", "e[]", "a[b]", "."),
    ],
)
def test_what_is_no_filter_is_refused(text: str) -> None:
    """Bad syntax is 400 invalidFilter, whatever it is."""
    with pytest.raises(InvalidFilter):
        filter_grammar.parse(text)


@pytest.mark.parametrize("text", ['a eq "x"\n', "a pr\r\n", "\na pr", "a\npr"])
def test_a_line_end_is_a_syntax_error(text: str) -> None:
    """A line end is refused; the package lets a ValueError out."""
    with pytest.raises(InvalidFilter, match="cannot be read from character"):
        filter_grammar.parse(text)


@pytest.mark.parametrize(
    "text",
    [
        *(r'a eq "\x"', r'a eq "\u12"', 'a eq "tab\there"', 'a eq "nul\x00"'),
        *(r'a eq "\u0000"', r'a eq "\ud800"', f'a eq "{SURROGATE}"'),
        *(f"a eq {SURROGATE}", "a eq \x00"),
    ],
)
def test_a_string_that_is_no_text_is_refused(text: str) -> None:
    """No control characters, no lone surrogates, no NUL: no value has them."""
    with pytest.raises(InvalidFilter):
        filter_grammar.parse(text)


@pytest.mark.parametrize("number", ["1e999", "9" * 41, "01", "1.", ".5", "+1", "0x1"])
def test_what_is_no_json_number_is_text(number: str) -> None:
    """A number that JSON does not have, or no machine, is a word."""
    assert literal(f"a eq {number}") == Literal(number, number)


def test_a_single_quote_is_explained() -> None:
    """The likely mistake of a script gets the right hint."""
    with pytest.raises(InvalidFilter, match="double quotes"):
        filter_grammar.parse("userName eq 'kim'")


def test_the_place_of_a_mistake_is_named() -> None:
    """The message says where, and shows what stands there."""
    with pytest.raises(InvalidFilter, match=r'character 10 on, "== '):
        filter_grammar.parse('userName == "kim"')


def test_a_long_filter_is_refused_before_it_is_read() -> None:
    """4,096 characters are enough for any userName; the message names the cap."""
    longest = f'a eq "{"x" * 4089}"'
    assert len(longest) == 4096
    assert literal(longest).value == "x" * 4089

    with pytest.raises(InvalidFilter, match="4096"):
        filter_grammar.parse(f"{longest} ")


@pytest.mark.parametrize("opening", ["(", "not (", "not "])
def test_deep_filters_are_refused(opening: str) -> None:
    """Thirty levels are read, one more is refused by name (defect 14)."""
    closing = ")" if "(" in opening else ""
    assert read(f"{opening * 30}a pr{closing * 30}").endswith("a pr")

    with pytest.raises(InvalidFilter, match="30 levels"):
        filter_grammar.parse(f"{opening * 31}a pr{closing * 31}")


def test_the_depth_is_that_of_one_term() -> None:
    """Each term of a long filter may be negated."""
    text = " and ".join("not (not a pr)" for _ in range(40))

    assert read(text).count("not not a pr") == 40


def test_negations_add_up_through_brackets() -> None:
    """``not not (`` again and again cannot nest deeper than the cap."""
    with pytest.raises(InvalidFilter, match="30 levels"):
        filter_grammar.parse(f"{'not not (a pr or ' * 16}a pr{')' * 16}")


def test_many_terms_are_too_many() -> None:
    """Fifty terms are read, one more is tooMany (defect 10: 27 were an IndexError)."""
    fifty = " or ".join(f'a eq "{number}"' for number in range(50))
    assert read(fifty).count(" eq ") == 50

    with pytest.raises(TooMany, match="50 terms"):
        filter_grammar.parse(f"{fifty} or a pr")


def test_the_package_is_the_version_that_was_repaired() -> None:
    """The repair rides on the insides of one version."""
    from importlib.metadata import version  # noqa: PLC0415

    assert version("scim2-filter-parser") == "0.7.0"


@given(st.text(alphabet='aeqnotrpd .()[]"\\u0{}:-$%', max_size=40))
@settings(max_examples=200, deadline=None)
@example('a eq "\\ud83d"')
@example("(" * 4000)
@example("not " * 1000)
@example('"' * 4000)
@example("[" * 31 + "]" * 31)
def test_nothing_but_a_refusal_escapes(text: str) -> None:
    """Any text is a filter, or is refused as one."""
    try:
        tree = filter_grammar.parse(text)
    except (InvalidFilter, TooMany):
        return
    assert isinstance(tree, ast.Filter)
