from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from models.errors import SettingsError
from service import keys
from service.app import create_app
from service.keys import KeyFile
from service.operation import require_guarded
from service.schemas import EXAMPLE_TEXT
from service.security import needed_scope
from service.settings import Settings
from tests.fakes import FakeSummariser

BODY = {"text": EXAMPLE_TEXT}
SITE = "https://news.example"


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keys, "RELOAD_SECONDS", 0.0)


@pytest.fixture
def key_file(tmp_path: Path) -> KeyFile:
    return KeyFile(tmp_path / "keys.json")


@contextmanager
def served(
    key_file: KeyFile, client: tuple[str, int] = ("198.51.100.7", 4711), **settings: Any
) -> Iterator[TestClient]:
    app = create_app(Settings(keys_file=key_file.path, **settings), FakeSummariser())
    with TestClient(app, client=client) as test_client:
        yield test_client


def bearer(key: str, **more: str) -> dict[str, str]:
    return {"authorization": f"Bearer {key}", **more}


def test_without_keys_everybody_may_ask(key_file: KeyFile) -> None:
    with served(key_file) as client:
        assert client.post("/v1/summaries", json=BODY).status_code == 200


def test_with_a_key_nobody_may_ask_without_one(key_file: KeyFile) -> None:
    _, key = key_file.create("CMS", ["summarise"])
    with served(key_file) as client:
        missing = client.post("/v1/summaries", json=BODY)
        assert missing.status_code == 401
        assert missing.json()["type"] == "/problems/unauthenticated"
        assert missing.headers["www-authenticate"].startswith("Bearer")
        wrong = client.post("/v1/summaries", json=BODY, headers=bearer("inb_x_y"))
        assert wrong.status_code == 401
        for headers in (bearer(key), {"x-api-key": key}):
            assert client.post("/v1/summaries", json=BODY, headers=headers).status_code == 200
        assert client.post("/v1/summaries:batch", json={"articles": [BODY]}).status_code == 401
        for open_to_all in ("/healthz", "/readyz", "/", "/docs", "/openapi.json", "/v1/models"):
            assert client.get(open_to_all).status_code == 200, open_to_all


def test_the_first_key_closes_a_running_service_and_revoking_needs_no_restart(
    key_file: KeyFile,
) -> None:
    with served(key_file) as client:
        assert client.post("/v1/summaries", json=BODY).status_code == 200
        record, key = key_file.create("CMS", ["summarise"])
        assert client.post("/v1/summaries", json=BODY).status_code == 401
        assert client.post("/v1/summaries", json=BODY, headers=bearer(key)).status_code == 200
        key_file.revoke(record.id)
        assert client.post("/v1/summaries", json=BODY, headers=bearer(key)).status_code == 401


def test_only_admins_purge_and_see_metrics(key_file: KeyFile) -> None:
    _, reader = key_file.create("CMS", ["summarise"])
    _, admin = key_file.create("ops", ["admin"])
    with served(key_file) as client:
        identity = client.post("/v1/summaries", json=BODY, headers=bearer(reader)).json()["id"]
        for method, path in (("DELETE", f"/v1/summaries/{identity}"), ("GET", "/metrics")):
            refused = client.request(method, path, headers=bearer(reader))
            assert refused.status_code == 403
            assert refused.json()["type"] == "/problems/forbidden"
            assert client.request(method, path).status_code == 401
            assert client.request(method, path, headers=bearer(admin)).status_code in (200, 404)
    with served(key_file, metrics_open=True) as client:
        assert client.get("/metrics").status_code == 200


def test_a_shared_cache_keeps_no_answer_that_needs_a_key(key_file: KeyFile) -> None:
    _, reader = key_file.create("CMS", ["summarise"])
    with served(key_file) as client:
        identity = client.post("/v1/summaries", json=BODY, headers=bearer(reader)).json()["id"]
        kept = client.get(f"/v1/summaries/{identity}", headers=bearer(reader))
        assert kept.headers["cache-control"] == "private, max-age=300"
        same = {**bearer(reader), "if-none-match": kept.headers["etag"]}
        assert client.get(f"/v1/summaries/{identity}", headers=same).status_code == 304
        stranger = {"if-none-match": kept.headers["etag"]}
        assert client.get(f"/v1/summaries/{identity}", headers=stranger).status_code == 401


def test_a_site_key_works_from_its_origins_alone(key_file: KeyFile) -> None:
    _, key = key_file.create("site", ["summarise"], origins=[SITE])
    with served(key_file) as client:

        def ask(**headers: str) -> int:
            response = client.post("/v1/summaries", json=BODY, headers=bearer(key, **headers))
            return response.status_code

        assert ask(origin=SITE) == 200
        for other in ("https://news.example.evil", "http://news.example", "null", SITE + ":8443"):
            assert ask(origin=other) == 403
        assert ask() == 403


def test_browsers_are_told_about_allowed_origins_only(key_file: KeyFile) -> None:
    key_file.create("site", ["summarise"], origins=[SITE])
    preflight = {
        "access-control-request-method": "POST",
        "access-control-request-headers": "authorization,content-type",
    }
    with served(key_file, cors_origins=("https://other.example",)) as client:
        for origin in (SITE, "https://other.example"):
            response = client.options("/v1/summaries", headers={"origin": origin, **preflight})
            assert response.status_code == 200
            assert response.headers["access-control-allow-origin"] == origin
            assert "access-control-allow-credentials" not in response.headers
            refusal = client.post("/v1/summaries", json=BODY, headers={"origin": origin})
            assert refusal.status_code == 401
            assert refusal.headers["access-control-allow-origin"] == origin
        evil = client.options(
            "/v1/summaries", headers={"origin": "https://evil.example", **preflight}
        )
        assert "access-control-allow-origin" not in evil.headers


def test_a_key_is_counted_and_refused_with_all_a_client_needs(key_file: KeyFile) -> None:
    _, key = key_file.create("CMS", ["summarise"])
    with served(key_file, key_rate="3/minute") as client:
        answers = [client.post("/v1/summaries", json=BODY, headers=bearer(key)) for _ in range(4)]
        assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
        assert answers[0].headers["ratelimit-policy"] == '"key";q=3;w=60'
        assert answers[0].headers["ratelimit"].startswith('"key";r=2;t=')
        refused = answers[3]
        assert refused.json()["type"] == "/problems/rate-limited"
        assert 1 <= int(refused.headers["retry-after"]) <= 60
        assert refused.headers["ratelimit"].startswith('"key";r=0;t=')
        _, generous = key_file.create("big", ["summarise"], rate="100/minute")
        for _ in range(5):
            answer = client.post("/v1/summaries", json=BODY, headers=bearer(generous))
            assert answer.status_code == 200


def test_a_batch_counts_as_its_articles(key_file: KeyFile) -> None:
    _, key = key_file.create("CMS", ["summarise"])
    with served(key_file, key_rate="5/minute") as client:

        def ask(articles: int) -> int:
            body = {"articles": [BODY] * articles}
            return client.post("/v1/summaries:batch", json=body, headers=bearer(key)).status_code

        assert ask(4) == 200
        assert ask(3) == 429


def test_readers_are_counted_by_address_and_nobody_can_invent_one(key_file: KeyFile) -> None:
    _, key = key_file.create("site", ["summarise"], origins=[SITE])

    def ask(client: TestClient, forwarded: str) -> int:
        headers = bearer(key, origin=SITE, **{"x-forwarded-for": forwarded})
        return client.post("/v1/summaries", json=BODY, headers=headers).status_code

    with served(key_file, address_rate="2/minute") as client:
        statuses = [ask(client, f"203.0.113.{n}") for n in range(4)]
        assert statuses == [200, 200, 429, 429]
    proxy = ("10.0.0.5", 1)
    networks = ("10.0.0.0/8",)
    with served(key_file, proxy, address_rate="2/minute", trusted_proxies=networks) as client:
        assert [ask(client, f"203.0.113.{n}") for n in range(4)] == [200] * 4
        spoofed = [ask(client, f"192.0.2.{n}, 198.51.100.1") for n in range(3)]
        assert spoofed == [200, 200, 429]


def test_guessing_keys_is_counted_too(key_file: KeyFile) -> None:
    key_file.create("CMS", ["summarise"])
    with served(key_file, address_rate="3/minute") as client:
        statuses = [
            client.post("/v1/summaries", json=BODY, headers=bearer(f"inb_0_{n}")).status_code
            for n in range(5)
        ]
        assert statuses == [401, 401, 401, 429, 429]


def test_a_person_at_the_machine_itself_is_not_counted(key_file: KeyFile) -> None:
    with served(key_file, client=("127.0.0.1", 1), address_rate="1/minute") as client:
        assert [client.post("/v1/summaries", json=BODY).status_code for _ in range(3)] == [200] * 3


@pytest.mark.parametrize("name", ["x-forwarded-for", "forwarded", "via", "x-real-ip"])
def test_what_a_proxy_on_this_machine_passes_on_is_limited(key_file: KeyFile, name: str) -> None:
    """Even where the operator forgot to trust it: then all its readers count as one."""
    headers = {name: "for=198.51.100.9"}
    with served(key_file, client=("127.0.0.1", 1), address_rate="1/minute") as client:
        statuses = [
            client.post("/v1/summaries", json=BODY, headers=headers).status_code for _ in range(2)
        ]
    assert statuses == [200, 429]


def test_every_response_carries_the_security_headers(key_file: KeyFile) -> None:
    key_file.create("CMS", ["summarise"])
    with served(key_file) as client:
        for response in (
            client.get("/"),
            client.post("/v1/summaries", json=BODY),
            client.get("/nowhere"),
            client.get("/docs"),
        ):
            assert response.headers["x-content-type-options"] == "nosniff"
            policy = response.headers["content-security-policy"]
            assert "default-src 'self'" in policy or "default-src 'none'" in policy
            assert "script-src" not in policy or "unsafe-inline" not in policy
            assert "strict-transport-security" not in response.headers
    with served(key_file, tls_certfile=Path("c.pem")) as client:
        assert client.get("/").headers["strict-transport-security"] == "max-age=31536000"


def test_neither_keys_nor_text_are_logged_or_measured(
    key_file: KeyFile, caplog: pytest.LogCaptureFixture
) -> None:
    record, key = key_file.create("CMS", ["summarise"])
    _, admin = key_file.create("ops", ["admin"])
    with caplog.at_level(logging.DEBUG), served(key_file) as client:
        client.post("/v1/summaries", json=BODY, headers=bearer(key))
        client.post("/v1/summaries", json={"text": 5}, headers=bearer(key))
        client.post("/v1/summaries", json=BODY, headers=bearer(key + "x"))
        metrics = client.get("/metrics", headers=bearer(admin)).text
    logged = "\n".join(
        f"{one.getMessage()} {vars(one)}"
        for one in caplog.records
        if one.name.startswith(("inbrief", "service", "models"))
    )
    assert record.id in logged
    secret = key.split("_", 2)[2]
    for hidden in (secret, "Harbour Commission", "198.51.100.7"):
        assert hidden not in logged
        assert hidden not in metrics


def test_a_service_without_keys_does_not_stand_open_on_the_network(key_file: KeyFile) -> None:
    for host in ("127.0.0.1", "::1", "localhost"):
        require_guarded(Settings(host=host), key_file)
    with pytest.raises(SettingsError, match="inbrief keys create"):
        require_guarded(Settings(host="0.0.0.0"), key_file)
    require_guarded(Settings(host="0.0.0.0", allow_open=True), key_file)
    key_file.create("CMS", ["summarise"])
    require_guarded(Settings(host="0.0.0.0"), key_file)


def test_what_each_address_needs() -> None:
    def needed(method: str, path: str) -> str | None:
        return needed_scope(method, path, metrics_open=False)

    assert needed("POST", "/v1/summaries") == "summarise"
    assert needed("POST", "/v1/summaries:batch") == "summarise"
    assert needed("GET", "/v1/summaries/x") == "summarise"
    assert needed("DELETE", "/v1/summaries/x") == "admin"
    assert needed("POST", "/models/news-small") == "summarise"
    assert needed("GET", "/metrics") == "admin"
    assert needed("GET", "/v1/models") is None


def test_the_keys_file_is_no_secret(key_file: KeyFile) -> None:
    _, key = key_file.create("CMS", ["summarise"])
    digest = json.loads(key_file.path.read_text())["keys"][0]["digest"]
    for not_a_key in (digest, f"inb_{key.split('_')[1]}_{digest}"):
        assert key_file.verify(not_a_key) is None
