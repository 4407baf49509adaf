"""The version of a release and of a build: taken before the build, and marked where that fails."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from longshore.config.settings import load
from longshore.config.target import select
from longshore.environment.environment import Environment
from longshore.errors import AwsError, BuildError
from longshore.git import Source
from longshore.images import docker, images
from longshore.images.images import BuildOptions
from longshore.images.version_counter import VersionRequest
from longshore.ledger.releases import Ledger
from longshore.run import build_and_plan
from longshore.run.options import ReleaseOptions
from longshore.terminal.console import Console
from tests.fakes.memory_table import MemoryTable
from tests.fakes.runs import started
from tests.fakes.samples import result
from tests.images.test_version_counter import APP, Registry

SETTINGS = {"region": "eu-central-1", "environments": {"test": {"account": "123456789012"}}}
COMMIT = "0123456789abcdef0123456789abcdef01234567"


@dataclass
class Shop:
    """An environment without AWS, Docker and Terraform."""

    folder: Path
    registry: Registry = field(default_factory=Registry)
    table: MemoryTable = field(default_factory=MemoryTable)
    err: io.StringIO = field(default_factory=io.StringIO)

    @property
    def env(self) -> Environment:
        target = select(load({"applications": {"shop": SETTINGS}}), self.folder, None, "test")
        console = Console(io.StringIO(), self.err, io.StringIO(), interactive=False)
        made = SimpleNamespace(
            target=target, console=console, aws=SimpleNamespace(ecr=self.registry), ledger=self.ledger
        )
        return cast(Environment, made)

    @property
    def ledger(self) -> Ledger:
        return Ledger(self.table, "test")

    def choose(self, options: ReleaseOptions | None = None, **entry: Any) -> list[str]:
        """The version that a run chooses, asked for twice; its entry is as a new process would make it."""
        with started(err=self.err, **{"version": ""} | entry) as run:
            return [build_and_plan.choose_tag(run, self.env, options or ReleaseOptions()) for _ in range(2)]

    def issued(self) -> list[tuple[str, str, str]]:
        return [(one.version, one.by, one.state) for one in self.ledger.versions.all()]


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)


def test_a_release_reserves_its_version_and_keeps_it(shop: Shop) -> None:
    assert shop.choose() == ["v1.0.0", "v1.0.0"]
    assert shop.issued() == [("v1.0.0", "test-000001", "reserved")]
    # Its process was killed before the version was in its entry.
    assert shop.choose() == ["v1.0.0", "v1.0.0"]
    assert shop.choose(release="test-000002") == ["v1.0.1", "v1.0.1"]


def test_an_image_that_exists_and_a_dirty_tree_take_no_number(shop: Shop) -> None:
    assert shop.choose(ReleaseOptions(tag="v3.0.0"))[0] == "v3.0.0"
    assert shop.choose(dirty=True)[0].startswith("v1.0.0-dirty.")
    assert shop.issued() == []


def test_to_look_takes_nothing_and_to_reserve_takes_it_for_this_process_alone(shop: Shop) -> None:
    env = shop.env
    assert build_and_plan.next_tag(env, VersionRequest()) == "v1.0.0"
    assert shop.issued() == []
    assert [build_and_plan.reserve_tag(env, VersionRequest()) for _ in range(2)] == ["v1.0.0", "v1.0.1"]
    assert all(by.startswith("version --reserve ") for _, by, _ in shop.issued())


def test_what_was_released_to_any_environment_counts(shop: Shop) -> None:
    shop.registry.held[APP] = {"v1.0.0"}
    shop.ledger.begin(result(version="v1.0.7"))
    assert build_and_plan.next_tag(shop.env, VersionRequest()) == "v1.0.8"


@pytest.fixture
def failing(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Shop:
    """A shop whose builds fail."""

    def fail(*_: object, **__: object) -> None:
        raise BuildError("docker build failed with exit code 1")

    monkeypatch.setattr(images, "make", fail)
    monkeypatch.setattr(images, "source_of", lambda _: Source(Path(), COMMIT, "Greet"))
    monkeypatch.setattr(docker.Docker, "check", lambda _: "")
    return shop


def test_a_build_that_fails_leaves_its_number_marked_as_unused(failing: Shop) -> None:
    with pytest.raises(BuildError):
        build_and_plan.build(failing.env, None, BuildOptions(), allow_dirty=False)
    (found,) = failing.ledger.versions.all()
    assert (found.version, found.state, found.why) == ("v1.0.0", "unused", "docker build failed with exit code 1")
    assert found.by.startswith("build ")
    assert build_and_plan.next_tag(failing.env, VersionRequest()) == "v1.0.1"


def test_a_tag_that_was_given_is_no_number_of_ours(failing: Shop) -> None:
    failing.ledger.versions.reserve("v1.0.0", "test-000001", "ann")
    with pytest.raises(BuildError):
        build_and_plan.build(failing.env, "v1.0.0", BuildOptions(), allow_dirty=False)
    assert failing.issued() == [("v1.0.0", "test-000001", "reserved")]


def test_a_release_whose_build_fails_leaves_its_number_marked(failing: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build_and_plan, "_planned", lambda *_: (None, []))
    with started(err=failing.err, version="") as run:
        build_and_plan.choose_tag(run, failing.env, ReleaseOptions())
        source = Source(Path(), COMMIT, "Greet")
        with pytest.raises(BuildError):  # noqa: SIM117 - the run goes on to its end
            with build_and_plan.built_and_planned(run, failing.env, ReleaseOptions(), source):
                pass
    assert failing.issued() == [("v1.0.0", "test-000001", "unused")]


def test_that_it_can_not_be_marked_does_not_hide_why_the_build_failed(failing: Shop) -> None:
    def refuse(call: str, pk: str) -> None:
        if call == "get":
            raise AwsError("denied", code="AccessDeniedException")

    failing.table.before = refuse
    with pytest.raises(BuildError, match="docker build failed"):
        build_and_plan.build(failing.env, None, BuildOptions(), allow_dirty=False)
    assert "could not mark v1.0.0 as unused: denied" in failing.err.getvalue()
