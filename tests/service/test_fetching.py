"""Pages by URL: real servers on loopback, and no connection to a place that is not allowed.

Servers stand on 127.0.0.2, which these tests allow explicitly in place of the
public internet; 127.0.0.1 stands for the private network that must stay unreached.
"""

import contextlib
import gzip
import http.server
import socket
import ssl
import sys
import threading
import time
import zlib
from collections.abc import Iterator, Sequence
from ipaddress import ip_network
from typing import Any

import pytest
import trustme

from models.errors import FetchFailed, FetchForbidden, NotAnArticle
from service.addresses import IPAddress, parse_address
from service.connections import resolve
from service.fetching import Fetcher, FetchPolicy, Page
from tests.processes import PATIENCE_SECONDS

PUBLIC = "127.0.0.2"
PRIVATE = "127.0.0.1"
NAME = "news.example.org"

CONNECTED: list[str] = []


def _record(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "socket.connect" and isinstance(arguments[1], tuple):
        CONNECTED.append(str(arguments[1][0]))


sys.addaudithook(_record)  # sees every connection this process makes, whoever makes it


class Site(http.server.ThreadingHTTPServer):
    """Answers each path with what `pages` says: status, headers, body; counts what it is asked."""

    daemon_threads = True

    def __init__(self, address: str) -> None:
        self.pages: dict[str, tuple[int, dict[str, str], bytes]] = {}
        self.asked: list[tuple[str, str]] = []
        super().__init__((address, 0), _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass

    def put(self, path: str, body: bytes, status: int = 200, **headers: str) -> None:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.pages[path] = (status, {"content-type": "text/html", **named}, body)


class _Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        site = self.server
        assert isinstance(site, Site)
        site.asked.append((self.headers["host"], self.path))
        status, headers, body = site.pages.get(self.path, (404, {}, b""))
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if "content-length" not in headers:
            self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def handle(self) -> None:
        with contextlib.suppress(OSError):  # the client may leave when it likes
            super().handle()

    def log_message(self, *arguments: Any) -> None:
        pass


def _serve(address: str) -> Iterator[Site]:
    site = Site(address)
    thread = threading.Thread(target=site.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield site
    site.shutdown()
    thread.join()
    site.server_close()


@pytest.fixture
def site() -> Iterator[Site]:
    yield from _serve(PUBLIC)


@pytest.fixture
def inside() -> Iterator[Site]:
    """A server of the private network; nothing may ever ask it."""
    for private in _serve(PRIVATE):
        private.put("/", b"<p>secret</p>")
        yield private
        assert private.asked == []


class Names:
    """A resolver that answers from a list of answers per name, the last one for ever."""

    def __init__(self, **answers: Sequence[Sequence[str]]) -> None:
        self._answers = {name.replace("_", "."): list(rows) for name, rows in answers.items()}
        self.asked: list[str] = []

    def __call__(self, host: str, port: int, timeout_seconds: float) -> list[IPAddress]:
        self.asked.append(host)
        rows = self._answers.get(host, [[PUBLIC]])
        row = rows.pop(0) if len(rows) > 1 else rows[0]
        return [parse_address(address) for address in row]


def fetcher(site: Site, names: Names | None = None, **policy: Any) -> Fetcher:
    ports = (80, 443, site.server_port)
    allowed = (ip_network(f"{PUBLIC}/32"),)
    return Fetcher(
        FetchPolicy(ports=ports, allowed_networks=allowed, **policy), resolver=names or Names()
    )


def address(site: Site, path: str = "/", host: str = NAME) -> str:
    return f"http://{host}:{site.server_port}{path}"


@pytest.fixture(autouse=True)
def _forget() -> None:
    CONNECTED.clear()


REFUSED_URLS = [
    "http://127.0.0.1/", "http://127.0.0.1:80/", "https://127.0.0.1/", "http://127.1/",
    "http://127.0.1/", "http://127.000.000.001/", "http://2130706433/", "http://0x7f000001/",
    "http://0x7f.0x0.0x0.0x1/", "http://0x7f.1/", "http://0177.0.0.1/", "http://017700000001/",
    "http://0/", "http://0.0.0.0/", "http://127.0.0.1./", "http://１２７.0.0.1/",
    "http://①②⑦.⓪.⓪.①/", "http://127。0。0。1/", "http://[::1]/", "http://[::]/",
    "http://[0:0:0:0:0:0:0:1]/", "http://[::ffff:127.0.0.1]/", "http://[::ffff:7f00:1]/",
    "http://[::127.0.0.1]/", "http://[64:ff9b::7f00:1]/", "http://[64:ff9b::127.0.0.1]/",
    "http://[2002:7f00:1::]/", "http://[2001:0:7f00:1::1]/", "http://[fe80::1]/",
    "http://[fe80::1%25lo]/", "http://[fd00:ec2::254]/", "http://[fec0::1]/", "http://[ff02::1]/",
    "http://10.0.0.1/", "http://172.16.0.1/", "http://192.168.1.1/", "http://100.64.0.1/",
    "http://169.254.169.254/latest/meta-data/", "http://2852039166/", "http://0xa9fea9fe/",
    "http://0251.0376.0251.0376/", "http://100.100.100.200/", "http://168.63.129.16/",
    "http://192.0.0.192/", "http://198.18.0.1/", "http://224.0.0.1/", "http://255.255.255.255/",
    "http://localhost/", "http://LOCALHOST/", "http://localhost./", "http://a.localhost/",
    "http://intranet/", "http://metadata.google.internal/", "http://printer.local/",
    "http://user@127.0.0.1/", "http://news.example.org@127.0.0.1/", "http://user:p@example.org/",
    "http://127.0.0.1#@news.example.org/", "http://127.0.0.1\\@news.example.org/",
    "http://news.example.org\\@127.0.0.1/", "http:\\\\127.0.0.1/", "http://127.0.0.1%2f/",
    "http://%31%32%37.0.0.1/", "http://news.example.org%00.127.0.0.1/", "http://127.0.0.1\t/",
    "http://news.example.org:22/", "http://news.example.org:6379/", "http://news.example.org:0/",
    "http://news.example.org:99999/", "http://news.example.org:-1/", "http://:80/", "http:///",
    "http://", "", "//news.example.org/", "/etc/passwd", "file:///etc/passwd", "ftp://example.org/",
    "gopher://127.0.0.1:6379/_INFO", "data:text/html,<p>hi</p>", "javascript:alert(1)",
    "dict://127.0.0.1:11211/", "jar:http://127.0.0.1!/", "unix:/var/run/docker.sock",
    "http+unix://%2Fvar%2Frun%2Fdocker.sock/", "http://news.example.org /", " http://example.org/",
    "http://news.example.org/\r\nHost: 127.0.0.1", "http://[::1", "http://exa mple.org/",
    "http://-.org/", "http://a..org/", "http://news.example.org/" + "a" * 3000,
]  # fmt: skip


@pytest.mark.parametrize("url", REFUSED_URLS)
def test_refused_before_any_look_up_or_connection(url: str) -> None:
    names = Names()
    with pytest.raises(FetchForbidden) as caught:
        Fetcher(FetchPolicy(), resolver=names).fetch(url)
    assert caught.value.field == "url"
    assert names.asked == []
    assert CONNECTED == []


@pytest.mark.parametrize(
    "answer",
    [
        [PRIVATE], ["10.1.2.3"], ["169.254.169.254"], ["::1"], ["::ffff:10.0.0.1"], ["fd00::1"],
        ["64:ff9b::7f00:1"], ["2002:7f00:1::"], ["0.0.0.0"], ["93.184.216.34", "10.0.0.1"],
        ["2606:4700::1111", "::1"], ["fe80::1%eth0"],
    ],
)  # fmt: skip
def test_a_name_with_any_address_that_is_not_public_is_refused(answer: list[str]) -> None:
    with pytest.raises(FetchForbidden, match="not public"):
        Fetcher(FetchPolicy(), resolver=Names(news_example_org=[answer])).fetch(f"http://{NAME}/")
    assert CONNECTED == []


@pytest.mark.parametrize(
    "target",
    [
        "http://127.0.0.1:{}/", "//127.0.0.1:{}/", "http://inside.example.org:{}/",
        "http://[::ffff:127.0.0.1]:{}/", "http://2130706433:{}/", "http://localhost:{}/",
        "http://user@127.0.0.1:{}/", "file:///etc/passwd", "gopher://127.0.0.1:{}/", "http://[/",
    ],
)  # fmt: skip
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_inside_is_refused(site: Site, inside: Site, target: str, status: int) -> None:
    site.put("/", b"", status=status, location=target.format(inside.server_port))
    names = Names(inside_example_org=[[PRIVATE]])
    policy = FetchPolicy(
        ports=(site.server_port, inside.server_port), allowed_networks=(ip_network(PUBLIC),)
    )
    with pytest.raises(FetchForbidden):
        Fetcher(policy, resolver=names).fetch(address(site))
    assert set(CONNECTED) == {PUBLIC}


def test_a_redirect_of_robots_txt_inside_is_refused(site: Site, inside: Site) -> None:
    site.put("/robots.txt", b"", status=302, location=address(inside, host=PRIVATE))
    with pytest.raises(FetchForbidden):
        fetcher(site).fetch(address(site))
    assert set(CONNECTED) == {PUBLIC}


def test_a_name_that_turns_private_between_two_requests_is_refused(
    site: Site, inside: Site
) -> None:
    names = Names(news_example_org=[[PUBLIC], [PRIVATE]])  # robots.txt, then the page
    with pytest.raises(FetchForbidden, match="not public"):
        fetcher(site, names).fetch(address(site))
    assert names.asked == [NAME, NAME]
    assert CONNECTED == [PUBLIC]


def test_the_connection_goes_to_the_address_that_was_checked(site: Site, inside: Site) -> None:
    site.put("/", b"<p>page</p>")
    names = Names(news_example_org=[[PUBLIC], [PUBLIC], [PRIVATE]])
    assert fetcher(site, names).fetch(address(site)).text == "<p>page</p>"
    assert len(names.asked) == 2  # one look-up a connection: nothing is asked twice
    assert CONNECTED == [PUBLIC, PUBLIC]
    assert {host for host, _ in site.asked} == {f"{NAME}:{site.server_port}"}


def test_the_next_address_is_tried_when_one_does_not_answer(site: Site) -> None:
    site.put("/", b"<p>page</p>")
    allowed = (ip_network("127.0.0.2/31"),)
    policy = FetchPolicy(ports=(site.server_port,), allowed_networks=allowed)
    names = Names(news_example_org=[["127.0.0.3", PUBLIC]])
    assert Fetcher(policy, resolver=names).fetch(address(site)).text == "<p>page</p>"


def test_only_listed_hosts_where_there_is_a_list(site: Site) -> None:
    site.put("/", b"<p>page</p>")
    listed = fetcher(site, hosts=("news.example.org", "*.example.net"))
    assert listed.fetch(address(site)).text == "<p>page</p>"
    assert listed.fetch(address(site, host="a.example.net")).text == "<p>page</p>"
    CONNECTED.clear()
    for host in ("example.org", "xnews.example.org", "example.net", "news.example.org.evil.com"):
        with pytest.raises(FetchForbidden, match="list"):
            listed.fetch(address(site, host=host))
    with pytest.raises(FetchForbidden, match="list"):
        fetcher(site, hosts=()).fetch(address(site))
    assert CONNECTED == []


def test_redirects_are_followed_to_the_end(site: Site) -> None:
    site.put("/", b"", status=301, location="/b?x=1")
    site.put("/b?x=1", b"", status=307, location=address(site, "/c%20d#top", host="b.example.org"))
    site.put("/c%20d", b"<p>page</p>")
    page = fetcher(site).fetch(address(site, "/#fragment"))
    assert page.url == address(site, "/c%20d", host="b.example.org")
    assert page.text == "<p>page</p>"


def test_redirects_without_end(site: Site) -> None:
    site.put("/", b"", status=302, location="/")
    with pytest.raises(FetchFailed, match="more than 3 times") as caught:
        fetcher(site, max_redirects=3).fetch(address(site))
    assert caught.value.limit == 3


@pytest.mark.parametrize("status", [204, 304, 400, 401, 403, 404, 410, 451, 500, 503])
def test_a_status_that_is_not_a_page(site: Site, status: int) -> None:
    site.put("/", b"", status=status)
    with pytest.raises(FetchFailed, match=str(status)):
        fetcher(site).fetch(address(site))


@pytest.mark.parametrize(
    "kind",
    ["application/pdf", "image/png", "application/json", "application/xhtml+xml", "text/css", ""],
)
def test_other_types_are_not_articles(site: Site, kind: str) -> None:
    site.put("/", b"%PDF", content_type=kind)
    with pytest.raises(NotAnArticle, match="text/html and text/plain"):
        fetcher(site).fetch(address(site))


@pytest.mark.parametrize(
    ("body", "kind", "text"),
    [
        ("Zoë".encode(), "text/html", "Zoë"),
        ("Zoë".encode(), "text/html; charset=utf-8", "Zoë"),
        ("Zoë".encode(), 'text/plain; charset="UTF-8"', "Zoë"),
        ("Zoë".encode("latin-1"), "text/html; charset=ISO-8859-1", "Zoë"),
        ("“Zoë”".encode("cp1252"), "text/html; charset=ISO-8859-1", "“Zoë”"),
        ("Zoë".encode("latin-1"), "text/html", "Zoë"),
        ("Zoë".encode("latin-1"), "text/html; charset=utf-8", "Zoë"),
        ("Zoë".encode("utf-16"), "text/html", "Zoë"),
        ("\ufeffZoë".encode(), "text/html; charset=latin-1", "Zoë"),
        ("東京".encode("shift_jis"), "text/html; charset=Shift_JIS", "東京"),
        (b"\\u0041", "text/html; charset=unicode_escape", "\\u0041"),
        (b"+AGEA-", "text/html; charset=utf-7", "+AGEA-"),
        ("Zoë".encode(), "text/html; charset=bogus", "Zoë"),
    ],
)
def test_charsets(site: Site, body: bytes, kind: str, text: str) -> None:
    site.put("/", body, content_type=kind)
    assert fetcher(site).fetch(address(site)).text == text


def test_the_charset_of_the_page_itself(site: Site) -> None:
    site.put("/", '<meta charset="windows-1251"><p>Мост</p>'.encode("cp1251"))
    assert "Мост" in fetcher(site).fetch(address(site)).text
    assert fetcher(site).fetch(address(site)).content_type == "text/html"


@pytest.mark.parametrize(
    ("encoding", "pack"), [("gzip", gzip.compress), ("deflate", zlib.compress), ("identity", bytes)]
)
def test_packed_pages(site: Site, encoding: str, pack: Any) -> None:
    site.put("/", pack(b"<p>page</p>" * 1000), content_encoding=encoding)
    assert fetcher(site).fetch(address(site)).text == "<p>page</p>" * 1000


def test_a_decompression_bomb_is_not_unpacked(site: Site) -> None:
    site.put("/", gzip.compress(bytes(200_000_000), 1), content_encoding="gzip")
    with pytest.raises(FetchFailed, match="more than 1000000 bytes"):
        fetcher(site, max_bytes=1_000_000).fetch(address(site))


@pytest.mark.parametrize(
    ("body", "encoding"),
    [(b"not gzip", "gzip"), (gzip.compress(b"a" * 999)[:-9], "gzip"), (b"x", "br"),
     (gzip.compress(gzip.compress(b"x")), "gzip, gzip")],
)  # fmt: skip
def test_damaged_or_foreign_packing(site: Site, body: bytes, encoding: str) -> None:
    site.put("/", body, content_encoding=encoding)
    with pytest.raises(FetchFailed, match="packed"):
        fetcher(site).fetch(address(site))


def test_a_page_over_the_bound_is_refused(site: Site) -> None:
    site.put("/", b"a" * 1001)
    with pytest.raises(FetchFailed, match="more than 1000 bytes") as caught:
        fetcher(site, max_bytes=1000).fetch(address(site))
    assert caught.value.limit == 1000
    site.put("/", b"a" * 1000)
    assert len(fetcher(site, max_bytes=1000).fetch(address(site)).text) == 1000


class TestTLS:
    """The address is the checked one; the name is still what the certificate must say."""

    @pytest.fixture
    def authority(self) -> trustme.CA:
        return trustme.CA()

    def fetch(self, site: Site, authority: trustme.CA, certified: str) -> Page:
        server_tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(certified).configure_cert(server_tls)
        named: list[str | None] = []
        server_tls.sni_callback = lambda _, name, __: named.append(name)
        site.socket = server_tls.wrap_socket(site.socket, server_side=True)
        site.put("/", b"<p>page</p>")
        client_tls = ssl.create_default_context()
        authority.configure_trust(client_tls)
        policy = FetchPolicy(ports=(site.server_port,), allowed_networks=(ip_network(PUBLIC),))
        try:
            return Fetcher(policy, resolver=Names(), tls=client_tls).fetch(
                f"https://{NAME}:{site.server_port}/"
            )
        finally:
            assert set(named) == {NAME}

    def test_right_name(self, site: Site, authority: trustme.CA) -> None:
        assert self.fetch(site, authority, NAME).text == "<p>page</p>"

    @pytest.mark.parametrize("certified", ["other.example.org", PUBLIC])
    def test_wrong_name(self, site: Site, authority: trustme.CA, certified: str) -> None:
        with pytest.raises(FetchFailed, match="web server"):
            self.fetch(site, authority, certified)


class TestRobots:
    def test_disallowed(self, site: Site) -> None:
        site.put("/robots.txt", b"User-agent: *\nDisallow: /private\nAllow: /private/open$\n")
        site.put("/a", b"<p>page</p>")
        site.put("/private/open", b"<p>page</p>")
        fetch = fetcher(site).fetch
        assert fetch(address(site, "/a")).text == "<p>page</p>"
        assert fetch(address(site, "/private/open")).text == "<p>page</p>"
        with pytest.raises(FetchForbidden, match=r"robots\.txt"):
            fetch(address(site, "/private/a"))
        assert "/private/a" not in [path for _, path in site.asked]

    def test_by_name(self, site: Site) -> None:
        site.put("/robots.txt", b"User-agent: *\nAllow: /\n\nUser-agent: inbrief\nDisallow: /\n")
        with pytest.raises(FetchForbidden, match=r"robots\.txt"):
            fetcher(site).fetch(address(site))

    def test_of_the_redirect_s_target(self, site: Site) -> None:
        site.put("/robots.txt", b"User-agent: *\nDisallow: /b\n")
        site.put("/", b"", status=302, location="/b")
        with pytest.raises(FetchForbidden, match=r"robots\.txt"):
            fetcher(site).fetch(address(site))

    @pytest.mark.parametrize("status", [401, 403, 404, 410])
    def test_none(self, site: Site, status: int) -> None:
        site.put("/robots.txt", b"User-agent: *\nDisallow: /\n", status=status)
        site.put("/", b"<p>page</p>")
        assert fetcher(site).fetch(address(site)).text == "<p>page</p>"

    @pytest.mark.parametrize("status", [500, 503])
    def test_unreadable(self, site: Site, status: int) -> None:
        site.put("/robots.txt", b"", status=status)
        with pytest.raises(FetchFailed, match=r"robots\.txt"):
            fetcher(site).fetch(address(site))

    def test_a_very_long_one_is_read_in_part(self, site: Site) -> None:
        site.put(
            "/robots.txt", b"User-agent: *\nDisallow: /a\n" + b"#" * 700_000 + b"\nDisallow: /"
        )
        site.put("/b", b"<p>page</p>")
        assert fetcher(site).fetch(address(site, "/b")).text == "<p>page</p>"
        with pytest.raises(FetchForbidden, match=r"robots\.txt"):
            fetcher(site).fetch(address(site, "/a"))

    def test_asked_once_an_hour(self, site: Site) -> None:
        site.put("/", b"<p>page</p>")
        fetch = fetcher(site).fetch
        fetch(address(site))
        fetch(address(site))
        assert [path for _, path in site.asked] == ["/robots.txt", "/", "/"]


@pytest.mark.parametrize("sent", [b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\n\r\n"])
def test_a_server_that_dribbles_is_left_at_the_deadline(sent: bytes) -> None:
    with socket.create_server((PUBLIC, 0)) as listener:
        port = listener.getsockname()[1]

        def dribble() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.sendall(sent)
                try:
                    while True:
                        connection.sendall(b"a")
                        time.sleep(0.05)
                except OSError:
                    return

        thread = threading.Thread(target=dribble, daemon=True)
        thread.start()
        policy = FetchPolicy(
            ports=(port,), allowed_networks=(ip_network(PUBLIC),), timeout_seconds=2
        )
        started = time.monotonic()
        with pytest.raises(FetchFailed, match=r"within 2 seconds|web server"):
            Fetcher(policy, resolver=Names()).fetch(f"http://{NAME}:{port}/")
        assert time.monotonic() - started < PATIENCE_SECONDS  # it would send for ever
        thread.join(PATIENCE_SECONDS)
        assert not thread.is_alive()


@pytest.mark.parametrize(
    "answer", [b"", b"garbage\r\n\r\n", b"HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\nshort"]
)
def test_what_is_no_web_server(answer: bytes) -> None:
    with socket.create_server((PUBLIC, 0)) as listener:
        port = listener.getsockname()[1]

        def reply() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(answer)

        thread = threading.Thread(target=reply, daemon=True)
        thread.start()
        policy = FetchPolicy(ports=(port,), allowed_networks=(ip_network(PUBLIC),))
        with pytest.raises(FetchFailed, match="web server"):
            Fetcher(policy, resolver=Names()).fetch(f"http://{NAME}:{port}/")
        thread.join()


def test_no_one_listens() -> None:
    with socket.create_server((PUBLIC, 0)) as listener:
        port = listener.getsockname()[1]
    policy = FetchPolicy(ports=(port,), allowed_networks=(ip_network(PUBLIC),))
    with pytest.raises(FetchFailed):
        Fetcher(policy, resolver=Names()).fetch(f"http://{NAME}:{port}/")


def test_the_system_s_resolver(monkeypatch: pytest.MonkeyPatch) -> None:
    assert parse_address("127.0.0.1") in resolve("127.0.0.1", 80, 60.0)

    def nobody(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", nobody)
    with pytest.raises(FetchFailed):
        resolve("no-such-name.invalid", 80, 60.0)


def test_a_name_server_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    answered = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: answered.wait(60) and [])
    with pytest.raises(FetchFailed, match="in time"):
        resolve("localhost", 80, 0.1)
    answered.set()
