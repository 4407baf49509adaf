"""The images of a release: their builders and their commit."""

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
from longshore.aws.ecr import Manifest, Repository
from longshore.clock import Clock
from longshore.config.settings import load
from longshore.config.target import select
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
from longshore.terminal.console import Console
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
    media_type: str = "application/vnd.oci.image.manifest.v1+json"

    def repository(self, name: str) -> Repository:
        return Repository(name, f"registry.test/{name}", "123456789012")

    def digest(self, name: str, tag: str) -> str | None:
        return self.held.get((name, tag))

    def manifest(self, name: str, digest: str) -> Manifest | None:
        text = json.dumps({"manifests": [{"digest": f"{digest}-amd64"}, {"digest": f"{digest}-arm64"}]})
        return Manifest(digest, text, self.media_type) if digest in self.held.values() else None

    def put_tag(self, name: str, manifest: Manifest, tag: str) -> None:
        self.held[(name, tag)] = manifest.digest


@dataclass
class World:
    """An application of two images in a folder; only `run` pushes them."""

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
        env = SimpleNamespace(
            target=target, console=console, clock=Clock(), ledger=self.ledger, aws=SimpleNamespace(ecr=self.registry)
        )
        self.env = cast(Environment, env)

    def run(self, request: BuildRequest, options: FollowOptions) -> BuildOutcome:
        """Stands in for CodeBuild."""
        self.requests.append(request)
        options.on_start(Build("shop-build:1"))
        (self.masked,) = options.mask(["NPM_TOKEN=unheard-of"])
        for name in request.variables["LONGSHORE_IMAGES"].split(",") if self.pushes else []:
            self.registry.held[(f"shop/{name}", request.variables["LONGSHORE_TAG"])] = f"sha256:{name}"
        return BuildOutcome(Build("shop-build:1", "shop-build", self.status, complete=True, commit=self.commit))


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    world = World(tmp_path)
    monkeypatch.setattr(builders, "builder", lambda env: world)
    return world


@pytest.fixture
def source(tmp_path: Path) -> Source:
    return Source(tmp_path, COMMIT, "Greet")


def on_codebuild(**fields: Any) -> BuildOptions:
    return BuildOptions(**{"on": "codebuild", "token": "t" * 64} | fields)


def test_codebuild_gets_one_build_for_all_images_with_its_variables(world: World, source: Source) -> None:
    results: list[BuildResult] = []
    built = images.make(world.env, source, "v1.0.0", on_codebuild(on_result=results.append))
    assert {name: image.digest for name, image in built.items()} == {"app": "sha256:app", "proxy": "sha256:proxy"}
    (request,) = world.requests
    assert (request.project, request.commit, request.token) == ("shop-build", COMMIT, "t" * 64)
    assert request.variables == {
        "LONGSHORE_APPLICATION": "shop",
        "LONGSHORE_ENVIRONMENT": "test",
        "LONGSHORE_TAG": "v1.0.0",
        "LONGSHORE_IMAGES": "app,proxy",
        "LONGSHORE_BUILD_ARGS": json.dumps({"app": {"COLOUR": "red"}}),
    }
    assert [(result.id, result.status) for result in results] == [
        ("shop-build:1", "IN_PROGRESS"),
        ("shop-build:1", "SUCCEEDED"),
    ]
    assert world.masked == "NPM_TOKEN=(masked)"


def test_a_commit_that_was_built_before_is_not_built_again(world: World, source: Source) -> None:
    images.make(world.env, source, "v1.0.0", on_codebuild())
    again = images.make(world.env, source, "v1.0.1", on_codebuild())
    assert [image.reused for image in again.values()] == [True, True]
    assert len(world.requests) == 1
    del world.registry.held[("shop/app", "v1.0.0")], world.registry.held[("shop/app", "v1.0.1")]
    images.make(world.env, source, "v1.0.2", on_codebuild())
    assert world.requests[-1].variables["LONGSHORE_IMAGES"] == "app"
    images.make(world.env, source, "v1.0.3", on_codebuild(rebuild=True))
    assert world.requests[-1].variables["LONGSHORE_IMAGES"] == "app,proxy"


def test_a_successful_build_without_the_image_or_of_another_commit_is_an_error(world: World, source: Source) -> None:
    world.pushes = False
    with pytest.raises(BuildError, match=r"shop-build:1 succeeded, but shop/app has no image v1\.0\.0"):
        images.make(world.env, source, "v1.0.0", on_codebuild())
    world.commit, world.pushes = "f" * 40, True
    with pytest.raises(BuildError, match="built ffff"):
        images.make(world.env, source, "v1.0.1", on_codebuild())
    assert world.ledger.built("app", COMMIT, "") is None
    assert images.built_from(world.env, "v1.0.1") is None


@pytest.mark.parametrize(
    ("media_type", "platforms"),
    [
        ("application/vnd.oci.image.manifest.v1+json", []),
        ("application/vnd.oci.image.index.v1+json", ["sha256:index-amd64", "sha256:index-arm64"]),
        ("application/vnd.docker.distribution.manifest.list.v2+json", ["sha256:index-amd64", "sha256:index-arm64"]),
    ],
)
def test_an_existing_image_has_the_digests_of_its_platforms(
    world: World, media_type: str, platforms: list[str]
) -> None:
    world.registry.media_type = media_type
    world.registry.held = {(f"shop/{name}", "v1.0.0"): "sha256:index" for name in ("app", "proxy")}
    image = images.existing(world.env, "v1.0.0")["app"]
    assert (image.digest, image.platforms) == ("sha256:index", platforms)


def test_a_resumed_release_reuses_the_images_that_it_pushed(world: World, source: Source) -> None:
    world.registry.held[("shop/app", "v1.0.0")] = "sha256:pushed"
    built = images.make(world.env, source, "v1.0.0", on_codebuild(resumed=True))
    assert built["app"].digest == "sha256:pushed"
    assert world.requests[-1].variables["LONGSHORE_IMAGES"] == "proxy"


@pytest.fixture
def local_builds(
    world: World, source: Source, monkeypatch: pytest.MonkeyPatch
) -> list[tuple[str, str, dict[str, str]]]:
    """The builds on this machine: image, tag and build arguments."""
    built: list[tuple[str, str, dict[str, str]]] = []

    def build(spec: BuildSpec, tag: str, *_: object, **__: object) -> BuiltImage:
        built.append((spec.image, tag, dict(spec.build_args)))
        return BuiltImage(spec.image, spec.repository, tag, "sha256:local", reused=False, seconds=0.0)

    monkeypatch.setattr(build_image, "build", build)
    monkeypatch.setattr(images, "source_of", lambda target: source)
    return built


def test_a_requested_build_uses_tag_images_and_arguments_of_the_request_and_no_ledger(
    world: World, local_builds: list[tuple[str, str, dict[str, str]]]
) -> None:
    variables = {
        "LONGSHORE_TAG": "v2.0.0",
        "LONGSHORE_IMAGES": "app",
        "LONGSHORE_BUILD_ARGS": '{"app": {"COLOUR": "blue"}}',
    }
    world.env.__dict__["ledger"] = None
    images.build_requested(world.env, RequestedBuild.read(variables))
    assert local_builds == [("app", "v2.0.0", {"COLOUR": "blue"})]


def test_a_build_without_a_request_is_tagged_by_commit_and_built_once(
    world: World, local_builds: list[tuple[str, str, dict[str, str]]]
) -> None:
    world.registry.held[("shop/proxy", "commit-0123456789ab")] = "sha256:proxy"
    images.build_requested(world.env, RequestedBuild.read({}))
    assert local_builds == [("app", "commit-0123456789ab", {"COLOUR": "red"})]


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"LONGSHORE_BUILD_ARGS": "red"}, "LONGSHORE_BUILD_ARGS is not a JSON object"),
        ({"LONGSHORE_BUILD_ARGS": "[1]"}, "LONGSHORE_BUILD_ARGS is not a JSON object"),
        ({"LONGSHORE_IMAGES": "app,web"}, "names web, which invoke.yaml does not configure"),
        ({"LONGSHORE_TAG": "latest"}, "'latest' is not a version"),
    ],
)
def test_an_invalid_request_is_refused(
    world: World, local_builds: list[Any], variables: dict[str, str], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        images.build_requested(world.env, RequestedBuild.read(variables))
    assert local_builds == []


def test_the_commit_of_a_tag_is_found_if_it_is_checked_out(
    world: World, source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    images.make(world.env, source, "v1.0.0", on_codebuild())
    monkeypatch.setattr(images, "source_of", lambda target: source)
    assert images.built_from(world.env, "v1.0.0") == source
    world.registry.held[("shop/app", "v1.0.1")] = "sha256:another"
    assert images.built_from(world.env, "v1.0.1") is None
    dirty = Source(source.root, COMMIT, "Greet", ("app.py",))
    monkeypatch.setattr(images, "source_of", lambda target: dirty)
    assert images.built_from(world.env, "v1.0.0") is None


def test_codebuild_needs_a_commit_that_was_pushed(source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(GitError, match=r"uncommitted changes:\n  app.py") as caught:
        builders.refuse_unpublished(Source(source.root, COMMIT, "Greet", ("app.py",)))
    assert "push" in caught.value.hint
    monkeypatch.setattr(git, "is_pushed", lambda source: False)
    with pytest.raises(GitError, match=r"no remote branch of .* contains the commit 0123456789ab"):
        builders.refuse_unpublished(source)
    monkeypatch.setattr(git, "is_pushed", lambda source: True)
    builders.refuse_unpublished(source)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("NPM_TOKEN", "hush-hush"),
        ("REGISTRY", "https://shop:hush-hush@registry"),
        ("NPMRC", "//registry/:_authToken=hush-known"),
    ],
)
def test_no_secret_is_sent_to_codebuild(world: World, monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    world.env.aws.codebuild = SimpleNamespace(ids=lambda project: [])  # type: ignore[assignment]
    assert builders.check(world.env, "codebuild") == "CodeBuild, project shop-build"
    # As set by INVOKE_LONGSHORE_APPLICATIONS_SHOP_IMAGES_APP_BUILD_ARGS_NPM_TOKEN.
    world.env.target.app.images["app"].build_args[name] = value
    monkeypatch.setenv("DEPLOY_TOKEN", "hush-known")
    with pytest.raises(ConfigError, match=rf"^images\.app\.build_args\.{name}: a secret") as caught:
        builders.check(world.env, "codebuild")
    assert "hush" not in caught.value.message


def test_a_public_value_is_sent_to_codebuild(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.env.aws.codebuild = SimpleNamespace(ids=lambda project: [])  # type: ignore[assignment]
    dsn = "https://1a2b3c4d@o1.ingest.sentry.io/1"
    monkeypatch.setenv("SENTRY_DSN", dsn)
    world.env.target.app.images["app"].build_args.update({
        "NEXT_PUBLIC_SENTRY_DSN": dsn, "NEXT_PUBLIC_POSTHOG_KEY": "phc_1a2b3c", "VITE_ALGOLIA_SEARCH_KEY": "1a2b3c",
        "MAPS": "AIza" + "a" * 35, "STRIPE_PUBLISHABLE_KEY": "pk_" + "live_" + "a" * 24, "BASE": "docker://a:v1@sha256:0",
    })  # fmt: skip
    world.env.console.masks.hide([dsn])
    assert builders.check(world.env, "codebuild") == "CodeBuild, project shop-build"


def test_a_build_without_a_request_has_all_variables_of_its_buildspec() -> None:
    asked = set(re.findall(r"\$\{?(LONGSHORE_\w+)", (ROOT / "buildspec.image.yml").read_text()))
    foundation = variable_files.read([ROOT / "environments" / "foundation.tfvars"])
    own = {"LONGSHORE_APPLICATION"}  # the stack's, terraform/foundation/main.tf
    assert asked == own | variable_files.strings(foundation["build"], "environment").keys()
