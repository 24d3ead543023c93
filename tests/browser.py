"""A browser without a screen: it keeps cookies, follows redirects and fills in forms."""

from __future__ import annotations

import http.client
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from html import unescape
from urllib.parse import SplitResult, urlencode, urljoin, urlsplit

_MOST_REDIRECTS = 12
_INPUT = re.compile(r"<input\b[^>]*>")
_ATTRIBUTE = re.compile(r'(\w[\w-]*)="([^"]*)"')


@dataclass(frozen=True, slots=True)
class Page:
    """What came back at last: where from, the status, headers and the text."""

    url: str
    status: int
    headers: http.client.HTTPMessage
    text: str

    @property
    def path(self) -> str:
        """The path of where the browser is now."""
        return urlsplit(self.url).path

    @property
    def words(self) -> str:
        """The text as a person reads it, without tags and line ends."""
        plain = re.sub(r"<(style|script|svg)\b.*?</\1>|<[^>]+>", " ", self.text)
        return " ".join(unescape(plain).split())

    @property
    def fields(self) -> dict[str, str]:
        """The named inputs of the page and what they hold."""
        inputs = [dict(_ATTRIBUTE.findall(tag)) for tag in _INPUT.findall(self.text)]
        return {
            each["name"]: unescape(each.get("value", ""))
            for each in inputs
            if "name" in each
        }


@dataclass
class Browser:
    """One browser of one person."""

    network: str | None = None
    jar: dict[str, dict[str, str]] = field(default_factory=dict)
    history: list[str] = field(default_factory=list)

    def get(self, url: str, *, follow: bool = True) -> Page:
        """Open an address."""
        return self._go("GET", url, None, follow=follow)

    def post(
        self,
        url: str,
        fields: Mapping[str, str | list[str]],
        *,
        origin: str | None = "",
        follow: bool = True,
    ) -> Page:
        """Send a form from a page of the same host, or as *origin* says."""
        return self._go("POST", url, fields, origin=origin, follow=follow)

    def upload(
        self, url: str, fields: Mapping[str, str], files: Mapping[str, bytes]
    ) -> Page:
        """Send a form with files, as ``multipart/form-data``."""
        edge = "edge-of-the-parts"
        parts = [(f'name="{name}"', text.encode()) for name, text in fields.items()]
        parts += [(f'name="{n}"; filename="{n}.csv"', b) for n, b in files.items()]
        body = b"".join(
            f"--{edge}\r\nContent-Disposition: form-data; {said}\r\n\r\n".encode()
            + content
            + b"\r\n"
            for said, content in parts
        )
        whole = body + f"--{edge}--\r\n".encode()
        kind = f"multipart/form-data; boundary={edge}"
        self.history.append(url)
        return self._ask("POST", url, whole, "", kind)

    def fill(self, page: Page, action: str, **fields: str) -> Page:
        """Fill in the form of *page* and press its button."""
        return self.post(urljoin(page.url, action), {**page.fields, **fields})

    def cookie(self, url: str, name: str) -> str | None:
        """What the browser keeps for the host of *url* under *name*."""
        return self.jar.get(urlsplit(url).netloc, {}).get(name)

    def _go(
        self,
        method: str,
        url: str,
        fields: Mapping[str, str | list[str]] | None,
        *,
        origin: str | None = None,
        follow: bool,
    ) -> Page:
        for _ in range(_MOST_REDIRECTS):
            self.history.append(url)
            page = self._ask(method, url, fields, origin)
            location = page.headers.get("Location")
            if not follow or location is None:
                return page
            url, method, fields = urljoin(url, location), "GET", None
        raise AssertionError(f"too many redirects: {self.history[-_MOST_REDIRECTS:]}")

    def _ask(
        self,
        method: str,
        url: str,
        fields: Mapping[str, str | list[str]] | bytes | None,
        origin: str | None,
        kind: str = "application/x-www-form-urlencoded",
    ) -> Page:
        place = urlsplit(url)
        client = self._connection(place)
        target = place.path or "/"
        target += f"?{place.query}" if place.query else ""
        is_form = fields is not None and not isinstance(fields, bytes)
        body = urlencode(fields, doseq=True) if is_form else fields
        try:
            client.request(method, target, body, self._headers(place, origin, kind))
            answer = client.getresponse()
            text = answer.read().decode("utf-8", "replace")
            text = text.replace("<wbr>", "")  # only says where a line may break
        finally:
            client.close()
        self._keep(place.netloc, answer.headers.get_all("Set-Cookie") or [])
        return Page(url, answer.status, answer.headers, text)

    def _connection(self, place: SplitResult) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(str(place.hostname), place.port, timeout=30)

    def _headers(
        self, place: SplitResult, origin: str | None, kind: str
    ) -> dict[str, str]:
        held = self.jar.get(place.netloc, {})
        headers = {"User-Agent": "Firefox of the tests"}
        if held:
            headers["Cookie"] = "; ".join(f"{k}={v}" for k, v in held.items())
        if origin is not None:
            headers["Origin"] = origin or f"{place.scheme}://{place.netloc}"
            headers["Content-Type"] = kind
        if self.network is not None:
            headers["X-Forwarded-For"] = self.network
        return headers

    def _keep(self, place: str, lines: list[str]) -> None:
        for line in lines:
            name, _, rest = line.partition("=")
            value, _, attributes = rest.partition(";")
            held = self.jar.setdefault(place, {})
            if "Max-Age=0" in attributes:
                held.pop(name, None)
            else:
                held[name] = value
