from __future__ import annotations

import contextlib
import ssl
from pathlib import Path

import httpx
import trustme

from service.schemas import EXAMPLE_TEXT
from tests.processes import PATIENCE_SECONDS, Service, wait_until


def test_with_a_certificate_the_service_speaks_https_alone(tmp_path: Path) -> None:
    authority = trustme.CA()
    certificate = authority.issue_cert("localhost", "127.0.0.1")
    chain, key = tmp_path / "chain.pem", tmp_path / "key.pem"
    chain.write_bytes(b"".join(blob.bytes() for blob in certificate.cert_chain_pems))
    key.write_bytes(certificate.private_key_pem.bytes())
    trust = ssl.create_default_context()
    authority.configure_trust(trust)
    running = Service(
        tmp_path, {"INBRIEF_TLS_CERTFILE": str(chain), "INBRIEF_TLS_KEYFILE": str(key)}
    )
    url = running.url.replace("http://", "https://")

    def ready() -> bool:
        with contextlib.suppress(httpx.TransportError):
            return httpx.get(f"{url}/readyz", verify=trust).status_code == 200
        return False

    try:
        running.start(ready=False)
        wait_until(ready, PATIENCE_SECONDS, "the service being ready")
        answer = httpx.post(
            f"{url}/v1/summaries",
            json={"text": EXAMPLE_TEXT},
            verify=trust,
            timeout=PATIENCE_SECONDS,
        )
        assert answer.status_code == 200
        assert answer.headers["strict-transport-security"].startswith("max-age=")
        with contextlib.suppress(httpx.TransportError):
            assert running.get("/readyz").status_code >= 400
    finally:
        running.kill()
