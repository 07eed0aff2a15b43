"""What inbrief stands on is pinned and its licences are listed."""

from __future__ import annotations

import re
import tomllib

from packaging.requirements import Requirement
from packaging.utils import NormalizedName, canonicalize_name

from tests.processes import ROOT


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
