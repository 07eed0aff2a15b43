"""Ray Serve over a fake summariser, as a program: `python -m tests.fake_ray_app PORT`.

A program of its own, because Ray warns of its own resources when it ends.
Every line of its standard input is a revision of the model, which is deployed
in the place of the one before. Stops when its standard input is closed.
"""

from __future__ import annotations

import sys
from functools import partial

import ray
import yaml
from ray import serve

from deploy.ray_app import Summaries
from tests.fakes import FAKE_INFO, FakeSummariser, with_info
from tests.processes import ROOT


def load_fake(revision: str) -> FakeSummariser:
    return FakeSummariser(
        info=with_info(revision=revision),
        seconds_a_call=0.05,
        explosions={"explode": RuntimeError("broken")},
    )


def deploy(revision: str) -> None:
    config = yaml.safe_load((ROOT / "deploy" / "serve_config.yaml").read_text())
    options = config["applications"][0]["deployments"][0]
    options["ray_actor_options"] = {"num_cpus": 1}
    load = partial(load_fake, revision)
    serve.run(serve.deployment(**options)(Summaries).bind(load), route_prefix="/")


def main(port: int) -> None:
    ray.init(
        num_cpus=4,
        include_dashboard=False,
        object_store_memory=200 * 2**20,
        runtime_env={"env_vars": {"PYTHONPATH": str(ROOT)}},
    )
    serve.start(http_options={"host": "127.0.0.1", "port": port})
    deploy(FAKE_INFO.revision)
    for line in sys.stdin:
        deploy(line.strip())
    serve.shutdown()  # type: ignore[no-untyped-call]
    ray.shutdown()


if __name__ == "__main__":
    main(int(sys.argv[1]))
