"""What counts as public, in every notation."""

from ipaddress import ip_address, ip_network

import pytest

from service.addresses import is_local_name, is_public, matches, normalise_pattern, parse_host


@pytest.mark.parametrize(
    "address",
    [
        "8.8.8.8", "1.1.1.1", "93.184.216.34", "172.15.255.255", "172.32.0.1", "192.167.255.255",
        "100.63.255.255", "100.128.0.1", "2606:4700::1111", "2a00:1450:4001::200e",
        "::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::1",
    ],
)  # fmt: skip
def test_public(address: str) -> None:
    assert is_public(ip_address(address))


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0", "0.1.2.3", "10.0.0.1", "100.64.0.1", "100.100.100.200", "127.0.0.1",
        "127.255.255.254", "168.63.129.16", "169.254.0.1", "169.254.169.254", "172.16.0.1",
        "172.31.255.255", "192.0.0.1", "192.0.0.9", "192.0.2.1", "192.88.99.1", "192.168.0.1",
        "198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.250", "240.0.0.1",
        "255.255.255.255", "::", "::1", "::7f00:1", "::ffff:127.0.0.1", "::ffff:10.0.0.1",
        "::ffff:0:127.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::808:808",
        "100::1", "2001::1", "2001:0:7f00:1::", "2001:db8::1", "2002:7f00:1::", "2002:a00:1::1",
        "2606:4700::5efe:a00:1", "3fff::1", "5f00::1", "fc00::1", "fd00:ec2::254", "fe80::1",
        "fe80::1%eth0", "2606:4700::1111%1", "fec0::1", "ff02::1", "ff0e::1", "4000::1",
    ],
)  # fmt: skip
def test_not_public(address: str) -> None:
    assert not is_public(ip_address(address))


def test_an_allowed_network_is_let_through_and_no_other() -> None:
    allowed = [ip_network("127.0.0.2/32")]
    assert is_public(ip_address("127.0.0.2"), allowed)
    assert is_public(ip_address("::ffff:127.0.0.2"), allowed)
    assert not is_public(ip_address("127.0.0.1"), allowed)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("News.Example.ORG", "news.example.org"),
        ("news.example.org.", "news.example.org"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("ＥＸＡＭＰＬＥ．org", "example.org"),
        ("8.8.8.8", "8.8.8.8"),
        ("１２７．０．０．１", "127.0.0.1"),
        ("①②⑦.⓪.⓪.①", "127.0.0.1"),
        ("[2606:4700::1111]", "2606:4700::1111"),
        ("[0:0:0:0:0:ffff:7f00:1]", "::ffff:7f00:1"),
        ("my_host.example.org", "my_host.example.org"),
    ],
)
def test_hosts_have_one_meaning(written: str, meant: str) -> None:
    assert str(parse_host(written)) in (meant, "::ffff:127.0.0.1")


@pytest.mark.parametrize(
    "written",
    [
        "", ".", "..", "a..b", "-a.example", "a-.example", "a b.example", "a%2eexample.org",
        "2130706433", "0x7f000001", "0x7f.1", "127.1", "127.0.1", "0177.0.0.1", "127.0.0.01",
        "127.0.0.0x1", "1.2.3.4.5", "256.1.1.1", "example.0x", "[::1", "::1", "[fe80::1%25eth0]",
        "[fe80::1%eth0]", "[127.0.0.1]", "[v1.a]", "a" * 64 + ".org", "a." * 127 + "org", 
        "exa\u200dmple.org", "exa\u202emple.org", "exam ple。org",
    ],
)  # fmt: skip
def test_a_host_with_two_meanings_or_none_is_refused(written: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  the parsers' own words differ
        parse_host(written)


@pytest.mark.parametrize(
    "name",
    ["localhost", "intranet", "a.localhost", "printer.local", "metadata.google.internal",
     "router.home.arpa", "1.0.0.127.in-addr.arpa", "nas.lan"],
)  # fmt: skip
def test_local_names(name: str) -> None:
    assert is_local_name(name)
    assert not is_local_name(name + ".example.org")


def test_the_list_of_hosts() -> None:
    patterns = [normalise_pattern(entry) for entry in ("Example.org", "*.Bücher.example")]
    assert matches("example.org", patterns)
    assert not matches("news.example.org", patterns)
    assert not matches("notexample.org", patterns)
    assert matches("a.b.xn--bcher-kva.example", patterns)
    assert not matches("xn--bcher-kva.example", patterns)
    with pytest.raises(ValueError, match="host"):
        normalise_pattern("*")
