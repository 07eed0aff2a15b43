"""Requests that no client would send, byte by byte: nothing may crash, grow or answer 5xx.

`tests.fuzz` keeps to what a schema can say; here valid requests are broken
below it: bits, brackets, encodings, numbers, lengths, headers, methods, paths.

    python -m tests.fuzz_bytes 50000
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from service.problem_types import PROBLEM_TYPES
from service.schemas import EXAMPLE_TEXT
from tests.processes import Service

CONNECTIONS: Final = 8
DELIBERATE: Final = frozenset({503, 504})
# Memory is compared from here on: what is loaded with its first use is no growth.
WARM_UP_CASES: Final = 2000
_TIMEOUT_SECONDS: Final = 90.0
_PAGE: Final = f"<html><body><article><h1>News</h1><p>{EXAMPLE_TEXT}</p></article></body></html>"

_BODIES: Final[tuple[tuple[str, dict[str, Any]], ...]] = (
    ("/v1/summaries", {"text": EXAMPLE_TEXT, "kind": "headline", "max_words": 20}),
    ("/v1/summaries", {"text": EXAMPLE_TEXT, "title": "Ünï", "strict": True, "language": "en"}),
    ("/v1/summaries", {"html": _PAGE, "include_text": True, "length": "long"}),
    ("/v1/summaries", {"url": "http://127.0.0.1/"}),
    ("/v1/summaries:batch", {"articles": [{"text": EXAMPLE_TEXT}, {"text": "x"}, {"a": 1}]}),
    ("/models/lead-3", {"inputs": EXAMPLE_TEXT, "parameters": {"max_length": 40}}),
    ("/models/lead-3", {"inputs": [EXAMPLE_TEXT, ""], "parameters": {"num_beams": 4}}),
)
_VALUES: Final[tuple[Any, ...]] = (
    None, True, -1, 0, 2**63, 10**400, 1e308, -0.0, "", "\0", "\ud800", "‮​", "x" * 70_000,
    [], [[]], {}, {"text": {}}, [None] * 65, "key-points", "🙂" * 500, "1e999", "../../etc/passwd",
)  # fmt: skip
_TOKENS: Final = (
    b"NaN", b"Infinity", b"1e999", b"\x00", b"\xff\xfe", b"\xed\xa0\x80", b"{", b"}", b"[" * 300,
    b'"', b"\\u0000", b"\\ud800", b"\\", b",", b":", b"//", b"\r\n\r\n", b"\xef\xbb\xbf", b"-",
)  # fmt: skip
_PATHS: Final = (
    "/", "/v1/summaries/", "/v1/summaries/%00", "/v1/summaries/" + "f" * 64, "/v1/models",
    "/readyz", "/metrics", "/v1//summaries", "/%2e%2e/etc/passwd", "/problems/%ff", "/widget/../x",
    "/models/", "/" + "a" * 4000, "/v1/summaries?x=%zz", "/docs", "/openapi.json",
    "/v1/summaries:batch:batch",
)  # fmt: skip
_METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW")
_HEADERS: Final = (
    "accept: text/event-stream", "accept: \x01", "content-encoding: gzip", "origin: null",
    "content-type: text/plain", "content-type: application/json; charset=utf-16",
    "authorization: Bearer inb_x_y", "authorization: Basic \xff", "x-api-key: ",
    "if-none-match: W/\"*\", \"", "range: bytes=0-1",
    "x-forwarded-for: " + "1.1.1.1, " * 60, "traceparent: 00-0-0-zz", "expect: 100-continue",
    "x-request-id: ../../x", "forwarded: for=\"[::", "cookie: " + "a=b; " * 200,
)  # fmt: skip


@dataclass(slots=True)
class Found:
    """What came of a run."""

    statuses: Counter[int] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    closed: int = 0
    silent: int = 0
    warm_bytes: int = 0
    end_bytes: int = 0

    @property
    def cases(self) -> int:
        return sum(self.statuses.values()) + self.closed + self.silent


def request_of(source: random.Random) -> bytes:
    """One broken request, with a body of the length that it names (or none)."""
    path, value = source.choice(_BODIES)
    method, headers = "POST", ["content-type: application/json"]
    body = _broken_bytes(source, json.dumps(_broken_value(source, value)).encode())
    if source.random() < 0.25:
        path, method = source.choice(_PATHS), source.choice(_METHODS)
        body = b"" if method in ("GET", "HEAD", "TRACE") else body
    if source.random() < 0.3:
        headers += source.sample(_HEADERS, source.randint(1, 3))
    lines = [f"{method} {path} HTTP/1.1", "host: x", *headers, f"content-length: {len(body)}"]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


def _broken_value(source: random.Random, value: dict[str, Any]) -> dict[str, Any]:
    broken = dict(value)
    for _ in range(source.choice((0, 1, 1, 2))):
        change: Callable[[], Any] = source.choice(
            (
                lambda: broken.update({source.choice(list(value)): source.choice(_VALUES)}),
                lambda: broken.pop(source.choice(list(value)), None),
                lambda: broken.update({source.choice(("extra", "", "TEXT", "\0")): 1}),
                lambda: broken.update({"text": _damaged(source)}),
            )
        )
        change()
    return broken


def _damaged(source: random.Random) -> str:
    """An article of any characters there are."""
    letters = [
        chr(source.choice((source.randrange(0x80), source.randrange(0xD800)))) for _ in range(30)
    ]
    words = EXAMPLE_TEXT.split()
    for letter in letters:
        words.insert(source.randrange(len(words)), letter * source.choice((1, 1, 40)))
    return source.choice((" ", "", "\n", ". ")).join(words)


def _broken_bytes(source: random.Random, body: bytes) -> bytes:
    for _ in range(source.choice((0, 0, 1, 2, 4))):
        at = source.randrange(len(body) + 1)
        match source.randrange(4):
            case 0:
                body = body[:at] + source.choice(_TOKENS) + body[at:]
            case 1:
                body = body[:at] + body[at + source.randrange(1, 40) :]
            case 2:
                body = body[:at] + bytes((source.randrange(256),)) + body[at + 1 :]
            case _:
                body = body[:at]
    return body


async def fuzz_bytes(service: Service, cases: int, seed: int = 1) -> Found:
    """Send `cases` broken requests over some connections; what the service made of them."""
    found, left = Found(), iter(range(cases))

    async def one_after_the_other(number: int) -> None:
        source = random.Random(f"{seed}-{number}")
        streams = None
        for case in left:
            if found.silent > CONNECTIONS:
                return  # it hangs, which is enough to know
            if case == WARM_UP_CASES:
                found.warm_bytes = service.resident_bytes()
            request = request_of(source)
            streams = streams or await asyncio.open_connection("127.0.0.1", service.port)
            try:
                async with asyncio.timeout(_TIMEOUT_SECONDS):
                    open_ = await _exchange(*streams, request, found)
            except TimeoutError:
                found.silent += 1
                found.faults.append(f"no answer to {request[:300]!r}")
                open_ = False
            except (OSError, asyncio.IncompleteReadError):
                found.closed += 1  # what is no HTTP at all gets no answer
                open_ = False
            if not open_:
                streams[1].close()
                streams = None
        if streams:
            streams[1].close()

    await asyncio.gather(*(one_after_the_other(number) for number in range(CONNECTIONS)))
    found.end_bytes = service.resident_bytes()
    return found


async def _exchange(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes, found: Found
) -> bool:
    """Send and judge; whether the connection may be used again."""
    writer.write(request)
    status = 100
    while status == 100:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        status = int(head.split(" ", 2)[1])
    headers = dict(line.lower().split(": ", 1) for line in head.split("\r\n")[1:-2] if ": " in line)
    body = b""
    if not request.startswith(b"HEAD ") and status != 304:
        if headers.get("transfer-encoding") == "chunked":
            while size := int((await reader.readuntil(b"\r\n")).strip(), 16):
                body += (await reader.readexactly(size + 2))[:-2]
            await reader.readexactly(2)
        else:
            body = await reader.readexactly(int(headers.get("content-length", 0)))
    found.statuses[status] += 1
    if fault := _fault(request, status, headers, body):
        found.faults.append(f"{fault}: {status} {body[:200]!r} to {request[:300]!r}")
    return headers.get("connection") != "close"


def _fault(request: bytes, status: int, headers: dict[str, str], body: bytes) -> str | None:
    if status >= 500 and status not in DELIBERATE:
        return "a failure"
    if headers.get("content-type") == "application/problem+json" and body:
        problem = json.loads(body)
        row = PROBLEM_TYPES.get(problem["type"].removeprefix("/problems/"))
        if row is None or problem["status"] != status:
            return "an unknown problem"
    elif status >= 400 and body and headers.get("content-type") not in (
        "application/json", "text/plain; charset=utf-8",
    ):  # fmt: skip
        return "an error of another shape"
    return None


def run(directory: Path, cases: int) -> Found:
    environment = {"INBRIEF_MODEL": "lead-3", "INBRIEF_ADDRESS_RATE": "off"}
    service = Service(directory, environment, command=("-m", "service", "serve"))
    try:
        service.start()
        return asyncio.run(fuzz_bytes(service, cases))
    finally:
        service.kill()


def main(arguments: Sequence[str]) -> None:
    with tempfile.TemporaryDirectory(prefix="inbrief-fuzz-") as directory:
        found = run(Path(directory), int(arguments[0]))
    for fault in found.faults[:20]:
        print(fault)  # noqa: T201
    print(  # noqa: T201
        f"{found.cases} requests, {len(found.faults)} faults, {found.closed} connections closed "
        f"without an answer, statuses {dict(sorted(found.statuses.items()))}, memory "
        f"{found.warm_bytes / 2**20:.0f} MiB after {WARM_UP_CASES}, "
        f"{found.end_bytes / 2**20:.0f} MiB at the end"
    )
    sys.exit(bool(found.faults))


if __name__ == "__main__":
    main(sys.argv[1:])
