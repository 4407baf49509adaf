"""A build machine installs the tested pins, and no more than the package needs."""

from __future__ import annotations

import re
import tomllib

from tests.paths import ROOT

_PIN = re.compile(r"^([a-z0-9._-]+)==(\S+) \\\n((?: +--hash=sha256:[0-9a-f]{64}(?: \\)?\n)+)", re.MULTILINE)


def pins(name: str) -> dict[str, tuple[str, str]]:
    """Version and hashes by package."""
    return {pin[1]: (pin[2], pin[3]) for pin in _PIN.finditer((ROOT / "requirements" / name).read_text())}


def test_a_build_machine_installs_the_tested_pins() -> None:
    tested, installed = pins("dev.txt"), pins("release.txt")
    assert {name: pin for name, pin in installed.items() if tested.get(name) != pin} == {}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wanted = project["project"]["dependencies"] + project["build-system"]["requires"]
    assert {re.split(r"[^a-z0-9._-]", line)[0] for line in wanted} <= set(installed)
    assert not {"moto", "docker", "pytest"} & set(installed)


def test_every_line_of_the_pins_is_a_pin_or_a_comment() -> None:
    """The files name no registry, which would be valid on one machine only."""
    for name in ("dev.txt", "release.txt"):
        rest = _PIN.sub("", (ROOT / "requirements" / name).read_text())
        assert [line for line in rest.splitlines() if line and not line.lstrip().startswith("#")] == [], name
