"""The images of a release: by whom they are built, and which commit they are of."""

from __future__ import annotations

import io
import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from longshore import git
from longshore.aws.codebuild import Build
from longshore.aws.ecr import Repository
from longshore.clock import Clock
from longshore.config.settings import load
from longshore.config.target import select
from longshore.console import Console
from longshore.environment.environment import Environment
from longshore.errors import BuildError, ConfigError, GitError, UsageError
from longshore.git import Source
from longshore.images import build_image, builders, images
from longshore.images.build_image import BuildSpec, BuiltImage
from longshore.images.builders import RequestedBuild
from longshore.images.codebuild import BuildOutcome, BuildRequest, FollowOptions
from longshore.images.images import BuildOptions
from longshore.ledger.releases import Ledger
from longshore.result import BuildResult
from longshore.terraform import variable_files
from tests.fakes.memory_table import MemoryTable
from tests.paths import ROOT

COMMIT = "0123456789abcdef0123456789abcdef01234567"
SETTINGS = {
    "region": "eu-central-1",
    "images": {"app": {"build_args": {"COLOUR": "red"}}, "proxy": {}},
    "environments": {"test": {"account": "123456789012"}},
}


@dataclass
class Registry:
    """Digests by repository and tag."""

    held: dict[tuple[str, str], str] = field(default_factory=dict)

    def repository(self, name: str) -> Repository:
        return Repository(name, f"registry.test/{name}", "123456789012")

    def digest(self, name: str, tag: str) -> str | None:
        return self.held.get((name, tag))

    def manifest(self, name: str, digest: str) -> str | None:
        return digest if digest in self.held.values() else None

    def put_tag(self, name: str, manifest: str, tag: str) -> None:
        self.held[(name, tag)] = manifest


@dataclass
class World:
    """An application of two images in a folder, whose builds are noted and pushed by nobody but `run`."""

    folder: Path
    registry: Registry = field(default_factory=Registry)
    requests: list[BuildRequest] = field(default_factory=list)
    status: str = "SUCCEEDED"
    commit: str = COMMIT
    pushes: bool = True
    masked: str = ""

    def __post_init__(self) -> None:
        self.ledger = Ledger(MemoryTable(), "test")
        target = select(load({"applications": {"shop": SETTINGS}}), self.folder, None, "test")
        console = Console(io.StringIO(), io.StringIO(), io.StringIO(), interactive=False)
        made = SimpleNamespace(
            target=target, console=console, clock=Clock(), ledger=self.ledger, aws=SimpleNamespace(ecr=self.registry)
        )
        self.env = cast(Environment, made)

    def run(self, request: BuildRequest, watch: FollowOptions) -> BuildOutcome:
        """In place of CodeBuild."""
        self.requests.append(request)
        watch.on_start(Build("shop-build:1"))
        self.masked = watch.mask("NPM_TOKEN=unheard-of")
        for name in request.variables["LONGSHORE_IMAGES"].split(",") if self.pushes else []:
            self.registry.held[(f"shop/{name}", request.variables["LONGSHORE_TAG"])] = f"sha256:{name}"
        return BuildOutcome(Build("shop-build:1", "shop-build", self.status, complete=True, commit=self.commit))


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    made = World(tmp_path)
    monkeypatch.setattr(builders, "builder", lambda env: made)
    return made


@pytest.fixture
def found(tmp_path: Path) -> Source:
    return Source(tmp_path, COMMIT, "Greet")


def away(**known: Any) -> BuildOptions:
    return BuildOptions(**{"on": "codebuild", "token": "t" * 64} | known)


def test_codebuild_gets_one_build_for_all_images_with_what_it_must_know(world: World, found: Source) -> None:
    results: list[BuildResult] = []
    made = images.make(world.env, found, "v1.0.0", away(on_result=results.append))
    assert {name: one.digest for name, one in made.items()} == {"app": "sha256:app", "proxy": "sha256:proxy"}
    (request,) = world.requests
    assert (request.project, request.commit, request.token) == ("shop-build", COMMIT, "t" * 64)
    assert request.variables == {
        "LONGSHORE_APPLICATION": "shop",
        "LONGSHORE_ENVIRONMENT": "test",
        "LONGSHORE_TAG": "v1.0.0",
        "LONGSHORE_IMAGES": "app,proxy",
        "LONGSHORE_BUILD_ARGS": json.dumps({"app": {"COLOUR": "red"}}),
    }
    assert [(one.id, one.status) for one in results] == [("shop-build:1", "IN_PROGRESS"), ("shop-build:1", "SUCCEEDED")]
    assert world.masked == "NPM_TOKEN=(masked)"


def test_a_commit_that_was_built_before_is_not_built_again(world: World, found: Source) -> None:
    images.make(world.env, found, "v1.0.0", away())
    again = images.make(world.env, found, "v1.0.1", away())
    assert [one.reused for one in again.values()] == [True, True]
    assert len(world.requests) == 1
    del world.registry.held[("shop/app", "v1.0.0")], world.registry.held[("shop/app", "v1.0.1")]
    images.make(world.env, found, "v1.0.2", away())
    assert world.requests[-1].variables["LONGSHORE_IMAGES"] == "app"
    images.make(world.env, found, "v1.0.3", away(rebuild=True))
    assert world.requests[-1].variables["LONGSHORE_IMAGES"] == "app,proxy"


def test_success_without_the_image_and_success_of_another_commit_are_failures(world: World, found: Source) -> None:
    world.pushes = False
    with pytest.raises(BuildError, match=r"shop-build:1 has succeeded, but shop/app has no image v1\.0\.0"):
        images.make(world.env, found, "v1.0.0", away())
    world.commit, world.pushes = "f" * 40, True
    with pytest.raises(BuildError, match="has built ffff"):
        images.make(world.env, found, "v1.0.1", away())
    assert world.ledger.built("app", COMMIT, "") is None
    assert images.built_from(world.env, "v1.0.1") is None


def test_what_is_resumed_looks_for_what_it_has_pushed(world: World, found: Source) -> None:
    world.registry.held[("shop/app", "v1.0.0")] = "sha256:pushed"
    made = images.make(world.env, found, "v1.0.0", away(resumed=True))
    assert made["app"].digest == "sha256:pushed"
    assert world.requests[-1].variables["LONGSHORE_IMAGES"] == "proxy"


@pytest.fixture
def here(world: World, found: Source, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str, dict[str, str]]]:
    """What is built on this machine: image, tag and build arguments."""
    built: list[tuple[str, str, dict[str, str]]] = []

    def build(spec: BuildSpec, tag: str, *_: object, **__: object) -> BuiltImage:
        built.append((spec.image, tag, dict(spec.build_args)))
        return BuiltImage(spec.image, spec.repository, tag, "sha256:here", reused=False, seconds=0.0)

    monkeypatch.setattr(build_image, "build", build)
    monkeypatch.setattr(images, "source_of", lambda target: found)
    return built


def test_an_ordered_build_takes_tag_images_and_arguments_and_leaves_the_ledger_alone(
    world: World, here: list[tuple[str, str, dict[str, str]]]
) -> None:
    variables = {
        "LONGSHORE_TAG": "v2.0.0",
        "LONGSHORE_IMAGES": "app",
        "LONGSHORE_BUILD_ARGS": '{"app": {"COLOUR": "blue"}}',
    }
    world.env.__dict__["ledger"] = None
    images.build_requested(world.env, RequestedBuild.read(variables))
    assert here == [("app", "v2.0.0", {"COLOUR": "blue"})]


def test_a_build_that_nobody_ordered_is_of_the_commit_and_is_made_once(
    world: World, here: list[tuple[str, str, dict[str, str]]]
) -> None:
    world.registry.held[("shop/proxy", "commit-0123456789ab")] = "sha256:proxy"
    images.build_requested(world.env, RequestedBuild.read({}))
    assert here == [("app", "commit-0123456789ab", {"COLOUR": "red"})]


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"LONGSHORE_BUILD_ARGS": "red"}, "LONGSHORE_BUILD_ARGS is no JSON object"),
        ({"LONGSHORE_BUILD_ARGS": "[1]"}, "LONGSHORE_BUILD_ARGS is no JSON object"),
        ({"LONGSHORE_IMAGES": "app,web"}, "orders web, but invoke.yaml has: app, proxy"),
        ({"LONGSHORE_TAG": "latest"}, "'latest' is not a version"),
    ],
)
def test_an_order_that_can_not_be_met_is_refused(
    world: World, here: list[Any], variables: dict[str, str], said: str
) -> None:
    with pytest.raises(UsageError, match=said):
        images.build_requested(world.env, RequestedBuild.read(variables))
    assert here == []


def test_the_commit_of_a_tag_is_known_where_it_lies_here(
    world: World, found: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    images.make(world.env, found, "v1.0.0", away())
    monkeypatch.setattr(images, "source_of", lambda target: found)
    assert images.built_from(world.env, "v1.0.0") == found
    world.registry.held[("shop/app", "v1.0.1")] = "sha256:another"
    assert images.built_from(world.env, "v1.0.1") is None
    dirty = Source(found.root, COMMIT, "Greet", ("app.py",))
    monkeypatch.setattr(images, "source_of", lambda target: dirty)
    assert images.built_from(world.env, "v1.0.0") is None


def test_codebuild_can_fetch_only_what_was_committed_and_pushed(found: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(GitError, match=r"changes that are not committed:\n  app.py") as caught:
        builders.refuse_unpublished(Source(found.root, COMMIT, "Greet", ("app.py",)))
    assert "push" in caught.value.hint
    monkeypatch.setattr(git, "is_pushed", lambda found: False)
    with pytest.raises(GitError, match=r"no remote of .* is known to have the commit 0123456789ab"):
        builders.refuse_unpublished(found)
    monkeypatch.setattr(git, "is_pushed", lambda found: True)
    builders.refuse_unpublished(found)


def test_no_secret_of_this_process_is_ordered_of_codebuild(world: World) -> None:
    world.env.aws.codebuild = SimpleNamespace(ids=lambda project: [])  # type: ignore[assignment]
    assert builders.check(world.env, "codebuild") == "CodeBuild, project shop-build"
    # As INVOKE_LONGSHORE_APPLICATIONS_SHOP_IMAGES_APP_BUILD_ARGS_NPM_TOKEN brings one in, and the masks know it.
    world.env.target.app.images["app"].build_args["NPM_TOKEN"] = "hush-hush"
    world.env.console.masks.hide(["hush-hush"])
    with pytest.raises(ConfigError, match=r"^images\.app\.build_args\.NPM_TOKEN: a secret") as caught:
        builders.check(world.env, "codebuild")
    assert "hush" not in caught.value.message


def test_a_build_that_nobody_ordered_has_all_that_its_buildspec_asks_for() -> None:
    asked = set(re.findall(r"\$\{?(LONGSHORE_\w+)", (ROOT / "buildspec.image.yml").read_text()))
    foundation = variable_files.read([ROOT / "environments" / "foundation.tfvars"])
    own = {"LONGSHORE_APPLICATION"}  # the stack's, terraform/foundation/main.tf
    assert asked == own | variable_files.texts(foundation["build"], "environment").keys()
