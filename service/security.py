"""The gate before the routes: who asks, whether they may, and how often.

Pure ASGI, so that a refusal costs no routing and no body. The gate knows
addresses and methods only; what a request says inside is not its business.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Final

from limits import RateLimitItem
from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from models.errors import AccessError, Forbidden, RateLimited, Unauthenticated
from service import keys as key_records
from service.keys import KeyFile, KeyRecord
from service.limiting import RateLimiter, Standing, parse_rate
from service.problems import Problem, problem_of
from service.proxies import ProxyTrust, is_local, rate_bucket

# What `scope["state"]` holds for the routes and the logs behind the gate.
CALLER: Final = "inbrief_caller"

Respond = Callable[[Problem, dict[str, str]], Response]

_SECURITY_HEADERS: Final = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "x-frame-options": "SAMEORIGIN",
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=()",
    # Pages that need more say so themselves; JSON needs nothing.
    "content-security-policy": "default-src 'self'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'self'; object-src 'none'",
}
_HSTS: Final = "max-age=31536000"


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: a client address, and the record of the key if one was shown (never the key).

    `local`: directly from this machine, with no proxy between.
    """

    address: str
    key: KeyRecord | None = None
    local: bool = False

    @property
    def key_id(self) -> str | None:
        return None if self.key is None else self.key.id


@dataclass(frozen=True, slots=True)
class Rates:
    """Requests a key and requests an address may make; None: as many as they like."""

    by_key: RateLimitItem | None
    by_address: RateLimitItem | None


def needed_scope(method: str, path: str, *, metrics_open: bool) -> key_records.Scope | None:
    """What a key must allow for this request; None for what everybody may see."""
    if path == "/metrics":
        return None if metrics_open else "admin"
    if path.startswith("/v1/summaries"):
        return "admin" if method == "DELETE" else "summarise"
    # The Hugging Face shape of the same work.
    work = path.startswith("/models/") or (path == "/" and method == "POST")
    return "summarise" if work else None


class Guard:
    """Decides about one request; knows no responses."""

    def __init__(
        self, keys: KeyFile, limiter: RateLimiter, proxies: ProxyTrust, rates: Rates
    ) -> None:
        self._keys = keys
        self._limiter = limiter
        self._proxies = proxies
        self._rates = rates

    def caller_of(self, scope: Scope) -> Caller:
        """Who asks, as far as the connection says."""
        peer, headers = scope.get("client"), scope["headers"]
        address = self._proxies.client(peer[0] if peer else None, headers)
        return Caller(address, local=is_local(address, headers))

    def identify(self, headers: Headers, caller: Caller, needed: key_records.Scope) -> Caller:
        """The caller with the key shown, who may do what is `needed`.

        Raises:
            Unauthenticated: a key is needed and none that is valid was shown.
            Forbidden: the key does not allow this, or not from this origin.
        """
        if not self._keys.guards:
            return caller
        shown = _shown_key(headers)
        key = None if shown is None else self._keys.verify(shown)
        if key is None:
            raise Unauthenticated(
                "This needs a key in the Authorization header: Bearer inb_…"
                if shown is None
                else "The key is not known here, or not any more."
            )
        if needed not in key.scopes and "admin" not in key.scopes:
            raise Forbidden(f"The key does not have the scope {needed}.")
        if key.origins and headers.get("origin") not in key.origins:
            raise Forbidden("The key does not work from this origin.")
        return replace(caller, key=key)

    async def count(self, caller: Caller, *, cost: int = 1) -> Standing | None:
        """Count a request that `identify` let through; None when nothing limits it.

        Keys of servers are counted by key. Site keys are in everybody's hands,
        so who shows one is counted by address, as is who shows none.

        Raises:
            RateLimited: with the standing in its `standing`.
        """
        key = caller.key
        if key is not None and not key.origins:
            rate = self._rates.by_key if key.rate is None else parse_rate(key.rate, "rate")
            policy, bucket = "key", key.id
        else:
            # Whoever sits at the machine itself has better means to exhaust it.
            if key is None and caller.local:
                return None
            rate, policy, bucket = self._rates.by_address, "address", rate_bucket(caller.address)
        if rate is None:
            return None
        standing = await self._limiter.hit(policy, rate, bucket, cost=cost)
        if not standing.allowed:
            raise TooMany(standing)
        return standing


class TooMany(RateLimited):
    """A refusal that knows where the caller stands."""

    def __init__(self, standing: Standing) -> None:
        super().__init__(
            f"At most {standing.quota} requests in {standing.window_seconds} seconds"
            f" for this {standing.policy}.",
            limit=standing.quota,
            retry_after_seconds=standing.reset_seconds,
        )
        self.standing = standing


class Gate:
    """ASGI middleware: asks the guard, answers refusals, adds the RateLimit fields."""

    def __init__(self, app: ASGIApp, *, guard: Guard, respond: Respond, metrics_open: bool) -> None:
        self._app = app
        self._guard = guard
        self._respond = respond
        self._metrics_open = metrics_open

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        caller = self._guard.caller_of(scope)
        scope.setdefault("state", {})[CALLER] = caller
        needed = needed_scope(scope["method"], path_of(scope), metrics_open=self._metrics_open)
        if needed is None or scope["method"] == "OPTIONS":
            await self._app(scope, receive, send)
            return
        standing: Standing | None = None
        try:
            try:
                caller = self._guard.identify(Headers(scope=scope), caller, needed)
            except AccessError:
                # Guessing costs what asking costs.
                await self._guard.count(caller)
                raise
            standing = await self._guard.count(caller)
        except AccessError as error:
            await self._refuse(error)(scope, receive, send)
            return
        scope["state"][CALLER] = caller
        await self._app(scope, receive, send if standing is None else _adding(send, standing))

    def _refuse(self, error: AccessError) -> Response:
        headers: dict[str, str] = {}
        if isinstance(error, Unauthenticated):
            headers["www-authenticate"] = 'Bearer realm="inbrief"'
        if isinstance(error, TooMany):
            headers |= {k.decode(): v.decode() for k, v in error.standing.headers()}
        return self._respond(problem_of(error), headers)


class SecurityHeaders:
    """ASGI middleware: the headers every response has, unless its route set its own."""

    def __init__(self, app: ASGIApp, *, https: bool) -> None:
        self._app = app
        headers = {**_SECURITY_HEADERS, **({"strict-transport-security": _HSTS} if https else {})}
        self._headers = [(name.encode(), value.encode()) for name, value in headers.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def add(message: Message) -> None:
            if message["type"] == "http.response.start":
                given = {name for name, _ in message["headers"]}
                missing = [(name, value) for name, value in self._headers if name not in given]
                message["headers"] = [*message["headers"], *missing]
            await send(message)

        await self._app(scope, receive, add)


class Origins(CORSMiddleware):
    """CORS for the origins of the settings and of the site keys; never with credentials."""

    def __init__(self, app: ASGIApp, *, origins: Iterable[str], keys: KeyFile) -> None:
        super().__init__(
            app,
            allow_origins=tuple(origins),
            allow_methods=("GET", "POST"),
            allow_headers=("authorization", "content-type", "x-request-id"),
            expose_headers=("retry-after", "ratelimit", "ratelimit-policy", "x-request-id"),
            allow_credentials=False,
            max_age=600,
        )
        self._keys = keys

    def is_allowed_origin(self, origin: str) -> bool:
        return super().is_allowed_origin(origin) or any(
            origin in record.origins for record in self._keys.records()
        )


def path_of(scope: Scope) -> str:
    """The path below the prefix that a proxy in front strips."""
    path: str = scope["path"]
    return path.removeprefix(scope.get("root_path", "")) or "/"


def caller_of(scope: Scope) -> Caller | None:
    caller: Caller | None = scope.get("state", {}).get(CALLER)
    return caller


def _shown_key(headers: Headers) -> str | None:
    scheme, _, credentials = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return credentials.strip()
    return headers.get("x-api-key")


def _adding(send: Send, standing: Standing) -> Send:
    async def add(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message.get("headers", ()), *standing.headers()]
        await send(message)

    return add
