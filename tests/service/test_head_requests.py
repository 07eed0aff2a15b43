from __future__ import annotations

from pathlib import Path

import httpx
from fastapi.testclient import TestClient

from service.app import create_app
from service.schemas import EXAMPLE_TEXT
from service.settings import Settings
from tests.fakes import FakeSummariser
from tests.processes import PATIENCE_SECONDS, service


def test_head_has_the_headers_of_get_and_no_body(tmp_path: Path) -> None:
    with (
        service(tmp_path) as running,
        httpx.Client(base_url=running.url, timeout=PATIENCE_SECONDS) as client,
    ):
        identity = client.post("/v1/summaries", json={"text": EXAMPLE_TEXT}).json()["id"]
        for path in ("/healthz", "/readyz", "/openapi.json", "/", f"/v1/summaries/{identity}"):
            got, head = client.get(path), client.head(path)
            assert head.status_code == got.status_code == 200, path
            assert head.content == b""
            for name in ("content-type", "content-length", "etag", "cache-control"):
                assert head.headers.get(name) == got.headers.get(name), (path, name)
        assert client.head("/v1/summaries/0").status_code == 404
        # The connection is as good as before: nothing of a body was left on it.
        assert client.get("/healthz").json() == {"status": "alive"}


def test_where_there_is_no_get_there_is_no_head(tmp_path: Path) -> None:
    app = create_app(Settings(data_dir=tmp_path), FakeSummariser())
    with TestClient(app) as client:
        refused = client.head("/v1/summaries")
        assert (refused.status_code, refused.headers["allow"]) == (405, "POST")
        assert refused.content == b""
        assert client.post("/healthz").headers["allow"] == "GET, HEAD"
