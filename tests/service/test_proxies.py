from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.errors import SettingsError
from service.proxies import (
    ForwardedHeader,
    ProxyTrust,
    is_loopback_host,
    parse_hop,
    parse_networks,
    rate_bucket,
)

TRUSTED = parse_networks(["10.0.0.0/8", "127.0.0.1", "fd00::/8"])


def client(peer: str | None, value: str, header: ForwardedHeader = "x-forwarded-for") -> str:
    return ProxyTrust(TRUSTED, header).client(peer, [(header.encode(), value.encode("latin-1"))])


@pytest.mark.parametrize(
    ("peer", "value", "expected"),
    [
        ("203.0.113.9", "198.51.100.1", "203.0.113.9"),  # not a proxy: the header is a claim
        ("10.0.0.1", "198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "1.2.3.4, 198.51.100.1", "198.51.100.1"),  # what the client wrote is left
        ("10.0.0.1", "1.2.3.4, 198.51.100.1, 10.0.0.2", "198.51.100.1"),
        ("10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.3"),  # trusted all the way
        ("10.0.0.1", "1.2.3.4, rubbish", "10.0.0.1"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("::ffff:10.0.0.1", "198.51.100.1:4711", "198.51.100.1"),
        ("fd00::1", "2001:db8::5", "2001:db8::5"),
        ("fd00::1", "[2001:db8::5]:443", "2001:db8::5"),
        (None, "198.51.100.1", "unknown"),
        ("/run/inbrief.sock", "198.51.100.1", "unknown"),
    ],
)
def test_the_client_is_the_first_untrusted_hop_from_the_right(
    peer: str | None, value: str, expected: str
) -> None:
    assert client(peer, value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("for=198.51.100.1", "198.51.100.1"),
        ('for="[2001:db8:cafe::17]:4711";proto=https', "2001:db8:cafe::17"),
        ("for=1.2.3.4, for=198.51.100.1;by=10.0.0.1, FOR=10.0.0.2", "198.51.100.1"),
        ("for=_hidden", "10.0.0.1"),
        ("for=unknown", "10.0.0.1"),
    ],
)
def test_forwarded_is_read_as_rfc_7239_has_it(value: str, expected: str) -> None:
    assert client("10.0.0.1", value, "forwarded") == expected


def test_the_header_that_was_not_chosen_is_hearsay() -> None:
    trust = ProxyTrust(TRUSTED, "x-forwarded-for")
    assert trust.client("10.0.0.1", [(b"forwarded", b"for=1.2.3.4")]) == "10.0.0.1"


def test_several_header_lines_are_one_list() -> None:
    trust = ProxyTrust(TRUSTED, "x-forwarded-for")
    lines = [(b"x-forwarded-for", b"1.2.3.4"), (b"x-forwarded-for", b"198.51.100.1")]
    assert trust.client("10.0.0.1", lines) == "198.51.100.1"


@given(
    st.text(st.characters(max_codepoint=255), max_size=200),
    st.sampled_from(["x-forwarded-for", "forwarded"]),
)
@settings(max_examples=150, deadline=None)
def test_any_header_gives_an_address(value: str, header: ForwardedHeader) -> None:
    assert parse_hop(client("10.0.0.1", value, header)) is not None


def test_addresses_are_counted_as_the_client_they_are() -> None:
    assert rate_bucket("198.51.100.1") == "198.51.100.1"
    assert rate_bucket("2001:db8:1:2:3:4:5:6") == rate_bucket("2001:db8:1:2:ffff::1")
    assert rate_bucket("2001:db8:1:2::1") != rate_bucket("2001:db8:1:3::1")
    assert rate_bucket("unknown") == "unknown"


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", True),
        ("127.8.8.8", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("::", False),
        ("198.51.100.1", False),
        ("example", False),
    ],
)
def test_loopback(host: str, expected: bool) -> None:
    assert is_loopback_host(host) is expected


def test_a_bad_network_is_named() -> None:
    with pytest.raises(SettingsError, match=r"'10.0.0.1/8'"):
        parse_networks(["10.0.0.1/8"])
