"""What inbrief stands on is pinned and its licences are listed."""

from __future__ import annotations

import contextlib
import json
import re
import shlex
import subprocess
import threading
import tomllib
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import NormalizedName, canonicalize_name

from tests.processes import ROOT, program


def pinned(name: str) -> dict[NormalizedName, str]:
    lines = (ROOT / name).read_text().splitlines()
    rows = [line.split("==") for line in lines if line and not line.startswith("#")]
    return {canonicalize_name(package): version for package, version in rows}


def test_every_dependency_is_pinned_within_its_bounds() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    pins = pinned("requirements.lock")
    for text in project["dependencies"]:
        requirement = Requirement(text)
        version = pins[canonicalize_name(requirement.name)]
        assert requirement.specifier.contains(version, prereleases=True), text


def test_every_pinned_package_has_its_licence_listed() -> None:
    rows = re.findall(
        r"^\| (\S+) \| (\S+) \| (.+) \|$", (ROOT / "docs" / "licences.md").read_text(), re.M
    )
    listed = {canonicalize_name(name): (version, licence) for name, version, licence in rows}
    for name, version in pinned("requirements.lock").items():
        assert listed[name][0] == version, f"{name}: run `make sbom`"
        assert not listed[name][1].startswith("not "), name


@contextlib.contextmanager
def advisories(fixed: Mapping[str, str]) -> Iterator[str]:
    """A database that knows one advisory for each package named, and when it was fixed.

    Answers as the OSV interface does (`POST /v1/query`); its address.
    """

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            query = json.loads(self.rfile.read(int(self.headers["content-length"])))
            name = query["package"]["name"]
            body = json.dumps({"vulns": [advisory(name, fixed[name])]} if name in fixed else {})
            self.send_response(200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1/query"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def advisory(name: str, fixed: str) -> dict[str, Any]:
    events = [{"introduced": "0"}, {"fixed": fixed}]
    ranges = [{"type": "ECOSYSTEM", "events": events}]
    package = {"name": name, "ecosystem": "PyPI"}
    return {
        "id": "PYSEC-2026-0",
        "modified": "2026-01-01T00:00:00Z",
        "details": "It does what it should not.",
        "affected": [{"package": package, "ranges": ranges}],
    }


def audit(options: str) -> subprocess.CompletedProcess[str]:
    """What `make audit` runs, with the options given to it."""
    make = [program("make"), "--dry-run", "--always-make", "audit", f"AUDIT={options}"]
    printed = subprocess.run(make, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    (command,) = [line for line in printed.replace("\\\n", " ").splitlines() if "pip-audit" in line]
    return subprocess.run(shlex.split(command), cwd=ROOT, capture_output=True, text=True)


def test_an_audit_looks_at_every_pin_and_fails_for_one_that_is_vulnerable() -> None:
    with advisories({"starlette": "999.0"}) as url:
        found = audit(f"-s osv --osv-url {url} --format json")
    assert found.returncode == 1, found.stderr
    rows = {row["name"]: row for row in json.loads(found.stdout)["dependencies"]}
    assert set(rows) == {*pinned("requirements.lock"), *pinned("requirements-dev.lock")}
    assert {name for name, row in rows.items() if row["vulns"]} == {"starlette"}
    with advisories({}) as url:
        assert audit(f"-s osv --osv-url {url}").returncode == 0


def test_an_audit_that_reached_nobody_is_no_clean_one() -> None:
    assert audit("-s osv --osv-url http://127.0.0.1:1/v1/query").returncode != 0
