"""Who has failed too often waits: by account and network, by network, by account.

Nobody can lock an account from outside: a browser that has signed in to it before, or
has opened a mailed link of it, carries a signed mark and is counted by that alone.  The
mark dies with the password, so that only who knew the present one has a mark.  Codes of
a second factor are counted apart, because only who knows the password can try them.  No
count is kept for everybody together.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from hashlib import sha256
from ipaddress import IPv6Address, ip_address, ip_network
from typing import TYPE_CHECKING, Final

from scim_connector.directory import sign_in_failures

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from scim_connector.directory.database import Reader, Transaction

MINUTE: Final = 60 * 1_000_000
YEAR: Final = 365 * 24 * 60 * MINUTE
PAIR, NETWORK, ACCOUNT = "pair", "network", "account"
BROWSER, CODE, OWNER = "browser", "code", "owner"
ANSWER: Final = "answer"
#: So many answers that prove nothing are written down of one network.
ANSWERS: Final = 50
_SHARED_BITS: Final = 64


@dataclass(frozen=True, slots=True)
class Limit:
    """So many failures of one kind within so many microseconds."""

    kind: str
    most: int
    per: int


LIMITS: Final = (
    Limit(PAIR, 5, 15 * MINUTE),
    Limit(NETWORK, 50, 15 * MINUTE),
    Limit(ACCOUNT, 100, 60 * MINUTE),
    Limit(BROWSER, 5, 15 * MINUTE),
    Limit(CODE, 5, 15 * MINUTE),
    Limit(OWNER, 5, 15 * MINUTE),
    Limit(ANSWER, ANSWERS, 15 * MINUTE),
)
#: What a success forgets.
_OF_ONE: Final = (PAIR, BROWSER, CODE, OWNER)


class MustWait(Exception):
    """Too many failures; ``retry_after`` in seconds."""

    def __init__(self, retry_after: int) -> None:
        """Say how long."""
        minutes = -(-retry_after // 60)
        plural = "" if minutes == 1 else "s"
        super().__init__(f"Too many tries; wait {minutes} minute{plural}.")
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True)
class Attempt:
    """Something that is tried, and the text it is counted by under each kind."""

    texts: Mapping[str, str]

    def keys(self) -> dict[str, str]:
        """What is counted under each kind, as hashes: it is typed by strangers."""
        return {
            kind: sha256(f"{kind}\n{text}".encode("utf-8", "replace")).hexdigest()
            for kind, text in self.texts.items()
        }


def by_stranger(account: str, network: str) -> Attempt:
    """A password that is tried from a browser nobody knows."""
    pair = f"{account}\n{network}"
    return Attempt({PAIR: pair, NETWORK: network, ACCOUNT: account})


def by_known(account: str, carried: str) -> Attempt:
    """A password that is tried from a browser with a good mark of the account."""
    return Attempt({BROWSER: f"{account}\n{carried}"})


def of_code(user_id: int) -> Attempt:
    """A code of a second factor, from wherever: its ticket took the password."""
    return Attempt({CODE: str(user_id)})


def of_owner(user_id: int) -> Attempt:
    """A present password, asked of somebody who is signed in."""
    return Attempt({OWNER: str(user_id)})


def of_answer(network: str) -> Attempt:
    """An answer of a provider that proves nothing, brought from a network.

    Nobody is refused for these: they are only written down no more.
    """
    return Attempt({ANSWER: network})


def wait(reader: Reader, attempt: Attempt, now: int) -> int:
    """Seconds until an attempt may be made; 0 for now."""
    keys, longest = attempt.keys(), 0
    for limit in LIMITS:
        if limit.kind not in keys:
            continue
        since, count = sign_in_failures.counted(reader, limit.kind, keys[limit.kind])
        if count >= limit.most and now - since < limit.per:
            left = (since + limit.per - now) // 1_000_000 + 1
            longest = max(longest, left)
    return longest


def refuse_too_many(reader: Reader, attempt: Attempt, now: int) -> None:
    """Raise MustWait for an attempt that may not be made now."""
    seconds = wait(reader, attempt, now)
    if seconds:
        raise MustWait(seconds)


def failed(tx: Transaction, attempt: Attempt, now: int) -> None:
    """Count a failure."""
    keys = attempt.keys()
    rows = [
        (each.kind, keys[each.kind], each.per) for each in LIMITS if each.kind in keys
    ]
    sign_in_failures.count(tx, rows, now=now)


def succeeded(tx: Transaction, attempt: Attempt, _: int) -> None:
    """Forget the failures of this account from this network, or browser."""
    for kind, key in attempt.keys().items():
        if kind in _OF_ONE:
            sign_in_failures.clear(tx, kind, key)


def network_of(address: str) -> str:
    """What counts as one network: an IPv4 address, 64 bits of an IPv6 address."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address[:45]
    if isinstance(parsed, IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return str(ip_network((parsed, _SHARED_BITS), strict=False))
    return str(parsed)


# ------------------------------------------------------------- browsers that are known


def mark(account: str, key: bytes, now: int) -> str:
    """The mark of a browser of whom an account is; good for a year."""
    until = str(now + YEAR)
    return f"{until}.{_sign(account, until, key)}"


def is_marked(text: str, account: str, keys: Sequence[bytes], now: int) -> bool:
    """Whether a browser carries a good mark of this account."""
    until, _, signature = text.partition(".")
    if not (until.isascii() and until.isdigit()) or int(until[:20]) <= now:
        return False
    good = [
        hmac.compare_digest(
            _sign(account, until, key).encode(), signature.encode("utf-8", "replace")
        )
        for key in keys
    ]
    return any(good)


def _sign(account: str, until: str, key: bytes) -> str:
    return hmac.new(key, f"{until}\n{account}".encode(), sha256).hexdigest()
