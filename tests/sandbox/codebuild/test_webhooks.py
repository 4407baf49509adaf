"""Local repositories, and pushes to them that start builds."""

from __future__ import annotations

import os
import uuid
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from longshore.errors import UsageError
from longshore.sandbox import control
from longshore.sandbox.codebuild.repositories import repository_name
from tests.sandbox.build_world import World, commands, commit, git

pytestmark = pytest.mark.scenario

SPEC = commands(build=["env | grep ^CODEBUILD_WEBHOOK_ | sort"])
PUSH = {"type": "EVENT", "pattern": "PUSH, PULL_REQUEST_CREATED"}


class Clone:
    """A project with a webhook, and a clone of its repository."""

    def __init__(self, world: World, folder: Path, *groups: list[dict[str, Any]], **given: Any) -> None:
        self.world, self.folder = world, folder
        self.name = f"shop-{uuid.uuid4().hex[:8]}"
        source = {"type": "GITHUB", "location": f"https://github.com/acme/{self.name}.git"}
        self.project = world.project(name=self.name, source=source, **given)
        self.hook = world.codebuild.create_webhook(projectName=self.project, filterGroups=list(groups))["webhook"]
        git(folder, "init", "--quiet")
        git(folder, "remote", "add", "sandbox", str(world.directory / "repositories" / f"{self.name}.git"))

    def push(self, refs: str = "HEAD:main") -> str:
        """Push, and return the output for the user who pushes."""
        return git(self.folder, "push", "sandbox", refs)

    def builds(self) -> list[Any]:
        """The builds that were started, oldest first, once they have ended."""
        ids = self.world.codebuild.list_builds_for_project(projectName=self.project, sortOrder="ASCENDING")["ids"]
        return [self.world.wait(build) for build in ids]


def test_a_push_starts_a_build(world: World, tmp_path: Path) -> None:
    clone = Clone(world, tmp_path, [PUSH, {"type": "HEAD_REF", "pattern": "^refs/heads/main$"}])
    first = commit(tmp_path, buildspec_yml=SPEC)
    shown = clone.push()
    second = commit(tmp_path, "Again")
    clone.push()
    clone.push("HEAD:other")

    builds = clone.builds()
    assert [build["sourceVersion"] for build in builds] == [first, second]
    assert [build["resolvedSourceVersion"] for build in builds] == [first, second]
    assert [build["initiator"] for build in builds] == [f"GitHub-Hookshot/{first[:7]}", f"GitHub-Hookshot/{second[:7]}"]
    assert f"sandbox: started {builds[0]['id']}" in shown
    common = [
        f"CODEBUILD_WEBHOOK_ACTOR_ACCOUNT_ID={os.getuid()}",
        "CODEBUILD_WEBHOOK_EVENT=PUSH",
        "CODEBUILD_WEBHOOK_HEAD_REF=refs/heads/main",
    ]
    assert world.output(builds[0]) == [*common, "CODEBUILD_WEBHOOK_TRIGGER=branch/main"]
    previous = f"CODEBUILD_WEBHOOK_PREV_COMMIT={first}"
    assert world.output(builds[1]) == [*common, previous, "CODEBUILD_WEBHOOK_TRIGGER=branch/main"]


@pytest.mark.parametrize(
    ("filters", "starts"),
    [
        ([], True),
        ([{"type": "COMMIT_MESSAGE", "pattern": r"\[build\]"}], True),
        ([{"type": "COMMIT_MESSAGE", "pattern": r"\[skip\]"}], False),
        ([{"type": "COMMIT_MESSAGE", "pattern": r"\[build\]", "excludeMatchedPattern": True}], False),
        ([{"type": "FILE_PATH", "pattern": "^page"}], True),
        ([{"type": "FILE_PATH", "pattern": "^docs/"}], False),
        ([{"type": "FILE_PATH", "pattern": "^docs/", "excludeMatchedPattern": True}], True),
        ([{"type": "ACTOR_ACCOUNT_ID", "pattern": f"^{os.getuid()}$"}], True),
        ([{"type": "ACTOR_ACCOUNT_ID", "pattern": "^nobody$"}], False),
        ([{"type": "BASE_REF", "pattern": "."}], False),
        ([{"type": "HEAD_REF", "pattern": "^refs/tags/"}], False),
    ],
)
def test_filters_select_pushes(world: World, tmp_path: Path, filters: list[dict[str, Any]], *, starts: bool) -> None:
    clone = Clone(world, tmp_path, [{"type": "EVENT", "pattern": "PULL_REQUEST_MERGED"}], [PUSH, *filters])
    control.script_builds(world.state, [{"project": clone.project, "status": "SUCCEEDED"}])
    commit(tmp_path, "Page [build]", page_txt="one\n")
    clone.push()

    assert len(clone.builds()) == starts


def test_pushes_of_a_tag_a_deletion_and_after_deleting_the_webhook(world: World, tmp_path: Path) -> None:
    clone = Clone(world, tmp_path)
    control.script_builds(world.state, [{"project": clone.project, "status": "SUCCEEDED", "times": 9}])
    commit(tmp_path, buildspec_yml=SPEC)
    clone.push()
    clone.push("HEAD:refs/tags/v1")
    clone.push("HEAD:side")
    clone.push(":side")
    assert len(clone.builds()) == 3
    world.codebuild.delete_webhook(projectName=clone.project)
    commit(tmp_path, "Again")
    clone.push()

    assert len(clone.builds()) == 3


def test_a_push_calls_the_webhooks_of_all_projects_with_the_repository(world: World, tmp_path: Path) -> None:
    clone = Clone(world, tmp_path, concurrentBuildLimit=1)
    source = {"type": "GITHUB", "location": f"git@github.com:acme/{clone.name}"}
    other = world.project(source=source)
    world.codebuild.create_webhook(projectName=other, branchFilter="^main$")
    stays = {"status": "IN_PROGRESS", "phase": "QUEUED"}
    control.script_builds(world.state, [{"project": clone.project, **stays}, {"project": other, **stays, "times": 2}])
    commit(tmp_path)
    clone.push()
    commit(tmp_path, "Again")
    shown = clone.push()
    clone.push("HEAD:side")

    assert f"sandbox: project {clone.project} started no build: Cannot have more than 1 active builds" in shown
    builds = world.codebuild.list_builds_for_project(projectName=other)["ids"]
    assert len(builds) == 2
    for build in (*builds, *world.codebuild.list_builds_for_project(projectName=clone.project)["ids"]):
        world.codebuild.stop_build(id=build)


def test_a_webhook_is_returned_without_its_secret(world: World, tmp_path: Path) -> None:
    groups = [[{"type": "EVENT", "pattern": "PUSH", "excludeMatchedPattern": False}]]
    clone = Clone(world, tmp_path, *groups)
    shown = world.codebuild.batch_get_projects(names=[clone.project])["projects"][0]["webhook"]

    assert len(clone.hook["secret"]) == 40
    assert shown == {name: value for name, value in clone.hook.items() if name != "secret"}
    assert shown["filterGroups"] == groups
    changed = world.codebuild.update_webhook(projectName=clone.project, branchFilter="main", rotateSecret=True)[
        "webhook"
    ]
    assert (changed["branchFilter"], "filterGroups" in changed) == ("main", False)
    assert changed["secret"] != clone.hook["secret"]
    with pytest.raises(ClientError, match="ResourceAlreadyExistsException"):
        world.codebuild.create_webhook(projectName=clone.project)


@pytest.mark.parametrize(
    "group",
    [
        [{"type": "HEAD_REF", "pattern": "main"}],
        [PUSH, {"type": "HEAD_REF", "pattern": "("}],
        [{"type": "TAG_NAME", "pattern": "x"}],
    ],
)
def test_invalid_filters_are_refused(world: World, tmp_path: Path, group: list[dict[str, Any]]) -> None:
    with pytest.raises(ClientError, match="InvalidInputException"):
        Clone(world, tmp_path, group)


def test_some_sources_have_no_webhooks(world: World) -> None:
    with pytest.raises(ClientError, match="InvalidInputException"):
        world.codebuild.create_webhook(projectName=world.project(SPEC))


@pytest.mark.parametrize(
    ("location", "name"),
    [
        ("https://github.com/acme/shop", "shop"),
        ("https://github.com/acme/shop.git", "shop"),
        ("https://git-codecommit.eu-central-1.amazonaws.com/v1/repos/shop.web", "shop.web"),
        ("git@github.com:acme/shop.git", "shop"),
        ("git@github.com:shop.git", "shop"),
    ],
)
def test_the_name_of_a_repository_is_the_end_of_its_location(location: str, name: str) -> None:
    assert repository_name({"type": "GITHUB", "location": location}) == name
    assert repository_name({"type": "S3", "location": location}) is None


def test_the_path_of_a_repository_is_returned(world: World, tmp_path: Path) -> None:
    path = control.repository(world.state, "by-hand")

    assert path == world.directory / "repositories" / "by-hand.git"
    assert git(path, "rev-parse", "--is-bare-repository") == "true"
    assert control.repository(world.state, "by-hand") == path
    with pytest.raises(UsageError, match=r"\.\./x"):
        control.repository(world.state, "../x")
    control.repository(world.state, "another")
    with pytest.raises(UsageError, match=r"the sandbox has ([2-9]|[1-9][0-9]+) repositories"):
        control.repository(world.state)


def test_a_push_reports_that_the_sandbox_is_not_running(tmp_path: Path) -> None:
    from tests.sandbox.build_world import world_in  # noqa: PLC0415

    clone = tmp_path / "clone"
    clone.mkdir()
    git(clone, "init", "--quiet")
    commit(clone)
    with world_in(tmp_path / "sandbox") as world:
        with pytest.raises(UsageError, match="the sandbox has no repositories"):
            control.repository(world.state)
        path = control.repository(world.state, "shop")
        assert control.repository(world.state) == path

    assert "sandbox: no build was started: " in git(clone, "push", str(path), "HEAD:main")
