"""Which hosts and addresses a page may be fetched from: public ones, however they are written.

Sources: the IANA special-purpose registries as `ipaddress` knows them, RFC 6052
(NAT64), RFC 3056 (6to4), RFC 4380 (Teredo), RFC 5214 (ISATAP), and the WHATWG URL
standard for hosts that end in a number.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from typing import Final

import idna

IPAddress = IPv4Address | IPv6Address
IPNetwork = IPv4Network | IPv6Network

_GLOBAL_UNICAST: Final = IPv6Network("2000::/3")
_NAT64: Final = IPv6Network("64:ff9b::/96")
# Global on paper, and still not places where articles are.
_ALSO_REFUSED: Final[tuple[IPNetwork, ...]] = (
    IPv4Network("168.63.129.16/32"),  # Azure's wire server, reachable from every machine there
    IPv4Network("192.0.0.0/24"),  # protocol assignments
    IPv4Network("192.88.99.0/24"),  # 6to4 relays, deprecated
    IPv6Network("2001::/23"),  # protocol assignments, Teredo's servers among them
    IPv6Network("3fff::/20"),  # documentation (RFC 9637)
)
# Names that resolve to something near, or that no public server has.
_LOCAL_SUFFIXES: Final = (
    "localhost", "local", "localdomain", "internal", "intranet", "private", "corp", "home", "lan",
    "home.arpa", "in-addr.arpa", "ip6.arpa", "onion", "test", "invalid", "example",
)  # fmt: skip
_LABEL: Final = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_NUMBER: Final = re.compile(r"(?:\d+|0[xX][0-9a-fA-F]*)")


def is_public(address: IPAddress, allowed: Sequence[IPNetwork] = ()) -> bool:
    """Whether a connection to `address` stays outside of every private network.

    An IPv6 address that carries an IPv4 one is judged by both. `allowed` are
    networks let through whatever they are.
    """
    if any(address in network for network in allowed):
        return True
    if any(address in network for network in _ALSO_REFUSED):
        return False
    if isinstance(address, IPv4Address):
        return address.is_global and not address.is_multicast and not address.is_reserved
    if getattr(address, "scope_id", None) is not None:
        return False
    if address.ipv4_mapped is not None:
        return is_public(address.ipv4_mapped, allowed)
    if address in _NAT64:
        return all(is_public(inner, allowed) for inner in _embedded(address))
    return (
        address in _GLOBAL_UNICAST
        and address.is_global
        and all(is_public(inner, allowed) for inner in _embedded(address))
    )


def _embedded(address: IPv6Address) -> Iterator[IPv4Address]:
    if address in _NAT64:
        yield IPv4Address(int(address) & 0xFFFFFFFF)
    if address.sixtofour is not None:
        yield address.sixtofour
    if address.teredo is not None:
        yield from address.teredo
    if (int(address) >> 32) & 0xFFFFFFFF in (0x00005EFE, 0x02005EFE):  # ISATAP
        yield IPv4Address(int(address) & 0xFFFFFFFF)


def parse_host(host: str) -> str | IPAddress:
    """The one meaning of a URL's host: an address, or a name in lower-case ASCII.

    Numeric hosts are taken only in their canonical form: `127.1`, `0x7f000001`,
    `2130706433` and `0177.0.0.1` mean an address to some resolvers and a name to
    others, so they are refused rather than guessed.

    Raises:
        ValueError: not a host, or one written to be read in two ways.
    """
    if host.startswith("[") and host.endswith("]"):
        if "%" in host:
            raise ValueError("an address with a zone is local")
        return IPv6Address(host[1:-1])
    if not host.isascii():
        try:
            host = idna.encode(host, uts46=True, std3_rules=True).decode("ascii")
        except UnicodeError as error:
            raise ValueError("not an internationalised domain name") from error
    name = host.lower().removesuffix(".")
    labels = name.split(".")
    if _NUMBER.fullmatch(labels[-1]):
        return IPv4Address(name)
    if len(name) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise ValueError("not a host name")
    return name


def is_local_name(name: str) -> bool:
    """Whether a host name stands for something near by its form alone."""
    return "." not in name or any(
        name == suffix or name.endswith(f".{suffix}") for suffix in _LOCAL_SUFFIXES
    )


def matches(name: str, patterns: Sequence[str]) -> bool:
    """Whether a host is listed: `example.org` means itself, `*.example.org` its subdomains."""
    return any(
        name.endswith(pattern[1:]) if pattern.startswith("*.") else name == pattern
        for pattern in patterns
    )


def normalise_pattern(pattern: str) -> str:
    """An entry of the list of hosts in the form that `matches` compares.

    Raises:
        ValueError: not a host, nor `*.` and a host.
    """
    prefix = "*." if pattern.startswith("*.") else ""
    try:
        return prefix + str(parse_host(pattern.removeprefix("*.")))
    except ValueError:
        raise ValueError(f"{pattern} is not a host such as example.org or *.example.org") from None


def parse_address(text: str) -> IPAddress:
    """An address of a resolver's answer; ValueError when it is none."""
    return ip_address(text)


def parse_network(text: str) -> IPNetwork:
    """A network such as `127.0.0.0/8`; ValueError when it is none."""
    return ip_network(text)
