"""Pages by URL, for a service that must not be turned against its own network.

Every hop (the page, its robots.txt, each redirect) is checked the same way
before a connection is made: the form of the URL, the host against the operator's
list, and every address the name resolves to. The connection then goes to the
address that was checked, so a second answer of the name server changes nothing.
Sources: OWASP's cheat sheet on server-side request forgery; RFC 9309 for robots.txt.
"""

from __future__ import annotations

import ssl
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from time import monotonic as _now
from typing import Final
from urllib.parse import SplitResult, quote, urljoin, urlsplit, urlunsplit

import httpcore
import httpx
from protego import Protego

from models.errors import FetchFailed, FetchForbidden, NotAnArticle
from service.addresses import (
    IPAddress,
    IPNetwork,
    is_local_name,
    is_public,
    matches,
    normalise_pattern,
    parse_address,
    parse_host,
)
from service.connections import CheckedBackend, Resolver, resolve
from service.payloads import Payload, read_payload

USER_AGENT: Final = "inbrief/0.1 (article summaries; honours robots.txt)"
ROBOTS_AGENT: Final = "inbrief"
MAX_URL_CHARACTERS: Final = 2048
CONTENT_TYPES: Final = ("text/html", "text/plain")

_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
# RFC 9309, 2.5: at least 500 KiB are parsed; 2.4: kept for at most a day.
_ROBOTS_MAX_CHARACTERS: Final = 512 * 1024
_ROBOTS_SECONDS: Final = 3600.0
_ROBOTS_MAX_ENTRIES: Final = 1000
# RFC 3986's characters of a path and a query; what is escaped already stays as it is.
_SAFE_IN_URLS: Final = "/?%:@!$&'()*+,;=~-._"
_FORBIDDEN_IN_URLS: Final = frozenset(map(chr, (*range(0x21), 0x7F))) | {"\\"}


@dataclass(frozen=True, slots=True)
class FetchPolicy:
    """What may be fetched, and how much of it.

    `hosts` None lets every public host through; otherwise only those listed
    (`example.org` itself, `*.example.org` its subdomains). `timeout_seconds`
    bounds the whole fetch, redirects and robots.txt included; `max_bytes` the
    body, compressed and decompressed alike. `allowed_networks` are let through
    although they are not public: for tests against a server on loopback.
    """

    hosts: tuple[str, ...] | None = None
    ports: tuple[int, ...] = (80, 443)
    max_bytes: int = 5 * 2**20
    max_redirects: int = 5
    timeout_seconds: float = 10.0
    allowed_networks: tuple[IPNetwork, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class Page:
    """A fetched page: `url` after redirects, `content_type` one of CONTENT_TYPES, decoded text."""

    url: str
    content_type: str
    text: str


class Fetcher:
    """Fetches pages under a policy. Thread-safe; a fetch blocks its caller.

    `resolver` gives the addresses of a name, the system's by default; `tls` says
    whose certificates are believed, the well-known authorities' by default.
    """

    def __init__(
        self,
        policy: FetchPolicy,
        *,
        resolver: Resolver = resolve,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        hosts = policy.hosts and tuple(map(normalise_pattern, policy.hosts))
        self._policy = replace(policy, hosts=hosts)
        self._resolver = resolver
        self._robots = _RobotsCache()
        self._given_tls = tls

    @cached_property
    def _tls(self) -> ssl.SSLContext:  # takes 50 ms to make, and plain http needs none
        return self._given_tls or httpx.create_ssl_context()

    def fetch(self, url: str) -> Page:
        """The page at `url`.

        Raises:
            FetchForbidden: the URL, a redirect, an address or robots.txt does not allow it.
            FetchFailed: no answer in time, an error status, too large, or unreadable.
            NotAnArticle: an answer that is neither text/html nor text/plain.
        """
        deadline = _now() + self._policy.timeout_seconds
        final, payload = self._follow(
            url, deadline, self._policy.max_bytes, before=self._require_robots
        )
        if payload.status != 200:
            raise FetchFailed(f"The host answered {payload.status}.", field="url")
        if payload.content_type not in CONTENT_TYPES:
            raise NotAnArticle(
                f"The page is {payload.content_type or 'of no declared type'}; only "
                f"{' and '.join(CONTENT_TYPES)} are read.",
                field="url",
            )
        return Page(url=final, content_type=payload.content_type, text=payload.text())

    def _follow(
        self,
        url: str,
        deadline: float,
        max_bytes: int,
        before: Callable[[SplitResult, float], None] | None = None,
    ) -> tuple[str, Payload]:
        for _ in range(self._policy.max_redirects + 1):
            target = self._check(url)
            if before is not None:
                before(target, deadline)
            payload = self._get(target, deadline, max_bytes)
            if payload.status not in _REDIRECTS or payload.location is None:
                return urlunsplit(target), payload
            try:
                url = urljoin(urlunsplit(target), payload.location)
            except ValueError:
                raise _forbidden("A redirect leads to what is not a URL.") from None
        raise FetchFailed(
            f"The page redirects more than {self._policy.max_redirects} times.",
            field="url",
            limit=self._policy.max_redirects,
        )

    def _check(self, url: str) -> SplitResult:
        """The URL in its one form, or FetchForbidden; nothing is looked up here."""
        if len(url) > MAX_URL_CHARACTERS:
            raise FetchForbidden(
                f"The URL is longer than {MAX_URL_CHARACTERS} characters.",
                field="url",
                limit=MAX_URL_CHARACTERS,
            )
        if not _FORBIDDEN_IN_URLS.isdisjoint(url):
            raise _forbidden("The URL holds a space, a backslash or a control character.")
        try:
            parts = urlsplit(url)
            port = parts.port or _DEFAULT_PORTS.get(parts.scheme)
        except ValueError:
            raise _forbidden("The URL is malformed.") from None
        if parts.scheme not in _DEFAULT_PORTS:
            raise _forbidden("Only http and https URLs are fetched.")
        if "@" in parts.netloc:
            raise _forbidden("The URL carries a user name.")
        host = self._check_host(parts)
        if port not in self._policy.ports or parts.port == 0:
            ports = ", ".join(map(str, self._policy.ports))
            raise _forbidden(f"Only the ports {ports} are fetched from.")
        shown = f"[{host}]" if ":" in host else host
        if port != _DEFAULT_PORTS[parts.scheme]:
            shown = f"{shown}:{port}"
        path, query = (quote(part, safe=_SAFE_IN_URLS) for part in (parts.path, parts.query))
        return SplitResult(parts.scheme, shown, path or "/", query, "")

    def _check_host(self, parts: SplitResult) -> str:
        authority = parts.netloc.rpartition(":")[0] if parts.port is not None else parts.netloc
        try:
            host = parse_host(authority.removesuffix(":"))
        except ValueError:
            raise _forbidden("The URL's host is not a plain name or address.") from None
        listed = self._policy.hosts is None or matches(str(host), self._policy.hosts)
        if not listed:
            raise _forbidden("The host is not on the list of hosts that are fetched from.")
        if isinstance(host, str):
            near = is_local_name(host)
        else:
            near = not is_public(host, self._policy.allowed_networks)
        if near:
            raise _forbidden("The URL's host is not public.")
        return str(host)

    def _addresses(self, host: str, port: int, deadline: float) -> Sequence[IPAddress]:
        """Every address of a checked host, none of which is private."""
        literal = _as_address(host)
        addresses = [literal] if literal else self._resolver(host, port, deadline - _now())
        if not addresses:
            raise FetchFailed("The host has no address.", field="url")
        for address in addresses:
            if not is_public(address, self._policy.allowed_networks):
                raise _forbidden("The host has an address that is not public.")
        return addresses

    def _get(self, target: SplitResult, deadline: float, max_bytes: int) -> Payload:
        backend = CheckedBackend(self._addresses, deadline)
        try:
            with (
                httpcore.ConnectionPool(
                    ssl_context=self._tls, network_backend=backend, max_keepalive_connections=0
                ) as pool,
                pool.stream(
                    "GET",
                    urlunsplit(target),
                    headers=[
                        ("Host", target.netloc),
                        ("User-Agent", USER_AGENT),
                        ("Accept", "text/html, text/plain;q=0.9"),
                        ("Accept-Encoding", "gzip, deflate"),
                        ("Connection", "close"),
                    ],
                ) as response,
            ):
                return read_payload(response, max_bytes)
        except httpcore.TimeoutException:
            seconds = self._policy.timeout_seconds
            raise FetchFailed(
                f"The page did not arrive within {seconds:g} seconds.", field="url", limit=seconds
            ) from None
        except (httpcore.NetworkError, httpcore.ProtocolError, OSError):
            raise FetchFailed(
                "The host did not answer as a web server does.", field="url"
            ) from None

    def _require_robots(self, target: SplitResult, deadline: float) -> None:
        origin = f"{target.scheme}://{target.netloc}"
        rules = self._robots.get(origin)
        if rules is None:
            rules = self._read_robots(origin, deadline)
            self._robots.put(origin, rules)
        if not rules.can_fetch(urlunsplit(target), ROBOTS_AGENT):
            raise _forbidden("The site's robots.txt does not allow the fetch.")

    def _read_robots(self, origin: str, deadline: float) -> Protego:
        _, payload = self._follow(f"{origin}/robots.txt", deadline, self._policy.max_bytes)
        if payload.status == 200:
            return Protego.parse(payload.text()[:_ROBOTS_MAX_CHARACTERS])
        if 400 <= payload.status < 500:  # RFC 9309, 2.3.1.3: unavailable means no restriction
            return Protego.parse("")
        raise FetchFailed(
            f"The site's robots.txt could not be read: the host answered {payload.status}.",
            field="url",
        )


class _RobotsCache:
    """The rules of the origins asked last, for an hour."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: OrderedDict[str, tuple[float, Protego]] = OrderedDict()

    def get(self, origin: str) -> Protego | None:
        with self._lock:
            read_at, rules = self._entries.get(origin, (0.0, None))
        fresh = _now() - read_at < _ROBOTS_SECONDS
        return rules if fresh else None

    def put(self, origin: str, rules: Protego) -> None:
        with self._lock:
            self._entries[origin] = (_now(), rules)
            while len(self._entries) > _ROBOTS_MAX_ENTRIES:
                self._entries.popitem(last=False)


def _as_address(host: str) -> IPAddress | None:
    try:
        return parse_address(host.strip("[]"))
    except ValueError:
        return None


def _forbidden(message: str) -> FetchForbidden:
    return FetchForbidden(message, field="url")
