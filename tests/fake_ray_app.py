"""Ray Serve over a fake summariser, as a program: `python -m tests.fake_ray_app PORT`.

A program of its own, because Ray warns of its own resources when it ends.
Stops when its standard input is closed.
"""

from __future__ import annotations

import sys

import ray
import yaml
from ray import serve

from deploy.ray_app import Summaries
from tests.fakes import FakeSummariser
from tests.processes import ROOT


def load_fake() -> FakeSummariser:
    return FakeSummariser(seconds_a_call=0.05, explosions={"explode": RuntimeError("broken")})


def main(port: int) -> None:
    ray.init(
        num_cpus=4,
        include_dashboard=False,
        object_store_memory=200 * 2**20,
        runtime_env={"env_vars": {"PYTHONPATH": str(ROOT)}},
    )
    serve.start(http_options={"host": "127.0.0.1", "port": port})
    config = yaml.safe_load((ROOT / "deploy" / "serve_config.yaml").read_text())
    options = config["applications"][0]["deployments"][0]
    options["ray_actor_options"] = {"num_cpus": 1}
    serve.run(serve.deployment(**options)(Summaries).bind(load_fake), route_prefix="/")
    sys.stdin.read()
    serve.shutdown()  # type: ignore[no-untyped-call]
    ray.shutdown()


if __name__ == "__main__":
    main(int(sys.argv[1]))
