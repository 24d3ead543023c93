"""The JSON gate: T16 to T21 of the threat list, and nothing but SCIM errors."""

from __future__ import annotations

import contextlib
import json
import time

import orjson
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from scim_connector.scim import gate
from scim_connector.scim.errors import InvalidSyntax

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S", "Zs"))),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text("abcdef", max_size=3), inner, max_size=4)
    ),
    max_leaves=20,
)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b'{"a": 1} x', "not JSON"),
        (b"{'a': 1}", "not JSON"),
        (b'{"a": 1,}', "not JSON"),
        (b'{"a": 01}', "not JSON"),
        (b"// no\n{}", "not JSON"),
        (b'{"a": NaN}', "NaN"),
        (b'{"a": -Infinity}', "Infinity"),
        (b'{"a": 1e400}', "too large"),
        (b'{"a": 9223372036854775808}', "64 bits"),
        (b'{"a": ' + b"9" * 100_000 + b"}", "64 bits"),
        (b'{"a": 1, "a": 2}', "twice"),
        (b'{"a": {"userName": 1, "USERNAME": 2}}', "twice"),
        (b"\xef\xbb\xbf{}", "byte order mark"),
        (b'{"a": "\xff"}', "UTF-8"),
        ('{"a": 1}'.encode("utf-16"), "UTF-8"),
        (b'{"a": "\xed\xa0\x80"}', "UTF-8"),
        (b'{"a": "\\ud800"}', "U+D800"),
        (b'{"a": "\\udc00\\ud800"}', "U+DC00"),
        (b'{"a": "\\u0000"}', "U+0000"),
        (b'{"a": "\\b"}', "U+0008"),
        (b'{"a": "\x07"}', "not JSON"),
        (b'{"a": "\\ufffe"}', "U+FFFE"),
        ('{"a": "\ufdd0"}'.encode(), "U+FDD0"),
        ('{"a": "\U0010ffff"}'.encode(), "U+10FFFF"),
        (b'{"\\u0001": 1}', "U+0001"),
    ],
)
def test_what_is_not_strict_json_is_refused_with_its_reason(body, reason):
    """Anything but strict JSON is 400 invalidSyntax and says why (T16 to T21)."""
    with pytest.raises(InvalidSyntax) as refused:
        gate.loads(body)

    assert reason in refused.value.detail
    assert refused.value.status == 400
    assert refused.value.scim_type == "invalidSyntax"


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b" {} ", {}),
        (b"[1, 2.5, -0, true, null]", [1, 2.5, 0, True, None]),
        (b'"a\\tb\\nc\\r"', "a\tb\nc\r"),
        (b'"\\ud83d\\ude00"', "\U0001f600"),
        ('"Zoë"'.encode(), "Zoë"),
        (b"-9223372036854775808", -(2**63)),
    ],
)
def test_strict_json_is_read_as_it_is(body, value):
    """Tab and line ends, pairs of surrogates and 64 bit integers are fine."""
    assert gate.loads(body) == value


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"[" * 21 + b"]" * 21,
        b'["' + b'\\"' * 400_000,
        b'"' * 500_001,
        b"[" + b"[]," * 100_000 + b"[" * 30,
    ],
)
def test_a_bomb_is_refused_quickly(body):
    """A nesting bomb, or a hostile run of quotes, is refused in linear time (T18)."""
    began = time.perf_counter()

    with pytest.raises(InvalidSyntax):
        gate.loads(body)

    assert time.perf_counter() - began < 2


def test_brackets_in_text_are_not_nesting():
    """Only structure counts as depth, not brackets inside a string."""
    body = json.dumps({"a": "[{" * 50, "b": "\\" * 3 + '"[[['}).encode()

    assert gate.loads(body)["a"] == "[{" * 50


def test_depth_twenty_is_the_limit():
    """Twenty levels pass and twenty-one do not."""
    assert gate.loads(b"[" * 20 + b"]" * 20)
    with pytest.raises(InvalidSyntax, match="20 levels"):
        gate.loads(b"[" * 21 + b"]" * 21)


@pytest.mark.parametrize("body", [b"[]", b'"text"', b"1", b"null"])
def test_a_body_must_be_an_object(body):
    """A message is one JSON object (RFC 7644 section 3.1)."""
    with pytest.raises(InvalidSyntax, match="JSON object"):
        gate.loads_object(body)


@settings(deadline=None, max_examples=200)
@given(st.binary(max_size=200))
@example(b'{"a":"\\u')
@example(b"-")
def test_no_bytes_cause_anything_but_a_scim_error(body):
    """Whatever the bytes are, the gate answers or refuses."""
    with contextlib.suppress(InvalidSyntax):
        assert gate.loads(body) == json.loads(body)


@settings(deadline=None, max_examples=200)
@given(JSON)
def test_lawful_json_passes_unchanged(value):
    """What a strict writer writes is read back equal."""
    assert gate.loads(orjson.dumps(value)) == value
