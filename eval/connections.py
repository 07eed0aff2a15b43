"""Connections to a service under load.

aiohttp, because a reader must cost less than what is measured: httpx looks at
every open connection for every request, which with 200 readers takes 7 ms a
request, aiohttp 0.2.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from models.errors import MissingDependency

if TYPE_CHECKING:
    import aiohttp

TIMEOUT_SECONDS: Final = 60.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; `failure` names the error when no whole answer did, and `status` is 0."""

    status: int = 0
    body: bytes = b""
    retry_after_seconds: float = 0.0
    failure: str | None = None


class Connections:
    """A connection a reader, kept open between requests as browsers and proxies do."""

    def __init__(
        self, session: aiohttp.ClientSession, url: str, failures: tuple[type[Exception], ...]
    ) -> None:
        self._session = session
        self._failures = failures
        self._url = url.rstrip("/")

    async def get(self, path: str) -> Answer:
        return await self._send("GET", path)

    async def post(self, path: str, body: Mapping[str, Any]) -> Answer:
        return await self._send("POST", path, json=body)

    async def _send(self, method: str, path: str, **arguments: Any) -> Answer:
        try:
            async with self._session.request(method, self._url + path, **arguments) as response:
                body = await response.read()
        except self._failures as error:
            return Answer(failure=type(error).__name__)
        return Answer(response.status, body, retry_after_seconds(response.headers) or 0.0)


def retry_after_seconds(headers: Mapping[str, str]) -> float | None:
    """What an answer asks to wait, in seconds (RFC 9110, 10.2.3); None for nothing or a date."""
    asked = headers.get("retry-after", "")
    return float(asked) if asked.isdecimal() else None


@contextlib.asynccontextmanager
async def connections(url: str, key: str | None) -> AsyncIterator[Connections]:
    """As many connections as readers want. Raises MissingDependency without the `eval` extra."""
    try:
        import aiohttp
    except ImportError:
        raise MissingDependency("Asking a service needs pip install 'inbrief[eval]'.") from None
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=TIMEOUT_SECONDS),
        headers={"authorization": f"Bearer {key}"} if key else {},
        timeout=aiohttp.ClientTimeout(total=TIMEOUT_SECONDS),
    ) as session:
        yield Connections(session, url, (aiohttp.ClientError, TimeoutError))
