"""The shipped mappings, and what a file that is wrong is told."""

from __future__ import annotations

import pytest

from scim_connector.administration import shipped
from scim_connector.mapping import language, samples
from scim_connector.mapping.errors import MappingError
from scim_connector.mapping.expressions import compile_expression
from scim_connector.mapping.functions import FUNCTIONS
from scim_connector.mapping.values import as_text
from scim_connector.scim.schemas import USER

KINDS = ("entra", "okta", "generic")
FIELDS = """
[fields.username]
candidates = ['CleanUsername([userName])']
[fields.initials]
candidates = ['Initials([displayName])']
"""


@pytest.mark.parametrize("kind", KINDS)
def test_a_shipped_mapping_passes_its_tests(kind: str) -> None:
    """Every shipped file has at least ten tests, and keeps them."""
    results = samples.run(language.load(shipped.text(kind), f"{kind}.toml"))

    assert len(results) >= 10
    assert [r for r in results if r.faults] == []


def test_a_wrong_expectation_is_found() -> None:
    """A test of a mapping that is wrong says what came instead."""
    text = f"""version = 1
{FIELDS}
[[tests]]
name = "wrong"
user = {{ userName = "kim.doe@x.example" }}
expect = {{ username = "somebody" }}
"""
    (result,) = samples.run(language.load(text, "m.toml"))

    assert result.faults == ("username: expected 'somebody', got 'kim.doe@x.example'",)


@pytest.mark.parametrize(
    "name", [n for n, f in FUNCTIONS.items() if " = " in f.example]
)
def test_the_example_of_a_function_is_true(name: str) -> None:
    """What the documentation promises of a function is what it does."""
    expression, _, result = FUNCTIONS[name].example.partition(" = ")

    assert as_text(compile_expression(expression, USER).evaluate({})) == result


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("version = 2", "m.toml:1:1: write: version = 1"),
        ("verson = 1", 'm.toml:1:1: unknown word "verson"; did you mean "version"?'),
        ("version = 1\nx = = 2", "m.toml:2:5: Invalid value"),
        (
            f"version = 1\nprovider = 'entr'\n{FIELDS}",
            'm.toml:2:13: unknown provider "entr"; did you mean "entra"?',
        ),
        (
            FIELDS.replace("Clean", "Claen", 1),
            'unknown function "ClaenUsername"; did you mean "CleanUsername"?',
        ),
        (FIELDS.replace("[userName]", "[usrName]"), "Did you mean userName?"),
        (FIELDS.replace("[userName])", "[userName]"), "expected , or )"),
        (FIELDS.replace("([userName])", ""), "expected ("),
        (FIELDS.replace("[userName]", '"x'), 'a text has no closing "'),
        (FIELDS.replace("[userName]", "[userName"), "a path has no closing ]"),
        (FIELDS.replace("[userName]", "?"), "cannot read '?' here"),
        (
            FIELDS.replace("[userName]", "[userName], [title]"),
            "CleanUsername(text) cannot take 2 values",
        ),
        (
            FIELDS.replace("'Clean", "'" + "Trim(" * 21 + "Clean"),
            "nested more than 20 deep",
        ),
        (
            FIELDS.replace("[userName]", f'"{"x" * 2000}"'),
            "characters, at most 2000",
        ),
        (
            FIELDS + "\n[fields.initals]\nvalue = '1'",
            'unknown word "initals" in [fields]; did you mean "initials"?',
        ),
        (
            FIELDS + "\n[[attribute]]\nurn = 'urn:x:y'\nname = 'a'\ntype = 'text'",
            'unknown type "text"',
        ),
        (
            FIELDS + "\n[fields.type]\nvalue = '\"teecher\"'",
            'did you mean "teacher"?',
        ),
        ("[fields]\nusername = 3", "username must be a table"),
        (FIELDS + "\n[roles]\nunknown = 'maybe'", 'unknown unknown "maybe"'),
    ],
)
def test_a_mistake_is_told_with_its_place(text: str, told: str) -> None:
    """File, line, column, what is wrong, and what was probably meant."""
    whole = text if text.startswith("ver") else f"version = 1\n{text}"

    with pytest.raises(MappingError) as error:
        language.load(whole, "m.toml")

    assert told in str(error.value)
    assert str(error.value).startswith("m.toml")


def test_a_declared_attribute_is_read() -> None:
    """An [[attribute]] is published and usable as a [path] (D17)."""
    urn = "urn:ietf:params:scim:schemas:extension:College:2.0:User"
    text = f"""version = 1
{FIELDS.replace("[displayName]", f"[{urn}:campus]")}
[[attribute]]
urn = "{urn}"
name = "campus"
[[tests]]
name = "campus"
user = {{ userName = "kim.doe@x.example", "{urn}" = {{ campus = "Old Town" }} }}
expect = {{ initials = "OT" }}
"""
    mapping = language.load(text, "m.toml")

    assert samples.run(mapping)[0].faults == ()
    assert mapping.resource_type.find(urn, "campus") is not None
