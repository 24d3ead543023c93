"""The functions of the mapping language, each a value that the documentation lists.

The names are those of Entra's expression builder where it has them.  None of them loops,
calls back or matches patterns, so an expression always ends, and soon.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from scim_connector.mapping import names
from scim_connector.mapping.values import Value, as_list, as_text, as_truth

Body = Callable[..., Value]
ANY_NUMBER: Final = 64


@dataclass(frozen=True, slots=True)
class Function:
    """One function: how it is written, what it does, an example, and its body."""

    name: str
    parameters: str
    sentence: str
    example: str
    fewest: int
    most: int
    body: Body

    @property
    def signature(self) -> str:
        """``Left(text, count)``."""
        return f"{self.name}({self.parameters})"


def _count(value: Value) -> int:
    text = as_text(value).strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 6 else 0  # noqa: PLR2004


def _coalesce(*values: Value) -> Value:
    return next((value for value in values if as_text(value)), None)


def _join(separator: Value, *values: Value) -> Value:
    parts = [part for value in values for part in as_list(value)]
    return as_text(separator).join(parts)


def _mid(text: Value, start: Value, count: Value) -> Value:
    begin = max(_count(start) - 1, 0)
    return as_text(text)[begin : begin + _count(count)]


def _right(text: Value, count: Value) -> Value:
    number = _count(count)
    return as_text(text)[-number:] if number else ""


def _switch(source: Value, default: Value, *pairs: Value) -> Value:
    wanted = as_text(source)
    for key, value in zip(pairs[::2], pairs[1::2], strict=False):
        if as_text(key) == wanted:
            return value
    return default


def _iif(condition: Value, yes: Value, no: Value) -> Value:
    return yes if as_truth(condition) else no


def _equals(left: Value, right: Value) -> Value:
    return as_text(left).casefold() == as_text(right).casefold()


def _contains(where: Value, what: Value) -> Value:
    needle = as_text(what).casefold()
    return any(needle in part.casefold() for part in as_list(where))


def _before(text: Value, mark: Value) -> Value:
    return as_text(text).partition(as_text(mark) or "\0")[0]


def _after(text: Value, mark: Value) -> Value:
    return as_text(text).partition(as_text(mark) or "\0")[2]


def _keep_only(text: Value, allowed: Value) -> Value:
    kept = set(as_text(allowed))
    return "".join(c for c in as_text(text) if c in kept)


def _replace(text: Value, what: Value, by: Value) -> Value:
    needle = as_text(what)
    return as_text(text).replace(needle, as_text(by)) if needle else as_text(text)


def _item(values: Value, place: Value) -> Value:
    listed, number = as_list(values), _count(place)
    return listed[number - 1] if 0 < number <= len(listed) else None


def _initials(
    given: Value, family: Value = None, of_given: Value = "1", of_family: Value = "1"
) -> Value:
    first, last = as_text(given), as_text(family)
    if not last:
        return names.initials_of_one(first)
    count = None if as_text(of_given) == "words" else _count(of_given)
    return names.initials_of(first, last, count, _count(of_family))


def _each(change: Callable[[str], str]) -> Body:
    """A function of one text."""
    return lambda value: change(as_text(value))


FUNCTIONS: Final[Mapping[str, Function]] = {
    function.name: function
    for function in (
        Function(
            "After",
            "text, mark",
            "The part behind the first mark; nothing when there is no mark.",
            'After("kim@contoso.com", "@") = contoso.com',
            2,
            2,
            _after,
        ),
        Function(
            "And",
            "condition, ...",
            "True when every condition is.",
            'And(IsPresent([title]), Equals([title], "Dean"))',
            1,
            ANY_NUMBER,
            lambda *values: all(as_truth(v) for v in values),
        ),
        Function(
            "Append",
            "text, suffix",
            "The text with the suffix behind it.",
            'Append("kim", ".x") = kim.x',
            2,
            2,
            lambda text, suffix: as_text(text) + as_text(suffix),
        ),
        Function(
            "Before",
            "text, mark",
            "The part before the first mark; the whole text when there is none.",
            'Before("kim@contoso.com", "@") = kim',
            2,
            2,
            _before,
        ),
        Function(
            "CleanUsername",
            "text",
            "The text as a username may look: ASCII, lower case, only letters, digits"
            " and @ . _ -, a letter first; a guest's own address for #EXT# names.",
            'CleanUsername("O\'Neil Ánne") = oneilanne',
            1,
            1,
            _each(names.clean_username),
        ),
        Function(
            "Coalesce",
            "value, ...",
            "The first value that is not empty.",
            'Coalesce("", "b") = b',
            1,
            ANY_NUMBER,
            _coalesce,
        ),
        Function(
            "Contains",
            "where, what",
            "True when the text, or one text of the list, holds the other; any case.",
            'Contains("Registrar", "reg") = True',
            2,
            2,
            _contains,
        ),
        Function(
            "EndsWith",
            "text, end",
            "True when the text ends so, in any case.",
            'EndsWith("kim@contoso.com", ".COM") = True',
            2,
            2,
            lambda t, e: as_text(t).casefold().endswith(as_text(e).casefold()),
        ),
        Function(
            "Equals",
            "left, right",
            "True when both are the same text, in any case.",
            'Equals("Teacher", "teacher") = True',
            2,
            2,
            _equals,
        ),
        Function(
            "IIF",
            "condition, yes, no",
            "One of two values.",
            'IIF(IsPresent(""), "a", "b") = b',
            3,
            3,
            _iif,
        ),
        Function(
            "Initials",
            "given, family, of_given, of_family",
            'Initials in capitals: so many letters of the given name (or "words": the'
            " first of each word), then of the family name. With one name in one piece:"
            " of its first and last word.",
            'Initials("Anne-Marie", "O\'Connor", "words", 1) = AMO',
            1,
            4,
            _initials,
        ),
        Function(
            "IsPresent",
            "value",
            "True when there is a value.",
            'IsPresent("a") = True',
            1,
            1,
            lambda value: bool(as_text(value)),
        ),
        Function(
            "Item",
            "list, place",
            "One text of a list, counted from 1.",
            "Item([roles.value], 1)",
            2,
            2,
            _item,
        ),
        Function(
            "Join",
            "separator, value, ...",
            "The values that are not empty, with the separator between them.",
            'Join(".", "kim", "", "doe") = kim.doe',
            2,
            ANY_NUMBER,
            _join,
        ),
        Function(
            "KeepOnly",
            "text, characters",
            "The text without every character that is not listed.",
            'KeepOnly("a-1-b", "ab") = ab',
            2,
            2,
            _keep_only,
        ),
        Function(
            "Left",
            "text, count",
            "The first characters.",
            'Left("Registrar", 3) = Reg',
            2,
            2,
            lambda text, count: as_text(text)[: _count(count)],
        ),
        Function(
            "Mid",
            "text, start, count",
            "Characters from a place on, counted from 1.",
            'Mid("Registrar", 2, 3) = egi',
            3,
            3,
            _mid,
        ),
        Function(
            "NormalizeDiacritics",
            "text",
            "The text without accents, in its own script.",
            'NormalizeDiacritics("Ánne") = Anne',
            1,
            1,
            _each(names.without_diacritics),
        ),
        Function(
            "Not",
            "condition",
            "True when the condition is not.",
            'Not(Equals("a", "b")) = True',
            1,
            1,
            lambda value: not as_truth(value),
        ),
        Function(
            "Or",
            "condition, ...",
            "True when one condition is.",
            'Or(IsPresent(""), IsPresent("a")) = True',
            1,
            ANY_NUMBER,
            lambda *values: any(as_truth(v) for v in values),
        ),
        Function(
            "Replace",
            "text, what, by",
            "The text with every occurrence replaced; no patterns.",
            'Replace("a b", " ", "_") = a_b',
            3,
            3,
            _replace,
        ),
        Function(
            "Right",
            "text, count",
            "The last characters.",
            'Right("Registrar", 3) = rar',
            2,
            2,
            _right,
        ),
        Function(
            "StartsWith",
            "text, start",
            "True when the text begins so, in any case.",
            'StartsWith("Kim", "k") = True',
            2,
            2,
            lambda t, s: as_text(t).casefold().startswith(as_text(s).casefold()),
        ),
        Function(
            "StripSpaces",
            "text",
            "The text without any white space.",
            'StripSpaces(" a b ") = ab',
            1,
            1,
            _each(lambda text: "".join(text.split())),
        ),
        Function(
            "Switch",
            "source, default, key, value, ...",
            "The value behind the key that equals the source, else the default.",
            'Switch("b", "none", "a", "1", "b", "2") = 2',
            2,
            ANY_NUMBER,
            _switch,
        ),
        Function(
            "ToLower",
            "text",
            "The text in lower case.",
            'ToLower("KIM") = kim',
            1,
            1,
            _each(str.lower),
        ),
        Function(
            "ToUpper",
            "text",
            "The text in capitals.",
            'ToUpper("kim") = KIM',
            1,
            1,
            _each(str.upper),
        ),
        Function(
            "Transliterate",
            "text",
            "The text in plain ASCII, whatever its script.",
            'Transliterate("Иванов") = Ivanov',
            1,
            1,
            _each(names.ascii_text),
        ),
        Function(
            "Trim",
            "text",
            "The text without white space at its ends.",
            'Trim(" kim ") = kim',
            1,
            1,
            _each(str.strip),
        ),
    )
}
