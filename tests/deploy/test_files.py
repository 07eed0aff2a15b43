"""Each file of `deploy/` against the tool that will read it."""

from __future__ import annotations

import getpass
import json
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from grafana_foundation_sdk.models.dashboard import Dashboard
from prometheus_client.parser import text_string_to_metric_families

from service.observability import Metrics
from service.schemas import EXAMPLE_TEXT
from service.settings_loading import load_settings
from tests.processes import ROOT, accepts, free_port, program, service, wait_until

DEPLOY = ROOT / "deploy"
DASHBOARD = DEPLOY / "grafana" / "dashboards" / "inbrief.json"


def run(*command: str | Path, **more: Any) -> str:
    """What a command that must succeed prints."""
    done: subprocess.CompletedProcess[str] = subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, **more
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def installed(name: str) -> str:
    """A program of the environment that runs the tests."""
    path = Path(sysconfig.get_path("scripts")) / name
    assert path.exists(), f"{name} is in requirements-dev.in"
    return str(path)


def test_the_dockerfile_pleases_hadolint() -> None:
    run(installed("hadolint"), ROOT / "Dockerfile")


def test_the_dockerfile_copies_what_is_not_ignored() -> None:
    kept = {
        line.removeprefix("!")
        for line in (ROOT / ".dockerignore").read_text().splitlines()
        if line.startswith("!")
    }
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", (ROOT / "Dockerfile").read_text(), re.M)
    assert {name for names in copied for name in names.split()} == kept


@pytest.mark.parametrize("path", sorted(DEPLOY.glob("kubernetes/*.yaml")), ids=lambda p: p.name)
def test_manifests_fit_kubernetes_schemas(path: Path) -> None:
    if path.name == "kustomization.yaml":
        listed = yaml.safe_load(path.read_text())["resources"]
        others = {one.name for one in path.parent.glob("*.yaml")} - {path.name}
        assert set(listed) == others
    else:
        run(installed("kubernetes-validate"), "--strict", path)


def test_compose_is_understood() -> None:
    run(program("docker-compose"), "-f", DEPLOY / "compose.yaml", "config", "-q")


def environment_of_deployments() -> list[dict[str, str]]:
    compose = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    (config_map, *_) = yaml.safe_load_all((DEPLOY / "kubernetes" / "inbrief.yaml").read_text())
    unit = re.findall(r"^Environment=(\S+)=(\S+)$", (DEPLOY / "inbrief.service").read_text(), re.M)
    image = re.findall(r"(INBRIEF_\w+)=(\S+)", (ROOT / "Dockerfile").read_text())
    return [
        compose["services"]["inbrief"]["environment"],
        config_map["data"],
        dict(unit),
        dict(image),
    ]


def test_every_setting_in_the_deployments_exists_and_is_in_range() -> None:
    for environment in environment_of_deployments():
        # A variable that the person who deploys fills in stands for its default.
        values = {
            name: re.sub(r"\$\{\w+(:-(.*))?\}", r"\2", value)
            for name, value in environment.items()
            if name.startswith("INBRIEF_")
        }
        values = {name: value for name, value in values.items() if value}
        assert values
        values.setdefault("INBRIEF_DEVICE", "cpu")
        load_settings(environ=values)


def test_the_systemd_unit_is_understood(tmp_path: Path) -> None:
    unit = (DEPLOY / "inbrief.service").read_text()
    copy = tmp_path / "inbrief.service"
    copy.write_text(unit.replace("/opt/inbrief/bin/inbrief", sys.executable))
    output = run(program("systemd-analyze"), "verify", "--man=no", copy)
    assert "inbrief.service" not in output, output


def test_prometheus_reads_its_files() -> None:
    run(program("promtool"), "check", "config", DEPLOY / "prometheus.yml")


def exposed_names() -> set[str]:
    """Every sample's name that the service may expose."""
    names = {"up", "inbrief_ready", "inbrief_model_info", "inbrief_queue_expected_seconds"}
    metrics = Metrics()
    for family in text_string_to_metric_families(metrics.render().decode()):
        names |= {family.name, *(sample.name for sample in family.samples)}
        if family.type == "counter":
            names.add(family.name + "_total")
        if family.type == "histogram":
            names |= {f"{family.name}_{suffix}" for suffix in ("bucket", "sum", "count")}
    return names


def dashboard_expressions() -> list[str]:
    panels = json.loads(DASHBOARD.read_text())["panels"]
    return [target["expr"] for panel in panels for target in panel.get("targets", ())]


def test_the_dashboard_is_one_and_asks_only_for_what_exists(tmp_path: Path) -> None:
    dashboard = Dashboard.from_json(json.loads(DASHBOARD.read_text()))
    assert dashboard.title == "inbrief"
    expressions = dashboard_expressions()
    assert len(expressions) >= 20
    rules = [
        {
            "record": f"check:{number}",
            "expr": expression.replace("$__rate_interval", "1m").replace("$instance", ".*"),
        }
        for number, expression in enumerate(expressions)
    ]
    file = tmp_path / "rules.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": rules}]}))
    run(program("promtool"), "check", "rules", file)
    alerts = yaml.safe_load((DEPLOY / "alerts.yml").read_text())["groups"][0]["rules"]
    asked = [*expressions, *(rule["expr"] for rule in alerts)]
    names = set(re.findall(r"\b((?:inbrief|process)_\w+)", " ".join(asked)))
    assert names <= exposed_names()
    hpa = (DEPLOY / "kubernetes" / "scaling.yaml").read_text()
    assert set(re.findall(r"name: (inbrief_\w+)", hpa)) <= exposed_names()


def test_nginx_caches_hides_and_passes_on(tmp_path: Path) -> None:
    binary, port = program("nginx"), free_port()
    (tmp_path / "cache").mkdir()
    with service(tmp_path, {"INBRIEF_TRUSTED_PROXIES": "127.0.0.1"}) as running:
        replaced = {
            "/run/nginx.pid": f"{tmp_path}/nginx.pid",
            "/var/cache/nginx": f"{tmp_path}/cache",
            "listen 8080": f"listen 127.0.0.1:{port}",
            "http://inbrief:8000": running.url,
            "events {": "daemon off;\nevents {",
            # The test's directory is for the user who runs it alone.
            "worker_processes auto;": f"user {getpass.getuser()};\nworker_processes 1;",
        }
        text = (DEPLOY / "nginx.conf").read_text()
        for old, new in replaced.items():
            assert old in text, old
            text = text.replace(old, new)
        config = tmp_path / "nginx.conf"
        config.write_text(text)
        run(binary, "-t", "-p", tmp_path, "-c", config)
        nginx = subprocess.Popen([binary, "-p", str(tmp_path), "-c", str(config)])
        try:
            wait_until(lambda: accepts(port), 60, "nginx accepting connections")
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
                made = client.post("/v1/summaries", json={"text": EXAMPLE_TEXT})
                assert made.status_code == 200
                path = f"/v1/summaries/{made.json()['id']}"
                states = [client.get(path).headers["x-cache"] for _ in range(3)]
                assert states == ["MISS", "HIT", "HIT"]
                other = client.get(path, headers={"origin": "https://a.example"})
                assert other.headers["x-cache"] == "MISS"
                assert client.get("/metrics").status_code == 404
                assert client.get("/readyz").status_code == 200
                large = client.post("/v1/summaries", content=b"x" * 5_000_000)
                assert large.status_code == 413
                with client.stream(
                    "POST",
                    "/v1/summaries",
                    json={"text": EXAMPLE_TEXT + " Again."},
                    headers={"accept": "text/event-stream"},
                ) as stream:
                    events = stream.read().decode()
                assert "event: sentence" in events
                assert "event: done" in events
        finally:
            nginx.terminate()
            nginx.wait(60)


def test_shell_scripts_parse() -> None:
    shell = shutil.which("bash")
    assert shell is not None
    for script in (ROOT / ".ci").iterdir():
        if script.read_text().startswith("#!/usr/bin/env bash"):
            run(shell, "-n", script)
