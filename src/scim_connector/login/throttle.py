"""Who has failed too often waits: by account and network, by network, by account.

Nobody can lock an account from outside: the count of the account alone does not hold
for a browser that has signed in to it before, which carries a signed mark.  No count is
kept for everybody together.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from hashlib import sha256
from ipaddress import IPv6Address, ip_address, ip_network
from typing import TYPE_CHECKING, Final

from scim_connector.directory import sign_in_failures

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scim_connector.directory.database import Reader, Transaction

MINUTE: Final = 60 * 1_000_000
YEAR: Final = 365 * 24 * 60 * MINUTE
PAIR, NETWORK, ACCOUNT = "pair", "network", "account"
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
)


@dataclass(frozen=True, slots=True)
class Attempt:
    """A password sign-in that is tried: for which name, from where, by whom known."""

    account: str
    network: str
    known_browser: bool = False

    def keys(self) -> dict[str, str]:
        """What is counted under each kind, as hashes: it is typed by strangers."""
        texts = {
            PAIR: f"{self.account}\n{self.network}",
            NETWORK: self.network,
            ACCOUNT: self.account,
        }
        return {
            kind: sha256(f"{kind}\n{text}".encode("utf-8", "replace")).hexdigest()
            for kind, text in texts.items()
        }


def wait(reader: Reader, attempt: Attempt, now: int) -> int:
    """Seconds until an attempt may be made; 0 for now."""
    keys, longest = attempt.keys(), 0
    for limit in LIMITS:
        if limit.kind == ACCOUNT and attempt.known_browser:
            continue
        since, count = sign_in_failures.counted(reader, limit.kind, keys[limit.kind])
        if count >= limit.most and now - since < limit.per:
            left = (since + limit.per - now) // 1_000_000 + 1
            longest = max(longest, left)
    return longest


def failed(tx: Transaction, attempt: Attempt, now: int) -> None:
    """Count a failure."""
    keys = attempt.keys()
    rows = [(limit.kind, keys[limit.kind], limit.per) for limit in LIMITS]
    sign_in_failures.count(tx, rows, now=now)


def succeeded(tx: Transaction, attempt: Attempt) -> None:
    """Forget the failures of this account from this network."""
    sign_in_failures.clear(tx, PAIR, attempt.keys()[PAIR])


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
    """The mark of a browser that has signed in to an account; good for a year."""
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
