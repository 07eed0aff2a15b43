"""Who is asking: the client's address behind proxies that are trusted by network."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Final, Literal

from models.errors import SettingsError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
ForwardedHeader = Literal["x-forwarded-for", "forwarded"]

# A provider gives a household a /64, so a single IPv6 address bounds nobody.
_IPV6_PREFIX: Final = 64
# More than any sane chain of proxies; what stands further left is not looked at.
_MAX_HOPS: Final = 20
# What proxies add. A request with one of these did not come from a person on this machine.
_PROXY_HEADERS: Final = frozenset({b"forwarded", b"via", b"x-forwarded-for", b"x-real-ip"})
# `for=` of RFC 7239, quoted or not.
_FOR: Final = re.compile(r'for\s*=\s*("[^"]*"|[^;,\s]+)', re.IGNORECASE)


class ProxyTrust:
    """Finds the client through the proxies whose networks the operator listed.

    The header is read from the right: each trusted hop wrote down who spoke to
    it, so the first address that is not trusted is the client; what stands
    left of it is hearsay. Only one header is read, since a proxy passes on the
    other one as the client sent it.
    """

    def __init__(self, networks: Sequence[Network], header: ForwardedHeader) -> None:
        self._networks = tuple(networks)
        self._header = header.encode()

    def client(self, peer: str | None, headers: Iterable[tuple[bytes, bytes]]) -> str:
        """The address to hold to account, in canonical form; `unknown` when nothing says."""
        address = parse_hop(peer or "")
        if address is None or not self._trusts(address):
            return "unknown" if address is None else str(address)
        client = address
        for hop in reversed(self._hops(headers)[-_MAX_HOPS:]):
            forwarded = parse_hop(hop)
            if forwarded is None:
                break  # obfuscated or broken: the proxy that wrote it answers for it
            client = forwarded
            if not self._trusts(forwarded):
                break
        return str(client)

    def _trusts(self, address: Address) -> bool:
        return any(address in network for network in self._networks)

    def _hops(self, headers: Iterable[tuple[bytes, bytes]]) -> list[str]:
        joined = ",".join(
            value.decode("latin-1") for name, value in headers if name == self._header
        )
        if self._header == b"forwarded":
            return [match.strip('"') for match in _FOR.findall(joined)]
        return [hop.strip() for hop in joined.split(",") if hop.strip()]


@lru_cache(maxsize=4096)
def parse_hop(text: str) -> Address | None:
    """An address with or without port and brackets; IPv4 inside IPv6 becomes IPv4."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def parse_networks(texts: Iterable[str]) -> tuple[Network, ...]:
    """Networks such as `10.0.0.0/8` or single addresses.

    Raises:
        SettingsError: naming the one that is neither.
    """
    networks = []
    for text in texts:
        try:
            networks.append(ipaddress.ip_network(text.strip()))
        except ValueError as error:
            raise SettingsError(
                f"{text!r} is not an address or a network: {error}", field="trusted_proxies"
            ) from error
    return tuple(networks)


def rate_bucket(address: str) -> str:
    """What counts as one client: an IPv4 address, or the /64 of an IPv6 address."""
    parsed = parse_hop(address)
    if isinstance(parsed, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((parsed, _IPV6_PREFIX), strict=False))
    return address


def is_local(address: str, headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """Whether somebody on this machine asks directly, and not a proxy on it for others."""
    return is_loopback(address) and not any(name in _PROXY_HEADERS for name, _ in headers)


def is_loopback(address: str) -> bool:
    parsed = parse_hop(address)
    return parsed is not None and parsed.is_loopback


def is_loopback_host(host: str) -> bool:
    """Whether a service that listens on `host` can only be reached from this machine."""
    return host == "localhost" or is_loopback(host)
